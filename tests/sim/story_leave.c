/*
 * story_leave.c - nodes that leave for good: the roster shrinks, nobody is suspected
 * and no term is lost over it, and they come back only when they are told to.
 */
#include "story.h"

enum { LOOK = 10000, LEAVES_MAX = 7, VISITS = 6 };

/* Who is away, and what was seen while somebody left. */
struct leaving {
	usec began, left_at, roster_at, gap_since, gap;
	uint64_t suspects, deaths;
};

static bool
has_left(const struct sim *s, uint32_t i)
{
	return s->node[i].disk.left;
}

/* Of all who belong, none has it in its roster, and none is changing it. */
static bool
roster_without(const struct sim *s, uint32_t i)
{
	for (uint32_t o = 0; o < s->conf.nodes; o++) {
		const struct mesh *m = s->node[o].mesh;
		uint32_t x;

		if (o == i || m == NULL || !m->member || m->saved.left)
			continue;
		x = members_find_id(&m->ms, &s->node[i].id);
		if (m->roster.joint || (x != MEMBER_NONE && m->ms.m[x].roster != 0))
			return false;
	}
	return true;
}

static bool
anybody_leads(const struct sim *s)
{
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		if (s->node[i].mesh != NULL &&
		    lead_grade(s->node[i].mesh, node_clock(s, i)) != MESH_GRADE_NONE)
			return true;
	return false;
}

static bool
look(struct sim *s, struct leaving *l, uint32_t i)
{
	if (!sim_run(s, s->now + LOOK))
		return false;
	if (anybody_leads(s))
		l->gap_since = 0;
	else if (l->gap_since == 0)
		l->gap_since = s->now;
	if (l->gap_since != 0 && s->now - l->gap_since > l->gap)
		l->gap = s->now - l->gap_since;
	if (l->left_at == 0 && has_left(s, i))
		l->left_at = s->now;
	if (l->roster_at == 0 && roster_without(s, i))
		l->roster_at = s->now;
	return true;
}

static bool
wait_left(struct sim *s, struct leaving *l, uint32_t i)
{
	while ((l->left_at == 0 || l->roster_at == 0) && s->now - l->began < story_patience(s))
		if (!look(s, l, i))
			return false;
	return story_bound(s, "leaver-goes", l->left_at != 0) &&
	    story_bound(s, "roster-shrinks", l->roster_at != 0);
}

/* Everybody who belongs holds it as gone, by its own word, and not as dead. */
static bool
listed(struct sim *s, uint32_t i)
{
	if (!sim_run(s, s->now + SECOND))
		return false;
	for (uint32_t o = 0; o < s->conf.nodes; o++)
		if (o != i && s->node[o].mesh != NULL && s->node[o].mesh->member &&
		    story_state(s, o, i) != MESH_LEFT)
			return story_bound(s, "listed-as-left", false);
	return true;
}

/* It knows its seeds and asks none; then it is told to, and is in again. */
static bool
comes_back(struct sim *s, struct sim_stats *st, uint32_t i)
{
	usec began;

	/* It answers a little longer, and then its disk is wiped. */
	if (!sim_run(s, s->now + net_pace(s, 3 * (usec)SECOND)) ||
	    !story_bound(s, "leaver-falls-silent", s->node[i].mesh == NULL))
		return false;
	s->node[i].leave_for = INT64_MAX;
	node_start(s, i);
	if (!sim_run(s, s->now + 8 * (usec)SECOND) ||
	    !story_bound(s, "who-left-stays-out", !s->node[i].mesh->member && has_left(s, i)))
		return false;
	node_crash(s, i, INT64_MAX);
	s->node[i].leave_for = SECOND;
	node_start(s, i);
	began = s->now;
	if (!story_whole(s, NULL))
		return false;
	stats_add(st, "leave.back:ms", (s->now - began) / 1000);
	return true;
}

enum { PLAIN, LEADER, CRASHES, THINKS_BETTER, LOSSY, LEADER_DIES, ANOTHER_TOO, UNDER_FIRE, WAYS };

static uint32_t
leaver(struct sim *s, uint32_t how)
{
	uint32_t i = how == LEADER ? story_leader(s) : (uint32_t)prng_below(&s->rng, s->conf.nodes);

	while (s->node[i].mesh == NULL || (i == story_leader(s)) != (how == LEADER))
		i = (i + 1) % s->conf.nodes;
	return i;
}

/* The process ends somewhere in the midst, and starts again, and again. */
static bool
crashes(struct sim *s, uint32_t i)
{
	for (int k = 0; k < 3; k++) {
		if (!sim_run(s, s->now + (usec)prng_below(&s->rng, SECOND)))
			return false;
		if (has_left(s, i))
			return true;
		node_crash(s, i, s->now + 20000 + (usec)prng_below(&s->rng, SECOND));
	}
	return sim_run(s, s->now + 2 * (usec)SECOND);
}

static bool
under_fire(struct sim *s, uint32_t i)
{
	/* Of who is made anew the vote of before is left, dead, until somebody evicts it. */
	s->conf.faults = FAULTS_ALL & ~(FAULT_BIT(lost) | FAULT_BIT(leave) | FAULT_BIT(policy) |
	    FAULT_BIT(evict) | FAULT_BIT(reborn));
	s->conf.span = SECOND;
	for (uint32_t k = 0; k < 12; k++) {
		if (!fault_step(s))
			return false;
		if (s->node[i].mesh != NULL && !s->node[i].mesh->saved.leaving && !has_left(s, i) &&
		    s->now >= s->node[i].paused_until)
			(void)!node_leaving(s, i, true, INT64_MAX);
	}
	s->conf.faults = 0;
	fault_end(s); /* which takes it back, where that can be */
	if (!sim_run(s, s->now + 5 * (usec)SECOND))
		return false;
	if (!has_left(s, i))
		return story_whole(s, NULL);
	node_crash(s, i, INT64_MAX);
	s->node[i].leave_for = SECOND;
	node_start(s, i);
	return story_whole(s, NULL);
}

/* What is done meanwhile. */
static bool
meanwhile(struct sim *s, uint32_t how, uint32_t i, uint32_t *other)
{
	uint32_t leader = story_leader(s);

	switch (how) {
	case CRASHES:
		return crashes(s, i);
	case LOSSY:
		s->loss_permille = 200;
		net_changed(s);
		return true;
	case LEADER_DIES:
		if (!sim_run(s, s->now + (usec)prng_below(&s->rng, SECOND)))
			return false;
		*other = leader;
		node_crash(s, leader, s->now + 4 * (usec)SECOND);
		return true;
	case ANOTHER_TOO: /* the leader, as often as not */
		*other = prng_below(&s->rng, 2) == 0 ? leader : leaver(s, PLAIN);
		if (*other == i)
			*other = leader;
		return node_leaving(s, *other, true, INT64_MAX) >= 0 || s->conf.nodes < 4;
	case THINKS_BETTER:
		return sim_run(s, s->now + (usec)prng_below(&s->rng, SECOND / 2));
	default:
		return true;
	}
}

static void
figures(struct sim *s, struct sim_stats *st, uint32_t how, const struct leaving *l)
{
	if (how == PLAIN || how == LEADER) {
		stats_add(st, "leave.roster:ms", (l->roster_at - l->began) / 1000);
		stats_add(st, "leave.took:ms", (l->left_at - l->began) / 1000);
		stats_add(st, "+leave.suspects:count", (int64_t)(s->false_suspects - l->suspects));
		stats_add(st, "+leave.deaths:count", (int64_t)(s->false_deaths - l->deaths));
	}
	if (how == PLAIN)
		stats_add(st, "leave.gap:ms", l->gap / 1000);
	if (how == LEADER)
		stats_add(st, "leave.gap.leader:ms", l->gap / 1000);
	if (how == LOSSY)
		stats_add(st, "leave.lossy:ms", (l->left_at - l->began) / 1000);
}

/* It takes it back, if it can: it is a member as before. */
static bool
stays(struct sim *s, uint32_t i)
{
	if (node_leaving(s, i, false, 0) < 0)
		return true; /* it said goodbye already */
	return story_whole(s, NULL) && story_bound(s, "stays-after-all", !has_left(s, i));
}

static bool
one_leaves(struct sim *s, struct sim_stats *st, uint32_t how)
{
	uint32_t i = how == UNDER_FIRE ? story_other(s) : leaver(s, how), other = UINT32_MAX;
	struct leaving l = {.suspects = s->false_suspects, .deaths = s->false_deaths};

	if (!sim_run(s, s->now + 12 * (usec)SECOND))
		return false;
	if ((how == LEADER) != (i == story_leader(s)))
		return true; /* the office moved meanwhile */
	if (how == UNDER_FIRE)
		return under_fire(s, i);
	if (node_leaving(s, i, true, INT64_MAX) < 0)
		return story_bound(s, "leaving-taken", false);
	l.began = s->now;
	if (!meanwhile(s, how, i, &other))
		return s->broken == NULL && story_bound(s, "leaving-taken", false);
	if (how == THINKS_BETTER && !has_left(s, i) && s->node[i].mesh != NULL && !s->node[i].mesh->saved.left)
		return stays(s, i);
	if (!wait_left(s, &l, i))
		return false;
	s->loss_permille = 0;
	net_changed(s);
	figures(s, st, how, &l);
	if ((how == PLAIN || how == LEADER) && !listed(s, i))
		return false;
	if (how == ANOTHER_TOO && s->node[other].leave_for == INT64_MAX) {
		struct leaving also = {.began = s->now};

		if (!wait_left(s, &also, other) || !story_whole(s, NULL) || !comes_back(s, st, other))
			return false;
	}
	return story_whole(s, NULL) && comes_back(s, st, i);
}

/* A change that gives it a vote is under way, and it does not know of that yet. */
static bool
is_being_added(const struct sim *s, uint32_t i)
{
	const struct mesh *leader = s->node[story_leader(s)].mesh;
	uint32_t at;

	if (leader == NULL)
		return false; /* nobody leads just now */
	at = members_find_id(&leader->ms, &s->node[i].id);
	return leader->roster.joint && at != MEMBER_NONE && leader->ms.m[at].roster != 0 &&
	    s->node[i].mesh->ms.m[0].roster == 0;
}

/* It comes in as far as that, or has its vote already; datagrams are lost. */
static bool
comes(struct sim *s, uint32_t i)
{
	struct addr seed = net_address(story_leader(s));
	const struct mesh *m;
	usec began = s->now;

	s->node[i].leave_for = SECOND;
	node_start(s, i);
	if (mesh_add_seed(s->node[i].mesh, node_clock(s, i), &seed) < 0)
		return story_bound(s, "visitor-comes", false);
	s->loss_permille = 300;
	net_changed(s);
	/* Where so much is lost it may suspect the only other one, and is told that it can't. */
	for (m = s->node[i].mesh; m->roster.n.all == 0 || mesh_may_leave(m) < 0 ||
	     (!is_being_added(s, i) && m->ms.m[0].roster == 0);)
		if (!sim_run(s, s->now + LOOK / 10) ||
		    !story_bound(s, "visitor-comes", s->now - began < story_patience(s)))
			return false;
	return true;
}

/* Who comes in, and thinks better of it while it is given a vote: nobody may be left
 * who waits for it.  Of one that stays, all would. */
static bool
comes_and_goes(struct sim *s)
{
	for (uint32_t k = 0; k < VISITS; k++) {
		uint32_t i = story_other(s);
		struct leaving l;

		while (s->node[i].mesh != NULL)
			i = (i + 1) % s->conf.nodes;
		if (!comes(s, i))
			return false;
		if (node_leaving(s, i, true, INT64_MAX) < 0)
			return story_bound(s, "leaving-taken", false);
		l = (struct leaving){.began = s->now};
		if (!wait_left(s, &l, i))
			return false;
		s->loss_permille = 0;
		net_changed(s);
		if (!story_whole(s, NULL))
			return false;
	}
	return true;
}

/* Down to one, who leads alone; whoever stays last may not ask. */
static bool
all_but_one(struct sim *s)
{
	while (true) {
		uint32_t up = 0, i = story_leader(s);
		struct leaving l = {.began = s->now};

		for (uint32_t k = 0; k < s->conf.nodes; k++)
			up += s->node[k].mesh != NULL;
		if (up == 1)
			return story_bound(s, "last-may-not-ask",
				   mesh_leaving(s->node[i].mesh, node_clock(s, i), true) == -ERR_QUORUM) &&
			    comes_and_goes(s);
		if (prng_below(&s->rng, 2) == 0)
			i = leaver(s, PLAIN);
		if (node_leaving(s, i, true, INT64_MAX) < 0)
			return story_bound(s, "leaving-taken", false);
		if (!wait_left(s, &l, i) || !story_whole(s, NULL))
			return false;
	}
}

bool
story_leave(struct sim *s, struct sim_stats *st)
{
	if (!story_whole(s, NULL))
		return false;
	for (uint32_t k = 0; k < LEAVES_MAX && s->conf.nodes > 3; k++)
		if (!one_leaves(s, st, (uint32_t)(s->conf.seed + k) % WAYS) || !story_whole(s, NULL))
			return false;
	return s->conf.nodes > 50 || all_but_one(s);
}
