/*
 * prom_range.c - functions of the samples in a range: rate and its kin, *_over_time.
 *
 * Each series has one window that moves with the steps; a function sees the samples in
 * it where they are.  Formulas: Prometheus 2.42, promql/functions.go, in the same order
 * of additions, so that the last bit is the same too.
 */
#include "prom_ev.h"

#include <math.h>
#include <stdlib.h>

struct window {
	const int64_t *at;
	const double *v;
	uint32_t n;
	int64_t from, to, step; /* of the range; the time of the step */
	const double *before;	/* values from before a reset, in the window */
	uint32_t resets;
	double a, b; /* scalar arguments */
	double *room; /* for n values */
	bool bad_a, bad_b;
};

static double
extrapolated(const struct window *w, bool counter, bool rate)
{
	const double last = w->v[w->n - 1], first = w->v[0];
	double sum = last - first, to_start, to_end, sampled, average, length;

	if (w->n < 2)
		return none();
	for (uint32_t i = 0; counter && i < w->resets; i++)
		sum += w->before[i];
	to_start = (double)(w->at[0] - w->from) / 1000;
	to_end = (double)(w->to - w->at[w->n - 1]) / 1000;
	sampled = (double)(w->at[w->n - 1] - w->at[0]) / 1000;
	average = sampled / (double)(w->n - 1);
	if (counter && sum > 0 && first >= 0) {
		/* It can't have been below zero before. */
		double to_zero = sampled * (first / sum);

		if (to_zero < to_start)
			to_start = to_zero;
	}
	length = sampled;
	length += to_start < average * 1.1 ? to_start : average / 2;
	length += to_end < average * 1.1 ? to_end : average / 2;
	double factor = length / sampled;
	if (rate)
		factor /= (double)(w->to - w->from) / 1000;
	return sum * factor;
}

static double
of_last_two(const struct window *w, bool rate)
{
	double now, was, d;
	int64_t ms;

	if (w->n < 2)
		return none();
	now = w->v[w->n - 1], was = w->v[w->n - 2];
	ms = w->at[w->n - 1] - w->at[w->n - 2];
	if (ms == 0)
		return none();
	d = rate && now < was ? now : now - was;
	return rate ? d / ((double)ms / 1000) : d;
}

/* Least squares; the slope, and the value at `zero`. */
static double
regression(const struct window *w, int64_t zero, double *intercept)
{
	double n = 0, sx = 0, cx = 0, sy = 0, cy = 0, sxy = 0, cxy = 0, sxx = 0, cxx = 0, slope;
	bool same = true;

	for (uint32_t i = 0; i < w->n; i++) {
		double x = (double)(w->at[i] - zero) / 1e3, y = w->v[i];

		same = same && !(i > 0 && y != w->v[0]);
		n += 1;
		prom_kahan(x, &sx, &cx);
		prom_kahan(y, &sy, &cy);
		prom_kahan(x * y, &sxy, &cxy);
		prom_kahan(x * x, &sxx, &cxx);
	}
	if (same) {
		*intercept = isinf(w->v[0]) ? NAN : w->v[0];
		return isinf(w->v[0]) ? NAN : 0;
	}
	sx += cx, sy += cy, sxy += cxy, sxx += cxx;
	slope = (sxy - sx * sy / n) / (sxx - sx * sx / n);
	*intercept = sy / n - slope * sx / n;
	return slope;
}

static double
holt_winters(const struct window *w)
{
	double s0 = 0, s1 = w->v[0], b;

	if (w->n < 2)
		return none();
	b = w->v[1] - w->v[0];
	for (uint32_t i = 1; i < w->n; i++) {
		double x = w->a * w->v[i], next;

		if (i > 1)
			b = w->b * (s1 - s0) + (1 - w->b) * b;
		next = x + (1 - w->a) * (s1 + b);
		s0 = s1;
		s1 = next;
	}
	return s1;
}

static double
changes(const struct window *w, bool resets)
{
	double n = 0;

	for (uint32_t i = 1; i < w->n; i++) {
		double now = w->v[i], was = w->v[i - 1];

		n += resets ? now < was : now != was && !(isnan(now) && isnan(was));
	}
	return n;
}

static double
average(const struct window *w)
{
	double mean = 0, c = 0, n = 0;

	for (uint32_t i = 0; i < w->n; i++) {
		double v = w->v[i];

		n++;
		if (isinf(mean) &&
		    ((isinf(v) && (mean > 0) == (v > 0)) || (!isinf(v) && !isnan(v))))
			continue;
		prom_kahan(v / n - mean / n, &mean, &c);
	}
	return isinf(mean) ? mean : mean + c;
}

static double
variance(const struct window *w)
{
	double mean = 0, cmean = 0, aux = 0, caux = 0, n = 0;

	for (uint32_t i = 0; i < w->n; i++) {
		double delta = w->v[i] - (mean + cmean);

		n++;
		prom_kahan(delta / n, &mean, &cmean);
		prom_kahan(delta * (w->v[i] - (mean + cmean)), &aux, &caux);
	}
	return (aux + caux) / n;
}

static double
sum_of(const struct window *w)
{
	double sum = 0, c = 0;

	for (uint32_t i = 0; i < w->n; i++)
		prom_kahan(w->v[i], &sum, &c);
	return isinf(sum) ? sum : sum + c;
}

static double
extreme(const struct window *w, bool most)
{
	double best = w->v[0];

	for (uint32_t i = 0; i < w->n; i++)
		if (isnan(best) || (most ? w->v[i] > best : w->v[i] < best))
			best = w->v[i];
	return best;
}

/* Of a window that has at least one sample. */
static double
apply(enum prom_fn fn, const struct window *w)
{
	double at_zero, slope;

	switch (fn) {
	case FN_RATE:
		return extrapolated(w, true, true);
	case FN_INCREASE:
		return extrapolated(w, true, false);
	case FN_DELTA:
		return extrapolated(w, false, false);
	case FN_IRATE:
	case FN_IDELTA:
		return of_last_two(w, fn == FN_IRATE);
	case FN_DERIV:
		return w->n < 2 ? none() : regression(w, w->at[0], &at_zero);
	case FN_PREDICT:
		if (w->n < 2)
			return none();
		slope = regression(w, w->step, &at_zero);
		return slope * w->a + at_zero;
	case FN_WINTERS:
		return holt_winters(w);
	case FN_CHANGES:
	case FN_RESETS:
		return changes(w, fn == FN_RESETS);
	case FN_AVG_OT:
		return average(w);
	case FN_MIN_OT:
	case FN_MAX_OT:
		return extreme(w, fn == FN_MAX_OT);
	case FN_SUM_OT:
		return sum_of(w);
	case FN_COUNT_OT:
		return w->n;
	case FN_LAST_OT:
		return w->v[w->n - 1];
	case FN_STDDEV_OT:
		return sqrt(variance(w));
	case FN_STDVAR_OT:
		return variance(w);
	case FN_QUANTILE_OT:
		memcpy(w->room, w->v, w->n * sizeof *w->v);
		return prom_quantile(w->a, w->room, w->n);
	default:
		return 1; /* present, and what absent asks */
	}
}

/* Where a series fell: the index of the sample after, and the value before. */
struct falls {
	uint32_t *at, count;
	double *before;
};

static int
find_falls(struct prom_ev *ev, const struct prom_points *s, struct falls *f)
{
	uint32_t cap = 0, cap2 = 0;

	f->count = 0;
	for (uint32_t i = 1; i < s->count; i++) {
		if (!(s->values[i] < s->values[i - 1]))
			continue;
		if (ev_grow(ev, &f->at, f->count, &cap, sizeof *f->at) < 0 ||
		    ev_grow(ev, &f->before, f->count, &cap2, sizeof *f->before) < 0)
			return -1;
		f->at[f->count] = i;
		f->before[f->count++] = s->values[i - 1];
	}
	return 0;
}

struct range_call {
	const struct prom_expr *call, *range;
	double *a, *b; /* scalar arguments by step */
	double *room;
	enum prom_fn fn;
};

static int
one_series(struct prom_ev *ev, const struct range_call *c, const struct prom_grid *g,
    const struct prom_points *s, struct prom_rows *out)
{
	uint32_t lo = 0, hi = 0, flo = 0, fhi = 0;
	struct prom_row *row = NULL;
	struct falls f = {0};
	bool counter = c->fn == FN_RATE || c->fn == FN_INCREASE;

	if (counter && find_falls(ev, s, &f) < 0)
		return -1;
	for (uint32_t i = 0; i < g->count; i++) {
		struct window w = {.to = prom_ev_at(ev, c->range, g, i), .room = c->room};

		w.step = g->start + (int64_t)i * g->step;
		w.from = w.to - c->range->range_ms;
		while (hi < s->count && s->at_ms[hi] <= w.to)
			hi++;
		while (lo < hi && s->at_ms[lo] < w.from)
			lo++;
		if (lo == hi)
			continue;
		w.at = s->at_ms + lo, w.v = s->values + lo, w.n = hi - lo;
		for (; flo < f.count && f.at[flo] <= lo; flo++)
			;
		for (fhi = fhi < flo ? flo : fhi; fhi < f.count && f.at[fhi] < hi; fhi++)
			;
		w.before = f.count > 0 ? f.before + flo : NULL, w.resets = fhi - flo;
		w.a = c->a != NULL ? c->a[i] : 0, w.b = c->b != NULL ? c->b[i] : 0;
		if (ev_work(ev, counter ? 1 + w.resets : w.n) < 0)
			return -1;
		double v = apply(c->fn, &w);
		if (is_none(v))
			continue;
		if (row == NULL)
			row = rows_add(ev, out, s->labels, g->count, true);
		if (row == NULL)
			return -1;
		row->v[i] = v;
	}
	ev_drop(ev, f.at);
	ev_drop(ev, f.before);
	return ev_work(ev, g->count);
}

/* 1 where no series has a value. */
static int
turn_absent(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g, struct prom_rows *r)
{
	struct prom_rows out = {0};
	struct slice labels;
	struct prom_row *row;

	if (prom_absent_labels(ev, e, &labels) < 0)
		return -1;
	row = rows_add(ev, &out, labels, g->count, true);
	if (row == NULL)
		return -1;
	for (uint32_t i = 0; i < g->count; i++) {
		bool there = false;

		for (uint32_t k = 0; k < r->count && !there; k++)
			there = !is_none(r->all[k].v[i]);
		row->v[i] = there ? none() : 1;
	}
	if (ev_work(ev, (uint64_t)g->count * r->count) < 0)
		return -1;
	rows_drop(ev, r);
	*r = out;
	return 0;
}

static int
check_winters(struct prom_ev *ev, const struct range_call *c, const struct prom_grid *g)
{
	for (uint32_t i = 0; i < g->count; i++) {
		if (!(c->a[i] > 0 && c->a[i] < 1))
			return ev_fail(ev, "invalid smoothing factor. Expected: 0 < sf < 1, got: %f", c->a[i]);
		if (!(c->b[i] > 0 && c->b[i] < 1))
			return ev_fail(ev, "invalid trend factor. Expected: 0 < tf < 1, got: %f", c->b[i]);
	}
	return 0;
}

static int
arguments(struct prom_ev *ev, struct range_call *c, const struct prom_grid *g)
{
	for (uint32_t i = 0; i < c->call->count; i++) {
		const struct prom_expr *arg = c->call->args[i];

		if (arg->type == PROM_MATRIX)
			c->range = arg;
		else if (prom_ev_scalar(ev, arg, g, c->a == NULL ? &c->a : &c->b) < 0)
			return -1;
	}
	while (c->range->kind == EXPR_PAREN)
		c->range = c->range->args[0];
	return 0;
}

int
prom_ev_range(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g, struct prom_rows *out)
{
	struct range_call c = {.call = e, .fn = e->func->fn};
	struct prom_points *all;
	uint32_t count, most = 0;

	if (arguments(ev, &c, g) < 0 || prom_ev_samples(ev, c.range, g, &all, &count) < 0)
		return -1;
	for (uint32_t i = 0; i < count; i++)
		most = all[i].count > most ? all[i].count : most;
	c.room = ev_alloc(ev, most + 1, sizeof *c.room);
	if (c.room == NULL)
		return -1;
	if (c.fn == FN_WINTERS && count > 0 && check_winters(ev, &c, g) < 0)
		return -1;
	for (uint32_t i = 0; i < count; i++)
		if (one_series(ev, &c, g, &all[i], out) < 0)
			return -1;
	ev_drop(ev, all);
	ev_drop(ev, c.room);
	if (c.fn == FN_ABSENT_OT)
		return turn_absent(ev, e->args[0], g, out);
	for (uint32_t i = 0; c.fn != FN_LAST_OT && i < out->count; i++)
		if (ev_drop_name(ev, &out->all[i].labels) < 0)
			return -1;
	return rows_unify(ev, out, g->count, true);
}
