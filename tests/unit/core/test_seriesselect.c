/*
 * test_seriesselect.c - which series matchers mean: all four operators, labels that are
 * not there, and the order of what is found (of packed labels: a shorter name is first).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../daemon/core/pattern.h"
#include "../../../daemon/core/series.h"

enum { T = 5000 };

static struct series_store *s;
static int64_t tick;

static series_id
add(const char *name, const char *job, const char *cpu)
{
	uint8_t b[LABELS_BYTES_MAX];
	struct labels l = {0};
	series_id id;
	int n;

	assert_int_equal(labels_set(&l, slice_of(LABEL_NAME), slice_of(name)), 0);
	assert_int_equal(labels_set(&l, slice_of("job"), slice_of(job)), 0);
	assert_int_equal(labels_set(&l, slice_of("cpu"), slice_of(cpu)), 0);
	n = labels_pack(&l, b, sizeof b);
	assert_true(n > 0);
	id = series_open(s, SERIES_HOST, (struct slice){b, (size_t)n});
	assert_true(id != 0);
	assert_int_equal(series_put(s, id, tick, 1), 0);
	return id;
}

static int
setup(void **state)
{
	struct series_conf conf = {.bytes_max = 1 << 20, .series_max = 100, .owner_series_max = 10, .keep_ticks = 60};

	(void)state;
	tick = T;
	s = series_new(&conf);
	assert_non_null(s);
	add("up", "web", "");
	add("up", "db", "");
	add("up", "", "");
	add("cpu_total", "node", "0");
	add("cpu_total", "node", "1");
	add("cpu_total", "node", "10");
	add("load", "node", "");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	series_free(s);
	return 0;
}

/* name,job,cpu of what is found, one after the other. */
static void
finds(const struct series_matcher *m, uint32_t count, const char *want)
{
	char text[1000] = "", one[200];
	series_id *ids;
	int64_t n = series_select(s, m, count, 100, &ids);

	assert_true(n >= 0);
	for (int64_t i = 0; i < n; i++) {
		uint8_t b[LABELS_BYTES_MAX];
		struct slice packed = {b, series_labels(s, ids[i], b)}, name, job, cpu;

		name = labels_find(packed, slice_of(LABEL_NAME));
		job = labels_find(packed, slice_of("job"));
		cpu = labels_find(packed, slice_of("cpu"));
		snprintf(one, sizeof one, "%.*s,%.*s,%.*s ", (int)name.len, (const char *)name.b, (int)job.len,
		    (const char *)job.b, (int)cpu.len, (const char *)cpu.b);
		strcat(text, one);
	}
	free(ids);
	assert_string_equal(text, want);
}

static void
find(enum series_op op, const char *name, const char *value, const char *want)
{
	struct series_matcher m = {op, slice_of(name), slice_of(value), NULL};
	struct pattern *re = NULL;
	struct err err = {0};

	if (op == SERIES_RE || op == SERIES_NRE) {
		re = pattern_new(m.value, &err);
		assert_non_null(re);
		m.re = re;
	}
	finds(&m, 1, want);
	pattern_free(re);
}

static void
each_operator(void **state)
{
	(void)state;
	finds(NULL, 0, "up,, up,db, up,web, load,node, cpu_total,node,0 cpu_total,node,1 cpu_total,node,10 ");
	find(SERIES_EQ, "__name__", "up", "up,, up,db, up,web, ");
	find(SERIES_EQ, "__name__", "none", "");
	find(SERIES_EQ, "__name__", "", "");
	find(SERIES_EQ, "job", "db", "up,db, ");
	find(SERIES_EQ, "job", "", "up,, ");
	find(SERIES_EQ, "absent", "", "up,, up,db, up,web, load,node, cpu_total,node,0 cpu_total,node,1 cpu_total,node,10 ");
	find(SERIES_EQ, "absent", "x", "");
	find(SERIES_NE, "job", "node", "up,, up,db, up,web, ");
	find(SERIES_NE, "cpu", "", "cpu_total,node,0 cpu_total,node,1 cpu_total,node,10 ");
	find(SERIES_RE, "cpu", "1.*", "cpu_total,node,1 cpu_total,node,10 ");
	find(SERIES_RE, "cpu", "1", "cpu_total,node,1 ");
	find(SERIES_RE, "job", "(web|)", "up,, up,web, ");
	find(SERIES_NRE, "job", "node|db", "up,, up,web, ");
	find(SERIES_NRE, "job", ".*", "");
	find(SERIES_RE, "__name__", "u.|load", "up,, up,db, up,web, load,node, ");
}

static void
several_at_once(void **state)
{
	struct series_matcher m[3] = {{SERIES_EQ, slice_of("__name__"), slice_of("cpu_total"), NULL},
	    {SERIES_NE, slice_of("cpu"), slice_of("1"), NULL}, {SERIES_NE, slice_of("cpu"), slice_of("0"), NULL}};

	(void)state;
	finds(m, 3, "cpu_total,node,10 ");
	m[1] = (struct series_matcher){SERIES_EQ, slice_of("__name__"), slice_of("up"), NULL};
	finds(m, 2, "");
	m[1].value = slice_of("none");
	finds(m, 2, "");
}

static void
more_than_are_wanted(void **state)
{
	series_id *ids;

	(void)state;
	assert_int_equal(series_select(s, NULL, 0, 7, &ids), 7);
	free(ids);
	assert_int_equal(series_select(s, NULL, 0, 6, &ids), -ERR_FULL);
	assert_null(ids);
	assert_int_equal(series_select(s, NULL, 0, 0, &ids), -ERR_FULL);
}

static void
what_is_too_old_is_not_found(void **state)
{
	series_id ended = add("up", "old", "");

	(void)state;
	series_close(s, ended, T + 1);
	find(SERIES_EQ, "job", "old", "up,old, ");
	series_expire(s, T + 61);
	find(SERIES_EQ, "job", "old", "up,old, "); /* its mark */
	find(SERIES_EQ, "job", "web", "");
	tick = T + 62;
	add("up", "web", "1");
	find(SERIES_EQ, "job", "web", "up,web,1 ");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(each_operator),
		TEST(several_at_once),
		TEST(more_than_are_wanted),
		TEST(what_is_too_old_is_not_found),
	};

	return cmocka_run_group_tests_name("seriesselect", tests, NULL, NULL);
}
