/*
 * prom_part.c - of prom_merge: what nodes answered, as rows; and one variance of many.
 */
#include "prom_ev.h"

#include <math.h>
#include <stdlib.h>

/* Both lists of times rise. */
static int
add_row(struct prom_ev *ev, const struct prom_series *s, const struct prom_grid *g, struct prom_rows *out)
{
	struct prom_row *row = rows_add(ev, out, s->labels, g->count, true);
	uint32_t k = 0;

	if (row == NULL || ev_work(ev, (uint64_t)g->count + s->count) < 0)
		return -1;
	for (uint32_t step = 0; step < g->count; step++) {
		int64_t t = g->start + (int64_t)step * g->step;

		while (k < s->count && s->at_ms[k] < t)
			k++;
		if (k < s->count && s->at_ms[k] == t)
			row->v[step] = s->values[k];
	}
	return 0;
}

static const struct prom_result *
answer_of(const struct prom_ev *ev, const struct prom_expr *e, uint32_t node)
{
	return &ev->results[(size_t)node * ev->parts + e->part];
}

int
prom_ev_part(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g, struct prom_rows *out)
{
	for (uint32_t n = 0; n < ev->nodes; n++)
		for (uint32_t i = 0; i < answer_of(ev, e, n)->count; i++)
			if (add_row(ev, &answer_of(ev, e, n)->series[i], g, out) < 0)
				return -1;
	return rows_sort(ev, out);
}

/* A range alone: series as they came. */
int
prom_part_samples(struct prom_ev *ev, const struct prom_expr *e, struct prom_points **out, uint32_t *count)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < ev->nodes; i++)
		n += answer_of(ev, e, i)->count;
	*out = ev_alloc(ev, n + 1, sizeof **out);
	if (*out == NULL)
		return -1;
	*count = 0;
	for (uint32_t i = 0; i < ev->nodes; i++)
		for (uint32_t k = 0; k < answer_of(ev, e, i)->count; k++) {
			const struct prom_series *s = &answer_of(ev, e, i)->series[k];

			(*out)[(*count)++] = (struct prom_points){s->labels, s->at_ms, s->values, s->count};
		}
	return 0;
}

/* --- one variance of many -------------------------------------------------------------------- */

/* Into the sums of all: count, mean, and the squares of the distances from it (Chan,
 * Golub and LeVeque: no difference of great numbers). */
static void
join(double *n, double *mean, double *squares, double n2, double mean2, double variance2)
{
	double delta = mean2 - *mean, all = *n + n2;

	if (is_none(*n)) {
		*n = n2, *mean = mean2, *squares = variance2 * n2;
		return;
	}
	/* An infinity among several has no distance from any mean. */
	*squares += isfinite(delta) ? variance2 * n2 + delta * delta * (*n * n2 / all) : NAN;
	*mean += delta * (n2 / all);
	*n = all;
}

/* The rows of one node: counts, means and variances have the same labels. */
static int
join_node(struct prom_ev *ev, struct prom_rows of[3], const struct prom_grid *g, struct ev_index *x,
    struct prom_rows sums[3])
{
	if (of[0].count != of[1].count || of[0].count != of[2].count || rows_sort(ev, &of[0]) < 0 ||
	    rows_sort(ev, &of[1]) < 0 || rows_sort(ev, &of[2]) < 0)
		return ev_fail(ev, "a node's counts, means and variances do not belong together");
	for (uint32_t i = 0; i < of[0].count; i++) {
		int64_t at = ev_index_add(ev, x, of[0].all[i].labels);

		for (uint32_t k = 0; k < 3; k++) {
			if (at < 0 || !slice_eq(of[k].all[i].labels, of[0].all[i].labels))
				return ev_fail(ev, "a node's counts, means and variances do not belong together");
			if (at == sums[k].count &&
			    rows_add(ev, &sums[k], of[0].all[i].labels, g->count, true) == NULL)
				return -1;
		}
		for (uint32_t step = 0; step < g->count; step++)
			if (!is_none(of[0].all[i].v[step]))
				join(&sums[0].all[at].v[step], &sums[1].all[at].v[step],
				    &sums[2].all[at].v[step], of[0].all[i].v[step], of[1].all[i].v[step],
				    of[2].all[i].v[step]);
	}
	return 0;
}

int
prom_ev_variances(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g,
    struct prom_rows *out)
{
	struct prom_rows sums[3] = {{0}};
	struct ev_index x = {0};

	for (uint32_t n = 0; n < ev->nodes; n++) {
		struct prom_rows of[3] = {{0}};

		for (uint32_t k = 0; k < 3; k++) {
			const struct prom_result *r = answer_of(ev, e->args[k], n);

			for (uint32_t i = 0; i < r->count; i++)
				if (add_row(ev, &r->series[i], g, &of[k]) < 0)
					return -1;
		}
		if (join_node(ev, of, g, &x, sums) < 0)
			return -1;
		for (uint32_t k = 0; k < 3; k++)
			rows_drop(ev, &of[k]);
	}
	for (uint32_t i = 0; i < sums[0].count; i++)
		for (uint32_t step = 0; step < g->count; step++) {
			double n = sums[0].all[i].v[step], *v = &sums[2].all[i].v[step];

			if (!is_none(n))
				*v = e->op == TOK_STDDEV ? sqrt(*v / n) : *v / n;
		}
	*out = sums[2];
	rows_drop(ev, &sums[0]);
	rows_drop(ev, &sums[1]);
	ev_index_drop(ev, &x);
	return 0;
}
