/*
 * test_missed.c - who asks what it lacks: what is asked, what is answered, and what a
 * question that no honest node asks gets.
 */
#include "world.h"

#include "../../../gossip/inner.h"

enum { NODES = 4 };

/* All know all, and nobody has anything left to tell. */
static struct world *
settled(void)
{
	struct world *w = world_new(NODES, MESH_QUORUM_MAJORITY);

	world_run(w, 8000);
	for (uint32_t i = 0; i < NODES; i++)
		mesh_set_summary(w->node[i], w->now, &(struct mesh_summary){.cpu_percent = (uint8_t)(i + 1)});
	world_run(w, 8000);
	return w;
}

static uint32_t
index_of(const struct world *w, uint32_t at, uint32_t who)
{
	const struct node_id id = world_id((uint8_t)who);

	return members_find_id(&w->node[at]->ms, &id);
}

/* What node `of` asks node 0; then what that found it to lack. */
static uint32_t
ask(struct world *w, uint32_t of)
{
	uint8_t scratch[MISSED_WINDOW];
	struct packet p = {.kind = PACKET_COUNTS};

	missed_fill(w->node[of], 0, &p, scratch);
	w->node[0]->missed.wants = 0;
	assert_int_equal(missed_recv(w->node[0], w->now, index_of(w, 0, of), &p), 0);
	return w->node[0]->missed.wants;
}

static void
only_what_is_lacked_is_answered(void **state)
{
	struct world *w = settled();
	struct member *x = &w->node[1]->ms.m[index_of(w, 1, 2)];
	const struct node_id id = world_id(2);
	struct mesh_member seen;

	(void)state;
	assert_int_equal(ask(w, 1), 0);
	x->summary_count = 0;
	x->summary.cpu_percent = 0;
	assert_int_equal(ask(w, 1), 1);
	assert_int_equal(w->node[0]->missed.want[0], index_of(w, 0, 2));
	world_run(w, 100);
	assert_true(mesh_find(w->node[1], &id, &seen) && seen.summary.cpu_percent == 3);
	assert_int_equal(ask(w, 1), 0);
	world_free(w);
}

/* Who holds a newer one than mine has nothing to learn; a count that came around is newer. */
static void
newer_is_told_by_a_byte(void **state)
{
	struct world *w = settled();
	uint16_t *mine = &w->node[0]->ms.m[index_of(w, 0, 2)].summary_count;
	uint16_t *its = &w->node[1]->ms.m[index_of(w, 1, 2)].summary_count;
	static const struct { uint16_t mine, its; uint32_t wants; } cases[] = {{300, 300, 0}, {300, 299, 1},
	    {299, 300, 0}, {1, 65535, 1}, {65535, 1, 0}, {0, 5, 0}, {5, 0, 1}, {0, 0, 0}, {255, 0, 1},
	    {255, 254, 1}, {510, 400, 1}, {400, 440, 0}};

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
		*mine = cases[k].mine;
		*its = cases[k].its;
		assert_int_equal(ask(w, 1), cases[k].wants);
	}
	world_free(w);
}

static void
of_another_table_nothing_is_said(void **state)
{
	struct world *w = settled();
	struct mesh *m = w->node[0];
	uint8_t zeros[MISSED_WINDOW + 1] = {0};
	struct packet p = {.kind = PACKET_COUNTS, .bytes = zeros, .bytes_len = NODES};
	uint32_t from = index_of(w, 0, 1);

	(void)state;
	m->missed.wants = 0;
	assert_int_equal(missed_recv(m, w->now, from, &p), 0); /* no such hash */
	p.bytes_len = 0;
	assert_int_equal(missed_recv(m, w->now, from, &p), 0);
	p.bytes_len = NODES + 1; /* more than there are */
	assert_int_equal(missed_recv(m, w->now, from, &p), 0);
	p.who = UINT64_MAX;
	assert_int_equal(missed_recv(m, w->now, from, &p), 0);
	p.bytes_len = MISSED_WINDOW + 1;
	assert_int_equal(missed_recv(m, w->now, from, &p), -ERR_RANGE);
	assert_int_equal(m->missed.wants, 0);
	world_free(w);
}

/* Node 1 was cut off while it told of itself: nobody else has that to tell, and it does
 * not know.  Whoever it asks asks back, once. */
static void
who_is_behind_asks_back(void **state)
{
	struct world *w = settled();
	const struct node_id id = world_id(1);
	struct mesh *m = w->node[0];
	struct mesh_member seen;

	(void)state;
	assert_int_equal(ask(w, 1), 0);
	assert_int_equal(m->missed.back_at, 0);
	m->ms.m[index_of(w, 0, 1)].summary_count = 0;
	m->ms.m[index_of(w, 0, 1)].summary.cpu_percent = 0;
	assert_int_equal(ask(w, 1), 0);
	assert_true(m->missed.back_at > w->now);
	world_run(w, 100);
	assert_true(mesh_find(m, &id, &seen) && seen.summary.cpu_percent == 2);
	world_free(w);
}

/* However often somebody asks: what it gets is within the budget. */
static void
questions_without_end_cost_no_more_than_the_budget(void **state)
{
	struct world *w = settled();
	struct mesh *m = w->node[0];
	uint32_t answered = 0;

	(void)state;
	w->node[1]->ms.m[index_of(w, 1, 2)].summary_count = 0;
	for (int k = 0; k < 200; k++) {
		answered += ask(w, 1);
		budget_spend(&m->budget, w->now, DGRAM_BYTES_MAX);
	}
	assert_in_range(answered, 1, 8);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_what_is_lacked_is_answered),
	    cmocka_unit_test(newer_is_told_by_a_byte),
	    cmocka_unit_test(of_another_table_nothing_is_said),
	    cmocka_unit_test(who_is_behind_asks_back),
	    cmocka_unit_test(questions_without_end_cost_no_more_than_the_budget),
	};

	return cmocka_run_group_tests_name("missed", tests, NULL, NULL);
}
