/*
 * story_chaos.c - faults at random.  While they last only the invariants are
 * asked; when they end, the mesh must come together in bounds.
 */
#include "story.h"

enum { CHAOS_SPAN = 120 * SECOND, GRIEF_SPAN = 240 * SECOND, FLOOD_NODES = 240 };

void
setup_chaos(struct sim_conf *conf)
{
	conf->late = true;
	if (conf->faults == 0)
		conf->faults = FAULTS_ALL;
	if (conf->span == 0)
		conf->span = CHAOS_SPAN;
}

/* The rest never heals: those that are enough are led, and agree of whom they are. */
static bool
core_agrees(const struct sim *s)
{
	const struct mesh *first = NULL;
	struct node_id who = {{0}};
	uint32_t core = 0;

	for (uint32_t i = 0; i < s->conf.nodes; i++)
		core += s->node[i].mesh != NULL && s->node[i].out_at == 0 && s->node[i].group == 0;
	for (uint32_t i = 0; i < s->conf.nodes; i++) {
		const struct mesh *m = s->node[i].mesh;
		struct mesh_side side;

		if (m == NULL || s->node[i].out_at != 0 || s->node[i].group != 0)
			continue;
		known_side(m, node_clock(s, i), &side);
		if (!side.has_leader || side.grade != MESH_GRADE_FULL || m->ms.by_state[MESH_ALIVE] != core ||
		    (first != NULL && (!id_eq(&who, &side.leader) ||
			members_hash(&first->ms) != members_hash(&m->ms))))
			return false;
		first = m;
		who = side.leader;
	}
	return first != NULL;
}

static bool
story_core(struct sim *s, struct sim_stats *st)
{
	usec began = s->now;

	fault_end(s);
	if ((s->conf.faults & FAULT_BIT(forever)) == 0 || !fault_spares(s, prng_u64(&s->fate)))
		return true;
	s->faults_done[FAULT_forever]++;
	while (!core_agrees(s) && s->now - began < story_patience(s))
		if (!sim_run(s, s->now + SECOND / 20))
			return false;
	stats_add(st, "chaos.core:ms", (s->now - began) / 1000);
	return story_bound(s, "core-is-led", core_agrees(s));
}

bool
story_chaos(struct sim *s, struct sim_stats *st)
{
	usec took, last, end = 0;
	uint32_t leader;

	if (!story_whole(s, NULL))
		return false;
	if (s->conf.ca)
		newcomers_come(s);
	s->harm.long_until = 0;
	for (end = s->now + s->conf.span; s->now < end || s->now < s->harm.long_until;) {
		if (s->conf.ca)
			newcomers_knock(s);
		if (!fault_step(s))
			return false;
	}
	newcomers_go(s);
	if (!story_core(s, st))
		return false;
	fault_end(s);
	/* Who is down comes back within seconds, and is news once more. */
	for (end = last = s->now; s->now < end + 5 * SECOND;) {
		if (!sim_run(s, s->now + SECOND / 20))
			return false;
		last = sim_converged(s, &leader) ? last : s->now;
	}
	if (!story_whole(s, &took))
		return false;
	stats_add(st, "chaos.heal:ms", (last - end + took) / 1000);
	if (s->conf.quorum == MESH_QUORUM_MAJORITY)
		stats_add(st, "+elections:count", (int64_t)s->elections);
	/* Settled is settled. */
	return sim_run(s, s->now + 5 * SECOND) && story_whole(s, NULL);
}

void
setup_grief(struct sim_conf *conf)
{
	if (conf->span == 0)
		conf->span = GRIEF_SPAN;
}

static void
kill_some(struct sim *s, uint32_t how_many, uint32_t first, usec how_long)
{
	for (uint32_t k = 0; k < how_many; k++)
		node_crash(s, (first + k) % s->conf.nodes, s->now + how_long);
}

/* b dies while a is away, and a comes back before it has given b up: what it holds
 * of b is the word of b itself, and must wake nobody. */
static bool
dies_unseen(struct sim *s, uint32_t a, uint32_t b)
{
	usec away = 3 * SECOND + (usec)prng_below(&s->fate, 4 * SECOND);
	bool back;

	kill_some(s, 1, b, away + 20 * SECOND);
	net_group(s, a, 1);
	back = sim_run(s, s->now + away);
	net_group(s, a, 0);
	return back;
}

/* a and b are cut off, and b's last word, that it restarts, is heard by a alone; both are
 * given up by the rest, and a comes back before it has given b up: a record that none of
 * them has, of a life that is over, must wake nobody either. */
static bool
last_word(struct sim *s, uint32_t a, uint32_t b)
{
	usec away = 1 * SECOND + (usec)prng_below(&s->fate, 2 * SECOND), said;
	bool back = true;

	net_group(s, a, 1);
	net_group(s, b, 1);
	said = (usec)prng_below(&s->fate, SECOND);
	if (!sim_run(s, s->now + said))
		return false;
	if (s->node[b].mesh != NULL && node_restarting(s, b, 1) == 0) {
		back = sim_run(s, s->now + 20000);
		node_crash(s, b, s->now + away + 20 * SECOND);
	}
	back = back && sim_run(s, s->now + away);
	net_group(s, a, 0);
	net_group(s, b, 0);
	return back;
}

/* In a still world little is excused: nobody is suspected who lives, no ear is
 * blamed, a cut link kills nobody, and with most of them dead the rest see it. */
bool
story_grief(struct sim *s, struct sim_stats *st)
{
	uint32_t n = s->conf.nodes;
	usec end;

	if (!story_whole(s, NULL) || !sim_run(s, s->now + 35 * SECOND))
		return false;
	fault_cuts(s);
	for (end = s->now + s->conf.span; s->now < end;) {
		uint32_t a = (uint32_t)prng_below(&s->fate, n), b = (uint32_t)prng_below(&s->fate, n);
		uint32_t what = (uint32_t)prng_below(&s->fate, 7);
		usec rest = (8 + (usec)prng_below(&s->fate, 12)) * SECOND;

		if (what <= 2) {
			kill_some(s, 1, a, rest);
		} else if (what == 3 && n >= 4 && a != b) {
			s->cut[a * n + b] = 1;
			s->cut[b * n + a] = prng_below(&s->fate, 2) == 0;
		} else if (what == 4) {
			rest += 40 * SECOND;
			kill_some(s, n / 2 + 1 < n ? n / 2 + 1 : n / 2, a, rest);
		}
		if ((what == 5 && a != b && !dies_unseen(s, a, b)) ||
		    (what == 6 && a != b && !last_word(s, a, b)))
			return false;
		net_changed(s);
		if (!sim_run(s, s->now + rest))
			return false;
		memset(s->cut, 0, (size_t)n * n);
		net_changed(s);
		if (!sim_run(s, s->now + 11 * SECOND))
			return false;
	}
	(void)st;
	return story_whole(s, NULL);
}

/* Most seeds have faults; some a still world, and a few a crowd. */
enum theme { THEME_CHAOS, THEME_GRIEF, THEME_FLOOD };

static enum theme
theme(uint64_t seed)
{
	return seed % 128 == 100 ? THEME_FLOOD : seed % 8 == 5 ? THEME_GRIEF : THEME_CHAOS;
}

/* Size, faults and length by the seed; what was said on the command line stays. */
void
setup_swarm(struct sim_conf *conf)
{
	uint64_t h = prng_mix(conf->seed ^ 0x737761726d);
	bool nobody_said = conf->nodes == 0;

	if (conf->nodes == 0)
		conf->nodes = theme(conf->seed) == THEME_FLOOD ? FLOOD_NODES : fault_nodes(conf->seed);
	if (conf->faults == 0)
		conf->faults = fault_draw(conf->seed);
	if (conf->span == 0)
		conf->span = theme(conf->seed) == THEME_GRIEF ? GRIEF_SPAN :
								(usec)(20 + h % 60) * SECOND;
	conf->paces &= theme(conf->seed) == THEME_CHAOS; /* a still world is of one profile */
	if (theme(conf->seed) != THEME_CHAOS) {
		conf->faults &= ~(FAULT_BIT(clone) | FAULT_BIT(upgrade) | FAULT_BIT(rolling));
		return;
	}
	if (conf->seed % 8 == 1 && (nobody_said || conf->nodes >= CA_NODES_MIN)) {
		conf->ca = true;
		conf->nodes = conf->nodes < CA_NODES_MIN ? CA_NODES_MIN : conf->nodes;
		conf->faults &= ~(FAULT_BIT(clone) | FAULT_BIT(reborn) | FAULT_BIT(namesake)); /* certificates */
		return;
	}
	conf->alike = conf->seed % 8 == 2;
	conf->late = (h >> 32 & 1) != 0;
	conf->paces |= (h >> 48) % 16 == 0;
	if ((h >> 40) % 8 == 0 && conf->quorum == MESH_QUORUM_MAJORITY)
		conf->quorum = MESH_QUORUM_ANY;
}

bool
story_swarm(struct sim *s, struct sim_stats *st)
{
	char name[48];

	s->busy = s->conf.seed % 4 == 0;
	s->seldom = !s->busy;
	if (s->conf.seed % 8 == 3) { /* its summaries name them */
		facts_begin(s);
		s->facts->often = true;
		s->seldom = false;
	}
	if (theme(s->conf.seed) == THEME_FLOOD)
		return story_flood(s, st);
	if (theme(s->conf.seed) == THEME_GRIEF)
		return story_grief(s, st);
	if (!story_chaos(s, st))
		return false;
	for (int f = 0; f < FAULTS_COUNT; f++) {
		snprintf(name, sizeof name, "+fault.%s:count", fault_names[f]);
		stats_add(st, name, (int64_t)s->faults_done[f]);
	}
	return true;
}
