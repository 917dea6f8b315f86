/*
 * base.h - the words every room of the house shares: time, identity, errors.
 *
 * Time is always passed in, in milliseconds of the caller's monotonic clock;
 * MSEC_NEVER means "no deadline".  Ids order as byte strings.
 */
#ifndef GOSSIP_BASE_H
#define GOSSIP_BASE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef NDEBUG
#error "assertions are part of the product: never build with NDEBUG"
#endif

#define MUST_CHECK __attribute__((warn_unused_result))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

typedef int64_t msec;
#define MSEC_NEVER INT64_MAX

enum {
	ID_BYTES = 16,	     /* first 16 bytes of BLAKE2b(public key) */
	SHORT_ID_BYTES = 8,  /* prefix of the id; names the sender of a frame */
	KEY_BYTES = 32,	     /* cluster key, Ed25519 public key */
	SIG_BYTES = 64,	     /* Ed25519 signature */
	SALT_BYTES = 16,     /* drawn at every start: two of them make a session */
	HASH_BYTES = 32,     /* BLAKE2b-256 */
	NAME_BYTES_MAX = 63, /* [a-z0-9][a-z0-9_.-]{0,62} */
	NAME_CAP = 64,	     /* a name and its NUL */
	DGRAM_BYTES_MAX = 1232,
};

struct node_id {
	uint8_t b[ID_BYTES];
};

struct hash {
	uint8_t b[HASH_BYTES];
};

/* IPv6, or IPv4 as ::ffff:a.b.c.d; port in host order.  port 0 = none. */
struct addr {
	uint8_t ip[16];
	uint16_t port;
};

/* Orders schedules: term, then leader, then seq.  All zero = none yet. */
struct stamp {
	uint64_t term;
	struct node_id leader;
	uint64_t seq;
};

/* Outside bytes that were refused; returned as negative values, counted. */
#define ERRORS(X)                                                              \
	X(SHORT, "packet too short")                                           \
	X(LONG, "packet too long")                                             \
	X(VERSION, "unknown protocol version")                                 \
	X(AUTH, "not authenticated")                                           \
	X(REPLAY, "replayed")                                                  \
	X(MALFORMED, "malformed")                                              \
	X(BAD_ADDRESS, "impossible address")                                   \
	X(IDENTITY, "another host uses this identity")                         \
	X(FULL, "table full")                                                  \
	X(RANGE, "value out of range")                                         \
	X(UNKNOWN, "unknown")                                                  \
	X(EVICTED, "evicted from this cluster")                                \
	X(QUORUM, "no majority would be left")                                 \
	X(NOT_LEADER, "not the leader, or its lease is over")                  \
	X(CERT, "no certificate of this cluster")                              \
	X(EXPIRED, "token expired")                                            \
	X(SPENT, "token used up")                                              \
	X(NO_VOTE, "no vote in this cluster yet")                              \
	X(STRANGER, "not known there as a member")                             \
	X(NO_WAY, "not reached from there either")                             \
	X(CLAIM, "a claim that cannot be true")

enum {
	ERR_NONE_ = 0,
#define X(name, text) ERR_##name,
	ERRORS(X)
#undef X
	    ERR_COUNT
};

static inline int
id_cmp(const struct node_id *a, const struct node_id *b)
{
	return memcmp(a->b, b->b, ID_BYTES);
}

static inline bool
id_eq(const struct node_id *a, const struct node_id *b)
{
	return id_cmp(a, b) == 0;
}

static inline bool
addr_eq(const struct addr *a, const struct addr *b)
{
	return a->port == b->port && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

static inline int
stamp_cmp(const struct stamp *a, const struct stamp *b)
{
	if (a->term != b->term)
		return a->term < b->term ? -1 : 1;
	int c = id_cmp(&a->leader, &b->leader);
	if (c != 0)
		return c < 0 ? -1 : 1;
	if (a->seq != b->seq)
		return a->seq < b->seq ? -1 : 1;
	return 0;
}

static inline bool
hash_eq(const struct hash *a, const struct hash *b)
{
	return memcmp(a->b, b->b, HASH_BYTES) == 0;
}

#endif
