/*
 * verdict.c - the leader's verdict on the silent.  The reports are its fast
 * failure detector: 3 missed ones and 12 unanswered probes, half of them through
 * others, are a death 2.2 s after the last word.
 */
#include "inner.h"

enum {
	PROBES = 12,
	PROBE_EVERY_MS = 100,
	MISSES = 3,
	LOOKS = 32,
	LOSS_WINDOW_MS = 10000,
	VOUCH_SHIFT = 16, /* a member's index */
	CUT_MS = 1000,	  /* deaths so close together ... */
	CUT_LEAST = 3,	  /* ... of so many at least, and a third of all */
};

static bool
is_cut(uint32_t dead, uint32_t up)
{
	return dead >= CUT_LEAST && 3 * dead > up;
}

void
verdict_init(struct mesh *m)
{
	m->report.vouch = prng_u64(&m->numbers) >> VOUCH_SHIFT;
}

static msec
misses_allowed(const struct mesh *m)
{
	uint64_t all = m->report.got + m->report.lost;

	if (all < 50 || m->report.lost * 10 <= all)
		return MISSES;
	return m->report.lost * 5 <= all ? MISSES + 1 : MISSES + 2;
}

/* Through whom: who vouched for it last, and in turn somebody else each time,
 * for of few who are left perhaps one alone reaches it. */
static uint32_t
witness(struct mesh *m, msec now, uint32_t i, struct member_report *r)
{
	uint32_t via, next;

	if (r->probes % 4 == 1 && r->via != 0 && r->via != i && member_up(&m->ms.m[r->via]))
		return r->via;
	via = r->asked == 0 ? swim_random_up(m, i) : swim_next_up(m, r->asked, i);
	for (uint32_t k = 0; k < LOOKS && via != MEMBER_NONE && !relay_near(m, via); k++)
		via = swim_next_up(m, via, i); /* who answers me, if any does */
	if (via != MEMBER_NONE && !relay_near(m, via) &&
	    (next = relay_next(m, now, i, MEMBER_NONE)) != MEMBER_NONE)
		via = next;
	if (via != MEMBER_NONE)
		r->asked = (uint16_t)via;
	return via;
}

static void
probe_silent(struct mesh *m, msec now, uint32_t i, struct member_report *r)
{
	uint32_t via = r->probes % 2 == 1 ? witness(m, now, i, r) : MEMBER_NONE;

	if (r->probes % 4 == 1)
		dark_want(m, i);
	if (r->probes++ % 4 == 0)
		out_hello(m, i, 0, false); /* it may live anew, without my salt */
	/* The number says of whom, for what comes back through others. */
	if (via != MEMBER_NONE)
		out_to(m, PACKET_PINGREQ, via, m->report.vouch << VOUCH_SHIFT | i,
		    m->ms.m[i].short_id, 0);
	else
		out_to(m, PACKET_PING, i, ++m->swim.next_seq, 0, 0);
}

/* An answer to a probe that went through somebody: the link between us is cut,
 * not its life. */
bool
report_vouched(struct mesh *m, msec now, uint32_t from, uint64_t seq)
{
	uint32_t i = (uint32_t)(seq & ((1u << VOUCH_SHIFT) - 1));

	if (m->elect.role != MESH_LEADER || seq >> VOUCH_SHIFT != m->report.vouch ||
	    i >= m->ms.count || m->ms.reports[i].probes == 0)
		return false;
	m->ms.reports[i].vouched = now;
	m->ms.reports[i].via = (uint16_t)from;
	carry_learn(m, i, from);
	return true;
}

/* True when member i is dead for this leader. */
static bool
judge(struct mesh *m, msec now, uint32_t i, msec misses)
{
	const struct member *x = &m->ms.m[i];
	struct member_report *r = &m->ms.reports[i];
	msec every = report_interval(m), base = m->elect.lead_since, silent;

	/* The leader before was silent to me already; the others reported to him. */
	if (i == m->elect.last_leader && x->seen != MSEC_NEVER)
		base = x->seen;
	if (x->seen != MSEC_NEVER && x->seen > base)
		base = x->seen;
	if (r->vouched > base)
		base = r->vouched;
	if (m->ms.doubts[i].streamed > base)
		base = m->ms.doubts[i].streamed;
	if (x->state == MESH_ALIVE && x->since > base)
		base = x->since; /* back from the dead, or news to me */
	silent = now - base;
	if (silent < (misses - 1) * every) {
		r->probes = 0;
		r->probe_at = 0;
		return false;
	}
	if (r->probe_at > now)
		return false;
	if (r->probes < PROBES) {
		probe_silent(m, now, i, r);
		r->probe_at = now + pace(m, PROBE_EVERY_MS);
		return false;
	}
	return silent >= misses * every;
}

/*
 * Many at once are a cut, or a switch with all behind it; from here the two look the
 * same.  Their deaths are told like any other.  As mere suspicions, which each node
 * would confirm for itself, a cut of 3 to 6 s would kill nobody, but a dead rack of 20
 * in 50 be known to the leader after 9.4 s instead of 2.2, p99 21 s instead of 2.3,
 * and the heal of a cut be no sooner (mesh-sim rack): who was only cut off lives on
 * with one word.  What a death costs is work that moves, and whoever schedules waits
 * 2 s more when three die within one.
 */
static void
died(struct mesh *m, msec now, uint32_t up)
{
	struct report *r = &m->report;
	uint32_t before = r->cut_dead;

	if (r->cut_since == 0 || now - r->cut_since > pace(m, CUT_MS)) {
		r->cut_since = now;
		r->cut_up = up;
		r->cut_dead = before = 0;
	}
	r->cut_dead++;
	if (is_cut(r->cut_dead, r->cut_up) && !is_cut(before, r->cut_up))
		trace(m, now, "cut", MEMBER_NONE, r->cut_dead);
}

static void
judge_all(struct mesh *m, msec now)
{
	msec misses = misses_allowed(m);
	uint32_t up = mesh_up(m);

	if (now >= m->report.halve_at) {
		m->report.halve_at = now + pace(m, LOSS_WINDOW_MS);
		m->report.got /= 2;
		m->report.lost /= 2;
	}
	for (uint32_t i = 1; i < m->ms.count; i++) {
		if (!member_up(&m->ms.m[i]) || !judge(m, now, i, misses))
			continue;
		if (relay_far(m)) { /* most are silent to me: that is no proof of a death */
			rumour_suspect(m, now, i, m->ms.m[0].short_id);
			continue;
		}
		rumour_fail(m, now, i, "dead");
		died(m, now, up);
	}
}

void
verdict_tick(struct mesh *m, msec now)
{
	if (now < m->report.verdict_at)
		return;
	m->report.verdict_at = now + pace(m, PROBE_EVERY_MS);
	judge_all(m, now);
}
