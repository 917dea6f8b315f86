/*
 * A role's job between the schedule and the supervisor: what is concluded of a
 * check.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "../../../daemon/io/engine.h"

static struct engine engine;
static struct apply_job job;

/* --- checks --------------------------------------------------------------- */

static int
setup_check(void **state)
{
	(void)state;
	memset(&engine, 0, sizeof engine);
	memset(&job, 0, sizeof job);
	strcpy(job.role, "front");
	job.e = &engine;
	job.checking = true;
	engine.apply.jobs = &job;
	return 0;
}

static void
said(enum sup_ev kind, enum sup_state state, const char *instance)
{
	struct sup_event ev = {.version = SUP_VERSION, .kind = kind, .state = state};

	snprintf(ev.instance, sizeof ev.instance, "%s", instance);
	apply_event(&engine, &ev);
}

static void
a_check_is_over_when_it_ended(void **state)
{
	(void)state;
	said(SUP_EV_EXIT, SUP_ST_EXITED, "check-web");
	assert_true(job.checking);
	said(SUP_EV_EXIT, SUP_ST_EXITED, "check-front");
	assert_false(job.checking);
}

/* Stopped while it was judged, or refused: it never ran, so it has no EXIT, and
 * the next one need not wait for that. */
static void
a_check_that_never_ran_is_over_when_it_is_gone(void **state)
{
	(void)state;
	said(SUP_EV_STATE, SUP_ST_STARTING, "check-front");
	said(SUP_EV_STATE, SUP_ST_GONE, "front.1");
	assert_true(job.checking);
	said(SUP_EV_STATE, SUP_ST_GONE, "check-front");
	assert_false(job.checking);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_check_is_over_when_it_ended, setup_check),
		cmocka_unit_test_setup(a_check_that_never_ran_is_over_when_it_is_gone, setup_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
