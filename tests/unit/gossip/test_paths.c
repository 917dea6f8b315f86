/*
 * test_paths.c - what probes say of the network: nothing where all is well, a path
 * that is cut and whole again, and how much is lost.
 */
#include "world.h"

#include "../../../gossip/look.h"

static void
assert_no_loss(const struct world *w)
{
	struct mesh_loss l;

	for (uint32_t i = 0; i < w->count; i++) {
		if (w->node[i] == NULL)
			continue;
		mesh_loss(w->node[i], w->now, &l);
		assert_in_range(l.asked, 20, 61); /* a path in doubt is not asked for loss */
		assert_in_range(l.late, 0, 3);
	}
}

static void
a_good_network_says_nothing(void **state)
{
	struct world *w = world_new(4, MESH_QUORUM_MAJORITY);
	struct mesh_loss l;

	(void)state;
	world_run(w, 70000);
	assert_no_loss(w);
	assert_int_equal(world_told(w, " path "), 0);
	for (uint32_t i = 0; i < 4; i++) {
		mesh_loss(w->node[i], w->now, &l);
		assert_int_equal(l.late, 0);
	}
	world_free(w);
}

/* One direction: neither gets an answer of the other, and both say so, once.  Each asks
 * the other each 3 s; six times that, and the turn of the round, is the bound. */
static void
a_cut_path_is_told_by_both_ends(void **state)
{
	struct world *w = world_new(4, MESH_QUORUM_MAJORITY);

	(void)state;
	world_run(w, 6000);
	w->deaf[1][2] = true;
	world_run(w, 12000);
	assert_int_equal(world_told(w, "path cut"), 0);
	world_run(w, 12000);
	assert_int_equal(world_told(w, "n1 path cut n2\n"), 1);
	assert_int_equal(world_told(w, "n2 path cut n1\n"), 1);
	world_run(w, 120000);
	assert_int_equal(world_told(w, "path cut"), 2);
	assert_int_equal(world_told(w, "path whole"), 0);
	assert_no_loss(w);
	w->deaf[1][2] = false;
	world_run(w, 6000);
	assert_int_equal(world_told(w, "n1 path whole n2\n"), 1);
	assert_int_equal(world_told(w, "n2 path whole n1\n"), 1);
	assert_int_equal(world_told(w, " path "), 4);
	world_free(w);
}

/* Cut and mended all the time: one line a minute and pair, and its end. */
static void
a_path_that_comes_and_goes_is_told_once_a_minute(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);

	(void)state;
	world_run(w, 6000);
	for (uint32_t turn = 0; turn < 10; turn++) {
		w->deaf[1][2] = true;
		world_run(w, 16000);
		w->deaf[1][2] = false;
		world_run(w, 4000);
	}
	assert_in_range(world_told(w, "n1 path cut n2\n"), 3, 4);
	assert_int_equal(world_told(w, "n1 path cut n2\n"), world_told(w, "n1 path whole n2\n"));
	assert_int_equal(world_told(w, "n0 path"), 0);
	world_free(w);
}

/* Nor one that was cut off before it died: its return is no mended path. */
static void
the_dead_have_no_paths(void **state)
{
	struct world *w = world_new(4, MESH_QUORUM_MAJORITY);
	uint32_t whole;

	(void)state;
	world_run(w, 6000);
	world_kill(w, 3);
	world_run(w, 60000);
	assert_int_equal(world_told(w, " path "), 0);
	w->deaf[1][2] = true;
	world_run(w, 30000);
	world_kill(w, 2);
	w->deaf[1][2] = false;
	world_run(w, 30000);
	assert_int_equal(world_told(w, "n1 path cut n2\n"), 1);
	world_start(w, 2);
	world_run(w, 30000);
	whole = world_told(w, "path whole");
	assert_int_equal(whole, 0);
	world_free(w);
}

/* Three of ten datagrams: half of the pings are not answered straight.  In five minutes
 * chance alone makes hardly a cut path of it. */
static void
loss_is_measured(void **state)
{
	struct world *w = world_new(5, MESH_QUORUM_MAJORITY);
	uint32_t asked = 0, late = 0;
	struct prng rng;
	struct mesh_loss l;

	(void)state;
	prng_init(&rng, 7);
	world_run(w, 6000);
	for (msec end = w->now + 300000; w->now < end;) {
		for (uint32_t i = 0; i < w->count; i++)
			for (uint32_t k = 0; k < w->count; k++)
				w->deaf[i][k] = prng_below(&rng, 10) < 3;
		world_step(w);
	}
	for (uint32_t i = 0; i < w->count; i++) {
		mesh_loss(w->node[i], w->now, &l);
		asked += l.asked;
		late += l.late;
	}
	assert_in_range(100 * late / asked, 40, 62);
	assert_in_range(world_told(w, "path cut"), 0, 3);
	memset(w->deaf, 0, sizeof w->deaf);
	world_run(w, 70000);
	assert_no_loss(w);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_good_network_says_nothing),
	    cmocka_unit_test(a_cut_path_is_told_by_both_ends),
	    cmocka_unit_test(a_path_that_comes_and_goes_is_told_once_a_minute),
	    cmocka_unit_test(the_dead_have_no_paths),
	    cmocka_unit_test(loss_is_measured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
