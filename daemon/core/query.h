/*
 * query.h - what a schedule asks of every node, `query = {name = "expression"}`,
 * and what a node answers: one figure for each name, computed where the data is.
 *
 * The language, for now: the name of one metric, which in PromQL is an instant
 * selector without matchers.  Names are node_exporter's (or cAdvisor's) where one
 * means the same figure, else mesh_*.  Everything else is refused in words.
 * What there is to know about a host comes in through struct query_host alone, so
 * a wider language and a store behind it change this file and nothing around it.
 *
 *   leader     query_check of each entry when the script answers (plancheck.h)
 *   each node  query_read of the schedule in force, query_answer once a second;
 *              the answers are rows of its report (reportcode.h)
 *   leader     input.metrics of the next round (input.h)
 */
#ifndef CORE_QUERY_H
#define CORE_QUERY_H

#include "../base/err.h"
#include "blob.h"
#include "view.h"

enum { QUERY_EXPR_CAP = 512 };

struct query_entry {
	char name[NAME_CAP], expr[QUERY_EXPR_CAP];
	uint32_t mark; /* of expr; see view_answer */
};

/* A zeroed one is empty. */
struct query_set {
	struct query_entry *entries; /* owned, malloc'd; by name, unique */
	size_t count;
};

/* Borrowed.  A size of 0 was not measured, and gives no answer. */
struct query_host {
	const struct view_facts *facts;
	const struct view_metrics *metrics;
};

/* Does this node know how to answer it?  0, or -1 and the reason in words. */
MUST_CHECK int query_check(const char *expr, struct err *err);

/* A schedule's `query`, as plan_check took it; empty bytes are an empty set.  It was
 * checked by its leader alone: what this node does not understand stays in the set
 * and has no answer.  0; -ERR_MALFORMED, -ERR_RANGE (more than VIEW_ANSWERS_MAX),
 * -ERR_FULL: *out is then empty. */
MUST_CHECK int query_read(struct slice map, struct query_set *out);
void query_free(struct query_set *q);
bool query_eq(const struct query_set *a, const struct query_set *b);

/* out has room for VIEW_ANSWERS_MAX; how many were filled, by name.  Only finite
 * figures are answers. */
uint32_t query_answer(const struct query_set *q, const struct query_host *h,
    struct view_answer *out);

#endif
