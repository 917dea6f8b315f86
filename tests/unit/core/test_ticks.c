/*
 * test_ticks.c - one number a second, whatever timers and the wall clock do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../../daemon/core/ticks.h"

enum { WALL = 1700000000 };

/* The clocks at a moment `late` ms after the n-th second of the wall clock. */
static bool
at(struct ticks *t, int64_t n, int64_t late, int64_t phase)
{
	return ticks_next(t, n * 1000 + late + phase, (WALL + n) * 1000 + late);
}

static void
each_second_has_one_number(void **state)
{
	(void)state;
	for (int64_t phase = 0; phase < 1000; phase += 50) {
		struct ticks t = {0};
		int64_t first = 0;

		srand((unsigned)phase);
		for (int64_t n = 100; n < 400; n++) {
			/* Early by 2 ms, late by up to 400, and the phase drifts by 1 ms in 30 s. */
			assert_true(at(&t, n, rand() % 402 - 2, phase + n / 30));
			if (n == 100)
				first = t.tick;
			assert_int_equal(t.tick, first + n - 100);
			assert_in_range(t.tick * 1000 - (n * 1000 + phase) + 750, 0, 1500);
			/* Whoever asks, and when: it was at that second of the wall clock. */
			for (int64_t later = 0; later < 5000; later += 833)
				assert_int_equal(t.tick * 1000 + ticks_wall(&t, n * 1000 + phase + n / 30 + later, (WALL + n) * 1000 + later),
				    (WALL + n) * 1000);
		}
		assert_int_equal(t.missed, 0);
		assert_int_equal(t.taken, 300);
	}
}

static void
late_ones_are_counted(void **state)
{
	struct ticks t = {0};

	(void)state;
	assert_true(at(&t, 10, 0, 300));
	assert_true(at(&t, 13, 200, 300));
	assert_int_equal(t.tick, 13);
	assert_int_equal(t.missed, 2);
	/* Asleep for an hour: CLOCK_BOOTTIME went on. */
	assert_true(at(&t, 3613, 0, 300));
	assert_int_equal(t.tick, 3613);
	assert_int_equal(t.missed, 2 + 3599);
}

static void
never_two_of_one(void **state)
{
	struct ticks t = {0};

	(void)state;
	assert_true(at(&t, 10, 0, 0));
	assert_false(at(&t, 10, 1, 0));
	assert_false(at(&t, 10, 499, 0));
	assert_int_equal(t.twice, 2);
	assert_true(at(&t, 11, -1, 0));
	assert_int_equal(t.tick, 11);
}

/* The wall clock steps, by anything: numbers go on with the other clock. */
static void
a_step_of_the_wall_moves_no_number(void **state)
{
	static const int64_t steps[] = {1, 300, 500, 700, 999, 1000, 3600000, -1, -300, -500, -700, -3600001};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct ticks t = {0};
		int64_t boot = 50000, wall = (int64_t)WALL * 1000, last = 0;
		uint64_t n = 0;

		for (int k = 0; k < 40; k++) {
			if (k == 20)
				wall += steps[i];
			if (ticks_next(&t, boot, wall)) {
				assert_true(n == 0 || t.tick > last);
				last = t.tick;
				n++;
				assert_in_range(t.tick * 1000 + ticks_wall(&t, boot, wall) - wall + 500, 0, 1000);
				assert_int_equal(ticks_wall(&t, boot, wall) % 1000, 0);
			}
			int64_t wait = ticks_wait(wall);

			assert_in_range(wait, 1, 1000);
			boot += wait;
			wall += wait;
		}
		assert_in_range(last * 1000 - boot + 2000, 0, 2000);
		assert_true(n >= 39 && t.missed <= 1);
	}
}

static void
clocks_that_do_not_agree(void **state)
{
	(void)state;
	assert_int_equal(ticks_apart(0, WALL * INT64_C(1000)), 0);
	for (int64_t ms = -2499; ms < 2500; ms += 7)
		assert_int_equal(ticks_apart(WALL * INT64_C(1000) + ms, WALL * INT64_C(1000)), 0);
	assert_int_equal(ticks_apart(WALL * INT64_C(1000) + 600400, WALL * INT64_C(1000)), 600000);
	assert_int_equal(ticks_apart(WALL * INT64_C(1000) - 600400, WALL * INT64_C(1000)), -600000);
	assert_int_equal(ticks_apart(WALL * INT64_C(1000) + 2600, WALL * INT64_C(1000)), 3000);
	assert_int_equal(ticks_apart(1, WALL * INT64_C(1000)), -WALL * INT64_C(1000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_second_has_one_number),
	    cmocka_unit_test(late_ones_are_counted),
	    cmocka_unit_test(never_two_of_one),
	    cmocka_unit_test(a_step_of_the_wall_moves_no_number),
	    cmocka_unit_test(clocks_that_do_not_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
