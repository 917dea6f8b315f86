/* At most one in the world: when a lease begins, whom it counts for, when it ends. */
#include "world.h"

enum { ID = 77, OVER_MS = MESH_ROLE_LEASE_MS * 101 / 100 + 1 };

/* Of every test: three nodes with one leader, in office long enough to confirm
 * anything; x and y are the others. */
static struct world *w;
static uint32_t leader, x, y;

static int
settle(void **state)
{
	(void)state;
	w = world_new(3, MESH_QUORUM_MAJORITY);
	world_run(w, 3000 + OVER_MS);
	leader = world_leader(w);
	x = (leader + 1) % 3;
	y = (leader + 2) % 3;
	return 0;
}

static int
end(void **state)
{
	(void)state;
	world_free(w);
	return 0;
}

static void
own(uint32_t owner)
{
	struct mesh_owner o = {ID, world_id(owner)};

	assert_int_equal(mesh_exclusive_owners(w->node[leader], w->now, &o, 1), 0);
}

static void
want(uint32_t i, bool wanted)
{
	uint64_t id = ID;

	assert_int_equal(mesh_exclusive_want(w->node[i], w->now, &id, wanted), 0);
}

/* Owner and executor. */
static void
place(uint32_t i)
{
	own(i);
	want(i, true);
}

static void
runs(uint32_t i, bool running)
{
	assert_int_equal(mesh_exclusive_running(w->node[i], w->now, ID, running), 0);
}

static msec
until(uint32_t i)
{
	return mesh_exclusive_until(w->node[i], ID);
}

static void
leader_dies(msec so_long)
{
	world_kill(w, leader);
	world_run(w, so_long);
	leader = world_leader(w);
}

/* A lease packet comes to i. */
static void
hears(uint32_t i, uint32_t from, const struct packet *p)
{
	assert_int_equal(rolelease_recv(w->node[i], w->now, from, p), 0);
}

static void
a_lease_is_asked_for_kept_and_lost(void **state)
{
	msec last;

	(void)state;
	own(x);
	assert_true(until(x) == 0);
	want(x, true);
	world_run(w, 10);
	/* From the question, not from the answer. */
	assert_true(until(x) > w->now && until(x) <= w->now - 2 + MESH_ROLE_LEASE_MS);
	for (int k = 0; k < 40; k++) {
		world_run(w, 1000);
		assert_true(until(x) >= w->now + MESH_ROLE_LEASE_MS - 3200);
	}
	world_isolate(w, x, true);
	last = until(x);
	for (; w->now < last - 1; world_step(w))
		assert_true(until(x) == last);
	world_run(w, 2);
	assert_true(until(x) == 0);
}

/* A node's disk was copied: the copy asks under the same name, and runs nothing. */
static void
a_copy_frees_nothing_and_gets_nothing(void **state)
{
	struct mesh *m = w->node[leader];
	struct node_id id = world_id(x);
	uint32_t i = members_find_id(&m->ms, &id);
	uint8_t *salt = members_pair(&m->ms, i)->salt, entry[ROLELEASE_ENTRY_BYTES] = {0};
	struct packet p = {.kind = PACKET_ROLE_ASK};

	(void)state;
	place(x);
	runs(x, true);
	world_run(w, 10);
	assert_true(until(x) > w->now);
	own(y);
	want(y, true);
	salt[0] ^= 1;
	p.sent = (uint64_t)w->now + 1000;
	hears(leader, i, &p);
	salt[0] ^= 1;
	assert_int_equal(m->rolelease.grants[0].holder, m->ms.m[i].short_id);
	own(x);
	salt[0] ^= 1;
	be_put(entry, ID, 8);
	p.bytes = entry;
	p.bytes_len = sizeof entry;
	hears(leader, i, &p);
	assert_int_not_equal(m->rolelease.grants[0].asked, p.sent);
	salt[0] ^= 1;
	hears(leader, i, &p);
	assert_int_equal(m->rolelease.grants[0].asked, p.sent);
	p.sent++;
	p.bytes_len = 0;
	hears(leader, i, &p); /* its own word: it runs it no more */
	assert_int_equal(m->rolelease.grants[0].holder, 0);
}

/* Not the owner by the schedule, or not wanted here: nothing. */
static void
only_the_owner_gets_it(void **state)
{
	(void)state;
	own(x);
	want(y, true);
	world_run(w, 20000);
	assert_true(until(y) == 0);
	/* The leader itself is an executor as well. */
	place(leader);
	world_run(w, 5);
	assert_true(until(leader) > w->now);
}

/* The owner is cut off: another gets it when its lease is over for sure. */
static void
a_lost_owner_is_waited_for(void **state)
{
	msec last;

	(void)state;
	place(x);
	world_run(w, 7000);
	world_isolate(w, x, true);
	last = until(x);
	place(y);
	while (until(y) == 0) {
		world_step(w);
		assert_true(w->now < last + 2000);
	}
	assert_true(until(x) == 0);
	assert_true(w->now >= last);
}

/* A move that both know of takes no 15 s: the old owner says that it is gone. */
static void
a_move_waits_for_the_process_alone(void **state)
{
	(void)state;
	place(x);
	world_run(w, 10);
	runs(x, true);
	world_run(w, 5000);
	own(y);
	want(x, false);
	want(y, true);
	world_run(w, 2500);
	assert_true(until(x) == 0 && until(y) == 0); /* x has not ended yet */
	runs(x, false);
	world_run(w, 1500);
	assert_true(until(y) > w->now);
}

/* An answer to an older question than the newest is nobody's. */
static void
an_old_answer_counts_nothing(void **state)
{
	static const uint8_t ids[ROLELEASE_ENTRY_BYTES] = {[7] = ID};
	struct packet p = {.kind = PACKET_ROLE_LEASE, .bytes = ids, .bytes_len = sizeof ids};
	msec first;

	(void)state;
	want(x, true); /* no owner: asks again each second */
	world_run(w, 5);
	first = w->node[x]->rolelease.asked;
	world_run(w, 1500);
	assert_true(w->node[x]->rolelease.asked > first);
	p.term = w->node[x]->elect.ballot_term;
	p.sent = (uint64_t)first;
	hears(x, w->node[x]->elect.leader, &p);
	assert_true(until(x) == 0);
	p.sent = (uint64_t)w->node[x]->rolelease.asked;
	p.term++; /* of another leader than the one it follows */
	hears(x, w->node[x]->elect.leader, &p);
	assert_true(until(x) == 0);
	p.term--;
	hears(x, w->node[x]->elect.leader, &p);
	/* However late it comes, it counts from when it was asked for. */
	assert_true(until(x) == w->node[x]->rolelease.asked + MESH_ROLE_LEASE_MS);
}

/* A new leader goes on confirming to the holder, and to nobody else for a lease. */
static void
a_new_leader_first_believes_the_holder_alone(void **state)
{
	(void)state;
	place(x);
	world_run(w, 4000);
	leader_dies(4000);
	own(x);
	for (int k = 0; k < 30; k++) {
		world_run(w, 1000);
		assert_true(until(x) > w->now);
	}
}

/* Another that never saw the placement, by whose schedule it is x's: not before
 * any lease of which it never heard is over. */
static void
a_new_leader_waits_for_what_it_never_saw(void **state)
{
	msec office;

	(void)state;
	place(leader);
	world_run(w, 3000);
	leader_dies(3000); /* the host is cut off: its container may live 15 s */
	office = w->node[leader]->elect.full_since;
	place(x);
	while (until(x) == 0) {
		world_step(w);
		assert_true(w->now < office + OVER_MS + 2000);
	}
	assert_true(w->now >= office + OVER_MS);
}

/* A claim to hold it that comes late, when another may have had it in between: the
 * leader must not build on it, nor may who made it take the answer. */
static void
a_late_claim_is_worth_nothing(void **state)
{
	static uint8_t ids[ROLELEASE_ENTRY_BYTES] = {[7] = ID};
	uint32_t from;
	struct packet p = {.kind = PACKET_ROLE_LEASE, .bytes = ids, .bytes_len = sizeof ids};
	struct rolelease *r;
	msec asked;

	(void)state;
	r = &w->node[x]->rolelease;
	place(x);
	world_run(w, 4000);
	own(leader); /* from now on nothing is confirmed to x */
	r->slots[0].until -= 500; /* else it asks again when it ends */
	do {
		asked = r->asked;
		world_step(w);
	} while (until(x) > 0);
	assert_true(r->asked == asked && asked + MESH_ROLE_LEASE_MS > w->now);
	p.term = w->node[x]->elect.ballot_term;
	p.sent = (uint64_t)asked;
	hears(x, w->node[x]->elect.leader, &p);
	assert_true(until(x) == 0);

	leader_dies(4000);
	x = (leader + 1) % 3;
	r = &w->node[leader]->rolelease;
	from = members_find(&w->node[leader]->ms, seal_short(&(struct node_id){{(uint8_t)(x + 1), 0xaa}}));
	own(x);
	p.kind = PACKET_ROLE_ASK;
	p.sent = 1000000;
	ids[8] = ROLELEASE_HELD;
	hears(leader, from, &p);
	assert_int_equal(r->grants[0].asked, 1000000);
	p.sent++;
	ids[8] = 0;
	hears(leader, from, &p);
	assert_int_equal(r->grants[0].asked, 1000000);
	world_run(w, OVER_MS); /* in office long enough: no claim is needed */
	p.sent++;
	hears(leader, from, &p);
	assert_int_equal(r->grants[0].asked, 1000002);
}

/* x asks the leader; is it answered? */
static bool
answered(void)
{
	static uint8_t ids[ROLELEASE_ENTRY_BYTES] = {[7] = ID};
	struct mesh *m = w->node[leader];
	uint32_t from = members_find_id(&m->ms, &w->node[x]->ms.m[0].id), before = m->ring_len;
	struct packet p = {.kind = PACKET_ROLE_ASK, .bytes = ids, .bytes_len = sizeof ids};

	p.sent = 1000000;
	hears(leader, from, &p);
	assert_true(before == 0 && m->ring_len <= 1);
	return m->ring_len == 1 && m->ring[m->ring_head].kind == PACKET_ROLE_LEASE;
}

/* Who slept through half of its own lease confirms nothing before it has ticked. */
static void
nothing_is_confirmed_after_a_sleep(void **state)
{
	msec half = elect_lease_ms(w->node[leader]) / 2;

	(void)state;
	own(x);
	w->now += half + 1;
	assert_int_equal(lead_grade(w->node[leader], w->now), MESH_GRADE_FULL);
	assert_false(answered());
	w->now--;
	assert_true(answered());
}

/* An engine that starts anew and forgets to say what runs would free it: so it
 * asks nothing before it has said so once. */
static void
nothing_is_asked_before_it_is_ready(void **state)
{
	uint64_t sent;

	(void)state;
	place(x);
	world_run(w, 10);
	runs(x, true);
	world_run(w, 4000);
	world_kill(w, x);
	world_start(w, x);
	sent = w->sent_kind[PACKET_ROLE_ASK];
	runs(x, true);
	world_run(w, 5000);
	assert_true(w->sent_kind[PACKET_ROLE_ASK] == sent);
	want(x, true);
	world_run(w, 10);
	assert_true(until(x) > w->now);
}

/* Engine and leader die at once: the new leader asks for a claim, and the new
 * engine has it from its host.  Never more than the host has. */
static void
a_new_engine_claims_what_its_host_holds(void **state)
{
	msec held;

	(void)state;
	place(x);
	world_run(w, 10);
	runs(x, true);
	world_run(w, 4000);
	held = until(x);
	world_kill(w, x);
	world_start(w, x);
	leader_dies(5000);
	own(x);
	assert_int_equal(mesh_exclusive_held(w->node[x], w->now, ID, held), -ERR_RANGE);
	runs(x, true);
	assert_int_equal(mesh_exclusive_held(w->node[x], w->now, ID, w->now + MESH_ROLE_LEASE_MS + 1),
	    -ERR_RANGE);
	assert_int_equal(mesh_exclusive_held(w->node[x], w->now, ID, w->now), 0); /* over */
	assert_int_equal(mesh_exclusive_held(w->node[x], w->now, ID, held), 0);
	want(x, true);
	assert_true(until(x) == held);
	assert_int_equal(mesh_exclusive_held(w->node[x], w->now, ID, held - 1), 0);
	assert_true(until(x) == held);
	for (int k = 0; k < 20; k++) {
		world_run(w, 1000);
		assert_true(until(x) > w->now);
	}
	assert_true(until(x) > held);
}

static void
bounds(void **state)
{
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
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, settle, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_lease_is_asked_for_kept_and_lost),
	    TEST(a_copy_frees_nothing_and_gets_nothing),
	    TEST(only_the_owner_gets_it),
	    TEST(a_lost_owner_is_waited_for),
	    TEST(a_move_waits_for_the_process_alone),
	    TEST(an_old_answer_counts_nothing),
	    TEST(a_new_leader_first_believes_the_holder_alone),
	    TEST(a_new_leader_waits_for_what_it_never_saw),
	    TEST(a_late_claim_is_worth_nothing),
	    TEST(nothing_is_confirmed_after_a_sleep),
	    TEST(nothing_is_asked_before_it_is_ready),
	    TEST(a_new_engine_claims_what_its_host_holds),
	    TEST(bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
