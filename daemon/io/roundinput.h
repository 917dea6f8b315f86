/*
 * roundinput.h - what a round would get now, for `mesh plan` and `mesh schedule input`: packed
 * as a round packs it, in pieces (turns.h), beside the one that may be under way.
 *
 *	ask -> look .. piece by piece .. whole -> everybody who asked before the look
 *
 * Who asks meanwhile gets the next one: an answer is never older than its question.
 */
#ifndef IO_ROUNDINPUT_H
#define IO_ROUNDINPUT_H

#include "roundask.h"
#include "turns.h"

struct engine;
struct roundinput_who;

/* 0 and the input, borrowed for the call; or a negative ERR_. */
typedef void roundinput_done(void *arg, int rc, struct slice input);

/* A zeroed one: nobody asks. */
struct roundinput {
	struct work turn;
	struct roundask ask;
	unsigned tries;
	struct roundinput_who *now, *next; /* who is answered by this one, and by the one behind it */
};

/* On the leader.  done is called once, maybe before this returns. */
void roundinput_ask(struct engine *e, roundinput_done *done, void *arg);
/* Office lost: so all are told. */
void roundinput_stop(struct engine *e);

#endif
