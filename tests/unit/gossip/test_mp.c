/*
 * test_mp.c - the bounded reader against honest and hostile bytes (row 51 of
 * the bad inputs: counts that lie, strings past the end, deep nesting, wrong
 * types, bytes left over).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../../gossip/mp.h"
#include "../../../gossip/mpw.h"

#define READ(r, depth, ...)                                                    \
	const uint8_t bytes_[] = {__VA_ARGS__};                                \
	mp_init(&(r), bytes_, sizeof bytes_, depth)

/* What the writer packs, the reader reads, at every boundary of a width. */
static void
numbers_come_back(void **state)
{
	static const uint64_t u[] = {0, 1, 127, 128, 255, 256, 65535, 65536, UINT32_MAX,
	    (uint64_t)UINT32_MAX + 1, INT64_MAX, UINT64_MAX};
	static const int64_t s[] = {-1, -32, -33, -128, -129, -32768, -32769, INT32_MIN,
	    (int64_t)INT32_MIN - 1, INT64_MIN};
	uint8_t buf[16];
	struct mpw w;
	struct mp r;
	uint64_t got;
	int64_t sgot;
	double d;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(u); i++) {
		mpw_init(&w, buf, sizeof buf);
		mpw_uint(&w, u[i]);
		mp_init(&r, buf, w.len, 0);
		assert_int_equal(mp_uint(&r, &got), 0);
		assert_true(got == u[i]);
		assert_int_equal(mp_end(&r), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(s); i++) {
		mpw_init(&w, buf, sizeof buf);
		mpw_int(&w, s[i]);
		mp_init(&r, buf, w.len, 0);
		assert_int_equal(mp_uint(&r, &got), -ERR_RANGE);
		assert_int_equal(mp_int(&r, &sgot), 0);
		assert_true(sgot == s[i]);
	}
	mpw_init(&w, buf, sizeof buf);
	mpw_double(&w, 0.25);
	mp_init(&r, buf, w.len, 0);
	assert_int_equal(mp_double(&r, &d), 0);
	assert_true(d == 0.25);
	mpw_init(&w, buf, sizeof buf);
	mpw_uint(&w, UINT64_MAX);
	mp_init(&r, buf, w.len, 0);
	assert_int_equal(mp_int(&r, &sgot), -ERR_RANGE);
}

/* 5 bytes must never promise 4 GiB. */
static void
counts_that_lie(void **state)
{
	uint32_t n;
	const char *s;
	const uint8_t *p;
	size_t len;
	struct mp r;

	(void)state;
	{
		READ(r, 4, 0xdd, 0xff, 0xff, 0xff, 0xff);
		assert_int_equal(mp_array(&r, &n), -ERR_MALFORMED);
		assert_int_equal(mp_skip(&r), -ERR_MALFORMED);
		assert_int_equal(r.off, 0);
	}
	{
		READ(r, 4, 0xdf, 0x80, 0x00, 0x00, 0x01, 0xc0, 0xc0);
		assert_int_equal(mp_map(&r, &n), -ERR_MALFORMED);
	}
	{
		READ(r, 4, 0xdb, 0x00, 0x00, 0x00, 0x05, 'a', 'b', 'c', 'd');
		assert_int_equal(mp_str(&r, &s, &len), -ERR_MALFORMED);
	}
	{
		READ(r, 4, 0xc4, 0x03, 1, 2);
		assert_int_equal(mp_bin(&r, &p, &len), -ERR_MALFORMED);
	}
	{
		READ(r, 4, 0x93, 1, 2); /* three items, two bytes */
		assert_int_equal(mp_array(&r, &n), -ERR_MALFORMED);
	}
	{
		READ(r, 4, 0xcd, 0x01); /* half a number */
		uint64_t v;
		assert_int_equal(mp_uint(&r, &v), -ERR_MALFORMED);
	}
	{
		READ(r, 4, 0xc1); /* the byte msgpack never uses */
		assert_int_equal(mp_skip(&r), -ERR_MALFORMED);
		assert_int_equal(mp_peek(&r), MP_NONE);
	}
}

static void
depth_is_bounded(void **state)
{
	uint8_t deep[40];
	uint32_t n;
	struct mp r;

	(void)state;
	memset(deep, 0x91, sizeof deep);
	deep[sizeof deep - 1] = 0xc0;
	mp_init(&r, deep, sizeof deep, 4);
	assert_int_equal(mp_skip(&r), -ERR_RANGE);
	assert_int_equal(r.off, 0);
	assert_int_equal(r.depth, 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(mp_array(&r, &n), 0);
	assert_int_equal(mp_array(&r, &n), -ERR_RANGE);
	mp_init(&r, deep, sizeof deep, 39);
	assert_int_equal(mp_skip(&r), 0);
	assert_int_equal(mp_end(&r), 0);
}

static void
leftovers_and_wrong_types(void **state)
{
	uint32_t n;
	uint64_t v;
	bool b;
	char name[4];
	struct mp r;

	(void)state;
	{
		READ(r, 4, 0x92, 0x01, 0x02, 0x03); /* one byte too many */
		assert_int_equal(mp_skip(&r), 0);
		assert_int_equal(mp_end(&r), -ERR_MALFORMED);
	}
	{
		READ(r, 4, 0x92, 0x01, 0x02); /* stopped in the middle */
		assert_int_equal(mp_array(&r, &n), 0);
		assert_int_equal(mp_uint(&r, &v), 0);
		assert_int_equal(mp_end(&r), -ERR_MALFORMED);
	}
	{
		READ(r, 4, 0xa1, 'x');
		assert_int_equal(mp_uint(&r, &v), -ERR_MALFORMED);
		assert_int_equal(mp_bool(&r, &b), -ERR_MALFORMED);
		assert_int_equal(mp_array(&r, &n), -ERR_MALFORMED);
		assert_int_equal(mp_cstr(&r, name, sizeof name), 0);
		assert_string_equal(name, "x");
	}
	{
		READ(r, 4, 0xa4, 'l', 'o', 'n', 'g');
		assert_int_equal(mp_cstr(&r, name, sizeof name), -ERR_RANGE);
	}
	{
		READ(r, 4, 0xa2, 'a', 0);
		assert_int_equal(mp_cstr(&r, name, sizeof name), -ERR_RANGE);
	}
	{
		READ(r, 4, 0xcd, 0x01, 0x00);
		assert_int_equal(mp_uint_max(&r, 255, &v), -ERR_RANGE);
		assert_int_equal(mp_uint_max(&r, 256, &v), 0);
	}
}

/* Every prefix of a whole document is refused, none is read past. */
static void
prefixes_are_refused(void **state)
{
	uint8_t buf[128];
	struct mpw w;
	struct mp r;

	(void)state;
	mpw_init(&w, buf, sizeof buf);
	mpw_map(&w, 2);
	mpw_cstr(&w, "roles");
	mpw_array(&w, 3);
	mpw_nil(&w);
	mpw_bool(&w, true);
	mpw_double(&w, 1.5);
	mpw_cstr(&w, "blob");
	mpw_bin(&w, "0123456789012345678901234567890123456789", 40);
	assert_false(w.full);
	for (size_t len = 0; len < w.len; len++) {
		uint8_t exact[128];

		memcpy(exact, buf, len);
		mp_init(&r, exact, len, 4);
		assert_true(mp_skip(&r) < 0);
	}
	mp_init(&r, buf, w.len, 4);
	assert_int_equal(mp_skip(&r), 0);
	assert_int_equal(mp_end(&r), 0);
}

static void
empty_containers_close_their_parents(void **state)
{
	uint32_t n;
	struct mp r;

	(void)state;
	READ(r, 1, 0x92, 0x90, 0x80);
	assert_int_equal(mp_array(&r, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(mp_array(&r, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(mp_map(&r, &n), 0);
	assert_int_equal(mp_end(&r), 0);
}

static void
the_writer_never_passes_its_end(void **state)
{
	uint8_t buf[8] = {0};
	struct mpw w;

	(void)state;
	mpw_init(&w, buf, 4);
	mpw_cstr(&w, "abcdef");
	assert_true(w.full);
	assert_true(w.len <= 4);
	assert_int_equal(buf[4], 0);
}

/* Of any value what the reader of its type says, and no byte more. */
static void
next_is_any_of_them(void **state)
{
	struct mp_value v;
	struct mp r;

	(void)state;
	READ(r, 4, 0x87, 0xa2, 'h', 'i', 0xe0, 0xcd, 0x01, 0x02, 0xc3, 0xc0, 0xc4, 0x01, 'x', 0xca, 0x3e,
	    0x80, 0, 0, 0xcb, 0x3f, 0xd0, 0, 0, 0, 0, 0, 0, 0x90, 0xd4, 0x07, 'e', 0x80, 0xd1, 0xff, 0x00,
	    0xc2, 0x91, 0x05);
	static const struct {
		enum mp_type type;
		uint64_t n;
	} want[] = {{MP_MAP, 7}, {MP_STR, 2}, {MP_INT, (uint64_t)-32}, {MP_INT, 258}, {MP_BOOL, 1}, {MP_NIL, 0},
	    {MP_BIN, 1}, {MP_DOUBLE, 0}, {MP_DOUBLE, 0}, {MP_ARRAY, 0}, {MP_EXT, 2}, {MP_MAP, 0},
	    {MP_INT, (uint64_t)-256}, {MP_BOOL, 0}, {MP_ARRAY, 1}, {MP_INT, 5}};

	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		assert_int_equal(mp_next(&r, &v), 0);
		assert_int_equal(v.type, want[i].type);
		if (v.type == MP_DOUBLE)
			assert_true(v.d == 0.25);
		else if (v.type != MP_NIL)
			assert_true(v.n == want[i].n);
		if (v.type == MP_STR)
			assert_memory_equal(v.p, "hi", 2);
		if (v.type == MP_INT)
			assert_int_equal(v.negative, (int64_t)want[i].n < 0);
	}
	assert_int_equal(mp_end(&r), 0);
	assert_int_equal(mp_next(&r, &v), -ERR_MALFORMED);
}

static void
next_stays_where_it_fails(void **state)
{
	struct mp_value v;
	struct mp r;

	(void)state;
	{
		READ(r, 1, 0x91, 0x91, 0x00);
		assert_int_equal(mp_next(&r, &v), 0);
		assert_int_equal(mp_next(&r, &v), -ERR_RANGE);
		assert_int_equal(r.off, 1);
	}
	{
		READ(r, 1, 0xa3, 'h', 'i');
		assert_int_equal(mp_next(&r, &v), -ERR_MALFORMED);
		assert_int_equal(r.off, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(numbers_come_back),
	    cmocka_unit_test(counts_that_lie),
	    cmocka_unit_test(depth_is_bounded),
	    cmocka_unit_test(leftovers_and_wrong_types),
	    cmocka_unit_test(prefixes_are_refused),
	    cmocka_unit_test(next_is_any_of_them),
	    cmocka_unit_test(next_stays_where_it_fails),
	    cmocka_unit_test(empty_containers_close_their_parents),
	    cmocka_unit_test(the_writer_never_passes_its_end),
	};

	return cmocka_run_group_tests_name("mp", tests, NULL, NULL);
}
