/*
 * test_status.c - what is said of a side in one line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../daemon/io/status.h"

/* Nobody has given the suspects up, and they are not here. */
static void
suspects_are_not_here(void **state)
{
	static const struct {
		struct mesh_side side;
		const char *text;
	} rows[] = {
	    {{.grade = MESH_GRADE_FULL, .visible = 3, .known = 3, .visible_weight = 4, .known_weight = 4},
		"full: 3 of 3 visible, weight 4 of 4"},
	    {{.grade = MESH_GRADE_NONE, .visible = 3, .unheard = 2, .known = 3, .visible_weight = 4,
		 .unheard_weight = 3, .known_weight = 4},
		"none: 1 of 3 visible, 2 suspected, weight 1 of 4"},
	    {{.grade = MESH_GRADE_DEGRADED, .visible = 2, .unheard = 1, .known = 5, .visible_weight = 2,
		 .unheard_weight = 1, .known_weight = 5},
		"degraded: 1 of 5 visible, 1 suspected, weight 1 of 5"},
	};
	char text[STATUS_SIDE_CAP];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(status_side_text(&rows[i].side, text), rows[i].text);
	/* The longest there is. */
	assert_non_null(status_side_text(&(struct mesh_side){.grade = MESH_GRADE_DEGRADED, .visible = UINT32_MAX,
			    .known = UINT32_MAX, .unheard = UINT32_MAX - 1000000000, .visible_weight = UINT32_MAX,
			    .known_weight = UINT32_MAX}, text));
	assert_non_null(strstr(text, "weight 4294967295 of 4294967295"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(suspects_are_not_here),
	};

	return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
