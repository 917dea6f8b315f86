/*
 * At most one in the world, the decisions around it: whose a role lease is, how
 * many there may be, when one is started and fenced, what may run unseen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../../daemon/core/exclusive.h"

/* --- plans -------------------------------------------------------------------- */

enum { NODES = 80, PER_NODE_MAX = MESH_EXCLUSIVE_MAX + 1 };

static struct plan_instance instances[NODES][PER_NODE_MAX];
static struct plan_place places[NODES][2];
static struct plan_node plan_nodes[NODES];
static struct view_node nodes[NODES];
static struct plan_role roles[] = {
    {.name = "db", .on_split = PLAN_EXCLUSIVE}, {.name = "web", .on_split = PLAN_REPLACE}};

/* per_node instances of `role` on each of `count` nodes, web.* beside them. */
static struct plan
plan_of(const char *role, size_t count, size_t per_node)
{
	static struct plan_instance web = {.id = "web.1"};

	for (size_t i = 0; i < count; i++) {
		nodes[i] = (struct view_node){.id = {{(uint8_t)(i + 1)}}};
		snprintf(nodes[i].name, NAME_CAP, "n%03zu", i);
		plan_nodes[i] = (struct plan_node){.places = places[i], .places_count = 2};
		memcpy(plan_nodes[i].name, nodes[i].name, NAME_CAP);
		places[i][0] = (struct plan_place){
		    .instances = instances[i], .instances_count = per_node};
		snprintf(places[i][0].role, NAME_CAP, "%s", role);
		places[i][1] = (struct plan_place){.role = "web", .instances = &web, .instances_count = 1};
		for (size_t k = 0; k < per_node; k++)
			snprintf(instances[i][k].id, NAME_CAP, "%s.%zu-%zu", role, i, k);
	}
	return (struct plan){
	    .roles = roles, .roles_count = 2, .nodes = plan_nodes, .nodes_count = count};
}

static void
an_id_is_for_ever(void **state)
{
	(void)state;
	/* Two nodes of two versions must mean the same lease. */
	assert_true(exclusive_id("") == UINT64_C(0xcbf29ce484222325));
	assert_true(exclusive_id("a") == UINT64_C(0xaf63dc4c8601ec8c));
	assert_true(exclusive_id("db.1") != exclusive_id("db.2"));
}

static void
the_counts_are_bounded(void **state)
{
	(void)state;
	struct plan p = plan_of("db", 2, MESH_EXCLUSIVE_MAX);
	struct err err = {0};

	assert_int_equal(exclusive_check(&p, &err), 0);
	p = plan_of("db", 2, MESH_EXCLUSIVE_MAX + 1);
	assert_int_equal(exclusive_check(&p, &err), -1);
	assert_string_equal(err.text,
	    "nodes.n000: 65 instances of roles with on_split exclusive, at most 64 on one node; place some elsewhere");
	p = plan_of("web", 2, MESH_EXCLUSIVE_MAX + 1); /* of another policy as many as one likes */
	assert_int_equal(exclusive_check(&p, &err), 0);
	p = plan_of("db", MESH_OWNERS_MAX / MESH_EXCLUSIVE_MAX, MESH_EXCLUSIVE_MAX);
	assert_int_equal(exclusive_check(&p, &err), 0);
	p = plan_of("db", MESH_OWNERS_MAX / MESH_EXCLUSIVE_MAX + 1, MESH_EXCLUSIVE_MAX);
	assert_int_equal(exclusive_check(&p, &err), -1);
	assert_string_equal(err.text,
	    "nodes: 4160 instances of roles with on_split exclusive, at most 4096 in a mesh");
}

static void
owners_are_sorted_and_of_exclusive_roles_alone(void **state)
{
	(void)state;
	static struct mesh_owner out[MESH_OWNERS_MAX];
	struct plan p = plan_of("db", 5, 3);
	size_t n = exclusive_owners(&p, nodes, 5, out, MESH_OWNERS_MAX);

	assert_int_equal(n, 15);
	for (size_t i = 0; i < n; i++) {
		bool found = false;

		assert_true(i == 0 || out[i - 1].id < out[i].id);
		for (size_t k = 0; k < 15 && !found; k++)
			found = exclusive_id(instances[k / 3][k % 3].id) == out[i].id &&
			    id_eq(&out[i].node, &nodes[k / 3].id);
		assert_true(found);
	}
	assert_int_equal(exclusive_owners(&p, nodes, 5, out, 4), 4);
	assert_true(exclusive_any(&p));
	p.roles_count = 0;
	assert_false(exclusive_any(&p));
	assert_int_equal(exclusive_owners(&p, nodes, 5, out, MESH_OWNERS_MAX), 0);
}

/* A node that left, or that nobody knows, owns nothing; of two with one id the
 * same one is taken whatever the order. */
static void
an_owner_is_known_and_one(void **state)
{
	(void)state;
	static struct mesh_owner out[MESH_OWNERS_MAX];
	struct plan p = plan_of("db", 3, 1);

	nodes[1].state = VIEW_LEFT;
	assert_int_equal(exclusive_owners(&p, nodes, 2, out, MESH_OWNERS_MAX), 1);
	assert_true(id_eq(&out[0].node, &nodes[0].id));
	nodes[1].state = VIEW_NODE_FAILED; /* only cut off, perhaps */
	memcpy(instances[1][0].id, instances[2][0].id, NAME_CAP);
	memcpy(instances[0][0].id, instances[2][0].id, NAME_CAP);
	assert_int_equal(exclusive_owners(&p, nodes, 3, out, MESH_OWNERS_MAX), 1);
	assert_true(id_eq(&out[0].node, &nodes[0].id));
}

/* A role becomes exclusive while copies of before still run: db.0-0 at its owner n000,
 * db.1-0, whose owner is n001, somewhere. */
static void
who_runs_it_without_a_lease_is_waited_for(void **state)
{
	static const struct {
		const char *node; /* where a row of db.1-0 is */
		enum view_state state;
		uint64_t lease_ms, owner_ms; /* there; at its owner, where it runs, 0: no row */
		size_t left;
	} rows[] = {
	    {"n000", VIEW_RUNNING, 0, 0, 1},
	    {"n000", VIEW_STOPPING, 0, 0, 1},
	    {"n000", VIEW_BACKOFF, 0, 0, 1},
	    {"n000", VIEW_STARTING, 0, 0, 1},
	    {"n000", VIEW_EXITED, 0, 0, 2},
	    {"n000", VIEW_LOST, 0, 0, 2},   /* its node is dead */
	    {"n000", VIEW_RUNNING, 9, 0, 2}, /* it ends when its lease does */
	    {"n000", VIEW_RUNNING, 0, 9, 2}, /* one that came back from a split, and is stopped */
	    {"n001", VIEW_RUNNING, 0, 0, 2}, /* its own copy of before */
	    {"n009", VIEW_RUNNING, 0, 0, 2}, /* nobody knows that one */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct plan p = plan_of("db", 2, 1);
		struct mesh_owner owners[4];
		uint8_t marks[4];
		struct view_instance v[3] = {{.id = "db.0-0", .node = "n000", .state = VIEW_RUNNING},
		    {.id = "db.1-0", .state = rows[i].state, .lease_until_ms = rows[i].lease_ms},
		    {.id = "db.1-0", .node = "n001", .state = VIEW_RUNNING, .lease_until_ms = rows[i].owner_ms}};
		size_t n = exclusive_owners(&p, nodes, 2, owners, 4);

		assert_int_equal(n, 2);
		snprintf(v[1].node, sizeof v[1].node, "%s", rows[i].node);
		n = exclusive_hold(owners, n, nodes, 2, v, rows[i].owner_ms != 0 ? 3 : 2, marks);
		if (n != rows[i].left)
			fail_msg("row %zu: %zu owners", i, n);
		assert_true(n == 2 || owners[0].id == exclusive_id("db.0-0"));
	}
}

static void
wants_are_what_is_placed_here(void **state)
{
	(void)state;
	struct plan p = plan_of("db", 2, 3);
	uint64_t ids[8];

	assert_int_equal(exclusive_wants(&p, &plan_nodes[1], ids, 8), 3);
	assert_true(ids[2] == exclusive_id("db.1-2"));
	assert_int_equal(exclusive_wants(&p, &plan_nodes[1], ids, 2), 2);
	p = plan_of("web", 2, 3);
	assert_int_equal(exclusive_wants(&p, &plan_nodes[1], ids, 8), 0);
}

/* --- instances ------------------------------------------------------------------ */

static void
a_start_leaves_time_for_its_end(void **state)
{
	(void)state;
	assert_false(exclusive_may_start(0, 1000000));
	assert_false(exclusive_may_start(1000000 + SUP_LEASE_KILL_MS_MAX + 999, 1000000));
	assert_true(exclusive_may_start(1000000 + SUP_LEASE_KILL_MS_MAX + 1000, 1000000));
	/* A lease that is renewed in time always has that much. */
	assert_true(exclusive_may_start(MESH_ROLE_LEASE_MS - 3500, 0));
}

static void
only_what_is_up_and_renewed_is_fenced(void **state)
{
	(void)state;
	static const bool up[] = {[SUP_ST_STARTING] = true, [SUP_ST_RUNNING] = true,
	    [SUP_ST_BACKOFF] = true, [SUP_ST_GONE] = false};
	struct sup_event ev = {.policy = SUP_EXCLUSIVE};

	for (uint32_t s = SUP_ST_NONE; s <= SUP_ST_GONE; s++) {
		ev.state = s;
		assert_int_equal(exclusive_must_fence(&ev, 2000, 1999), up[s]);
		assert_false(exclusive_must_fence(&ev, 2000, 2000));
		assert_false(exclusive_must_fence(&ev, 0, 1999)); /* no longer wanted */
	}
	ev.state = SUP_ST_RUNNING;
	ev.policy = SUP_REPLACE;
	assert_false(exclusive_must_fence(&ev, 2000, 1999));
}

static void
what_may_live_is_not_called_gone(void **state)
{
	(void)state;
	struct sup_event ev = {.policy = SUP_EXCLUSIVE};

	for (uint32_t s = SUP_ST_NONE; s <= SUP_ST_GONE; s++) {
		ev.state = s;
		assert_int_equal(exclusive_lives(&ev),
		    s != SUP_ST_NONE && s != SUP_ST_GONE && s != SUP_ST_FAILED);
	}
	/* Its record can't be read: no policy, FAILED, but a deadline. */
	ev = (struct sup_event){.state = SUP_ST_FAILED, .lease_ms = 1};
	assert_true(exclusive_lives(&ev));
	ev.state = SUP_ST_GONE;
	assert_false(exclusive_lives(&ev));
	ev = (struct sup_event){.policy = SUP_REPLACE, .state = SUP_ST_RUNNING};
	assert_false(exclusive_lives(&ev));
}

/* --- STARTs under way ------------------------------------------------------------- */

static void
a_start_counts_until_a_state_after_its_answer(void **state)
{
	(void)state;
	struct exclusive_starts s = {0};

	exclusive_sent(&s, "db.1", 7);
	assert_int_equal(s.count, 1);
	/* The GONE of the life before was on its way: it says nothing of this one. */
	assert_true(exclusive_told(&s, "db.1"));
	assert_int_equal(s.count, 1);
	assert_false(exclusive_replied(&s, 6, true)); /* of something else */
	assert_false(exclusive_told(&s, "db.2"));
	assert_true(exclusive_replied(&s, 7, true));
	assert_int_equal(s.count, 1);
	assert_true(exclusive_told(&s, "db.1"));
	assert_int_equal(s.count, 0);
	assert_false(exclusive_told(&s, "db.1"));
}

static void
a_refused_start_runs_nothing(void **state)
{
	(void)state;
	struct exclusive_starts s = {0};

	exclusive_sent(&s, "db.1", 7);
	exclusive_sent(&s, "db.2", 8);
	assert_true(exclusive_replied(&s, 7, false));
	assert_int_equal(s.count, 1);
	assert_string_equal(s.items[0].instance, "db.2");
}

/* Asked again before the answer: the last one counts, the answer to the first
 * says only that it was taken over. */
static void
of_two_starts_the_last_counts(void **state)
{
	(void)state;
	struct exclusive_starts s = {0};

	exclusive_sent(&s, "db.1", 7);
	exclusive_sent(&s, "db.1", 8);
	assert_int_equal(s.count, 1);
	assert_false(exclusive_replied(&s, 7, true));
	exclusive_told(&s, "db.1");
	assert_int_equal(s.count, 1);
	assert_true(exclusive_replied(&s, 8, true));
	exclusive_sent(&s, "db.1", 9); /* and again: not answered */
	exclusive_told(&s, "db.1");
	assert_int_equal(s.count, 1);
}

/* A STOP drops a START that is not judged yet, and that is then never answered:
 * what counts is the answer to the STOP, and what is told after it. */
static void
a_stop_answers_for_the_start_before_it(void **state)
{
	(void)state;
	struct exclusive_starts s = {0};

	exclusive_stopped(&s, "db.1", 6); /* of nothing under way */
	assert_int_equal(s.count, 0);
	exclusive_sent(&s, "db.1", 7);
	exclusive_replied(&s, 7, true);
	exclusive_stopped(&s, "db.1", 8);
	exclusive_told(&s, "db.1");
	assert_int_equal(s.count, 1);
	assert_true(exclusive_replied(&s, 8, true));
	exclusive_told(&s, "db.1");
	assert_int_equal(s.count, 0);
}

/* Answers were lost: the LIST asked for after them has named what came of it. */
static void
a_list_answers_for_the_starts_before_it(void **state)
{
	(void)state;
	struct exclusive_starts s = {0};

	exclusive_sent(&s, "db.1", 7);
	exclusive_sent(&s, "db.2", 9);
	exclusive_sent(&s, "db.3", 5);
	exclusive_listed(&s, 8);
	assert_int_equal(s.count, 1);
	assert_string_equal(s.items[0].instance, "db.2");
}

static void
no_start_without_a_place_to_remember_it(void **state)
{
	(void)state;
	struct exclusive_starts s = {0};
	char name[NAME_CAP];

	for (uint64_t i = 0; i <= MESH_EXCLUSIVE_MAX; i++) {
		snprintf(name, sizeof name, "db.%d", (int)i);
		assert_int_equal(exclusive_room(&s, name), i < MESH_EXCLUSIVE_MAX);
		exclusive_sent(&s, name, i + 1);
	}
	assert_int_equal(s.count, MESH_EXCLUSIVE_MAX);
	assert_true(exclusive_room(&s, "db.0")); /* it has one */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_id_is_for_ever),
	    cmocka_unit_test(the_counts_are_bounded),
	    cmocka_unit_test(owners_are_sorted_and_of_exclusive_roles_alone),
	    cmocka_unit_test(an_owner_is_known_and_one),
	    cmocka_unit_test(who_runs_it_without_a_lease_is_waited_for),
	    cmocka_unit_test(wants_are_what_is_placed_here),
	    cmocka_unit_test(a_start_leaves_time_for_its_end),
	    cmocka_unit_test(only_what_is_up_and_renewed_is_fenced),
	    cmocka_unit_test(what_may_live_is_not_called_gone),
	    cmocka_unit_test(a_start_counts_until_a_state_after_its_answer),
	    cmocka_unit_test(a_refused_start_runs_nothing),
	    cmocka_unit_test(of_two_starts_the_last_counts),
	    cmocka_unit_test(a_stop_answers_for_the_start_before_it),
	    cmocka_unit_test(a_list_answers_for_the_starts_before_it),
	    cmocka_unit_test(no_start_without_a_place_to_remember_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
