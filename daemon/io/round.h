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
 * Whole, in one turn, are what an operator asks for now and then: `mesh schedule revert`,
 * and the input of `mesh plan`.
 */
#ifndef IO_ROUND_H
#define IO_ROUND_H

#include "../base/err.h"
#include "../core/blob.h"
#include "../core/plan.h"
#include "world.h"

struct engine;

/* Start one; its end says lead_ended.  Only while this node leads, and none is under way. */
void round_start(struct engine *e);
/* The one under way, if any, ends without an answer. */
void round_abandon(struct engine *e);
/* What a round would get now; out to free.  -1: no memory, or a broken parent. */
MUST_CHECK int round_input(struct engine *e, struct blob *out);
/* Issue plan, an operator's, judged in w, which it takes, and what plan holds: 0, or 1 when it is what is
 * in force.  Negative: a rail holds a role of it, which force lifts, or what a round fails by. */
MUST_CHECK int round_revert(struct engine *e, struct world *w, struct plan *plan, bool force,
    struct err *err);

#endif
