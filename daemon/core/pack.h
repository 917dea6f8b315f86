/*
 * pack.h - packing msgpack into a blob of ours: bounded, and the first failure
 * sticks, so a packer reads as a list of fields and is asked once at its end.
 * Private to core.
 */
#ifndef CORE_PACK_H
#define CORE_PACK_H

#include <msgpack/pack.h>

#include "blob.h"

struct pack {
	struct blob out;
	size_t cap, max;
	int err; /* 0, -ERR_LONG (more than max), -ERR_FULL (no memory) */
	msgpack_packer pk;
};

void pack_begin(struct pack *p, size_t max);
/* Move the bytes out, or free them and return the failure. */
MUST_CHECK int pack_end(struct pack *p, struct blob *out);
void pack_drop(struct pack *p);

void pack_map(struct pack *p, size_t count);
void pack_list(struct pack *p, size_t count);
void pack_str(struct pack *p, const char *s);
void pack_strn(struct pack *p, const char *s, size_t len);
void pack_bin(struct pack *p, const void *b, size_t len);
void pack_u64(struct pack *p, uint64_t v);
void pack_i64(struct pack *p, int64_t v);
void pack_real(struct pack *p, double v);
void pack_bool(struct pack *p, bool v);
void pack_nil(struct pack *p);
/* Bytes that are whole msgpack values already. */
void pack_raw(struct pack *p, struct slice v);
/* The same, but an empty slice is an empty map. */
void pack_raw_map(struct pack *p, struct slice v);

#endif
