/*
 * draw.h - numbers that others see and must not foretell: nonces of shared frames,
 * tokens, and by what hash sources are told apart.
 *
 * A key, and from it by one hash each what is handed out and the next key; so what
 * was handed out leads neither back nor on ("fast key erasure", Bernstein 2017).
 * The first key comes from the secret and the salt that the operating system's
 * randomness gave this start, so in the simulator the same seed draws the same
 * numbers.  What nobody sees, or everybody may foretell, is prng.h's.
 */
#ifndef GOSSIP_DRAW_H
#define GOSSIP_DRAW_H

#include "crypto.h"

struct draw {
	uint8_t key[KEY_BYTES];
	uint64_t n; /* how often */
};

/* secret KEY_BYTES, salt SALT_BYTES. */
void draw_init(struct draw *d, const struct crypto *c, const uint8_t *secret, const uint8_t *salt);
/* At most HASH_BYTES. */
void draw_bytes(struct draw *d, const struct crypto *c, uint8_t *out, size_t len);
uint64_t draw_u64(struct draw *d, const struct crypto *c);

#endif
