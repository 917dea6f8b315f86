/*
 * The bytes of a stream, without a socket: every split, every flipped byte,
 * every length; and what an attacker can do with a recording.
 */
#include "world.h"

#include "../../../daemon/io/crypto.h"
#include "../../../daemon/io/session.h"
#include "../../../daemon/io/stream.h"

enum { MAX = 300000 };

/* Two nodes of one cluster. */
static struct keyring asker = { .has_key = true, .key = { 1, 2, 3 } };
static struct keyring asked = { .has_key = true, .key = { 1, 2, 3 } };

static int
setup(void **state)
{
	struct err err;

	(void)state;
	if (crypto_init(&err) != 0)
		return -1;
	crypto_sign_keypair(asker.pk, asker.sk);
	return crypto_sign_keypair(asked.pk, asked.sk);
}

/* Feed all of it, `step` bytes at a time; the first thing that is not MORE. */
static int
feed(struct session *s, const uint8_t *data, size_t len, size_t step, size_t *used)
{
	size_t at = 0;
	int rc = SESSION_MORE;

	while (at < len && rc == SESSION_MORE) {
		size_t n = len - at < step ? len - at : step, took = n;

		rc = session_feed(s, data + at, &took);
		assert_true(took <= n && (took > 0 || rc < 0));
		at += took;
	}
	if (used != NULL)
		*used = at;
	return rc;
}

/* Two sessions that have heard each other's hello. */
static void
pair_as(const struct keyring *a, const struct keyring *b, struct session *client,
    struct session *server)
{
	uint8_t hello[SESSION_HELLO_BYTES];

	session_init(client, a, false, MAX);
	session_init(server, b, true, MAX);
	session_hello(client, hello);
	assert_int_equal(feed(server, hello, sizeof hello, 1000, NULL), SESSION_HELLO);
	session_hello(server, hello);
	assert_int_equal(feed(client, hello, sizeof hello, 1, NULL), SESSION_HELLO);
}

static void
pair(struct session *client, struct session *server)
{
	pair_as(&asker, &asked, client, server);
}

static uint8_t *
sealed(struct session *s, uint8_t code, const void *data, size_t len, size_t *out_len)
{
	uint8_t *out;

	out = malloc(session_sealed_bytes(len));
	*out_len = session_seal(s, code, data, len, out);
	return out;
}

static void
messages_of_every_size_arrive(void **state)
{
	static const size_t sizes[] = { 0, 1, 5, 489, 490, 491, 65514, 66008, 66009, 66010, 131527,
		131528, 131529, MAX };
	static uint8_t data[MAX];

	(void)state;
	crypto_random(data, sizeof data);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct session c, s;
		size_t n, used;
		uint8_t *out;

		pair(&c, &s);
		out = sealed(&c, 7, data, sizes[i], &n);
		assert_int_equal(feed(&s, out, n, i % 2 == 0 ? 1 : 70000, &used),
		    SESSION_MESSAGE);
		assert_int_equal(used, n);
		assert_int_equal(s.code, 7);
		assert_int_equal(s.payload_len, sizes[i]);
		assert_memory_equal(s.payload, data, sizes[i]);
		free(out);
		out = sealed(&s, 9, data, sizes[i], &n);
		assert_int_equal(feed(&c, out, n, 12345, NULL), SESSION_MESSAGE);
		assert_int_equal(c.code, 9);
		free(out);
		session_free(&c);
		session_free(&s);
	}
}

/* By turns, and of what was said in an earlier one nothing opens again. */
static void
messages_follow_each_other(void **state)
{
	static uint8_t data[70000];
	static const size_t sizes[] = { 3, 0, 70000, 490, 491 };
	uint8_t *said[2][ARRAY_LEN(sizes)];
	size_t n[2][ARRAY_LEN(sizes)];
	struct session c, s;

	(void)state;
	pair(&c, &s);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		data[0] = (uint8_t)i;
		said[0][i] = sealed(&c, (uint8_t)i, data, sizes[i], &n[0][i]);
		assert_int_equal(feed(&s, said[0][i], n[0][i], 333, NULL), SESSION_MESSAGE);
		assert_int_equal(s.code, i);
		assert_int_equal(s.payload_len, sizes[i]);
		assert_memory_equal(s.payload, data, sizes[i]);
		said[1][i] = sealed(&s, 9, data, sizes[i], &n[1][i]);
		assert_int_equal(feed(&c, said[1][i], n[1][i], 12345, NULL), SESSION_MESSAGE);
		assert_memory_equal(c.payload, data, sizes[i]);
		session_again(&c);
		session_again(&s);
	}
	assert_true(session_current(&c) && session_current(&s));
	assert_int_equal(feed(&s, said[0][1], n[0][1], 333, NULL), STREAM_AUTH);
	assert_int_equal(feed(&c, said[1][4], n[1][4], 333, NULL), STREAM_AUTH);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		free(said[0][i]);
		free(said[1][i]);
	}
	session_free(&c);
	session_free(&s);
}

/* Not one byte of it may change, go missing, or follow. */
static void
every_byte_counts(void **state)
{
	static uint8_t data[100];
	struct session c, s;
	size_t n;
	uint8_t *out;

	(void)state;
	for (size_t i = 0; i < session_sealed_bytes(sizeof data); i++) {
		int rc;

		pair(&c, &s);
		out = sealed(&c, 1, data, sizeof data, &n);
		out[i] ^= 1;
		rc = feed(&s, out, n, 50, NULL);
		/* A longer frame is still waited for; the rest is refused. */
		if (rc != SESSION_MORE)
			assert_true(rc == STREAM_AUTH || rc == STREAM_TOO_LARGE);
		assert_false(s.authenticated);
		assert_null(s.payload);
		free(out);
		session_free(&c);
		session_free(&s);
	}
	for (size_t cut = 0; cut < session_sealed_bytes(sizeof data); cut++) {
		pair(&c, &s);
		out = sealed(&c, 1, data, sizeof data, &n);
		assert_int_equal(feed(&s, out, cut, 50, NULL), SESSION_MORE);
		free(out);
		session_free(&c);
		session_free(&s);
	}
	pair(&c, &s);
	out = sealed(&c, 1, data, sizeof data, &n);
	assert_int_equal(feed(&s, out, n, 50, NULL), SESSION_MESSAGE);
	assert_int_equal(feed(&s, data, 1, 1, NULL), STREAM_AUTH);
	free(out);
	session_free(&c);
	session_free(&s);
}

static void
lengths_are_checked_before_memory(void **state)
{
	static const struct {
		uint8_t len[4];
		int rc;
	} bad[] = {
		{ { 0xff, 0xff, 0xff, 0xff }, STREAM_TOO_LARGE },
		{ { 0x01, 0x00, 0x01, 0x00 }, STREAM_TOO_LARGE },
		{ { 0x01, 0x02, 0x00, 0x00 }, STREAM_TOO_LARGE }, /* 513 in the first */
		{ { 0x00, 0x00, 0x00, 0x80 }, STREAM_TOO_LARGE },
		{ { 0, 0, 0, 0 }, STREAM_AUTH },
		{ { 16, 0, 0, 0 }, STREAM_AUTH },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct session c, s;
		uint8_t buf[28] = { 0 };

		pair(&c, &s);
		memcpy(buf + 24, bad[i].len, 4);
		assert_int_equal(feed(&s, buf, sizeof buf, 28, NULL), bad[i].rc);
		assert_null(s.frame);
		session_free(&c);
		session_free(&s);
	}
}

/* One with the key may still not make us allocate what it claims. */
static void
a_message_beyond_the_limit_is_refused(void **state)
{
	static uint8_t data[MAX + 1];
	struct session c, s;
	size_t n;
	uint8_t *out;

	(void)state;
	pair(&c, &s);
	out = sealed(&c, 1, data, sizeof data, &n);
	assert_int_equal(feed(&s, out, n, 1000, NULL), STREAM_TOO_LARGE);
	assert_null(s.payload);
	free(out);
	session_free(&c);
	session_free(&s);
}

/* Frames by hand: a peer with the key and bad manners. */
static size_t
frame(crypto_secretstream_xchacha20poly1305_state *tx, uint8_t *out, const void *plain, size_t len,
    uint8_t tag)
{
	size_t n = len + crypto_secretstream_xchacha20poly1305_ABYTES;

	out[0] = (uint8_t)n;
	out[1] = (uint8_t)(n >> 8);
	out[2] = out[3] = 0;
	crypto_secretstream_xchacha20poly1305_push(tx, out + 4, NULL, plain, len, out, 4, tag);
	return n + 4;
}

static void
members_with_bad_manners_are_refused(void **state)
{
	enum { MSG = crypto_secretstream_xchacha20poly1305_TAG_MESSAGE,
		FINAL = crypto_secretstream_xchacha20poly1305_TAG_FINAL,
		REKEY = crypto_secretstream_xchacha20poly1305_TAG_REKEY };
	static const struct {
		const char *plain[2];
		size_t len[2];
		uint8_t tag[2];
		int rc;
	} bad[] = {
		{ { "\1\4\0\0\0ab", NULL }, { 7, 0 }, { FINAL, 0 }, STREAM_TRUNCATED },
		{ { "\1\4\0\0\0abcde", NULL }, { 10, 0 }, { FINAL, 0 }, STREAM_AUTH },
		{ { "\1\4\0\0\0ab", "cde" }, { 7, 3 }, { MSG, FINAL }, STREAM_AUTH },
		{ { "\1\4\0\0\0ab", "c" }, { 7, 1 }, { MSG, FINAL }, STREAM_TRUNCATED },
		{ { "\1\4\0\0", NULL }, { 4, 0 }, { FINAL, 0 }, STREAM_AUTH },
		{ { "", NULL }, { 0, 0 }, { MSG, 0 }, STREAM_AUTH },
		{ { "\1\4\0\0\0ab", "" }, { 7, 0 }, { MSG, MSG }, STREAM_AUTH },
		{ { "\1\4\0\0\0ab", "cd" }, { 7, 2 }, { REKEY, FINAL }, STREAM_AUTH },
		{ { "\1\xff\xff\xff\xff", NULL }, { 5, 0 }, { MSG, 0 }, STREAM_TOO_LARGE },
		{ { "\1\4\0\0\0ab", "cd" }, { 7, 2 }, { MSG, FINAL }, SESSION_MESSAGE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		crypto_secretstream_xchacha20poly1305_state tx;
		struct session c, s;
		uint8_t buf[256];
		size_t n = 24;

		pair(&c, &s);
		crypto_secretstream_xchacha20poly1305_init_push(&tx, buf, c.tx_key);
		for (int j = 0; j < 2 && bad[i].plain[j] != NULL; j++)
			n += frame(&tx, buf + n, bad[i].plain[j], bad[i].len[j], bad[i].tag[j]);
		if (feed(&s, buf, n, 9, NULL) != bad[i].rc)
			fail_msg("row %zu", i);
		session_free(&c);
		session_free(&s);
	}
}

static void
another_key_opens_nothing(void **state)
{
	uint8_t hello[SESSION_HELLO_BYTES];
	struct keyring other = asker;
	struct session c, s;

	(void)state;
	other.key[0] = 9;
	session_init(&c, &other, false, MAX);
	session_init(&s, &asked, true, MAX);
	session_hello(&c, hello);
	assert_int_equal(feed(&s, hello, sizeof hello, 100, NULL), STREAM_AUTH);
	session_hello(&s, hello);
	assert_int_equal(feed(&c, hello, sizeof hello, 100, NULL), STREAM_AUTH);
	session_free(&c);
	session_free(&s);
}

/* Each bit of it is under the hash, and none of it costs more than that before. */
static void
a_hello_shows_the_key(void **state)
{
	uint8_t hello[SESSION_HELLO_BYTES];
	struct session c;

	(void)state;
	session_init(&c, &asker, false, MAX);
	for (size_t bit = 8 * 2; bit < 8 * sizeof hello; bit++) { /* version and epoch: below */
		struct session s;

		session_hello(&c, hello);
		hello[bit / 8] ^= (uint8_t)(1 << bit % 8);
		session_init(&s, &asked, true, MAX);
		assert_int_equal(feed(&s, hello, sizeof hello, 100, NULL), STREAM_AUTH);
		assert_memory_equal(s.peer, s.tx_key, KEY_BYTES); /* nothing was computed */
		session_free(&s);
	}
	session_free(&c);
}

/* What a server says to anybody opens no server, nor what a client says a client. */
static void
a_hello_shows_the_side(void **state)
{
	(void)state;
	for (int side = 0; side < 2; side++) {
		uint8_t hello[SESSION_HELLO_BYTES];
		struct session s, again;

		session_init(&s, &asked, side, MAX);
		session_hello(&s, hello);
		session_init(&again, &asked, side, MAX);
		assert_int_equal(feed(&again, hello, sizeof hello, 100, NULL), STREAM_AUTH);
		session_free(&s);
		session_free(&again);
	}
}

/* The server's salt is new each time; an echo of its own bytes is no answer. */
static void
recordings_and_reflections_are_refused(void **state)
{
	uint8_t hello[SESSION_HELLO_BYTES], theirs[SESSION_HELLO_BYTES];
	struct session c, s, again;
	size_t n;
	uint8_t *out;

	(void)state;
	session_init(&c, &asker, false, MAX);
	session_init(&s, &asked, true, MAX);
	session_hello(&c, hello);
	feed(&s, hello, sizeof hello, 100, NULL);
	session_hello(&s, theirs);
	feed(&c, theirs, sizeof theirs, 100, NULL);
	out = sealed(&c, 1, "do it", 5, &n);
	assert_int_equal(feed(&s, out, n, 100, NULL), SESSION_MESSAGE);
	session_init(&again, &asked, true, MAX);
	assert_int_equal(feed(&again, hello, sizeof hello, 100, NULL), SESSION_HELLO);
	assert_int_equal(feed(&again, out, n, 100, NULL), STREAM_AUTH);
	session_free(&again);
	assert_int_equal(feed(&c, out, n, 100, NULL), STREAM_AUTH);
	free(out);
	session_free(&c);
	session_free(&s);
}

/* Has the cluster key, and says it is somebody it is not: either side. */
static void
nobody_speaks_for_another(void **state)
{
	uint8_t hello[SESSION_HELLO_BYTES];
	struct keyring thief = asker;
	struct session c, s;
	size_t n;
	uint8_t *out;

	(void)state;
	crypto_sign_keypair(thief.pk, thief.sk);
	memcpy(thief.pk, asker.pk, KEY_BYTES);
	pair_as(&thief, &asked, &c, &s);
	out = sealed(&c, 1, "do it", 5, &n);
	assert_int_equal(feed(&s, out, n, 100, NULL), STREAM_AUTH);
	assert_false(s.authenticated);
	free(out);
	session_free(&c);
	session_free(&s);
	crypto_sign_keypair(thief.pk, thief.sk);
	memcpy(thief.pk, asked.pk, KEY_BYTES);
	pair_as(&asker, &thief, &c, &s);
	out = sealed(&s, 0, "done", 4, &n);
	assert_int_equal(feed(&c, out, n, 100, NULL), STREAM_AUTH);
	free(out);
	session_free(&c);
	session_free(&s);
	/* A key of the order that shares one secret with all. */
	memset(thief.pk, 0, KEY_BYTES);
	session_init(&c, &thief, false, MAX);
	session_hello(&c, hello);
	session_init(&s, &asked, true, MAX);
	assert_int_equal(feed(&s, hello, sizeof hello, 100, NULL), STREAM_AUTH);
	session_free(&c);
	session_free(&s);
	/* And who it is, it is told as. */
	pair(&c, &s);
	out = sealed(&c, 1, "do it", 5, &n);
	assert_int_equal(feed(&s, out, n, 100, NULL), SESSION_MESSAGE);
	assert_memory_equal(s.peer, asker.pk, KEY_BYTES);
	free(out);
	session_free(&c);
	session_free(&s);
}

static void
other_versions_are_refused(void **state)
{
	uint8_t hello[SESSION_HELLO_BYTES] = { 0 };
	struct session s;

	(void)state;
	session_init(&s, &asked, true, MAX);
	assert_int_equal(feed(&s, hello, sizeof hello, 100, NULL), STREAM_AUTH);
	session_free(&s);
	hello[0] = 1; /* without a hash: it would wait for an answer to its 66 bytes */
	session_init(&s, &asked, true, MAX);
	assert_int_equal(feed(&s, hello, 1, 100, NULL), STREAM_AUTH);
	session_free(&s);
	hello[0] = 2;
	hello[1] = 1;
	session_init(&s, &asked, true, MAX);
	assert_int_equal(feed(&s, hello, sizeof hello, 100, NULL), STREAM_EPOCH);
	session_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_of_every_size_arrive),
		cmocka_unit_test(messages_follow_each_other),
		cmocka_unit_test(a_hello_shows_the_key),
		cmocka_unit_test(a_hello_shows_the_side),
		cmocka_unit_test(every_byte_counts),
		cmocka_unit_test(lengths_are_checked_before_memory),
		cmocka_unit_test(a_message_beyond_the_limit_is_refused),
		cmocka_unit_test(members_with_bad_manners_are_refused),
		cmocka_unit_test(another_key_opens_nothing),
		cmocka_unit_test(recordings_and_reflections_are_refused),
		cmocka_unit_test(nobody_speaks_for_another),
		cmocka_unit_test(other_versions_are_refused),
	};

	return cmocka_run_group_tests_name("session", tests, setup, NULL);
}
