/*
 * test_leave.c - leaving for good: the vote first, then the goodbye; what is on disk
 * afterwards, and how one comes back.
 */
#include "world.h"

/* What the engine does with what is left. */
static void
wipe(struct world *w, uint32_t i)
{
	assert_true(mesh_left(w->node[i]));
	mesh_left_behind(&w->disk[i]);
	world_kill(w, i);
}

static void
the_vote_goes_first(void **state)
{
	uint32_t by, i;
	struct world *w = world_settled(4, &by, &i);

	(void)state;
	assert_int_equal(mesh_leaving(w->node[i], w->now, true), 0);
	assert_int_equal(mesh_leaving(w->node[i], w->now, true), 0);
	world_step(w);
	world_step(w);
	assert_true(world_seen(w, by, i).going == MESH_LEAVING && world_seen(w, by, i).state == MESH_ALIVE);
	assert_true(world_seen(w, by, i).in_roster); /* it asked; that is all */
	world_run(w, 1500);
	assert_false(mesh_left(w->node[i])); /* it still answers */
	assert_int_equal(mesh_leaving(w->node[i], w->now, false), -ERR_RANGE);
	for (uint32_t k = 0; k < 4; k++)
		if (k != i)
			assert_true(world_seen(w, k, i).state == MESH_LEFT && !world_seen(w, k, i).in_roster &&
			    world_side(w, k).known == 3);
	world_run(w, 2000);
	assert_true(mesh_left(w->node[i]));
	assert_true(w->disk[i].left);
	assert_int_equal(mesh_deadline(w->node[i]), MSEC_NEVER);
	assert_int_equal(w->node[by]->elect.role, MESH_LEADER); /* nobody lost anything over it */
	assert_null(strstr(w->text, "suspect"));
	assert_null(strstr(w->text, "refute"));
	world_free(w);
}

static void
of_two_the_other_leads_alone(void **state)
{
	for (uint32_t leads = 0; leads < 2; leads++) {
		struct world *w = world_new(2, MESH_QUORUM_MAJORITY);
		uint32_t i;

		world_run(w, 6000);
		i = leads == 1 ? world_leader(w) : 1 - world_leader(w);
		assert_int_equal(mesh_leaving(w->node[i], w->now, true), 0);
		world_run(w, 4000);
		wipe(w, i);
		world_run(w, 3000);
		assert_true(world_side(w, 1 - i).role == MESH_LEADER &&
		    world_side(w, 1 - i).grade == MESH_GRADE_FULL);
		assert_int_equal(world_side(w, 1 - i).known, 1);
		assert_int_equal(mesh_leaving(w->node[1 - i], w->now, true), -ERR_QUORUM);
		/* At once it may: then there is no cluster any more. */
		mesh_leave(w->node[1 - i], w->now);
		world_save(w, 1 - i);
		assert_true(mesh_left(w->node[1 - i]));
		wipe(w, 1 - i);
		world_free(w);
	}
	(void)state;
}

static void
a_leader_hands_over_first(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	uint32_t by, next = 0;

	(void)state;
	world_run(w, 6000);
	by = world_leader(w);
	assert_int_equal(mesh_leaving(w->node[by], w->now, true), 0);
	world_run(w, 50);
	for (uint32_t i = 0; i < 3; i++)
		if (w->node[i]->elect.role == MESH_LEADER)
			next = i;
	assert_true(next != by && world_side(w, next).grade == MESH_GRADE_FULL);
	world_run(w, 4000);
	assert_true(mesh_left(w->node[by]));
	assert_int_equal(world_side(w, next).known, 2);
	world_free(w);
}

static void
who_can_not_do_without_it(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	uint32_t by, i;

	(void)state;
	assert_int_equal(mesh_leaving(w->node[1], w->now, true), -ERR_RANGE); /* of no cluster */
	world_run(w, 6000);
	by = world_leader(w);
	i = (by + 1) % 3;
	world_isolate(w, i, true);
	world_run(w, 8000);
	assert_int_equal(mesh_leaving(w->node[by], w->now, true), -ERR_QUORUM);
	assert_int_equal(mesh_leaving(w->node[3 - by - i], w->now, true), -ERR_QUORUM);
	assert_int_equal(world_seen(w, by, by).going, MESH_STAYS);
	world_isolate(w, i, false);
	world_run(w, 6000);
	assert_int_equal(mesh_restarting(w->node[i], w->now, 5), 0);
	assert_int_equal(mesh_leaving(w->node[i], w->now, true), -ERR_RANGE);
	world_free(w);
}

/* The third does not get it on disk: then the roster without it is not in force, and
 * its vote is needed still. */
static void
not_before_it_is_in_force(void **state)
{
	uint32_t by, i, third;
	struct world *w = world_settled(3, &by, &i);

	(void)state;
	third = 3 - by - i;
	w->slow_disk[third] = true;
	assert_int_equal(mesh_leaving(w->node[i], w->now, true), 0);
	world_run(w, 10000);
	assert_false(w->disk[i].left);
	assert_true(world_seen(w, by, i).state == MESH_ALIVE);
	w->slow_disk[third] = false;
	world_run(w, 6000);
	assert_true(mesh_left(w->node[i]));
	world_free(w);
}

/* The leader alone has the roster without it, and dies: the third has the joint one,
 * of which two are a quorum, and one of those is the leaver. */
static void
its_vote_is_there_when_it_is_needed(void **state)
{
	uint32_t by, i;
	struct world *w = world_settled(4, &by, &i);

	(void)state;
	assert_int_equal(mesh_leaving(w->node[i], w->now, true), 0);
	for (int k = 0; k < 3000 && (w->node[by]->roster.joint || world_side(w, by).known == 4); k++)
		world_step(w);
	assert_int_equal(world_side(w, by).known, 3);
	world_isolate(w, by, true); /* nobody hears of it */
	world_run(w, 12000);
	assert_true(mesh_left(w->node[i]));
	for (uint32_t k = 0; k < 4; k++)
		if (k != i && k != by)
			assert_true(world_side(w, k).grade == MESH_GRADE_FULL && world_side(w, k).known == 3);
	world_isolate(w, by, false);
	world_run(w, 9000);
	assert_int_equal(world_side(w, by).known, 3);
	world_free(w);
}

/* Of its steps none is news to who stays: each is made of the one before and the table. */
static void
a_change_is_fetched_by_whom_it_leaves_out(void **state)
{
	uint32_t by, i;
	struct world *w = world_settled(5, &by, &i);

	(void)state;
	memset(w->sent_kind, 0, sizeof w->sent_kind);
	assert_int_equal(mesh_leaving(w->node[i], w->now, true), 0);
	for (msec end = w->now + 9000; !mesh_left(w->node[i]) && w->now < end;)
		world_step(w);
	world_run(w, 1000);
	for (uint32_t k = 0; k < 5; k++)
		if (k != i) {
			assert_int_equal(world_side(w, k).known, 4);
			assert_true(w->node[k]->roster.hash == w->node[by]->roster.hash);
			assert_int_equal(roster_cmp(&w->node[k]->roster.id, &w->node[by]->roster.id), 0);
			assert_false(w->node[k]->roster.joint);
		}
	assert_int_equal(w->sent_kind[PACKET_ROSTER], 1);
	world_free(w);
}

static void
a_crash_forgets_nothing(void **state)
{
	uint32_t by, i;
	struct world *w = world_settled(3, &by, &i);

	(void)state;
	assert_int_equal(mesh_leaving(w->node[i], w->now, true), 0);
	world_save(w, i);
	world_kill(w, i);
	assert_true(w->disk[i].leaving);
	world_run(w, 500);
	world_start(w, i);
	assert_true(world_seen(w, i, i).going == MESH_LEAVING);
	while (!w->disk[i].left)
		world_step(w);
	world_kill(w, i); /* its goodbye is on its way */
	world_start(w, i);
	world_run(w, 3000);
	assert_true(mesh_left(w->node[i]));
	assert_int_equal(world_side(w, by).known, 2);
	world_free(w);
}

static void
it_may_think_better_of_it(void **state)
{
	uint32_t by, i;
	struct world *w = world_settled(3, &by, &i);

	(void)state;
	assert_int_equal(mesh_leaving(w->node[i], w->now, false), 0); /* nothing to take back */
	w->slow_disk[3 - by - i] = true;
	assert_int_equal(mesh_leaving(w->node[i], w->now, true), 0);
	world_run(w, 2000);
	assert_int_equal(mesh_drain(w->node[i], w->now, true), -ERR_RANGE);
	assert_int_equal(mesh_restarting(w->node[i], w->now, 5), -ERR_RANGE);
	assert_int_equal(mesh_leaving(w->node[i], w->now, false), 0);
	w->slow_disk[3 - by - i] = false;
	world_run(w, 6000);
	assert_false(w->disk[i].leaving);
	assert_true(world_seen(w, by, i).going == MESH_STAYS && world_seen(w, by, i).in_roster);
	assert_int_equal(world_side(w, by).known, 3);
	world_free(w);
}

/* Seeds lead it nowhere; an operator does.  Of the same cluster it keeps its term and
 * its vote, of another one nothing. */
static void
it_comes_back_when_told_to(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	uint64_t term;

	(void)state;
	world_run(w, 6000);
	assert_int_equal(mesh_leaving(w->node[2], w->now, true), 0);
	world_run(w, 4000);
	wipe(w, 2);
	term = w->disk[2].term;
	assert_true(term > 0);
	world_start(w, 2);
	world_run(w, 9000);
	assert_false(world_side(w, 2).member);
	assert_int_equal(w->disk[2].term, term);
	assert_int_equal(mesh_return(w->node[0], w->now), -ERR_RANGE);
	assert_int_equal(mesh_return(w->node[2], w->now), 0);
	assert_int_equal(mesh_return(w->node[2], w->now), -ERR_RANGE);
	world_run(w, 6000);
	assert_true(world_side(w, 2).member && world_seen(w, 0, 2).in_roster);
	assert_true(w->disk[2].term >= term && !w->disk[2].left);
	/* Again, and then a cluster of its own. */
	assert_int_equal(mesh_leaving(w->node[2], w->now, true), 0);
	world_run(w, 5000);
	wipe(w, 2);
	world_start(w, 2);
	assert_int_equal(mesh_init(w->node[2], w->now, (const uint8_t[ID_BYTES]){9}), 0);
	world_run(w, 3000);
	assert_int_equal(w->disk[2].term, 1);
	assert_false(w->disk[2].left);
	world_free(w);
}

/* Who was not given a vote yet has none to take away. */
static void
who_never_voted(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);

	(void)state;
	world_kill(w, 2);
	world_run(w, 5000);
	world_start(w, 2);
	while (!world_side(w, 2).member)
		world_step(w);
	assert_int_equal(mesh_leaving(w->node[2], w->now, true), 0);
	world_run(w, 9000);
	assert_true(mesh_left(w->node[2]));
	for (uint32_t i = 0; i < 2; i++)
		assert_true(world_side(w, i).known == 2 && world_side(w, i).grade == MESH_GRADE_FULL);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_vote_goes_first),
	    cmocka_unit_test(of_two_the_other_leads_alone),
	    cmocka_unit_test(a_leader_hands_over_first),
	    cmocka_unit_test(who_can_not_do_without_it),
	    cmocka_unit_test(not_before_it_is_in_force),
	    cmocka_unit_test(its_vote_is_there_when_it_is_needed),
	    cmocka_unit_test(a_change_is_fetched_by_whom_it_leaves_out),
	    cmocka_unit_test(a_crash_forgets_nothing),
	    cmocka_unit_test(it_may_think_better_of_it),
	    cmocka_unit_test(it_comes_back_when_told_to),
	    cmocka_unit_test(who_never_voted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
