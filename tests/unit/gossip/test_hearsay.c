/*
 * test_hearsay.c - what a node is told by one other and can't check: the numbers it
 * joins with, a lease, a new life by way of who suspects it.  None may bind it for
 * longer, or reach further, than the truth could.
 */
#include "world.h"

#include "../../../gossip/brief.h"
#include "../../../gossip/inner.h"

/* A seed that makes up what a newcomer starts from: its answer to the JOIN of n2. */
static int
joined(struct world *w, uint64_t generation, uint64_t term)
{
	struct packet p = {.kind = PACKET_JOINED, .generation = generation, .term = term};
	struct node_id id = world_id(9);
	struct addr from = toy_addr(6);
	struct world_record o;
	uint8_t told[512];
	struct mpw rw;

	mpw_init(&rw, told, sizeof told);
	rumour_pack(&rw, world_says(world_cluster, &o, 9, MESH_ALIVE, 1, 0));
	p.rumours = told;
	p.rumours_len = rw.len;
	p.rumours_count = 1;
	p.bytes = world_cluster;
	p.bytes_len = ID_BYTES;
	p.seq = w->node[2]->swim.join_token;
	return join_recv(w->node[2], w->now, &from, seal_short(&id), &p);
}

static void
no_seed_uses_up_a_newcomers_lives(void **state)
{
	const uint64_t last = UINT64_MAX >> SEAL_COUNTER_BITS;
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	uint64_t mine = w->disk[2].generation;

	(void)state;
	assert_int_equal(joined(w, last - 1, 0), -ERR_RANGE);
	assert_int_equal(joined(w, mine + GENERATION_JUMP_MAX + 1, 0), -ERR_RANGE);
	assert_false(w->node[2]->member);
	assert_int_equal(joined(w, mine + GENERATION_JUMP_MAX, 0), 0);
	assert_true(w->node[2]->member);
	assert_int_equal(w->node[2]->saved.generation, mine + GENERATION_JUMP_MAX + 1);
	world_free(w);
}

/* Each lost disk moves the terms of all by millions: see elect_joined. */
static void
a_newcomer_takes_any_term_for_its_first(void **state)
{
	struct world *w = world_new(4, MESH_QUORUM_MAJORITY);
	struct mesh_side side;

	(void)state;
	world_kill(w, 3);
	world_run(w, 8000);
	for (uint32_t i = 0; i < 3; i++)
		world_kill(w, i);
	for (uint32_t i = 0; i < 3; i++) {
		w->disk[i].term = 5ull * TERM_JUMP_MAX;
		world_start(w, i);
	}
	world_run(w, 12000);
	world_start(w, 3);
	world_run(w, 12000);
	mesh_side(w->node[3], w->now, &side);
	assert_true(side.has_leader && side.grade == MESH_GRADE_FULL);
	world_free(w);
}

/* Who says that it leads, for ten minutes, and dies. */
static void
no_lease_is_longer_than_any_may_be(void **state)
{
	struct world *w = world_new(5, MESH_QUORUM_MAJORITY);
	struct mesh *liar = w->node[4];
	struct addr from = toy_addr(4);
	struct mesh_side side;

	(void)state;
	world_run(w, 8000);
	for (uint32_t v = 0; v < 4; v++) {
		struct packet p = {.kind = PACKET_BEAT, .term = liar->saved.term + 1,
		    .sent = (uint64_t)w->now, .lease = 600000, .grade = MESH_GRADE_FULL,
		    .weight = 5, .flag = 1, .roster = liar->roster.id, .hash = liar->roster.hash};
		struct node_id id = world_id(v);
		uint32_t i = members_find_id(&liar->ms, &id);
		uint8_t buf[DGRAM_BYTES_MAX];
		struct mpw wr;

		assert_true(pair_stands(liar, i));
		mpw_init(&wr, buf + SEAL_HEADER_BYTES, SEAL_BODY_MAX);
		packet_begin(&wr, &p);
		packet_end(&wr, NULL, 0);
		assert_true(mesh_recv(w->node[v], w->now, &from, buf,
				seal_close(&liar->seal, SEAL_PAIR, pair_tx(liar, i), buf, wr.len)) < 0);
	}
	world_kill(w, 4);
	world_run(w, 20000);
	for (uint32_t v = 0; v < 4; v++) {
		struct node_id dead = world_id(4);

		mesh_side(w->node[v], w->now, &side);
		assert_true(side.grade == MESH_GRADE_FULL && !id_eq(&side.leader, &dead));
		assert_true(w->disk[v].promise_ms <= MESH_LEASE_MAX_MS);
	}
	world_free(w);
}

/* n1 said that it restarts, is dead to n0, and lives anew.  Who tells n0 of the new
 * life says that he suspects it: his probe was sent to the old one. */
static void
a_new_life_that_is_suspected_is_a_life(void **state)
{
	struct world *w = world_new(4, MESH_QUORUM_MAJORITY);
	struct node_id id = world_id(1);
	struct world_record o;
	struct mesh_member x;

	(void)state;
	world_run(w, 8000);
	assert_int_equal(mesh_restarting(w->node[1], w->now, 60), 0);
	world_run(w, 300);
	world_kill(w, 1);
	world_run(w, 15000);
	assert_true(mesh_find(w->node[0], &id, &x));
	assert_true(x.state == MESH_FAILED && x.wait_until > w->now);
	(void)world_says(world_cluster, &o, 1, MESH_SUSPECT, w->disk[1].generation + 1, 0);
	o.r.from = w->node[2]->ms.m[0].short_id;
	vouch_id(w->node[0], &o.r);
	assert_int_equal(rumour_hear(w->node[0], w->now, &o.r), 0);
	assert_true(mesh_find(w->node[0], &id, &x));
	assert_true(x.state == MESH_SUSPECT);
	assert_int_equal(x.generation, w->disk[1].generation + 1);
	world_free(w);
}

/* Half a busy hour of summaries, and a restart: the numbers of a life begin below those
 * that the last one reached. */
static void
a_summary_of_this_life_is_newer_than_all_of_the_last(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct mesh_summary s = {.cpu_percent = 10, .facts_hash = 1};
	struct node_id id = world_id(1);
	struct mesh_member x;

	(void)state;
	world_run(w, 8000);
	w->node[1]->ms.m[0].summary_count += 1800;
	mesh_set_summary(w->node[1], w->now, &s);
	world_run(w, 40000);
	assert_true(mesh_find(w->node[0], &id, &x) && x.summary.cpu_percent == 10);
	world_kill(w, 1);
	world_run(w, 100);
	world_start(w, 1);
	s.facts_hash = 2;
	mesh_set_summary(w->node[1], w->now, &s);
	world_run(w, 40000);
	assert_true(mesh_find(w->node[0], &id, &x));
	assert_int_equal(x.summary.facts_hash, 2);
	world_free(w);
}

/* One of the old life's that arrives late is taken by the others: its owner goes above it. */
static void
an_owner_goes_above_what_is_told_of_it(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct mesh_summary s = {.cpu_percent = 10, .facts_hash = 1};
	struct node_id id = world_id(1);
	struct mesh_member x;
	uint8_t bytes[BRIEF_BYTES_MAX];
	struct briefs_out block = {.buf = bytes, .cap = sizeof bytes};

	(void)state;
	world_run(w, 8000);
	mesh_set_summary(w->node[1], w->now, &s);
	world_run(w, 5000);
	assert_true(brief_put(&block, &(struct brief){.who = seal_short(&id), .summary.facts_hash = 9,
	    .life = w->node[1]->ms.m[0].generation & BRIEF_LIFE_MAX,
	    .count = (uint16_t)(w->node[1]->ms.m[0].summary_count + 1000)}));
	assert_int_equal(summary_hear(w->node[0], w->now, bytes, block.len, false), 0);
	assert_true(mesh_find(w->node[0], &id, &x) && x.summary.facts_hash == 9);
	world_run(w, 5000);
	assert_true(mesh_find(w->node[0], &id, &x) && x.summary.facts_hash == 1);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_seed_uses_up_a_newcomers_lives),
	    cmocka_unit_test(a_newcomer_takes_any_term_for_its_first),
	    cmocka_unit_test(no_lease_is_longer_than_any_may_be),
	    cmocka_unit_test(a_new_life_that_is_suspected_is_a_life),
	    cmocka_unit_test(a_summary_of_this_life_is_newer_than_all_of_the_last),
	    cmocka_unit_test(an_owner_goes_above_what_is_told_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
