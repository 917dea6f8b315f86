/*
 * forget.c - the dead who have no vote.
 *
 * A dead member stays in the table, and is called again and again, so that a cut of
 * days heals too.  Whoever has a vote stays for good: its death is what a quorum is
 * about, and only its leaving or eviction takes the vote away.  The others, who died
 * before a full side took them in, are forgotten after 72 h: not compared, not told,
 * not called any more, and the first to give their place to a newcomer when the table
 * is full.  If one lives after all, its first word brings it back.
 *
 * Two tables must forget one at the same time, or they would differ and be sent over
 * and over; or worse, each would learn of it from the other anew, for ever.  So a table
 * tells how long the dead have been so, in whole seconds and rounded up: of two
 * deaths the later counts, and who has forgotten takes it back only for one that is
 * younger than 72 h even so.
 */
#include "inner.h"

enum { RETAIN_MS = 72 * 3600 * 1000, CHECK_MS = 3600 * 1000, SECOND_MS = 1000 };

uint64_t
forget_age(msec now, msec since)
{
	return (uint64_t)((now - since + SECOND_MS - 1) / SECOND_MS);
}

bool
forget_too_old(const struct rumour *r)
{
	return r->state == MESH_FAILED && r->is_table && r->from >= RETAIN_MS / SECOND_MS;
}

/*
 * By that table i died so long ago.  Who just started dates nobody himself: all were
 * dead to him from his start on, and a grace that runs from the death (going.h) would
 * begin anew.  What rounding explains moves nothing, or two of them would talk each
 * other further back.
 */
void
forget_dates(struct mesh *m, msec now, uint32_t i, const struct rumour *r)
{
	struct member *x = &m->ms.m[i];
	msec died;

	if (r->state != MESH_FAILED || !r->is_table || forget_too_old(r) ||
	    x->state != MESH_FAILED || r->generation != x->generation)
		return;
	died = now - (msec)r->from * SECOND_MS; /* not before: that number is a stranger's */
	if (!x->forgotten && (x->heard != 0 || died >= x->since - SECOND_MS))
		return;
	x->since = died;
	members_forget(&m->ms, i, false);
	m->swim.forget_at = msec_min(m->swim.forget_at, x->since + RETAIN_MS);
}

void
forget_tick(struct mesh *m, msec now)
{
	if (now < m->swim.forget_at)
		return;
	m->swim.forget_at = now + CHECK_MS;
	for (uint32_t i = 1; i < m->ms.count; i++) {
		const struct member *x = &m->ms.m[i];
		bool old = x->state == MESH_FAILED && now - x->since >= RETAIN_MS;

		if (x->state != MESH_FAILED)
			continue;
		if (old && x->roster == 0 && !x->forgotten)
			trace(m, now, "forgotten", i, 0);
		members_forget(&m->ms, i, old && x->roster == 0);
		if (!old)
			m->swim.forget_at = msec_min(m->swim.forget_at, x->since + RETAIN_MS);
	}
}
