/*
 * query.h - what a schedule asks of every node, `query = {name = "expression"}` in PromQL
 * (prom.h), and how the answers come together: each node evaluates its parts over its own
 * hour and sends the results with its report, so whoever leads has all of them as soon as
 * it has the reports.
 *
 *   leader     query_check of each entry when the script answers (plannotes.h)
 *   each node  query_read of the schedule in force; once a second query_when, the parts
 *              evaluated (daemon/io/answers.h), query_pack: bytes of its report
 *   leader     query_merge of all nodes' bytes -> input.metrics of the next round (input.h)
 *
 * An expression is evaluated twice: now, and QUERY_TREND_MS ago; what it changed in
 * between is the trend.  Bytes are of metricscode.h, with times counted from the earlier
 * one: what does not move stays the same bytes, and is not sent again.
 */
#ifndef CORE_QUERY_H
#define CORE_QUERY_H

#include "metricscode.h"
#include "view.h"

enum { QUERY_EXPR_CAP = 512, QUERY_TREND_MS = 60000, QUERY_SERIES_MAX = 1000 };

struct query_entry {
	char name[NAME_CAP], expr[QUERY_EXPR_CAP];
	uint32_t mark; /* of expr; see view_answer */
	struct prom_split *split; /* owned; NULL: this node does not understand expr */
};

/* A zeroed one is empty. */
struct query_set {
	struct query_entry *entries; /* owned, malloc'd; by name, unique */
	size_t count;
};

/* 0, or -1 and why it can't be asked. */
MUST_CHECK int query_check(const char *expr, struct err *err);

/* A schedule's `query`, as plan_check took it; empty bytes are an empty set.  It was
 * checked by its leader alone: what this node does not understand stays in the set
 * and has no answer.  0; -ERR_MALFORMED, -ERR_RANGE (more than VIEW_ANSWERS_MAX),
 * -ERR_FULL: *out is then empty. */
MUST_CHECK int query_read(struct slice map, struct query_set *out);
void query_free(struct query_set *q);
bool query_eq(const struct query_set *a, const struct query_set *b);

/* The times to evaluate at, when it is now_ms. */
struct prom_when query_when(int64_t now_ms);
/* The question of an entry's parts; its texts point into x.  False: x is not understood. */
bool query_question(const struct query_entry *x, int64_t now_ms, struct metrics_question *out);
/* A node's answer (metricscode.h, of a question at now_ms) as it is told: -ERR_UNKNOWN: it
 * says that there is none; -ERR_LONG: more than VIEW_ANSWER_BYTES_MAX or QUERY_SERIES_MAX;
 * -ERR_MALFORMED, -ERR_FULL. */
MUST_CHECK int query_pack(const struct query_entry *x, int64_t now_ms, struct slice answer, struct blob *out);

/* Borrowed. */
struct query_answer {
	const char *node; /* whose */
	struct slice bytes;
};
/* What nodes answered, put together: a series' points are at query_when's times.  Of bytes
 * that this node can't have made (bad[i] is set; prom_split_judge) nothing is taken.  -1 and why. */
MUST_CHECK int query_merge(const struct query_entry *x, int64_t now_ms, const struct query_answer *answers, bool *bad,
    uint32_t count, struct prom_result *out, struct err *err);

#endif
