/*
 * prom_aggr.c - sum and its kin by groups, topk and bottomk, quantile, count_values.
 * Each row's group is found once; then step by step, in the order of the rows, as
 * Prometheus 2.42 adds (no compensation in `sum`, a running mean in `avg`).
 */
#include "prom_ev.h"
#include "prom_math.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Of one group at one step. */
struct sums {
	double value, mean;
	uint32_t count;
};

struct groups {
	struct ev_index x; /* keys: the labels of the groups */
	uint32_t *of;	   /* by row */
};

static int
group_rows(struct prom_ev *ev, const struct prom_expr *e, const struct prom_rows *in, struct groups *gr)
{
	struct slice key;

	gr->of = ev_alloc(ev, in->count + 1, sizeof *gr->of);
	if (gr->of == NULL)
		return -1;
	for (uint32_t i = 0; i < in->count; i++) {
		if (ev_keep_labels(ev, in->all[i].labels, &e->labels, e->without, &key) < 0)
			return -1;
		int64_t n = ev_index_add(ev, &gr->x, key);
		if (n < 0)
			return -1;
		gr->of[i] = (uint32_t)n;
	}
	return 0;
}

static void
sums_first(enum prom_tok op, struct sums *s, double v)
{
	*s = (struct sums){v, v, 1};
	if (op == TOK_STDDEV || op == TOK_STDVAR)
		s->value = 0;
	else if (op == TOK_GROUP)
		s->value = 1;
}

static void
sums_mean(struct sums *s, double v)
{
	if (isinf(s->mean) &&
	    ((isinf(v) && (s->mean > 0) == (v > 0)) || (!isinf(v) && !isnan(v))))
		return;
	s->mean += v / s->count - s->mean / s->count;
}

static void
sums_add(enum prom_tok op, struct sums *s, double v)
{
	double delta;

	if (s->count++ == 0) {
		sums_first(op, s, v);
		return;
	}
	switch (op) {
	case TOK_SUM:
		s->value += v;
		break;
	case TOK_AVG:
		sums_mean(s, v);
		break;
	case TOK_MIN:
		if (s->value > v || isnan(s->value))
			s->value = v;
		break;
	case TOK_MAX:
		if (s->value < v || isnan(s->value))
			s->value = v;
		break;
	case TOK_STDDEV:
	case TOK_STDVAR:
		delta = v - s->mean;
		s->mean += delta / s->count;
		s->value += delta * (v - s->mean);
		break;
	default:
		break;
	}
}

static double
sums_end(enum prom_tok op, const struct sums *s)
{
	switch (op) {
	case TOK_AVG:
		return s->mean;
	case TOK_COUNT:
		return s->count;
	case TOK_STDDEV:
		return sqrt(s->value / s->count);
	case TOK_STDVAR:
		return s->value / s->count;
	default:
		return s->value;
	}
}

/* A row for each group. */
static int
group_results(struct prom_ev *ev, const struct groups *gr, const struct prom_grid *g, struct prom_rows *out)
{
	for (uint32_t i = 0; i < gr->x.count; i++)
		if (rows_add(ev, out, gr->x.keys[i], g->count, true) == NULL)
			return -1;
	return 0;
}

static int
ev_sums(struct prom_ev *ev, const struct prom_expr *e, const struct prom_rows *in, const struct groups *gr,
    const struct prom_grid *g, struct prom_rows *out)
{
	struct sums *s = ev_alloc(ev, gr->x.count + 1, sizeof *s);

	if (s == NULL || group_results(ev, gr, g, out) < 0)
		return -1;
	for (uint32_t k = 0; k < g->count; k++) {
		memset(s, 0, gr->x.count * sizeof *s);
		for (uint32_t i = 0; i < in->count; i++)
			if (!is_none(in->all[i].v[k]))
				sums_add(e->op, &s[gr->of[i]], in->all[i].v[k]);
		for (uint32_t i = 0; i < gr->x.count; i++)
			if (s[i].count > 0)
				out->all[i].v[k] = sums_end(e->op, &s[i]);
	}
	ev_drop(ev, s);
	return 0;
}

/* --- quantile -------------------------------------------------------------------------------- */

static int
cmp_value(const void *a, const void *b)
{
	double l = *(const double *)a, r = *(const double *)b;

	if (isnan(l) || isnan(r))
		return isnan(r) - isnan(l); /* NaN first */
	return l < r ? -1 : l > r;
}

double
prom_quantile(double q, double *v, uint32_t n)
{
	double rank, weight, lower;

	if (n == 0 || isnan(q))
		return NAN;
	if (q < 0 || q > 1)
		return q < 0 ? -INFINITY : INFINITY;
	qsort(v, n, sizeof *v, cmp_value);
	rank = q * ((double)n - 1);
	lower = prom_floor(rank);
	weight = rank - lower;
	uint32_t lo = (uint32_t)lower, hi = lo + 1 < n ? lo + 1 : n - 1;
	return v[lo] * (1 - weight) + v[hi] * weight;
}

/* Rows by group: group i has order[from[i]] .. order[from[i + 1]]. */
static int
by_group(struct prom_ev *ev, const struct prom_rows *in, const struct groups *gr, uint32_t **from,
    uint32_t **order)
{
	uint32_t *f = ev_alloc(ev, gr->x.count + 2, sizeof *f);
	uint32_t *o = ev_alloc(ev, in->count + 1, sizeof *o);

	if (f == NULL || o == NULL)
		return -1;
	for (uint32_t i = 0; i < in->count; i++)
		f[gr->of[i] + 2]++;
	for (uint32_t i = 2; i < gr->x.count + 2; i++)
		f[i] += f[i - 1];
	for (uint32_t i = 0; i < in->count; i++)
		o[f[gr->of[i] + 1]++] = i;
	*from = f;
	*order = o;
	return 0;
}

static int
ev_quantile(struct prom_ev *ev, const double *q, const struct prom_rows *in, const struct groups *gr,
    const struct prom_grid *g, struct prom_rows *out)
{
	double *v = ev_alloc(ev, in->count + 1, sizeof *v);
	uint32_t *from, *order;

	if (v == NULL || by_group(ev, in, gr, &from, &order) < 0 || group_results(ev, gr, g, out) < 0)
		return -1;
	for (uint32_t k = 0; k < g->count; k++)
		for (uint32_t i = 0; i < gr->x.count; i++) {
			uint32_t n = 0;

			for (uint32_t m = from[i]; m < from[i + 1]; m++)
				if (!is_none(in->all[order[m]].v[k]))
					v[n++] = in->all[order[m]].v[k];
			if (n > 0)
				out->all[i].v[k] = prom_quantile(q[k], v, n);
		}
	ev_drop(ev, v);
	ev_drop(ev, from);
	ev_drop(ev, order);
	return 0;
}

/* --- topk, bottomk ----------------------------------------------------------------------------- */

/* The k best so far as a heap, the worst on top; `top`: greatest are best.  NaN is worse
 * than all.  Moves are those of Go's container/heap, so equals come out in its order. */
struct heap {
	struct entry {
		double v;
		uint32_t row;
	} *e;
	uint32_t n;
	bool top;
};

static bool
is_worse(const struct heap *h, uint32_t a, uint32_t b)
{
	double l = h->e[a].v, r = h->e[b].v;

	return isnan(l) || (h->top ? l < r : l > r);
}

static void
swap(struct heap *h, uint32_t a, uint32_t b)
{
	struct entry x = h->e[a];

	h->e[a] = h->e[b];
	h->e[b] = x;
}

static void
heap_push(struct heap *h, double v, uint32_t row)
{
	uint32_t at = h->n++;

	h->e[at] = (struct entry){v, row};
	while (at > 0 && is_worse(h, at, (at - 1) / 2)) {
		swap(h, at, (at - 1) / 2);
		at = (at - 1) / 2;
	}
}

static void
heap_pop(struct heap *h)
{
	uint32_t at = 0;

	swap(h, 0, --h->n);
	for (;;) {
		uint32_t kid = 2 * at + 1;

		if (kid >= h->n)
			return;
		if (kid + 1 < h->n && is_worse(h, kid + 1, kid))
			kid++;
		if (!is_worse(h, kid, at))
			return;
		swap(h, at, kid);
		at = kid;
	}
}

static void
heap_offer(struct heap *h, uint32_t k, double v, uint32_t row)
{
	if (h->n < k) {
		heap_push(h, v, row);
		return;
	}
	if (!(isnan(h->e[0].v) || (h->top ? h->e[0].v < v : h->e[0].v > v)))
		return;
	if (k > 1) {
		heap_pop(h);
		heap_push(h, v, row);
	} else {
		h->e[0] = (struct entry){v, row};
	}
}

/* Best first: sort.Sort(sort.Reverse(heap)), which for up to 12 is an insertion sort; for
 * more, equals may come in another order than Go's. */
static void
heap_sort(struct heap *h)
{
	for (uint32_t i = 1; i < h->n; i++)
		for (uint32_t k = i; k > 0 && is_worse(h, k - 1, k); k--)
			swap(h, k, k - 1);
}

static int
param_k(struct prom_ev *ev, double k, uint32_t rows, uint32_t *out)
{
	if (!(k >= -9223372036854775808.0 && k <= 9223372036854775807.0))
		return ev_fail(ev, "Scalar value %s overflows int64",
		    isnan(k) ? "NaN" : k > 0 ? "+Inf" : "-Inf");
	*out = k < 1 ? 0 : k > rows ? rows : (uint32_t)k;
	return 0;
}

/* What is chosen keeps its labels.  Of one step the order is the value's. */
static int
choose(struct prom_ev *ev, const struct prom_rows *in, const struct heap *h, const struct prom_grid *g,
    uint32_t step, int64_t *at, struct prom_rows *out)
{
	for (uint32_t i = 0; i < h->n; i++) {
		uint32_t row = h->e[i].row;

		if (at[row] == 0) {
			if (rows_add(ev, out, in->all[row].labels, g->count, true) == NULL)
				return -1;
			at[row] = out->count;
		}
		out->all[at[row] - 1].v[step] = h->e[i].v;
	}
	return 0;
}

static int
ev_topk(struct prom_ev *ev, const struct prom_expr *e, const double *param, const struct prom_rows *in,
    const struct groups *gr, const struct prom_grid *g, struct prom_rows *out)
{
	struct heap h = {.top = e->op == TOK_TOPK};
	int64_t *at = ev_alloc(ev, in->count + 1, sizeof *at);
	uint32_t *from, *order, k = 0;

	h.e = ev_alloc(ev, in->count + 1, sizeof *h.e);
	if (at == NULL || h.e == NULL || by_group(ev, in, gr, &from, &order) < 0)
		return -1;
	for (uint32_t step = 0; step < g->count; step++) {
		if (param_k(ev, param[step], in->count, &k) < 0)
			return -1;
		for (uint32_t i = 0; i < gr->x.count && k > 0; i++) {
			h.n = 0;
			for (uint32_t m = from[i]; m < from[i + 1]; m++)
				if (!is_none(in->all[order[m]].v[step]))
					heap_offer(&h, k, in->all[order[m]].v[step], order[m]);
			/* Sorting is of use to one step alone, and the only thing here that
			 * could take long. */
			if (g->count == 1 && ev_work(ev, (uint64_t)h.n * h.n / 16) < 0)
				return -1;
			if (g->count == 1)
				heap_sort(&h);
			if (choose(ev, in, &h, g, step, at, out) < 0)
				return -1;
		}
	}
	ev_drop(ev, at);
	ev_drop(ev, h.e);
	ev_drop(ev, from);
	ev_drop(ev, order);
	return 0;
}

/* --- count_values -------------------------------------------------------------------------------- */

/* As Go's FormatFloat(v, 'f', -1, 64): the fewest digits that are this number, and
 * zeros.  Bytes; at most 360. */
static size_t
shortest(double v, char *out, size_t cap)
{
	char e[40], *at = e;
	int digits = 0, point;
	size_t n = 0;

	if (isnan(v) || isinf(v))
		return (size_t)snprintf(out, cap, "%s", isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf");
	for (; digits < 17; digits++) {
		char *last;

		snprintf(e, sizeof e, "%.*e", digits, v);
		if (strtod(e, NULL) == v)
			break;
		/* Of two that are as near printf takes the even one; it may be the other. */
		last = strchr(e, 'e') - 1;
		if (*last < '9' && (++*last, strtod(e, NULL) == v))
			break;
	}
	point = (int)strtod(strchr(e, 'e') + 1, NULL) + 1; /* digits before it */
	if (*at == '-')
		out[n++] = *at++;
	if (point <= 0)
		out[n++] = '0';
	for (int i = point < 0 ? point : 0; i <= digits || i < point; i++) {
		if (i == point)
			out[n++] = '.';
		if (i < 0 || i > digits) {
			out[n++] = '0';
			continue;
		}
		at += *at == '.';
		out[n++] = *at++;
	}
	return n;
}

static int
count_value(struct prom_ev *ev, const struct prom_expr *e, const struct prom_row *row, uint32_t step,
    const struct prom_grid *g, struct ev_index *x, struct prom_rows *out)
{
	const struct prom_expr *name = e->args[1];
	struct prom_names by = e->labels;
	struct slice names[LABELS_MAX + 1], key;
	struct labels l, kept;
	char text[LABEL_VALUE_BYTES_MAX];
	uint8_t packed[LABELS_BYTES_MAX];
	int64_t i;
	int len;

	while (name->kind == EXPR_PAREN)
		name = name->args[0];
	if (by.count > 0)
		memcpy(names, by.v, by.count * sizeof *names);
	if (!e->without)
		names[by.count++] = name->text;
	by.v = names;
	if (ev_read(ev, row->labels, &l) < 0)
		return -1;
	size_t n = shortest(row->v[step], text, sizeof text);
	if (labels_set(&l, name->text, (struct slice){(const uint8_t *)text, n}) < 0)
		return ev_fail(ev, "count_values makes one label too many");
	prom_keep(&l, &by, e->without, &kept);
	len = labels_pack(&kept, packed, sizeof packed);
	if (len < 0)
		return ev_fail(ev, "count_values makes labels longer than %d bytes", LABELS_BYTES_MAX);
	/* Mostly it is known already, and needs no memory again. */
	i = ev_index_get(x, (struct slice){packed, (size_t)len});
	if (i < 0 && ev_pack(ev, &kept, &key) == 0)
		i = ev_index_add(ev, x, key);
	if (i < 0 || (i == out->count && rows_add(ev, out, key, g->count, true) == NULL))
		return -1;
	double *v = &out->all[i].v[step];
	*v = is_none(*v) ? 1 : *v + 1;
	return 0;
}

static int
ev_count_values(struct prom_ev *ev, const struct prom_expr *e, const struct prom_rows *in,
    const struct prom_grid *g, struct prom_rows *out)
{
	struct ev_index x = {0};

	for (uint32_t k = 0; k < g->count; k++)
		for (uint32_t i = 0; i < in->count; i++)
			if (!is_none(in->all[i].v[k]) &&
			    count_value(ev, e, &in->all[i], k, g, &x, out) < 0)
				return -1;
	ev_index_drop(ev, &x);
	return 0;
}

int
prom_ev_aggr(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g, struct prom_rows *out)
{
	struct prom_rows in = {0};
	struct groups gr = {0};
	double *param = NULL;
	int rc;

	if (e->is_merged)
		return prom_ev_variances(ev, e, g, out);
	if (prom_ev(ev, e->args[0], g, &in) < 0 ||
	    (e->count > 1 && e->args[1]->type == PROM_SCALAR &&
		prom_ev_scalar(ev, e->args[1], g, &param) < 0) ||
	    ev_work(ev, (uint64_t)in.count * g->count) < 0)
		return -1;
	if (e->op == TOK_COUNT_VALUES) {
		rc = ev_count_values(ev, e, &in, g, out);
	} else {
		if (group_rows(ev, e, &in, &gr) < 0)
			return -1;
		if (e->op == TOK_QUANTILE)
			rc = ev_quantile(ev, param, &in, &gr, g, out);
		else if (e->op == TOK_TOPK || e->op == TOK_BOTTOMK)
			rc = ev_topk(ev, e, param, &in, &gr, g, out);
		else
			rc = ev_sums(ev, e, &in, &gr, g, out);
		ev_drop(ev, gr.of);
		ev_index_drop(ev, &gr.x);
	}
	rows_drop(ev, &in);
	ev_drop(ev, param);
	return rc < 0 ? rc : rows_unify(ev, out, g->count, false);
}
