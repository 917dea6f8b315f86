/*
 * entry.h - a cluster with a CA, as the daemon sees it: what this node shows for itself,
 * why somebody was not let in, and who is here without a vote.  Part of mesh.h; the
 * protocol is in enter.h, what is judged in admit.h, the bytes in cert.h.
 */
#ifndef GOSSIP_ENTRY_H
#define GOSSIP_ENTRY_H

#include "cert.h"

struct mesh;

/* Why not; the words go on after a name. */
#define MESH_ENTRIES(X)                                             \
	X(OK, "is welcome")                                         \
	X(CERT, "has no certificate of this cluster")               \
	X(EXPIRED, "came with a token that has expired")            \
	X(SPENT, "came with a token that is used up")               \
	X(EVICTED, "was evicted from this cluster")                 \
	X(FULL, "finds no room: the table of members is full")      \
	X(FOREIGN, "holds a token of another cluster")              \
	X(CHANGING, "waits: the key of this cluster is being changed")

enum mesh_entry {
#define X(name, text) MESH_ENTRY_##name,
	MESH_ENTRIES(X)
#undef X
	    MESH_ENTRIES_,
};

/* What a node of a cluster with a CA has, from its disk; pk all zero: no CA. */
struct mesh_ca {
	uint8_t pk[KEY_BYTES];
	uint8_t cert[CERT_BYTES_MAX]; /* of this node */
	size_t cert_bytes;
	uint64_t wall_s; /* UNIX time at mesh_new; 0 = not known, and no token expires */
};

/* The last word of a member that did not let this node in; signed by it where
 * there is a CA: else it has the cluster key, and no more is known of it. */
struct mesh_refusal {
	enum mesh_entry why; /* MESH_ENTRY_OK: there was none */
	struct addr from;
	char by[NAME_CAP]; /* "" : it could not prove who it is */
	msec at;
};

/* Who was not let in here, or who did not let this node in. */
struct mesh_newcomer {
	bool inside; /* the latter: it is a member, and short_id 0 */
	uint64_t short_id;
	char name[NAME_CAP]; /* of a certificate that holds; else "" */
	struct addr from;    /* port 0: not known */
	enum mesh_entry why;
	uint64_t count; /* how often since that was told last */
	msec at;	/* told last */
};

/* By what a member came: false: unknown, or it showed no certificate yet. */
struct mesh_came {
	uint8_t token[KEY_BYTES];
	uint32_t uses;
	uint64_t expiry_s;
	char zone[NAME_CAP];
};

const char *mesh_entry_text(enum mesh_entry why);
/* Does that certificate hold for this key and name, under that CA? */
bool mesh_ca_holds(const struct crypto *c, const struct mesh_ca *ca, const uint8_t *pk,
    const char *name);
/* Another certificate, while this node is in no cluster: -ERR_RANGE when it is in one,
 * or has no CA at all; -ERR_CERT: it does not hold for this node. */
MUST_CHECK int mesh_certify(struct mesh *m, msec now, const struct mesh_ca *ca);
/* What time it is; once a second. */
void mesh_wall(struct mesh *m, msec now, uint64_t wall_s);
bool mesh_refused(const struct mesh *m, struct mesh_refusal *out);
/* The one that the trace line "refused NUMBER" is about, from within the hook; NULL: nobody. */
const struct mesh_newcomer *mesh_newcomer(const struct mesh *m, uint64_t number);
bool mesh_came(const struct mesh *m, const struct node_id *id, struct mesh_came *out);
/*
 * As mesh_evict, where there is a CA: the order is `decree` "evict" over id 16 | the
 * token that mesh_came tells 32, signed by the CA (decree.h).  -ERR_AUTH: it is not.
 */
MUST_CHECK int mesh_evict_decree(struct mesh *m, msec now, const struct node_id *id,
    const uint8_t *token, const uint8_t *sig);

#endif
