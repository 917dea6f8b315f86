/*
 * world_crypto.h - how the nodes of a test world sign, and what one says of
 * itself.
 */
#ifndef TEST_WORLD_CRYPTO_H
#define TEST_WORLD_CRYPTO_H

#include "world_seal.h"

static inline void
world_hash(void *arg, struct hash *out, const uint8_t *msg, size_t len)
{
	(void)arg;
	memset(out, 0, sizeof *out);
	memcpy(out->b, msg, len < HASH_BYTES ? len : HASH_BYTES);
}

static inline void
world_sig(const uint8_t *pk, uint8_t *sig, const uint8_t *msg, size_t len)
{
	uint64_t h = 99;

	for (size_t i = 0; i < KEY_BYTES; i++)
		h = prng_mix(h ^ pk[i]);
	for (size_t i = 0; i < len; i++)
		h = prng_mix(h ^ msg[i]);
	for (size_t i = 0; i < SIG_BYTES; i++)
		sig[i] = (uint8_t)prng_mix(h + i);
}

static inline void
world_sign(void *arg, uint8_t *sig, const uint8_t *msg, size_t len)
{
	uint8_t pk[KEY_BYTES];

	world_pk((uint32_t)((uintptr_t)arg >> 8), pk);
	world_sig(pk, sig, msg, len);
}

static inline bool
world_verify(void *arg, const uint8_t *pk, const uint8_t *sig, const uint8_t *msg, size_t len)
{
	uint8_t want[SIG_BYTES];

	(void)arg;
	world_sig(pk, want, msg, len);
	return memcmp(want, sig, SIG_BYTES) == 0;
}

/* arg = the cluster key, and which node this is above it */
static inline struct crypto
world_crypto(uint8_t key, uint32_t i)
{
	return (struct crypto){.arg = (void *)(uintptr_t)(key | i << 8), .seal = world_seal,
	    .open = world_open, .pair = world_pair, .pair_seal = world_pair_seal,
	    .pair_open = world_pair_open, .wipe = world_wipe, .sign = world_sign,
	    .verify = world_verify, .hash = world_hash};
}

static inline struct addr
world_addr(uint32_t i)
{
	struct addr a = {.port = 7780};

	a.ip[10] = a.ip[11] = 0xff;
	a.ip[12] = 127;
	a.ip[15] = (uint8_t)(i + 1);
	return a;
}

/* What node i says of itself in its life `generation`, signed. */
struct world_record {
	struct rumour r;
	uint8_t pk[KEY_BYTES], sig[SIG_BYTES];
	char name[NAME_CAP];
};

static inline struct rumour *
world_says(const uint8_t *cluster, struct world_record *o, uint32_t i, enum mesh_state state,
    uint64_t generation, uint64_t incarnation)
{
	struct crypto c = world_crypto(7, i);

	world_pk(i, o->pk);
	snprintf(o->name, sizeof o->name, "n%u", i);
	o->r = (struct rumour){.state = state, .generation = generation,
	    .incarnation = incarnation, .is_long = true, .pk = o->pk, .sig = o->sig,
	    .name = o->name, .name_len = strlen(o->name), .addr = world_addr(i)};
	vouch_sign(&c, cluster, &o->r, o->sig);
	return &o->r;
}

#endif
