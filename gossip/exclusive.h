/*
 * exclusive.h - the role lease: at most one in the whole world (DESIGN §5).
 * Part of mesh.h.
 *
 * An instance is known by a 64-bit hash of its name; the caller makes it, the
 * same everywhere.  Two names of one hash would share one lease: one of them
 * would wait, and never would both run.
 *
 * Order of calls, on a node that is to run such instances: first
 * mesh_exclusive_running and mesh_exclusive_held for each that is found running,
 * then mesh_exclusive_want; before that nothing is asked for, because an instance
 * that is not named when asking counts as gone.  Then, whenever mesh_changes
 * moved, mesh_exclusive_until; and again _want and _running as they change.
 */
#ifndef GOSSIP_EXCLUSIVE_H
#define GOSSIP_EXCLUSIVE_H

#include "base.h"

struct mesh;

enum {
	MESH_ROLE_LEASE_MS = 15000,
	MESH_EXCLUSIVE_MAX = 64,  /* instances of one node */
	MESH_OWNERS_MAX = 4096,	  /* of the whole mesh */
};

struct mesh_owner {
	uint64_t id;
	struct node_id node;
};

/* The instances that the schedule in force here gives this node; replaces the
 * last list.  -ERR_FULL: more than MESH_EXCLUSIVE_MAX with those still running. */
MUST_CHECK int mesh_exclusive_want(struct mesh *m, msec now, const uint64_t *ids, size_t count);
/* A process of it lives here, or the last one is gone for good. */
MUST_CHECK int mesh_exclusive_running(struct mesh *m, msec now, uint64_t id, bool running);
/* What is found running has a lease that a life of this node before this one was
 * given: until then, on the same CLOCK_BOOTTIME, and never a moment more than it
 * was given.  So that a new engine claims what its host still holds.  -ERR_RANGE:
 * no such instance runs, or that is more than a lease ahead.  What is over changes
 * nothing. */
MUST_CHECK int mesh_exclusive_held(struct mesh *m, msec now, uint64_t id, msec until);
/* It may run until then, on the caller's CLOCK_BOOTTIME; 0 = it may not. */
msec mesh_exclusive_until(const struct mesh *m, uint64_t id);
/* Leader: who is to run what, by the schedule it issued; replaces the last list.
 * In rising order of id, each once.  -ERR_RANGE, -ERR_FULL: the last list stands. */
MUST_CHECK int mesh_exclusive_owners(struct mesh *m, msec now, const struct mesh_owner *owners,
    size_t count);

#endif
