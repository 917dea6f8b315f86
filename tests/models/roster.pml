/*
 * roster.pml - whose votes count, and how that changes.
 *
 * Three nodes, rosters of any of them, changed jointly by one leader after the other,
 * with crashes, restarts and resignations at any time.  What must hold: never two live
 * full leases (no two disjoint quorums both in force), one leader per term, and a
 * roster that was concluded - a quorum of old and new seen to have stored it - is never
 * lost: whoever is full, and whoever concludes, has that one or a later one.
 *
 * What stands for what
 *	CANDIDATE GRANT WIN	elect_start_vote; vote_asked, would_grant; count_grants
 *	FOLLOW			elect_follow, promise, outlives; echo, roster_echoed
 *	FULL LAPSE		judge_round, quorum_full; lease_end
 *	FETCH			roster_beat, fetch, fetched, leaves_me_out: an elector from its
 *				leader, and a leader from an elector that told it (told[])
 *	STEP			roster_step, step, restamp: the stamp first, and joint to new
 *	CHANGE			make_joint, to any set at all
 *	STOP RESTART EXPIRE	lead_stop, hand_over, step_aside; a crash, with what is on disk;
 *				promise or hold-off over
 *
 * Time is not in it.  What lease.pml proves is taken for granted: a promise, kept or
 * forgotten, is not over before every live lease that rests on it (rests[]), nor before
 * one that was earned earlier by whoever it was given to.  A promise given to somebody
 * else in spite of that is this model's to find.
 *
 * Talk is quicker than there: a question and its answer, a beat and its echo are one
 * step that may not happen.  Only what a leader was told stays with it until it fetches.
 * Ids are a term and a number counted from the leader's own roster, without what else it
 * heard of (seen_version): fewer ids are free, so more could clash.  A re-ballot of a
 * leader is not in it (lease.pml has it).  No weights: three equal votes.
 *
 * LENIENT is `quorum: any` and its like: whoever asks leads, votes are for any roster,
 * two may lead in one term; who had a quorum of votes is known (byq[], by_quorum).
 * There a beat tells what is so when it comes, not when it was sent.
 *
 * HEAD begins in the middle: in term 1 node 0 made a joint roster that nobody else has.
 *
 * LOST: one of the three comes back with an empty disk: it knows no term, promise or
 * roster.  Its term and its hold-off are as in lease.pml; it votes for nobody until it has
 * a roster, and takes one (RECALL) when two say the same, or, of two who differ, the later,
 * or what one says while the other is silent.  Anybody may be silent at any time, so here it
 * takes what any one says: that two must say it is against members that lie, and takes a
 * fourth node to show.  What is left of the rule is what it asks of the world
 * (remembered): both others hold what the disk held, or later.  LOST_ALONE shows that this
 * must be asked: of the two who stored a roster one forgot it, and then the third tells an
 * older one (tests/sim/fault_disk.c does not draw that either).
 *	A roster may come to it of a term that it does not know; then its own next term may
 * be the one of that roster's leader, and only the prevote, which wants a term above that of
 * each who grants it, keeps it from being the second leader there (knows_term).
 *
 * Mutants (-D): SKIP_JOINT, NEW_QUORUM_ALONE (joint, but the new majority will do),
 * UNSTORED (steps do not wait), SMALL_SIDE_STEPS (not only a full leader), VOTE_FOR_OLDER,
 * NO_STAMP_FIRST (with HEAD: it takes four terms); with LENIENT: COUNT_LATER (an echo of
 * who knows a later roster), HOLDOFF_BY_FLAG (a restarted node follows whoever a quorum
 * elected), UNELECTED_STEPS (a full leader that no quorum elected changes the roster).
 * The last two were in the code when this was written.  With LOST: LOST_ALONE, LOST_TERM,
 * LOST_FREE as above and in lease.pml, LOST_UNASKED (no prevote after RECALL: 30 steps).
 * No mutants, for nothing falls without them: that who lost its roster does not vote (both
 * others remember; 11,144,065 states), COUNT_LATER where votes look at the roster (who
 * voted knows none later, and a quorum did), and stamping what was fetched while leading
 * (foreign): an id of the leader's own term is another's only where two lead in one.
 *
 * Explored, each the whole of it (TMAX terms, CHANGES joint rosters, START who votes at
 * first): 4.6 million states with 3, 1, all; 3.7, 1.6 and 2.4 million with 2, 2 and all,
 * two, one; 7.8 million of HEAD with 4, 2; LENIENT 0.5 million with 1, 2 and 8.5 million
 * with 2, 1; LOST 9,655,552 with 2, 2 and 11,491,196 with 3, 1.  About 45 s of a core and
 * 1.2 GB at most.  Once, outside of the script, 3, 2: 23.4, 11.5 and 15.8 million from all,
 * two and one, 80 s and 2.2 GB at most, nothing wrong.
 * LENIENT with 2, 2 was not finished after 300 s, and nothing was found so far; with LOST
 * and 2, 1 it is 20,763,659, 87 s and 1.9 GB, nothing wrong.
 */
#ifndef TMAX
#define TMAX 3
#endif
#ifndef CHANGES
#define CHANGES 1	/* joint rosters ever made */
#endif
#ifndef START
#define START 7		/* who has a vote at first */
#endif

#define BIT(n) (1 << (n))
#define ones(m) (((m) & 1) + (((m) >> 1) & 1) + (((m) >> 2) & 1))
#define half(m, s) (2 * ones((m) & (s)) > ones(s))

/* On disk.  A roster's id is term * 8 + version within the term. */
byte term[3], id[3];
bit spent[3];
byte old[3], new[3];	/* masks of nodes; 0 = knows no roster */
byte was[3];		/* 1 + whom it promised last */
/* In memory. */
bit lead[3];		/* in term[] */
bit byq[3];		/* a quorum voted for it */
bit asks[3];		/* for votes in term[] */
byte votes[3];
byte to[3];		/* 1 + the leader promised to, in the term it led; 0 = nobody */
bit hold[3];		/* restarted: a promise may be forgotten */
bit foreign[3];
byte echoed[3], stores[3];	/* of a leader: who echoed since its roster is this one; who has it */
byte told[3];		/* who told it of a later roster, and holds that still */
bit fulls[3];		/* its full lease lives */
byte rests[3];		/* on these promises */
byte changes;
#ifdef LOST
bit lost;		/* one disk was */
#endif
byte concluded;		/* the id of the last roster that a quorum was seen to have stored */

#ifdef NEW_QUORUM_ALONE
#define quorum(m, i) (new[i] != 0 && half(m, new[i]))
#else
#define quorum(m, i) (new[i] != 0 && half(m, old[i]) && half(m, new[i]))
#endif
#define same(z, a) (id[z] == id[a] && old[z] == old[a] && new[z] == new[a])
#define voter(z, i) (((old[i] | new[i]) & BIT(z)) != 0)
#define joint(i) (old[i] != new[i])
#define leased(z) \
	((fulls[0] && (rests[0] & BIT(z))) || (fulls[1] && (rests[1] & BIT(z))) || \
	    (fulls[2] && (rests[2] & BIT(z))))

#define unpromise(z) \
	to[z] = 0; \
	echoed[0] = echoed[0] & ~BIT(z); echoed[1] = echoed[1] & ~BIT(z); \
	echoed[2] = echoed[2] & ~BIT(z)
#define stop(i) \
	lead[i] = 0; byq[i] = 0; asks[i] = 0; votes[i] = 0; foreign[i] = 0; \
	echoed[i] = 0; stores[i] = 0; told[i] = 0; fulls[i] = 0; rests[i] = 0

/* --- elections, with leases that lease.pml has proven ------------------------------ */

/* Who recalled the roster of a term that it does not know has but the prevote. */
#if !defined(LOST) || defined(LOST_UNASKED)
#define knows_term(i) true
#else
#define below(j, i) (term[j] <= term[i] -> BIT(j) : 0)
#define knows_term(i) \
	(id[i] / 8 <= term[i] || quorum(below(0, i) | below(1, i) | below(2, i), i))
#endif
#define CANDIDATE(i) \
	:: d_step { !lead[i] && to[i] == 0 && !hold[i] && voter(i, i) && term[i] < TMAX && \
	    (i == 0 || term[0] > 0) && knows_term(i) -> \
		term[i]++; spent[i] = 1; asks[i] = 1; votes[i] = BIT(i) }
#if defined(VOTE_FOR_OLDER) || defined(LENIENT)
#define may_lead(c, z) true
#else
#define may_lead(c, z) (id[c] > id[z] || (id[c] == id[z] && voter(c, z)))
#endif
#define GRANT(z, c) \
	:: d_step { asks[c] && new[z] != 0 && !hold[z] && (to[z] == 0 || to[z] == c + 1) && \
	    !(lead[z] && fulls[z]) && may_lead(c, z) && \
	    (term[c] > term[z] || (term[c] == term[z] && !spent[z] && to[z] == 0)) -> \
		stop(z); \
		term[z] = term[c]; spent[z] = 1; votes[c] = votes[c] | BIT(z) }
#ifdef LENIENT
#define wins(c) true
#define remember(z, a) was[z] = a + 1
#define alone(a) skip
#define outranks(a, z) (fulls[a] && term[a] > term[z])
#ifdef HOLDOFF_BY_FLAG
#define barred(z, a) (hold[z] && !byq[a] && !fulls[a])
#else
#define barred(z, a) \
	(hold[z] && was[z] != a + 1 && !(term[a] > term[z] && (byq[a] || fulls[a])))
#endif
#else
#define wins(c) quorum(votes[c], c)
#define remember(z, a) skip
#define alone(a) assert(!(lead[0] && lead[1] && term[0] == term[1]) && \
	    !(lead[0] && lead[2] && term[0] == term[2]) && \
	    !(lead[1] && lead[2] && term[1] == term[2]))
#define outranks(a, z) (term[a] > term[z])
#define barred(z, a) false
#endif
#define WIN(c) \
	:: d_step { asks[c] && wins(c) -> \
		byq[c] = quorum(votes[c], c); \
		asks[c] = 0; votes[c] = 0; lead[c] = 1; unpromise(c); \
		echoed[c] = 0; stores[c] = 0; \
		alone(c) }
#define promised(z, a) \
	if :: term[a] > term[z] -> spent[z] = 0 :: else fi; \
	if :: to[z] != a + 1 -> unpromise(z) :: else fi; \
	asks[z] = 0; votes[z] = 0; hold[z] = 0; term[z] = term[a]; to[z] = a + 1; remember(z, a); \
	if :: fulls[a] -> rests[a] = rests[a] | BIT(z) :: else fi
#ifdef COUNT_LATER
#define counted(z, a) true
#else
#define counted(z, a) (id[z] <= id[a])
#endif
#define FOLLOW(z, a) \
	:: d_step { lead[a] && !lead[z] && term[a] >= term[z] && \
	    (to[z] == 0 || to[z] == a + 1 || outranks(a, z)) && !barred(z, a) -> \
		promised(z, a); \
		if :: counted(z, a) -> echoed[a] = echoed[a] | BIT(z) :: else fi; \
		if \
		:: same(z, a) -> stores[a] = stores[a] | BIT(z) \
		:: id[z] > id[a] && voter(z, a) -> told[a] = told[a] | BIT(z) \
		:: else fi }
#define FULL(a) \
	:: d_step { lead[a] && quorum(echoed[a] | BIT(a), a) -> \
		fulls[a] = 1; rests[a] = rests[a] | echoed[a]; echoed[a] = 0; \
		assert(fulls[0] + fulls[1] + fulls[2] == 1); \
		assert(id[a] >= concluded) }
#define LAPSE(a) \
	:: d_step { fulls[a] -> fulls[a] = 0; rests[a] = 0 }
#define STOP(a) \
	:: d_step { lead[a] -> stop(a) }
#define EXPIRE(z) \
	:: d_step { to[z] > 0 && !(fulls[to[z] - 1] && (rests[to[z] - 1] & BIT(z))) -> unpromise(z) }
#define RESTART(z) \
	:: d_step { lead[z] || to[z] > 0 -> \
		stop(z); to[z] = 0; hold[z] = 1 } \
	:: d_step { hold[z] && !leased(z) -> hold[z] = 0; unpromise(z) }

/* --- rosters ----------------------------------------------------------------------------- */

#define other(z) \
	told[0] = told[0] & ~BIT(z); told[1] = told[1] & ~BIT(z); told[2] = told[2] & ~BIT(z)
#define take(z, a) id[z] = id[a]; old[z] = old[a]; new[z] = new[a]; other(z)
#define later(a, z) (id[a] > id[z] || (id[a] == id[z] && !same(z, a)))
#define left_out(z, a) (!voter(z, a) && voter(z, z))
#define FETCH(z, a) \
	:: d_step { lead[a] && to[z] == a + 1 && term[z] == term[a] && later(a, z) && \
	    !left_out(z, a) -> \
		take(z, a) } \
	:: d_step { (told[a] & BIT(z)) && id[z] > id[a] && !left_out(a, z) -> \
		take(a, z); told[a] = told[a] & ~BIT(z); foreign[a] = 1; echoed[a] = 0; stores[a] = 0 }

#define mine(a) (id[a] / 8 == term[a])
#define restamp(a) \
	if :: mine(a) -> id[a]++ :: else -> id[a] = term[a] * 8 + 1 fi; \
	foreign[a] = 0; echoed[a] = 0; stores[a] = 0; other(a)
#ifdef NO_STAMP_FIRST
#define to_stamp(a) false
#else
#define to_stamp(a) (!mine(a) || foreign[a])
#endif
#ifdef UNSTORED
#define stored(a) true
#else
#define stored(a) quorum(stores[a] | BIT(a), a)
#endif
#ifdef SMALL_SIDE_STEPS
#define may_step(a) (lead[a])
#else
#define may_step(a) (lead[a] && fulls[a] && told[a] == 0 && (byq[a] || unelected))
#endif
#ifdef UNELECTED_STEPS
#define unelected true
#else
#define unelected false
#endif
#define conclude(a) \
	assert(id[a] >= concluded); concluded = id[a]
#define room(a) (!mine(a) || id[a] % 8 < 7)
#ifdef SKIP_JOINT
#define becomes(a, set) old[a] = set; new[a] = set
#else
#define becomes(a, set) new[a] = set
#endif
#define CHANGE(a, set) \
	:: d_step { may_step(a) && !to_stamp(a) && stored(a) && !joint(a) && \
	    new[a] != set && changes < CHANGES && room(a) -> \
		conclude(a); becomes(a, set); restamp(a); changes++ }
#define STEP(a) \
	:: d_step { may_step(a) && to_stamp(a) && room(a) -> restamp(a) } \
	:: d_step { may_step(a) && !to_stamp(a) && stored(a) && joint(a) && (new[a] & BIT(a)) && \
	    room(a) -> \
		conclude(a); old[a] = new[a]; restamp(a) } \
	:: d_step { may_step(a) && mine(a) && stored(a) && id[a] > concluded -> conclude(a) }

/* --- one comes back with an empty disk: elect_joined, recall_agreed ----------------------- */

#ifdef LOST
#ifdef LOST_FREE
#define LOST_HOLD 0
#else
#define LOST_HOLD 1
#endif
#ifdef LOST_TERM
#define let_in(z, y, t) (t == term[y])
#define BY(z, y, x) TERMS(LOSE, z, y, x) TERMS(LOSE, z, x, y)
#else
#define let_in(z, y, t) (t > term[0] && t > term[1] && t > term[2])
#define BY(z, y, x) TERMS(LOSE, z, y, x)
#endif
#ifdef LOST_ALONE
#define remembered(z, y, x) true
#else
#define remembered(z, y, x) (id[y] >= id[z] && id[x] >= id[z])
#endif
#define LOSE(z, y, x, t) \
	:: d_step { !lost && new[z] != 0 && let_in(z, y, t) && remembered(z, y, x) -> \
		lost = 1; stop(z); to[z] = 0; hold[z] = LOST_HOLD; \
		term[z] = t; spent[z] = 0; id[z] = 0; old[z] = 0; new[z] = 0; was[z] = 0; other(z) }
#define RECALL(z, y) \
	:: d_step { lost && new[z] == 0 && new[y] != 0 -> take(z, y) }
#if TMAX == 2
#define TERMS(m, i, j, k) m(i, j, k, 1) m(i, j, k, 2)
#elif TMAX == 3
#define TERMS(m, i, j, k) m(i, j, k, 1) m(i, j, k, 2) m(i, j, k, 3)
#else
#define TERMS(m, i, j, k) m(i, j, k, 1) m(i, j, k, 2) m(i, j, k, 3) m(i, j, k, 4)
#endif
#define DISK(z, y, x) BY(z, y, x) RECALL(z, y) RECALL(z, x)
#else
#define DISK(z, y, x)
#endif

#define PAIR(i, j) GRANT(i, j) FOLLOW(i, j) FETCH(i, j)
#define NODE(i, j, k) \
	CANDIDATE(i) WIN(i) FULL(i) LAPSE(i) STOP(i) EXPIRE(i) RESTART(i) STEP(i) DISK(i, j, k) \
	PAIR(i, j) PAIR(i, k) \
	CHANGE(i, 1) CHANGE(i, 2) CHANGE(i, 3) CHANGE(i, 4) CHANGE(i, 5) CHANGE(i, 6) CHANGE(i, 7)
#define knows(i, set) id[i] = 1; old[i] = set; new[i] = set

active proctype world()
{
#ifdef HEAD
	d_step {
		knows(0, 7); knows(1, 7); knows(2, 7);
		id[0] = 10; new[0] = 1; id[1] = 9; id[2] = 9;
		term[0] = 1; term[1] = 1; term[2] = 1;
		spent[0] = 1; spent[1] = 1; spent[2] = 1;
		changes = 1; concluded = 9
	}
#else
	d_step {
		if :: (START & 1) -> knows(0, START) :: else fi;
		if :: (START & 2) -> knows(1, START) :: else fi;
		if :: (START & 4) -> knows(2, START) :: else fi
	}
#endif
end:	do
	NODE(0, 1, 2)
	NODE(1, 0, 2)
	NODE(2, 0, 1)
	od
}
