/*
 * rail.h - safety rails of the host, not of the script (DESIGN §6): a plan
 * that would stop much of a role, or empty a list that was full (of the role's vars, or
 * of those of the role on all its nodes), is held for that role until an operator confirms it; the role's old parts stand instead.
 */
#ifndef CORE_RAIL_H
#define CORE_RAIL_H

#include "plan.h"
#include "schedule.h"

enum { RAIL_STOP_PERCENT = 30, RAIL_STOP_COUNT = 3 };

struct rail_held {
	char role[NAME_CAP];
	char stamp[STAMP_TEXT_CAP]; /* `mesh apply --force` names it */
	char why[256];		    /* the whole line */
	uint64_t wish; /* fingerprint: the stamp stands while it is unchanged */
};

/* A zeroed one is valid: nothing is held. */
struct rail {
	struct rail_held *held; /* owned; sorted by role */
	size_t held_count;
	bool blocked; /* a role is held that has no old part: issue nothing */
};

struct rail_in {
	const struct plan *last; /* last issued, or the newest parent; NULL = none */
	bool alone; /* and there is no other parent: what it does not place is stopping already */
	const struct view_instance *running;
	size_t running_count;
	const struct view_node *nodes;
	size_t nodes_count;
	const struct rail *before; /* of the last round; NULL = none */
	const char *stamp;	   /* text of the stamp this round would get */
	const char *const *forced; /* stamp texts or role names, confirmed */
	size_t forced_count;
	const char *const *acted; /* roles that an operator just acted on: what they stop is meant */
	size_t acted_count;
};

/* Compare, and change *plan in place: held roles, and roles in plan->errors
 * that the plan does not name, get what they have in `last` (on nodes that
 * still are members).  0, or -ERR_FULL (no memory; do not issue). */
MUST_CHECK int rail_apply(struct plan *plan, const struct rail_in *in,
    struct rail *out);
void rail_free(struct rail *r);
/* Of that only what is done for roles in plan->errors. */
MUST_CHECK int rail_keep_failed(struct plan *plan, const struct plan *last,
    const struct view_node *nodes, size_t nodes_count);

/* And of that one role: what last has of it, if plan names none. */
MUST_CHECK int rail_keep_role(struct plan *plan, const struct plan *last, const char *role,
    const struct view_node *nodes, size_t nodes_count);

/* rail_apply in pieces, in this order; before the last nothing of plan is changed. */
struct railwork;
/* What runs: of in only running and nodes, which are borrowed until the end.  NULL: no memory. */
struct railwork *rail_begin(const struct rail_in *in);
/* What plan places; it is borrowed likewise. */
MUST_CHECK int rail_planned(struct railwork *w, const struct plan *plan);
/* Verdicts, and w is gone. */
MUST_CHECK int rail_end(struct railwork *w, const struct plan *plan, const struct rail_in *in,
    struct rail *out);
/* What they change in plan, one role in a piece; *at begins as 0.  1: there are more; 0: done; -ERR_FULL. */
MUST_CHECK int rail_keep_more(struct plan *plan, const struct plan *last, const struct rail *rail,
    const struct view_node *nodes, size_t nodes_count, size_t *at);
void rail_drop(struct railwork *w); /* NULL is fine */

#endif
