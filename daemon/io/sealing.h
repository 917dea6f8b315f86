/*
 * sealing.h - a secret for a container file, in lithos' form (daemon/conf/secret.h
 * opens it).  Only the public half of the key is needed.
 */
#ifndef IO_SEALING_H
#define IO_SEALING_H

#include "../base/err.h"

enum { SEALING_BYTES_MAX = 32 << 10, SEALING_NAMESPACE_MAX = 255, SEALING_TEXT_CAP = 48 << 10 };

/* The namespace a container file may name: [A-Za-z0-9_.-], or "". */
bool sealing_namespace_ok(const char *ns);

/*
 * key: the line of OpenSSH's NAME.pub, of an ed25519 key.  out: NUL-terminated.
 * EXIT_CONFIG: not such a line; the secret is in no error.
 */
MUST_CHECK int sealing(const char *key, const char *ns, const uint8_t *secret, size_t len,
    char out[SEALING_TEXT_CAP], struct err *err);

#endif
