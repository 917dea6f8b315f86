/*
 * story_split.c - both sides of a cut, while it lasts and when it ends: how soon each has
 * a leader (with `majority` the larger side alone), how long two lead in one mesh that is
 * whole again, when all act on one schedule, and that this one was made with the last of
 * each side in hand (reference: Lamport's order says nothing of what neither side saw).
 */
#include "story.h"

/* REST: who was cut off doubts itself for a while, and is slow to doubt others. */
enum { CUT_SPAN = 30 * SECOND, REST = 60 * SECOND, LOOK = SECOND / 20, TRIALS = 4 };

/* The node that leads in that group, and nobody else does; or UINT32_MAX. */
static uint32_t
leads(const struct sim *s, uint32_t group)
{
	uint32_t found = UINT32_MAX;

	for (uint32_t i = 0; i < s->conf.nodes; i++) {
		struct mesh_side side;

		if (s->node[i].group != group)
			continue;
		mesh_side(s->node[i].mesh, node_clock(s, i), &side);
		if (side.role != MESH_LEADER)
			continue;
		if (found != UINT32_MAX)
			return UINT32_MAX;
		found = i;
	}
	return found;
}

static bool
one_stamp(const struct sim *s, uint32_t leader)
{
	const struct stamp *now = &s->node[leader].mesh->saved.applied;

	for (uint32_t i = 0; i < s->conf.nodes; i++)
		if (stamp_cmp(&s->node[i].mesh->saved.applied, now) != 0)
			return false;
	return true;
}

/* Until the side has a leader, from `since` on. */
static bool
led(struct sim *s, struct sim_stats *st, uint32_t group, usec since, const char *name)
{
	while (leads(s, group) == UINT32_MAX && s->now - since < CUT_SPAN)
		if (!sim_run(s, s->now + LOOK))
			return false;
	stats_add(st, name, (s->now - since) / 1000);
	return story_bound(s, "a-side-has-a-leader", leads(s, group) != UINT32_MAX);
}

/* --- whose schedules it is made of ---------------------------------------------------- */

enum { MERGES_MAX = 64 };

/* Since the heal: who came first in its term, and which of the heads of the two sides is
 * among its parents, or among theirs. */
struct lineage {
	struct stamp head[2]; /* term 0 = that side had none */
	struct {
		struct stamp stamp;
		bool has[2];
	} all[MERGES_MAX];
	size_t count;
};

static bool
same_term(const struct stamp *a, const struct stamp *b)
{
	return a->term == b->term && id_eq(&a->leader, &b->leader);
}

static void
merged(struct sim *s, const struct stamp *stamp, const struct mesh_parent *p, size_t n)
{
	struct lineage *l = s->story;

	if (l->count == MERGES_MAX)
		return;
	l->all[l->count].stamp = *stamp;
	for (int g = 0; g < 2; g++) {
		bool has = l->head[g].term == 0;

		for (size_t k = 0; k < n && !has; k++) {
			has = same_term(&p[k].stamp, &l->head[g]) && p[k].stamp.seq >= l->head[g].seq;
			for (size_t j = 0; j < l->count && !has; j++)
				has = same_term(&l->all[j].stamp, &p[k].stamp) && l->all[j].has[g];
		}
		l->all[l->count].has[g] = has;
	}
	l->count++;
}

static bool
has_both(const struct lineage *l, const struct stamp *now)
{
	for (size_t j = 0; j < l->count; j++)
		if (same_term(&l->all[j].stamp, now))
			return l->all[j].has[0] && l->all[j].has[1];
	return same_term(&l->head[0], now) && l->head[1].term == 0; /* nothing to merge */
}

static bool
merge(struct sim *s, struct sim_stats *st)
{
	uint32_t heads[2] = {leads(s, 0), leads(s, 1)}, leader = UINT32_MAX, n = s->conf.nodes;
	struct lineage l = {.count = 0};
	usec began = s->now;
	bool both;

	for (int g = 0; g < 2; g++)
		if (heads[g] != UINT32_MAX)
			l.head[g] = s->node[heads[g]].issued;
	s->story = &l;
	s->on_merge = merged;
	for (uint32_t i = 0; i < n; i++)
		net_group(s, i, 0);
	while ((leader = leads(s, 0)) == UINT32_MAX && s->now - began < story_patience(s))
		if (!sim_run(s, s->now + LOOK))
			return false;
	if (heads[0] != UINT32_MAX && heads[1] != UINT32_MAX)
		stats_add(st, "split.two:ms", (s->now - began) / 1000);
	if (!story_whole(s, NULL))
		return false;
	while ((leader = story_leader(s)) != UINT32_MAX && !one_stamp(s, leader) &&
	    s->now - began < story_patience(s))
		if (!sim_run(s, s->now + LOOK))
			return false;
	s->on_merge = NULL;
	stats_add(st, "split.stamp:ms", (s->now - began) / 1000);
	both = has_both(&l, &s->node[leader].issued);
	return story_bound(s, "one-stamp-after-a-heal", one_stamp(s, leader)) &&
	    story_bound(s, "parents-are-the-heads-of-both", both);
}

/* Of two no side is the larger. */
void
setup_split(struct sim_conf *conf)
{
	if (conf->nodes < 3)
		conf->nodes = 3;
}

bool
story_split(struct sim *s, struct sim_stats *st)
{
	uint32_t n = s->conf.nodes;

	for (uint32_t k = 0; k < TRIALS; k++) {
		uint32_t from = (uint32_t)prng_below(&s->fate, n), away;
		usec began, end;

		away = 1 + (uint32_t)prng_below(&s->fate, (n - 1) / 2);
		if (!story_whole(s, NULL) || !sim_run(s, s->now + REST))
			return false;
		for (uint32_t i = 0; i < away; i++)
			net_group(s, (from + i) % n, 1);
		began = s->now;
		end = began + CUT_SPAN;
		/* Who led on the other side is in office until its lease is over. */
		if (!sim_run(s, s->now + LOOK) || !led(s, st, 0, began, "split.most.led:ms"))
			return false;
		if (s->conf.quorum == MESH_QUORUM_ANY && !led(s, st, 1, began, "split.rest.led:ms"))
			return false;
		if (!sim_run(s, end) || !merge(s, st))
			return false;
	}
	return true;
}
