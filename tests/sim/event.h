/*
 * event.h - what happens to a node of the simulator: a datagram, a stream, an alarm.
 */
#ifndef SIM_EVENT_H
#define SIM_EVENT_H

#include "../../gossip/base.h"
#include "../../gossip/seal.h"
#include "exclusive.h"

/* One datagram, however often it arrives; or a question over a stream. */
struct sim_dgram {
	uint32_t refs, from, to, len, load_len, stream; /* enum sim_stream */
	uint64_t heard; /* life of the receiver that took it; 0 = none.  Of a stream: who
			 * answers, in which generation. */
	uint64_t lives; /* of sender and receiver when it was sent */
	bool damaged;
	uint8_t *load; /* of a stream; owned */
	uint8_t bytes[DGRAM_BYTES_MAX];
};

struct sim_event {
	usec at;
	uint64_t seq;
	uint32_t node;
	bool served; /* has had its wait at a slow node */
	struct sim_dgram *dgram; /* NULL = wake */
};

#endif
