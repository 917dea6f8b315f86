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

/* Orders of "recover" (recover.h): number 8 | mark | pk of who recovers 32; and for each
 * that it gives up id 16 | its token 32 | number 8. */
enum { DECREE_RECOVERY_BYTES = 16 + KEY_BYTES, DECREE_GIVEN_UP_BYTES = ID_BYTES + KEY_BYTES + 8 };
extern const uint8_t decree_mark[8];
void decree_recovery(uint64_t number, const uint8_t *pk, uint8_t body[DECREE_RECOVERY_BYTES]);
void decree_given_up(uint64_t number, const struct node_id *id, const uint8_t *token,
    uint8_t body[DECREE_GIVEN_UP_BYTES]);

/* The bytes to sign; buf holds DECREE_SIGNED_MAX.  act is one of ours, at most
 * DECREE_ACT_MAX long; len at most DECREE_BODY_MAX.  How many bytes. */
size_t decree_to_sign(const uint8_t *cluster, const char *act, const uint8_t *body, size_t len,
    uint8_t *buf);
/* Did that CA order it, in that cluster? */
bool decree_holds(const struct crypto *c, const uint8_t *ca, const uint8_t *cluster,
    const char *act, const uint8_t *body, size_t len, const uint8_t *sig);

#endif
