/*
 * exclusive.h - what the world keeps of instances of which there must be one.
 */
#ifndef SIM_EXCLUSIVE_H
#define SIM_EXCLUSIVE_H

#include "../../gossip/base.h"

typedef int64_t usec;

enum { SIM_EXCLUSIVE = 3, SIM_EXCLUSIVE_NODES = 32 };

/* An instance on_split: exclusive as it runs on one node. */
struct sim_process {
	bool running;
	msec deadline; /* on that node's clock */
	usec stop_at;  /* told to end: does by then */
};

/* What a schedule says of them. */
struct sim_plan {
	struct stamp stamp;
	uint32_t owner[SIM_EXCLUSIVE];
};

#endif
