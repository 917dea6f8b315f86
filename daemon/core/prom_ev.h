/*
 * prom_ev.h - what the files of evaluation share.
 *
 * Each part of an expression is evaluated once, for all steps: it gives rows, one for
 * each set of labels, with a value for each step.  So labels are looked at once per
 * series, not once per step.  A step without a value holds Prometheus' own stale NaN,
 * which no arithmetic ever makes.
 *
 *	       step 0   1   2   3
 *	{a="x"}    12  13  --  14
 *	{a="y"}    --   1   2   3
 */
#ifndef CORE_PROM_EV_H
#define CORE_PROM_EV_H

#include "prom_in.h"

struct prom_grid {
	int64_t start, step;
	uint32_t count;
};

struct prom_row {
	struct slice labels; /* packed */
	double *v;	     /* grid.count of them */
};

struct prom_rows {
	struct prom_row *all;
	uint32_t count, cap;
};

struct prom_ev {
	const struct prom *p;
	const struct prom_when *when;
	const struct prom_data *data;
	const struct prom_limits *limits;
	struct err *err;
	struct prom_block *blocks;  /* everything allocated, until the end or ev_drop */
	struct prom_arena arena;    /* labels: until the end */
	size_t bytes;
	uint64_t work;
	/* of prom_merge: what nodes answered, results[node * parts + part] */
	const struct prom_result *results;
	uint32_t nodes, parts;
};

/* Zeroed, within the limit; NULL: err is filled. */
void *ev_alloc(struct prom_ev *ev, size_t count, size_t each);
/* Room for one more of `count` in *all. */
int ev_grow(struct prom_ev *ev, void *all, uint32_t count, uint32_t *cap, size_t each);
void ev_drop(struct prom_ev *ev, void *p);
void ev_end(struct prom_ev *ev);
int ev_fail(struct prom_ev *ev, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* That many samples are looked at: -1 when it is too much. */
int ev_work(struct prom_ev *ev, uint64_t samples);

/* NULL: a limit.  values false: v stays NULL, for who has them already. */
struct prom_row *rows_add(struct prom_ev *ev, struct prom_rows *r, struct slice labels, uint32_t steps,
    bool values);
void rows_drop(struct prom_ev *ev, struct prom_rows *r);
/* Rows of the same labels become one; -1 when two have a value at the same step, or,
 * strict, at all.  Rows without any value go. */
int rows_unify(struct prom_ev *ev, struct prom_rows *r, uint32_t steps, bool strict);
/* By their labels, as Prometheus sorts them. */
int rows_sort(struct prom_ev *ev, struct prom_rows *r);
int prom_labels_cmp(struct slice a, struct slice b);
/* {a="b", c="d"} for an error. */
void prom_labels_show(struct slice packed, char *out, size_t cap);

/* Packed and kept. */
int ev_pack(struct prom_ev *ev, const struct labels *l, struct slice *out);
int ev_read(struct prom_ev *ev, struct slice packed, struct labels *out);
int ev_drop_name(struct prom_ev *ev, struct slice *labels);
/* Only these (without: all but these and the name). */
void prom_keep(const struct labels *l, const struct prom_names *names, bool without, struct labels *kept);
int ev_keep_labels(struct prom_ev *ev, struct slice from, const struct prom_names *names, bool without,
    struct slice *out);

/* Bytes to small numbers, in the order they come. */
struct ev_index {
	struct slice *keys;
	uint32_t *slots, count, cap, slots_cap;
};
int64_t ev_index_add(struct prom_ev *ev, struct ev_index *x, struct slice key);
/* -1: not there. */
int64_t ev_index_get(const struct ev_index *x, struct slice key);
void ev_index_drop(struct prom_ev *ev, struct ev_index *x);

int prom_ev(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g, struct prom_rows *out);
/* A scalar's values, one a step. */
int prom_ev_scalar(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g, double **out);
int prom_ev_range(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g, struct prom_rows *out);
int prom_ev_call(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g, struct prom_rows *out);
int prom_ev_label(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g, struct prom_rows *out);
int prom_ev_histogram(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g, struct prom_rows *out);
int prom_ev_aggr(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g, struct prom_rows *out);
int prom_ev_binary(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g, struct prom_rows *out);
/* of_samples: the time of the sample instead of its value. */
int prom_ev_selector(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g, bool of_samples,
    struct prom_rows *out);
/* What e's modifiers make of a step's time. */
int64_t prom_ev_at(const struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g, uint32_t step);
/* Samples of e (a range or a subquery) by series, without stale ones; the first one
 * that is needed is at prom_ev_at - range. */
int prom_ev_samples(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g,
    struct prom_points **out, uint32_t *count);
/* What the nodes answered to part e. */
int prom_ev_part(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g, struct prom_rows *out);
int prom_part_samples(struct prom_ev *ev, const struct prom_expr *e, struct prom_points **out, uint32_t *count);
int prom_ev_variances(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g, struct prom_rows *out);
/* Evaluate, and hand over; ev ends. */
int prom_ev_finish(struct prom_ev *ev, struct prom_result *out);
/* The labels of an absent() of e. */
int prom_absent_labels(struct prom_ev *ev, const struct prom_expr *e, struct slice *out);
/* The q-quantile of n values, which it sorts. */
double prom_quantile(double q, double *v, uint32_t n);
bool prom_operate(enum prom_tok op, double l, double r, double *out);

static inline uint64_t
prom_bits(double v)
{
	uint64_t b;

	memcpy(&b, &v, sizeof b);
	return b;
}
static inline bool
is_none(double v)
{
	return prom_bits(v) == UINT64_C(0x7ff0000000000002);
}
static inline double
none(void)
{
	const uint64_t b = UINT64_C(0x7ff0000000000002);
	double v;

	memcpy(&v, &b, sizeof v);
	return v;
}
/* The set of no labels, packed. */
static const struct slice prom_no_labels = {(const uint8_t *)"", 1};

/* Neumaier's sum, as Prometheus has it. */
static inline void
prom_kahan(double inc, double *sum, double *c)
{
	double t = *sum + inc, s = *sum < 0 ? -*sum : *sum, i = inc < 0 ? -inc : inc;

	*c += s >= i ? (*sum - t) + inc : (inc - t) + *sum;
	*sum = t;
}

#endif
