/*
 * lead.c - leading: beats, the lease that their echoes earn, and what happens
 * when another leader turns up.
 *
 * Each beat opens a round.  When a quorum has echoed a round, the lease runs
 * from the moment that beat was SENT, less 1 % for clocks that run apart:
 * every elector in the quorum promised itself at that moment or later.
 * Schedules are issued only while the lease lives.
 *
 * Two leaders that meet compare (grade, weight, ballot).  The loser freezes and
 * resigns to the winner; the winner asks for a new vote above both terms, so
 * that its next stamp orders after everything either side ever issued.  Until
 * then the loser and who followed it keep the schedule they have, whatever the
 * winner's beats name: it was made without theirs, and who took it up would
 * report it as its own, so that the merge had one parent only.
 */
#include "inner.h"

enum {
	BEAT_MS = 250,
	BEAT_MANY_MS = 300, /* five in a lease: what a leader of many costs is its packets */
	BEAT_BIG_MS = 500,
	MANY_ELECTORS = 50,
	LEASE_SLOW_MS = 3000, /* leases from here on go with slow beats */
	BEATS_IN_LEASE = 3,   /* at least */
	UNECHOED = 2,	      /* beats: then there is no way from here to there, or back */
};

static msec
beat_ms(const struct mesh *m)
{
	msec lease = elect_lease_ms(m);
	msec beat = pace(m, lease >= pace(m, LEASE_SLOW_MS) ? BEAT_BIG_MS :
		m->roster.n.all > MANY_ELECTORS		      ? BEAT_MANY_MS :
								BEAT_MS);

	/* A lease that was asked for may be shorter than its profile's. */
	return msec_min(beat, lease / BEATS_IN_LEASE);
}

/* By what its beats promised, not by what a roster grown since would ask for. */
static msec
lease_end(const struct round *r)
{
	return r->t == 0 ? 0 : r->t + r->lease - r->lease / 100 - 1;
}

/* From when on a side that lost its full quorum, or never had one, may go on. */
static msec
degraded_from(const struct mesh *m)
{
	const struct elect *e = &m->elect;
	msec wait = quorum_wait(m, &e->degraded_base.echoes), full = lease_end(&e->full_base);

	if (e->degraded_base.t == 0 || wait == MSEC_NEVER)
		return MSEC_NEVER;
	return (full > e->full_at ? full : e->full_at) + wait;
}

enum mesh_grade
lead_grade(const struct mesh *m, msec now)
{
	const struct elect *e = &m->elect;

	if (e->role != MESH_LEADER)
		return MESH_GRADE_NONE;
	if (now < lease_end(&e->full_base))
		return MESH_GRADE_FULL;
	if (now < lease_end(&e->degraded_base) && now >= degraded_from(m))
		return MESH_GRADE_DEGRADED;
	return MESH_GRADE_NONE;
}

/* While this node leads: until when it may issue, by the echoes it has; 0 when
 * it may not. */
msec
lead_until(const struct mesh *m, msec now)
{
	msec full = lease_end(&m->elect.full_base), degraded = lease_end(&m->elect.degraded_base);

	switch (lead_grade(m, now)) {
	case MESH_GRADE_FULL:
		return degraded > full && degraded_from(m) <= full ? degraded : full;
	case MESH_GRADE_DEGRADED:
		return degraded;
	default:
		return 0;
	}
}

static void
judge_round(struct mesh *m, msec now, const struct round *r)
{
	struct elect *e = &m->elect;

	if (r->t > e->full_base.t && quorum_full(m, &r->echoes)) {
		if (now >= lease_end(&e->full_base))
			e->full_since = now; /* somebody else may have been, between */
		e->full_base = *r;
	}
	if (r->t > e->degraded_base.t && quorum_degraded(m, now, &r->echoes))
		e->degraded_base = *r;
}

static struct round *
open_round(struct mesh *m, msec now)
{
	struct elect *e = &m->elect;
	struct round *r = &e->rounds[e->round];

	if (r->t == now)
		return r;
	e->weight = r->echoes.weight;
	e->round = (e->round + 1) % ROUNDS_MAX;
	r = &e->rounds[e->round];
	*r = (struct round){.t = now, .lease = elect_lease_ms(m)};
	tally_add(&r->echoes, &m->ms.m[0]);
	return r;
}

/* Since when member i could have echoed. */
static msec
echo_due(const struct mesh *m, uint32_t i)
{
	const struct member *x = &m->ms.m[i];
	msec since = x->since > m->elect.lead_since ? x->since : m->elect.lead_since;

	return m->ms.votes[i].echoed > since ? m->ms.votes[i].echoed : since;
}

void
lead_beat(struct mesh *m, msec now)
{
	m->elect.beat_at = now + beat_ms(m);
	m->report.standby = (uint16_t)turn_heir(m, now);
	judge_round(m, now, open_round(m, now));
	for (uint32_t i = 1; i < m->ms.count; i++) {
		if (!member_up(&m->ms.m[i]))
			continue;
		if (now - echo_due(m, i) > UNECHOED * beat_ms(m))
			relay_missed(m, i); /* the next goes around, too */
		out_to(m, PACKET_BEAT, i, (uint64_t)now, 0, 0);
	}
}

void
lead_fill_beat(struct mesh *m, msec now, uint32_t to, struct packet *p)
{
	const struct elect *e = &m->elect;

	p->term = e->ballot_term;
	p->sent = (uint64_t)e->rounds[e->round].t;
	p->lease = (uint64_t)e->rounds[e->round].lease;
	p->grade = (uint64_t)lead_grade(m, now);
	p->weight = e->weight;
	p->flag = e->by_quorum;
	p->head = e->issued;
	p->hash = m->roster.hash;
	if (m->roster.is_signed && roster_cmp(&m->ms.votes[to].stored, &m->roster.id) != 0)
		p->sign = m->roster.sign; /* it will be asked whose word that is */
	report_fill_beat(m, to, p);
	p->key_id = keys_newest_id(m);
}

void
lead_start(struct mesh *m, msec now, bool by_quorum)
{
	struct elect *e = &m->elect;
	bool again = e->role == MESH_LEADER;

	e->role = MESH_LEADER;
	e->ballot_term = m->saved.term;
	e->leader = 0;
	e->promised = MEMBER_NONE;
	e->wish_term = 0;
	e->seq = 0;
	e->by_quorum = by_quorum;
	trace(m, now, again ? "leads on" : "leads", 0, e->ballot_term);
	if (!again) {
		memset(e->rounds, 0, sizeof e->rounds);
		e->full_base = e->degraded_base = (struct round){0};
		e->weight = 0;
		rolelease_office(m);
		keys_office(m);
		e->lead_since = now;
		e->issued = (struct head){0};
		e->first_until = now + elect_lease_ms(m);
		report_office(m, now);
		for (uint32_t i = 0; i < m->ms.count; i++)
			if (m->ms.votes[i].echoed != 0)
				m->ms.votes[i].echoed = 0;
	}
	/* The voters told what they act on: climb above it before the first stamp. */
	claim_stamp(m, now, 0, &m->saved.applied);
	for (uint32_t i = 1; i < m->ms.count; i++)
		claim_stamp(m, now, i, &m->ms.reports[i].applied.stamp);
	lead_beat(m, now);
}

/* Stop at once; the caller decides who is next. */
void
lead_stop(struct mesh *m, msec now, const char *why)
{
	struct elect *e = &m->elect;

	trace(m, now, why, 0, e->ballot_term);
	if (lease_end(&e->full_base) > e->full_at)
		e->full_at = msec_min(now, lease_end(&e->full_base));
	e->role = MESH_FOLLOWER;
	e->full_base = e->degraded_base = (struct round){0};
	e->wish_term = 0;
	e->yielded = MEMBER_NONE;
	e->issued = (struct head){0};
	elect_lost(m, now, 0);
	e->last_leader = MEMBER_NONE; /* it was me, and I am well */
}

void
lead_resign(struct mesh *m, msec now, uint64_t successor, uint64_t above)
{
	uint64_t term = m->elect.ballot_term;

	lead_stop(m, now, "resign");
	elect_freeze(m, now, above);
	if (successor != 0)
		m->elect.try_at += elect_lease_ms(m); /* its turn */
	/* Who just outranked me may look dead yet: it must hear above what to climb. */
	for (uint32_t i = 1; i < m->ms.count; i++)
		if (member_up(&m->ms.m[i]) || m->ms.m[i].short_id == successor)
			out_to(m, PACKET_RESIGN, i, term, successor, above);
}

/* This process slept: what it believed of its lease is a guess. */
void
lead_pause(struct mesh *m, msec now)
{
	struct elect *e = &m->elect;

	trace(m, now, "paused", 0, 0);
	memset(e->rounds, 0, sizeof e->rounds);
	e->full_base = e->degraded_base = (struct round){0};
	e->first_until = now + elect_lease_ms(m);
	e->beat_at = now;
}

void
lead_echoed(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	struct elect *e = &m->elect;
	struct member_vote *v = &m->ms.votes[from];
	const struct member *x = &m->ms.m[from];
	enum mesh_grade grade = lead_grade(m, now);
	msec sent = (msec)p->sent;

	roster_echoed(m, now, from, p);
	keys_heard(m, now, from, p, true);
	if (p->who != m->ms.m[0].short_id)
		return; /* it follows another: that echo was sent on by somebody */
	if (p->term != e->ballot_term || sent <= v->echoed || sent > now)
		return;
	for (size_t i = 0; i < ROUNDS_MAX; i++) {
		struct round *r = &e->rounds[i];

		if (r->t == 0 || r->t != sent)
			continue;
		v->echoed = sent;
		carry_echoed(m, from);
		/* Who knows a later roster counts for this side, but makes no
		 * quorum of a roster that may be history. */
		if (roster_spent(m, from) || roster_cmp(&v->stored, &m->roster.id) > 0)
			tally_heads(&r->echoes, x);
		else
			tally_add(&r->echoes, x);
		judge_round(m, now, r);
		if (grade != lead_grade(m, now))
			e->beat_at = now; /* tell at once what this side may do */
		return;
	}
}

/* Does the other leader's beat outrank this node's claim? */
static bool
outranked(const struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	const struct elect *e = &m->elect;
	uint64_t grade = (uint64_t)lead_grade(m, now);

	if (p->grade != grade)
		return p->grade > grade;
	if (p->weight != e->weight)
		return p->weight > e->weight;
	if (p->term != e->ballot_term)
		return p->term > e->ballot_term;
	return id_cmp(&m->ms.m[from].id, &m->ms.m[0].id) > 0;
}

/* Whom I follow: its beat comes back, in a report if one is due. */
static void
answer_beat(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	if (!report_rides(m, now, from, p))
		out_to(m, PACKET_ECHO, from, p->term, p->sent, roster_is_other(m, p));
}

static void
two_leaders(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	struct elect *e = &m->elect;

	if (outranked(m, now, from, p)) {
		lead_resign(m, now, m->ms.m[from].short_id,
		    p->term > e->ballot_term ? p->term : e->ballot_term);
		if (p->term < m->saved.term)
			out_to(m, PACKET_REJECT, from, m->saved.term, 0, 0);
		else if (elect_follow(m, now, from, p))
			answer_beat(m, now, from, p);
		return;
	}
	claim_above(m, now, from, p->term + 1);
	out_to(m, PACKET_BEAT, from, 0, 0, 0); /* let it see who outranks it */
}

static void
beat(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	if (m->elect.role == MESH_LEADER) {
		two_leaders(m, now, from, p);
		return;
	}
	if (p->term < m->saved.term) {
		out_to(m, PACKET_REJECT, from, m->saved.term, 0, 0);
		return;
	}
	if (!elect_follow(m, now, from, p))
		return;
	roster_beat(m, now, from, p);
	keys_heard(m, now, from, p, false);
	report_beat(m, now, from, p);
	answer_beat(m, now, from, p);
}

static void
rejected(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	struct elect *e = &m->elect;

	if (e->role != MESH_LEADER || p->term <= e->ballot_term)
		return;
	if (e->phase == ELECT_VOTE && p->term <= m->saved.term)
		return; /* that very vote is under way */
	claim_above(m, now, from, p->term + 1);
}

int
lead_recv(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	uint32_t other;

	if (!m->member)
		return 0;
	switch ((enum packet_kind)p->kind) {
	case PACKET_BEAT:
		beat(m, now, from, p);
		break;
	case PACKET_ECHO:
		if (m->elect.role == MESH_LEADER)
			lead_echoed(m, now, from, p);
		break;
	case PACKET_REJECT:
		rejected(m, now, from, p);
		break;
	case PACKET_OTHER:
		other = members_find(&m->ms, p->who);
		if (m->elect.role == MESH_LEADER && other != MEMBER_NONE)
			out_to(m, PACKET_BEAT, other, 0, 0, 0);
		break;
	default:
		break;
	}
	return 0;
}

static bool
lease_over(struct mesh *m, msec now)
{
	if (lead_grade(m, now) != MESH_GRADE_NONE || now < m->elect.first_until)
		return false;
	lead_stop(m, now, "lease over");
	return true;
}

void
lead_tick(struct mesh *m, msec now)
{
	struct elect *e = &m->elect;

	if (e->role != MESH_LEADER)
		return;
	if (lease_over(m, now))
		return;
	if (now < e->beat_at)
		return;
	keys_step(m, now);
	roster_step(m, now);
	if (e->role != MESH_LEADER)
		return; /* handed over */
	lead_beat(m, now);
	if (lease_over(m, now)) /* a beat looks anew whom a small side counts */
		return;
	if (e->wish_term > e->ballot_term && e->phase == ELECT_IDLE &&
	    lead_grade(m, now) != MESH_GRADE_NONE)
		elect_start_vote(m, now, e->wish_term);
}

msec
lead_deadline(const struct mesh *m)
{
	const struct elect *e = &m->elect;
	msec end;

	if (e->role != MESH_LEADER)
		return MSEC_NEVER;
	end = lead_until(m, m->ticked);
	if (end < e->first_until)
		end = e->first_until;
	return msec_min(e->beat_at, end);
}
