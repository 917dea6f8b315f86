/*
 * saved.h - what a node must still know after a crash.  Part of mesh.h; where it
 * lies is the caller's affair (daemon/io/critical.h).
 */
#ifndef GOSSIP_SAVED_H
#define GOSSIP_SAVED_H

#include "epoch.h"

enum { TERM_JUMP_MAX = 1 << 24 }; /* elections nobody heard of, at most */

/* What must be on disk before the packets that depend on it leave. */
struct mesh_saved {
	uint8_t cluster[ID_BYTES]; /* all zero: not a member of any cluster */
	uint64_t generation;	   /* of this start; rises at every start */
	uint64_t term;
	struct node_id voted_for;  /* in term; all zero = nobody */
	struct node_id promised_to; /* last; all zero = nobody */
	msec promise_ms;	   /* the longest lease that a promise alive may have */
	struct stamp applied;	   /* last schedule this node applied */
	struct hash applied_hash;
	struct mesh_keys keys;
	bool certified; /* the cluster has a CA: without its certificate this node is nobody */
	bool leaving, left; /* leave.h: it asked to; and it did, and comes in only when told to */
	uint8_t was[ID_BYTES]; /* the cluster it left, whose term, vote and stamp these are;
				* all zero: none, or it is in again */
	const uint8_t *roster;	   /* opaque; borrowed; may be NULL and 0 */
	size_t roster_bytes;
	const uint8_t *evicted; /* likewise: who is out for good */
	size_t evicted_bytes;
};

/* A schedule that nobody can have made by rights: believed once, it would let no other be
 * applied for ever.  mesh_new forgets one that is saved as applied. */
static inline bool
saved_beyond(const struct mesh_saved *s, const struct stamp *stamp)
{
	return s->term > 0 && stamp->term > s->term && stamp->term - s->term > TERM_JUMP_MAX;
}

#endif
