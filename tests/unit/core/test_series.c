/*
 * test_series.c - a store of series: time that does not rise, hosts that sleep, marks of
 * what ended, and those who want more than their part.  What comes back is compared with
 * what was put in test_series_model.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../daemon/core/series.h"

enum { T = 1000000, POINTS = 20000 };

static struct series_store *s;
static struct series_point got[POINTS];

static struct series_conf
usual(void)
{
	return (struct series_conf){.bytes_max = 8 << 20, .series_max = 20000, .owner_series_max = 1000,
	    .keep_ticks = 3600, .seed = 7};
}

static void
begin(struct series_conf conf)
{
	s = series_new(&conf);
	assert_non_null(s);
}

static int
end(void **state)
{
	(void)state;
	series_free(s);
	s = NULL;
	return 0;
}

/* name{n="N"}, and text of so many bytes if there is one. */
static struct slice
labels(const char *name, uint32_t n, size_t text, uint8_t out[LABELS_BYTES_MAX])
{
	static char more[LABEL_VALUE_BYTES_MAX], number[16];
	struct labels l = {0};
	int len;

	memset(more, 'x', sizeof more);
	snprintf(number, sizeof number, "%u", n);
	assert_int_equal(labels_set(&l, slice_of(LABEL_NAME), slice_of(name)), 0);
	assert_int_equal(labels_set(&l, slice_of("n"), slice_of(number)), 0);
	/* Each of its own, so that nothing of it is kept once for all. */
	memcpy(more, number, strlen(number));
	for (const char *key = "abcdefgh"; text > 0; key++) {
		size_t some = text < sizeof more ? text : sizeof more;

		assert_int_equal(labels_set(&l, (struct slice){(const uint8_t *)key, 1}, (struct slice){(uint8_t *)more, some}), 0);
		text -= some;
	}
	len = labels_pack(&l, out, LABELS_BYTES_MAX);
	assert_true(len > 0);
	return (struct slice){out, (size_t)len};
}

static series_id
open_one(uint32_t owner, const char *name, uint32_t n)
{
	uint8_t b[LABELS_BYTES_MAX];

	return series_open(s, owner, labels(name, n, 0, b));
}

static void
put(series_id id, int64_t tick, double value)
{
	assert_int_equal(series_put(s, id, tick, value), 0);
}

static size_t
all_of(series_id id)
{
	return series_read(s, id, INT64_MIN / 4, INT64_MAX / 4, got, POINTS);
}

static struct series_stats
stats(void)
{
	struct series_stats st;

	series_stats(s, &st);
	assert_true(st.bytes <= st.bytes_max);
	return st;
}

/* --- time ------------------------------------------------------------------------------ */

static void
ticks_that_do_not_rise_are_refused(void **state)
{
	(void)state;
	begin(usual());
	series_id a = open_one(SERIES_HOST, "up", 1), b = open_one(SERIES_HOST, "up", 2);

	put(a, T, 1);
	assert_int_equal(series_put(s, a, T, 2), -ERR_RANGE);
	assert_int_equal(series_put(s, a, T - 3600, 2), -ERR_RANGE);
	assert_int_equal(series_put(s, a, INT64_MIN, 2), -ERR_RANGE);
	assert_int_equal(series_put(s, a, INT64_MAX, 2), -ERR_RANGE);
	put(b, T - 60, 5);
	put(a, T + 1, 3);
	assert_int_equal(all_of(a), 2);
	assert_int_equal(got[1].tick, T + 1);
	assert_int_equal(all_of(b), 1);
	assert_int_equal(stats().refused_samples, 4);
	assert_int_equal(stats().samples, 3);
}

static void
a_host_that_slept(void **state)
{
	(void)state;
	begin(usual());
	series_id a = open_one(SERIES_HOST, "up", 1), idle = open_one(SERIES_HOST, "up", 2);
	struct series_point last;

	for (int i = 0; i < 600; i++)
		put(a, T + i, i * 3);
	put(idle, T, 1);
	put(a, T + 600 + 3000, 7); /* 50 minutes */
	assert_int_equal(all_of(a), 601);
	for (int i = 0; i < 3; i++)
		put(a, T + 7200 + i, 8);
	series_expire(s, T + 7202);
	assert_int_equal(all_of(a), 3);
	put(a, T + 40 * 86400, 9); /* and weeks */
	series_expire(s, T + 40 * 86400);
	assert_int_equal(all_of(a), 1);
	assert_true(series_last(s, a, &last) && last.tick == T + 40 * 86400 && last.value == 9);
	/* Silence is no end: it has its number still. */
	assert_int_equal(all_of(idle), 0);
	assert_false(series_last(s, idle, &last));
	put(idle, T + 40 * 86400, 2);
	assert_int_equal(all_of(idle), 1);
	/* What is older than all that is kept comes too late. */
	series_id late = open_one(SERIES_HOST, "up", 3);

	assert_int_equal(series_put(s, late, T + 7300, 1), -ERR_RANGE);
}

static void
counters_that_begin_again(void **state)
{
	(void)state;
	begin(usual());
	series_id a = open_one(SERIES_HOST, "http_requests_total", 1);

	for (int i = 0; i < 2000; i++)
		put(a, T + i, i % 700 * 5);
	assert_int_equal(all_of(a), 2000);
	for (int i = 0; i < 2000; i++)
		assert_true(got[i].tick == T + i && got[i].value == i % 700 * 5);
	assert_int_equal(series_read(s, a, T + 699, T + 700, got, 9), 2);
	assert_true(got[0].value == 3495 && got[1].value == 0);
	/* In pieces. */
	assert_int_equal(series_read(s, a, T + 500, T + 1999, got, 100), 100);
	assert_int_equal(got[99].tick, T + 599);
	assert_int_equal(series_read(s, a, T + 5, T + 4, got, 100), 0);
}

/* --- ends ----------------------------------------------------------------------------------- */

static void
an_end_is_marked(void **state)
{
	(void)state;
	begin(usual());
	series_id a = open_one(SERIES_HOST, "up", 1), b = open_one(SERIES_HOST, "up", 2), c = open_one(SERIES_HOST, "up", 3);
	struct series_point last;

	put(a, T, 1);
	put(b, T, 1);
	series_close(s, a, T + 5);
	series_close(s, a, T + 9); /* it has ended */
	series_close(s, b, T);	   /* it has a sample of this tick */
	series_close(s, c, T);	   /* it never had one */
	assert_int_equal(all_of(a), 2);
	assert_true(got[1].tick == T + 5 && series_is_stale(got[1].value));
	assert_true(series_last(s, b, &last) && last.tick == T + 1 && series_is_stale(last.value));
	assert_int_equal(all_of(c), 0);
	assert_int_equal(stats().series_live, 0);
	/* Before the mark is before what was answered; at it, it is as if it had not ended. */
	assert_int_equal(series_put(s, a, T + 4, 2), -ERR_RANGE);
	put(a, T + 5, 2);
	assert_int_equal(all_of(a), 2);
	assert_true(got[1].value == 2);
	put(b, T + 9, 3);
	assert_int_equal(all_of(b), 3);
	assert_true(got[1].tick == T + 1 && series_is_stale(got[1].value) && got[2].value == 3);
	assert_int_equal(stats().series_live, 2);
}

static void
what_ended_and_is_old_is_gone(void **state)
{
	uint8_t b[LABELS_BYTES_MAX];

	(void)state;
	begin(usual());
	series_id a = open_one(SERIES_HOST, "up", 1), again;

	put(a, T, 1);
	series_close(s, a, T + 1);
	series_expire(s, T + 1 + 3600);
	assert_int_equal(all_of(a), 1); /* the mark */
	series_expire(s, T + 2 + 3600);
	assert_int_equal(series_labels(s, a, b), 0);
	assert_int_equal(series_put(s, a, T + 9999, 1), -ERR_UNKNOWN);
	assert_int_equal(stats().series, 0);
	again = open_one(SERIES_HOST, "up", 1);
	assert_true(again != 0 && again != a);
	assert_int_equal(series_labels(s, again, b), labels("up", 1, 0, b).len);
	assert_int_equal(series_put(s, a, T + 9999, 1), -ERR_UNKNOWN);
	series_close(s, a, T);
	assert_int_equal(all_of(a), 0);
}

static void
owners_come_and_go(void **state)
{
	uint32_t web, other, web_again;

	(void)state;
	begin(usual());
	assert_int_equal(series_owner(s, slice_of("web"), &web), 0);
	assert_int_equal(series_owner(s, slice_of("other"), &other), 0);
	assert_true(web != other && web != SERIES_HOST && other != SERIES_HOST);
	assert_int_equal(series_owner(s, slice_of("web"), &web_again), 0);
	assert_int_equal(web_again, web);
	series_id a = open_one(web, "up", 1);

	put(a, T, 1);
	assert_int_equal(open_one(web, "up", 1), a);
	assert_int_equal(open_one(other, "up", 1), 0); /* not his */
	series_owner_end(s, web, T + 1);
	assert_int_equal(open_one(web, "up", 2), 0); /* he ended */
	assert_int_equal(all_of(a), 2);
	/* The instance is there again, as somebody else to the store. */
	assert_int_equal(open_one(other, "up", 1), a);
	put(a, T + 2, 1);
	assert_int_equal(all_of(a), 3);
	series_owner_end(s, other, T + 3);
	series_expire(s, T + 10000);
	for (int i = 0; i < 3; i++)
		assert_int_equal(series_owner(s, slice_of("anew"), &web), 0);
	assert_int_equal(open_one(12345, "up", 9), 0);
	assert_int_equal(stats().refused_series, 3);
}

/* --- more than one's part ----------------------------------------------------------------- */

static size_t
in_use(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

static void
one_owner_makes_ten_thousand_a_minute(void **state)
{
	static series_id host[200], web[50];
	struct series_conf conf = usual();
	size_t before = in_use(), most = 0;
	uint32_t hog, other, n = 0;

	(void)state;
	conf.bytes_max = 2 << 20;
	conf.owner_series_max = 500;
	begin(conf);
	assert_int_equal(series_owner(s, slice_of("web"), &other), 0);
	assert_int_equal(series_owner(s, slice_of("hog"), &hog), 0);
	for (uint32_t i = 0; i < 200; i++)
		host[i] = open_one(SERIES_HOST, "node_cpu", i);
	for (uint32_t i = 0; i < 50; i++)
		web[i] = open_one(other, "http_requests_total", i);
	for (int t = 0; t < 600; t++) {
		for (uint32_t i = 0; i < 200; i++)
			put(host[i], T + t, t * (i + 1.0) + t * t % 7);
		for (uint32_t i = 0; i < 50; i++)
			put(web[i], T + t, t / 3);
		for (int i = 0; i < 167; i++) {
			series_id id = open_one(hog, "session_bytes", n++);

			assert_true(id != 0);
			put(id, T + t, sqrt(n));
			/* Some he forgets to end; then there is no room for more of his. */
			if (n % 300 != 0)
				series_close(s, id, T + t);
		}
		series_expire(s, T + t);
		most = in_use() - before > most ? in_use() - before : most;
		assert_true(stats().series <= 250 + 500);
	}
	assert_true(most <= conf.bytes_max);
	for (uint32_t i = 0; i < 200; i++) {
		assert_int_equal(all_of(host[i]), 600);
		assert_true(got[599].value == 599 * (i + 1.0) + 599 * 599 % 7);
	}
	for (uint32_t i = 0; i < 50; i++)
		assert_int_equal(all_of(web[i]), 600);
	assert_true(open_one(SERIES_HOST, "node_new", 1) != 0 && open_one(other, "new", 1) != 0);
	print_message("%u series in ten minutes: %zu KiB at most, %llu series left\n", n, most / 1024, (unsigned long long)stats().series);
}

static void
who_ends_nothing_is_refused(void **state)
{
	uint32_t hog;
	int opened = 0;

	(void)state;
	begin(usual());
	assert_int_equal(series_owner(s, slice_of("hog"), &hog), 0);
	for (uint32_t i = 0; i < 5000; i++)
		opened += open_one(hog, "x", i) != 0;
	assert_int_equal(opened, 1000);
	assert_int_equal(stats().refused_series, 4000);
	for (uint32_t i = 0; i < 5000; i++)
		assert_true(open_one(SERIES_HOST, "x", 10000 + i) != 0);
}

static void
long_labels_are_ones_own_too(void **state)
{
	uint8_t b[LABELS_BYTES_MAX];
	struct series_conf conf = usual();
	uint32_t hogs[6], n = 0;
	char name[8];

	(void)state;
	conf.bytes_max = 1 << 20;
	begin(conf);
	for (uint32_t w = 0; w < 6; w++) {
		snprintf(name, sizeof name, "hog%u", w);
		assert_int_equal(series_owner(s, slice_of(name), &hogs[w]), 0);
		for (uint32_t i = 0; i < 100; i++, n++) {
			series_id id = series_open(s, hogs[w], labels("x", n, 2800, b));

			if (id != 0)
				put(id, T + n, 1);
			(void)stats();
			if (w == 0 && i == 99)
				assert_true(stats().series >= 30 && stats().series <= 42); /* an eighth of all, by 2.9 KiB */
		}
	}
	/* However many they are, there is room for the host. */
	for (uint32_t i = 0; i < 400; i++)
		assert_true(open_one(SERIES_HOST, "up", i) != 0);
	/* And for others, once some of theirs have ended. */
	assert_int_equal(series_owner(s, slice_of("web"), &n), 0);
	assert_int_equal(series_open(s, n, labels("y", 0, 2800, b)), 0);
	series_owner_end(s, hogs[0], T + 9999);
	assert_true(series_open(s, n, labels("y", 0, 2800, b)) != 0);
	for (uint32_t i = 1; i < 50; i++)
		assert_true(open_one(n, "y", i) != 0);
}

static void
the_oldest_samples_go(void **state)
{
	struct series_conf conf = usual();
	size_t before = in_use();
	series_id id[60];
	uint64_t rng = 1;

	(void)state;
	conf.bytes_max = 256 * 1024;
	begin(conf);
	for (uint32_t i = 0; i < 60; i++)
		id[i] = open_one(SERIES_HOST, "x", i);
	for (int t = 0; t < 3000; t++) {
		for (uint32_t i = 0; i < 60; i++) {
			rng = rng * UINT64_C(6364136223846793005) + 1442695040888963407u;
			put(id[i], T + t, (double)(int64_t)rng / 3);
		}
		series_expire(s, T + t);
	}
	assert_true(in_use() - before <= conf.bytes_max);
	assert_true(stats().evicted_samples > 100000);
	/* 192 KiB are left for samples of 8 bytes: 400 of each, less a block or two. */
	for (uint32_t i = 0; i < 60; i++) {
		size_t n = all_of(id[i]);

		if (n < 200 || n > 420)
			fail_msg("%zu samples", n);
		assert_int_equal(got[n - 1].tick, T + 2999);
		assert_int_equal(got[0].tick, T + 3000 - (int64_t)n);
	}
}

/* So little that no block of usual size would have room for each: it is not all lost at
 * once, and what is left is the newest. */
static void
little_for_many(void **state)
{
	struct series_conf conf = usual();
	static series_id id[2000];
	uint64_t rng = 1;
	size_t least = POINTS, n;

	(void)state;
	conf.bytes_max = 2 << 20;
	begin(conf);
	for (uint32_t i = 0; i < 2000; i++)
		id[i] = open_one(SERIES_HOST, "x", i);
	for (int t = 0; t < 600; t++)
		for (uint32_t i = 0; i < 2000; i++) {
			rng = rng * UINT64_C(6364136223846793005) + 1442695040888963407u;
			put(id[i], T + t, (double)(rng >> 40));
			if (t < 400 || t % 10 != 0 || i % 100 != 0)
				continue;
			n = all_of(id[i]);
			assert_int_equal(got[n - 1].tick, T + t);
			least = n < least ? n : least;
		}
	/* 768 bytes for each, and three a sample. */
	if (least < 120)
		fail_msg("%zu samples", least);
	(void)stats();
}

static void
what_never_changes_takes_nothing(void **state)
{
	(void)state;
	begin(usual());
	series_id id[100], seldom = open_one(SERIES_HOST, "seldom", 0);
	uint64_t bytes;

	for (uint32_t i = 0; i < 100; i++)
		id[i] = open_one(SERIES_HOST, "x", i);
	bytes = stats().bytes;
	for (int t = 0; t < 20000; t++) {
		for (uint32_t i = 0; i < 100; i++)
			put(id[i], T + t * 5, i % 2 ? i / 10.0 : t * 5.0 * i); /* or always as much */
		series_expire(s, T + t * 5);
	}
	assert_int_equal(stats().bytes, bytes);
	for (int i = 0; i < 20; i++)
		series_expire(s, T + 99995); /* some of them each time */
	assert_int_equal(stats().samples, 100 * 721);
	assert_int_equal(all_of(id[7]), 721);
	for (int t = 0; t < 3600; t++)
		put(seldom, T + 99995 + t, t / 900);
	assert_true(stats().bytes - bytes <= 17 * 1024);
}

/* --- what is said of metrics ----------------------------------------------------------------- */

static void
what_metrics_are(void **state)
{
	char help[2000], name[16];
	enum series_type type;
	struct slice text, metric;
	uint32_t n = 0, hog;

	(void)state;
	begin(usual());
	assert_int_equal(series_describe(s, slice_of("up"), SERIES_GAUGE, slice_of("Whether it is.")), 0);
	assert_true(open_one(SERIES_HOST, "up", 1) != 0);
	assert_int_equal(series_describe(s, slice_of("up"), SERIES_GAUGE, slice_of("Other words.")), 0);
	assert_int_equal(series_describe(s, slice_of("up"), SERIES_COUNTER, slice_of("")), -ERR_UNKNOWN);
	assert_int_equal(series_meta(s, slice_of("up"), &text), SERIES_GAUGE);
	assert_true(slice_eq(text, slice_of("Whether it is.")));
	/* What an application said first of a name that is the host's: its word goes, series or not. */
	assert_int_equal(series_describe(s, slice_of("container_x"), SERIES_COUNTER, slice_of("A lie.")), 0);
	assert_true(open_one(SERIES_HOST, "container_x", 2) != 0);
	assert_int_equal(series_describe_own(s, slice_of("container_x"), SERIES_GAUGE, slice_of("Our words.")), 0);
	assert_int_equal(series_describe(s, slice_of("container_x"), SERIES_COUNTER, slice_of("A lie.")), -ERR_UNKNOWN);
	assert_int_equal(series_describe(s, slice_of("container_x"), SERIES_GAUGE, slice_of("A lie.")), 0);
	assert_int_equal(series_meta(s, slice_of("container_x"), &text), SERIES_GAUGE);
	assert_true(slice_eq(text, slice_of("Our words.")));
	assert_int_equal(series_describe_own(s, slice_of("container_x"), SERIES_GAUGE, slice_of("Our words.")), 0);
	assert_int_equal(series_describe_own(s, slice_of("container_x"), SERIES_COUNTER, slice_of("")), -ERR_UNKNOWN);
	assert_int_equal(series_meta(s, slice_of("up"), &text), SERIES_GAUGE);
	assert_true(slice_eq(text, slice_of("Whether it is.")));
	assert_int_equal(series_meta(s, slice_of("none"), &text), SERIES_UNTYPED);
	assert_int_equal(text.len, 0);
	assert_int_equal(series_describe(s, slice_of(""), SERIES_GAUGE, text), -ERR_LONG);
	/* Long words end with a whole character. */
	for (size_t i = 0; i < sizeof help; i++)
		help[i] = i % 3 == 0 ? '\xe2' : i % 3 == 1 ? '\x82' : '\xac';
	assert_int_equal(series_describe(s, slice_of("long"), SERIES_INFO, (struct slice){(uint8_t *)help, sizeof help}), 0);
	assert_int_equal(series_meta(s, slice_of("long"), &text), SERIES_INFO);
	assert_int_equal(text.len, 1023);
	/* Who describes without end has no series of that: few are kept. */
	assert_int_equal(series_owner(s, slice_of("hog"), &hog), 0);
	for (int i = 0; i < 10000; i++) {
		snprintf(name, sizeof name, "m%d", i);
		assert_int_equal(series_describe(s, slice_of(name), SERIES_COUNTER, slice_of(name)), 0);
	}
	while (series_metric(s, n, &metric, &type, &text)) {
		assert_true(type != SERIES_COUNTER || slice_eq(metric, text));
		n++;
	}
	assert_true(n > 200 && n <= 258);
	assert_int_equal(series_meta(s, slice_of("up"), &text), SERIES_GAUGE);
	assert_true(slice_eq(text, slice_of("Whether it is.")));
	assert_true(stats().bytes < 100 * 1024);
}

/* Each of thousand metrics with a long help: what is the host's still has room. */
static void
long_help_of_others_leaves_room(void **state)
{
	struct series_conf conf = usual();
	char name[16], help[512];
	struct slice text;
	uint32_t hogs[2];

	(void)state;
	conf.bytes_max = 4 << 20;
	conf.owner_series_max = 10000;
	conf.series_max = 65536;
	begin(conf);
	assert_int_equal(series_describe_own(s, slice_of("node_x"), SERIES_GAUGE, slice_of("Ours.")), 0);
	for (uint32_t k = 0; k < 2; k++) {
		snprintf(name, sizeof name, "hog%u", k);
		assert_int_equal(series_owner(s, slice_of(name), &hogs[k]), 0);
		for (uint32_t i = 0; i < 5000; i++) {
			snprintf(name, sizeof name, "m%u_%u", k, i);
			memset(help, 'h', sizeof help);
			memcpy(help, name, strlen(name));
			if (open_one(hogs[k], name, 1) != 0)
				(void)!series_describe(s, slice_of(name), SERIES_GAUGE, (struct slice){(uint8_t *)help, sizeof help});
		}
	}
	for (uint32_t i = 0; i < 2000; i++)
		assert_true(open_one(SERIES_HOST, "node_x", i) != 0);
	assert_int_equal(series_describe_own(s, slice_of("node_y"), SERIES_GAUGE, slice_of("Ours too.")), 0);
	assert_int_equal(series_meta(s, slice_of("node_x"), &text), SERIES_GAUGE);
	assert_int_equal(series_meta(s, slice_of("m0_0"), &text), SERIES_GAUGE);
}

static void
labels_that_are_none(void **state)
{
	const uint8_t bad[] = {2, 1, 'b', 1, 'x', 1, 'a', 1, 'x'};

	(void)state;
	begin(usual());
	assert_int_equal(series_open(s, SERIES_HOST, (struct slice){bad, sizeof bad}), 0);
	assert_int_equal(series_open(s, SERIES_HOST, (struct slice){NULL, 0}), 0);
	/* None at all are labels. */
	series_id none = series_open(s, SERIES_HOST, (struct slice){(const uint8_t[]){0}, 1});

	assert_true(none != 0);
	put(none, T, 1);
	assert_int_equal(all_of(none), 1);
	assert_int_equal(stats().refused_series, 2);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_teardown(f, end)
	const struct CMUnitTest tests[] = {
		TEST(ticks_that_do_not_rise_are_refused), TEST(a_host_that_slept), TEST(counters_that_begin_again),
		TEST(an_end_is_marked), TEST(what_ended_and_is_old_is_gone), TEST(owners_come_and_go),
		TEST(one_owner_makes_ten_thousand_a_minute), TEST(who_ends_nothing_is_refused),
		TEST(long_labels_are_ones_own_too), TEST(the_oldest_samples_go), TEST(little_for_many),
		TEST(what_never_changes_takes_nothing), TEST(what_metrics_are), TEST(long_help_of_others_leaves_room),
		TEST(labels_that_are_none),
	};

	return cmocka_run_group_tests_name("series", tests, NULL, NULL);
}
