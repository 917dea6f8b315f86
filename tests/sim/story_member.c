/*
 * story_member.c - coming and staying together.
 */
#include "story.h"

/* REST: until the last heal is over. */
enum { ROSTER_AWAITED = 500, REST = 15 * SECOND };

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

/* The same where each twentieth datagram is lost, and goes on being lost. */
bool
story_join_lossy(struct sim *s, struct sim_stats *st)
{
	usec seen;

	s->loss_permille = 50;
	net_changed(s);
	if (!story_seen(s, &seen))
		return false;
	stats_add(st, "join.lossy:ms", seen / 1000);
	return story_whole(s, NULL);
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

/* Told because tables differed: whole records, and bytes of these and of short words. */
static void
synced(const struct sim *s, uint64_t *records, uint64_t *bytes)
{
	*records = *bytes = 0;
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		if (s->node[i].mesh != NULL) {
			*records += s->node[i].mesh->stats.sync_records;
			*bytes += s->node[i].mesh->stats.sync_bytes;
		}
}

/* Of a whole table, with all records. */
static uint64_t
table_bytes(const struct sim *s)
{
	const struct mesh *m = s->node[0].mesh;
	uint64_t sum = 0;

	for (uint32_t k = 0; k < m->ms.count; k++) {
		uint8_t scratch[SEAL_BODY_MAX];
		struct rumour r;
		struct mpw w;

		mpw_init(&w, scratch, sizeof scratch);
		members_rumour(&m->ms, k, m->ticked, true, &r);
		rumour_pack(&w, &r);
		sum += w.len;
	}
	return sum;
}

/* How often the living had to say that they live. */
static uint64_t
refutes(const struct sim *s)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < s->conf.nodes; i++)
		sum += s->node[i].mesh == NULL ? 0 : s->node[i].mesh->ms.m[0].incarnation;
	return sum;
}

/* Nobody has doubts left: who can't be heard is dead. */
static bool
cut_is_noticed(const struct sim *s)
{
	for (uint32_t i = 0; i < s->conf.nodes; i++) {
		const struct members *ms = &s->node[i].mesh->ms;

		for (uint32_t k = 1; k < ms->count; k++) {
			uint32_t other = node_find(s, &ms->m[k].id);
			bool away = s->node[other].group != s->node[i].group;

			if (ms->m[k].state != (away ? MESH_FAILED : MESH_ALIVE))
				return false;
		}
	}
	return true;
}

/* What a heal costs.  When it comes while the news of deaths still spread, these
 * are refuted as ever; after that nobody has to outbid anybody, and no record
 * travels that the other side knows. */
static bool
heal(struct sim *s, struct sim_stats *st, const char *name)
{
	uint64_t n = s->conf.nodes, whole, told, said = refutes(s), records, bytes;
	bool noticed = cut_is_noticed(s);
	usec took;

	synced(s, &whole, &told);
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		net_group(s, i, 0);
	if (!story_whole(s, &took))
		return false;
	stats_add(st, name, took / 1000);
	stats_add(st, noticed ? "heal.refutes:permille" : "heal.early.refutes:permille",
	    (int64_t)((refutes(s) - said) * 1000 / n));
	/* A whole table of each node's, sent once, would be 1000. */
	synced(s, &records, &bytes);
	stats_add(st, noticed ? "heal.sync:permille" : "heal.early.sync:permille",
	    (int64_t)((bytes - told) * 1000 / (n * table_bytes(s))));
	stats_add(st, noticed ? "heal.whole:permille" : "heal.early.whole:permille",
	    (int64_t)((records - whole) * 1000 / (n * n)));
	return sim_run(s, s->now + 2 * SECOND);
}

bool
story_heal(struct sim *s, struct sim_stats *st)
{
	bool huge = story_trials(s) == 1; /* of thousands each of the two once, and soon */

	if (!story_whole(s, NULL))
		return false;
	for (uint32_t k = 0; k < story_trials(s) + huge; k++) {
		/* Half and half, or one alone; while they notice, or when all have. */
		bool half = huge ? k == 0 : prng_below(&s->rng, 2) == 0, late = !huge && k % 2 != 0;
		uint32_t alone = (uint32_t)prng_below(&s->rng, s->conf.nodes);
		usec end = s->now + (late ? 150 : 6 + (usec)prng_below(&s->rng, 25)) * SECOND;

		for (uint32_t i = 0; i < s->conf.nodes; i++)
			if (half ? (i + alone) % s->conf.nodes < s->conf.nodes / 2 : i == alone)
				net_group(s, i, 1);
		while (s->now < end && (!late || !cut_is_noticed(s)))
			if (!sim_run(s, s->now + 2 * SECOND))
				return false;
		if (!heal(s, st, half ? "heal:ms" : "heal.one:ms"))
			return false;
	}
	return true;
}

/* Into halves, of which none has the larger roster, and together again when some are
 * suspected, most are, and the first are given up. */
bool
story_heal_early(struct sim *s, struct sim_stats *st)
{
	static const usec lengths[] = {8, 14, 22};

	if (!story_whole(s, NULL))
		return false;
	for (uint32_t k = 0; k < ARRAY_LEN(lengths); k++) {
		for (uint32_t i = 0; i < s->conf.nodes / 2; i++)
			net_group(s, (i + k) % s->conf.nodes, 1);
		if (!sim_run(s, s->now + lengths[k] * SECOND))
			return false;
		if (!story_bound(s, "healed-while-noticed", !cut_is_noticed(s)) || !heal(s, st, "heal:ms") ||
		    !sim_run(s, s->now + REST))
			return false;
	}
	return true;
}
