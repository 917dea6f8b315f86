/*
 * prom_call.c - functions of one sample of each series, of dates, and those that turn
 * vectors into scalars and back.  Formulas: Prometheus 2.42, promql/functions.go.
 */
#include "prom_ev.h"
#include "prom_math.h"

#include <math.h>
#include <stdlib.h>

static const double PI = 3.14159265358979323846;

/* --- of one number ----------------------------------------------------------------------- */

/* As Go has them: an infinity on the right side beats NaN. */
static double
go_max(double a, double b)
{
	if ((isinf(a) && a > 0) || (isinf(b) && b > 0))
		return INFINITY;
	if (isnan(a) || isnan(b))
		return NAN;
	if (a == 0 && b == 0)
		return signbit(a) ? b : a;
	return a > b ? a : b;
}

static double
go_min(double a, double b)
{
	if ((isinf(a) && a < 0) || (isinf(b) && b < 0))
		return -INFINITY;
	if (isnan(a) || isnan(b))
		return NAN;
	if (a == 0 && b == 0)
		return signbit(a) ? a : b;
	return a < b ? a : b;
}

static double
of_number(enum prom_fn fn, double v, double a, double b)
{
	switch (fn) {
	case FN_ABS:
		return fabs(v);
	case FN_CEIL:
		return prom_ceil(v);
	case FN_FLOOR:
		return prom_floor(v);
	case FN_EXP:
		return prom_exp(v);
	case FN_LN:
		return prom_log(v);
	case FN_LOG2:
		return prom_log2(v);
	case FN_LOG10:
		return prom_log10(v);
	case FN_SQRT:
		return sqrt(v);
	case FN_SGN:
		return v < 0 ? -1 : v > 0 ? 1 : v;
	case FN_ROUND:
		a = 1 / a;
		return prom_floor(v * a + 0.5) / a;
	case FN_CLAMP:
		return b < a ? none() : go_max(a, go_min(b, v));
	case FN_CLAMP_MIN:
		return go_max(a, v);
	case FN_CLAMP_MAX:
		return go_min(a, v);
	case FN_DEG:
		return v * 180 / PI;
	default:
		return v * PI / 180;
	}
}

static int
ev_math(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g, struct prom_rows *out)
{
	double *a = NULL, *b = NULL;

	if (prom_ev(ev, e->args[0], g, out) < 0 ||
	    (e->count > 1 && prom_ev_scalar(ev, e->args[1], g, &a) < 0) ||
	    (e->count > 2 && prom_ev_scalar(ev, e->args[2], g, &b) < 0))
		return -1;
	for (uint32_t i = 0; i < out->count; i++) {
		struct prom_row *row = &out->all[i];

		if (ev_drop_name(ev, &row->labels) < 0 || ev_work(ev, g->count) < 0)
			return -1;
		for (uint32_t k = 0; k < g->count; k++)
			if (!is_none(row->v[k]))
				row->v[k] = of_number(e->func->fn, row->v[k], a != NULL ? a[k] : 1,
				    b != NULL ? b[k] : 0);
	}
	ev_drop(ev, a);
	ev_drop(ev, b);
	return rows_unify(ev, out, g->count, false);
}

/* --- dates (UTC) --------------------------------------------------------------------------- */

struct date {
	int64_t year;
	uint32_t month, day, yearday; /* from 1; yearday too */
};

static bool
is_leap(int64_t y)
{
	return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
}

static uint32_t
month_days(int64_t year, uint32_t month)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

static struct date
date_of(int64_t days)
{
	int64_t era, rest, year = 1970;
	struct date d;

	/* Whole cycles of 400 years (146097 days), then years one by one. */
	era = days / 146097;
	rest = days % 146097;
	if (rest < 0)
		era--, rest += 146097;
	year += era * 400;
	while (rest >= 365 + is_leap(year))
		rest -= 365 + is_leap(year++);
	d.year = year;
	d.yearday = (uint32_t)rest + 1;
	for (d.month = 1; (uint32_t)rest >= month_days(year, d.month); d.month++)
		rest -= month_days(year, d.month);
	d.day = (uint32_t)rest + 1;
	return d;
}

static double
date_part(enum prom_fn fn, double v)
{
	/* Go counts from a year so far back that its seconds have no sign, and what is no
	 * second at all is the least one: sums go around, and so do ours. */
	const uint64_t base = UINT64_C(730692556) * 146097 + 719162; /* days from there to 1970 */
	uint64_t t = v >= -0x1p63 && v < 0x1p63 ? (uint64_t)(int64_t)v : UINT64_C(1) << 63;
	uint64_t of_day = (t + base * 86400) % 86400;
	int64_t days = (int64_t)((t + base * 86400) / 86400) - (int64_t)base;
	struct date d = date_of(days);

	switch (fn) {
	case FN_MINUTE:
		return (double)(of_day / 60 % 60);
	case FN_HOUR:
		return (double)(of_day / 3600);
	case FN_DAY_WEEK:
		return (double)(((days + 4) % 7 + 7) % 7);
	case FN_DAY_MONTH:
		return d.day;
	case FN_DAY_YEAR:
		return d.yearday;
	case FN_DAYS_IN:
		return month_days(d.year, d.month);
	case FN_MONTH:
		return d.month;
	default:
		return (double)d.year;
	}
}

static int
ev_now(struct prom_ev *ev, const struct prom_grid *g, struct prom_rows *out)
{
	struct prom_row *row = rows_add(ev, out, prom_no_labels, g->count, true);

	for (uint32_t i = 0; row != NULL && i < g->count; i++)
		row->v[i] = (double)(g->start + (int64_t)i * g->step) / 1000;
	return row != NULL ? ev_work(ev, g->count) : -1;
}

static int
ev_date(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g, struct prom_rows *out)
{
	if ((e->count > 0 ? prom_ev(ev, e->args[0], g, out) : ev_now(ev, g, out)) < 0)
		return -1;
	for (uint32_t i = 0; i < out->count; i++) {
		if (ev_drop_name(ev, &out->all[i].labels) < 0 || ev_work(ev, g->count) < 0)
			return -1;
		for (uint32_t k = 0; k < g->count; k++)
			if (!is_none(out->all[i].v[k]))
				out->all[i].v[k] = date_part(e->func->fn, out->all[i].v[k]);
	}
	return rows_unify(ev, out, g->count, false);
}

/* --- the rest -------------------------------------------------------------------------------- */

static int
ev_timestamp(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g, struct prom_rows *out)
{
	const struct prom_expr *arg = e->args[0];

	while (arg->kind == EXPR_PAREN)
		arg = arg->args[0];
	if (arg->kind == EXPR_SELECTOR) {
		if (prom_ev_selector(ev, arg, g, true, out) < 0)
			return -1;
	} else if (prom_ev(ev, arg, g, out) < 0) {
		return -1;
	}
	for (uint32_t i = 0; i < out->count; i++) {
		if (ev_drop_name(ev, &out->all[i].labels) < 0)
			return -1;
		for (uint32_t k = 0; arg->kind != EXPR_SELECTOR && k < g->count; k++)
			if (!is_none(out->all[i].v[k]))
				out->all[i].v[k] = (double)(g->start + (int64_t)k * g->step) / 1000;
	}
	return rows_unify(ev, out, g->count, false);
}

/* One value: of a vector of one, else NaN. */
static int
ev_scalar(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g, struct prom_rows *out)
{
	struct prom_rows of = {0};
	struct prom_row *row;

	if (prom_ev(ev, e->args[0], g, &of) < 0 || ev_work(ev, (uint64_t)of.count * g->count) < 0)
		return -1;
	row = rows_add(ev, out, prom_no_labels, g->count, true);
	if (row == NULL)
		return -1;
	for (uint32_t k = 0; k < g->count; k++) {
		uint32_t n = 0;

		row->v[k] = NAN;
		for (uint32_t i = 0; i < of.count; i++)
			if (!is_none(of.all[i].v[k]))
				row->v[k] = n++ == 0 ? of.all[i].v[k] : NAN;
	}
	rows_drop(ev, &of);
	return 0;
}

static int
ev_absent(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g, struct prom_rows *out)
{
	struct prom_rows of = {0};
	struct prom_row *row;
	struct slice labels;

	if (prom_ev(ev, e->args[0], g, &of) < 0 || prom_absent_labels(ev, e->args[0], &labels) < 0 ||
	    ev_work(ev, (uint64_t)of.count * g->count) < 0)
		return -1;
	row = rows_add(ev, out, labels, g->count, true);
	if (row == NULL)
		return -1;
	for (uint32_t k = 0; k < g->count; k++) {
		row->v[k] = 1;
		for (uint32_t i = 0; i < of.count; i++)
			if (!is_none(of.all[i].v[k]))
				row->v[k] = none();
	}
	rows_drop(ev, &of);
	return rows_unify(ev, out, g->count, false);
}

struct ordered {
	double v;
	uint32_t i;
	bool down;
};

static int
cmp_ordered(const void *a, const void *b)
{
	const struct ordered *l = a, *r = b;

	if (isnan(l->v) != isnan(r->v))
		return isnan(l->v) ? 1 : -1;
	if (l->v != r->v && !isnan(l->v))
		return (l->v < r->v) == l->down ? 1 : -1;
	/* Equals stay as they are; NaN turn around, as Go's insertion sort leaves them. */
	return (l->i < r->i) == !isnan(l->v) ? -1 : 1;
}

/* Of an instant query; a range has the order of labels. */
static int
ev_sort(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g, struct prom_rows *out)
{
	struct prom_rows by_value = {0};
	struct ordered *all;

	if (prom_ev(ev, e->args[0], g, out) < 0 || rows_unify(ev, out, g->count, false) < 0)
		return -1;
	if (g->count > 1 || out->count < 2)
		return 0;
	all = ev_alloc(ev, out->count, sizeof *all);
	if (all == NULL)
		return -1;
	for (uint32_t i = 0; i < out->count; i++)
		all[i] = (struct ordered){out->all[i].v[0], i, e->func->fn == FN_SORT_DESC};
	qsort(all, out->count, sizeof *all, cmp_ordered);
	for (uint32_t i = 0; i < out->count; i++) {
		struct prom_row *row = rows_add(ev, &by_value, out->all[all[i].i].labels, g->count, false);

		if (row == NULL)
			return -1;
		row->v = out->all[all[i].i].v;
	}
	ev_drop(ev, all);
	ev_drop(ev, out->all);
	*out = by_value;
	return 0;
}

int
prom_ev_call(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g, struct prom_rows *out)
{
	enum prom_fn fn = e->func->fn;

	if (prom_is_range_fn(fn))
		return prom_ev_range(ev, e, g, out);
	if (prom_is_math_fn(fn))
		return ev_math(ev, e, g, out);
	if (prom_is_date_fn(fn))
		return ev_date(ev, e, g, out);
	switch (fn) {
	case FN_TIMESTAMP:
		return ev_timestamp(ev, e, g, out);
	case FN_SORT:
	case FN_SORT_DESC:
		return ev_sort(ev, e, g, out);
	case FN_ABSENT:
		return ev_absent(ev, e, g, out);
	case FN_VECTOR:
		return prom_ev(ev, e->args[0], g, out);
	case FN_LABEL_REPLACE:
	case FN_LABEL_JOIN:
		return prom_ev_label(ev, e, g, out);
	case FN_SCALAR:
		return ev_scalar(ev, e, g, out);
	case FN_TIME:
		return ev_now(ev, g, out);
	case FN_PI:
		if (ev_now(ev, g, out) < 0)
			return -1;
		for (uint32_t i = 0; i < g->count; i++)
			out->all[0].v[i] = PI;
		return 0;
	default:
		return prom_ev_histogram(ev, e, g, out);
	}
}
