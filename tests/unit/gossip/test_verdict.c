/* The leader's verdict: how many missed reports are a death, and what is none. */
#include "world.h"

enum { COUNT = 5, REPORT_MS = 500, PROBING_MS = 12 * 100, SLACK_MS = 250, VOUCH_SHIFT = 16 };

static uint64_t dice;

/* So many in a hundred of all that is sent to the leader are lost, for so long. */
static void
lossy(struct world *w, uint32_t leader, uint32_t percent, msec ms)
{
	for (msec end = w->now + ms; w->now < end;) {
		for (uint32_t i = 0; i < w->count; i++)
			w->deaf[i][leader] = prng_mix(++dice) % 100 < percent;
		world_step(w);
	}
	for (uint32_t i = 0; i < w->count; i++)
		w->deaf[i][leader] = false;
}

/* From the last word of who is cut off to the leader's verdict, in ms. */
static msec
silent_for(struct world *w, uint32_t leader, uint32_t victim)
{
	msec patience = w->now + 10000, last;

	world_mark(w);
	world_isolate(w, victim, true);
	world_run(w, 2); /* what was on its way */
	last = world_seen(w, leader, victim).seen;
	while (world_state(w, leader, victim) != MESH_FAILED) {
		world_step(w);
		assert_true(w->now < patience);
	}
	assert_non_null(strstr(w->text, " dead n"));
	return w->now - last;
}

static void
takes(uint32_t percent, msec misses)
{
	uint32_t leader, victim;
	struct world *w = world_settled(COUNT, &leader, &victim);
	msec silent;

	dice = percent;
	lossy(w, leader, percent, 20000);
	assert_int_equal(world_leader(w), leader);
	silent = silent_for(w, leader, victim);
	assert_in_range(silent, (misses - 1) * REPORT_MS + PROBING_MS,
	    (misses - 1) * REPORT_MS + PROBING_MS + SLACK_MS);
	world_free(w);
}

/* Probing begins one report before the last that may be missed. */
static void
three_missed_and_twelve_probes(void **state)
{
	(void)state;
	takes(0, 3);
	takes(4, 3);
}

/* A leader that loses reports itself gives more time: one in seven, one in three. */
static void
more_where_the_leader_loses_reports(void **state)
{
	(void)state;
	takes(15, 4);
	takes(33, 5);
}

/* ... and no more once none was lost for a while. */
static void
loss_is_forgotten(void **state)
{
	uint32_t leader, victim;
	struct world *w = world_settled(COUNT, &leader, &victim);

	(void)state;
	dice = 7;
	lossy(w, leader, 33, 20000);
	world_run(w, 40000);
	assert_in_range(silent_for(w, leader, victim), 2 * REPORT_MS + PROBING_MS,
	    2 * REPORT_MS + PROBING_MS + SLACK_MS);
	world_free(w);
}

/* Nothing gets from one to the leader, but others vouch for it: the link is cut. */
static void
who_is_vouched_for_lives(void **state)
{
	uint32_t leader, other;
	struct world *w = world_settled(COUNT, &leader, &other);

	(void)state;
	world_mark(w);
	w->deaf[other][leader] = w->deaf[leader][other] = true;
	world_run(w, 20000);
	assert_null(strstr(w->text, " dead n"));
	assert_null(strstr(w->text, " failed n"));
	assert_int_equal(world_state(w, leader, other), MESH_ALIVE);
	world_free(w);
}

/* Of the twelve each second one goes through somebody, always somebody else. */
static void
half_of_the_probes_go_through_others(void **state)
{
	uint32_t leader, victim, of, through = 0, straight = 0, vias = 0;
	struct world *w = world_settled(COUNT, &leader, &victim);
	struct mesh *m = w->node[leader];

	(void)state;
	of = members_find_id(&m->ms, &w->node[victim]->ms.m[0].id);
	world_kill(w, victim);
	while (m->ms.m[of].state != MESH_FAILED) {
		uint32_t before = m->ms.reports[of].probes;

		mesh_tick(m, w->now + 1);
		for (uint32_t k = 0; k < m->ring_len && m->ms.reports[of].probes > before; k++) {
			const struct out *o = &m->ring[(m->ring_head + k) % m->ring_cap];

			straight += o->kind == PACKET_PING && o->to == of;
			if (o->kind == PACKET_PINGREQ && o->b == m->ms.m[of].short_id &&
			    o->a >> VOUCH_SHIFT == m->report.vouch) {
				through++;
				vias |= 1u << o->to;
			}
		}
		world_step(w);
	}
	assert_int_equal(through, 6);
	assert_in_range(straight, 6, 7); /* its round of swim may ask in the same instant */
	assert_true((vias & (vias - 1)) != 0);
	world_free(w);
}

/* Three of seven at once: named, and told as deaths like any other. */
static void
many_at_once_are_called_a_cut(void **state)
{
	uint32_t leader, other;
	struct world *w = world_settled(7, &leader, &other);

	(void)state;
	world_mark(w);
	for (uint32_t k = 1; k <= 3; k++)
		world_kill(w, (leader + k) % 7);
	for (uint32_t k = 0; k < 4000; k++)
		world_step(w);
	assert_non_null(strstr(w->text, " cut"));
	for (uint32_t k = 1; k <= 3; k++)
		assert_int_equal(world_state(w, leader, (leader + k) % 7), MESH_FAILED);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(three_missed_and_twelve_probes),
	    cmocka_unit_test(more_where_the_leader_loses_reports),
	    cmocka_unit_test(loss_is_forgotten),
	    cmocka_unit_test(who_is_vouched_for_lives),
	    cmocka_unit_test(half_of_the_probes_go_through_others),
	    cmocka_unit_test(many_at_once_are_called_a_cut),
	};

	return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
