/*
 * role_lease.pml - the role lease: at most one instance in the whole world.
 *
 * One exclusive instance, two executors that may run it, and whoever is the full
 * leader.  What must hold: the payload runs in at most one place at any instant;
 * and whatever has happened, once one executor's host is gone and nothing else fails
 * any more, the other runs the instance within an office and a tick.
 *
 * What stands for what
 *	ask			ask, rolelease_fill_ask: the newest question, its claim
 *	question		question, confirm, rolelease_fill_confirm
 *	answered		confirmed
 *	wanted, slot		mesh_exclusive_want, tidy (rolelease.c)
 *	forget			an engine that dies and starts anew; what runs goes on, and
 *				mesh_exclusive_running tells it before the first list, and
 *				mesh_exclusive_held, or not, until when it may run
 *	inst, dl		the container and its fence file (daemon/init/fence.c): the
 *				init ends it at the deadline with nobody alive to ask
 *	reigns, fs		lead_grade is full; since when (full_since, settled)
 *
 * Leaders.  That full leases exclude each other is lease.pml's to prove and assumed
 * here; so of all leaders one is kept, the full one, and when it stops being full
 * what it confirmed is forgotten, as in a new office (rolelease_office).  One that
 * is full again in its old office remembers more and may only refuse more: what it
 * confirmed before is over when it is settled, and until then it wants a claim each
 * time.  Whose the instance is by the schedule is free at every question, so that any
 * change of it, and two leaders of two minds, are among what is tried.
 *
 * Time.  The executor's clock is the slow one, the leader's the fast one: the lease
 * lasts as long as it can (T ticks from the question), the leader waits as short as
 * it can (TL).  Equal, because of the 1 % (DRIFT_PERCENT); see lease.pml for why that
 * is all there is to try.  A question is asked at most once a tick, and T is 2: enough
 * for one that is renewed, one that is late and one that is gone.  Packets are lost,
 * reordered and late by up to a lease; the replay window lets each in once.
 *
 * The freezer.  A frozen payload does not run, also past its deadline; the model
 * ASSUMES that on the thaw the init kills before the payload runs a single step.
 * The kernel does not promise that: it wakes both, and the payload may win by a
 * scheduling delay.  THAW_RUNS shows that nothing else would prevent a second one.
 * The same is assumed of a host that slept or a virtual machine that was halted.
 *
 * Left out: the TERM before the KILL, several instances, leaving,
 * eviction, a clock that restarts with its host (there a question of the life before
 * is refused by its generation, members_fresh), members that lie.
 *
 * Mutants (-D): NO_EPSILON, ROLE_FROM_RECEIPT (counted from the answer), ANY_ANSWER
 * (not to the newest question alone), PLACE_AT_ONCE (a new leader does not wait),
 * TAKEN_AWAY (confirmed to a new owner while another may hold it), FREED_BY_OLDER (a
 * question older than the confirmed one frees), BLIND (an engine starts anew and does
 * not name what runs), NO_FENCE, THAW_RUNS, LATE_CLAIM (who claimed to hold it takes
 * the answer when that is no longer so), CLAIM_BREEDS (a leader that is not settled
 * confirms again without a claim), KEPT_LONGER (a new engine claims more than its host
 * holds); and for the second property NEVER_LAPSES.
 * LATE_CLAIM and CLAIM_BREEDS were in the code when this was written.  No mutant:
 * that only a settled leader takes an instance for freed (question).  Since a claim
 * is asked for each time, nothing falls without it.
 *
 * EITHER: of two states that differ only in who is called 0 the one is looked at.  So it
 * is half of them, to the few that look the same both ways, and that halves the time; a
 * counterexample would exchange the two on its way, so the mutants do without.
 *
 * Explored: 4,355,720 states with EITHER, the whole of it; 30 s of a core, 480 MB.
 * Without, 8,710,748, in 65 s and 740 MB: the same world twice.  By breadth first the mutants fall
 * within 24 steps, LATE_CLAIM and CLAIM_BREEDS last, after 1.3 and 1.8 million states and
 * about 10 s; in the depth LATE_CLAIM was not found in 20 minutes.
 */
#ifndef T
#define T 2	/* a role lease, in ticks of the fastest clock: as long as it can last */
#endif
#ifdef NO_EPSILON
#define TL (T - 1)
#else
#define TL T	/* what a leader waits, as short as it can be */
#endif
#define K T	/* no packet is on its way for longer */
#define NEVER (K + 1)
#define NOT_ASKED T	/* the answer to an older question gives no lease */

/* Of an executor; u, dl: ticks left, qa, aa: ticks ago. */
bit wanted[2];
byte u[2];		/* its lease */
byte qa[2], aa[2];	/* its newest question; the question that an answer on its way answers */
bit claimed[2];		/* the newest question said that it was HELD */
byte q[2 * (K + 1)];	/* its questions on their way, by age */
byte inst[2];		/* the instance */
byte dl[2];		/* the deadline that the init has */
/* Of a leader: is it full, for how long; to whom it confirmed, until when, which question. */
bit reigns;
byte fs, holder, gu, ga;

#define Q(x, a) q[(x) * (K + 1) + (a)]
#define NONE 0		/* q: nothing */
#define EMPTY 1		/* does not name the instance */
#define NAMED 2
#define HELD 3		/* and its lease had not ended */
#define DEAD 0		/* run: */
#define RUNS 1
#define FROZEN 2

#ifdef BLIND
#define has_slot(x) (wanted[x])
#else
#define has_slot(x) (wanted[x] || inst[x] != DEAD)
#endif
#define one_runs() assert(!(inst[0] == RUNS && inst[1] == RUNS))

/* --- time ------------------------------------------------------------------------ */

#define down(v) if :: v > 0 -> v-- :: else fi
#define up(v, max) if :: v < max -> v++ :: else fi
#if T == 2
#define shift(x) Q(x, 2) = Q(x, 1); Q(x, 1) = Q(x, 0); Q(x, 0) = NONE
#else
#define shift(x) Q(x, 3) = Q(x, 2); Q(x, 2) = Q(x, 1); Q(x, 1) = Q(x, 0); Q(x, 0) = NONE
#endif
#define TICK(x) \
	down(u[x]); up(qa[x], NOT_ASKED); up(aa[x], NOT_ASKED); shift(x); down(dl[x]); \
	if :: qa[x] == NOT_ASKED -> claimed[x] = 0 :: else fi; \
	if :: dl[x] == 0 && inst[x] == RUNS -> deadline(x) :: else fi
#ifdef NEVER_LAPSES
#define lapse skip
#else
#define lapse down(gu)
#endif
#define TICK_LEADER \
	if :: reigns -> up(fs, TL) :: else fi; \
	lapse; \
	if :: gu == 0 -> holder = 0; ga = 0 :: else -> up(ga, NEVER) fi

/* --- the executor ------------------------------------------------------------------ */

#ifdef NO_FENCE
#define deadline(x) skip
#else
#define deadline(x) inst[x] = DEAD; slot(x)
#endif
/* What is neither wanted nor running has no lease (tidy). */
#define slot(x) if :: !has_slot(x) -> u[x] = 0 :: else fi

#ifdef ANY_ANSWER
#define forget_answer(x) skip
#define answers(x) (aa[x] < NOT_ASKED)
#else
#define forget_answer(x) aa[x] = NOT_ASKED
#define answers(x) (aa[x] == qa[x] && qa[x] < T)
#endif
#ifdef ROLE_FROM_RECEIPT
#define lease_of(x) T
#else
#define lease_of(x) (T - aa[x])
#endif
#define content(x) (!has_slot(x) -> EMPTY : (u[x] > 0 -> HELD : NAMED))
#define ask(x) \
	Q(x, 0) = content(x); qa[x] = 0; claimed[x] = (Q(x, 0) == HELD); forget_answer(x)
#ifdef LATE_CLAIM
#define too_late(x) false
#else
#define too_late(x) (claimed[x] && u[x] == 0)
#endif
#define answered(x) \
	if :: !too_late(x) && lease_of(x) > 0 -> u[x] = lease_of(x) :: else fi; aa[x] = NOT_ASKED
#define forget(x) \
	wanted[x] = 0; u[x] = 0; qa[x] = NOT_ASKED; aa[x] = NOT_ASKED; claimed[x] = 0

/* --- the leader ----------------------------------------------------------------------- */

#ifdef PLACE_AT_ONCE
#define settled true
#else
#define settled (fs >= TL)
#endif
#ifdef FREED_BY_OLDER
#define newer(a) true
#else
#define newer(a) (a < ga)
#endif
#ifdef TAKEN_AWAY
#define not_mine(x) false
#else
#define not_mine(x) (gu > 0 && holder != x + 1)
#endif
#ifdef CLAIM_BREEDS
#define unclaimed(x, a) (gu == 0 && Q(x, a) != HELD)
#else
#define unclaimed(x, a) (Q(x, a) != HELD)
#endif
#define question(x, a) \
	if \
	:: Q(x, a) == EMPTY -> \
		if :: holder == x + 1 && newer(a) && settled -> \
			holder = 0; gu = 0; ga = 0 \
		:: else fi \
	:: else -> \
		if :: not_mine(x) || (gu > 0 && a >= ga) || \
		    (!settled && unclaimed(x, a)) -> skip \
		:: else -> \
			holder = x + 1; gu = TL; ga = a; \
			if :: a < aa[x] && (a == qa[x] || answers_old) -> aa[x] = a :: else fi \
		fi \
	fi; \
	Q(x, a) = NONE
#ifdef ANY_ANSWER
#define answers_old true
#else
#define answers_old false
#endif

/* --- everything that may happen ---------------------------------------------------------- */

#define EXECUTOR(x) \
	:: d_step { qa[x] > 0 -> ask(x); SORT } \
	:: d_step { answers(x) && wanted[x] -> answered(x); SORT } \
	:: d_step { !wanted[x] -> wanted[x] = 1; SORT } \
	:: d_step { wanted[x] -> wanted[x] = 0; slot(x); SORT } \
	:: d_step { wanted[x] && u[x] > 0 && inst[x] == DEAD -> \
		inst[x] = RUNS; dl[x] = u[x]; one_runs(); SORT } \
	:: d_step { wanted[x] && u[x] > 0 && inst[x] != DEAD && dl[x] != u[x] -> dl[x] = u[x]; SORT } \
	:: d_step { inst[x] == RUNS -> inst[x] = FROZEN; SORT } \
	:: d_step { inst[x] == FROZEN -> thaw(x); one_runs(); SORT } \
	:: d_step { inst[x] != DEAD -> inst[x] = DEAD; dl[x] = 0; slot(x); SORT } \
	:: d_step { qa[x] < NOT_ASKED || wanted[x] || u[x] > 0 -> forget(x); SORT } \
	:: d_step { qa[x] < NOT_ASKED && inst[x] != DEAD && dl[x] > 0 -> forget(x); u[x] = kept(x); SORT }
/* What the init has is what was given, and the host kept it. */
#ifdef KEPT_LONGER
#define kept(x) (dl[x] < T -> dl[x] + 1 : T)
#else
#define kept(x) dl[x]
#endif
#ifdef THAW_RUNS
#define thaw(x) inst[x] = RUNS
#else
#define thaw(x) if :: dl[x] > 0 -> inst[x] = RUNS :: else -> inst[x] = DEAD; slot(x) fi
#endif
#define LEADER \
	:: d_step { !reigns -> reigns = 1; SORT } \
	:: d_step { reigns -> reigns = 0; fs = 0; gu = 0; holder = 0; ga = 0; SORT }
#define RECV(x, a) \
	:: d_step { reigns && Q(x, a) != NONE -> question(x, a); SORT }
#if T == 2
#define AGES(x) RECV(x, 0) RECV(x, 1) RECV(x, 2)
#else
#define AGES(x) RECV(x, 0) RECV(x, 1) RECV(x, 2) RECV(x, 3)
#endif

/*
 * The host of executor y is gone, whatever still runs there; nothing else fails any
 * more.  Whoever is full stays so, or there is one now; executor x is the owner and
 * knows it; its questions are asked, heard and answered in one tick.  Then it runs
 * within CALM ticks: an office, and one more for what is under way.
 */
#define CALM (TL + 1)
#define CALM_TICK(x) \
	wanted[x] = 1; \
	if :: inst[x] == FROZEN -> thaw(x) :: else fi; \
	reigns = 1; \
	if :: qa[x] > 0 -> ask(x) :: else fi; \
	if :: Q(x, 0) != NONE -> question(x, 0) :: else fi; \
	if :: answers(x) -> answered(x) :: else fi; \
	if :: u[x] > 0 -> inst[x] = RUNS; dl[x] = u[x]; one_runs() :: else fi; \
	TICK(0); TICK(1); TICK_LEADER
/* What a first such tick begins with are steps that may be taken anyway, so it is enough
 * to begin where they have been. */
#define calm_begun(x) \
	(wanted[x] && inst[x] != FROZEN && reigns && qa[x] == 0 && Q(x, 0) == NONE && \
	    !answers(x) && (u[x] == 0 || (inst[x] == RUNS && dl[x] == u[x])))
#define CALMS(x) \
	:: d_step { calm_begun(x) -> \
		ticks = 0; \
		do :: ticks < CALM -> CALM_TICK(x); ticks++ :: else -> break od; \
		ticks = 0; assert(inst[x] == RUNS) } -> break

/* Who is called 0 makes no difference: of two such states one is looked at. */
#ifdef EITHER
hidden byte tmp;
#define all_of(x) (wanted[x] + 2 * (claimed[x] + 2 * (inst[x] + 4 * (dl[x] + 4 * (u[x] + 4 * \
	(qa[x] + 4 * (aa[x] + 4 * questions(x))))))))
#if T == 2
#define questions(x) (Q(x, 0) + 4 * (Q(x, 1) + 4 * Q(x, 2)))
#define swap_questions swap(Q(0, 0), Q(1, 0)); swap(Q(0, 1), Q(1, 1)); swap(Q(0, 2), Q(1, 2))
#else
#define questions(x) (Q(x, 0) + 4 * (Q(x, 1) + 4 * (Q(x, 2) + 4 * Q(x, 3))))
#define swap_questions swap(Q(0, 0), Q(1, 0)); swap(Q(0, 1), Q(1, 1)); swap(Q(0, 2), Q(1, 2)); \
	swap(Q(0, 3), Q(1, 3))
#endif
#define swap(v, w) if :: v != w -> tmp = v; v = w; w = tmp :: else fi
#define SORT \
	if \
	:: all_of(0) < all_of(1) -> \
		swap(wanted[0], wanted[1]); swap(claimed[0], claimed[1]); swap(inst[0], inst[1]); \
		swap(dl[0], dl[1]); swap(u[0], u[1]); swap(qa[0], qa[1]); swap(aa[0], aa[1]); \
		swap_questions; \
		if :: holder > 0 -> holder = 3 - holder :: else fi; tmp = 0 \
	:: all_of(0) == all_of(1) && holder == 2 -> holder = 1 \
	:: else fi
#else
#define SORT skip
#endif

active proctype world()
{
	byte ticks;

	qa[0] = NOT_ASKED; qa[1] = NOT_ASKED; aa[0] = NOT_ASKED; aa[1] = NOT_ASKED;
	do
	:: d_step { true -> TICK(0); TICK(1); TICK_LEADER; one_runs(); SORT }
	EXECUTOR(0)
	EXECUTOR(1)
	LEADER
	AGES(0)
	AGES(1)
	CALMS(0)
	CALMS(1)
	od
}
