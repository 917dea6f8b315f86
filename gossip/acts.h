/*
 * acts.h - what an operator does at one node, and the mesh hears of.
 * Part of mesh.h.
 */
#ifndef GOSSIP_ACTS_H
#define GOSSIP_ACTS_H

#include "base.h"

struct mesh;

/* What a node says of its own going, signed in its record (going.h). */
enum mesh_going { MESH_STAYS, MESH_RESTARTING, MESH_DRAINING, MESH_LEAVING };
enum { MESH_GRACE_S_MAX = 3600 };

/* Make a new cluster with this node as its only roster member.  Where there is a CA,
 * cluster is the one that cert_cluster says, and its first key is drawn.  -ERR_RANGE:
 * this node is a member, or that is no id for it. */
MUST_CHECK int mesh_init(struct mesh *m, msec now, const uint8_t *cluster);
/* Add a seed; seeds are retried for ever. */
MUST_CHECK int mesh_add_seed(struct mesh *m, msec now, const struct addr *seed);
/* Ask there no more; who is not a seed stays none. */
void mesh_drop_seed(struct mesh *m, const struct addr *seed);
/* What came of a seed since it is one: for (i = 0; mesh_seed(m, i, &x); i++) */
struct mesh_seed {
	struct addr addr;
	bool heard;   /* a member is known there, or spoke from there */
	bool foreign; /* who answers there is of another cluster, and has the same key */
};
bool mesh_seed(const struct mesh *m, uint32_t index, struct mesh_seed *out);
/* Stop leading at once, for member `to`, or whoever is next when NULL.
 * -ERR_NOT_LEADER; -ERR_UNKNOWN: not an elector that is alive. */
MUST_CHECK int mesh_hand_over(struct mesh *m, msec now, const struct node_id *to);
/*
 * A node is out for good: signed by this one, passed on, refused by everybody.
 * 0 also when it is out already.  -ERR_RANGE: this node has no vote; -ERR_UNKNOWN;
 * -ERR_IDENTITY: it is this node; -ERR_QUORUM: those who are alive without it could
 * not conclude a roster; -ERR_EXPIRED: this node recovered once, and what it signs is a
 * part of that; -ERR_FULL; -ERR_CERT: the CA orders it here (entry.h).
 */
MUST_CHECK int mesh_evict(struct mesh *m, msec now, const struct node_id *id);
/* A roster of those who are alive alone, all others given up (recover.h): by whom, and
 * where there is a CA (sig != NULL) by which of its signatures. */
enum { MESH_LOST_MAX = 64 };
struct mesh_lost {
	struct node_id id;
	uint8_t token[KEY_BYTES], sig[SIG_BYTES]; /* of mesh_came; the CA's */
};
/* Could it be?  0; -ERR_RANGE: no member with a vote, or nobody named; -ERR_UNKNOWN: one
 * of them has no vote; -ERR_IDENTITY: one is not known to be dead, but alive or suspected;
 * -ERR_QUORUM: one who is not named is not alive; -ERR_NOT_LEADER: there is a quorum, evict them. */
int mesh_may_recover(const struct mesh *m, msec now, const struct node_id *lost, size_t count);
/* The number that it would have now. */
uint64_t mesh_recovery(const struct mesh *m);
/* Also -ERR_FULL, -ERR_CERT: a CA orders it here, or none does; -ERR_AUTH: it did not;
 * -ERR_EXPIRED: that is no number any more. */
MUST_CHECK int mesh_recover(struct mesh *m, msec now, uint64_t number, const uint8_t *sig,
    const struct mesh_lost *lost, size_t count);
/* This node was put out by a recovery. */
bool mesh_given_up(const struct mesh *m);
/* This node was put out, and knows it: the machine is silent for good. */
bool mesh_evicted(const struct mesh *m);
enum { MESH_TWIN_NAMED_MS = 600000 };
/*
 * Did another prove, by signing with this node's own key, that it lives at *other?
 * *yielded: it is the older one, and this machine fell silent; else the other did,
 * and is named for MESH_TWIN_NAMED_MS.
 */
bool mesh_twin(const struct mesh *m, msec now, struct addr *other, bool *yielded);
/*
 * Tell all that this node is back within grace_s (1..MESH_GRACE_S_MAX): until then
 * its work is to be left where it is.  A leader hands over first.  Over with the
 * next generation, and there is no other way to take it back.  Go on polling: a
 * successor may need this node's vote.  -ERR_RANGE: no member, or no such grace.
 */
MUST_CHECK int mesh_restarting(struct mesh *m, msec now, uint32_t grace_s);
/*
 * Tell all that this node gives its work away, or no more: it stays a member, votes
 * and may lead.  Not kept over a start: mesh_conf says it then, so that no word of the
 * new life goes out without it.  -ERR_RANGE: no member, restarting or leaving.
 */
MUST_CHECK int mesh_drain(struct mesh *m, msec now, bool on);
/*
 * Leave for good, or (on = false) stay after all: this node asks for its vote to be
 * taken away, goes on voting until that is in force, and then says goodbye.  Kept over
 * a start.  -ERR_RANGE: no member, restarting, or it said goodbye already; -ERR_QUORUM:
 * those who stay and are alive could not change the roster without it, or nobody stays.
 */
MUST_CHECK int mesh_leaving(struct mesh *m, msec now, bool on);
/* Would it be refused?  0, -ERR_RANGE, -ERR_QUORUM. */
int mesh_may_leave(const struct mesh *m);
/* Goodbye at once, whatever becomes of those who stay; a leader resigns first.  Save,
 * and poll once more, after this. */
void mesh_leave(struct mesh *m, msec now);
/* This node left, by its own wish: the machine is silent.  What is on its disk of the
 * cluster is to become what mesh_left_behind says, and a new machine to be made. */
bool mesh_left(const struct mesh *m);
struct mesh_saved;
/* As it was saved last, but for roster and evictions. */
void mesh_kept(const struct mesh *m, struct mesh_saved *out);
void mesh_left_behind(struct mesh_saved *s);
/* Who left comes in again only when an operator says so: now he does.  -ERR_RANGE:
 * a member, or it never left. */
MUST_CHECK int mesh_return(struct mesh *m, msec now);

#endif
