/*
 * identity.h - who this node is: an Ed25519 key in state-dir/identity.key,
 * made on the first start and never again.  Losing it means a new node.
 */
#ifndef IO_IDENTITY_H
#define IO_IDENTITY_H

#include "../../gossip/base.h"
#include "../base/err.h"

struct identity {
	struct node_id id; /* first 16 bytes of BLAKE2b-256(pk) */
	uint8_t pk[32];
	uint8_t sk[64];	   /* libsodium's form: seed and pk */
	bool created;	   /* by this call: the first start */
};

/* state_fd: the state directory, borrowed.  After crypto_init.
 * 0, or EXIT_KEY when the file is there but not a 0600 regular file of 64
 * (secret key) or 32 bytes (seed) that fit together; EXIT_STATE when it can't
 * be read or made. */
MUST_CHECK int identity_open(int state_fd, struct identity *out,
    struct err *err);
void identity_id(const uint8_t pk[32], struct node_id *out);
void identity_wipe(struct identity *id);

#endif
