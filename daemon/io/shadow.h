/*
 * shadow.h - the scheduler in config-dir/scheduler-scripts-shadow/, if there is one, gets the
 * input of every round after the one in force has answered; its answer is checked as any,
 * compared, shown, and never applied.
 *
 *	round: input -> scheduler-scripts -> issued
 *	         \----> scheduler-scripts-shadow -> how far from that: `mesh status`,
 *	                                            `mesh schedule shadow`
 *
 * It runs on the leader, in limits of its own, one at a time: a round that ends while it
 * still runs is one that it does not see.  Its `state` never comes back to it, since what
 * comes back is what was issued: a shadow that lives by its state is no likeness.
 */
#ifndef IO_SHADOW_H
#define IO_SHADOW_H

#include <msgpack.h>

#include "../core/planmoves.h"
#include "script.h"

struct engine;

struct shadow {
	struct script_run *run;		   /* under way */
	struct blob question;		   /* that it is about to be asked */
	uv_timer_t soon;
	struct blob main, asked;	   /* what the scripts in force said; of run, and of the last */
	struct blob theirs;		   /* what it said; empty: it failed */
	uint64_t rounds, differed, missed; /* of this office */
	struct planmoves moves;
	char error[ERR_TEXT_CAP]; /* of the last, or "" */
	uint32_t ms;
};

void shadow_init(struct engine *e);
/* A round was answered; input and result are borrowed. */
void shadow_round(struct engine *e, struct slice input, struct slice result);
void shadow_stop(struct engine *e);
/* {rounds, differed, missed, error, added, removed, moved, changed, roles, ms}, or nil: there is none. */
void shadow_pack(const struct engine *e, msgpack_packer *pk);
/* {error, before, after}: the answers themselves, and nil where one is not there. */
void shadow_pack_answers(const struct engine *e, msgpack_packer *pk);

#endif
