/*
 * summary.h - plane A (DESIGN §5): what every node knows of every other's load.  Part of
 * mesh.h.
 */
#ifndef GOSSIP_SUMMARY_H
#define GOSSIP_SUMMARY_H

#include "base.h"

/* Plane A: one small record per node, to everyone, on change and each 30 s. */
struct mesh_summary {
	uint8_t cpu_percent;   /* 0-100 of all cores */
	uint8_t mem_percent;   /* 0-100 used */
	uint8_t disk_percent;  /* 0-100 used, of the state directory */
	uint16_t load_centi;   /* 1-minute load x 100, saturating */
	uint16_t instances;    /* containers running */
	uint32_t facts_hash;  /* first 4 bytes of the hash of its facts (facts.h), 0 = none told */
};

#endif
