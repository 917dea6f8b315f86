/* Many are doubted at once: a cut, after which nobody has to refute. */
#include "world.h"

enum { COUNT = 20, MANY = 8, HEARD_MS = 5000, CUT_MS = 10000, ASK_MS = 500 };

/* So many of n0's table, from its first on, are doubted by it. */
static void
doubt(struct world *w, uint32_t count)
{
	for (uint32_t i = 1; i <= count; i++)
		rumour_suspect(w->node[0], w->now, i, w->node[0]->ms.m[0].short_id);
}

static uint32_t
refuted(const struct world *w)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < w->count; i++)
		sum += w->node[i]->ms.m[0].incarnation;
	return sum;
}

static void
few_refute(void **state)
{
	uint32_t leader, other, before;
	struct world *w = world_settled(COUNT, &leader, &other);

	(void)state;
	before = refuted(w);
	doubt(w, MANY - 1);
	world_run(w, 3000);
	assert_int_equal(w->node[0]->ms.by_state[MESH_ALIVE], COUNT);
	assert_int_equal(refuted(w), before + MANY - 1);
	world_free(w);
}

/* Each half doubts the other. */
static void
many_need_not_refute(void **state)
{
	uint32_t leader, other, before;
	struct world *w = world_settled(COUNT, &leader, &other);

	(void)state;
	before = refuted(w);
	for (uint32_t i = 0; i < COUNT; i++)
		for (uint32_t k = 0; k < COUNT / 2; k++) {
			struct node_id id = world_id(i < COUNT / 2 ? COUNT / 2 + k : k);
			struct members *ms = &w->node[i]->ms;

			rumour_suspect(w->node[i], w->now, members_find(ms, seal_short(&id)), ms->m[0].short_id);
		}
	world_run(w, 3000);
	for (uint32_t i = 0; i < COUNT; i++)
		assert_int_equal(w->node[i]->ms.by_state[MESH_ALIVE], COUNT);
	assert_int_equal(refuted(w), before);
	world_free(w);
}

/* Eight of 30 are none: it takes a third, of whom the dead are some. */
static void
a_third_is_a_cut(void **state)
{
	uint32_t leader, other;
	struct world *w = world_settled(COUNT, &leader, &other);
	struct mesh *m = w->node[0];

	(void)state;
	doubt(w, MANY);
	assert_true(cut_lately(m, w->now));
	m->swim.cut_until = 0;
	m->ms.count += 10; /* alive, as far as this counts */
	assert_false(cut_lately(m, w->now));
	m->ms.by_state[MESH_FAILED] += 3;
	assert_true(cut_lately(m, w->now));
	m->ms.by_state[MESH_SUSPECT] = MANY - 1;
	assert_true(cut_lately(m, w->now + CUT_MS - 1));
	assert_false(cut_lately(m, w->now + CUT_MS));
	m->ms.count -= 10;
	m->ms.by_state[MESH_FAILED] -= 3;
	world_free(w);
}

static struct rumour
says(const struct world *w, uint32_t i, uint8_t state, uint32_t by)
{
	const struct member *x = &w->node[0]->ms.m[i];

	return (struct rumour){.id = x->id, .state = state, .generation = x->generation,
	    .incarnation = x->incarnation, .from = w->node[0]->ms.m[by].short_id, .by = (uint16_t)by};
}

static void
across_a_cut_no_doubt_is_believed(void **state)
{
	uint32_t leader, other;
	struct world *w = world_settled(COUNT, &leader, &other);
	struct mesh *m = w->node[0];
	struct rumour r;

	(void)state;
	for (uint32_t i = 1; i < COUNT; i++)
		m->ms.m[i].heard = w->now - HEARD_MS;
	doubt(w, MANY);
	r = says(w, MANY + 1, MESH_SUSPECT, 1);
	assert_int_equal(rumour_hear(m, w->now, &r), 0);
	assert_int_equal(m->ms.m[MANY + 1].state, MESH_ALIVE);
	/* Who answered was on the other side all the same. */
	rumour_answered(m, w->now, 1);
	assert_int_equal(m->ms.m[1].state, MESH_ALIVE);
	assert_int_equal(rumour_hear(m, w->now, &r), 0);
	assert_int_equal(m->ms.m[MANY + 1].state, MESH_ALIVE);
	/* It spoke lately, whoever says that. */
	m->ms.m[MANY + 1].heard = w->now - HEARD_MS + 1;
	r = says(w, MANY + 1, MESH_SUSPECT, MANY + 2);
	assert_int_equal(rumour_hear(m, w->now, &r), 0);
	assert_int_equal(m->ms.m[MANY + 1].state, MESH_ALIVE);
	/* Nor is it one whom the cut made doubted already. */
	m->ms.m[1].heard = m->ms.m[MANY + 1].heard = w->now - HEARD_MS;
	r = says(w, 1, MESH_SUSPECT, MANY + 2);
	assert_int_equal(rumour_hear(m, w->now, &r), 0);
	assert_int_equal(m->ms.m[1].state, MESH_ALIVE);
	r = says(w, MANY + 1, MESH_SUSPECT, MANY + 2);
	assert_int_equal(rumour_hear(m, w->now, &r), 0);
	assert_int_equal(m->ms.m[MANY + 1].state, MESH_SUSPECT);
	world_free(w);
}

static void
a_table_makes_nobody_doubt(void **state)
{
	uint32_t leader, other;
	struct world *w = world_settled(COUNT, &leader, &other);
	struct mesh *m = w->node[0];
	struct rumour r = says(w, MANY + 1, MESH_SUSPECT, MANY + 2);

	(void)state;
	m->ms.m[MANY + 1].heard = m->ms.m[MANY + 2].heard = w->now - HEARD_MS;
	r.is_table = true;
	assert_int_equal(rumour_hear(m, w->now, &r), 0);
	assert_int_equal(m->ms.m[MANY + 1].state, MESH_ALIVE);
	r.is_table = false;
	assert_int_equal(rumour_hear(m, w->now, &r), 0);
	assert_int_equal(m->ms.m[MANY + 1].state, MESH_SUSPECT);
	r = says(w, MANY + 2, MESH_SUSPECT, MANY + 1); /* and where most are far */
	r.is_table = true;
	doubt(w, MANY);
	assert_true(cut_lately(m, w->now));
	m->ms.far = COUNT;
	assert_false(cut_lately(m, w->now));
	assert_int_equal(rumour_hear(m, w->now, &r), 0);
	m->ms.far = 0;
	assert_int_equal(m->ms.m[MANY + 2].state, MESH_SUSPECT);
	world_free(w);
}

/* The probe under way as the cut ends: no answer to that says anything. */
static void
probe_of(struct world *w, uint32_t i)
{
	struct mesh *m = w->node[0];

	m->swim.target = (uint16_t)i;
	m->swim.life = m->ms.m[i].generation;
	m->swim.acked = false;
	m->swim.sent = w->now;
	m->swim.probe_at = w->now + 2;
	m->ms.m[i].seen = m->ms.m[i].heard = w->now - HEARD_MS;
}

static void
a_probe_through_its_end_accuses_nobody(void **state)
{
	uint32_t leader, other, target;
	struct world *w = world_settled(COUNT, &leader, &other);
	struct mesh *m = w->node[0];

	(void)state;
	doubt(w, MANY);
	probe_of(w, MANY + 1);
	rumour_answered(m, w->now + 1, 1);
	assert_false(cut_ended(m, w->now + 1, w->now + 1));
	swim_tick(m, w->now + 2);
	assert_int_equal(m->ms.m[MANY + 1].state, MESH_ALIVE);
	assert_int_equal(m->swim.target, MANY + 1); /* it is asked anew, ... */
	assert_true(m->swim.sent == w->now + 2);
	w->now += 2;
	m->swim.probe_at = w->now + 2;
	m->ms.m[MANY + 1].heard = w->now + 1; /* ... unless somebody heard it */
	rumour_answered(m, w->now + 1, 2);
	target = m->swim.ring[m->swim.ring_at % m->swim.ring_len];
	swim_tick(m, w->now + 2);
	assert_int_equal(m->ms.m[MANY + 1].state, MESH_ALIVE);
	assert_true(m->swim.ring_at == 1 || m->swim.target == target);
	/* One that began after that. */
	w->now += 2;
	probe_of(w, MANY + 1);
	swim_tick(m, w->now + 2);
	assert_int_equal(m->ms.m[MANY + 1].state, MESH_SUSPECT);
	world_free(w);
}

/* Who is still doubted, or was given up just now, is asked twice a second. */
static void
the_last_few_are_asked(void **state)
{
	uint32_t leader, other;
	struct world *w = world_settled(COUNT, &leader, &other);
	struct mesh *m = w->node[0];
	uint64_t called, first;

	(void)state;
	doubt(w, MANY);
	assert_true(cut_lately(m, w->now));
	first = m->swim.next_seq;
	rumour_fail(m, w->now, 1, "failed");
	cut_tick(m, w->now + ASK_MS - 1);
	assert_true(m->swim.next_seq == first);
	cut_tick(m, w->now + ASK_MS);
	assert_true(m->swim.next_seq == first + MANY);
	called = m->ms.doubts[1].called;
	assert_true(called == first + 1);
	cut_tick(m, w->now + 2 * ASK_MS - 1);
	assert_int_equal(m->ms.doubts[1].called, called);
	cut_tick(m, w->now + 2 * ASK_MS);
	assert_true(m->ms.doubts[1].called > called);
	assert_true(swim_deadline(m) <= w->now + 3 * ASK_MS);
	cut_tick(m, w->now + CUT_MS + ASK_MS);
	assert_true(m->swim.cut_at == MSEC_NEVER);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(few_refute),
	    cmocka_unit_test(many_need_not_refute),
	    cmocka_unit_test(a_third_is_a_cut),
	    cmocka_unit_test(across_a_cut_no_doubt_is_believed),
	    cmocka_unit_test(a_table_makes_nobody_doubt),
	    cmocka_unit_test(a_probe_through_its_end_accuses_nobody),
	    cmocka_unit_test(the_last_few_are_asked),
	};

	return cmocka_run_group_tests_name("cut", tests, NULL, NULL);
}
