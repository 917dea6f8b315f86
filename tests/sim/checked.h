/*
 * checked.h - what the checks remember of a node, besides all that it ever wrote.
 */
#ifndef SIM_CHECKED_H
#define SIM_CHECKED_H

#include "../../gossip/summary.h"
#include "exclusive.h"

/* A summary that a node made, when, and in which life. */
struct sim_made {
	struct mesh_summary summary;
	uint64_t life;
	usec at;
	uint16_t count;
};

/* Of leading (check.c). */
struct sim_office {
	usec gave_at; /* in this life it gave way to another leader, ... */
	uint64_t gave_above; /* ... and their terms were at most this */
	uint64_t ballot;
	usec climbs_at; /* it leads, and new terms were forced on it: the last, ... */
	uint32_t climbs; /* ... and how many */
	bool liar; /* what it says that it applied is not so */
};

#endif
