/*
 * ring.h - small things a node has in the simulator: its cluster keys, which are numbers
 * (crypto.c), its word that it restarts, and what it came by.
 */
#ifndef SIM_RING_H
#define SIM_RING_H

#include <stdbool.h>
#include <stdint.h>

/* The cluster keys a node holds: 0 = none.  Three epochs in a row. */
struct sim_ring {
	uint32_t epoch[3];
	uint64_t key[3];
};

/* What a node said of a restart: for how long, in which life and word of its own. */
struct sim_grace {
	uint64_t life;
	uint32_t s, word;
};

/* A certificate of the mesh's CA: by which token, and was it in anybody's table? */
struct sim_right {
	uint32_t token, uses;
	uint64_t expiry_s;
	bool entered;
};

uint64_t sim_ring_get(const struct sim_ring *r, uint32_t epoch);
void sim_ring_put(struct sim_ring *r, uint32_t epoch, uint64_t key);

#endif
