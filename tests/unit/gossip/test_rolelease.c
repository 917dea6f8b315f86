/* At most one in the world: when a lease begins, whom it counts for, when it ends. */
#include "world.h"

enum { ID = 77, OVER_MS = MESH_ROLE_LEASE_MS * 101 / 100 + 1 };

static void
own(struct world *w, uint32_t leader, uint32_t owner)
{
	struct mesh_owner o = {ID, world_id(owner)};

	assert_int_equal(mesh_exclusive_owners(w->node[leader], w->now, &o, 1), 0);
}

static void
want(struct world *w, uint32_t i, bool wanted)
{
	uint64_t id = ID;

	assert_int_equal(mesh_exclusive_want(w->node[i], w->now, &id, wanted), 0);
}

static void
runs(struct world *w, uint32_t i, bool running)
{
	assert_int_equal(mesh_exclusive_running(w->node[i], w->now, ID, running), 0);
}

static msec
until(const struct world *w, uint32_t i)
{
	return mesh_exclusive_until(w->node[i], ID);
}

/* Three nodes with one leader, in office long enough to confirm anything. */
static struct world *
settled_world(uint32_t *leader)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);

	world_run(w, 3000 + OVER_MS);
	*leader = world_leader(w);
	return w;
}

static void
a_lease_is_asked_for_kept_and_lost(void **state)
{
	uint32_t leader, x;
	struct world *w = settled_world(&leader);
	msec last;

	(void)state;
	x = (leader + 1) % 3;
	own(w, leader, x);
	assert_true(until(w, x) == 0);
	want(w, x, true);
	world_run(w, 10);
	/* From the question, not from the answer. */
	assert_true(until(w, x) > w->now && until(w, x) <= w->now - 2 + MESH_ROLE_LEASE_MS);
	for (int k = 0; k < 40; k++) {
		world_run(w, 1000);
		assert_true(until(w, x) >= w->now + MESH_ROLE_LEASE_MS - 3200);
	}
	world_isolate(w, x, true);
	last = until(w, x);
	for (; w->now < last - 1; world_step(w))
		assert_true(until(w, x) == last);
	world_run(w, 2);
	assert_true(until(w, x) == 0);
	world_free(w);
}

/* Not the owner by the schedule, or not wanted here: nothing. */
static void
only_the_owner_gets_it(void **state)
{
	uint32_t leader, x, y;
	struct world *w = settled_world(&leader);

	(void)state;
	x = (leader + 1) % 3;
	y = (leader + 2) % 3;
	own(w, leader, x);
	want(w, y, true);
	world_run(w, 20000);
	assert_true(until(w, y) == 0);
	/* The leader itself is an executor as well. */
	own(w, leader, leader);
	want(w, leader, true);
	world_run(w, 5);
	assert_true(until(w, leader) > w->now);
	world_free(w);
}

/* The owner is cut off: another gets it when its lease is over for sure. */
static void
a_lost_owner_is_waited_for(void **state)
{
	uint32_t leader, x, y;
	struct world *w = settled_world(&leader);
	msec last;

	(void)state;
	x = (leader + 1) % 3;
	y = (leader + 2) % 3;
	own(w, leader, x);
	want(w, x, true);
	world_run(w, 7000);
	world_isolate(w, x, true);
	last = until(w, x);
	own(w, leader, y);
	want(w, y, true);
	while (until(w, y) == 0) {
		world_step(w);
		assert_true(w->now < last + 2000);
	}
	assert_true(until(w, x) == 0);
	assert_true(w->now >= last);
	world_free(w);
}

/* A move that both know of takes no 15 s: the old owner says that it is gone. */
static void
a_move_waits_for_the_process_alone(void **state)
{
	uint32_t leader, x, y;
	struct world *w = settled_world(&leader);

	(void)state;
	x = (leader + 1) % 3;
	y = (leader + 2) % 3;
	own(w, leader, x);
	want(w, x, true);
	world_run(w, 10);
	runs(w, x, true);
	world_run(w, 5000);
	own(w, leader, y);
	want(w, x, false);
	want(w, y, true);
	world_run(w, 2500);
	assert_true(until(w, x) == 0 && until(w, y) == 0); /* x has not ended yet */
	runs(w, x, false);
	world_run(w, 1500);
	assert_true(until(w, y) > w->now);
	world_free(w);
}

/* An answer to an older question than the newest is nobody's. */
static void
an_old_answer_counts_nothing(void **state)
{
	static const uint8_t ids[ROLELEASE_ENTRY_BYTES] = {[7] = ID};
	uint32_t leader, x;
	struct world *w = settled_world(&leader);
	struct packet p = {.kind = PACKET_ROLE_LEASE, .bytes = ids, .bytes_len = sizeof ids};
	msec first;

	(void)state;
	x = (leader + 1) % 3;
	want(w, x, true); /* no owner: asks again each second */
	world_run(w, 5);
	first = w->node[x]->rolelease.asked;
	world_run(w, 1500);
	assert_true(w->node[x]->rolelease.asked > first);
	p.term = w->node[x]->elect.ballot_term;
	p.sent = (uint64_t)first;
	assert_int_equal(rolelease_recv(w->node[x], w->now, w->node[x]->elect.leader, &p), 0);
	assert_true(until(w, x) == 0);
	p.sent = (uint64_t)w->node[x]->rolelease.asked;
	p.term++; /* of another leader than the one it follows */
	assert_int_equal(rolelease_recv(w->node[x], w->now, w->node[x]->elect.leader, &p), 0);
	assert_true(until(w, x) == 0);
	p.term--;
	assert_int_equal(rolelease_recv(w->node[x], w->now, w->node[x]->elect.leader, &p), 0);
	/* However late it comes, it counts from when it was asked for. */
	assert_true(until(w, x) == w->node[x]->rolelease.asked + MESH_ROLE_LEASE_MS);
	world_free(w);
}

/* A new leader goes on confirming to the holder, and to nobody else for a lease. */
static void
a_new_leader_first_believes_the_holder_alone(void **state)
{
	uint32_t leader, x;
	struct world *w = settled_world(&leader);
	msec office;

	(void)state;
	x = (leader + 1) % 3;
	own(w, leader, x);
	want(w, x, true);
	world_run(w, 4000);
	world_kill(w, leader);
	world_run(w, 4000);
	leader = world_leader(w);
	own(w, leader, x);
	for (int k = 0; k < 30; k++) {
		world_run(w, 1000);
		assert_true(until(w, x) > w->now);
	}
	/* Another that never saw the placement, by whose schedule it is x's: not before
	 * any lease of which it never heard is over. */
	world_free(w);
	w = settled_world(&leader);
	x = (leader + 1) % 3;
	own(w, leader, leader);
	want(w, leader, true);
	world_run(w, 3000);
	world_kill(w, leader); /* the host is cut off: its container may live 15 s */
	world_run(w, 3000);
	leader = world_leader(w);
	office = w->node[leader]->elect.full_since;
	own(w, leader, x);
	want(w, x, true);
	while (until(w, x) == 0) {
		world_step(w);
		assert_true(w->now < office + OVER_MS + 2000);
	}
	assert_true(w->now >= office + OVER_MS);
	world_free(w);
}

/* A claim to hold it that comes late, when another may have had it in between: the
 * leader must not build on it, nor may who made it take the answer. */
static void
a_late_claim_is_worth_nothing(void **state)
{
	static uint8_t ids[ROLELEASE_ENTRY_BYTES] = {[7] = ID};
	uint32_t leader, x, from;
	struct world *w = settled_world(&leader);
	struct packet p = {.kind = PACKET_ROLE_LEASE, .bytes = ids, .bytes_len = sizeof ids};
	struct rolelease *r;
	msec asked;

	(void)state;
	x = (leader + 1) % 3;
	r = &w->node[x]->rolelease;
	own(w, leader, x);
	want(w, x, true);
	world_run(w, 4000);
	own(w, leader, leader); /* from now on nothing is confirmed to x */
	r->slots[0].until -= 500; /* else it asks again when it ends */
	do {
		asked = r->asked;
		world_step(w);
	} while (until(w, x) > 0);
	assert_true(r->asked == asked && asked + MESH_ROLE_LEASE_MS > w->now);
	p.term = w->node[x]->elect.ballot_term;
	p.sent = (uint64_t)asked;
	assert_int_equal(rolelease_recv(w->node[x], w->now, w->node[x]->elect.leader, &p), 0);
	assert_true(until(w, x) == 0);

	world_kill(w, leader);
	world_run(w, 4000);
	leader = world_leader(w);
	r = &w->node[leader]->rolelease;
	x = (leader + 1) % 3;
	from = members_find(&w->node[leader]->ms, seal_short(&(struct node_id){{(uint8_t)(x + 1), 0xaa}}));
	own(w, leader, x);
	p.kind = PACKET_ROLE_ASK;
	p.sent = 1000000;
	ids[8] = ROLELEASE_HELD;
	assert_int_equal(rolelease_recv(w->node[leader], w->now, from, &p), 0);
	assert_int_equal(r->grants[0].asked, 1000000);
	p.sent++;
	ids[8] = 0;
	assert_int_equal(rolelease_recv(w->node[leader], w->now, from, &p), 0);
	assert_int_equal(r->grants[0].asked, 1000000);
	world_run(w, OVER_MS); /* in office long enough: no claim is needed */
	p.sent++;
	assert_int_equal(rolelease_recv(w->node[leader], w->now, from, &p), 0);
	assert_int_equal(r->grants[0].asked, 1000002);
	world_free(w);
}

/* An engine that starts anew and forgets to say what runs would free it: so it
 * asks nothing before it has said so once. */
static void
nothing_is_asked_before_it_is_ready(void **state)
{
	uint32_t leader, x;
	struct world *w = settled_world(&leader);
	uint64_t sent;

	(void)state;
	x = (leader + 1) % 3;
	own(w, leader, x);
	want(w, x, true);
	world_run(w, 10);
	runs(w, x, true);
	world_run(w, 4000);
	world_kill(w, x);
	world_start(w, x);
	sent = w->sent_kind[PACKET_ROLE_ASK];
	runs(w, x, true);
	world_run(w, 5000);
	assert_true(w->sent_kind[PACKET_ROLE_ASK] == sent);
	want(w, x, true);
	world_run(w, 10);
	assert_true(until(w, x) > w->now);
	world_free(w);
}

static void
bounds(void **state)
{
	uint32_t leader;
	struct world *w = settled_world(&leader);
	uint64_t ids[MESH_EXCLUSIVE_MAX + 1];
	struct packet p = {.kind = PACKET_ROLE_ASK, .bytes = (const uint8_t *)"12345678", .bytes_len = 8};
	static struct mesh_owner owners[MESH_OWNERS_MAX + 1];

	(void)state;
	for (uint32_t k = 0; k <= MESH_EXCLUSIVE_MAX; k++)
		ids[k] = k + 1;
	assert_int_equal(mesh_exclusive_want(w->node[0], w->now, ids, MESH_EXCLUSIVE_MAX + 1), -ERR_FULL);
	assert_int_equal(mesh_exclusive_want(w->node[0], w->now, ids, MESH_EXCLUSIVE_MAX), 0);
	for (uint32_t k = 0; k <= MESH_OWNERS_MAX; k++)
		owners[k] = (struct mesh_owner){k + 1, world_id(0)};
	assert_int_equal(mesh_exclusive_owners(w->node[leader], w->now, owners, MESH_OWNERS_MAX + 1), -ERR_FULL);
	assert_int_equal(mesh_exclusive_owners(w->node[leader], w->now, owners, MESH_OWNERS_MAX), 0);
	owners[9].id = owners[8].id;
	assert_int_equal(mesh_exclusive_owners(w->node[leader], w->now, owners, MESH_OWNERS_MAX), -ERR_RANGE);
	world_run(w, 20000);
	for (uint32_t k = 0; k < MESH_EXCLUSIVE_MAX; k++)
		assert_true(mesh_exclusive_until(w->node[0], ids[k]) > w->now);
	assert_int_equal(rolelease_recv(w->node[leader], w->now, 1, &p), -ERR_MALFORMED);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_lease_is_asked_for_kept_and_lost),
	    cmocka_unit_test(only_the_owner_gets_it),
	    cmocka_unit_test(a_lost_owner_is_waited_for),
	    cmocka_unit_test(a_move_waits_for_the_process_alone),
	    cmocka_unit_test(an_old_answer_counts_nothing),
	    cmocka_unit_test(a_new_leader_first_believes_the_holder_alone),
	    cmocka_unit_test(a_late_claim_is_worth_nothing),
	    cmocka_unit_test(nothing_is_asked_before_it_is_ready),
	    cmocka_unit_test(bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
