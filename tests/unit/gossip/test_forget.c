/*
 * test_forget.c - the dead without a vote are forgotten after 72 h, by all at the same
 * time, and their places go to newcomers; the others stay.
 */
#include "world.h"

enum { HOUR_MS = 3600000, MINUTE_MS = 60000 };

/* Nobody else is there: from deadline to deadline. */
static void
alone_for(struct world *w, uint32_t i, msec so_long)
{
	struct mesh *m = w->node[i];
	msec end = w->now + so_long, at;

	while (w->now < end) {
		at = mesh_deadline(m);
		assert_true(at > w->now);
		w->now = at < end ? at : end;
		mesh_tick(m, w->now);
		world_save(w, i);
		world_drain(w, i);
		w->flights = 0;
	}
}

/* 0 and 1 have the votes; 1 is dead, so there is no leader who could give 2 one, when
 * it comes and is lost again. */
static struct world *
one_without_a_vote(void)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);

	world_isolate(w, 2, true);
	world_run(w, 8000);
	world_kill(w, 1);
	world_run(w, 8000);
	world_isolate(w, 2, false);
	world_run(w, 8000);
	assert_int_equal(world_seen(w, 0, 2).state, MESH_ALIVE);
	assert_false(world_seen(w, 0, 2).in_roster);
	world_isolate(w, 2, true);
	world_run(w, 40000);
	assert_int_equal(world_seen(w, 0, 2).state, MESH_FAILED);
	return w;
}

static void
who_has_no_vote_is_forgotten(void **state)
{
	struct world *w = one_without_a_vote();
	struct mesh_side side;
	uint64_t calm;

	(void)state;
	alone_for(w, 0, 71 * HOUR_MS);
	assert_int_equal(world_seen(w, 0, 2).state, MESH_FAILED);
	alone_for(w, 0, HOUR_MS);
	assert_int_equal(world_seen(w, 0, 2).state, MESH_LEFT);
	assert_non_null(strstr(w->text, "n0 forgotten n2\n"));
	/* The one with a vote stays, for good. */
	alone_for(w, 0, 20 * HOUR_MS);
	assert_int_equal(world_seen(w, 0, 1).state, MESH_FAILED);
	assert_true(world_seen(w, 0, 1).in_roster);
	mesh_side(w->node[0], w->now, &side);
	assert_int_equal(side.known, 2);
	assert_null(strstr(w->text, "n0 forgotten n1\n"));
	/* Its first word brings it back: it was cut off, and is no less a member. */
	calm = w->node[2]->ms.m[0].generation;
	world_isolate(w, 2, false);
	world_run(w, 20000);
	assert_int_equal(world_seen(w, 0, 2).state, MESH_ALIVE);
	assert_true(world_seen(w, 0, 2).generation == calm);
	assert_int_equal(w->node[0]->ms.forgotten, 0);
	world_free(w);
}

/* Another learns of it in the last minutes: both forget it, and neither tells the
 * other of it anew. */
static void
all_forget_at_the_same_time(void **state)
{
	struct world *w = one_without_a_vote();
	uint64_t told;

	(void)state;
	alone_for(w, 0, 72 * HOUR_MS - 3 * MINUTE_MS);
	world_start(w, 1);
	world_run(w, 20000);
	assert_int_equal(world_seen(w, 1, 2).state, MESH_FAILED);
	assert_int_equal(members_hash(&w->node[0]->ms), members_hash(&w->node[1]->ms));
	world_run(w, 4 * MINUTE_MS);
	assert_int_equal(world_seen(w, 0, 2).state, MESH_LEFT);
	assert_int_equal(world_seen(w, 1, 2).state, MESH_LEFT);
	assert_int_equal(members_hash(&w->node[0]->ms), members_hash(&w->node[1]->ms));
	told = w->node[0]->stats.sync_bytes + w->node[1]->stats.sync_bytes;
	world_run(w, 2 * MINUTE_MS);
	assert_int_equal(w->node[0]->stats.sync_bytes + w->node[1]->stats.sync_bytes, told);
	world_free(w);
}

static struct node_id
stranger(uint8_t k)
{
	return (struct node_id){{k, 1}};
}

static int
comes(struct members *ms, uint8_t k, msec now)
{
	struct node_id id = stranger(k);
	int i = members_add(ms, &id, now);

	if (i >= 0)
		members_set(ms, (uint32_t)i, now, MESH_ALIVE, 1, 0);
	return i;
}

static bool
knows(const struct members *ms, uint8_t k)
{
	struct node_id id = stranger(k);

	return members_find_id(ms, &id) != MEMBER_NONE;
}

/* A full table: first who left or was forgotten, then who is dead for ten minutes;
 * never one with a vote, nor the living. */
static void
whose_place_is_given_away(void **state)
{
	struct members ms;
	msec now = 1000;

	(void)state;
	assert_true(members_init(&ms, 5));
	for (uint8_t k = 0; k < 5; k++)
		assert_int_equal(comes(&ms, k, now), k);
	assert_int_equal(comes(&ms, 9, now), -ERR_FULL);
	ms.m[1].roster = MEMBER_VOTES;
	members_set(&ms, 1, now, MESH_FAILED, 1, 0); /* has a vote */
	members_set(&ms, 2, now + 5, MESH_FAILED, 1, 0);
	members_set(&ms, 3, now + 9, MESH_FAILED, 1, 0);
	now += 600000;
	assert_int_equal(comes(&ms, 9, now), -ERR_FULL); /* one millisecond of five is missing */
	members_forget(&ms, 3, true);
	assert_int_equal(comes(&ms, 9, now), 3);
	assert_int_equal(ms.forgotten, 0);
	assert_false(knows(&ms, 3));
	assert_int_equal(comes(&ms, 10, now + 5), 2);
	assert_false(knows(&ms, 2));
	assert_int_equal(comes(&ms, 11, now + 600000), -ERR_FULL);
	members_set(&ms, 4, now, MESH_LEFT, 1, 0);
	members_forget(&ms, 4, true); /* who left is no dead one */
	assert_int_equal(comes(&ms, 11, now), 4);
	assert_true(knows(&ms, 1) && knows(&ms, 9) && knows(&ms, 10) && knows(&ms, 11));
	assert_int_equal(ms.by_state[MESH_ALIVE] + ms.by_state[MESH_FAILED], 5);
	members_fini(&ms);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_has_no_vote_is_forgotten),
	    cmocka_unit_test(all_forget_at_the_same_time),
	    cmocka_unit_test(whose_place_is_given_away),
	};

	return cmocka_run_group_tests_name("forget", tests, NULL, NULL);
}
