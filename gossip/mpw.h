/*
 * mpw.h - msgpack-c packing into the caller's fixed buffer.
 *
 * What does not fit sets `full` and is dropped; the caller looks at it once at
 * the end (or before and after an optional item, to roll len back).
 */
#ifndef GOSSIP_MPW_H
#define GOSSIP_MPW_H

#include "base.h"

struct mpw {
	uint8_t *buf; /* borrowed */
	size_t cap, len;
	bool full;
};

void mpw_init(struct mpw *w, uint8_t *buf, size_t cap);
void mpw_nil(struct mpw *w);
void mpw_bool(struct mpw *w, bool v);
void mpw_uint(struct mpw *w, uint64_t v);
void mpw_int(struct mpw *w, int64_t v);
void mpw_double(struct mpw *w, double v);
void mpw_str(struct mpw *w, const char *s, size_t len);
void mpw_cstr(struct mpw *w, const char *s);
void mpw_bin(struct mpw *w, const void *p, size_t len);
void mpw_array(struct mpw *w, uint32_t count);
void mpw_map(struct mpw *w, uint32_t count);
/* Bytes that already are msgpack. */
void mpw_raw(struct mpw *w, const void *p, size_t len);

#endif
