/*
 * prom.h - PromQL: parse, find out which samples are needed, evaluate.  Pure: the
 * samples are handed in, so the same code runs over the store, over what other nodes
 * answered, and in tests beside Prometheus.  Source of all semantics: Prometheus 2.42,
 * promql/ and its documentation; what differs is written in doc/metrics.md.
 *
 *   prom_parse -> prom_needs (per selector: what, from when to when)
 *              -> the caller gathers the samples -> prom_eval
 *
 * Over many nodes (prom_split): the expression is cut where all below is about series of
 * one node alone; each node evaluates those parts over its own hour and sends the
 * results, or partial sums of them; the asker puts the answers together and evaluates
 * what is above:
 *
 *   sum by (role) (rate(x[1m])) / 10
 *   \------- part 0, partial ------/      asker: sum by (role) of the parts, / 10
 */
#ifndef CORE_PROM_H
#define CORE_PROM_H

#include "../base/err.h"
#include "series.h"

enum {
	PROM_TEXT_BYTES_MAX = 8192,
	PROM_DEPTH_MAX = 64,
	PROM_SELECTORS_MAX = 32,
	PROM_STEPS_MAX = 11000, /* Prometheus' own */
	PROM_LOOKBACK_MS = 300000,
};
#define PROM_TIME_MAX INT64_C(1000000000000000)

struct prom; /* a parsed expression */
enum prom_kind { PROM_SCALAR, PROM_VECTOR, PROM_MATRIX, PROM_STRING };

/* NULL, and err->text "1:14: parse error: ..." as Prometheus words it where we can. */
MUST_CHECK struct prom *prom_parse(const char *text, size_t len, struct err *err);
void prom_free(struct prom *p);
enum prom_kind prom_kind(const struct prom *p);
/* The canonical text of it, malloc'd. */
MUST_CHECK char *prom_text(const struct prom *p);

/* Times of an answer, ms of the wall clock, at most PROM_TIME_MAX from 0: start, start +
 * step, ... <= end.  step 0: start alone (an instant query). */
struct prom_when {
	int64_t start_ms, end_ms, step_ms;
};

/* Selector i needs the samples with from_ms <= time <= to_ms: both ends belong to a range,
 * as in 2.42.  More of them do no harm, but are looked at. */
struct prom_need {
	const struct series_matcher *matchers;
	uint32_t matchers_count;
	int64_t from_ms, to_ms;
};
MUST_CHECK uint32_t prom_needs(const struct prom *p, const struct prom_when *w, struct prom_need *out /* PROM_SELECTORS_MAX */);

/* One series handed in; times rise.  Borrowed. */
struct prom_points {
	struct slice labels; /* packed */
	const int64_t *at_ms;
	const double *values;
	uint32_t count;
};
struct prom_data {
	const struct prom_points *series; /* by selector */
	uint32_t count;
};

struct prom_series {
	struct slice labels; /* packed; in the result's own memory */
	int64_t *at_ms;	/* of its `count` points; absent steps are not there */
	double *values;
	uint32_t count;
};
struct prom_result {
	enum prom_kind kind; /* of a range query: MATRIX.  SCALAR: one series without labels */
	struct prom_series *series;
	uint32_t count;
	struct slice text; /* STRING; in the result's own memory */
	void *memory; /* owned */
};
struct prom_limits {
	size_t bytes_max;  /* of everything evaluation allocates */
	uint64_t work_max; /* samples looked at, all steps together */
};

/* data: prom_needs' count of them.  0, or -1 and why (also: over a limit, with what to
 * narrow). */
MUST_CHECK int prom_eval(const struct prom *p, const struct prom_when *w, const struct prom_data *data,
    const struct prom_limits *limits, struct prom_result *out, struct err *err);
void prom_result_free(struct prom_result *r);

/* --- over nodes ------------------------------------------------------------------ */

/* The parts that each node evaluates: texts that prom_parse takes, in order.  0 parts: it
 * asks of no series (time(), 1 + 1). */
struct prom_split;
MUST_CHECK struct prom_split *prom_split(const struct prom *p, struct err *err);
uint32_t prom_split_parts(const struct prom_split *s);
const char *prom_split_part(const struct prom_split *s, uint32_t part);
void prom_split_free(struct prom_split *s);
/* Are these what a node of that name can answer (its parts, one after the other)?  In a part
 * no series is there twice, and its label `node`, which only sums can lack, is the node's: so
 * nobody speaks for others, or makes what all answered together impossible.  0; -ERR_MALFORMED: they are not, -ERR_FULL. */
MUST_CHECK int prom_split_judge(const struct prom_split *s, const struct prom_result *results, struct slice node);
/* results[node * parts + part], of nodes that answered; their series' labels have the
 * node's name in them wherever the part kept it. */
MUST_CHECK int prom_merge(const struct prom_split *s, const struct prom_when *w,
    const struct prom_result *results, uint32_t nodes, const struct prom_limits *limits,
    struct prom_result *out, struct err *err);

#endif
