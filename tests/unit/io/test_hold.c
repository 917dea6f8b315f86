/*
 * test_hold.c - what is kept of instances that are held down, and what is not
 * asked for on their behalf.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../daemon/io/exclusive.h"
#include "../../../daemon/io/hold.h"

static struct hold h;

static bool
parse(const char *text)
{
	return hold_parse(&h, (const uint8_t *)text, strlen(text));
}

static void
what_is_kept(void **state)
{
	(void)state;
	assert_true(parse(""));
	assert_int_equal(h.count, 0);
	assert_true(parse("web.0 1700000000000 0\ndb.n1 18446744073709551615 4294967295\n"));
	assert_int_equal(h.count, 2);
	assert_true(hold_is(&h, "web.0"));
	assert_true(hold_is(&h, "db.n1"));
	assert_false(hold_is(&h, "web.1"));
	assert_false(hold_is(&h, "web"));
	assert_int_equal(h.held[0].since_ms, 1700000000000);
	assert_int_equal(h.held[1].uid, UINT32_MAX);
}

static void
what_is_no_hold_of_ours(void **state)
{
	static const char *const bad[] = {"web.0", "web.0 1 0", "web.0\n", "web.0 1\n", "web.0 1 0 x\n",
	    "../web 1 0\n", "web.0 x 0\n", "web.0 1 0\nweb.0 1 0\n", "\n",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 1 0\n",
	    "web.0 1 000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\n"};
	char *many = malloc((size_t)HOLDS_MAX * 32 + 32);
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(parse(bad[i]));
		assert_int_equal(h.count, 0);
	}
	assert_false(hold_parse(&h, (const uint8_t *)"we\0.0 1 0\n", 10));
	assert_non_null(many);
	for (int i = 0; i <= HOLDS_MAX; i++) {
		if (i == HOLDS_MAX) {
			assert_true(hold_parse(&h, (const uint8_t *)many, n));
			assert_int_equal(h.count, HOLDS_MAX);
		}
		n += (size_t)sprintf(many + n, "web.%d 1 0\n", i);
	}
	assert_false(hold_parse(&h, (const uint8_t *)many, n));
	free(many);
}

static void
no_lease_for_what_is_held(void **state)
{
	uint64_t ids[] = {exclusive_id("a.0"), exclusive_id("a.1"), exclusive_id("a.2")};

	(void)state;
	assert_true(parse("a.1 1 0\nb.0 1 0\n"));
	assert_int_equal(hold_leave_out(&h, ids, 3), 2);
	assert_true(ids[0] == exclusive_id("a.0") && ids[1] == exclusive_id("a.2"));
	assert_true(parse(""));
	assert_int_equal(hold_leave_out(&h, ids, 2), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_kept),
	    cmocka_unit_test(what_is_no_hold_of_ours),
	    cmocka_unit_test(no_lease_for_what_is_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
