/*
 * roundask.h - what a round asks its script: the world of now as one packed value, made in
 * pieces (turns.h).
 *
 *	look       nodes; actions, what nodes answer to the schedule's `query`
 *	rows       their instances, of some nodes in a piece
 *	nodes      packed, then instances, some in a piece
 *	parents    one schedule in a piece
 *	whole      metadata; and there it is
 *
 * Between pieces nothing is borrowed: what reports, the desk of actions or the trees hold
 * is read in one of them, or copied.
 */
#ifndef IO_ROUNDASK_H
#define IO_ROUNDASK_H

#include "../base/err.h"
#include "../core/input.h"
#include "world.h"

struct engine;

enum {
	ROUND_AGAIN = 2, /* err.code: what it came from moved, or the office is shaky */
	ROUND_FAULT = 1, /* no memory, a broken parent */
};

/* Which schedules a round starts from. */
struct round_parents {
	struct hash hash[MESH_PARENTS_MAX];
	size_t count;
};
void round_parents_take(struct engine *e, struct round_parents *p);
/* Are they the same still? */
bool round_parents_stand(struct engine *e, const struct round_parents *p);

/* A zeroed one begins. */
struct roundask {
	bool actions; /* with those that wait for a round: they are given to this one */
	struct round_parents asked;
	uint64_t now_ms; /* wall clock of the look */
	enum { ASK_LOOK, ASK_ROWS, ASK_NODES, ASK_INSTANCES, ASK_PARENTS, ASK_WHOLE } at; /* the next piece */
	struct world world;
	struct inputwork *work;
	struct blob parents[MESH_PARENTS_MAX];
	size_t packed;	   /* of these */
	struct blob input; /* when all is done */
};

/* 1: there is more of it.  0: input is whole.  Negative: err->code. */
MUST_CHECK int roundask_more(struct engine *e, struct roundask *a, struct err *err);
void roundask_free(struct roundask *a);

#endif
