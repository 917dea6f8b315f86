/*
 * The rails: what is held, what is not, and what lifts it (row 40).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../daemon/core/rail.h"
#include "mpjson.h"
#include "world.h"

enum { NODES = 10 };

static struct view_node nodes[NODES];
static struct view_instance running[400];
static size_t running_count;

/* n0 ... n9, all alive; nothing runs. */
static int
setup(void **state)
{
	char name[16];

	(void)state;
	for (int i = 0; i < NODES; i++) {
		snprintf(name, sizeof name, "n%d", i);
		nodes[i] = world_node(name);
	}
	running_count = 0;
	return 0;
}

static void
runs(const char *role, int key, int node, enum view_state st)
{
	struct view_instance *v = &running[running_count++];

	memset(v, 0, sizeof *v);
	snprintf(v->id, sizeof v->id, "%s.%d", role, key);
	snprintf(v->role, sizeof v->role, "%s", role);
	snprintf(v->node, sizeof v->node, "n%d", node);
	v->state = st;
}

/* role.from ... role.to-1 spread over nodes first..NODES-1; rest is more keys
 * of the answer, or "". */
static struct plan
plan_of(const char *role, int from, int to, int first, const char *vars, const char *rest)
{
	struct plan_world w = {nodes, NODES, NULL, 0};
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	struct plan p;
	struct err err;

	fprintf(f, "{'roles': {'%s': {'on_split': 'replace', 'vars': %s}}, %s 'nodes': {", role, vars,
	    rest);
	for (int n = first; n < NODES; n++) {
		fprintf(f, "'n%d': {'roles': {'%s': {'sandbox': 'web', 'instances': {", n, role);
		for (int i = from; i < to; i++)
			if (i % (NODES - first) + first == n)
				fprintf(f, "'%s.%d': {'process': 'p', 'image': 'web-v1'}, ", role, i);
		fprintf(f, "}}}}, ");
	}
	fprintf(f, "}}");
	fclose(f);
	struct blob b = mpjson(text);

	if (plan_check(b.b, b.len, &w, &p, &err) != 0)
		fail_msg("%s", err.text);
	blob_free(&b);
	free(text);
	return p;
}

static struct plan
web(int from, int to)
{
	return plan_of("web", from, to, 0, "{}", "");
}

static void
web_runs(int count)
{
	for (int i = 0; i < count; i++)
		runs("web", i, i % NODES, VIEW_RUNNING);
}

static size_t
instances(const struct plan *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->nodes_count; i++)
		for (size_t k = 0; k < p->nodes[i].places_count; k++)
			n += p->nodes[i].places[k].instances_count;
	return n;
}

static struct rail_in
in_of(const struct plan *last)
{
	return (struct rail_in){.last = last, .running = running, .running_count = running_count,
	    .nodes = nodes, .nodes_count = NODES, .stamp = "7.0a0b0c0d.3"};
}

/* Apply; returns the line, or "" when nothing is held. */
static const char *
line(struct plan *new, const struct rail_in *in)
{
	static char text[400];
	struct rail r;

	assert_int_equal(rail_apply(new, in, &r), 0);
	text[0] = '\0';
	if (r.held_count > 0)
		snprintf(text, sizeof text, "%s: %s", r.held[0].role, r.held[0].why);
	rail_free(&r);
	return text;
}

static void
mass_stop_is_held_and_old_parts_stand(void **state)
{
	(void)state;
	struct plan last = web(0, 50), new = web(0, 5);

	web_runs(50);
	struct rail_in in = in_of(&last);

	assert_string_equal(line(&new, &in),
	    "web: would stop 45 of 50 instances (limit 30%); confirm with mesh apply --force 7.0a0b0c0d.3");
	assert_int_equal(instances(&new), 50);
	assert_non_null(plan_role(&new, "web"));
	plan_free(&new);
	/* Not naming the role at all is the same wish. */
	new = plan_of("other", 0, 1, 0, "{}", "");
	assert_string_equal(line(&new, &in),
	    "web: would stop 50 of 50 instances (limit 30%); confirm with mesh apply --force 7.0a0b0c0d.3");
	assert_int_equal(instances(&new), 51);
	assert_int_equal(new.roles_count, 2);
	assert_string_equal(new.roles[0].name, "other");
	plan_free(&new);
	plan_free(&last);
}

static void
both_limits_must_break(void **state)
{
	(void)state;
	struct plan last = web(0, 8), new = web(3, 8);

	web_runs(8);
	struct rail_in in = in_of(&last);

	/* 3 of 8 is 37 %, but three. */
	assert_string_equal(line(&new, &in), "");
	assert_int_equal(instances(&new), 5);
	plan_free(&new);
	new = web(4, 8);
	assert_true(strlen(line(&new, &in)) > 0);
	plan_free(&new);
	plan_free(&last);
	/* 15 of 50 is thirty percent, not more. */
	running_count = 0;
	web_runs(50);
	last = web(0, 50);
	new = web(15, 50);
	in = in_of(&last);
	assert_string_equal(line(&new, &in), "");
	plan_free(&new);
	new = web(16, 50);
	assert_string_equal(line(&new, &in),
	    "web: would stop 16 of 50 instances (limit 30%); confirm with mesh apply --force 7.0a0b0c0d.3");
	plan_free(&new);
	plan_free(&last);
}

static void
moves_and_replacements_do_not_count(void **state)
{
	(void)state;
	struct plan last = web(0, 20), new = plan_of("web", 0, 20, 5, "{}", "");

	web_runs(20);
	struct rail_in in = in_of(&last);

	assert_string_equal(line(&new, &in), "");
	plan_free(&new);
	new = web(20, 40); /* every one under a new name */
	assert_string_equal(line(&new, &in), "");
	plan_free(&new);
	new = web(10, 23); /* ten gone, three new */
	assert_string_equal(line(&new, &in),
	    "web: would stop 7 of 20 instances (limit 30%); confirm with mesh apply --force 7.0a0b0c0d.3");
	plan_free(&new);
	plan_free(&last);
}

static void
the_lost_do_not_count(void **state)
{
	(void)state;
	struct plan last = web(0, 20), new = web(0, 10);

	/* Half of the nodes died with ten instances, which are given up. */
	for (int i = 5; i < NODES; i++)
		nodes[i].state = VIEW_NODE_FAILED;
	for (int i = 0; i < 10; i++)
		runs("web", i, i % 5, VIEW_RUNNING);
	for (int i = 10; i < 20; i++)
		runs("web", i, 5 + i % 5, VIEW_RUNNING);
	struct rail_in in = in_of(&last);

	assert_string_equal(line(&new, &in), "");
	assert_int_equal(instances(&new), 10);
	plan_free(&new);
	/* Those that come back elsewhere replace nothing that is stopped. */
	new = web(10, 20);
	assert_string_equal(line(&new, &in),
	    "web: would stop 10 of 10 instances (limit 30%); confirm with mesh apply --force 7.0a0b0c0d.3");
	plan_free(&new);
	plan_free(&last);
}

static void
a_folded_copy_is_one_instance(void **state)
{
	(void)state;
	struct plan last = web(0, 10), new = web(0, 10);

	web_runs(10);
	for (int i = 0; i < 10; i++) /* the other side ran them too */
		runs("web", i, (i + 5) % NODES, VIEW_RUNNING);
	struct rail_in in = in_of(&last);

	assert_string_equal(line(&new, &in), "");
	plan_free(&new);
	plan_free(&last);
}

static void
silent_nodes_are_believed(void **state)
{
	(void)state;
	struct plan last = web(0, 50), new = web(0, 0);

	for (int i = 0; i < NODES; i++)
		nodes[i].reported = false;
	struct rail_in in = in_of(&last); /* a new leader: nothing heard yet */

	assert_string_equal(line(&new, &in),
	    "web: would stop 50 of 50 instances (limit 30%); confirm with mesh apply --force 7.0a0b0c0d.3");
	assert_int_equal(instances(&new), 50);
	plan_free(&new);
	/* Those that told: nothing runs there any more. */
	new = web(0, 0);
	for (int i = 0; i < NODES; i++)
		nodes[i].reported = true;
	assert_string_equal(line(&new, &in), "");
	plan_free(&new);
	plan_free(&last);
}

static void
an_emptied_list_is_held(void **state)
{
	(void)state;
	struct plan last = plan_of("front", 0, 2, 0, "{'backends': ['a', 'b', 'c'], 'port': 80}", "");
	struct plan new = plan_of("front", 0, 2, 0, "{'backends': [], 'port': 81}", "");
	struct rail_in in = in_of(&last);

	assert_string_equal(line(&new, &in),
	    "front: would empty the list vars.backends (had 3); confirm with mesh apply --force 7.0a0b0c0d.3");
	assert_mp(blob_slice(&plan_role(&new, "front")->vars),
	    "{'backends': ['a', 'b', 'c'], 'port': 80}");
	plan_free(&new);
	new = plan_of("front", 0, 2, 0, "{'backends': {}}", ""); /* Lua's {} */
	assert_true(strlen(line(&new, &in)) > 0);
	plan_free(&new);
	new = plan_of("front", 0, 2, 0, "{'backends': ['a'], 'port': 81}", "");
	assert_string_equal(line(&new, &in), "");
	plan_free(&new);
	new = plan_of("front", 0, 2, 0, "{'port': 81}", ""); /* renamed, not emptied */
	assert_string_equal(line(&new, &in), "");
	plan_free(&new);
	plan_free(&last);
	last = plan_of("front", 0, 2, 0, "{'backends': []}", "");
	new = plan_of("front", 0, 2, 0, "{'backends': []}", "");
	in.last = &last;
	assert_string_equal(line(&new, &in), "");
	plan_free(&new);
	plan_free(&last);
}

/* Of a role on its nodes: all at once is no wish, one alone may be. */
static void
an_emptied_list_on_all_nodes_is_held(void **state)
{
	static const char *const vars[] = {"{'to': ['x', 'y']}", "{'to': []}", "{'to': ['x']}"};
	struct plan p[3];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct plan_world w = {nodes, NODES, NULL, 0};
		char text[400];
		struct err err;

		/* p[2]: emptied on n1 alone. */
		snprintf(text, sizeof text,
		    "{'roles': {'web': {'on_split': 'replace'}}, 'nodes': {"
		    "'n1': {'roles': {'web': {'sandbox': 'web', 'vars': %s}}},"
		    "'n2': {'roles': {'web': {'sandbox': 'web', 'vars': %s}}}}}",
		    i == 2 ? vars[1] : vars[i], vars[i]);
		struct blob b = mpjson(text);
		assert_int_equal(plan_check(b.b, b.len, &w, &p[i], &err), 0);
		blob_free(&b);
	}
	struct rail_in in = in_of(&p[0]);

	assert_string_equal(line(&p[2], &in), "");
	assert_string_equal(line(&p[1], &in),
	    "web: would empty the list vars.to (had 2); confirm with mesh apply --force 7.0a0b0c0d.3");
	for (size_t i = 0; i < 3; i++)
		plan_free(&p[i]);
}

static void
an_operator_s_word_is_meant(void **state)
{
	static const char *const acted[] = {"db", "web"};
	struct plan last = web(0, 50), new = web(0, 5);

	(void)state;
	web_runs(50);
	struct rail_in in = in_of(&last);

	in.acted = acted;
	in.acted_count = 2;
	assert_string_equal(line(&new, &in), "");
	assert_int_equal(instances(&new), 5);
	/* Of another role it says nothing. */
	in.acted_count = 1;
	assert_int_not_equal(line(&new, &in)[0], '\0');
	plan_free(&last);
	plan_free(&new);
}

/* What the schedule in force does not place any more ends now: the next one does not stop it
 * again.  With another parent, as after a heal, it may be that one's. */
static void
what_stops_already_does_not_count(void **state)
{
	struct plan last = web(0, 5), new = web(0, 5);

	(void)state;
	web_runs(50);
	struct rail_in in = in_of(&last);

	in.alone = true;
	assert_string_equal(line(&new, &in), "");
	in.alone = false;
	assert_int_not_equal(line(&new, &in)[0], '\0');
	plan_free(&last);
	plan_free(&new);
}

static void
the_stamp_stands_while_the_wish_does(void **state)
{
	(void)state;
	struct plan last = web(0, 50), new = web(0, 5);
	struct rail first, second, third;
	const char *forced[] = {"7.0a0b0c0d.3"};

	web_runs(50);
	struct rail_in in = in_of(&last);

	assert_int_equal(rail_apply(&new, &in, &first), 0);
	plan_free(&new);
	new = web(0, 5);
	in.before = &first;
	in.stamp = "7.0a0b0c0d.9";
	assert_int_equal(rail_apply(&new, &in, &second), 0);
	assert_string_equal(second.held[0].stamp, "7.0a0b0c0d.3");
	plan_free(&new);
	/* Confirmed: it passes, and the plan is the script's own. */
	new = web(0, 5);
	in.before = &second;
	in.forced = forced;
	in.forced_count = 1;
	assert_int_equal(rail_apply(&new, &in, &third), 0);
	assert_int_equal(third.held_count, 0);
	assert_int_equal(instances(&new), 5);
	plan_free(&new);
	rail_free(&third);
	/* But what was confirmed is not a bigger wish. */
	new = web(0, 4);
	assert_int_equal(rail_apply(&new, &in, &third), 0);
	assert_string_equal(third.held[0].why,
	    "would stop 46 of 50 instances (limit 30%); confirm with mesh apply --force 7.0a0b0c0d.9");
	plan_free(&new);
	rail_free(&first);
	rail_free(&second);
	rail_free(&third);
	/* A role's name lifts whatever it wants. */
	new = web(0, 0);
	forced[0] = "web";
	in.before = NULL;
	assert_string_equal(line(&new, &in), "");
	plan_free(&new);
	plan_free(&last);
}

static void
a_role_with_an_error_keeps_its_part(void **state)
{
	(void)state;
	struct plan last = web(0, 50);
	struct plan new = plan_of("other", 0, 1, 0, "{}", "'errors': {'web': 'main.lua:1: x'},");
	struct rail r;

	web_runs(50);
	struct rail_in in = in_of(&last);

	assert_int_equal(rail_apply(&new, &in, &r), 0);
	assert_int_equal(r.held_count, 0);
	assert_false(r.blocked);
	assert_int_equal(instances(&new), 51);
	assert_non_null(plan_role(&new, "web"));
	rail_free(&r);
	plan_free(&new);
	plan_free(&last);
}

static void
a_refused_role_keeps_its_part(void **state)
{
	(void)state;
	struct plan last = web(0, 50);
	struct plan new = plan_of("web", 0, 1, 0, "5", "");
	struct rail r;

	web_runs(50);
	struct rail_in in = in_of(&last);

	assert_string_equal(new.errors[0].text, "roles.web.vars: expected a map, got integer 5");
	assert_int_equal(instances(&new), 0);
	assert_int_equal(rail_apply(&new, &in, &r), 0);
	assert_int_equal(r.held_count, 0);
	assert_false(r.blocked);
	assert_int_equal(instances(&new), 50);
	assert_int_equal(plan_role(&new, "web")->vars.len, plan_role(&last, "web")->vars.len);
	rail_free(&r);
	plan_free(&new);
	/* What never was is not there. */
	new = plan_of("fresh", 0, 1, 0, "5", "");
	assert_int_equal(rail_keep_failed(&new, &last, in.nodes, in.nodes_count), 0);
	assert_int_equal(new.roles_count, 0);
	assert_int_equal(instances(&new), 0);
	plan_free(&new);
	plan_free(&last);
}

static void
nothing_to_keep_blocks(void **state)
{
	(void)state;
	struct plan new = web(0, 5);
	struct rail r;

	web_runs(50);
	struct rail_in in = in_of(NULL);

	assert_int_equal(rail_apply(&new, &in, &r), 0);
	assert_int_equal(r.held_count, 1);
	assert_true(r.blocked);
	rail_free(&r);
	plan_free(&new);
}

static void
a_member_that_left_keeps_nothing(void **state)
{
	(void)state;
	struct plan last = web(0, 50), new = web(0, 5);

	web_runs(50);
	nodes[3].state = VIEW_LEFT;
	struct rail_in in = in_of(&last);

	assert_true(strlen(line(&new, &in)) > 0);
	assert_int_equal(instances(&new), 45);
	plan_free(&new);
	plan_free(&last);
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(mass_stop_is_held_and_old_parts_stand),
	    TEST(both_limits_must_break),
	    TEST(moves_and_replacements_do_not_count),
	    TEST(the_lost_do_not_count),
	    TEST(a_folded_copy_is_one_instance),
	    TEST(silent_nodes_are_believed),
	    TEST(an_emptied_list_is_held),
	    TEST(the_stamp_stands_while_the_wish_does),
	    TEST(an_emptied_list_on_all_nodes_is_held),
	    TEST(an_operator_s_word_is_meant),
	    TEST(what_stops_already_does_not_count),
	    TEST(a_role_with_an_error_keeps_its_part),
	    TEST(a_refused_role_keeps_its_part),
	    TEST(nothing_to_keep_blocks),
	    TEST(a_member_that_left_keeps_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
