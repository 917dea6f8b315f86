/*
 * actdesk.h - the leader's desk for actions: copies of what nodes have pending, which of
 * them a round is given, and what becomes of those when it ends (actqueue.h has the whole
 * way of one).
 *
 *	bundle -> WAITS -> given to a round -> issued: over, its reply is in the schedule
 *	            ^            |
 *	            |            v failed: tries + 1
 *	            |      a round without any ("probe")
 *	            |            |        |
 *	            |     passes |        | fails too: it was the script's fault, the try is
 *	            +------------+        | taken back, and nothing is given until it runs
 *	            |            |
 *	            |            v 3 tries
 *	            |        set aside: mesh action --retry ID | --drop ID
 *
 * After a failure they are given one at a time, oldest first, so that an innocent one is
 * not set aside with the one that broke the round.
 *
 * A node's bundle is bounded (action.h), so is the desk, and each node fills at most its
 * own share of it.  It lives as long as an office: a new leader is told anew.
 */
#ifndef CORE_ACTDESK_H
#define CORE_ACTDESK_H

#include "actdone.h"
#include "plan.h"

enum {
	ACTDESK_MAX = 128,	 /* actions on it */
	ACTDESK_NODES_MAX = 256, /* that have told */
	ACTDESK_ROUND_MAX = 32,	 /* given at once */
	ACTDESK_HAVE_MS = 10000, /* what its node has got is kept so long: an old bundle may be on its way */
	ACTDESK_ROLES_MAX = 64,
	ACTDESK_TOUCHED_MS = 60000,
};

struct actdesk_item {
	struct node_id by;
	char node[NAME_CAP];
	struct action a;
	bool given;    /* to the round that runs */
	bool suspect;  /* in a round that failed; the probe says whose fault it was */
	bool answered; /* its node waits for the schedule that says so */
	bool listed;   /* by its node's last bundle; else it goes when the round ends */
};

struct actdesk_node {
	struct node_id id;
	uint64_t turn, last;
};

/* A role that an operator acted on: what it stops is meant (rail.h). */
struct actdesk_role {
	char name[NAME_CAP];
	msec until;
};

struct actdesk {
	struct actdesk_item *items; /* owned; ACTDESK_MAX; the first count, by age */
	uint32_t count;
	struct actdesk_node *nodes; /* owned; ACTDESK_NODES_MAX */
	uint32_t nodes_count;
	bool probe;  /* the next round gets none */
	bool broken; /* rounds fail without any: none is given */
	uint32_t given;
	struct actdesk_role roles[ACTDESK_ROLES_MAX];
	uint32_t roles_count;
};

enum actdesk_end {
	ACTDESK_ISSUED, /* their replies are durable */
	ACTDESK_FAILED, /* the script's fault, or theirs */
	ACTDESK_AGAIN,	/* neither: the lease, the disk, a rail */
};

/* 0 or -ERR_FULL (no memory). */
MUST_CHECK int actdesk_init(struct actdesk *d);
void actdesk_free(struct actdesk *d);
/* Office taken or lost: nothing is known. */
void actdesk_clear(struct actdesk *d);

/* What a node has pending, by its own signed word; node: its name here; done: as of
 * actdesk_give.  words: what is said to it.  An older bundle than the last one changes
 * nothing; nor does an action stamped ahead of wall_ms by more than ACTION_AHEAD_MS_MAX: by
 * its stamp it would be later than all that anybody asks until then.  True: there is
 * something to be given that was not there. */
bool actdesk_bundle(struct actdesk *d, const struct node_id *by, const char *node,
    const struct action_bundle *b, const struct actdone *done, uint64_t wall_ms,
    struct action_words *words);
/* Was a newer bundle of that node taken than one of this turn? */
bool actdesk_is_old(const struct actdesk *d, const struct node_id *by, uint64_t turn);
/* That node is no member any more: what it asked for is not done. */
void actdesk_forget(struct actdesk *d, const struct node_id *by);

/* Whose node has them, or that are too old, are dropped from what the next schedule says. */
void actdesk_prune(const struct actdesk *d, struct actdone *done, uint64_t wall_ms);
/* For the round that starts now: at most ACTDESK_ROUND_MAX, oldest first, none that `done`
 * (pruned, of all schedules that the round starts from) has; borrowed until the next call. */
size_t actdesk_give(struct actdesk *d, const struct actdone *done, msec now,
    const struct actdesk_item *out[ACTDESK_ROUND_MAX]);
/* error: why it failed.  True: another round is wanted at once. */
bool actdesk_ended(struct actdesk *d, enum actdesk_end how, const char *error);

/* Replies to what was given, as the script gave them, into done. */
MUST_CHECK int actdesk_reply(const struct actdesk *d, struct slice replies, uint64_t wall_ms,
    struct actdone *done);
/* What the script replied in the round that runs, by plan: where an action named no role, but a
 * group of the script's own, the roles that its reply names were acted on.  last: the plan
 * before, may be NULL.  Of an action on a role no reply can add others. */
void actdesk_about(struct actdesk *d, const struct plan *plan, const struct plan *last, msec now);
/* Was this role acted on in the round that runs, or within the last minute? */
bool actdesk_touched(const struct actdesk *d, const char *role, msec now);

#endif
