/*
 * test_turn.c - whose turn it is: in a large roster who is asked leaves an attempt
 * alone, but not for ever; in a small one nothing waits.
 */
#include "world.h"

enum { TURN_MS = 400, TURNS_MS = 8000, FAR_OFF = 1000000 };

/* One of three that lost its leader and hears nobody, and counts so many electors; its
 * turn is near, and it has asked in vain before. */
static struct mesh *
leaderless(struct world *w, uint32_t electors)
{
	uint32_t z;
	struct mesh *m;

	world_run(w, 6000);
	z = (world_leader(w) + 1) % 3;
	m = w->node[z];
	world_isolate(w, z, true);
	while (m->elect.leader != MEMBER_NONE || m->elect.phase != ELECT_IDLE)
		world_step(w);
	m->roster.n.all = electors;
	m->elect.tries = 1;
	m->elect.try_at = w->now + 10;
	m->elect.turn_by = w->now + FAR_OFF;
	return m;
}

/* Another, whom it knows, asks it whether it would vote. */
static void
is_asked(struct mesh *m, msec now)
{
	struct packet p = {.kind = PACKET_PREVOTE, .term = m->saved.term + 1, .roster = m->roster.id};

	assert_int_equal(elect_recv(m, now, 1, &p), 0);
}

static void
who_is_asked_lets_that_one_try(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct mesh *m = leaderless(w, 100);
	msec at;

	(void)state;
	is_asked(m, w->now);
	at = m->elect.try_at;
	assert_true(at > w->now + TURN_MS && at <= w->now + TURN_MS + TURNS_MS);
	/* That is far enough: the next that asks moves nothing. */
	m->elect.try_at = w->now + TURN_MS + 1;
	is_asked(m, w->now);
	assert_true(m->elect.try_at == w->now + TURN_MS + 1);
	world_free(w);
}

static void
nobody_is_passed_over_for_ever(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct mesh *m = leaderless(w, 100);

	(void)state;
	m->elect.turn_by = w->now + TURN_MS + 5;
	is_asked(m, w->now);
	assert_true(m->elect.try_at <= w->now + TURN_MS + 5);
	m->elect.try_at = w->now + 10;
	m->elect.turn_by = w->now + TURN_MS;
	is_asked(m, w->now);
	assert_true(m->elect.try_at == w->now + 10);
	world_free(w);
}

/* They overlap: whoever asks first may be half deaf. */
static void
the_first_in_rank_do_not_wait_before_they_tried(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct mesh *m = leaderless(w, 100);

	(void)state;
	m->elect.tries = 0;
	is_asked(m, w->now);
	assert_true(m->elect.try_at == w->now + 10);
	world_free(w);
}

static void
of_few_all_ask(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct mesh *m = leaderless(w, 3);

	(void)state;
	is_asked(m, w->now);
	assert_true(m->elect.try_at == w->now + 10);
	assert_true(turn_again(m, w->now) < 3 * 100);
	assert_int_equal(m->elect.tries, 1);
	world_free(w);
}

/* In vain again and again: longer each time, up to 6.4 s, until a leader was there. */
static void
who_asks_in_vain_asks_less(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct mesh *m = leaderless(w, 100);
	msec longest = 0;

	(void)state;
	for (int k = 0; k < 200; k++) {
		msec wait = turn_again(m, w->now);

		longest = wait > longest ? wait : longest;
		assert_true(wait < 3 * 100 + 6400);
		assert_true(m->elect.turn_by >= w->now && m->elect.turn_by < w->now + 2 * 100 * 100);
	}
	assert_true(longest > 3200);
	turn_begin(m, w->now);
	assert_int_equal(m->elect.tries, 0);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_is_asked_lets_that_one_try),
	    cmocka_unit_test(nobody_is_passed_over_for_ever),
	    cmocka_unit_test(the_first_in_rank_do_not_wait_before_they_tried),
	    cmocka_unit_test(of_few_all_ask),
	    cmocka_unit_test(who_asks_in_vain_asks_less),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
