/*
 * test_ranges.c - the file of outside ids: found, added, and refused whenever
 * it is not exactly what we write, because a guess here is a wrong user.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../daemon/supervisor/ranges.h"

static const char file[] = "0 web\n1 db\n7 front\n";

static void
find(void **state)
{
	struct err err;
	uint32_t i = 99;

	(void)state;
	assert_true(ranges_find(file, strlen(file), 100, "web", &i, &err));
	assert_int_equal(i, 0);
	assert_true(ranges_find(file, strlen(file), 100, "front", &i, &err));
	assert_int_equal(i, 7);
	assert_false(ranges_find(file, strlen(file), 100, "we", &i, &err));
	assert_int_equal(err.code, 0);
	assert_int_equal(i, 8);
	assert_false(ranges_find("", 0, 100, "web", &i, &err));
	assert_int_equal(err.code, 0);
	assert_int_equal(i, 0);
	/* Full: the caller sees it by the index. */
	assert_false(ranges_find(file, strlen(file), 8, "new", &i, &err));
	assert_int_equal(err.code, 0);
	assert_int_equal(i, 8);
}

static void
refuse(void **state)
{
	static const char *const bad[] = {"x\n", "web\n", "0\n", "0 \n", "0  web\n",
	    "00 web\n", "-1 web\n", "+1 web\n", " 0 web\n", "0 web", "0 web \n",
	    "0 we/b\n", "\n", "0 web\n\n1 db\n", "0 web\n0 db\n",
	    "0 web\n1 web\n", "100 web\n", "54855 web\n", "4294967295 web\n",
	    "4294967296 web\n", "99999999999999999999 web\n", "0\tweb\n",
	    "garbage\n0 web\n", "0 web\ngarbage\n", "0 web\r\n"};
	struct err err;
	uint32_t i;

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(bad); k++) {
		i = 99;
		if (ranges_find(bad[k], strlen(bad[k]), 100, "web", &i, &err))
			fail_msg("accepted: '%s'", bad[k]);
		assert_int_equal(err.code, EXIT_STATE);
		assert_int_equal(i == 99 || i < 100, true);
		assert_non_null(strstr(err.text, ".ranges:"));
	}
	/* A NUL is a byte like any other. */
	assert_false(ranges_find("0 web\0\n", 7, 100, "web", &i, &err));
	assert_int_equal(err.code, EXIT_STATE);
}

static void
meet(void **state)
{
	const struct spec_map a[] = {{0, 100, 10}, {10, 4294967290u, 4}},
			      before = {0, 90, 10}, after = {0, 110, 10},
			      last = {5, 109, 1}, around = {0, 50, 1000},
			      end = {0, 4294967293u, 1};
	uint32_t id = 0;

	(void)state;
	assert_false(ranges_meet(a, 2, &before, 1, &id));
	assert_false(ranges_meet(a, 2, &after, 1, &id));
	assert_false(ranges_meet(a, 0, &around, 1, &id));
	assert_false(ranges_meet(a, 1, &end, 1, &id));
	assert_true(ranges_meet(a, 2, &last, 1, &id));
	assert_int_equal(id, 109);
	assert_true(ranges_meet(&around, 1, a, 2, &id));
	assert_int_equal(id, 100);
	assert_true(ranges_meet(a, 2, &end, 1, &id));
	assert_int_equal(id, 4294967293u);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(find),
	    cmocka_unit_test(refuse),
	    cmocka_unit_test(meet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
