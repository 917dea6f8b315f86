/*
 * secret.h - sealed secrets, in lithos' form:
 *
 *   v2:KEY:NAMESPACE:SECRET:SEALED
 *
 * SEALED is base64 of a sealed box (crypto_box_seal) of "namespace:secret" for
 * an ed25519 key turned to curve25519; the three before it are base64 of 6 bytes
 * of BLAKE2b: of the public key, the namespace and the secret.
 */
#ifndef CONF_SECRET_H
#define CONF_SECRET_H

#include "../base/err.h"

#define SECRET_FORM "v2:KEY:NAMESPACE:SECRET:SEALED"

enum {
	SECRET_KEY_BYTES_MAX = 64 << 10,
	SECRET_ITEMS_BYTES_MAX = 128 << 10,
	SECRET_OUT_BYTES_MAX = 128 << 10,
	SECRET_KEYS_MAX = 16, /* in one file */
};

/* Has it the form?  What is in it can't be seen without the key. */
bool secret_sealed_ok(const char *text, size_t len);

/* Before doors are shut: it asks for random bytes. */
MUST_CHECK int secret_begin(struct err *err);

/*
 * items: strings, each with its NUL:
 *   namespace TEXT                   one that may be opened
 *   file NAME                        where those after it are from
 *   secret LINE COL VARIABLE SEALED [SEALED...]   the first that opens counts
 * key: OpenSSH's private keys, ed25519, without a passphrase.
 * Fills out (SECRET_OUT_BYTES_MAX) with VARIABLE=VALUE, each with its NUL.
 * -EXIT_CONFIG, with no byte of a secret in the line.
 */
MUST_CHECK int secret_open(const char *items, size_t len, const char *key, size_t key_len,
    char *out, size_t *out_len, struct err *err);

#endif
