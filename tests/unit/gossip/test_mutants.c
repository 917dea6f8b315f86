/*
 * test_mutants.c - planted faults, each of which an invariant must catch: a
 * check that nothing can break checks nothing.  The simulator's own sources,
 * without its main and its counting malloc.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../sim/sim.c"
#include "../../sim/check.c"
#include "../../sim/crypto.c"
#include "../../sim/scenario.c"

enum { SEEDS = 150 };

void
alloc_forbid(void)
{
}

uint64_t
alloc_allow(void)
{
	return 0;
}

/* The first invariant that breaks within SEEDS seeds of chaos, or NULL. */
static const char *
caught(enum sim_mutant mutant)
{
	struct sim_conf conf = {.nodes = 3, .mutant = mutant};
	struct sim_stats *st = stats_new();
	const char *broken = NULL;

	assert_non_null(st);
	for (conf.seed = 1; conf.seed <= SEEDS && broken == NULL; conf.seed++) {
		struct sim *s = sim_new(&conf);

		if (!sim_scenario_find("chaos")(s, st))
			broken = s->broken;
		sim_free(s);
	}
	stats_free(st);
	return broken;
}

static void
nothing_is_caught_in_the_real_thing(void **state)
{
	(void)state;
	assert_null(caught(MUTANT_NONE));
}

static void
a_vote_given_twice_is_caught(void **state)
{
	(void)state;
	assert_string_equal(caught(MUTANT_VOTE_TWICE), "one-vote-per-term");
}

static void
a_forgotten_disk_is_caught(void **state)
{
	(void)state;
	assert_string_equal(caught(MUTANT_NO_PERSIST), "term-monotonic");
}

static void
a_missing_holdoff_is_caught(void **state)
{
	(void)state;
	assert_string_equal(caught(MUTANT_NO_HOLDOFF), "one-full-lease");
}

static void
a_stale_lease_is_caught(void **state)
{
	(void)state;
	assert_string_equal(caught(MUTANT_STALE_LEASE), "one-full-lease");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_is_caught_in_the_real_thing),
	    cmocka_unit_test(a_vote_given_twice_is_caught),
	    cmocka_unit_test(a_forgotten_disk_is_caught),
	    cmocka_unit_test(a_missing_holdoff_is_caught),
	    cmocka_unit_test(a_stale_lease_is_caught),
	};

	return cmocka_run_group_tests_name("mutants", tests, NULL, NULL);
}
