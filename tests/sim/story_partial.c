/*
 * story_partial.c - networks that fail in part: not everybody hears everybody,
 * and yet nobody is out of reach.
 */
#include "story.h"

enum { SO_LONG = 60 * SECOND };

/* Each reaches each, through others or by streams: nobody is dead, and the
 * leader stays.  Small worlds only: in a large ring most are far from all
 * helpers. */
static bool
holds(struct sim *s, struct sim_stats *st, enum sim_fault f, uint32_t a)
{
	uint64_t deaths, elections;
	char text[48];

	deaths = s->false_deaths;
	elections = s->elections;
	fault_cuts(s);
	fault_partition(s, f, a);
	net_changed(s);
	if (!sim_run(s, s->now + SO_LONG))
		return false;
	snprintf(text, sizeof text, "+partial.%s.false.deaths:count", fault_names[f]);
	stats_add(st, text, (int64_t)(s->false_deaths - deaths));
	snprintf(text, sizeof text, "+partial.%s.elections:count", fault_names[f]);
	stats_add(st, text, (int64_t)(s->elections - elections));
	return true;
}

static bool
mends(struct sim *s)
{
	memset(s->cut, 0, (size_t)s->conf.nodes * s->conf.nodes);
	net_changed(s);
	return story_whole(s, NULL);
}

/* What does the leader say of it, and what it of the leader? */
static bool
both_say(const struct sim *s, uint32_t leader, uint32_t one, bool blocked)
{
	struct mesh_member a, b;

	return mesh_find(s->node[leader].mesh, &s->node[one].id, &a) &&
	    mesh_find(s->node[one].mesh, &s->node[leader].id, &b) &&
	    a.udp_blocked == blocked && a.unstable == blocked && b.udp_blocked == blocked;
}

bool
story_partial(struct sim *s, struct sim_stats *st)
{
	uint32_t n = s->conf.nodes, leader;

	if (!story_whole(s, NULL) || !holds(s, st, FAULT_ring, 0) || !mends(s))
		return false;
	/* The leader has the larger side of the bridge, and is not it itself. */
	if (!holds(s, st, FAULT_bridge, (2 * n - 1 - story_leader(s)) % n) || !mends(s))
		return false;
	leader = story_leader(s);
	return holds(s, st, FAULT_udp, (leader + 1) % n) &&
	    story_bound(s, "blocked-is-named", both_say(s, leader, (leader + 1) % n, true)) &&
	    mends(s) && sim_run(s, s->now + 10 * SECOND) &&
	    story_bound(s, "blocked-no-more", both_say(s, leader, (leader + 1) % n, false));
}
