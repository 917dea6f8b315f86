/*
 * test_text.c - ages, dates, escaping and tables: tables of cases, and the
 * layout as a person sees it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../daemon/cli/table.h"
#include "../../../daemon/cli/text.h"

#define S INT64_C(1000)
#define MINUTE (60 * S)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static void
ages(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {
	    {0, "0s"},
	    {-5 * S, "0s"},
	    {999, "0s"},
	    {1000, "1s"},
	    {45 * S, "45s"},
	    {60 * S, "1m"},
	    {3 * MINUTE + 12 * S, "3m12s"},
	    {59 * MINUTE + 59 * S, "59m59s"},
	    {HOUR, "1h"},
	    {4 * HOUR + 5 * MINUTE + 59 * S, "4h5m"},
	    {HOUR + 59 * S, "1h"},
	    {3 * DAY + 4 * HOUR, "3d4h"},
	    {400 * DAY, "400d"},
	    {INT64_MAX, "106751991167d7h"},
	};
	char out[TEXT_AGE_CAP];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		text_age(out, sizeof out, cases[i].ms);
		assert_string_equal(out, cases[i].text);
	}
	text_age(out, 4, 3 * MINUTE + 12 * S);
	assert_string_equal(out, "3m1");
}

static void
since(void **state)
{
	int64_t now = INT64_C(1795248000000); /* in 2026 */
	char out[TEXT_AGE_CAP];

	(void)state;
	text_since(out, sizeof out, now - 130 * S, now);
	assert_string_equal(out, "2m10s");
	text_since(out, sizeof out, 130 * S, now);
	assert_string_equal(out, "2m10s");
	text_since(out, sizeof out, now + 5 * S, now);
	assert_string_equal(out, "0s");
}

static void
millis(void **state)
{
	char out[TEXT_AGE_CAP];

	(void)state;
	text_millis(out, sizeof out, 0);
	assert_string_equal(out, "<1ms");
	text_millis(out, sizeof out, 12);
	assert_string_equal(out, "12ms");
	text_millis(out, sizeof out, 1550);
	assert_string_equal(out, "1.5s");
}

static void
durations_and_dates(void **state)
{
	(void)state;
	assert_int_equal(text_parse_duration("10m"), 10 * MINUTE);
	assert_int_equal(text_parse_duration("1h30m"), 90 * MINUTE);
	assert_int_equal(text_parse_duration("500ms"), 500);
	assert_int_equal(text_parse_duration("2d"), 2 * DAY);
	static const char *const bad[] = {
	    "", "5", "m", "-1s", "1e9s", "5m3", "9999999999s", "999999999d", "1 h"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(text_parse_duration(bad[i]), -1);

	assert_int_equal(text_parse_date("1970-01-02"), DAY);
	assert_int_equal(text_parse_date("1970-01-02T03:04"), DAY + 3 * HOUR + 4 * MINUTE);
	assert_int_equal(
	    text_parse_date("1970-01-02T03:04:05Z"), DAY + 3 * HOUR + 4 * MINUTE + 5 * S);
	static const char *const no[] = {"", "2026-13-40", "2026-02-30", "2026-01-01T25:00",
	    "2026-01-01 10:00", "10m", "2026-01-01x"};
	for (size_t i = 0; i < sizeof no / sizeof *no; i++)
		assert_int_equal(text_parse_date(no[i]), -1);
}

static void
clean_is(const char *in, size_t len, bool lines, const char *want)
{
	char *out = text_clean(in, len, lines);

	assert_string_equal(out, want);
	free(out);
}

static void
clean(void **state)
{
	(void)state;
	clean_is("", 0, true, "");
	clean_is("a\nb", 3, false, "a\\x0ab");
	clean_is("a\n\tb\n", 5, true, "a\n\tb\n");
	clean_is("\033[2Jx\r", 6, true, "\\x1b[2Jx\\x0d");
	clean_is("\033]0;t\a\n\033c\n", 10, true, "\\x1b]0;t\\x07\n\\x1bc\n");
	clean_is("gr\xc3\xbc\xc3\x9f", 6, true, "gr\xc3\xbc\xc3\x9f");
	clean_is("\xff\n\xc3", 3, true, "\\xff\n\\xc3");
	clean_is("\xc2\x9b"
		 "2J",
	    4, true, "\\xc2\\x9b2J"); /* C1 CSI */
	clean_is("a\0b", 3, true, "a\\x00b");

	/* Every byte escaped: the largest answer possible. */
	char raw[300];
	memset(raw, 1, sizeof raw);
	char *out = text_clean(raw, sizeof raw, true);
	assert_int_equal(strlen(out), 4 * sizeof raw);
	free(out);
}

static char *
printed(const struct table *t, bool headers, bool color)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	table_print(t, f, headers, color);
	fclose(f);
	return text;
}

static void
layout(void **state)
{
	struct table *t = table_new();

	(void)state;
	table_column(t, "NODE", 0);
	table_column(t, "STATE", TABLE_STATE);
	table_column(t, "NOTE", 0);
	static const char *const cells[] = {
	    "n1*", "alive", "", "a-long-name", "failed", NULL, "\xc3\xbc", "odd\033[1m", "x"};
	for (size_t i = 0; i < 9; i++)
		table_cell(t, cells[i]);
	assert_int_equal(table_rows(t), 3);
	char *plain = printed(t, true, false);
	assert_string_equal(plain, "NODE         STATE       NOTE\n"
				   "n1*          alive       <none>\n"
				   "a-long-name  failed      <none>\n"
				   "\xc3\xbc            odd\\x1b[1m  x\n");
	free(plain);
	/* Colour is only around words it knows, never in the padding. */
	char *colored = printed(t, false, true);
	assert_string_equal(colored, "n1*          " TEXT_GREEN "alive" TEXT_RESET "       <none>\n"
				     "a-long-name  " TEXT_RED "failed" TEXT_RESET "      <none>\n"
				     "\xc3\xbc            odd\\x1b[1m  x\n");
	free(colored);
	table_free(t);
}

static void
empty_table(void **state)
{
	struct table *t = table_new();

	(void)state;
	table_column(t, "A", 0);
	table_column(t, "B", 0);
	char *text = printed(t, true, true);
	assert_string_equal(text, "A  B\n");
	free(text);
	table_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ages),
	    cmocka_unit_test(since),
	    cmocka_unit_test(millis),
	    cmocka_unit_test(durations_and_dates),
	    cmocka_unit_test(clean),
	    cmocka_unit_test(layout),
	    cmocka_unit_test(empty_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
