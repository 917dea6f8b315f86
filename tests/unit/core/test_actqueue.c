/*
 * The queue of a node that accepts actions: numbers that come once, what is on disk, who is
 * told when; told with virtual time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../../daemon/core/actqueue.h"

#define WALL UINT64_C(1800000000000)

static struct actqueue q;
static struct action_bundle bundle;
static struct action_words words;
static const struct node_id n1 = {{1}}, n2 = {{2}};

static int
fresh(void **state)
{
	(void)state;
	return actqueue_init(&q, (struct slice){NULL, 0}, 7, WALL, 1000);
}

static uint64_t
add(msec now, uint64_t wall_ms)
{
	struct action a;
	struct err err;

	assert_int_equal(action_make(&a, "web", "scale", NULL, 0, &err), 0);
	return actqueue_add(&q, now, wall_ms, &a) == 0 ? a.number : 0;
}

static void
again(uint64_t generation, uint64_t wall_ms, msec now)
{
	static uint8_t buf[ACTQUEUE_SAVED_BYTES_MAX];
	size_t len = actqueue_save(&q, buf);

	assert_int_equal(actqueue_init(&q, (struct slice){buf, len}, generation, wall_ms, now), 0);
}

static void
numbers_and_stamps_rise(void **state)
{
	uint64_t one, two;

	(void)state;
	one = add(2000, WALL + 1000);
	two = add(2000, WALL + 900); /* its clock was set back */
	assert_true(one > 0 && two == one + 1);
	assert_true(q.actions[1].stamp_ms > q.actions[0].stamp_ms);
	again(8, WALL + 2000, 0);
	assert_true(add(100, WALL + 2000) > two);
}

/* No leader takes what is stamped so far ahead: it and all later ones would wait for that day. */
static void
a_clock_that_was_far_ahead_is_set_right(void **state)
{
	uint64_t one;

	(void)state;
	one = add(2000, WALL + ACTION_AHEAD_MS_MAX + 1);
	assert_int_equal(actqueue_find(&q, add(2000, WALL))->stamp_ms, WALL);
	assert_true(actqueue_resolve(&q, 2000, WALL + 5, one, true));
	assert_int_equal(actqueue_find(&q, one)->stamp_ms, WALL + 5);
	assert_true(add(2000, WALL) > one);
	assert_int_equal(q.actions[q.count - 1].stamp_ms, WALL + 6);
}

static void
no_number_comes_twice_after_a_lost_disk(void **state)
{
	uint64_t last = 0, got;
	msec now = 1000;
	uint64_t wall = WALL;

	(void)state;
	/* As many as it takes, all answered at once; then the disk is gone, in the same second. */
	for (int life = 0; life < 4; life++) {
		for (int i = 0; i < 300; i++, now += 20, wall += 20) {
			if ((got = add(now, wall)) == 0)
				continue;
			assert_true(got > last);
			last = got;
			assert_true(actqueue_done(&q, now, got, true, ""));
		}
		assert_int_equal(actqueue_init(&q, (struct slice){NULL, 0}, 9, wall, now), 0);
	}
}

static void
it_is_bounded(void **state)
{
	struct action a;
	struct err err;

	(void)state;
	for (int i = 0; i < ACTION_QUEUE_MAX; i++)
		assert_true(add(100000, WALL) > 0);
	assert_int_equal(action_make(&a, "web", "scale", NULL, 0, &err), 0);
	assert_int_equal(actqueue_add(&q, 100000, WALL, &a), -ERR_FULL);
	for (uint64_t i = q.actions[0].number, n = 0; n < ACTION_QUEUE_MAX; n++)
		assert_true(actqueue_done(&q, 100000, i + n, true, ""));
	for (int i = 0; i < ACTQUEUE_BURST - ACTION_QUEUE_MAX; i++)
		assert_true(actqueue_done(&q, 100000, add(100000, WALL), true, ""));
	assert_int_equal(actqueue_add(&q, 100050, WALL, &a), -ERR_RANGE);
	assert_int_equal(actqueue_add(&q, 100100, WALL, &a), 0);
}

static void
what_could_not_be_saved_is_not_there(void **state)
{
	uint64_t one = add(3000, WALL), two;

	(void)state;
	actqueue_undo(&q, one);
	assert_null(actqueue_find(&q, one));
	two = add(3000, WALL);
	assert_true(two > one);
	actqueue_undo(&q, one); /* twice: nothing */
	assert_non_null(actqueue_find(&q, two));
}

static void
a_leader_is_told_and_again(void **state)
{
	(void)state;
	assert_int_equal(actqueue_deadline(&q), MSEC_NEVER);
	assert_false(actqueue_due(&q, 3000, &n1));
	uint64_t one = add(3000, WALL);
	assert_true(actqueue_due(&q, 3000, &n1));
	actqueue_bundle(&q, 3000, &n1, &bundle);
	assert_int_equal(bundle.count, 1);
	assert_int_equal(bundle.last, one);
	assert_false(actqueue_due(&q, 3001, &n1)); /* under way */
	assert_true(actqueue_due(&q, 3001, &n2));  /* another one leads now */
	assert_false(actqueue_told(&q, 3010, bundle.turn, NULL)); /* no answer */
	assert_true(actqueue_due(&q, 3300, &n1));
	actqueue_bundle(&q, 3300, &n1, &bundle);
	words.count = 1;
	words.words[0] = (struct action_word){.number = one, .state = ACTION_WAITS};
	assert_false(actqueue_told(&q, 3310, bundle.turn, &words));
	/* Until its answer is here it is told again: that leader may forget. */
	assert_true(actqueue_deadline(&q) < 6000);
	assert_true(actqueue_done(&q, 4000, one, true, "5 instances"));
	assert_string_equal(actqueue_answer(&q, one)->text, "5 instances");
	assert_string_equal(actqueue_answer(&q, one)->line, "scale web");
	/* And once more without it, so that the reply need not be kept. */
	assert_true(actqueue_due(&q, 4000, &n1));
	actqueue_bundle(&q, 4000, &n1, &bundle);
	assert_int_equal(bundle.count, 0);
	words.count = 0;
	assert_false(actqueue_told(&q, 4010, bundle.turn, &words));
	assert_int_equal(actqueue_deadline(&q), MSEC_NEVER);
	assert_false(actqueue_done(&q, 4000, one, true, "twice"));
}

static void
an_answer_of_what_it_was_changes_nothing(void **state)
{
	uint64_t one = add(3000, WALL);

	(void)state;
	actqueue_bundle(&q, 3000, &n1, &bundle);
	(void)add(3005, WALL);
	words.count = 1;
	words.words[0] = (struct action_word){.number = one, .state = ACTION_ASIDE, .tries = 3};
	assert_false(actqueue_told(&q, 3010, bundle.turn, &words));
	assert_false(actqueue_find(&q, one)->aside);
	assert_true(actqueue_due(&q, 3010, &n1));
}

static void
set_aside_until_somebody_decides(void **state)
{
	uint64_t one = add(3000, WALL), stamp;

	(void)state;
	actqueue_bundle(&q, 3000, &n1, &bundle);
	words.count = 2;
	words.words[0] = (struct action_word){one, ACTION_ASIDE, 3, "main.lua:5: no"};
	words.words[1] = (struct action_word){999, ACTION_ASIDE, 3, "of nobody"};
	assert_true(actqueue_told(&q, 3010, bundle.turn, &words)); /* to be saved */
	again(8, WALL + 1000, 0);
	assert_true(actqueue_find(&q, one)->aside);
	assert_string_equal(actqueue_find(&q, one)->error, "main.lua:5: no");
	stamp = actqueue_find(&q, one)->stamp_ms;
	assert_true(actqueue_resolve(&q, 10, WALL + 5000, one, true));
	assert_false(actqueue_find(&q, one)->aside);
	assert_int_equal(actqueue_find(&q, one)->tries, 0);
	assert_true(actqueue_find(&q, one)->stamp_ms > stamp); /* asked for anew */
	assert_true(actqueue_resolve(&q, 10, WALL + 5000, one, false));
	assert_false(actqueue_answer(&q, one)->ok);
	assert_false(actqueue_resolve(&q, 10, WALL + 5000, one, false));
}

static void
who_waited_for_two_days_is_asked_about(void **state)
{
	uint64_t one = add(3000, WALL), two;
	uint64_t later = WALL + UINT64_C(48) * 3600 * 1000;

	(void)state;
	two = add(4000, WALL + 1000);
	assert_false(actqueue_expire(&q, 4000, later - 1));
	assert_true(actqueue_expire(&q, 4000, later));
	assert_true(actqueue_find(&q, one)->aside);
	assert_false(actqueue_find(&q, two)->aside);
	assert_true(actqueue_resolve(&q, 5000, later, one, true));
	assert_false(actqueue_expire(&q, 5000, later)); /* it is meant now */
}

static void
damaged_bytes_start_with_nothing(void **state)
{
	uint8_t buf[ACTQUEUE_SAVED_BYTES_MAX];
	uint64_t two;
	size_t len;

	(void)state;
	(void)add(3000, WALL);
	two = add(3000, WALL);
	len = actqueue_save(&q, buf);
	for (size_t cut = 1; cut < len; cut++) {
		assert_true(actqueue_init(&q, (struct slice){buf, cut}, 8, WALL + 60000, 9) < 0);
		assert_int_equal(q.count, 0);
		assert_true(add(20000, WALL + 60000) > two);
	}
}

static void
turns_rise_over_lives(void **state)
{
	(void)state;
	(void)add(3000, WALL);
	actqueue_bundle(&q, 3000, &n1, &bundle);
	uint64_t before = bundle.turn;
	again(8, WALL, 0);
	assert_true(actqueue_due(&q, 0, &n1));
	actqueue_bundle(&q, 0, &n1, &bundle);
	assert_true(bundle.turn > before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(numbers_and_stamps_rise, fresh),
	    cmocka_unit_test_setup(a_clock_that_was_far_ahead_is_set_right, fresh),
	    cmocka_unit_test_setup(no_number_comes_twice_after_a_lost_disk, fresh),
	    cmocka_unit_test_setup(it_is_bounded, fresh),
	    cmocka_unit_test_setup(what_could_not_be_saved_is_not_there, fresh),
	    cmocka_unit_test_setup(a_leader_is_told_and_again, fresh),
	    cmocka_unit_test_setup(an_answer_of_what_it_was_changes_nothing, fresh),
	    cmocka_unit_test_setup(set_aside_until_somebody_decides, fresh),
	    cmocka_unit_test_setup(who_waited_for_two_days_is_asked_about, fresh),
	    cmocka_unit_test_setup(damaged_bytes_start_with_nothing, fresh),
	    cmocka_unit_test_setup(turns_rise_over_lives, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
