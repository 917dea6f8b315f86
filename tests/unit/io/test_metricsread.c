/*
 * One node's part out of a store, and parts of many put together: what is read at which
 * time, what is told of who is missing, and what is too much.
 */
#include "world.h"

#include <math.h>

#include "../../../daemon/io/metricsread.h"
#include "../../../gossip/mp.h"

enum { MAX = 4 << 20, TICK = 1000, COUNT = 60 };
#define WALL_MS INT64_C(1700000000000)

static struct series_store *
store_of(const char *node, double step)
{
	static const struct series_conf conf = {
	    .bytes_max = 16 << 20, .series_max = 10000, .owner_series_max = 1000, .keep_ticks = 3600};
	static const char *const roles[] = {"db", "web"};
	struct series_store *s = series_new(&conf);
	uint8_t packed[LABELS_BYTES_MAX];

	assert_non_null(s);
	assert_int_equal(series_describe(s, slice_of("x_total"), SERIES_COUNTER, slice_of("Things.")), 0);
	for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
		struct labels l = {0};
		series_id id;

		assert_int_equal(labels_set(&l, slice_of(LABEL_NAME), slice_of("x_total")), 0);
		assert_int_equal(labels_set(&l, slice_of("node"), slice_of(node)), 0);
		assert_int_equal(labels_set(&l, slice_of("role"), slice_of(roles[i])), 0);
		int n = labels_pack(&l, packed, sizeof packed);
		assert_true(n > 0);
		id = series_open(s, SERIES_HOST, (struct slice){packed, (size_t)n});
		assert_true(id != 0);
		for (int k = 0; k <= COUNT; k++)
			assert_int_equal(series_put(s, id, TICK + k, step * (double)(i + 1) * k), 0);
	}
	return s;
}

static struct metrics_question
instant(const char *text)
{
	int64_t now = WALL_MS + (TICK + COUNT) * 1000;

	return (struct metrics_question){.what = METRICS_EVAL, .when = {now, now, 0}, .count = 1,
	    .texts = {slice_of(text)}, .wait_ms = 1000};
}

static void
part_of(const struct series_store *s, const struct metrics_question *q, struct metrics_answer *a,
    struct blob *bytes)
{
	struct err err;

	assert_int_equal(metricsread_part(s, WALL_MS, q, MAX, bytes, &err), 0);
	assert_int_equal(metricscode_read(blob_slice(bytes), q->what, q->count, a), 0);
}

static void
refuses(const struct series_store *s, const struct metrics_question *q, size_t max, const char *why)
{
	struct metrics_answer a;
	struct blob bytes;
	struct err err;

	assert_int_equal(metricsread_part(s, WALL_MS, q, max, &bytes, &err), 0);
	assert_int_equal(metricscode_read(blob_slice(&bytes), q->what, q->count, &a), 0);
	assert_int_equal(a.count, 0);
	if (memmem(a.why.b, a.why.len, why, strlen(why)) == NULL)
		fail_msg("'%.*s' is not '%s'", (int)a.why.len, (const char *)a.why.b, why);
	metricscode_free(&a);
	blob_free(&bytes);
}

static void
a_tick_has_the_time_of_the_wall(void **state)
{
	struct series_store *s = store_of("n1", 3);
	struct metrics_question q = instant("x_total{role=\"web\"}[3s]");
	struct metrics_answer a;
	struct blob bytes;

	(void)state;
	part_of(s, &q, &a, &bytes);
	assert_int_equal(a.results[0].count, 1);
	assert_int_equal(a.results[0].series[0].count, 4); /* both ends */
	for (int k = 0; k < 4; k++) {
		assert_int_equal(a.results[0].series[0].at_ms[k], WALL_MS + (TICK + COUNT - 3 + k) * 1000);
		assert_true(a.results[0].series[0].values[k] == 6.0 * (COUNT - 3 + k));
	}
	metricscode_free(&a);
	blob_free(&bytes);
	/* Between two ticks: what was sampled last before. */
	q = instant("x_total{role=\"web\"}");
	q.when.start_ms = q.when.end_ms = WALL_MS + (TICK + 10) * 1000 + 999;
	part_of(s, &q, &a, &bytes);
	assert_true(a.results[0].series[0].values[0] == 60.0);
	metricscode_free(&a);
	blob_free(&bytes);
	series_free(s);
}

static void
small_is_the_same(void **state)
{
	static const struct {
		const char *text;
		bool small;
	} all[] = {{"x_total", true}, {"sum by (role) (rate(x_total[1m]))", true},
	    {"x_total{role!=\"db\"} * 2", true}, {"{role=\"db\"}", true}, {"{role=~\"d.*\"}", false}, {"x_total{role=~\"d.*\"}", false},
	    {"count_over_time(x_total[12h])", false}, {"1 +", false}};
	struct series_store *s = store_of("n1", 3);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct metrics_question q = instant(all[i].text);
		struct blob here = {0}, copy;
		struct err err;

		assert_int_equal(metricsread_small(s, WALL_MS, &q, &here), all[i].small);
		assert_int_equal(metricsread_part(s, WALL_MS, &q, MAX, &copy, &err), 0);
		if (all[i].small)
			assert_true(slice_eq(blob_slice(&here), blob_slice(&copy)));
		blob_free(&here);
		blob_free(&copy);
	}
	series_free(s);
}

static void
lists(void **state)
{
	struct series_store *s = store_of("n1", 1);
	struct metrics_question q = {.what = METRICS_LABELS, .wait_ms = 1,
	    .when = {WALL_MS, WALL_MS + (TICK + COUNT) * 1000, 0}};
	struct metrics_answer a;
	struct blob bytes;

	(void)state;
	part_of(s, &q, &a, &bytes);
	assert_int_equal(a.count, 3);
	assert_true(slice_eq(a.items[2].key, slice_of("role")));
	metricscode_free(&a);
	blob_free(&bytes);
	q.what = METRICS_VALUES;
	q.name = slice_of("role");
	part_of(s, &q, &a, &bytes);
	assert_int_equal(a.count, 2);
	metricscode_free(&a);
	blob_free(&bytes);
	q.what = METRICS_SERIES;
	q.count = 2;
	q.texts[0] = slice_of("x_total{role=\"db\"}");
	q.texts[1] = slice_of("{role=~\"d.\"}"); /* the same one */
	part_of(s, &q, &a, &bytes);
	assert_int_equal(a.count, 1);
	metricscode_free(&a);
	blob_free(&bytes);
	q.texts[1] = slice_of("rate(x_total[1m])");
	refuses(s, &q, MAX, "'rate(x_total[1m])' is not a selector");
	q.count = 1;
	q.when.end_ms = WALL_MS + (TICK - 1) * 1000; /* before there was any */
	part_of(s, &q, &a, &bytes);
	assert_int_equal(a.count, 0);
	metricscode_free(&a);
	blob_free(&bytes);
	q = (struct metrics_question){.what = METRICS_METADATA, .wait_ms = 1};
	part_of(s, &q, &a, &bytes);
	assert_int_equal(a.count, 1);
	assert_int_equal(a.items[0].type, SERIES_COUNTER);
	metricscode_free(&a);
	blob_free(&bytes);
	series_free(s);
}

static void
what_can_not_be_says_why(void **state)
{
	struct series_store *s = store_of("n1", 1);
	struct metrics_question q = instant("x_total");

	(void)state;
	refuses(NULL, &q, MAX, "no metrics are kept on this node");
	refuses(s, &q, 60, "its part of the answer is larger than 0 KiB: narrow the selector");
	q = instant("sum(");
	refuses(s, &q, MAX, "parse error");
	series_free(s);
}

static void
selectors(void **state)
{
	static const char *const good[] = {"up", " up ", "{a=\"b\"}", "up{a=\"}\"}", "up{a='\\'}',b=~`x}`}", "a:b{}"};
	static const char *const bad[] = {"", "rate(up[1m])", "up + up", "up[5m]", "up offset 5m", "up{a=\"b\"} + 1", "1 + up{}"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (!metricsread_is_selector(slice_of(good[i])))
			fail_msg("%s", good[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (metricsread_is_selector(slice_of(bad[i])))
			fail_msg("%s", bad[i]);
}

/* --- merging ----------------------------------------------------------------------- */

/* The value of key in a map whose last pair is still to come. */
static struct mp
value_of(const struct blob *b, const char *key)
{
	struct mp r;
	uint32_t n;
	const char *s;
	size_t len;

	mp_init(&r, b->b, b->len, 10);
	assert_int_equal(mp_map(&r, &n), 0);
	for (; n > 1; n--) {
		assert_int_equal(mp_str(&r, &s, &len), 0);
		if (len == strlen(key) && memcmp(s, key, len) == 0)
			return r;
		assert_int_equal(mp_skip(&r), 0);
	}
	fail_msg("no %s", key);
	return r;
}

/* sum by (role) over three: two answer, one is malformed, one said why, one nothing. */
static void
nodes_are_put_together(void **state)
{
	static const char expr[] = "sum by (role) (rate(x_total[1m])) / 2";
	struct series_store *one = store_of("n1", 2), *two = store_of("n2", 4);
	struct metrics_question q = instant("");
	struct blob answers[3], out, same;
	struct prom *p;
	struct prom_split *split;
	struct err err;
	uint32_t n;
	struct mp r;
	double v;

	(void)state;
	assert_non_null(p = prom_parse(expr, strlen(expr), &err));
	assert_non_null(split = prom_split(p, &err));
	q.count = prom_split_parts(split);
	for (uint32_t i = 0; i < q.count; i++)
		q.texts[i] = slice_of(prom_split_part(split, i));
	assert_int_equal(metricsread_part(one, WALL_MS, &q, MAX, &answers[0], &err), 0);
	assert_int_equal(metricsread_part(two, WALL_MS, &q, MAX, &answers[1], &err), 0);
	assert_int_equal(metricscode_fail("busy \033[2J", &answers[2]), 0);
	const struct metricsread_node nodes[] = {{"n1", NULL, blob_slice(&answers[0])},
	    {"n2", NULL, blob_slice(&answers[1])}, {"n3", NULL, blob_slice(&answers[2])},
	    {"n4", NULL, {answers[0].b, answers[0].len - 1}}, {"n5", "timed out", {0}}};
	assert_int_equal(metricsread_merge(&q, slice_of(expr), nodes, 5, false, &out, &err), 0);
	assert_int_equal(metricsread_merge(&q, slice_of(expr), nodes, 5, true, &same, &err), 0);
	assert_true(slice_eq(blob_slice(&out), blob_slice(&same)));
	r = value_of(&out, "nodes");
	assert_true(mp_double(&r, &v) == 0 && v == 2);
	r = value_of(&out, "missing");
	assert_int_equal(mp_array(&r, &n), 0);
	assert_int_equal(n, 3);
	assert_non_null(memmem(out.b, out.len, "busy \\x1b[2J", 12));
	assert_non_null(memmem(out.b, out.len, "gave a malformed answer", 23));
	r = value_of(&out, "series");
	assert_int_equal(mp_array(&r, &n), 0);
	assert_int_equal(n, 2);
	/* web: (2 * 2 + 4 * 2) a second, by 2 */
	uint8_t want[9] = {0xcb, 0x40, 0x18};
	assert_non_null(memmem(out.b, out.len, want, sizeof want));
	blob_free(&out);
	blob_free(&same);
	assert_int_equal(metricsread_merge(&q, slice_of(expr), nodes + 2, 3, false, &out, &err), -1);
	assert_string_equal(err.text, "none of 3 nodes answered; node n3: busy \\x1b[2J");
	assert_int_equal(metricsread_merge(&q, slice_of(expr), nodes + 4, 1, false, &out, &err), -1);
	assert_string_equal(err.text, "node n5: timed out");
	for (size_t i = 0; i < 3; i++)
		blob_free(&answers[i]);
	prom_split_free(split);
	prom_free(p);
	series_free(one);
	series_free(two);
}

static struct blob
said_of(const struct metrics_question *q, const char *node)
{
	struct series_store *s = store_of(node, 2);
	struct blob b;
	struct err err;

	assert_int_equal(metricsread_part(s, WALL_MS, q, MAX, &b, &err), 0);
	series_free(s);
	return b;
}

/* One part of a as if it were another of b's: answers that no node makes. */
static struct blob
mixed(const struct blob *a, const struct blob *b, uint32_t parts, uint32_t part)
{
	struct metrics_answer x, y;
	struct prom_result kept;
	struct blob out;

	assert_int_equal(metricscode_read(blob_slice(a), METRICS_EVAL, parts, &x), 0);
	assert_int_equal(metricscode_read(blob_slice(b), METRICS_EVAL, parts, &y), 0);
	kept = x.results[part];
	x.results[part] = y.results[part];
	assert_int_equal(metricscode_results(x.results, parts, MAX, &out), 0);
	x.results[part] = kept;
	metricscode_free(&x);
	metricscode_free(&y);
	return out;
}

/* A liar, and the second node of a name, are named, and the others are put together. */
static void
who_speaks_for_others_is_left_out(void **state)
{
	static const struct {
		const char *expr;
		bool by_node; /* the parts tell nodes apart */
	} all[] = {{"x_total", true}, {"rate(x_total[1m])", true}, {"x_total[30s]", true}, {"topk(1, x_total)", true},
	    {"quantile(0.5, x_total)", true}, {"sum by (role) (x_total)", false}, {"stddev(x_total)", false},
	    {"count_values(\"node\", x_total)", false}, {"label_replace(x_total, \"node\", \"a$1\", \"node\", \"(.*)\")", true}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct metrics_question q = instant("");
		struct err err;
		struct prom *p = prom_parse(all[i].expr, strlen(all[i].expr), &err);
		struct prom_split *split = p != NULL ? prom_split(p, &err) : NULL;
		struct blob one, two, out;
		const char *want = all[i].by_node ? "answered with series that can't be its own" : "\xa7missing\x91\x82\xa4node\xa2n1";

		assert_non_null(split);
		q.count = prom_split_parts(split);
		for (uint32_t k = 0; k < q.count; k++)
			q.texts[k] = slice_of(prom_split_part(split, k));
		one = said_of(&q, "n1");
		two = said_of(&q, "n2");
		/* "n3" says what n2 does. */
		const struct metricsread_node nodes[] = {{"n1", NULL, blob_slice(&one)}, {"n1", NULL, blob_slice(&one)},
		    {"n2", NULL, blob_slice(&two)}, {"n3", NULL, blob_slice(&two)}};
		if (metricsread_merge(&q, slice_of(all[i].expr), nodes, 4, false, &out, &err) < 0)
			fail_msg("%s: %s", all[i].expr, err.text);
		if (memmem(out.b, out.len, want, strlen(want)) == NULL ||
		    memmem(out.b, out.len, "another node of this name answered", 34) == NULL)
			fail_msg("%s: %.*s", all[i].expr, (int)out.len, (const char *)out.b);
		blob_free(&out);
		blob_free(&one);
		blob_free(&two);
		prom_split_free(split);
		prom_free(p);
	}
}

/* Counts, means and variances of which one is of other groups. */
static void
parts_that_do_not_belong_together(void **state)
{
	static const char expr[] = "stddev by (role) (x_total)";
	struct metrics_question q = instant(""), less = instant("");
	struct err err;
	struct prom *p = prom_parse(expr, strlen(expr), &err);
	struct prom_split *split = prom_split(p, &err);
	struct blob good, other, out;

	(void)state;
	q.count = less.count = prom_split_parts(split);
	assert_int_equal(q.count, 3);
	for (uint32_t k = 0; k < q.count; k++) {
		q.texts[k] = slice_of(prom_split_part(split, k));
		less.texts[k] = slice_of("count by (role) (x_total{role=\"db\"})");
	}
	good = said_of(&q, "n1");
	other = said_of(&less, "n1");
	for (uint32_t part = 0; part < 3; part++) {
		struct blob bad = mixed(&good, &other, 3, part);
		const struct metricsread_node nodes[] = {{"n1", NULL, blob_slice(&good)}, {"n2", NULL, blob_slice(&bad)}};

		if (metricsread_merge(&q, slice_of(expr), nodes, 2, false, &out, &err) < 0)
			fail_msg("part %u: %s", part, err.text);
		assert_non_null(memmem(out.b, out.len, "answered with series that can't be its own", 42));
		blob_free(&out);
		blob_free(&bad);
	}
	blob_free(&good);
	blob_free(&other);
	prom_split_free(split);
	prom_free(p);
}

static void
a_list_is_of_own_series(void **state)
{
	struct metrics_question q = {.what = METRICS_SERIES, .wait_ms = 1, .when = {WALL_MS, WALL_MS + (TICK + COUNT) * 1000, 0}};
	struct blob one = said_of(&q, "n1"), out;
	const struct metricsread_node nodes[] = {{"n1", NULL, blob_slice(&one)}, {"n2", NULL, blob_slice(&one)}};
	struct err err;

	(void)state;
	assert_int_equal(metricsread_merge(&q, (struct slice){0}, nodes, 2, false, &out, &err), 0);
	assert_non_null(memmem(out.b, out.len, "answered with series that can't be its own", 42));
	blob_free(&out);
	blob_free(&one);
}

static void
what_asks_of_no_series_needs_nobody(void **state)
{
	struct metrics_question q = instant("");
	struct blob out;
	struct err err;

	(void)state;
	q.count = 0;
	assert_int_equal(metricsread_merge(&q, slice_of("1 / 0"), NULL, 0, true, &out, &err), 0);
	assert_non_null(memmem(out.b, out.len, "\xcb\x7f\xf0\0\0\0\0\0\0", 9));
	blob_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_tick_has_the_time_of_the_wall),
	    cmocka_unit_test(small_is_the_same),
	    cmocka_unit_test(lists),
	    cmocka_unit_test(what_can_not_be_says_why),
	    cmocka_unit_test(selectors),
	    cmocka_unit_test(nodes_are_put_together),
	    cmocka_unit_test(who_speaks_for_others_is_left_out),
	    cmocka_unit_test(parts_that_do_not_belong_together),
	    cmocka_unit_test(a_list_is_of_own_series),
	    cmocka_unit_test(what_asks_of_no_series_needs_nobody),
	};

	return cmocka_run_group_tests_name("metricsread", tests, NULL, NULL);
}
