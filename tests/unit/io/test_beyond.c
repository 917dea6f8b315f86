/*
 * test_beyond.c - a schedule that can't be lies on the disk, of a time when such were
 * still believed: a start forgets it, and holds fast to every other.
 */
#define world engine_world
#define report engine_report
#include "../../../daemon/io/actions.h"
#include "../../../daemon/io/engine.h"
#undef world
#undef report
#include "../../../daemon/io/saving.h"
#include "schedules.h"

enum { TERM = 7 };

static struct world dir;
static struct engine e;

static int
setup(void **state)
{
	world_open(&dir);
	return schedules_setup(state);
}

static int
teardown(void **state)
{
	(void)state;
	world_close(&dir);
	return 0;
}

static void
start(void)
{
	struct err err = {.code = 0};

	memset(&e, 0, sizeof e);
	e.state_fd = dir.fd;
	if (saving_open(&e, &err) < 0)
		fail_msg("%s", err.text);
}

static void
stop(void)
{
	keep_free(&e.keep);
	critical_close(&e.critical);
	store_close(e.store);
	actions_free(&e);
	free(e.roster);
}

/* Applied and kept under such a stamp, and the node comes back. */
static void
applied(uint64_t term)
{
	static const struct role_of web = {.name = "web", .text = "x"};
	struct schedule s = schedule_at(term, 1, &web, 1);
	struct err err = {.code = 0};

	start();
	e.saved.term = TERM;
	e.saved.applied = s.meta.stamp;
	e.saved.applied_hash = s.hash;
	assert_int_equal(keep_set(&e.keep, &s, &err), 0);
	assert_int_equal(critical_save(&e.critical, &e.saved, &err), 0);
	stop();
	start();
	assert_int_equal(e.saved.term, TERM);
}

static void
what_cannot_be_is_forgotten(void **state)
{
	struct stamp none = {.term = 0};

	(void)state;
	applied(TERM + TERM_JUMP_MAX);
	assert_true(e.keep.has);
	assert_int_equal(e.saved.applied.term, TERM + TERM_JUMP_MAX);
	stop();
	applied(TERM + TERM_JUMP_MAX + 1);
	assert_false(e.keep.has);
	assert_int_equal(stamp_cmp(&e.saved.applied, &none), 0);
	stop();
	applied(INT64_MAX - 1);
	assert_false(e.keep.has);
	assert_int_equal(stamp_cmp(&e.saved.applied, &none), 0);
	stop();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(what_cannot_be_is_forgotten, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
