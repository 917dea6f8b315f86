/*
 * round.h - one scheduling round: world -> input -> script -> plan -> rails ->
 * signed schedule -> kept, announced, applied here.
 */
#ifndef IO_ROUND_H
#define IO_ROUND_H

#include "../base/err.h"
#include "../core/blob.h"
#include "../core/plan.h"

struct engine;

/* Start one; its end says lead_ended.  Only while this node leads. */
void round_start(struct engine *e);
/* The one under way, if any, ends without an answer. */
void round_abandon(struct engine *e);
/* What a round would get now; out to free.  -1: no memory, or a broken parent. */
MUST_CHECK int round_input(struct engine *e, struct blob *out);
/* Issue plan, an operator's, judged in e->lead.world: 0, or 1 when it is what is in force.
 * Negative: a rail holds a role of it, which force lifts, or what a round fails by. */
MUST_CHECK int round_revert(struct engine *e, struct plan *plan, bool force, struct err *err);

#endif
