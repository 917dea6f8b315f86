/*
 * seal.h - one sealed datagram: who sent it, when in its life, and that it is
 * one of ours.
 *
 *	 0       1       2               10              18              42
 *	 +-------+-------+---------------+---------------+---------------+----//----+-----+
 *	 |version| epoch | sender short 8| counter 8     | nonce 24      | body     | tag |
 *	 +-------+-------+---------------+---------------+---------------+----//----+-----+
 *
 * Integers are big-endian.  The additional data of the AEAD is the header and
 * the 16-byte cluster id, so another cluster that shares the key is a stranger.
 * epoch SEAL_JOIN means "outside any cluster": the id counts as all zero, and
 * only JOIN messages travel that way.  counter = generation << 36 | n, so it
 * rises over restarts.  A frame is authenticated before anything in it is read.
 */
#ifndef GOSSIP_SEAL_H
#define GOSSIP_SEAL_H

#include "base.h"
#include "crypto.h"
#include "prng.h"

enum {
	SEAL_VERSION = 0, /* no promise of compatibility before version 1 */
	SEAL_EPOCH = 0,
	SEAL_JOIN = 0x80,
	SEAL_HEADER_BYTES = 18 + SEAL_NONCE_BYTES,
	SEAL_OVERHEAD = SEAL_HEADER_BYTES + SEAL_TAG_BYTES,
	SEAL_BODY_MAX = DGRAM_BYTES_MAX - SEAL_OVERHEAD,
	SEAL_COUNTER_BITS = 36,
	SEAL_WINDOW_BITS = 1024,
};

struct seal {
	struct crypto crypto;
	struct prng rng;
	uint64_t self; /* short id */
	uint8_t cluster[ID_BYTES];
	uint64_t counter; /* of the next frame */
};

struct seal_frame {
	uint64_t sender; /* short id */
	uint64_t counter;
	bool join;
	uint8_t version;
};

/* Which of a sender's last SEAL_WINDOW_BITS counters were seen. */
struct seal_window {
	uint64_t top;
	/* One word more than the window: the one at the top is not whole. */
	uint64_t bits[SEAL_WINDOW_BITS / 64 + 1];
};

/* The first 8 bytes of an id, as a number that orders like the bytes. */
uint64_t seal_short(const struct node_id *id);
void seal_init(struct seal *s, const struct crypto *crypto, const struct node_id *self,
    const uint8_t *cluster, uint64_t generation, uint64_t seed);
/* buf holds the body at SEAL_HEADER_BYTES already; returns the whole length.
 * body_bytes <= SEAL_BODY_MAX. */
size_t seal_close(struct seal *s, bool join, uint8_t *buf, size_t body_bytes);
/* Checks length, seal and version.  body holds SEAL_BODY_MAX.
 * -ERR_SHORT, -ERR_LONG, -ERR_AUTH, -ERR_VERSION. */
MUST_CHECK int seal_open(struct seal *s, const uint8_t *buf, size_t len,
    struct seal_frame *frame, uint8_t *body, size_t *body_bytes);
/* 0 and remembered, or -ERR_REPLAY: seen, or older than the window. */
MUST_CHECK int seal_fresh(struct seal_window *w, uint64_t counter);

#endif
