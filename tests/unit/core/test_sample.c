/*
 * Samples and the differences between them: whatever gets lost or comes late,
 * who took one in holds what was told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../../daemon/core/report.h"
#include "../../../daemon/core/sample.h"
#include "../../../gossip/prng.h"

static void
add(struct sample *s, const char *key, const char *value)
{
	assert_int_equal(sample_row(s, key, strlen(key), value, strlen(value)), 0);
}

static struct sample
of(int64_t a, int64_t b, const char *const *rows)
{
	struct sample s = {0};

	assert_int_equal(sample_number(&s, a), 0);
	assert_int_equal(sample_number(&s, b), 0);
	for (; *rows != NULL; rows += 2)
		add(&s, rows[0], rows[1]);
	return s;
}

#define ROWS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void
there_and_back(void **state)
{
	(void)state;
	static const int64_t edges[] = {0, 1, -1, INT64_MAX, INT64_MIN, 1 << 20};
	uint8_t buf[256];

	for (size_t i = 0; i < ARRAY_LEN(edges); i++)
		for (size_t k = 0; k < ARRAY_LEN(edges); k++) {
			struct sample a = of(edges[i], 5, ROWS("a", "1", "b", "2", "c", "3", "e", "5"));
			struct sample b = of(edges[k], 5, ROWS("b", "2", "c", "33", "d", "", "dd", "x"));
			struct sample whole, next;
			size_t n;

			a.version = 9;
			n = sample_pack(&a, NULL, buf, sizeof buf);
			assert_int_equal(sample_read(buf, n, NULL, &whole), 0);
			assert_true(sample_eq(&a, &whole) && !sample_eq(&a, &b));
			whole.version = 9;
			n = sample_pack(&b, &a, buf, sizeof buf);
			assert_int_equal(sample_read(buf, n, &whole, &next), 0);
			assert_true(sample_eq(&b, &next));
			sample_free(&a);
			sample_free(&b);
			sample_free(&whole);
			sample_free(&next);
		}
}

/* Half a thousand numbers of which a third moves, as on a busy host. */
static void
numbers_take_what_they_moved(void **state)
{
	(void)state;
	struct sample a = {.version = 1}, b = {0}, got;
	uint8_t buf[SAMPLE_BYTES_MAX];
	size_t n;

	for (uint32_t i = 0; i < 500; i++) {
		assert_int_equal(sample_number(&a, (int64_t)i * 1000000), 0);
		assert_int_equal(sample_number(&b, (int64_t)i * 1000000 + (i % 10 < 3) * 1000), 0);
	}
	n = sample_pack(&a, NULL, buf, sizeof buf);
	assert_in_range(n, 1500, 2463); /* positional msgpack: 2463 */
	n = sample_pack(&b, &a, buf, sizeof buf);
	assert_in_range(n, 300, 380);
	assert_int_equal(sample_read(buf, n, &a, &got), 0);
	assert_true(sample_eq(&b, &got));
	sample_free(&got);
	/* Nothing moved: a bit each. */
	assert_in_range(sample_pack(&a, &a, buf, sizeof buf), 63, 75);
	sample_free(&a);
	sample_free(&b);
}

static void
a_wrong_base_is_refused(void **state)
{
	(void)state;
	struct sample a = of(1, 2, ROWS("a", "1")), b = of(1, 3, ROWS("a", "2")), got;
	uint8_t buf[64];
	uint32_t base;
	size_t n;

	a.version = 7;
	n = sample_pack(&b, &a, buf, sizeof buf);
	assert_int_equal(sample_base(buf, n, &base), 0);
	assert_int_equal(base, 7);
	assert_int_equal(sample_read(buf, n, NULL, &got), -ERR_UNKNOWN);
	a.version = 8;
	assert_int_equal(sample_read(buf, n, &a, &got), -ERR_UNKNOWN);
	a.version = 7;
	buf[0] = 1;
	assert_int_equal(sample_read(buf, n, &a, &got), -ERR_VERSION);
	sample_free(&a);
	sample_free(&b);
}

static void
bounds_hold(void **state)
{
	(void)state;
	struct sample s = {0};
	char key[16], value[SAMPLE_VALUE_MAX + 1] = {0};
	uint8_t *buf = malloc(SAMPLE_BYTES_MAX);
	uint32_t rows = 0;
	size_t n;

	assert_int_equal(sample_row(&s, "", 0, "x", 1), -ERR_RANGE);
	assert_int_equal(sample_row(&s, "k", 1, value, SAMPLE_VALUE_MAX + 1), -ERR_RANGE);
	add(&s, "b", "1");
	assert_int_equal(sample_row(&s, "b", 1, "2", 1), -ERR_RANGE);
	assert_int_equal(sample_row(&s, "a", 1, "2", 1), -ERR_RANGE);
	for (int rc = 0; rc == 0; rows++) {
		snprintf(key, sizeof key, "c%05u", rows);
		rc = sample_row(&s, key, strlen(key), value, 700);
		assert_true(rc == 0 || rc == -ERR_LONG);
	}
	assert_in_range(rows, 88, 92);
	n = sample_pack(&s, NULL, buf, SAMPLE_BYTES_MAX);
	assert_in_range(n, 62000, SAMPLE_BYTES_MAX);
	assert_int_equal(sample_pack(&s, NULL, buf, n - 1), 0);
	sample_free(&s);
	for (uint32_t i = 0; i < SAMPLE_NUMBERS_MAX; i++)
		assert_int_equal(sample_number(&s, (int64_t)i << 40), 0);
	assert_int_equal(sample_number(&s, 1), -ERR_LONG);
	sample_free(&s);
	free(buf);
}

/* Every byte bent, every length cut: an error or another sample, never more. */
static void
hostile_differences_are_bounded(void **state)
{
	(void)state;
	struct sample a = of(1, -2, ROWS("a", "1", "b", "2", "c", "3", "d", "4"));
	struct sample b = of(700, 3, ROWS("a", "1", "bb", "2", "d", "44")), got;
	uint8_t buf[128];
	size_t n, refused = 0;

	a.version = 300;
	n = sample_pack(&b, &a, buf, sizeof buf);
	for (size_t i = 0; i < n; i++)
		for (int v = 0; v < 256; v++) {
			uint8_t was = buf[i];

			buf[i] = (uint8_t)v;
			if (sample_read(buf, n, &a, &got) < 0)
				refused++;
			assert_true(got.rows_count <= a.rows_count + 3);
			sample_free(&got);
			buf[i] = was;
		}
	assert_true(refused > n * 100);
	for (size_t len = 0; len < n; len++) {
		uint8_t *copy = malloc(len + 1);

		memcpy(copy, buf, len);
		assert_true(sample_read(copy, len, &a, &got) < 0);
		free(copy);
	}
	sample_free(&a);
	sample_free(&b);
}

/* --- a stream of them, over a bad line --------------------------------------------- */

enum { WAY = 6, STEPS = 4000 };

/* One on its way. */
struct flying {
	uint32_t version;
	struct report_frags f;
};

/* A report that moves: a few of 30 instances each time. */
static void
move(struct prng *rng, struct report *r)
{
	uint32_t left = 0;

	r->metrics.memory_free_bytes = prng_below(rng, 1 << 30);
	for (uint32_t i = 0; i < r->instances_count; i++)
		if (prng_below(rng, 10) > 0)
			r->instances[left++] = r->instances[i];
	r->instances_count = left;
	while (r->instances_count < 30 && prng_below(rng, 3) > 0) {
		struct view_instance *x = &r->instances[r->instances_count++];
		bool twin = false;

		memset(x, 0, sizeof *x);
		snprintf(x->id, sizeof x->id, "w.%u", (unsigned)prng_below(rng, 100));
		snprintf(x->role, sizeof x->role, "w");
		x->restarts = (uint32_t)prng_below(rng, 1000);
		for (uint32_t i = 0; i + 1 < r->instances_count; i++)
			twin = twin || strcmp(r->instances[i].id, x->id) == 0;
		r->instances_count -= twin;
	}
}

/*
 * The teller of gossip/report.c: the hearer says what it holds whole, that word
 * too gets lost, and counts only when nothing newer was told.  Older versions do
 * not get as far as here.  The hearer forgets all, now and then.
 */
static void
any_losses_end_in_equal_samples(void **state)
{
	(void)state;
	struct view_instance instances[32];
	struct report r = {.instances = instances};
	struct report_table t = {0};
	struct report_told told = {0};
	struct flying *way = calloc(WAY, sizeof *way);
	struct prng rng;
	uint32_t held = 0, version = 0, refused = 0, whole = 0, bytes = 0;

	prng_init(&rng, 11);
	for (uint32_t step = 0; step < STEPS; step++) {
		bool last = step + WAY >= STEPS; /* then nothing is lost */
		struct flying *x = &way[last ? 0 : prng_below(&rng, WAY)];
		struct sample s, want;
		int rc = 0;

		move(&rng, &r);
		report_sample(&r, &s);
		report_sample(&r, &want);
		report_tell(&told, held, &s, &x->f);
		told.now.version = x->version = ++version;
		whole += held == 0;
		bytes += (uint32_t)x->f.bytes[0];
		if (!last)
			x = &way[prng_below(&rng, WAY)]; /* whichever comes now */
		if (prng_below(&rng, 200) == 0 && !last) {
			report_table_free(&t);
			held = 0; /* it says 0 */
		}
		if (x->version > t.version && (last || prng_below(&rng, 3) > 0))
			rc = report_add(&t, x->version, 0, 1, x->f.data[0], x->f.bytes[0]);
		if (rc < 0) {
			assert_int_equal(rc, -ERR_UNKNOWN);
			assert_false(t.has); /* only who forgot lacks the base */
			refused++;
			held = 0;
		} else if (t.has && t.version == version && (last || prng_below(&rng, 2) == 0)) {
			assert_true(sample_eq(&t.newest, &want));
			held = version;
		}
		sample_free(&want);
	}
	assert_int_equal(t.version, version);
	assert_true(refused > 3 && whole > 10 && whole < STEPS / 4);
	assert_in_range(bytes / STEPS, 50, 1000);
	report_table_free(&t);
	report_told_free(&told);
	free(way);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(there_and_back),
	    cmocka_unit_test(numbers_take_what_they_moved),
	    cmocka_unit_test(a_wrong_base_is_refused),
	    cmocka_unit_test(bounds_hold),
	    cmocka_unit_test(hostile_differences_are_bounded),
	    cmocka_unit_test(any_losses_end_in_equal_samples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
