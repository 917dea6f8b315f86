/*
 * claim.c - how far a member's word counts: of terms, of stamps, of rosters.
 *
 * Whoever applied a schedule refuses each older one for ever, on disk; whoever heard of
 * a term grants none below it.  So a number that nobody reached would end the scheduling
 * of a mesh, also after its liar is evicted.  Hence:
 *
 *   - a leader announces stamps of its own, of its ballot at most: whoever follows it
 *     adopts that ballot, so nothing that is applied is above the term on that disk;
 *   - no term, stamp or roster is believed that is further above the terms known here
 *     than all elections that could have been missed (TERM_JUMP_MAX).
 *
 * What is left is a lie within these bounds.  A leader that hears of a stamp or a term
 * not below its own issues nothing before it has climbed above.  For a member that was
 * on another side that happens once: the new ballot is above all that it knew.  One that
 * says it again and again is believed at longer and longer intervals, from one lease to
 * eight, so that the leader issues nine tenths of the time whatever it says; unbelieved,
 * a member that is right refuses what is issued meanwhile, as older than what it has.
 */
#include "claim.h"

#include "inner.h"
#include "look.h"

enum {
	AGAIN_MS = 60000, /* quiet for so long: all is forgotten */
	DOUBLINGS = 4,	  /* of the interval, a lease at first */
};

/* A newcomer knows no term, and the first one it hears may be any: each disk that was
 * lost moves it by millions (elect_joined). */
static bool
far_above(const struct mesh *m, uint64_t term)
{
	return saved_beyond(&m->saved, &(struct stamp){.term = term});
}

/* Can't be true, whatever was missed here. */
static bool
impossible(const struct mesh *m, uint32_t from, const struct packet *p)
{
	const struct stamp *s = &p->head.stamp;

	if (p->kind == PACKET_BEAT && s->term != 0 &&
	    (s->term > p->term || !id_eq(&s->leader, &m->ms.m[from].id)))
		return true;
	return far_above(m, s->term) || far_above(m, p->roster.term);
}

int
claim_check(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	const struct roster *ro = &m->roster;
	struct member_vote *v = &m->ms.votes[from];

	if (far_above(m, p->term) ||
	    (p->roster.version > ro->seen_version &&
		p->roster.version - ro->seen_version > TERM_JUMP_MAX))
		return -ERR_RANGE;
	if (!impossible(m, from, p))
		return 0;
	if (v->forged == 0 || now - v->forged >= AGAIN_MS) {
		v->forged = now;
		trace(m, now, "claims the impossible", from, 0);
	}
	return -ERR_CLAIM;
}

static bool
believed(struct mesh *m, msec now, uint32_t from)
{
	struct member_vote *v = &m->ms.votes[from];
	uint32_t doublings = v->climbs > DOUBLINGS ? DOUBLINGS : v->climbs;

	/* One lease after the first, two after the second, ... */
	if (v->climbs > 0 && now - v->climbed < elect_lease_ms(m) << doublings >> 1)
		return false;
	if (now - v->climbed >= AGAIN_MS)
		v->climbs = 0;
	v->climbed = now;
	if (v->climbs < UINT8_MAX)
		v->climbs++;
	if (v->climbs == MESH_CLIMBS_MANY)
		trace(m, now, "climbs again and again", from, 0);
	return true;
}

void
claim_above(struct mesh *m, msec now, uint32_t from, uint64_t term)
{
	struct elect *e = &m->elect;

	/* In steps that those who are to vote can follow. */
	if (term > m->saved.term + TERM_JUMP_MAX / 2)
		term = m->saved.term + TERM_JUMP_MAX / 2;
	if (e->role == MESH_LEADER && term > e->ballot_term && term > e->wish_term &&
	    believed(m, now, from))
		e->wish_term = term;
}

void
claim_stamp(struct mesh *m, msec now, uint32_t from, const struct stamp *s)
{
	const struct elect *e = &m->elect;
	struct stamp mine = {.term = e->ballot_term, .leader = m->ms.m[0].id, .seq = e->seq};

	/* Heard before this node knew better. */
	if (far_above(m, s->term) || m->ms.m[from].evicted)
		return;
	if (stamp_cmp(s, &mine) > 0)
		claim_above(m, now, from, s->term + 1);
}

void
mesh_claims(const struct mesh *m, msec now, uint32_t index, struct mesh_claims *out)
{
	const struct member_vote *v;

	*out = (struct mesh_claims){0};
	if (index >= m->ms.count)
		return;
	v = &m->ms.votes[m->ms.order[index]];
	out->impossible = v->forged != 0 && now - v->forged < AGAIN_MS;
	out->climbs = now - v->climbed < AGAIN_MS ? v->climbs : 0;
}
