/*
 * standing.h - this node's figures of the standard set (core/standard.h), and what of its
 * figures is told: into e->metrics, for its own rounds, and e->standing.told, for reports.
 *
 * Each is evaluated every ten seconds, some of them each second; those that have no value
 * yet each second of the first twenty.  What is not small enough for the engine itself
 * (metricsread.h: a host of very many cores) is a copy's.
 */
#ifndef IO_STANDING_H
#define IO_STANDING_H

#include "../core/view.h"

struct engine;

struct standing {
	struct view_metrics told;
	uint32_t turn; /* seconds since the start */
	bool asking;   /* a copy is at it */
};

/* Once a second, when the host was read. */
void standing_second(struct engine *e);

#endif
