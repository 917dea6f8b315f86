/*
 * test_lifecycle.c - one container's life as stories in virtual time, and a
 * walk through every state and event that must keep the table's invariants.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../../daemon/core/lifecycle.h"

static void
starts_runs_and_stops(void **state)
{
	struct life l;

	(void)state;
	life_new(&l, 1000, 5000, false, 7);
	assert_int_equal(life_step(&l, LIFE_EV_START, 0), LIFE_LAUNCH);
	assert_int_equal(l.state, LIFE_STARTING);
	assert_int_equal(l.deadline, LIFE_START_MS_MAX);
	assert_int_equal(life_step(&l, LIFE_EV_UP, 10), LIFE_NOTHING);
	assert_int_equal(l.state, LIFE_UP);
	assert_true(l.deadline == MSEC_NEVER);
	assert_int_equal(life_step(&l, LIFE_EV_STOP, 20), LIFE_TERM);
	assert_int_equal(l.deadline, 5020);
	assert_int_equal(life_step(&l, LIFE_EV_TIME, 5020), LIFE_KILL);
	assert_int_equal(life_step(&l, LIFE_EV_END, 5021), LIFE_REAP);
	assert_int_equal(life_step(&l, LIFE_EV_TIME, 5026), LIFE_REAP);
	assert_int_equal(life_step(&l, LIFE_EV_EMPTY, 5030), LIFE_FORGET);
	assert_int_equal(l.state, LIFE_DOWN);
}

/* Run for ms, end, prove empty; what then? */
static enum life_act
one_run(struct life *l, msec *now, msec ms)
{
	assert_int_equal(life_step(l, LIFE_EV_UP, *now), LIFE_NOTHING);
	*now += ms;
	assert_int_equal(life_step(l, LIFE_EV_END, *now), LIFE_REAP);
	return life_step(l, LIFE_EV_EMPTY, *now);
}

static void
long_runs_restart_at_once(void **state)
{
	struct life l;
	msec now = 0;

	(void)state;
	life_new(&l, 1000, 5000, false, 7);
	assert_int_equal(life_step(&l, LIFE_EV_START, now), LIFE_LAUNCH);
	for (uint32_t i = 1; i <= 20; i++) {
		assert_int_equal(one_run(&l, &now, 1000), LIFE_LAUNCH);
		assert_int_equal(l.restarts, i);
		assert_int_equal(l.fails, 0);
	}
}

static void
short_runs_back_off(void **state)
{
	struct life l;
	msec now = 0, base = 1000;

	(void)state;
	life_new(&l, 1000, 5000, false, 7);
	assert_int_equal(life_step(&l, LIFE_EV_START, now), LIFE_LAUNCH);
	for (uint32_t k = 1; k <= 12; k++) {
		assert_int_equal(one_run(&l, &now, 999), LIFE_NOTHING);
		assert_int_equal(l.state, LIFE_BACKOFF);
		assert_in_range(l.deadline - now, base * 3 / 4, base * 5 / 4);
		assert_int_equal(life_crash_loop(&l), k >= LIFE_CRASH_LOOP);
		now = l.deadline;
		assert_int_equal(life_step(&l, LIFE_EV_TIME, now), LIFE_LAUNCH);
		base = base * 2 > LIFE_BACKOFF_MS_MAX ? LIFE_BACKOFF_MS_MAX :
							base * 2;
	}
	/* One good run forgives all. */
	assert_int_equal(one_run(&l, &now, 1000), LIFE_LAUNCH);
	assert_false(life_crash_loop(&l));
}

/* A code that the container's file lists: run again, never a crash-loop. */
static void
normal_ends_are_no_failures(void **state)
{
	struct life l;
	msec now = 0;

	(void)state;
	life_new(&l, 1000, 5000, false, 7);
	assert_int_equal(life_step(&l, LIFE_EV_START, now), LIFE_LAUNCH);
	for (uint32_t k = 1; k <= 12; k++) {
		l.normal = true;
		assert_int_equal(one_run(&l, &now, 10), LIFE_NOTHING);
		assert_in_range(l.deadline - now, 750, 1250);
		assert_int_equal(l.fails, 0);
		assert_int_equal(l.restarts, k);
		now = l.deadline;
		assert_int_equal(life_step(&l, LIFE_EV_TIME, now), LIFE_LAUNCH);
		assert_false(l.normal); /* of one run, not of the next */
	}
	l.normal = true;
	assert_int_equal(one_run(&l, &now, 1000), LIFE_LAUNCH);
	assert_int_equal(one_run(&l, &now, 10), LIFE_NOTHING);
	assert_int_equal(l.fails, 1);
}

/* Ended because it does not work: as a stop, but it is run again. */
static void
unwell_is_ended_and_run_again(void **state)
{
	struct life l;
	msec now = 0;

	(void)state;
	life_new(&l, 1000, 5000, false, 7);
	for (uint32_t fails = 1; fails <= LIFE_CRASH_LOOP; fails++) {
		assert_int_equal(life_step(&l, fails == 1 ? LIFE_EV_START : LIFE_EV_TIME, now), LIFE_LAUNCH);
		assert_int_equal(life_step(&l, LIFE_EV_UP, now), LIFE_NOTHING);
		l.failed = l.normal = true;
		now += 10000; /* much longer than restart-timeout */
		assert_int_equal(life_step(&l, LIFE_EV_UNWELL, now), LIFE_TERM);
		assert_int_equal(l.deadline, now + 5000);
		assert_int_equal(life_step(&l, LIFE_EV_UNWELL, now), LIFE_NOTHING);
		assert_int_equal(life_step(&l, LIFE_EV_END, now), LIFE_REAP);
		assert_int_equal(life_step(&l, LIFE_EV_EMPTY, now), LIFE_NOTHING);
		assert_int_equal(l.state, LIFE_BACKOFF);
		assert_int_equal(l.fails, fails);
		now = l.deadline;
	}
	assert_true(life_crash_loop(&l));
	/* Once it was well, it is a long run like any other. */
	assert_int_equal(life_step(&l, LIFE_EV_TIME, now), LIFE_LAUNCH);
	assert_false(l.failed);
	assert_int_equal(life_step(&l, LIFE_EV_UP, now), LIFE_NOTHING);
	now += 10000;
	assert_int_equal(life_step(&l, LIFE_EV_UNWELL, now), LIFE_TERM);
	assert_int_equal(life_step(&l, LIFE_EV_END, now), LIFE_REAP);
	assert_int_equal(life_step(&l, LIFE_EV_EMPTY, now), LIFE_LAUNCH);
	assert_int_equal(l.fails, 0);
	/* Not wanted any more, while it is ended for that. */
	assert_int_equal(life_step(&l, LIFE_EV_UP, now), LIFE_NOTHING);
	assert_int_equal(life_step(&l, LIFE_EV_UNWELL, now), LIFE_TERM);
	assert_int_equal(life_step(&l, LIFE_EV_STOP, now), LIFE_NOTHING);
	assert_int_equal(life_step(&l, LIFE_EV_END, now), LIFE_REAP);
	assert_int_equal(life_step(&l, LIFE_EV_EMPTY, now), LIFE_FORGET);
}

static void
backoff_never_overflows(void **state)
{
	(void)state;
	assert_int_equal(life_backoff_ms(1000, 0), 0);
	assert_int_equal(life_backoff_ms(1000, 1), 1000);
	assert_int_equal(life_backoff_ms(1000, 3), 4000);
	assert_int_equal(life_backoff_ms(1000, UINT32_MAX), 60000);
	assert_int_equal(life_backoff_ms(UINT32_MAX, 1), 60000);
	assert_int_equal(life_backoff_ms(1, UINT32_MAX), 60000);
}

static void
jitter_differs_by_seed(void **state)
{
	msec first = 0;
	int same = 0;

	(void)state;
	for (uint32_t seed = 1; seed <= 20; seed++) {
		struct life l;
		msec now = 0;

		life_new(&l, 10000, 1, false, seed * 7919);
		assert_int_equal(life_step(&l, LIFE_EV_START, 0), LIFE_LAUNCH);
		assert_int_equal(one_run(&l, &now, 1), LIFE_NOTHING);
		if (seed == 1)
			first = l.deadline;
		else
			same += l.deadline == first;
	}
	assert_true(same < 5);
}

static void
change_stops_then_starts_without_backoff(void **state)
{
	struct life l;
	msec now = 0;

	(void)state;
	life_new(&l, 1000, 5000, false, 7);
	assert_int_equal(life_step(&l, LIFE_EV_START, now), LIFE_LAUNCH);
	assert_int_equal(one_run(&l, &now, 5), LIFE_NOTHING);
	now = l.deadline;
	assert_int_equal(life_step(&l, LIFE_EV_TIME, now), LIFE_LAUNCH);
	assert_int_equal(life_step(&l, LIFE_EV_UP, now), LIFE_NOTHING);
	assert_int_equal(life_step(&l, LIFE_EV_START, now), LIFE_TERM);
	assert_int_equal(life_step(&l, LIFE_EV_END, now + 1), LIFE_REAP);
	assert_int_equal(life_step(&l, LIFE_EV_EMPTY, now + 1), LIFE_LAUNCH);
	assert_int_equal(l.restarts, 0);
	assert_int_equal(l.fails, 0);
}

static void
start_during_a_stop_wins(void **state)
{
	struct life l;

	(void)state;
	life_new(&l, 1000, 5000, false, 7);
	assert_int_equal(life_step(&l, LIFE_EV_START, 0), LIFE_LAUNCH);
	assert_int_equal(life_step(&l, LIFE_EV_UP, 1), LIFE_NOTHING);
	assert_int_equal(life_step(&l, LIFE_EV_STOP, 2), LIFE_TERM);
	assert_int_equal(life_step(&l, LIFE_EV_START, 3), LIFE_NOTHING);
	assert_int_equal(l.deadline, 5002); /* the grace goes on */
	assert_int_equal(life_step(&l, LIFE_EV_END, 4), LIFE_REAP);
	assert_int_equal(life_step(&l, LIFE_EV_STOP, 5), LIFE_NOTHING);
	assert_int_equal(life_step(&l, LIFE_EV_EMPTY, 6), LIFE_FORGET);
}

static void
command_runs_once(void **state)
{
	struct life l;
	msec now = 0;

	(void)state;
	life_new(&l, 1000, 5000, true, 7);
	assert_int_equal(life_step(&l, LIFE_EV_START, 0), LIFE_LAUNCH);
	assert_int_equal(one_run(&l, &now, 5000), LIFE_FORGET);
}

static void
hung_start_is_killed(void **state)
{
	struct life l;

	(void)state;
	life_new(&l, 1000, 5000, false, 7);
	assert_int_equal(life_step(&l, LIFE_EV_START, 0), LIFE_LAUNCH);
	assert_int_equal(life_step(&l, LIFE_EV_TIME, l.deadline), LIFE_KILL);
	assert_int_equal(life_step(&l, LIFE_EV_END, l.deadline), LIFE_REAP);
	assert_int_equal(life_step(&l, LIFE_EV_EMPTY, l.deadline), LIFE_NOTHING);
	assert_int_equal(l.state, LIFE_BACKOFF);
}

/* Nothing runs, but something may be kept for the next run: that goes first. */
static void
stopped_between_runs_is_reaped(void **state)
{
	struct life l;
	msec now = 0;

	(void)state;
	life_new(&l, 1000, 5000, false, 7);
	assert_int_equal(life_step(&l, LIFE_EV_START, now), LIFE_LAUNCH);
	assert_int_equal(one_run(&l, &now, 10), LIFE_NOTHING);
	assert_int_equal(life_step(&l, LIFE_EV_STOP, now), LIFE_REAP);
	assert_int_equal(life_step(&l, LIFE_EV_TIME, l.deadline), LIFE_REAP);
	assert_int_equal(life_step(&l, LIFE_EV_EMPTY, now), LIFE_FORGET);
}

static void
unkillable_is_asked_ever_more_rarely(void **state)
{
	struct life l;
	msec now = 0, wait = 5;

	(void)state;
	life_new(&l, 1000, 5000, false, 7);
	assert_int_equal(life_step(&l, LIFE_EV_START, 0), LIFE_LAUNCH);
	assert_int_equal(life_step(&l, LIFE_EV_END, 0), LIFE_REAP);
	for (int i = 0; i < 40; i++) {
		assert_int_equal(l.deadline - now, wait);
		now = l.deadline;
		assert_int_equal(life_step(&l, LIFE_EV_TIME, now), LIFE_REAP);
		wait = wait * 2 < 1000 ? wait * 2 : 1000;
	}
}

static void
adopted_is_watched_like_any_other(void **state)
{
	struct life l;

	(void)state;
	life_new(&l, 1000, 5000, false, 7);
	assert_int_equal(life_step(&l, LIFE_EV_ADOPT, 100), LIFE_NOTHING);
	assert_int_equal(l.state, LIFE_UP);
	assert_int_equal(life_step(&l, LIFE_EV_END, 5000), LIFE_REAP);
	assert_int_equal(life_step(&l, LIFE_EV_EMPTY, 5000), LIFE_LAUNCH);
}

/*
 * Any events in any order: never two processes at once, never one that was
 * not proven empty before the next, never a wait without a deadline.
 */
static void
any_order_keeps_the_invariants(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 300; seed++) {
		struct life l;
		bool lives = false, dirty = false;
		uint32_t x = seed * 2654435761u;
		msec now = 0;

		life_new(&l, 100, 200, seed % 5 == 0, seed);
		for (int i = 0; i < 400; i++) {
			x = x * 1664525u + 1013904223u;
			enum life_event ev = (x >> 8) % LIFE_EVENTS;

			/* Events of the world come only when they can. */
			if ((ev == LIFE_EV_UP || ev == LIFE_EV_END) && !lives)
				continue;
			if (ev == LIFE_EV_EMPTY && (lives || !dirty))
				continue;
			if (ev == LIFE_EV_ADOPT && (lives || dirty))
				continue;
			if (ev == LIFE_EV_TIME && l.deadline == MSEC_NEVER)
				continue;
			if (ev == LIFE_EV_TIME)
				now = l.deadline;
			if (ev == LIFE_EV_END)
				lives = false;
			if (ev == LIFE_EV_EMPTY)
				dirty = false;
			if (ev == LIFE_EV_ADOPT && l.state == LIFE_DOWN)
				lives = dirty = true;
			enum life_act act = life_step(&l, ev, now);

			if (act == LIFE_LAUNCH) {
				assert_false(lives);
				assert_false(dirty);
				assert_true(l.wanted);
				lives = dirty = true;
			}
			if (act == LIFE_FORGET) {
				assert_false(lives);
				assert_false(dirty);
			}
			if (act == LIFE_TERM || act == LIFE_KILL)
				assert_true(lives);
			if (l.state == LIFE_BACKOFF || l.state == LIFE_STOPPING ||
			    l.state == LIFE_STARTING || l.state == LIFE_ENDING)
				assert_true(l.deadline != MSEC_NEVER);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(starts_runs_and_stops),
	    cmocka_unit_test(long_runs_restart_at_once),
	    cmocka_unit_test(short_runs_back_off),
	    cmocka_unit_test(normal_ends_are_no_failures),
	    cmocka_unit_test(unwell_is_ended_and_run_again),
	    cmocka_unit_test(backoff_never_overflows),
	    cmocka_unit_test(jitter_differs_by_seed),
	    cmocka_unit_test(change_stops_then_starts_without_backoff),
	    cmocka_unit_test(start_during_a_stop_wins),
	    cmocka_unit_test(command_runs_once),
	    cmocka_unit_test(hung_start_is_killed),
	    cmocka_unit_test(stopped_between_runs_is_reaped),
	    cmocka_unit_test(unkillable_is_asked_ever_more_rarely),
	    cmocka_unit_test(adopted_is_watched_like_any_other),
	    cmocka_unit_test(any_order_keeps_the_invariants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
