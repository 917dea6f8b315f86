/*
 * toy_crypto.h - hashes and signatures that a fuzzer can make itself: what is
 * behind a signature must be fuzzed too, since a leader may be the enemy.
 */
#ifndef FUZZ_TOY_CRYPTO_H
#define FUZZ_TOY_CRYPTO_H

#include <stdlib.h>

#include "../shared/toy.h"
#include "toy_keys.h"

static inline void
toy_hash(void *arg, struct hash *out, const uint8_t *msg, size_t len)
{
	(void)arg;
	for (uint64_t lane = 0; lane < 4; lane++) {
		uint64_t h = UINT64_C(0xcbf29ce484222325) + lane;

		for (size_t i = 0; i < len; i++)
			h = (h ^ msg[i]) * UINT64_C(0x100000001b3);
		memcpy(out->b + lane * 8, &h, 8);
	}
}

static inline void
anyones_sign(void *arg, uint8_t *sig, const uint8_t *msg, size_t len)
{
	struct hash h;

	toy_hash(arg, &h, msg, len);
	memcpy(sig, h.b, HASH_BYTES);
	memset(sig + HASH_BYTES, 0, SIG_BYTES - HASH_BYTES);
}

/* Of any key: whose it is stands in what is signed, for the fuzzer to choose. */
static inline bool
anyones_verify(void *arg, const uint8_t *pk, const uint8_t *sig, const uint8_t *msg, size_t len)
{
	struct hash h;

	(void)pk;
	toy_hash(arg, &h, msg, len);
	return memcmp(h.b, sig, HASH_BYTES) == 0;
}

/* Seals that always open: what lies behind them is what is fuzzed. */
static inline void
copy_seal(void *arg, uint32_t epoch, uint8_t *out, const uint8_t *in, size_t len, const uint8_t *ad, size_t ad_len,
    const uint8_t *nonce)
{
	(void)arg, (void)epoch, (void)ad, (void)ad_len, (void)nonce;
	memmove(out, in, len);
	memset(out + len, 0, SEAL_TAG_BYTES);
}

static inline int
copy_open(void *arg, uint32_t epoch, uint8_t *out, const uint8_t *in, size_t len, const uint8_t *ad, size_t ad_len,
    const uint8_t *nonce)
{
	(void)arg, (void)epoch, (void)ad, (void)ad_len, (void)nonce;
	memmove(out, in, len - SEAL_TAG_BYTES);
	return 0;
}

static inline int
copy_pair(void *arg, uint8_t *tx, uint8_t *rx, const uint8_t *pk, const uint8_t *me,
    const uint8_t *peer)
{
	(void)arg, (void)pk, (void)me, (void)peer;
	memset(tx, 0, KEY_BYTES);
	memset(rx, 0, KEY_BYTES);
	return 0;
}

static inline void
copy_pair_seal(void *arg, const uint8_t *key, uint8_t *out, const uint8_t *in, size_t len,
    const uint8_t *ad, size_t ad_len, uint64_t counter)
{
	(void)key, (void)counter;
	copy_seal(arg, 0, out, in, len, ad, ad_len, NULL);
}

static inline int
copy_pair_open(void *arg, const uint8_t *key, uint8_t *out, const uint8_t *in, size_t len,
    const uint8_t *ad, size_t ad_len, uint64_t counter)
{
	(void)key, (void)counter;
	return copy_open(arg, 0, out, in, len, ad, ad_len, NULL);
}

static inline void
toy_wipe(void *arg, void *p, size_t len)
{
	(void)arg;
	memset(p, 0, len);
}

/* What is behind a signature must be reached too: most are good. */
static inline bool
most_verify(void *arg, const uint8_t *pk, const uint8_t *sig, const uint8_t *msg, size_t len)
{
	(void)arg, (void)pk, (void)msg, (void)len;
	return sig[0] != 0;
}

static inline void
ones_sign(void *arg, uint8_t *sig, const uint8_t *msg, size_t len)
{
	(void)arg, (void)msg, (void)len;
	memset(sig, 1, SIG_BYTES);
}

static const struct crypto copying = {.seal = copy_seal, .open = copy_open, .pair = copy_pair,
    .pair_epoch = copy_pair_epoch, .key_make = copy_key, .key_drop = copy_key,
    .key_move = copy_key_move, .key_wrap = copy_key_wrap, .key_unwrap = copy_key_unwrap,
    .key_peek = copy_key_peek, .key_id = copy_key_id,
    .pair_seal = copy_pair_seal, .pair_open = copy_pair_open, .wipe = toy_wipe, .hash = toy_hash,
    .sign = ones_sign, .verify = most_verify};

static const struct crypto toy_crypto = {
    .sign = anyones_sign, .verify = anyones_verify, .hash = toy_hash};

static inline void
must(bool ok)
{
	if (!ok)
		abort();
}

#endif
