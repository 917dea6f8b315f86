/*
 * acts.c - what an operator does at one node of the world, and what its engine makes of
 * the end of it.
 */
#include "sim.h"

void
node_leave(struct sim *s, uint32_t i, usec restart_at)
{
	struct sim_node *n = &s->node[i];

	if (n->mesh == NULL || s->now < n->paused_until)
		return;
	mesh_leave(n->mesh, node_clock(s, i));
	node_settle(s, i);
	node_crash(s, i, restart_at);
	n->disk.left = false; /* of those who think better of it */
	n->went = 0;
}

int
node_leaving(struct sim *s, uint32_t i, bool on, usec leave_for)
{
	int rc = mesh_leaving(s->node[i].mesh, node_clock(s, i), on);

	if (rc == 0) {
		s->node[i].leave_for = leave_for;
		node_settle(s, i);
	}
	return rc;
}

/* It has left: what its engine then does with its disk.  With its vote it gave away
 * what it ever knew of rosters and evictions. */
void
node_wipe(struct sim *s, uint32_t i)
{
	struct sim_node *n = &s->node[i];

	mesh_left_behind(&n->disk);
	n->done_roster = (struct roster_id){0};
	n->done_evicted = 0;
	sim_note(s, i, 2);
	node_crash(s, i, n->leave_for == INT64_MAX ? INT64_MAX : s->now + n->leave_for);
}

int
node_restarting(struct sim *s, uint32_t i, uint32_t grace_s)
{
	int rc = mesh_restarting(s->node[i].mesh, node_clock(s, i), grace_s);

	s->node[i].grace.s = rc < 0 ? 0 : grace_s;
	s->node[i].grace.word = s->node[i].mesh->ms.m[0].incarnation;
	s->node[i].grace.life = s->node[i].mesh->ms.m[0].generation;
	node_settle(s, i);
	return rc;
}

/* What its operator wishes; its engine says so when it may. */
void
node_drain(struct sim *s, uint32_t i, bool on)
{
	struct sim_node *n = &s->node[i];

	if (n->mesh == NULL || n->out_at != 0 || s->now < n->paused_until)
		return;
	n->drains = on;
	n->drained = false;
	if (mesh_drain(n->mesh, node_clock(s, i), on) == 0)
		node_settle(s, i);
}

int
node_evict(struct sim *s, uint32_t by, uint32_t i)
{
	size_t had = s->node[by].disk.evicted_bytes;
	int rc = mesh_evict(s->node[by].mesh, node_clock(s, by), &s->node[i].id);

	if (rc < 0)
		return rc;
	s->node[i].out_at = s->now;
	node_settle(s, by);
	if (s->node[by].mesh != NULL || s->node[by].disk.evicted_bytes > had)
		return 0;
	s->node[i].out_at = 0; /* its disk tore: it died before anybody was told */
	return -ERR_QUORUM;
}

int
node_recover(struct sim *s, uint32_t by)
{
	struct mesh *m = s->node[by].mesh;
	struct mesh_lost lost[MESH_LOST_MAX];
	size_t count = 0;
	int rc;

	for (uint32_t i = 0; i < m->ms.count && count < MESH_LOST_MAX; i++)
		if (m->ms.m[i].roster != 0 && m->ms.m[i].state != MESH_ALIVE && !m->ms.m[i].evicted &&
		    m->ms.m[i].state != MESH_LEFT)
			lost[count++] = (struct mesh_lost){.id = m->ms.m[i].id};
	if ((rc = ca_recover(s, by, lost, count)) < 0)
		return rc;
	for (size_t k = 0; k < count; k++) {
		struct sim_node *n = &s->node[node_find(s, &lost[k].id)];

		n->out_at = s->now;
		n->given_up = true;
	}
	s->node[by].changed_at = s->now; /* an election that follows is no wonder */
	node_settle(s, by);
	return 0;
}
