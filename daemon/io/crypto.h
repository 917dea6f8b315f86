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

struct keyring {
	uint8_t key[KEY_BYTES]; /* the cluster key; valid if has_key */
	bool has_key;		/* false: not a member of a cluster yet */
	uint8_t pk[KEY_BYTES];	/* this node's Ed25519 identity */
	uint8_t sk[CRYPTO_SK_BYTES];
};

/* Once, before everything else here.  EXIT_ENVIRONMENT without randomness. */
MUST_CHECK int crypto_init(struct err *err);
/* *out borrows k for as long as it is used; k's key may come later.  Without a
 * key, seal writes zeroes (never plaintext) and open fails with -ERR_AUTH. */
void crypto_fill(struct crypto *out, struct keyring *k);
/* Read the 32 raw bytes of a key file that is already open; fd is borrowed and
 * read from offset 0.  name is for the error line.  EXIT_KEY when it is not a
 * regular file of mode 0600 (or 0400), not 32 bytes long, or all zero. */
MUST_CHECK int crypto_key_read(int fd, const char *name, uint8_t key[KEY_BYTES],
    struct err *err);

void crypto_random(void *out, size_t len);
uint64_t crypto_random64(void);
/* BLAKE2b-256. */
void crypto_hash256(struct hash *out, const void *msg, size_t len);

#endif
