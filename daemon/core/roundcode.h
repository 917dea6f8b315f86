/*
 * roundcode.h - a round of the scheduler as it is kept on the leader's disk: all that went
 * into meshd-script and all that came out of it, so that it can be run again.
 *
 *	 0      4      8      12     16       24      28      32        64           64+body
 *	 +------+------+------+------+--------+-------+-------+---------+------------+--------+
 *	 | MRN1 | body | plain| index| at ms  | flags | zero  | code 32 | body bytes | sum 32 |
 *	 +------+------+------+------+--------+-------+-------+---------+------------+--------+
 *	numbers little-endian, of 4 bytes, at ms of 8; sum = BLAKE2b-256 of all before it
 *	flags  1: the body is a delta to the record before it in the same file (index - 1)
 *	       2: the body is a script tree, and code its own hash
 *	code   BLAKE2b-256 of the script tree as meshd-script gets it: {path: text}
 *	body   one zstd frame (daemon/io/roundzip.h) of `plain` bytes:
 *
 *	[1, heap bytes, CPU ms, output bytes, ok, ms it took, fate, why, error, excerpt, log,
 *	 meshd's version, bin result, bin input]
 *
 * A file is such records one behind the other, index 0, 1, 2 ...; a crash leaves at most
 * the last one short, which is no record then.  What is read here lay on a disk, or was
 * sent by somebody: every number is checked before it is used.
 */
#ifndef CORE_ROUNDCODE_H
#define CORE_ROUNDCODE_H

#include "../../gossip/crypto.h"
#include "blob.h"

enum {
	ROUND_HEAD_BYTES = 64,
	ROUND_FRAME_BYTES = ROUND_HEAD_BYTES + HASH_BYTES, /* of a record, besides its body */
	ROUND_PLAIN_BYTES_MAX = 96 << 20, /* what meshd-script may get, and give, and a little */
};

enum round_fate {
	ROUND_ISSUED,  /* a new schedule; why: its stamp */
	ROUND_SAME,    /* nothing changed */
	ROUND_FAILED,  /* the script, or its answer was refused; why */
	ROUND_GIVEN_UP, /* the office was shaky; why */
	ROUND_FATES,
};

struct round_head {
	uint32_t body_bytes, plain_bytes, index;
	uint64_t at_ms; /* wall clock of the leader, at its end */
	bool delta, is_code;
	struct hash code;
};

/* All slices are borrowed. */
struct round_rec {
	uint64_t heap_bytes, cpu_ms, output_bytes; /* the limits it ran in */
	bool ok;				   /* the script gave an answer */
	uint32_t ms;
	enum round_fate fate;
	struct slice why, error, excerpt, log, version; /* texts of any bytes */
	struct slice result; /* ok: one packed value; else empty */
	struct slice input;  /* one packed value */
};

const char *round_fate_name(enum round_fate f);

/* The first ROUND_HEAD_BYTES of a record. */
void round_head_write(uint8_t out[ROUND_HEAD_BYTES], const struct round_head *h);
/* 0, or -ERR_SHORT (fewer than ROUND_HEAD_BYTES), -ERR_MALFORMED, -ERR_RANGE. */
MUST_CHECK int round_head_read(struct round_head *h, const uint8_t *buf, size_t len);
/* The sum over head and body, which stand in one piece before it. */
void round_sum(uint8_t out[HASH_BYTES], const uint8_t *buf, size_t len, const struct crypto *c);
/* One whole record at buf: 0 and *body, which borrows; used = its bytes in all.  -ERR_SHORT: it
 * is not all there; -ERR_AUTH: its sum is another. */
MUST_CHECK int round_open(struct round_head *h, struct slice *body, size_t *used,
    const uint8_t *buf, size_t len, const struct crypto *c);

/* The plain bytes.  0, or -ERR_LONG, -ERR_FULL (no memory). */
MUST_CHECK int round_pack(const struct round_rec *r, struct blob *out);
/* 0, or a negative ERR_.  Whether result and input are whole values is checked too. */
MUST_CHECK int round_read(struct round_rec *r, const uint8_t *buf, size_t len);

#endif
