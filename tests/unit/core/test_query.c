/*
 * What a schedule asks of every node: the language, a host's figures, the rows of
 * a report that carry them, and what the next round's script is shown.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../daemon/core/input.h"
#include "../../../daemon/core/query.h"
#include "../../../daemon/core/report.h"
#include "rows.h"
#include "world.h"

static const struct view_facts facts = {.cpus = 4, .memory_bytes = UINT64_C(8) << 30};
static const struct view_metrics metrics = {0.25, 12.5, UINT64_C(3) << 30, 0, 5000};
static const struct query_host host = {&facts, &metrics};

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
one_name_is_the_whole_language(void **state)
{
	(void)state;
	static const char *const good[] = {"node_load1", " node_load1\n", "\tmesh_cpu_percent"};
	static const char *const bad[] = {"", " ", "node_load1 + 1", "node_load1{}", "node_load1[1m]",
	    "sum(node_load1)", "1", "node load1", "node_load1\1", "-node_load1", "node_load5"};
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_int_equal(query_check(good[i], &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (query_check(bad[i], &err) == 0)
			fail_msg("taken: %s", bad[i]);
		for (const char *s = err.text; *s != '\0'; s++)
			assert_in_range((unsigned char)*s, 0x20, 0x7e);
	}
	assert_int_equal(query_check("zzz", &err), -1);
	assert_string_equal(err.text,
	    "unknown metric 'zzz'; known: machine_cpu_cores, mesh_cpu_percent, mesh_disk_avail_bytes, "
	    "mesh_disk_size_bytes, node_load1, node_memory_MemAvailable_bytes, "
	    "node_memory_MemTotal_bytes");
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

/* A leader of another version may ask what this node can't say: then nothing. */
static void
a_host_answers_what_it_measures(void **state)
{
	(void)state;
	struct query_set q = set_of("{'avail': 'mesh_disk_avail_bytes', 'cores': 'machine_cpu_cores',"
	    " 'cpu': 'mesh_cpu_percent', 'disk': 'mesh_disk_size_bytes', 'load': ' node_load1 ',"
	    " 'mem': 'node_memory_MemAvailable_bytes', 'newer': 'sum(rate(x[1m]))',"
	    " 'total': 'node_memory_MemTotal_bytes', 'what': 'node_laod1'}");
	static const struct view_facts no_facts;
	static const struct view_metrics nothing;
	static const struct query_host fresh = {&no_facts, &nothing};
	static const struct {
		const char *name;
		double value;
	} want[] = {{"avail", 0}, {"cores", 4}, {"cpu", 12.5}, {"disk", 5000}, {"load", 0.25},
	    {"mem", 3221225472}, {"total", 8589934592}};
	struct view_answer out[VIEW_ANSWERS_MAX];

	assert_int_equal(query_answer(&q, &host, out), ARRAY_LEN(want));
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		assert_string_equal(out[i].name, want[i].name);
		assert_true(out[i].value == want[i].value);
	}
	/* Sizes of 0 were not measured; a load of 0 is one. */
	assert_int_equal(query_answer(&q, &fresh, out), 2);
	assert_string_equal(out[0].name, "cpu");
	assert_string_equal(out[1].name, "load");
	query_free(&q);
}

/* --- the rows --------------------------------------------------------------------- */

static struct view_answer
answer(const char *name, uint32_t mark, double value)
{
	struct view_answer a = {.mark = mark, .value = value};

	strcpy(a.name, name);
	return a;
}

static void
answers_come_back_from_a_report(void **state)
{
	(void)state;
	static const double values[] = {0, -1, 0.25, 3221225472, 1e300, -9007199254740993.0, 1.0 / 3};
	struct view_answer a[ARRAY_LEN(values)];
	struct report r = {.answers = a, .answers_count = ARRAY_LEN(values)}, back;
	struct sample s, next;
	uint8_t buf[1024];
	size_t whole, moved;

	for (uint32_t i = 0; i < ARRAY_LEN(values); i++) {
		char name[] = {(char)('a' + i), '\0'};

		a[i] = answer(name, i << 28, values[i]);
	}
	report_sample(&r, &s);
	assert_int_equal(report_read(&s, &back), 0);
	assert_int_equal(back.answers_count, ARRAY_LEN(values));
	assert_int_equal(back.cut, 0);
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		assert_string_equal(back.answers[i].name, a[i].name);
		assert_int_equal(back.answers[i].mark, a[i].mark);
		assert_true(back.answers[i].value == a[i].value);
	}
	report_free(&back);
	/* One that moved costs one row; those that did not cost nothing. */
	a[2].value = 0.5;
	report_sample(&r, &next);
	s.version = 1;
	assert_true((whole = sample_pack(&next, NULL, buf, sizeof buf)) > 0);
	assert_true((moved = sample_pack(&next, &s, buf, sizeof buf)) > 0);
	assert_in_range(moved, 1, 9 + 4 + 1 + 2 + 1 + 1 + 1 + 2 + 5 + 9);
	assert_true(whole > 3 * moved);
	sample_free(&s);
	sample_free(&next);
}

/* 64 of the longest names beside more images than fit: the names of images go. */
static void
answers_have_their_room(void **state)
{
	(void)state;
	struct view_answer a[VIEW_ANSWERS_MAX];
	struct report r = {.answers = a, .answers_count = VIEW_ANSWERS_MAX}, back;
	struct sample s;

	for (uint32_t i = 0; i < VIEW_ANSWERS_MAX; i++) {
		a[i] = answer("", UINT32_MAX, 1.0 / (i + 3));
		snprintf(a[i].name, sizeof a[i].name, "q%062u", i);
	}
	r.facts.images_count = 4000;
	r.facts.images = calloc(r.facts.images_count, VIEW_IMAGE_CAP);
	for (uint32_t i = 0; i < r.facts.images_count; i++)
		snprintf(r.facts.images[i], VIEW_IMAGE_CAP, "img/%063u/%063u/%063u", i, 0u, 0u);
	report_sample(&r, &s);
	assert_int_equal(report_read(&s, &back), 0);
	assert_int_equal(back.answers_count, VIEW_ANSWERS_MAX);
	assert_in_range(back.facts.images_count, 1, 200);
	assert_int_equal(back.cut, 4000 - back.facts.images_count);
	report_free(&back);
	sample_free(&s);
	free(r.facts.images);
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
	static const char *const bad[] = {"[[6]]", "[[6, 'a', 1]]", "[[6, '', 1, 1]]",
	    "[[6, '../x', 1, 1]]", "[[6, 'a', -1, 1]]", "[[6, 'a', 4294967296, 1]]",
	    "[[6, 'a', 1, 'x']]", "[[6, 'a', 1, null]]", "[[6, 'a', 1, [1]]]", "[[6, 'a', 1.5, 1]]"};
	struct report r;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (read_rows(bad[i], &r) >= 0)
			fail_msg("taken: %s", bad[i]);
	/* No figure, no answer; a name given twice is one; a newer node says more. */
	assert_int_equal(read_rows("[[6, 'nan', 1, nan], [6, 'inf', 1, inf], [6, 'b', 2, 1.5, 'more'],"
	    " [6, 'a', 1, -3], [6, 'b', 2, 1.5], [7, 'newer', 1]]", &r), 0);
	assert_int_equal(r.answers_count, 2);
	assert_string_equal(r.answers[0].name, "a");
	assert_true(r.answers[0].value == -3 && r.answers[1].value == 1.5);
	assert_int_equal(r.cut, 2);
	assert_int_equal(r.unknown, 1);
	report_free(&r);
}

static void
a_flood_of_answers_is_bounded(void **state)
{
	(void)state;
	struct sample s = {0};
	struct report r;

	for (uint32_t i = 0; i < 1000; i++) {
		char row[64], key[16];
		struct blob b;

		snprintf(key, sizeof key, "%06u", i);
		snprintf(row, sizeof row, "[6, 'q%u', 1, 1]", i);
		b = mpjson(row);
		assert_int_equal(sample_row(&s, key, strlen(key), b.b, b.len), 0);
		blob_free(&b);
	}
	assert_int_equal(report_read(&s, &r), 0);
	assert_int_equal(r.answers_count, VIEW_ANSWERS_MAX);
	assert_int_equal(r.cut, 1000 - VIEW_ANSWERS_MAX);
	report_free(&r);
	sample_free(&s);
}

/* --- the input ---------------------------------------------------------------------- */

/* The answer of n2 is to another expression of that name; n3's was heard of before it
 * failed; nobody asked for `more`; n5 left. */
static void
a_script_sees_who_answered_and_who_did_not(void **state)
{
	(void)state;
	struct query_set q = set_of("{'load': 'node_load1', 'cpu': 'mesh_cpu_percent'}");
	uint32_t cpu = q.entries[0].mark, load = q.entries[1].mark;
	struct view_answer n1[] = {answer("load", load, 0.5), answer("more", 1, 7)};
	struct view_answer n2[] = {answer("cpu", cpu, 12.5), answer("load", cpu, 99)};
	struct view_answer n3[] = {answer("load", load, 3)};
	struct view_node nodes[] = {world_node("n3"), world_node("n1"), world_node("n2"),
	    world_node("n4"), world_node("n5")};
	struct input in = {.self = "n1", .nodes = nodes, .nodes_count = ARRAY_LEN(nodes), .query = q};
	struct blob out;
	char *text;

	nodes[0].answers = n3;
	nodes[0].answers_count = 1;
	nodes[0].state = VIEW_NODE_FAILED;
	nodes[1].answers = n1;
	nodes[1].answers_count = 2;
	nodes[2].answers = n2;
	nodes[2].answers_count = 2;
	nodes[2].age_ms = 480;
	nodes[4].state = VIEW_LEFT;
	assert_int_equal(input_pack(&in, &out), 0);
	text = mptext(blob_slice(&out));
	assert_non_null(strstr(text, "'metrics': {"
	    "'cpu': {'missing': ['n1', 'n3', 'n4'], 'nodes': {'n2': {'age': 480, 'value': 12.5}}, "
	    "'query': 'mesh_cpu_percent'}, "
	    "'load': {'missing': ['n2', 'n3', 'n4'], 'nodes': {'n1': {'age': 0, 'value': 0.5}}, "
	    "'query': 'node_load1'}}"));
	free(text);
	blob_free(&out);
	query_free(&q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_name_is_the_whole_language),
	    cmocka_unit_test(a_set_is_read_by_name_and_refused_whole),
	    cmocka_unit_test(a_host_answers_what_it_measures),
	    cmocka_unit_test(answers_come_back_from_a_report),
	    cmocka_unit_test(answers_have_their_room),
	    cmocka_unit_test(hostile_rows_are_refused_or_left),
	    cmocka_unit_test(a_flood_of_answers_is_bounded),
	    cmocka_unit_test(a_script_sees_who_answered_and_who_did_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
