/*
 * blob.h - bytes with an owner (blob) and bytes without one (slice): how
 * packed msgpack values travel between the rooms of core and to the engine.
 */
#ifndef CORE_BLOB_H
#define CORE_BLOB_H

#include "../../gossip/base.h"

/* Owned, malloc'd; b NULL and len 0 = nothing.  A zeroed one is valid. */
struct blob {
	uint8_t *b;
	size_t len;
};

/* Borrowed. */
struct slice {
	const uint8_t *b;
	size_t len;
};

void blob_free(struct blob *b);
/* Copy; 0 or -ERR_FULL (no memory).  An empty slice makes an empty blob. */
MUST_CHECK int blob_copy(struct blob *out, struct slice from);

static inline struct slice
blob_slice(const struct blob *b)
{
	return (struct slice){b->b, b->len};
}

/* Behind its last byte; of none where it begins, which may be NULL (to that C adds nothing). */
static inline const uint8_t *
slice_end(struct slice s)
{
	return s.len > 0 ? s.b + s.len : s.b;
}

static inline bool
slice_eq(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.b, b.b, a.len) == 0);
}

#endif
