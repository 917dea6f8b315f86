/*
 * test_value.c - msgpack to Lua and back, and the fixed order of keys.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <lauxlib.h>

#include "../../../daemon/script/order.h"
#include "../../../daemon/script/value.h"
#include "../../../gossip/mpw.h"

#define BYTES(s) (s), sizeof(s) - 1

struct trip {
	const void *in;
	size_t in_len;
	uint8_t out[256];
	size_t out_len;
	size_t limit_bytes;
};

/* In a protected call: bytes to Lua to bytes. */
static int
trip(lua_State *L)
{
	struct trip *t = lua_touserdata(L, 1);
	struct mpw w;

	mpw_init(&w, t->out, sizeof t->out);
	value_push(L, t->in, t->in_len);
	value_pack(L, -1, &w, "return", t->limit_bytes);
	t->out_len = w.len;
	return 0;
}

static void
run(struct trip *t, const char *expected_error)
{
	lua_State *L = luaL_newstate();

	assert_non_null(L);
	lua_pushcfunction(L, trip);
	lua_pushlightuserdata(L, t);
	if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
		assert_non_null(expected_error);
		assert_string_equal(lua_tostring(L, -1), expected_error);
	} else
		assert_null(expected_error);
	lua_close(L);
}

static void
gives(const void *in, size_t in_len, const void *out, size_t out_len)
{
	struct trip t = {.in = in, .in_len = in_len, .limit_bytes = sizeof t.out};

	run(&t, NULL);
	assert_int_equal(t.out_len, out_len);
	assert_memory_equal(t.out, out, out_len);
}

static void
fails(const void *in, size_t in_len, const char *error)
{
	struct trip t = {.in = in, .in_len = in_len, .limit_bytes = 64};

	run(&t, error);
}

static void
test_round_trip(void **state)
{
	(void)state;
	gives(BYTES("\xc0"), BYTES("\xc0"));
	gives(BYTES("\xc3"), BYTES("\xc3"));
	gives(BYTES("\x05"), BYTES("\x05"));
	gives(BYTES("\xd3\x80\0\0\0\0\0\0\0"), BYTES("\xd3\x80\0\0\0\0\0\0\0"));
	/* Unsigned above INT64_MAX: the same bits, as Lua's integers have it. */
	gives(BYTES("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), BYTES("\xff"));
	gives(BYTES("\xcb\x3f\xf8\0\0\0\0\0\0"), BYTES("\xcb\x3f\xf8\0\0\0\0\0\0"));
	gives(BYTES("\xa2hi"), BYTES("\xa2hi"));
	gives(BYTES("\xc4\x02hi"), BYTES("\xa2hi"));
	gives(BYTES("\x92\x01\x02"), BYTES("\x92\x01\x02"));
	/* The one thing keys can't tell stays told. */
	gives(BYTES("\x90"), BYTES("\x90"));
	gives(BYTES("\x80"), BYTES("\x80"));
	gives(BYTES("\x82\xa1z\x90\xa1y\x80"), BYTES("\x82\xa1y\x80\xa1z\x90"));
	/* Keys come out sorted by bytes; nil items are left out. */
	gives(BYTES("\x84\xa2zz\x01\xa1z\x02\xa1\x7f\x03\xa2\xc3\xa9\x04"),
	    BYTES("\x84\xa1z\x02\xa2zz\x01\xa1\x7f\x03\xa2\xc3\xa9\x04"));
	gives(BYTES("\x82\xa1z\xc0\xa1y\x01"), BYTES("\x81\xa1y\x01"));
}

static void
test_bad_input(void **state)
{
	(void)state;
	fails(BYTES(""), "input: malformed, or deeper than 32, at byte 0");
	fails(BYTES("\xc1"), "input: malformed, or deeper than 32, at byte 0");
	fails(BYTES("\xdd\xff\xff\xff\xff"), "input: malformed, or deeper than 32, at byte 0");
	fails(BYTES("\x92\x01"), "input: malformed, or deeper than 32, at byte 0");
	fails(BYTES("\x01\x02"), "input: malformed, or deeper than 32, at byte 1");
	fails(BYTES("\x81\xc0\x01"), "input: malformed, or deeper than 32, at byte 2");
	fails(BYTES("\xc7\x01\x01x"), "input: malformed, or deeper than 32, at byte 0");
}

static void
test_bad_output(void **state)
{
	(void)state;
	fails(BYTES("\x81\xa1x\xa1\xff"), "return.x: not UTF-8 at byte 1");
	fails(BYTES("\x91\xa3"
		    "a\xed\xa0"),
	    "return[1]: not UTF-8 at byte 2");
	fails(BYTES("\x81\xa1x\xcb\x7f\xf8\0\0\0\0\0\0"), "return.x: nan is not a finite number");
	fails(BYTES("\x81\xa1x\x92\x01\xcb\xff\xf0\0\0\0\0\0\0"),
	    "return.x[2]: -inf is not a finite number");
	fails(BYTES("\x82\xa1x\x01\x07\x01"), "return: mixed keys 7 and 'x'");
	fails(BYTES("\x81\x00\x01"), "return: key 0: a list has keys 1..n");
	fails(BYTES("\x82\x01\x01\x03\x01"), "return: a list with holes: 3 is its last key");
	fails(BYTES("\x81\xc2\x01"), "return: a key is a boolean, not a string or 1..n");
	fails(BYTES("\x81\xcb\x3f\xf8\0\0\0\0\0\0\x01"),
	    "return: a key is a number, not a string or 1..n");
	fails(
	    BYTES(
		"\xd9\x50"
		"01234567890123456789012345678901234567890123456789012345678901234567890123456789"),
	    "return: larger than 0 MiB");
}

static int
compare(const void *a, const void *b)
{
	return order_key_cmp(a, b);
}

/* Any keys: the merge sort agrees with the library's, and is stable. */
static void
test_order_keys(void **state)
{
	enum { N = 700 };
	static char words[N][24];
	static struct order_key keys[N], tmp[N], expect[N];
	uint32_t seed = 12345;
	lua_State *L = luaL_newstate();

	(void)state;
	assert_non_null(L);
	for (size_t n = 0; n <= N; n += 1 + n / 3) {
		for (size_t i = 0; i < n; i++) {
			seed = seed * 1664525 + 1013904223;
			if (seed >> 30 == 0) {
				lua_pushinteger(L, (int32_t)seed % 50);
			} else if (seed >> 30 == 1) {
				lua_pushnumber(L, (double)(seed % 100) / 4);
			} else {
				snprintf(words[i], sizeof words[i], "%s%u",
				    seed % 3 == 0 ? "longprefix" : "", (seed >> 8) % 60);
				lua_pushstring(L, words[i]);
			}
			assert_true(order_key_set(L, -1, &keys[i]));
			if (keys[i].rank == 2)
				keys[i].str = words[i];
			lua_pop(L, 1);
		}
		memcpy(expect, keys, sizeof keys);
		qsort(expect, n, sizeof *expect, compare);
		order_keys(keys, tmp, n);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(order_key_cmp(&keys[i], &expect[i]), 0);
		for (size_t i = 1; i < n; i++)
			assert_true(order_key_cmp(&keys[i - 1], &keys[i]) <= 0);
	}
	lua_close(L);
}

static void
test_order_of_numbers(void **state)
{
	struct order_key big = {.i = LUA_MAXINTEGER}, almost = {.i = LUA_MAXINTEGER - 1};
	struct order_key real = {.n = 9223372036854775808.0, .rank = 1};
	struct order_key word = {.str = "", .rank = 2};

	(void)state;
	/* 2^63 - 1 and 2^63 are one double, but not one key. */
	assert_true(order_key_cmp(&big, &real) < 0);
	assert_true(order_key_cmp(&almost, &big) < 0);
	assert_true(order_key_cmp(&real, &big) > 0);
	assert_true(order_key_cmp(&real, &word) < 0);
}

static void
test_utf8(void **state)
{
	(void)state;
	assert_int_equal(value_utf8(BYTES("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80")), 10);
	assert_int_equal(value_utf8(BYTES("a\xc3")), 1);
	assert_int_equal(value_utf8(BYTES("\xc0\x80")), 0);
	assert_int_equal(value_utf8(BYTES("\xed\xa0\x80")), 0);
	assert_int_equal(value_utf8(BYTES("\xf4\x90\x80\x80")), 0);
	assert_int_equal(value_utf8(BYTES("ab\x80")), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_bad_input),
	    cmocka_unit_test(test_bad_output),
	    cmocka_unit_test(test_order_keys),
	    cmocka_unit_test(test_order_of_numbers),
	    cmocka_unit_test(test_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
