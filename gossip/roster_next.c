/*
 * roster_next.c - the roster after the one held, without fetching it.
 *
 *	held                    what the beat names may be
 *	any                     the same entries under a later id: a leader's first stamp
 *	joint                   its new set alone: the change is concluded
 *
 * Of the three steps of a change two are no news to who holds the one before, and in a
 * mesh of thousands each is a hundred kilobytes to each node from one leader.  The hash
 * in the beat says whether it is so: it is over every entry, and the leader's own word.
 * Who does not hold the step before, or would be left out by the next, fetches.
 */
#include "inner.h"

/* x as it votes when the change is concluded. */
static uint8_t
concluded(const struct member *x, struct ballot_weight *w)
{
	w->old = w->new = x->weight.new;
	w->tie = (x->weight.tie & MEMBER_NEW) != 0 ? MEMBER_VOTES : 0;
	return (x->roster & MEMBER_NEW) != 0 ? MEMBER_VOTES : 0;
}

void
roster_conclude(struct mesh *m)
{
	for (uint32_t i = 0; i < m->ms.count; i++) {
		struct member *x = &m->ms.m[i];

		x->roster = concluded(x, &x->weight);
	}
}

static uint64_t
concluded_hash(const struct mesh *m)
{
	uint64_t hash = 0;

	for (uint32_t i = 0; i < m->ms.count; i++) {
		const struct member *x = &m->ms.m[i];
		struct ballot_weight w;
		uint8_t roster = concluded(x, &w);

		if (roster != 0)
			hash ^= roster_entry_hash(x->short_id, w,
			    (uint8_t)(roster | w.tie << ROSTER_TIE_SHIFT));
	}
	return hash;
}

bool
roster_next(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	const struct roster *ro = &m->roster;

	if (m->elect.role == MESH_LEADER || m->elect.leader != from || ro->n.all == 0 ||
	    leave_holds(m, &p->roster))
		return false;
	if (p->hash != ro->hash) {
		if (!ro->joint || (m->ms.m[0].roster & MEMBER_NEW) == 0 || concluded_hash(m) != p->hash)
			return false;
		roster_conclude(m);
	}
	roster_taken(m, now, &p->roster);
	return true;
}
