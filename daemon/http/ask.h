/*
 * ask.h - one question to the engine over run-dir/ctl (daemon/base/ctl.h), without
 * waiting: the caller polls.
 *
 *   ask_start -> poll(ask_fd, ask_events) -> ask_turn ... until it is not 0 -> ask_free
 */
#ifndef HTTP_ASK_H
#define HTTP_ASK_H

#include "../base/err.h"

struct ask;

/* The question is copied.  NULL and err (code EXIT_NO_DAEMON): nobody is there. */
MUST_CHECK struct ask *ask_start(const char *ctl, const void *question, size_t len, msec deadline, struct err *err);
int ask_fd(const struct ask *a);
short ask_events(const struct ask *a);
msec ask_deadline(const struct ask *a);
/* 1: the whole answer is there, 0: more to come, -1 and err. */
int ask_turn(struct ask *a, msec now, struct err *err);
/* Of a whole one: the frame's data, msgpack, borrowed; NULL and *err where it says that
 * it failed (err->code is the frame's). */
const uint8_t *ask_data(const struct ask *a, size_t *len, struct err *err);
void ask_free(struct ask *a);

#endif
