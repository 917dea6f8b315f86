/*
 * test_name.c - names, images, "did you mean", and bytes made harmless.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../../daemon/base/err.h"
#include "../../../daemon/base/name.h"

static void
test_names(void **state)
{
	static const char *const good[] = {"a", "0", "web.1", "a-b_c.d", "n1"};
	static const char *const bad[] = {"", ".", "..", "-a", "_a", ".a", "A", "aB", "a/b", "../x",
	    "a b", "a\n", "\xc3\xa9", "a\x7f"};
	char longest[NAME_BYTES_MAX + 2];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (!name_ok(good[i], strlen(good[i])))
			fail_msg("'%s' refused", good[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (name_ok(bad[i], strlen(bad[i])))
			fail_msg("'%s' accepted", bad[i]);
	memset(longest, 'a', sizeof longest);
	assert_true(name_ok(longest, NAME_BYTES_MAX));
	assert_false(name_ok(longest, NAME_BYTES_MAX + 1));
	/* By length, not up to a NUL. */
	assert_false(name_ok("a\0b", 3));
	assert_true(name_list_ok("a") && name_list_ok("a,web.1,0"));
	assert_false(name_list_ok("") || name_list_ok(",") || name_list_ok("a,") ||
		     name_list_ok(",a") || name_list_ok("a,,b") || name_list_ok("a, b") ||
		     name_list_ok("a,B"));
}

static void
test_images(void **state)
{
	static const char *const bad[] = {
	    "", "/", "/a", "a/", "a//b", "a/./b", "a/../b", "..", "a/b/c", "a B", "A\xc3\x84", ".A", "_A"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (name_image_ok(bad[i], strlen(bad[i]), 2))
			fail_msg("'%s' accepted", bad[i]);
	assert_true(name_image_ok("web-v14", 7, 1));
	/* Lithos' users call them as vagga does: App-X.1b. */
	assert_true(name_image_ok("Deploy/App-X.1b", 15, 2));
	assert_false(name_ok("App-X.1b", 8));
	assert_true(name_image_ok("web/v14", 7, 2));
	assert_false(name_image_ok("web/v14", 7, 1));
	assert_false(name_image_ok("a", 1, 0));
}

static void
test_suggest(void **state)
{
	static const char *const verbs[] = {
	    "status", "members", "leader", "ps", "logs", "init", "join"};
	static const struct {
		const char *word, *want;
	} rows[] = {
	    {"stauts", "status"},
	    {"statu", "status"},
	    {"sttaus", "status"},
	    {"stetuss", "status"},
	    {"leadre", "leader"},
	    {"log", "logs"},
	    {"sp", "ps"},
	    {"jion", "join"},
	    {"x", NULL},
	    {"", NULL},
	    {"frobnicate", NULL},
	    {"status-of-all", NULL},
	    {"sxxtus", "status"},
	    {"sxxxus", NULL},
	};
	char longest[4096];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *got = name_suggest(rows[i].word, verbs, ARRAY_LEN(verbs));

		if (rows[i].want == NULL ? got != NULL
					 : got == NULL || strcmp(got, rows[i].want) != 0)
			fail_msg("'%s' gives '%s'", rows[i].word, got != NULL ? got : "nothing");
	}
	memset(longest, 'a', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	assert_null(name_suggest(longest, verbs, ARRAY_LEN(verbs)));
	assert_null(name_suggest("status", NULL, 0));
}

static void
test_escape(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
	    {"plain text", "plain text"},
	    {"a\nb", "a\\x0ab"},
	    {"\x1b[31m", "\\x1b[31m"},
	    {"\x7f", "\\x7f"},
	    {"h\xc3\xa9", "h\xc3\xa9"},
	    {"\xe2\x82\xac", "\xe2\x82\xac"},
	    {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
	    {"\xff", "\\xff"},
	    {"\xc3", "\\xc3"},
	    {"\xc0\xaf", "\\xc0\\xaf"},
	    {"\xed\xa0\x80", "\\xed\\xa0\\x80"},
	    /* CSI as one code point of C1. */
	    {"\xc2\x9b", "\\xc2\\x9b"},
	    /* What turns the order round; not its neighbours. */
	    {"\xe2\x80\xae\xe2\x81\xa6", "\\xe2\\x80\\xae\\xe2\\x81\\xa6"},
	    {"\xe2\x80\xa9\xe2\x81\xaa", "\xe2\x80\xa9\xe2\x81\xaa"},
	};
	char out[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		err_escape(out, sizeof out, rows[i].in, strlen(rows[i].in));
		assert_string_equal(out, rows[i].out);
	}
	err_escape(out, sizeof out, "a\0b", 3);
	assert_string_equal(out, "a\\x00b");
	/* Cut between characters, never within one or within an escape. */
	err_escape(out, 4, "ab\xc3\xa9", 4);
	assert_string_equal(out, "ab");
	err_escape(out, 6, "ab\n", 3);
	assert_string_equal(out, "ab");
	err_escape(out, 1, "ab", 2);
	assert_string_equal(out, "");
}

static void
test_err(void **state)
{
	struct err err;
	char longest[2 * ERR_TEXT_CAP];

	(void)state;
	assert_int_equal(err_set(&err, EXIT_CONFIG, "%s:%d", "f", 3), -EXIT_CONFIG);
	assert_int_equal(err.code, EXIT_CONFIG);
	err_prefix(&err, "%s: ", "web.1");
	assert_string_equal(err.text, "web.1: f:3");
	memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	err_prefix(&err, "%s", longest);
	assert_int_equal(strlen(err.text), ERR_TEXT_CAP - 1);
	(void)err_set(&err, 1, "%s", longest);
	assert_int_equal(strlen(err.text), ERR_TEXT_CAP - 1);
}

static void
test_glob(void **state)
{
	char stars[64], name[64];

	(void)state;
	assert_true(name_glob("*", "") && name_glob("*", "n1") && name_glob("n?", "n1"));
	assert_true(name_glob("web-*", "web-") && name_glob("w*b-*1", "web-a.1"));
	assert_true(name_glob("*a*a", "banana") && name_glob("n1", "n1"));
	assert_false(name_glob("n?", "n") || name_glob("n?", "n12") || name_glob("", "n"));
	assert_false(name_glob("web", "web-1") || name_glob("*-2", "web-1"));
	/* What a matcher that tries all would not end with. */
	for (int i = 0; i < 62; i++)
		stars[i] = i % 2 != 0 ? '*' : 'a';
	memcpy(stars + 61, "b", 2);
	memset(name, 'a', 63);
	name[63] = '\0';
	assert_false(name_glob(stars, name));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_images),
	    cmocka_unit_test(test_suggest),
	    cmocka_unit_test(test_glob),
	    cmocka_unit_test(test_escape),
	    cmocka_unit_test(test_err),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
