/*
 * test_seeds.c - seeds: asked for ever, and no more once they are none.
 */
#include "world.h"

enum { HOUR_MS = 3600000 };

/* Every second while it knows nobody, however long that takes. */
static void
a_mesh_that_is_down_today_is_up_tomorrow(void **state)
{
	struct world *w = world_new(2, MESH_QUORUM_MAJORITY);
	uint64_t asked;

	(void)state;
	world_kill(w, 0);
	world_run(w, 2 * HOUR_MS);
	asked = w->node[1]->stats.tx_packets;
	world_run(w, 10000);
	assert_true(w->node[1]->stats.tx_packets - asked >= 10);
	world_start(w, 0);
	assert_int_equal(mesh_init(w->node[0], w->now, (const uint8_t *)"one cluster 16 b"), 0);
	world_run(w, 2000);
	assert_true(w->node[1]->member);
	assert_int_equal(mesh_up(w->node[1]), 2);
	world_free(w);
}

/* Two pairs of one cluster that never met: n2 knows of the others by its seed alone, which
 * was out of reach when it asked first, and is in company since. */
static void
who_is_in_company_asks_its_seeds_on(void **state)
{
	struct world *w = world_new(4, MESH_QUORUM_MAJORITY);
	struct addr other = toy_addr(2), far = toy_addr(0);

	(void)state;
	for (uint32_t i = 0; i < 2; i++)
		for (uint32_t j = 2; j < 4; j++)
			w->deaf[i][j] = w->deaf[j][i] = true;
	mesh_drop_seed(w->node[3], &far);
	assert_int_equal(mesh_add_seed(w->node[3], w->now, &other), 0);
	assert_int_equal(mesh_init(w->node[2], w->now, world_cluster), 0);
	world_run(w, 180000);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(mesh_up(w->node[i]), 2);
	for (uint32_t i = 0; i < 4; i++)
		world_isolate(w, i, false);
	world_run(w, 15000);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(mesh_up(w->node[i]), 4);
	world_free(w);
}

static void
what_is_no_seed_any_more_is_not_asked(void **state)
{
	struct world *w = world_new(2, MESH_QUORUM_MAJORITY);
	struct mesh *m = w->node[1];
	struct addr other = toy_addr(5), seed = toy_addr(0);
	uint64_t asked;

	(void)state;
	world_kill(w, 0);
	mesh_drop_seed(m, &other); /* it never was one */
	assert_int_equal(m->conf.seeds_count, 1);
	assert_int_equal(mesh_add_seed(m, w->now, &other), 0);
	mesh_drop_seed(m, &seed);
	mesh_drop_seed(m, &seed);
	assert_int_equal(m->conf.seeds_count, 1);
	assert_true(addr_eq(&m->conf.seeds[0], &other));
	mesh_drop_seed(m, &other);
	assert_int_equal(m->conf.seeds_count, 0);
	world_run(w, 100);
	asked = m->stats.tx_packets;
	world_run(w, 20000);
	assert_int_equal(m->stats.tx_packets, asked);
	world_free(w);
}

/* No member that the others do not know: it hears why, asks on, and is in when there is room. */
static void
who_finds_no_room_is_told_so_and_asks_on(void **state)
{
	struct world *w = world_new(2, MESH_QUORUM_MAJORITY);
	struct mesh_refusal x;

	(void)state;
	world_run(w, 5000);
	w->node[0]->ms.max = w->node[1]->ms.max = 2;
	w->count = 3;
	world_start(w, 2);
	world_run(w, 5000);
	assert_false(w->node[2]->member);
	assert_true(mesh_refused(w->node[2], &x));
	assert_int_equal(x.why, MESH_ENTRY_FULL);
	assert_int_equal(w->node[2]->stats.dropped[ERR_CERT], 0); /* there are none here */
	assert_true(w->node[2]->stats.dropped[ERR_FULL] > 0);
	assert_int_equal(mesh_up(w->node[0]), 2);
	w->node[0]->ms.max = w->node[1]->ms.max = 3;
	world_run(w, 5000);
	assert_true(w->node[2]->member);
	assert_int_equal(mesh_up(w->node[0]), 3);
	world_free(w);
}

/* Two clusters under one key: each says of its seed whose it is, of a member's nothing,
 * and of one where nobody is that it was never heard. */
static void
a_seed_of_another_cluster_is_known_for_one(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct addr there = toy_addr(2), none = toy_addr(9), own = toy_addr(0);
	struct mesh_seed x;

	(void)state;
	world_isolate(w, 2, true);
	world_run(w, 5000);
	assert_int_equal(mesh_init(w->node[2], w->now, (const uint8_t *)"another one 16 b"), 0);
	world_isolate(w, 2, false);
	assert_int_equal(mesh_add_seed(w->node[1], w->now, &none), 0);
	assert_int_equal(mesh_add_seed(w->node[1], w->now, &there), 0);
	world_run(w, 30000);
	assert_int_equal(mesh_up(w->node[1]), 2);
	assert_true(mesh_seed(w->node[1], 0, &x) && addr_eq(&x.addr, &own) && x.heard && !x.foreign);
	assert_true(mesh_seed(w->node[1], 1, &x) && addr_eq(&x.addr, &none) && !x.heard && !x.foreign);
	assert_true(mesh_seed(w->node[1], 2, &x) && addr_eq(&x.addr, &there) && !x.heard && x.foreign);
	assert_false(mesh_seed(w->node[1], 3, &x));
	assert_true(mesh_seed(w->node[2], 0, &x) && !x.heard && x.foreign); /* and the other way */
	mesh_drop_seed(w->node[1], &none); /* what is known goes with its seed */
	assert_true(mesh_seed(w->node[1], 1, &x) && addr_eq(&x.addr, &there) && x.foreign);
	mesh_drop_seed(w->node[1], &there);
	assert_int_equal(mesh_add_seed(w->node[1], w->now, &none), 0);
	assert_true(mesh_seed(w->node[1], 1, &x) && !x.foreign);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_mesh_that_is_down_today_is_up_tomorrow),
	    cmocka_unit_test(who_is_in_company_asks_its_seeds_on),
	    cmocka_unit_test(what_is_no_seed_any_more_is_not_asked),
	    cmocka_unit_test(who_finds_no_room_is_told_so_and_asks_on),
	    cmocka_unit_test(a_seed_of_another_cluster_is_known_for_one),
	};

	return cmocka_run_group_tests_name("seeds", tests, NULL, NULL);
}
