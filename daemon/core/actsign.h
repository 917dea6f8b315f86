/*
 * actsign.h - a node's bundle of actions (action.h) on its way to a leader, signed:
 *
 *   pk 32 | signature 64 | bundle
 *
 * over "mesh actions 2\n", the leader's id, its term (8 BE) and the hash of the bundle.  Whoever
 * passes it on can neither change it nor speak for another, nor keep it for a later leader: that
 * one knows nothing of what the last one did, and would do it again.
 */
#ifndef CORE_ACTSIGN_H
#define CORE_ACTSIGN_H

#include "../../gossip/crypto.h"
#include "action.h"

enum {
	ACTSIGN_HEAD_BYTES = KEY_BYTES + SIG_BYTES,
	ACTSIGN_BYTES_MAX = ACTSIGN_HEAD_BYTES + ACTION_BUNDLE_BYTES_MAX,
};

/* Who takes it: in this term alone. */
struct actsign_office {
	struct node_id leader;
	uint64_t term;
};

/* buf holds ACTSIGN_BYTES_MAX; pk is of the key that c signs with.  Its bytes. */
size_t actsign_pack(uint8_t *buf, const struct crypto *c, const uint8_t pk[KEY_BYTES],
    const struct actsign_office *to, const struct action_bundle *b);
/* Of hostile bytes.  0; -ERR_SHORT, -ERR_LONG; -ERR_AUTH: changed, of another key, for another
 * leader or term; or what action_bundle_read says.  Whose key it is (the first 32 bytes), and
 * what that one may, is the caller's to judge.  Not 0: out->count is 0. */
MUST_CHECK int actsign_open(struct action_bundle *out, const struct crypto *c,
    const struct actsign_office *at, const uint8_t *buf, size_t len);

#endif
