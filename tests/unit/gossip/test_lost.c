/* What a node must not do after its disk was lost, or when old answers are sent again. */
#include "world.h"

#include "../../../gossip/holdoff.h"

static bool
full(const struct world *w, uint32_t i)
{
	return w->node[i] != NULL && lead_grade(w->node[i], w->now) == MESH_GRADE_FULL;
}

static uint32_t
full_leaders(const struct world *w)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < w->count; i++)
		n += full(w, i);
	return n;
}

static void
lose_disk(struct world *w, uint32_t i, uint64_t generation)
{
	world_kill(w, i);
	w->disk[i] = (struct mesh_saved){.generation = generation};
	world_start(w, i);
}

/* l leads z, a hears z alone.  z forgets its promise to l: not for a. */
static void
a_lost_promise_makes_no_second_leader(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	uint32_t l, a, z;

	(void)state;
	world_run(w, 8000);
	for (int k = 0; k < 12; k++) {
		struct addr seed;

		l = 0;
		while (!full(w, l))
			l++;
		a = (l + 1) % 3;
		z = (l + 2) % 3;
		seed = toy_addr(a);
		w->deaf[l][a] = w->deaf[a][l] = true;
		world_run(w, 4000 + 37 * k);
		assert_true(full(w, l));
		lose_disk(w, z, w->disk[z].generation);
		assert_int_equal(mesh_add_seed(w->node[z], w->now, &seed), 0);
		for (int t = 0; t < 4000; t++) {
			world_step(w);
			assert_true(full_leaders(w) <= 1);
		}
		w->deaf[l][a] = w->deaf[a][l] = false;
		world_run(w, 6000);
		assert_int_equal(full_leaders(w), 1);
	}
	world_free(w);
}

static void
starts_as(struct world *w, uint32_t i, enum mesh_profile profile)
{
	w->profile[i] = profile;
	world_kill(w, i);
	world_start(w, i);
}

/* z alone echoed l, whose lease is eight of its own, and forgot it; then nobody hears l. */
static void
a_lost_promise_may_be_of_a_slower_leader(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct node_id to = world_id(0);
	struct addr seed = toy_addr(1);
	msec until;

	(void)state;
	world_run(w, 8000);
	for (uint32_t i = 0; i < 3; i++)
		starts_as(w, i, i == 0 ? MESH_WAN : MESH_LOCAL);
	world_run(w, 20000);
	assert_int_equal(mesh_hand_over(w->node[world_leader(w)], w->now, &to), 0);
	world_run(w, 20000);
	assert_true(full(w, 0));
	w->deaf[0][1] = w->deaf[1][0] = true;
	world_run(w, 3000);
	world_isolate(w, 0, true);
	until = lead_until(w->node[0], w->now);
	assert_true(until > w->now + 4000);
	lose_disk(w, 2, w->disk[2].generation);
	assert_int_equal(mesh_add_seed(w->node[2], w->now, &seed), 0);
	for (int t = 0; t < 14000; t++) {
		world_step(w);
		assert_true(full_leaders(w) <= 1);
	}
	assert_true(full(w, 1) || full(w, 2));
	world_free(w);
}

/* Who is known to ask for no more than this node itself is not waited for longer; who
 * was not heard, or asks for more, is. */
static void
a_lost_disk_waits_as_long_as_the_slowest_asks_for(void **state)
{
	static const struct {
		bool heard;
		enum mesh_profile profile;
		msec configured, lease;
	} of[] = {{true, MESH_LAN, 0, 1500}, {true, MESH_WAN, 0, 6000}, {false, MESH_LAN, 0, 6000},
	    {true, MESH_LAN, 3950, 4000}};

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(of); k++) {
		struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
		msec joined;

		world_run(w, 8000);
		for (uint32_t i = 0; i < 3; i++)
			world_kill(w, i);
		w->profile[1] = of[k].profile;
		w->disk[2] = (struct mesh_saved){.generation = w->disk[2].generation};
		for (uint32_t i = 0; i < 3; i++)
			world_start(w, i);
		w->node[1]->conf.wire.features |= holdoff_feature(of[k].configured);
		world_isolate(w, 1, !of[k].heard);
		while (w->node[2]->elect.forgot_at == 0)
			world_step(w);
		joined = w->now;
		world_run(w, 1450);
		assert_true(holdoff_lasts(w->node[2], w->now));
		w->node[0]->elect.try_at = w->node[1]->elect.try_at = MSEC_NEVER; /* nobody asks */
		world_run(w, joined + of[k].lease - 1 - w->now);
		assert_true(holdoff_lasts(w->node[2], w->now));
		world_run(w, 1);
		assert_false(holdoff_lasts(w->node[2], w->now));
		world_free(w);
	}
}

/* It votes in no term that it may have voted in, and comes back newer than it was. */
static void
a_lost_vote_is_not_given_again(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct node_id id = world_id(2);
	struct mesh_member x;
	uint64_t term;

	(void)state;
	world_run(w, 8000);
	term = w->node[2]->saved.term;
	for (int k = 0; k < 4; k++) { /* four starts that the disk will not remember */
		world_kill(w, 2);
		world_start(w, 2);
	}
	world_run(w, 8000);
	lose_disk(w, 2, 0);
	assert_true(w->node[2]->saved.term == 0);
	world_run(w, 500);
	assert_true(w->node[2]->saved.term > term + 1000);
	world_run(w, 9000);
	world_leader(w);
	assert_true(mesh_find(w->node[0], &id, &x));
	assert_int_equal(x.state, MESH_ALIVE);
	assert_true(x.generation > 5);
	world_free(w);
}

/* The others know node i in the life it lives, and it knows them. */
static void
lives_with_the_others(struct world *w, uint32_t i)
{
	struct mesh_member x;

	for (uint32_t k = 0; k < w->count; k++) {
		if (k == i)
			continue;
		assert_true(mesh_find(w->node[k], &w->node[i]->ms.m[0].id, &x));
		assert_int_equal(x.state, MESH_ALIVE);
		assert_int_equal(x.generation, w->node[i]->ms.m[0].generation);
		assert_int_equal(world_state(w, i, k), MESH_ALIVE);
	}
}

/* The first life of an empty disk is numbered by the clock, in steps of 20 s: lost soon
 * after a start, it begins a life of the very number that the others know, with other
 * salts; after starts in a row, one below it. */
static void
a_life_of_a_number_that_was_is_not_begun(void **state)
{
	(void)state;
	for (uint64_t back = 0; back < 4; back++) {
		struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
		uint64_t was, life;

		world_run(w, 8000);
		for (int k = 0; k < 3; k++) {
			world_kill(w, 2);
			world_start(w, 2);
			world_run(w, 3000);
		}
		was = w->node[2]->ms.m[0].generation;
		lose_disk(w, 2, was - back);
		world_run(w, 3000);
		life = w->node[2]->ms.m[0].generation;
		assert_int_equal(life, was + 1);
		lives_with_the_others(w, 2);
		/* Once: what it is told of that life again begins no other. */
		world_run(w, 60000);
		assert_int_equal(w->node[2]->ms.m[0].generation, life);
		assert_true(world_leader(w) < 3);
		world_free(w);
	}
}

/* It is let in by one that knows an older life of it only; who knows the last one, or one
 * of that number, says so until it takes another. */
static void
who_let_it_in_may_not_know_its_last_life(void **state)
{
	struct node_id id = world_id(2);

	(void)state;
	for (uint64_t lives = 1; lives < 4; lives++) {
		struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
		struct mesh_member x;
		uint64_t was;

		world_run(w, 8000);
		was = w->node[2]->ms.m[0].generation;
		world_isolate(w, 0, true);
		for (uint64_t k = 0; k < lives; k++) {
			world_kill(w, 2);
			world_start(w, 2);
			world_run(w, 3000);
		}
		assert_true(mesh_find(w->node[1], &id, &x));
		assert_int_equal(x.generation, was + lives);
		world_isolate(w, 0, false);
		world_isolate(w, 1, true);
		lose_disk(w, 2, was);
		world_run(w, 5000);
		assert_int_equal(w->node[2]->ms.m[0].generation, was + 1);
		world_isolate(w, 1, false);
		world_run(w, 30000);
		assert_true(w->node[2]->ms.m[0].generation > was + lives);
		lives_with_the_others(w, 2);
		world_free(w);
	}
}

/* Of the life whose number it began again others hold a later word than it said since, and
 * hear it all the same: it says nothing more in that life, for nobody would take it. */
static void
a_word_of_a_forgotten_life_is_outbid(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct node_id id = world_id(2);
	struct mesh_member x;
	uint64_t was;

	(void)state;
	world_run(w, 8000);
	was = w->node[2]->ms.m[0].generation;
	world_isolate(w, 0, true);
	world_kill(w, 2);
	world_start(w, 2);
	world_run(w, 3000);
	assert_int_equal(mesh_drain(w->node[2], w->now, true), 0);
	world_run(w, 2000);
	assert_true(mesh_find(w->node[1], &id, &x));
	assert_int_equal(x.generation, was + 1);
	assert_true(x.going == MESH_DRAINING);
	world_isolate(w, 0, false);
	world_isolate(w, 1, true);
	lose_disk(w, 2, was);
	world_run(w, 5000);
	assert_int_equal(w->node[2]->ms.m[0].generation, was + 1);
	/* Who knows the older word of it never meets it. */
	w->deaf[0][1] = w->deaf[1][0] = false;
	world_run(w, 30000);
	assert_int_equal(w->node[2]->ms.m[0].generation, was + 2);
	for (uint32_t k = 0; k < 2; k++) {
		assert_true(mesh_find(w->node[k], &id, &x));
		assert_int_equal(x.state, MESH_ALIVE);
		assert_int_equal(x.generation, was + 2);
		assert_true(x.going == MESH_STAYS);
	}
	/* Once. */
	world_run(w, 60000);
	assert_int_equal(w->node[2]->ms.m[0].generation, was + 2);
	world_free(w);
}

/* Two of three are left, one of them without its disk, and nobody leads: it learns
 * the roster from the other, and they elect. */
static void
a_lost_roster_is_learned_without_a_leader(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	uint32_t l;

	(void)state;
	world_run(w, 8000);
	l = world_leader(w);
	world_kill(w, l);
	lose_disk(w, (l + 1) % 3, w->disk[(l + 1) % 3].generation);
	if (l == 0) /* the only seed is gone */
		assert_int_equal(mesh_add_seed(w->node[1], w->now, &(struct addr){0}), -ERR_BAD_ADDRESS);
	for (uint32_t i = 0; i < 3; i++) {
		struct addr seed = toy_addr((l + 2) % 3);

		if (i != l)
			assert_int_equal(mesh_add_seed(w->node[i], w->now, &seed), 0);
	}
	world_run(w, 12000);
	assert_int_equal(full_leaders(w), 1);
	world_free(w);
}

/* Answers of an earlier life, or to somebody else, are no votes. */
static void
recorded_votes_elect_nobody(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	uint32_t l, a;

	(void)state;
	world_run(w, 8000);
	l = world_leader(w);
	a = (l + 1) % 3;
	world_kill(w, a);
	world_isolate(w, a, true);
	world_start(w, a);
	for (int t = 0; t < 12000; t++) {
		struct elect *e = &w->node[a]->elect;

		for (uint64_t attempt = 0; attempt < 12; attempt++) {
			struct packet p = {.kind = e->phase == ELECT_VOTE ? PACKET_VOTED : PACKET_PREVOTED,
			    .seq = attempt, .term = e->attempt_term, .grade = 1};

			assert_int_equal(elect_recv(w->node[a], w->now, (l + 2) % 3 == 0 ? 1 : 2, &p), 0);
			assert_int_not_equal(e->role, MESH_LEADER);
		}
		world_step(w);
	}
	world_free(w);
}

/* A vote for another term than the one asked for; an echo for another leader. */
static void
answers_name_whom_they_are_for(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct packet p = {.kind = PACKET_ECHO};
	struct elect *e;
	uint32_t l;

	(void)state;
	world_run(w, 8000);
	l = world_leader(w);
	e = &w->node[l]->elect;
	world_isolate(w, l, true);
	world_run(w, 1000);
	p.term = e->ballot_term;
	p.sent = (uint64_t)e->rounds[e->round].t;
	p.roster = w->node[l]->roster.id;
	p.who = 1; /* not l */
	assert_int_equal(lead_recv(w->node[l], w->now, 1, &p), 0);
	assert_int_equal(lead_recv(w->node[l], w->now, 2, &p), 0);
	assert_true(e->full_base.t < (msec)p.sent);
	p.who = w->node[l]->ms.m[0].short_id;
	assert_int_equal(lead_recv(w->node[l], w->now, 1, &p), 0);
	assert_true(e->full_base.t == (msec)p.sent);
	world_free(w);
}

/* The leader and one node can't hear each other, everybody else can: it lives. */
static void
a_cut_link_is_no_death(void **state)
{
	struct world *w = world_new(4, MESH_QUORUM_MAJORITY);
	uint32_t l, x;

	(void)state;
	world_run(w, 8000);
	l = world_leader(w);
	x = (l + 1) % 4;
	w->deaf[l][x] = w->deaf[x][l] = true;
	for (int t = 0; t < 20000; t++) {
		world_step(w);
		if (w->node[l]->elect.role == MESH_LEADER)
			assert_int_not_equal(world_state(w, l, x), MESH_FAILED);
	}
	assert_true(full(w, l));
	world_free(w);
}

static bool
on_disk(const struct world *w, uint32_t i, const char *name)
{
	return memmem(w->roster[i], w->disk[i].roster_bytes, name, strlen(name)) != NULL;
}

/* A roster came before the records of those in it: after a crash they must not be known
 * by their ids alone, and that costs one write, not one for each word of theirs. */
static void
who_is_told_after_its_vote_is_written_once(void **state)
{
	struct world *w = world_new(4, MESH_QUORUM_MAJORITY);
	struct mesh *m = w->node[0];
	uint32_t saves;

	(void)state;
	world_run(w, 8000);
	assert_true(on_disk(w, 0, "n2") && on_disk(w, 0, "n3"));
	world_kill(w, 2);
	world_kill(w, 3);
	for (uint32_t k = 2; k < 4; k++) {
		struct node_id id = world_id(k);
		uint32_t i = members_find_id(&m->ms, &id);

		members_set_text(&m->ms, i, "", 0, NULL, 0);
	}
	m->roster.blob_stale = m->must_save = true;
	world_step(w);
	assert_false(on_disk(w, 0, "n2") || on_disk(w, 0, "n3"));
	saves = w->saves[0];
	world_start(w, 2);
	world_start(w, 3);
	world_run(w, 5000);
	assert_true(on_disk(w, 0, "n2") && on_disk(w, 0, "n3"));
	assert_int_equal(w->saves[0], saves + 1);
	world_kill(w, 2);
	world_start(w, 2);
	world_run(w, 5000);
	assert_int_equal(w->saves[0], saves + 1);
	world_free(w);
}

/* An older copy of the disk is put back soon after the last start: its next life is one
 * that the others know already, and nobody takes a word of it. */
static void
a_copy_put_back_in_a_life_that_was_is_let_in(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct mesh_saved copy;
	uint64_t life;

	(void)state;
	world_run(w, 8000);
	copy = w->disk[2];
	world_kill(w, 2);
	world_start(w, 2);
	world_run(w, 5000);
	life = w->node[2]->ms.m[0].generation;
	world_kill(w, 2);
	copy.roster = w->disk[2].roster;
	copy.roster_bytes = w->disk[2].roster_bytes;
	w->disk[2] = copy;
	world_start(w, 2);
	assert_int_equal(w->node[2]->ms.m[0].generation, life);
	world_run(w, 40000);
	assert_int_equal(world_state(w, 0, 2), MESH_ALIVE);
	assert_int_equal(world_state(w, 2, 0), MESH_ALIVE);
	assert_true(world_leader(w) < 3);
	/* Nor does one whom nobody hears use up its lives. */
	world_isolate(w, 2, true);
	world_kill(w, 2);
	world_start(w, 2);
	life = w->node[2]->ms.m[0].generation;
	world_run(w, 300000);
	assert_in_range(w->node[2]->ms.m[0].generation, life, life + 3);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_lost_promise_makes_no_second_leader),
	    cmocka_unit_test(a_lost_promise_may_be_of_a_slower_leader),
	    cmocka_unit_test(a_lost_disk_waits_as_long_as_the_slowest_asks_for),
	    cmocka_unit_test(a_lost_vote_is_not_given_again),
	    cmocka_unit_test(a_life_of_a_number_that_was_is_not_begun),
	    cmocka_unit_test(who_let_it_in_may_not_know_its_last_life),
	    cmocka_unit_test(a_word_of_a_forgotten_life_is_outbid),
	    cmocka_unit_test(a_lost_roster_is_learned_without_a_leader),
	    cmocka_unit_test(recorded_votes_elect_nobody),
	    cmocka_unit_test(answers_name_whom_they_are_for),
	    cmocka_unit_test(a_cut_link_is_no_death),
	    cmocka_unit_test(a_copy_put_back_in_a_life_that_was_is_let_in),
	    cmocka_unit_test(who_is_told_after_its_vote_is_written_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
