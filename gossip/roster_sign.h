/*
 * roster_sign.h - whose word a roster is: the leader that made it signed it.
 *
 *	 0            8               16             24        56             120
 *	 +------------+---------------+--------------+---------+--------------+
 *	 | parent's   | parent's      | parent's     | pk of   | signature 64 |
 *	 | term 8     | version 8     | hash 8       | who made|              |
 *	 |            |               |              | this 32 |              |
 *	 +------------+---------------+--------------+---------+--------------+
 *	signed = "mesh roster 0" | cluster 16 | term 8 | version 8 | hash 8
 *	       | the parent's term 8, version 8, hash 8
 *
 * Made once per roster, by whoever gives it its id: a leader with each step of a change,
 * the founder, who recovers.  The parent is what that one held before, so the chain of a
 * change stays whole when its leader is lost in the middle: the next one stamps the joint
 * roster that the old one signed, and names it as the parent.  It lies on disk with the
 * roster, and goes with the first chunk to who fetches it, and in the beats to whom the
 * leader does not know to have stored it; so each node verifies once per roster.
 *
 * It holds when the signature does, the parent is older, and the signer has a vote: in
 * the parent, where that is what is held here; else in the roster itself, for who makes
 * one is in it.  Whom neither the roster held here nor anybody else names as a voter makes
 * none; and who made one is known wherever it lies.  What it does not prove is that its
 * maker led by a quorum: votes are not signed.  A voter gone bad can sign a roster of its
 * own, in its own name; who holds none takes none on one member's word (roster_recall.h).
 *
 * A release before this one signs nothing, and says so (wire.h): its word is taken as it
 * was, until a leader that signs stamps the roster anew.  From then on nobody's is.
 *
 * Inner: part of struct mesh, used by the files of gossip/ alone.
 */
#ifndef GOSSIP_ROSTER_SIGN_H
#define GOSSIP_ROSTER_SIGN_H

#include "packet.h"

struct mesh;

/* A roster that this node may take, and who made it. */
struct roster_named {
	struct roster_id id;
	uint64_t hash;
	uint8_t sign[ROSTER_SIGN_BYTES];
	bool is_signed; /* false: by one who does not sign; only with an id set */
};

/* The roster held here was made by this node, out of that one. */
void roster_sign(struct mesh *m, const struct roster_id *parent, uint64_t parent_hash);
/* Does member i say that it signs? */
bool roster_signs(const struct mesh *m, uint32_t i);
/* Whose name is on it. */
void roster_signer(const struct mesh *m, const uint8_t *sign, struct node_id *out);
/* Is that roster, told by member from, somebody's word who may make it?  sign: NULL when
 * none came.  0; -ERR_AUTH, -ERR_RANGE, -ERR_NO_VOTE: counted, and traced once each. */
MUST_CHECK int roster_judge(struct mesh *m, msec now, uint32_t from, const struct roster_id *id,
    uint64_t hash, const uint8_t *sign);
/* Refused, as of member from: counted, traced; rc. */
int roster_refuse(struct mesh *m, msec now, uint32_t from, const struct roster_id *id, int rc);

#endif
