/*
 * seriescode_in.h - what the packer and the reader of blocks share (seriescode.h).
 */
#ifndef CORE_SERIESCODE_IN_H
#define CORE_SERIESCODE_IN_H

#include "seriescode.h"

/* The first byte of a block. */
enum {
	CODE_FORM = 0x03,
	CODE_TICKS = 0x04, /* not plain */
	CODE_ODD = 0x08,
	CODE_MARKS = 0x10,
	CODE_BY = 0x20,
	CODE_ORDER_SHIFT = 6,
};

/* first is the least value; the first value, then differences, as signed numbers in a
 * row of unsigned ones (0, -1, 1, -2 ...); the first value, the least difference, then
 * differences above it; the first value and difference, then differences of those. */
enum code_order { CODE_ABOVE, CODE_DELTA, CODE_DELTA_ABOVE, CODE_DELTA2, CODE_ORDERS };

/* How numbers are written: two bytes of a body, with the scale. */
struct code_way {
	bool rice, sparse; /* sparse: zeros before each that is none, as expo(kz) */
	unsigned k, kz;
};

static inline uint64_t
zig(int64_t v)
{
	return (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0);
}

static inline int64_t
zag(uint64_t v)
{
	return (int64_t)(v >> 1 ^ (v & 1 ? UINT64_MAX : 0));
}

static inline uint8_t *
put_varint(uint8_t *at, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		*at++ = (uint8_t)v | 0x80;
	*at++ = (uint8_t)v;
	return at;
}

/* At most 10 bytes, whatever they are. */
static inline uint64_t
take_varint(const uint8_t **at)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t c = *(*at)++;

		v |= (uint64_t)(c & 0x7f) << shift;
		if (c < 0x80)
			break;
	}
	return v;
}

#endif
