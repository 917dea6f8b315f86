/*
 * prng.c - xoshiro256** (Blackman, Vigna), seeded by splitmix64.
 */
#include "prng.h"

static uint64_t
rotl(uint64_t x, int k)
{
	return x << k | x >> (64 - k);
}

void
prng_init(struct prng *p, uint64_t seed)
{
	for (size_t i = 0; i < ARRAY_LEN(p->s); i++) {
		p->s[i] = prng_mix(seed);
		seed += UINT64_C(0x9e3779b97f4a7c15);
	}
}

uint64_t
prng_u64(struct prng *p)
{
	uint64_t *s = p->s;
	uint64_t out = rotl(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return out;
}

uint64_t
prng_below(struct prng *p, uint64_t below)
{
	assert(below > 0);
	/* The bias of a plain remainder is below 2^-40 for our small ranges. */
	return prng_u64(p) % below;
}
