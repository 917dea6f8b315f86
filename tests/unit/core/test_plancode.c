/*
 * A version and a template of a place's own: checked, carried, kept by a rail.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "../../../daemon/core/railkeep.h"
#include "../../../daemon/core/schedule.h"
#include "mpjson.h"
#include "world.h"

static const struct plan_template templates[] = {{"web", {{1}}}, {"web-2", {{2}}}};

static int
check(const char *text, struct plan *out, struct err *err)
{
	struct view_node nodes[] = {world_node("a"), world_node("b")};
	struct plan_world w = {nodes, 2, templates, 2};
	struct blob b = mpjson(text);
	int rc = plan_check(b.b, b.len, &w, out, err);

	blob_free(&b);
	return rc;
}

/* An update goes round: some nodes have the new version and template, others the role's. */
static void
are_as_the_answer_says(const struct plan *p)
{
	const struct plan_place *here = plan_place(plan_node(p, "a"), "web");
	const struct plan_place *there = plan_place(plan_node(p, "b"), "web");
	const struct hash *hash;

	assert_null(here->code);
	assert_null(plan_holder(plan_node(p, "b")));
	assert_string_equal(plan_version(&p->roles[0], here), "v1");
	assert_string_equal(plan_template(&p->roles[0], here, &hash), "web");
	assert_int_equal(hash->b[0], 1);
	assert_string_equal(plan_version(&p->roles[0], there), "v2");
	assert_string_equal(plan_template(&p->roles[0], there, &hash), "web-2");
	assert_int_equal(hash->b[0], 2);
}

#define ANSWER                                                                                  \
	"{'roles': {'web': {'on_split': 'keep', 'version': 'v1', 'template': 'web'}},"          \
	" 'nodes': {'a': {'roles': {'web': {}}}, 'b': {'roles': {'web': {'version': 'v2', 'template': 'web-2'}}}}}"

static void
it_travels(void **state)
{
	struct schedule_meta m = {.stamp = {.term = 7, .seq = 1}, .grade = MESH_GRADE_FULL};
	struct crypto c = world_crypto();
	struct plan p, q;
	struct schedule s;
	struct hash h;
	struct err err;

	(void)state;
	assert_int_equal(check(ANSWER, &p, &err), 0);
	are_as_the_answer_says(&p);
	memcpy(m.pk, world_pk, KEY_BYTES);
	world_hash(NULL, &h, world_pk, KEY_BYTES);
	memcpy(m.stamp.leader.b, h.b, ID_BYTES);
	assert_int_equal(schedule_build(&s, &p, &m, &c, &err), 0);
	assert_int_equal(schedule_plan(&s, &q), 0);
	are_as_the_answer_says(&q);
	schedule_free(&s);
	plan_free(&q);
	plan_free(&p);
}

static void
a_rail_keeps_it(void **state)
{
	struct view_node nodes[] = {world_node("a"), world_node("b")};
	struct plan last, p;
	struct err err;

	(void)state;
	assert_int_equal(check(ANSWER, &last, &err), 0);
	assert_int_equal(check("{'roles': {'web': {'on_split': 'keep'}}, 'nodes': {'b': {'roles': {'web': {'version': 'v3'}}}}}",
			     &p, &err), 0);
	assert_int_equal(railkeep_role(&p, &last, "web", nodes, 2), 0);
	are_as_the_answer_says(&p);
	plan_free(&p);
	plan_free(&last);
}

static void
what_is_not_there_is_refused(void **state)
{
	const struct hash *hash;
	struct plan p;
	struct err err;

	(void)state;
	assert_int_equal(check("{'roles': {'web': {'on_split': 'keep'}}, 'nodes': {'a': {'roles': {'web': {'template': 'web-3'}}}}}",
			     &p, &err), 0);
	assert_string_equal(p.errors[0].text,
	    "nodes.a.roles.web.template: no such template 'web-3'; did you mean 'web-2'? (known: web, web-2)");
	plan_free(&p);
	assert_int_equal(check("{'roles': {'web': {'on_split': 'keep'}}, 'nodes': {'a': {'roles': {'web': {'version': 'V 1'}}}}}",
			     &p, &err), 0);
	assert_string_equal(p.errors[0].text, "nodes.a.roles.web.version: 'V 1' must match [a-z0-9][a-z0-9_.-]{0,62}");
	plan_free(&p);
	assert_string_equal(plan_version(NULL, NULL), "");
	assert_string_equal(plan_template(NULL, NULL, &hash), "");
	assert_int_equal(hash->b[0], 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_travels),
	    cmocka_unit_test(a_rail_keeps_it),
	    cmocka_unit_test(what_is_not_there_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
