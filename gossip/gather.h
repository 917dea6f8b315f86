/*
 * gather.h - whom to ask for facts, about whom, and when.
 * Inner: part of struct mesh, used by the files of gossip/ alone.
 */
#ifndef GOSSIP_GATHER_H
#define GOSSIP_GATHER_H

#include "facts.h"
#include "members.h"
#include "prng.h"

struct mesh;

enum { GATHER_FLIGHTS = 3 };

/* A question under way. */
struct gather_flight {
	uint32_t number; /* 0 = none */
	bool polled;
	msec until;
	uint16_t to, item[FACTS_ITEMS_MAX]; /* members */
	uint32_t items, gained;
};

struct gather {
	struct prng rng; /* its own: what it draws moves nobody else's times */
	msec at, round_at;
	uint32_t number;
	struct gather_flight flight[GATHER_FLIGHTS];
	/* facts.c */
	struct hash own; /* of this node's facts, ... */
	uint8_t own_cluster[ID_BYTES]; /* ... signed for that cluster, ... */
	uint64_t own_generation; /* ... in that life */
	uint32_t own_version, own_bytes; /* version 0 = nothing said */
	struct mesh_facts_stats stats;
};

void gather_init(struct mesh *m, msec now);
/* Member i's summary was heard. */
void gather_hint(struct mesh *m, uint32_t i);
void gather_tick(struct mesh *m, msec now);
msec gather_deadline(const struct mesh *m);
/* facts.c: nothing is held any more of who is gone; the sums are made anew. */
void facts_sweep(struct mesh *m);
/* A member, by its owner's word. */
bool facts_counts(const struct member *x);

#endif
