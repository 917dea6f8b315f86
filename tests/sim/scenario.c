/*
 * scenario.c - the stories mesh-sim can tell.  Each starts with real joins
 * through three seeds, waits until the mesh is whole, then does its harm.
 */
#include "sim.h"

#include <stdlib.h>

enum { SECOND = 1000000, STATS_MAX = 64 };

/* --- figures over all seeds ------------------------------------------------------ */

struct series {
	char name[48];
	int64_t *v;
	size_t len, cap;
};

struct sim_stats {
	struct series s[STATS_MAX];
	size_t len;
};

struct sim_stats *
stats_new(void)
{
	return calloc(1, sizeof(struct sim_stats));
}

void
stats_add(struct sim_stats *st, const char *name, int64_t value)
{
	struct series *x = NULL;

	for (size_t i = 0; i < st->len && x == NULL; i++)
		if (strcmp(st->s[i].name, name) == 0)
			x = &st->s[i];
	if (x == NULL && st->len == STATS_MAX)
		return;
	if (x == NULL) {
		x = &st->s[st->len++];
		snprintf(x->name, sizeof x->name, "%s", name);
	}
	if (x->len == x->cap) {
		x->cap = x->cap == 0 ? 64 : 2 * x->cap;
		x->v = realloc(x->v, x->cap * sizeof *x->v);
		if (x->v == NULL)
			abort();
	}
	x->v[x->len++] = value;
}

void
stats_free(struct sim_stats *st)
{
	for (size_t i = 0; i < st->len; i++)
		free(st->s[i].v);
	free(st);
}

static int
by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Names end in their unit after a colon: "failover:ms". */
static int64_t
percentile(const struct series *x, size_t percent)
{
	return x->v[(x->len - 1) * percent / 100];
}

/* What the scenarios promise, at most so many nodes (DESIGN §1, §5). */
static const struct bound {
	const char *name;
	size_t percent;
	int64_t max;
	uint32_t nodes;
} bounds[] = {
    {"failover", 50, 2000, 200}, {"failover", 99, 4000, 200}, {"heal", 99, 9000, 1000},
    {"chaos.heal", 99, 9000, 1000}, {"detect.leader", 50, 3000, 200},
    {"detect.leader", 99, 4000, 200}, {"tx.node", 50, 3072, 100},
};

/* After stats_print.  False and said on stderr when a bound is broken. */
bool
stats_bounds(const struct sim_stats *st, const struct sim_conf *conf)
{
	bool ok = true;

	for (size_t k = 0; k < ARRAY_LEN(bounds); k++)
		for (size_t i = 0; i < st->len; i++) {
			const struct bound *b = &bounds[k];

			if (strcmp(st->s[i].name, b->name) != 0 || conf->nodes > b->nodes ||
			    conf->nodes < 3 || percentile(&st->s[i], b->percent) <= b->max)
				continue;
			fprintf(stderr, "mesh-sim: bound %s.p%zu <= %lld broken: %lld\n", b->name,
			    b->percent, (long long)b->max,
			    (long long)percentile(&st->s[i], b->percent));
			ok = false;
		}
	return ok;
}

void
stats_print(struct sim_stats *st, FILE *out)
{
	for (size_t i = 0; i < st->len; i++) {
		struct series *x = &st->s[i];
		char *colon = strchr(x->name, ':');

		qsort(x->v, x->len, sizeof *x->v, by_value);
		*colon = '\0';
		if (x->name[0] == '+') { /* a count: only its sum means anything */
			int64_t sum = 0;

			for (size_t k = 0; k < x->len; k++)
				sum += x->v[k];
			fprintf(out, "%s %lld %s\n", x->name + 1, (long long)sum, colon + 1);
			continue;
		}
		fprintf(out, "%s.p50 %lld %s\n", x->name, (long long)percentile(x, 50),
		    colon + 1);
		fprintf(out, "%s.p99 %lld %s\n", x->name,
		    (long long)percentile(x, 99), colon + 1);
	}
}

/* --- pieces ---------------------------------------------------------------------------- */

static bool
bound(struct sim *s, const char *name, bool ok)
{
	uint32_t who = 0;

	if (!ok)
		check_break(s, name, who, (uint64_t)s->now, 0);
	return s->broken == NULL;
}

static usec
patience(const struct sim *s)
{
	return s->conf.nodes > 200 ? 120 * SECOND : 40 * SECOND;
}

static bool
whole(struct sim *s, usec *took)
{
	usec t = -1;

	/* Everybody has started after the first second. */
	if (s->now >= SECOND || sim_run(s, SECOND))
		t = sim_converge(s, patience(s));
	if (took != NULL)
		*took = t;
	return bound(s, "one-leader-and-equal-tables", t >= 0);
}

static uint32_t
trials(const struct sim *s)
{
	return s->conf.nodes > 300 ? 2 : s->conf.nodes > 50 ? 4 : 8;
}

static uint32_t
leader_of(const struct sim *s)
{
	uint32_t leader = 0;

	for (uint32_t i = 0; i < s->conf.nodes; i++)
		if (s->node[i].mesh != NULL && s->node[i].mesh->elect.role == MESH_LEADER)
			leader = i;
	return leader;
}

static enum mesh_state
state_at(const struct sim *s, uint32_t observer, uint32_t subject)
{
	const struct members *ms = &s->node[observer].mesh->ms;
	uint32_t i = members_find_id(ms, &s->node[subject].id);

	return i == MEMBER_NONE ? MESH_FAILED : (enum mesh_state)ms->m[i].state;
}

/* --- stories ------------------------------------------------------------------------------ */

static bool
steady(struct sim *s, struct sim_stats *st)
{
	uint64_t elections;
	usec took;

	if (!whole(s, &took))
		return false;
	stats_add(st, "join:ms", (took + SECOND) / 1000);
	if (!sim_run(s, s->now + 10 * SECOND))
		return false;
	elections = s->elections;
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		s->node[i].tx_bytes = 0;
	if (!sim_run(s, s->now + 30 * SECOND))
		return false;
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		stats_add(st, i == leader_of(s) ? "tx.leader:B/s" : "tx.node:B/s",
		    (int64_t)(s->node[i].tx_bytes / 30));
	stats_add(st, "+elections:count", (int64_t)(s->elections - elections));
	return bound(s, "stable-without-faults", s->elections == elections) && whole(s, NULL);
}

static bool
join(struct sim *s, struct sim_stats *st)
{
	usec took;

	if (!whole(s, &took))
		return false;
	stats_add(st, "join:ms", (took + SECOND) / 1000);
	return true;
}

static bool
restart(struct sim *s, struct sim_stats *st)
{
	usec took;

	if (!whole(s, NULL))
		return false;
	for (uint32_t k = 0; k < trials(s) && s->broken == NULL; k++) {
		uint32_t known = s->node[0].mesh->roster.n.new;

		if (!sim_run(s, s->now + SECOND + (usec)prng_below(&s->rng, SECOND)))
			return false;
		for (uint32_t i = 0; i < s->conf.nodes; i++)
			sim_crash(s, i, s->now + (usec)prng_below(&s->rng, SECOND));
		if (!sim_run(s, s->now + SECOND) || !whole(s, &took))
			return false;
		stats_add(st, "restart:ms", took / 1000);
		bound(s, "roster-never-lost", s->node[0].mesh->roster.n.new >= known);
	}
	return s->broken == NULL;
}

/* Watch until every node up calls victim failed; -1 when patience ends. */
static bool
watch_death(struct sim *s, struct sim_stats *st, uint32_t victim)
{
	usec died = s->now;
	uint8_t *saw = calloc(s->conf.nodes, 1);
	uint32_t left = s->conf.nodes - 1, leader = leader_of(s);

	while (saw != NULL && left > 0 && s->now - died < patience(s)) {
		if (!sim_run(s, s->now + 10000))
			break;
		for (uint32_t i = 0; i < s->conf.nodes; i++) {
			if (i == victim || saw[i] || state_at(s, i, victim) != MESH_FAILED)
				continue;
			saw[i] = 1;
			left--;
			stats_add(st, i == leader ? "detect.leader:ms" : "detect.mesh:ms",
			    (s->now - died) / 1000);
		}
	}
	free(saw);
	return bound(s, "death-seen-by-all", left == 0);
}

static bool
detect(struct sim *s, struct sim_stats *st)
{
	if (!whole(s, NULL))
		return false;
	for (uint32_t k = 0; k < trials(s); k++) {
		uint32_t victim = (uint32_t)prng_below(&s->rng, s->conf.nodes);

		if (!sim_run(s, s->now + 2 * SECOND + (usec)prng_below(&s->rng, SECOND)))
			return false;
		while (victim == leader_of(s))
			victim = (victim + 1) % s->conf.nodes;
		sim_crash(s, victim, INT64_MAX);
		if (!watch_death(s, st, victim))
			return false;
		sim_start(s, victim);
		if (!whole(s, NULL))
			return false;
	}
	return true;
}

static bool
failover(struct sim *s, struct sim_stats *st)
{
	if (!whole(s, NULL))
		return false;
	for (uint32_t k = 0; k < trials(s); k++) {
		uint32_t leader;
		usec died;

		if (!sim_run(s, s->now + 2 * SECOND + (usec)prng_below(&s->rng, SECOND)))
			return false;
		leader = leader_of(s);
		died = s->now;
		sim_crash(s, leader, INT64_MAX);
		while (s->last_issue < died && s->now - died < patience(s))
			if (!sim_run(s, s->now + 1000))
				return false;
		if (!bound(s, "new-leader-issues", s->last_issue >= died))
			return false;
		stats_add(st, "failover:ms", (s->last_issue - died) / 1000);
		if (!sim_run(s, s->now + 3 * SECOND))
			return false;
		sim_start(s, leader);
		if (!whole(s, NULL))
			return false;
	}
	return true;
}

static bool
heal(struct sim *s, struct sim_stats *st)
{
	usec took;

	if (!whole(s, NULL))
		return false;
	for (uint32_t k = 0; k < trials(s); k++) {
		/* Half and half, or one alone. */
		bool half = prng_below(&s->rng, 2) == 0;
		uint32_t alone = (uint32_t)prng_below(&s->rng, s->conf.nodes);

		for (uint32_t i = 0; i < s->conf.nodes; i++)
			if (half ? (i + alone) % s->conf.nodes < s->conf.nodes / 2 : i == alone)
				sim_group(s, i, 1);
		if (!sim_run(s, s->now + 30 * SECOND))
			return false;
		for (uint32_t i = 0; i < s->conf.nodes; i++)
			sim_group(s, i, 0);
		if (!whole(s, &took))
			return false;
		stats_add(st, "heal:ms", took / 1000);
		if (!sim_run(s, s->now + 2 * SECOND))
			return false;
	}
	return true;
}

/* Loss, reordering, cut links and crash storms at random; only the invariants
 * are asked, until the faults stop. */
static bool
chaos_step(struct sim *s)
{
	uint32_t n = s->conf.nodes, a = (uint32_t)prng_below(&s->rng, n);
	uint32_t b = (uint32_t)prng_below(&s->rng, n);

	switch (prng_below(&s->rng, 10)) {
	case 0:
		s->loss_permille = (uint32_t)prng_below(&s->rng, 200);
		s->reorder_permille = (uint32_t)prng_below(&s->rng, 100);
		s->dup_permille = (uint32_t)prng_below(&s->rng, 50);
		s->replay_permille = (uint32_t)prng_below(&s->rng, 50);
		break;
	case 1: /* one link, perhaps one way only */
		s->cut[a * n + b] = 1;
		s->cut[b * n + a] = prng_below(&s->rng, 3) != 0;
		break;
	case 2: /* one node */
		for (uint32_t i = 0; i < n; i++)
			s->cut[a * n + i] = s->cut[i * n + a] = 1;
		break;
	case 3:
		memset(s->cut, 0, (size_t)n * n);
		break;
	case 4:
	case 5: /* a quick restart, of the leader half of the time */
		if (prng_below(&s->rng, 2) == 0)
			a = leader_of(s);
		sim_crash(s, a, s->now + 20000 + (usec)prng_below(&s->rng, 600000));
		if (prng_below(&s->rng, 8) == 0)
			sim_lose_disk(s, a);
		break;
	case 6: /* a process that sleeps: a leader half of the time */
		if (prng_below(&s->rng, 2) == 0)
			a = leader_of(s);
		s->node[a].paused_until = s->now + (usec)prng_below(&s->rng, 3 * SECOND);
		break;
	case 7:
		sim_leave(s, a, s->now + 20000 + (usec)prng_below(&s->rng, 5 * SECOND));
		break;
	case 8: /* everybody who can hear the leader restarts, one after another */
		for (uint32_t i = 0; i < n; i++)
			if (i != leader_of(s))
				sim_crash(s, i, s->now + 20000 + (usec)i * 50000);
		break;
	default: /* the leader hears nobody, or is heard by nobody */
		a = leader_of(s);
		for (uint32_t i = 0; i < n; i++) {
			s->cut[a * n + i] = (uint8_t)prng_below(&s->rng, 2);
			s->cut[i * n + a] = (uint8_t)prng_below(&s->rng, 2);
		}
		break;
	}
	return sim_run(s, s->now + 100000 + (usec)prng_below(&s->rng, 1500000));
}

static bool
chaos(struct sim *s, struct sim_stats *st)
{
	usec took, end;

	if (!whole(s, NULL))
		return false;
	s->cut = calloc((size_t)s->conf.nodes * s->conf.nodes, 1);
	if (s->cut == NULL)
		abort();
	for (end = s->now + 120 * SECOND; s->now < end;)
		if (!chaos_step(s))
			return false;
	memset(s->cut, 0, (size_t)s->conf.nodes * s->conf.nodes);
	s->loss_permille = s->reorder_permille = s->dup_permille = s->replay_permille = 0;
	end = s->now;
	if (!sim_run(s, s->now + 5 * SECOND) || !whole(s, &took)) /* all are up again */
		return false;
	stats_add(st, "chaos.heal:ms", (s->now - end) / 1000);
	if (s->conf.quorum == MESH_QUORUM_MAJORITY)
		stats_add(st, "+elections:count", (int64_t)s->elections);
	for (end = s->now + 40 * SECOND; s->now < end && !exclusive_all_run(s);)
		if (!sim_run(s, s->now + SECOND))
			return false;
	if (!bound(s, "exclusive-runs-again", exclusive_all_run(s)))
		return false;
	/* Settled is settled. */
	return sim_run(s, s->now + 5 * SECOND) && whole(s, NULL);
}

static const struct {
	const char *name;
	sim_scenario *run;
} scenarios[] = {
    {"steady", steady}, {"detect", detect}, {"failover", failover}, {"heal", heal},
    {"join", join}, {"restart", restart}, {"chaos", chaos},
};

const char *const sim_scenario_names[] = {"steady", "detect", "failover", "heal", "join",
    "restart", "chaos", NULL};

sim_scenario *
sim_scenario_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(scenarios); i++)
		if (strcmp(scenarios[i].name, name) == 0)
			return scenarios[i].run;
	return NULL;
}
