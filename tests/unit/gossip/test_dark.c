/*
 * test_dark.c - a member that answers over streams alone: it lives, is named,
 * and a word of another life, or of nobody, changes nothing.
 */
#include "../../../gossip/ask.h"
#include "world.h"

/* One second in which node `to` is asked over streams by node i and answers
 * as the life it says; how often it was asked. */
static uint32_t
ask_second(struct world *w, uint32_t i, uint32_t to, uint64_t generation, bool answers)
{
	struct node_id id = world_id(to);
	struct mesh_ask ask;
	uint32_t asked = 0;

	for (msec end = w->now + 1000; w->now < end; world_step(w))
		while (mesh_poll_stream(w->node[i], &ask)) {
			if (!id_eq(&ask.id, &id))
				continue;
			asked++;
			if (answers)
				mesh_stream_heard(w->node[i], w->now, &id, generation);
		}
	return asked;
}

static struct mesh_member
as_seen(const struct world *w, uint32_t i, uint32_t who)
{
	struct node_id id = world_id(who);
	struct mesh_member x;

	assert_true(mesh_find(w->node[i], &id, &x));
	return x;
}

/* No datagram between `one` and the rest, of whom another leads. */
static void
cut_off(struct world *w, uint32_t *leader, uint32_t *one, uint64_t *life)
{
	world_run(w, 5000);
	*leader = world_leader(w);
	*one = (*leader + 1) % 3;
	*life = as_seen(w, *leader, *one).generation;
	world_isolate(w, *one, true);
}

static void
who_answers_lives_and_is_named(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	uint32_t leader, one, asked = 0;
	uint64_t life;

	(void)state;
	cut_off(w, &leader, &one, &life);
	for (int s = 0; s < 20; s++) {
		asked += ask_second(w, leader, one, life, true);
		assert_true(as_seen(w, leader, one).state != MESH_FAILED);
	}
	assert_true(asked >= 10 && asked < 200);
	assert_true(as_seen(w, leader, one).udp_blocked && as_seen(w, leader, one).unstable);
	world_isolate(w, one, false);
	world_run(w, 5000);
	assert_false(as_seen(w, leader, one).udp_blocked || as_seen(w, leader, one).unstable);
	world_free(w);
}

/* Nobody's answer, another life's: it is as dead as without, and as soon. */
static void
no_other_life_counts(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct node_id stranger = {{1, 2, 3}}, id;
	uint32_t leader, one, asked = 0;
	uint64_t life;

	(void)state;
	cut_off(w, &leader, &one, &life);
	for (int s = 0; s < 4; s++) {
		ask_second(w, leader, one, life + 1, true);
		mesh_stream_heard(w->node[leader], w->now, &stranger, life);
	}
	assert_int_equal(as_seen(w, leader, one).state, MESH_FAILED);
	assert_false(as_seen(w, leader, one).udp_blocked);
	/* The dead are asked too, now and then: streams alone may be mended. */
	for (int s = 0; s < 10; s++)
		asked += ask_second(w, leader, one, 0, false);
	assert_true(asked > 0);
	id = world_id(one);
	mesh_stream_heard(w->node[leader], w->now, &id, life);
	assert_int_equal(as_seen(w, leader, one).state, MESH_ALIVE);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_answers_lives_and_is_named),
	    cmocka_unit_test(no_other_life_counts),
	};

	return cmocka_run_group_tests_name("dark", tests, NULL, NULL);
}
