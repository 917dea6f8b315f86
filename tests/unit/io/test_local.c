/*
 * The table of this host's containers: kept by events, swept by lists.
 */
#include "world.h"

#include "../../../daemon/io/local.h"

static struct local local;
static char gone[256];

static int
setup(void **state)
{
	(void)state;
	gone[0] = '\0';
	return local_init(&local);
}

static int
teardown(void **state)
{
	(void)state;
	local_free(&local);
	assert_null(local_find(&local, "web.1"));
	return 0;
}

static struct sup_event
event(const char *instance, enum sup_state st, int pid)
{
	struct sup_event ev;

	memset(&ev, 0, sizeof ev);
	ev.version = SUP_VERSION;
	ev.kind = SUP_EV_STATE;
	ev.state = st;
	ev.pid = pid;
	snprintf(ev.instance, sizeof ev.instance, "%s", instance);
	strcpy(ev.role, "web");
	return ev;
}

static struct local_instance *
tell(const char *instance, enum sup_state st, int pid)
{
	struct sup_event ev = event(instance, st, pid);

	return local_state(&local, &ev);
}

static void
on_gone(void *arg, const struct local_instance *i)
{
	assert_ptr_equal(arg, &local);
	strcat(gone, i->ev.instance);
	strcat(gone, " ");
}

static void
end(uint64_t ticket)
{
	local_list_end(&local, ticket, &local, on_gone);
}

static void
events_keep_the_table(void **state)
{
	(void)state;
	assert_non_null(tell("web.1", SUP_ST_STARTING, 0));
	assert_non_null(tell("web.2", SUP_ST_RUNNING, 12));
	assert_int_equal(local.count, 2);
	assert_non_null(tell("web.1", SUP_ST_RUNNING, 11));
	assert_int_equal(local.count, 2);
	assert_int_equal(local_find(&local, "web.1")->ev.pid, 11);
	assert_null(tell("web.1", SUP_ST_GONE, 0));
	assert_null(local_find(&local, "web.1"));
	assert_int_equal(local_find(&local, "web.2")->ev.pid, 12);
	assert_null(tell("web.9", SUP_ST_GONE, 0)); /* never heard of */
	assert_null(tell("web.2", SUP_ST_NONE, 0));
	assert_int_equal(local.count, 0);
	/* Nothing of the old one is left in its place. */
	assert_false(tell("web.3", SUP_ST_STARTING, 0)->asked);
}

static void
a_list_sweeps_what_it_does_not_name(void **state)
{
	(void)state;
	assert_false(local.known);
	for (int i = 1; i <= 6; i++) {
		char name[16];

		snprintf(name, sizeof name, "web.%d", i);
		tell(name, SUP_ST_RUNNING, i);
	}
	local_list_begin(&local, 7);
	tell("web.2", SUP_ST_RUNNING, 2);
	tell("web.5", SUP_ST_RUNNING, 5);
	tell("web.7", SUP_ST_STARTING, 0); /* born while the list runs */
	end(6);				   /* of an older list */
	assert_false(local.known);
	assert_int_equal(local.count, 7);
	end(7);
	assert_true(local.known);
	assert_int_equal(local.count, 3);
	for (int i = 1; i <= 7; i++) {
		char name[16];

		snprintf(name, sizeof name, "web.%d", i);
		assert_int_equal(local_find(&local, name) != NULL, i == 2 || i == 5 || i == 7);
		strcat(name, " ");
		assert_int_equal(strstr(gone, name) == NULL, i == 2 || i == 5 || i == 7);
	}
	gone[0] = '\0';
	end(7); /* it has ended already */
	assert_int_equal(local.count, 3);
	assert_string_equal(gone, "");
}

static void
a_second_list_overtakes_the_first(void **state)
{
	(void)state;
	tell("web.1", SUP_ST_RUNNING, 1);
	local_list_begin(&local, 1);
	tell("web.1", SUP_ST_RUNNING, 1);
	local_list_begin(&local, 2); /* events were lost: what was named before counts no more */
	end(1);
	assert_false(local.known);
	assert_int_equal(local.count, 1);
	end(2);
	assert_int_equal(local.count, 0);
	assert_string_equal(gone, "web.1 ");
}

static void
health_belongs_to_one_run(void **state)
{
	struct sup_event ev = event("web.1", SUP_ST_RUNNING, 5);
	struct local_instance *i;

	(void)state;
	ev.ready.kind = SUP_HEALTH_TCP;
	i = local_state(&local, &ev);
	assert_int_equal(i->health, VIEW_HEALTH_WAIT);
	i->health = VIEW_HEALTHY;
	i = local_state(&local, &ev); /* told again, as a LIST does */
	assert_int_equal(i->health, VIEW_HEALTHY);
	ev.ready.port = 81; /* asked otherwise from now on */
	assert_int_equal(local_state(&local, &ev)->health, VIEW_HEALTH_WAIT);
	i->health = VIEW_HEALTHY;
	ev.pid = 6; /* another run */
	assert_int_equal(local_state(&local, &ev)->health, VIEW_HEALTH_WAIT);
	i->health = VIEW_HEALTHY;
	ev.state = SUP_ST_STOPPING;
	assert_int_equal(local_state(&local, &ev)->health, VIEW_HEALTH_WAIT);
	i->health = VIEW_HEALTHY;
	ev.state = SUP_ST_BACKOFF;
	ev.pid = 0;
	assert_int_equal(local_state(&local, &ev)->health, VIEW_HEALTH_WAIT);
	/* What the supervisor asks, it tells; of a run that is up. */
	ev.ready.kind = SUP_HEALTH_EXEC;
	ev.state = SUP_ST_RUNNING;
	ev.pid = 8;
	ev.well = SUP_WELL_YES;
	assert_int_equal(local_state(&local, &ev)->health, VIEW_HEALTHY);
	ev.well = SUP_WELL_NO;
	assert_int_equal(local_state(&local, &ev)->health, VIEW_UNHEALTHY);
	ev.well = SUP_WELL_WAIT;
	assert_int_equal(local_state(&local, &ev)->health, VIEW_HEALTH_WAIT);
	ev.well = SUP_WELL_YES;
	ev.state = SUP_ST_STOPPING;
	assert_int_equal(local_state(&local, &ev)->health, VIEW_HEALTH_WAIT);
	ev.ready.kind = SUP_HEALTH_NONE;
	ev.state = SUP_ST_RUNNING;
	ev.pid = 7;
	assert_int_equal(local_state(&local, &ev)->health, VIEW_HEALTH_NONE);
}

static void
a_full_table_says_no_and_goes_on(void **state)
{
	char name[32];

	(void)state;
	for (int i = 0; i < LOCAL_INSTANCES_MAX; i++) {
		snprintf(name, sizeof name, "web.%d", i);
		assert_non_null(tell(name, SUP_ST_RUNNING, i + 1));
	}
	assert_null(tell("web.more", SUP_ST_RUNNING, 1));
	assert_int_equal(local.count, LOCAL_INSTANCES_MAX);
	assert_non_null(tell("web.7", SUP_ST_STOPPING, 8)); /* known ones are still told */
	assert_null(tell("web.7", SUP_ST_GONE, 0));
	assert_non_null(tell("web.more", SUP_ST_RUNNING, 1));
}

static void
a_check_is_no_instance(void **state)
{
	struct sup_event ev = event("web.1", SUP_ST_RUNNING, 1);

	(void)state;
	assert_true(local_is_instance(&ev));
	ev.state = SUP_ST_EXITED;
	assert_false(local_is_instance(&ev));
	ev = event("check-web", SUP_ST_RUNNING, 1);
	assert_false(local_is_instance(&ev));
	ev = event("web", SUP_ST_RUNNING, 1);
	assert_false(local_is_instance(&ev));
	ev = event("webs.1", SUP_ST_RUNNING, 1);
	assert_false(local_is_instance(&ev));
	ev = event(".1", SUP_ST_RUNNING, 1);
	ev.role[0] = '\0';
	assert_false(local_is_instance(&ev));
}

static void
the_view_says_what_the_supervisor_said(void **state)
{
	static const enum view_state want[] = {
		[SUP_ST_STARTING] = VIEW_STARTING, [SUP_ST_RUNNING] = VIEW_RUNNING,
		[SUP_ST_STOPPING] = VIEW_STOPPING, [SUP_ST_BACKOFF] = VIEW_BACKOFF,
		[SUP_ST_FAILED] = VIEW_FAILED, [SUP_ST_EXITED] = VIEW_EXITED,
	};
	struct local_instance i;
	struct view_instance v;

	(void)state;
	memset(&i, 0, sizeof i);
	i.ev = event("web.1", SUP_ST_RUNNING, 42);
	i.ev.restarts = 3;
	i.ev.since_ms = 1234567890123;
	strcpy(i.ev.image, "web-v1");
	strcpy(i.version, "v1");
	memset(i.ev.text, 'x', sizeof i.ev.text - 1); /* longer than the view's */
	i.health = VIEW_HEALTHY;
	for (size_t s = SUP_ST_STARTING; s < ARRAY_LEN(want); s++) {
		i.ev.state = (uint32_t)s;
		local_view(&i, "n1", &v);
		assert_int_equal(v.state, want[s]);
	}
	i.ev.state = SUP_ST_BACKOFF;
	i.ev.crash_loop = 1;
	local_view(&i, "n1", &v);
	assert_int_equal(v.state, VIEW_CRASH_LOOP);
	i.ev.state = 77; /* of a newer supervisor */
	local_view(&i, "n1", &v);
	assert_int_equal(v.state, VIEW_UNKNOWN);
	assert_string_equal(v.id, "web.1");
	assert_string_equal(v.role, "web");
	assert_string_equal(v.node, "n1");
	assert_string_equal(v.version, "v1");
	assert_string_equal(v.image, "web-v1");
	assert_int_equal(v.pid, 42);
	assert_int_equal(v.restarts, 3);
	assert_int_equal(v.since_ms, 1234567890123);
	assert_int_equal(v.health, VIEW_HEALTHY);
	assert_int_equal(strlen(v.error), sizeof v.error - 1);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(events_keep_the_table),
		T(a_list_sweeps_what_it_does_not_name),
		T(a_second_list_overtakes_the_first),
		T(health_belongs_to_one_run),
		T(a_full_table_says_no_and_goes_on),
		T(a_check_is_no_instance),
		T(the_view_says_what_the_supervisor_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
