/*
 * test_seriescode.c - blocks of samples: each kind in the form that is made for it, which
 * its size shows, and back bit for bit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../daemon/core/seriescode.h"

enum { N = SERIESCODE_SAMPLES_MAX };

static struct seriescode_block b, back;
static uint64_t rng;

static uint64_t
draw(void)
{
	rng = rng * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return rng >> 33;
}

static void
begin(void)
{
	rng = 42;
	b.count = 0;
}

static void
add(uint32_t tick, double v)
{
	b.ticks[b.count] = tick;
	memcpy(&b.bits[b.count++], &v, sizeof v);
}

static void
add_bits(uint32_t tick, uint64_t bits)
{
	b.ticks[b.count] = tick;
	b.bits[b.count++] = bits;
}

/* Its bytes, after it has come back as it was. */
static size_t
packed(uint32_t before, struct seriescode_head *h)
{
	static uint8_t out[SERIESCODE_BYTES_MAX + BITS_PAD];
	size_t n, head;

	memset(out, 0xff, sizeof out);
	n = seriescode_pack(&b, before, out);
	assert_true(n <= SERIESCODE_BYTES_MAX);
	head = seriescode_head(out, before, h);
	assert_int_equal(head + h->body, n);
	assert_int_equal(h->count, b.count);
	assert_int_equal(h->first, b.ticks[0]);
	assert_int_equal(h->last, b.ticks[b.count - 1]);
	seriescode_unpack(h, out + head, &back);
	assert_int_equal(back.count, b.count);
	assert_memory_equal(back.ticks, b.ticks, b.count * sizeof b.ticks[0]);
	assert_memory_equal(back.bits, b.bits, b.count * sizeof b.bits[0]);
	return n;
}

static void
takes(enum seriescode_form form, size_t least, size_t most)
{
	struct seriescode_head h;
	size_t n = packed(b.ticks[0] - 1, &h);

	assert_int_equal(h.form, form);
	if (n < least || n > most)
		fail_msg("%zu bytes for %u samples", n, b.count);
}

static void
kinds_of_numbers(void **state)
{
	int64_t v = 0;

	(void)state;
	begin();
	for (uint32_t i = 0; i < N; i++) /* a level that moves by pages */
		add(100 + i, (double)((v += (int64_t)(draw() % 16) - 8) * 4096 + (INT64_C(1) << 33)));
	takes(SERIESCODE_INTS, N / 2, N * 5 / 8 + 20); /* 4 to 5 bits */
	begin();
	for (uint32_t i = 0; i < N; i++) /* load averages: two decimals */
		add(100 + i, (double)(50 + (v = (int64_t)(draw() % 8))) / 100);
	takes(SERIESCODE_INTS, N * 3 / 8, N / 2 + 20);
	begin();
	for (uint32_t i = 0; i < N; i++) /* microseconds as seconds */
		add(100 + i, (double)(v += 990000 + (int64_t)(draw() % 16)) / 1e6);
	takes(SERIESCODE_INTS, N / 2, N * 5 / 8 + 20);
	begin();
	for (uint32_t i = 0; i < N; i++) /* mostly nothing */
		add(100 + i, (double)(v += i % 64 == 0 ? 1 : 0));
	takes(SERIESCODE_INTS, 10, 40);
	begin();
	for (uint32_t i = 0; i < N; i++) /* the sine: nothing whole in it */
		add(100 + i, sin(i));
	takes(SERIESCODE_XOR, N * 6, N * 9);
	begin();
	for (uint32_t i = 0; i < N; i++) /* one of two real numbers */
		add(100 + i, draw() % 2 ? 1 / 3.0 : 2 / 3.0);
	takes(SERIESCODE_XOR, N / 8, N);
}

static void
values_of_all_bits(void **state)
{
	const uint64_t odd[] = {0x8000000000000000, 0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000001,
	    0xfff8123456789abc, 0x7ff0000000000001, 1, 0x7fefffffffffffff, 0x4340000000000001, 0x43e0000000000000};
	struct seriescode_head h;

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(odd); k++) {
		begin();
		for (uint32_t i = 0; i < 100; i++)
			if (i == 50)
				add_bits(i + 7, odd[k]);
			else
				add(i + 7, i);
		(void)packed(6, &h);
		begin();
		add_bits(1, odd[k]);
		(void)packed(0, &h);
	}
	begin();
	for (uint32_t i = 0; i < N; i++)
		add_bits(i + 1, (uint64_t)draw() << 33 ^ draw() << 11 ^ draw());
	assert_true(packed(0, &h) <= N * 10);
	begin(); /* whole numbers as far apart as they can be */
	for (uint32_t i = 0; i < N; i++)
		add(i + 1, i % 2 ? 2305843009213693696.0 : -2305843009213693696.0);
	(void)packed(0, &h);
	assert_int_equal(h.form, SERIESCODE_INTS);
}

static void
marks_are_no_values(void **state)
{
	struct seriescode_head h;

	(void)state;
	begin();
	for (uint32_t i = 0; i < N; i++)
		if (i == 0 || i == 77 || i == 78 || i == N - 1)
			add_bits(10 + i, SERIESCODE_STALE);
		else
			add(10 + i, i);
	takes(SERIESCODE_INTS, 10, 40);
	begin();
	for (uint32_t i = 0; i < 5; i++)
		add_bits(10 + i, SERIESCODE_STALE);
	(void)packed(9, &h);
}

static void
ticks_that_are_odd(void **state)
{
	struct seriescode_head h;
	uint32_t tick = 1000;
	size_t even, odd;

	(void)state;
	begin();
	for (uint32_t i = 0; i < N; i++)
		add(tick += 5, i % 3);
	even = packed(995, &h);
	assert_int_equal(h.step, 5);
	begin();
	for (uint32_t i = 0; i < N; i++)
		add(tick += i == 200 ? 86400 : 5, i % 3);
	odd = packed(b.ticks[0] - 1, &h);
	assert_true(odd <= even + 16); /* one gap */
	begin();
	for (uint32_t i = 0; i < N; i++)
		add(tick += 1 + (uint32_t)draw() % 1000, 1);
	(void)packed(0, &h);
	begin();
	add(2, 1);
	add(UINT32_MAX - 1, 1);
	(void)packed(1, &h);
}

static void
lines_of_any_length(void **state)
{
	uint8_t out[SERIESCODE_HEAD_BYTES_MAX];
	struct seriescode_head h = {.count = 3600, .first = 101, .last = 3700, .step = 1, .scale = 2, .value = 52, .delta = -3}, r;
	size_t n = seriescode_pack_line(&h, 100, out);

	(void)state;
	assert_true(n <= 6);
	assert_int_equal(seriescode_head(out, 100, &r), n);
	assert_int_equal(r.count, 3600);
	assert_int_equal(r.first, 101);
	assert_int_equal(r.last, 3700);
	assert_int_equal(r.value, 52);
	assert_int_equal(r.delta, -3);
	assert_int_equal(r.body, 0);
	h = (struct seriescode_head){.count = 70000, .first = 5000, .last = 5000 + 69999 * 60, .step = 60,
	    .scale = SERIESCODE_RAW, .value = INT64_MIN};
	n = seriescode_pack_line(&h, 100, out);
	assert_int_equal(seriescode_head(out, 100, &r), n);
	assert_int_equal(r.first, 5000);
	assert_int_equal(r.last, h.last);
	assert_int_equal(r.step, 60);
	assert_int_equal(r.value, INT64_MIN);
}

static void
whole_numbers_by_a_scale(void **state)
{
	const struct {
		double v;
		unsigned scale;
		int64_t whole;
	} all[] = {{0, 0, 0}, {1, 0, 1}, {-7, 0, -7}, {0.5, 1, 5}, {0.52, 2, 52}, {-1.005, 3, -1005},
	    {123456.789012, 6, 123456789012}, {1e-9, 9, 1}, {0.1 + 0.2, SERIESCODE_RAW, 0}, {1e-10, SERIESCODE_RAW, 0},
	    {-0.0, SERIESCODE_RAW, 0}, {NAN, SERIESCODE_RAW, 0}, {INFINITY, SERIESCODE_RAW, 0},
	    {9007199254740994.0, 0, 9007199254740994}, {0x1p61, SERIESCODE_RAW, 0}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		uint64_t bits;
		int64_t whole;
		unsigned scale;

		memcpy(&bits, &all[i].v, sizeof bits);
		scale = seriescode_scale(bits, 0, &whole);
		if (scale != all[i].scale || (scale != SERIESCODE_RAW && whole != all[i].whole))
			fail_msg("%.17g: %lld by %u", all[i].v, (long long)whole, scale);
		assert_true(seriescode_bits(whole, scale) == bits);
	}
}

/* Each reader of bits with each writer. */
static void
codes_of_all_lengths(void **state)
{
	uint8_t out[64 + BITS_PAD];

	(void)state;
	for (unsigned k = 0; k < 64; k += 3)
		for (unsigned n = 0; n < 64; n++)
			for (int d = -1; d <= 1; d++) {
				uint64_t x = (UINT64_C(1) << n) + (uint64_t)(int64_t)d;
				struct bits_out o = {.at = out};
				struct bits_in in = {.b = out};

				memset(out, 0xaa, sizeof out);
				bits_put_rice(&o, x, k);
				bits_put_expo(&o, x == UINT64_MAX ? 0 : x, k);
				bits_put_long(&o, x, 64);
				in.end = (uint64_t)(bits_end(&o) - out) * 8;
				assert_true(bits_get_rice(&in, k) == x);
				assert_true(bits_get_expo(&in, k) == (x == UINT64_MAX ? 0 : x));
				assert_true(bits_get_long(&in, 64) == x);
				assert_true(in.pos <= in.end && in.end - in.pos < 8);
			}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_of_numbers), cmocka_unit_test(values_of_all_bits),
		cmocka_unit_test(marks_are_no_values), cmocka_unit_test(ticks_that_are_odd),
		cmocka_unit_test(lines_of_any_length), cmocka_unit_test(whole_numbers_by_a_scale),
		cmocka_unit_test(codes_of_all_lengths),
	};

	return cmocka_run_group_tests_name("seriescode", tests, NULL, NULL);
}
