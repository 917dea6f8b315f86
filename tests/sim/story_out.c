/*
 * story_out.c - who is put out of the mesh.
 */
#include "story.h"

enum { EVICTIONS_MAX = 6 };

static bool
out_of(const struct sim *s, uint32_t observer, uint32_t subject)
{
	const struct mesh *m = s->node[observer].mesh;

	return evict_find(&m->ms.evict, seal_short(&s->node[subject].id)) != EVICT_NONE;
}

/* All who belong know it, and no roster has it; the evicted may know or not. */
static bool
all_know(const struct sim *s, uint32_t subject, bool rosters)
{
	for (uint32_t i = 0; i < s->conf.nodes; i++) {
		const struct mesh *m = s->node[i].mesh;
		uint32_t x = m == NULL ? MEMBER_NONE : members_find_id(&m->ms, &s->node[subject].id);

		if (m == NULL || s->node[i].evicted_at != 0)
			continue;
		if (!out_of(s, i, subject) ||
		    (rosters && (m->roster.joint || (x != MEMBER_NONE && m->ms.m[x].roster != 0))))
			return false;
	}
	return true;
}

static bool
wait_known(struct sim *s, uint32_t subject, bool rosters)
{
	usec began = s->now;

	while (!all_know(s, subject, rosters) && s->now - began < story_patience(s))
		if (!sim_run(s, s->now + 20000))
			return false;
	return story_bound(s, "evicted-everywhere", all_know(s, subject, rosters));
}

static bool
wait_self(struct sim *s, uint32_t subject)
{
	usec began = s->now;

	while (!s->node[subject].mesh->ms.evict.self && s->now - began < story_patience(s))
		if (!sim_run(s, s->now + 20000))
			return false;
	return story_bound(s, "evicted-learns-it", s->node[subject].mesh->ms.evict.self);
}

/* Anybody who is still in, the leader as often as not. */
static uint32_t
victim_of(struct sim *s, uint32_t by)
{
	uint32_t i = prng_below(&s->rng, 2) == 0 ? story_leader(s) :
						   (uint32_t)prng_below(&s->rng, s->conf.nodes);

	while (i == by || s->node[i].evicted_at != 0)
		i = (i + 1) % s->conf.nodes;
	return i;
}

static uint32_t
judge_of(struct sim *s)
{
	uint32_t by = (uint32_t)prng_below(&s->rng, s->conf.nodes);

	while (s->node[by].evicted_at != 0)
		by = (by + 1) % s->conf.nodes;
	return by;
}

/* One is put out: while all hear it, while it is cut off itself, while it is
 * down, or while one of the others is. */
static bool
one_out(struct sim *s, struct sim_stats *st, uint32_t k)
{
	uint32_t by = judge_of(s), i = victim_of(s, by), away = UINT32_MAX;
	usec began;

	if (k % 4 == 1)
		net_group(s, i, 1);
	if (k % 4 == 2)
		node_crash(s, i, INT64_MAX);
	if (k % 4 == 3) {
		for (away = 0; away == i || away == by || s->node[away].evicted_at != 0;)
			away++;
		node_crash(s, away, INT64_MAX);
	}
	if (k % 4 != 0 && !sim_run(s, s->now + 10 * (usec)SECOND))
		return false;
	if (node_evict(s, by, i) < 0)
		return story_bound(s, "evict-taken", false);
	began = s->now;
	if (!wait_known(s, i, false))
		return false;
	stats_add(st, "evict.known:ms", (s->now - began) / 1000);
	if (!wait_known(s, i, true))
		return false;
	stats_add(st, "evict.roster:ms", (s->now - began) / 1000);
	net_group(s, i, 0);
	if (k % 4 == 2)
		node_start(s, i);
	if (away != UINT32_MAX)
		node_start(s, away);
	began = s->now;
	if (!wait_self(s, i) || !wait_known(s, i, true))
		return false;
	stats_add(st, "evict.self:ms", (s->now - began) / 1000);
	return true;
}

bool
story_evict(struct sim *s, struct sim_stats *st)
{
	uint32_t outs = s->conf.nodes > 3 ? (s->conf.nodes - 3 + 1) / 2 : 0;
	usec took;

	if (!story_whole(s, NULL))
		return false;
	for (uint32_t k = 0; k < outs && k < EVICTIONS_MAX; k++)
		if (!one_out(s, st, k) || !story_whole(s, &took))
			return false;
	/* Nobody forgets it, and whoever is out stays so, over a restart of all. */
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		node_crash(s, i, s->now + (usec)prng_below(&s->rng, SECOND));
	if (!sim_run(s, s->now + SECOND) || !story_whole(s, NULL) ||
	    !sim_run(s, s->now + 10 * (usec)SECOND))
		return false;
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		if (s->node[i].evicted_at != 0 &&
		    (!s->node[i].mesh->ms.evict.self || !all_know(s, i, true)))
			return story_bound(s, "evicted-for-good", false);
	return true;
}
