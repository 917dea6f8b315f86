/*
 * check_left.c - who leaves is needed by nobody any more.
 *
 *	left-in-force	a roster without it is stored by a quorum of those it names
 *	left-uncounted	... and who leads counts on no vote that it does not know of
 *	left-stays-out	in no later life it is a member, unless an operator said so
 *	leaving-lasts	what it said that it wants it wants after a start too
 */
#include "sim.h"

/* It has no vote, as far as it knows: of who leads it must know that. */
static void
uncounted(struct sim *s, uint32_t i)
{
	for (uint32_t j = 0; j < s->conf.nodes; j++) {
		const struct mesh *m = s->node[j].mesh;
		uint32_t x;

		if (j == i || m == NULL || m->elect.role != MESH_LEADER ||
		    lead_grade(m, node_clock(s, j)) != MESH_GRADE_FULL)
			continue;
		x = members_find_id(&m->ms, &s->node[i].id);
		if (x != MEMBER_NONE && m->ms.m[x].roster != 0)
			check_break(s, "left-uncounted", i, j, m->roster.id.version);
	}
}

/* Whoever goes at once has nothing to wait for. */
void
check_left(struct sim *s, uint32_t i)
{
	const struct mesh *m = s->node[i].mesh;
	const struct roster *ro = &m->roster;
	struct tally n = {0}, t = {0};

	s->node[i].went = s->node[i].lives;
	if (!m->saved.leaving || m->left)
		return;
	if (m->ms.m[0].roster == 0) {
		uncounted(s, i);
		return;
	}
	for (uint32_t k = 0; k < ro->fetch_entries; k++) {
		const uint8_t *e = ro->fetch_bytes + (size_t)k * ROSTER_ENTRY_BYTES;
		struct member x = {.roster = 0};
		struct node_id id;
		uint32_t j;

		memcpy(id.b, e, ID_BYTES);
		roster_vote(&x, e[ID_BYTES], e[ID_BYTES + 1], e[ID_BYTES + 2]);
		tally_add(&n, &x);
		j = node_find(s, &id);
		/* Later ones were made of it: who has the one before can not any more. */
		if (j == i)
			check_break(s, "left-in-force", i, j, ro->fetch.version);
		else if (j != UINT32_MAX && roster_cmp(&s->node[j].done_roster, &m->leave.without) >= 0)
			tally_add(&t, &x);
	}
	if (!quorum_of(&n, &t))
		check_break(s, "left-in-force", i, m->leave.without.version, t.new);
}

void
check_went(struct sim *s, uint32_t i)
{
	const struct sim_node *n = &s->node[i];

	/* What its disk forgot, or had from before, is no wish of its operator's. */
	if (s->faults_done[FAULT_rollback] + s->faults_done[FAULT_rot] + s->faults_done[FAULT_reborn] > 0)
		return;
	if (n->went != 0 && n->lives > n->went && n->mesh->member && !n->mesh->left)
		check_break(s, "left-stays-out", i, n->went, n->lives);
	if (n->done.leaving && n->went == 0 && !n->copied && n->mesh->member && !n->mesh->left &&
	    !n->mesh->saved.leaving)
		check_break(s, "leaving-lasts", i, n->lives, 0);
}
