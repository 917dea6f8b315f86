/*
 * story_partial.c - networks that fail in part: not everybody hears everybody,
 * and yet nobody is out of reach.
 */
#include "story.h"

enum { SO_LONG = 60 * SECOND };

/* Each reaches each through others: nobody is dead, and the leader stays.
 * Small worlds only: in a large ring most are far from all helpers. */
static bool
holds(struct sim *s, struct sim_stats *st, enum sim_fault f, const char *name)
{
	uint64_t deaths, elections;
	uint32_t n = s->conf.nodes;
	char text[48];

	if (!story_whole(s, NULL))
		return false;
	deaths = s->false_deaths;
	elections = s->elections;
	fault_cuts(s);
	/* Of a bridge the leader has the larger side, and is not it itself. */
	fault_partition(s, f, (2 * n - 1 - story_leader(s)) % n);
	net_changed(s);
	if (!sim_run(s, s->now + SO_LONG))
		return false;
	snprintf(text, sizeof text, "+partial.%s.false.deaths:count", name);
	stats_add(st, text, (int64_t)(s->false_deaths - deaths));
	snprintf(text, sizeof text, "+partial.%s.elections:count", name);
	stats_add(st, text, (int64_t)(s->elections - elections));
	memset(s->cut, 0, (size_t)n * n);
	net_changed(s);
	return story_whole(s, NULL);
}

bool
story_partial(struct sim *s, struct sim_stats *st)
{
	return holds(s, st, FAULT_ring, "ring") && holds(s, st, FAULT_bridge, "bridge");
}
