/*
 * crypto.h - the cryptography a machine is given, as a struct of functions.
 * The daemon fills it from libsodium (daemon/io/crypto.c), the simulator with
 * keyed hashes.  Functions never block, never allocate, and borrow every
 * pointer for the call only.
 */
#ifndef GOSSIP_CRYPTO_H
#define GOSSIP_CRYPTO_H

#include "base.h"

enum { SEAL_NONCE_BYTES = 24, SEAL_TAG_BYTES = 16 };

struct crypto {
	void *arg;
	/* XChaCha20-Poly1305-IETF under the cluster key.  out holds
	 * len + SEAL_TAG_BYTES; in and out may be the same buffer. */
	void (*seal)(void *arg, uint8_t *out, const uint8_t *in, size_t len,
	    const uint8_t *ad, size_t ad_len, const uint8_t *nonce);
	/* len includes the tag; out holds len - SEAL_TAG_BYTES.
	 * 0, or -ERR_AUTH and out untouched. */
	int (*open)(void *arg, uint8_t *out, const uint8_t *in, size_t len,
	    const uint8_t *ad, size_t ad_len, const uint8_t *nonce);
	/*
	 * The two keys that this node and the owner of pk share, one for each
	 * direction: X25519 of both identities, the cluster key, and who the two
	 * are in this life: me and peer are id 16 | salt 16 each.
	 * 0, or -ERR_AUTH when pk is no key, or this node has none.
	 */
	int (*pair)(void *arg, uint8_t *tx, uint8_t *rx, const uint8_t *pk, const uint8_t *me,
	    const uint8_t *peer);
	/* ChaCha20-Poly1305-IETF under such a key; the nonce is the counter.
	 * As seal and open; out is undefined when it does not open. */
	void (*pair_seal)(void *arg, const uint8_t *key, uint8_t *out, const uint8_t *in,
	    size_t len, const uint8_t *ad, size_t ad_len, uint64_t counter);
	int (*pair_open)(void *arg, const uint8_t *key, uint8_t *out, const uint8_t *in,
	    size_t len, const uint8_t *ad, size_t ad_len, uint64_t counter);
	/* Zeroes what was secret, whatever the compiler thinks of it. */
	void (*wipe)(void *arg, void *p, size_t len);
	/* Ed25519 under this node's identity. */
	void (*sign)(void *arg, uint8_t *sig, const uint8_t *msg, size_t len);
	bool (*verify)(void *arg, const uint8_t *pk, const uint8_t *sig,
	    const uint8_t *msg, size_t len);
	/* BLAKE2b-256. */
	void (*hash)(void *arg, struct hash *out, const uint8_t *msg, size_t len);
};

#endif
