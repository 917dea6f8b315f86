/*
 * bits.h - numbers written bit by bit, the highest first: fixed widths, Rice's code and
 * the exponential code of Golomb's kind (Teuhola 1978), each with a parameter k:
 *
 *	rice(k)   x >> k in unary (ones, then a zero), then the k low bits; from
 *		  BITS_RICE_MAX ones on: 6 bits of length - 1, then x as it is
 *	expo(k)   (x >> k) + 1: as many zeros as it has bits less one, then it, then the k
 *		  low bits
 *
 * A reader wants BITS_PAD bytes it may look at after the last one; who reads on gets
 * whatever, and never leaves them.
 */
#ifndef CORE_BITS_H
#define CORE_BITS_H

#include "../../gossip/base.h"

enum { BITS_PAD = 16, BITS_RICE_MAX = 24 };

struct bits_out {
	uint8_t *at;
	uint64_t held; /* the low `fill` bits are not written yet */
	unsigned fill; /* < 8 between calls */
};

struct bits_in {
	const uint8_t *b;
	uint64_t pos, end; /* in bits */
};

static inline unsigned
bits_length(uint64_t x)
{
	return x == 0 ? 0 : 64 - (unsigned)__builtin_clzll(x);
}

/* n <= 32 low bits of v; the others are 0. */
static inline void
bits_put(struct bits_out *o, uint64_t v, unsigned n)
{
	o->held = o->held << n | v;
	o->fill += n;
	while (o->fill >= 8) {
		o->fill -= 8;
		*o->at++ = (uint8_t)(o->held >> o->fill);
	}
}

static inline void
bits_put_long(struct bits_out *o, uint64_t v, unsigned n)
{
	if (n > 32) {
		bits_put(o, v >> 32, n - 32);
		n = 32;
		v &= UINT32_MAX;
	}
	bits_put(o, v, n);
}

static inline void
bits_put_rice(struct bits_out *o, uint64_t x, unsigned k)
{
	uint64_t q = x >> k;

	if (q >= BITS_RICE_MAX) {
		unsigned n = bits_length(x);

		bits_put(o, (UINT64_C(1) << BITS_RICE_MAX) - 1, BITS_RICE_MAX);
		bits_put(o, n - 1, 6);
		bits_put_long(o, x, n);
		return;
	}
	bits_put(o, (UINT64_C(1) << (q + 1)) - 2, (unsigned)q + 1);
	bits_put_long(o, x & ((UINT64_C(1) << k) - 1), k);
}

static inline void
bits_put_expo(struct bits_out *o, uint64_t x, unsigned k)
{
	uint64_t v = (x >> k) + 1;
	unsigned n = bits_length(v);

	bits_put_long(o, 0, n - 1);
	bits_put_long(o, v, n);
	bits_put_long(o, x & ((UINT64_C(1) << k) - 1), k);
}

/* The last bits; where the next byte is to be. */
static inline uint8_t *
bits_end(struct bits_out *o)
{
	if (o->fill > 0)
		bits_put(o, 0, 8 - o->fill);
	return o->at;
}

/* At least 57 bits from here on, at the top. */
static inline uint64_t
bits_peek(const struct bits_in *in)
{
	uint64_t w, pos = in->pos < in->end ? in->pos : in->end;

	memcpy(&w, in->b + (pos >> 3), sizeof w);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	w = __builtin_bswap64(w);
#endif
	return w << (pos & 7);
}

/* n <= 57. */
static inline uint64_t
bits_get(struct bits_in *in, unsigned n)
{
	uint64_t w = bits_peek(in);

	in->pos += n;
	return n == 0 ? 0 : w >> (64 - n);
}

static inline uint64_t
bits_get_long(struct bits_in *in, unsigned n)
{
	uint64_t high = 0;

	if (n > 32) {
		high = bits_get(in, n - 32) << 32;
		n = 32;
	}
	return high | bits_get(in, n);
}

static inline uint64_t
bits_get_rice(struct bits_in *in, unsigned k)
{
	uint64_t w = ~bits_peek(in);
	unsigned q = w == 0 ? 64 : (unsigned)__builtin_clzll(w);

	if (q >= BITS_RICE_MAX) {
		in->pos += BITS_RICE_MAX;
		return bits_get_long(in, (unsigned)bits_get(in, 6) + 1);
	}
	in->pos += q + 1;
	return (uint64_t)q << k | bits_get_long(in, k);
}

static inline uint64_t
bits_get_expo(struct bits_in *in, unsigned k)
{
	unsigned n = 0;
	uint64_t w = bits_peek(in);

	if (w >> 32 == 0) { /* rare: more than 32 zeros */
		in->pos += 32;
		n = 32;
		w = bits_peek(in);
	}
	w |= UINT64_C(1) << 31; /* whatever the bytes are, it ends */
	n += (unsigned)__builtin_clzll(w);
	in->pos += (unsigned)__builtin_clzll(w);
	w = bits_get_long(in, n < 64 ? n + 1 : 64) - 1;
	return w << k | bits_get_long(in, k);
}

#endif
