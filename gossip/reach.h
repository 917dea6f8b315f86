/*
 * reach.h - one round of pings to everybody, because a person asked (look.h).
 * Inner: part of struct mesh, used by the files of gossip/ alone.
 */
#ifndef GOSSIP_REACH_H
#define GOSSIP_REACH_H

#include "base.h"

struct mesh;

struct reach {
	struct reached {
		uint64_t short_id, seq; /* of the ping sent last; 0 = none in this round */
		msec sent;
		int32_t rtt_ms; /* -1 = no answer */
	} *of; /* by member */
	bool on;
	msec started;
	uint32_t attempt, at; /* the next to be asked in it */
	msec attempt_at, next_at; /* next_at: MSEC_NEVER while nothing is due */
};

MUST_CHECK int reach_init(struct mesh *m);
void reach_fini(struct mesh *m);
/* True when that ack was meant for the round. */
bool reach_acked(struct mesh *m, msec now, uint32_t from, uint64_t seq);
void reach_tick(struct mesh *m, msec now);

#endif
