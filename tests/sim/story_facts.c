/*
 * story_facts.c - what nodes say of themselves changes: until all others have it, and
 * what it costs.
 */
#include "../../gossip/facts.h"
#include "story.h"

enum { MINUTE = 60 * SECOND, LARGE = 300 /* above it only what a push to all costs, and one change */ };

static bool
all_have_all(const struct sim *s)
{
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		if (s->node[i].mesh != NULL && s->facts->lack[i] > 0)
			return false;
	return true;
}

/* Until all have all that was said since `began`: how long each needed. */
static bool
gathered(struct sim *s, struct sim_stats *st, const char *name, usec began)
{
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		s->facts->whole_at[i] = began;
	while (!all_have_all(s) && s->now - began < 3 * MINUTE)
		if (!sim_run(s, s->now + 50000))
			return false;
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		if (s->facts->whole_at[i] > began)
			stats_add(st, name, (s->facts->whole_at[i] - began) / 1000);
	return story_bound(s, "all-have-all-facts", all_have_all(s));
}

static bool
settle(struct sim *s)
{
	return sim_run(s, s->now + (s->conf.nodes > LARGE ? MINUTE / 6 : MINUTE / 2));
}

/* As when a package is pushed to all hosts in these few seconds. */
static bool
all_change(struct sim *s, struct sim_stats *st, const char *name)
{
	usec began = s->now;

	for (uint32_t i = 0; i < s->conf.nodes; i++) {
		s->node[i].tx_bytes = 0;
		facts_say(s, i, true);
	}
	facts_count(s);
	if (!gathered(s, st, name, began))
		return false;
	stats_add(st, "facts.all.streams:per_node", (int64_t)(s->facts->streams / s->conf.nodes));
	/* Each needs each other's once. */
	stats_add(st, "facts.all.twice:permille",
	    (int64_t)(s->facts->records * 1000 / (s->conf.nodes * (s->conf.nodes - 1))) - 1000);
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		stats_add(st, "facts.all.tx:KB", (int64_t)(s->node[i].tx_bytes / 1000));
	return true;
}

static bool
one_changes(struct sim *s, struct sim_stats *st)
{
	usec began = s->now;

	facts_say(s, story_other(s), true);
	facts_count(s);
	if (!gathered(s, st, "facts.one:ms", began))
		return false;
	stats_add(st, "facts.one.streams:count", (int64_t)s->facts->streams);
	return true;
}

/* It comes back with the same facts: nobody asks it, and it asks for all. */
static bool
one_restarts(struct sim *s, struct sim_stats *st)
{
	uint32_t i = story_other(s);
	usec began = s->now;
	uint64_t before;

	node_crash(s, i, s->now + SECOND);
	if (!sim_run(s, s->now + 2 * SECOND))
		return false;
	facts_say(s, i, false);
	facts_count(s);
	before = s->facts->records;
	if (!gathered(s, st, "facts.again:ms", began))
		return false;
	return story_bound(s, "nobody-asks-who-says-the-same",
	    s->facts->records - before < s->conf.nodes + 8);
}

/* A node whose hint is never that of what it says. */
static bool
one_lies(struct sim *s, struct sim_stats *st)
{
	struct mesh_summary sum = {.cpu_percent = 1};
	uint32_t i = story_other(s);

	facts_count(s);
	for (uint32_t k = 0; k < 180; k++) {
		sum.facts_hash = 2 + k;
		mesh_set_summary(s->node[i].mesh, node_clock(s, i), &sum);
		node_settle(s, i);
		if (!sim_run(s, s->now + SECOND))
			return false;
		if (k == 59)
			facts_count(s);
	}
	stats_add(st, "facts.liar.streams:per_node_minute",
	    (int64_t)(s->facts->streams / (s->conf.nodes - 1) / 2));
	return true;
}

bool
story_facts(struct sim *s, struct sim_stats *st)
{
	if (!story_whole(s, NULL))
		return false;
	facts_begin(s);
	if (!all_change(s, st, "facts.first:ms") ||
	    (s->conf.nodes <= LARGE && (!settle(s) || !all_change(s, st, "facts.all:ms"))))
		return false;
	for (uint32_t k = 0; k < (s->conf.nodes > LARGE ? 1 : 3); k++)
		if (!settle(s) || !one_changes(s, st))
			return false;
	return s->conf.nodes > LARGE || (settle(s) && one_restarts(s, st) && settle(s) && one_lies(s, st));
}
