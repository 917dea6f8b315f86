/*
 * prom_eval.c - evaluation: selectors, subqueries, what all else stands on, and the
 * answer.  See prom_ev.h for how values travel.
 */
#include "prom_ev.h"

#include <stdio.h>
#include <stdlib.h>

/* --- samples ---------------------------------------------------------------------------- */

int64_t
prom_ev_at(const struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g, uint32_t step)
{
	int64_t t = g->start + (int64_t)step * g->step;

	if (e->at_kind == AT_TIME)
		t = e->at_ms;
	else if (e->at_kind == AT_START)
		t = ev->when->start_ms;
	else if (e->at_kind == AT_END)
		t = ev->when->step_ms > 0 ? ev->when->end_ms : ev->when->start_ms;
	return t - e->offset_ms;
}

/* The last sample that is not after t and at most the lookback before it, from *next on
 * (the first one after the step before). */
static double
instant(const struct prom_points *s, int64_t t, uint32_t *next, bool of_samples)
{
	uint32_t i = *next;

	while (i < s->count && s->at_ms[i] <= t)
		i++;
	*next = i;
	if (i == 0 || s->at_ms[i - 1] < t - PROM_LOOKBACK_MS || is_none(s->values[i - 1]))
		return none();
	return of_samples ? (double)s->at_ms[i - 1] / 1000 : s->values[i - 1];
}

static int
fill_row(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g,
    const struct prom_points *s, bool of_samples, struct prom_rows *out)
{
	struct prom_row *row = NULL;
	uint32_t next = 0;

	for (uint32_t i = 0; i < g->count; i++) {
		double v = instant(s, prom_ev_at(ev, e, g, i), &next, of_samples);

		if (is_none(v))
			continue;
		if (row == NULL)
			row = rows_add(ev, out, s->labels, g->count, true);
		if (row == NULL)
			return -1;
		row->v[i] = v;
	}
	return ev_work(ev, (uint64_t)g->count + next);
}

/* Series in the order of their labels: an answer keeps the order of its selector. */
static int
cmp_points(const void *a, const void *b)
{
	return prom_labels_cmp((*(const struct prom_points *const *)a)->labels,
	    (*(const struct prom_points *const *)b)->labels);
}

static int
sorted(struct prom_ev *ev, const struct prom_expr *sel, const struct prom_points ***out, uint32_t *count)
{
	const struct prom_data *d = &ev->data[sel->selector];
	const struct prom_points **all = ev_alloc(ev, d->count + 1, sizeof(struct prom_points *));

	if (all == NULL)
		return -1;
	for (uint32_t i = 0; i < d->count; i++)
		all[i] = &d->series[i];
	if (d->count > 1)
		qsort(all, d->count, sizeof(struct prom_points *), cmp_points);
	*out = all;
	*count = d->count;
	return 0;
}

int
prom_ev_selector(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g,
    bool of_samples, struct prom_rows *out)
{
	const struct prom_points **all;
	uint32_t count;

	if (sorted(ev, e, &all, &count) < 0)
		return -1;
	for (uint32_t i = 0; i < count; i++)
		if (fill_row(ev, e, g, all[i], of_samples, out) < 0)
			return -1;
	ev_drop(ev, all);
	return 0;
}

/* s without its stale samples: itself, where it has none. */
static int
without_stale(struct prom_ev *ev, const struct prom_points *s, struct prom_points *out)
{
	uint32_t n = 0;
	int64_t *at;
	double *v;

	*out = *s;
	while (n < s->count && !is_none(s->values[n]))
		n++;
	if (n == s->count)
		return ev_work(ev, s->count);
	at = ev_alloc(ev, s->count, sizeof *at);
	v = at != NULL ? ev_alloc(ev, s->count, sizeof *v) : NULL;
	if (v == NULL)
		return -1;
	n = 0;
	for (uint32_t i = 0; i < s->count; i++)
		if (!is_none(s->values[i]))
			at[n] = s->at_ms[i], v[n++] = s->values[i];
	out->at_ms = at;
	out->values = v;
	out->count = n;
	return ev_work(ev, s->count);
}

/* The steps of a subquery are multiples of its own step. */
static int
subquery_grid(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g, struct prom_grid *out)
{
	int64_t first = prom_ev_at(ev, e, g, 0) - e->range_ms;
	int64_t last = prom_ev_at(ev, e, g, g->count - 1), start = first / e->step_ms * e->step_ms;
	int64_t n;

	if (start < first)
		start += e->step_ms;
	n = last < start ? 0 : (last - start) / e->step_ms + 1;
	if (n > PROM_STEPS_MAX * 10)
		return ev_fail(ev, "a subquery of %lld steps, the limit is %d: a shorter range or a longer step",
		    (long long)n, PROM_STEPS_MAX * 10);
	*out = (struct prom_grid){start, e->step_ms, (uint32_t)n};
	return 0;
}

static int
subquery_samples(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g,
    struct prom_points **out, uint32_t *count)
{
	struct prom_rows rows = {0};
	struct prom_grid inner;
	int64_t *at;

	if (subquery_grid(ev, e, g, &inner) < 0)
		return -1;
	if (inner.count == 0)
		return 0;
	if (prom_ev(ev, e->args[0], &inner, &rows) < 0)
		return -1;
	*out = ev_alloc(ev, rows.count + 1, sizeof **out);
	at = ev_alloc(ev, inner.count, sizeof *at);
	if (*out == NULL || at == NULL)
		return -1;
	for (uint32_t i = 0; i < inner.count; i++)
		at[i] = inner.start + (int64_t)i * inner.step;
	for (uint32_t i = 0; i < rows.count; i++) {
		struct prom_points s = {rows.all[i].labels, at, rows.all[i].v, inner.count};

		if (without_stale(ev, &s, &(*out)[i]) < 0)
			return -1;
	}
	*count = rows.count;
	return 0;
}

int
prom_ev_samples(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g,
    struct prom_points **out, uint32_t *count)
{
	const struct prom_points **all;
	uint32_t n;

	*count = 0;
	*out = NULL;
	while (e->kind == EXPR_PAREN)
		e = e->args[0];
	if (e->kind == EXPR_SUBQUERY)
		return subquery_samples(ev, e, g, out, count);
	if (sorted(ev, e->args[0], &all, &n) < 0)
		return -1;
	*out = ev_alloc(ev, n + 1, sizeof **out);
	if (*out == NULL)
		return -1;
	for (uint32_t i = 0; i < n; i++)
		if (without_stale(ev, all[i], &(*out)[i]) < 0)
			return -1;
	*count = n;
	ev_drop(ev, all);
	return 0;
}

/* --- the tree ------------------------------------------------------------------------------ */

static int
ev_constant(struct prom_ev *ev, const struct prom_grid *g, double v, struct prom_rows *out)
{
	struct prom_row *row = rows_add(ev, out, prom_no_labels, g->count, true);

	for (uint32_t i = 0; row != NULL && i < g->count; i++)
		row->v[i] = v;
	return row != NULL ? ev_work(ev, g->count) : -1;
}

int
prom_ev_scalar(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g, double **out)
{
	struct prom_rows rows = {0};

	if (prom_ev(ev, e, g, &rows) < 0)
		return -1;
	*out = rows.all[0].v; /* a scalar always has its row */
	ev_drop(ev, rows.all);
	return 0;
}

static int
ev_unary(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g, struct prom_rows *out)
{
	if (prom_ev(ev, e->args[0], g, out) < 0)
		return -1;
	if (e->op == TOK_ADD)
		return 0;
	for (uint32_t i = 0; i < out->count; i++) {
		struct prom_row *row = &out->all[i];

		if (ev_drop_name(ev, &row->labels) < 0 || ev_work(ev, g->count) < 0)
			return -1;
		for (uint32_t k = 0; k < g->count; k++)
			if (!is_none(row->v[k]))
				row->v[k] = -row->v[k];
	}
	return e->type == PROM_SCALAR ? 0 : rows_unify(ev, out, g->count, true);
}

int
prom_ev(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g, struct prom_rows *out)
{
	switch (e->kind) {
	case EXPR_NUMBER:
		return ev_constant(ev, g, e->number, out);
	case EXPR_SELECTOR:
		return prom_ev_selector(ev, e, g, false, out);
	case EXPR_PAREN:
		return prom_ev(ev, e->args[0], g, out);
	case EXPR_UNARY:
		return ev_unary(ev, e, g, out);
	case EXPR_BINARY:
		return prom_ev_binary(ev, e, g, out);
	case EXPR_CALL:
		return prom_ev_call(ev, e, g, out);
	case EXPR_AGGR:
		return prom_ev_aggr(ev, e, g, out);
	case EXPR_PART:
		return prom_ev_part(ev, e, g, out);
	case EXPR_STRING:
	case EXPR_MATRIX:
	case EXPR_SUBQUERY:
		break;
	}
	return ev_fail(ev, "a %s is no value of its own", prom_type_name(e->type));
}

/* --- the answer ------------------------------------------------------------------------------ */

/* One block for all of it: series, times, values, labels. */
static int
result_room(struct prom_ev *ev, struct prom_result *out, uint32_t series, size_t points, size_t text,
    int64_t **at, double **v, uint8_t **b)
{
	size_t bytes = series * sizeof *out->series + points * 16 + text + 16;

	if (points > ev->limits->bytes_max / 16 || bytes > ev->limits->bytes_max)
		return ev_fail(ev, "the answer needs more than %zu KiB: ask for fewer series or a longer step",
		    ev->limits->bytes_max >> 10);
	out->memory = malloc(bytes);
	if (out->memory == NULL)
		return ev_fail(ev, "no memory for an answer of %zu KiB", bytes >> 10);
	out->series = out->memory;
	*at = (int64_t *)(void *)(out->series + series);
	*v = (double *)(void *)(*at + points);
	*b = (uint8_t *)(*v + points);
	out->count = series;
	return 0;
}

static void
copy_labels(struct prom_series *s, struct slice from, uint8_t **b)
{
	if (from.len == 0)
		from = prom_no_labels;
	memcpy(*b, from.b, from.len);
	s->labels = (struct slice){*b, from.len};
	*b += from.len;
}

static int
hand_rows(struct prom_ev *ev, const struct prom_rows *r, const struct prom_grid *g, struct prom_result *out)
{
	size_t points = 0, text = 0;
	int64_t *at;
	double *v;
	uint8_t *b;

	for (uint32_t i = 0; i < r->count; i++) {
		text += r->all[i].labels.len + 1;
		for (uint32_t k = 0; k < g->count; k++)
			points += !is_none(r->all[i].v[k]);
	}
	if (result_room(ev, out, r->count, points, text, &at, &v, &b) < 0)
		return -1;
	for (uint32_t i = 0; i < r->count; i++) {
		struct prom_series *s = &out->series[i];

		*s = (struct prom_series){.at_ms = at, .values = v};
		for (uint32_t k = 0; k < g->count; k++) {
			if (is_none(r->all[i].v[k]))
				continue;
			*at++ = g->start + (int64_t)k * g->step;
			*v++ = r->all[i].v[k];
			s->count++;
		}
		copy_labels(s, r->all[i].labels, &b);
	}
	return 0;
}

/* A range alone: its samples as they are. */
static int
hand_samples(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g, struct prom_result *out)
{
	struct prom_points *all;
	uint32_t count, kept = 0;
	size_t points = 0, text = 0;
	int64_t *at, to;
	double *v;
	uint8_t *b;

	if ((e->kind == EXPR_PART ? prom_part_samples(ev, e, &all, &count) :
				    prom_ev_samples(ev, e, g, &all, &count)) < 0)
		return -1;
	if (e->kind == EXPR_PART)
		e = e->args[0];
	while (e->kind == EXPR_PAREN)
		e = e->args[0];
	to = prom_ev_at(ev, e, g, 0);
	for (uint32_t i = 0; i < count; i++) {
		struct prom_points s = all[i];
		uint32_t from = 0;

		while (from < s.count && s.at_ms[from] < to - e->range_ms)
			from++;
		while (s.count > from && s.at_ms[s.count - 1] > to)
			s.count--;
		s.at_ms += from, s.values += from, s.count -= from;
		if (s.count == 0)
			continue;
		all[kept++] = s;
		points += s.count;
		text += s.labels.len + 1;
	}
	if (result_room(ev, out, kept, points, text, &at, &v, &b) < 0)
		return -1;
	for (uint32_t i = 0; i < kept; i++) {
		struct prom_series *s = &out->series[i];

		*s = (struct prom_series){.at_ms = at, .values = v, .count = all[i].count};
		memcpy(at, all[i].at_ms, s->count * sizeof *at);
		memcpy(v, all[i].values, s->count * sizeof *v);
		at += s->count, v += s->count;
		copy_labels(s, all[i].labels, &b);
	}
	return 0;
}

static int
hand_text(struct prom_ev *ev, const struct prom_expr *e, struct prom_result *out)
{
	while (e->kind == EXPR_PAREN)
		e = e->args[0];
	out->memory = malloc(e->text.len + 1);
	if (out->memory == NULL)
		return ev_fail(ev, "no memory for a text of %zu bytes", e->text.len);
	if (e->text.len > 0)
		memcpy(out->memory, e->text.b, e->text.len);
	out->text = (struct slice){out->memory, e->text.len};
	return 0;
}

static int
evaluate(struct prom_ev *ev, struct prom_result *out)
{
	const struct prom_when *w = ev->when;
	const struct prom_expr *root = ev->p->root;
	struct prom_grid g = {w->start_ms, w->step_ms, 1};
	struct prom_rows rows = {0};

	if (w->start_ms > PROM_TIME_MAX || w->start_ms < -PROM_TIME_MAX || w->end_ms > PROM_TIME_MAX ||
	    w->step_ms < 0 || w->step_ms > PROM_TIME_MAX)
		return ev_fail(ev, "a time that can't be");
	out->kind = root->type;
	if (w->step_ms > 0) {
		if (w->end_ms < w->start_ms)
			return ev_fail(ev, "end timestamp must not be before start time");
		if ((w->end_ms - w->start_ms) / w->step_ms >= PROM_STEPS_MAX)
			return ev_fail(ev, "exceeded maximum resolution of %d points per timeseries: ask for a "
			    "shorter range or a longer step", PROM_STEPS_MAX);
		if (root->type != PROM_SCALAR && root->type != PROM_VECTOR)
			return ev_fail(ev, "invalid expression type \"%s\" for range query, must be Scalar or "
			    "instant Vector", prom_type_name(root->type));
		g.count = (uint32_t)((w->end_ms - w->start_ms) / w->step_ms) + 1;
		out->kind = PROM_MATRIX;
	}
	if (root->type == PROM_STRING)
		return hand_text(ev, root, out);
	if (root->type == PROM_MATRIX)
		return hand_samples(ev, root, &g, out);
	if (prom_ev(ev, root, &g, &rows) < 0)
		return -1;
	if (root->type == PROM_VECTOR &&
	    (rows_unify(ev, &rows, g.count, false) < 0 || (w->step_ms > 0 && rows_sort(ev, &rows) < 0)))
		return -1;
	return hand_rows(ev, &rows, &g, out);
}

int
prom_ev_finish(struct prom_ev *ev, struct prom_result *out)
{
	int rc;

	*out = (struct prom_result){0};
	ev->arena.max = ev->limits->bytes_max;
	rc = evaluate(ev, out);
	ev_end(ev);
	if (rc < 0)
		prom_result_free(out);
	return rc;
}

int
prom_eval(const struct prom *p, const struct prom_when *w, const struct prom_data *data,
    const struct prom_limits *limits, struct prom_result *out, struct err *err)
{
	struct prom_ev ev = {.p = p, .when = w, .data = data, .limits = limits, .err = err};

	return prom_ev_finish(&ev, out);
}

void
prom_result_free(struct prom_result *r)
{
	free(r->memory);
	*r = (struct prom_result){0};
}
