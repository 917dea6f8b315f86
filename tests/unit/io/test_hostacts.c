/*
 * test_hostacts.c - what is kept of host actions that are owed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../daemon/io/hostacts.h"

static struct hostacts h;

static bool
parse(const char *text)
{
	return hostacts_parse(&h, (const uint8_t *)text, strlen(text));
}

static void
what_is_kept(void **state)
{
	(void)state;
	assert_true(parse(""));
	assert_int_equal(h.count, 0);
	assert_true(parse("web reload\nfront reload\n"));
	assert_int_equal(h.count, 2);
	assert_string_equal(h.all[0].role, "web");
	assert_string_equal(h.all[1].action, "reload");
	/* Asked for at once, and no failure of a life before. */
	assert_int_equal(h.all[0].at, 0);
	assert_int_equal(h.all[0].ticket, 0);
	assert_int_equal(hostacts_failed(&h), 0);
}

static void
what_is_none_of_ours(void **state)
{
	static const char *const bad[] = {"web", "web\n", "web reload", "web  reload\n", "web reload \n",
	    "web reload x\n", "../web reload\n", "web ../reload\n", "web reload\nweb reload\n", "\n", " \n",
	    "web \n", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa reload\n",
	    "web aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"};
	char many[(HOSTACTS_WAIT_MAX + 1) * 16];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(parse(bad[i]));
		assert_int_equal(h.count, 0);
	}
	assert_false(hostacts_parse(&h, (const uint8_t *)"web re\0oad\n", 11));
	for (int i = 0; i <= HOSTACTS_WAIT_MAX; i++) {
		if (i == HOSTACTS_WAIT_MAX) {
			assert_true(hostacts_parse(&h, (const uint8_t *)many, n));
			assert_int_equal(h.count, HOSTACTS_WAIT_MAX);
		}
		n += (size_t)sprintf(many + n, "web a%d\n", i);
	}
	assert_false(hostacts_parse(&h, (const uint8_t *)many, n));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_kept),
	    cmocka_unit_test(what_is_none_of_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
