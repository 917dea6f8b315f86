/*
 * standing.h - this node's figures of the standard set (core/standard.h), and what of its
 * figures is told: into e->metrics, for its own rounds, and e->standing.told, for reports.
 *
 * Each is evaluated every ten seconds, some of them each second; those that have no value
 * yet each second of the first twenty; in the first minute over what there is of it.  What is not small enough for the engine itself
 * (metricsread.h: a host of very many cores) is a copy's.
 */
#ifndef IO_STANDING_H
#define IO_STANDING_H

#include "../core/view.h"

struct engine;

struct standing {
	struct view_metrics told;
	int64_t began; /* the tick when it could look first */
	uint32_t turn; /* seconds since then */
	bool asking;   /* a copy is at it */
};

/* Once a second, when the host was read. */
void standing_second(struct engine *e);

#endif
