/*
 * newcomers.c - who asks to be let in while faults are under way, where the mesh has a
 * CA: two by a token for many, two by one for one of them, one by a token that is too
 * old; and forgers.  Those of whom somebody must stay out do not count as members, and
 * are gone before peace is asked for.
 */
#include "sim.h"

enum { COMING = 40 * SECOND, PATH_US = 20000 };
enum { MANY, ONE = 1, OLD = 2 }; /* tokens by number */

void
newcomers_come(struct sim *s)
{
	static const uint8_t tokens[CA_LATE] = {MANY, ONE, ONE, OLD, MANY};
	uint32_t n = s->conf.nodes;
	usec both = (usec)prng_below(&s->fate, COMING); /* at once: who of them is first? */

	for (uint32_t k = 0; k < CA_LATE; k++) {
		uint32_t i = n - CA_LATE + k;
		struct sim_node *x = &s->node[i];

		if (tokens[k] == MANY)
			ca_member(s, i);
		else
			ca_certify(s, i, tokens[k], tokens[k] == ONE ? 1 : n,
			    tokens[k] == OLD ? CA_WALL_S - 60 : CA_WALL_S + 3600);
		x->stranger = tokens[k] != MANY;
		x->out_at = x->stranger;
		x->restart_at = x->wake_at = s->now + PATH_US +
		    (tokens[k] == ONE ? both : (usec)prng_below(&s->fate, COMING));
		sim_push(s, (struct sim_event){.at = x->restart_at, .node = i});
	}
}

void
newcomers_knock(struct sim *s)
{
	uint32_t i = (uint32_t)prng_below(&s->fate, s->conf.nodes);
	enum forgery kind = (enum forgery)prng_below(&s->fate, FORGERIES);
	const struct sim_node *n = &s->node[i];
	struct node_id id;

	/* Who knows no roster can't tell who came in time; nobody has a vote by its word. */
	if (kind == FORGED_EXPIRED && n->mesh != NULL && n->mesh->roster.n.all == 0)
		return;
	if (n->mesh == NULL || !n->mesh->member || n->mesh->left || s->now < n->paused_until)
		return;
	forger_knocks(s, i, kind, &id);
	node_settle(s, i);
}

void
newcomers_go(struct sim *s)
{
	for (uint32_t i = 0; i < s->conf.nodes; i++) {
		struct sim_node *x = &s->node[i];

		if (!x->stranger)
			continue;
		node_crash(s, i, INT64_MAX);
		x->restart_at = x->wake_at = INT64_MAX;
	}
}
