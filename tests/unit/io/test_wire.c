/*
 * test_wire.c - whole machines under the daemon's own cryptography: they come
 * together, and what nobody authenticated costs no memory.
 */
#include "world.h"

#include "../../shared/alloc.h"
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

static void
real_keys_bring_a_mesh_together(void **state)
{
	struct mesh_side side;
	struct mesh_stats s;

	(void)state;
	for (int ms = 0; ms < 6000; ms++)
		wire_step(&wire);
	for (uint32_t i = 0; i < WIRE_NODES; i++) {
		mesh_side(wire.node[i], wire.now, &side);
		assert_int_equal(side.grade, MESH_GRADE_FULL);
		assert_int_equal(side.visible, WIRE_NODES);
		for (uint32_t k = 1; k < WIRE_NODES; k++)
			assert_true(pair_stands(wire.node[i], k));
		mesh_stats(wire.node[i], &s);
		assert_int_equal(s.dropped[ERR_AUTH], 0);
		assert_int_equal(s.dropped[ERR_REPLAY], 0);
	}
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
	    cmocka_unit_test(forged_packets_cost_no_memory),
	};

	return cmocka_run_group_tests_name("wire", tests, setup, teardown);
}
