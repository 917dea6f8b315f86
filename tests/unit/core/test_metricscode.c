/*
 * What nodes ask each other about metrics: bytes and back, bit for bit; and bytes that
 * are no question and no answer.
 */
#include "../../../daemon/core/metricscode.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka wants the ones above first */
#include <cmocka.h>

enum { MAX = 1 << 20 };

static struct slice
packed(uint8_t *out, const char *name, const char *value)
{
	struct labels l = {0};
	int n;

	assert_int_equal(labels_set(&l, slice_of(name), slice_of(value)), 0);
	n = labels_pack(&l, out, LABELS_BYTES_MAX);
	assert_true(n > 0);
	return (struct slice){out, (size_t)n};
}

static void
same(struct slice a, struct slice b)
{
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.b, b.b, a.len);
}

static void
test_question(void **state)
{
	struct metrics_question q = {.what = METRICS_VALUES, .when = {1700000000000, 1700000600000, 5000},
	    .count = 2, .texts = {slice_of("up"), slice_of("sum(x)")}, .name = slice_of("job"), .wait_ms = 2000, .asked_ms = 1700000600001}, got;
	struct blob b;

	(void)state;
	assert_int_equal(metricscode_ask(&q, MAX, &b), 0);
	assert_int_equal(metricscode_asked(blob_slice(&b), &got), 0);
	assert_int_equal(got.what, METRICS_VALUES);
	assert_int_equal(got.when.end_ms, q.when.end_ms);
	assert_int_equal(got.count, 2);
	same(got.texts[1], q.texts[1]);
	same(got.name, q.name);
	assert_int_equal(got.wait_ms, 2000);
	assert_true(got.asked_ms == 1700000600001);
	for (size_t cut = 0; cut < b.len; cut++)
		assert_true(metricscode_asked((struct slice){b.b, cut}, &got) < 0);
	blob_free(&b);
	assert_int_equal(metricscode_ask(&q, 16, &b), -ERR_LONG);
	/* As an older one asks, which does not say what its clock is. */
	q.asked_ms = 0;
	assert_int_equal(metricscode_ask(&q, MAX, &b), 0);
	assert_int_equal(b.b[0], 0x99);
	b.b[0] = 0x98;
	assert_int_equal(metricscode_asked((struct slice){b.b, b.len - 1}, &got), 0);
	assert_true(got.asked_ms == 0 && got.wait_ms == 2000);
	blob_free(&b);
}

static void
test_question_out_of_range(void **state)
{
	static const struct prom_when bad[] = {{-1, 5, 0}, {5, 4, 0}, {0, INT64_C(1) << 52, 0},
	    {0, 11000, 1}, {0, 5, -1}, {0, 5, INT64_MAX}};
	struct metrics_question q = {.when = {0, 10999, 1}, .wait_ms = 1}, got;
	struct blob b;

	(void)state;
	assert_int_equal(metricscode_ask(&q, MAX, &b), 0);
	assert_int_equal(metricscode_asked(blob_slice(&b), &got), 0);
	blob_free(&b);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		q.when = bad[i];
		assert_int_equal(metricscode_ask(&q, MAX, &b), 0);
		assert_int_equal(metricscode_asked(blob_slice(&b), &got), -ERR_RANGE);
		blob_free(&b);
	}
	q.when = (struct prom_when){0, 5, 0};
	for (int i = 0; i < 2; i++) {
		q.asked_ms = i == 0 ? -1 : INT64_C(1) << 52;
		assert_int_equal(metricscode_ask(&q, MAX, &b), 0);
		assert_int_equal(metricscode_asked(blob_slice(&b), &got), -ERR_RANGE);
		blob_free(&b);
	}
}

static bool
same_bits(double a, double b)
{
	return memcmp(&a, &b, sizeof a) == 0;
}

static void
test_results(void **state)
{
	int64_t at[] = {0, 1, 128, 1700000000000, (INT64_C(1) << 52) - 1};
	double values[] = {NAN, -INFINITY, -0.0, 0.1, INFINITY};
	uint8_t x[LABELS_BYTES_MAX], y[LABELS_BYTES_MAX];
	struct prom_series s[] = {{packed(x, "node", "n1"), at, values, 5},
	    {packed(y, "node", "n2"), NULL, NULL, 0}, {{NULL, 0}, at + 1, values, 1}};
	struct prom_result r[] = {{.kind = PROM_MATRIX, .series = s, .count = 2},
	    {.kind = PROM_SCALAR, .series = s + 2, .count = 1}, {.kind = PROM_VECTOR}};
	struct metrics_answer got;
	struct blob b;

	(void)state;
	assert_int_equal(metricscode_results(r, 3, MAX, &b), 0);
	assert_int_equal(metricscode_read(blob_slice(&b), METRICS_EVAL, 3, &got), 0);
	assert_int_equal(got.count, 3);
	assert_int_equal(got.results[0].count, 2);
	same(got.results[0].series[1].labels, s[1].labels);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(got.results[0].series[0].at_ms[i], at[i]);
		assert_true(same_bits(got.results[0].series[0].values[i], values[i]));
	}
	assert_int_equal(got.results[0].series[1].count, 0);
	assert_int_equal(got.results[1].kind, PROM_SCALAR);
	assert_int_equal(got.results[1].series[0].labels.len, 1);
	assert_int_equal(got.results[2].count, 0);
	metricscode_free(&got);
	assert_int_equal(metricscode_read(blob_slice(&b), METRICS_EVAL, 2, &got), -ERR_MALFORMED);
	assert_int_equal(metricscode_read(blob_slice(&b), METRICS_LABELS, 0, &got), -ERR_MALFORMED);
	for (size_t cut = 0; cut < b.len; cut++)
		assert_true(metricscode_read((struct slice){b.b, cut}, METRICS_EVAL, 3, &got) < 0);
	blob_free(&b);
	assert_int_equal(metricscode_results(r, 3, 40, &b), -ERR_LONG);
}

/* Each byte wrong in turn, in every way: taken or refused, and never more than it says. */
static void
test_hostile(void **state)
{
	int64_t at[] = {1000, 2000};
	double values[] = {1, 2};
	uint8_t x[LABELS_BYTES_MAX];
	struct prom_series s = {packed(x, "a", "b"), at, values, 2};
	struct prom_result r = {.kind = PROM_VECTOR, .series = &s, .count = 1};
	struct metrics_answer got;
	struct blob b;

	(void)state;
	assert_int_equal(metricscode_results(&r, 1, MAX, &b), 0);
	for (size_t i = 0; i < b.len; i++)
		for (unsigned v = 1; v < 256; v++) {
			b.b[i] ^= (uint8_t)v;
			if (metricscode_read(blob_slice(&b), METRICS_EVAL, 1, &got) == 0) {
				for (uint32_t k = 1; got.count == 1 && got.results[0].count == 1 &&
				     k < got.results[0].series[0].count; k++)
					assert_true(got.results[0].series[0].at_ms[k] >
					    got.results[0].series[0].at_ms[k - 1]);
				metricscode_free(&got);
			}
			b.b[i] ^= (uint8_t)v;
		}
	blob_free(&b);
}

static void
test_times_rise(void **state)
{
	/* [1, 1, [[1, [[labels, times, values]]]]]: the second time is the first */
	uint8_t bytes[] = {0x93, 1, 1, 0x91, 0x92, 1, 0x91, 0x93, 0xc4, 1, 0, 0xc4, 2, 7, 0, 0xc4, 16,
	    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	struct slice all = {bytes, sizeof bytes};
	struct metrics_answer got;

	(void)state;
	assert_int_equal(metricscode_read(all, METRICS_EVAL, 1, &got), -ERR_MALFORMED);
	bytes[14] = 1;
	assert_int_equal(metricscode_read(all, METRICS_EVAL, 1, &got), 0);
	assert_int_equal(got.results[0].series[0].at_ms[1], 8);
	metricscode_free(&got);
	bytes[10] = 1; /* labels that end before they begin */
	assert_int_equal(metricscode_read(all, METRICS_EVAL, 1, &got), -ERR_MALFORMED);
}

static void
test_lists(void **state)
{
	struct metrics_item items[] = {{.key = slice_of("up"), .type = SERIES_GAUGE, .help = slice_of("is it")},
	    {.key = slice_of("x_total"), .type = SERIES_COUNTER}};
	struct metrics_answer got;
	struct blob b;

	(void)state;
	assert_int_equal(metricscode_list(METRICS_METADATA, items, 2, MAX, &b), 0);
	assert_int_equal(metricscode_read(blob_slice(&b), METRICS_METADATA, 0, &got), 0);
	assert_int_equal(got.count, 2);
	same(got.items[0].help, items[0].help);
	assert_int_equal(got.items[1].type, SERIES_COUNTER);
	metricscode_free(&got);
	blob_free(&b);
	assert_int_equal(metricscode_list(METRICS_LABELS, items, 2, MAX, &b), 0);
	assert_int_equal(metricscode_read(blob_slice(&b), METRICS_LABELS, 0, &got), 0);
	same(got.items[1].key, items[1].key);
	metricscode_free(&got);
	/* "up" is no set of labels. */
	assert_int_equal(metricscode_read(blob_slice(&b), METRICS_SERIES, 0, &got), -ERR_MALFORMED);
	blob_free(&b);
}

static void
test_why(void **state)
{
	struct metrics_answer got;
	struct blob b;

	(void)state;
	assert_int_equal(metricscode_fail("busy: 4 queries are under way", &b), 0);
	assert_int_equal(metricscode_read(blob_slice(&b), METRICS_EVAL, 5, &got), 0);
	same(got.why, slice_of("busy: 4 queries are under way"));
	assert_int_equal(got.count, 0);
	metricscode_free(&got);
	blob_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_question),
	    cmocka_unit_test(test_question_out_of_range),
	    cmocka_unit_test(test_results),
	    cmocka_unit_test(test_hostile),
	    cmocka_unit_test(test_times_rise),
	    cmocka_unit_test(test_lists),
	    cmocka_unit_test(test_why),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
