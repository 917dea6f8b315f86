/*
 * holdoff.c - see holdoff.h.
 */
#include "holdoff.h"

#include "inner.h"

enum {
	LOST_TERMS = 1 << 16,
	LOST_TERMS_MORE = 1 << 22,
	UNIT_MS = 100, /* of a configured lease, as the features tell it */
};
_Static_assert(MESH_LEASE_MAX_MS / UNIT_MS < 1 << WIRE_LEASE_BITS, "each lease has its number");

uint32_t
holdoff_feature(msec lease_ms)
{
	return (uint32_t)((lease_ms + UNIT_MS - 1) / UNIT_MS) << WIRE_LEASE_SHIFT;
}

/* A roster near the size from which leases are longer may have been above it. */
static msec
profile_lease(const struct mesh *m, enum mesh_profile profile)
{
	return pace_ms(profile, m->roster.n.all > LEASE_BIG_ELECTORS / 2 ? LEASE_BIG_MS : LEASE_MS);
}

/* What may have been promised in an earlier life.  A disk written by a version
 * that did not keep it says 0: then what a leader of a later roster would ask. */
static msec
longest_promise(const struct mesh *m)
{
	msec lease = m->conf.lease_ms > 0 ? m->conf.lease_ms : profile_lease(m, m->conf.profile);

	return msec_min(lease > m->saved.promise_ms ? lease : m->saved.promise_ms, MESH_LEASE_MAX_MS);
}

/* Of who has not told what it asks for; of however many, when no roster is known. */
static msec
any_lease(const struct mesh *m)
{
	msec slowest = m->roster.n.all > 0 ? profile_lease(m, MESH_WAN) : pace_ms(MESH_WAN, LEASE_BIG_MS);

	return m->conf.lease_ms > slowest ? m->conf.lease_ms : slowest;
}

static msec
lease_of(const struct mesh *m, uint32_t i)
{
	const struct pair *p = members_pair(&m->ms, i);
	uint32_t profile, units;

	if (p == NULL || p->since == 0)
		return any_lease(m);
	profile = p->wire.features & WIRE_PROFILE_MASK;
	units = (p->wire.features & WIRE_LEASE_MASK) >> WIRE_LEASE_SHIFT;
	if (units > 0)
		return msec_min((msec)units * UNIT_MS, MESH_LEASE_MAX_MS);
	return profile < MESH_PROFILES ? profile_lease(m, (enum mesh_profile)profile) : any_lease(m);
}

/* Who was put out may lead still, and not know it; who left does not. */
static msec
longest_lease(const struct mesh *m)
{
	msec longest = elect_lease_ms(m); /* what others say of theirs, anybody may */

	if (m->roster.n.all == 0)
		return any_lease(m);
	for (uint32_t i = 1; i < m->ms.count; i++) {
		const struct member *x = &m->ms.m[i];

		if (x->roster != 0 && (x->state != MESH_LEFT || x->evicted) && lease_of(m, i) > longest)
			longest = lease_of(m, i);
	}
	return longest;
}

void
holdoff_init(struct mesh *m, msec now)
{
	/* A restart forgets its promise; one lease later nobody holds it. */
	m->elect.holdoff_until = now + (m->member ? longest_promise(m) : 0);
	m->elect.forgot_at = 0;
}

/*
 * A node whose disk was lost joins like a new one, but what it promised under the
 * same name lives for a lease, and its votes for ever.  Nobody but the candidate
 * knows whom it voted for, and of its own candidacies nobody at all; but they were
 * not many terms above the others'.  So it goes on far above them, and never
 * votes twice; a leader who hears of that term takes a ballot above it.
 */
void
elect_joined(struct mesh *m, msec now, uint64_t term)
{
	bool voted = term > 0 && term < INT64_MAX / 2;

	if (voted) {
		/* By chance: it may have done so before, and lost that too. */
		term += LOST_TERMS + prng_below(&m->numbers, LOST_TERMS_MORE);
		if (term > m->saved.term)
			elect_adopt_term(m, term);
	}
	elect_init(m, now);
	if (!voted)
		return;
	m->elect.forgot_at = now;
	m->roster.recall.had_vote = true;
	/* For a start that comes before it followed anybody. */
	if (m->saved.promise_ms < any_lease(m))
		m->saved.promise_ms = any_lease(m);
	m->must_save = true;
}

bool
holdoff_lasts(const struct mesh *m, msec now)
{
	const struct elect *e = &m->elect;

	if (now < e->holdoff_until)
		return true;
	return e->forgot_at != 0 && now - e->forgot_at < MESH_LEASE_MAX_MS &&
	    now - e->forgot_at < longest_lease(m);
}

/*
 * Just restarted, an old promise may be alive, and a leader that this echo makes the
 * full one could be one of two.  Not when it is the one that was promised; nor when
 * a full quorum elected it, or echoed it, in a term that is new to me: somebody in
 * that was free of whatever I promised.  In a term that I know there may be another
 * leader that I followed, though I voted for this one.
 */
bool
holdoff_outlived(const struct mesh *m, uint32_t from, const struct packet *p)
{
	if (id_eq(&m->saved.promised_to, &m->ms.m[from].id))
		return true;
	return p->term > m->saved.term && (p->flag != 0 || p->grade == MESH_GRADE_FULL);
}

void
holdoff_end(struct mesh *m, msec now)
{
	m->elect.holdoff_until = msec_min(m->elect.holdoff_until, now);
	m->elect.forgot_at = 0;
}
