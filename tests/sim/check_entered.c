/*
 * check_entered.c - who is a member has a right to it, where the mesh has a CA.
 *
 *	entered-by-a-right	each in a table has a certificate of the CA's, by a token
 *				that was good when it first was in anybody's
 *	votes-within-a-token	no roster has more who came by one token than it lets in
 */
#include "sim.h"

enum { CLOCKS_S = 5 }; /* they run a little wrong */

void
check_entered(struct sim *s, uint32_t i)
{
	const struct members *ms = &s->node[i].mesh->ms;
	uint64_t wall_s = CA_WALL_S + (uint64_t)(s->now / SECOND);

	for (uint32_t k = 1; s->conf.ca && k < ms->count; k++) {
		uint32_t j = node_find(s, &ms->m[k].id);
		struct sim_right *r = j == UINT32_MAX ? NULL : &s->node[j].right;

		if (r == NULL)
			check_break(s, "entered-by-a-right", i, k, ms->m[k].generation);
		else if (!r->entered && r->expiry_s + CLOCKS_S < wall_s)
			check_break(s, "entered-by-a-right", i, j, r->expiry_s);
		else
			r->entered = true;
	}
}

void
check_token(struct sim *s, uint32_t i)
{
	const struct members *ms = &s->node[i].mesh->ms;

	for (uint32_t k = 0; s->conf.ca && k < ms->count; k++) {
		uint32_t j = node_find(s, &ms->m[k].id), n = 0;

		for (uint32_t l = 0; ms->m[k].roster != 0 && j != UINT32_MAX && l < ms->count; l++) {
			uint32_t o = node_find(s, &ms->m[l].id);

			n += o != UINT32_MAX && ms->m[l].roster != 0 &&
			    s->node[o].right.token == s->node[j].right.token;
		}
		if (n > 0 && n > s->node[j].right.uses)
			check_break(s, "votes-within-a-token", i, s->node[j].right.token, n);
	}
}
