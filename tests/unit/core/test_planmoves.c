/*
 * How far two plans are from each other.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "../../../daemon/core/planmoves.h"

enum { MOST = 4 };

/* Two nodes with one role; an instance by its number, none is 0. */
struct toy {
	struct plan_instance of[2][MOST];
	struct plan_place places[2];
	struct plan_node nodes[2];
	struct plan_role role;
	struct plan plan;
};

static void
make(struct toy *t, const int on[2][MOST], const char *image)
{
	memset(t, 0, sizeof *t);
	snprintf(t->role.name, NAME_CAP, "web");
	for (int n = 0; n < 2; n++) {
		struct plan_place *p = &t->places[n];

		snprintf(p->role, NAME_CAP, "web");
		snprintf(t->nodes[n].name, NAME_CAP, "n%d", n + 1);
		t->nodes[n].places = p;
		t->nodes[n].places_count = 1;
		p->instances = t->of[n];
		for (int i = 0; i < MOST && on[n][i] != 0; i++) {
			snprintf(p->instances[i].id, NAME_CAP, "web.%d", on[n][i]);
			snprintf(p->instances[i].image, VIEW_IMAGE_CAP, "%s", image);
			p->instances_count++;
		}
	}
	t->plan = (struct plan){.roles = &t->role, .roles_count = 1, .nodes = t->nodes, .nodes_count = 2};
}

static void
counts(void **state)
{
	static const int a[2][MOST] = {{1, 2, 3}, {4}}, b[2][MOST] = {{2, 4}, {3, 5}};
	static struct toy from, to;
	struct planmoves m;

	(void)state;
	make(&from, a, "v1");
	make(&to, b, "v1");
	assert_int_equal(planmoves_count(&from.plan, &to.plan, &m), 0);
	assert_int_equal(m.added, 1);	/* 5 */
	assert_int_equal(m.removed, 1); /* 1 */
	assert_int_equal(m.moved, 2);	/* 3, 4 */
	assert_int_equal(m.changed + m.roles, 0);
	assert_false(planmoves_none(&m));
}

static void
same_and_changed(void **state)
{
	static const int a[2][MOST] = {{1, 2}, {3}};
	static struct toy from, to;
	struct planmoves m;
	struct plan nothing = {0};

	(void)state;
	make(&from, a, "v1");
	make(&to, a, "v1");
	assert_int_equal(planmoves_count(&from.plan, &to.plan, &m), 0);
	assert_true(planmoves_none(&m));
	make(&to, a, "v2");
	snprintf(to.role.version, NAME_CAP, "v2");
	assert_int_equal(planmoves_count(&from.plan, &to.plan, &m), 0);
	assert_int_equal(m.changed, 3);
	assert_int_equal(m.roles, 1);
	assert_int_equal(planmoves_count(&from.plan, &nothing, &m), 0);
	assert_int_equal(m.removed, 3);
	assert_int_equal(m.roles, 1);
	assert_int_equal(planmoves_count(&nothing, &from.plan, &m), 0);
	assert_int_equal(m.added, 3);
	assert_int_equal(m.roles, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(counts),
	    cmocka_unit_test(same_and_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
