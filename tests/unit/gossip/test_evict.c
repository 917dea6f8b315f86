/*
 * test_evict.c - who is put out for good: what everybody does about it, what the
 * evicted itself does, and what nobody can make up.
 */
#include "../../../gossip/decree.h"
#include "world.h"

static bool
knows(struct world *w, uint32_t observer, uint32_t subject)
{
	struct node_id id = world_id(subject);

	return evict_find(&w->node[observer]->ms.evict, seal_short(&id)) != EVICT_NONE;
}

static int
put_out(struct world *w, uint32_t by, uint32_t i)
{
	struct node_id id = world_id(i);

	return mesh_evict(w->node[by], w->now, &id);
}

/* An act about node i, signed by node `by`. */
static void
act(const uint8_t *cluster, uint32_t by, uint32_t i, struct eviction *out)
{
	struct node_id id = world_id(i);
	uint8_t buf[12 + 2 * ID_BYTES];

	memcpy(buf, "mesh evict 0", 12);
	memcpy(buf + 12, cluster, ID_BYTES);
	memcpy(buf + 12 + ID_BYTES, id.b, ID_BYTES);
	memcpy(out->id, id.b, ID_BYTES);
	world_pk(by, out->pk);
	toy_sig(out->pk, out->sig, buf, sizeof buf);
}

static void
all_know_and_the_roster_shrinks(void **state)
{
	struct world *w = world_new(4, MESH_QUORUM_MAJORITY);
	struct node_id id = world_id(3);
	struct mesh_member x;
	struct mesh_side side;

	(void)state;
	world_run(w, 6000);
	assert_int_equal(put_out(w, 1, 3), 0);
	world_run(w, 4000);
	for (uint32_t i = 0; i < 3; i++) {
		assert_true(knows(w, i, 3));
		assert_true(mesh_find(w->node[i], &id, &x));
		assert_true(x.evicted && x.state == MESH_LEFT && !x.in_roster);
		mesh_side(w->node[i], w->now, &side);
		assert_int_equal(side.known, 3);
		assert_false(mesh_evicted(w->node[i]));
	}
	mesh_side(w->node[3], w->now, &side);
	assert_true(mesh_evicted(w->node[3]) && !side.has_leader);
	assert_int_equal(put_out(w, 0, 3), 0); /* twice is once */
	assert_int_equal(put_out(w, 3, 0), -ERR_RANGE); /* it has no say */
	world_free(w);
}

static void
what_can_not_be(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct mesh *lone;
	struct mesh_conf c;
	struct node_id id = world_id(1);

	(void)state;
	world_run(w, 6000);
	assert_int_equal(put_out(w, 1, 1), -ERR_IDENTITY);
	assert_int_equal(put_out(w, 1, 9), -ERR_UNKNOWN);
	/* One of three is dead: two of three conclude that it is out, but then no
	 * second one can go. */
	world_kill(w, 2);
	world_run(w, 15000);
	assert_int_equal(put_out(w, 0, 1), -ERR_QUORUM);
	assert_int_equal(put_out(w, 0, 2), 0);
	world_run(w, 3000);
	assert_int_equal(put_out(w, 0, 1), -ERR_QUORUM);
	assert_false(knows(w, 0, 1));
	c = w->node[0]->conf;
	c.saved = (struct mesh_saved){.generation = 1};
	lone = mesh_new(&c, w->now);
	assert_non_null(lone);
	assert_int_equal(mesh_evict(lone, w->now, &id), -ERR_RANGE);
	mesh_free(lone);
	world_free(w);
}

static void
a_forged_act_puts_nobody_out(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct node_id voter = world_id(1);
	struct eviction x;
	uint32_t by;

	(void)state;
	world_run(w, 5000);
	by = members_find_id(&w->node[0]->ms, &voter);
	for (size_t k = 0; k < EVICTION_BYTES; k++) {
		act(w->disk[0].cluster, 1, 2, &x);
		((uint8_t *)&x)[k] ^= 1;
		assert_int_equal(evict_hear(w->node[0], w->now, (const uint8_t *)&x, by), -ERR_AUTH);
	}
	w->disk[0].cluster[5] ^= 1; /* another cluster's that shares the key */
	act(w->disk[0].cluster, 1, 2, &x);
	w->disk[0].cluster[5] ^= 1;
	assert_int_equal(evict_hear(w->node[0], w->now, (const uint8_t *)&x, by), -ERR_AUTH);
	assert_int_equal(w->node[0]->ms.evict.count, 0);
	assert_int_equal(world_state(w, 0, 2), MESH_ALIVE);
	act(w->disk[0].cluster, 1, 2, &x);
	assert_int_equal(evict_hear(w->node[0], w->now, (const uint8_t *)&x, by), 0);
	assert_int_equal(world_state(w, 0, 2), MESH_LEFT);
	world_free(w);
}

/* Neither a new life nor a word that others still relay lets it in again. */
/* It begins as an act that is held, and goes on as a recovery, of which there is none. */
static void
an_act_is_not_taken_for_a_recovery(void **state)
{
	struct world *w = world_new(4, MESH_QUORUM_MAJORITY);
	struct eviction x = {.id = {0}};
	struct node_id id = world_id(3);

	(void)state;
	world_run(w, 6000);
	assert_int_equal(put_out(w, 0, 3), 0);
	memcpy(x.id, id.b, 8);
	memcpy(x.id + 8, decree_mark, sizeof decree_mark);
	assert_int_equal(evict_hear(w->node[0], w->now, (const uint8_t *)&x, MEMBER_NONE), 0);
	world_run(w, 1000);
	world_free(w);
}

static void
it_never_comes_back(void **state)
{
	struct world *w = world_new(4, MESH_QUORUM_MAJORITY);
	struct world_record o;
	struct mesh_stats st;

	(void)state;
	world_run(w, 6000);
	world_kill(w, 3);
	assert_int_equal(put_out(w, 0, 3), 0);
	world_run(w, 4000);
	(void)world_says(w->disk[0].cluster, &o, 3, MESH_ALIVE, 50, 0);
	assert_int_equal(rumour_hear(w->node[1], w->now, &o.r), -ERR_EVICTED);
	/* It starts anew and knows nothing: all that answers is the act. */
	world_start(w, 3);
	world_run(w, 3000);
	assert_true(w->node[3]->ms.evict.self);
	assert_int_equal(mesh_deadline(w->node[3]), MSEC_NEVER);
	mesh_stats(w->node[0], &st);
	assert_true(st.dropped[ERR_EVICTED] > 0);
	assert_int_equal(world_state(w, 0, 3), MESH_LEFT);
	/* It remembers, and so does whoever starts anew. */
	world_kill(w, 3);
	world_kill(w, 1);
	world_start(w, 3);
	world_start(w, 1);
	assert_true(w->node[3]->ms.evict.self && knows(w, 1, 3));
	world_run(w, 3000);
	assert_true(knows(w, 0, 3));
	assert_int_equal(mesh_count(w->node[1]), 3); /* by its disk alone: no such node */
	world_free(w);
}

/* It was away when it was put out, and has none of the keys since: it gets none,
 * and hears why. */
static void
it_gets_no_new_key(void **state)
{
	struct world *w = world_new(4, MESH_QUORUM_MAJORITY);
	struct mesh_keys_state keys;

	(void)state;
	world_run(w, 6000);
	world_isolate(w, 3, true);
	assert_int_equal(put_out(w, 0, 3), 0);
	world_run(w, 4000);
	for (uint32_t i = 0; i < 3; i++)
		if (w->node[i]->elect.role == MESH_LEADER)
			assert_int_equal(mesh_keys_rotate(w->node[i], w->now), 0);
	world_run(w, 6000);
	for (uint32_t i = 0; i < 3; i++) {
		mesh_keys_state(w->node[i], &keys);
		assert_true(keys.phase == MESH_KEYS_STEADY && keys.keys.used == 1);
	}
	assert_false(w->node[3]->ms.evict.self);
	world_isolate(w, 3, false);
	world_run(w, 6000);
	assert_true(w->node[3]->ms.evict.self);
	mesh_keys_state(w->node[3], &keys);
	assert_true(keys.keys.used == 0 && !keys.keys.next);
	world_free(w);
}

/* It held the next key when it was cut off and put out, and says nothing under it:
 * the others have no key for what it says, nor it any doubt of its own. */
static void
it_learns_it_though_the_key_changes(void **state)
{
	struct world *w = world_new(4, MESH_QUORUM_MAJORITY);

	(void)state;
	world_run(w, 6000);
	for (uint32_t i = 0; i < 4; i++)
		(void)!mesh_keys_rotate(w->node[i], w->now);
	while (!w->node[3]->saved.keys.next)
		world_step(w);
	world_isolate(w, 3, true);
	assert_int_equal(put_out(w, 0, 3), 0);
	world_run(w, 8000);
	for (uint32_t i = 0; i < 3; i++)
		assert_true(w->node[i]->saved.keys.used == 1 && !w->node[i]->saved.keys.old);
	assert_int_equal(w->node[3]->saved.keys.used, 0);
	assert_false(mesh_evicted(w->node[3]));
	world_isolate(w, 3, false);
	world_run(w, 6000);
	assert_true(mesh_evicted(w->node[3]));
	world_free(w);
}

/* The leader is out and can't hear it: whoever promised it keeps the promise. */
static void
a_promise_to_the_evicted_holds(void **state)
{
	struct world *w = world_new(5, MESH_QUORUM_MAJORITY);
	uint32_t leader, by;

	(void)state;
	world_run(w, 8000);
	leader = world_leader(w);
	by = leader == 0 ? 1 : 0;
	world_isolate(w, leader, true);
	assert_int_equal(put_out(w, by, leader), 0);
	while (lead_grade(w->node[leader], w->now) == MESH_GRADE_FULL) {
		for (uint32_t i = 0; i < w->count; i++)
			assert_true(i == leader || w->node[i]->elect.role != MESH_LEADER);
		world_step(w);
	}
	world_run(w, 6000);
	world_kill(w, leader);
	assert_int_not_equal(world_leader(w), leader);
	world_free(w);
}

/* Who claims to be somebody that is out, from elsewhere, gets no more than it sent. */
static void
a_notice_amplifies_nothing(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct addr elsewhere = toy_addr(6), to;
	struct seal_frame f = {.form = SEAL_SHARED, .counter = 1};
	struct node_id id = world_id(2);
	uint8_t buf[DGRAM_BYTES_MAX];
	size_t len, longest = 0;

	(void)state;
	world_run(w, 5000);
	assert_int_equal(put_out(w, 0, 2), 0);
	world_run(w, 2000);
	f.sender = seal_short(&id);
	assert_true(evict_refuses(w->node[0], w->now, &elsewhere, &f, HELLO_BYTES));
	assert_int_equal(mesh_poll(w->node[0], w->now, &to, buf, sizeof buf), 0);
	w->now += 100;
	assert_true(evict_refuses(w->node[0], w->now, &elsewhere, &f, 300));
	assert_true(evict_refuses(w->node[0], w->now, &elsewhere, &f, 300));
	while ((len = mesh_poll(w->node[0], w->now, &to, buf, sizeof buf)) > 0) {
		assert_int_equal(longest, 0); /* one, however often it is asked for */
		longest = len;
	}
	assert_true(longest > EVICTION_BYTES && longest <= HELLO_BYTES + 2 + EVICTION_BYTES);
	world_free(w);
}

static void
the_table_has_an_end(void **state)
{
	struct world *w = world_new(1, MESH_QUORUM_MAJORITY);
	struct eviction x;
	struct mesh_conf c;

	(void)state;
	for (uint32_t i = 0; i < 32; i++) {
		act(w->disk[0].cluster, 0, 50 + i, &x);
		world_run(w, 10);
		memcpy(w->disk[0].cluster, w->node[0]->saved.cluster, ID_BYTES);
		act(w->disk[0].cluster, 0, 50 + i, &x);
		assert_int_equal(evict_hear(w->node[0], w->now, (const uint8_t *)&x, MEMBER_NONE), 0);
	}
	act(w->disk[0].cluster, 0, 99, &x);
	assert_int_equal(evict_hear(w->node[0], w->now, (const uint8_t *)&x, MEMBER_NONE), -ERR_FULL);
	/* Half an act on disk is no act. */
	world_run(w, 10);
	c = w->node[0]->conf;
	c.saved = w->disk[0];
	c.saved.evicted_bytes -= 1;
	assert_null(mesh_new(&c, w->now));
	world_free(w);
}

/* Keys are cheap: who holds the cluster's makes up as many identities as he likes, and
 * their acts come in his own frames or in those of a member without a vote. */
static void
only_who_votes_puts_out(void **state)
{
	struct world *w = world_new(4, MESH_QUORUM_MAJORITY);
	struct node_id voter = world_id(1);
	struct eviction x;
	uint32_t by;

	(void)state;
	world_kill(w, 3);
	world_run(w, 8000);
	by = members_find_id(&w->node[0]->ms, &voter);
	act(w->disk[0].cluster, 9, 2, &x); /* a stranger's, about a voter */
	assert_int_equal(evict_hear(w->node[0], w->now, (const uint8_t *)&x, MEMBER_NONE), -ERR_UNKNOWN);
	w->node[0]->ms.m[by].roster = 0; /* a member that got no vote passes it on */
	assert_int_equal(evict_hear(w->node[0], w->now, (const uint8_t *)&x, by), -ERR_UNKNOWN);
	w->node[0]->ms.m[by].roster = MEMBER_VOTES;
	act(w->disk[0].cluster, 9, 77, &x); /* about nobody: the table is no place for it */
	assert_int_equal(evict_hear(w->node[0], w->now, (const uint8_t *)&x, MEMBER_NONE), -ERR_UNKNOWN);
	assert_int_equal(w->node[0]->ms.evict.count, 0);
	/* Who voted once may be gone: one that votes now tells of it under its own key. */
	act(w->disk[0].cluster, 9, 2, &x);
	assert_int_equal(evict_hear(w->node[0], w->now, (const uint8_t *)&x, by), 0);
	world_run(w, 4000);
	assert_true(knows(w, 1, 2));
	world_free(w);
}

/* Who comes when somebody is out already knows no roster yet, and learns of both. */
static void
a_newcomer_learns_who_is_out(void **state)
{
	struct world *w = world_new(5, MESH_QUORUM_MAJORITY);

	(void)state;
	world_kill(w, 4);
	world_run(w, 8000);
	assert_int_equal(put_out(w, 1, 3), 0);
	world_run(w, 4000);
	world_start(w, 4);
	while (!w->node[4]->member)
		world_step(w);
	assert_int_equal(put_out(w, 4, 2), -ERR_RANGE); /* nobody would believe it */
	world_run(w, 12000);
	assert_true(knows(w, 4, 3));
	world_free(w);
}

/* 3 was away when 4 came, which puts it out and is then gone itself: 3 never heard of it. */
static void
it_learns_it_though_the_evicter_is_gone(void **state)
{
	(void)state;
	for (uint32_t rotates = 0; rotates < 2; rotates++) {
		struct world *w = world_new(5, MESH_QUORUM_MAJORITY);

		world_kill(w, 4);
		world_run(w, 8000);
		world_kill(w, 3);
		world_run(w, 8000);
		world_start(w, 4);
		world_run(w, 12000);
		assert_int_equal(put_out(w, 4, 3), 0);
		world_run(w, 4000);
		for (uint32_t i = 0; i < 3 && rotates; i++)
			(void)!mesh_keys_rotate(w->node[i], w->now);
		world_run(w, 5000);
		assert_int_equal(w->node[0]->saved.keys.used, rotates);
		assert_int_equal(put_out(w, 0, 4), 0);
		world_run(w, 4000);
		world_kill(w, 4);
		world_start(w, 3);
		assert_false(mesh_evicted(w->node[3]));
		world_run(w, 6000);
		assert_true(mesh_evicted(w->node[3]));
		world_free(w);
	}
}

/* It left, or lost its disk, and comes again: all that it is told is why not. */
static void
it_is_not_let_in_again(void **state)
{
	struct world *w = world_new(4, MESH_QUORUM_MAJORITY);
	struct mesh_refusal x;

	(void)state;
	world_run(w, 6000);
	world_kill(w, 3);
	assert_int_equal(put_out(w, 0, 3), 0);
	world_run(w, 4000);
	w->disk[3] = (struct mesh_saved){.generation = w->disk[3].generation};
	world_start(w, 3);
	world_run(w, 5000);
	assert_false(w->node[3]->member);
	assert_true(mesh_refused(w->node[3], &x) && x.why == MESH_ENTRY_EVICTED);
	assert_true(x.by[0] == '\0');
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_know_and_the_roster_shrinks),
	    cmocka_unit_test(what_can_not_be),
	    cmocka_unit_test(a_forged_act_puts_nobody_out),
	    cmocka_unit_test(only_who_votes_puts_out),
	    cmocka_unit_test(a_newcomer_learns_who_is_out),
	    cmocka_unit_test(an_act_is_not_taken_for_a_recovery),
	    cmocka_unit_test(it_never_comes_back),
	    cmocka_unit_test(it_learns_it_though_the_evicter_is_gone),
	    cmocka_unit_test(it_is_not_let_in_again),
	    cmocka_unit_test(it_gets_no_new_key),
	    cmocka_unit_test(it_learns_it_though_the_key_changes),
	    cmocka_unit_test(a_promise_to_the_evicted_holds),
	    cmocka_unit_test(a_notice_amplifies_nothing),
	    cmocka_unit_test(the_table_has_an_end),
	};

	return cmocka_run_group_tests_name("evict", tests, NULL, NULL);
}
