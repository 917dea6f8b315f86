/*
 * quorum.h - the arithmetic of votes: what a set of electors weighs, whether it
 * is more than half, and whether a smaller side may be led at all.
 * Inner: part of struct mesh, used by the files of gossip/ alone.
 */
#ifndef GOSSIP_QUORUM_H
#define GOSSIP_QUORUM_H

#include "members.h"

struct mesh;

/* A set of electors.  Weights count in each roster while it changes. */
struct tally {
	uint32_t old, new; /* weight in the old set, in the new one */
	uint8_t tie;	   /* MEMBER_OLD, MEMBER_NEW: its tie-breaker is among them */
	uint32_t all;	   /* heads */
	uint32_t weight;   /* of each head its newest weight */
};

void tally_add(struct tally *t, const struct member *x);
/* Heads and their weight alone: no vote in any roster. */
void tally_heads(struct tally *t, const struct member *x);
/* More than half of the weight of a roster that weighs n, or half with the
 * tie-breaker; of both rosters while it changes. */
bool quorum_of(const struct tally *n, const struct tally *t);
/* The same of the roster held here. */
bool quorum_full(const struct mesh *m, const struct tally *t);
/* More than half of the electors that this side can see, and as many as the
 * configuration wants of a side below the full quorum. */
bool quorum_degraded(const struct mesh *m, msec now, const struct tally *t);
/* How long after the last full leader such a side may be led; MSEC_NEVER. */
msec quorum_wait(const struct mesh *m, const struct tally *t);
/* Can any side below the full quorum be led, as configured here? */
bool quorum_lenient(const struct mesh *m);
/* Of member i, by its name. */
int quorum_priority(const struct mesh *m, uint32_t i);
/* What the configuration wants member i's vote to count: `new` and the tie bit
 * MEMBER_NEW.  A member without a name keeps what it has. */
struct ballot_weight quorum_weight(const struct mesh *m, uint32_t i);

#endif
