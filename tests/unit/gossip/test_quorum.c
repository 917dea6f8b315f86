/* Who may lead: weights, the tie-breaker, sides below half, priorities. */
#include "world.h"

/* Nodes below `border` hear each other alone, and so do the others. */
static void
split(struct world *w, uint32_t border)
{
	for (uint32_t i = 0; i < w->count; i++)
		for (uint32_t j = 0; j < w->count; j++)
			w->deaf[i][j] = (i < border) != (j < border);
}

static enum mesh_grade
grade_of(const struct world *w, uint32_t i)
{
	return world_side(w, i).has_leader ? world_side(w, i).grade : MESH_GRADE_NONE;
}

/* Of two nodes the one that breaks ties goes on alone; the other does not. */
static void
the_tie_breaker_decides_a_half(void **state)
{
	struct mesh_policy policy = {.prefs = {{.name = "n1", .tie_breaker = true}}, .prefs_count = 1};
	struct world *w = world_new_policy(2, &policy);

	(void)state;
	world_run(w, 8000);
	assert_int_equal(world_side(w, 0).known, 2);
	assert_false(w->node[0]->roster.joint);
	split(w, 1);
	world_run(w, 8000);
	assert_int_equal(grade_of(w, 0), MESH_GRADE_NONE);
	assert_int_equal(grade_of(w, 1), MESH_GRADE_FULL);
	split(w, 0);
	world_run(w, 9000);
	assert_int_equal(grade_of(w, 0), MESH_GRADE_FULL);
	world_kill(w, 0);
	world_run(w, 6000);
	assert_int_equal(grade_of(w, 1), MESH_GRADE_FULL);
	world_free(w);
}

/* Without one, neither half of four is full. */
static void
no_tie_breaker_no_half(void **state)
{
	struct world *w = world_new(4, MESH_QUORUM_MAJORITY);

	(void)state;
	world_run(w, 8000);
	split(w, 2);
	world_run(w, 8000);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(grade_of(w, i), MESH_GRADE_NONE);
	world_free(w);
}

/* A heavy node outweighs two light ones; and the weights outlive a restart. */
static void
weights_are_the_rosters(void **state)
{
	struct mesh_policy policy = {.prefs = {{.name = "n0", .weight = 3}}, .prefs_count = 1};
	struct world *w = world_new_policy(3, &policy);

	(void)state;
	world_run(w, 8000);
	assert_int_equal(world_side(w, 2).known, 3);
	assert_int_equal(world_side(w, 2).known_weight, 5);
	/* Restarted without the configuration, all of them: what was agreed holds. */
	w->policy.prefs_count = 0;
	for (uint32_t i = 0; i < 3; i++)
		world_kill(w, i);
	for (uint32_t i = 0; i < 3; i++)
		world_isolate(w, i, true);
	for (uint32_t i = 0; i < 3; i++)
		world_start(w, i);
	assert_int_equal(world_side(w, 2).known_weight, 5);
	w->deaf[1][2] = w->deaf[2][1] = false;
	world_run(w, 8000);
	assert_int_equal(grade_of(w, 1), MESH_GRADE_NONE);
	assert_int_equal(grade_of(w, 2), MESH_GRADE_NONE);
	assert_int_equal(grade_of(w, 0), MESH_GRADE_FULL);
	assert_int_equal(world_side(w, 0).visible_weight, 3);
	world_free(w);
}

/* A leader configured otherwise changes the weights, jointly, and says nothing
 * of those whom it does not name. */
static void
a_change_of_weights_is_a_change_of_roster(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	uint64_t version;

	(void)state;
	world_run(w, 8000);
	version = w->node[0]->roster.id.version;
	w->policy.prefs[0] = (struct mesh_pref){.name = "n2", .weight = 7};
	w->policy.prefs_count = 1;
	for (uint32_t i = 0; i < 3; i++) {
		world_kill(w, i);
		world_start(w, i);
		world_run(w, 8000);
	}
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(world_side(w, i).known_weight, 9);
		assert_false(w->node[i]->roster.joint);
	}
	assert_true(w->node[0]->roster.id.version >= version + 2);
	world_free(w);
}

/* `min: 2` of five: two go on, one alone does not. */
static void
min_counts_heads(void **state)
{
	struct mesh_policy policy = {.quorum = MESH_QUORUM_MIN, .quorum_min = 2};
	struct world *w = world_new_policy(5, &policy);

	(void)state;
	world_run(w, 8000);
	split(w, 2);
	world_run(w, 12000);
	assert_int_equal(grade_of(w, 0), MESH_GRADE_DEGRADED);
	assert_int_equal(grade_of(w, 4), MESH_GRADE_FULL);
	split(w, 0);
	world_run(w, 9000);
	split(w, 1);
	world_run(w, 12000);
	assert_int_equal(grade_of(w, 0), MESH_GRADE_NONE);
	assert_int_equal(grade_of(w, 1), MESH_GRADE_FULL);
	world_free(w);
}

/* `weight: 4` of seven: the side of weight 3 stands still though it has most heads. */
static void
weight_counts_weight(void **state)
{
	struct mesh_policy policy = {.quorum = MESH_QUORUM_WEIGHT, .quorum_min = 2,
	    .prefs = {{.name = "n0", .weight = 4}}, .prefs_count = 1};
	struct world *w = world_new_policy(4, &policy);

	(void)state;
	world_run(w, 8000);
	split(w, 1);
	world_run(w, 12000);
	assert_int_equal(grade_of(w, 0), MESH_GRADE_FULL); /* 4 of 7 */
	assert_int_equal(grade_of(w, 1), MESH_GRADE_DEGRADED); /* 3 >= 2 */
	world_isolate(w, 1, true);
	world_run(w, 12000);
	assert_int_equal(grade_of(w, 1), MESH_GRADE_NONE); /* 1 < 2 */
	assert_int_equal(grade_of(w, 2), MESH_GRADE_DEGRADED);
	world_free(w);
}

/* `degraded: {min: 1, after: 10s}`: not before. */
static void
degraded_waits(void **state)
{
	struct mesh_policy policy = {.degraded_min = 1, .degraded_after_ms = 10000};
	struct world *w = world_new_policy(3, &policy);
	uint32_t lonely;
	msec cut;

	(void)state;
	world_run(w, 8000);
	lonely = world_leader(w);
	world_isolate(w, lonely, true);
	cut = w->now;
	for (; w->now < cut + 9800; world_step(w))
		assert_int_not_equal(grade_of(w, lonely), MESH_GRADE_DEGRADED);
	world_run(w, 5000);
	assert_int_equal(grade_of(w, lonely), MESH_GRADE_DEGRADED);
	assert_int_equal(grade_of(w, (lonely + 1) % 3), MESH_GRADE_FULL);
	world_isolate(w, lonely, false);
	world_run(w, 9000);
	assert_int_equal(world_side(w, world_leader(w)).grade, MESH_GRADE_FULL);
	world_free(w);
}

/* The one with the highest priority asks first, whatever the hash says. */
static void
priority_asks_first(void **state)
{
	(void)state;
	for (uint32_t first = 1; first < 5; first++) {
		struct mesh_policy policy = {.prefs_count = 2,
		    .prefs = {{.name = "n0", .priority = 3}, {.priority = 2}}};
		struct world *w;

		snprintf(policy.prefs[1].name, NAME_CAP, "n%u", first);
		w = world_new_policy(5, &policy);
		world_run(w, 8000);
		if (world_leader(w) != 0) {
			world_kill(w, world_leader(w));
			world_run(w, 8000);
		}
		assert_int_equal(world_leader(w), 0);
		world_kill(w, 0);
		world_run(w, 8000);
		assert_int_equal(world_leader(w), first);
		world_free(w);
	}
}

/* A leader hands over to whom it is told, at once; nobody else can. */
static void
leadership_is_handed_over(void **state)
{
	struct world *w = world_new(5, MESH_QUORUM_MAJORITY);
	struct node_id nobody = {{9}}, to;
	uint32_t leader, next;
	uint64_t term;

	(void)state;
	world_run(w, 8000);
	leader = world_leader(w);
	next = (leader + 3) % 5;
	to = world_id(next);
	term = world_side(w, leader).term;
	assert_int_equal(mesh_hand_over(w->node[next], w->now, &to), -ERR_NOT_LEADER);
	assert_int_equal(mesh_hand_over(w->node[leader], w->now, &nobody), -ERR_UNKNOWN);
	assert_int_equal(world_leader(w), leader);
	assert_int_equal(mesh_hand_over(w->node[leader], w->now, &to), 0);
	world_run(w, 100);
	assert_int_equal(world_leader(w), next);
	assert_true(world_side(w, next).term > term);
	assert_int_equal(grade_of(w, leader), MESH_GRADE_FULL);
	/* To anybody. */
	assert_int_equal(mesh_hand_over(w->node[next], w->now, NULL), 0);
	world_run(w, 3000);
	assert_int_not_equal(world_leader(w), next);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_tie_breaker_decides_a_half),
	    cmocka_unit_test(no_tie_breaker_no_half),
	    cmocka_unit_test(weights_are_the_rosters),
	    cmocka_unit_test(a_change_of_weights_is_a_change_of_roster),
	    cmocka_unit_test(min_counts_heads),
	    cmocka_unit_test(weight_counts_weight),
	    cmocka_unit_test(degraded_waits),
	    cmocka_unit_test(priority_asks_first),
	    cmocka_unit_test(leadership_is_handed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
