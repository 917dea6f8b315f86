/*
 * What is wrong within a role's part is that role's error, with its line, and the others go on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "planworld.h"

/* The role web has failed, and is not in the plan. */
static const struct {
	const char *result, *line;
} bad_role[] = {
    {"{'roles': {'web': {}}}", "roles.web: on_split is missing; allowed: replace, keep, exclusive"},
    {"{'roles': {'web': {'on_split': 'keep', 'update': {'max_unavailable': 0}}}}",
	"roles.web.update.max_unavailable: must be a whole number from 1 to 1000"},
    {"{'roles': {'web': {'on_split': 'keep', 'update': {'step': [1], 'max_unavailable': '2'}}}}",
	"roles.web.update.max_unavailable: must be a whole number from 1 to 1000"},
    {"{'roles': {'web': {'on_split': 'kepe'}}}",
	"roles.web.on_split: 'kepe' is not a policy; allowed: replace, keep, exclusive"},
    {"{'roles': {'web': {'on_split': '\1abc'}}}",
	"roles.web.on_split: '\\x01abc' is not a policy; allowed: replace, keep, exclusive"},
    {"{'roles': {'web': {'on_split': 'keep', 'template': '\1\33x'}}}",
	"roles.web.template: no such template '\\x01\\x1bx' (known: front/v1, web/v2)"},
    {"{'roles': {'web': {'on_split': 3}}}", "roles.web.on_split: expected a string, got integer 3"},
    {"{'roles': {'web': {'on-split': 'keep'}}}",
	"roles.web: unknown key 'on-split'; did you mean 'on_split'?"},
    {"{'roles': {'web': {'on_split': 'keep', 'version': 1.5}}}",
	"roles.web.version: expected a name, got 1.5"},
    {"{'roles': {'web': {'on_split': 'keep', 'version': 'V 1'}}}",
	"roles.web.version: 'V 1' must match [a-z0-9][a-z0-9_.-]{0,62}"},
    {"{'roles': {'web': {'on_split': 'keep', 'template': 'web/v3'}}}",
	"roles.web.template: no such template 'web/v3'; did you mean 'web/v2'? (known: front/v1, web/v2)"},
    {"{'roles': {'web': {'on_split': 'keep', 'vars': [1]}}}",
	"roles.web.vars: expected a map, got a list of 1"},
    {"{'roles': {'web': {'on_split': 'keep', 'vars': {'ports': [80, bin]}}}}",
	"roles.web.vars.ports[2]: expected a plain value, got a binary"},
    {"{'nodes': {'a': {'roles': {'web': {}}}}}",
	"nodes.a.roles.web: role 'web' is not in roles: give it a version and on_split there"},
    {AT_A("'web': {'instance': {}}"),
	"nodes.a.roles.web: unknown key 'instance'; did you mean 'instances'?"},
    {AT_A("'web': {'instances': nan}"),
	"nodes.a.roles.web.instances: expected a map, got nan"},
    {AT_A("'web': {'instances': 3}"),
	"nodes.a.roles.web.instances: expected a map, got integer 3"},
    {AT_A("'web': {'instances': {'web.1': {'process': 'p', 'image': 'i'}}}"),
	"nodes.a.roles.web: sandbox is missing"},
    /* instances */
    {ON_A("'db.1': {'process': 'p', 'image': 'i'}"),
	"nodes.a.roles.web.instances.db.1: an instance of role 'web' is named web.N or web.KEY"},
    {ON_A("'web.': {}"),
	"nodes.a.roles.web.instances.web.: an instance of role 'web' is named web.N or web.KEY"},
    {ON_A("'web/1': {}"),
	"nodes.a.roles.web.instances: instance 'web/1' must match [a-z0-9][a-z0-9_.-]{0,62}"},
    {ON_A("'web.3': {'image': 'i'}"),
	"nodes.a.roles.web.instances.web.3: process is missing: the name of a container of the role"},
    {ON_A("'web.3': {'process': 'p'}"), "nodes.a.roles.web.instances.web.3: image is missing"},
    {ON_A("'web.3': {'process': 'p', 'image': '../x'}"),
	"nodes.a.roles.web.instances.web.3.image: '../x' is not an image: names of [A-Za-z0-9_.-] joined by '/'"},
    {ON_A("'web.3': {'process': 'p', 'image': 'i', 'cmd': '/bin/sh'}"),
	"nodes.a.roles.web.instances.web.3: unknown key 'cmd'; known: image, process, vars"},
    {ON_A("'web.3': 1"), "nodes.a.roles.web.instances.web.3: expected a map, got integer 1"},
    {ON_A("'web.3': {'process': 'p', 'image': 'i'}, 'web.3': {'process': 'p', 'image': 'i'}"),
	"instance 'web.3' scheduled on a and a"},
    /* 41 */
    {"{" WEB ", 'nodes': {"
     "'b': {'roles': {'web': {'sandbox': 'web', 'instances': {'web.1': {'process': 'p', 'image': 'i'}}}}},"
     "'a': {'roles': {'web': {'sandbox': 'web', 'instances': {'web.1': {'process': 'p', 'image': 'i'}}}}}}}",
	"instance 'web.1' scheduled on a and b"},
};

static void
a_bad_role_has_its_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad_role); i++) {
		struct plan p;
		struct err err = {0};

		assert_int_equal(check(bad_role[i].result, &p, &err), 0);
		assert_int_equal(p.errors_count, 1);
		assert_string_equal(p.errors[0].role, "web");
		assert_string_equal(p.errors[0].text, bad_role[i].line);
		assert_true(p.errors[0].refused);
		assert_int_equal(p.roles_count, 0);
		for (size_t k = 0; k < p.nodes_count; k++)
			assert_int_equal(p.nodes[k].places_count, 0);
		plan_free(&p);
	}
}

/* One instance of a role on a node. */
#define PLACED(role, template) "'" role "': {'sandbox': 's'" template \
	", 'instances': {'" role ".1': {'process': 'p', 'image': 'i'}}}"

static void
the_other_roles_go_on(void **state)
{
	struct plan p;
	struct err err;

	(void)state;
	/* An image, a template, an unknown node, another's id: each of its own role. */
	assert_int_equal(check("{'errors': {'own': 'main.lua:3: oops', 'zz': 'x'}, 'nodes': {"
	    " 'b': {'roles': {" PLACED("good", "") ", " PLACED("own", ", 'template': 'none'") "}},"
	    " 'zz': {'vars': {'x': 1}, 'roles': {" PLACED("lost", "") "}},"
	    " 'a': {'roles': {" PLACED("lost", "") ", " PLACED("one", "") ", " PLACED("tpl", "") ","
	    "   'img': {'sandbox': 's', 'instances': {'img.1': {'process': 'p', 'image': 'a b'}}}}},"
	    " 'c': {'roles': {" PLACED("one", "") ", " PLACED("img", "") "}}},"
	    " 'roles': {'good': {'on_split': 'keep', 'version': 'v1'}, 'img': {'on_split': 'keep'},"
	    "  'lost': {'on_split': 'keep'}, 'never': {'on_split': 'nie'}, 'one': {'on_split': 'keep'},"
	    "  'own': {'on_split': 'keep'}, 'tpl': {'template': 'frnt/v1', 'on_split': 'keep', 'vars': {'a': 1}}},"
	    " 'state': {'x': 1}}", &p, &err), 0);
	assert_int_equal(p.roles_count, 1);
	assert_string_equal(p.roles[0].name, "good");
	assert_int_equal(p.nodes_count, 3);
	assert_int_equal(p.nodes[0].places_count, 0);
	assert_int_equal(p.nodes[1].places_count, 1);
	assert_string_equal(p.nodes[1].places[0].instances[0].id, "good.1");
	assert_mp(blob_slice(&p.state), "{'x': 1}");
	static const struct plan_error want[] = {
	    {"img", "nodes.a.roles.img.instances.img.1.image: 'a b' is not an image: names of [A-Za-z0-9_.-] joined by '/'", true},
	    {"lost", "nodes.zz: no such node (known: a, b, c)", true},
	    {"never", "roles.never.on_split: 'nie' is not a policy; allowed: replace, keep, exclusive", true},
	    {"one", "instance 'one.1' scheduled on a and c", true},
	    {"own", "main.lua:3: oops", false},
	    {"tpl", "roles.tpl.template: no such template 'frnt/v1'; did you mean 'front/v1'? (known: front/v1, web/v2)", true},
	    {"zz", "x", false},
	};
	assert_int_equal(p.errors_count, ARRAY_LEN(want));
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		assert_string_equal(p.errors[i].role, want[i].role);
		assert_string_equal(p.errors[i].text, want[i].text);
		assert_int_equal(p.errors[i].refused, want[i].refused);
	}
	plan_free(&p);
}

static void
pack_large(struct pack *pk, const char *key)
{
	static char text[PLAN_PART_BYTES_MAX];

	memset(text, 'x', sizeof text - 1);
	pack_str(pk, key);
	pack_map(pk, 1);
	pack_str(pk, "k");
	pack_str(pk, text);
}

/* A role, or its share of a node, that no part of a schedule has room for. */
static void
what_fits_no_part_is_its_role_s_error(void **state)
{
	struct plan_world w = world();
	struct plan p;
	struct err err;
	struct blob b;
	struct pack pk;

	(void)state;
	pack_begin(&pk, 16 << 20);
	pack_map(&pk, 2);
	pack_str(&pk, "nodes");
	pack_map(&pk, 1);
	pack_str(&pk, "a");
	pack_map(&pk, 1);
	pack_str(&pk, "roles");
	pack_map(&pk, 1);
	pack_str(&pk, "db");
	pack_map(&pk, 1);
	pack_large(&pk, "vars");
	pack_str(&pk, "roles");
	pack_map(&pk, 3);
	for (int i = 0; i < 3; i++) {
		pack_str(&pk, &"db\0ok\0web"[3 * i]);
		pack_map(&pk, i == 2 ? 2 : 1);
		pack_str(&pk, "on_split");
		pack_str(&pk, "keep");
		if (i == 2)
			pack_large(&pk, "vars");
	}
	assert_int_equal(pack_end(&pk, &b), 0);
	assert_int_equal(plan_check(b.b, b.len, &w, &p, &err), 0);
	assert_int_equal(p.roles_count, 1);
	assert_string_equal(p.roles[0].name, "ok");
	assert_int_equal(p.errors_count, 2);
	assert_string_equal(p.errors[0].text, "nodes.a.roles.db: 512 KiB, at most 511 KiB; make its vars smaller");
	assert_string_equal(p.errors[1].text, "roles.web: 512 KiB, at most 511 KiB; make its vars smaller");
	plan_free(&p);
	blob_free(&b);
}

/* 1024 in the script's errors, and one that is refused. */
static void
failures_are_bounded(void **state)
{
	struct plan_world w = world();
	struct plan p;
	struct err err;
	struct blob b;
	struct pack pk;
	char id[32];

	(void)state;
	pack_begin(&pk, 16 << 20);
	pack_map(&pk, 2);
	pack_str(&pk, "errors");
	pack_map(&pk, PLAN_ROLES_MAX);
	for (int i = 0; i < PLAN_ROLES_MAX; i++) {
		snprintf(id, sizeof id, "r%d", i);
		pack_str(&pk, id);
		pack_str(&pk, "x");
	}
	pack_str(&pk, "roles");
	pack_map(&pk, 1);
	pack_str(&pk, "web");
	pack_map(&pk, 0);
	assert_int_equal(pack_end(&pk, &b), 0);
	assert_int_equal(plan_check(b.b, b.len, &w, &p, &err), -1);
	assert_string_equal(err.text, "errors: more roles failed than there may be");
	blob_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_bad_role_has_its_line),
	    cmocka_unit_test(the_other_roles_go_on),
	    cmocka_unit_test(failures_are_bounded),
	    cmocka_unit_test(what_fits_no_part_is_its_role_s_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
