/*
 * gorilla.h - Pelkonen and others, Gorilla, VLDB 2015, written anew and plainly, to be
 * measured beside ours (metrics.c): 4.1.1, differences of differences of times, and
 * 4.1.2, values' bits by exclusive or.
 */
#ifndef BENCH_GORILLA_H
#define BENCH_GORILLA_H

#include "../../daemon/core/bits.h"

struct gorilla {
	struct bits_out o;
	uint8_t *b;
	int64_t tick, delta;
	uint64_t last;
	unsigned lead, trail;
	bool begun;
};

static inline void
gorilla_time(struct gorilla *g, int64_t tick)
{
	int64_t d = tick - g->tick, dd = d - g->delta;

	if (dd == 0) {
		bits_put(&g->o, 0, 1);
	} else if (dd >= -63 && dd <= 64) {
		bits_put(&g->o, 2, 2);
		bits_put(&g->o, (uint64_t)(dd + 63), 7);
	} else if (dd >= -255 && dd <= 256) {
		bits_put(&g->o, 6, 3);
		bits_put(&g->o, (uint64_t)(dd + 255), 9);
	} else {
		bits_put(&g->o, 15, 4);
		bits_put(&g->o, (uint64_t)dd & UINT32_MAX, 32);
	}
	g->delta = d;
	g->tick = tick;
}

static inline void
gorilla_put(struct gorilla *g, int64_t tick, uint64_t bits)
{
	uint64_t x = bits ^ g->last;

	g->last = bits;
	if (!g->begun) {
		g->begun = true;
		g->o.at = g->b;
		bits_put_long(&g->o, (uint64_t)tick, 64);
		bits_put_long(&g->o, bits, 64);
		g->tick = tick;
		g->delta = 1;
		g->lead = 65;
		return;
	}
	gorilla_time(g, tick);
	if (x == 0) {
		bits_put(&g->o, 0, 1);
		return;
	}
	unsigned lead = (unsigned)__builtin_clzll(x), trail = (unsigned)__builtin_ctzll(x);

	lead = lead > 31 ? 31 : lead;
	if (g->lead <= 64 && lead >= g->lead && trail >= g->trail) {
		bits_put(&g->o, 2, 2);
	} else {
		bits_put(&g->o, 3, 2);
		bits_put(&g->o, lead, 5);
		bits_put(&g->o, 63 - lead - trail, 6);
		g->lead = lead;
		g->trail = trail;
	}
	bits_put_long(&g->o, x >> g->trail, 64 - g->lead - g->trail);
}

static inline int64_t
gorilla_next_time(struct bits_in *in, int64_t *delta, int64_t tick)
{
	if (bits_get(in, 1) != 0) {
		if (bits_get(in, 1) == 0)
			*delta += (int64_t)bits_get(in, 7) - 63;
		else if (bits_get(in, 1) == 0)
			*delta += (int64_t)bits_get(in, 9) - 255;
		else
			*delta += (int32_t)(bits_get(in, 33) & UINT32_MAX);
	}
	return tick + *delta;
}

static inline void
gorilla_get(const struct gorilla *g, int64_t *ticks, uint64_t *out, uint32_t count)
{
	struct bits_in in = {.b = g->b, .end = (uint64_t)(g->o.at - g->b) * 8};
	unsigned lead = 0, width = 64;
	int64_t delta = 1;

	ticks[0] = (int64_t)bits_get_long(&in, 64);
	out[0] = bits_get_long(&in, 64);
	for (uint32_t i = 1; i < count; i++) {
		ticks[i] = gorilla_next_time(&in, &delta, ticks[i - 1]);
		out[i] = out[i - 1];
		if (bits_get(&in, 1) == 0)
			continue;
		if (bits_get(&in, 1) == 1) {
			lead = (unsigned)bits_get(&in, 5);
			width = (unsigned)bits_get(&in, 6) + 1;
		}
		out[i] ^= bits_get_long(&in, width) << (64 - lead - width);
	}
}

#endif
