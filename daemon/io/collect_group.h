/*
 * collect_group.h - the figures of each container here, in cAdvisor's names, out of its
 * cgroups (v1, v2, or both side by side), with two of the machine that these are parts of;
 * and of each instance what the supervisor tells
 * (mesh_instance_up, _restarts_total, _health).
 *
 *   collect_groups_begin -> collect_groups_see for each instance -> collect_groups_end
 *
 * Where its groups are, the kernel says of its pid; that they are its own, their name.
 * Files of cgroups are anybody's to read, so this needs no right.  An instance that is
 * seen no more has ended: its series are stale at once.  A container without a group of
 * its own (rootless, none delegated) has no figures but the supervisor's.
 */
#ifndef IO_COLLECT_GROUP_H
#define IO_COLLECT_GROUP_H

#include "../core/view.h"
#include "reading.h"

struct collect_groups;

/* One instance as it is now; borrowed for the call. */
struct collect_instance {
	const char *instance, *role, *image;
	int32_t pid; /* of its pid 1 on this host; 0: it does not run */
	bool own_network;
	enum view_health health;
	uint32_t restarts;
	uint64_t since_ms; /* wall clock: it runs since */
};

/* of: store, text and page_bytes of it are used; borrowed until the end.  node: likewise.
 * most: instances whose groups are read; the others are counted (collect_groups_left).
 * proc: "/proc". */
MUST_CHECK struct collect_groups *collect_groups_new(const struct reading_of *of, const char *node,
    uint32_t most, const char *proc); /* NULL: no memory */
void collect_groups_begin(struct collect_groups *g, int64_t tick, int64_t wall_ms);
void collect_groups_see(struct collect_groups *g, const struct collect_instance *i);
void collect_groups_end(struct collect_groups *g);
/* How many that run are not read: more than most, or no group of theirs is found. */
uint32_t collect_groups_left(const struct collect_groups *g);
void collect_groups_free(struct collect_groups *g);

#endif
