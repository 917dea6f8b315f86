/*
 * cut.c - the doubts that a cut leaves behind.
 *
 * While a cut is noticed each side suspects hundreds of the other.  When it ends then, each
 * of them would outbid that, as SWIM has it: a new record of everybody for everybody, which
 * a thousand tell each other for ten seconds, and whole tables where tables differ.  But it
 * was the way that was ill, and not they.  So while that many are doubted, and CUT_MS after:
 *
 *	who is doubted		is not told so, but asked, and its answer says enough
 *	of one side		the other is told no doubts, and believes none from there
 *	who rose, or spoke	is not doubted again by what was said before
 *	a probe under way	that began before one of them spoke again accuses nobody
 *	the last few		are asked again and again
 *
 * And a table makes nobody doubt (rumour.c), and that they live is told without their
 * records, which all have (cargo.c).
 * Who is doubted yet when that time is over hears it, and refutes, as ever.  And where most
 * hear a few alone it is no cut: there who is doubted lives by what others carry for it.
 */
#include "inner.h"

enum {
	CUT_LEAST = 8,	 /* doubted at once, ... */
	CUT_PART = 3,	 /* ... and with the dead more than one in so many of all */
	CUT_MS = 10000,
	HEARD_MS = 5000, /* so old at most is what is believed before a doubt */
	LAST_FEW = 16,
	ASK_MS = 500,
};

bool
cut_lately(struct mesh *m, msec now)
{
	uint32_t doubted = m->ms.by_state[MESH_SUSPECT];
	uint32_t lost = doubted + m->ms.by_state[MESH_FAILED] - m->ms.forgotten;

	if (doubted >= CUT_LEAST && CUT_PART * lost > m->ms.count) {
		m->swim.cut_until = now + pace(m, CUT_MS);
		m->swim.cut_at = msec_min(m->swim.cut_at, now + pace(m, ASK_MS));
	}
	return now < m->swim.cut_until && !relay_far(m);
}

bool
cut_across(struct mesh *m, msec now, uint32_t i)
{
	const struct member_doubt *d;

	if (i == MEMBER_NONE || !cut_lately(m, now))
		return false;
	d = &m->ms.doubts[i];
	return m->ms.m[i].state == MESH_SUSPECT ||
	    (d->rose != 0 && now - d->rose < pace(m, CUT_MS));
}

bool
cut_old_doubt(struct mesh *m, msec now, uint32_t i, const struct rumour *r)
{
	const struct member *x = &m->ms.m[i];

	if (r->state != MESH_SUSPECT || x->state != MESH_ALIVE || r->generation != x->generation ||
	    r->incarnation != x->incarnation)
		return false;
	return cut_across(m, now, r->by) || cut_across(m, now, i) ||
	    (x->heard != 0 && now - x->heard < pace(m, HEARD_MS) && cut_lately(m, now));
}

bool
cut_ended(struct mesh *m, msec now, msec since)
{
	return m->swim.cut_rose > since && cut_lately(m, now);
}

/* Doubted, or given up when the cut was noticed. */
static bool
is_asked(const struct mesh *m, msec now, uint32_t i)
{
	const struct member *x = &m->ms.m[i];

	return x->state == MESH_SUSPECT || (x->state == MESH_FAILED && x->proven && x->heard != 0 &&
	    now - x->since < pace(m, CUT_MS));
}

void
cut_tick(struct mesh *m, msec now)
{
	uint16_t asked[LAST_FEW];
	uint32_t n = 0;

	if (now < m->swim.cut_at)
		return;
	m->swim.cut_at = MSEC_NEVER;
	if (!cut_lately(m, now))
		return;
	m->swim.cut_at = now + pace(m, ASK_MS);
	if (m->ms.by_state[MESH_SUSPECT] > LAST_FEW)
		return;
	for (uint32_t i = 1; i < m->ms.count; i++) {
		if (!is_asked(m, now, i))
			continue;
		if (n == LAST_FEW)
			return;
		asked[n++] = (uint16_t)i;
	}
	for (uint32_t k = 0; k < n; k++)
		swim_call(m, asked[k]);
}
