/*
 * epoch.h - the cluster key and its successors, as the daemon sees them (DESIGN
 * §4): what must be on disk, how a new key is ordered, how far it has come.  Part
 * of mesh.h; the protocol is in keys.h.  The keys themselves stay behind struct
 * crypto: nothing here is a secret.
 */
#ifndef GOSSIP_EPOCH_H
#define GOSSIP_EPOCH_H

#include "base.h"

struct mesh;

/* Which keys a node holds: the one in use, and at most one on each side of it. */
struct mesh_keys {
	uint32_t used; /* its epoch: what this node says is sealed under it */
	bool next;     /* used + 1 is held too: announced, and heard if used */
	bool old;      /* used - 1 is held still, for who has not changed yet */
};

enum mesh_keys_phase {
	MESH_KEYS_STEADY,
	MESH_KEYS_ANNOUNCED, /* the next key is being handed to all */
	MESH_KEYS_CHANGING,  /* all have it; all begin to use it, then the old one goes */
};

struct mesh_keys_state {
	struct mesh_keys keys;
	enum mesh_keys_phase phase;
	bool leads;	  /* this node drives the change, and knows the rest */
	uint32_t members; /* of the roster, that have not left */
	uint32_t waiting; /* those of them that the next step waits for */
};

/* A member's keys as it told this leader; known only where it leads. */
struct mesh_keys_member {
	struct node_id id;
	struct mesh_keys have;
	bool known;  /* it told, since this node leads */
	bool passed; /* the change goes on without it */
	bool waited; /* the next step waits for it */
};

/* Begin to change the cluster key; goes on by itself, also under a later leader.
 * 0, also when a change is under way; -ERR_NOT_LEADER: not a full one; -ERR_UNKNOWN:
 * somebody who is up has no vote yet, ask again soon. */
MUST_CHECK int mesh_keys_rotate(struct mesh *m, msec now);
/* Go on without this member, which is down; it fetches the key when it is back.
 * -ERR_NOT_LEADER; -ERR_UNKNOWN: not in the roster; -ERR_RANGE: it is up. */
MUST_CHECK int mesh_keys_pass(struct mesh *m, msec now, const struct node_id *id);
void mesh_keys_state(const struct mesh *m, struct mesh_keys_state *out);
/* Roster members in id order, as mesh_member: false = no more; one that is not in the
 * roster has an id of zeroes. */
bool mesh_keys_member(const struct mesh *m, uint32_t index, struct mesh_keys_member *out);

#endif
