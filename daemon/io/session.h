/*
 * session.h - the bytes of one stream connection, without a socket: what
 * arrives is fed in, what is to be sent is sealed out.  Private to stream.
 *
 *   hello     u8 version 2 | u8 low byte of the cluster key's epoch | 32 random bytes
 *             | 32 public key of its identity
 *             | 16 BLAKE2b of which side it is and all that, keyed by the
 *             cluster key                                                 each side, once
 *   then, each way:
 *   header    24 bytes of secretstream
 *   frame     u32 bytes (17..65536, of the first one 17..512) | sealed; the 4 bytes
 *             are authenticated too
 *   message   u8 code | u32 bytes | payload, over as many frames as it takes;
 *             the last has TAG_FINAL.  Little-endian.
 *
 * One message each way.  A connection that is kept (stream.h) takes more of them, by turns:
 * each is frames of the same two secretstreams, without a header, so none of an earlier
 * turn opens again.  TAG_FINAL has made a new key by then (libsodium: it rekeys).
 *
 * The first frame is short, so that nobody who has not shown the cluster key makes
 * this node ask for memory: it has its place in struct session.  Those after it are no
 * longer than what its message still lacks.
 *
 * The key of a direction is BLAKE2b-256 of (direction, what both identities share by
 * X25519, client's salt and key, server's salt and key) keyed by the cluster key:
 * nothing that was ever recorded opens again, and the first frame that opens proves
 * both the cluster key and the identity, to either side.  A stranger's hello costs one
 * hash, about 1 us: only who has the key, or repeats what a member once said, makes a
 * node compute an X25519, 0.1 ms; what a server says to anybody opens no server.  Version
 * 1 had no hash; its first byte ends it.
 */
#ifndef IO_SESSION_H
#define IO_SESSION_H

#include <sodium.h>

#include "crypto.h"

enum {
	SESSION_SALT_BYTES = 32,
	SESSION_MAC_BYTES = 16,
	SESSION_HELLO_BYTES = 2 + SESSION_SALT_BYTES + KEY_BYTES + SESSION_MAC_BYTES,
	SESSION_FRAME_BYTES_MAX = 64 << 10, /* sealed */
	SESSION_FIRST_BYTES_MAX = 512,
};

/* What session_feed says; errors are negative stream_rc. */
enum { SESSION_MORE = 0, SESSION_HELLO = 1, SESSION_MESSAGE = 2 };

struct session {
	bool server, authenticated;
	bool strange; /* its hello was one, under another key */
	int phase;
	uint8_t key[KEY_BYTES]; /* the cluster's, until the keys are made */
	uint8_t epoch;
	const struct keyring *ring; /* borrowed: a server takes any key of it */
	uint8_t peer[KEY_BYTES]; /* who the other side says it is; is, when authenticated */
	uint8_t hello[SESSION_HELLO_BYTES]; /* mine */
	uint8_t tx_key[KEY_BYTES]; /* until tx is */
	bool speaking;		   /* tx is */
	crypto_secretstream_xchacha20poly1305_state tx;
	crypto_secretstream_xchacha20poly1305_state rx;
	uint8_t head[SESSION_HELLO_BYTES]; /* hello, header, length */
	uint8_t first[SESSION_FIRST_BYTES_MAX]; /* the frame that proves who this is */
	uint8_t *frame;		     /* those after it; owned */
	size_t need, got, frame_len;
	uint8_t code;		     /* of the message that arrived */
	uint8_t *payload;	     /* owned; NULL until its first frame */
	size_t payload_len, payload_got;
	size_t max;
};

/* As the identity of that ring, under its key in use; a server under any that it has.
 * max: payload bytes accepted.  Draws a salt. */
void session_init(struct session *s, const struct keyring *ring, bool server, size_t max);
void session_free(struct session *s);
void session_hello(const struct session *s, uint8_t out[SESSION_HELLO_BYTES]);
/*
 * Feed up to *len bytes; *len becomes how many were taken.  SESSION_HELLO: the
 * peer's hello is here, session_seal may be used.  SESSION_MESSAGE: code and
 * payload are complete.  Else SESSION_MORE, or an error, and the connection is
 * to be closed: any byte after the message is one, until session_again.
 */
int session_feed(struct session *s, const uint8_t *data, size_t *len);
/* Bytes that session_seal writes, at most. */
size_t session_sealed_bytes(size_t len);
/* The whole message: its bytes.  After SESSION_HELLO, and once more after each
 * session_again. */
size_t session_seal(struct session *s, uint8_t code, const void *payload, size_t len,
    uint8_t *out);
/* After a SESSION_MESSAGE, which is freed: one more may come. */
void session_again(struct session *s);
/* Its cluster key is still the one in use. */
bool session_current(const struct session *s);

#endif
