/*
 * policy.h - what the configuration says of elections (DESIGN §5): which small
 * sides may be led, and what single nodes count.  Part of mesh.h.
 */
#ifndef GOSSIP_POLICY_H
#define GOSSIP_POLICY_H

#include "base.h"

enum {
	MESH_PREFS_MAX = 64,
	MESH_WEIGHT_MAX = 100,
	MESH_PRIORITY_MAX = 100, /* and its negative */
};

enum mesh_quorum {
	MESH_QUORUM_MAJORITY,
	MESH_QUORUM_ANY,
	MESH_QUORUM_MIN,    /* quorum_min electors */
	MESH_QUORUM_WEIGHT, /* electors of quorum_min weight together */
};

/* What the configuration says of one node, by name.  Weight and tie-breaker
 * count once a full leader has written them into the roster; priority is only
 * manners: who asks for votes first. */
struct mesh_pref {
	char name[NAME_CAP];
	uint8_t weight; /* 1..MESH_WEIGHT_MAX; 0 = not said, 1 */
	int8_t priority; /* -MESH_PRIORITY_MAX..MESH_PRIORITY_MAX, higher first */
	bool tie_breaker; /* decides an exact half; at most one */
};

/* Who may lead a side below half of the roster's weight.  A full leader needs
 * more than half, whatever this says. */
struct mesh_policy {
	enum mesh_quorum quorum;
	uint32_t quorum_min; /* of MESH_QUORUM_MIN and _WEIGHT; >= 1 */
	/* So many electors may, this long after the last full leader; 0 = never. */
	uint32_t degraded_min;
	msec degraded_after_ms;
	struct mesh_pref prefs[MESH_PREFS_MAX];
	size_t prefs_count;
};

#endif
