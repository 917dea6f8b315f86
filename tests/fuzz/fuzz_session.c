/*
 * fuzz_session.c - any bytes on a stream: hellos of whatever version and epoch, and
 * frames.  Bytes are fed as they are, or sealed under the right key first: a member
 * gone mad must be told from one that is well, and nobody else gets any memory.
 *
 *	input = { which 1 (bit 0: this side asks; bit 1: a hello of this side's making),
 *	          { how 1 (bit 0: sealed; the rest: tag), length 1, bytes } ... }
 */

#include "../../daemon/io/session.h"
#include "../../daemon/io/stream.h"
#include "toy_crypto.h"

enum { PAYLOAD_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct wire {
	struct session s, peer;
	crypto_secretstream_xchacha20poly1305_state tx;
	bool begun, over;
};

/* The same each time: what a seed found it finds again. */
static const char *
same_name(void)
{
	return "same";
}

static uint32_t
same_random(void)
{
	return 4;
}

static void
same_buf(void *const buf, const size_t len)
{
	memset(buf, 4, len);
}

static struct randombytes_implementation same = {
    .implementation_name = same_name, .random = same_random, .buf = same_buf};

static void
begin(void)
{
	static bool done;

	if (!done)
		must(randombytes_set_implementation(&same) == 0 && sodium_init() >= 0);
	done = true;
}

/* Feed all of it, as far as it is taken. */
static void
feed(struct wire *w, const uint8_t *b, size_t len)
{
	while (len > 0 && !w->over) {
		size_t n = len;
		int rc = session_feed(&w->s, b, &n);

		must(n <= len && (n > 0 || rc < 0));
		must(w->s.authenticated || (w->s.frame == NULL && w->s.payload == NULL));
		must(w->s.payload_len <= PAYLOAD_MAX || rc < 0);
		must(rc != SESSION_MESSAGE || (w->s.authenticated && w->s.payload_got == w->s.payload_len));
		if (rc == SESSION_MESSAGE) { /* not one byte may follow */
			n = 1;
			must(session_feed(&w->s, b, &n) < 0 && n == 0);
		}
		w->over = rc < 0 || rc == SESSION_MESSAGE;
		b += n;
		len -= n;
	}
}

static void
sealed(struct wire *w, uint8_t tag, const uint8_t *b, size_t len)
{
	uint8_t out[24 + 4 + 255 + crypto_secretstream_xchacha20poly1305_ABYTES];
	size_t n = len + crypto_secretstream_xchacha20poly1305_ABYTES, at = 0;

	if (!w->begun) {
		crypto_secretstream_xchacha20poly1305_init_push(&w->tx, out, w->peer.tx_key);
		at = crypto_secretstream_xchacha20poly1305_HEADERBYTES;
		w->begun = true;
	}
	out[at] = (uint8_t)n;
	out[at + 1] = (uint8_t)(n >> 8);
	out[at + 2] = out[at + 3] = 0;
	crypto_secretstream_xchacha20poly1305_push(&w->tx, out + at + 4, NULL, b, len, out + at, 4,
	    tag & 3);
	feed(w, out, at + 4 + n);
}

/* Both sides' hellos, as they should be. */
static void
greet(struct wire *w)
{
	uint8_t hello[SESSION_HELLO_BYTES];
	size_t n = sizeof hello;

	session_hello(&w->s, hello);
	must(session_feed(&w->peer, hello, &n) == SESSION_HELLO);
	session_hello(&w->peer, hello);
	feed(w, hello, sizeof hello);
	must(!w->over);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct keyring ring = {.has_key = true, .epoch = 7, .key = {1}};
	struct wire w = {.begun = false};
	bool asks, greeted;

	begin();
	if (size == 0)
		return 0;
	asks = (data[0] & 1) != 0;
	greeted = (data[0] & 2) == 0;
	crypto_sign_seed_keypair(ring.pk, ring.sk, ring.key);
	ring.spare[0].has = true;
	ring.spare[0].epoch = 8;
	session_init(&w.s, &ring, !asks, PAYLOAD_MAX);
	session_init(&w.peer, &ring, asks, PAYLOAD_MAX);
	if (greeted)
		greet(&w);
	data++;
	size--;
	while (size >= 2 && !w.over) {
		uint8_t how = data[0];
		size_t len = data[1] < size - 2 ? data[1] : size - 2;

		if (greeted && (how & 1) != 0)
			sealed(&w, how >> 1, data + 2, len);
		else
			feed(&w, data + 2, len);
		data += 2 + len;
		size -= 2 + len;
	}
	session_free(&w.s);
	session_free(&w.peer);
	return 0;
}
