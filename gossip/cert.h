/*
 * cert.h - who may be a member of a cluster that has a CA (DESIGN §4): the CA signs a
 * delegation to a token's key, and that key signs a node's certificate.  So any node
 * can check a newcomer with nothing but the CA's public key, and the CA may be away.
 *
 *	delegation
 *	 0           32         40      42     43
 *	 +-----------+----------+-------+------+--------+----------+
 *	 | token 32  | expiry 8 | uses 2| n 1  | zone n | CA sig 64|
 *	 +-----------+----------+-------+------+--------+----------+
 *	signed = "mesh token 1" | cluster 16 | all before the signature
 *
 *	certificate
 *	 +------------+-----+--------+-----+--------+-------------+
 *	 | delegation | n 1 | name n | n 1 | zone n | token sig 64|
 *	 +------------+-----+--------+-----+--------+-------------+
 *	signed = "mesh node 1" | cluster 16 | node's key 32 | all before the signature
 *
 *	cluster = first 16 bytes of BLAKE2b-256("mesh cluster 1" | CA's key 32)
 *
 * Big-endian; token is an Ed25519 public key, and the token's identity; expiry is in
 * seconds of UNIX time, uses 1..CERT_USES_MAX.  A delegation with a zone gives that
 * zone and no other.  A certificate does not expire: expiry and uses are of the
 * moment when a node comes in (tokens.h).
 */
#ifndef GOSSIP_CERT_H
#define GOSSIP_CERT_H

#include "crypto.h"

enum {
	CERT_USES_MAX = 65535,
	CERT_DELEGATION_MAX = KEY_BYTES + 8 + 2 + 1 + NAME_BYTES_MAX + SIG_BYTES,
	CERT_BYTES_MAX = CERT_DELEGATION_MAX + 1 + NAME_BYTES_MAX + 1 + NAME_BYTES_MAX + SIG_BYTES,
	/* What the two signatures are over, at most. */
	CERT_SIGNED_MAX = 16 + ID_BYTES + KEY_BYTES + CERT_BYTES_MAX,
};

/* As read: all pointers are into what was read. */
struct cert_delegation {
	const uint8_t *bytes; /* whole, and how many */
	size_t len;
	const uint8_t *token, *sig;
	uint64_t expiry_s;
	uint32_t uses;
	const char *zone;
	size_t zone_len; /* 0: any zone */
};

struct cert {
	struct cert_delegation by;
	const uint8_t *bytes, *sig;
	size_t len;
	const char *name, *zone;
	size_t name_len, zone_len;
};

/* The id of the cluster whose CA this is: ID_BYTES to out. */
void cert_cluster(const struct crypto *c, const uint8_t *ca, uint8_t *out);

/* The one at the start of buf; how many bytes it has, or -ERR_SHORT, -ERR_MALFORMED,
 * -ERR_RANGE (no uses, no expiry). */
MUST_CHECK int cert_read_delegation(const uint8_t *buf, size_t len, struct cert_delegation *out);
/* All of buf.  0, or the same errors; -ERR_LONG: bytes after it; -ERR_AUTH: a zone that
 * its token does not give. */
MUST_CHECK int cert_read(const uint8_t *buf, size_t len, struct cert *out);

/* Did that CA sign it? */
bool cert_delegation_holds(const struct crypto *c, const uint8_t *ca,
    const struct cert_delegation *d);
/* The whole chain: the CA signed the token, the token's key signed for this node's
 * key.  Costs two verifications. */
bool cert_holds(const struct crypto *c, const uint8_t *ca, const uint8_t *pk, const struct cert *x);

/* --- making: the caller signs (daemon/io/ca.h) --------------------------------- */

/* All but the signature to out, which holds CERT_DELEGATION_MAX; how many bytes. */
size_t cert_put_delegation(uint8_t *out, const uint8_t *token, uint64_t expiry_s, uint32_t uses,
    const char *zone);
/* Likewise of a certificate, by a whole delegation; out holds CERT_BYTES_MAX. */
size_t cert_put(uint8_t *out, const uint8_t *delegation, size_t delegation_len, const char *name,
    const char *zone);
/* What is to be signed for these bytes; buf holds CERT_SIGNED_MAX. */
size_t cert_delegation_to_sign(const uint8_t *cluster, const uint8_t *bytes, size_t len,
    uint8_t *buf);
size_t cert_to_sign(const uint8_t *cluster, const uint8_t *pk, const uint8_t *bytes, size_t len,
    uint8_t *buf);

/* [a-z0-9][a-z0-9_.-]{0,62}: what a name or a zone may be. */
bool cert_name_fits(const char *s, size_t len);

#endif
