/*
 * prng.h - xoshiro256**: same seed, same numbers, on every compiler.  A few of its
 * numbers tell the seed and all others: what leaves this node is draw.h's.
 */
#ifndef GOSSIP_PRNG_H
#define GOSSIP_PRNG_H

#include "base.h"

struct prng {
	uint64_t s[4];
};

void prng_init(struct prng *p, uint64_t seed);
uint64_t prng_u64(struct prng *p);
/* 0..below-1, below >= 1. */
uint64_t prng_below(struct prng *p, uint64_t below);

/* A good 64-bit mixer (splitmix64's): for hashes that only need to differ. */
static inline uint64_t
prng_mix(uint64_t z)
{
	z += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

#endif
