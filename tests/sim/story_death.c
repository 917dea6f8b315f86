/*
 * story_death.c - nodes end: who knows, and who takes over.
 */
#include "story.h"

#include <stdlib.h>

enum { NEWS_SOON = SECOND, NEWS_LATE = 5 * SECOND };

/* Watch until every node up calls victim failed: so soon after the leader. */
static bool
watch_death(struct sim *s, struct sim_stats *st, const char *const *names, uint32_t victim, usec after,
    uint32_t late_max)
{
	usec died = s->now, told = INT64_MAX / 2, worst = story_patience(s);
	uint8_t *saw = sim_must(calloc(s->conf.nodes, 1));
	uint32_t left = 0, leader = story_leader(s);

	for (uint32_t i = 0; i < s->conf.nodes; i++)
		left += i != victim && s->node[i].mesh != NULL;
	while (left > 0 && s->now - died < worst && s->now - told < net_pace(s, after)) {
		if (!sim_run(s, s->now + 10000))
			break;
		if (told == INT64_MAX / 2 && story_state(s, leader, victim) == MESH_FAILED)
			told = s->now;
		for (uint32_t i = 0; i < s->conf.nodes; i++) {
			if (i == victim || saw[i] || s->node[i].mesh == NULL ||
			    s->node[i].changed_at >= died ||
			    story_state(s, i, victim) != MESH_FAILED)
				continue;
			saw[i] = 1;
			left--;
			stats_add(st, names[i != leader], (s->now - died) / 1000);
		}
	}
	free(saw);
	return story_bound(s, "death-seen-by-all", left <= late_max);
}

bool
story_detect(struct sim *s, struct sim_stats *st)
{
	static const char *const names[] = {"detect.leader:ms", "detect.mesh:ms"};

	if (!story_whole(s, NULL))
		return false;
	for (uint32_t k = 0; k < story_trials(s); k++) {
		uint32_t victim;

		if (!sim_run(s, s->now + 2 * SECOND + (usec)prng_below(&s->rng, SECOND)))
			return false;
		victim = story_other(s);
		node_crash(s, victim, INT64_MAX);
		if (!watch_death(s, st, names, victim, NEWS_LATE, 0))
			return false;
		node_start(s, victim);
		if (!story_whole(s, NULL))
			return false;
	}
	return true;
}

bool
story_failover(struct sim *s, struct sim_stats *st)
{
	if (!story_whole(s, NULL))
		return false;
	for (uint32_t k = 0; k < story_trials(s); k++) {
		uint32_t leader;
		usec died;

		if (!sim_run(s, s->now + 2 * SECOND + (usec)prng_below(&s->rng, SECOND)))
			return false;
		leader = story_leader(s);
		died = s->now;
		node_crash(s, leader, INT64_MAX);
		while (s->last_issue < died && s->now - died < story_patience(s))
			if (!sim_run(s, s->now + 1000))
				return false;
		if (!story_bound(s, "new-leader-issues", s->last_issue >= died))
			return false;
		stats_add(st, "failover:ms", (s->last_issue - died) / 1000);
		if (!sim_run(s, s->now + 3 * SECOND))
			return false;
		node_start(s, leader);
		if (!story_whole(s, NULL))
			return false;
	}
	return true;
}

/* One restart a second, half of them slow ones, for a minute. */
bool
story_churn(struct sim *s, struct sim_stats *st)
{
	uint64_t elections, deaths = s->false_deaths;
	usec took, end;

	if (!story_whole(s, NULL))
		return false;
	elections = s->elections;
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		s->node[i].tx_bytes = 0;
	for (end = s->now + 60 * SECOND; s->now < end;) {
		uint32_t victim = story_other(s);

		node_crash(s, victim, s->now + 20000 + (usec)prng_below(&s->rng, 6 * SECOND));
		if (!sim_run(s, s->now + SECOND))
			return false;
	}
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		stats_add(st, "churn.tx:B/s", (int64_t)(s->node[i].tx_bytes / 60));
	if (!sim_run(s, s->now + 6 * SECOND) || !story_whole(s, &took))
		return false;
	stats_add(st, "churn.heal:ms", took / 1000);
	stats_add(st, "+churn.elections:count", (int64_t)(s->elections - elections));
	stats_add(st, "+churn.false.deaths:count", (int64_t)(s->false_deaths - deaths));
	return true;
}

/* Four fifths join at once while one of the first fifth dies: its news must not
 * wait behind theirs. */
bool
story_flood(struct sim *s, struct sim_stats *st)
{
	static const char *const names[] = {"flood.leader:ms", "flood.mesh:ms"};
	uint32_t n = s->conf.nodes, first = n / 5 > 3 ? n / 5 : n, victim;
	usec took;

	for (uint32_t i = first; i < n; i++) /* these come later */
		s->node[i].restart_at = s->node[i].wake_at = INT64_MAX;
	if (!sim_run(s, 15 * SECOND))
		return false;
	victim = first > 1 ? 1 + (uint32_t)prng_below(&s->rng, first - 1) : 0;
	if (victim == story_leader(s))
		victim = (victim + 1) % first;
	node_crash(s, victim, INT64_MAX);
	for (uint32_t i = first; i < n; i++) {
		s->node[i].restart_at = s->node[i].wake_at = s->now + 2 * SECOND +
		    (usec)prng_below(&s->rng, SECOND / 5);
		sim_push(s, (struct sim_event){.at = s->node[i].restart_at, .node = i});
	}
	/* Far apart one in a hundred may get it by the next comparison of tables. */
	if (first > 2 &&
	    !watch_death(s, st, names, victim, NEWS_SOON, s->conf.profile == MESH_WAN ? n / 100 : 0))
		return false;
	node_start(s, victim);
	if (!sim_run(s, s->now + 3 * SECOND) || !story_whole(s, &took))
		return false;
	stats_add(st, "flood.join:ms", took / 1000);
	return true;
}
