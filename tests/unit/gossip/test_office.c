/* For whom nobody votes, above what an office begins, and what an elector's word is worth
 * to a leader that changes the roster. */
#include "world.h"

#define TEST(f) cmocka_unit_test_setup_teardown(f, settle, end)

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

/* The leader is gone, and neither of the others is elected. */
static void
nobody_leads(void)
{
	world_kill(w, leader);
	w->deaf[x][y] = w->deaf[y][x] = true;
	world_run(w, 3000);
	assert_true(w->node[x]->elect.role != MESH_LEADER && w->node[x]->elect.leader == MEMBER_NONE);
}

/* What x says to y, who asks it for a vote now, and holds that roster. */
static bool
granted_with(enum packet_kind kind, const struct roster_id *roster)
{
	struct mesh *m = w->node[x];
	uint32_t from = members_find_id(&m->ms, &w->node[y]->ms.m[0].id);
	struct packet p = {.kind = kind, .seq = 77, .term = m->saved.term + 1, .roster = *roster};
	const struct out *o;

	assert_int_equal(elect_recv(m, w->now, from, &p), 0);
	assert_true(m->ring_len > 0);
	o = &m->ring[(m->ring_head + m->ring_len - 1) % m->ring_cap];
	assert_int_equal(o->kind, kind == PACKET_VOTE ? PACKET_VOTED : PACKET_PREVOTED);
	assert_int_equal(o->a, 77);
	return o->b;
}

static bool
granted(enum packet_kind kind)
{
	return granted_with(kind, &w->node[x]->roster.id);
}

/* It may count on a roster that is no more. */
static void
none_for_an_older_roster(void **state)
{
	struct mesh *m = w->node[x];
	struct roster_id now = m->roster.id;

	(void)state;
	nobody_leads();
	assert_true(granted_with(PACKET_PREVOTE, &now));
	now.version--;
	assert_false(granted_with(PACKET_PREVOTE, &now));
	assert_false(granted_with(PACKET_VOTE, &now));
	now.version += 2;
	assert_true(granted_with(PACKET_VOTE, &now));
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
	nobody_leads();
	assert_true(granted(PACKET_PREVOTE));
	m->ms.m[from].roster = 0;
	assert_false(granted(PACKET_PREVOTE));
	assert_false(granted(PACKET_VOTE));
	m->ms.m[from].roster = roster;
	assert_true(granted(PACKET_VOTE));
}

/* x hears from y that it has left: with its vote given away before, or at once. */
static void
says_goodbye(bool first_its_vote)
{
	static struct world_record o;
	struct mesh *m = w->node[x];
	const struct member *it = &m->ms.m[members_find_id(&m->ms, &w->node[y]->ms.m[0].id)];
	struct crypto c = world_crypto(7, y);

	world_says(m->saved.cluster, &o, y, MESH_LEFT, it->generation, it->incarnation);
	o.r.notice = first_its_vote ? MESH_LEAVING : MESH_STAYS;
	vouch_sign(&c, m->saved.cluster, &o.r, o.sig);
	assert_int_equal(rumour_hear(m, w->now, &o.r), 0);
	assert_int_equal(it->state, MESH_LEFT);
}

/* Who left was told that a roster without it is in force: so that one which names it is
 * history, and who comes in its name, having forgotten all, has no vote by it.  Not after
 * a restart of who heard it either.  By a later one it may have. */
static void
none_for_who_has_left(void **state)
{
	struct roster_id later = w->node[x]->roster.id;

	(void)state;
	later.version++;
	nobody_leads();
	says_goodbye(true);
	for (uint32_t life = 0; life < 2; life++) {
		assert_false(granted(PACKET_PREVOTE));
		assert_false(granted(PACKET_VOTE));
		assert_true(granted_with(PACKET_PREVOTE, &later));
		world_run(w, 10); /* to disk, once for this roster */
		assert_false(w->node[x]->must_save);
		roster_left(w->node[x], members_find_id(&w->node[x]->ms, &w->node[y]->ms.m[0].id));
		assert_false(w->node[x]->must_save);
		world_kill(w, x);
		world_start(w, x);
		world_run(w, 5000); /* holding off is over */
	}
	w->deaf[x][y] = w->deaf[y][x] = false; /* y wants to be elected, or elects x */
	world_run(w, 15000);
	assert_false(world_side(w, x).has_leader || world_side(w, y).has_leader);
}

/* Who only says goodbye has a vote that those who stay may need. */
static void
one_for_who_went_at_once(void **state)
{
	struct mesh *at_once = w->node[y];

	(void)state;
	assert_int_equal(mesh_leaving(at_once, w->now, true), 0);
	mesh_leave(at_once, w->now); /* its operator waits no longer */
	assert_int_equal(at_once->ms.m[0].state, MESH_LEFT);
	assert_int_equal(going_kind(&at_once->ms.m[0]), MESH_STAYS);
	w->deaf[y][x] = true;
	nobody_leads();
	says_goodbye(false);
	assert_true(granted(PACKET_PREVOTE));
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

/* Somebody acts on a higher stamp: what it gave now would be refused there for ever. */
static void
no_stamp_below_a_known_one(void **state)
{
	struct mesh *m = w->node[leader];
	struct stamp next, far = {.term = m->elect.ballot_term + 7, .seq = 1};

	(void)state;
	assert_int_equal(mesh_next_stamp(m, w->now, &next), 0);
	claim_stamp(m, w->now, members_find_id(&m->ms, &w->node[x]->ms.m[0].id), &far);
	assert_int_equal(mesh_next_stamp(m, w->now, &next), -ERR_NOT_LEADER);
	world_run(w, 2000);
	assert_int_equal(mesh_next_stamp(w->node[world_leader(w)], w->now, &next), 0);
	assert_true(stamp_cmp(&next, &far) > 0);
}

static uint32_t
at_leader(uint32_t i)
{
	return members_find_id(&w->node[leader]->ms, &w->node[i]->ms.m[0].id);
}

/* A roster that an elector knows and the leader does not may be in force: it is fetched
 * before another is made.  And when one is made no round counts that began before it. */
static void
made_of_the_latest(void **state)
{
	struct mesh *m = w->node[leader];
	struct roster_id was = m->roster.id, *stored = &m->ms.votes[at_leader(x)].stored;
	static const struct round none;

	(void)state;
	assert_true(m->elect.by_quorum && lead_grade(m, w->now) == MESH_GRADE_FULL);
	assert_int_equal(roster_cmp(stored, &was), 0);
	assert_memory_not_equal(&m->elect.rounds[0], &none, sizeof none);
	m->roster.foreign = true; /* a change is due */
	m->roster.change_at = w->now;
	stored->version++;
	roster_step(m, w->now);
	assert_int_equal(roster_cmp(&m->roster.id, &was), 0);
	m->roster.refused = *stored;
	roster_step(m, w->now);
	assert_true(m->roster.id.version > was.version);
	for (uint32_t k = 0; k < ARRAY_LEN(m->elect.rounds); k++)
		assert_memory_equal(&m->elect.rounds[k], &none, sizeof none);
}

/* Of whom a leader knows by others alone is given no vote: it might follow nobody. */
static void
no_vote_by_rumour(void **state)
{
	struct mesh *m = w->node[leader];
	uint32_t i = at_leader(x);

	(void)state;
	assert_true(roster_wanted(m, i, false));
	m->ms.m[i].seen = MSEC_NEVER;
	assert_false(roster_wanted(m, i, false));
	assert_true(roster_wanted(m, i, true)); /* nor does it lose one by that */
}

/* What it stored and echoed is of the life before: this one may have lost its disk. */
static void
a_new_life_stored_nothing(void **state)
{
	struct mesh *m = w->node[leader];
	uint32_t i = at_leader(x);
	uint64_t life = m->ms.m[i].generation;

	(void)state;
	assert_true(m->ms.votes[i].echoed != 0 && m->ms.votes[i].stored.version != 0);
	world_kill(w, x);
	w->deaf[x][leader] = w->deaf[leader][x] = true; /* it hears of it from y */
	world_start(w, x);
	for (msec patience = w->now + 2000; m->ms.m[i].generation == life;) {
		world_step(w);
		assert_true(w->now < patience);
	}
	assert_true(m->ms.votes[i].echoed == 0 && m->ms.votes[i].stored.version == 0);
}

/* To who can take it: else there would be no leader for a lease, and nobody named. */
static void
handed_to_the_living(void **state)
{
	struct node_id gone = world_id(x), stranger = world_id(17), self = world_id(leader), next = world_id(y);
	struct mesh *m = w->node[leader];

	(void)state;
	world_kill(w, x);
	for (msec patience = w->now + 10000; world_state(w, leader, x) != MESH_FAILED;) {
		world_step(w);
		assert_true(w->now < patience);
	}
	assert_int_equal(mesh_hand_over(w->node[y], w->now, &self), -ERR_NOT_LEADER);
	assert_int_equal(mesh_hand_over(m, w->now, &gone), -ERR_UNKNOWN);
	assert_int_equal(mesh_hand_over(m, w->now, &stranger), -ERR_UNKNOWN);
	assert_int_equal(m->elect.role, MESH_LEADER);
	assert_int_equal(mesh_hand_over(m, w->now, &next), 0);
	world_run(w, 1000);
	assert_int_equal(world_leader(w), y);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(none_for_who_has_no_vote),
	    TEST(none_for_an_older_roster),
	    TEST(none_for_who_has_left),
	    TEST(one_for_who_went_at_once),
	    TEST(above_what_it_applied_itself),
	    TEST(no_stamp_below_a_known_one),
	    TEST(made_of_the_latest),
	    TEST(no_vote_by_rumour),
	    TEST(a_new_life_stored_nothing),
	    TEST(handed_to_the_living),
	};

	return cmocka_run_group_tests_name("office", tests, NULL, NULL);
}
