/*
 * story.c - what all stories share, and their list.
 */
#include "story.h"

bool
story_bound(struct sim *s, const char *name, bool ok)
{
	if (!ok && s->broken == NULL) {
		check_break(s, name, 0, (uint64_t)s->now, 0);
		s->of_story = true;
	}
	return s->broken == NULL;
}

usec
story_patience(const struct sim *s)
{
	return net_pace(s, s->conf.nodes > 200 ? 120 * SECOND : 40 * SECOND);
}

bool
story_whole(struct sim *s, usec *took)
{
	usec t = -1;

	/* Everybody has started after the first second. */
	if (s->now >= SECOND || sim_run(s, SECOND))
		t = sim_converge(s, story_patience(s));
	if (took != NULL)
		*took = t;
	if (t < 0) /* asked at the end of every scenario */
		check_break(s, "one-leader-and-equal-tables", 0, (uint64_t)s->now, 0);
	return s->broken == NULL;
}

static bool
all_see_all(const struct sim *s)
{
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		if (s->node[i].mesh == NULL ||
		    s->node[i].mesh->ms.by_state[MESH_ALIVE] != s->conf.nodes)
			return false;
	return true;
}

bool
story_seen(struct sim *s, usec *took)
{
	usec began = s->now;

	while (!all_see_all(s) && s->now - began < story_patience(s))
		if (!sim_run(s, s->now + 20000))
			return false;
	*took = s->now - began;
	return story_bound(s, "all-see-all", all_see_all(s));
}

uint32_t
story_trials(const struct sim *s)
{
	return s->conf.nodes > 2000 ? 1 : s->conf.nodes > 300 ? 2 : s->conf.nodes > 50 ? 4 : 8;
}

uint32_t
story_leader(const struct sim *s)
{
	uint32_t leader = 0;

	for (uint32_t i = 0; i < s->conf.nodes; i++)
		if (s->node[i].mesh != NULL && s->node[i].mesh->elect.role == MESH_LEADER)
			leader = i;
	return leader;
}

enum mesh_state
story_state(const struct sim *s, uint32_t observer, uint32_t subject)
{
	const struct members *ms = &s->node[observer].mesh->ms;
	uint32_t i = members_find_id(ms, &s->node[subject].id);

	return i == MEMBER_NONE ? MESH_FAILED : (enum mesh_state)ms->m[i].state;
}

bool
story_usable(const struct sim *s, uint32_t observer, uint32_t subject)
{
	struct mesh_member x;

	return mesh_find(s->node[observer].mesh, &s->node[subject].id, &x) &&
	    x.state <= MESH_SUSPECT && !x.unstable;
}

uint32_t
story_other(struct sim *s)
{
	uint32_t i = (uint32_t)prng_below(&s->rng, s->conf.nodes);

	while (s->conf.nodes > 1 && i == story_leader(s))
		i = (i + 1) % s->conf.nodes;
	return i;
}

const struct story stories[] = {
    {"steady", story_steady, NULL, "join, then nothing: bytes of an idle mesh"},
    {"join", story_join, setup_join, "all start in one second, through one seed"},
    {"evict", story_evict, NULL, "nodes are put out for good: until all know"},
    {"clone", story_clone, setup_clone, "a disk is copied, and both are started"},
    {"liar", story_liar, NULL, "a member claims what nobody knows: how much of the time is issued"},
    {"join-lossy", story_join_lossy, NULL, "the same, with 5 % loss"},
    {"detect", story_detect, NULL, "a node dies: who knows when"},
    {"failover", story_failover, NULL, "the leader dies: until another issues"},
    {"heal", story_heal, NULL, "a partition ends: until one view and one leader"},
    {"heal-early", story_heal_early, NULL, "... of halves, before each has given up the other"},
    {"split", story_split, setup_split, "both sides of a partition: a leader each, and one schedule of both after it"},
    {"restart", story_restart, NULL, "all restart within a second"},
    {"rolling", story_rolling, NULL, "each says that it restarts, and does, one by one"},
    {"leave", story_leave, NULL, "nodes leave for good, one by one, down to the last"},
    {"recover", story_recover, setup_recover, "the majority is gone for good, and an operator says so; some return"},
    {"roster", story_roster, NULL, "a member offers a roster of its own to who lost its disk, and to the leader"},
    {"restart-storm", story_storm, NULL, "all restart again and again"},
    {"slow", story_slow, setup_slow, "Lifeguard's experiment: blocked members"},
    {"shaky", story_shaky, NULL, "one hears nothing 1.9 s of each 2.2"},
    {"flipflop", story_flipflop, NULL, "Rapid's: 1 % hear nobody, 20 s of 40"},
    {"partial", story_partial, NULL, "a ring, a bridge: each hears only some"},
    {"rack", story_rack, NULL, "two fifths go silent at once: a cut of seconds, then death"},
    {"burst", story_burst, NULL, "each node's line is dead 5 % of the time, 200 ms each"},
    {"churn", story_churn, NULL, "a restart each second"},
    {"flood", story_flood, NULL, "many join while one dies"},
    {"calm", story_calm, setup_calm, "a day without faults"},
    {"lossy", story_lossy, NULL, "20 % loss"},
    {"busy", story_busy, NULL, "every summary moves each second"},
    {"missed", story_missed, NULL, "a node is deaf while every summary moves"},
    {"facts", story_facts, NULL, "what nodes say of themselves changes: one, all, a lie"},
    {"metrics", story_metrics, setup_metrics, "1 KB/s of report from each node"},
    {"rotate", story_rotate, NULL, "the cluster key changes: loss, a node away, the leader dies"},
    {"takeover", story_takeover, setup_takeover, "the leader dies: until the next has all reports"},
    {"ca", story_ca, setup_ca, "certificates: tokens used up, expired, forged; a use on both sides of a split"},
    {"mixed", story_mixed, setup_mixed, "half of the nodes speak a newer wire too, and say what the others can't know"},
    {"chaos", story_chaos, setup_chaos, "every fault there is, then peace"},
    {"grief", story_grief, setup_grief, "a still world where now and then somebody dies"},
    {"swarm", story_swarm, setup_swarm, "size and faults drawn from the seed"},
    {NULL, NULL, NULL, NULL},
};

const struct story *
story_find(const char *name)
{
	for (const struct story *x = stories; x->name != NULL; x++)
		if (strcmp(x->name, name) == 0)
			return x;
	return NULL;
}
