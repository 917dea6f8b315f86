/*
 * answers.h - what the schedule in force asks of every node (core/query.h), and this
 * node's answers to it: they go along with each report, and into this node's own
 * rounds when it leads.
 *
 * What takes less time than a copy of the engine takes to make is evaluated here, all of
 * up to ANSWERS_AT_ONCE entries each second and of more in turn, so that gossip waits for
 * a few milliseconds at most; all else in copies (metricspart.h), one of an entry at a time.
 */
#ifndef IO_ANSWERS_H
#define IO_ANSWERS_H

#include "../core/query.h"

struct engine;

enum { ANSWERS_AT_ONCE = 8 };

struct answers {
	struct query_set query;
	struct view_answer rows[VIEW_ANSWERS_MAX]; /* by name; their bytes are owned */
	uint32_t count;
	struct answers_state {
		struct blob bytes; /* the last ones, or none */
		bool asking;   /* a copy is at it */
		bool refused; /* it was told that, and why, there is no answer */
	} states[VIEW_ANSWERS_MAX]; /* of each entry */
	size_t next; /* entry to be evaluated first */
	uint64_t turn; /* of answers_take: a copy's answer is of one */
};

/* A schedule is in force: its `query`, packed.  One that can't be read asks nothing. */
void answers_take(struct engine *e, struct slice query);
/* What is measured moved. */
void answers_measure(struct engine *e);

#endif
