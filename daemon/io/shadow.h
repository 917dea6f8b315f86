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
#include "roundjudge.h"
#include "script.h"
#include "turns.h"

struct engine;

enum shadow_at {
	SHADOW_IDLE,
	SHADOW_QUESTION,
	SHADOW_START,
	SHADOW_SCRIPT, /* it runs */
	SHADOW_THEIRS, /* its answer is checked */
	SHADOW_MINE,   /* that of the scripts in force */
	SHADOW_LAST,   /* a role failed: what was in force is looked for */
	SHADOW_READ,   /* and read */
	SHADOW_KEEP,   /* such a role has that, in both (rail.h); one role in a piece */
	SHADOW_PACK,   /* what these have, for who asks */
	SHADOW_COUNT,  /* how far they are apart */
	SHADOW_TIDY,   /* what that took is freed */
};

struct shadow {
	enum shadow_at at; /* its next piece (turns.h) */
	struct work turn;
	struct script_run *run;
	struct blob input, files;	   /* of SHADOW_QUESTION */
	struct blob question;		   /* of SHADOW_START */
	struct blob answer;		   /* from SHADOW_THEIRS on */
	struct roundjudge judge;	   /* both as the host would take them, in the world of now */
	struct plan plan;		   /* its own, once checked */
	struct blob main, asked;	   /* what the scripts in force said; of the one under way, and of the last */
	struct blob theirs;		   /* what it said; empty: it failed */
	struct round_parents from;	   /* what both went on from */
	struct schedule old;		   /* the newest of these, where it is not the one in force */
	struct plan last;		   /* of it, as far as it is read */
	struct plan keeping; /* what roles that failed keep, as far as they are looked at */
	size_t last_at, keep_at;
	struct blob failed, kept; /* of the last: the roles that failed in each, and what they keep; or empty */
	size_t failing;		  /* of its own */
	uint64_t rounds, differed, missed; /* of this office */
	struct planmoves moves;
	char error[ERR_TEXT_CAP]; /* of the last, or "" */
	uint32_t ms;
};

/* A round that went on from these was answered; all is borrowed. */
void shadow_round(struct engine *e, const struct round_parents *from, struct slice input, struct slice result);
void shadow_stop(struct engine *e);
/* {rounds, differed, missed, error, added, removed, moved, changed, roles, failing, ms}, or nil: there is none. */
void shadow_pack(const struct engine *e, msgpack_packer *pk);
/* {error, before, after, failed, kept}: the answers themselves, and nil where one is not there. */
void shadow_pack_answers(const struct engine *e, msgpack_packer *pk);

#endif
