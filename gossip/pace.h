/*
 * pace.h - how fast a mesh lives: `profile` of the configuration.
 *
 * What waits for an answer, or counts silences, must leave time for the longest round
 * trip there is.  So a profile is one factor on all such times at once:
 *
 *	profile   factor   round trips up to   a death is known after
 *	lan       1        ~ 100 ms            2.2 s
 *	wan       4        ~ 400 ms            8.8 s
 *	local     1/2      ~ 50 ms             1.1 s
 *
 * With everything times four the machine does in a mesh of 300 ms what it does in
 * one of 75 ms, in the same order: no rule between two times changes, and what was
 * shown for one pace holds for each.  Not scaled is what no round trip enters: how
 * much is sent in a second, how long history is kept, role leases.
 *
 * (memberlist's wan: probes each 5 s, suspicions of 30 s and more; its local: 200 ms
 * to answer.  config.go's DefaultWANConfig, DefaultLocalConfig.)
 *
 * Nodes of one mesh need the same one, for liveness alone: a leader's beat says for
 * how long it wants to be promised, and who promises keeps that on disk, so leases
 * exclude each other whatever paces meet; for a node that lost that disk see holdoff.h.
 * Each node tells its profile in the features of its introduction (wire.h), and a
 * difference is named.
 */
#ifndef GOSSIP_PACE_H
#define GOSSIP_PACE_H

#include "base.h"

enum mesh_profile { MESH_LAN, MESH_WAN, MESH_LOCAL, MESH_PROFILES };

enum { PACE_SLOWEST = 4 };

/* A time of the lan profile, in ms, as it is in that one. */
static inline msec
pace_ms(enum mesh_profile profile, msec lan)
{
	switch (profile) {
	case MESH_WAN:
		return lan * PACE_SLOWEST;
	case MESH_LOCAL:
		return lan / 2;
	default:
		return lan;
	}
}

#endif
