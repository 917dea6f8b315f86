/*
 * admit.h - who may come in where the cluster has a CA, and who may vote.
 *
 * A record enters the table only with its owner's certificate (cert.h), whatever key
 * it came under: who stole the cluster key is still nobody.  Expiry and uses of a
 * token are of the moment of coming in: the member that is asked judges them by what
 * it knows (enter.h), and the leader once more before it gives a vote.  A use is
 * spent by whoever has a vote, has left, or was evicted (the eviction names the
 * token, evict.h), so it does not come back.  Two sides of a split may each let one
 * in; at the heal the first to have the vote keeps it, and every node names the
 * other (MESH_ENTRY_SPENT), whom an operator evicts.
 *
 * GRACE: who was let in at the last moment has that long to get its vote, and clocks
 * differ.
 *
 * Inner: part of struct mesh, used by the files of gossip/ alone.
 */
#ifndef GOSSIP_ADMIT_H
#define GOSSIP_ADMIT_H

#include "entry.h"
#include "packet.h"

struct mesh;

enum { ADMIT_GRACE_S = 600 };

/* In members.h beside each member; len 0: none. */
struct member_cert {
	uint16_t len;
	uint8_t b[CERT_BYTES_MAX];
};

struct admit {
	msec at;      /* next look at who has no vote */
	int64_t wall_ms; /* to add to the clock; 0 = not known */
};

/* Room for certificates, and this node's own: 0, -ERR_CERT, -ERR_FULL (memory). */
MUST_CHECK int admit_init(struct mesh *m, msec now);
/* May this long record enter the table?  0, -ERR_CERT, -ERR_EXPIRED. */
MUST_CHECK int admit_record(struct mesh *m, const struct rumour *r);
/* Name whoever was refused for that, now and then; from may be NULL. */
void admit_stranger(struct mesh *m, int error, uint64_t short_id, const struct addr *from);
/* It did, as member i. */
void admit_take(struct mesh *m, uint32_t i, const struct rumour *r);
/* May who has that id and certificate, which holds, come in now? */
enum mesh_entry admit_judge(const struct mesh *m, const struct node_id *id, const struct cert *x);
/* May member i, which has no vote, be given one? */
enum mesh_entry admit_vote(const struct mesh *m, uint32_t i);
/* Names whoever is here without a vote for good. */
void admit_tick(struct mesh *m, msec now);
msec admit_deadline(const struct mesh *m);
/* The certificate held of member i; len 0: none. */
const uint8_t *admit_held(const struct mesh *m, uint32_t i, size_t *len);

#endif
