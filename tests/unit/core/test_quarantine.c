/*
 * Code that crashes three times in a row runs once a minute; what ends that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../daemon/core/quarantine.h"

static const struct hash a = {{1}}, b = {{2}};
static struct quarantine q;

static int
crashed_thrice(void **state)
{
	(void)state;
	q = (struct quarantine){.crashes = 0};
	for (msec now = 1000; now <= 3000; now += 1000) {
		assert_false(quarantine_holds(&q, now, &a));
		quarantine_ended(&q, now, &a, false, true);
	}
	return 0;
}

static void
once_a_minute(void **state)
{
	(void)state;
	assert_true(quarantine_holds(&q, 62999, &a));
	assert_false(quarantine_holds(&q, 63000, &a));
	assert_true(quarantine_is(&q, &a));
	quarantine_ended(&q, 64000, &a, false, true);
	assert_true(quarantine_holds(&q, 64000, &a));
	quarantine_ended(&q, 124000, &a, true, false);
	assert_false(quarantine_is(&q, &a));
}

static void
other_code_is_not_meant(void **state)
{
	(void)state;
	assert_false(quarantine_holds(&q, 3001, &b));
	quarantine_ended(&q, 4000, &b, false, true);
	assert_false(quarantine_holds(&q, 4000, &a)); /* it is forgotten */
	assert_false(quarantine_holds(&q, 4000, &b));
}

static void
an_error_is_no_crash(void **state)
{
	(void)state;
	q = (struct quarantine){.crashes = 0};
	for (msec now = 0; now < 9; now++)
		quarantine_ended(&q, now, &a, false, false);
	assert_false(quarantine_is(&q, &a));
	/* Nor does it make good what crashed before. */
	quarantine_ended(&q, 10, &a, false, true);
	quarantine_ended(&q, 11, &a, false, true);
	quarantine_ended(&q, 12, &a, false, false);
	quarantine_ended(&q, 13, &a, false, true);
	assert_true(quarantine_is(&q, &a));
}

static void
an_operator_lifts_it(void **state)
{
	(void)state;
	assert_true(quarantine_lift(&q));
	assert_false(quarantine_holds(&q, 3001, &a));
	assert_false(quarantine_lift(&q));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(once_a_minute, crashed_thrice),
	    cmocka_unit_test_setup(other_code_is_not_meant, crashed_thrice),
	    cmocka_unit_test(an_error_is_no_crash),
	    cmocka_unit_test_setup(an_operator_lifts_it, crashed_thrice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
