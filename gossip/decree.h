/*
 * decree.h - what an operator orders with the CA's key, beside tokens: signed where
 * ca.key lies (daemon/io/ca.h: ca_sign_act), obeyed wherever the signature holds.
 *
 *	signed = "mesh act 1" | cluster 16 | n 1 | act n | body
 *
 * act names what is ordered ("evict"), so that no order passes for another; body is
 * the bytes that say the rest, and carries what makes it unrepeatable where that
 * matters (an eviction may be repeated as often as one likes).
 */
#ifndef GOSSIP_DECREE_H
#define GOSSIP_DECREE_H

#include "crypto.h"

enum {
	DECREE_ACT_MAX = 16,
	DECREE_BODY_MAX = 512,
	DECREE_SIGNED_MAX = 16 + ID_BYTES + 1 + DECREE_ACT_MAX + DECREE_BODY_MAX,
};

/* The bytes to sign; buf holds DECREE_SIGNED_MAX.  act is one of ours, at most
 * DECREE_ACT_MAX long; len at most DECREE_BODY_MAX.  How many bytes. */
size_t decree_to_sign(const uint8_t *cluster, const char *act, const uint8_t *body, size_t len,
    uint8_t *buf);
/* Did that CA order it, in that cluster? */
bool decree_holds(const struct crypto *c, const uint8_t *ca, const uint8_t *cluster,
    const char *act, const uint8_t *body, size_t len, const uint8_t *sig);

#endif
