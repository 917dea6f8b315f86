/*
 * inforce.h - what would be in force of an answer: the host's own check of it, in the world of
 * its round's input, and of a role that failed what it has in the schedule before.
 *
 * For mesh plan, replay and schedule shadow.  What the rails would hold is not asked: they
 * judge a round when it is one.
 */
#ifndef CLI_INFORCE_H
#define CLI_INFORCE_H

#include <jansson.h>

#include "../core/plan.h"

/* The nodes of an input, and whatever templates a plan names; zeroed: none.  To be freed. */
struct inforce_world {
	struct view_node *nodes; /* owned, with their facts */
	size_t nodes_count;
	struct plan_template *named; /* owned */
	size_t named_count;
};

/* 0, or negative: out of memory. */
MUST_CHECK int inforce_nodes(struct inforce_world *w, const json_t *input, struct err *err);
/* Without templates nobody can say that one is not there. */
MUST_CHECK int inforce_templates(struct inforce_world *w, const json_t *plan, struct err *err);
void inforce_free(struct inforce_world *w);

/* In answer role's part becomes what before (may be NULL: nothing) has, on the members of nodes,
 * an input's map (NULL: on all). */
void inforce_keep(json_t *answer, const json_t *before, const json_t *nodes, const char *role);
/* The newest schedule that an input has; borrowed; NULL: none. */
const json_t *inforce_before(const json_t *input);
/* answer is what packed is.  0: in answer a role that failed has what it keeps, and failed, a list, got
 * {role, error} of each; negative: the host would refuse the whole answer, err says why. */
MUST_CHECK int inforce_judge(const json_t *input, struct slice packed, json_t *answer, json_t *failed,
    struct err *err);

#endif
