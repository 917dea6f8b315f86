/*
 * paths.h - what a member's own pings say of the network: how much is lost, and
 * which path is cut although both its ends live.
 * Inner: part of struct mesh, used by the files of gossip/ alone; the rest of the
 * daemon asks mesh_loss (look.h) and hears "path cut", "path whole" (trace).
 */
#ifndef GOSSIP_PATHS_H
#define GOSSIP_PATHS_H

#include "base.h"

struct mesh;

enum {
	PATHS_CUT = 6,	 /* pings in a row that a living one answered not: its path is cut */
	PATHS_SLOTS = 6, /* of 10 s: the last minute */
};

struct paths {
	bool direct; /* the one probed now answered the first ping, in time */
	struct {
		msec number; /* which ten seconds; all zero: none */
		uint32_t asked, late;
	} slot[PATHS_SLOTS];
};

/* The probe of i is over and i lives; silent: it said nothing to this node meanwhile. */
void paths_probed(struct mesh *m, msec now, uint32_t i, bool silent);
/* It is dead: what was known of its path is of no interest. */
void paths_forget(struct mesh *m, uint32_t i);

#endif
