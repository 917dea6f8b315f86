/* For whom nobody votes, and above what an office begins. */
#include "world.h"

static struct world *w;
static uint32_t leader, x, y;

static int
settle(void **state)
{
	(void)state;
	w = world_settled(3, &leader, &x);
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

/* What x says to y, who asks it for a vote now. */
static bool
granted(enum packet_kind kind)
{
	struct mesh *m = w->node[x];
	uint32_t from = members_find_id(&m->ms, &w->node[y]->ms.m[0].id);
	struct packet p = {.kind = kind, .seq = 77, .term = m->saved.term + 1, .roster = m->roster.id};
	const struct out *o;

	assert_int_equal(elect_recv(m, w->now, from, &p), 0);
	assert_true(m->ring_len > 0);
	o = &m->ring[(m->ring_head + m->ring_len - 1) % m->ring_cap];
	assert_int_equal(o->kind, kind == PACKET_VOTE ? PACKET_VOTED : PACKET_PREVOTED);
	assert_int_equal(o->a, 77);
	return o->b;
}

/* Who is of no vote in the same roster may not lead it: with the votes of a minority
 * and its own it would. */
static void
none_for_who_has_no_vote(void **state)
{
	struct mesh *m = w->node[x];
	uint32_t from = members_find_id(&m->ms, &w->node[y]->ms.m[0].id);
	uint8_t roster = m->ms.m[from].roster;

	(void)state;
	world_kill(w, leader);
	w->deaf[x][y] = w->deaf[y][x] = true; /* so that neither is elected meanwhile */
	world_run(w, 3000);
	assert_true(m->elect.role != MESH_LEADER && m->elect.leader == MEMBER_NONE);
	assert_true(granted(PACKET_PREVOTE));
	m->ms.m[from].roster = 0;
	assert_false(granted(PACKET_PREVOTE));
	assert_false(granted(PACKET_VOTE));
	m->ms.m[from].roster = roster;
	assert_true(granted(PACKET_VOTE));
}

/* What it acts on itself has a higher stamp than it would give: it wishes for a ballot
 * above at once, not when somebody's report says so. */
static void
above_what_it_applied_itself(void **state)
{
	struct stamp far = {.term = 50, .seq = 3};
	struct hash h = {{1}};
	uint32_t next = x;

	(void)state;
	assert_int_equal(mesh_applied(w->node[x], w->now, &far, &h), 0);
	assert_int_equal(mesh_applied(w->node[y], w->now, &far, &h), 0);
	world_kill(w, leader);
	for (msec patience = w->now + 10000; w->node[next]->elect.role != MESH_LEADER; next = x + y - next) {
		world_step(w);
		assert_true(w->now < patience);
	}
	assert_int_equal(w->node[next]->elect.wish_term, far.term + 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(none_for_who_has_no_vote, settle, end),
	    cmocka_unit_test_setup_teardown(above_what_it_applied_itself, settle, end),
	};

	return cmocka_run_group_tests_name("office", tests, NULL, NULL);
}
