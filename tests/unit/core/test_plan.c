/*
 * A script's answer against the world: what is taken, and for everything else
 * the line that says where and why (rows 35-41 of the bad inputs).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "planworld.h"

static void
takes_everything(void **state)
{
	(void)state;
	struct plan p;
	struct err err;

	assert_int_equal(check("{'changes': ['web: 1 -> 2'], 'errors': {'db': 'main.lua:3: oops'},"
	    " 'nodes': {'b': {'roles': {'web': {'sandbox': 'web', 'instances': {}}}, 'vars': {}},"
	    "  'a': {'vars': {'z': 1}, 'roles': {'web': {'sandbox': 'web', 'vars': {'p': 2},"
	    "   'instances': {'web.2': {'process': 'web', 'image': 'web-v1', 'vars': {'port': 80}},"
	    "                 'web.1': {'process': 'web', 'image': 'web-v2'}}}}}},"
	    " 'query': {'load': ' node_load1 '}, 'replies': {}, 'roles': {'web': {'on_split': 'keep', 'template': 'web/v2',"
	    "  'version': 'v14', 'vars': {'list': [1, 2]}, 'update': {'step': 3}}},"
	    " 'state': {'n': [1, {'x': null}]}, 'vars': {'g': true}, 'why': {'web.1': 'sticky'},"
	    " 'missing': [{'role': 'web', 'node': 'c', 'image': 'web-v9'}]}", &p, &err), 0);
	assert_int_equal(p.roles_count, 1);
	assert_string_equal(p.roles[0].version, "v14");
	assert_string_equal(p.roles[0].template_name, "web/v2");
	assert_true(hash_eq(&p.roles[0].template_hash, &templates[1].hash));
	assert_int_equal(p.roles[0].on_split, PLAN_KEEP);
	assert_mp(blob_slice(&p.roles[0].vars), "{'list': [1, 2]}");
	assert_mp(blob_slice(&p.roles[0].update), "{'step': 3}");
	assert_int_equal(p.nodes_count, 2);
	assert_string_equal(p.nodes[0].name, "a");
	const struct plan_place *pl = plan_place(plan_node(&p, "a"), "web");
	assert_non_null(pl);
	assert_int_equal(pl->instances_count, 2);
	assert_string_equal(pl->instances[0].id, "web.1");
	assert_string_equal(pl->instances[1].image, "web-v1");
	assert_mp(blob_slice(&pl->instances[1].vars), "{'port': 80}");
	assert_mp(blob_slice(&pl->vars), "{'p': 2}");
	assert_null(plan_place(plan_node(&p, "b"), "front"));
	assert_null(plan_node(&p, "c"));
	assert_null(plan_role(&p, "we"));
	assert_mp(blob_slice(&p.state), "{'n': [1, {'x': null}]}");
	assert_mp(blob_slice(&p.query), "{'load': ' node_load1 '}");
	assert_mp(blob_slice(&p.why), "{'web.1': 'sticky'}");
	assert_mp(blob_slice(&p.changes), "['web: 1 -> 2']");
	assert_int_equal(p.errors_count, 1);
	assert_string_equal(p.errors[0].text, "main.lua:3: oops");
	assert_int_equal(p.missing_count, 1);
	assert_string_equal(p.missing[0].what, "image web-v9");
	plan_free(&p);
	assert_null(p.roles);
}

static void
an_empty_table_is_a_map(void **state)
{
	(void)state;
	struct plan p;
	struct err err;

	assert_int_equal(check("[]", &p, &err), 0);
	plan_free(&p);
	assert_int_equal(check("{'roles': [], 'nodes': {'a': {'roles': [], 'vars': []}}}", &p, &err), 0);
	assert_int_equal(p.nodes_count, 1);
	assert_int_equal(p.nodes[0].vars.len, 0);
	plan_free(&p);
}

static void
what_a_node_lacks_is_listed_once(void **state)
{
	(void)state;
	struct plan p;
	struct err err;

	assert_int_equal(check("{" WEB ", 'nodes': {'a': {'roles': {'web': {'sandbox': 'big',"
	    " 'instances': {'web.1': {'process': 'x', 'image': 'team/web-v9'},"
	    "  'web.2': {'process': 'x', 'image': 'web-v1'},"
	    "  'web.3': {'process': 'x', 'image': 'team/web-v9'}}}}}}}", &p, &err), 0);
	assert_int_equal(p.missing_count, 2);
	assert_string_equal(p.missing[0].what, "sandbox big");
	assert_string_equal(p.missing[1].what, "image team/web-v9");
	assert_string_equal(p.missing[1].node, "a");
	assert_string_equal(p.missing[1].role, "web");
	/* It stays in the plan: the node will say the same. */
	assert_int_equal(p.nodes[0].places[0].instances_count, 3);
	plan_free(&p);
}

static void
a_silent_node_lacks_nothing(void **state)
{
	(void)state;
	struct plan_world w = world();
	struct blob b = mpjson("{" WEB ", 'nodes': {'a': {'roles': {'web': {'sandbox': 'big',"
	    " 'instances': {'web.1': {'process': 'x', 'image': 'none'}}}}}}}");
	struct plan p;
	struct err err;

	nodes[1].reported = false;
	assert_int_equal(plan_check(b.b, b.len, &w, &p, &err), 0);
	assert_int_equal(p.missing_count, 0);
	plan_free(&p);
	blob_free(&b);
}

static const struct {
	const char *result, *line;
} bad[] = {
    /* 35: not a table */
    {"null", "expected the scheduler to return a table, got nil"},
    {"5", "expected the scheduler to return a table, got integer 5"},
    {"'x'", "expected the scheduler to return a table, got string 'x'"},
    {"[1]", "expected a map, got a list of 1"},
    /* unknown keys */
    {"{'rolse': {}}", "unknown key 'rolse'; did you mean 'roles'?"},
    {"{'qqqqqqqq': {}}", "unknown key 'qqqqqqqq' in the scheduler's answer; known: changes, errors, missing, nodes, query, replies, roles, state, vars, why"},
    {"{'roles': {}, 'roles': {}}", "roles: given twice"},
    {"{1: 2}", "key integer 1 is not a string"},
    /* 37, 38: values that no text can carry */
    {"{'state': {'x': [1, nan]}}", "state.x[2]: nan is not a number"},
    {"{'vars': {'x': inf}}", "vars.x: inf is not a number"},
    {"{'state': {'x': {1: 2}}}", "state.x: key integer 1 is not a string"},
    {"{'why': {'x': 'a\xff'}}", "why.x: not UTF-8 at byte 2"},
    {"{'state': {'a\xff': 1}}", "state.a\\xff: key is not UTF-8 at byte 2"},
    {"{'state': bin}", "state: expected a plain value, got a binary"},
    /* roles */
    {"{'roles': 5}", "roles: expected a map, got integer 5"},
    {"{'roles': {'Web': {}}}", "roles: role 'Web' must match [a-z0-9][a-z0-9_.-]{0,62}"},
    {"{'roles': {'../x': {}}}", "roles: role '../x' must match [a-z0-9][a-z0-9_.-]{0,62}"},
    {"{'roles': {'web': {'on_split': 'keep'}, 'web': {'on_split': 'keep'}}}",
	"roles: role 'web' given twice"},
    /* 39: nodes that are not */
    {"{'nodes': {'zz': {}}}", "nodes.zz: no such node (known: a, b, c)"},
    {"{'nodes': {'gone': {}}}", "nodes.gone: no such node (known: a, b, c)"},
    {"{'nodes': {'a': {'rols': {}}}}", "nodes.a: unknown key 'rols'; did you mean 'roles'?"},
    {"{'nodes': {'a': {}, 'a': {}}}", "nodes: node 'a' given twice"},
    /* beside the plan */
    {"{'errors': {'web': 5}}", "errors.web: expected a string, got integer 5"},
    {"{'missing': [{'node': 'a'}]}", "missing[1]: role is missing"},
    /* what all nodes are asked */
    {"{'replies': 'no'}", "replies: expected a map, got string 'no'"},
    {"{'replies': {'n1.1': 5}}", "replies.n1.1: expected a string, or {ok = false, text = ...}, got integer 5"},
    {"{'replies': {'n1.1': {'ok': 'no', 'text': 'x'}}}", "replies.n1.1.ok: expected true or false, got string 'no'"},
    {"{'replies': {'n1.1': {'ok': false}}}", "replies.n1.1: text is missing"},
    {"{'replies': {'n1.1': {'txt': 'x'}}}", "replies.n1.1: unknown key 'txt'; did you mean 'text'?"},
    {"{'replies': {'n1.1': {'text': 'x', 'roles': ['a', 'B!']}}}",
	"replies.n1.1.roles[2]: 'B!' must match [a-z0-9][a-z0-9_.-]{0,62}"},
    {"{'replies': {'n1.1': {'text': ['x']}}}", "replies.n1.1.text: expected a string, got a list of 1"},
    {"{'query': 'node_load1'}", "query: expected a map, got string 'node_load1'"},
    {"{'query': {'load': 5}}", "query.load: expected a string, got integer 5"},
    {"{'query': {'Load': 'node_load1'}}", "query: query 'Load' must match [a-z0-9][a-z0-9_.-]{0,62}"},
    {"{'query': {'load': 'node_load1['}}", "query.load: 1:12: parse error: unexpected end of input in subquery or range selector, expected duration"},
    {"{'query': {'ok': 'sum(rate(x[1m]))', 'rps': 'x[1m]'}}",
	"query.rps: a query needs one figure for each series: not a range of them, nor a string"},
    {"{'query': {'load': 'node_load1', 'load': 'node_load1'}}",
	"query: a name is given twice, or out of memory"},
    {"{'missing': [{'role': 'a'}, {'rule': 'a'}]}",
	"missing[2]: unknown key 'rule'; did you mean 'role'?"},
};

static void
bad_answers_have_their_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct plan p;
		struct err err = {0};

		memset(&p, 0x55, sizeof p);
		assert_int_equal(check(bad[i].result, &p, &err), -1);
		assert_string_equal(err.text, bad[i].line);
		assert_null(p.roles);
		assert_int_equal(p.nodes_count, 0);
	}
}

static void
an_unknown_node_names_few_of_many(void **state)
{
	(void)state;
	struct view_node many[30];
	struct plan_world w = {many, ARRAY_LEN(many), NULL, 0};
	struct blob b = mpjson("{'nodes': {'zz': {}}}");
	struct plan p;
	struct err err;
	char name[8];

	for (size_t i = 0; i < ARRAY_LEN(many); i++) {
		snprintf(name, sizeof name, "n%02zu", i);
		many[i] = world_node(name);
	}
	assert_int_equal(plan_check(b.b, b.len, &w, &p, &err), -1);
	assert_string_equal(err.text,
	    "nodes.zz: no such node (known: n00, n01, n02, n03, n04, n05, n06, n07, n08, n09, ...)");
	blob_free(&b);
}

static void
nesting_is_bounded(void **state)
{
	(void)state;
	uint8_t deep[4096];
	struct plan_world w = world();
	struct plan p;
	struct err err;

	memset(deep, 0x91, sizeof deep); /* [[[[... */
	memcpy(deep, "\x81\xa5state", 7);
	deep[sizeof deep - 1] = 0xc0;
	assert_int_equal(plan_check(deep, sizeof deep, &w, &p, &err), -1);
	assert_string_equal(
	    err.text, "the scheduler's result is broken or nested deeper than 32");
}

static void
counts_are_bounded(void **state)
{
	(void)state;
	struct plan_world w = world();
	struct plan p;
	struct err err;
	struct blob b;
	struct pack pk;
	char id[32];

	pack_begin(&pk, 16 << 20);
	pack_map(&pk, 1);
	pack_str(&pk, "roles");
	pack_map(&pk, PLAN_ROLES_MAX + 1);
	for (int i = 0; i < PLAN_ROLES_MAX + 1; i++) {
		snprintf(id, sizeof id, "r%d", i);
		pack_str(&pk, id);
		pack_map(&pk, 0);
	}
	assert_int_equal(pack_end(&pk, &b), 0);
	assert_int_equal(plan_check(b.b, b.len, &w, &p, &err), -1);
	assert_string_equal(err.text, "roles: 1025 roles, at most 1024");
	blob_free(&b);
	pack_begin(&pk, 16 << 20);
	pack_map(&pk, 1);
	pack_str(&pk, "query");
	pack_map(&pk, VIEW_ANSWERS_MAX + 1);
	for (int i = 0; i < VIEW_ANSWERS_MAX + 1; i++) {
		snprintf(id, sizeof id, "q%d", i);
		pack_str(&pk, id);
		pack_str(&pk, "node_load1");
	}
	assert_int_equal(pack_end(&pk, &b), 0);
	assert_int_equal(plan_check(b.b, b.len, &w, &p, &err), -1);
	assert_string_equal(err.text, "query: 65 entries, at most 64");
	blob_free(&b);
}

/* 64 nodes with a web each, whose vars are 8 KiB; the node `wrong` has one of another role. */
static struct blob
large(int wrong)
{
	static char text[8192];
	struct blob b;
	struct pack pk;
	char name[NAME_CAP];

	memset(text, 'x', sizeof text - 1);
	pack_begin(&pk, 4 << 20);
	pack_map(&pk, 2);
	pack_str(&pk, "nodes");
	pack_map(&pk, 64);
	for (int i = 0; i < 64; i++) {
		snprintf(name, sizeof name, "n%02d", (i * 37) % 64);
		pack_str(&pk, name);
		pack_map(&pk, 1);
		pack_str(&pk, "roles");
		pack_map(&pk, 1);
		pack_str(&pk, "web");
		pack_map(&pk, 2);
		pack_str(&pk, "sandbox");
		pack_str(&pk, "web");
		pack_str(&pk, "instances");
		pack_map(&pk, 1);
		snprintf(name, sizeof name, i == wrong ? "db.%d" : "web.%d", i);
		pack_str(&pk, name);
		pack_map(&pk, 3);
		pack_str(&pk, "image");
		pack_str(&pk, "web-v1");
		pack_str(&pk, "process");
		pack_str(&pk, "web");
		pack_str(&pk, "vars");
		pack_map(&pk, 1);
		pack_str(&pk, "text");
		pack_str(&pk, text);
	}
	pack_str(&pk, "roles");
	pack_map(&pk, 1);
	pack_str(&pk, "web");
	pack_map(&pk, 1);
	pack_str(&pk, "on_split");
	pack_str(&pk, "replace");
	assert_int_equal(pack_end(&pk, &b), 0);
	return b;
}

/* None longer than said, and together what plan_check makes of it whole; ended anywhere. */
static void
an_answer_is_checked_in_pieces(void **state)
{
	static struct view_node many[64];
	struct plan_world w = {many, 64, NULL, 0};
	struct blob b = large(-1);
	struct check *c;
	struct plan p;
	struct err err;
	int pieces, rc;

	(void)state;
	for (int i = 0; i < 64; i++) {
		char name[NAME_CAP];

		snprintf(name, sizeof name, "n%02d", i);
		many[i] = world_node(name);
	}
	for (int stop = 0; stop < 20; stop++) {
		assert_non_null(c = plan_check_begin(b.b, b.len, &w));
		for (pieces = 0, rc = 1; rc > 0 && pieces < stop; pieces++)
			rc = plan_check_more(c, &p, &err);
		plan_check_end(c);
		if (rc == 0)
			break;
	}
	/* The look at the whole, the pieces, and what needs all of them. */
	assert_int_equal(rc, 0);
	assert_int_equal(pieces, 1 + (int)(b.len / PLAN_PIECE_BYTES + 1) + 1);
	assert_int_equal(p.nodes_count, 64);
	for (int i = 0; i < 64; i++) {
		assert_string_equal(p.nodes[i].name, many[i].name);
		assert_int_equal(p.nodes[i].places[0].instances_count, 1);
	}
	plan_free(&p);
	blob_free(&b);
	b = large(60);
	assert_non_null(c = plan_check_begin(b.b, b.len, &w));
	for (rc = 1; rc > 0;)
		rc = plan_check_more(c, &p, &err);
	assert_int_equal(rc, 0);
	assert_int_equal(p.errors_count, 1);
	assert_string_equal(p.errors[0].text,
	    "nodes.n44.roles.web.instances.db.60: an instance of role 'web' is named web.N or web.KEY");
	assert_int_equal(p.nodes_count, 64);
	assert_int_equal(p.nodes[0].places_count, 0);
	plan_free(&p);
	plan_check_end(c);
	blob_free(&b);
}

/* A good answer, cut and bent in every place: never more than an error. */
static void
broken_bytes_are_only_an_error(void **state)
{
	(void)state;
	struct plan_world w = world();
	struct blob b = mpjson("{" WEB ", 'state': [1.5, -3, true], 'nodes': {'a': {'roles':"
	    " {'web': {'sandbox': 'web', 'instances': {'web.1': {'process': 'p', 'image': 'i',"
	    " 'vars': {'x': ['y']}}}}}}}, 'errors': {'db': 'x'}}");
	size_t taken = 0, refused = 0;

	for (size_t len = 0; len < b.len; len++) {
		uint8_t *copy = malloc(len + 1);
		struct plan p;
		struct err err;

		memcpy(copy, b.b, len);
		assert_int_equal(plan_check(copy, len, &w, &p, &err), -1);
		free(copy);
	}
	for (size_t at = 0; at < b.len; at++)
		for (unsigned bit = 0; bit < 8; bit++) {
			uint8_t *copy = malloc(b.len);
			struct plan p;
			struct err err;

			memcpy(copy, b.b, b.len);
			copy[at] ^= (uint8_t)(1u << bit);
			if (plan_check(copy, b.len, &w, &p, &err) == 0) {
				bool whole = true;

				for (size_t i = 0; i < p.errors_count; i++)
					whole = whole && !p.errors[i].refused;
				taken += whole;
				refused += !whole;
				plan_free(&p);
			} else {
				refused++;
			}
			free(copy);
		}
	assert_true(taken > 0 && refused > taken);
	blob_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(takes_everything),
	    cmocka_unit_test(an_empty_table_is_a_map),
	    cmocka_unit_test(what_a_node_lacks_is_listed_once),
	    cmocka_unit_test(a_silent_node_lacks_nothing),
	    cmocka_unit_test(bad_answers_have_their_line),
	    cmocka_unit_test(an_unknown_node_names_few_of_many),
	    cmocka_unit_test(nesting_is_bounded),
	    cmocka_unit_test(counts_are_bounded),
	    cmocka_unit_test(an_answer_is_checked_in_pieces),
	    cmocka_unit_test(broken_bytes_are_only_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
