/*
 * test_elect.c - the election as stories: who may lead, when it must stop,
 * what a restart remembers, and how two sides become one.
 */
#include "world.h"

/* One of three, when there is a leader. */
static uint32_t
settled_follower(struct world *w)
{
	world_run(w, 6000);
	return (world_leader(w) + 1) % 3;
}

/* z restarts, and hears nobody. */
static void
starts_alone(struct world *w, uint32_t z)
{
	world_kill(w, z);
	world_isolate(w, z, true);
	world_start(w, z);
}

static struct hash
hash_of(uint8_t b)
{
	struct hash h = {{b}};

	return h;
}

/* What the first node alone does, to the millisecond. */
static void
init_leads_at_once(void **state)
{
	struct world *w = world_new(1, MESH_QUORUM_MAJORITY);
	struct mesh_side side;

	(void)state;
	world_run(w, 3);
	assert_string_equal(w->text, "1001 n0 candidate 1\n1001 n0 leads n0 1\n");
	side = world_side(w, 0);
	assert_int_equal(side.role, MESH_LEADER);
	assert_int_equal(side.grade, MESH_GRADE_FULL);
	assert_true(side.known == 1 && side.visible == 1);
	assert_true(side.lease_until > w->now && side.lease_until <= w->now + 1500);
	world_free(w);
}

static void
a_leader_stops_when_its_lease_ends(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct stamp s;
	uint32_t leader;
	msec end;

	(void)state;
	world_run(w, 6000);
	leader = world_leader(w);
	assert_int_equal(mesh_next_stamp(w->node[leader], w->now, &s), 0);
	world_isolate(w, leader, true);
	end = world_side(w, leader).lease_until;
	assert_true(end > w->now && end <= w->now + 1500);
	while (w->now < end) {
		assert_int_equal(mesh_next_stamp(w->node[leader], w->now, &s), 0);
		world_step(w);
	}
	assert_int_equal(mesh_next_stamp(w->node[leader], w->now, &s), -ERR_NOT_LEADER);
	assert_int_equal(world_side(w, leader).role, MESH_FOLLOWER);
	assert_int_equal(world_side(w, leader).grade, MESH_GRADE_NONE);
	/* The others elect one of themselves, above its term. */
	world_run(w, 2500);
	w->node[leader]->left = true; /* not asked below */
	for (uint32_t i = 0; i < 3; i++)
		if (i != leader) {
			assert_true(world_side(w, i).has_leader);
			assert_true(world_side(w, i).term > s.term);
		}
	world_free(w);
}

/* Slept for more than half a lease: it must not issue on an old belief, even
 * in the very call after waking. */
static void
a_sleeper_does_not_issue(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct stamp s;
	uint32_t leader;

	(void)state;
	world_run(w, 6000);
	leader = world_leader(w);
	w->now += 800;
	assert_int_equal(mesh_next_stamp(w->node[leader], w->now, &s), -ERR_NOT_LEADER);
	mesh_tick(w->node[leader], w->now);
	assert_int_equal(mesh_next_stamp(w->node[leader], w->now, &s), -ERR_NOT_LEADER);
	world_run(w, 300); /* its followers' echoes give it a new lease */
	assert_int_equal(world_leader(w), leader);
	assert_int_equal(mesh_next_stamp(w->node[leader], w->now, &s), 0);
	world_free(w);
}

/* Nothing that claims a vote leaves before the vote is on disk. */
static void
votes_wait_for_the_disk(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	uint32_t leader;
	uint64_t before;
	struct addr to;
	uint8_t buf[DGRAM_BYTES_MAX];

	(void)state;
	world_run(w, 6000);
	leader = world_leader(w);
	before = w->disk[(leader + 1) % 3].term;
	for (uint32_t i = 0; i < 3; i++)
		w->slow_disk[i] = true;
	world_kill(w, leader);
	world_run(w, 5000);
	for (uint32_t i = 0; i < 3; i++) {
		if (i == leader)
			continue;
		assert_true(w->disk[i].term == before);
		assert_int_not_equal(world_side(w, i).role, MESH_LEADER);
	}
	assert_int_equal(w->sent_kind[PACKET_RESIGN], 0);
	w->slow_disk[0] = w->slow_disk[1] = w->slow_disk[2] = false;
	world_run(w, 3000);
	for (uint32_t i = 0; i < 3; i++)
		if (i != leader) {
			assert_true(world_side(w, i).has_leader);
			assert_true(w->disk[i].term > before);
			assert_int_equal(mesh_poll(w->node[i], w->now, &to, buf, sizeof buf), 0);
		}
	world_free(w);
}

/* A restart remembers its vote, and waits one lease before the next. */
static void
a_restart_holds_off(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct packet vote = {.kind = PACKET_VOTE, .seq = 1};
	uint32_t z;
	uint64_t term;

	(void)state;
	z = settled_follower(w);
	term = w->disk[z].term;
	starts_alone(w, z);
	assert_true(w->node[z]->saved.term == term);
	assert_true(id_eq(&w->node[z]->saved.voted_for, &w->disk[z].voted_for));
	vote.term = term + 1;
	vote.roster = w->node[z]->roster.id;
	for (msec end = w->now + 1500; w->now < end; w->now++) {
		assert_int_equal(elect_recv(w->node[z], w->now, 1, &vote), 0);
		assert_true(w->node[z]->saved.term == term);
	}
	assert_int_equal(elect_recv(w->node[z], w->now, 1, &vote), 0);
	assert_true(w->node[z]->saved.term == term + 1);
	assert_true(id_eq(&w->node[z]->saved.voted_for, &w->node[z]->ms.m[1].id));
	/* The same term again, for somebody else: no. */
	assert_int_equal(elect_recv(w->node[z], w->now, 2, &vote), 0);
	assert_true(id_eq(&w->node[z]->saved.voted_for, &w->node[z]->ms.m[1].id));
	world_free(w);
}

/* One node whose link flaps deposes nobody and raises no term. */
static void
a_flapping_node_deposes_nobody(void **state)
{
	struct world *w = world_new(5, MESH_QUORUM_MAJORITY);
	uint32_t leader, flapper;
	uint64_t term;

	(void)state;
	world_run(w, 6000);
	leader = world_leader(w);
	flapper = (leader + 2) % 5;
	term = world_side(w, leader).term;
	for (int k = 0; k < 10; k++) {
		world_isolate(w, flapper, true);
		world_run(w, 2500 + 300 * k);
		world_isolate(w, flapper, false);
		world_run(w, 1500);
		assert_int_equal(world_side(w, leader).role, MESH_LEADER);
	}
	world_run(w, 5000);
	assert_int_equal(world_leader(w), leader);
	assert_true(world_side(w, leader).term == term);
	world_free(w);
}

static void
a_minority_has_no_leader_under_majority(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	uint32_t lonely;

	(void)state;
	world_run(w, 6000);
	lonely = world_leader(w);
	assert_int_equal(world_side(w, lonely).unheard, 0);
	world_isolate(w, lonely, true);
	world_run(w, 5000);
	/* Long before anybody is given up it says whom it does not hear. */
	assert_false(world_side(w, lonely).has_leader);
	assert_int_equal(world_side(w, lonely).visible, 3);
	assert_int_equal(world_side(w, lonely).unheard, 2);
	assert_int_equal(world_side(w, lonely).unheard_weight, 2);
	world_run(w, 25000);
	assert_false(world_side(w, lonely).has_leader);
	assert_int_equal(world_side(w, lonely).unheard, 0);
	assert_int_equal(world_side(w, lonely).grade, MESH_GRADE_NONE);
	assert_int_equal(world_side(w, lonely).known, 3);
	assert_int_equal(world_side(w, lonely).visible, 1);
	assert_int_equal(world_side(w, (lonely + 1) % 3).grade, MESH_GRADE_FULL);
	assert_int_equal(world_side(w, (lonely + 1) % 3).visible, 2);
	world_free(w);
}

/* `any`: both sides work; the smaller one knows that it is degraded; the heal
 * gives one leader above both terms who knows both schedules. */
static void
two_sides_become_one(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_ANY);
	struct mesh_parent parents[MESH_PARENTS_MAX];
	struct stamp small, big, next;
	struct hash h1 = hash_of(1), h2 = hash_of(2);
	uint32_t lonely, other, leader;
	size_t n;

	(void)state;
	world_run(w, 6000);
	lonely = world_leader(w);
	other = (lonely + 1) % 3;
	world_isolate(w, lonely, true);
	world_run(w, 15000);
	assert_int_equal(world_side(w, lonely).grade, MESH_GRADE_DEGRADED);
	assert_int_equal(world_side(w, other).grade, MESH_GRADE_FULL);
	if (world_side(w, other).role != MESH_LEADER)
		other = 3 - lonely - other;
	assert_int_equal(mesh_next_stamp(w->node[lonely], w->now, &small), 0);
	assert_int_equal(mesh_issue(w->node[lonely], w->now, &small, &h1), 0);
	assert_int_equal(mesh_applied(w->node[lonely], w->now, &small, &h1), 0);
	assert_int_equal(mesh_next_stamp(w->node[other], w->now, &big), 0);
	assert_int_equal(mesh_issue(w->node[other], w->now, &big, &h2), 0);
	assert_int_equal(mesh_applied(w->node[other], w->now, &big, &h2), 0);
	world_run(w, 1000);
	world_isolate(w, lonely, false);
	world_run(w, 9000);
	leader = world_leader(w);
	assert_int_equal(leader, other); /* the fuller side wins */
	assert_int_equal(world_side(w, leader).grade, MESH_GRADE_FULL);
	assert_true(world_side(w, leader).term > small.term);
	assert_true(world_side(w, leader).term > big.term);
	assert_int_equal(mesh_next_stamp(w->node[leader], w->now, &next), 0);
	assert_true(stamp_cmp(&next, &small) > 0 && stamp_cmp(&next, &big) > 0);
	n = mesh_parents(w->node[leader], parents, MESH_PARENTS_MAX);
	assert_int_equal(n, 2);
	assert_true(stamp_cmp(&parents[0].stamp, &parents[1].stamp) > 0);
	world_free(w);
}

/* Who gave way acts on nothing of the other's that was made without its own: the winner
 * names that also in its new term, until it has a schedule of both. */
static void
who_gives_way_waits_for_the_merge(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_ANY);
	struct stamp big;
	struct hash h = hash_of(2);
	uint32_t lonely, other;
	struct mesh_parent p;

	(void)state;
	world_run(w, 6000);
	lonely = world_leader(w);
	world_isolate(w, lonely, true);
	world_run(w, 15000);
	other = (lonely + 1) % 3;
	if (world_side(w, other).role != MESH_LEADER)
		other = 3 - lonely - other;
	assert_int_equal(mesh_next_stamp(w->node[other], w->now, &big), 0);
	assert_int_equal(mesh_issue(w->node[other], w->now, &big, &h), 0);
	world_isolate(w, lonely, false);
	while (world_side(w, lonely).role == MESH_LEADER)
		world_step(w);
	for (msec until = w->now + 2500; w->now < until; world_step(w))
		assert_false(mesh_issued(w->node[lonely], &p));
	assert_true(world_side(w, lonely).term > big.term);
	world_free(w);
}

/* A schedule is announced in the beats, applied, never backwards. */
static void
stamps_only_rise(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct stamp one, two, wrong;
	struct hash h = hash_of(9), g = hash_of(8);
	struct mesh_parent p;
	uint32_t leader, i;
	uint64_t changes;

	(void)state;
	world_run(w, 6000);
	leader = world_leader(w);
	i = (leader + 1) % 3;
	assert_false(mesh_issued(w->node[i], &p));
	assert_int_equal(mesh_next_stamp(w->node[leader], w->now, &one), 0);
	assert_int_equal(mesh_issue(w->node[i], w->now, &one, &h), -ERR_NOT_LEADER);
	wrong = one;
	wrong.seq += 5;
	assert_int_equal(mesh_issue(w->node[leader], w->now, &wrong, &h), -ERR_RANGE);
	changes = mesh_changes(w->node[i]);
	assert_int_equal(mesh_issue(w->node[leader], w->now, &one, &h), 0);
	world_run(w, 5);
	assert_true(mesh_changes(w->node[i]) > changes);
	assert_true(mesh_issued(w->node[i], &p));
	assert_int_equal(stamp_cmp(&p.stamp, &one), 0);
	assert_true(hash_eq(&p.hash, &h));
	assert_int_equal(mesh_applied(w->node[i], w->now, &one, &h), 0);
	assert_int_equal(mesh_applied(w->node[i], w->now, &one, &g), -ERR_RANGE);
	world_save(w, i);
	assert_int_equal(mesh_next_stamp(w->node[leader], w->now, &two), 0);
	assert_true(two.seq == one.seq + 1);
	assert_int_equal(mesh_issue(w->node[leader], w->now, &two, &g), 0);
	assert_int_equal(mesh_applied(w->node[i], w->now, &two, &g), 0);
	assert_int_equal(mesh_applied(w->node[i], w->now, &one, &h), -ERR_RANGE);
	world_save(w, i);
	/* It comes back from disk. */
	world_kill(w, i);
	world_start(w, i);
	assert_int_equal(mesh_applied(w->node[i], w->now, &one, &h), -ERR_RANGE);
	assert_int_equal(mesh_applied(w->node[i], w->now, &two, &g), 0);
	world_free(w);
}

/* A leader that hears of a higher stamp climbs above it before it issues. */
static void
a_higher_stamp_forces_a_new_ballot(void **state)
{
	uint32_t leader, i;
	struct world *w = world_settled(3, &leader, &i);
	struct stamp far = {.term = 50, .seq = 3}, next;
	struct hash h = hash_of(1);

	(void)state;
	assert_int_equal(mesh_applied(w->node[i], w->now, &far, &h), 0);
	world_run(w, 1500);
	assert_int_equal(world_leader(w), leader);
	assert_int_equal(mesh_next_stamp(w->node[leader], w->now, &next), 0);
	assert_true(next.term > 50);
	world_free(w);
}

/* The roster survives a restart of everybody, with no seed but themselves. */
static void
the_roster_survives(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct mesh_conf c;

	(void)state;
	world_run(w, 8000);
	for (uint32_t i = 0; i < 3; i++)
		world_kill(w, i);
	world_run(w, 10);
	for (uint32_t i = 1; i < 3; i++) {
		world_start(w, i);
		assert_int_equal(world_side(w, i).known, 3);
		assert_int_equal(mesh_count(w->node[i]), 3);
		w->node[i]->conf.seeds_count = 0; /* node 0 stays down */
	}
	world_run(w, 6000);
	assert_true(world_side(w, 1).has_leader && world_side(w, 2).has_leader);
	assert_int_equal(world_side(w, 1).grade, MESH_GRADE_FULL);
	/* Bytes that are no roster are refused, not guessed at. */
	c = w->node[1]->conf;
	c.saved = w->disk[1];
	c.saved.roster_bytes -= 1;
	assert_null(mesh_new(&c, w->now));
	world_free(w);
}

/* Those who join have their vote within some round trips, whatever the beat: the
 * one they joined by may die the next moment. */
static void
a_change_is_in_force_as_soon_as_it_is_stored(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	msec joint = 0;

	(void)state;
	for (int k = 0; k < 6000 && (w->node[0]->roster.n.new < 3 || w->node[0]->roster.joint); k++) {
		joint += w->node[0]->roster.joint;
		world_step(w);
	}
	assert_int_equal(w->node[0]->roster.n.new, 3);
	assert_true(joint > 0 && joint <= 2 * 10); /* in one change, or in two */
	world_run(w, 5);
	world_kill(w, 0);
	world_run(w, 4000);
	assert_true(world_leader(w) != 0);
	assert_int_equal(world_side(w, 1).grade, MESH_GRADE_FULL);
	world_free(w);
}

/* A refusal that comes when a leader was found meanwhile changes nothing: that
 * leader has this node's promise. */
static void
a_late_refusal_breaks_no_promise(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct packet no = {.kind = PACKET_PREVOTED, .grade = 0};
	uint32_t z;
	uint64_t term;

	(void)state;
	z = settled_follower(w);
	term = w->node[z]->saved.term;
	no.seq = w->node[z]->elect.attempt;
	no.term = term + 3;
	assert_int_equal(elect_recv(w->node[z], w->now, 1, &no), 0);
	assert_true(w->node[z]->saved.term == term);
	assert_true(w->node[z]->elect.try_at == MSEC_NEVER);
	world_free(w);
}

/* What was answered to an earlier life of this node arrives: a refusal must not
 * send it into an election inside the hold-off, for a promise that it forgot may
 * be alive; and a yes of another term is no vote in this one. */
static void
answers_to_an_earlier_life_count_for_nothing(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct packet no = {.kind = PACKET_VOTED, .grade = 0}, yes = {.grade = 1};
	struct elect *e;
	uint32_t z;
	msec until;

	(void)state;
	z = settled_follower(w);
	starts_alone(w, z);
	e = &w->node[z]->elect;
	until = e->holdoff_until;
	no.term = w->node[z]->saved.term + 1;
	assert_int_equal(elect_recv(w->node[z], w->now, 1, &no), 0);
	while (w->now <= until) {
		world_step(w);
		assert_true(e->role == MESH_FOLLOWER && e->attempt == 0);
	}
	while (e->phase != ELECT_PREVOTE)
		world_step(w);
	yes.kind = PACKET_PREVOTED;
	yes.seq = e->attempt;
	yes.term = w->node[z]->saved.term;
	assert_int_equal(elect_recv(w->node[z], w->now, 1, &yes), 0);
	assert_int_equal(e->phase, ELECT_VOTE);
	yes.kind = PACKET_VOTED;
	yes.seq = e->attempt;
	yes.term = e->attempt_term - 1;
	assert_int_equal(elect_recv(w->node[z], w->now, 1, &yes), 0);
	assert_int_equal(e->phase, ELECT_VOTE);
	yes.term = e->attempt_term;
	assert_int_equal(elect_recv(w->node[z], w->now, 1, &yes), 0);
	assert_int_equal(e->role, MESH_LEADER);
	world_free(w);
}

/* The leader counts on the longest it was promised: neither a beat that asks for
 * less nor a restart under a shorter lease takes that from it. */
static void
no_promise_is_shortened(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct elect *e;
	uint32_t z;
	msec until;

	(void)state;
	z = settled_follower(w);
	e = &w->node[z]->elect;
	assert_int_equal(w->disk[z].promise_ms, 1500);
	w->node[world_leader(w)]->conf.lease_ms = 10000;
	world_run(w, 1500);
	assert_int_equal(w->disk[z].promise_ms, 10000);
	until = e->promise_until;
	assert_true(until > w->now + 9000);
	w->node[world_leader(w)]->conf.lease_ms = 1500;
	world_run(w, 3000);
	assert_int_equal(e->promise_until, until);
	assert_int_equal(w->disk[z].promise_ms, 10000);
	world_kill(w, z);
	world_start(w, z);
	until = w->now + 10000;
	assert_int_equal(w->node[z]->elect.holdoff_until, until);
	world_run(w, 8000); /* it follows again, and the old promise still counts */
	assert_int_equal(w->node[z]->elect.promise_until, until);
	assert_int_equal(w->disk[z].promise_ms, 10000);
	world_run(w, 3000);
	assert_int_equal(w->disk[z].promise_ms, 1500);
	world_free(w);
}

/* A restarted node does not know which leader it promised what.  It follows the one
 * its disk names; another only in a term above all that it knew, and only one that a
 * full quorum elected. */
static void
a_restart_follows_who_may_not_be_a_second_one(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_ANY);
	struct packet beat = {.kind = PACKET_BEAT, .lease = 1500, .flag = 1};
	uint32_t leader, z, mine, other;
	struct mesh *m;

	(void)state;
	z = settled_follower(w);
	leader = world_leader(w);
	assert_true(id_eq(&w->disk[z].promised_to, &w->node[leader]->ms.m[0].id));
	for (int k = 0; k < 4; k++) {
		world_kill(w, z);
		world_start(w, z);
		m = w->node[z];
		mine = members_find_id(&m->ms, &w->disk[z].promised_to);
		other = 3 - mine; /* 0 is itself */
		beat.term = m->saved.term + (k >= 2);
		beat.flag = k != 2;
		beat.roster = m->roster.id;
		beat.hash = m->roster.hash;
		assert_int_equal(elect_follow(m, w->now, k == 1 ? mine : other, &beat), k % 2 == 1);
	}
	world_free(w);
}

/* One that became full without a full quorum's votes may not be the only one in its
 * term: it takes a ballot above before it changes the roster. */
static void
the_roster_is_changed_by_who_was_elected(void **state)
{
	struct world *w = world_new(4, MESH_QUORUM_ANY);
	uint32_t leader;
	uint64_t term;

	(void)state;
	world_kill(w, 3);
	world_run(w, 6000);
	w->node[3] = NULL;
	leader = world_leader(w);
	term = world_side(w, leader).term;
	assert_true(w->node[leader]->elect.by_quorum);
	world_run(w, 2000);
	assert_true(world_side(w, leader).term == term);
	w->node[leader]->elect.by_quorum = false;
	world_run(w, 2000);
	assert_true(world_side(w, leader).term == term); /* no change, no ballot */
	world_start(w, 3);
	world_run(w, 6000);
	assert_int_equal(world_leader(w), leader);
	assert_true(world_side(w, leader).term == term + 1);
	assert_true(w->node[leader]->elect.by_quorum);
	assert_int_equal(world_side(w, leader).known, 4);
	assert_true(w->node[leader]->roster.id.term == term + 1);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(init_leads_at_once),
	    cmocka_unit_test(a_leader_stops_when_its_lease_ends),
	    cmocka_unit_test(a_sleeper_does_not_issue),
	    cmocka_unit_test(votes_wait_for_the_disk),
	    cmocka_unit_test(a_restart_holds_off),
	    cmocka_unit_test(a_flapping_node_deposes_nobody),
	    cmocka_unit_test(a_minority_has_no_leader_under_majority),
	    cmocka_unit_test(two_sides_become_one),
	    cmocka_unit_test(who_gives_way_waits_for_the_merge),
	    cmocka_unit_test(stamps_only_rise),
	    cmocka_unit_test(a_higher_stamp_forces_a_new_ballot),
	    cmocka_unit_test(the_roster_survives),
	    cmocka_unit_test(a_change_is_in_force_as_soon_as_it_is_stored),
	    cmocka_unit_test(a_late_refusal_breaks_no_promise),
	    cmocka_unit_test(answers_to_an_earlier_life_count_for_nothing),
	    cmocka_unit_test(no_promise_is_shortened),
	    cmocka_unit_test(a_restart_follows_who_may_not_be_a_second_one),
	    cmocka_unit_test(the_roster_is_changed_by_who_was_elected),
	};

	return cmocka_run_group_tests_name("elect", tests, NULL, NULL);
}
