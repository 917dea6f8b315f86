/*
 * Lifeguard's local health (LHA-probe, paper §4.1): who gets no answer asks itself first,
 * probes slower and waits longer, and is well again by answers.
 */
#include "world.h"

enum { COUNT = 5, PERIOD_MS = 1000, ASK_MS = 500, HEALTH_MAX = 8 };

static uint32_t
health(const struct world *w, uint32_t i)
{
	return w->node[i]->swim.health;
}

/* To the beginning of its next probe. */
static void
next_probe(struct world *w, uint32_t i)
{
	msec was = w->node[i]->swim.probe_at;

	while (w->node[i]->swim.probe_at == was)
		world_step(w);
}

/* Each probe takes as long as it felt when that began. */
static void
paced(struct world *w, uint32_t i)
{
	const struct swim *s = &w->node[i]->swim;

	assert_int_equal(s->probe_at - s->sent, PERIOD_MS * (1 + (msec)s->health));
	assert_int_equal(s->ask_at - s->sent, ASK_MS * (1 + (msec)s->health));
}

static void
who_is_deaf_blames_itself_and_slows_down(void **state)
{
	uint32_t leader, other, before = 0;
	struct world *w = world_settled(COUNT, &leader, &other);

	(void)state;
	next_probe(w, other);
	assert_int_equal(health(w, other), 0);
	paced(w, other);
	for (uint32_t i = 0; i < COUNT; i++)
		w->deaf[i][other] = true;
	next_probe(w, other); /* one that was answered already */
	for (int k = 0; k < 3; k++) {
		before = health(w, other);
		next_probe(w, other);
		assert_int_equal(health(w, other), before + 1);
		paced(w, other);
	}
	memset(w->deaf, 0, sizeof w->deaf);
	world_run(w, 60000);
	assert_int_equal(health(w, other), 0);
	next_probe(w, other);
	paced(w, other);
	world_free(w);
}

/* Others say that they don't hear it either: then it is not this node. */
static void
who_is_told_so_does_not(void **state)
{
	uint32_t leader, other, dead, i;
	struct world *w = world_settled(COUNT, &leader, &other);

	(void)state;
	dead = (other + 1) % COUNT == leader ? (other + 2) % COUNT : (other + 1) % COUNT;
	i = members_find_id(&w->node[other]->ms, &w->node[dead]->ms.m[0].id);
	next_probe(w, other);
	world_kill(w, dead);
	swim_ask_next(w->node[other], i);
	next_probe(w, other);
	assert_int_equal(w->node[other]->swim.target, i);
	next_probe(w, other);
	assert_int_equal(world_state(w, other, dead), MESH_SUSPECT);
	assert_int_equal(health(w, other), 0);
	world_free(w);
}

/* To be suspected is a sign of it too, and each answer one against it. */
static void
who_has_to_refute_blames_itself(void **state)
{
	uint32_t leader, other;
	struct world *w = world_settled(COUNT, &leader, &other);
	struct member *self = &w->node[other]->ms.m[0];

	(void)state;
	next_probe(w, other);
	for (uint32_t k = 1; k <= HEALTH_MAX + 2; k++) {
		struct rumour lie = {.state = MESH_SUSPECT, .id = self->id,
		    .generation = self->generation, .incarnation = self->incarnation};

		assert_int_equal(rumour_hear(w->node[other], w->now, &lie), 0);
		assert_int_equal(health(w, other), k < HEALTH_MAX ? k : HEALTH_MAX);
	}
	next_probe(w, other); /* the answer to the one under way came before, or now */
	for (uint32_t was = health(w, other); was > 0; was--) {
		next_probe(w, other);
		assert_int_equal(health(w, other), was - 1);
	}
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_is_deaf_blames_itself_and_slows_down),
	    cmocka_unit_test(who_is_told_so_does_not),
	    cmocka_unit_test(who_has_to_refute_blames_itself),
	};

	return cmocka_run_group_tests_name("awareness", tests, NULL, NULL);
}
