/*
 * test_scheduleplan.c - a schedule of many parts read back as a plan, some at a time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "../../../daemon/core/schedule.h"
#include "mpjson.h"
#include "world.h"

static struct schedule
build(const struct plan *p, uint64_t seq)
{
	struct schedule_meta m = {.stamp = {.term = 7, .seq = seq}, .grade = MESH_GRADE_FULL};
	struct crypto c = world_crypto();
	struct schedule s;
	struct hash h;
	struct err err;

	world_hash(NULL, &h, world_pk, KEY_BYTES);
	memcpy(m.stamp.leader.b, h.b, ID_BYTES);
	memcpy(m.pk, world_pk, KEY_BYTES);
	if (schedule_build(&s, p, &m, &c, &err) != 0)
		fail_msg("%s", err.text);
	return s;
}

/* The same plan, and the same bytes again, however many pieces it took; given up in any. */
static void
it_is_read_in_pieces(void **state)
{
	enum { MANY = 1000 };
	struct plan p = {0}, some = {0};
	struct schedule s, again;
	size_t at = 0;
	int pieces = 0, rc = 1;

	(void)state;
	p.roles = calloc(1, sizeof *p.roles);
	p.roles_count = 1;
	strcpy(p.roles[0].name, "web");
	p.roles[0].update = mpjson("{'step': 2}");
	p.vars = mpjson("{'g': true}");
	p.nodes = calloc(MANY, sizeof *p.nodes);
	p.nodes_count = MANY;
	for (int i = 0; i < MANY; i++) {
		snprintf(p.nodes[i].name, NAME_CAP, "n%04d", i);
		p.nodes[i].vars = mpjson("{'n': 1}");
	}
	s = build(&p, 1);
	for (; rc > 0; pieces++)
		rc = schedule_plan_more(&s, &at, &some);
	assert_int_equal(rc, 0);
	assert_int_equal(pieces, 3);
	assert_int_equal(some.nodes_count, MANY);
	again = build(&some, 1);
	assert_int_equal(schedule_compare(&s, &again), SCHEDULE_SAME);
	plan_free(&some);
	at = 0;
	assert_int_equal(schedule_plan_more(&s, &at, &some), 1);
	plan_free(&some);
	plan_free(&p);
	schedule_free(&s);
	schedule_free(&again);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_is_read_in_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
