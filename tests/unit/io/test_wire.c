/*
 * test_wire.c - whole machines under the daemon's own cryptography: they come
 * together, and what nobody authenticated costs no memory.
 */
#include "world.h"

#include "../../shared/alloc.h"
#include "../../../gossip/inner.h"
#define WIRE_NODES 10
#include "wire.h"

static struct wire wire;

static int
setup(void **state)
{
	struct err err;

	(void)state;
	return crypto_init(&err) == 0 && wire_init(&wire) ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	wire_free(&wire);
	return 0;
}

/* Each has spoken with each, under the key of these two alone. */
static bool
all_pairs_stand(void)
{
	for (uint32_t i = 0; i < WIRE_NODES; i++)
		for (uint32_t k = 1; k < WIRE_NODES; k++)
			if (mesh_count(wire.node[i]) < WIRE_NODES || !pair_stands(wire.node[i], k))
				return false;
	return true;
}

static void
real_keys_bring_a_mesh_together(void **state)
{
	struct mesh_side side;
	struct mesh_stats s;

	(void)state;
	for (int ms = 0; ms < 6000 || (ms < 60000 && !all_pairs_stand()); ms++)
		wire_step(&wire);
	assert_true(all_pairs_stand());
	for (uint32_t i = 0; i < WIRE_NODES; i++) {
		mesh_side(wire.node[i], wire.now, &side);
		assert_int_equal(side.grade, MESH_GRADE_FULL);
		assert_int_equal(side.visible, WIRE_NODES);
		mesh_stats(wire.node[i], &s);
		assert_int_equal(s.dropped[ERR_AUTH], 0);
		assert_int_equal(s.dropped[ERR_REPLAY], 0);
	}
}

static uint32_t
who_leads(void)
{
	struct mesh_side side;

	for (uint32_t i = 0; i < WIRE_NODES; i++) {
		mesh_side(wire.node[i], wire.now, &side);
		if (side.role == MESH_LEADER && side.grade == MESH_GRADE_FULL && !wire.deaf[i])
			return i;
	}
	return WIRE_NODES;
}

/* The leader is cut off: another leads all nine; then they are ten again under one. */
static void
a_leader_is_lost_and_comes_back(void **state)
{
	uint32_t lost = who_leads(), next;
	struct mesh_side side;
	bool whole = false;

	(void)state;
	assert_true(lost < WIRE_NODES);
	wire.deaf[lost] = true;
	for (int ms = 0; ms < 10000; ms++)
		wire_step(&wire);
	assert_true((next = who_leads()) < WIRE_NODES);
	mesh_side(wire.node[next], wire.now, &side);
	assert_int_equal(side.visible, WIRE_NODES - 1);
	mesh_side(wire.node[lost], wire.now, &side);
	assert_int_equal(side.grade, MESH_GRADE_NONE);
	wire.deaf[lost] = false;
	for (int ms = 0; ms < 20000 && !whole; ms++) {
		wire_step(&wire);
		whole = true;
		for (uint32_t i = 0; whole && i < WIRE_NODES; i++) {
			mesh_side(wire.node[i], wire.now, &side);
			whole = side.grade == MESH_GRADE_FULL && side.visible == WIRE_NODES &&
			    id_eq(&side.leader, &wire.node[next]->conf.self);
		}
	}
	assert_true(whole);
}

static bool
changed(const struct wire *w)
{
	for (uint32_t i = 0; i < WIRE_NODES; i++) {
		const struct mesh_keys *k = &w->node[i]->saved.keys;

		if (k->used != 1 || k->next || k->old)
			return false;
	}
	return true;
}

/* Real keys change under a mesh that goes on talking: not one frame is refused. */
static void
the_cluster_key_changes(void **state)
{
	uint32_t leader = who_leads();
	uint64_t refused = 0;
	struct mesh_side side;
	struct mesh_stats s;
	int rc = -1;

	(void)state;
	for (uint32_t i = 0; i < WIRE_NODES; i++) {
		mesh_stats(wire.node[i], &s);
		refused += s.dropped[ERR_AUTH] + s.dropped[ERR_UNKNOWN] + s.dropped[ERR_REPLAY];
	}
	assert_true(leader < WIRE_NODES);
	/* Who was away says under which key it speaks with its next echo. */
	for (int ms = 0; ms < 10000 && rc != 0; ms++) {
		rc = mesh_keys_rotate(wire.node[leader], wire.now);
		wire_step(&wire);
	}
	assert_int_equal(rc, 0);
	for (int ms = 0; ms < 5000 && !changed(&wire); ms++)
		wire_step(&wire);
	assert_true(changed(&wire));
	for (int ms = 0; ms < 1000; ms++)
		wire_step(&wire);
	for (uint32_t i = 0; i < WIRE_NODES; i++) {
		assert_non_null(crypto_key(&wire.keys[i], 1));
		assert_memory_equal(crypto_key(&wire.keys[i], 1), crypto_key(&wire.keys[0], 1),
		    KEY_BYTES);
		assert_null(crypto_key(&wire.keys[i], 0));
		mesh_stats(wire.node[i], &s);
		refused -= s.dropped[ERR_AUTH] + s.dropped[ERR_UNKNOWN] + s.dropped[ERR_REPLAY];
		mesh_side(wire.node[i], wire.now, &side);
		assert_int_equal(side.visible, WIRE_NODES);
	}
	assert_true(refused == 0);
}

/* Before authentication nothing is kept, and nothing is asked of malloc; nor
 * after it, in a whole second of the mesh's life. */
static void
forged_packets_cost_no_memory(void **state)
{
	static const enum seal_form forms[] = {SEAL_PAIR, SEAL_SHARED, SEAL_JOIN,
	    (enum seal_form)SEAL_FORM_MASK};
	struct mesh *m = wire.node[0];
	struct addr from = toy_addr(1);
	uint8_t buf[DGRAM_BYTES_MAX + 8];
	uint64_t hash = members_hash(&m->ms), changes = mesh_changes(m), before = alloc_asked;

	(void)state;
	assert_true(before > 0); /* or it counts nothing */
	for (uint32_t k = 0; k < 20000; k++) {
		size_t len = k % sizeof buf;

		from.ip[14] = (uint8_t)(k >> 3);
		wire_forge(&wire, forms[k % 4], buf, sizeof buf);
		if (k % 8 > 3)
			buf[2] ^= (uint8_t)k; /* a sender nobody knows */
		assert_true(mesh_recv(m, wire.now, &from, buf, len) < 0);
	}
	assert_true(alloc_asked == before);
	assert_true(members_hash(&m->ms) == hash && mesh_changes(m) == changes);
	for (int ms = 0; ms < 1000; ms++)
		wire_step(&wire);
	assert_true(alloc_asked == before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(real_keys_bring_a_mesh_together),
	    cmocka_unit_test(a_leader_is_lost_and_comes_back),
	    cmocka_unit_test(the_cluster_key_changes),
	    cmocka_unit_test(forged_packets_cost_no_memory),
	};

	return cmocka_run_group_tests_name("wire", tests, setup, teardown);
}
