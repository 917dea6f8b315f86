/*
 * flap.c - who is called dead, or suspected, again and again, and lives: unstable.  A
 * member still, but it gets no new work, leads only where nobody else comes forward,
 * and vouches for nobody, until it was quiet for a minute; longer each time.  Else a
 * node that hears nobody every other 20 s would get its work and lose it for ever.
 *
 *	alive --death that was none, the second in ten minutes-----------> unstable
 *	alive --suspicions taken back, three in a minute, and an outlier--> unstable
 *	unstable --any of both--> unstable, the quiet begins anew
 *	unstable --quiet for 1, 2, 4 .. 64 minutes--> alive
 *
 * When a third of all rise it was a cut, and nobody's illness.  And where many packets
 * are lost everybody is suspected: that is the network's illness.  So who is suspected
 * must stand out, by four times what the others have on average in the same minute and
 * two more (mesh-sim shaky, lossy, burst).
 *
 * Every node judges by what it hears; who leads decides by its own judgement.
 */
#include "inner.h"

enum {
	FLAP_WINDOW_MS = 600000, /* deaths further apart are not one illness */
	FLAPS = 2,
	QUIET_MS = 60000, /* doubled with each further one */
	QUIET_DOUBLINGS = 6,
	SHAKE_WINDOW_MS = 60000,
	SHAKES = 3,
	SHAKES_OUT = 4, /* times the others' mean */
	SHAKES_CHANCE = 2,
};

/* at_least: what this one counts for. */
static void
flap(struct mesh *m, msec now, uint32_t i, uint32_t at_least)
{
	struct member_doubt *x = &m->ms.doubts[i];
	uint32_t doublings;

	x->flaps = x->flapped != 0 && now - x->flapped < FLAP_WINDOW_MS ? x->flaps + 1 : 1;
	if (x->flaps < at_least)
		x->flaps = at_least;
	x->flapped = now;
	if (x->flaps < FLAPS)
		return;
	doublings = x->flaps - FLAPS < QUIET_DOUBLINGS ? x->flaps - FLAPS : QUIET_DOUBLINGS;
	x->unstable_until = now + ((msec)QUIET_MS << doublings);
	m->swim.quiet_at = msec_min(m->swim.quiet_at, x->unstable_until);
	m->ms.changes++;
	trace(m, now, "unstable", i, x->flaps);
}

void
flap_rose(struct mesh *m, msec now, uint32_t i)
{
	m->ms.doubts[i].rose = now;
	if (3 * (m->ms.by_state[MESH_FAILED] + 1) > m->ms.count)
		return;
	flap(m, now, i, 1);
}

/* All count in the same minutes, so that they can be compared. */
static bool
stands_out(const struct mesh *m, uint32_t i)
{
	uint64_t own = m->ms.doubts[i].shakes, others = m->swim.shakes - own;
	uint32_t count = mesh_up(m) > 2 ? mesh_up(m) - 1 : 1;

	return own >= SHAKES && (own - SHAKES_CHANCE) * count > SHAKES_OUT * others;
}

/* One alone who accuses it again and again may be the ill one. */
static bool
by_another(struct member_doubt *x)
{
	uint64_t alone = x->accusers_count == 1 ? x->accusers[0] : 0;

	if (alone != 0 && alone == x->shaker)
		return false;
	x->shaker = alone;
	return true;
}

void
flap_shaken(struct mesh *m, msec now, uint32_t i)
{
	struct member_doubt *x = &m->ms.doubts[i];

	if (!by_another(x))
		return;
	if (now >= m->swim.shakes_until) {
		for (uint32_t k = 0; k < m->ms.count; k++)
			m->ms.doubts[k].shakes = 0;
		m->swim.shakes = 0;
		m->swim.shakes_until = now + SHAKE_WINDOW_MS;
	}
	x->shakes++;
	m->swim.shakes++;
	if (!member_unstable(&m->ms, i, now) && stands_out(m, i))
		flap(m, now, i, FLAPS);
}

void
flap_restless(struct mesh *m, msec now, uint32_t i)
{
	struct member_doubt *x = &m->ms.doubts[i];

	if (member_unstable(&m->ms, i, now) && x->unstable_until < now + QUIET_MS)
		x->unstable_until = now + QUIET_MS;
}

void
flap_tick(struct mesh *m, msec now)
{
	if (now < m->swim.quiet_at)
		return;
	m->swim.quiet_at = MSEC_NEVER;
	m->ms.changes++;
	for (uint32_t i = 1; i < m->ms.count; i++)
		if (member_unstable(&m->ms, i, now))
			m->swim.quiet_at = msec_min(m->swim.quiet_at, m->ms.doubts[i].unstable_until);
}
