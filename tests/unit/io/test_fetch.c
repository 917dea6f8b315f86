/*
 * A schedule from a peer over a real encrypted stream: whole and believed, or
 * not at all.  The server is the real one, or one that lies.
 */
#include "fetchask.h"

static void
a_schedule_comes_whole(void **state)
{
	struct schedule want = two_roles(1, "f", "w");

	(void)state;
	hold(&there, two_roles(1, "f", "w"));
	fetch(&want);
	assert_int_equal(got.rc, 0);
	assert_true(schedule_complete(&got.s, false));
	assert_true(hash_eq(&got.s.hash, &want.hash));
	for (size_t i = 0; i < want.parts_count; i++) {
		assert_int_equal(got.s.data[i].len, want.data[i].len);
		assert_memory_equal(got.s.data[i].b, want.data[i].b, want.data[i].len);
	}
	assert_int_equal(desk.parts_asked, want.parts_count);
	assert_false(here.has); /* keeping it is the caller's */
	schedule_free(&want);
}

static void
only_what_lacks_is_asked_for(void **state)
{
	struct schedule want = two_roles(2, "f", "new");

	(void)state;
	hold(&here, two_roles(1, "f", "w"));
	hold(&there, two_roles(2, "f", "new"));
	fetch(&want);
	assert_int_equal(got.rc, 0);
	assert_true(schedule_complete(&got.s, false));
	assert_int_equal(desk.parts_asked, 1);
	schedule_free(&want);
	/* Nothing but the header is new: no question at all. */
	desk.parts_asked = 0;
	desk.asks = 0;
	want = two_roles(3, "f", "w");
	hold(&there, two_roles(3, "f", "w"));
	fetch(&want);
	assert_int_equal(got.rc, 0);
	assert_int_equal(desk.asks, 0);
	schedule_free(&want);
}

/* As large as one can be; and from a peer that answers two parts at a time. */
static void
a_large_one_comes_whole_at_once_or_bit_by_bit(void **state)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g" };
	struct role_of r[ARRAY_LEN(names)];
	struct schedule want;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		r[i] = (struct role_of){ names[i], names[i], 500 << 10 };
	want = schedule_of(1, r, ARRAY_LEN(names));
	hold(&there, schedule_of(1, r, ARRAY_LEN(names)));
	fetch(&want);
	assert_string_equal(got.why, "");
	assert_int_equal(got.rc, 0);
	assert_true(schedule_complete(&got.s, false));
	assert_int_equal(desk.asks, 1);
	desk.mode = FEW;
	fetch(&want);
	assert_int_equal(got.rc, 0);
	assert_true(schedule_complete(&got.s, false));
	assert_int_equal(desk.asks, 1 + (int)(want.parts_count + 1) / 2);
	schedule_free(&want);
}

static void
a_peer_without_it_says_so(void **state)
{
	struct schedule want = two_roles(1, "f", "w");
	struct err err;
	int web = schedule_find(&want, SCHEDULE_ROLE, "web");

	(void)state;
	fails(&want, -ERR_UNKNOWN, stream_error(-ERR_UNKNOWN));
	hold(&there, two_roles(1, "f", "w"));
	assert_int_equal(
	    store_del(there_store, STORE_PART, want.parts[web].hash.b, HASH_BYTES, &err), 0);
	fails(&want, -ERR_UNKNOWN, "the holder lacks a part");
	assert_int_equal(desk.asks, 2); /* it brought something, then nothing: enough */
	schedule_free(&want);
}

static void
a_lying_header_is_not_believed(void **state)
{
	static const char malformed[] = "the header is malformed or not signed by its leader";
	struct schedule want = two_roles(2, "f", "w"), older = two_roles(1, "f", "w"), twin;
	uint8_t *bent = malloc(want.header.len);

	(void)state;
	hold(&there, two_roles(2, "f", "w"));
	desk.mode = LIES;
	desk.header = "";
	desk.header_len = 0;
	fetch(&want);
	assert_true(got.rc < 0);
	assert_string_equal(got.why, malformed);
	desk.header = bent;
	desk.header_len = want.header.len;
	for (size_t i = 0; i < want.header.len; i += 17) {
		memcpy(bent, want.header.b, want.header.len);
		bent[i] ^= 0x10;
		fetch(&want);
		assert_true(got.rc < 0);
		assert_string_equal(got.why, malformed);
	}
	/* Rightly signed, but another one: an old schedule for a new name. */
	desk.header = older.header.b;
	desk.header_len = older.header.len;
	fails(&want, -ERR_AUTH, "the header is not the announced one");
	/* The same stamp signed twice. */
	twin = two_roles(2, "f", "other");
	desk.header = twin.header.b;
	desk.header_len = twin.header.len;
	fails(&want, -ERR_AUTH, "the header is not the announced one");
	assert_int_equal(desk.asks, 0);
	free(bent);
	schedule_free(&want);
	schedule_free(&older);
	schedule_free(&twin);
}

static void
lying_parts_are_not_believed(void **state)
{
	struct schedule want = two_roles(1, "f", "w");
	struct hash strange = { { 9 } };
	uint8_t buf[4096];
	size_t n = 0;

	(void)state;
	hold(&there, two_roles(1, "f", "w"));
	desk.mode = LIES; /* about parts only */
	desk.parts = buf;
	for (int lie = 0; lie < 7; lie++) {
		const struct blob *b = &want.data[0];

		switch (lie) {
		case 0: /* other bytes under the hash */
			n = part(buf, &want.parts[0].hash, want.data[1].b, want.data[1].len,
			    (uint32_t)want.data[1].len);
			break;
		case 1: /* a bit bent */
			n = part(buf, &want.parts[0].hash, b->b, b->len, (uint32_t)b->len);
			buf[HASH_BYTES + 4 + b->len / 2] ^= 1;
			break;
		case 2: /* longer than what comes */
			n = part(buf, &want.parts[0].hash, b->b, b->len, (uint32_t)b->len + 1);
			break;
		case 3:
			n = part(buf, &want.parts[0].hash, b->b, b->len, UINT32_MAX);
			break;
		case 4: /* cut within the length */
			n = HASH_BYTES + 2;
			break;
		case 5: /* nobody asked for it */
			n = part(buf, &strange, b->b, b->len, (uint32_t)b->len);
			break;
		case 6: /* nothing */
			n = 0;
		}
		desk.parts_len = n;
		desk.asks = 0;
		fails(&want, -ERR_UNKNOWN, "the holder lacks a part");
		assert_int_equal(desk.asks, 1);
	}
	schedule_free(&want);
}

static void
one_good_part_among_lies_counts(void **state)
{
	struct schedule want = two_roles(1, "f", "w");
	uint8_t buf[4096];
	size_t n = 0;

	(void)state;
	hold(&there, two_roles(1, "f", "w"));
	desk.mode = LIES;
	desk.parts = buf;
	/* Twice the same, then rubbish: one progress, then none. */
	n += part(buf, &want.parts[0].hash, want.data[0].b, want.data[0].len,
	    (uint32_t)want.data[0].len);
	n += part(buf + n, &want.parts[0].hash, want.data[0].b, want.data[0].len,
	    (uint32_t)want.data[0].len);
	n += part(buf + n, &want.parts[1].hash, "", 0, 0);
	desk.parts_len = n;
	fails(&want, -ERR_UNKNOWN, "the holder lacks a part");
	assert_int_equal(desk.asks, 2);
	schedule_free(&want);
}

static void
nobody_there_is_said(void **state)
{
	struct schedule want = two_roles(1, "f", "w");

	(void)state;
	stream_server_free(server);
	server = NULL;
	loop_for(&loop, 20);
	fails(&want, STREAM_CONNECT, stream_error(STREAM_CONNECT));
	schedule_free(&want);
}

static void
a_silent_peer_is_given_up(void **state)
{
	struct schedule want = two_roles(1, "f", "w");

	(void)state;
	desk.mode = SLOW;
	fails(&want, STREAM_TIMEOUT, stream_error(STREAM_TIMEOUT));
	schedule_free(&want);
}

static void
a_cancelled_fetch_says_nothing(void **state)
{
	struct schedule want = two_roles(1, "f", "w");
	struct fetch *f;

	(void)state;
	hold(&there, two_roles(1, "f", "w"));
	fetch_cancel(begin(&want, &f)); /* at once */
	loop_for(&loop, 20);
	desk.mode = SLOW; /* while it waits for the header */
	begin(&want, &f);
	loop_until(&loop, desk.held != NULL);
	fetch_cancel(f);
	fetch_serve(&there, QUERY_HEADER, want.hash.b, HASH_BYTES, desk.held);
	desk.held = NULL;
	loop_for(&loop, 20);
	begin(&want, &f); /* and for the parts, header taken */
	loop_until(&loop, desk.held != NULL);
	fetch_serve(&there, QUERY_HEADER, want.hash.b, HASH_BYTES, desk.held);
	desk.held = NULL;
	loop_until(&loop, desk.held != NULL);
	assert_int_equal(desk.asks, 1);
	fetch_cancel(f);
	loop_for(&loop, 20);
	assert_int_equal(got.called, 0);
	schedule_free(&want);
}

/* --- the server's side --------------------------------------------------------- */

/* Where it says it is, and not where the kernel would put it: a firewall that cuts
 * a node off cuts off its streams too. */
static void
streams_come_from_the_nodes_address(void **state)
{
	struct keyring keys = signer;
	struct sockaddr_storage ss;
	struct reply r = { 0 };
	struct addr listen_at, from;
	socklen_t len = sizeof ss;
	struct err err;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), met;

	(void)state;
	assert_int_equal(addr_parse("127.0.0.1:0", &listen_at, &err), 0);
	assert_int_equal(addr_parse("127.0.0.77:0", &keys.from, &err), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&ss, addr_to_sockaddr(&listen_at, &ss)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&ss, &len), 0);
	assert_true(addr_from_sockaddr((struct sockaddr *)&ss, &listen_at));
	assert_non_null(
	    stream_request(&loop, &keys, &listen_at, QUERY_HEADER, "", 0, 200, on_reply, &r));
	len = sizeof ss;
	met = accept(fd, (struct sockaddr *)&ss, &len);
	assert_true(met >= 0 && addr_from_sockaddr((struct sockaddr *)&ss, &from));
	assert_memory_equal(from.ip, keys.from.ip, sizeof from.ip);
	loop_until(&loop, r.called); /* nobody answers it */
	assert_true(r.rc < 0);
	close(met);
	close(fd);
}

static void
odd_questions_are_refused(void **state)
{
	uint8_t *many = calloc(QUERY_PARTS_MAX + 1, HASH_BYTES);
	struct schedule s = two_roles(1, "f", "w");

	(void)state;
	hold(&there, two_roles(1, "f", "w"));
	assert_int_equal(ask(QUERY_HEADER, s.hash.b, HASH_BYTES - 1).rc, -ERR_MALFORMED);
	assert_int_equal(ask(QUERY_HEADER, s.hash.b, 0).rc, -ERR_MALFORMED);
	assert_int_equal(ask(QUERY_PARTS, many, HASH_BYTES + 1).rc, -ERR_MALFORMED);
	assert_int_equal(
	    ask(QUERY_PARTS, many, (QUERY_PARTS_MAX + 1) * HASH_BYTES).rc, -ERR_MALFORMED);
	assert_int_equal(ask(77, s.hash.b, HASH_BYTES).rc, -ERR_MALFORMED);
	assert_int_equal(ask(QUERY_HEADER, many, HASH_BYTES).rc, -ERR_UNKNOWN);
	/* What is not held is left out; the same part may be asked for often. */
	struct reply r = ask(QUERY_PARTS, many, QUERY_PARTS_MAX * HASH_BYTES);
	assert_int_equal(r.rc, 0);
	assert_int_equal(r.len, 0);
	assert_int_equal(ask(QUERY_PARTS, many, 0).rc, 0);
	for (size_t i = 0; i < 10; i++)
		memcpy(many + i * HASH_BYTES, s.parts[0].hash.b, HASH_BYTES);
	r = ask(QUERY_PARTS, many, 10 * HASH_BYTES);
	assert_int_equal(r.len, 10 * (HASH_BYTES + 4 + s.data[0].len));
	free(many);
	schedule_free(&s);
}

/* Asked for far more than fits, it answers what fits. */
static void
an_answer_never_outgrows_the_stream(void **state)
{
	const struct role_of big[] = { { "a", "0123456789abcdef", 30000 } };
	uint8_t *many = calloc(QUERY_PARTS_MAX, HASH_BYTES);
	struct schedule s = schedule_of(1, big, 1);
	int a = schedule_find(&s, SCHEDULE_ROLE, "a");

	(void)state;
	hold(&there, schedule_of(1, big, 1));
	for (size_t i = 0; i < QUERY_PARTS_MAX; i++)
		memcpy(many + i * HASH_BYTES, s.parts[a].hash.b, HASH_BYTES);
	struct reply r = ask(QUERY_PARTS, many, QUERY_PARTS_MAX * HASH_BYTES);
	assert_int_equal(r.rc, 0);
	assert_true(r.len <= STREAM_BYTES_MAX && r.len > STREAM_BYTES_MAX / 2);
	assert_int_equal(r.len % (HASH_BYTES + 4 + s.data[a].len), 0);
	free(many);
	schedule_free(&s);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_schedule_comes_whole),
		T(only_what_lacks_is_asked_for),
		T(a_large_one_comes_whole_at_once_or_bit_by_bit),
		T(a_peer_without_it_says_so),
		T(a_lying_header_is_not_believed),
		T(lying_parts_are_not_believed),
		T(one_good_part_among_lies_counts),
		T(nobody_there_is_said),
		T(a_silent_peer_is_given_up),
		T(a_cancelled_fetch_says_nothing),
		T(streams_come_from_the_nodes_address),
		T(odd_questions_are_refused),
		T(an_answer_never_outgrows_the_stream),
	};

	return cmocka_run_group_tests(tests, schedules_setup, NULL);
}
