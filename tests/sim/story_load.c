/*
 * story_load.c - what the planes carry, and how old it is when it arrives.
 */
#include "../../gossip/brief.h"
#include "story.h"

#include <stdlib.h>

enum {
	KEYS_A_S = 15, /* a node makes with so many */
	RUSH_BEAT = SECOND / 2,
	RUSH_BEATS = 40,
};

static void
count_bytes(struct sim *s)
{
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		s->node[i].tx_bytes = 0;
}

/* Every summary moves each second: how old is what a node holds of another,
 * and what does it cost, in the same half minute.  Not the first one: whom a node tells
 * what it first exchanges keys with, and of a thousand most are new for a minute. */
bool
story_busy(struct sim *s, struct sim_stats *st)
{
	usec end;

	if (!story_whole(s, NULL))
		return false;
	s->busy = true;
	if (!sim_run(s, s->now + (20 + s->conf.nodes / KEYS_A_S) * SECOND))
		return false;
	count_bytes(s);
	for (end = s->now + 30 * SECOND; s->now < end;) {
		if (!sim_run(s, s->now + 700000))
			return false;
		for (uint32_t k = 0; k < 2000; k++) {
			uint32_t i = (uint32_t)prng_below(&s->fate, s->conf.nodes);
			uint32_t j = (uint32_t)prng_below(&s->fate, s->conf.nodes);
			const struct members *ms = &s->node[i].mesh->ms;
			uint32_t x = members_find_id(ms, &s->node[j].id);

			if (i != j && x != MEMBER_NONE && ms->m[x].summary_count > 0)
				stats_add(st, "busy.age:ms",
				    s->now / 1000 - ms->m[x].summary.facts_hash);
		}
	}
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		if (i != story_leader(s))
			stats_add(st, "busy.tx:B/s", (int64_t)(s->node[i].tx_bytes / 30));
	return true;
}

/* How many of the summaries that their owners told by then node i lacks. */
static uint32_t
lacking(const struct sim *s, uint32_t i, const uint16_t *told)
{
	const struct members *ms = &s->node[i].mesh->ms;
	uint32_t n = 0;

	for (uint32_t j = 0; j < s->conf.nodes; j++) {
		uint32_t x = members_find_id(ms, &s->node[j].id);

		n += x == MEMBER_NONE || brief_ahead(ms->m[x].summary_count, told[j]) < 0;
	}
	return n;
}

/* Node i is cut off while every summary moves, once, and is told. */
static bool
miss(struct sim *s, struct sim_stats *st, uint32_t i, uint16_t *told)
{
	usec back;

	net_group(s, i, 1);
	s->busy = true;
	if (!sim_run(s, s->now + SECOND))
		return false;
	s->busy = false;
	if (!sim_run(s, s->now + SECOND))
		return false;
	net_group(s, i, 0);
	for (uint32_t j = 0; j < s->conf.nodes; j++)
		told[j] = s->node[j].mesh->ms.m[0].summary_count;
	if (!story_bound(s, "summaries-are-missed", lacking(s, i, told) > 0))
		return false;
	for (back = s->now; lacking(s, i, told) > 0 && s->now - back < 20 * SECOND;)
		if (!sim_run(s, s->now + 10000))
			return false;
	stats_add(st, "missed.again:ms", (s->now - back) / 1000);
	return story_bound(s, "missed-summaries-come-again", lacking(s, i, told) == 0);
}

/* A node is deaf for 2 s, in which every summary moves: nobody knows what it lacks, and
 * nothing moves any more.  It asks, and has them long before each is told again. */
bool
story_missed(struct sim *s, struct sim_stats *st)
{
	uint16_t *told;
	bool ok = story_whole(s, NULL);

	told = sim_must(calloc(s->conf.nodes, sizeof *told));
	for (uint32_t k = 0; ok && k < story_trials(s); k++)
		ok = sim_run(s, s->now + 10 * SECOND) && miss(s, st, story_other(s), told);
	free(told);
	return ok;
}

/* --- plane B ---------------------------------------------------------------------- */

struct metrics {
	struct sim_stats *st;
	uint64_t taken, made;
	usec *last; /* newest report held of each */
};

static void
took(struct sim *s, uint32_t hearer, uint32_t from, usec made)
{
	struct metrics *x = s->story;

	if (s->node[hearer].mesh->elect.role != MESH_LEADER)
		return;
	x->taken++;
	x->last[from] = made > x->last[from] ? made : x->last[from];
	stats_add(x->st, "metrics.latency:ms", (s->now - made) / 1000);
}

void
setup_metrics(struct sim_conf *conf)
{
	conf->seeds = 3;
}

bool
story_metrics(struct sim *s, struct sim_stats *st)
{
	struct metrics x = {.st = st};
	uint64_t wanted;
	uint32_t leader;

	s->report_bytes = 1000;
	if (!story_whole(s, NULL) || !sim_run(s, s->now + 5 * SECOND))
		return false;
	x.last = sim_must(calloc(s->conf.nodes, sizeof *x.last));
	s->story = &x;
	s->on_report = took;
	leader = story_leader(s);
	x.made = s->made;
	for (uint32_t k = 0; k < 300 && s->broken == NULL; k++) {
		sim_run(s, s->now + 100000);
		for (uint32_t i = 0; i < s->conf.nodes && k > 20; i++)
			if (i != leader)
				stats_add(st, "metrics.age:ms", (s->now - x.last[i]) / 1000);
	}
	/* What was made in the last instants is still on its way. */
	wanted = s->made - x.made;
	sim_run(s, s->now + SECOND / 5);
	wanted = wanted > x.taken ? wanted - x.taken : 0;
	stats_add(st, "metrics.lost:permille", (int64_t)(wanted * 1000 / (s->made - x.made)));
	s->on_report = NULL;
	free(x.last);
	return s->broken == NULL;
}

/* --- a new leader's view ---------------------------------------------------------- */

void
setup_takeover(struct sim_conf *conf)
{
	conf->seeds = 3;
}

/* Who was heard since it leads, and how many in each beat of a large mesh. */
struct rush {
	uint32_t leader;
	usec led;
	bool *heard; /* by whom it leads, of each node */
	uint32_t in_beat[RUSH_BEATS];
};

static void
rushed(struct sim *s, uint32_t hearer, uint32_t from, usec made)
{
	struct rush *x = s->story;
	usec beat = (s->now - x->led) / RUSH_BEAT;

	if (hearer != x->leader || made < x->led || x->heard[from] || beat >= RUSH_BEATS)
		return;
	x->heard[from] = true;
	x->in_beat[beat]++;
}

/* Watches how all tell the node that leads since now what they have. */
static void
rush_begin(struct sim *s, struct rush *x, uint32_t leader)
{
	*x = (struct rush){.leader = leader, .led = s->now};
	x->heard = sim_must(calloc(s->conf.nodes, sizeof *x->heard));
	s->story = x;
	s->on_report = rushed;
}

/* The share of them that came in one beat; who stood by before knew them. */
static void
rush_end(struct sim *s, struct rush *x, struct sim_stats *st)
{
	uint32_t all = 0, most = 0;

	s->on_report = NULL;
	free(x->heard);
	for (uint32_t k = 0; k < RUSH_BEATS; k++) {
		all += x->in_beat[k];
		most = x->in_beat[k] > most ? x->in_beat[k] : most;
	}
	if (st != NULL && all > 0)
		stats_add(st, "takeover.stranger.rush:permille", (int64_t)most * 1000 / all);
}

/* The reports of all who are up, whole, since this node leads. */
static bool
view_fresh(const struct sim *s, uint32_t leader)
{
	const struct mesh *m = s->node[leader].mesh;

	for (uint32_t i = 0; i < s->conf.nodes; i++) {
		uint32_t x = members_find_id(&m->ms, &s->node[i].id);

		if (i != leader && s->node[i].mesh != NULL && x != MEMBER_NONE &&
		    !m->ms.reports[x].reported)
			return false;
	}
	return true;
}

static bool
leads(const struct sim *s, uint32_t i)
{
	return s->node[i].mesh != NULL && s->node[i].mesh->elect.role == MESH_LEADER;
}

static bool
take_over(struct sim *s, struct sim_stats *st, uint32_t old, uint32_t heir)
{
	uint32_t now = old;
	struct rush rush;
	usec began = s->now, led;

	while (now == old && s->now - began < story_patience(s)) {
		if (!sim_run(s, s->now + 1000))
			return false;
		now = leads(s, story_leader(s)) ? story_leader(s) : old;
	}
	led = s->now;
	rush_begin(s, &rush, now);
	while (now != old && !view_fresh(s, now) && s->now - led < 20 * SECOND)
		if (!sim_run(s, s->now + 1000))
			break;
	rush_end(s, &rush, now == heir ? NULL : st);
	if (!story_bound(s, "new-leader-hears-all", now != old && view_fresh(s, now)))
		return false;
	stats_add(st, now == heir ? "takeover.view:ms" : "takeover.stranger.view:ms",
	    (s->now - led) / 1000);
	stats_add(st, "+takeover.by.standby:count", now == heir);
	stats_add(st, "+takeover.all:count", 1);
	return true;
}

/* The leader dies, with 4 KB of report from each, and one datagram in twenty is
 * lost: until the next one has everybody's.  Every other time its standby dies with it, so that one leads to
 * whom nobody reported. */
bool
story_takeover(struct sim *s, struct sim_stats *st)
{
	s->report_bytes = 4000;
	if (!story_whole(s, NULL))
		return false;
	for (uint32_t k = 0; k < story_trials(s); k++) {
		uint32_t leader, heir;

		if (!sim_run(s, s->now + 5 * SECOND + (usec)prng_below(&s->rng, SECOND)))
			return false;
		leader = story_leader(s);
		const struct mesh *m = s->node[leader].mesh;

		if (!story_bound(s, "leader-has-a-standby", m->report.standby != MEMBER_NONE))
			return false;
		heir = node_find(s, &m->ms.m[m->report.standby].id);
		if (k % 2 == 1 && s->conf.nodes > 4)
			node_crash(s, heir, INT64_MAX);
		node_crash(s, leader, INT64_MAX);
		s->loss_permille = 50;
		net_changed(s);
		if (!take_over(s, st, leader, heir) || !sim_run(s, s->now + 3 * SECOND))
			return false;
		s->loss_permille = 0;
		net_changed(s);
		node_start(s, leader);
		if (s->node[heir].mesh == NULL)
			node_start(s, heir);
		if (!story_whole(s, NULL))
			return false;
	}
	return true;
}
