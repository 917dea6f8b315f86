/*
 * fuzz_query.c - any bytes as what two nodes answer to a query, beside one that is honest:
 * to what a schedule asks (query.h), and to somebody's question over a range.
 *
 *	+------------+------------+---------------+-----------------+---------------+
 *	| expression | length 2,  | answer of n2, | length, as that | answer of n3, |
 *	| 1          | low first  | metricscode.h |                 | likewise      |
 *	+------------+------------+---------------+-----------------+---------------+
 *
 * Whatever they say, the honest one is heard, all that is made of it is a result of the
 * times that were asked for, and it is the same without those who were not believed.
 */
#include <stdlib.h>
#include <string.h>

#include "../../daemon/core/query.h"
#include "../../gossip/mpw.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { NODES = 3, NOW_MS = 1700000000, STEP_MS = 20000 };

/* None of them can fail by what is asked; what fails is who answers. */
static const char *const exprs[] = {"x", "sum by (job) (x)", "stddev by (job) (x)", "topk(1, x)", "quantile(0.5, x)",
    "count_values(\"node\", x)", "avg(x)", "absent(x)", "x * on (node) y", "max by (node) (x) + scalar(sum(y))",
    "sort_desc(x)", "stdvar(x) / count(x) > bool 1"};
static const struct prom_limits limits = {16 << 20, 1000000};
static const char *const names[NODES] = {"n1", "n2", "n3"};

static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* An expression as the set that a schedule has of it. */
static struct query_set
set_of(const char *expr)
{
	uint8_t b[256];
	struct mpw w;
	struct query_set q = {0};

	mpw_init(&w, b, sizeof b);
	mpw_map(&w, 1);
	mpw_cstr(&w, "q");
	mpw_cstr(&w, expr);
	must(!w.full && query_read((struct slice){b, w.len}, &q) == 0 && q.entries[0].split != NULL);
	return q;
}

/* Of two series, as its node would evaluate them. */
static void
honest(const struct prom_split *s, const struct prom_when *when, struct blob *out)
{
	static const int64_t at[] = {0, 20000, 40000, 60000};
	static const double v[] = {1, 4, 2, 8.5};
	static const char *const labels[] = {"\3\x08__name__\1x\3job\1a\4node\2n1", "\3\x08__name__\1y\3job\1a\4node\2n1"};
	static const struct prom_points series[] = {{{NULL, 0}, at, v, 4}};
	struct prom_result r[METRICS_TEXTS_MAX] = {{0}};
	uint32_t parts = prom_split_parts(s);
	struct err err;

	for (uint32_t i = 0; i < parts; i++) {
		struct prom_need need[PROM_SELECTORS_MAX];
		struct prom_data d[PROM_SELECTORS_MAX];
		struct prom_points p[PROM_SELECTORS_MAX];
		const char *text = prom_split_part(s, i);
		struct prom *e = prom_parse(text, strlen(text), &err);
		must(e != NULL);
		uint32_t n = prom_needs(e, when, need);

		for (uint32_t k = 0; k < n; k++) {
			bool is_y = need[k].matchers_count > 0 && slice_eq(need[k].matchers[0].value, slice_of("y"));

			p[k] = series[0];
			p[k].labels = slice_of(labels[is_y]);
			d[k] = (struct prom_data){&p[k], 1};
		}
		must(prom_eval(e, when, d, &limits, &r[i], &err) == 0);
		prom_free(e);
	}
	must(metricscode_results(r, parts, 1 << 20, out) == 0);
	for (uint32_t i = 0; i < parts; i++)
		prom_result_free(&r[i]);
}

static void
check_result(const struct prom_result *r, const struct prom_when *w)
{
	struct labels l;

	for (uint32_t i = 0; i < r->count; i++) {
		const struct prom_series *s = &r->series[i];

		must(s->labels.len == 0 || labels_read(s->labels, &l) == 0);
		for (uint32_t k = 0; k < s->count; k++)
			must(s->at_ms[k] >= w->start_ms && s->at_ms[k] <= w->end_ms && (s->at_ms[k] - w->start_ms) % w->step_ms == 0 &&
			    (k == 0 || s->at_ms[k] > s->at_ms[k - 1]));
	}
}

static void
must_be_same(const struct prom_result *a, const struct prom_result *b)
{
	struct blob x, y;

	must(metricscode_results(a, 1, 64 << 20, &x) == 0 && metricscode_results(b, 1, 64 << 20, &y) == 0);
	must(slice_eq(blob_slice(&x), blob_slice(&y)));
	blob_free(&x);
	blob_free(&y);
}

/* What they say is what a schedule's query gets. */
static void
of_a_schedule(const struct query_entry *x, const struct query_answer *answers)
{
	const struct prom_when when = query_when(NOW_MS);
	struct query_answer believed[NODES];
	struct prom_result all, without;
	bool bad[NODES], none[NODES];
	uint32_t n = 0;
	struct err err;

	must(query_merge(x, NOW_MS, answers, bad, NODES, &all, &err) == 0 && !bad[0]);
	check_result(&all, &when);
	for (uint32_t i = 0; i < NODES; i++)
		if (!bad[i])
			believed[n++] = answers[i];
	must(query_merge(x, NOW_MS, believed, none, n, &without, &err) == 0);
	must_be_same(&all, &without);
	prom_result_free(&all);
	prom_result_free(&without);
}

/* Or what somebody asked for, over a minute: as daemon/io/metricsmerge.c does. */
static void
of_a_question(const struct query_entry *x, const struct query_answer *answers)
{
	const struct prom_when when = {0, 3 * STEP_MS, STEP_MS};
	uint32_t parts = prom_split_parts(x->split), n = 0;
	struct metrics_answer read[NODES];
	struct prom_result all[NODES * METRICS_TEXTS_MAX], out;
	struct err err;

	for (uint32_t i = 0; i < NODES; i++) {
		if (metricscode_read(answers[i].bytes, METRICS_EVAL, parts, &read[i]) < 0 || read[i].why.len > 0 ||
		    prom_split_judge(x->split, read[i].results, slice_of(answers[i].node)) < 0)
			continue;
		memcpy(&all[n++ * parts], read[i].results, parts * sizeof *all);
	}
	must(n > 0 && prom_merge(x->split, &when, all, n, &limits, &out, &err) == 0);
	check_result(&out, &when);
	prom_result_free(&out);
	for (uint32_t i = 0; i < NODES; i++)
		metricscode_free(&read[i]);
}

/* A node tells with its report what it evaluated: nothing that others would not believe
 * for its form. */
static void
told(const struct query_entry *x, struct slice answer)
{
	struct metrics_answer a;
	struct blob b;

	if (query_pack(x, QUERY_TREND_MS, answer, &b) < 0)
		return;
	must(b.len <= VIEW_ANSWER_BYTES_MAX);
	must(metricscode_read(blob_slice(&b), METRICS_EVAL, prom_split_parts(x->split), &a) == 0);
	metricscode_free(&a);
	blob_free(&b);
}

static struct slice
next(const uint8_t **at, const uint8_t *end)
{
	size_t n = end - *at >= 2 ? (size_t)((*at)[0] | (*at)[1] << 8) : 0;
	const uint8_t *from = end - *at >= 2 ? *at + 2 : end;

	n = n < (size_t)(end - from) ? n : (size_t)(end - from);
	*at = from + n;
	return (struct slice){from, n};
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct prom_when asked = {0, QUERY_TREND_MS, QUERY_TREND_MS}, range = {0, 3 * STEP_MS, STEP_MS};
	const uint8_t *at = data + 1, *end = data + len;
	struct query_answer answers[NODES];
	struct query_set q;
	struct blob own;

	if (len == 0)
		return 0;
	q = set_of(exprs[data[0] % ARRAY_LEN(exprs)]);
	for (uint32_t i = 0; i < NODES; i++)
		answers[i] = (struct query_answer){names[i], i > 0 ? next(&at, end) : (struct slice){0}};
	honest(q.entries[0].split, &asked, &own);
	answers[0].bytes = blob_slice(&own);
	told(&q.entries[0], answers[1].bytes);
	of_a_schedule(&q.entries[0], answers);
	blob_free(&own);
	honest(q.entries[0].split, &range, &own);
	answers[0].bytes = blob_slice(&own);
	of_a_question(&q.entries[0], answers);
	blob_free(&own);
	query_free(&q);
	return 0;
}
