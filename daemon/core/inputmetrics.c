/*
 * inputmetrics.c - see inputmetrics.h.
 */
#include "inputmetrics.h"

#include <math.h>
#include <stdlib.h>

#include "../base/own.h"

/* The answers of the nodes that gave one, and what they come to. */
struct merged {
	const struct view_node **nodes; /* who answered; owned */
	struct query_answer *answers;	/* owned */
	bool *bad;			/* owned */
	uint32_t *own;	/* owned: 1 + the series that is that node's alone; 0: none, MANY */
	uint32_t count;
	struct prom_result result;
	bool sound;
	struct err why;
};

enum { MANY = UINT32_MAX };

struct figure {
	double value, trend; /* NaN: none */
};

static void
pack_field(struct pack *p, const char *key, const char *value)
{
	pack_str(p, key);
	pack_str(p, value);
}

/* Both begin with their name. */
static int
name_cmp(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* What n answers to x now; NULL: nothing, or it is not there any more. */
static const struct view_answer *
answer_of(const struct view_node *n, const struct query_entry *x)
{
	const struct view_answer *a;

	if (n->answers_count == 0 || n->state == VIEW_NODE_FAILED || n->state == VIEW_LEFT)
		return NULL;
	a = bsearch(x->name, n->answers, n->answers_count, sizeof *a, name_cmp);
	return a != NULL && a->mark == x->mark ? a : NULL;
}

static void
merged_free(struct merged *m)
{
	if (m->sound)
		prom_result_free(&m->result);
	free(m->nodes);
	free(m->answers);
	free(m->bad);
	free(m->own);
}

static struct figure
figure_of(const struct prom_series *s, int64_t now_ms)
{
	struct figure f = {NAN, NAN};
	double before = NAN;

	for (uint32_t i = 0; i < s->count; i++)
		if (s->at_ms[i] == now_ms)
			f.value = s->values[i];
		else
			before = s->values[i];
	f.trend = (f.value - before) / (QUERY_TREND_MS / 1000.0);
	if (!isfinite(f.trend))
		f.trend = NAN;
	return f;
}

static int
node_cmp(const void *name, const void *node)
{
	const struct slice *a = name;
	const char *b = (*(const struct view_node *const *)node)->name;
	size_t n = strlen(b);
	int c = memcmp(a->b, b, a->len < n ? a->len : n);

	return c != 0 ? c : a->len < n ? -1 : a->len > n;
}

/* Of which node each series is, by its label. */
static void
find_own(struct merged *m, int64_t now_ms)
{
	for (uint32_t i = 0; m->sound && i < m->result.count; i++) {
		struct slice node = labels_find(m->result.series[i].labels, slice_of("node"));
		const struct view_node **at;

		if (node.len == 0 || !isfinite(figure_of(&m->result.series[i], now_ms).value))
			continue;
		at = bsearch(&node, m->nodes, m->count, sizeof *m->nodes, node_cmp);
		if (at != NULL)
			m->own[at - m->nodes] = m->own[at - m->nodes] == 0 ? i + 1 : MANY;
	}
}

static int
merge(struct merged *m, const struct query_entry *x, int64_t now_ms, const struct view_node *const *rows, size_t count)
{
	*m = (struct merged){.nodes = calloc(count + 1, sizeof *m->nodes),
	    .answers = calloc(count + 1, sizeof *m->answers),
	    .bad = calloc(count + 1, sizeof *m->bad),
	    .own = calloc(count + 1, sizeof *m->own)};
	if (m->nodes == NULL || m->answers == NULL || m->bad == NULL || m->own == NULL)
		return -ERR_FULL;
	for (size_t i = 0; i < count; i++) {
		const struct view_answer *a = answer_of(rows[i], x);

		if (a == NULL)
			continue;
		m->nodes[m->count] = rows[i];
		m->answers[m->count++] = (struct query_answer){rows[i]->name, blob_slice(&a->bytes)};
	}
	m->sound = query_merge(x, now_ms, m->answers, m->bad, m->count, &m->result, &m->why) == 0;
	find_own(m, now_ms);
	return 0;
}

static bool
answered(const struct merged *m, const struct view_node *n)
{
	for (uint32_t i = 0; i < m->count; i++)
		if (m->nodes[i] == n)
			return !m->bad[i];
	return false;
}

static void
pack_missing(struct pack *p, const struct merged *m, const struct view_node *const *rows, size_t count)
{
	size_t missing = 0;

	for (size_t i = 0; i < count; i++)
		missing += rows[i]->state != VIEW_LEFT && !answered(m, rows[i]);
	pack_str(p, "missing");
	pack_list(p, missing);
	for (size_t i = 0; i < count; i++)
		if (rows[i]->state != VIEW_LEFT && !answered(m, rows[i]))
			pack_str(p, rows[i]->name);
}

/* Finite ones alone are figures. */
static size_t
figures(const struct merged *m, int64_t now_ms)
{
	size_t n = 0;

	for (uint32_t i = 0; m->sound && i < m->result.count; i++)
		n += isfinite(figure_of(&m->result.series[i], now_ms).value) != 0;
	return n;
}

static void
pack_figure(struct pack *p, struct figure f)
{
	if (!isnan(f.trend)) {
		pack_str(p, "trend");
		pack_real(p, f.trend);
	}
	pack_str(p, "value");
	pack_real(p, f.value);
}

static void
pack_nodes(struct pack *p, const struct merged *m, int64_t now_ms)
{
	size_t n = 0;

	for (uint32_t i = 0; i < m->count; i++)
		n += !m->bad[i];
	pack_str(p, "nodes");
	pack_map(p, n);
	for (uint32_t i = 0; i < m->count; i++) {
		struct figure f = {NAN, NAN};
		bool own;

		if (m->bad[i])
			continue;
		own = m->own[i] != 0 && m->own[i] != MANY;
		if (own)
			f = figure_of(&m->result.series[m->own[i] - 1], now_ms);
		pack_str(p, m->nodes[i]->name);
		pack_map(p, !own ? 1 : isnan(f.trend) ? 2 : 3);
		pack_str(p, "age");
		pack_u64(p, m->nodes[i]->age_ms);
		if (own)
			pack_figure(p, f);
	}
}

static void
pack_labels(struct pack *p, struct slice packed)
{
	struct labels l;

	if (labels_read(packed, &l) < 0)
		l.count = 0;
	pack_str(p, "labels");
	pack_map(p, l.count);
	for (uint32_t i = 0; i < l.count; i++) {
		pack_strn(p, (const char *)l.items[i].name.b, l.items[i].name.len);
		pack_strn(p, (const char *)l.items[i].value.b, l.items[i].value.len);
	}
}

static void
pack_series(struct pack *p, const struct merged *m, int64_t now_ms)
{
	pack_str(p, "series");
	pack_list(p, figures(m, now_ms));
	for (uint32_t i = 0; m->sound && i < m->result.count; i++) {
		struct figure f = figure_of(&m->result.series[i], now_ms);

		if (!isfinite(f.value))
			continue;
		pack_map(p, isnan(f.trend) ? 2 : 3);
		pack_labels(p, m->result.series[i].labels);
		pack_figure(p, f);
	}
}

/* All of it is one figure: the sum of something, say. */
static bool
only_figure(const struct merged *m, int64_t now_ms, struct figure *out)
{
	if (figures(m, now_ms) != 1)
		return false;
	for (uint32_t i = 0; i < m->result.count; i++) {
		*out = figure_of(&m->result.series[i], now_ms);
		if (isfinite(out->value))
			return true;
	}
	return false;
}

static uint64_t
oldest(const struct merged *m)
{
	uint64_t age = 0;

	for (uint32_t i = 0; i < m->count; i++)
		if (!m->bad[i] && m->nodes[i]->age_ms > age)
			age = m->nodes[i]->age_ms;
	return age;
}

int
inputmetrics_pack(struct pack *p, const struct query_entry *x, int64_t now_ms, const struct view_node *const *rows,
    size_t count)
{
	struct figure f = {NAN, NAN};
	struct merged m;
	bool one;

	if (merge(&m, x, now_ms, rows, count) < 0) {
		merged_free(&m);
		return -ERR_FULL;
	}
	one = only_figure(&m, now_ms, &f);
	pack_str(p, x->name);
	pack_map(p, 5u + !m.sound + (!one ? 0u : isnan(f.trend) ? 1u : 2u));
	pack_str(p, "age");
	pack_u64(p, oldest(&m));
	if (!m.sound)
		pack_field(p, "error", m.why.text);
	pack_missing(p, &m, rows, count);
	pack_nodes(p, &m, now_ms);
	pack_field(p, "query", x->expr);
	pack_series(p, &m, now_ms);
	if (one)
		pack_figure(p, f);
	merged_free(&m);
	return 0;
}
