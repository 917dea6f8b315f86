/*
 * test_hear.c - the places of those who report to a leader: one for each member, found
 * again, and given back when the member gave its own away.
 */
/* The engine's words for what the machine and these tests have under the same names. */
#define world engine_world
#define report engine_report
#include "../../../daemon/io/engine.h"
#include "../../../daemon/io/hear.h"
#undef world
#undef report
#include "world.h"

#include "../../../gossip/inner.h"
#include "wire.h"

static struct wire wire;
static struct engine engine;

static int
setup(void **state)
{
	struct err err;

	(void)state;
	if (crypto_init(&err) != 0 || !wire_init(&wire))
		return -1;
	while (mesh_count(wire.node[0]) < WIRE_NODES && wire.now < 60000)
		wire_step(&wire);
	engine.mesh = wire.node[0];
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	free(engine.lead.nodes);
	wire_free(&wire);
	return 0;
}

static void
members_have_places_and_strangers_pass(void **state)
{
	struct lead *l = &engine.lead;

	(void)state;
	for (uint32_t i = 0; i < WIRE_NODES; i++) {
		struct lead_node *n = hear_node(&engine, &wire.node[(i + 1) % WIRE_NODES]->conf.self);

		assert_non_null(n);
		assert_int_equal(n->state, -1);
		n->state = (int)((i + 1) % WIRE_NODES);
	}
	assert_int_equal(l->nodes_count, WIRE_NODES);
	/* As many as come and go while one leads. */
	for (int k = 0; k < 5000; k++) {
		struct node_id id;

		crypto_random(id.b, sizeof id.b);
		assert_non_null(hear_node(&engine, &id));
		assert_true(l->nodes_count <= WIRE_NODES + 1);
		for (size_t i = 1; i < l->nodes_count; i++)
			assert_true(id_cmp(&l->nodes[i - 1].id, &l->nodes[i].id) < 0);
	}
	for (uint32_t i = 0; i < WIRE_NODES; i++)
		assert_int_equal(hear_node(&engine, &wire.node[i]->conf.self)->state, i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(members_have_places_and_strangers_pass),
	};

	return cmocka_run_group_tests_name("hear", tests, setup, teardown);
}
