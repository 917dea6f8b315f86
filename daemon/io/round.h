/*
 * round.h - one scheduling round: world -> input -> script -> plan -> rails ->
 * signed schedule -> kept, announced, applied here.
 *
 * A leader of a thousand nodes works a hundred milliseconds for each, and is to hear and be
 * heard meanwhile: so it is a list of pieces, each in a turn of the loop of its own (turns.h).
 *
 *	round_start                 may there be one, by which code?
 *	  PACK      .. piece by piece ..   world -> input           roundask.h
 *	  QUESTION                         limits, code, input: what meshd-script reads
 *	  START                            a process; from here on the loop is everybody's,
 *	on_answer                          until it has answered: that is copied
 *	  JUDGE     .. piece by piece ..   answer -> schedule       roundjudge.h
 *	  END                              recorded, shown to the shadow, told to who waits
 *
 * What is under way is one struct round, which owns all that lies between two pieces; so it
 * may be thrown away between any two of them (round_abandon), with one exception: a schedule
 * that is durable is adopted, and its round ends as such.  sched.running is true from the
 * first piece to the last: no second round begins meanwhile, and what is noted meanwhile
 * begins another one behind it.
 *
 * What an operator wants in force (`mesh schedule revert`) goes through the same JUDGE, as a round
 * that asks no script; the input of `mesh plan` is roundinput.h's.
 */
#ifndef IO_ROUND_H
#define IO_ROUND_H

#include "roundjudge.h"

struct engine;

/* Start one; its end says lead_ended.  Only while this node leads, and none is under way. */
void round_start(struct engine *e);
/* The one under way, if any, ends without an answer. */
void round_abandon(struct engine *e);
/* An operator's.  told is called once: 0, it is in force, or was already; else err->code is a
 * round's, and a rail that holds a role of it, which WISH_FORCED lifts, is a ROUND_FAULT. */
struct round_wish {
	enum wish wish;	     /* WISH_REVERT, WISH_FORCED */
	struct schedule old; /* what is to be in force again; or */
	struct blob answer;  /* what a script said once, where old is empty */
	void (*told)(void *arg, int rc, const struct err *err);
	void *arg;
};
/* It begins, and the one under way, if any, has ended without an answer.  What it owns is taken. */
void round_revert(struct engine *e, struct round_wish *w);

#endif
