/*
 * crypto.h - libsodium behind the machines' struct crypto, and the secrets a
 * running engine holds.  The one place where keys live; whoever copies one
 * wipes it (sodium_memzero) as well.
 */
#ifndef IO_CRYPTO_H
#define IO_CRYPTO_H

#include "../../gossip/crypto.h"
#include "../base/err.h"

enum { CRYPTO_SK_BYTES = 64 };

enum { CRYPTO_SPARES = 3 };

struct agreed;

struct keyring {
	uint8_t key[KEY_BYTES]; /* the cluster key in use; valid if has_key */
	bool has_key;		/* false: not a member of a cluster yet */
	uint32_t epoch;		/* its number (gossip/keys.h) */
	struct keyring_spare {	/* the one before it, the next; the rest is zero */
		bool has;
		uint32_t epoch;
		uint8_t key[KEY_BYTES];
	} spare[CRYPTO_SPARES];
	uint8_t pk[KEY_BYTES];	/* this node's Ed25519 identity */
	uint8_t sk[CRYPTO_SK_BYTES];
	struct agreed *agreed; /* borrowed; NULL: what is shared is computed each time */
	struct addr from; /* where its streams come from, port 0; any = as the kernel likes */
};

/* Once, before everything else here.  EXIT_ENVIRONMENT without randomness. */
MUST_CHECK int crypto_init(struct err *err);
/* *out borrows k for as long as it is used; k's key may come later.  Without a
 * key, seal writes zeroes (never plaintext) and open fails with -ERR_AUTH. */
void crypto_fill(struct crypto *out, struct keyring *k);
/* The key of that epoch, or NULL. */
const uint8_t *crypto_key(const struct keyring *k, uint32_t epoch);
/* Of the epochs whose low 8 bits are these: a stream's hello has no more. */
const uint8_t *crypto_key_byte(const struct keyring *k, uint8_t low);
/* From now on k->key is the one of that epoch, which is held. */
void crypto_key_use(struct keyring *k, uint32_t epoch);
/* What this identity and the one of that public key share and nobody else can make
 * (X25519), remembered in k->agreed; whoever has it wipes it.  -ERR_AUTH: pk is no key. */
MUST_CHECK int crypto_shared(const struct keyring *k, const uint8_t pk[KEY_BYTES],
    uint8_t out[KEY_BYTES]);
/* Read the 32 raw bytes of a key file that is already open; fd is borrowed and
 * read from offset 0.  name is for the error line.  EXIT_KEY when it is not a
 * regular file of mode 0600 (or 0400), not 32 bytes long, or all zero. */
MUST_CHECK int crypto_key_read(int fd, const char *name, uint8_t key[KEY_BYTES],
    struct err *err);

void crypto_random(void *out, size_t len);
/* Zeroes what was secret. */
void crypto_wipe(void *p, size_t len);
/* All secrets of it, and what is remembered with it. */
void crypto_keyring_wipe(struct keyring *k);
uint64_t crypto_random64(void);
/* BLAKE2b-256. */
void crypto_hash256(struct hash *out, const void *msg, size_t len);

#endif
