/*
 * A schedule in force at a peer, by one question and one answer: all of it, and what a
 * lying peer may make of that.
 */
#include "fetchask.h"

static void
put_header(uint8_t *out, const struct schedule *s)
{
	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)(s->header.len >> (8 * i));
	memcpy(out + 4, s->header.b, s->header.len);
}

static size_t
bytes_of(const struct schedule *s, const char *alone)
{
	size_t n = 4 + s->header.len;

	for (size_t i = 0; i < s->parts_count; i++)
		if (alone == NULL || strcmp(s->parts[i].name, alone) == 0)
			n += HASH_BYTES + 4 + s->data[i].len;
	return n;
}

/* One question and one answer, and that has no more than what lacks. */
static void
what_is_in_force_comes_at_once(void **state)
{
	struct schedule one = two_roles(1, "f", "w"), two = two_roles(2, "f", "new");
	uint8_t q[2 * HASH_BYTES] = { 0 };

	(void)state;
	desk.whole = true;
	hold(&there, two_roles(1, "f", "w"));
	fetch(&one);
	assert_int_equal(got.rc, 0);
	assert_true(schedule_complete(&got.s, false));
	hold(&here, two_roles(1, "f", "w"));
	hold(&there, two_roles(2, "f", "new"));
	fetch(&two);
	assert_int_equal(got.rc, 0);
	assert_true(schedule_complete(&got.s, false));
	assert_true(hash_eq(&got.s.hash, &two.hash));
	assert_int_equal(desk.headers + desk.asks, 0);
	memcpy(q, two.hash.b, HASH_BYTES);
	assert_int_equal(ask(QUERY_WHOLE, q, sizeof q).len, bytes_of(&two, NULL));
	memcpy(q + HASH_BYTES, one.hash.b, HASH_BYTES);
	assert_int_equal(ask(QUERY_WHOLE, q, sizeof q).len, bytes_of(&two, "web"));
	assert_int_equal(ask(QUERY_WHOLE, q, sizeof q - 1).rc, -ERR_MALFORMED);
	/* What was in force before comes as ever. */
	fetch(&one);
	assert_int_equal(got.rc, 0);
	assert_int_equal(desk.headers, 1);
	schedule_free(&one);
	schedule_free(&two);
}

static void
a_large_one_comes_behind_its_header(void **state)
{
	const struct role_of big[] = { { "a", "0123456789abcdef", 10000 }, { "b", "0123456789abcdef", 10000 } };
	struct schedule want = schedule_of(1, big, 2);

	(void)state;
	desk.whole = true;
	hold(&there, schedule_of(1, big, 2));
	fetch(&want);
	assert_int_equal(got.rc, 0);
	assert_true(schedule_complete(&got.s, false));
	assert_int_equal(desk.headers, 0);
	assert_int_equal(desk.asks, 1);
	schedule_free(&want);
}

/* Cut anywhere, a length of its choice, and another one's header: what is good of it may
 * count, and nothing else. */
static void
a_lying_whole_is_not_believed(void **state)
{
	struct schedule want = two_roles(1, "f", "w"), other = two_roles(2, "f", "w");
	uint8_t buf[4096] = { 0 };

	(void)state;
	hold(&there, two_roles(1, "f", "w"));
	desk.whole = true;
	desk.mode = LIES;
	desk.header = buf;
	for (size_t n = 0; n < 4; n++) {
		desk.header_len = n;
		fails(&want, -ERR_MALFORMED, "the answer is cut within the header");
	}
	memset(buf, 0xff, 4);
	desk.header_len = 4 + want.header.len;
	fails(&want, -ERR_MALFORMED, "the answer is cut within the header");
	put_header(buf, &other);
	desk.header_len = 4 + other.header.len;
	fails(&want, -ERR_AUTH, "the header is not the announced one");
	put_header(buf, &want);
	for (size_t k = 0; k < want.data[0].len + HASH_BYTES + 4; k += 5) {
		size_t n = 4 + want.header.len;

		n += part(buf + n, &want.parts[0].hash, want.data[0].b, want.data[0].len,
		    (uint32_t)want.data[0].len);
		buf[4 + want.header.len + k] ^= 4;
		desk.header_len = n;
		desk.parts = "";
		desk.parts_len = 0;
		fails(&want, -ERR_UNKNOWN, "the holder lacks a part");
		desk.header_len = 4 + want.header.len + k;
		fails(&want, -ERR_UNKNOWN, "the holder lacks a part");
	}
	assert_int_equal(desk.headers, 0);
	schedule_free(&want);
	schedule_free(&other);
}

/* Whoever answers has each part once, and nothing else: what comes behind another row, or
 * behind as many as there are parts, is not looked for among all of them. */
static void
rows_are_no_more_than_parts(void **state)
{
	struct schedule want = two_roles(1, "f", "w"), other = two_roles(2, "x", "y");
	const uint32_t len = (uint32_t)want.data[0].len;
	uint8_t buf[8192];

	(void)state;
	hold(&there, two_roles(1, "f", "w"));
	desk.whole = true;
	desk.mode = LIES;
	desk.header = buf;
	desk.parts = "";
	put_header(buf, &want);
	for (int more = 0; more < 2; more++) {
		size_t n = 4 + want.header.len;

		for (size_t i = 0; more && i < want.parts_count; i++)
			n += part(buf + n, &want.parts[0].hash, want.data[0].b, len, len);
		if (!more)
			n += part(buf + n, &other.parts[0].hash, other.data[0].b, other.data[0].len,
			    (uint32_t)other.data[0].len);
		for (size_t i = 0; i < want.parts_count; i++)
			n += part(buf + n, &want.parts[i].hash, want.data[i].b, want.data[i].len,
			    (uint32_t)want.data[i].len);
		desk.header_len = n;
		fails(&want, -ERR_UNKNOWN, "the holder lacks a part");
	}
	schedule_free(&want);
	schedule_free(&other);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(what_is_in_force_comes_at_once),
		T(a_large_one_comes_behind_its_header),
		T(a_lying_whole_is_not_believed),
		T(rows_are_no_more_than_parts),
	};

	return cmocka_run_group_tests(tests, schedules_setup, NULL);
}
