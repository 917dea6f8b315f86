/*
 * test_relay.c - what a question about one that is silent costs, and what it costs to find
 * somebody to ask, in a table of thousands.
 */
#include "../../../gossip/inner.h"
#include "world.h"

enum { NODES = WORLD_MAX, SILENT = NODES - 1, CROWD = 3000 };

/* Nobody hears from it, all have noticed, and one is asked: without an end to it each
 * would ask two more, some 38 in all. */
static void
a_question_has_an_end(void **state)
{
	struct world *w = world_new(NODES, MESH_QUORUM_MAJORITY);
	struct node_id silent = world_id(SILENT), asks = world_id(1);
	struct packet p = {.kind = PACKET_PINGREQ, .seq = 7, .who = seal_short(&silent)};
	uint64_t pings, on;

	(void)state;
	world_run(w, 15000);
	world_isolate(w, SILENT, true);
	for (uint32_t i = 0; i < SILENT; i++) {
		struct mesh *m = w->node[i];

		assert_int_equal(m->ms.count, NODES);
		relay_missed(m, members_find_id(&m->ms, &silent));
	}
	on = w->sent_kind[PACKET_PINGON];
	pings = w->sent_kind[PACKET_PING];
	relay_ask(w->node[0], w->now, members_find_id(&w->node[0]->ms, &asks), &p, RELAY_ASKED);
	world_run(w, 200);
	assert_in_range(w->sent_kind[PACKET_PINGON] - on, 2, RELAY_ASKED);
	/* One each, and what all ask for themselves in that time. */
	assert_in_range(w->sent_kind[PACKET_PING] - pings, 3, 1 + RELAY_ASKED + NODES / 4);
	world_free(w);
}

/* Who asks on may be told that he may ask any number. */
static void
no_more_than_the_most(void **state)
{
	struct world *w = world_new(NODES, MESH_QUORUM_MAJORITY);
	struct node_id silent = world_id(SILENT), asks = world_id(1);
	struct packet p = {.kind = PACKET_PINGON, .seq = 7, .who = seal_short(&silent)};
	struct mesh *m = w->node[0];
	uint64_t on;

	(void)state;
	world_run(w, 15000);
	world_isolate(w, SILENT, true);
	for (uint32_t i = 0; i < SILENT; i++)
		relay_missed(w->node[i], members_find_id(&w->node[i]->ms, &silent));
	on = w->sent_kind[PACKET_PINGON];
	relay_ask(m, w->now, members_find_id(&m->ms, &asks), &p, UINT32_MAX);
	world_run(w, 200);
	assert_in_range(w->sent_kind[PACKET_PINGON] - on, 2, RELAY_ASKED);
	world_free(w);
}

/* A leader that was cut off looks for a way to each of thousands, each beat. */
static void
few_are_looked_at(void **state)
{
	struct world *w = world_new(1, MESH_QUORUM_MAJORITY);
	struct mesh *m;
	uint32_t calls = 0, far, found;

	(void)state;
	world_kill(w, 0);
	w->members_max = CROWD + 8;
	world_start(w, 0);
	m = w->node[0];
	for (uint32_t k = 0; k < CROWD; k++) {
		struct node_id id = {{(uint8_t)k, (uint8_t)(k >> 8), 0x77}};
		int i = members_add(&m->ms, &id, w->now);

		assert_true(i > 0);
		members_set(&m->ms, (uint32_t)i, w->now, MESH_ALIVE, 1, 0);
		relay_missed(m, (uint32_t)i);
	}
	far = m->ms.count - 1;
	assert_int_equal(carry_via(m, PACKET_BEAT, 5), MEMBER_NONE);
	relay_answers(m, far);
	while ((found = carry_via(m, PACKET_BEAT, 5)) == MEMBER_NONE)
		assert_true(++calls < CROWD);
	assert_true(calls > 16);
	/* And once found it is not lost. */
	for (uint32_t k = 0; k < 200; k++)
		assert_int_equal(carry_via(m, PACKET_BEAT, 5 + k), far);
	assert_int_equal(found, far);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_question_has_an_end),
	    cmocka_unit_test(no_more_than_the_most),
	    cmocka_unit_test(few_are_looked_at),
	};

	return cmocka_run_group_tests_name("relay", tests, NULL, NULL);
}
