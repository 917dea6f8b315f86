/*
 * hearers.h - plane B: a node's report, which only the leader and its standby
 * hear: the elector whose turn it would be next, so that it knows all when it
 * comes to lead.  What a report says is the caller's.
 */
#ifndef GOSSIP_HEARERS_H
#define GOSSIP_HEARERS_H

#include "base.h"

struct mesh;

enum { MESH_FRAG_BYTES_MAX = 1000, MESH_FRAGS_MAX = 64 };

/* --- telling -------------------------------------------------------------- */
/*
 * The leader and its standby are told apart, each a report of
 * 1..MESH_FRAGS_MAX opaque fragments of at most MESH_FRAG_BYTES_MAX.  Copied.  A
 * new report replaces the old one; fragments are resent until the hearer has all
 * of this version.  A report may be a difference to the version that it holds
 * and to no other; whose leader was the standby is told on from what it held.
 */
enum mesh_hears { MESH_LEADER_HEARS, MESH_STANDBY_HEARS, MESH_HEARERS };
struct mesh_hearer {
	struct node_id id;
	uint32_t held; /* version it surely holds until it is told a newer one
			* that comes from this; 0 = none */
	bool wanted;   /* it waits for a whole report */
	bool due;      /* it is told nothing: it is new, or was lost and is heard again */
};
/* false = nobody hears. */
bool mesh_hearer(const struct mesh *m, enum mesh_hears which, struct mesh_hearer *out);
/* *version rises with each.  -ERR_RANGE, -ERR_UNKNOWN: nobody hears. */
MUST_CHECK int mesh_set_report(struct mesh *m, msec now, enum mesh_hears which,
    const uint8_t *const *frags, const size_t *frag_bytes, size_t count, uint32_t *version);

/* --- hearing -------------------------------------------------------------- */
/* 0 = this node neither leads nor stands by; else a number that is another one
 * when the reports taken before count for nothing. */
uint64_t mesh_hearing(const struct mesh *m);
/* Next fragment received by a leader or standby, or 0.  index of count; version rises. */
size_t mesh_next_report(struct mesh *m, struct node_id *from,
    uint32_t *version, uint32_t *index, uint32_t *count, uint8_t *buf, size_t cap);
/* That report could not be used: it is to come whole. */
void mesh_refuse_report(struct mesh *m, const struct node_id *from, uint32_t version);

#endif
