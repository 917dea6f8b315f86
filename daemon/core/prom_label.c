/*
 * prom_label.c - functions that work on labels: label_replace, label_join, what absent()
 * is called, and histogram_quantile over series that differ in `le`.
 */
#include "prom_ev.h"

#include <math.h>
#include <stdlib.h>

int
prom_absent_labels(struct prom_ev *ev, const struct prom_expr *e, struct slice *out)
{
	struct labels l = {0};

	while (e->kind == EXPR_PART || e->kind == EXPR_PAREN || e->kind == EXPR_MATRIX)
		e = e->args[0];
	for (uint32_t i = 0; e->kind == EXPR_SELECTOR && i < e->matchers_count; i++) {
		const struct series_matcher *m = &e->matchers[i];
		bool again = false;

		if (slice_eq(m->name, slice_of(LABEL_NAME)))
			continue;
		for (uint32_t k = 0; k < i; k++)
			again = again || (e->matchers[k].op == SERIES_EQ && slice_eq(e->matchers[k].name, m->name));
		if (m->op != SERIES_EQ || again)
			labels_drop(&l, m->name);
		else if (labels_set(&l, m->name, m->value) < 0)
			return ev_fail(ev, "labels that are too long in absent()");
	}
	return ev_pack(ev, &l, out);
}

/* --- label_replace, label_join --------------------------------------------------------------- */

static struct slice
text_of(const struct prom_expr *e)
{
	while (e->kind == EXPR_PAREN)
		e = e->args[0];
	return e->text;
}

static int
set_label(struct prom_ev *ev, const struct prom_expr *e, struct slice *labels, struct labels *l,
    struct slice value)
{
	if (value.len > LABEL_VALUE_BYTES_MAX || labels_set(l, text_of(e->args[1]), value) < 0)
		return ev_fail(ev, "%s() makes a label that is too long, or one too many", e->func->name);
	return ev_pack(ev, l, labels);
}

static int
replaced(struct prom_ev *ev, const struct prom_expr *e, struct slice *labels)
{
	struct slice groups[PATTERN_GROUPS_MAX];
	uint8_t b[LABEL_VALUE_BYTES_MAX];
	struct labels l;
	int n;

	if (ev_read(ev, *labels, &l) < 0)
		return -1;
	if (!pattern_match(e->re, labels_get(&l, text_of(e->args[3])), groups, NULL))
		return 0;
	n = pattern_expand(e->re, text_of(e->args[2]), groups, b, sizeof b);
	if (n < 0)
		return ev_fail(ev, "label_replace() makes a label longer than %d bytes", LABEL_VALUE_BYTES_MAX);
	return set_label(ev, e, labels, &l, (struct slice){b, (size_t)n});
}

static int
joined(struct prom_ev *ev, const struct prom_expr *e, struct slice *labels)
{
	uint8_t b[LABEL_VALUE_BYTES_MAX];
	struct labels l;
	size_t n = 0;

	if (ev_read(ev, *labels, &l) < 0)
		return -1;
	for (uint32_t i = 3; i < e->count; i++) {
		struct slice part[2] = {i > 3 ? text_of(e->args[2]) : (struct slice){0},
		    labels_get(&l, text_of(e->args[i]))};

		for (uint32_t k = 0; k < 2; k++) {
			if (part[k].len > sizeof b - n)
				return ev_fail(ev, "label_join() makes a label longer than %d bytes",
				    LABEL_VALUE_BYTES_MAX);
			if (part[k].len > 0)
				memcpy(b + n, part[k].b, part[k].len);
			n += part[k].len;
		}
	}
	return set_label(ev, e, labels, &l, (struct slice){b, n});
}

int
prom_ev_label(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g, struct prom_rows *out)
{
	if (prom_ev(ev, e->args[0], g, out) < 0)
		return -1;
	for (uint32_t i = 0; i < out->count; i++) {
		struct slice *labels = &out->all[i].labels;

		if (ev_work(ev, 1) < 0 ||
		    (e->func->fn == FN_LABEL_JOIN ? joined(ev, e, labels) : replaced(ev, e, labels)) < 0)
			return -1;
	}
	return rows_unify(ev, out, g->count, false);
}

/* --- histograms --------------------------------------------------------------------------------- */

struct bucket {
	double le, count;
};

struct hist {
	uint32_t *rows, count, cap; /* of the vector */
};

static int
cmp_bucket(const void *a, const void *b)
{
	const struct bucket *l = a, *r = b;

	return l->le < r->le ? -1 : l->le > r->le;
}

/* Sorted; the same le once; counts that never fall. */
static uint32_t
settle(struct bucket *b, uint32_t n)
{
	uint32_t kept = 0;

	for (uint32_t i = 1; i < n; i++) {
		if (b[i].le == b[kept].le)
			b[kept].count += b[i].count;
		else
			b[++kept] = b[i];
	}
	double most = b[0].count;
	for (uint32_t i = 1; i <= kept; i++) {
		if (b[i].count > most)
			most = b[i].count;
		else if (b[i].count < most)
			b[i].count = most;
	}
	return kept + 1;
}

static double
bucket_quantile(double q, struct bucket *b, uint32_t n)
{
	double rank, start = 0, count;
	uint32_t i = 0, hi;

	if (isnan(q))
		return NAN;
	if (q < 0 || q > 1)
		return q < 0 ? -INFINITY : INFINITY;
	qsort(b, n, sizeof *b, cmp_bucket);
	if (!(isinf(b[n - 1].le) && b[n - 1].le > 0))
		return NAN;
	n = settle(b, n);
	if (n < 2 || b[n - 1].count == 0)
		return NAN;
	rank = q * b[n - 1].count;
	for (hi = n - 1; i < hi;) { /* as sort.Search, NaN and all */
		uint32_t mid = (i + hi) / 2;

		if (b[mid].count >= rank)
			hi = mid;
		else
			i = mid + 1;
	}
	if (i == n - 1)
		return b[n - 2].le;
	if (i == 0 && b[0].le <= 0)
		return b[0].le;
	count = b[i].count;
	if (i > 0) {
		start = b[i - 1].le;
		count -= b[i - 1].count;
		rank -= b[i - 1].count;
	}
	return start + (b[i].le - start) * (rank / count);
}

/* The bound that a series says; false: none, and the series is passed over. */
static bool
bound_of(struct slice labels, double *out)
{
	struct slice le = labels_find(labels, slice_of("le"));
	char copy[64], *end;

	if (le.len == 0 || le.len >= sizeof copy || le.b[0] <= ' ' || memchr(le.b, '(', le.len) != NULL)
		return false;
	memcpy(copy, le.b, le.len);
	copy[le.len] = '\0';
	*out = strtod(copy, &end);
	return end == copy + le.len;
}

static int
group_buckets(struct prom_ev *ev, const struct prom_rows *in, struct ev_index *x, struct hist **out,
    double **les)
{
	struct prom_names without = {(struct slice[]){slice_of("le")}, 1};
	struct slice key;
	uint32_t cap = 0;

	*les = ev_alloc(ev, in->count + 1, sizeof **les);
	if (*les == NULL)
		return -1;
	for (uint32_t i = 0; i < in->count; i++) {
		if (!bound_of(in->all[i].labels, &(*les)[i]))
			continue;
		if (ev_keep_labels(ev, in->all[i].labels, &without, true, &key) < 0)
			return -1;
		int64_t h = ev_index_add(ev, x, key);
		if (h < 0 || ev_grow(ev, out, (uint32_t)h, &cap, sizeof **out) < 0)
			return -1;
		struct hist *of = &(*out)[h];
		if (ev_grow(ev, &of->rows, of->count, &of->cap, sizeof *of->rows) < 0)
			return -1;
		of->rows[of->count++] = i;
	}
	return 0;
}

static int
one_histogram(struct prom_ev *ev, const struct prom_rows *in, const struct hist *h, const double *les,
    const double *q, const struct prom_grid *g, struct slice labels, struct prom_rows *out)
{
	struct bucket *b = ev_alloc(ev, h->count, sizeof *b);
	struct prom_row *row = rows_add(ev, out, labels, g->count, true);

	if (b == NULL || row == NULL || ev_work(ev, (uint64_t)g->count * h->count) < 0)
		return -1;
	for (uint32_t k = 0; k < g->count; k++) {
		uint32_t n = 0;

		for (uint32_t i = 0; i < h->count; i++) {
			double v = in->all[h->rows[i]].v[k];

			if (!is_none(v))
				b[n++] = (struct bucket){les[h->rows[i]], v};
		}
		if (n > 0)
			row->v[k] = bucket_quantile(q[k], b, n);
	}
	ev_drop(ev, b);
	return 0;
}

int
prom_ev_histogram(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g,
    struct prom_rows *out)
{
	struct prom_rows in = {0};
	struct ev_index x = {0};
	struct hist *all = NULL;
	double *les, *q;

	/* The others are of native histograms, and here is none. */
	if (e->func->fn != FN_HIST_QUANTILE)
		return 0;
	if (prom_ev_scalar(ev, e->args[0], g, &q) < 0 || prom_ev(ev, e->args[1], g, &in) < 0 ||
	    group_buckets(ev, &in, &x, &all, &les) < 0)
		return -1;
	for (uint32_t i = 0; i < x.count; i++)
		if (one_histogram(ev, &in, &all[i], les, q, g, x.keys[i], out) < 0)
			return -1;
	rows_drop(ev, &in);
	ev_index_drop(ev, &x);
	return rows_unify(ev, out, g->count, false);
}
