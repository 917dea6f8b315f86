/*
 * agreed.h - what this node's identity shares with others' by X25519, remembered: the same
 * two identities make the same secret each time, and to make it takes 0.1 ms on either
 * side of every stream.
 *
 * It is no more than the identity's own secret key, which lies beside it, gives to whoever
 * reads this memory; the keys of sessions and pairs are made of it together with salts,
 * and are others each time.  For AGREED_SETS * AGREED_WAYS peers; who comes to a full set
 * takes the place of the one that has been there longest, which is then computed again.
 * Who holds the cluster key can choose identities that push others out: it costs these
 * 0.1 ms, as if nothing were remembered.
 */
#ifndef IO_AGREED_H
#define IO_AGREED_H

#include "../../gossip/crypto.h"

enum { AGREED_SETS = 256, AGREED_WAYS = 4 };

struct agreed {
	uint8_t of[KEY_BYTES]; /* whose: all is forgotten when another identity asks */
	struct agreed_set {
		uint8_t count, next;
		struct agreed_one {
			uint8_t pk[KEY_BYTES], secret[KEY_BYTES];
		} one[AGREED_WAYS];
	} sets[AGREED_SETS];
};

/* With nothing in it; NULL: no memory.  free() ends it, after agreed_wipe. */
struct agreed *agreed_new(void);

/* Both by public keys: me is this node's.  False: not remembered, out is as it was. */
bool agreed_get(const struct agreed *a, const uint8_t me[KEY_BYTES], const uint8_t pk[KEY_BYTES],
    uint8_t out[KEY_BYTES]);
void agreed_put(struct agreed *a, const uint8_t me[KEY_BYTES], const uint8_t pk[KEY_BYTES],
    const uint8_t secret[KEY_BYTES]);
/* Forgets all; of what was never used it writes nothing. */
void agreed_wipe(struct agreed *a);

#endif
