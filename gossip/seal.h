/*
 * seal.h - one sealed datagram: who sent it, when in its life, and that it is
 * one of ours.
 *
 *	pair: everything that is said
 *	 0       1       2               10              18
 *	 +-------+-------+---------------+---------------+----//----+-----+
 *	 |version| epoch | sender short 8| counter 8     | body     | tag |
 *	 +-------+-------+---------------+---------------+----//----+-----+
 *
 *	bare: a cluster key for who has not yet the one in use (keys.h)
 *	 0       1       2               10              18
 *	 +-------+-------+---------------+---------------+----//----+
 *	 |version| epoch | sender short 8| counter 8     | body     |
 *	 +-------+-------+---------------+---------------+----//----+
 *
 *	shared: how two nodes come to a pair of keys (pair.h), or one into a cluster
 *	 0       1       2               10              18              42
 *	 +-------+-------+---------------+---------------+---------------+----//----+-----+
 *	 |version| epoch | sender short 8| counter 8     | nonce 24      | body     | tag |
 *	 +-------+-------+---------------+---------------+---------------+----//----+-----+
 *
 * Integers are big-endian.  A pair frame is ChaCha20-Poly1305 under the key of
 * its direction with the counter as nonce; a shared one XChaCha20-Poly1305 under
 * the cluster key with a random nonce: a key that many hold never meets a
 * counter.  The additional data is the header and the 16-byte cluster id, so
 * another cluster that shares the key is a stranger.  The top bits of epoch name
 * the form, the others are the low ones of the epoch of the cluster key; a JOIN
 * and its answer are under the key in use, whatever they are.  A bare frame has
 * no tag: its body is sealed to one identity, and signed.  SEAL_JOIN is a shared one "outside any cluster": the id counts as all
 * zero, and only JOIN messages travel that way.  counter = generation << 36 | n,
 * so it rises over restarts.  A frame is authenticated before anything in it is
 * read.
 */
#ifndef GOSSIP_SEAL_H
#define GOSSIP_SEAL_H

#include "base.h"
#include "crypto.h"
#include "draw.h"
#include "wire.h"

enum {
	SEAL_VERSION = 1, /* of introductions, for good: they grow by fields (wire.h) */
	SEAL_EPOCHS = 64, /* as far as a header tells them apart */
	SEAL_FORM_MASK = 0xc0,
	SEAL_HEADER_BYTES = 18,
	SEAL_OVERHEAD = SEAL_HEADER_BYTES + SEAL_TAG_BYTES,
	SEAL_BODY_MAX = DGRAM_BYTES_MAX - SEAL_OVERHEAD,
	SEAL_SHARED_HEADER_BYTES = SEAL_HEADER_BYTES + SEAL_NONCE_BYTES,
	SEAL_SHARED_OVERHEAD = SEAL_SHARED_HEADER_BYTES + SEAL_TAG_BYTES,
	SEAL_SHARED_BODY_MAX = DGRAM_BYTES_MAX - SEAL_SHARED_OVERHEAD,
	SEAL_BARE_MAX = 768, /* a whole frame */
	SEAL_COUNTER_BITS = 36,
	SEAL_WINDOW_BITS = 1024,
};

enum seal_form { SEAL_PAIR = 0, SEAL_SHARED = 0x40, SEAL_JOIN = 0x80, SEAL_BARE = 0xc0 };

struct seal {
	struct crypto crypto;
	struct draw nonces;
	uint64_t self; /* short id */
	uint8_t cluster[ID_BYTES];
	uint64_t counter; /* of the next frame */
	uint32_t epoch;	  /* of the cluster key in use */
	struct wire_range wire; /* what this node reads under a pair's key */
	uint8_t version;  /* of the next frame under one */
};

struct seal_frame {
	uint64_t sender; /* short id */
	uint64_t counter;
	enum seal_form form;
	uint8_t version;
	uint32_t epoch; /* as far as the header tells it; the caller may complete it */
};

/* Which of a sender's last SEAL_WINDOW_BITS counters were seen. */
struct seal_window {
	uint64_t top;
	/* One word more than the window: the one at the top is not whole. */
	uint64_t bits[SEAL_WINDOW_BITS / 64 + 1];
};

/* The first 8 bytes of an id, as a number that orders like the bytes. */
uint64_t seal_short(const struct node_id *id);
/* seed is for who gives nonces no better key than that. */
void seal_init(struct seal *s, const struct crypto *crypto, const struct node_id *self,
    const uint8_t *cluster, uint64_t generation, uint64_t seed);
/* Where the body begins. */
static inline size_t
seal_header_bytes(enum seal_form form)
{
	return form == SEAL_PAIR || form == SEAL_BARE ? SEAL_HEADER_BYTES :
							SEAL_SHARED_HEADER_BYTES;
}
/* buf holds the body at seal_header_bytes already; returns the whole length.
 * key is the pair's, and borrowed; of the other forms NULL. */
size_t seal_close(struct seal *s, enum seal_form form, const uint8_t *key, uint8_t *buf,
    size_t body_bytes);
/* The header alone, not yet to be believed.  -ERR_SHORT, -ERR_LONG, -ERR_AUTH. */
MUST_CHECK int seal_read(const uint8_t *buf, size_t len, struct seal_frame *frame);
/* Checks seal and version of what seal_read has read.  body holds SEAL_BODY_MAX.
 * -ERR_AUTH, -ERR_VERSION. */
MUST_CHECK int seal_open(struct seal *s, const struct seal_frame *frame, const uint8_t *key,
    const uint8_t *buf, size_t len, uint8_t *body, size_t *body_bytes);
/* The body of a bare frame, which anybody may have made up: to the end of buf.
 * 0 or -ERR_VERSION. */
MUST_CHECK int seal_bare(const struct seal_frame *frame, const uint8_t **body, const uint8_t *buf);
/* 0 and remembered, or -ERR_REPLAY: seen, or older than the window. */
MUST_CHECK int seal_fresh(struct seal_window *w, uint64_t counter);

#endif
