/*
 * toy_crypto.h - hashes and signatures that a fuzzer can make itself: what is
 * behind a signature must be fuzzed too, since a leader may be the enemy.
 */
#ifndef FUZZ_TOY_CRYPTO_H
#define FUZZ_TOY_CRYPTO_H

#include <stdlib.h>

#include "../../gossip/crypto.h"

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
toy_sign(void *arg, uint8_t *sig, const uint8_t *msg, size_t len)
{
	struct hash h;

	toy_hash(arg, &h, msg, len);
	memcpy(sig, h.b, HASH_BYTES);
	memset(sig + HASH_BYTES, 0, SIG_BYTES - HASH_BYTES);
}

static inline bool
toy_verify(void *arg, const uint8_t *pk, const uint8_t *sig, const uint8_t *msg, size_t len)
{
	uint8_t want[SIG_BYTES];

	(void)pk;
	toy_sign(arg, want, msg, len);
	return memcmp(want, sig, SIG_BYTES) == 0;
}

static const struct crypto toy_crypto = {
    .sign = toy_sign, .verify = toy_verify, .hash = toy_hash};

static inline void
must(bool ok)
{
	if (!ok)
		abort();
}

#endif
