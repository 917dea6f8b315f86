/*
 * test_claim.c - one member gone bad: what it claims of terms, stamps and rosters must
 * keep nobody from scheduling, neither now nor after it was put out.
 */
#include "../../../gossip/look.h"
#include "world.h"

#include "../../../gossip/inner.h"

static struct hash
hash_of(uint8_t b)
{
	struct hash h;

	memset(&h, b, sizeof h);
	return h;
}

static uint64_t
refused(const struct world *w, uint32_t i)
{
	struct mesh_stats s;

	mesh_stats(w->node[i], &s);
	return s.dropped[ERR_CLAIM];
}

static struct mesh_claims
claims(struct world *w, uint32_t observer, uint32_t subject)
{
	struct node_id id = world_id(subject);
	struct mesh_claims c = {0};
	struct mesh_member x;

	for (uint32_t k = 0; mesh_member(w->node[observer], k, &x); k++)
		if (id_eq(&x.id, &id)) {
			mesh_claims(w->node[observer], w->now, k, &c);
			return c;
		}
	fail_msg("n%u is not known", subject);
	return c;
}

/* A leader announces a stamp; nobody takes it up, and once it is dead all go on. */
static void
nobody_takes_up(struct stamp bad)
{
	uint32_t leader, other;
	struct world *w = world_settled(4, &leader, &other);
	struct hash h = hash_of(1);
	struct mesh_parent p;
	struct stamp next;

	w->node[leader]->elect.issued = (struct head){.stamp = bad, .hash = hash_of(7)};
	if (bad.term == 0) /* its own ballot, another's name */
		w->node[leader]->elect.issued.stamp = (struct stamp){
		    .term = w->node[leader]->elect.ballot_term, .leader = world_id(other), .seq = 1};
	lead_beat(w->node[leader], w->now);
	world_run(w, 400);
	for (uint32_t i = 0; i < 4; i++)
		if (i != leader) {
			assert_false(mesh_issued(w->node[i], &p));
			assert_true(refused(w, i) > 0);
			assert_true(claims(w, i, leader).impossible);
		}
	world_kill(w, leader);
	world_mark(w);
	world_run(w, 10000);
	leader = world_leader(w);
	assert_int_equal(mesh_next_stamp(w->node[leader], w->now, &next), 0);
	for (uint32_t i = 0; i < 4; i++)
		if (w->node[i] != NULL)
			assert_int_equal(mesh_applied(w->node[i], w->now, &next, &h), 0);
	world_free(w);
}

static void
a_leader_announces_only_what_it_can_have_made(void **state)
{
	(void)state;
	nobody_takes_up((struct stamp){.term = INT64_MAX - 1, .leader = world_id(0), .seq = 1});
	nobody_takes_up((struct stamp){.term = 100, .leader = world_id(0), .seq = 1});
	nobody_takes_up((struct stamp){.term = 0});
}

/* Beyond all elections that could have been missed: the report is not heard, and that is
 * told once a minute.  One step nearer it is, and the leader climbs above, in steps that
 * leave none of its voters behind. */
static void
a_far_stamp_is_not_heard(void **state)
{
	uint32_t leader, bad;
	struct world *w = world_settled(4, &leader, &bad);
	struct stamp next;
	uint64_t term = w->node[leader]->saved.term;

	(void)state;
	world_mark(w);
	w->node[bad]->saved.applied.term = term + TERM_JUMP_MAX + 1;
	world_run(w, 30000);
	assert_true(refused(w, leader) > 10);
	assert_int_equal(world_told(w, "claims the impossible"), 1);
	assert_true(claims(w, leader, bad).impossible);
	assert_int_equal(w->node[leader]->saved.term, term);
	w->node[bad]->saved.applied.term = term + TERM_JUMP_MAX;
	world_run(w, 8000);
	assert_int_equal(world_leader(w), leader);
	assert_int_equal(mesh_next_stamp(w->node[leader], w->now, &next), 0);
	assert_true(stamp_cmp(&next, &w->node[bad]->saved.applied) > 0);
	world_run(w, 60000);
	assert_false(claims(w, leader, bad).impossible);
	world_free(w);
}

/* Nor is a roster of a term that nobody reached. */
static void
a_far_roster_is_not_heard(void **state)
{
	uint32_t leader, bad;
	struct world *w = world_settled(4, &leader, &bad);
	struct roster_id was = w->node[leader]->roster.id;

	(void)state;
	w->node[bad]->roster.id.term = INT64_MAX - 1;
	w->node[bad]->roster.id.version++;
	world_run(w, 5000);
	assert_true(refused(w, leader) > 0);
	for (uint32_t i = 0; i < 4; i++)
		assert_true(i == bad || roster_cmp(&w->node[i]->roster.id, &was) == 0);
	world_free(w);
}

/* Ever higher claims, one each 20 ms: so often may the leader issue, of 10,000 ms. */
static uint32_t
issues(enum packet_kind kind)
{
	uint32_t leader, bad, ok = 0;
	struct world *w = world_settled(4, &leader, &bad);
	struct mesh *l = w->node[leader], *b = w->node[bad];
	struct stamp next;

	world_mark(w);
	for (uint32_t k = 0; k < 10000; k++) {
		uint64_t term = l->saved.term + 1000;

		if (k % 20 == 0 && kind == PACKET_REPORT) {
			b->saved.applied = (struct stamp){.term = term, .leader = world_id(bad)};
			report_soon(b, w->now);
		} else if (k % 20 == 0 && kind == PACKET_REJECT) {
			b->saved.term = term;
			out_to(b, PACKET_REJECT, members_find_id(&b->ms, &l->conf.self), 0, 0, 0);
		} else if (k % 20 == 0) {
			out_to(b, kind, members_find_id(&b->ms, &l->conf.self), term, 0, 0);
		}
		world_run(w, 1);
		ok += mesh_next_stamp(l, w->now, &next) == 0;
	}
	assert_true(claims(w, leader, bad).climbs >= MESH_CLIMBS_MANY);
	assert_int_equal(claims(w, leader, (bad + 1) % 4 == leader ? (bad + 2) % 4 : (bad + 1) % 4).climbs, 0);
	assert_int_equal(world_told(w, "climbs again and again"), 1);
	world_free(w);
	return ok;
}

static void
no_member_keeps_the_leader_from_issuing(void **state)
{
	(void)state;
	assert_in_range(issues(PACKET_REPORT), 9000, 10000);
	assert_in_range(issues(PACKET_RESIGN), 9000, 10000);
	assert_in_range(issues(PACKET_REJECT), 9000, 10000);
}

/* On a disk from when such stamps were believed: the way out is a restart. */
static void
a_saved_stamp_that_cannot_be_is_forgotten(void **state)
{
	uint32_t leader, i;
	struct world *w = world_settled(3, &leader, &i);
	struct stamp honest = {.term = w->disk[i].term, .leader = world_id(leader), .seq = 9};
	struct node_id self = world_id(i);
	struct mesh_member x;

	(void)state;
	for (int far = 0; far < 2; far++) {
		world_kill(w, i);
		w->disk[i].applied = honest;
		if (far != 0)
			w->disk[i].applied.term += TERM_JUMP_MAX + 1;
		world_start(w, i);
		assert_true(mesh_find(w->node[i], &self, &x));
		assert_int_equal(x.applied.term, far ? 0 : honest.term);
	}
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_leader_announces_only_what_it_can_have_made),
	    cmocka_unit_test(a_far_stamp_is_not_heard),
	    cmocka_unit_test(a_far_roster_is_not_heard),
	    cmocka_unit_test(no_member_keeps_the_leader_from_issuing),
	    cmocka_unit_test(a_saved_stamp_that_cannot_be_is_forgotten),
	};

	return cmocka_run_group_tests_name("claim", tests, NULL, NULL);
}
