/*
 * elect.c - electing a leader by terms and votes, without a log: the elector's
 * and the candidate's half.  lead.c is the leader's.
 *
 *	boot: no grants, no candidacy for a lease (an old promise may be alive)
 *	FOLLOWER --- no beat for a lease, then my rank's turn ---> PREVOTE
 *	PREVOTE ---- a quorum would vote for me -----------------> VOTE
 *	VOTE ------- a quorum did -------------------------------> LEADER
 *
 * An elector that echoes a beat promises itself to that leader for one lease:
 * it votes for nobody else until then.  So a leader whose beats a quorum
 * echoed within a lease knows that no other can exist (Gray-Cheriton leases on
 * Raft's votes).  The vote itself promises nothing but the term.
 */
#include "holdoff.h"
#include "inner.h"

enum {
	HOPELESS_MS = 500,
	HOPEFUL = 3, /* so many ask anyway */
	UNSTABLE_MS = 3000, /* so long anybody else is preferred */
};

msec
elect_lease_ms(const struct mesh *m)
{
	if (m->conf.lease_ms > 0)
		return m->conf.lease_ms;
	return pace(m, m->roster.n.all > LEASE_BIG_ELECTORS ? LEASE_BIG_MS : LEASE_MS);
}

static bool
elector(const struct mesh *m)
{
	return m->member && !m->left && m->ms.m[0].roster != 0 && going_may_lead(m) &&
	    !recover_voids(m, &m->roster.id);
}

void
elect_adopt_term(struct mesh *m, uint64_t term)
{
	assert(term > m->saved.term);
	m->saved.term = term;
	memset(&m->saved.voted_for, 0, sizeof m->saved.voted_for);
	m->must_save = true;
}

/* --- whom this node follows ------------------------------------------------------------ */

/* Nobody leads, as far as this node knows: take its turn after wait. */
void
elect_lost(struct mesh *m, msec now, msec wait)
{
	struct elect *e = &m->elect;

	if (e->leader != MEMBER_NONE)
		e->last_leader = e->leader;
	e->leader = MEMBER_NONE;
	e->promised = MEMBER_NONE;
	e->promise_until = now;
	e->grade = MESH_GRADE_NONE;
	e->phase = ELECT_IDLE;
	e->lost_at = now;
	turn_begin(m, now);
	e->try_at = now + wait + 1 + turn_wait(m, now);
}

/* Member i left: it is nobody's leader any more. */
void
elect_forget(struct mesh *m, msec now, uint32_t i)
{
	report_forget(m, i);
	if (m->elect.yielded == i)
		m->elect.yielded = MEMBER_NONE;
	if (m->elect.leader == i)
		elect_lost(m, now, 0);
	else if (m->elect.promised == i)
		m->elect.promised = MEMBER_NONE;
}

void
elect_init(struct mesh *m, msec now)
{
	struct elect *e = &m->elect;

	e->role = MESH_FOLLOWER;
	e->leader = e->last_leader = e->promised = e->yielded = MEMBER_NONE;
	e->ballot_term = m->saved.term;
	e->lost_at = e->full_at = now;
	holdoff_init(m, now);
	e->longest_until = e->holdoff_until;
	turn_begin(m, now);
	e->try_at = e->holdoff_until + 1 + turn_wait(m, now);
	e->recall = prng_u64(&m->numbers);
	e->recall_at = now + 1;
	recall_over(m);
}

/* --- candidacy -------------------------------------------------------------------- */

static void
ask_votes(struct mesh *m, msec now, enum elect_phase phase, uint64_t term)
{
	struct elect *e = &m->elect;
	enum packet_kind kind = phase == ELECT_VOTE ? PACKET_VOTE : PACKET_PREVOTE;

	e->phase = phase;
	e->attempt = prng_u64(&m->numbers); /* no answer of another life, or to another, fits */
	e->attempt_term = term;
	e->attempt_until = now + ATTEMPT_STEPS * pace(m, STEP_MS);
	e->grants = (struct tally){0};
	tally_add(&e->grants, &m->ms.m[0]);
	for (uint32_t i = 1; i < m->ms.count; i++)
		if (m->ms.m[i].roster != 0 && m->ms.m[i].state != MESH_LEFT)
			out_to(m, kind, i, e->attempt, term, 0);
}

/* Below half, a full quorum first gets one attempt's time to form, and as long
 * as the configuration says. */
static bool
may_degrade(const struct mesh *m, msec now, const struct tally *t)
{
	const struct elect *e = &m->elect;
	msec wait = quorum_wait(m, t);

	if (wait == MSEC_NEVER)
		return false;
	/* A full leader's new ballot is a full quorum's too, if that can be had. */
	if (e->role == MESH_LEADER)
		return lead_grade(m, now) != MESH_GRADE_FULL || now >= e->attempt_until;
	return (now - e->lost_at >= ATTEMPT_STEPS * pace(m, STEP_MS) && now - e->full_at >= wait);
}

static void
count_grants(struct mesh *m, msec now)
{
	struct elect *e = &m->elect;
	bool full = quorum_full(m, &e->grants);

	if (!full && !(may_degrade(m, now, &e->grants) && quorum_degraded(m, now, &e->grants)))
		return;
	if (e->phase == ELECT_PREVOTE) {
		elect_start_vote(m, now, e->attempt_term);
		return;
	}
	e->phase = ELECT_IDLE;
	e->try_at = MSEC_NEVER;
	lead_start(m, now, full);
}

void
elect_start_vote(struct mesh *m, msec now, uint64_t term)
{
	if (term <= m->saved.term)
		term = m->saved.term + 1;
	elect_adopt_term(m, term);
	m->saved.voted_for = m->ms.m[0].id;
	trace(m, now, "candidate", MEMBER_NONE, term);
	ask_votes(m, now, ELECT_VOTE, term);
	count_grants(m, now);
}

/* A side that sees no quorum elects nobody: then only the first few ask, in
 * case the others can be reached though they look dead. */
static bool
chance_to_win(struct mesh *m, msec now)
{
	struct tally seen = {0};

	for (uint32_t i = 0; i < m->ms.count; i++)
		if (m->ms.m[i].state == MESH_ALIVE)
			tally_add(&seen, &m->ms.m[i]);
	if (quorum_full(m, &seen) || turn_rank(m, now) < HOPEFUL)
		return true;
	return quorum_wait(m, &seen) != MSEC_NEVER && now - m->elect.full_at >= quorum_wait(m, &seen);
}

static void
candidate_tick(struct mesh *m, msec now)
{
	struct elect *e = &m->elect;

	if (e->phase != ELECT_IDLE && now >= e->attempt_until) {
		count_grants(m, now); /* patience may have run out */
		if (e->phase != ELECT_IDLE && now >= e->attempt_until) {
			e->phase = ELECT_IDLE;
			e->try_at = now + 1 + turn_again(m, now);
		}
	}
	if (e->role == MESH_LEADER)
		return;
	if (now >= e->try_at && holdoff_lasts(m, now))
		e->try_at = (now < e->holdoff_until ? e->holdoff_until : now + pace(m, STEP_MS)) + 1 +
		    turn_wait(m, now);
	if (now >= e->try_at && e->phase == ELECT_IDLE) {
		/* Who has no vote may get one; who leaves may think better of it. */
		if (!elector(m) || !chance_to_win(m, now)) {
			e->try_at = now + pace(m, HOPELESS_MS) + turn_wait(m, now);
			return;
		}
		e->try_at = MSEC_NEVER;
		e->role = MESH_CANDIDATE;
		ask_votes(m, now, ELECT_PREVOTE, m->saved.term + 1);
		count_grants(m, now);
	}
}

/* --- the elector -------------------------------------------------------------------- */

static bool
promised_elsewhere(const struct mesh *m, msec now, uint32_t to)
{
	const struct elect *e = &m->elect;

	return e->promised != MEMBER_NONE && e->promised != to && now < e->promise_until;
}

/* It was called dead or suspected too often lately: it leads only when nobody else came forward.
 * Who leads already is not asked again. */
static bool
others_first(const struct mesh *m, msec now, uint32_t from)
{
	return member_unstable(&m->ms, from, now) && from != m->elect.leader &&
	    now - m->elect.lost_at < pace(m, UNSTABLE_MS);
}

static bool
would_grant(const struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	int cmp = roster_cmp(&p->roster, &m->roster.id);

	/* Without a roster it may have forgotten one: roster_recall.h. */
	if (!m->member || m->left || holdoff_lasts(m, now) || m->roster.n.all == 0)
		return false;
	if (promised_elsewhere(m, now, from) || others_first(m, now, from))
		return false;
	if (m->elect.role == MESH_LEADER && lead_grade(m, now) != MESH_GRADE_NONE)
		return false;
	if (recover_voids(m, &p->roster))
		return false;
	if (!quorum_lenient(m) && cmp < 0)
		return false; /* it may count a roster that is no more */
	if (cmp == 0 && (m->ms.m[from].roster == 0 || roster_spent(m, from)))
		return false;
	return true;
}

static void
prevote_asked(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	bool yes = p->term > m->saved.term && would_grant(m, now, from, p);

	if (yes)
		turn_yield(m, now);
	out_to(m, PACKET_PREVOTED, from, p->seq, yes, 0);
}

static void
vote_asked(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	static const struct node_id nobody;
	struct elect *e = &m->elect;
	bool yes = p->term >= m->saved.term && would_grant(m, now, from, p);

	if (yes && p->term == m->saved.term)
		yes = id_eq(&m->saved.voted_for, &m->ms.m[from].id) ||
		    (id_eq(&m->saved.voted_for, &nobody) && e->leader == MEMBER_NONE);
	if (yes && p->term > m->saved.term)
		elect_adopt_term(m, p->term);
	if (yes) {
		if (!id_eq(&m->saved.voted_for, &m->ms.m[from].id)) {
			m->saved.voted_for = m->ms.m[from].id;
			m->must_save = true;
		}
		if (e->role == MESH_LEADER)
			lead_stop(m, now, "outvoted");
		e->role = MESH_FOLLOWER;
		e->phase = ELECT_IDLE;
		/* Let it win before trying myself. */
		if (e->leader == MEMBER_NONE)
			e->try_at = now + ATTEMPT_STEPS * pace(m, STEP_MS) + turn_wait(m, now);
	}
	out_to(m, PACKET_VOTED, from, p->seq, yes, 0);
}

static void
granted(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	struct elect *e = &m->elect;
	struct member *x = &m->ms.m[from];
	enum elect_phase asked = p->kind == PACKET_VOTED ? ELECT_VOTE : ELECT_PREVOTE;

	if (p->kind == PACKET_VOTED)
		m->ms.reports[from].applied = p->head;
	if (p->seq == e->recall && p->kind == PACKET_PREVOTED) {
		roster_told(m, now, from, p);
		return;
	}
	/* Too late when a leader was found meanwhile: it has my promise. */
	if (p->grade == 0 && p->term > m->saved.term && e->leader == MEMBER_NONE) {
		elect_adopt_term(m, p->term); /* my next try starts above */
		e->phase = ELECT_IDLE;
		e->try_at = msec_min(e->try_at, now + 1 + pace(m, STEP_MS) + turn_wait(m, now));
		return;
	}
	if (e->phase != asked || p->seq != e->attempt || p->grade == 0 || m->ms.votes[from].granted == e->attempt ||
	    (asked == ELECT_VOTE && p->term != e->attempt_term))
		return;
	m->ms.votes[from].granted = e->attempt;
	if (!roster_spent(m, from))
		tally_add(&e->grants, x);
	count_grants(m, now);
}

/*
 * The leader of this beat may count on me for so long, whatever becomes of me: a
 * beat that asks for less takes nothing from an earlier one, nor from one of a
 * life before a restart, which finds on disk how long such a promise may live.
 */
static void
promise(struct mesh *m, msec now, uint32_t to, msec lease)
{
	struct elect *e = &m->elect;
	msec until = now + lease;

	/* On disk a shorter one will do when it outlives all that were longer. */
	if (lease > m->saved.promise_ms ||
	    (lease < m->saved.promise_ms && until >= e->longest_until)) {
		m->saved.promise_ms = lease;
		m->must_save = true;
	}
	if (!id_eq(&m->saved.promised_to, &m->ms.m[to].id)) {
		m->saved.promised_to = m->ms.m[to].id;
		m->must_save = true;
	}
	if (until > e->longest_until)
		e->longest_until = until;
	e->promised = (uint16_t)to;
	e->promise_until = e->longest_until;
}

void
elect_freeze(struct mesh *m, msec now, uint64_t above)
{
	struct elect *e = &m->elect;

	if (above == 0 || (above <= e->above && now < e->above_until))
		return;
	e->above = above;
	e->above_until = now + 2 * elect_lease_ms(m);
}

/*
 * A beat from a leader that is not mine to refuse: follow it and promise.
 * Returns false when this node stays with the leader it is promised to.
 */
bool
elect_follow(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	struct elect *e = &m->elect;
	bool is_new = e->leader != from || e->ballot_term != p->term;

	/* A full leader of a higher term holds a quorum of promises, so the
	 * lease this node is promised to is over, whether it knows or not. */
	if (promised_elsewhere(m, now, from) &&
	    !(p->grade == MESH_GRADE_FULL && p->term > e->ballot_term)) {
		out_to(m, PACKET_OTHER, from, e->ballot_term, m->ms.m[e->promised].short_id, 0);
		return false;
	}
	if (holdoff_lasts(m, now) && !holdoff_outlived(m, from, p))
		return false;
	if (p->term > m->saved.term)
		elect_adopt_term(m, p->term);
	e->role = MESH_FOLLOWER;
	e->phase = ELECT_IDLE;
	e->try_at = MSEC_NEVER;
	holdoff_end(m, now);
	e->leader = (uint16_t)from;
	e->ballot_term = p->term;
	promise(m, now, from, p->lease > 0 ? (msec)p->lease : elect_lease_ms(m));
	e->grade = p->grade;
	if (p->grade == MESH_GRADE_FULL)
		e->full_at = now;
	/* By the schedule's term: a leader that leads on names its last one of the term
	 * before until it has the next. */
	if (p->head.stamp.term > e->above || now >= e->above_until)
		e->issued = p->head;
	else
		e->issued = (struct head){0};
	if (is_new) {
		report_soon(m, now);
		/* It hears everybody: its table wakes those I called dead. */
		if (m->ms.by_state[MESH_FAILED] + m->ms.by_state[MESH_SUSPECT] > 0)
			out_to(m, PACKET_SYNC, from, 1, 0, 0);
		trace(m, now, "leader", from, p->term);
	}
	return true;
}

static void
resigned(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	struct elect *e = &m->elect;
	bool mine = e->leader == from && e->ballot_term == p->term;

	m->ms.reports[from].applied = p->head;
	if (e->role == MESH_LEADER) {
		/* The other side's leader gave way: lead both, above both. */
		e->yielded = (uint16_t)from;
		claim_above(m, now, from, (p->term >= e->ballot_term ? p->term : e->ballot_term) + 1);
		return;
	}
	if (!mine)
		return;
	trace(m, now, "resigned", from, p->term);
	elect_lost(m, now, pace(m, STEP_MS));
	elect_freeze(m, now, p->seq);
	if (p->who == m->ms.m[0].short_id && elector(m) && !holdoff_lasts(m, now)) {
		e->role = MESH_CANDIDATE;
		elect_start_vote(m, now, m->saved.term + 1);
	}
}

int
elect_recv(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	if (!m->member)
		return 0;
	switch ((enum packet_kind)p->kind) {
	case PACKET_PREVOTE:
		prevote_asked(m, now, from, p);
		break;
	case PACKET_VOTE:
		vote_asked(m, now, from, p);
		break;
	case PACKET_PREVOTED:
	case PACKET_VOTED:
		granted(m, now, from, p);
		break;
	case PACKET_RESIGN:
		resigned(m, now, from, p);
		break;
	default:
		break;
	}
	return 0;
}

void
elect_tick(struct mesh *m, msec now)
{
	struct elect *e = &m->elect;

	if (!m->member)
		return;
	if (e->role != MESH_LEADER && e->leader != MEMBER_NONE && now >= e->promise_until) {
		trace(m, now, "lost", e->leader, e->ballot_term);
		elect_lost(m, now, 0);
	}
	recall_tick(m, now);
	candidate_tick(m, now);
}

msec
elect_deadline(const struct mesh *m)
{
	const struct elect *e = &m->elect;
	msec at = MSEC_NEVER;

	if (!m->member)
		return at;
	at = msec_min(at, recall_deadline(m));
	if (e->phase != ELECT_IDLE)
		at = msec_min(at, e->attempt_until);
	if (e->role == MESH_LEADER)
		return at;
	if (e->leader != MEMBER_NONE)
		at = msec_min(at, e->promise_until);
	if (e->phase == ELECT_IDLE)
		at = msec_min(at, e->try_at);
	return at;
}
