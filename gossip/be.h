/*
 * be.h - numbers on the wire: 1 to 8 bytes, most significant first.
 */
#ifndef GOSSIP_BE_H
#define GOSSIP_BE_H

#include "base.h"

/* The low n bytes of v. */
static inline void
be_put(uint8_t *p, uint64_t v, size_t n)
{
	for (size_t i = n; i-- > 0; v >>= 8)
		p[i] = (uint8_t)v;
}

static inline uint64_t
be_get(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

#endif
