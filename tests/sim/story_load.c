/*
 * story_load.c - what the planes carry, and how old it is when it arrives.
 */
#include "story.h"

#include <stdlib.h>

static void
count_bytes(struct sim *s)
{
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		s->node[i].tx_bytes = 0;
}

/* Every summary moves each second: how old is what a node holds of another,
 * and what does it cost, in the same half minute. */
bool
story_busy(struct sim *s, struct sim_stats *st)
{
	usec end;

	if (!story_whole(s, NULL))
		return false;
	s->busy = true;
	if (!sim_run(s, s->now + 20 * SECOND))
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

			if (i != j && x != MEMBER_NONE && ms->m[x].summary_version > 0)
				stats_add(st, "busy.age:ms",
				    s->now / 1000 - ms->m[x].summary.config_hash);
		}
	}
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		if (i != story_leader(s))
			stats_add(st, "busy.tx:B/s", (int64_t)(s->node[i].tx_bytes / 30));
	return true;
}

/* --- plane B ---------------------------------------------------------------------- */

struct metrics {
	struct sim_stats *st;
	uint64_t frags, made;
	usec *last; /* newest report held of each */
};

static void
took(struct sim *s, uint32_t leader, uint32_t from, const uint8_t *buf, size_t len)
{
	struct metrics *x = s->story;
	usec made;

	(void)leader;
	if (from == UINT32_MAX || len < sizeof made)
		return;
	memcpy(&made, buf, sizeof made);
	x->frags++;
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
	wanted = wanted > x.frags ? wanted - x.frags : 0;
	stats_add(st, "metrics.lost:permille", (int64_t)(wanted * 1000 / (s->made - x.made)));
	s->on_report = NULL;
	free(x.last);
	return s->broken == NULL;
}
