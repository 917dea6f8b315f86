/*
 * When rounds start: virtual time, every rule of sched.h told as a transcript.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../daemon/core/sched.h"

static struct sched s;

/* In office since 1000, everybody reported, first round done at 1100. */
static int
settled(void **state)
{
	(void)state;
	sched_init(&s, &sched_conf_default);
	sched_lead(&s, 1000);
	sched_view_complete(&s, 1010);
	sched_parents_complete(&s, 1010);
	assert_int_equal(sched_deadline(&s, 1010), 1050);
	assert_true(sched_due(&s, 1050));
	sched_started(&s, 1050);
	sched_done(&s, 1100, true);
	return 0;
}

static void
follower_never_runs(void **state)
{
	(void)state;
	sched_init(&s, &sched_conf_default);
	sched_note(&s, 5, SCHED_DEATH);
	assert_false(sched_due(&s, 1000000));
	assert_int_equal(sched_deadline(&s, 5), MSEC_NEVER);
}

static void
first_round_waits_for_view_and_parents(void **state)
{
	(void)state;
	sched_init(&s, &sched_conf_default);
	sched_lead(&s, 1000);
	assert_int_equal(sched_deadline(&s, 1000), 1500);
	sched_view_complete(&s, 1100);
	assert_false(sched_due(&s, 1499));
	assert_true(sched_due(&s, 1500));
	sched_parents_complete(&s, 1200);
	assert_int_equal(sched_deadline(&s, 1200), 1200);
	assert_true(sched_due(&s, 1200));
}

/* A new leader that was on the lesser side of a cut holds an old schedule, and hears
 * of the newer one by the reports: at first there seems to be none to fetch. */
static void
no_parents_before_the_reports_are_not_all_parents(void **state)
{
	(void)state;
	sched_init(&s, &sched_conf_default);
	sched_lead(&s, 1000);
	sched_parents_complete(&s, 1000);
	sched_view_complete(&s, 1100); /* they name one; it is being fetched */
	assert_false(sched_due(&s, 1499));
	sched_parents_complete(&s, 1200);
	assert_true(sched_due(&s, 1200));
}

static void
late_parents_are_merged_by_another_round(void **state)
{
	(void)state;
	sched_init(&s, &sched_conf_default);
	sched_lead(&s, 0);
	sched_view_complete(&s, 0);
	sched_started(&s, 500);
	sched_done(&s, 510, true);
	sched_parents_complete(&s, 700);
	assert_int_equal(sched_deadline(&s, 700), 750);
	sched_started(&s, 750);
	sched_done(&s, 760, true);
	/* Saying it twice is not news. */
	sched_parents_complete(&s, 770);
	assert_int_equal(sched_deadline(&s, 770), 5750);
}

static void
change_starts_after_50ms(void **state)
{
	(void)state;
	sched_note(&s, 2000, SCHED_HEALTH);
	sched_note(&s, 2030, SCHED_HEALTH);
	assert_false(sched_due(&s, 2049));
	assert_true(sched_due(&s, 2050));
	assert_int_equal(sched_deadline(&s, 2010), 2050);
}

static void
at_most_four_a_second(void **state)
{
	(void)state;
	int rounds = 0;

	for (msec now = 2000; now < 12000; now++) {
		sched_note(&s, now, SCHED_HEALTH);
		if (sched_due(&s, now)) {
			sched_started(&s, now);
			sched_done(&s, now, true);
			rounds++;
		}
	}
	assert_int_equal(rounds, 40);
}

static void
at_least_each_period(void **state)
{
	(void)state;
	assert_int_equal(sched_deadline(&s, 1100), 6050);
	assert_false(sched_due(&s, 6049));
	assert_true(sched_due(&s, 6050));
}

static void
never_two_at_once(void **state)
{
	(void)state;
	sched_note(&s, 2000, SCHED_CONFIG);
	sched_started(&s, 2050);
	sched_note(&s, 2060, SCHED_CONFIG);
	assert_false(sched_due(&s, 100000));
	assert_int_equal(sched_deadline(&s, 2060), MSEC_NEVER);
	/* A change during the round starts the next one. */
	sched_done(&s, 2400, true);
	assert_true(sched_due(&s, 2400));
}

static void
a_running_round_outlives_a_change_of_office(void **state)
{
	(void)state;
	sched_started(&s, 2000);
	sched_unlead(&s, 2010);
	sched_lead(&s, 2020);
	sched_view_complete(&s, 2020);
	sched_parents_complete(&s, 2020);
	assert_false(sched_due(&s, 3000));
	sched_done(&s, 3000, true);
	assert_true(sched_due(&s, 3000));
}

static void
one_death_acts_at_once(void **state)
{
	(void)state;
	sched_note(&s, 2000, SCHED_DEATH);
	assert_int_equal(sched_deadline(&s, 2000), 2050);
	sched_note(&s, 2010, SCHED_DEATH);
	assert_int_equal(sched_deadline(&s, 2010), 2050);
}

static void
three_deaths_wait_until_it_is_still(void **state)
{
	(void)state;
	sched_note(&s, 2000, SCHED_DEATH);
	sched_note(&s, 2020, SCHED_DEATH);
	sched_note(&s, 2040, SCHED_DEATH);
	assert_int_equal(sched_deadline(&s, 2040), 4040);
	sched_note(&s, 2900, SCHED_DEATH);
	assert_int_equal(sched_deadline(&s, 2900), 4900);
	/* Two more within the last second make it three again. */
	sched_started(&s, 4900);
	sched_done(&s, 4910, true);
	assert_int_equal(sched_deadline(&s, 4910), 9900);
	/* Deaths a second apart are single deaths. */
	sched_note(&s, 10000, SCHED_DEATH);
	sched_started(&s, 10050);
	sched_done(&s, 10060, true);
	sched_note(&s, 11000, SCHED_DEATH);
	sched_started(&s, 11050);
	sched_done(&s, 11060, true);
	sched_note(&s, 12000, SCHED_DEATH);
	assert_int_equal(sched_deadline(&s, 12000), 12050);
}

static void
endless_deaths_do_not_stop_rounds(void **state)
{
	(void)state;
	msec first = 0;

	/* Three at once, then one each 100 ms for ever. */
	sched_note(&s, 2000, SCHED_DEATH);
	sched_note(&s, 2000, SCHED_DEATH);
	for (msec now = 2000; now < 20000 && first == 0; now += 100) {
		sched_note(&s, now, SCHED_DEATH);
		if (sched_due(&s, now))
			first = now;
	}
	assert_int_equal(first, 7000); /* a period after the third */
}

static void
failing_script_is_retried_slowly(void **state)
{
	(void)state;
	sched_note(&s, 2000, SCHED_HEALTH);
	sched_started(&s, 2050);
	sched_done(&s, 2100, false);
	sched_note(&s, 2200, SCHED_HEALTH);
	assert_int_equal(sched_deadline(&s, 2200), 7100);
	sched_note(&s, 3000, SCHED_CONFIG);
	assert_int_equal(sched_deadline(&s, 3000), 3000);
	sched_started(&s, 3000);
	sched_done(&s, 3010, false);
	sched_note(&s, 3500, SCHED_ACTION);
	assert_int_equal(sched_deadline(&s, 3500), 3550);
	sched_started(&s, 3550);
	sched_done(&s, 3560, true);
	sched_note(&s, 3600, SCHED_JOIN);
	assert_int_equal(sched_deadline(&s, 3600), 3800);
}

static void
losing_office_stops_it(void **state)
{
	(void)state;
	sched_note(&s, 2000, SCHED_CONFIG);
	sched_unlead(&s, 2010);
	assert_false(sched_due(&s, 99999));
	sched_lead(&s, 5000);
	assert_int_equal(sched_deadline(&s, 5000), 5500);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(follower_never_runs),
	    cmocka_unit_test(first_round_waits_for_view_and_parents),
	    cmocka_unit_test(no_parents_before_the_reports_are_not_all_parents),
	    cmocka_unit_test(late_parents_are_merged_by_another_round),
	    cmocka_unit_test_setup(change_starts_after_50ms, settled),
	    cmocka_unit_test_setup(at_most_four_a_second, settled),
	    cmocka_unit_test_setup(at_least_each_period, settled),
	    cmocka_unit_test_setup(never_two_at_once, settled),
	    cmocka_unit_test_setup(a_running_round_outlives_a_change_of_office, settled),
	    cmocka_unit_test_setup(one_death_acts_at_once, settled),
	    cmocka_unit_test_setup(three_deaths_wait_until_it_is_still, settled),
	    cmocka_unit_test_setup(endless_deaths_do_not_stop_rounds, settled),
	    cmocka_unit_test_setup(failing_script_is_retried_slowly, settled),
	    cmocka_unit_test_setup(losing_office_stops_it, settled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
