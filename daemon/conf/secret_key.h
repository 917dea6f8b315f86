/*
 * secret_key.h - the key file: OpenSSH's private keys.
 */
#ifndef CONF_SECRET_KEY_H
#define CONF_SECRET_KEY_H

#include "secret.h"

enum { SECRET_HASH_CAP = 9 };

struct secret_key {
	uint8_t public[32], private[32]; /* curve25519 */
	char hash[SECRET_HASH_CAP];	 /* of the ed25519 public key */
};

struct secret_keys {
	size_t count;
	struct secret_key key[SECRET_KEYS_MAX];
};

/* 48 bits of BLAKE2b in base64. */
void secret_hash(char out[SECRET_HASH_CAP], const uint8_t *bytes, size_t len);

/* At least one, or -EXIT_CONFIG.  Wipe it. */
MUST_CHECK int secret_keys_parse(
    struct secret_keys *out, const char *text, size_t len, struct err *err);

#endif
