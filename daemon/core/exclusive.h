/*
 * exclusive.h - on_split: exclusive, what there is to decide: whose a role
 * lease is by a schedule, when an instance may be started under one, and what
 * may be running here although nobody has seen it yet.
 *
 * The lease itself is gossip/exclusive.h; io/exclusive.c joins both.
 */
#ifndef CORE_EXCLUSIVE_H
#define CORE_EXCLUSIVE_H

#include "../../gossip/mesh.h"
#include "../base/proto.h"
#include "plan.h"

enum {
	/* A START with less than this left could be refused: the supervisor wants
	 * kill-timeout and a little more, and judging takes its time. */
	EXCLUSIVE_START_MS = SUP_LEASE_KILL_MS_MAX + 1000,
};

/* The same on every node, for ever: a hash of the name. */
uint64_t exclusive_id(const char *instance);

/* Of a plan: at most MESH_EXCLUSIVE_MAX such instances on a node, and at most
 * MESH_OWNERS_MAX in all.  0, or -1 and a line with a path. */
int exclusive_check(const struct plan *p, struct err *err);
bool exclusive_any(const struct plan *p);
/* Who is to run what: sorted by id, each id once, nodes that are unknown left
 * out, at most cap.  How many. */
size_t exclusive_owners(const struct plan *p, const struct view_node *nodes, size_t nodes_count,
    struct mesh_owner *out, size_t cap);
/*
 * Of those owners, as exclusive_owners left them, who must wait: its instance runs on
 * another node that is not known to be dead, without a role lease, so nothing ends it but its
 * own node: a copy of when the role was no exclusive one.  An owner that runs it under
 * its lease stays.  marks: count bytes of scratch.  How many are left, in order.
 */
size_t exclusive_hold(struct mesh_owner *owners, size_t count, const struct view_node *nodes,
    size_t nodes_count, const struct view_instance *instances, size_t instances_count,
    uint8_t *marks);
/* The ids of what this node is to run, at most cap.  How many. */
size_t exclusive_wants(const struct plan *p, const struct plan_node *here, uint64_t *out,
    size_t cap);

/* Is there enough left of a lease to be started under it? */
bool exclusive_may_start(msec until, msec now);
/* Is the supervisor to hear of a deadline?  told: the last that it has heard. */
bool exclusive_must_fence(const struct sup_event *ev, msec until, msec told);
/* May a process of it live?  By the last that the supervisor said of it. */
bool exclusive_lives(const struct sup_event *ev);

/*
 * STARTs of which it is not known what became of them.  From the moment one is
 * sent until the supervisor says how the instance is, it counts as running: a
 * node that asked for a lease without naming it would give it away.
 */
struct exclusive_starts {
	struct exclusive_start {
		char instance[NAME_CAP];
		uint64_t ticket;
		bool accepted;
	} items[MESH_EXCLUSIVE_MAX];
	size_t count;
};

/* False: no room, and it must not be sent. */
bool exclusive_room(const struct exclusive_starts *s, const char *instance);
void exclusive_sent(struct exclusive_starts *s, const char *instance, uint64_t ticket);
/* STOP was sent after it: a START that was not judged yet is then never answered. */
void exclusive_stopped(struct exclusive_starts *s, const char *instance, uint64_t ticket);
/* The supervisor answered a ticket.  Refused: nothing runs for it.  True when
 * it was one of these. */
bool exclusive_replied(struct exclusive_starts *s, uint64_t ticket, bool ok);
/* A STATE of it came: after the answer it says what became of the START. */
bool exclusive_told(struct exclusive_starts *s, const char *instance);
/* The LIST of that ticket has ended: it named all that came of earlier ones. */
void exclusive_listed(struct exclusive_starts *s, uint64_t list_ticket);

#endif
