/*
 * pairs.h - where what is shared with each other node is kept: in a mesh of thousands
 * 144 bytes for each that it ever talked to.  What only some need at a time, a word
 * that waits, a whole replay window, the keys of the epoch in use, has places of its
 * own; of the last there are MADE, and who talks to more makes them again, with one
 * hash each.
 *
 * Inner: part of struct mesh, used by the files of gossip/ alone.
 */
#ifndef GOSSIP_PAIRS_H
#define GOSSIP_PAIRS_H

#include "window.h"

enum { PAIRS_MADE = 1024 };

/* The last thing that was to be said to a node before it could be. */
struct parked {
	uint8_t kind;
	bool introduce;
	uint64_t a, b, c;
	msec at;
};

/* Of a member that ever said HELLO.  since = 0: no salt of this life is known. */
struct pair {
	uint8_t tx_secret[KEY_BYTES], rx_secret[KEY_BYTES];
	uint8_t salt[SALT_BYTES]; /* its own */
	uint64_t since;		  /* counter of the HELLO that told it */
	struct window window;
	msec ask_at, answer_at; /* next HELLO allowed, of mine, in answer */
	struct wire_range wire; /* what it speaks, from the same HELLO */
	uint16_t parked; /* place of what waits, or 0 */
	bool heard;	 /* it has my salt: what I seal, it opens */
	bool spoke;	 /* it sealed something: nobody else made up its salt */
	bool foreign;	 /* no version is common to us, so no salt was taken */
	uint8_t version; /* what we two speak */
};
_Static_assert(sizeof(struct pair) <= 144, "of each other node of thousands");

/* Of a pair's secrets, under the cluster key of that epoch. */
struct pair_keys {
	uint32_t epoch;
	uint16_t of; /* pair, from 1; 0 = nobody */
	uint8_t tx[KEY_BYTES], rx[KEY_BYTES];
};

struct pairs {
	struct pair *all;
	uint32_t count;
	struct windows windows;
	struct slots slots; /* of parked */
	struct parked *parked;
	struct pair_keys *made;
	uint32_t made_mask;
};

/* For max pairs; false when memory is gone. */
MUST_CHECK bool pairs_init(struct pairs *ps, uint32_t max);
void pairs_fini(struct pairs *ps);
/* Before that, so that no key stays in memory. */
void pairs_wipe(struct pairs *ps, const struct crypto *c);
/* Nothing is shared with its owner any more. */
void pairs_clear(struct pairs *ps, struct pair *p);
/* The place of p's keys, whoever's are there. */
struct pair_keys *pairs_keys(const struct pairs *ps, const struct pair *p);
/* Whatever was made of p's secrets is of other ones. */
void pairs_unmake(struct pairs *ps, const struct pair *p);
/* What waits for p's owner: a place for it, or none and so NULL. */
struct parked *pairs_park(struct pairs *ps, struct pair *p);
struct parked *pairs_parked(const struct pairs *ps, const struct pair *p);
void pairs_unpark(struct pairs *ps, struct pair *p);

#endif
