/*
 * owned.h - whether the engine may use what lies in its own state directory: a copy put
 * back by root belongs to root, and the first open that fails names one file of many.
 */
#ifndef IO_OWNED_H
#define IO_OWNED_H

#include "../base/err.h"

/* 0, or -EXIT_STATE: names all that this process may not read and write, whose it is,
 * and the command that gives it back.  What is not there is made later. */
MUST_CHECK int owned_check(int state_fd, struct err *err);

#endif
