/*
 * Connections that stay open between questions, over real sockets on 127.0.0.1: how many
 * there are, when they end, and what a question hears over one that ended.
 */
#include "world.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "../../../daemon/io/addr.h"
#include "../../../daemon/io/session.h"
#include "../../../daemon/io/stream.h"
#include "loop.h"
#include "listening.h"

static struct {
	bool keeps;
	int asked;
} desk;

struct reply {
	int called, rc;
	uint8_t byte;
};

static struct stream_kept *kept;

static void
handler(void *arg, const struct stream_peer *peer, uint8_t kind, const uint8_t *payload, size_t len,
    struct stream_answer *answer)
{
	(void)arg;
	assert_int_equal(kind, 7);
	assert_int_equal(peer->addr.ip[12], 127);
	assert_memory_equal(peer->pk, keys.pk, KEY_BYTES);
	desk.asked++;
	if (desk.keeps)
		stream_answer_keep(answer);
	stream_answer_send(answer, payload, len);
}

static void
on_reply(void *arg, int rc, const uint8_t *data, size_t len)
{
	struct reply *r = arg;

	r->called++;
	r->rc = rc;
	r->byte = len > 0 ? data[0] : 0;
}

static int
setup(void **state)
{
	(void)state;
	memset(&desk, 0, sizeof desk);
	desk.keeps = true;
	keys.epoch = 3;
	if (listening_begin(handler, &desk) != 0)
		return -1;
	kept = stream_kept_new(&loop, &keys);
	return kept != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	stream_kept_free(kept);
	return listening_end(state);
}

/* A question of that many bytes, whose answer is the same. */
static void
expect(struct stream_kept *k, uint8_t byte, size_t len)
{
	static uint8_t data[STREAM_ASK_BYTES_MAX];
	struct reply r = {0};

	memset(data, byte, sizeof data);
	assert_true(stream_kept_ask(k, &at, 7, data, len, 20000, on_reply, &r));
	assert_int_equal(r.called, 0);
	loop_until(&loop, r.called);
	loop_for(&loop, 5);
	assert_int_equal(r.called, 1);
	assert_int_equal(r.rc, 0);
	assert_int_equal(r.byte, byte);
}

static void
many_questions_take_one_connection(void **state)
{
	static const size_t sizes[] = {1, 400, 507, 508, STREAM_ASK_BYTES_MAX, 1, 2};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		expect(kept, (uint8_t)(i + 1), sizes[i]);
	assert_int_equal(stats().accepted, 1);
	assert_int_equal(stats().answered, ARRAY_LEN(sizes));
	assert_int_equal(stream_kept_idle(kept), 1);
	assert_int_equal(stream_server_open(server), 1);
	/* Who asks but once closes it. */
	struct reply r = {0};
	assert_non_null(stream_request(&loop, &keys, &at, 7, "x", 1, 20000, on_reply, &r));
	loop_until(&loop, r.called && stream_server_open(server) == 1);
	assert_int_equal(r.rc, 0);
	assert_int_equal(stats().accepted, 2);
}

static void
at_once_they_take_as_many(void **state)
{
	struct reply r[5] = {{0}};
	int called = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(r); i++)
		assert_true(stream_kept_ask(kept, &at, 7, "x", 1, 20000, on_reply, &r[i]));
	loop_until(&loop, ({
		called = 0;
		for (size_t i = 0; i < ARRAY_LEN(r); i++)
			called += r[i].called;
		called == ARRAY_LEN(r);
	}));
	loop_for(&loop, 5);
	assert_int_equal(stream_kept_idle(kept), ARRAY_LEN(r));
	for (uint8_t i = 1; i <= ARRAY_LEN(r); i++)
		expect(kept, i, i);
	assert_int_equal(stats().accepted, ARRAY_LEN(r));
}

/* An older meshd closes it, and one that starts again; the next question hears nothing of it. */
static void
what_the_other_side_closed_is_asked_anew(void **state)
{
	(void)state;
	desk.keeps = false;
	expect(kept, 1, 1);
	assert_int_equal(stream_kept_idle(kept), 0);
	desk.keeps = true;
	expect(kept, 2, 1);
	assert_int_equal(stream_kept_idle(kept), 1);
	stream_server_free(server); /* and nobody has seen that yet */
	struct err err;
	assert_int_equal(stream_server_new(&loop, &at, &keys, handler, &desk, &server, &err), 0);
	expect(kept, 3, 1);
	assert_int_equal(desk.asked, 3);
	assert_int_equal(stream_kept_idle(kept), 1);
}

/* With the key that is not in use any more ends what was kept under it, on either side. */
static void
it_ends_with_its_key(void **state)
{
	struct keyring old = keys;
	struct stream_kept *other = stream_kept_new(&loop, &old);

	(void)state;
	expect(kept, 1, 1);
	expect(other, 2, 1);
	assert_int_equal(stats().accepted, 2);
	keys.spare[0] = (struct keyring_spare){.has = true, .epoch = 4};
	crypto_random(keys.spare[0].key, KEY_BYTES);
	crypto_key_use(&keys, 4);
	expect(kept, 3, 1); /* who asks knows */
	assert_int_equal(stats().accepted, 3);
	expect(other, 4, 1); /* who is asked knows; the old key opens a new one, while it is held */
	assert_int_equal(stats().accepted, 4);
	assert_int_equal(stream_kept_idle(other), 0);
	stream_kept_free(other);
	memset(&keys.spare, 0, sizeof keys.spare);
}

static void
they_are_few_and_make_room(void **state)
{
	struct stream_kept *many[STREAM_KEPT_HERE_MAX + 4];
	int fds[STREAM_CONNS_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(many); i++) {
		many[i] = stream_kept_new(&loop, &keys);
		expect(many[i], (uint8_t)i, 1);
	}
	assert_int_equal(stream_server_open(server), STREAM_KEPT_HERE_MAX);
	assert_int_equal(stream_kept_idle(many[0]), 0); /* the oldest */
	assert_int_equal(stream_kept_idle(many[ARRAY_LEN(many) - 1]), 1);
	/* All places are taken by who says nothing: who says nothing goes first. */
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fds[i] = dial();
	loop_until(&loop, stats().refused == STREAM_KEPT_HERE_MAX);
	assert_int_equal(stream_server_open(server), STREAM_CONNS_MAX);
	expect(many[ARRAY_LEN(many) - 1], 1, 1);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		stream_kept_free(many[i]);
}

/* A server that says more than its answer: the answer is one, and the rest ends it. */
static void
who_says_more_is_not_kept(void **state)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;
	uint8_t hello[SESSION_HELLO_BYTES], buf[1000];
	socklen_t in_len = sizeof in;
	struct reply r = {0};
	struct session s;
	struct addr to;
	size_t got = sizeof hello;

	(void)state;
	assert_int_equal(bind(listener, (struct sockaddr *)&in, sizeof in), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&in, &in_len), 0);
	assert_true(addr_from_sockaddr((struct sockaddr *)&in, &to));
	assert_true(stream_kept_ask(kept, &to, 7, "x", 1, 20000, on_reply, &r));
	fd = accept(listener, NULL, NULL);
	session_init(&s, &keys, true, 1000);
	loop_until(&loop, recv(fd, buf, sizeof buf, MSG_DONTWAIT) == SESSION_HELLO_BYTES);
	assert_int_equal(session_feed(&s, buf, &got), SESSION_HELLO);
	session_hello(&s, hello);
	assert_int_equal(send(fd, hello, sizeof hello, 0), sizeof hello);
	loop_until(&loop, recv(fd, buf, sizeof buf, MSG_DONTWAIT) > 0); /* its question */
	got = session_seal(&s, 0, "y", 1, buf);
	buf[got] = 0;
	assert_int_equal(send(fd, buf, got + 1, 0), (ssize_t)got + 1);
	loop_until(&loop, r.called);
	loop_for(&loop, 20);
	assert_int_equal(r.called, 1);
	assert_int_equal(r.rc, 0);
	assert_int_equal(r.byte, 'y');
	assert_int_equal(stream_kept_idle(kept), 0);
	close(fd);
	close(listener);
	session_free(&s);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(many_questions_take_one_connection),
	    T(at_once_they_take_as_many),
	    T(what_the_other_side_closed_is_asked_anew),
	    T(it_ends_with_its_key),
	    T(they_are_few_and_make_room),
	    T(who_says_more_is_not_kept),
	};

	return cmocka_run_group_tests_name("kept", tests, NULL, NULL);
}
