/*
 * ring.h - a node's cluster keys in the simulator: numbers (crypto.c).
 */
#ifndef SIM_RING_H
#define SIM_RING_H

#include <stdint.h>

/* The cluster keys a node holds: 0 = none.  Three epochs in a row. */
struct sim_ring {
	uint32_t epoch[3];
	uint64_t key[3];
};

uint64_t sim_ring_get(const struct sim_ring *r, uint32_t epoch);
void sim_ring_put(struct sim_ring *r, uint32_t epoch, uint64_t key);

#endif
