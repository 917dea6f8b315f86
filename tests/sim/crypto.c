/*
 * crypto.c - keyed hashes where the daemon has libsodium: they authenticate
 * against every accident the simulator can cause, in a tenth of the time.
 * Nothing is hidden; nobody listens.
 */
#include "sim.h"

static uint64_t
absorb(uint64_t h, const uint8_t *p, size_t len)
{
	uint64_t w;

	for (; len >= 8; p += 8, len -= 8) {
		w = 0;
		for (int i = 0; i < 8; i++)
			w = w << 8 | p[i];
		h = (h ^ w) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
	}
	w = len;
	while (len > 0)
		w = w << 8 | p[--len];
	return prng_mix(h ^ w);
}

static void
tag(uint8_t *out, const uint8_t *in, size_t len, const uint8_t *ad, size_t ad_len,
    const uint8_t *nonce)
{
	uint64_t a = absorb(absorb(absorb(1, ad, ad_len), nonce, SEAL_NONCE_BYTES), in, len);
	uint64_t b = prng_mix(a);

	for (int i = 0; i < 8; i++, a >>= 8, b >>= 8) {
		out[i] = (uint8_t)a;
		out[i + 8] = (uint8_t)b;
	}
}

static void
sim_seal(void *arg, uint8_t *out, const uint8_t *in, size_t len, const uint8_t *ad, size_t ad_len,
    const uint8_t *nonce)
{
	(void)arg;
	memmove(out, in, len);
	tag(out + len, out, len, ad, ad_len, nonce);
}

static int
sim_open(void *arg, uint8_t *out, const uint8_t *in, size_t len, const uint8_t *ad, size_t ad_len,
    const uint8_t *nonce)
{
	uint8_t want[SEAL_TAG_BYTES];

	(void)arg;
	if (len < SEAL_TAG_BYTES)
		return -ERR_AUTH;
	len -= SEAL_TAG_BYTES;
	tag(want, in, len, ad, ad_len, nonce);
	if (memcmp(want, in + len, SEAL_TAG_BYTES) != 0)
		return -ERR_AUTH;
	memmove(out, in, len);
	return 0;
}

static void
sim_hash(void *arg, struct hash *out, const uint8_t *msg, size_t len)
{
	uint64_t h = absorb(2, msg, len);

	(void)arg;
	for (size_t k = 0; k < HASH_BYTES; k++, h = k % 8 == 0 ? prng_mix(h) : h)
		out->b[k] = (uint8_t)(h >> k % 8 * 8);
}

/* arg: the signer's public key. */
static void
sim_sign(void *arg, uint8_t *sig, const uint8_t *msg, size_t len)
{
	uint64_t h = absorb(absorb(3, arg, KEY_BYTES), msg, len);

	for (size_t k = 0; k < SIG_BYTES; k++, h = k % 8 == 0 ? prng_mix(h) : h)
		sig[k] = (uint8_t)(h >> k % 8 * 8);
}

static bool
sim_verify(void *arg, const uint8_t *pk, const uint8_t *sig, const uint8_t *msg, size_t len)
{
	uint8_t want[SIG_BYTES], key[KEY_BYTES];

	(void)arg;
	memcpy(key, pk, sizeof key);
	sim_sign(key, want, msg, len);
	return memcmp(want, sig, SIG_BYTES) == 0;
}

void
sim_identity(struct sim_node *n, struct prng *rng)
{
	struct hash h;

	for (size_t k = 0; k < KEY_BYTES; k++)
		n->pk[k] = (uint8_t)prng_u64(rng);
	sim_hash(NULL, &h, n->pk, KEY_BYTES);
	memcpy(n->id.b, h.b, ID_BYTES);
}

void
sim_crypto(struct crypto *c, struct sim_node *n)
{
	*c = (struct crypto){.arg = n->pk, .seal = sim_seal, .open = sim_open, .hash = sim_hash,
	    .sign = sim_sign, .verify = sim_verify};
}
