/*
 * test_scalar.c - words to values: what each of the tables' types takes.
 */
#include "yaml.h"

#include "../../../daemon/conf/scalar.h"

static void
test_looks(void **state)
{
	static const struct {
		const char *word;
		enum scalar_look look;
	} words[] = {
	    {"", LOOK_NULL},
	    {"~", LOOK_NULL},
	    {"Null", LOOK_NULL},
	    {"no", LOOK_BOOL},
	    {"ON", LOOK_BOOL},
	    {"False", LOOK_BOOL},
	    {"y", LOOK_STR},
	    {"5", LOOK_INT},
	    {"-5", LOOK_INT},
	    {"+5", LOOK_INT},
	    {"0", LOOK_INT},
	    {"007", LOOK_ODD_INT},
	    {"1_000", LOOK_ODD_INT},
	    {"0x1F", LOOK_ODD_INT},
	    {"0o17", LOOK_ODD_INT},
	    {"0b1", LOOK_ODD_INT},
	    {"1.", LOOK_FLOAT},
	    {".5", LOOK_FLOAT},
	    {"1e5", LOOK_FLOAT},
	    {"-.inf", LOOK_FLOAT},
	    {".", LOOK_STR},
	    {"-", LOOK_STR},
	    {"1.2.3", LOOK_STR},
	    {"0.0.0.0:1", LOOK_STR},
	    {"1e", LOOK_STR},
	    {"0x", LOOK_STR},
	    {"nope", LOOK_STR},
	    {"5s", LOOK_STR},
	    {"_1", LOOK_STR},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (scalar_look(words[i].word) != words[i].look)
			fail_msg("'%s' looks like %d", words[i].word, scalar_look(words[i].word));
}

static void
test_integers(void **state)
{
	int64_t v;

	(void)state;
	assert_int_equal(scalar_int("-9223372036854775807", &v), 0);
	assert_true(v == -INT64_MAX);
	assert_int_equal(scalar_int("9223372036854775808", &v), -ERR_RANGE);
	assert_int_equal(scalar_int("", &v), -ERR_MALFORMED);
	assert_int_equal(scalar_int("-", &v), -ERR_MALFORMED);
	assert_int_equal(scalar_int(" 1", &v), -ERR_MALFORMED);
	assert_int_equal(scalar_int("01", &v), -ERR_MALFORMED);
	assert_int_equal(scalar_int("1_0", &v), -ERR_MALFORMED);
	assert_int_equal(scalar_lithos_int("2k", &v), 0);
	assert_int_equal(v, 2000);
	assert_int_equal(scalar_lithos_int("2ki", &v), 0);
	assert_int_equal(v, 2048);
	assert_int_equal(scalar_lithos_int("0o777", &v), 0);
	assert_int_equal(v, 0777);
	assert_int_equal(scalar_lithos_int("0x", &v), -ERR_MALFORMED);
	assert_int_equal(scalar_lithos_int("0777", &v), -ERR_MALFORMED);
	assert_int_equal(scalar_lithos_int("9999999999Gi", &v), -ERR_RANGE);
	assert_int_equal(scalar_lithos_int("-8589934592Gi", &v), -ERR_RANGE); /* -2^63 */
	assert_true(v == 0);
	assert_int_equal(scalar_lithos_int("-0x8000000000000000", &v), -ERR_RANGE);
	assert_int_equal(scalar_lithos_int("5x", &v), -ERR_MALFORMED);
}

static void
test_measures(void **state)
{
	int64_t v;
	bool unit;

	(void)state;
	assert_int_equal(scalar_size("3M", &v, &unit), 0);
	assert_int_equal(v, 3000000);
	assert_true(unit);
	assert_int_equal(scalar_size("3", &v, &unit), 0);
	assert_false(unit);
	assert_int_equal(scalar_size("3m", &v, &unit), -ERR_MALFORMED);
	assert_int_equal(scalar_size("-8589934592Gi", &v, &unit), -ERR_RANGE); /* -2^63 */
	assert_true(v == 0);
	assert_int_equal(scalar_duration("2h", &v, &unit), 0);
	assert_int_equal(v, 7200000);
	assert_int_equal(scalar_duration("1.5m", &v, &unit), 0);
	assert_int_equal(v, 90000);
	assert_int_equal(scalar_duration("0.25", &v, &unit), 0);
	assert_int_equal(v, 250);
	assert_false(unit);
	assert_int_equal(scalar_duration("1e99s", &v, &unit), -ERR_RANGE);
	assert_int_equal(scalar_duration("1e999999", &v, &unit), -ERR_RANGE);
	assert_int_equal(scalar_duration("s", &v, &unit), -ERR_MALFORMED);
	assert_int_equal(scalar_duration("1d", &v, &unit), -ERR_MALFORMED);
	assert_int_equal(scalar_duration("0x10s", &v, &unit), -ERR_MALFORMED);
	assert_int_equal(scalar_cpu("12.5%", &v), 0);
	assert_int_equal(v, 125);
	assert_int_equal(scalar_cpu("nan", &v), -ERR_MALFORMED);
	assert_int_equal(scalar_mode("0644", &v), 0);
	assert_int_equal(v, 0644);
	assert_int_equal(scalar_mode("0o644", &v), 0);
	assert_int_equal(scalar_mode("644", &v), -ERR_MALFORMED);
	assert_int_equal(scalar_mode("0689", &v), -ERR_MALFORMED);
}

static void
test_shown_limits(void **state)
{
	char s[32];

	(void)state;
	scalar_show_size(s, sizeof s, 64 << 20);
	assert_string_equal(s, "64Mi");
	scalar_show_size(s, sizeof s, 0);
	assert_string_equal(s, "0");
	scalar_show_size(s, sizeof s, 1025);
	assert_string_equal(s, "1025");
	scalar_show_duration(s, sizeof s, 1500);
	assert_string_equal(s, "1500ms");
	scalar_show_duration(s, sizeof s, 7200000);
	assert_string_equal(s, "2h");
}

static void
test_addresses(void **state)
{
	static const char *const good[] = {"0.0.0.0:7780", "127.0.0.1:1", "[::]:65535",
	    "[2001:db8::1]:80", "[1:2:3:4:5:6:7:8]:80", "[1::]:1", "n1:7780", "a-b.example.org:1"};
	static const char *const bad[] = {"", ":80", "1.2.3.4", "1.2.3.4:", "1.2.3.4:0",
	    "1.2.3.4:65536", "1.2.3.4:080", "1.2.3.4:80x", "1.2.3:80", "1.2.3.256:80",
	    "01.2.3.4:80", "1.2.3.4.5:80", "::1:80", "[::1]", "[:::1]:80", "[1:2]:80",
	    "[1:2:3:4:5:6:7:8:9]:80", "[12345::]:80", "[::1%lo]:80", "[]:80", "-a:80", "a-:80",
	    "a..b:80", "a b:80", "a/b:80", "[1:]:80", "[:1]:80"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (!scalar_hostport_ok(good[i]))
			fail_msg("'%s' refused", good[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (scalar_hostport_ok(bad[i]))
			fail_msg("'%s' accepted", bad[i]);
	assert_true(scalar_range_ok("0"));
	assert_true(scalar_range_ok("5-5"));
	assert_true(scalar_range_ok("1-4294967294"));
	assert_false(scalar_range_ok("1-4294967295"));
	assert_false(scalar_range_ok("2-1"));
	assert_false(scalar_range_ok("1-"));
	assert_false(scalar_range_ok("-1"));
	assert_false(scalar_range_ok("1-2-3"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_looks),
	    cmocka_unit_test(test_integers),
	    cmocka_unit_test(test_measures),
	    cmocka_unit_test(test_shown_limits),
	    cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
