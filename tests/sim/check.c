/*
 * check.c - what must hold after every event, by name.  Each compares what a
 * machine does with everything it ever did, not with what its disk remembers.
 */
#include "sim.h"

#include <stdlib.h>

void
check_break(struct sim *s, const char *name, uint32_t i, uint64_t a, uint64_t b)
{
	if (s->broken != NULL)
		return;
	s->broken = name;
	snprintf(s->detail, sizeof s->detail, "node n%u at %.6f s (%llu, %llu)", i,
	    (double)s->now / 1e6, (unsigned long long)a, (unsigned long long)b);
}

/* Facts on their way to disk: what the packets behind them will claim. */
void
check_saved(struct sim *s, uint32_t i, const struct mesh_saved *f)
{
	static const struct node_id nobody;
	struct sim_node *n = &s->node[i];
	const struct mesh *m = n->mesh;

	if (f->term < n->done.term)
		check_break(s, "term-monotonic", i, n->done.term, f->term);
	if (f->term == n->done.term && !id_eq(&n->done.voted_for, &nobody) &&
	    !id_eq(&f->voted_for, &nobody) && !id_eq(&f->voted_for, &n->done.voted_for))
		check_break(s, "one-vote-per-term", i, f->term, 0);
	if (stamp_cmp(&f->applied, &n->done.applied) < 0)
		check_break(s, "applied-monotonic", i, n->done.applied.term, f->applied.term);
	if (n->done_roster.version > 0 && roster_cmp(&m->roster.id, &n->done_roster) < 0)
		check_break(s, "roster-never-lost", i, n->done_roster.version,
		    m->roster.id.version);
	if (m->roster.id.version > 0 && m->roster.n.all == 0)
		check_break(s, "roster-never-lost", i, m->roster.id.version, 0);
	/* A vote once given stays given, though a later save may not repeat it. */
	if (f->term > n->done.term || !id_eq(&f->voted_for, &nobody))
		n->done.voted_for = f->voted_for;
	n->done.term = f->term;
	n->done.generation = f->generation;
	n->done.applied = f->applied;
	n->done_roster = m->roster.id;
}

/* A stamp is issued once in the life of the world. */
void
check_issue(struct sim *s, uint32_t i, const struct stamp *stamp)
{
	struct sim_node *n = &s->node[i];

	if (stamp_cmp(stamp, &n->issued) <= 0)
		check_break(s, "stamp-issued-once", i, stamp->term, stamp->seq);
	n->issued = *stamp;
}

static void
check_leader_of_term(struct sim *s, uint32_t i, uint64_t term)
{
	if (term >= s->terms_cap) {
		uint64_t cap = 2 * term + 64;

		s->leader_of_term = realloc(s->leader_of_term, cap * sizeof *s->leader_of_term);
		if (s->leader_of_term == NULL)
			abort();
		memset(s->leader_of_term + s->terms_cap, 0,
		    (cap - s->terms_cap) * sizeof *s->leader_of_term);
		s->terms_cap = cap;
	}
	if (s->leader_of_term[term] == 0)
		s->elections++;
	if (s->leader_of_term[term] != 0 && s->leader_of_term[term] != i + 1)
		check_break(s, "one-leader-per-term", i, term, s->leader_of_term[term] - 1u);
	s->leader_of_term[term] = (uint16_t)(i + 1);
}

static bool
full_lease(const struct sim *s, uint32_t i)
{
	const struct mesh *m = s->node[i].mesh;

	return m != NULL && m->elect.role == MESH_LEADER &&
	    lead_grade(m, sim_clock(s, i)) == MESH_GRADE_FULL;
}

void
check_node(struct sim *s, uint32_t i)
{
	struct sim_node *n = &s->node[i];
	const struct mesh *m = n->mesh;

	n->leads = m->elect.role == MESH_LEADER;
	if (!n->leads)
		return;
	if (s->conf.quorum == MESH_QUORUM_MAJORITY && m->elect.ballot_term < 10000000)
		check_leader_of_term(s, i, m->elect.ballot_term);
	if (!full_lease(s, i))
		return;
	for (uint32_t j = 0; j < s->conf.nodes; j++)
		if (j != i && s->node[j].leads && full_lease(s, j))
			check_break(s, "one-full-lease", i, j, m->elect.ballot_term);
}
