/*
 * metricsread.h - what is computed: this node's part of an answer, and the answers of all
 * nodes put together; in a copy of the engine (metricsrun.h), or, what is small, in itself.
 *
 *   part    question (core/metricscode.h) -> prom_needs -> samples out of the store
 *           -> prom_eval -> an answer for whoever asked
 *   merge   answers of many, read as hostile -> prom_merge -> what the verb says
 *           (base/ctl.h), with who is missing and why
 *
 * Small is what takes less time than a copy takes to make, for while one is made the engine
 * waits too: no patterns, few series, few samples, little to compute.  What
 * goes over a bound on the way is given to a copy after all.
 *
 * A tick of the store is a second of CLOCK_BOOTTIME; its time is the wall clock's as both
 * stand when the question comes, so a step of the wall clock moves all samples alike.
 */
#ifndef IO_METRICSREAD_H
#define IO_METRICSREAD_H

#include "../base/err.h"
#include "../core/metricscode.h"

enum {
	METRICSREAD_BYTES = 40 << 20, /* of samples; the same again for what is computed */
	METRICSREAD_WORK = 40000000,
	METRICSREAD_SERIES_MAX = 100000,
	METRICSREAD_SMALL_SAMPLES = 32000, /* decoded in about a millisecond */
	METRICSREAD_SMALL_SERIES = 256,
	METRICSREAD_SMALL_STORE = 3000, /* series that may be looked at for it */
	METRICSREAD_SMALL_WORK = 64000,
	METRICSREAD_SMALL_BYTES = 1 << 20,
};

/* wall_ms: of tick 0.  0 and the answer, at most max bytes (also one that says why it
 * could not); -1: no memory even for that. */
MUST_CHECK int metricsread_part(const struct series_store *s, int64_t wall_ms,
    const struct metrics_question *q, size_t max, struct blob *out, struct err *err);

/* The same in the engine itself; false: it is not small, or can't be answered. */
bool metricsread_small(const struct series_store *s, int64_t wall_ms,
    const struct metrics_question *q, struct blob *out);

struct metricsread_node {
	const char *name;
	const char *why;     /* no answer came; NULL: one did */
	struct slice answer;
};
/* text: the expression, for EVAL.  small: only if it is; -1 then too.  0 and a map to which one pair is still to be added; -1:
 * there is no answer, and why. */
MUST_CHECK int metricsread_merge(const struct metrics_question *q, struct slice text,
    const struct metricsread_node *nodes, uint32_t count, bool small, struct blob *out,
    struct err *err);
/* Is it nothing but a selector: `up{job="x"}`? */
bool metricsread_is_selector(struct slice text);

#endif
