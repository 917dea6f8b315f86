/*
 * The standard set: every row's expression can be evaluated and is in the manual, codes
 * follow values where it is worth it, and an older node's report has none.
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

#include "../../../daemon/core/report.h"
#include "../../../daemon/core/standard.h"

static uint32_t
row_of(const char *name)
{
	for (uint32_t i = 0; i < VIEW_STANDARD_COUNT; i++)
		if (strcmp(standard_rows[i].name, name) == 0)
			return i;
	fail_msg("no row %s", name);
	return 0;
}

/* A row as the manual has it. */
static void
manual_row(const struct standard_row *r, char *out, size_t cap)
{
	char part[32] = "";

	if (r->part > 0)
		snprintf(part, sizeof part, ", 1/%u", r->part);
	snprintf(out, cap, "| `%s` | %s | %.12g%s | `%s`%s%s | %s |\n", r->name, r->unit, r->step, part, r->expr,
	    r->mode != NULL ? ", mode " : "", r->mode != NULL ? r->mode : "", r->help);
}

/* Names of the host's and of containers' anybody may use: their job is what tells them apart. */
static void
every_selector_names_its_job(void **state)
{
	static const char *const begins[] = {"node_", "container_"}, *const jobs[] = {"{job=\"node\"", "{job=\"cadvisor\""};

	(void)state;
	for (uint32_t i = 0; i < VIEW_STANDARD_COUNT; i++)
		for (size_t k = 0; k < ARRAY_LEN(begins); k++)
			for (const char *p = standard_rows[i].expr; (p = strstr(p, begins[k])) != NULL; p++)
				if (strncmp(p + strcspn(p, "{[ )"), jobs[k], strlen(jobs[k])) != 0)
					fail_msg("%s: %s", standard_rows[i].name, p);
}

static void
every_row_is_whole(void **state)
{
	static char manual[65536];
	FILE *f = fopen("doc/standard.md", "rb");
	char line[1024];
	struct err err;

	(void)state;
	assert_non_null(f);
	manual[fread(manual, 1, sizeof manual - 1, f)] = '\0';
	assert_int_equal(fclose(f), 0);
	for (uint32_t i = 0; i < VIEW_STANDARD_COUNT; i++) {
		const struct standard_row *r = &standard_rows[i];

		assert_non_null(r->name); /* VIEW_STANDARD_COUNT is more than there are */
		assert_true(r->step > 0);
		assert_int_equal(row_of(r->name), i);
		assert_in_range(strlen(r->expr), 1, 480); /* daemon/io/standing.c shortens ranges in it */
		struct prom *p = prom_parse(r->expr, strlen(r->expr), &err);

		if (p == NULL)
			fail_msg("%s: %s", r->name, err.text);
		assert_int_equal(prom_kind(p), PROM_VECTOR);
		prom_free(p);
		manual_row(r, line, sizeof line);
		if (strstr(manual, line) == NULL)
			fail_msg("doc/standard.md has no line\n%s", line);
	}
}

static void
a_code_follows_what_is_worth_it(void **state)
{
	uint32_t share = row_of("cpu_user"), count = row_of("containers_running"), rate = row_of("net_sent"),
	         max = row_of("files_max");
	int64_t code = standard_code(share, 0.123, 0);

	(void)state;
	assert_true(standard_value(share, code) == 0.12);
	assert_int_equal(standard_code(share, 0.129, code), code); /* less than a step */
	assert_int_equal(standard_code(share, 0.13, code), code + 1);
	assert_int_equal(standard_code(share, NAN, code), 0);
	assert_true(isnan(standard_value(share, 0)));
	assert_true(isnan(standard_value(VIEW_STANDARD_COUNT, 5)));
	/* Nothing is something. */
	code = standard_code(count, 0, 0);
	assert_true(code != 0 && standard_value(count, code) == 0);
	assert_true(standard_value(count, standard_code(count, 1, code)) == 1);
	/* Of much, a step is not worth it. */
	code = standard_code(rate, 16384.0 * 1000, 0);
	assert_int_equal(standard_code(rate, 16384.0 * 1100, code), code);
	assert_true(standard_code(rate, 16384.0 * 1200, code) != code);
	assert_true(standard_value(rate, standard_code(rate, 0, code)) == 0);
	/* Numbers that no host has. */
	assert_true(standard_value(max, standard_code(max, INFINITY, 0)) > 1e15);
	assert_true(standard_value(max, standard_code(max, 9.3e18, 0)) > 5e17);
	assert_true(standard_value(share, standard_code(share, -3, 0)) == -3);
}

/* Any number may come from a peer. */
static void
any_code_is_a_value(void **state)
{
	static const int64_t odd[] = {INT64_MIN, INT64_MIN + 1, -1, 1, INT64_MAX};
	struct view_metrics m = {0}, told = {0};
	uint32_t at;
	const char *name;
	double value;

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(odd); k++) {
		for (uint32_t i = 0; i < VIEW_STANDARD_COUNT; i++) {
			m.standard[i] = odd[k];
			assert_true(fabs(standard_value(i, odd[k])) >= 0);
			assert_true(standard_code(i, 1, odd[k]) != 0);
		}
		for (at = 0; standard_each(&m, UINT64_MAX, &at, &name, &value);)
			assert_true(fabs(value) < 1e18);
	}
	m = (struct view_metrics){.load1 = INFINITY, .cpu_percent = NAN, .memory_free_bytes = UINT64_MAX};
	standard_settle(&told, &m);
	for (at = 0; standard_each(&m, 0, &at, &name, &value);)
		assert_true(fabs(value) < 1e18);
}

static void
one_expression_fills_all_its_rows(void **state)
{
	uint8_t user[64], idle[64];
	const struct label u = {slice_of("mode"), slice_of("user")}, d = {slice_of("mode"), slice_of("idle")};
	double values[] = {0.25, 0.5};
	struct prom_series series[] = {{.values = &values[0], .count = 1}, {.values = &values[1], .count = 1}};
	const struct prom_result r = {.kind = PROM_VECTOR, .series = series, .count = 2};
	struct view_metrics m = {0};
	struct labels l = {0};

	(void)state;
	l.items[0] = u;
	l.count = 1;
	series[0].labels = (struct slice){user, (size_t)labels_pack(&l, user, sizeof user)};
	l.items[0] = d;
	series[1].labels = (struct slice){idle, (size_t)labels_pack(&l, idle, sizeof idle)};
	assert_int_equal(standard_next(row_of("cpu_user")), row_of("cpu_idle") + 1);
	standard_take(row_of("cpu_user"), &r, m.standard);
	assert_true(standard_value(row_of("cpu_user"), m.standard[row_of("cpu_user")]) == 0.25);
	assert_true(standard_value(row_of("cpu_idle"), m.standard[row_of("cpu_idle")]) == 0.5);
	assert_int_equal(m.standard[row_of("cpu_steal")], 0);
	standard_take(row_of("cpu_user"), NULL, m.standard);
	assert_int_equal(m.standard[row_of("cpu_idle")], 0);
}

/* Of two reports in which nothing moved, nothing is told; an older node has no codes,
 * a newer one more of them. */
static void
a_report_carries_them(void **state)
{
	struct report r = {0}, back;
	struct sample s, old = {0}, newer = {0}, read;
	uint8_t bytes[2048];
	size_t len;

	(void)state;
	for (uint32_t i = 0; i < VIEW_STANDARD_COUNT; i++)
		r.metrics.standard[i] = (int64_t)i * 1000 - 3;
	report_sample(&r, &s);
	s.version = 7;
	assert_int_equal(report_read(&s, &back), 0);
	assert_memory_equal(back.metrics.standard, r.metrics.standard, sizeof r.metrics.standard);
	report_free(&back);
	len = sample_pack(&s, &s, bytes, sizeof bytes);
	assert_in_range(len, 1, 20);
	assert_int_equal(sample_read(bytes, len, &s, &read), 0);
	assert_true(sample_eq(&read, &s));
	sample_free(&read);
	for (uint32_t i = 0; i < s.numbers_count + 9; i++) {
		if (i < 5)
			assert_int_equal(sample_number(&old, s.numbers[i]), 0);
		assert_int_equal(sample_number(&newer, i < s.numbers_count ? s.numbers[i] : 5), 0);
	}
	assert_int_equal(report_read(&old, &back), 0);
	for (uint32_t i = 0; i < VIEW_STANDARD_COUNT; i++)
		assert_int_equal(back.metrics.standard[i], 0);
	report_free(&back);
	assert_int_equal(report_read(&newer, &back), 0);
	assert_memory_equal(back.metrics.standard, r.metrics.standard, sizeof r.metrics.standard);
	report_free(&back);
	sample_free(&s);
	sample_free(&old);
	sample_free(&newer);
	report_free(&r);
}

static void
what_is_read_settles(void **state)
{
	struct view_metrics told = {0}, now = {.load1 = 1, .cpu_percent = 50, .memory_free_bytes = 8u << 20, .disk_free_bytes = 1 << 30,
	    .disk_bytes = 3};

	(void)state;
	standard_settle(&told, &now);
	assert_true(told.load1 == 1 && told.cpu_percent == 50 && told.memory_free_bytes == 8u << 20);
	assert_true(told.disk_free_bytes == 1 << 30 && told.disk_bytes == 3);
	now.load1 = 1.04;
	now.cpu_percent = 52;
	now.memory_free_bytes += 1000000;
	now.disk_free_bytes -= 1000000;
	standard_settle(&told, &now);
	assert_true(told.load1 == 1 && told.cpu_percent == 50 && told.memory_free_bytes == 8u << 20);
	now.load1 = 1.1;
	now.memory_free_bytes = 0;
	standard_settle(&told, &now);
	assert_true(told.load1 == 1.1 && told.cpu_percent == 50 && told.memory_free_bytes == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_row_is_whole),
	    cmocka_unit_test(every_selector_names_its_job),
	    cmocka_unit_test(a_code_follows_what_is_worth_it),
	    cmocka_unit_test(any_code_is_a_value),
	    cmocka_unit_test(one_expression_fills_all_its_rows),
	    cmocka_unit_test(a_report_carries_them),
	    cmocka_unit_test(what_is_read_settles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
