/*
 * test_budget.c - the bucket that says when summaries may go, in virtual time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../../gossip/budget.h"

enum { SECOND = 1000, AROUND = BUDGET_AROUND_BYTES, WHOLE = DGRAM_BYTES_MAX + AROUND };

/* Whole datagrams as soon as they may go, beside so many other bytes each 100 ms:
 * all bytes of the seconds from now on. */
static int64_t
say(struct budget *b, msec now, msec seconds, size_t other)
{
	int64_t said = 0;

	for (msec at = now; at < now + seconds * SECOND; at++) {
		if (other > 0 && at % 100 == 0) {
			budget_spend(b, at, other);
			said += (int64_t)other + AROUND;
		}
		if (budget_wait(b, at) > 0)
			continue;
		budget_told(b, at);
		budget_spend(b, at, DGRAM_BYTES_MAX);
		said += WHOLE;
	}
	return said;
}

/* What a second allows is used, and no more, whatever else is said. */
static void
all_that_is_said_counts(void **state)
{
	static const size_t others[] = {0, 100, 700, 1200};

	(void)state;
	for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
		struct budget b;
		int64_t said;

		budget_init(&b, 5000);
		said = say(&b, 5000, 30, others[k]);
		assert_in_range(said, 30 * BUDGET_BYTES_S - WHOLE, 30 * BUDGET_BYTES_S + WHOLE);
	}
}

/* More than that, and still a datagram of summaries each half second: what is said is
 * that much more. */
static void
whatever_else_is_said_they_are_told(void **state)
{
	struct budget b;
	int64_t others = 30 * 10 * (4 * DGRAM_BYTES_MAX + AROUND), floor = 30 * SECOND / BUDGET_FLOOR_MS;

	(void)state;
	budget_init(&b, 0);
	assert_true(others > 30 * BUDGET_BYTES_S);
	assert_in_range(say(&b, 0, 30, 4 * DGRAM_BYTES_MAX) - others, (floor - 2) * WHOLE, floor * WHOLE);
}

/* Afterwards two datagrams at once, and the third waits. */
static void
silence_is_not_saved_up(void **state)
{
	struct budget b;

	(void)state;
	budget_init(&b, 0);
	for (int k = 0; k < 2; k++) {
		assert_int_equal(budget_wait(&b, 3600 * SECOND), 0);
		budget_told(&b, 3600 * SECOND);
		budget_spend(&b, 3600 * SECOND, DGRAM_BYTES_MAX);
	}
	assert_int_equal(budget_wait(&b, 3600 * SECOND), (WHOLE * SECOND + BUDGET_BYTES_S - 1) / BUDGET_BYTES_S);
}

/* The wait it tells is the first instant at which it allows one. */
static void
the_wait_is_the_first_instant(void **state)
{
	struct budget b;
	msec now = 7, wait;

	(void)state;
	budget_init(&b, now);
	budget_spend(&b, now, 1);
	for (int k = 0; k < 100; k++, now += wait) {
		budget_spend(&b, now, (size_t)(13 * k));
		budget_told(&b, now);
		wait = budget_wait(&b, now);
		assert_true(wait > 0);
		assert_true(budget_wait(&b, now + wait - 1) > 0);
		assert_int_equal(budget_wait(&b, now + wait), 0);
	}
}

/* A storm of a minute is paid for in a second: what comes after it is told at the floor
 * for so long, and a clock that stands still, or
 * leaps, is harmless. */
static void
a_storm_is_paid_for_in_a_second(void **state)
{
	struct budget b;

	(void)state;
	budget_init(&b, 0);
	for (msec at = 0; at < 60 * SECOND; at++)
		budget_spend(&b, at, DGRAM_BYTES_MAX);
	budget_told(&b, 60 * SECOND);
	assert_int_equal(budget_wait(&b, 60 * SECOND), BUDGET_FLOOR_MS);
	assert_true(budget_wait(&b, 59 * SECOND) > 0);
	budget_told(&b, 61 * SECOND);
	assert_in_range(budget_wait(&b, 61 * SECOND), 1, 100);
	assert_int_equal(budget_wait(&b, INT64_MAX / 2), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_that_is_said_counts),
	    cmocka_unit_test(whatever_else_is_said_they_are_told),
	    cmocka_unit_test(silence_is_not_saved_up),
	    cmocka_unit_test(the_wait_is_the_first_instant),
	    cmocka_unit_test(a_storm_is_paid_for_in_a_second),
	};

	return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
