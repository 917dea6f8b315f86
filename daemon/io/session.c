/*
 * A reader that always knows how many bytes it needs next, never allocates for
 * a length it has not checked, nor for anybody who has not shown the key, and
 * believes nothing before its tag.
 */
#include "session.h"

#include <stdlib.h>

#include "stream.h"

enum {
	VERSION = 2,
	SALT_AT = 2, /* in a hello */
	PK_AT = SALT_AT + SESSION_SALT_BYTES,
	MAC_AT = PK_AT + KEY_BYTES,
	HEADER_BYTES = crypto_secretstream_xchacha20poly1305_HEADERBYTES,
	OVER_BYTES = crypto_secretstream_xchacha20poly1305_ABYTES,
	LEN_BYTES = 4,
	PREFIX_BYTES = 5, /* code and size, at the start of a message */
	PLAIN_BYTES_MAX = SESSION_FRAME_BYTES_MAX - OVER_BYTES,
	FIRST_PLAIN_BYTES_MAX = SESSION_FIRST_BYTES_MAX - OVER_BYTES,
	FIRST_PAYLOAD_BYTES = FIRST_PLAIN_BYTES_MAX - PREFIX_BYTES,
};

enum phase { AT_HELLO, AT_HEADER, AT_LEN, AT_FRAME, AT_END };

_Static_assert(KEY_BYTES == crypto_secretstream_xchacha20poly1305_KEYBYTES, "key");
_Static_assert((int)HEADER_BYTES <= (int)SESSION_HELLO_BYTES, "head holds it");

/* What a hello ends with, under the cluster key that it names. */
static void
hello_mac(const struct session *s, bool server, const uint8_t *hello, uint8_t out[SESSION_MAC_BYTES])
{
	const char *what = server ? "mesh stream hello back" : "mesh stream hello";
	crypto_generichash_state h;

	crypto_generichash_init(&h, s->key, KEY_BYTES, SESSION_MAC_BYTES);
	crypto_generichash_update(&h, (const uint8_t *)what, strlen(what));
	crypto_generichash_update(&h, hello, MAC_AT);
	crypto_generichash_final(&h, out, SESSION_MAC_BYTES);
	sodium_memzero(&h, sizeof h);
}

/* From now on under that key. */
static void
speak(struct session *s, const uint8_t *key, uint8_t epoch)
{
	memcpy(s->key, key, KEY_BYTES);
	s->epoch = s->hello[1] = epoch;
	hello_mac(s, s->server, s->hello, s->hello + MAC_AT);
}

void
session_init(struct session *s, const struct keyring *ring, bool server, size_t max)
{
	memset(s, 0, sizeof *s);
	s->server = server;
	s->max = max;
	s->ring = ring;
	s->hello[0] = VERSION;
	randombytes_buf(s->hello + SALT_AT, SESSION_SALT_BYTES);
	memcpy(s->hello + PK_AT, ring->pk, KEY_BYTES);
	speak(s, ring->key, (uint8_t)ring->epoch);
	s->phase = AT_HELLO;
	s->need = SESSION_HELLO_BYTES;
}

void
session_free(struct session *s)
{
	free(s->frame);
	free(s->payload);
	sodium_memzero(s, sizeof *s);
}

void
session_hello(const struct session *s, uint8_t out[SESSION_HELLO_BYTES])
{
	memcpy(out, s->hello, SESSION_HELLO_BYTES);
}

/* --- receiving --------------------------------------------------------------- */

/* of_client, of_server: salt and public key. */
static void
derive(const struct session *s, uint8_t out[KEY_BYTES], const char *direction,
    const uint8_t *shared, const uint8_t *of_client, const uint8_t *of_server)
{
	crypto_generichash_state h;

	crypto_generichash_init(&h, s->key, KEY_BYTES, KEY_BYTES);
	crypto_generichash_update(&h, (const uint8_t *)direction, strlen(direction));
	crypto_generichash_update(&h, shared, KEY_BYTES);
	crypto_generichash_update(&h, of_client, SESSION_SALT_BYTES + KEY_BYTES);
	crypto_generichash_update(&h, of_server, SESSION_SALT_BYTES + KEY_BYTES);
	crypto_generichash_final(&h, out, KEY_BYTES);
	sodium_memzero(&h, sizeof h);
}

/* The asker's hello names the key; keys change, and not all in one instant. */
static bool
choose(struct session *s, uint8_t epoch)
{
	const uint8_t *key = s->server ? crypto_key_byte(s->ring, epoch) : NULL;

	if (key == NULL)
		return epoch == s->epoch;
	speak(s, key, epoch);
	return true;
}

static int
on_hello(struct session *s)
{
	uint8_t mac[SESSION_MAC_BYTES], rx_key[KEY_BYTES], shared[KEY_BYTES];
	const uint8_t *of_client = (s->server ? s->head : s->hello) + SALT_AT;
	const uint8_t *of_server = (s->server ? s->hello : s->head) + SALT_AT;

	s->strange = true;
	if (!choose(s, s->head[1]))
		return STREAM_EPOCH;
	hello_mac(s, !s->server, s->head, mac); /* before anything costs */
	if (sodium_memcmp(mac, s->head + MAC_AT, sizeof mac) != 0)
		return STREAM_AUTH;
	s->strange = false;
	if (crypto_shared(s->ring, s->head + PK_AT, shared) < 0)
		return STREAM_AUTH;
	memcpy(s->peer, s->head + PK_AT, KEY_BYTES);
	derive(s, s->tx_key, s->server ? "mesh stream answer" : "mesh stream ask", shared, of_client,
	    of_server);
	derive(s, rx_key, s->server ? "mesh stream ask" : "mesh stream answer", shared, of_client,
	    of_server);
	memcpy(s->key, rx_key, sizeof rx_key); /* until the header is here */
	sodium_memzero(rx_key, sizeof rx_key);
	sodium_memzero(shared, sizeof shared);
	s->phase = AT_HEADER;
	s->need = HEADER_BYTES;
	return SESSION_HELLO;
}

static int
on_header(struct session *s)
{
	if (crypto_secretstream_xchacha20poly1305_init_pull(&s->rx, s->head, s->key) != 0)
		return STREAM_AUTH;
	sodium_memzero(s->key, sizeof s->key);
	s->phase = AT_LEN;
	s->need = LEN_BYTES;
	return SESSION_MORE;
}

static uint32_t
get32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static int
on_len(struct session *s)
{
	uint32_t len = get32(s->head);

	bool first = s->payload == NULL;

	if (len > (first ? SESSION_FIRST_BYTES_MAX : SESSION_FRAME_BYTES_MAX))
		return STREAM_TOO_LARGE;
	if (len < OVER_BYTES || (!first && len - OVER_BYTES > s->payload_len - s->payload_got))
		return STREAM_AUTH; /* a frame beyond its message gets no memory */
	if (!first && (s->frame = malloc(len)) == NULL)
		return STREAM_TOO_LARGE;
	s->frame_len = len;
	s->phase = AT_FRAME;
	s->need = len;
	return SESSION_MORE;
}

/* Plain bytes of one frame, in order: the first begins with the prefix. */
static int
on_plain(struct session *s, const uint8_t *p, size_t len)
{
	if (s->payload == NULL) {
		if (len < PREFIX_BYTES)
			return STREAM_AUTH;
		s->code = p[0];
		s->payload_len = get32(p + 1);
		if (s->payload_len > s->max)
			return STREAM_TOO_LARGE;
		s->payload = malloc(s->payload_len + 1);
		if (s->payload == NULL)
			return STREAM_TOO_LARGE;
		p += PREFIX_BYTES;
		len -= PREFIX_BYTES;
	}
	if (len > s->payload_len - s->payload_got)
		return STREAM_AUTH;
	memcpy(s->payload + s->payload_got, p, len);
	s->payload_got += len;
	return SESSION_MORE;
}

static uint8_t *
frame_of(struct session *s)
{
	return s->payload != NULL ? s->frame : s->first;
}

static int
on_frame(struct session *s)
{
	uint8_t *frame = frame_of(s);
	unsigned long long len;
	uint8_t tag;
	int rc;

	/* In place: the text lies behind the sealed tag byte, and exactly there,
	 * or libsodium's wide loads would read what it has already written. */
	if (crypto_secretstream_xchacha20poly1305_pull(&s->rx, frame + 1, &len, &tag,
	        frame, s->frame_len, s->head, LEN_BYTES) != 0)
		return STREAM_AUTH;
	s->authenticated = true;
	rc = on_plain(s, frame + 1, (size_t)len);
	free(s->frame);
	s->frame = NULL;
	if (rc != SESSION_MORE)
		return rc;
	s->phase = AT_LEN;
	s->need = LEN_BYTES;
	if (tag != crypto_secretstream_xchacha20poly1305_TAG_FINAL)
		return tag == crypto_secretstream_xchacha20poly1305_TAG_MESSAGE && len > 0 ?
		    SESSION_MORE : STREAM_AUTH;
	s->phase = AT_END;
	return s->payload_got == s->payload_len ? SESSION_MESSAGE : STREAM_TRUNCATED;
}

static int
step(struct session *s)
{
	switch (s->phase) {
	case AT_HELLO:
		return on_hello(s);
	case AT_HEADER:
		return on_header(s);
	case AT_LEN:
		return on_len(s);
	default:
		return on_frame(s);
	}
}

int
session_feed(struct session *s, const uint8_t *data, size_t *len)
{
	size_t all = *len, used = 0;
	int rc = SESSION_MORE;

	while (used < all && rc == SESSION_MORE) {
		uint8_t *into = s->phase == AT_FRAME ? frame_of(s) : s->head;
		size_t n = s->need - s->got;

		if (s->phase == AT_END) {
			rc = STREAM_AUTH;
			break;
		}
		/* Who speaks another version may never say as many bytes as this one has. */
		if (s->phase == AT_HELLO && s->got == 0 && data[used] != VERSION) {
			rc = STREAM_AUTH;
			used++;
			break;
		}
		n = n < all - used ? n : all - used;
		memcpy(into + s->got, data + used, n);
		used += n;
		s->got += n;
		if (s->got < s->need)
			break;
		s->got = 0;
		rc = step(s);
	}
	*len = used;
	return rc;
}

void
session_again(struct session *s)
{
	assert(s->phase == AT_END);
	free(s->payload);
	s->payload = NULL;
	s->payload_len = s->payload_got = s->got = 0;
	s->phase = AT_LEN;
	s->need = LEN_BYTES;
}

bool
session_current(const struct session *s)
{
	return s->ring->has_key && (uint8_t)s->ring->epoch == s->epoch;
}

/* --- sending ----------------------------------------------------------------- */

static size_t
frames(size_t len)
{
	size_t more = len > FIRST_PAYLOAD_BYTES ? len - FIRST_PAYLOAD_BYTES : 0;

	return 1 + (more + PLAIN_BYTES_MAX - 1) / PLAIN_BYTES_MAX;
}

size_t
session_sealed_bytes(size_t len)
{
	return HEADER_BYTES + frames(len) * (LEN_BYTES + OVER_BYTES) + PREFIX_BYTES + len;
}

static void
put32(uint8_t *p, size_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

size_t
session_seal(struct session *s, uint8_t code, const void *payload, size_t len, uint8_t *out)
{
	uint8_t plain[PLAIN_BYTES_MAX];
	const uint8_t *from = payload, *start = out;
	size_t at = PREFIX_BYTES, room = FIRST_PAYLOAD_BYTES, left = len;

	assert(s->phase != AT_HELLO);
	if (!s->speaking) {
		crypto_secretstream_xchacha20poly1305_init_push(&s->tx, out, s->tx_key);
		sodium_memzero(s->tx_key, sizeof s->tx_key);
		s->speaking = true;
		out += HEADER_BYTES;
	}
	plain[0] = code;
	put32(plain + 1, len);
	for (bool last = false; !last; at = 0, room = PLAIN_BYTES_MAX) {
		size_t n = left < room ? left : room;

		if (n > 0)
			memcpy(plain + at, from, n);
		from = n > 0 ? from + n : from;
		left -= n;
		last = left == 0;
		put32(out, at + n + OVER_BYTES);
		crypto_secretstream_xchacha20poly1305_push(&s->tx, out + LEN_BYTES, NULL, plain,
		    at + n, out, LEN_BYTES,
		    last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL :
			   crypto_secretstream_xchacha20poly1305_TAG_MESSAGE);
		out += LEN_BYTES + at + n + OVER_BYTES;
	}
	sodium_memzero(plain, sizeof plain);
	return (size_t)(out - start);
}
