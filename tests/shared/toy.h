/*
 * toy.h - addresses and signatures of made-up nodes: what every test can make
 * itself.  The real ones are tested with the code that fills struct crypto.
 */
#ifndef TEST_TOY_H
#define TEST_TOY_H

#include "../../gossip/crypto.h"
#include "../../gossip/prng.h"

/* 127.0.0.(i + 1), port 7780 */
static inline struct addr
toy_addr(uint32_t i)
{
	struct addr a = {.port = 7780};

	a.ip[10] = a.ip[11] = 0xff;
	a.ip[12] = 127;
	a.ip[15] = (uint8_t)(i + 1);
	return a;
}

/* Whoever knows a public key can sign for it. */
static inline void
toy_sig(const uint8_t *pk, uint8_t *sig, const uint8_t *msg, size_t len)
{
	uint64_t h = 99;

	for (size_t i = 0; i < KEY_BYTES; i++)
		h = prng_mix(h ^ pk[i]);
	for (size_t i = 0; i < len; i++)
		h = prng_mix(h ^ msg[i]);
	for (size_t i = 0; i < SIG_BYTES; i++)
		sig[i] = (uint8_t)prng_mix(h + i);
}

static inline bool
toy_verify(void *arg, const uint8_t *pk, const uint8_t *sig, const uint8_t *msg, size_t len)
{
	uint8_t want[SIG_BYTES];

	(void)arg;
	toy_sig(pk, want, msg, len);
	return memcmp(want, sig, SIG_BYTES) == 0;
}

#endif
