/*
 * test_ails.c - when the silence of a member that is called alive is too long.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../daemon/io/ails.h"

enum { NOW = 10000000 };

static void
silence_of_the_living(void **state)
{
	struct mesh_member m = {.state = MESH_ALIVE, .since = 1000, .seen = NOW - 38000};

	(void)state;
	assert_int_equal(ails_quiet_ms(&m, 3, 0, NOW), 0);
	m.seen = NOW - 39000;
	assert_int_equal(ails_quiet_ms(&m, 3, 0, NOW), 39000);
	/* In a larger mesh one is probed less often. */
	assert_int_equal(ails_quiet_ms(&m, 4, 0, NOW), 0);
	assert_int_equal(ails_quiet_ms(&m, 1000, 0, NOW), 0);
	m.seen = NOW - 3030000;
	assert_int_equal(ails_quiet_ms(&m, 1000, 0, NOW), 3030000);
}

static void
no_silence(void **state)
{
	struct mesh_member m = {.state = MESH_ALIVE, .since = 1000, .seen = 2000};

	(void)state;
	assert_true(ails_quiet_ms(&m, 3, 0, NOW) > 0);
	assert_int_equal(ails_quiet_ms(&m, 3, NOW - 10000, NOW), 0); /* just started */
	m.since = NOW - 5000; /* it rose just now, by what others say */
	assert_int_equal(ails_quiet_ms(&m, 3, 0, NOW), 0);
	m.since = 1000;
	m.seen = MSEC_NEVER;
	assert_int_equal(ails_quiet_ms(&m, 3, 0, NOW), NOW - 1000);
	m.self = true;
	assert_int_equal(ails_quiet_ms(&m, 3, 0, NOW), 0);
	m.self = false;
	for (int s = MESH_SUSPECT; s <= MESH_LEFT; s++) {
		m.state = (enum mesh_state)s; /* those are told otherwise */
		assert_int_equal(ails_quiet_ms(&m, 3, 0, NOW), 0);
	}
}

static void
loss_that_is_worth_a_word(void **state)
{
	static const struct {
		uint32_t asked, late;
		bool lossy;
	} cases[] = {{0, 0, false}, {19, 19, false}, {20, 4, false}, {20, 5, true}, {50, 5, true},
	    {60, 5, false}, {60, 6, true}, {61, 6, false}, {60, 60, true}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct mesh_loss l = {cases[i].asked, cases[i].late};

		assert_int_equal(ails_lossy(&l), cases[i].lossy);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(silence_of_the_living),
	    cmocka_unit_test(no_silence),
	    cmocka_unit_test(loss_that_is_worth_a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
