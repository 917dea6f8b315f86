/*
 * test_pattern.c - RE2's language through another engine: what matches, what is refused
 * and how it is said, what a match may cost, and replacements.  Beside Go's own regexp
 * they are in tests/promql.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../daemon/core/labels.h"
#include "../../../daemon/core/pattern.h"

static struct pattern *
made(const char *text)
{
	struct err err;
	struct pattern *p = pattern_new(slice_of(text), &err);

	if (p == NULL)
		fail_msg("%s: %s", text, err.text);
	return p;
}

static void
check(const char *text, const char *value, bool want)
{
	struct pattern *p = made(text);

	if (pattern_match(p, slice_of(value), NULL, NULL) != want)
		fail_msg("`%s` and `%s`: %s", text, value, want ? "no match" : "a match");
	pattern_free(p);
}

static void
matches_are_of_the_whole_value(void **state)
{
	static const struct {
		const char *text, *yes, *no;
	} all[] = {
	    {"a", "a", "ab"}, {"a|bc", "bc", "abc"}, {"", "", "a"}, {"a|", "", "b"}, {".*", "", "a\nb"},
	    {".+", "x", ""}, {"a.*", "a", "ba"}, {"a.+", "ab", "a"}, {".*a", "xxa", "xxab"}, {".+a", "ba", "a"},
	    {".*a.*", "xay", "xy"}, {".+a.+", "xay", "ay"}, {".+a.+", "aaa", "aa"}, {"a\\.b", "a.b", "axb"},
	    {"a.b", "axb", "ab"}, {"ab+", "abbb", "a"}, {"a{2,3}", "aaa", "a"}, {"a{,3}", "a{,3}", "a"},
	    {"(a|ab)(c|bcd)", "abcd", "abd"}, {"[a-c]+", "abc", "abd"}, {"[^a-c]+", "xyz", "xaz"},
	    {"[]a]+", "]a]", "b"}, {"[a-]+", "a-", "b"}, {"[\\d-z]+", "1-z", "a"}, {"\\d+", "12", "\xd9\xa1"},
	    {"\\w+", "a_1", "\xc3\xa9"}, {"\\s", "\t", "\v"}, {"[\\s]", " ", "\v"}, {"\\S", "\v", " "},
	    {"[\\S]", "\v", " "}, {"\\v", "\v", "\n"}, {"(?i)aBc", "AbC", "ab"}, {"(?i:a)b", "Ab", "AB"},
	    {"(?s).", "\n", "ab"}, {".", "\xc3\xa9", "\n"}, {"(?m)a$\n^b", "a\nb", "ab"}, {"a$", "a", "a\n"},
	    {"^a", "a", "ba"}, {"^*a", "a", "b"}, {"\\ba\\b", "a", "b"}, {"\\Aa\\z", "a", "b"},
	    {"\\Q.*\\E", ".*", "ab"}, {"\\Qa\\E\\Q\\E", "a", "Qa"}, {"\\x41", "A", "B"}, {"\\x{e9}", "\xc3\xa9", "e"},
	    {"\\101", "A", "B"}, {"\\pL+", "a\xc3\xa9", "1"}, {"\\p{Greek}", "\xce\xb1", "a"},
	    {"\\P{Greek}", "a", "\xce\xb1"}, {"\\p{^Lu}", "a", "A"}, {"(?i)\\p{Lu}", "a", "1"},
	    {"(?i:\\p{Lu})\\p{Lu}", "aA", "aa"}, {"(?i)(?-i:\\pL)\\p{Ll}", "aA", "1a"}, {"[\\p{Lu}x]+", "Ax", "a"},
	    {"[[:alpha:]]+", "abc", "a1"}, {"[[:^digit:]]", "a", "1"}, {"[[.a.]]*", "a]]", "ab"},
	    {"(?P<x>a)(?P<y>b)", "ab", "a"}, {"(?U)a+", "aa", "b"}, {"a??b", "ab", "aab"}, {"(|a)*", "aa", "b"},
	    {"()", "", "a"}, {"(?i)\xc3\xa9", "\xc3\x89", "e"}, {"a|(?i)b|c", "C", "A"}, {"\\_\\-\\/", "_-/", "x"},
	    {"(a|b)", "b", "a|b"}, {"(a.*|b)", "axx", "ba"}, {"(?:a|b)", "a", "?:a"}, {"(a|b)|c", "c", "a)"}, {"(a)(b)", "ab", "a"},
	    {"(a|b\\))", "b)", "b"}, {"(a|)", "", "b"}, {"(a|b)+", "ab", "c"}, {"(?:)", "", "a"}, {"(?i:a|b)", "A", "c"},
	    {"x\\", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; all[i].yes != NULL; i++) {
		check(all[i].text, all[i].yes, true);
		check(all[i].text, all[i].no, false);
	}
}

static void
refused(const char *text, const char *want)
{
	struct err err;

	assert_null(pattern_new(slice_of(text), &err));
	if (strcmp(err.text, want) != 0)
		fail_msg("`%s`:\n  %s\n  %s wanted", text, err.text, want);
}

static void
what_re2_lacks_is_refused_by_name(void **state)
{
	static const char *const odd[] = {"(?#x)", "(?|a)", "(?<n>a)", "(?'n'a)", "(?P>n)", "(?P=n)", "(?R)", "(?1)",
	    "(?C)", "(?(1)a)", "(?x)a", "(*UTF)a", "\\K", "\\R", "\\X", "\\h", "\\N", "\\G", "\\Z", "\\g1", "\\k<n>",
	    "\\cA", "\\o{1}", "\\C", "\\1", "\\9", "\\E", "\\U", "a{3}{4}", "a?+", "a{2}+", "[a-\\d]", "[\\pX]", "(?i", "\\Qa",
	    "(?", "(", "[", "[^", "[[:", "\\x", "\\x{", "\\x{110000}", "\\p", "\\p{", "\\p{foo", "\xff", "a\xc3", "\\xd8\\",
	    "(?P<>x)", "(?-)", "(?--i)", "+", "|*", "(*)", "(?:+)", "[b-a]", "[[:wrong:]]"};

	(void)state;
	refused("a(?=b)", "error parsing regexp: invalid or unsupported Perl syntax: `(?=`");
	refused("(?<!b)", "error parsing regexp: invalid or unsupported Perl syntax: `(?<`");
	refused("(?>b)", "error parsing regexp: invalid or unsupported Perl syntax: `(?>`");
	refused("(a)\\1", "error parsing regexp: invalid escape sequence: `\\1`");
	refused("a++", "error parsing regexp: invalid nested repetition operator: `++`");
	refused("a**", "error parsing regexp: invalid nested repetition operator: `**`");
	refused("*", "error parsing regexp: missing argument to repetition operator: `*`");
	refused("a{1001}", "error parsing regexp: invalid repeat count: `{1001}`");
	refused("((a{100}){100}){100}", "error parsing regexp: invalid repeat count: `{100}`");
	refused("a)", "error parsing regexp: unexpected ): `a)`");
	refused("(a", "error parsing regexp: missing closing ): `(a`");
	for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
		struct err err;
		struct pattern *p = pattern_new(slice_of(odd[i]), &err);

		if (p != NULL)
			fail_msg("`%s` is taken", odd[i]);
	}
}

/* A backtracking engine alone would need 2^40 steps, and give up. */
static void
what_backtracks_without_end_is_answered(void **state)
{
	static const char value[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac";
	static const char longer[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaca";
	struct pattern *p = made("(a+)+b|(a*)*c");
	struct slice groups[PATTERN_GROUPS_MAX];
	uint32_t gave_up = 0;

	(void)state;
	assert_true(pattern_match(p, slice_of(value), NULL, &gave_up));
	assert_int_equal(gave_up, 0);
	pattern_free(p);
	/* With groups there is no other way: it is none, and counted. */
	p = made("(a+)+c");
	assert_false(pattern_match(p, slice_of(longer), NULL, &gave_up));
	assert_int_equal(gave_up, 0);
	assert_false(pattern_match(p, slice_of(longer), groups, &gave_up));
	assert_int_equal(gave_up, 1);
	pattern_free(p);
}

static void
expands(const char *text, const char *value, const char *with, const char *want)
{
	struct pattern *p = made(text);
	struct slice groups[PATTERN_GROUPS_MAX];
	uint8_t out[64];
	int n;

	assert_true(pattern_match(p, slice_of(value), groups, NULL));
	n = pattern_expand(p, slice_of(with), groups, out, sizeof out);
	assert_int_equal(n, strlen(want));
	assert_memory_equal(out, want, strlen(want));
	pattern_free(p);
}

static void
replacements_are_those_of_go(void **state)
{
	struct pattern *p = made("(a+)");
	struct slice groups[PATTERN_GROUPS_MAX];
	uint8_t out[4];

	(void)state;
	expands("(.*):(.*)", "a:b", "$2-$1", "b-a");
	expands("(.*):(.*)", "a:b", "$1x", "");
	expands("(.*):(.*)", "a:b", "${1}x", "ax");
	expands("(.*):(.*)", "a:b", "$0", "a:b");
	expands("(.*):(.*)", "a:b", "$01$9$99", "");
	expands("(?P<h>.*):.*", "a:b", "${h}$h.", "aa.");
	expands("(.*):.*", "a:b", "$$1 $ ${ ${1 $}", "$1 $ ${ ${1 $}");
	expands("(a)|(b)", "b", "[$1$2]", "[b]");
	expands("(?P<n>a)|(?P<n>b)", "b", "<$n>", "<b>");
	expands(".*", "word", "$0$1", "word");
	expands("(.*)", "word", "$0-$1$2", "word-word");
	expands("(a|b|)", "", "<$1>", "<>");
	expands("(?:a|b)", "b", "<$1>", "<>");
	expands("a.*", "ab", "x$0", "xab");
	assert_true(pattern_match(p, slice_of("aaaaa"), groups, NULL));
	assert_int_equal(pattern_expand(p, slice_of("$1"), groups, out, sizeof out), -ERR_LONG);
	pattern_free(p);
}

static void
bounds_hold(void **state)
{
	static char text[PATTERN_BYTES_MAX + 2];
	struct err err;
	struct pattern *p;

	(void)state;
	memset(text, '(', sizeof text);
	assert_null(pattern_new((struct slice){(uint8_t *)text, sizeof text}, &err));
	assert_non_null(strstr(err.text, "the limit is 4096"));
	assert_null(pattern_new((struct slice){(uint8_t *)text, PATTERN_BYTES_MAX}, &err));
	memset(text, '\xff', sizeof text);
	assert_null(pattern_new((struct slice){(uint8_t *)text, PATTERN_BYTES_MAX}, &err));
	/* The longest that it can become. */
	for (size_t i = 0; i + 1 < PATTERN_BYTES_MAX; i += 2)
		memcpy(text + i, "\\s", 2);
	assert_null(pattern_new((struct slice){(uint8_t *)text, PATTERN_BYTES_MAX}, &err));
	assert_non_null(strstr(err.text, "too large"));
	p = pattern_new((struct slice){(uint8_t *)text, PATTERN_BYTES_MAX / 4}, &err);
	assert_non_null(p);
	assert_false(pattern_match(p, (struct slice){0}, NULL, NULL));
	pattern_free(p);
	/* A value of any bytes. */
	p = made("[^x]*");
	assert_true(pattern_match(p, slice_of("\xff\xfe"), NULL, NULL));
	pattern_free(p);
	p = made("[^x]\\x{fffd}\\x{fffd}.");
	assert_true(pattern_match(p, slice_of("a\xed\xa0\xc3\xa9"), NULL, NULL));
	pattern_free(p);
}

/* What a dashboard asks for when all of some hundred nodes are chosen. */
static void
lists_are_as_long_as_there_are_nodes(void **state)
{
	static const char *const around[][2] = {{"", ""}, {"(", ")"}, {"(?:", ")"}, {"(?i)", ""}, {"(?i:", ")"}};
	static char text[PATTERN_BYTES_MAX + 1];
	struct slice groups[PATTERN_GROUPS_MAX];

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(around); k++) {
		int n = snprintf(text, sizeof text, "%snode-0\\.lan", around[k][0]);
		struct pattern *p;

		for (int i = 1; i < 270; i++)
			n += snprintf(text + n, sizeof text - (size_t)n, "|node-%d\\.lan", i);
		strcat(text, around[k][1]);
		assert_true(strlen(text) < PATTERN_BYTES_MAX);
		p = made(text);
		assert_true(pattern_match(p, slice_of("node-269.lan"), groups, NULL));
		assert_true(slice_eq(groups[0], slice_of("node-269.lan")));
		assert_true(k == 1 ? slice_eq(groups[1], groups[0]) : groups[1].b == NULL);
		assert_true(pattern_match(p, slice_of("node-1.lan"), NULL, NULL));
		assert_false(pattern_match(p, slice_of("node-270.lan"), NULL, NULL));
		assert_false(pattern_match(p, slice_of("node-1xlan"), NULL, NULL));
		assert_false(pattern_match(p, slice_of("(node-1.lan"), NULL, NULL));
		pattern_free(p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(matches_are_of_the_whole_value),
	    cmocka_unit_test(what_re2_lacks_is_refused_by_name),
	    cmocka_unit_test(what_backtracks_without_end_is_answered),
	    cmocka_unit_test(replacements_are_those_of_go),
	    cmocka_unit_test(bounds_hold),
	    cmocka_unit_test(lists_are_as_long_as_there_are_nodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
