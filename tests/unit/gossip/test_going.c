/*
 * test_going.c - what a node says before it restarts, what the others make of its
 * silence then, and for how long.
 */
#include "world.h"

static uint32_t
leader(struct world *w)
{
	for (uint32_t i = 0; i < w->count; i++)
		if (w->node[i]->elect.role == MESH_LEADER)
			return i;
	fail_msg("nobody leads");
	return 0;
}

static void
its_death_waits_and_its_vote_does_not(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct mesh_member x;
	struct mesh_side side;
	uint32_t by, i;

	(void)state;
	world_run(w, 6000);
	by = leader(w);
	i = (by + 1) % 3;
	assert_int_equal(world_seen(w, by, i).wait_until, 0);
	assert_int_equal(mesh_restarting(w->node[i], w->now, 20), 0);
	world_run(w, 100);
	x = world_seen(w, by, i);
	assert_true(x.state == MESH_ALIVE && x.going == MESH_RESTARTING);
	assert_true(x.wait_until == MSEC_NEVER);
	world_isolate(w, i, true);
	world_run(w, 8000);
	x = world_seen(w, by, i);
	assert_true(x.state == MESH_FAILED);
	assert_int_equal(x.wait_until, x.since + 20000);
	mesh_side(w->node[by], w->now, &side);
	assert_true(side.grade == MESH_GRADE_FULL && side.visible == 2 && side.known == 3);
	world_free(w);
}

/* Who is drained, and restarts, is that meanwhile too; its grace is what it asked for. */
static void
a_drained_one_restarts_drained(void **state)
{
	for (int drained = 0; drained < 2; drained++) {
		struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
		struct mesh_member x;
		uint32_t by, i;

		(void)state;
		world_run(w, 6000);
		by = leader(w);
		i = (by + 1) % 3;
		if (drained)
			assert_int_equal(mesh_drain(w->node[i], w->now, true), 0);
		world_run(w, 100);
		assert_int_equal(mesh_restarting(w->node[i], w->now, 20), 0);
		world_run(w, 100);
		x = world_seen(w, by, i);
		assert_int_equal(x.going, MESH_RESTARTING);
		assert_int_equal(x.draining, drained);
		assert_int_equal(world_seen(w, i, i).draining, drained);
		world_isolate(w, i, true);
		world_run(w, 8000);
		x = world_seen(w, by, i);
		assert_true(x.state == MESH_FAILED);
		assert_int_equal(x.draining, drained);
		assert_int_equal(x.wait_until, x.since + 20000);
		world_free(w);
	}
}

/* Whoever starts while it is away learns from the others how long it is so: however
 * often that happens, the grace is no longer. */
static void
no_grace_begins_anew(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	uint32_t by, i;
	msec until;

	(void)state;
	world_run(w, 6000);
	by = leader(w);
	i = (by + 1) % 3;
	assert_int_equal(mesh_restarting(w->node[i], w->now, 60), 0);
	world_run(w, 100);
	world_isolate(w, i, true);
	world_run(w, 10000);
	assert_true(world_seen(w, by, i).state == MESH_FAILED);
	until = world_seen(w, by, i).wait_until;
	for (int k = 0; k < 2; k++) { /* one after the other: nobody is left who saw it */
		uint32_t again = k == 0 ? by : 3 - by - i;

		world_kill(w, again);
		world_start(w, again);
		world_run(w, 12000); /* who just started tells of no deaths yet */
		assert_true(world_seen(w, again, i).state == MESH_FAILED);
		assert_true(world_seen(w, again, i).wait_until <= until);
		assert_true(world_seen(w, again, i).wait_until > until - 3000);
	}
	world_free(w);
}

static void
a_leader_hands_over_first(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	uint32_t by, next;

	(void)state;
	world_run(w, 6000);
	by = leader(w);
	assert_int_equal(mesh_restarting(w->node[by], w->now, 60), 0);
	world_run(w, 50);
	next = leader(w);
	assert_true(next != by);
	assert_true(lead_grade(w->node[next], w->now) == MESH_GRADE_FULL);
	/* It does not ask for the office again, though it goes on. */
	world_isolate(w, next, true);
	world_run(w, 6000);
	assert_true(w->node[by]->elect.role == MESH_FOLLOWER);
	assert_true(w->node[3 - by - next]->elect.role == MESH_LEADER);
	world_free(w);
}

static void
a_lone_leader_has_nobody_to_hand_to(void **state)
{
	struct world *w = world_new(1, MESH_QUORUM_MAJORITY);

	(void)state;
	world_run(w, 3000);
	assert_int_equal(leader(w), 0);
	assert_int_equal(mesh_restarting(w->node[0], w->now, 60), 0);
	world_run(w, 1000);
	assert_int_equal(leader(w), 0);
	world_free(w);
}

static void
what_is_no_grace(void **state)
{
	struct world *w = world_new(2, MESH_QUORUM_MAJORITY);
	uint32_t incarnation;

	(void)state;
	assert_int_equal(mesh_restarting(w->node[1], w->now, 0), -ERR_RANGE);
	world_run(w, 4000);
	assert_int_equal(mesh_restarting(w->node[0], w->now, 0), -ERR_RANGE);
	assert_int_equal(mesh_restarting(w->node[0], w->now, MESH_GRACE_S_MAX + 1), -ERR_RANGE);
	assert_int_equal(mesh_restarting(w->node[0], w->now, 5), 0);
	incarnation = w->node[0]->ms.m[0].incarnation;
	assert_int_equal(mesh_restarting(w->node[0], w->now, 9), 0); /* said once */
	assert_int_equal(w->node[0]->ms.m[0].incarnation, incarnation);
	mesh_leave(w->node[1], w->now);
	assert_int_equal(mesh_restarting(w->node[1], w->now, 5), -ERR_RANGE);
	world_free(w);
}

static void
who_drains_stays_a_member(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	uint32_t by, i;

	(void)state;
	assert_int_equal(mesh_drain(w->node[2], w->now, true), -ERR_RANGE);
	world_run(w, 6000);
	by = leader(w);
	i = (by + 1) % 3;
	assert_int_equal(mesh_drain(w->node[i], w->now, true), 0);
	assert_int_equal(mesh_drain(w->node[by], w->now, true), 0);
	world_run(w, 500);
	for (uint32_t k = 0; k < 3; k++)
		assert_true(world_seen(w, k, i).going == MESH_DRAINING && world_seen(w, k, i).in_roster);
	assert_int_equal(leader(w), by); /* it gives its work away, not its office */
	/* Dead while it drains is dead at once. */
	world_isolate(w, i, true);
	world_run(w, 8000);
	assert_true(world_seen(w, by, i).state == MESH_FAILED && world_seen(w, by, i).wait_until == 0);
	world_isolate(w, i, false);
	world_run(w, 4000);
	assert_int_equal(mesh_drain(w->node[i], w->now, false), 0);
	world_run(w, 500);
	assert_true(world_seen(w, by, i).going == MESH_STAYS);
	assert_int_equal(mesh_restarting(w->node[i], w->now, 5), 0);
	assert_int_equal(mesh_drain(w->node[i], w->now, true), -ERR_RANGE);
	world_free(w);
}

/* Signed by its owner, so only he can; and then nobody waits longer than the most
 * that can be asked, nor for a kind of going that this version does not know. */
static void
what_a_stranger_says(void **state)
{
	static const struct {
		uint16_t notice;
		msec wait;
	} cases[] = {{1 << 2 | MESH_RESTARTING, 1000}, {MESH_RESTARTING, 0},
	    {UINT16_MAX & ~2, 3600000}, {UINT16_MAX, 0}, {7 << 2 | 2, 0}, {7 << 2, 0}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct member x = {.state = MESH_FAILED, .since = 5000, .notice = cases[i].notice};
		msec at = going_wait_until(&x);

		assert_int_equal(at <= 5000 ? 0 : at - 5000, cases[i].wait);
		x.state = MESH_LEFT;
		assert_int_equal(going_wait_until(&x), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(its_death_waits_and_its_vote_does_not),
	    cmocka_unit_test(a_drained_one_restarts_drained),
	    cmocka_unit_test(no_grace_begins_anew),
	    cmocka_unit_test(a_leader_hands_over_first),
	    cmocka_unit_test(a_lone_leader_has_nobody_to_hand_to),
	    cmocka_unit_test(what_is_no_grace),
	    cmocka_unit_test(who_drains_stays_a_member),
	    cmocka_unit_test(what_a_stranger_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
