/* test_window.c - the small window accepts what the whole one does, and gives back
 * what it does not need. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../gossip/prng.h"
#include "../../../gossip/window.h"

/* As a sender's counters come: bursts, gaps, late ones, repeated ones, restarts. */
static uint64_t
next(struct prng *rng, uint64_t top)
{
	switch (prng_below(rng, 8)) {
	case 0: /* it spoke to others meanwhile */
		return top + prng_below(rng, 3 * SEAL_WINDOW_BITS);
	case 1:
		return top > 2 * SEAL_WINDOW_BITS ? top - prng_below(rng, 2 * SEAL_WINDOW_BITS) : top;
	case 2:
		return top + (prng_below(rng, 400) == 0 ? UINT64_C(1) << SEAL_COUNTER_BITS : 0);
	case 3: /* where small and whole must agree to the bit */
		return top + SEAL_WINDOW_BITS - 2 + prng_below(rng, 5);
	case 4:
		return top >= SEAL_WINDOW_BITS + 2 ? top - SEAL_WINDOW_BITS - 2 + prng_below(rng, 5) : 0;
	default:
		return top + prng_below(rng, 3);
	}
}

static void
it_accepts_what_a_whole_one_does(void **state)
{
	struct windows ws;
	struct prng rng;
	uint64_t whole = 0, small = 0;

	(void)state;
	assert_true(windows_init(&ws, 1));
	prng_init(&rng, 5);
	for (int life = 0; life < 200; life++) {
		struct seal_window model = {0};
		struct window w = {0};
		uint64_t dense = prng_below(&rng, 3) * 40; /* so many in a row */

		for (int k = 0; k < 2000; k++) {
			uint64_t c = (uint64_t)k % 100 < dense ? model.top + prng_below(&rng, 2) :
								 next(&rng, model.top);

			assert_int_equal(window_fresh(&w, &ws, c), seal_fresh(&model, c));
			whole += w.whole != 0;
			small += w.whole == 0;
		}
		window_clear(&w, &ws);
	}
	assert_int_equal(ws.slots.used, 1); /* there is no second one, and it came back each time */
	assert_true(whole > 10000 && small > 10000);
	windows_fini(&ws);
}

/* Thousands of senders, each heard now and then: no window is taken. */
static void
who_speaks_seldom_takes_none(void **state)
{
	static struct window w[500];
	struct windows ws;

	(void)state;
	assert_true(windows_init(&ws, 500));
	for (uint64_t c = 1; c < 40; c++)
		for (size_t i = 0; i < 500; i++)
			assert_int_equal(window_fresh(&w[i], &ws, c * (SEAL_WINDOW_BITS / WINDOW_FEW + 1)), 0);
	assert_int_equal(ws.slots.used, 0);
	/* One that speaks to nobody else does, until it falls silent for a while. */
	for (uint64_t c = 100000; c < 100020; c++)
		assert_int_equal(window_fresh(&w[7], &ws, c), 0);
	assert_int_equal(ws.slots.used, 1);
	assert_true(w[7].whole != 0);
	assert_int_equal(window_fresh(&w[7], &ws, 100019 + SEAL_WINDOW_BITS), 0);
	assert_int_equal(w[7].whole, 0);
	assert_int_equal(window_fresh(&w[7], &ws, 100019), -ERR_REPLAY);
	for (uint64_t c = 100000; c < 100020; c++)
		assert_int_equal(window_fresh(&w[9], &ws, c), 0);
	assert_int_equal(ws.slots.used, 1); /* the one given back */
	windows_fini(&ws);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_accepts_what_a_whole_one_does),
		cmocka_unit_test(who_speaks_seldom_takes_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
