/*
 * exec_in.h - what the files of exec.h share.
 */
#ifndef SUPERVISOR_EXEC_IN_H
#define SUPERVISOR_EXEC_IN_H

#include "exec.h"

/* Its instance and argv are set: judge no more, run it. */
void exec_begin(struct sup *s, struct exec *x, msec now);
/* Close and free all of it; also the first time. */
void exec_slot_free(struct exec *x);
/* A probe that was begun is over: tell health.h. */
void exec_probe_ended(struct sup *s, struct exec *x, msec now);
void exec_say(struct exec *x, enum exec_kind kind, int code, int status,
    const char *text);

/* The listener can be read: a new slot, if it is root who calls. */
void exec_accept(struct sup *s, msec now);
/* 1: the request is there, and its form is right.  -1: not yet.  0: the caller is
 * gone.  -EXEC_CODE_REFUSED: it is to be refused, with *err. */
MUST_CHECK int exec_take(struct exec *x, struct err *err);
/* A signal's number.  -1: none yet.  0: the caller is gone, or talks nonsense. */
MUST_CHECK int exec_take_signal(struct exec *x);

#endif
