/*
 * test_guests.c - what somebody without the cluster key costs a node that he talks
 * to over TCP: a connection's own struct, the same for whatever he says, and nothing
 * on top; and he is told apart and counted.  And what somebody costs who has the key
 * and no business here, until he is told so.  The allocator is counted, libuv's and
 * libsodium's calls included.
 */
#include "world.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "../../../daemon/io/addr.h"
#include "../../../daemon/io/session.h"
#include "../../../daemon/io/stream.h"
#include "../../shared/alloc.h"
#include "loop.h"
#include "listening.h"

enum {
	GUESTS = 40,
	ROUNDS = 5,
	GROWN = 3, /* libuv's list of watchers, in all */
};

static int asked;

static void
handler(void *arg, const struct stream_peer *peer, uint8_t kind, const uint8_t *payload, size_t len,
    struct stream_answer *answer)
{
	(void)arg;
	(void)peer;
	(void)kind;
	(void)payload;
	(void)len;
	asked++;
	stream_answer_send(answer, "yes", 3);
}

static int
setup(void **state)
{
	(void)state;
	keys.epoch = 7;
	return listening_begin(handler, NULL);
}

/* What a guest says: a hello of his own making, or one that he once heard a member say,
 * and after it bytes of his own making. */
enum { HELLO = SESSION_HELLO_BYTES };
static const struct guest {
	bool heard; /* it is a member's, under the key in use */
	uint8_t version, epoch;
	size_t hello, frame; /* bytes of the hello; of what follows it: header and frame */
	uint8_t len[4];	     /* that the frame claims */
	bool closed;	     /* he is shown out at once */
} guests[] = {
    {false, 2, 7, 0, 0, {0}, false},
    {false, 2, 7, 20, 0, {0}, false},
    {false, 2, 7, HELLO - 1, 0, {0}, false},
    {false, 2, 7, HELLO, 0, {0}, true}, /* no hash of who has the key */
    {false, 2, 7, HELLO, 540, {0, 2, 0, 0}, true},
    {true, 0, 7, HELLO, 0, {0}, true}, /* another version */
    {true, 1, 7, 66, 0, {0}, true}, /* the one before */
    {true, 2, 6, HELLO, 0, {0}, true}, /* the key before */
    {true, 2, 8, HELLO, 0, {0}, true}, /* one that nobody has yet */
    {true, 2, 7, HELLO - 1, 0, {0}, false},
    {true, 2, 7, HELLO, 0, {0}, false},
    {true, 2, 7, HELLO, 27, {0}, false},
    {true, 2, 7, HELLO, 28, {0, 2, 0, 0}, false},
    {true, 2, 7, HELLO, 500, {0, 2, 0, 0}, false},
    {true, 2, 7, HELLO, 540, {0, 2, 0, 0}, true}, /* a frame of 512 bytes that nobody sealed */
    {true, 2, 7, HELLO, 28, {1, 2, 0, 0}, true},  /* 513 */
    {true, 2, 7, HELLO, 28, {0, 0, 1, 0}, true},  /* a whole frame, were it not the first */
    {true, 2, 7, HELLO, 28, {255, 255, 255, 255}, true},
};

static void
say(int fd, const struct guest *g)
{
	uint8_t bytes[HELLO + 600] = {0};
	size_t n = g->hello + g->frame;
	struct session s;

	session_init(&s, &keys, false, 0);
	if (g->heard)
		session_hello(&s, bytes);
	else
		memcpy(bytes + 2 + SESSION_SALT_BYTES, keys.pk, KEY_BYTES);
	session_free(&s);
	bytes[0] = g->version;
	bytes[1] = g->epoch;
	if (g->frame >= 28)
		memcpy(bytes + g->hello + 24, g->len, 4);
	assert_int_equal(send(fd, bytes, n, 0), (ssize_t)n);
}

static bool
closed(int fd)
{
	uint8_t buf[100];
	ssize_t n;

	do
		n = recv(fd, buf, sizeof buf, MSG_DONTWAIT);
	while (n > 0);
	return n == 0 || errno != EAGAIN;
}

/* As many bytes as he sent are with the server, and it has done what it does. */
static void
heard(int fd, const struct guest *g, uint64_t accepted)
{
	if (g->closed)
		loop_until(&loop, closed(fd));
	else
		loop_until(&loop, stats().accepted >= accepted);
	loop_for(&loop, 20); /* what is still to come must cost nothing either */
}

static void
a_guest_costs_one_connection_whatever_he_says(void **state)
{
	uint64_t before, most = 0;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < ARRAY_LEN(guests); i++) {
			uint64_t accepted = stats().accepted;
			int fd = dial();

			before = alloc_asked;
			say(fd, &guests[i]);
			heard(fd, &guests[i], accepted + 1);
			if (round > 0 && alloc_asked - before > most)
				most = alloc_asked - before;
			close(fd);
			loop_until(&loop, stream_server_open(server) == 0);
		}
	}
	assert_int_equal(most, 1);
	assert_int_equal(asked, 0);
}

/* All at once, and each at its most expensive. */
static void
a_crowd_of_them_costs_as_many(void **state)
{
	static const struct guest worst = {true, 2, 7, HELLO, 500, {0, 2, 0, 0}, false};
	int fds[GUESTS];
	uint64_t before;

	(void)state;
	for (size_t i = 0; i < GUESTS; i++)
		fds[i] = dial();
	before = alloc_asked;
	for (size_t i = 0; i < GUESTS; i++)
		say(fds[i], &worst);
	loop_until(&loop, stats().accepted >= GUESTS);
	loop_for(&loop, 50);
	assert_int_equal(stream_server_open(server), GUESTS);
	assert_in_range(alloc_asked - before, GUESTS, GUESTS + GROWN);
	for (size_t i = 0; i < GUESTS; i++)
		close(fds[i]);
}

/* --- with the key, and no member ------------------------------------------------ */

static bool
arrived(int fd, uint8_t *buf, size_t len)
{
	return recv(fd, buf, len, MSG_DONTWAIT | MSG_PEEK) == (ssize_t)len;
}

/* He shows the key, and names the size of what he is going to ask; then that of a frame. */
static int
boast(struct session *s, uint32_t payload, uint32_t frame)
{
	crypto_secretstream_xchacha20poly1305_state tx;
	uint8_t hello[SESSION_HELLO_BYTES], plain[5], out[24 + 4 + sizeof plain + 17 + 4] = {0};
	size_t n = sizeof hello;
	int fd = dial();

	session_init(s, &keys, false, 0);
	session_hello(s, hello);
	assert_int_equal(send(fd, hello, sizeof hello, 0), sizeof hello);
	loop_until(&loop, arrived(fd, hello, sizeof hello));
	assert_int_equal(recv(fd, hello, sizeof hello, 0), sizeof hello);
	assert_int_equal(session_feed(s, hello, &n), SESSION_HELLO);
	plain[0] = 1;
	for (size_t i = 0; i < 4; i++) {
		plain[1 + i] = (uint8_t)(payload >> (8 * i));
		out[sizeof out - 4 + i] = (uint8_t)(frame >> (8 * i));
	}
	crypto_secretstream_xchacha20poly1305_init_push(&tx, out, s->tx_key);
	out[24] = sizeof plain + 17;
	crypto_secretstream_xchacha20poly1305_push(&tx, out + 28, NULL, plain, sizeof plain, out + 24, 4,
	    crypto_secretstream_xchacha20poly1305_TAG_MESSAGE);
	assert_int_equal(send(fd, out, sizeof out, MSG_NOSIGNAL), sizeof out);
	return fd;
}

/* Asked of the allocator from his first byte on, the struct of the connection included. */
static uint64_t
boast_bytes(uint32_t payload, uint32_t frame, bool shown_out)
{
	uint64_t before = alloc_bytes, bytes;
	struct session s;
	int fd = boast(&s, payload, frame);

	if (shown_out)
		loop_until(&loop, closed(fd));
	else
		loop_for(&loop, 20);
	bytes = alloc_bytes - before;
	session_free(&s);
	close(fd);
	loop_until(&loop, stream_server_open(server) == 0);
	return bytes;
}

static void
a_holder_of_the_key_gets_a_requests_memory_and_no_more(void **state)
{
	enum { CONN_BYTES = 4096 };

	(void)state;
	boast_bytes(1, 18, false); /* libuv's own lists */
	assert_in_range(boast_bytes(STREAM_BYTES_MAX, 64 << 10, true), 1, CONN_BYTES);
	assert_in_range(boast_bytes(STREAM_ASK_BYTES_MAX + 1, 64 << 10, true), 1, CONN_BYTES);
	assert_int_equal(stats().too_large, 2);
	/* A frame longer than all that is still to come. */
	assert_in_range(boast_bytes(100, 64 << 10, true), 1, CONN_BYTES);
	assert_in_range(boast_bytes(100, 118, true), 1, CONN_BYTES);
	assert_int_equal(stats().auth, 2);
	assert_in_range(boast_bytes(100, 117, false), 1, CONN_BYTES + 300);
	assert_in_range(boast_bytes(STREAM_ASK_BYTES_MAX, STREAM_ASK_BYTES_MAX + 17, false),
	    STREAM_ASK_BYTES_MAX, CONN_BYTES + 2 * STREAM_ASK_BYTES_MAX + 300);
	assert_int_equal(asked, 0);
}

/* Old, and never heard of: both are counted, apart from what is damaged. */
static void
a_hello_under_another_epoch_is_refused_and_counted(void **state)
{
	static const uint8_t epochs[] = {6, 8, 0, 255};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(epochs); i++) {
		const struct guest g = {true, 2, epochs[i], HELLO, 0, {0}, true};
		int fd = dial();

		say(fd, &g);
		loop_until(&loop, closed(fd));
		assert_int_equal(stats().epoch, i + 1);
		close(fd);
	}
	assert_int_equal(stats().auth + stats().timeout + stats().too_large + stats().truncated, 0);
	assert_int_equal(asked, 0);
}

struct reply {
	int called, rc;
};

static void
on_reply(void *arg, int rc, const uint8_t *data, size_t len)
{
	struct reply *r = arg;

	(void)data;
	(void)len;
	r->called++;
	r->rc = rc;
}

/* And who asks under a key that is retired is told so. */
static void
who_asks_under_a_retired_key_hears_why(void **state)
{
	struct keyring old = keys;
	struct reply r = {0};

	(void)state;
	old.epoch = keys.epoch - 1;
	crypto_random(old.key, sizeof old.key);
	assert_non_null(stream_request(&loop, &old, &at, 1, "x", 1, 20000, on_reply, &r));
	loop_until(&loop, r.called == 1);
	assert_int_equal(r.rc, STREAM_EPOCH);
	assert_string_equal(stream_error(r.rc), "its cluster key is of another epoch; mesh keys status");
	assert_int_equal(stats().epoch, 1);
	assert_int_equal(asked, 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, listening_end)
	const struct CMUnitTest tests[] = {
	    T(a_guest_costs_one_connection_whatever_he_says),
	    T(a_crowd_of_them_costs_as_many),
	    T(a_holder_of_the_key_gets_a_requests_memory_and_no_more),
	    T(a_hello_under_another_epoch_is_refused_and_counted),
	    T(who_asks_under_a_retired_key_hears_why),
	};

	return cmocka_run_group_tests_name("guests", tests, NULL, NULL);
}
