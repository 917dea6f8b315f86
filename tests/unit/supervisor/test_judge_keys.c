/*
 * test_judge_keys.c - keys of a container or sandbox file one by one: what is
 * written there is used or refused, never taken for absent.
 */
#include "judging.h"

static void
normal_exits_are_kept(void **state)
{
	static const int64_t wrong[] = {-1, 256, INT64_MAX};
	struct spec s;

	(void)state;
	flat_put_int(&sandbox.out, "default-user", 1);
	map(&container, "normal-exit-codes", FLAT_LIST, 3);
	flat_put_int(&container.out, "normal-exit-codes/0", 0);
	flat_put_int(&container.out, "normal-exit-codes/1", 7);
	flat_put_int(&container.out, "normal-exit-codes/2", 255);
	accepted(&s);
	for (int code = 0; code < 256; code++)
		assert_int_equal(spec_normal_exit(&s, code << 8),
		    code == 0 || code == 7 || code == 255);
	assert_false(spec_normal_exit(&s, 7));  /* by signal 7 */
	assert_false(spec_normal_exit(&s, -1)); /* unknown */
	spec_free(&s);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		setup(state);
		flat_put_int(&sandbox.out, "default-user", 1);
		map(&container, "normal-exit-codes", FLAT_LIST, 1);
		flat_put_int(&container.out, "normal-exit-codes/0", wrong[i]);
		refused("normal-exit-codes: codes from 0 to 255 are needed");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(normal_exits_are_kept, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
