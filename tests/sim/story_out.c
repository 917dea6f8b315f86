/*
 * story_out.c - who is put out of the mesh, and who is there twice.
 */
#include "story.h"

enum { EVICTIONS_MAX = 6 };

static uint32_t
node_of(const struct addr *a)
{
	return (uint32_t)a->ip[14] << 8 | a->ip[15];
}

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

		if (m == NULL || s->node[i].out_at != 0)
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
knows_itself(const struct sim *s, uint32_t i)
{
	return s->node[i].mesh != NULL && s->node[i].mesh->ms.evict.self;
}

static bool
wait_self(struct sim *s, uint32_t subject)
{
	usec began = s->now;

	while (!knows_itself(s, subject) && s->now - began < story_patience(s))
		if (!sim_run(s, s->now + 20000))
			return false;
	return story_bound(s, "evicted-learns-it", knows_itself(s, subject));
}

/* Anybody who is still in, the leader as often as not. */
static uint32_t
victim_of(struct sim *s, uint32_t by)
{
	uint32_t i = prng_below(&s->rng, 2) == 0 ? story_leader(s) :
						   (uint32_t)prng_below(&s->rng, s->conf.nodes);

	while (i == by || s->node[i].out_at != 0)
		i = (i + 1) % s->conf.nodes;
	return i;
}

/* Who is down judges nobody: tables are equal long before it is back. */
static uint32_t
judge_of(struct sim *s)
{
	uint32_t by = (uint32_t)prng_below(&s->rng, s->conf.nodes);

	while (s->node[by].out_at != 0 || s->node[by].mesh == NULL)
		by = (by + 1) % s->conf.nodes;
	return by;
}

/*
 * In the midst of cuts, losses, crashes and torn disks.  Where nobody may say it
 * (no majority is there without it), it is not said.
 */
static bool
out_under_fire(struct sim *s, struct sim_stats *st, uint32_t by, uint32_t i)
{
	usec began;

	s->conf.faults = FAULTS_ALL & ~(FAULT_BIT(lost) | FAULT_BIT(leave) | FAULT_BIT(policy) | FAULT_BIT(evict));
	for (s->conf.span = SECOND; s->node[i].out_at == 0 && s->conf.span < 20 * (usec)SECOND;
	    s->conf.span += SECOND) {
		if (!fault_step(s))
			return false;
		if (s->node[by].mesh != NULL && s->now >= s->node[by].paused_until)
			(void)node_evict(s, by, i);
	}
	for (uint32_t k = 0; k < 8; k++)
		if (!fault_step(s))
			return false;
	s->conf.faults = 0;
	fault_end(s);
	began = s->now;
	if (s->node[i].out_at != 0) {
		if (!wait_known(s, i, true) || !wait_self(s, i))
			return false;
		stats_add(st, "evict.fire:ms", (s->now - began) / 1000);
	}
	return sim_run(s, s->now + 5 * (usec)SECOND) && story_whole(s, NULL); /* all are up again */
}

enum { HEARD_BY_ALL, CUT_OFF, DOWN, ANOTHER_DOWN, UNDER_FIRE, WAYS };

static bool
one_out(struct sim *s, struct sim_stats *st, uint32_t how)
{
	uint32_t by = judge_of(s), i = victim_of(s, by), away = UINT32_MAX;
	usec began;

	if (how == UNDER_FIRE)
		return out_under_fire(s, st, by, i);
	if (how == CUT_OFF)
		net_group(s, i, 1);
	if (how == DOWN)
		node_crash(s, i, INT64_MAX);
	if (how == ANOTHER_DOWN) {
		for (away = 0; away == i || away == by || s->node[away].out_at != 0;)
			away++;
		node_crash(s, away, INT64_MAX);
	}
	if (how != HEARD_BY_ALL && !sim_run(s, s->now + 10 * (usec)SECOND))
		return false;
	if (node_evict(s, by, i) < 0) /* but where two are left, and one is away */
		return story_bound(s, "evict-taken", how == ANOTHER_DOWN) &&
		    (node_start(s, away), story_whole(s, NULL));
	began = s->now;
	if (!wait_known(s, i, false))
		return false;
	stats_add(st, "evict.known:ms", (s->now - began) / 1000);
	if (!wait_known(s, i, true))
		return false;
	stats_add(st, "evict.roster:ms", (s->now - began) / 1000);
	net_group(s, i, 0);
	if (how == DOWN)
		node_start(s, i);
	if (away != UINT32_MAX)
		node_start(s, away);
	began = s->now;
	if (!wait_self(s, i) || !wait_known(s, i, true))
		return false;
	stats_add(st, "evict.self:ms", (s->now - began) / 1000);
	return true;
}

/* --- a copied disk ----------------------------------------------------------------- */

static bool
told_apart(const struct sim *s, uint32_t i, uint32_t copy)
{
	const struct mesh *first = s->node[i].mesh, *second = s->node[copy].mesh;
	struct addr there, here;
	bool a, b;

	return mesh_twin(first, node_clock(s, i), &there, &a) &&
	    mesh_twin(second, node_clock(s, copy), &here, &b) && !a && b &&
	    node_of(&there) == copy && node_of(&here) == i;
}

/* With one of two gone, the other one has no majority. */
void
setup_clone(struct sim_conf *conf)
{
	if (conf->nodes > 0 && conf->nodes < 3)
		conf->nodes = 3;
}

/* Both begin within seconds: the first one, and then, a little later, its copy. */
static bool
copy_soon(struct sim *s, uint32_t copy, uint32_t i)
{
	node_crash(s, i, INT64_MAX);
	node_start(s, i);
	if (!sim_run(s, s->now + 2500 * (usec)1000 + (usec)prng_below(&s->rng, SECOND)))
		return false;
	copy_node(s, copy, i, 0);
	return true;
}

/*
 * The disk of one is copied and started elsewhere, in the same life as the first, an
 * earlier or a later one.  Both come to know it, the copy falls silent, and all
 * tables have the first one where it was.
 */
bool
story_clone(struct sim *s, struct sim_stats *st)
{
	uint32_t copy = s->conf.nodes - 1, i, x;
	struct addr where;
	usec began;

	if (!story_whole(s, NULL) || !sim_run(s, s->now + 15 * (usec)SECOND))
		return false;
	node_leave(s, copy, INT64_MAX);
	for (uint32_t k = 0; k < story_trials(s); k++) {
		if (!story_whole(s, NULL))
			return false;
		i = prng_below(&s->rng, 2) == 0 ? story_leader(s) :
						  (uint32_t)prng_below(&s->rng, copy);
		began = s->now;
		if (k % 3 == 2) {
			if (!copy_soon(s, copy, i))
				return false;
		} else {
			copy_node(s, copy, i, prng_below(&s->rng, 3));
		}
		while (!told_apart(s, i, copy) && s->now - began < story_patience(s))
			if (!sim_run(s, s->now + 20000))
				return false;
		if (!story_bound(s, "twins-told-apart", told_apart(s, i, copy)))
			return false;
		stats_add(st, "clone.named:ms", (s->now - began) / 1000);
		if (!story_whole(s, NULL))
			return false;
		stats_add(st, "clone.whole:ms", (s->now - began) / 1000);
		for (uint32_t o = 0; o < copy; o++) {
			x = members_find_id(&s->node[o].mesh->ms, &s->node[i].id);
			where = s->node[o].mesh->ms.m[x].addr;
			if (!story_bound(s, "first-holder-stays", node_of(&where) == i))
				return false;
		}
		/* What the copy granted in the other's name is over. */
		if (!sim_run(s, s->now + 10 * (usec)SECOND))
			return false;
		node_crash(s, copy, INT64_MAX);
	}
	return true;
}

bool
story_evict(struct sim *s, struct sim_stats *st)
{
	uint32_t outs = s->conf.nodes > 3 ? s->conf.nodes - 3 : 0;
	usec took;

	if (!story_whole(s, NULL))
		return false;
	for (uint32_t k = 0; k < outs && k < EVICTIONS_MAX; k++)
		if (!one_out(s, st, (uint32_t)(s->conf.seed + k) % WAYS) || !story_whole(s, &took))
			return false;
	/* Nobody forgets it, and whoever is out stays so, over a restart of all. */
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		node_crash(s, i, s->now + (usec)prng_below(&s->rng, SECOND));
	if (!sim_run(s, s->now + SECOND) || !story_whole(s, NULL) ||
	    !sim_run(s, s->now + 10 * (usec)SECOND))
		return false;
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		if (s->node[i].out_at != 0 &&
		    (!knows_itself(s, i) || !all_know(s, i, true)))
			return story_bound(s, "evicted-for-good", false);
	return true;
}
