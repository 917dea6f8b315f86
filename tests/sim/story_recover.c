/*
 * story_recover.c - the majority is gone for good, and an operator says so: those who
 * are left go on, and who was given up and returns hears it, and leads nobody.
 */
#include "story.h"

enum { LOOK = 10000, DEAD = 5 * SECOND };

/* Alternately without and with a CA; where there is one all its nodes have come. */
void
setup_recover(struct sim_conf *conf)
{
	conf->ca = conf->seed % 2 == 1;
	if (conf->nodes > 0 && conf->nodes < 3)
		conf->nodes = 3;
	if (conf->nodes > WATCH_MAX)
		conf->nodes = WATCH_MAX;
}

static bool
all_come(struct sim *s)
{
	if (s->conf.ca && !sim_run(s, SECOND))
		return false;
	for (uint32_t i = 0; s->conf.ca && i < s->conf.nodes; i++)
		if (s->node[i].mesh == NULL && s->node[i].restart_at == INT64_MAX)
			node_start(s, i);
	return story_whole(s, NULL);
}

static bool
belongs(const struct sim *s, uint32_t i)
{
	return s->node[i].mesh != NULL && s->node[i].out_at == 0;
}

/* A full leader whom all who belong follow, by a roster of these alone. */
static bool
goes_on(const struct sim *s)
{
	uint32_t leader, n = 0, first = UINT32_MAX;

	for (uint32_t i = 0; i < s->conf.nodes; i++) {
		n += belongs(s, i);
		first = first == UINT32_MAX && belongs(s, i) ? i : first;
	}
	return sim_converged(s, &leader) && s->node[first].mesh->roster.n.all == n;
}

static bool
wait_for(struct sim *s, bool (*is)(const struct sim *s), const char *bound, usec *took)
{
	usec began = s->now;

	while (!is(s) && s->now - began < story_patience(s))
		if (!sim_run(s, s->now + LOOK))
			return false;
	*took = s->now - began;
	return story_bound(s, bound, is(s));
}

/* Everybody who runs and does not belong knows it. */
static bool
told(const struct sim *s)
{
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		if (s->node[i].mesh != NULL && s->node[i].out_at != 0 &&
		    !mesh_evicted(s->node[i].mesh))
			return false;
	return true;
}

static uint32_t
one_of(struct sim *s, uint32_t group)
{
	uint32_t i = (uint32_t)prng_below(&s->rng, s->conf.nodes);

	while (!belongs(s, i) || s->node[i].group != group)
		i = (i + 1) % s->conf.nodes;
	return i;
}

/* So many, the leader among them as often as not. */
static void
kill_many(struct sim *s, uint32_t count)
{
	uint32_t i = prng_below(&s->rng, 2) == 0 ? story_leader(s) : story_other(s);

	for (; count > 0; i = (i + 1) % s->conf.nodes) {
		count -= s->node[i].mesh != NULL;
		node_crash(s, i, INT64_MAX);
	}
}

/* Too early, too many, and where there is no need. */
static bool
refused_before(struct sim *s)
{
	struct mesh *m = s->node[one_of(s, 0)].mesh;
	struct mesh_lost none;

	memset(&none, 0, sizeof none);
	return story_bound(s, "recover-refused", mesh_recover(m, m->ticked, mesh_recovery(m),
	    s->conf.ca ? none.sig : NULL, &none, 1) < 0);
}

/* All at once, or one after the other; of a few the disk is as it was. */
static bool
return_all(struct sim *s, struct sim_stats *st, bool at_once)
{
	usec took;

	for (uint32_t i = 0; i < s->conf.nodes; i++) {
		if (s->node[i].mesh != NULL || s->node[i].out_at == 0)
			continue;
		node_start(s, i);
		if (at_once)
			continue;
		if (!wait_for(s, told, "given-up-learns-it", &took))
			return false;
		stats_add(st, "recover.told:ms", took / 1000);
	}
	if (!wait_for(s, told, "given-up-learns-it", &took))
		return false;
	if (at_once)
		stats_add(st, "recover.told:ms", took / 1000);
	return sim_run(s, s->now + 5 * (usec)SECOND) && story_bound(s, "goes-on", goes_on(s));
}

/* Whoever can't be heard is dead to it: the operator knows which. */
static bool
holds_dead(const struct sim *s, uint32_t by)
{
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		if (s->node[i].out_at == 0 &&
		    (s->node[i].mesh == NULL || s->node[i].group != s->node[by].group) &&
		    story_state(s, by, i) != MESH_FAILED)
			return false;
	return true;
}

/* As soon as the dead are known to be, one after the other: without a leader, and with
 * the most of them dead, that takes its time. */
static bool
by_order(struct sim *s, uint32_t by)
{
	usec began = s->now;
	int rc;

	while ((rc = holds_dead(s, by) ? node_recover(s, by) : -ERR_QUORUM) < 0 && s->now - began < 4 * story_patience(s))
		if (!sim_run(s, s->now + LOOK))
			return false;
	return story_bound(s, "recover-taken", rc == 0);
}

/* --- one side is left ------------------------------------------------------------------ */

static bool
majority_gone(struct sim *s, struct sim_stats *st)
{
	uint32_t n = s->conf.nodes, dead = n / 2 + 1 + (uint32_t)prng_below(&s->rng, n - n / 2 - 1);
	bool crash = prng_below(&s->rng, 3) == 0;
	uint32_t by;
	usec took;

	if (!refused_before(s))
		return false;
	kill_many(s, dead);
	if (!sim_run(s, s->now + DEAD))
		return false;
	by = one_of(s, 0);
	if (!by_order(s, by))
		return false;
	if (crash) /* what it did is on its disk */
		node_crash(s, by, s->now + 20000 + (usec)prng_below(&s->rng, SECOND));
	if (!sim_run(s, s->now + (crash ? SECOND + 50000 : 0)) ||
	    !wait_for(s, goes_on, "goes-on", &took))
		return false;
	if (!crash)
		stats_add(st, "recover.leader:ms", took / 1000);
	return return_all(s, st, prng_below(&s->rng, 2) == 0);
}

/* --- two sides are left, and each is recovered -------------------------------------------- */

static bool
one_side_silent(const struct sim *s)
{
	const uint8_t *side = s->story;
	bool silent[2] = {true, true}, up[2] = {false, false};

	for (uint32_t i = 0; i < s->conf.nodes; i++) {
		const struct sim_node *n = &s->node[i];

		if (n->mesh == NULL)
			continue;
		silent[side[i]] = silent[side[i]] && mesh_evicted(n->mesh);
		up[side[i]] = up[side[i]] || !n->mesh->left;
	}
	return silent[0] != silent[1] && up[0] != up[1];
}

static bool
two_sides(struct sim *s, struct sim_stats *st)
{
	uint32_t n = s->conf.nodes, half = n / 2;
	uint8_t side[WATCH_MAX] = {0};
	usec took;

	/* Of an odd number one is dead, so that neither side has more than half. */
	if (n % 2 == 1)
		kill_many(s, 1);
	for (uint32_t i = 0, k = 0; i < n; i++) {
		if (s->node[i].mesh != NULL)
			side[i] = k++ >= half;
		net_group(s, i, side[i]);
	}
	s->story = side;
	if (!sim_run(s, s->now + DEAD))
		return false;
	s->apart = true;
	if (!by_order(s, one_of(s, 0)))
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (side[i] == 1)
			s->node[i].out_at = 0; /* that side does not know */
	if (!sim_run(s, s->now + (usec)prng_below(&s->rng, 5 * SECOND)) || !by_order(s, one_of(s, 1)) ||
	    !sim_run(s, s->now + 5 * (usec)SECOND))
		return false;
	for (uint32_t i = 0; i < n; i++)
		net_group(s, i, 0);
	if (!wait_for(s, one_side_silent, "one-recovery-wins", &took))
		return false;
	stats_add(st, "recover.twice:ms", took / 1000);
	s->apart = false;
	for (uint32_t i = 0; i < n; i++)
		if (s->node[i].mesh != NULL && !s->node[i].mesh->left)
			s->node[i].out_at = 0;
		else if (s->node[i].out_at == 0)
			s->node[i].out_at = s->now;
	return wait_for(s, goes_on, "goes-on", &took);
}

/* --- the operator is wrong: the majority is alive, and leads ------------------------------- */

/* Both go on until they meet; then the word of who recovered stands. */
static bool
majority_alive(struct sim *s, struct sim_stats *st)
{
	uint32_t n = s->conf.nodes, few = 1 + (uint32_t)prng_below(&s->rng, (n - 1) / 2);
	uint32_t first = (uint32_t)prng_below(&s->rng, n);
	usec took;

	for (uint32_t i = 0; i < n; i++)
		net_group(s, (first + i) % n, i >= few);
	if (!sim_run(s, s->now + DEAD))
		return false;
	s->apart = true;
	if (!by_order(s, one_of(s, 0)) || !sim_run(s, s->now + (usec)prng_below(&s->rng, 10 * SECOND)))
		return false;
	for (uint32_t i = 0; i < n; i++)
		net_group(s, i, 0);
	if (!wait_for(s, told, "given-up-learns-it", &took))
		return false;
	stats_add(st, "recover.wrong:ms", took / 1000);
	s->apart = false;
	return wait_for(s, goes_on, "goes-on", &took);
}

bool
story_recover(struct sim *s, struct sim_stats *st)
{
	if (s->conf.nodes < 3)
		return true; /* of two, who is left may go on by `any` or a tie-breaker */
	if (!all_come(s) || !sim_run(s, s->now + 12 * (usec)SECOND))
		return false;
	if (s->conf.seed / 2 % 4 == 2 && s->conf.nodes >= 4) {
		if (!two_sides(s, st))
			return false;
	} else if (s->conf.seed / 2 % 4 == 3) {
		if (!majority_alive(s, st))
			return false;
	} else if (!majority_gone(s, st)) {
		return false;
	}
	/* Nobody forgets it, over a restart of all. */
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		node_crash(s, i, s->now + (usec)prng_below(&s->rng, SECOND));
	return sim_run(s, s->now + SECOND) && story_whole(s, NULL) &&
	    sim_run(s, s->now + 5 * (usec)SECOND) && story_bound(s, "given-up-for-good", told(s) && goes_on(s));
}
