/*
 * Streams over real sockets on 127.0.0.1: questions, late answers, and every
 * kind of guest: silent, slow, lying, without the key, too many.
 */
#include "world.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "../../../daemon/io/addr.h"
#include "../../../daemon/io/session.h"
#include "../../../daemon/io/stream.h"
#include "loop.h"
#include "listening.h"

static struct keyring other; /* of another cluster */

/* What the handler does. */
static struct {
	enum { REPEAT, HOLD, FAIL, BIG, DENY } mode;
	struct stream_answer *held;
	int asked;
} desk;

struct reply {
	int called, rc;
	size_t len;
	uint8_t *data;
};

static void
handler(void *arg, const struct stream_peer *peer, uint8_t kind, const uint8_t *payload, size_t len,
    struct stream_answer *answer)
{
	static uint8_t big[STREAM_BYTES_MAX];
	uint8_t *out;

	assert_ptr_equal(arg, &desk);
	assert_int_equal(peer->addr.ip[12], 127);
	assert_memory_equal(peer->pk, keys.pk, KEY_BYTES);
	desk.asked++;
	switch (desk.mode) {
	case HOLD:
		desk.held = answer;
		return;
	case DENY:
		stream_answer_deny(answer, ERR_STRANGER);
		return;
	case FAIL:
		stream_answer_fail(answer, ERR_NOT_LEADER);
		return;
	case BIG:
		memset(big, kind, sizeof big);
		stream_answer_send(answer, big, sizeof big);
		return;
	case REPEAT:
		out = malloc(len + 1);
		out[0] = kind;
		memcpy(out + 1, payload, len);
		stream_answer_send(answer, out, len + 1);
		free(out);
	}
}

static void
on_reply(void *arg, int rc, const uint8_t *data, size_t len)
{
	struct reply *r = arg;

	r->called++;
	r->rc = rc;
	r->len = len;
	r->data = malloc(len + 1);
	if (len > 0)
		memcpy(r->data, data, len);
}

static int
setup(void **state)
{
	(void)state;
	memset(&desk, 0, sizeof desk);
	if (listening_begin(handler, &desk) != 0)
		return -1;
	crypto_random(other.key, sizeof other.key);
	other.has_key = true;
	return crypto_sign_keypair(other.pk, other.sk);
}

static struct reply
ask(const struct keyring *k, uint8_t kind, const void *payload, size_t len, uint32_t timeout_ms)
{
	struct reply r = { 0 };

	assert_non_null(stream_request(&loop, k, &at, kind, payload, len, timeout_ms, on_reply, &r));
	assert_int_equal(r.called, 0);
	loop_until(&loop, r.called == 1);
	return r;
}

static void
expect_rc(const struct keyring *k, int rc, uint32_t timeout_ms)
{
	struct reply r = ask(k, 1, "x", 1, timeout_ms);

	assert_int_equal(r.rc, rc);
	assert_int_equal(r.len, 0);
	free(r.data);
}

static void
expect_answer(void)
{
	struct reply r = ask(&keys, 1, "x", 1, 20000);

	assert_int_equal(r.rc, 0);
	free(r.data);
}

static void
questions_are_answered(void **state)
{
	static const size_t sizes[] = { 0, 1, 490, 491, 1000, STREAM_ASK_BYTES_MAX };
	static uint8_t data[STREAM_ASK_BYTES_MAX];

	(void)state;
	crypto_random(data, sizeof data);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct reply r = ask(&keys, 42, data, sizes[i], 20000);

		assert_int_equal(r.rc, 0);
		assert_int_equal(r.len, sizes[i] + 1);
		assert_int_equal(r.data[0], 42);
		assert_memory_equal(r.data + 1, data, sizes[i]);
		free(r.data);
	}
	assert_int_equal(stats().answered, ARRAY_LEN(sizes));
}

static void
the_largest_pass_and_larger_do_not(void **state)
{
	uint8_t *data = calloc(1, STREAM_ASK_BYTES_MAX + 1);
	struct reply r;

	(void)state;
	desk.mode = BIG;
	r = ask(&keys, 9, data, STREAM_ASK_BYTES_MAX, 20000);
	assert_int_equal(r.rc, 0);
	assert_int_equal(r.len, STREAM_BYTES_MAX);
	assert_int_equal(r.data[r.len - 1], 9);
	free(r.data);
	r = ask(&keys, 9, data, STREAM_ASK_BYTES_MAX + 1, 20000);
	assert_int_equal(r.rc, STREAM_TOO_LARGE);
	assert_int_equal(desk.asked, 1);
	free(r.data);
	free(data);
}

static void
many_at_once(void **state)
{
	struct reply r[60] = { 0 };
	int called = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(r); i++)
		stream_request(&loop, &keys, &at, 1, &i, sizeof i, 20000, on_reply, &r[i]);
	loop_until(&loop, ({
		called = 0;
		for (size_t i = 0; i < ARRAY_LEN(r); i++)
			called += r[i].called;
		called == ARRAY_LEN(r);
	}));
	for (size_t i = 0; i < ARRAY_LEN(r); i++) {
		assert_int_equal(r[i].rc, 0);
		assert_memory_equal(r[i].data + 1, &i, sizeof i);
		free(r[i].data);
	}
}

static void
an_answer_may_come_later(void **state)
{
	struct reply r = { 0 };

	(void)state;
	desk.mode = HOLD;
	stream_request(&loop, &keys, &at, 1, "x", 1, 20000, on_reply, &r);
	loop_until(&loop, desk.held != NULL);
	loop_for(&loop, 30);
	assert_int_equal(r.called, 0);
	stream_answer_send(desk.held, "late", 4);
	loop_until(&loop, r.called);
	assert_int_equal(r.rc, 0);
	assert_memory_equal(r.data, "late", 4);
	free(r.data);
}

static void
a_refusal_has_a_code(void **state)
{
	(void)state;
	desk.mode = FAIL;
	expect_rc(&keys, -ERR_NOT_LEADER, 20000);
	assert_int_equal(stats().denied, 0);
	desk.mode = DENY;
	expect_rc(&keys, -ERR_STRANGER, 20000);
	assert_int_equal(stats().denied, 1);
	assert_string_equal(stream_error(-ERR_NOT_LEADER), "not the leader, or its lease is over");
	assert_string_equal(stream_error(STREAM_TRUNCATED), "truncated");
	assert_string_equal(stream_error(STREAM_TOO_LARGE), "frame too large");
	/* A full disk ends an engine just then, and its key was the right one: the hello proved it. */
	assert_non_null(strstr(stream_error(STREAM_CLOSED), "the other end closed before it answered"));
	assert_string_equal(stream_error(-1000), "unknown error");
}

static void
failures_to_ask_are_told_apart(void **state)
{
	struct keyring none = { .has_key = false };
	struct addr was = at;

	(void)state;
	expect_rc(&other, STREAM_AUTH, 20000);
	expect_rc(&none, STREAM_NO_KEY, 20000);
	at.port = 1;
	expect_rc(&keys, STREAM_CONNECT, 20000);
	at = was;
	keys.has_key = false; /* the server's too, now */
	expect_rc(&other, STREAM_CONNECT, 20000);
	keys.has_key = true;
	desk.mode = HOLD;
	expect_rc(&keys, STREAM_TIMEOUT, 100);
	assert_int_equal(desk.asked, 1);
	stream_answer_send(desk.held, "nobody hears it", 15);
}

static void
the_one_who_asks_may_leave(void **state)
{
	struct reply r = { 0 };
	struct stream_call *c;

	(void)state;
	desk.mode = HOLD;
	c = stream_request(&loop, &keys, &at, 1, "x", 1, 20000, on_reply, &r);
	stream_cancel(c); /* before it began */
	c = stream_request(&loop, &keys, &at, 1, "x", 1, 20000, on_reply, &r);
	loop_until(&loop, desk.held != NULL);
	stream_cancel(c);
	loop_for(&loop, 30);
	stream_answer_send(desk.held, "nobody hears it", 15);
	assert_int_equal(r.called, 0);
}

static void
the_server_may_leave(void **state)
{
	struct reply r = { 0 };
	struct err err;

	(void)state;
	desk.mode = HOLD;
	stream_request(&loop, &keys, &at, 1, "x", 1, 20000, on_reply, &r);
	loop_until(&loop, desk.held != NULL);
	stream_server_free(server);
	loop_until(&loop, r.called);
	assert_true(r.rc < 0);
	free(r.data);
	stream_answer_fail(desk.held, ERR_UNKNOWN);
	assert_int_equal(stream_server_new(&loop, &at, &keys, handler, &desk, &server, &err), 0);
}

/* --- guests on raw sockets ------------------------------------------------------ */

/* Bytes the server sent so far, or -1 when it has closed. */
static ssize_t
received(int fd, uint8_t *buf, size_t cap)
{
	ssize_t n = recv(fd, buf, cap, MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno != EAGAIN) ? -1 : n < 0 ? 0 : n;
}

/* A session of our own on a raw socket, up to the hello. */
static void
greet(int fd, struct session *s)
{
	uint8_t hello[SESSION_HELLO_BYTES], theirs[100];
	ssize_t n = 0;
	size_t len = sizeof hello;

	session_init(s, &keys, false, STREAM_BYTES_MAX);
	session_hello(s, hello);
	assert_int_equal(send(fd, hello, sizeof hello, 0), sizeof hello);
	loop_until(&loop, (n = received(fd, theirs, sizeof theirs)) != 0);
	assert_int_equal(n, sizeof hello);
	assert_int_equal(session_feed(s, theirs, &len), SESSION_HELLO);
}

/* Silence, or a byte now and then: out after 5 s, whatever it trickles. */
static void
silent_and_slow_guests_are_shown_out(void **state)
{
	uint8_t buf[100] = { 0 };
	int silent = dial(), slow = dial();
	uint64_t next = uv_hrtime();
	bool silent_gone = false, slow_gone = false;

	(void)state;
	loop_until(&loop, ({
		if (uv_hrtime() >= next) {
			next += 200000000;
			if (!slow_gone)
				send(slow, "\2", 1, MSG_NOSIGNAL);
		}
		silent_gone = silent_gone || received(silent, buf, sizeof buf) < 0;
		slow_gone = slow_gone || received(slow, buf, sizeof buf) < 0;
		silent_gone && slow_gone;
	}));
	assert_int_equal(stats().timeout, 2);
	close(silent);
	close(slow);
}

static void
a_stranger_gets_a_salt_and_no_more(void **state)
{
	uint8_t noise[300], buf[1000];
	int fd = dial();
	ssize_t n = 0;

	(void)state;
	crypto_random(noise, sizeof noise);
	noise[0] = 2;
	noise[1] = 0;
	memcpy(noise + 2 + SESSION_SALT_BYTES, other.pk, KEY_BYTES);
	assert_int_equal(send(fd, noise, SESSION_HELLO_BYTES - 1, 0), SESSION_HELLO_BYTES - 1);
	loop_for(&loop, 30);
	assert_int_equal(received(fd, buf, sizeof buf), 0); /* not before its hello */
	assert_int_equal(send(fd, noise + SESSION_HELLO_BYTES - 1, 1, 0), 1);
	loop_until(&loop, (n = received(fd, buf, sizeof buf)) != 0);
	assert_int_equal(n, SESSION_HELLO_BYTES);
	loop_until(&loop, (n = received(fd, buf, sizeof buf)) != 0);
	assert_int_equal(n, -1);
	assert_int_equal(stats().auth, 1);
	assert_int_equal(desk.asked, 0);
	close(fd);
}

static void
a_length_of_four_gigabytes_is_too_large(void **state)
{
	uint8_t bytes[28], buf[100];
	struct session s;
	int fd = dial();

	(void)state;
	greet(fd, &s);
	memset(bytes, 0xff, sizeof bytes);
	assert_int_equal(send(fd, bytes, sizeof bytes, 0), sizeof bytes);
	loop_until(&loop, received(fd, buf, sizeof buf) < 0);
	assert_int_equal(stats().too_large, 1);
	session_free(&s);
	close(fd);
}

/* Cut anywhere before the end (so also: no FINAL), nothing reaches the desk. */
static void
a_request_without_its_end_is_discarded(void **state)
{
	size_t n = session_sealed_bytes(STREAM_ASK_BYTES_MAX), cuts[] = { 10, 24, 30, 20000, n - 1 };
	uint8_t *data = calloc(1, STREAM_ASK_BYTES_MAX), *sealed = malloc(n);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
		struct session s;
		int fd = dial();

		greet(fd, &s);
		session_seal(&s, 1, data, STREAM_ASK_BYTES_MAX, sealed);
		assert_int_equal(send(fd, sealed, cuts[i], 0), (ssize_t)cuts[i]);
		close(fd);
		loop_until(&loop, stats().truncated == i + 1);
		session_free(&s);
	}
	assert_int_equal(desk.asked, 0);
	free(data);
	free(sealed);
}

/* A server that stops in the middle of its answer: cut bytes of it arrive. */
static int
answered_with(const uint8_t *data, size_t len, size_t cut)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;
	uint8_t hello[SESSION_HELLO_BYTES], buf[4096], *sealed = malloc(session_sealed_bytes(len));
	socklen_t in_len = sizeof in;
	struct reply r = { 0 };
	struct session s;
	struct addr to;
	size_t got = sizeof hello;

	assert_int_equal(bind(listener, (struct sockaddr *)&in, sizeof in), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&in, &in_len), 0);
	assert_true(addr_from_sockaddr((struct sockaddr *)&in, &to));
	stream_request(&loop, &keys, &to, 1, "x", 1, 20000, on_reply, &r);
	fd = accept(listener, NULL, NULL);
	session_init(&s, &keys, true, 1000);
	loop_until(&loop, received(fd, buf, sizeof buf) == SESSION_HELLO_BYTES);
	assert_int_equal(session_feed(&s, buf, &got), SESSION_HELLO);
	session_hello(&s, hello);
	assert_int_equal(send(fd, hello, sizeof hello, 0), sizeof hello);
	loop_until(&loop, received(fd, buf, sizeof buf) > 0); /* its question */
	session_seal(&s, 0, data, len, sealed);
	assert_int_equal(send(fd, sealed, cut, 0), (ssize_t)cut);
	close(fd);
	loop_until(&loop, r.called);
	assert_int_equal(r.len, r.rc == 0 ? len : 0);
	free(r.data);
	free(sealed);
	close(listener);
	session_free(&s);
	return r.rc;
}

static void
an_answer_without_its_end_is_truncated(void **state)
{
	static uint8_t data[100000];

	(void)state;
	assert_int_equal(answered_with(data, sizeof data, 0), STREAM_CLOSED);
	assert_int_equal(answered_with(data, sizeof data, 500), STREAM_CLOSED);
	assert_int_equal(answered_with(data, sizeof data, 1000), STREAM_TRUNCATED);
	assert_int_equal(answered_with(data, sizeof data, 70000), STREAM_TRUNCATED);
	assert_int_equal(answered_with(data, sizeof data, session_sealed_bytes(sizeof data) - 1),
	    STREAM_TRUNCATED);
	assert_int_equal(answered_with(data, sizeof data, session_sealed_bytes(sizeof data)), 0);
}

/* All places taken by who says nothing: one more, with the key, is answered all the same. */
static void
idle_guests_make_room_for_members(void **state)
{
	int fds[STREAM_CONNS_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fds[i] = dial();
	loop_until(&loop, stats().accepted == STREAM_CONNS_MAX);
	assert_int_equal(stats().refused, 0);
	expect_answer();
	assert_int_equal(stats().refused, 1);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
}

/* All places taken by members who wait: one more is refused, nobody is hurt. */
static void
members_take_no_more_than_all_places(void **state)
{
	struct stream_answer *held[STREAM_CONNS_MAX];
	struct reply r[STREAM_CONNS_MAX] = { 0 };
	int called = 0;

	(void)state;
	desk.mode = HOLD;
	for (int i = 0; i < STREAM_CONNS_MAX; i++) {
		desk.held = NULL;
		stream_request(&loop, &keys, &at, 1, "x", 1, 20000, on_reply, &r[i]);
		loop_until(&loop, desk.held != NULL);
		held[i] = desk.held;
	}
	expect_rc(&keys, STREAM_CONNECT, 20000);
	assert_int_equal(stats().refused, 1);
	for (int i = 0; i < STREAM_CONNS_MAX; i++)
		stream_answer_send(held[i], &i, sizeof i);
	loop_until(&loop, ({
		called = 0;
		for (int i = 0; i < STREAM_CONNS_MAX; i++)
			called += r[i].called;
		called == STREAM_CONNS_MAX;
	}));
	for (int i = 0; i < STREAM_CONNS_MAX; i++) {
		assert_int_equal(r[i].rc, 0);
		assert_memory_equal(r[i].data, &i, sizeof i);
		free(r[i].data);
	}
	desk.mode = REPEAT;
	expect_answer();
}

/* As followers ask for a schedule: none is turned away to ask again. */
static void
two_hundred_at_once_are_answered(void **state)
{
	struct reply r[200] = { 0 };
	int called = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(r); i++)
		assert_non_null(stream_request(&loop, &keys, &at, 1, &i, sizeof i, 20000, on_reply, &r[i]));
	loop_until(&loop, ({
		called = 0;
		for (size_t i = 0; i < ARRAY_LEN(r); i++)
			called += r[i].called;
		called == ARRAY_LEN(r);
	}));
	assert_int_equal(stats().refused, 0);
	for (size_t i = 0; i < ARRAY_LEN(r); i++) {
		assert_int_equal(r[i].rc, 0);
		free(r[i].data);
	}
}

static void
addresses_we_do_not_have_are_named(void **state)
{
	struct stream_server *s;
	struct addr a;
	struct err err;

	(void)state;
	assert_int_equal(addr_parse("203.0.113.9:7780", &a, &err), 0);
	assert_int_equal(stream_server_new(&loop, &a, &keys, handler, NULL, &s, &err),
	    -EXIT_ENVIRONMENT);
	assert_null(s);
	assert_err(err, EXIT_ENVIRONMENT, "bind 203.0.113.9:7780: Cannot assign requested address");
	assert_int_equal(stream_server_new(&loop, &at, &keys, handler, NULL, &s, &err),
	    -EXIT_ENVIRONMENT);
	assert_err(err, EXIT_ENVIRONMENT, ": Address already in use");
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, listening_end)
	const struct CMUnitTest tests[] = {
		T(questions_are_answered),
		T(the_largest_pass_and_larger_do_not),
		T(many_at_once),
		T(an_answer_may_come_later),
		T(a_refusal_has_a_code),
		T(failures_to_ask_are_told_apart),
		T(the_one_who_asks_may_leave),
		T(the_server_may_leave),
		T(silent_and_slow_guests_are_shown_out),
		T(a_stranger_gets_a_salt_and_no_more),
		T(a_length_of_four_gigabytes_is_too_large),
		T(a_request_without_its_end_is_discarded),
		T(an_answer_without_its_end_is_truncated),
		T(idle_guests_make_room_for_members),
		T(members_take_no_more_than_all_places),
		T(two_hundred_at_once_are_answered),
		T(addresses_we_do_not_have_are_named),
	};

	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
