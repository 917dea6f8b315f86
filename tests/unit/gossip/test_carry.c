/*
 * test_carry.c - what a member is asked to hand on, by one who means it no good.
 */
#include "../../../gossip/inner.h"
#include "world.h"

/* The number of hops comes over the wire: a circle of three would go round for minutes. */
static void
hops_have_an_end(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct node_id one = world_id(1), two = world_id(2);
	struct packet p = {.kind = PACKET_AROUND, .count = UINT16_MAX, .who = seal_short(&two)};
	uint8_t frame[DGRAM_BYTES_MAX];
	struct mesh *m = w->node[0];
	struct addr to;
	size_t len = 0;

	(void)state;
	world_run(w, 6000);
	while (len == 0) {
		mesh_tick(w->node[1], ++w->now);
		len = mesh_poll(w->node[1], w->now, &to, frame, sizeof frame);
	}
	p.bytes = frame;
	p.bytes_len = len;
	assert_int_equal(carry_recv(m, w->now, members_find_id(&m->ms, &one), &p), 0);
	assert_int_equal(m->carry.frames[(m->carry.next - 1) % CARRY_MAX].hops, RELAY_HOPS - 1);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hops_have_an_end),
	};

	return cmocka_run_group_tests_name("carry", tests, NULL, NULL);
}
