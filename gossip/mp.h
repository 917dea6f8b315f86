/*
 * mp.h - a bounded reader of msgpack, for bytes that may be hostile.
 *
 * A cursor over a borrowed buffer: it allocates nothing, never reads past the
 * end, refuses a container that claims more items than bytes are left, and a
 * nesting deeper than the caller allows (so a recursive caller is bounded too).
 * msgpack-c asks malloc for 4 GiB when it is shown five bad bytes; this cannot.
 *
 *	struct mp r;
 *	uint32_t n;
 *	mp_init(&r, buf, len, 4);
 *	if ((rc = mp_array(&r, &n)) < 0 || n != 2 || ...)
 *	...
 *	return mp_end(&r);
 *
 * Every reader returns 0 and moves on, or a negative ERR_ and stays where it
 * was: -ERR_MALFORMED for broken or unexpected bytes, -ERR_RANGE for a number
 * that does not fit or a nesting too deep.  Strings and binaries point into
 * the buffer, have no NUL and may hold any byte.
 */
#ifndef GOSSIP_MP_H
#define GOSSIP_MP_H

#include "base.h"

enum { MP_DEPTH_MAX = 64 };

enum mp_type {
	MP_NONE, /* end of buffer, or a byte that starts nothing */
	MP_NIL,
	MP_BOOL,
	MP_INT,	   /* any integer, signed or not */
	MP_DOUBLE, /* float or double */
	MP_STR,
	MP_BIN,
	MP_ARRAY,
	MP_MAP,
	MP_EXT, /* can only be skipped */
};

struct mp {
	const uint8_t *buf; /* borrowed */
	size_t len, off;
	int depth, depth_max;	     /* open containers; how many may be */
	uint32_t left[MP_DEPTH_MAX]; /* items still to come, per container */
};

/* depth_max: 0..MP_DEPTH_MAX containers inside each other. */
void mp_init(struct mp *r, const uint8_t *buf, size_t len, int depth_max);
enum mp_type mp_peek(const struct mp *r);

MUST_CHECK int mp_nil(struct mp *r);
MUST_CHECK int mp_bool(struct mp *r, bool *out);
MUST_CHECK int mp_uint(struct mp *r, uint64_t *out); /* RANGE when negative */
MUST_CHECK int mp_uint_max(struct mp *r, uint64_t max, uint64_t *out);
MUST_CHECK int mp_int(struct mp *r, int64_t *out); /* RANGE above INT64_MAX */
MUST_CHECK int mp_double(struct mp *r, double *out); /* takes integers too */
MUST_CHECK int mp_str(struct mp *r, const char **s, size_t *len);
MUST_CHECK int mp_bin(struct mp *r, const uint8_t **p, size_t *len);
/* A string of 1..cap-1 bytes without NUL, copied and NUL-terminated. */
MUST_CHECK int mp_cstr(struct mp *r, char *dst, size_t cap);
/* A binary of exactly len bytes, copied. */
MUST_CHECK int mp_bytes(struct mp *r, uint8_t *dst, size_t len);
/* Opens a container: count items follow (2 x count for a map). */
MUST_CHECK int mp_array(struct mp *r, uint32_t *count);
MUST_CHECK int mp_map(struct mp *r, uint32_t *count);

/* Any value as it comes, by one look at it; of a container its opening.  For who reads
 * millions of them and asks for no type. */
struct mp_value {
	enum mp_type type;
	bool negative;	  /* MP_INT: n is an int64_t in disguise */
	uint64_t n;	  /* the number, 0 or 1, bytes at p, items of the container */
	double d;	  /* MP_DOUBLE */
	const uint8_t *p; /* MP_STR, MP_BIN, MP_EXT: borrowed */
};
MUST_CHECK int mp_next(struct mp *r, struct mp_value *out);
/* One whole value of any type. */
MUST_CHECK int mp_skip(struct mp *r);
/* 0 when every container is complete and no byte is left over. */
MUST_CHECK int mp_end(const struct mp *r);

#endif
