/*
 * copy.c - one identity in two places, as after a disk was copied.
 *
 *	twins-told-apart	where nothing is lost nor late, one of two falls silent
 *
 * As long as nobody can know of the second one it votes in the name of the first,
 * and may run what was given to that: the checks of promises and instances bear
 * that for TWINS_US after it began, and then no longer.
 */
#include "sim.h"

#include <stdlib.h>

enum {
	TOLD_US = 10 * SECOND,
	TWINS_US = TOLD_US + 15 * SECOND, /* and then a role lease */
	SETTLED_US = 5 * SECOND,
	WAIT_US = 15 * SECOND,
};

void
copy_node(struct sim *s, uint32_t j, uint32_t i, uint64_t below)
{
	struct sim_node *n = &s->node[j], *of = &s->node[i];

	node_crash(s, j, INT64_MAX);
	if (!n->copied) {
		n->was = n->id;
		n->was_roster = n->done_roster;
	}
	memcpy(n->pk, of->pk, sizeof n->pk);
	n->id = of->id;
	node_copy_disk(s, j, i);
	n->disk.generation = of->disk.generation < below ? 0 : of->disk.generation - below;
	n->disk_ring = of->disk_ring;
	n->done = n->disk;
	n->counter = 0;
	n->done_roster = of->done_roster;
	n->done_evicted = 0;
	n->issued = of->issued;
	n->drains = of->drains;
	n->out_at = s->now;
	n->copied = of->copied = true;
	n->copied_at = of->copied_at = s->now;
	net_late(s, s->now + 2 * (usec)SECOND); /* half of what is said to i goes astray */
	node_start(s, j);
}

bool
copy_fresh(const struct sim *s, uint32_t i)
{
	return s->node[i].copied && s->now - s->node[i].copied_at < TWINS_US;
}

/* One that lives in peace, and knows the key that all know. */
static bool
fit(const struct sim *s, uint32_t i)
{
	const struct sim_node *n = &s->node[i];
	const struct mesh *m = n->mesh;

	return m != NULL && n->out_at == 0 && m->member && !m->left && !m->saved.leaving &&
	    m->ms.m[0].roster != 0 && !m->saved.keys.next && !m->saved.keys.old &&
	    s->now >= n->paused_until && s->now >= n->blocked_until && n->slow == 0 &&
	    s->now - n->changed_at >= SETTLED_US;
}

/* The network is well meanwhile: cut off from each other, the two would have two votes,
 * and nobody could know. */
bool
copy_happens(struct sim *s, uint32_t i, uint64_t below)
{
	uint32_t j = s->conf.nodes - 1;

	if (!s->node[j].spare || !fit(s, i))
		return true;
	fault_network_ends(s);
	net_changed(s);
	copy_node(s, j, i, below);
	s->faults_done[FAULT_clone]++;
	if (!sim_run(s, s->now + WAIT_US))
		return false;
	node_crash(s, j, INT64_MAX);
	return true;
}

void
check_copy(struct sim *s, uint32_t i)
{
	const struct sim_node *n = &s->node[i], *first;
	uint32_t own = node_find(s, &n->id);
	usec enough = net_pace(s, TOLD_US);

	if (!n->copied || n->out_at == 0 || own == UINT32_MAX || own == i)
		return;
	first = &s->node[own];
	if (first->mesh == NULL || !net_calm(s, s->still_since, enough) ||
	    s->now - n->changed_at < enough || s->now - first->changed_at < enough)
		return;
	if (n->mesh->left == first->mesh->left)
		check_break(s, "twins-told-apart", i, own, n->mesh->left);
}
