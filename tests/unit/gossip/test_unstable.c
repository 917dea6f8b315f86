/* Who died and rose too often lately: a member, but neither leader nor witness. */
#include "world.h"

/* Of three nodes: one leads, one flaps until the other calls it unstable. */
static struct world *w;
static uint32_t leader, flapper, other;

static uint32_t
index_of(uint32_t observer, uint32_t subject)
{
	struct node_id id = world_id(subject);

	return members_find_id(&w->node[observer]->ms, &id);
}

static bool
unstable(uint32_t observer, uint32_t subject)
{
	struct node_id id = world_id(subject);
	struct mesh_member x;

	assert_true(mesh_find(w->node[observer], &id, &x));
	return x.unstable;
}

static void
dies_and_rises(uint32_t i)
{
	msec patience = w->now + 60000;

	world_isolate(w, i, true);
	while (world_state(w, leader, i) != MESH_FAILED || world_state(w, other, i) != MESH_FAILED) {
		world_step(w);
		assert_true(w->now < patience);
	}
	world_isolate(w, i, false);
	while (world_state(w, leader, i) != MESH_ALIVE || world_state(w, other, i) != MESH_ALIVE) {
		world_step(w);
		assert_true(w->now < patience);
	}
}

static int
settle(void **state)
{
	(void)state;
	w = world_new(3, MESH_QUORUM_MAJORITY);
	world_run(w, 6000);
	leader = world_leader(w);
	flapper = (leader + 1) % 3;
	other = (leader + 2) % 3;
	dies_and_rises(flapper);
	assert_false(unstable(other, flapper));
	dies_and_rises(flapper);
	assert_true(unstable(other, flapper) && unstable(leader, flapper));
	world_run(w, 3000);
	assert_int_equal(world_leader(w), leader);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	world_free(w);
	return 0;
}

/* The leader is gone, and only it asks for a vote. */
static void
it_is_elected_when_nobody_else_comes_forward(void **state)
{
	struct packet vote = {.kind = PACKET_VOTE, .seq = 1};
	struct mesh *m = w->node[other];
	uint32_t from = index_of(other, flapper);
	uint64_t term;

	(void)state;
	world_kill(w, leader);
	world_isolate(w, other, true);
	while (m->elect.leader != MEMBER_NONE)
		world_step(w);
	term = m->saved.term;
	vote.term = term + 1;
	vote.roster = m->roster.id;
	for (msec lost = m->elect.lost_at; w->now - lost < 3000; w->now++) {
		assert_int_equal(elect_recv(m, w->now, from, &vote), 0);
		assert_true(m->saved.term == term);
	}
	assert_int_equal(elect_recv(m, w->now, from, &vote), 0);
	assert_true(m->saved.term == term + 1 && id_eq(&m->saved.voted_for, &m->ms.m[from].id));
}

/* Of two candidates the other one wins, though all would rather have this one. */
static void
the_other_one_leads_next(void **state)
{
	struct mesh_pref pref = {.priority = 9};

	(void)state;
	snprintf(pref.name, sizeof pref.name, "n%u", flapper);
	for (uint32_t i = 0; i < 3; i++) {
		w->node[i]->conf.policy.prefs[0] = pref;
		w->node[i]->conf.policy.prefs_count = 1;
	}
	world_kill(w, leader);
	world_run(w, 2900);
	assert_int_equal(world_leader(w), other);
}

/* Quiet for a minute, it is as good as any. */
static void
it_ends_with_quiet(void **state)
{
	msec patience = w->now + 70000;

	(void)state;
	while (unstable(leader, flapper) || unstable(other, flapper)) {
		world_step(w);
		assert_true(w->now < patience);
	}
	assert_true(w->now > patience - 15000);
	/* And once more: twice as long. */
	dies_and_rises(flapper);
	world_run(w, 70000);
	assert_true(unstable(leader, flapper));
}

/* Others are asked about the silent while there are enough: what it missed would count. */
static void
it_is_no_witness(void **state)
{
	enum { MANY = HELPERS + 3, ROUNDS = 100 };
	uint32_t first, second;
	struct world *all = world_settled(MANY, &first, &second);
	struct mesh *m = all->node[0];
	uint16_t helper[MANY];
	uint32_t asked = 0;

	(void)state;
	for (uint32_t left = 0; left < 2; left++) {
		m->ms.doubts[1].unstable_until = all->now + 1000;
		for (uint32_t k = 0; k < ROUNDS; k++) {
			uint32_t n = relay_helpers(m, all->now, 2, MEMBER_NONE, HELPERS + left, helper);

			assert_int_equal(n, HELPERS + left);
			for (uint32_t i = 0; i < n; i++)
				asked += helper[i] == 1;
		}
		assert_int_equal(asked, left * ROUNDS); /* when there is nobody else, it */
	}
	world_free(all);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, settle, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(it_is_no_witness),
	    TEST(it_is_elected_when_nobody_else_comes_forward),
	    TEST(the_other_one_leads_next),
	    TEST(it_ends_with_quiet),
	};

	return cmocka_run_group_tests_name("unstable", tests, NULL, NULL);
}
