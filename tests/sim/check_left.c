/*
 * check_left.c - who leaves is needed by nobody any more.
 *
 *	left-in-force	a roster without it is stored by a quorum of those it names
 */
#include "sim.h"

/* Who had no vote, and whoever goes at once, has none to wait for. */
void
check_left(struct sim *s, uint32_t i)
{
	const struct mesh *m = s->node[i].mesh;
	const struct roster *ro = &m->roster;
	struct tally n = {0}, t = {0};

	if (!m->saved.leaving || m->left || m->ms.m[0].roster == 0)
		return;
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
