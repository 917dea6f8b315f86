/*
 * test_look.c - what an operator is shown of the machine: who answers, by which
 * way it does not, how the leader came to lead, whose votes count.
 */
#include "../../../gossip/look.h"
#include "world.h"

static void
reach_all(struct world *w)
{
	for (uint32_t i = 0; i < w->count; i++)
		if (w->node[i] != NULL)
			mesh_reach(w->node[i], w->now);
	world_run(w, 1500);
	for (uint32_t i = 0; i < w->count; i++)
		assert_true(w->node[i] == NULL || mesh_reach_over(w->node[i]));
}

static struct mesh_reached
reached(struct world *w, uint32_t by, uint32_t whom)
{
	struct node_id id = world_id(whom);
	struct mesh_reached r;

	mesh_reached(w->node[by], &id, &r);
	return r;
}

static void
who_is_there_answers(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct mesh_reached r;

	(void)state;
	world_run(w, 4000);
	r = reached(w, 0, 1);
	assert_false(r.asked || r.answered || r.heard); /* nobody wanted to know yet */
	reach_all(w);
	for (uint32_t i = 0; i < 3; i++)
		for (uint32_t k = 0; k < 3; k++) {
			r = reached(w, i, k);
			assert_true(r.asked == (i != k));
			assert_true(r.answered == (i != k));
			assert_true(r.heard == (i != k));
			assert_int_equal(r.rtt_ms, i != k ? 2 : -1);
		}
	world_free(w);
}

/* Everybody stays alive, for others vouch; who asks is shown the way that is cut. */
static void
one_way_shows(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct mesh_reached r;

	(void)state;
	world_run(w, 6000);
	w->deaf[1][2] = true; /* what n1 says does not reach n2 */
	world_run(w, 1000);
	reach_all(w);
	r = reached(w, 1, 2);
	assert_true(r.asked && !r.answered && r.heard);
	r = reached(w, 2, 1);
	assert_true(r.asked && !r.answered && !r.heard);
	for (uint32_t i = 1; i < 3; i++) {
		assert_true(reached(w, 0, i).answered);
		assert_true(reached(w, i, 0).answered);
	}
	world_free(w);
}

/* A round pings the dead too, but takes no answer for no accusation. */
static void
silence_accuses_nobody(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct mesh_reached r;

	(void)state;
	world_run(w, 6000);
	world_kill(w, 2);
	mesh_reach(w->node[0], w->now);
	world_run(w, 1200);
	assert_true(mesh_reach_over(w->node[0]));
	r = reached(w, 0, 2);
	assert_true(r.asked && !r.answered);
	world_run(w, 10000);
	assert_int_equal(world_state(w, 0, 2), MESH_FAILED);
	reach_all(w);
	r = reached(w, 0, 2);
	assert_true(r.asked && !r.answered && !r.heard);
	/* Back again: its answer is news to whoever asks. */
	world_start(w, 2);
	world_run(w, 3000);
	reach_all(w);
	assert_true(reached(w, 0, 2).answered);
	world_free(w);
}

/* Asked twice within a round, it is one round: an impatient operator is cheap. */
static void
a_round_is_joined(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	uint64_t before;

	(void)state;
	world_run(w, 4000);
	before = w->sent_kind[PACKET_PING];
	for (int i = 0; i < 100; i++) {
		mesh_reach(w->node[0], w->now);
		world_run(w, 5);
	}
	/* Two members, one ping each; and the probes of 0.5 s. */
	assert_true(w->sent_kind[PACKET_PING] - before <= 2 + 3);
	world_free(w);
}

static void
a_round_needs_a_cluster(void **state)
{
	struct world *w = world_new(2, MESH_QUORUM_MAJORITY);

	(void)state;
	world_isolate(w, 1, true);
	mesh_reach(w->node[1], w->now);
	assert_true(mesh_reach_over(w->node[1]));
	world_free(w);
}

static void
how_it_came_to_lead(void **state)
{
	struct world *w = world_new(4, MESH_QUORUM_MAJORITY);
	struct mesh_lead l;
	uint32_t leader, first = 0;

	(void)state;
	world_run(w, 6000);
	leader = world_leader(w);
	mesh_lead(w->node[leader], w->now, &l);
	assert_true(l.leads && l.by_quorum && l.full_since <= w->now);
	assert_int_equal(l.next_count, 3);
	for (size_t i = 0; i < 3; i++) {
		struct node_id id = world_id(leader);

		assert_false(id_eq(&l.next[i], &id));
	}
	while (first < 4) {
		struct node_id id = world_id(first);

		if (id_eq(&l.next[0], &id))
			break;
		first++;
	}
	mesh_lead(w->node[first], w->now, &l);
	assert_false(l.leads);
	assert_true(l.promised_until > w->now);
	/* It is who takes over, indeed. */
	world_kill(w, leader);
	world_run(w, 6000);
	assert_int_equal(world_leader(w), first);
	world_free(w);
}

static void
whose_votes_count(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct mesh_roster r;
	struct mesh_vote v;
	uint32_t leader, n = 0;

	(void)state;
	world_run(w, 8000);
	leader = world_leader(w);
	mesh_roster(w->node[leader], &r);
	assert_int_equal(r.electors, 3);
	assert_int_equal(r.weight_new, 3);
	assert_false(r.joint);
	assert_true(r.knows_stored && r.stored);
	assert_int_equal(r.stored_new, 3);
	assert_int_equal(r.seen_version, r.version);
	for (; mesh_vote(w->node[leader], n, &v); n++)
		assert_true(v.in_old && v.in_new && v.weight_new == 1 && v.stored && !v.tie_breaker);
	assert_int_equal(n, 3);
	mesh_roster(w->node[(leader + 1) % 3], &r);
	assert_false(r.knows_stored);
	assert_int_equal(r.electors, 3);
	world_free(w);
}

static void
how_full_it_is(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct mesh_queues q;

	(void)state;
	world_run(w, 8000);
	mesh_queues(w->node[0], &q);
	assert_int_equal(q.out, 0);
	assert_int_equal(q.members, 3);
	assert_int_equal(q.members_max, 32);
	assert_int_equal(q.urgent + q.news + q.evictions, 0);
	assert_int_equal(q.health, 0);
	assert_true(q.pairs >= 2 && q.out_max > 0 && q.jobs <= q.jobs_max);
	world_free(w);
}

/* Nobody polls what this one wants to say: the queue is full, and says so. */
static void
what_finds_no_room_is_counted(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct mesh *m = w->node[0];
	struct mesh_queues q = {.out_max = 1};
	struct mesh_stats s;
	msec end;

	(void)state;
	world_run(w, 8000);
	mesh_stats(m, &s);
	for (int k = 0; k < MESH_ROOMS; k++)
		assert_int_equal(s.no_room[k], 0);
	for (end = w->now + 3600000; q.out < q.out_max && w->now < end; w->now += 50) {
		mesh_tick(m, w->now);
		world_save(w, 0);
		mesh_queues(m, &q);
	}
	assert_int_equal(q.out, q.out_max);
	for (end = w->now + 5000; w->now < end; w->now += 50)
		mesh_tick(m, w->now);
	mesh_stats(m, &s);
	assert_true(s.no_room[MESH_ROOM_DATAGRAMS] > 0);
	world_free(w);
}

static uint32_t
index_of(const struct mesh *m, uint32_t node)
{
	struct node_id id = world_id(node);
	struct mesh_member x;
	uint32_t i = 0;

	while (mesh_member(m, i, &x) && !id_eq(&x.id, &id))
		i++;
	return i;
}

/* What the leader says does not get to one, whose words get to it: then it goes around,
 * over the third, and the leader can say so. */
static void
who_hears_around(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	uint32_t leader, one, k;
	struct node_id via;

	(void)state;
	world_run(w, 8000);
	leader = world_leader(w);
	one = (leader + 1) % 3;
	k = index_of(w->node[leader], one);
	assert_false(mesh_around(w->node[leader], k, &via));
	w->deaf[leader][one] = true;
	for (int at = 0; at < 20; at++) {
		world_run(w, 1000);
		assert_true(world_side(w, one).has_leader);
		assert_int_equal(world_side(w, one).grade, MESH_GRADE_FULL);
	}
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(mesh_around(w->node[leader], i, &via), i == k);
	assert_true(mesh_around(w->node[leader], k, &via));
	assert_true(id_eq(&via, &w->node[(leader + 2) % 3]->ms.m[0].id));
	assert_int_equal(mesh_unled(w->node[leader], w->now, k), 0);
	w->deaf[leader][one] = false;
	world_run(w, 5000);
	assert_false(mesh_around(w->node[leader], k, &via));
	world_free(w);
}

/* One hears nobody, and all hear it: others vouch for it, and it follows nobody.  The
 * leader can say so, and takes it back when it does. */
static void
who_hears_no_beat(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	uint32_t leader, one, k;

	(void)state;
	world_run(w, 8000);
	leader = world_leader(w);
	one = (leader + 1) % 3;
	k = index_of(w->node[leader], one);
	w->deaf[leader][one] = w->deaf[(leader + 2) % 3][one] = true;
	world_run(w, 9000);
	assert_int_equal(mesh_unled(w->node[leader], w->now, k), 0);
	world_run(w, 9000);
	assert_true(w->node[leader]->elect.role == MESH_LEADER);
	assert_int_equal(w->node[one]->elect.leader, MEMBER_NONE);
	assert_true(mesh_unled(w->node[leader], w->now, k) > 10000);
	for (uint32_t i = 0; i < 4; i++) /* nobody else, not itself, nobody out of range */
		assert_true(i == k || mesh_unled(w->node[leader], w->now, i) == 0);
	assert_int_equal(mesh_unled(w->node[(leader + 2) % 3], w->now, 0), 0); /* leads not */
	w->deaf[leader][one] = w->deaf[(leader + 2) % 3][one] = false;
	world_run(w, 3000);
	assert_int_equal(mesh_unled(w->node[leader], w->now, k), 0);
	world_free(w);
}

static enum mesh_standing
standing(struct world *w, uint32_t at, uint32_t of)
{
	uint8_t pk[KEY_BYTES];

	world_pk(of, pk);
	return mesh_standing(w->node[at], pk);
}

/* What a key is worth here. */
static void
who_may_ask_for_what(void **state)
{
	struct world *w = world_new(5, MESH_QUORUM_MAJORITY);
	struct node_id id = world_id(3);
	uint32_t i;

	(void)state;
	world_run(w, 8000);
	for (uint32_t k = 0; k < 5; k++)
		assert_int_equal(standing(w, 0, k), MESH_VOTES);
	assert_int_equal(standing(w, 0, 9), MESH_STRANGER);
	assert_int_equal(mesh_evict(w->node[1], w->now, &id), 0);
	mesh_leave(w->node[4], w->now);
	world_run(w, 5000);
	assert_int_equal(standing(w, 0, 3), MESH_OUT);
	assert_int_equal(standing(w, 3, 3), MESH_OUT);
	assert_int_equal(standing(w, 0, 4), MESH_STRANGER);
	id = world_id(2);
	i = members_find_id(&w->node[0]->ms, &id);
	w->node[0]->ms.m[i].roster = MEMBER_OLD; /* on its way out */
	assert_int_equal(standing(w, 0, 2), MESH_IN);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_is_there_answers),
	    cmocka_unit_test(one_way_shows),
	    cmocka_unit_test(silence_accuses_nobody),
	    cmocka_unit_test(a_round_is_joined),
	    cmocka_unit_test(a_round_needs_a_cluster),
	    cmocka_unit_test(how_it_came_to_lead),
	    cmocka_unit_test(whose_votes_count),
	    cmocka_unit_test(how_full_it_is),
	    cmocka_unit_test(what_finds_no_room_is_counted),
	    cmocka_unit_test(who_hears_around),
	    cmocka_unit_test(who_hears_no_beat),
	    cmocka_unit_test(who_may_ask_for_what),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
