/*
 * /metrics: values and families as text, and that what is kept from one scrape to the next
 * gives the same bytes as a scrape that knows nothing.
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

#include "../../../daemon/core/expotext.h"

enum { T = 5000 };

static struct series_store *s;

static int
begin(void **state)
{
	const struct series_conf conf = {.bytes_max = 8 << 20, .series_max = 20000, .owner_series_max = 1000,
	    .keep_ticks = 3600, .seed = 7};

	(void)state;
	s = series_new(&conf);
	assert_non_null(s);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	series_free(s);
	return 0;
}

static series_id
open_(const char *name, const char *label, const char *value)
{
	uint8_t packed[LABELS_BYTES_MAX];
	struct labels l = {0};
	int n;

	assert_int_equal(labels_set(&l, slice_of(LABEL_NAME), slice_of(name)), 0);
	if (label != NULL)
		assert_int_equal(labels_set(&l, slice_of(label), slice_of(value)), 0);
	n = labels_pack(&l, packed, sizeof packed);
	assert_true(n > 0);
	return series_open(s, SERIES_HOST, (struct slice){packed, (size_t)n});
}

static void
put(const char *name, const char *label, const char *value, int64_t tick, double v)
{
	series_id id = open_(name, label, value);

	assert_true(id != 0);
	assert_int_equal(series_put(s, id, tick, v), 0);
}

static void
describe(const char *metric, enum series_type type, const char *help)
{
	assert_int_equal(series_describe(s, slice_of(metric), type, slice_of(help)), 0);
}

/* By one that was there before (NULL: none), which must say what a new one says. */
static char *
scrape(struct expotext *x, bool openmetrics, int64_t tick)
{
	struct expotext *fresh = expotext_new(openmetrics);
	struct slice a, b;
	char *text;

	assert_non_null(fresh);
	assert_int_equal(expotext_write(fresh, s, tick, &b), 0);
	if (x != NULL) {
		assert_int_equal(expotext_write(x, s, tick, &a), 0);
		assert_int_equal(a.len, b.len);
		if (a.len > 0)
			assert_memory_equal(a.b, b.b, a.len);
	}
	text = b.len > 0 ? strndup((const char *)b.b, b.len) : strdup("");
	assert_non_null(text);
	expotext_free(fresh);
	return text;
}

static void
expect(bool openmetrics, const char *text)
{
	char *is = scrape(NULL, openmetrics, T);

	assert_string_equal(is, text);
	free(is);
}

static void
both_formats(void **state)
{
	(void)state;
	expect(false, "");
	expect(true, "# EOF\n");
	describe("a_total", SERIES_COUNTER, "A \"thing\"\\\nof two lines");
	describe("h", SERIES_HISTOGRAM, "");
	put("a_total", "x", "q\"\\\n", T, 3);
	put("a_total_more", NULL, NULL, T, 1);
	put("h_bucket", "le", "+Inf", T, 2);
	put("h_count", NULL, NULL, T, 2);
	put("b", "x", "", T, -0.5);
	expect(false, "# HELP a_total A \"thing\"\\\\\\nof two lines\n# TYPE a_total counter\na_total{x=\"q\\\"\\\\\\n\"} 3\n"
		      "# TYPE a_total_more untyped\na_total_more 1\n"
		      "# TYPE b untyped\nb -0.5\n"
		      "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 2\nh_count 2\n");
	expect(true, "# HELP a A \\\"thing\\\"\\\\\\nof two lines\n# TYPE a counter\na_total{x=\"q\\\"\\\\\\n\"} 3\n"
		     "# TYPE a_total_more unknown\na_total_more 1\n"
		     "# TYPE b unknown\nb -0.5\n"
		     "# TYPE h_bucket unknown\nh_bucket{le=\"+Inf\"} 2\n# TYPE h_count unknown\nh_count 2\n# EOF\n");
}

static void
every_value_reads_back(void **state)
{
	static const struct {
		double v;
		const char *text;
	} rows[] = {{0, "0"}, {-0.0, "-0"}, {1, "1"}, {-17, "-17"}, {0.5, "0.5"}, {-2.25, "-2.25"}, {123456.789012, "123456.789012"},
	    {0.000001, "0.000001"}, {1e-9, "0.000000001"}, {12.000000001, "12.000000001"}, {8999999999.999999, "8999999999.999999"},
	    {1e15, "1e+15"}, {1e300, "1e+300"}, {0.1 + 0.2, "0.30000000000000004"}, {1.0 / 3, "0.3333333333333333"}, {NAN, "NaN"}, {INFINITY, "+Inf"},
	    {-INFINITY, "-Inf"}, {5e-324, "4.9406564584124654e-324"}, {9007199254740993.0, "9007199254740992"}};
	char want[128], *is;
	uint64_t random = 88172645463325252u;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		put("v", NULL, NULL, T + (int64_t)i, rows[i].v);
		is = scrape(NULL, false, T + (int64_t)i);
		snprintf(want, sizeof want, "# TYPE v untyped\nv %s\n", rows[i].text);
		if (strcmp(is, want) != 0 && !(isfinite(rows[i].v) && strtod(strstr(is, "\nv ") + 3, NULL) == rows[i].v))
			fail_msg("%s, and is\n%s", want, is);
		free(is);
	}
	for (int i = 0; i < 20000; i++) {
		static const double by[] = {1, 1e2, 1e3, 1e6, 1e9, 7, 1e-5};
		double v;

		random ^= random << 13, random ^= random >> 7, random ^= random << 17;
		v = (double)(int64_t)(random >> (random % 61)) / by[random % ARRAY_LEN(by)];
		put("v", NULL, NULL, T + 100 + i, v);
		is = scrape(NULL, false, T + 100 + i);
		if (strtod(strstr(is, "\nv ") + 3, NULL) != v)
			fail_msg("%.17g, and is\n%s", v, is);
		free(is);
	}
}

/* Series that come, end, come again and grow old, metrics that are described late. */
static void
what_is_kept_changes_nothing(void **state)
{
	struct expotext *x[] = {expotext_new(false), expotext_new(true)};
	uint32_t random = 1;
	char name[16], value[16];

	(void)state;
	for (int64_t t = T; t < T + 1500; t++) {
		for (int k = 0; k < 8; k++) {
			random = random * 1664525 + 1013904223;
			uint32_t what = random >> 20 & 15, n = random >> 10 & 31;

			snprintf(name, sizeof name, n % 3 == 0 ? "m%u_total" : n % 3 == 1 ? "m%u_count" : "m%u", n / 3);
			snprintf(value, sizeof value, "%u", random >> 15 & 3);
			if (what == 0 &&
			    series_describe(s, slice_of(name), (enum series_type)(random >> 5 & 3), slice_of(value)) < 0)
				continue; /* it is described */
			else if (what < 3)
				series_close(s, open_(name, "x", value), t);
			else if (series_put(s, open_(name, "x", value), t, n) < 0)
				continue; /* of this tick it has one */
		}
		series_expire(s, t);
		if (t % 7 == 0) {
			free(scrape(x[0], false, t));
			free(scrape(x[1], true, t));
		}
		if (t == T + 700)
			t += 280; /* many are too old to be shown */
	}
	/* Nothing is shown, and then one again. */
	free(scrape(x[0], false, T + 9000));
	put("m1", "x", "1", T + 9000, 4);
	free(scrape(x[0], false, T + 9000));
	expotext_free(x[0]);
	expotext_free(x[1]);
	expotext_free(NULL);
}

/* What applications say may be large, each within its bounds; the host's own stays. */
static void
too_much_of_applications(void **state)
{
	static char value[LABEL_VALUE_BYTES_MAX], number[8], names[7][8];
	struct expotext *x = expotext_new(true);
	uint8_t packed[LABELS_BYTES_MAX];
	struct slice text;
	struct labels l;
	int n;

	(void)state;
	memset(value, 'v', sizeof value - 1);
	for (int i = 0; i < 2500; i++) {
		l.count = 0;
		snprintf(number, sizeof number, "%d", i);
		assert_int_equal(labels_set(&l, slice_of(LABEL_NAME), slice_of("load")), 0);
		assert_int_equal(labels_set(&l, slice_of("job"), slice_of(i < 3 ? "node" : "web")), 0);
		assert_int_equal(labels_set(&l, slice_of("i"), slice_of(number)), 0);
		for (int k = 0; k < 7; k++) {
			snprintf(names[k], sizeof names[k], "l%d", k);
			assert_int_equal(labels_set(&l, slice_of(names[k]), slice_of(i < 3 ? "s" : value)), 0);
		}
		n = labels_pack(&l, packed, sizeof packed);
		assert_true(n > 0);
		assert_int_equal(series_put(s, series_open(s, SERIES_HOST, (struct slice){packed, (size_t)n}), T, i), 0);
	}
	assert_int_equal(expotext_write(x, s, T, &text), 1);
	assert_true(text.len < 1024 && memmem(text.b, text.len, "# EOF\n", 6) != NULL);
	for (int i = 0; i < 4; i++) {
		n = snprintf(value, sizeof value, "load{i=\"%d\",job=\"node\"", i);
		assert_int_equal(memmem(text.b, text.len, value, (size_t)n) != NULL, i < 3);
	}
	assert_int_equal(expotext_write(x, s, T + EXPOTEXT_AGE_TICKS + 1, &text), 0);
	expotext_free(x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(both_formats, begin, end),
	    cmocka_unit_test_setup_teardown(every_value_reads_back, begin, end),
	    cmocka_unit_test_setup_teardown(what_is_kept_changes_nothing, begin, end),
	    cmocka_unit_test_setup_teardown(too_much_of_applications, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
