/*
 * What a recorded round is as bytes: back again as it was, and torn at each byte, or with
 * any byte another, no record at all.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "../../../daemon/core/roundcode.h"

/* Not BLAKE2b, which core is given: any change changes it. */
static void
toy_hash(void *arg, struct hash *out, const uint8_t *msg, size_t len)
{
	uint64_t h = 1469598103934665603u;

	(void)arg;
	memset(out, 0, sizeof *out);
	for (size_t i = 0; i < len; i++)
		h = (h ^ msg[i]) * 1099511628211u;
	memcpy(out->b, &h, sizeof h);
}

static const struct crypto toy = {.hash = toy_hash};

static struct slice
text(const char *s)
{
	return (struct slice){(const uint8_t *)s, strlen(s)};
}

static struct round_rec
example(void)
{
	return (struct round_rec){.heap_bytes = 64 << 20,
	    .cpu_ms = 5000,
	    .output_bytes = 4 << 20,
	    .ok = true,
	    .ms = 12,
	    .fate = ROUND_ISSUED,
	    .why = text("3.01020304.7"),
	    .log = text("hello\n"),
	    .version = text("0.1.0"),
	    .result = text("\x81\xa1x\x01"),
	    .input = text("\x81\xa1y\x02")};
}

static bool
same(struct slice a, struct slice b)
{
	return slice_eq(a, b);
}

static void
back_again(void **state)
{
	struct round_rec r = example(), got;
	struct blob b;

	(void)state;
	assert_int_equal(round_pack(&r, &b), 0);
	assert_int_equal(round_read(&got, b.b, b.len), 0);
	assert_int_equal(got.heap_bytes, r.heap_bytes);
	assert_int_equal(got.cpu_ms, r.cpu_ms);
	assert_int_equal(got.output_bytes, r.output_bytes);
	assert_true(got.ok);
	assert_int_equal(got.ms, 12);
	assert_int_equal(got.fate, ROUND_ISSUED);
	assert_true(same(got.why, r.why) && same(got.log, r.log) && same(got.version, r.version));
	assert_true(same(got.result, r.result) && same(got.input, r.input));
	blob_free(&b);
}

static void
refused(const struct round_rec *r)
{
	struct round_rec got;
	struct blob b;

	assert_int_equal(round_pack(r, &b), 0);
	assert_true(round_read(&got, b.b, b.len) < 0);
	blob_free(&b);
}

static void
values_are_whole(void **state)
{
	struct round_rec r = example();

	(void)state;
	r.result = text("\x82\xa1x\x01");
	refused(&r);
	r = example();
	r.result.len = 0;
	refused(&r); /* ok, and no answer */
	r.ok = false;
	r.input = text("\x01\x02");
	refused(&r);
	r.input.len = 0;
	refused(&r);
}

static void
cut_anywhere(void **state)
{
	struct round_rec r = example(), got;
	struct blob b;

	(void)state;
	assert_int_equal(round_pack(&r, &b), 0);
	for (size_t n = 0; n < b.len; n++) {
		uint8_t *copy = malloc(n + 1); /* what is behind n is another's */

		memcpy(copy, b.b, n);
		assert_true(round_read(&got, copy, n) < 0);
		free(copy);
	}
	blob_free(&b);
}

static size_t
record(uint8_t *out, const struct round_head *h, const char *body)
{
	size_t n = ROUND_HEAD_BYTES + strlen(body);

	round_head_write(out, h);
	memcpy(out + ROUND_HEAD_BYTES, body, strlen(body));
	round_sum(out + n, out, n, &toy);
	return n + HASH_BYTES;
}

static void
records(void **state)
{
	struct round_head h = {.body_bytes = 5, .plain_bytes = 9, .index = 3, .at_ms = 77, .delta = true}, got;
	uint8_t buf[256];
	struct slice body;
	size_t used, n = record(buf, &h, "abcde");

	(void)state;
	assert_int_equal(round_open(&got, &body, &used, buf, n, &toy), 0);
	assert_int_equal(used, n);
	assert_true(got.delta && !got.is_code && got.index == 3 && got.at_ms == 77 && got.plain_bytes == 9);
	assert_true(same(body, text("abcde")));
	for (size_t i = 0; i < n; i++)
		assert_int_equal(round_open(&got, &body, &used, buf, i, &toy), -ERR_SHORT);
	for (size_t i = 0; i < n; i++) {
		buf[i] ^= 0x10;
		assert_true(round_open(&got, &body, &used, buf, n, &toy) < 0);
		buf[i] ^= 0x10;
	}
}

static void
heads_that_cannot_be(void **state)
{
	static const struct round_head bad[] = {
	    {.body_bytes = 1, .plain_bytes = 1, .index = 0, .delta = true},
	    {.body_bytes = 1, .plain_bytes = 1, .index = 2, .is_code = true},
	    {.body_bytes = 0, .plain_bytes = 1},
	    {.body_bytes = 1, .plain_bytes = 0},
	    {.body_bytes = UINT32_MAX, .plain_bytes = 1},
	    {.body_bytes = 1, .plain_bytes = ROUND_PLAIN_BYTES_MAX + 1},
	    {.body_bytes = 1, .plain_bytes = 1, .at_ms = UINT64_MAX},
	};
	uint8_t buf[ROUND_HEAD_BYTES];
	struct round_head got;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		round_head_write(buf, &bad[i]);
		assert_true(round_head_read(&got, buf, sizeof buf) < 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(back_again),
	    cmocka_unit_test(values_are_whole),
	    cmocka_unit_test(cut_anywhere),
	    cmocka_unit_test(records),
	    cmocka_unit_test(heads_that_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
