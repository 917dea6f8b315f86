/*
 * query.c - see query.h.
 */
#include "query.h"

#include <stdlib.h>

#include "walk.h"

/* Of a merge: what thousand nodes with a series each, or ten with a hundred, need. */
enum { MERGE_BYTES = 16 << 20, MERGE_WORK = 1000000 };

/* --- the language --------------------------------------------------------------- */

static struct prom_split *
split(const char *expr, struct err *err)
{
	struct prom *p = prom_parse(expr, strlen(expr), err);
	struct prom_split *s = NULL;

	if (p == NULL)
		return NULL;
	if (prom_kind(p) != PROM_VECTOR && prom_kind(p) != PROM_SCALAR)
		err_set(err, 1, "a query needs one figure for each series: not a range of them, nor a string");
	else
		s = prom_split(p, err);
	prom_free(p);
	if (s != NULL && prom_split_parts(s) > METRICS_TEXTS_MAX) {
		prom_split_free(s);
		err_set(err, 1, "it asks more than %d things at once", METRICS_TEXTS_MAX);
		return NULL;
	}
	return s;
}

int
query_check(const char *expr, struct err *err)
{
	struct prom_split *s = split(expr, err);

	if (s == NULL)
		return -1;
	prom_split_free(s);
	return 0;
}

/* --- the set ---------------------------------------------------------------------- */

/* FNV-1a: tells expressions apart, and no more is asked of it. */
static uint32_t
mark_of(const char *expr)
{
	uint32_t h = UINT32_C(0x811c9dc5);

	for (; *expr != '\0'; expr++)
		h = (h ^ (uint8_t)*expr) * UINT32_C(0x01000193);
	return h;
}

static int
entry_cmp(const void *a, const void *b)
{
	return strcmp(((const struct query_entry *)a)->name, ((const struct query_entry *)b)->name);
}

static int
read_entries(struct mp *r, uint32_t count, struct query_set *out)
{
	struct err err;

	for (uint32_t i = 0; i < count; i++) {
		struct query_entry *x = &out->entries[i];
		int rc;

		if ((rc = walk_name(r, x->name, false)) < 0 ||
		    (rc = walk_cstr(r, x->expr, sizeof x->expr)) < 0)
			return rc;
		x->mark = mark_of(x->expr);
		x->split = split(x->expr, &err);
		out->count++;
	}
	return mp_end(r);
}

int
query_read(struct slice map, struct query_set *out)
{
	uint32_t count = 0;
	struct mp r;
	int rc;

	*out = (struct query_set){0};
	if (map.len == 0)
		return 0;
	mp_init(&r, map.b, map.len, 1);
	if ((rc = mp_map(&r, &count)) < 0)
		return rc;
	if (count > VIEW_ANSWERS_MAX)
		return -ERR_RANGE;
	if ((out->entries = calloc(count + 1, sizeof *out->entries)) == NULL)
		return -ERR_FULL;
	if ((rc = read_entries(&r, count, out)) == 0) {
		qsort(out->entries, count, sizeof *out->entries, entry_cmp);
		for (uint32_t i = 1; i < count && rc == 0; i++)
			if (entry_cmp(&out->entries[i - 1], &out->entries[i]) == 0)
				rc = -ERR_MALFORMED;
	}
	if (rc < 0)
		query_free(out);
	return rc;
}

void
query_free(struct query_set *q)
{
	for (size_t i = 0; i < q->count; i++)
		prom_split_free(q->entries[i].split);
	free(q->entries);
	*q = (struct query_set){0};
}

bool
query_eq(const struct query_set *a, const struct query_set *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->entries[i].name, b->entries[i].name) != 0 ||
		    strcmp(a->entries[i].expr, b->entries[i].expr) != 0)
			return false;
	return true;
}

/* --- answers ----------------------------------------------------------------------- */

struct prom_when
query_when(int64_t now_ms)
{
	return (struct prom_when){now_ms - QUERY_TREND_MS, now_ms, QUERY_TREND_MS};
}

bool
query_question(const struct query_entry *x, int64_t now_ms, struct metrics_question *out)
{
	if (x->split == NULL)
		return false;
	memset(out, 0, sizeof *out);
	out->what = METRICS_EVAL;
	out->when = query_when(now_ms);
	out->count = prom_split_parts(x->split);
	for (uint32_t i = 0; i < out->count; i++)
		out->texts[i] = slice_of(prom_split_part(x->split, i));
	out->wait_ms = 2000;
	return true;
}

/* All times by as much; false: one is then none of the two that were asked for. */
static bool
shift(struct metrics_answer *a, int64_t by_ms, int64_t start_ms, uint32_t *series)
{
	*series = 0;
	for (uint32_t i = 0; i < a->count; i++)
		for (uint32_t j = 0; j < a->results[i].count; j++) {
			struct prom_series *s = &a->results[i].series[j];

			++*series;
			for (uint32_t k = 0; k < s->count; k++) {
				s->at_ms[k] += by_ms;
				if (s->at_ms[k] != start_ms && s->at_ms[k] != start_ms + QUERY_TREND_MS)
					return false;
			}
		}
	return true;
}

int
query_pack(const struct query_entry *x, int64_t now_ms, struct slice answer, struct blob *out)
{
	struct metrics_answer a;
	uint32_t series;
	int rc = metricscode_read(answer, METRICS_EVAL, prom_split_parts(x->split), &a);

	if (rc < 0)
		return rc;
	if (a.why.len > 0)
		rc = -ERR_UNKNOWN;
	else if (!shift(&a, QUERY_TREND_MS - now_ms, 0, &series))
		rc = -ERR_MALFORMED;
	else
		rc = series > QUERY_SERIES_MAX ? -ERR_LONG :
						 metricscode_results(a.results, a.count, VIEW_ANSWER_BYTES_MAX, out);
	metricscode_free(&a);
	return rc;
}

static bool
take(const struct query_entry *x, int64_t now_ms, const struct query_answer *from, struct metrics_answer *a)
{
	uint32_t series;

	if (metricscode_read(from->bytes, METRICS_EVAL, prom_split_parts(x->split), a) < 0)
		return false;
	return a->why.len == 0 && shift(a, now_ms - QUERY_TREND_MS, now_ms - QUERY_TREND_MS, &series) &&
	    series <= QUERY_SERIES_MAX && prom_split_judge(x->split, a->results, slice_of(from->node)) == 0;
}

int
query_merge(const struct query_entry *x, int64_t now_ms, const struct query_answer *answers, bool *bad, uint32_t count,
    struct prom_result *out, struct err *err)
{
	static const struct prom_limits limits = {MERGE_BYTES, MERGE_WORK};
	const struct prom_when when = query_when(now_ms);
	uint32_t parts = x->split != NULL ? prom_split_parts(x->split) : 0, nodes = 0;
	struct metrics_answer *all = calloc((size_t)count + 1, sizeof *all);
	struct prom_result *results = calloc((size_t)count * parts + 1, sizeof *results);
	int rc = -1;

	if (x->split == NULL)
		err_set(err, 1, "this node does not understand the expression");
	else if (all == NULL || results == NULL)
		err_set(err, 1, "no memory for the answers of %u nodes", count);
	else {
		for (uint32_t i = 0; i < count; i++) {
			bad[i] = !take(x, now_ms, &answers[i], &all[i]);
			if (!bad[i])
				memcpy(&results[(size_t)nodes++ * parts], all[i].results, parts * sizeof *results);
		}
		rc = prom_merge(x->split, &when, results, nodes, &limits, out, err);
	}
	for (uint32_t i = 0; i < count && all != NULL; i++)
		metricscode_free(&all[i]);
	free(all);
	free(results);
	return rc;
}
