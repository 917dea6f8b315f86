/*
 * check.c - what must hold after every event, by name.  Each compares what a
 * machine does with everything it ever did, not with what its disk remembers.
 *
 *	applied-of-a-known-term	whoever follows a leader has adopted its term
 *	gives-way-keeps-its-own	who gave way to another leader applies nothing of a term
 *				that one of the two had
 *	terms-climb-slowly	one who leads is not driven from term to term
 *
 * The rest says what it is.
 */
#include "../../gossip/holdoff.h"
#include "sim.h"

#include <stdlib.h>

enum { QUIET = 30 * SECOND, CLIMB_EACH = SECOND, CLIMBS_MAX = 12 };

void
check_break(struct sim *s, const char *name, uint32_t i, uint64_t a, uint64_t b)
{
	if (s->broken != NULL)
		return;
	s->broken = name;
	snprintf(s->detail, sizeof s->detail, "node n%u at %.6f s (%llu, %llu)", i,
	    (double)s->now / 1e6, (unsigned long long)a, (unsigned long long)b);
}

static bool
enough(uint32_t part, uint32_t all, unsigned tie)
{
	return 2 * part > all || (2 * part == all && tie != 0);
}

/* Did the owner of that id store it, who may live on in the place of another node,
 * or have given its own place to a copy? */
static bool
has_stored(const struct sim *s, const struct node_id *id, const struct roster_id *which)
{
	uint32_t own = node_find(s, id);

	if (own != UINT32_MAX && !s->node[own].copied)
		return roster_cmp(&s->node[own].done_roster, which) >= 0;
	for (uint32_t j = 0; j < s->conf.nodes; j++) {
		const struct sim_node *n = &s->node[j];

		if ((id_eq(&n->id, id) && roster_cmp(&n->done_roster, which) >= 0) ||
		    (id_eq(&n->was, id) && roster_cmp(&n->was_roster, which) >= 0))
			return true;
	}
	return false;
}

/*
 * A leader that goes on from a roster of its own term has it stored by a quorum
 * of the old set when it makes a joint one, of the new set when it leaves that.
 */
static void
check_roster_step(struct sim *s, uint32_t i)
{
	const struct mesh *m = s->node[i].mesh;
	const struct roster_id *was = &s->node[i].done_roster;
	struct tally t = {0};

	if (m->elect.role != MESH_LEADER || roster_cmp(was, &m->roster.id) == 0 ||
	    was->term != m->roster.id.term || was->term != m->elect.ballot_term)
		return;
	for (uint32_t k = 0; k < m->ms.count; k++) {
		if (k == 0 || has_stored(s, &m->ms.m[k].id, was))
			tally_add(&t, &m->ms.m[k]);
	}
	if (m->roster.joint ? !enough(t.old, m->roster.n.old, t.tie & MEMBER_OLD) :
			      !enough(t.new, m->roster.n.new, t.tie & MEMBER_NEW))
		check_break(s, "roster-built-on-stored", i, was->version, m->roster.id.version);
}

/* Whoever follows a leader has adopted its term.  And who gave way to one keeps what it
 * has until there is a schedule of a term above both: the other's was made without it. */
static void
check_applied(struct sim *s, uint32_t i, const struct mesh_saved *f)
{
	const struct sim_node *n = &s->node[i];

	if (f->applied.term > f->term && !n->office.liar)
		check_break(s, "applied-of-a-known-term", i, f->term, f->applied.term);
	if (stamp_cmp(&f->applied, &n->done.applied) > 0 && n->office.gave_at != 0 &&
	    s->now - n->office.gave_at < net_pace(s, SECOND) && f->applied.term <= n->office.gave_above)
		check_break(s, "gives-way-keeps-its-own", i, n->office.gave_above, f->applied.term);
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
	check_applied(s, i, f);
	if (n->done_roster.version > 0 && roster_cmp(&m->roster.id, &n->done_roster) < 0)
		check_break(s, "roster-never-lost", i, n->done_roster.version,
		    m->roster.id.version);
	if (m->roster.id.version > 0 && m->roster.n.all == 0)
		check_break(s, "roster-never-lost", i, m->roster.id.version, 0);
	check_roster_step(s, i);
	check_roster(s, i);
	check_out(s, i, f);
	if (f->left && !s->node[i].disk.left)
		check_left(s, i);
	/* A vote once given stays given, though a later save may not repeat it. */
	if (f->term > n->done.term || !id_eq(&f->voted_for, &nobody))
		n->done.voted_for = f->voted_for;
	n->done.term = f->term;
	n->done.generation = f->generation;
	n->done.applied = f->applied;
	n->done.leaving = f->leaving;
	n->done_roster = m->roster.id;
}

/* How long nobody started or stopped. */
static usec
quiet_for(const struct sim *s)
{
	usec last = 0;

	for (uint32_t i = 0; i < s->conf.nodes; i++)
		last = s->node[i].changed_at > last ? s->node[i].changed_at : last;
	return s->now - last;
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
	if (s->leader_of_term[term] == 0) {
		s->elections++;
		if (net_calm(s, s->still_since, QUIET) && quiet_for(s) >= QUIET)
			check_break(s, "no-election-in-peace", i, term, 0);
	}
	if (s->leader_of_term[term] != 0 && s->leader_of_term[term] != i + 1 &&
	    term > s->harm.lost_terms)
		check_break(s, "one-leader-per-term", i, term, s->leader_of_term[term] - 1u);
	s->leader_of_term[term] = (uint16_t)(i + 1);
}

static bool
full_lease(const struct sim *s, uint32_t i)
{
	const struct mesh *m = s->node[i].mesh;

	return m != NULL && m->elect.role == MESH_LEADER &&
	    lead_grade(m, node_clock(s, i)) == MESH_GRADE_FULL;
}

/* Node j is promised to i, holds off, or is down and so grants nothing. */
static bool
bound_to(const struct sim *s, uint32_t j, uint32_t i)
{
	const struct mesh *m = s->node[j].mesh;
	msec now = node_clock(s, j);

	return m == NULL || !m->member || m->left || holdoff_lasts(m, now) ||
	    (m->elect.promised != MEMBER_NONE && now < m->elect.promise_until &&
		id_eq(&m->ms.m[m->elect.promised].id, &s->node[i].id));
}

/* An elector that is there twice gave its word in one of the two places. */
static bool
elector_bound(const struct sim *s, uint32_t j, uint32_t i)
{
	if (j == UINT32_MAX || bound_to(s, j, i))
		return true;
	for (uint32_t k = 0; s->node[j].copied && k < s->conf.nodes; k++)
		if (k != j && s->node[k].copied && id_eq(&s->node[k].id, &s->node[j].id) &&
		    bound_to(s, k, i))
			return true;
	return false;
}

/*
 * What a full lease is made of: a quorum of electors each of whom, by its own
 * clock, is promised to this leader, holds off after a restart, or is down and
 * so grants nothing.  Electors stay promised longer than the leader believes.
 * While the roster changes a rival needs both sets, so one holds him off.
 */
static bool
backed(const struct sim *s, uint32_t i)
{
	const struct mesh *m = s->node[i].mesh;
	struct tally t = {0};

	for (uint32_t k = 0; k < m->ms.count; k++) {
		const struct member *x = &m->ms.m[k];

		if (x->roster != 0 && (k == 0 || elector_bound(s, node_find(s, &x->id), i)))
			tally_add(&t, x);
	}
	return enough(t.old, m->roster.n.old, t.tie & MEMBER_OLD) ||
	    enough(t.new, m->roster.n.new, t.tie & MEMBER_NEW);
}

/* One who leads is not driven from term to term: a few at once, and then one in a while. */
static void
check_climbs(struct sim *s, uint32_t i)
{
	struct sim_node *n = &s->node[i];
	struct sim_office *o = &n->office;
	const struct elect *e = &n->mesh->elect;
	uint32_t over = (uint32_t)((s->now - o->climbs_at) / net_pace(s, CLIMB_EACH));
	bool forced = e->role == MESH_LEADER && n->leads && e->ballot_term != o->ballot;

	o->ballot = e->ballot_term;
	if (!forced)
		return;
	o->climbs = o->climbs > over ? o->climbs - over : 0;
	o->climbs_at = s->now;
	if (++o->climbs > CLIMBS_MAX)
		check_break(s, "terms-climb-slowly", i, e->ballot_term, o->climbs);
}

void
check_node(struct sim *s, uint32_t i)
{
	struct sim_node *n = &s->node[i];
	const struct mesh *m = n->mesh;

	check_stable(s);
	check_went(s, i);
	check_made(s, i);
	check_climbs(s, i);
	n->leads = m->elect.role == MESH_LEADER;
	if (!n->leads)
		return;
	if (s->conf.quorum == MESH_QUORUM_MAJORITY && m->elect.ballot_term < 10000000)
		check_leader_of_term(s, i, m->elect.ballot_term);
	if (!full_lease(s, i))
		return;
	if (s->conf.quorum == MESH_QUORUM_MAJORITY && s->conf.nodes <= WATCH_MAX && !backed(s, i))
		check_break(s, "lease-backed-by-promises", i, m->elect.ballot_term, 0);
	for (uint32_t j = 0; j < s->conf.nodes && !s->apart; j++)
		if (j != i && s->node[j].leads && full_lease(s, j))
			check_break(s, "one-full-lease", i, j, m->elect.ballot_term);
}

/* Who hears that it is called dead says at once that it is not; but not when that is said of
 * a later word than it knows that it said: its disk was lost, and it said that in a life of
 * this number.  Such an accusation proves nothing: it goes on in another life when it is
 * shown its own record, and till then no two tables are equal. */
void
check_refuted(struct sim *s, uint32_t i)
{
	const struct mesh *m = s->node[i].mesh;
	bool forgot = m->ms.m[0].generation <= s->node[i].harm.forgot &&
	    plant_accused() > (int64_t)m->ms.m[0].incarnation;

	if (plant_accused() >= (int64_t)m->ms.m[0].incarnation && !m->left && !forgot)
		check_break(s, "accused-refutes", i, (uint64_t)plant_accused(),
		    m->ms.m[0].incarnation);
}

/* A stamp is issued once in the life of the world. */
void
check_issue(struct sim *s, uint32_t i, const struct stamp *stamp)
{
	struct sim_node *n = &s->node[i];

	if (stamp_cmp(stamp, &n->issued) <= 0 && stamp->term > s->harm.lost_terms)
		check_break(s, "stamp-issued-once", i, stamp->term, stamp->seq);
	n->issued = *stamp;
	if (lead_grade(n->mesh, node_clock(s, i)) == MESH_GRADE_NONE ||
	    (lead_grade(n->mesh, node_clock(s, i)) == MESH_GRADE_FULL &&
		s->conf.quorum == MESH_QUORUM_MAJORITY && !backed(s, i)))
		check_break(s, "issued-under-lease", i, stamp->term, stamp->seq);
}
