/*
 * story_going.c - nodes that say that they go: a rolling restart, and one that
 * does not come back.
 */
#include "story.h"

enum { GRACE_S = 20, SAY = 200000, LOOK = 20000, ROLLED_MAX = 40 };

struct gap {
	usec since, longest; /* nobody leads; 0 = somebody does */
};

static bool
leads(const struct sim *s, uint32_t i)
{
	const struct mesh *m = s->node[i].mesh;

	return m != NULL && lead_grade(m, node_clock(s, i)) != MESH_GRADE_NONE;
}

/* What a leader would tell its scheduler of j: that it is dead? */
static bool
given_up(const struct sim *s, uint32_t leader, uint32_t j)
{
	struct mesh_member x;

	return mesh_find(s->node[leader].mesh, &s->node[j].id, &x) && x.state == MESH_FAILED &&
	    x.wait_until <= node_clock(s, leader);
}

/* Until `until`: nobody who leads gives anybody up, and the time without one. */
static bool
watched(struct sim *s, struct gap *g, usec until)
{
	while (s->now < until) {
		bool any = false;

		if (!sim_run(s, s->now + LOOK))
			return false;
		for (uint32_t i = 0; i < s->conf.nodes; i++) {
			if (!leads(s, i))
				continue;
			any = true;
			for (uint32_t j = 0; j < s->conf.nodes; j++)
				if (given_up(s, i, j))
					return story_bound(s, "restarting-left-alone", false);
		}
		if (any)
			g->since = 0;
		else if (g->since == 0)
			g->since = s->now;
		if (g->since != 0 && s->now - g->since > g->longest)
			g->longest = s->now - g->since;
	}
	return true;
}

/* i says that it restarts, and is away for so long. */
static bool
one_rolls(struct sim *s, struct sim_stats *st, uint32_t i, usec away)
{
	struct gap g = {0};
	bool led = leads(s, i);

	if (node_restarting(s, i, GRACE_S) < 0)
		return story_bound(s, "restarting-taken", false);
	if (!watched(s, &g, s->now + SAY))
		return false;
	node_crash(s, i, s->now + away);
	if (!watched(s, &g, s->now + away + 2 * (usec)SECOND))
		return false;
	stats_add(st, led ? "rolling.gap.leader:ms" : "rolling.gap:ms", g.longest / 1000);
	return story_whole(s, NULL);
}

/* i says so, and never comes back: a leader gives it up, but not before. */
static bool
one_stays_away(struct sim *s, struct sim_stats *st, uint32_t i)
{
	usec began;
	uint32_t by;

	if (node_restarting(s, i, GRACE_S) < 0)
		return story_bound(s, "restarting-taken", false);
	if (!sim_run(s, s->now + SAY))
		return false;
	began = s->now;
	node_crash(s, i, INT64_MAX);
	do {
		if (!sim_run(s, s->now + LOOK))
			return false;
		by = story_leader(s);
	} while ((!leads(s, by) || !given_up(s, by, i)) && s->now - began < 4 * GRACE_S * (usec)SECOND);
	stats_add(st, "rolling.given.up:ms", (s->now - began) / 1000);
	if (s->now - began < GRACE_S * (usec)SECOND)
		return story_bound(s, "restarting-left-alone", false);
	node_start(s, i);
	return sim_run(s, s->now + SECOND) && story_whole(s, NULL);
}

bool
story_rolling(struct sim *s, struct sim_stats *st)
{
	if (!story_whole(s, NULL))
		return false;
	for (uint32_t i = 0; i < s->conf.nodes && i < ROLLED_MAX; i++)
		if (!one_rolls(s, st, i, SECOND / 2 + (usec)prng_below(&s->rng, 10 * SECOND)))
			return false;
	return one_rolls(s, st, story_leader(s), 5 * (usec)SECOND) &&
	    (s->conf.nodes < 3 || one_stays_away(s, st, story_other(s)));
}
