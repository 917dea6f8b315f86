/*
 * cantal.h - how cantal keeps its history, written anew from what was published of it,
 * and plainly, to be measured beside ours (metrics.c): sign and 5 bits of a difference,
 * and 7 bits a byte of what is above them; 31 equal values in one byte; no times, they
 * are shared.
 */
#ifndef BENCH_CANTAL_H
#define BENCH_CANTAL_H

#include "../../gossip/base.h"

struct cantal {
	uint8_t *b;
	size_t len;
	int64_t last;
	uint32_t zeros;
	bool begun;
};

static inline void
cantal_flush(struct cantal *c)
{
	if (c->zeros > 0)
		c->b[c->len++] = (uint8_t)(0x40 | c->zeros);
	c->zeros = 0;
}

static inline void
cantal_put(struct cantal *c, int64_t v)
{
	int64_t d = v - c->last;
	uint64_t a = d < 0 ? -(uint64_t)d : (uint64_t)d;

	c->last = v;
	if (!c->begun) { /* the newest is kept as it is */
		c->begun = true;
		c->len = sizeof v;
		return;
	}
	if (d == 0) {
		if (++c->zeros == 31)
			cantal_flush(c);
		return;
	}
	cantal_flush(c);
	c->b[c->len++] = (uint8_t)((d < 0 ? 0x20 : 0) | (a & 0x1f));
	for (a >>= 5; a > 0; a >>= 7)
		c->b[c->len++] = (uint8_t)(0x80 | (a & 0x7f));
}

/* Oldest first, as written here: out has count of them. */
static inline void
cantal_get(const struct cantal *c, int64_t first, int64_t *out, uint32_t count)
{
	size_t at = sizeof first;
	uint32_t n = 0;

	out[n++] = first;
	while (at < c->len && n < count) {
		uint8_t op = c->b[at++];

		if ((op & 0xe0) == 0x40) {
			for (uint32_t z = op & 0x1f; z > 0 && n < count; z--, n++)
				out[n] = out[n - 1];
			continue;
		}
		uint64_t a = op & 0x1f;

		for (unsigned shift = 5; at < c->len && (c->b[at] & 0x80); shift += 7)
			a |= (uint64_t)(c->b[at++] & 0x7f) << shift;
		out[n] = op & 0x20 ? out[n - 1] - (int64_t)a : out[n - 1] + (int64_t)a;
		n++;
	}
	for (; n < count; n++)
		out[n] = out[n - 1];
}

#endif
