/*
 * story_member.c - coming and staying together.
 */
#include "story.h"

enum { ROSTER_AWAITED = 500 };

bool
story_steady(struct sim *s, struct sim_stats *st)
{
	uint64_t elections;
	usec took;

	if (!story_whole(s, &took))
		return false;
	/* Everybody has a summary, and no value moves. */
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		mesh_set_summary(s->node[i].mesh, node_clock(s, i),
		    &(struct mesh_summary){.cpu_percent = 1});
	s->quiet = true;
	/* The first telling of a thousand values is not idleness. */
	if (!sim_run(s, s->now + (s->conf.nodes > 200 ? 45 : 10) * (usec)SECOND))
		return false;
	elections = s->elections;
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		s->node[i].tx_bytes = 0;
	if (!sim_run(s, s->now + 30 * SECOND))
		return false;
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		stats_add(st, i == story_leader(s) ? "tx.leader:B/s" : "tx.node:B/s",
		    (int64_t)(s->node[i].tx_bytes / 30));
	stats_add(st, "+elections:count", (int64_t)(s->elections - elections));
	return story_bound(s, "stable-without-faults", s->elections == elections) &&
	    story_whole(s, NULL);
}

void
setup_join(struct sim_conf *conf)
{
	conf->seeds = 1;
}

bool
story_join(struct sim *s, struct sim_stats *st)
{
	usec seen, took;

	if (!story_seen(s, &seen))
		return false;
	stats_add(st, "join:ms", seen / 1000); /* from before the first start */
	if (s->conf.nodes > ROSTER_AWAITED)
		return true; /* it grows at a set pace, and that is long */
	if (!story_whole(s, &took))
		return false;
	stats_add(st, "join.roster:ms", s->now / 1000);
	return true;
}

bool
story_restart(struct sim *s, struct sim_stats *st)
{
	usec took;

	if (!story_whole(s, NULL))
		return false;
	for (uint32_t k = 0; k < story_trials(s) && s->broken == NULL; k++) {
		uint32_t known = s->node[0].mesh->roster.n.new;

		if (!sim_run(s, s->now + SECOND + (usec)prng_below(&s->rng, SECOND)))
			return false;
		for (uint32_t i = 0; i < s->conf.nodes; i++)
			node_crash(s, i, s->now + (usec)prng_below(&s->rng, SECOND));
		if (!sim_run(s, s->now + SECOND) || !story_whole(s, &took))
			return false;
		stats_add(st, "restart:ms", took / 1000);
		story_bound(s, "roster-never-lost", s->node[0].mesh->roster.n.new >= known);
	}
	return s->broken == NULL;
}

/* Everybody restarts five times within ten seconds. */
bool
story_storm(struct sim *s, struct sim_stats *st)
{
	usec took, end;

	if (!story_whole(s, NULL))
		return false;
	for (uint32_t k = 0; k < story_trials(s); k++) {
		for (end = s->now + 10 * SECOND; s->now < end;) {
			uint32_t victim = (uint32_t)prng_below(&s->rng, s->conf.nodes);

			node_crash(s, victim,
			    s->now + 20000 + (usec)prng_below(&s->rng, SECOND / 2));
			if (!sim_run(s, s->now + 2 * SECOND / s->conf.nodes))
				return false;
		}
		if (!sim_run(s, s->now + SECOND / 2) || !story_whole(s, &took))
			return false;
		stats_add(st, "storm:ms", took / 1000);
	}
	return true;
}

bool
story_heal(struct sim *s, struct sim_stats *st)
{
	usec took;

	if (!story_whole(s, NULL))
		return false;
	for (uint32_t k = 0; k < story_trials(s); k++) {
		/* Half and half, or one alone. */
		bool half = prng_below(&s->rng, 2) == 0;
		uint32_t alone = (uint32_t)prng_below(&s->rng, s->conf.nodes);

		for (uint32_t i = 0; i < s->conf.nodes; i++)
			if (half ? (i + alone) % s->conf.nodes < s->conf.nodes / 2 : i == alone)
				net_group(s, i, 1);
		if (!sim_run(s, s->now + 30 * SECOND))
			return false;
		for (uint32_t i = 0; i < s->conf.nodes; i++)
			net_group(s, i, 0);
		if (!story_whole(s, &took))
			return false;
		stats_add(st, half ? "heal:ms" : "heal.one:ms", took / 1000);
		if (!sim_run(s, s->now + 2 * SECOND))
			return false;
	}
	return true;
}
