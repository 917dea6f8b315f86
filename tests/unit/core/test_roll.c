/*
 * A role's change on one host: in order, with few down at once, and no further
 * than to the first that does not come up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../../daemon/core/roll.h"

enum { NEW = 1 };

static struct roll_one all[4];
static struct roll roll;

static void
all_want(uint64_t what)
{
	memset(all, 0, sizeof all);
	for (size_t i = 0; i < 4; i++) {
		snprintf(all[i].instance, NAME_CAP, "web.%zu", i);
		all[i].want = what;
		all[i].differs = all[i].up = true;
	}
}

static int
begin(void **state)
{
	(void)state;
	all_want(NEW);
	return roll_new(&roll, 4);
}

static int
end(void **state)
{
	(void)state;
	roll_free(&roll);
	return 0;
}

/* The ones that may be replaced now, as digits. */
static const char *
step(msec now, uint32_t max)
{
	static char out[8];
	size_t n = 0, i;
	bool restart;

	assert_int_equal(roll_recv(&roll, now, all, 4, max), 0);
	while (roll_poll(&roll, &i, &restart))
		out[n++] = (char)((restart ? 'a' : '0') + (int)i);
	out[n] = '\0';
	return out;
}

static void
is(size_t i, bool differs, bool up)
{
	all[i].differs = differs;
	all[i].up = up;
}

/* An edit that means nothing for them: the next as soon as one is as it is to be; one
 * that needed another run, or was only to be started anew, is waited for. */
static void
what_needs_no_other_run(void **state)
{
	msec now = 1;

	(void)state;
	for (int32_t i = 0; i < 4; i++)
		all[i].run = 100 + i;
	assert_string_equal(step(now, 0), "0");
	is(0, false, true);
	assert_string_equal(step(now, 0), "1");
	is(1, false, false);
	assert_string_equal(step(now, 0), "");
	all[1].run = 201;
	is(1, false, true);
	assert_string_equal(step(now, 0), "");
	now += ROLL_STEADY_MS;
	assert_string_equal(step(now, 0), "2");
	is(2, false, true);
	is(3, false, true);
	assert_int_equal(roll_restart(&roll, "web.0"), 0);
	assert_int_equal(roll_restart(&roll, "web.1"), 0);
	assert_string_equal(step(now, 0), "a");
	assert_string_equal(step(now, 0), ""); /* not ended yet, and the same run */
	assert_string_equal(step(now + ROLL_STEADY_MS, 0), "");
	is(0, false, false);
	assert_string_equal(step(now + 2 * ROLL_STEADY_MS, 0), "");
	all[0].run = 200;
	is(0, false, true);
	assert_string_equal(step(now + 3 * ROLL_STEADY_MS, 0), "");
	assert_string_equal(step(now + 4 * ROLL_STEADY_MS, 0), "b");
	/* That one is refused, and runs on: it is not waited for without an end. */
	assert_int_equal(roll_restart(&roll, "web.2"), 0);
	now += 4 * ROLL_STEADY_MS;
	assert_string_equal(step(now + ROLL_ASK_MS - 1, 0), "");
	assert_string_equal(step(now + ROLL_ASK_MS, 0), "c");
}

static void
one_by_one_in_order(void **state)
{
	msec now = 1;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		const char want[] = {(char)('0' + i), '\0'};

		assert_string_equal(step(now, 0), want);
		assert_string_equal(step(now + 1, 0), ""); /* not yet begun: it still looks up */
		is(i, false, false);
		assert_string_equal(step(now + 2, 0), "");
		is(i, false, true);
		assert_string_equal(step(now + 3, 0), "");
		assert_int_equal(roll_busy(&roll), i < 3);
		assert_int_equal(roll_deadline(&roll), i < 3 ? now + 3 + ROLL_STEADY_MS : MSEC_NEVER);
		assert_string_equal(step(now + 2 + ROLL_STEADY_MS, 0), "");
		now += 3 + ROLL_STEADY_MS;
	}
	assert_string_equal(step(now, 0), "");
	assert_int_equal(roll_deadline(&roll), MSEC_NEVER);
}

static void
as_many_at_once_as_is_said(void **state)
{
	(void)state;
	assert_string_equal(step(1, 2), "01");
	is(1, false, true);
	assert_string_equal(step(2, 2), "");
	assert_string_equal(step(2 + ROLL_STEADY_MS, 2), "2");
	assert_string_equal(step(3 + ROLL_STEADY_MS, 9), "3");
}

static void
what_is_down_does_not_wait_and_counts(void **state)
{
	(void)state;
	is(2, true, false);
	assert_string_equal(step(1, 1), "2"); /* not 0: one is down */
	is(2, false, true);
	assert_string_equal(step(2, 1), "");
	assert_string_equal(step(2 + ROLL_STEADY_MS, 1), "0");
	is(3, false, false); /* as it should be, and it fell: no more are ended */
	is(0, false, true);
	step(3 + ROLL_STEADY_MS, 1);
	assert_string_equal(step(9 * ROLL_STEADY_MS, 1), "");
}

/* As when an administrator edits a file twice. */
static void
changed_again_before_it_is_steady(void **state)
{
	(void)state;
	assert_string_equal(step(1, 1), "0");
	is(0, false, true);
	assert_string_equal(step(2, 1), "");
	is(0, true, true);
	assert_string_equal(step(3, 1), "0");
	is(0, false, true);
	assert_string_equal(step(4, 1), "");
	assert_string_equal(step(4 + ROLL_STEADY_MS, 1), "1");
}

static void
one_that_fails_again_and_again_stops_it(void **state)
{
	msec now = 1;

	(void)state;
	assert_string_equal(step(now, 1), "0");
	for (int i = 0; i < 200; i++) {
		is(0, false, i % 2); /* never up for long enough */
		assert_string_equal(step(now += ROLL_STEADY_MS / 2, 1), "");
	}
	is(0, false, false);
	assert_string_equal(step(now, 1), "");
	assert_string_equal(roll_stuck(&roll, now), "web.0");
	assert_null(roll_stuck(&roll, now)); /* once */
	/* Something else is wanted: what is down has it first. */
	all_want(NEW + 1);
	is(0, true, false);
	assert_string_equal(step(now + 1, 1), "0");
}

/* For whom, and since when: whoever is down comes before one that is not steady yet. */
static void
who_waits_is_told_for_whom(void **state)
{
	msec since = 0;

	(void)state;
	assert_null(roll_waits_for(&roll, "web.1", &since));
	assert_string_equal(step(1, 2), "01");
	assert_null(roll_waits_for(&roll, "web.0", &since));
	assert_string_equal(roll_waits_for(&roll, "web.2", &since), "web.0");
	assert_int_equal(since, 1);
	is(0, false, true);
	is(1, false, false);
	assert_string_equal(step(5, 2), "");
	assert_string_equal(roll_waits_for(&roll, "web.3", &since), "web.1");
	/* One that fell by itself: since the change waits. */
	is(1, false, true);
	assert_string_equal(step(6, 1), "");
	is(0, false, false);
	assert_string_equal(step(6 + ROLL_STEADY_MS, 1), "");
	assert_string_equal(roll_waits_for(&roll, "web.2", &since), "web.0");
	assert_null(roll_waits_for(&roll, "other", &since));
	/* Taken back: nobody waits. */
	is(2, false, true);
	is(3, false, true);
	assert_string_equal(step(9999, 1), "");
	assert_null(roll_waits_for(&roll, "web.2", &since));
}

static void
what_is_not_begun_is_asked_for_again(void **state)
{
	(void)state;
	assert_string_equal(step(1, 1), "0");
	assert_string_equal(step(ROLL_ASK_MS, 1), "");
	assert_int_equal(roll_deadline(&roll), 1 + ROLL_ASK_MS);
	assert_string_equal(step(1 + ROLL_ASK_MS, 1), "0");
	assert_string_equal(step(2 + ROLL_ASK_MS, 1), "");
}

static void
a_restart_waits_for_its_turn(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++)
		is(i, false, true);
	is(1, true, true); /* is replaced: told too, for that may be refused now and done later */
	is(3, true, true);
	for (size_t i = 0; i < 3; i++)
		for (int twice = 0; twice < 2; twice++)
			assert_int_equal(roll_restart(&roll, all[i].instance), 0);
	assert_string_equal(step(1, 1), "a");
	is(0, false, false);
	assert_string_equal(step(2, 1), "");
	is(0, true, false); /* ended: it is to be started, and needs no turn */
	assert_string_equal(step(3, 1), "0");
	is(0, false, true);
	assert_string_equal(step(4, 1), "");
	assert_string_equal(step(4 + ROLL_STEADY_MS, 1), "b");
	is(1, false, true);
	step(5 + ROLL_STEADY_MS, 1);
	assert_string_equal(step(5 + 2 * ROLL_STEADY_MS, 9), "c3");
	is(2, false, true);
	is(3, false, true);
	step(6 + 2 * ROLL_STEADY_MS, 9);
	assert_string_equal(step(6 + 3 * ROLL_STEADY_MS, 9), "");
	assert_false(roll_busy(&roll));
}

/* Its memory is that of its beginning: for four, and for no fifth. */
static void
no_more_than_it_is_for(void **state)
{
	const struct roll_slot *slots = roll.slots;
	struct roll_one five[5] = {{.instance = "other", .want = NEW, .differs = true}};
	size_t i;
	bool restart;

	(void)state;
	memcpy(five + 1, all, sizeof all);
	assert_string_equal(step(1, 1), "0");
	assert_int_equal(roll_recv(&roll, 2, five, 5, 9), -ERR_FULL);
	assert_false(roll_poll(&roll, &i, &restart)); /* as if it had not been asked */
	assert_string_equal(step(3, 9), "123"); /* all of them are asked for */
	assert_string_equal(step(4, 9), "");
	for (i = 0; i < 4; i++)
		is(i, false, true);
	step(5, 9);
	assert_string_equal(step(5 + ROLL_STEADY_MS, 9), "");
	for (i = 0; i < 4; i++)
		assert_int_equal(roll_restart(&roll, all[i].instance), 0);
	assert_int_equal(roll_restart(&roll, "other"), -ERR_FULL);
	assert_string_equal(step(6 + ROLL_STEADY_MS, 9), "abcd");
	assert_ptr_equal(roll.slots, slots);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(what_needs_no_other_run, begin, end),
	    cmocka_unit_test_setup_teardown(one_by_one_in_order, begin, end),
	    cmocka_unit_test_setup_teardown(as_many_at_once_as_is_said, begin, end),
	    cmocka_unit_test_setup_teardown(what_is_down_does_not_wait_and_counts, begin, end),
	    cmocka_unit_test_setup_teardown(one_that_fails_again_and_again_stops_it, begin, end),
	    cmocka_unit_test_setup_teardown(changed_again_before_it_is_steady, begin, end),
	    cmocka_unit_test_setup_teardown(a_restart_waits_for_its_turn, begin, end),
	    cmocka_unit_test_setup_teardown(who_waits_is_told_for_whom, begin, end),
	    cmocka_unit_test_setup_teardown(what_is_not_begun_is_asked_for_again, begin, end),
	    cmocka_unit_test_setup_teardown(no_more_than_it_is_for, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
