/*
 * lease.pml - the leader's lease: terms, votes, promises by echo, hold-off.
 *
 * Three nodes under `quorum: majority`, terms up to TMAX.  Every order of every
 * step below is tried, with crashes, restarts and resignations at any time and as
 * often as may be.  What must hold: never two live full leases, one vote per term
 * and elector, one leader per term.
 *
 * What stands for what
 *	CANDIDATE REBALLOT	elect_start_vote (candidate_tick, resigned; lead_tick)
 *	GRANT			vote_asked, would_grant
 *	WIN			granted, count_grants, lead_start
 *	REFUSED			granted, its first half: a later term is taken over
 *	BEAT STALE		lead_beat, elect_follow, promise
 *	COUNT			echo, judge_round, lease_end (lead.c)
 *	RESIGN RESIGNED		lead_resign, lead_stop; resigned
 *	RESTART			a crash, and holdoff_init with what mesh_saved kept
 *	TICK			time; all that is counted in it
 *
 * The wire keeps what was sent for as long as anybody could use it, and hands it
 * out in any order, late, or never.  It also hands to a restarted node what was
 * sent to its earlier life: there is nothing in a frame that would prevent it.  A
 * leader beats in every tick, so a beat of each age in which it led is at hand; an
 * echo counts for the beat it answers.  Of several echoes of one elector on their
 * way the newest is kept: the older ones earn less.  With three nodes one echo
 * makes a quorum, so rounds are not kept apart.
 *
 * Time.  A tick is a third of a lease.  Clocks may run apart by SLOW within a
 * lease, and a leader takes EPS off for it (lease_end: 1 %, for clocks within 0.5 %
 * of the truth).  Only the worst is tried: the elector's clock is the fast one, the
 * leader's the slow one.  That is all there is to try, because a lease that ends
 * earlier, or a promise that lasts longer, only takes steps away - and every step
 * here may also not be taken.
 *
 * What is allowed here and not there, so that the proof is of more than the code:
 * no ranks, no prevote (it can only prevent a candidacy), no back-off; a leader
 * without a lease goes on leading, or resigns at any time; a beat of a higher term
 * is followed whatever its grade (elect_follow asks for `full` because of `any`);
 * a candidate need not have heard from anybody.
 *
 * LOST: one of the three, at any time, comes back with an empty disk: it knows neither
 * term nor vote nor promise.  It is down from the crash until it is let in, and who is
 * down takes no step here, so that is one step, LOSE: its term is one above all there
 * are (elect_joined leaps by 2^16 at the least above the term of who lets it in; that
 * nobody was further ahead, this node before it died neither, is assumed there and
 * here), and it holds off as long as the longest lease of anybody asks for (holdoff.h).
 *
 * Left out: rosters (roster.pml; there who lost its disk asks for one), sides below a
 * majority, stamps, leaving, a second lost disk, one put back from an older copy, members
 * that lie.
 *
 * spent[z] says that z voted in its term; for whom, only yes[] tells, which stays
 * on the wire until the candidate's attempt is over, so the same question need not
 * be answered twice.
 *
 * Mutants (-D): NO_EPSILON, LEASE_FROM_RECEIPT (the lease counts from the echo),
 * NO_HOLDOFF, HOLDOFF_SHORTER (the lease was set lower before the restart),
 * HOLDOFF_ENDED (a beat of a shorter lease ends it early), PROMISE_SHORTENED (as
 * if every beat's lease were the only one), VOTE_FORGOTTEN, LATE_REFUSAL (one that
 * was meant for an earlier life leads to a candidacy in the hold-off),
 * GRANT_ANY_TERM (a yes counts in whatever attempt it comes), GRANT_PROMISED,
 * LEADS_ON (a leader votes for another and goes on), RESIGN_ANY_TERM; with LOST:
 * LOST_TERM (it goes on in the term of who lets it in, and votes twice), LOST_FREE (it
 * does not hold off), LOST_OWN_LEASE (it does for as long as its own lease, and another's
 * is longer).  LOST_OWN_LEASE, HOLDOFF_SHORTER, HOLDOFF_ENDED, PROMISE_SHORTENED, LATE_REFUSAL and
 * GRANT_ANY_TERM were in the code when this was written.  No mutant: that a leader
 * with a live lease votes for nobody (would_grant).  Taken away, nothing falls, for
 * who votes stops leading first; the rule is there against flapping.
 *
 * Explored, the whole of it: 1,246,065 states with TMAX 3, in 10 s of a core and 370 MB;
 * with LOST 3,391,671, in 26 s and 540 MB.  Once, outside of the script, LOST with TMAX 4,
 * which leaves room between the others' terms and the one leapt to: 22,699,696, 231 s, 2 GB,
 * nothing wrong.
 */
#ifndef TMAX
#define TMAX 3	/* or 2, or 4 */
#endif
#define L 3	/* the lease, in ticks of the fastest clock */
#ifdef NO_EPSILON
#define EPS 0
#else
#define EPS 1	/* what a leader takes off its own lease */
#endif
#define SLOW 1	/* what the slowest clock loses within a lease */
#define LL (L - EPS + SLOW)

#define BIT(n) (1 << (n))
#define P(i, j) ((i) * 3 + (j))

#ifdef LOST
bit lost;		/* one disk was */
#endif
/* On disk.  spent: the vote of this term is given; to whom, the yes knows. */
byte term[3];
bit spent[3];
/* In memory. */
bit lead[3];
byte ballot[3];		/* the term I lead by, or that of my promise */
byte att[3];		/* the term that I ask votes for; 0 = none */
byte to[3], prom[3];	/* promised: to whom, ticks left */
byte hold[3];		/* of the boot hold-off */
byte lease[3], since[3]; /* of a leader: left, and how long it leads by this ballot */
/* On the wire, for as long as anybody could use it: bit t = of term t. */
byte asked[3], led[3], resg[3];
bit yes[9];		/* P(c, z): z's grant of c's attempt */
byte ech[9];		/* P(a, z): the newest echo, 1 + age of its beat; 0 = none */

/* --- what is of no use to anybody any more is forgotten ---------------------- */

#define past(z, t) (term[z] > t)
#define deaf(z, t) (term[z] > t || (term[z] == t && spent[z]))
#define held_to(z, a, t) (prom[z] > 0 && to[z] == a && ballot[z] == t)
#if defined(VOTE_FORGOTTEN)
#define TIDY_ASKS(c, y, z, t)
#else
#define TIDY_ASKS(c, y, z, t) \
	if :: (asked[c] & BIT(t)) && deaf(y, t) && deaf(z, t) -> asked[c] = asked[c] & ~BIT(t) :: else fi;
#endif
#define TIDY_BEATS(a, y, z, t) \
	if :: (led[a] & BIT(t)) && past(y, t) && past(z, t) -> led[a] = led[a] & ~BIT(t) :: else fi; \
	if :: (resg[a] & BIT(t)) && !(led[a] & BIT(t)) && !held_to(y, a, t) && !held_to(z, a, t) -> \
		resg[a] = resg[a] & ~BIT(t) :: else fi;
#define TIDY_NODE(i, j, k) EACH(TIDY_ASKS, i, j, k) EACH(TIDY_BEATS, i, j, k)
#ifdef LOST_TERM
#define TIDY
#else
#define TIDY TIDY_NODE(0, 1, 2) TIDY_NODE(1, 0, 2) TIDY_NODE(2, 0, 1)
#endif

/* --- pieces --------------------------------------------------------------------- */

#define no_promise(i)	prom[i] = 0; to[i] = 0; ballot[i] = 0
#define no_echoes(i)	ech[P(i, 0)] = 0; ech[P(i, 1)] = 0; ech[P(i, 2)] = 0
#ifdef GRANT_ANY_TERM
#define no_attempt(i)	att[i] = 0
#else
#define no_attempt(i)	att[i] = 0; yes[P(i, 0)] = 0; yes[P(i, 1)] = 0; yes[P(i, 2)] = 0
#endif
#define stop(i)		lead[i] = 0; lease[i] = 0; since[i] = 0; ballot[i] = 0; no_echoes(i)

#define older(i) \
	if :: ech[i] == LL -> ech[i] = 0 :: ech[i] > 0 && ech[i] < LL -> ech[i]++ :: else fi;
#define TICK(i) \
	if :: prom[i] == 1 -> no_promise(i) :: prom[i] > 1 -> prom[i]-- :: else fi; \
	if :: hold[i] > 0 -> hold[i]-- :: else fi; \
	if :: lease[i] > 0 -> lease[i]-- :: else fi; \
	if :: lead[i] && since[i] < LL - 1 -> since[i]++ :: else fi; \
	older(P(i, 0)) older(P(i, 1)) older(P(i, 2))

/* --- elect.c: candidates -------------------------------------------------------- */

#ifdef NO_HOLDOFF
#define held(i) false
#else
#define held(i) (hold[i] > 0)
#endif
#ifdef LATE_REFUSAL
#define held_back(i) (held(i) && asked[i] == 0)
#else
#define held_back(i) held(i)
#endif
#define start_vote(i) \
	no_attempt(i); term[i]++; spent[i] = 1; att[i] = term[i]; asked[i] = asked[i] | BIT(term[i])
#define CANDIDATE(i) \
	:: d_step { !lead[i] && prom[i] == 0 && !held_back(i) && term[i] < TMAX && \
	    (i == 0 || term[0] > 0) -> \
		start_vote(i) }
#define REBALLOT(i) \
	:: d_step { lead[i] && lease[i] > 0 && term[i] < TMAX -> start_vote(i) }
#define REFUSED(c, z) \
	:: d_step { att[c] > 0 && !lead[c] && term[z] > term[c] -> \
		no_attempt(c); term[c] = term[z]; spent[c] = 0 }

/* --- elect.c: electors ------------------------------------------------------------- */

#define busy(z, c) (prom[z] > 0 && to[z] != c)
#define leading(z) (lead[z] && lease[z] > 0)
#ifdef LEADS_ON
#define step_down(z) skip
#define refuses(z) false
#else
#define step_down(z) if :: lead[z] -> stop(z) :: else fi
#define refuses(z) leading(z)
#endif
#ifdef GRANT_PROMISED
#define elsewhere(z, c) false
#else
#define elsewhere(z, c) busy(z, c)
#endif
#define GRANT(z, c, k, t) \
	:: d_step { (asked[c] & BIT(t)) && !held(z) && !elsewhere(z, c) && !refuses(z) && \
	    (t > term[z] || (t == term[z] && !spent[z] && prom[z] == 0)) -> \
		one_vote(z, k, t); \
		step_down(z); term[z] = t; spent[z] = 1; no_attempt(z); \
		if :: att[c] == t || GRANTS_LAST -> yes[P(c, z)] = 1 :: else fi }
#ifdef GRANT_ANY_TERM
#define GRANTS_LAST true
#define one_vote(z, k, t) skip
#else
#define GRANTS_LAST false
#define voted(z, c, t) (yes[P(c, z)] && att[c] == t)
/* Not for me, nor for the third one; for the same again it may. */
#define one_vote(z, k, t) assert(att[z] != t && !voted(z, k, t))
#endif
#define WIN(c, z) \
	:: d_step { att[c] > 0 && yes[P(c, z)] -> \
		assert(!((led[0] | led[1] | led[2]) & BIT(att[c]))); \
		no_promise(c); no_echoes(c); \
		lead[c] = 1; ballot[c] = att[c]; since[c] = 0; \
		led[c] = led[c] | BIT(att[c]); no_attempt(c) }

/* --- beats and echoes ----------------------------------------------------------------- */

#ifdef PROMISE_SHORTENED
#define keep_promise(z, a, for) prom[z] = for
#else
#define keep_promise(z, a, for) \
	if :: to[z] == a && prom[z] >= (for) -> skip :: else -> prom[z] = for fi; \
	keep_hold(z)
#endif
#ifdef HOLDOFF_ENDED
#define keep_hold(z) skip
#else
#define keep_hold(z) if :: prom[z] < hold[z] -> prom[z] = hold[z] :: else fi
#endif
#define follow(z, a, t, for) \
	if :: t > term[z] -> term[z] = t; spent[z] = 0 :: else fi; \
	keep_promise(z, a, for); \
	no_attempt(z); hold[z] = 0; to[z] = a; ballot[z] = t
#define follows(z, a, t) \
	(!lead[z] && t >= term[z] && (!busy(z, a) || t > ballot[z]))
/* A beat for a lease of for ticks, sent age ago; a lease that is shorter by one is
 * earned by its echo as if the beat were older by one. */
#define earns(age, for) (1 + age + L - (for))
#define BEAT(z, a, age, for) \
	:: d_step { lead[a] && age <= since[a] && earns(age, for) <= LL && \
	    follows(z, a, ballot[a]) -> \
		follow(z, a, ballot[a], for); \
		if :: ech[P(a, z)] == 0 || ech[P(a, z)] > earns(age, for) -> \
			ech[P(a, z)] = earns(age, for) \
		:: else fi }
#define STALE(z, a, k, t) \
	:: d_step { (led[a] & BIT(t)) && !(lead[a] && ballot[a] == t) && follows(z, a, t) && \
	    !(prom[z] == L && ballot[z] == t) -> \
		follow(z, a, t, L) }

#ifdef LEASE_FROM_RECEIPT
#define earned(e) LL
#else
#define earned(e) (LL + 1 - (e))
#endif
#define COUNT(a, z) \
	:: d_step { ech[P(a, z)] > 0 -> \
		if :: lease[a] < earned(ech[P(a, z)]) -> lease[a] = earned(ech[P(a, z)]) :: else fi; \
		ech[P(a, z)] = 0; \
		assert((lease[0] > 0) + (lease[1] > 0) + (lease[2] > 0) <= 1) }

/* --- ends ------------------------------------------------------------------------------ */

#define RESIGN(a) \
	:: d_step { lead[a] -> resg[a] = resg[a] | BIT(ballot[a]); stop(a); no_attempt(a) }
#ifdef RESIGN_ANY_TERM
#define of_term(z, t) true
#else
#define of_term(z, t) (ballot[z] == t)
#endif
#define RESIGNED(z, a, k, t) \
	:: d_step { (resg[a] & BIT(t)) && prom[z] > 0 && to[z] == a && of_term(z, t) -> \
		no_promise(z) }
#ifdef VOTE_FORGOTTEN
#define forget(z) spent[z] = 0
#else
#define forget(z) skip
#endif
#ifdef HOLDOFF_SHORTER
#define HOLD (L - 1)
#else
#define HOLD L
#endif
#define RESTART(z) \
	:: d_step { lead[z] || prom[z] > 0 || att[z] > 0 -> \
		if :: lead[z] -> stop(z) :: else fi; \
		no_promise(z); no_attempt(z); hold[z] = HOLD; forget(z) }

/*
 * It comes back with an empty disk: whoever lets it in tells his term, and it goes on in
 * one that is above all that may ever have been its own (elect_joined), and waits.
 */
#ifdef LOST
#ifdef LOST_FREE
#define LOST_HOLD 0
#elif defined(LOST_OWN_LEASE)
#define LOST_HOLD (L - 1)
#else
#define LOST_HOLD L
#endif
#ifdef LOST_TERM
#define let_in(z, y, t) (t == term[y])
#else
#define let_in(z, y, t) (t > term[0] && t > term[1] && t > term[2])
#endif
#define LOSE(z, y, k, t) \
	:: d_step { !lost && let_in(z, y, t) -> \
		lost = 1; stop(z); no_promise(z); no_attempt(z); \
		term[z] = t; spent[z] = 0; hold[z] = LOST_HOLD }
#ifdef LOST_TERM
#define DISK(z, y, x) TERMS(LOSE, z, y, x) TERMS(LOSE, z, x, y)
#else
#define DISK(z, y, x) TERMS(LOSE, z, y, x)
#endif
#else
#define DISK(z, y, x)
#endif

#if TMAX == 2
#define TERMS(m, i, j, k) m(i, j, k, 1) m(i, j, k, 2)
#elif TMAX == 3
#define TERMS(m, i, j, k) m(i, j, k, 1) m(i, j, k, 2) m(i, j, k, 3)
#else
#define TERMS(m, i, j, k) m(i, j, k, 1) m(i, j, k, 2) m(i, j, k, 3) m(i, j, k, 4)
#endif
/* The same again: a macro of cpp cannot stand inside itself. */
#if TMAX == 2
#define EACH(m, i, j, k) m(i, j, k, 1) m(i, j, k, 2)
#elif TMAX == 3
#define EACH(m, i, j, k) m(i, j, k, 1) m(i, j, k, 2) m(i, j, k, 3)
#else
#define EACH(m, i, j, k) m(i, j, k, 1) m(i, j, k, 2) m(i, j, k, 3) m(i, j, k, 4)
#endif
#define PAIR(i, j, k) \
	TERMS(GRANT, i, j, k) WIN(i, j) BEAT(i, j, 0, L) BEAT(i, j, 1, L) BEAT(i, j, 2, L) \
	BEAT(i, j, 0, L - 1) BEAT(i, j, 1, L - 1) \
	TERMS(STALE, i, j, k) COUNT(i, j) TERMS(RESIGNED, i, j, k) REFUSED(i, j)
#define NODE(i, j, k) \
	CANDIDATE(i) REBALLOT(i) RESIGN(i) RESTART(i) DISK(i, j, k) PAIR(i, j, k) PAIR(i, k, j)

active proctype world()
{
	do
	:: atomic {
		if
		:: d_step { true -> TICK(0) TICK(1) TICK(2) }
		NODE(0, 1, 2)
		NODE(1, 0, 2)
		NODE(2, 0, 1)
		fi;
		d_step { TIDY skip }
	}
	od
}
