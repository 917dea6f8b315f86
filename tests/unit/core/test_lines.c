/*
 * test_lines.c - lines of many logs, merged by their stamps: in what order, how many
 * are kept, and what those who lie about their lines can't do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../daemon/core/lines.h"

#define L(s, ms, text) "2026-01-02T03:04:" s "." ms "Z stdout " text "\n"

static struct lines l;

static int
setup(void **state)
{
	(void)state;
	lines_init(&l, 100, 1 << 20);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	lines_free(&l);
	assert_int_equal(l.count, 0);
	return 0;
}

static void
add(uint32_t owner, const char *text)
{
	assert_int_equal(lines_add(&l, owner, owner, text, strlen(text)), 0);
}

static void
are(const char *want)
{
	size_t off = 0, bytes = 0;

	for (size_t i = 0; i < l.count; i++) {
		if (strncmp(want + off, l.all[i].text, l.all[i].len) != 0)
			fail_msg("line %zu is '%.*s'", i, (int)l.all[i].len, l.all[i].text);
		off += l.all[i].len;
		bytes += l.all[i].len;
	}
	assert_int_equal(off, strlen(want));
	assert_int_equal(l.bytes, bytes);
}

static void
by_their_stamps(void **state)
{
	(void)state;
	add(2, L("01", "000", "a") L("03", "000", "c") L("03", "001", "d"));
	add(1, L("00", "999", "first") L("02", "000", "b") L("09", "000", "last"));
	add(3, "");
	are(L("00", "999", "first") L("01", "000", "a") L("02", "000", "b") L("03", "000", "c")
	    L("03", "001", "d") L("09", "000", "last"));
	assert_int_equal(l.all[2].owner, 1);
}

/* Whoever answered first. */
static void
of_one_stamp_by_rank(void **state)
{
	static const char want[] = L("01", "000", "one") L("01", "000", "one too") L("01", "000", "two");

	(void)state;
	add(1, L("01", "000", "one") L("01", "000", "one too"));
	add(2, L("01", "000", "two"));
	are(want);
	lines_clear(&l);
	add(2, L("01", "000", "two"));
	add(1, L("01", "000", "one") L("01", "000", "one too"));
	are(want);
	assert_true(lines_rank("n1", "web.1") != lines_rank("n2", "web.1"));
	assert_true(lines_rank("n1", "web.1") == lines_rank("n1", "web.1"));
	assert_true(lines_rank("n1.w", "eb.1") != lines_rank("n1", "web.1"));
}

/* Its own lines stay in their order: what was written later says more than a clock. */
static void
a_clock_that_is_set_back(void **state)
{
	(void)state;
	add(1, L("05", "000", "before") L("01", "000", "after") L("06", "000", "later"));
	add(2, L("03", "000", "other") L("05", "500", "another"));
	are(L("03", "000", "other") L("05", "000", "before") L("01", "000", "after")
	    L("05", "500", "another") L("06", "000", "later"));
}

static void
the_last_are_kept(void **state)
{
	(void)state;
	lines_init(&l, 3, 1 << 20);
	add(1, L("01", "000", "a") L("04", "000", "d"));
	add(2, L("02", "000", "b") L("03", "000", "c") L("05", "000", "e"));
	are(L("03", "000", "c") L("04", "000", "d") L("05", "000", "e"));
	assert_false(l.cut);
	add(3, L("00", "000", "too old"));
	are(L("03", "000", "c") L("04", "000", "d") L("05", "000", "e"));
	lines_free(&l);
	lines_init(&l, 0, 1 << 20);
	add(1, L("01", "000", "a"));
	are("");
	assert_false(l.cut);
}

static void
no_more_bytes_than_that(void **state)
{
	static const char line[] = L("01", "000", "a");

	(void)state;
	lines_init(&l, SIZE_MAX, 2 * (sizeof line - 1));
	add(1, L("01", "000", "a") L("02", "000", "b"));
	assert_false(l.cut);
	add(2, L("03", "000", "c"));
	are(L("02", "000", "b") L("03", "000", "c"));
	assert_true(l.cut);
	lines_clear(&l);
	assert_false(l.cut);
	/* One line that is longer than all that may be kept. */
	add(1, L("01", "000", "a long line, longer than two of the others are together, and by far"));
	are("");
	assert_true(l.cut);
}

/* A hundred nodes that give as much as they can: what is kept does not grow. */
static void
however_many_give_however_much(void **state)
{
	size_t n = 1 << 16;
	char *text = malloc(n + 1), line[64];

	(void)state;
	lines_init(&l, 10000, 1 << 20);
	for (uint32_t owner = 0; owner < 100; owner++) {
		size_t len = 0;

		for (int i = 0; len + sizeof line < n; i++)
			len += (size_t)sprintf(text + len, "2026-01-02T03:%02u:%02d.%03dZ stdout %u\n",
			    owner % 60, i / 1000 % 60, i % 1000, owner);
		assert_int_equal(lines_add(&l, owner, owner, text, len), 0);
		assert_true(l.count <= 10000 && l.bytes <= 1 << 20);
	}
	for (size_t i = 1; i < l.count; i++)
		assert_true(strcmp(l.all[i - 1].key, l.all[i].key) <= 0);
	assert_true(l.count == 10000);
	free(text);
}

static void
what_is_no_line(void **state)
{
	static const char nul[] = L("01", "000", "a\0b");

	(void)state;
	add(1, "no stamp\n\n" L("02", "000", "b") " " L("03", "000", "not at its beginning")
	    "2026-01-02T03:04:05.678 no zone\n2026-01-02T03:04:05.678Zno blank\n"
	    "9999-99-99T99:99:99.999Z stdout a stamp that no clock shows\n" L("04", "000", "e")
	    "2026-01-02T03:04:05.000Z stdout torn");
	are(L("02", "000", "b") "9999-99-99T99:99:99.999Z stdout a stamp that no clock shows\n"
	    L("04", "000", "e"));
	lines_clear(&l);
	assert_int_equal(lines_add(&l, 1, 1, nul, sizeof nul - 1), 0);
	assert_int_equal(l.count, 1);
	assert_int_equal(l.all[0].len, sizeof nul - 1);
	assert_memory_equal(l.all[0].text, nul, sizeof nul - 1);
}

static void
a_stamp_is_whole(void **state)
{
	char s[LINES_STAMP_CAP];

	(void)state;
	for (size_t n = 0; n <= LINES_STAMP_BYTES; n++) {
		lines_stamp("2026-01-02T03:04:05.678Z stdout", n, s);
		assert_string_equal(s, "");
	}
	lines_stamp("2026-01-02T03:04:05.678Z stdout", LINES_STAMP_BYTES + 1, s);
	assert_string_equal(s, "2026-01-02T03:04:05.678Z");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(by_their_stamps, setup, teardown),
	    cmocka_unit_test_setup_teardown(of_one_stamp_by_rank, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_clock_that_is_set_back, setup, teardown),
	    cmocka_unit_test_setup_teardown(the_last_are_kept, setup, teardown),
	    cmocka_unit_test_setup_teardown(no_more_bytes_than_that, setup, teardown),
	    cmocka_unit_test_setup_teardown(however_many_give_however_much, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_is_no_line, setup, teardown),
	    cmocka_unit_test(a_stamp_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
