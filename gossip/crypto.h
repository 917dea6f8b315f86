/*
 * crypto.h - the cryptography a machine is given, as a struct of functions.
 * The daemon fills it from libsodium (daemon/io/crypto.c), the simulator with
 * keyed hashes.  Functions never block, never allocate, and borrow every
 * pointer for the call only.
 */
#ifndef GOSSIP_CRYPTO_H
#define GOSSIP_CRYPTO_H

#include "base.h"

enum {
	SEAL_NONCE_BYTES = 24,
	SEAL_TAG_BYTES = 16,
	KEY_BOX_BYTES = KEY_BYTES + 48, /* a cluster key, sealed to an identity */
};

struct crypto {
	void *arg;
	/* XChaCha20-Poly1305-IETF under the cluster key of that epoch (keys.h).  out
	 * holds len + SEAL_TAG_BYTES; in and out may be the same buffer. */
	void (*seal)(void *arg, uint32_t epoch, uint8_t *out, const uint8_t *in, size_t len,
	    const uint8_t *ad, size_t ad_len, const uint8_t *nonce);
	/* len includes the tag; out holds len - SEAL_TAG_BYTES.
	 * 0, or -ERR_AUTH and out untouched: also when no such key is held. */
	int (*open)(void *arg, uint32_t epoch, uint8_t *out, const uint8_t *in, size_t len,
	    const uint8_t *ad, size_t ad_len, const uint8_t *nonce);
	/*
	 * The two secrets that this node and the owner of pk share, one for each
	 * direction: X25519 of both identities, and who the two are in this life:
	 * me and peer are id 16 | salt 16 each.  0, or -ERR_AUTH when pk is no key.
	 */
	int (*pair)(void *arg, uint8_t *tx, uint8_t *rx, const uint8_t *pk, const uint8_t *me,
	    const uint8_t *peer);
	/* The key that such a secret gives under the cluster key of that epoch, in a
	 * microsecond.  0, or -ERR_AUTH when none is held. */
	int (*pair_epoch)(void *arg, uint32_t epoch, uint8_t *key, const uint8_t *secret);
	/* ChaCha20-Poly1305-IETF under such a key; the nonce is the counter.
	 * As seal and open; out is undefined when it does not open. */
	void (*pair_seal)(void *arg, const uint8_t *key, uint8_t *out, const uint8_t *in,
	    size_t len, const uint8_t *ad, size_t ad_len, uint64_t counter);
	int (*pair_open)(void *arg, const uint8_t *key, uint8_t *out, const uint8_t *in,
	    size_t len, const uint8_t *ad, size_t ad_len, uint64_t counter);
	/*
	 * Cluster keys live behind these functions; three epochs in a row are held at
	 * most, and another of the same place modulo three takes its place.
	 * key_make draws one; key_wrap seals one to the identity pk (X25519 from
	 * Ed25519, an ephemeral key): 0 or -ERR_AUTH; key_unwrap opens what was sealed
	 * to this node and holds it: 0, or -ERR_AUTH and nothing changed; key_peek opens
	 * it and holds nothing: the id of what is in it, or 0; key_id is 8
	 * bytes of its hash, 0 when none of that epoch is held; key_move renames the
	 * one of epoch from; key_drop wipes one.
	 */
	void (*key_make)(void *arg, uint32_t epoch);
	int (*key_wrap)(void *arg, uint32_t epoch, const uint8_t *pk, uint8_t *box);
	int (*key_unwrap)(void *arg, uint32_t epoch, const uint8_t *box);
	uint64_t (*key_peek)(void *arg, const uint8_t *box);
	uint64_t (*key_id)(void *arg, uint32_t epoch);
	void (*key_move)(void *arg, uint32_t from, uint32_t to);
	void (*key_drop)(void *arg, uint32_t epoch);
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
