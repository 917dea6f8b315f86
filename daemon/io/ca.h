/*
 * ca.h - the CA of a cluster, for the program that an operator runs (`mesh`): it signs
 * where ca.key lies, and no daemon ever reads that file.  The bytes are in
 * gossip/{cert,token,decree}.h.
 */
#ifndef IO_CA_H
#define IO_CA_H

#include "../../gossip/decree.h"
#include "../../gossip/token.h"
#include "../base/err.h"

#define CA_FILE "ca.key"

struct ca {
	uint8_t pk[KEY_BYTES];
	uint8_t sk[64];
};

/* libsodium's hash, verify and wipe, for reading certificates and tokens; call it
 * before everything else here.  EXIT_ENVIRONMENT. */
MUST_CHECK int ca_crypto(struct crypto *out, struct err *err);
/* 32 raw bytes, mode 0600, a regular file of root's or of who asks: the engine writes into
 * the state directory too, and must not choose the CA.  EXIT_KEY. */
MUST_CHECK int ca_open(const char *path, struct ca *out, struct err *err);
/* A new dir/ca.key, durable.  With `again` the one that is there, if there is one; with
 * `fresh`, of a node that never was in a cluster, one that was made here and got no further;
 * else that is EXIT_KEY: two clusters must not share a CA.  EXIT_STATE. */
MUST_CHECK int ca_make(const char *dir, bool again, bool fresh, struct ca *out, struct err *err);
void ca_wipe(struct ca *ca);

/* uses 1..CERT_USES_MAX; zone "" = any.  *out is secret. */
void ca_token(const struct ca *ca, uint64_t expiry_s, uint32_t uses, const char *zone,
    struct token *out);
/* By a token that token_read took; how many bytes. */
size_t ca_certify(const struct token *t, const uint8_t *pk, const char *name, const char *zone,
    uint8_t out[CERT_BYTES_MAX]);
/* An operator's order in the cluster of this CA (gossip/decree.h). */
void ca_sign_act(const struct ca *ca, const char *act, const uint8_t *body, size_t len,
    uint8_t sig[SIG_BYTES]);

#endif
