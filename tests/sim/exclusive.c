/*
 * exclusive.c - three instances of which there must never be two: leaders give
 * them away and move them about, nodes run what their lease allows, and what
 * runs goes on when the machine that knows of it crashes or sleeps, until its
 * deadline and not a moment longer, as a container's init makes sure.
 *
 * Invariant exclusive-at-most-one, asked whenever one starts or its lease is
 * renewed: two could only begin to overlap then.
 */
#include "sim.h"

#include <stdlib.h>

enum { STOP_US = 2000000 };

static uint64_t
id_of(uint32_t k)
{
	return prng_mix(k + 1);
}

static bool
lives(const struct sim *s, uint32_t i, uint32_t k)
{
	const struct sim_process *p = &s->node[i].process[k];

	return p->running && node_clock(s, i) < p->deadline && s->now < p->stop_at;
}

/* Who is there twice is one owner, who asks for one lease, and gives back one: while
 * nobody can know it. */
static void
at_most_one(struct sim *s, uint32_t i, uint32_t k)
{
	for (uint32_t j = 0; j < s->conf.nodes; j++)
		if (j != i && lives(s, j, k) && !copy_fresh(s, i) && !copy_fresh(s, j))
			check_break(s, "exclusive-at-most-one", i, j, k);
}

static bool
can_own(const struct sim *s, uint32_t leader, uint32_t i)
{
	const struct members *ms = &s->node[leader].mesh->ms;
	uint32_t x = members_find_id(ms, &s->node[i].id);

	return x != MEMBER_NONE && ms->m[x].state == MESH_ALIVE && !s->node[i].spare;
}

/* By its identity: a copy takes itself for the first one. */
static bool
owns(const struct sim *s, const struct sim_plan *plan, uint32_t k, uint32_t i)
{
	return plan != NULL && id_eq(&s->node[plan->owner[k]].id, &s->node[i].id);
}

static int
by_id(const void *a, const void *b)
{
	uint64_t x = ((const struct mesh_owner *)a)->id, y = ((const struct mesh_owner *)b)->id;

	return (x > y) - (x < y);
}

/* The leader's scheduler: keep what is on a living node, and move one in eight. */
void
exclusive_issue(struct sim *s, uint32_t leader, const struct stamp *stamp)
{
	struct sim_plan *p;
	struct mesh_owner owners[SIM_EXCLUSIVE];

	if (s->plans_len == s->plans_cap) {
		s->plans_cap = s->plans_cap == 0 ? 64 : 2 * s->plans_cap;
		s->plans = realloc(s->plans, s->plans_cap * sizeof *s->plans);
		if (s->plans == NULL)
			abort();
	}
	p = &s->plans[s->plans_len++];
	*p = (struct sim_plan){.stamp = *stamp};
	for (uint32_t k = 0; k < SIM_EXCLUSIVE; k++) {
		uint32_t owner = s->plans_len > 1 ? s->plans[s->plans_len - 2].owner[k] : k;

		owner %= s->conf.nodes;
		if (prng_below(&s->rng, 8) == 0)
			owner = (uint32_t)prng_below(&s->rng, s->conf.nodes);
		for (uint32_t n = 0; n < s->conf.nodes && !can_own(s, leader, owner); n++)
			owner = (owner + 1) % s->conf.nodes;
		p->owner[k] = owner;
		owners[k] = (struct mesh_owner){id_of(k), s->node[owner].id};
	}
	qsort(owners, SIM_EXCLUSIVE, sizeof *owners, by_id);
	if (mesh_exclusive_owners(s->node[leader].mesh, node_clock(s, leader), owners,
		SIM_EXCLUSIVE) < 0)
		check_break(s, "owners-taken", leader, 0, 0);
}

static const struct sim_plan *
plan_of(const struct sim *s, const struct stamp *stamp)
{
	for (size_t i = s->plans_len; i-- > 0;)
		if (stamp_cmp(&s->plans[i].stamp, stamp) == 0)
			return &s->plans[i];
	return NULL;
}

static void
step(struct sim *s, uint32_t i, uint32_t k, bool wanted)
{
	struct sim_process *p = &s->node[i].process[k];
	struct mesh *m = s->node[i].mesh;
	msec now = node_clock(s, i), until = mesh_exclusive_until(m, id_of(k));

	if (p->running && !lives(s, i, k)) {
		p->running = false;
		if (mesh_exclusive_running(m, now, id_of(k), false) < 0)
			check_break(s, "slot-known", i, k, 0);
	}
	if (wanted && until > now && p->stop_at == INT64_MAX && until > p->deadline) {
		at_most_one(s, i, k);
		p->deadline = until;
		if (!p->running && mesh_exclusive_running(m, now, id_of(k), true) < 0)
			check_break(s, "slot-known", i, k, 0);
		p->running = true;
	}
	if (!wanted && p->running && p->stop_at == INT64_MAX)
		p->stop_at = s->now + (usec)prng_below(&s->rng, STOP_US);
	if (!p->running)
		p->stop_at = INT64_MAX;
}

/* A new engine finds what runs; not always does its host still know until when. */
static void
found(struct sim *s, uint32_t i, uint32_t k)
{
	struct mesh *m = s->node[i].mesh;
	msec now = node_clock(s, i);

	if (mesh_exclusive_running(m, now, id_of(k), true) < 0)
		check_break(s, "slot-known", i, k, 0);
	if (prng_below(&s->rng, 4) > 0 &&
	    mesh_exclusive_held(m, now, id_of(k), s->node[i].process[k].deadline) < 0)
		check_break(s, "lease-known", i, k, 0);
}

/* The engine of node i: after a start first what runs, then what should. */
void
exclusive_act(struct sim *s, uint32_t i)
{
	struct sim_node *n = &s->node[i];
	const struct sim_plan *plan = plan_of(s, &n->mesh->saved.applied);
	uint64_t ids[SIM_EXCLUSIVE];
	size_t count = 0;

	if (s->conf.nodes > SIM_EXCLUSIVE_NODES)
		return;
	for (uint32_t k = 0; k < SIM_EXCLUSIVE; k++) {
		if (!n->engine_knows && lives(s, i, k))
			found(s, i, k);
		if (owns(s, plan, k, i))
			ids[count++] = id_of(k);
	}
	n->engine_knows = true;
	if (mesh_exclusive_want(n->mesh, node_clock(s, i), ids, count) < 0)
		check_break(s, "wishes-taken", i, count, 0);
	for (uint32_t k = 0; k < SIM_EXCLUSIVE; k++)
		step(s, i, k, owns(s, plan, k, i));
}

/* A host that dies takes its processes along; an engine alone does not. */
void
exclusive_crash(struct sim *s, uint32_t i, bool host)
{
	s->node[i].engine_knows = false;
	for (uint32_t k = 0; k < SIM_EXCLUSIVE; k++)
		if (host)
			s->node[i].process[k] = (struct sim_process){.stop_at = INT64_MAX};
}

bool
exclusive_all_run(const struct sim *s)
{
	for (uint32_t k = 0; k < SIM_EXCLUSIVE; k++) {
		uint32_t n = 0;

		for (uint32_t i = 0; i < s->conf.nodes; i++)
			n += lives(s, i, k);
		if (n != 1)
			return false;
	}
	return true;
}
