/*
 * story_partial.c - networks that fail in part: not everybody hears everybody,
 * and yet nobody is out of reach.
 */
#include "story.h"

enum { SO_LONG = 60 * SECOND };

/* How many follow nobody, or no full leader. */
static uint32_t
unled(const struct sim *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->conf.nodes; i++) {
		struct mesh_side side;

		mesh_side(s->node[i].mesh, node_clock(s, i), &side);
		n += !side.has_leader || side.grade != MESH_GRADE_FULL;
	}
	return n;
}

/* Each reaches each, through others or by streams: nobody is dead, and the
 * leader stays.  Small worlds only: in a large ring a word takes longer to get round
 * than a suspicion lasts. */
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
	if (f == FAULT_udp)
		return true; /* to that one there is no way around */
	snprintf(text, sizeof text, "+partial.%s.unled:count", fault_names[f]);
	stats_add(st, text, unled(s));
	return true;
}

/* Word goes around under keys that two have, and those are made straight: the leader that
 * a ring elects must have met all.  A round of probes, and each has met each. */
static bool
all_meet(struct sim *s)
{
	return sim_run(s, s->now + (usec)s->conf.nodes * SECOND);
}

/* The path between the leader and one other is cut, there, back, or both: a third
 * carries what they have to say. */
static bool
detour(struct sim *s, struct sim_stats *st, bool there, bool back)
{
	uint32_t n = s->conf.nodes, leader = story_leader(s), one = (leader + 1) % n, without = 0;
	uint64_t deaths = s->false_deaths, elections = s->elections;

	s->cut[(size_t)leader * n + one] = there ? CUT_ALL : CUT_NOT;
	s->cut[(size_t)one * n + leader] = back ? CUT_ALL : CUT_NOT;
	net_changed(s);
	for (uint32_t k = 0; k < 20; k++) {
		if (!sim_run(s, s->now + SECOND))
			return false;
		without += unled(s) > 0;
	}
	stats_add(st, "+partial.path.unled:s", without);
	stats_add(st, "+partial.path.false.deaths:count", (int64_t)(s->false_deaths - deaths));
	stats_add(st, "+partial.path.elections:count", (int64_t)(s->elections - elections));
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

	if (!story_whole(s, NULL) || !all_meet(s) || !holds(s, st, FAULT_ring, 0) || !mends(s))
		return false;
	/* The leader has the larger side of the bridge, and is not it itself. */
	if (!holds(s, st, FAULT_bridge, (2 * n - 1 - story_leader(s)) % n) || !mends(s))
		return false;
	if (!detour(s, st, true, false) || !mends(s) || !detour(s, st, false, true) || !mends(s) ||
	    !detour(s, st, true, true) || !mends(s))
		return false;
	leader = story_leader(s);
	return holds(s, st, FAULT_udp, (leader + 1) % n) &&
	    story_bound(s, "blocked-is-named", both_say(s, leader, (leader + 1) % n, true)) &&
	    mends(s) && sim_run(s, s->now + 10 * SECOND) &&
	    story_bound(s, "blocked-no-more", both_say(s, leader, (leader + 1) % n, false));
}

/* --- many at once --------------------------------------------------------------- */

/* How many tables, the leader's apart, hold one of those living beyond the cut for
 * dead; and does the leader? */
static uint32_t
hold_dead(const struct sim *s, uint32_t leader, uint32_t from, uint32_t *at_leader)
{
	uint32_t n = 0;

	*at_leader = 0;
	for (uint32_t k = from; k < s->conf.nodes; k++)
		for (uint32_t i = 0; i < from; i++)
			if (s->node[i].mesh != NULL && story_state(s, i, k) == MESH_FAILED) {
				n += i != leader;
				*at_leader += i == leader;
			}
	return n;
}

/* A switch with two fifths of the nodes behind it: it fails for some seconds, and then
 * for good.  The leader is on the larger side. */
bool
story_rack(struct sim *s, struct sim_stats *st)
{
	static const usec lengths[] = {2 * SECOND, 3 * SECOND, 4 * SECOND, 6 * SECOND};
	uint32_t n = s->conf.nodes, from = n - 2 * n / 5, left = 2 * n / 5, at_leader;
	char text[48];
	usec began, took;

	for (uint32_t k = 0; k < ARRAY_LEN(lengths); k++) {
		uint64_t elections;

		if (!story_whole(s, NULL) || !sim_run(s, s->now + 3 * SECOND))
			return false;
		if (story_leader(s) >= from)
			return true; /* another seed */
		elections = s->elections;
		for (uint32_t i = from; i < n; i++)
			net_group(s, i, 1);
		if (!sim_run(s, s->now + lengths[k]))
			return false;
		for (uint32_t i = from; i < n; i++)
			net_group(s, i, 0);
		snprintf(text, sizeof text, "rack.%llds.heal:ms", (long long)(lengths[k] / SECOND));
		if (!story_whole(s, &took))
			return false;
		stats_add(st, text, took / 1000);
		stats_add(st, "+rack.elections:count", (int64_t)(s->elections - elections));
	}
	if (!sim_run(s, s->now + 3 * SECOND) || story_leader(s) >= from)
		return s->broken == NULL;
	began = s->now;
	for (uint32_t i = from; i < n; i++)
		node_crash(s, i, INT64_MAX);
	for (bool led = false, all = false; !all && s->now - began < story_patience(s);) {
		uint32_t said;

		if (!sim_run(s, s->now + 20000))
			return false;
		said = hold_dead(s, story_leader(s), from, &at_leader);
		if (at_leader == left && !led) {
			led = true;
			stats_add(st, "rack.dead.leader:ms", (s->now - began) / 1000);
		}
		all = said == left * (from - 1) && led;
	}
	stats_add(st, "rack.dead.mesh:ms", (s->now - began) / 1000);
	return true;
}
