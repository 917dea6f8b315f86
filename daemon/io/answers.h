/*
 * answers.h - what the schedule in force asks of every node (core/query.h), and this
 * node's answers to it: they go along with each report, and into this node's own
 * rounds when it leads.
 */
#ifndef IO_ANSWERS_H
#define IO_ANSWERS_H

#include "../core/query.h"

struct engine;

struct answers {
	struct query_set query;
	struct view_answer rows[VIEW_ANSWERS_MAX]; /* by name */
	uint32_t count;
};

/* A schedule is in force: its `query`, packed.  One that can't be read asks nothing. */
void answers_take(struct engine *e, struct slice query);
/* What is measured moved. */
void answers_measure(struct engine *e);

#endif
