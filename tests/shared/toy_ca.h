/*
 * toy_ca.h - delegations and certificates as made-up nodes sign them: whoever knows the
 * public half of a key can sign for it.
 */
#ifndef TEST_TOY_CA_H
#define TEST_TOY_CA_H

#include "../../gossip/cert.h"
#include "../../gossip/decree.h"
#include "../../gossip/token.h"

/* Signs len bytes for the owner of pk. */
typedef void toy_signer(const uint8_t *pk, uint8_t *sig, const uint8_t *msg, size_t len);

/* A token of that CA, its public key in `key`. */
static inline size_t
toy_delegate(const struct crypto *c, toy_signer *sign, const uint8_t *ca, const uint8_t *key,
    uint64_t expiry_s, uint32_t uses, const char *zone, uint8_t *out)
{
	uint8_t cluster[ID_BYTES], buf[CERT_SIGNED_MAX];
	size_t len = cert_put_delegation(out, key, expiry_s, uses, zone);

	cert_cluster(c, ca, cluster);
	sign(ca, out + len, buf, cert_delegation_to_sign(cluster, out, len, buf));
	return len + SIG_BYTES;
}

static inline size_t
toy_certify(const struct crypto *c, toy_signer *sign, const uint8_t *ca, const uint8_t *delegation,
    size_t delegation_len, const uint8_t *pk, const char *name, const char *zone, uint8_t *out)
{
	uint8_t cluster[ID_BYTES], buf[CERT_SIGNED_MAX];
	size_t len = cert_put(out, delegation, delegation_len, name, zone);

	cert_cluster(c, ca, cluster);
	sign(delegation, out + len, buf, cert_to_sign(cluster, pk, out, len, buf));
	return len + SIG_BYTES;
}

#endif
