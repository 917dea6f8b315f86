/*
 * test_foreign.c - the line of `mesh status` that names who speaks no version
 * of the wire that this node does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../../gossip/inner.h"
#include "wire.h"

#include "../../../daemon/io/foreign.h"

static void
speaks(struct mesh *m, uint8_t min, uint8_t max)
{
	m->conf.wire = m->seal.wire = (struct wire_range){.min = min, .max = max};
}

static void
the_line_names_who_speaks_what(void **state)
{
	static struct wire w;
	char text[FOREIGN_TEXT_CAP];

	(void)state;
	assert_true(wire_init(&w));
	assert_false(foreign_line(NULL, text, sizeof text));
	speaks(w.node[1], 0, 2);
	speaks(w.node[2], 1, 2);
	for (int ms = 0; ms < 20000 && !(foreign_line(w.node[0], text, sizeof text) &&
		 foreign_line(w.node[2], text, sizeof text)); ms++)
		wire_step(&w);
	assert_true(foreign_line(w.node[0], text, sizeof text));
	assert_string_equal(text, "no common wire version: n2 speaks 1 to 2, this node 0 to 0");
	assert_true(foreign_line(w.node[2], text, sizeof text));
	assert_string_equal(text, "no common wire version: n0 speaks 0 to 0, this node 1 to 2");
	assert_false(foreign_line(w.node[1], text, sizeof text));
	/* What does not fit is cut off between names. */
	assert_true(foreign_line(w.node[0], text, 40));
	assert_true(strlen(text) < 40);
	wire_free(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_line_names_who_speaks_what),
	};

	return cmocka_run_group_tests_name("foreign", tests, NULL, NULL);
}
