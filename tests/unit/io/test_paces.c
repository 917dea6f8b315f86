/*
 * test_paces.c - the line of `mesh status` that names who runs another profile.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../../gossip/inner.h"
#include "wire.h"

#include "../../../daemon/io/paces.h"

static void
runs(struct mesh *m, enum mesh_profile profile)
{
	m->conf.profile = profile < MESH_PROFILES ? profile : MESH_LAN;
	m->conf.wire.features = m->seal.wire.features = 0x100u | profile;
}

static void
who_differs_is_named_on_both_sides(void **state)
{
	static struct wire w;
	char text[PACES_TEXT_CAP];

	(void)state;
	assert_true(wire_init(&w));
	assert_false(paces_line(NULL, text, sizeof text));
	assert_false(paces_line(w.node[0], text, sizeof text)); /* nobody told his yet */
	runs(w.node[1], MESH_WAN);
	runs(w.node[2], MESH_LOCAL);
	for (int ms = 0; ms < 20000; ms++)
		wire_step(&w);
	assert_true(paces_line(w.node[0], text, sizeof text));
	assert_non_null(strstr(text, "profiles differ: "));
	assert_non_null(strstr(text, "n1 runs wan"));
	assert_non_null(strstr(text, "n2 runs local"));
	assert_non_null(strstr(text, ", this node lan"));
	assert_true(paces_line(w.node[2], text, sizeof text));
	assert_non_null(strstr(text, "n0 runs lan"));
	assert_non_null(strstr(text, ", this node local"));
	/* What does not fit is cut off between names. */
	assert_true(paces_line(w.node[0], text, 40));
	assert_true(strlen(text) < 40);
	wire_free(&w);
}

/* The same, or what a later version may call it. */
static void
one_profile_is_no_news(void **state)
{
	static struct wire w;
	char text[PACES_TEXT_CAP];

	(void)state;
	assert_true(wire_init(&w));
	runs(w.node[0], MESH_WAN);
	runs(w.node[1], MESH_WAN);
	runs(w.node[2], MESH_PROFILES);
	for (int ms = 0; ms < 20000; ms++)
		wire_step(&w);
	assert_true(paces_line(w.node[0], text, sizeof text));
	assert_string_equal(text, "profiles differ: n2 runs unknown, this node wan");
	wire_free(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_differs_is_named_on_both_sides),
	    cmocka_unit_test(one_profile_is_no_news),
	};

	return cmocka_run_group_tests_name("paces", tests, NULL, NULL);
}
