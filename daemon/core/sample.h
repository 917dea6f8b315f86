/*
 * sample.h - what a node tells each second, and the difference between two of
 * them: numbers by their place, and rows (a container, an answer to a query) by
 * their key.  The rows' bytes mean nothing here.
 *
 *	+----------+--------+----------------------------------------------------+
 *	| format 1 | base 4 | numbers | gone | rows                              |
 *	+----------+--------+----------------------------------------------------+
 *	numbers  count, then a bit for each that differs from the base's (which
 *	         has 0 where it has none), then of those zigzag(value - base's)
 *	gone     count, then the places of base rows that are no more: each as
 *	         the distance from the one before
 *	rows     count, then of each new or different one, in order of keys: key
 *	         bytes 1, key, value bytes, value
 *
 * base is a version, little endian; 0 = none, the sample is whole.  Counts,
 * distances and lengths are varints (7 bits a byte, lowest first).  An idle
 * node's difference is 5 + 1 + bits + a few bytes.
 */
#ifndef CORE_SAMPLE_H
#define CORE_SAMPLE_H

#include "../../gossip/base.h"

enum {
	SAMPLE_NUMBERS_MAX = 512,
	SAMPLE_ROWS_MAX = 4096,
	SAMPLE_KEY_MAX = 255,
	SAMPLE_VALUE_MAX = 1000,
	SAMPLE_BYTES_MAX = 64000, /* of a whole one, packed */
};

struct sample_row {
	uint32_t off; /* of its key in bytes; the value follows */
	uint16_t key_len, len;
};

/* Zeroed = an empty one. */
struct sample {
	uint32_t version; /* the caller's; 0 = not told yet */
	uint32_t numbers_count, rows_count;
	int64_t *numbers;	 /* owned, malloc'd */
	struct sample_row *rows; /* by key, rising */
	uint8_t *bytes;
	size_t len, cap;
	size_t packed; /* never more bytes than this, whole */
};

void sample_free(struct sample *s);
/* The next number; -ERR_FULL (memory too), -ERR_LONG: it would not fit SAMPLE_BYTES_MAX. */
MUST_CHECK int sample_number(struct sample *s, int64_t value);
/* A row whose key comes after all there are, else -ERR_RANGE (also for a length);
 * -ERR_FULL, -ERR_LONG as above.  Both are copied. */
MUST_CHECK int sample_row(struct sample *s, const void *key, size_t key_len, const void *value,
    size_t len);
/* Bytes that a row may still take, key and value and a few for their lengths. */
size_t sample_room(const struct sample *s);
const uint8_t *sample_value(const struct sample *s, uint32_t row, size_t *len);
bool sample_eq(const struct sample *a, const struct sample *b); /* versions aside */

/* s as a difference to base, or whole (NULL).  0: more than cap; whole it always
 * fits SAMPLE_BYTES_MAX. */
size_t sample_pack(const struct sample *s, const struct sample *base, uint8_t *out, size_t cap);
/* Which version these bytes come from; 0 = none.  -ERR_MALFORMED, -ERR_VERSION. */
MUST_CHECK int sample_base(const uint8_t *buf, size_t len, uint32_t *base);
/* *out (zeroed; sample_free) = base and the difference.  base is NULL exactly when
 * sample_base says 0, else -ERR_UNKNOWN: its version is not the one named.
 * -ERR_MALFORMED, -ERR_RANGE, -ERR_LONG, -ERR_FULL: *out stays empty. */
MUST_CHECK int sample_read(const uint8_t *buf, size_t len, const struct sample *base,
    struct sample *out);

#endif
