/*
 * What a schedule asks of every node: what can be asked, a node's answer, the rows of a
 * report that carry it, and what the next round's script is shown.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../daemon/core/input.h"
#include "../../../daemon/core/query.h"
#include "../../../daemon/core/report.h"
#include "../../../daemon/core/reportcode.h"
#include "rows.h"
#include "world.h"

static struct query_set
set_of(const char *text)
{
	struct blob b = mpjson(text);
	struct query_set q;

	assert_int_equal(query_read(blob_slice(&b), &q), 0);
	blob_free(&b);
	return q;
}

/* --- the language --------------------------------------------------------------- */

static void
what_can_be_asked(void **state)
{
	(void)state;
	static const char *const good[] = {"node_load1", " node_load1\n", "sum by (role) (rate(x_total[1m]))", "1", "-a / on (node) b",
	    "histogram_quantile(0.9, sum by (le) (rate(b_bucket[5m])))", "absent(up)", "time() - max(x)", "a:b:c{d=~\"e.*\"}"};
	static const struct {
		const char *expr, *why;
	} bad[] = {{"", "parse error"}, {"node_load1[1m]", "a query needs one figure for each series"}, {"'text'", "a query needs one figure"},
	    {"node load1", "parse error"}, {"node_load1\1", "parse error"}, {"ratee(x[1m])", "did you mean"}, {"sum(", "parse error"}};
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (query_check(good[i], &err) != 0)
			fail_msg("%s: %s", good[i], err.text);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (query_check(bad[i].expr, &err) == 0)
			fail_msg("taken: %s", bad[i].expr);
		if (strstr(err.text, bad[i].why) == NULL)
			fail_msg("%s: %s", bad[i].expr, err.text);
		for (const char *s = err.text; *s != '\0'; s++)
			assert_in_range((unsigned char)*s, 0x20, 0x7e);
	}
}

static void
a_set_is_read_by_name_and_refused_whole(void **state)
{
	(void)state;
	static const char *const bad[] = {"5", "[]", "{'Load': 'x'}", "{'': 'x'}", "{'a': 5}",
	    "{'a': 'x', 'a': 'x'}", "{'a': 'x\xff'}", "{'a': ['x']}", "{5: 'x'}"};
	struct query_set q = set_of("{'b': 'node_load1', 'a': 'sum(x)', 'c': ''}"), again;

	assert_int_equal(q.count, 3);
	assert_string_equal(q.entries[0].name, "a");
	assert_string_equal(q.entries[1].expr, "node_load1");
	assert_true(q.entries[0].mark != q.entries[1].mark);
	assert_true(q.entries[0].split != NULL && q.entries[2].split == NULL);
	again = set_of("{'a': 'sum(x)', 'b': 'node_load1', 'c': ''}");
	assert_true(query_eq(&q, &again));
	query_free(&again);
	again = set_of("{'a': 'sum(y)', 'b': 'node_load1', 'c': ''}");
	assert_false(query_eq(&q, &again));
	query_free(&again);
	query_free(&q);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct blob b = mpjson(bad[i]);

		memset(&q, 0x55, sizeof q);
		if (query_read(blob_slice(&b), &q) >= 0)
			fail_msg("taken: %s", bad[i]);
		assert_true(q.entries == NULL && q.count == 0);
		blob_free(&b);
	}
	assert_int_equal(query_read((struct slice){NULL, 0}, &q), 0);
	assert_int_equal(q.count, 0);
}

/* --- a node's answer ------------------------------------------------------------- */

enum { NOW_MS = 1700000000 };

/* What that node's store says to an entry of one part: a series each, of job `a`, `b`...;
 * NaN: it has none then. */
static struct blob
told(const struct query_entry *x, const char *node, const double (*values)[2], uint32_t count)
{
	static uint8_t labels[4][LABELS_BYTES_MAX];
	struct prom_series series[4];
	int64_t at[4][2];
	double v[4][2];
	struct prom_result r = {PROM_MATRIX, series, count, {0}, NULL};
	struct blob answer, out;

	assert_int_equal(prom_split_parts(x->split), 1);
	for (uint32_t i = 0; i < count; i++) {
		char job[] = {(char)('a' + i), '\0'};
		struct labels l = {0};

		assert_int_equal(labels_set(&l, slice_of("job"), slice_of(job)), 0);
		assert_int_equal(labels_set(&l, slice_of("node"), slice_of(node)), 0);
		series[i] = (struct prom_series){{labels[i], (size_t)labels_pack(&l, labels[i], sizeof labels[i])}, at[i], v[i], 0};
		for (int k = 0; k < 2; k++)
			if (!isnan(values[i][k])) {
				at[i][series[i].count] = NOW_MS - (k == 0 ? QUERY_TREND_MS : 0);
				v[i][series[i].count++] = values[i][k];
			}
	}
	assert_int_equal(metricscode_results(&r, 1, 1 << 20, &answer), 0);
	assert_int_equal(query_pack(x, NOW_MS, blob_slice(&answer), &out), 0);
	blob_free(&answer);
	return out;
}

/* What does not move is told with the same bytes, whenever. */
static void
an_answer_has_no_time_of_its_own(void **state)
{
	(void)state;
	struct query_set q = set_of("{'load': 'node_load1'}");
	struct metrics_question m;
	struct prom_result r[2];
	struct blob a = told(&q.entries[0], "n1", (const double[][2]){{1, 2}}, 1), later;
	struct metrics_answer read;

	assert_true(query_question(&q.entries[0], NOW_MS, &m));
	assert_int_equal(m.what, METRICS_EVAL);
	assert_int_equal(m.count, 1);
	assert_int_equal(m.when.end_ms - m.when.start_ms, QUERY_TREND_MS);
	assert_int_equal(metricscode_read(blob_slice(&a), METRICS_EVAL, 1, &read), 0);
	assert_int_equal(read.results[0].series[0].at_ms[0], 0);
	assert_int_equal(read.results[0].series[0].at_ms[1], QUERY_TREND_MS);
	metricscode_free(&read);
	/* An answer with a time that nobody asked for; one that says that there is none. */
	memset(r, 0, sizeof r);
	assert_int_equal(query_pack(&q.entries[0], NOW_MS + 1, blob_slice(&a), &later), -ERR_MALFORMED);
	assert_int_equal(metricscode_fail("no", &later), 0);
	blob_free(&a);
	assert_int_equal(query_pack(&q.entries[0], NOW_MS, blob_slice(&later), &a), -ERR_UNKNOWN);
	blob_free(&later);
	query_free(&q);
}

/* --- the rows --------------------------------------------------------------------- */

static struct view_answer
answer(const char *name, uint32_t mark, struct blob bytes)
{
	struct view_answer a = {.mark = mark, .bytes = bytes};

	strcpy(a.name, name);
	return a;
}

static struct blob
some_bytes(size_t len, uint8_t seed)
{
	struct blob b = {malloc(len), len};

	for (size_t i = 0; i < len; i++)
		b.b[i] = (uint8_t)(i * 7 + seed);
	return b;
}

static void
answers_come_back_from_a_report(void **state)
{
	(void)state;
	static const size_t lens[] = {1, 799, 800, 801, 1600, VIEW_ANSWER_BYTES_MAX};
	struct view_answer a[ARRAY_LEN(lens)];
	struct report r = {.answers = a, .answers_count = ARRAY_LEN(lens)}, back;
	struct sample s, next;
	static uint8_t buf[SAMPLE_BYTES_MAX];
	size_t moved;

	for (uint32_t i = 0; i < ARRAY_LEN(lens); i++) {
		char name[] = {(char)('a' + i), '\0'};

		a[i] = answer(name, i << 28, some_bytes(lens[i], (uint8_t)i));
	}
	report_sample(&r, &s);
	assert_int_equal(report_read(&s, &back), 0);
	assert_int_equal(back.answers_count, ARRAY_LEN(lens));
	assert_int_equal(back.cut, 0);
	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		assert_string_equal(back.answers[i].name, a[i].name);
		assert_int_equal(back.answers[i].mark, a[i].mark);
		assert_true(slice_eq(blob_slice(&back.answers[i].bytes), blob_slice(&a[i].bytes)));
	}
	report_free(&back);
	/* A byte that moved costs its piece; what did not move costs nothing. */
	a[5].bytes.b[5000]++;
	report_sample(&r, &next);
	s.version = 1;
	assert_true((moved = sample_pack(&next, &s, buf, sizeof buf)) > 0);
	assert_in_range(moved, REPORT_PIECE_BYTES, REPORT_PIECE_BYTES + 60);
	sample_free(&s);
	sample_free(&next);
	for (size_t i = 0; i < ARRAY_LEN(lens); i++)
		blob_free(&a[i].bytes);
}

/* 64 of the longest names beside more images than fit: the names of images go. */
static void
answers_have_their_room(void **state)
{
	(void)state;
	struct view_answer a[VIEW_ANSWERS_MAX];
	struct report r = {.answers = a, .answers_count = VIEW_ANSWERS_MAX}, back;
	struct blob bytes = some_bytes(500, 0), large = some_bytes(VIEW_ANSWER_BYTES_MAX, 0);
	struct sample s;

	for (uint32_t i = 0; i < VIEW_ANSWERS_MAX; i++) {
		a[i] = answer("", UINT32_MAX, bytes);
		snprintf(a[i].name, sizeof a[i].name, "q%062u", i);
	}
	r.facts.images_count = 4000;
	r.facts.images = calloc(r.facts.images_count, VIEW_IMAGE_CAP);
	for (uint32_t i = 0; i < r.facts.images_count; i++)
		snprintf(r.facts.images[i], VIEW_IMAGE_CAP, "img/%063u/%063u/%063u", i, 0u, 0u);
	report_sample(&r, &s);
	assert_int_equal(report_read(&s, &back), 0);
	assert_int_equal(back.answers_count, VIEW_ANSWERS_MAX);
	assert_in_range(back.facts.images_count, 1, 100);
	assert_int_equal(back.cut, 4000 - back.facts.images_count);
	report_free(&back);
	sample_free(&s);
	free(r.facts.images);
	/* More answers than fit: those that do come whole. */
	r.facts.images = NULL;
	r.facts.images_count = 0;
	for (uint32_t i = 0; i < VIEW_ANSWERS_MAX; i++)
		a[i].bytes = large;
	report_sample(&r, &s);
	assert_int_equal(report_read(&s, &back), 0);
	assert_in_range(back.answers_count, 4, 5);
	assert_int_equal(back.cut, VIEW_ANSWERS_MAX - back.answers_count);
	for (uint32_t i = 0; i < back.answers_count; i++)
		assert_int_equal(back.answers[i].bytes.len, large.len);
	report_free(&back);
	sample_free(&s);
	blob_free(&bytes);
	blob_free(&large);
}

static int
read_rows(const char *text, struct report *out)
{
	struct sample s = rows_sample(text);
	int rc = report_read(&s, out);

	sample_free(&s);
	return rc;
}

static void
hostile_rows_are_refused_or_left(void **state)
{
	(void)state;
	static const char *const bad[] = {"[[7]]", "[[7, 'a', 1, 0, 1]]", "[[7, '', 1, 0, 1, bin]]", "[[7, '../x', 1, 0, 1, bin]]",
	    "[[7, 'a', -1, 0, 1, bin]]", "[[7, 'a', 4294967296, 0, 1, bin]]", "[[7, 'a', 1, 16, 16, bin]]",
	    "[[7, 'a', 1, 0, 17, bin]]", "[[7, 'a', 1, 1, 1, bin]]", "[[7, 'a', 1, 0, 0, bin]]", "[[7, 'a', 1, 0, 1, 'x']]",
	    "[[7, 'b', 1, 0, 1, bin], [7, 'a', 1, 0, 1, bin]]",
	    "[[7, 'a', 1, 0, 1, bin], [7, 'a', 1, 0, 1, bin]]", "[[8, 'web', 'reload']]", "[[8, '', 'reload', 'why']]",
	    "[[8, 'web', '../x', 'why']]", "[[8, 'web', 'reload', 1]]"};
	struct report r;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (read_rows(bad[i], &r) >= 0)
			fail_msg("taken: %s", bad[i]);
	/* A piece of nothing is left; an older node's answers are not known any more; a newer
	 * one says more. */
	assert_int_equal(read_rows("[[6, 'old', 1, 1], [7, 'a', 1, 0, 1, bin, 'more'], [7, 'b', 2, 1, 2, bin],"
	    " [7, 'c', 1, 0, 2, bin], [7, 'c', 1, 1, 2, bin], [99, 'newer', 1]]", &r), 0);
	assert_int_equal(r.answers_count, 2);
	assert_string_equal(r.answers[0].name, "a");
	assert_string_equal(r.answers[1].name, "c");
	assert_int_equal(r.answers[1].bytes.len, 1);
	assert_int_equal(r.cut, 2);
	assert_int_equal(r.unknown, 2);
	report_free(&r);
}

/* --- the input ---------------------------------------------------------------------- */

static char *
shown(const struct input *in)
{
	struct blob out;
	char *text;

	assert_int_equal(input_pack(in, &out), 0);
	text = mptext(blob_slice(&out));
	blob_free(&out);
	return text;
}

/* The answer of n2 is to another expression of that name; n3's was heard of before it
 * failed; nobody asked for `more`; n5 left; what n4 says is no answer. */
static void
a_script_sees_who_answered_and_who_did_not(void **state)
{
	(void)state;
	struct query_set q = set_of("{'load': 'node_load1', 'cpu': 'sum(x)'}");
	const struct query_entry *cpu = &q.entries[0], *load = &q.entries[1];
	struct blob one = told(load, "n1", (const double[][2]){{15.5, 0.5}}, 1), three = told(load, "n3", (const double[][2]){{1, 3}}, 1),
		    sum = told(cpu, "n2", (const double[][2]){{NAN, 12.5}}, 1), bad = some_bytes(9, 1);
	struct view_answer n1[] = {answer("load", load->mark, one), answer("more", 1, one)};
	struct view_answer n2[] = {answer("cpu", cpu->mark, sum), answer("load", cpu->mark, one)};
	struct view_answer n3[] = {answer("load", load->mark, three)};
	struct view_answer n4[] = {answer("cpu", cpu->mark, bad), answer("load", load->mark, bad)};
	struct view_node nodes[] = {world_node("n3"), world_node("n1"), world_node("n2"),
	    world_node("n4"), world_node("n5")};
	struct input in = {.now_ms = NOW_MS, .self = "n1", .nodes = nodes, .nodes_count = ARRAY_LEN(nodes), .query = q};
	char *text;

	nodes[0].answers = n3;
	nodes[0].answers_count = 1;
	nodes[0].state = VIEW_NODE_FAILED;
	nodes[1].answers = n1;
	nodes[1].answers_count = 2;
	nodes[2].answers = n2;
	nodes[2].answers_count = 2;
	nodes[2].age_ms = 480;
	nodes[3].answers = n4;
	nodes[3].answers_count = 2;
	nodes[4].state = VIEW_LEFT;
	text = shown(&in);
	assert_non_null(strstr(text, "'metrics': {"
	    "'cpu': {'age': 480, 'missing': ['n1', 'n3', 'n4'], 'nodes': {'n2': {'age': 480}}, 'query': 'sum(x)', "
	    "'series': [{'labels': {}, 'value': 12.5}], 'value': 12.5}, "
	    "'load': {'age': 0, 'missing': ['n2', 'n3', 'n4'], 'nodes': {'n1': {'age': 0, 'trend': -0.25, 'value': 0.5}}, "
	    "'query': 'node_load1', 'series': [{'labels': {'job': 'a', 'node': 'n1'}, 'trend': -0.25, 'value': 0.5}], "
	    "'trend': -0.25, 'value': 0.5}}"));
	free(text);
	blob_free(&one);
	blob_free(&three);
	blob_free(&sum);
	blob_free(&bad);
	query_free(&q);
}

/* Sums of several nodes are sums of all; of two series of a node neither is its figure;
 * what is no number, or was there only before, is no figure; and what can't be put
 * together says why. */
static void
answers_of_many_are_put_together(void **state)
{
	(void)state;
	struct query_set q = set_of("{'all': 'sum by (job) (x)', 'each': 'x', 'wrong': 'x + on (job) group_left () x', 'not': 'sum('}");
	struct blob b[2][3];
	struct view_answer a[2][3];
	struct view_node nodes[] = {world_node("n1"), world_node("n2")};
	struct input in = {.now_ms = NOW_MS, .self = "n1", .nodes = nodes, .nodes_count = 2, .query = q};
	char *text;

	for (uint32_t n = 0; n < 2; n++) {
		const char *name = n == 0 ? "n1" : "n2";

		b[n][0] = told(&q.entries[0], name, (const double[][2]){{1, 8.5}, {1, NAN}}, 2);
		b[n][1] = told(&q.entries[1], name, (const double[][2]){{0, 15}, {NAN, INFINITY}, {0, 3 * n}}, n == 0 ? 2 : 3);
		a[n][0] = answer("all", q.entries[0].mark, b[n][0]);
		a[n][1] = answer("each", q.entries[1].mark, b[n][1]);
		nodes[n].answers = a[n];
		nodes[n].answers_count = 2;
	}
	text = shown(&in);
	assert_non_null(strstr(text, "'all': {'age': 0, 'missing': [], 'nodes': {'n1': {'age': 0}, 'n2': {'age': 0}}, 'query': 'sum by (job) (x)', "
	    "'series': [{'labels': {'job': 'a'}, 'trend': 0.25, 'value': 17}], 'trend': 0.25, 'value': 17}"));
	assert_non_null(strstr(text, "'each': {'age': 0, 'missing': [], 'nodes': {'n1': {'age': 0, 'trend': 0.25, 'value': 15}, 'n2': {'age': 0}}, "));
	assert_non_null(strstr(text, "'not': {'age': 0, 'error': 'this node does not understand the expression', 'missing': ['n1', 'n2'], "
	    "'nodes': {}, 'query': 'sum(', 'series': []}"));
	free(text);
	for (uint32_t n = 0; n < 2; n++)
		for (uint32_t i = 0; i < 2; i++)
			blob_free(&b[n][i]);
	query_free(&q);
}

/* n2 speaks for n1, and n3 says the same twice: nothing of both is taken, and n1 is heard
 * as if they had been silent. */
static void
who_speaks_for_others_is_not_heard(void **state)
{
	(void)state;
	struct query_set q = set_of("{'each': 'x'}");
	const struct query_entry *x = &q.entries[0];
	struct blob own = told(x, "n1", (const double[][2]){{0, 15}}, 1), lie = told(x, "n1", (const double[][2]){{NAN, NAN}, {0, 99}}, 2), twice;
	struct prom_series same[2];
	struct metrics_answer read;
	struct view_answer a[3];
	struct view_node nodes[] = {world_node("n1"), world_node("n2"), world_node("n3")};
	struct input in = {.now_ms = NOW_MS, .self = "n1", .nodes = nodes, .nodes_count = 3, .query = q};
	struct blob three = told(x, "n3", (const double[][2]){{1, 2}}, 1);
	char *text;

	assert_int_equal(metricscode_read(blob_slice(&three), METRICS_EVAL, 1, &read), 0);
	same[0] = same[1] = read.results[0].series[0];
	struct prom_result r = {PROM_MATRIX, same, 2, {0}, NULL};
	assert_int_equal(metricscode_results(&r, 1, 1 << 20, &twice), 0);
	metricscode_free(&read);
	a[0] = answer("each", x->mark, own);
	a[1] = answer("each", x->mark, lie);
	a[2] = answer("each", x->mark, twice);
	for (size_t i = 0; i < 3; i++) {
		nodes[i].answers = &a[i];
		nodes[i].answers_count = 1;
	}
	text = shown(&in);
	assert_non_null(strstr(text, "'each': {'age': 0, 'missing': ['n2', 'n3'], 'nodes': {'n1': {'age': 0, 'trend': 0.25, 'value': 15}}, "
	    "'query': 'x', 'series': [{'labels': {'job': 'a', 'node': 'n1'}, 'trend': 0.25, 'value': 15}], 'trend': 0.25, 'value': 15}"));
	free(text);
	blob_free(&own);
	blob_free(&lie);
	blob_free(&three);
	blob_free(&twice);
	query_free(&q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_can_be_asked),
	    cmocka_unit_test(a_set_is_read_by_name_and_refused_whole),
	    cmocka_unit_test(an_answer_has_no_time_of_its_own),
	    cmocka_unit_test(answers_come_back_from_a_report),
	    cmocka_unit_test(answers_have_their_room),
	    cmocka_unit_test(hostile_rows_are_refused_or_left),
	    cmocka_unit_test(a_script_sees_who_answered_and_who_did_not),
	    cmocka_unit_test(answers_of_many_are_put_together),
	    cmocka_unit_test(who_speaks_for_others_is_not_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
