/*
 * world_crypto.h - how the nodes of a test world sign, and what one says of
 * itself.
 */
#ifndef TEST_WORLD_CRYPTO_H
#define TEST_WORLD_CRYPTO_H

#include "../../shared/toy.h"
#include "world_seal.h"

static inline void
world_hash(void *arg, struct hash *out, const uint8_t *msg, size_t len)
{
	(void)arg;
	memset(out, 0, sizeof *out);
	memcpy(out->b, msg, len < HASH_BYTES ? len : HASH_BYTES);
	for (size_t i = HASH_BYTES; i < len; i++) /* a key is its own */
		for (size_t k = 0; k < 8; k++)
			out->b[k] = (uint8_t)prng_mix((uint64_t)out->b[k] << 16 | (uint64_t)msg[i] << 8 | k);
}

static inline void
world_sign(void *arg, uint8_t *sig, const uint8_t *msg, size_t len)
{
	uint8_t pk[KEY_BYTES];

	world_pk((uint32_t)((uintptr_t)arg >> 8), pk);
	toy_sig(pk, sig, msg, len);
}

/* arg = the cluster key, and which node this is above it */
static inline struct crypto
world_crypto(uint8_t key, uint32_t i)
{
	return (struct crypto){.arg = (void *)(uintptr_t)(key | i << 8), .seal = world_seal,
	    .open = world_open, .pair = world_pair,
	    .pair_epoch = world_pair_epoch, .key_make = world_key_make,
	    .key_wrap = world_key_wrap, .key_unwrap = world_key_unwrap,
	    .key_peek = world_key_peek, .key_id = world_key_id, .key_move = world_key_move, .key_drop = world_key_drop,
	    .pair_seal = world_pair_seal,
	    .pair_open = world_pair_open, .wipe = world_wipe, .sign = world_sign,
	    .verify = toy_verify, .hash = world_hash};
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
	    .name = o->name, .name_len = strlen(o->name), .addr = toy_addr(i)};
	vouch_sign(&c, cluster, &o->r, o->sig);
	return &o->r;
}

#endif
