/*
 * exclusive.h - on_split: exclusive joined end to end: what the schedule and
 * the supervisor say goes to the role lease (gossip/exclusive.h), and what the
 * lease says goes to the supervisor, as START with a deadline and FENCE.
 *
 *   leader    after each round, and when an office begins: who is to run what
 *   executor  the supervisor's LIST -> what runs, and until when
 *             the schedule in force -> what is wanted
 *             a lease came          -> START (settle.c asks here for the deadline)
 *             a lease was renewed   -> FENCE
 *
 * Nothing is started without a lease, and an instance counts as running from
 * the moment its START is sent until the supervisor says that it is gone.  A
 * mesh without such roles pays one look at the list of its roles.
 */
#ifndef IO_EXCLUSIVE_H
#define IO_EXCLUSIVE_H

#include "../core/exclusive.h"
#include "local.h"

struct engine;

struct exclusive {
	struct exclusive_starts starts;
	uint64_t running[MESH_EXCLUSIVE_MAX]; /* told to the machine */
	size_t running_count;
	uint64_t wants[MESH_EXCLUSIVE_MAX]; /* likewise */
	size_t wants_count;
	bool begun; /* the first list was given: from then on questions are asked */
	bool owners; /* this office gave the machine some */
};

/* The schedule in force moved, the supervisor said something, or the mesh
 * machine was made: tell the machine what runs and what is wanted. */
void exclusive_sync(struct engine *e);
/* The mesh moved: what was renewed is fenced further. */
void exclusive_look(struct engine *e);
/* An event of the supervisor, after it was folded into e->local. */
void exclusive_event(struct engine *e, const struct sup_event *ev);

/* The deadline to START it with; 0 = not now. */
msec exclusive_deadline(struct engine *e, const char *instance);
/* That START, or a STOP, was sent. */
void exclusive_asked(struct engine *e, enum sup_op op, const char *instance, uint64_t ticket,
    msec deadline);

/* Leader: by the schedule in force here, who is to run what. */
void exclusive_lead(struct engine *e);

/* Rows of this node: until when those have a lease that have one; and those
 * that wait for theirs are added.  How many there are now. */
size_t exclusive_rows(const struct engine *e, struct view_instance *rows, size_t count, size_t cap);

#endif
