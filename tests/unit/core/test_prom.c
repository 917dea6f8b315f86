/*
 * test_prom.c - of PromQL what is beside its answers (those: tests/promql): what is
 * refused, in which words and where; what is needed; what many nodes are asked; bounds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../daemon/core/prom.h"

static struct prom *
parsed(const char *text)
{
	struct err err;
	struct prom *p = prom_parse(text, strlen(text), &err);

	if (p == NULL)
		fail_msg("%s: %s", text, err.text);
	return p;
}

static void
refused(const char *text, const char *want)
{
	struct err err;

	assert_null(prom_parse(text, strlen(text), &err));
	if (strcmp(err.text, want) != 0)
		fail_msg("%s:\n  %s\n  %s wanted", text, err.text, want);
}

static void
errors_have_their_place(void **state)
{
	(void)state;
	refused("", "1:1: parse error: no expression found in input");
	refused("up{", "1:4: parse error: unexpected end of input in label matching, expected identifier or \"}\"");
	refused("up{a=\"b\"\n  c=\"d\"}",
	    "2:3: parse error: unexpected identifier \"c\" in label matching, expected \",\" or \"}\"");
	refused("sum(\n\n  rate(up))",
	    "3:8: parse error: expected type range vector in call to function \"rate\", got instant vector");
	refused("up + * up", "1:6: parse error: unexpected <op:*>");
	refused("(up", "1:1: parse error: unclosed left parenthesis");
	refused("up{}} ", "1:5: parse error: unexpected \"}\"");
	refused("1 > 2", "1:1: parse error: comparisons between scalars must use BOOL modifier");
	refused("up[5m] + 1", "1:1: parse error: binary expression must contain only scalar and instant vector types");
	refused("{}", "1:1: parse error: vector selector must contain at least one non-empty matcher");
	refused("up{a=~\"b(\"}", "1:7: parse error: error parsing regexp: missing closing ): `b(`");
	refused("\"a\\q\"", "1:3: parse error: error unquoting string: invalid syntax");
	refused("5mm", "1:1: parse error: bad number or duration syntax: \"5mm\"");
	refused("up[0s]", "1:4: parse error: duration must be greater than 0");
	refused("rate(up[5m], 1)", "1:1: parse error: expected 1 argument(s) in call to \"rate\", got 2");
	refused("clamp(up)", "1:1: parse error: expected 3 argument(s) in call to \"clamp\", got 1");
	refused("up\x01", "1:3: parse error: unexpected character: '\\x01'");
	refused("up and on(a) group_left up", "1:1: parse error: no grouping allowed for \"and\" operation");
}

static void
a_name_nearly_right_is_told(void **state)
{
	(void)state;
	refused("ratee(up[5m])", "1:1: parse error: unknown function with name \"ratee\": did you mean \"rate\"?");
	refused("1 + avg_overtime(up[5m])",
	    "1:5: parse error: unknown function with name \"avg_overtime\": did you mean \"avg_over_time\"?");
	refused("frobnicate(up)", "1:1: parse error: unknown function with name \"frobnicate\"");
	refused("sin(up)", "1:1: parse error: the function sin() is not supported");
	refused("up atan2 up", "1:4: parse error: the operator atan2 is not supported");
}

static void
text_is_the_same_again(void **state)
{
	static const char *const all[][2] = {
	    {"up", "{__name__=\"up\"}"},
	    {"-1+2*3^2", "(-1) + (2 * (3 ^ 2))"},
	    {"sum by(a,b)(rate(x[1h30m] offset -5m))",
		"sum by (a, b) (rate({__name__=\"x\"}[5400000ms] offset -300000ms))"},
	    {"topk(3,x) without(y)", "topk without (y) (3, {__name__=\"x\"})"},
	    {"a>bool on(b)group_right(c)d", "{__name__=\"a\"} > bool on (b) group_right (c) {__name__=\"d\"}"},
	    {"(x)[10m:]@end()", "({__name__=\"x\"})[600000ms:] @ end()"},
	    {"x@1.5", "{__name__=\"x\"} @ 1.500"},
	    {"x@-0.5", "{__name__=\"x\"} @ -0.500"},
	    {"x{a=~\"\\\\d\\x01\",b!=\"\\\"\"}", "{__name__=\"x\", a=~\"\\\\d\\x01\", b!=\"\\\"\"}"},
	    {"a:b:c + :d", "{__name__=\"a:b:c\"} + {__name__=\":d\"}"},
	    {"-x^2", "-({__name__=\"x\"} ^ 2)"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct prom *p = parsed(all[i][0]), *again;
		char *text = prom_text(p), *twice;

		assert_string_equal(text, all[i][1]);
		again = parsed(text);
		twice = prom_text(again);
		assert_string_equal(twice, text);
		free(text);
		free(twice);
		prom_free(p);
		prom_free(again);
	}
}

static void
needs_reach_as_far_as_is_looked(void **state)
{
	static const struct {
		const char *text;
		int64_t from, to;
	} all[] = {
	    {"x", 1000000 - 300000, 1060000},
	    {"x offset 1m", 1000000 - 360000, 1000000},
	    {"rate(x[2m])", 1000000 - 120000, 1060000},
	    {"rate(x[2m] offset -1m)", 1000000 - 60000, 1120000},
	    {"x @ 500", 500000 - 300000, 500000},
	    {"x @ end()", 1060000 - 300000, 1060000},
	    {"max_over_time(rate(x[1m])[10m:1m])", 1000000 - 660000, 1060000},
	};
	const struct prom_when w = {1000000, 1060000, 15000};
	struct prom_need need[PROM_SELECTORS_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct prom *p = parsed(all[i].text);

		assert_int_equal(prom_needs(p, &w, need), 1);
		assert_int_equal(need[0].from_ms, all[i].from);
		assert_int_equal(need[0].to_ms, all[i].to);
		assert_int_equal(need[0].matchers_count, 1);
		prom_free(p);
	}
}

/* --- bounds --------------------------------------------------------------------------------- */

enum { SAMPLES = 600 };
static int64_t at[SAMPLES];
static double values[SAMPLES];
static const uint8_t labels[] = "\x01\x08__name__\x01x";

static int
eval(const char *text, struct prom_when w, struct prom_limits limits, uint32_t count, struct err *err)
{
	struct prom_need need[PROM_SELECTORS_MAX];
	struct prom_data data[PROM_SELECTORS_MAX];
	struct prom_points *s = calloc(count + 1, sizeof *s);
	struct prom *p = parsed(text);
	struct prom_result r;
	int rc;

	for (uint32_t i = 0; i < SAMPLES; i++)
		at[i] = i * 1000, values[i] = i;
	for (uint32_t i = 0; i < count; i++)
		s[i] = (struct prom_points){{labels, sizeof labels - 1}, at, values, SAMPLES};
	for (uint32_t i = prom_needs(p, &w, need); i-- > 0;)
		data[i] = (struct prom_data){s, count};
	rc = prom_eval(p, &w, data, &limits, &r, err);
	prom_result_free(&r);
	prom_free(p);
	free(s);
	return rc;
}

static void
memory_and_work_are_bounded(void **state)
{
	const struct prom_when range = {0, 599000, 1000};
	struct err err;

	(void)state;
	assert_int_equal(eval("x", range, (struct prom_limits){1 << 20, 1 << 20}, 1, &err), 0);
	assert_int_equal(eval("x", range, (struct prom_limits){4096, 1 << 20}, 1, &err), -1);
	assert_non_null(strstr(err.text, "4 KiB of memory: ask for fewer series"));
	assert_int_equal(eval("sum(sum_over_time(x[5m]))", range, (struct prom_limits){1 << 20, 10000}, 1, &err), -1);
	assert_non_null(strstr(err.text, "10000 samples looked at"));
	/* A rate looks at the ends of its window and at resets, not at all that is in it. */
	assert_int_equal(eval("rate(x[5m])", range, (struct prom_limits){1 << 20, 4000}, 1, &err), 0);
	assert_int_equal(eval("max_over_time(x[10m:1ms])", range, (struct prom_limits){64 << 20, 1 << 30}, 1, &err),
	    -1);
	assert_non_null(strstr(err.text, "a subquery of"));
}

static void
times_that_cannot_be_are_refused(void **state)
{
	const struct prom_limits limits = {1 << 20, 1 << 20};
	struct err err;

	(void)state;
	assert_int_equal(eval("x", (struct prom_when){0, 11000000, 1000}, limits, 1, &err), -1);
	assert_non_null(strstr(err.text, "exceeded maximum resolution of 11000 points"));
	assert_int_equal(eval("x", (struct prom_when){2000, 1000, 10}, limits, 1, &err), -1);
	assert_int_equal(eval("x", (struct prom_when){INT64_MIN, 0, 0}, limits, 1, &err), -1);
	assert_int_equal(eval("x", (struct prom_when){0, INT64_MAX, 1}, limits, 1, &err), -1);
	assert_int_equal(eval("x", (struct prom_when){0, 1, -1}, limits, 1, &err), -1);
	assert_int_equal(eval("x[5m]", (struct prom_when){0, 1000, 1000}, limits, 1, &err), -1);
	assert_non_null(strstr(err.text, "must be Scalar or instant Vector"));
	assert_int_equal(eval("x @ 8999999999999999", (struct prom_when){0}, limits, 1, &err), 0);
}

/* The same labels twice: two rows of one name are an error, not a crash. */
static void
series_that_are_the_same_are_an_error(void **state)
{
	const struct prom_limits limits = {1 << 20, 1 << 20};
	struct err err;

	(void)state;
	assert_int_equal(eval("x + x", (struct prom_when){5000, 5000, 0}, limits, 2, &err), -1);
	assert_non_null(strstr(err.text, "found duplicate series for the match group {} on the right"));
	assert_int_equal(eval("rate(x[1m])", (struct prom_when){5000, 5000, 0}, limits, 2, &err), -1);
	assert_string_equal(err.text, "vector cannot contain metrics with the same labelset");
}

static void
repeat(char *out, const char *a, int n, const char *mid, const char *b)
{
	*out = '\0';
	for (int i = 0; i < n; i++)
		strcat(out, a);
	strcat(out, mid);
	for (int i = 0; i < n; i++)
		strcat(out, b);
}

static void
what_is_deep_or_long_is_refused(void **state)
{
	static char text[PROM_TEXT_BYTES_MAX * 2];
	struct err err;

	(void)state;
	repeat(text, "(", 1000, "1", ")");
	assert_null(prom_parse(text, strlen(text), &err));
	assert_non_null(strstr(err.text, "nested deeper than 64"));
	repeat(text, "-", 2000, "x", "");
	assert_null(prom_parse(text, strlen(text), &err));
	repeat(text, "abs(", 500, "x", ")");
	assert_null(prom_parse(text, strlen(text), &err));
	repeat(text, "x+", 1000, "x", "");
	assert_null(prom_parse(text, strlen(text), &err));
	repeat(text, "2^", 1000, "x", "");
	assert_null(prom_parse(text, strlen(text), &err));
	repeat(text, "x", PROM_TEXT_BYTES_MAX, "x", "");
	assert_null(prom_parse(text, strlen(text), &err));
	assert_non_null(strstr(err.text, "8193 bytes, the limit is 8192"));
	repeat(text, "(", 30, "x", ")");
	prom_free(parsed(text));
	repeat(text, "x+", 31, "x", "");
	prom_free(parsed(text));
	repeat(text, "x+", 32, "x", "");
	refused(text, "1:65: parse error: more than 32 selectors");
}

/* --- over nodes ------------------------------------------------------------------------------- */

static void
parts_are(const char *text, const char *want)
{
	struct prom *p = parsed(text);
	struct err err;
	struct prom_split *s = prom_split(p, &err);
	char got[1024] = "";

	if (s == NULL)
		fail_msg("%s: %s", text, err.text);
	for (uint32_t i = 0; i < prom_split_parts(s); i++) {
		strcat(got, i > 0 ? "; " : "");
		strcat(got, prom_split_part(s, i));
	}
	if (strcmp(got, want) != 0)
		fail_msg("%s:\n  %s\n  %s wanted", text, got, want);
	prom_split_free(s);
	prom_free(p);
}

static void
nodes_do_what_they_can_alone(void **state)
{
	(void)state;
	parts_are("time() + 1", "");
	parts_are("rate(x[1m]) * 2", "rate({__name__=\"x\"}[60000ms]) * 2");
	parts_are("sum by (role) (rate(x[1m])) / 10", "sum by (role) (rate({__name__=\"x\"}[60000ms]))");
	parts_are("sum by (node) (x) / sum by (node) (y)",
	    "sum by (node) ({__name__=\"x\"}) / sum by (node) ({__name__=\"y\"})");
	parts_are("avg(x)", "sum({__name__=\"x\"}); count({__name__=\"x\"})");
	parts_are("sum(x) / count(x)", "sum({__name__=\"x\"}); count({__name__=\"x\"})");
	parts_are("stddev(x)", "count({__name__=\"x\"}); avg({__name__=\"x\"}); stdvar({__name__=\"x\"})");
	parts_are("topk(3, x)", "topk(3, {__name__=\"x\"})");
	parts_are("quantile(0.5, x)", "{__name__=\"x\"}");
	parts_are("x / on(role) group_left y", "{__name__=\"x\"}; {__name__=\"y\"}");
	parts_are("x / on(node) y", "{__name__=\"x\"} / on (node) {__name__=\"y\"}");
	parts_are("absent(x)", "group({__name__=\"x\"})");
	parts_are("sum(x) > 1 or sum(x) < 0", "sum({__name__=\"x\"})");
}

static void
a_range_of_many_nodes_is_refused(void **state)
{
	struct prom *p = parsed("max_over_time(sum(x)[5m:1m])");
	struct err err;

	(void)state;
	assert_null(prom_split(p, &err));
	assert_string_equal(err.text,
	    "1:15: parse error: a range of what several nodes make together is not supported");
	prom_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(errors_have_their_place),
	    cmocka_unit_test(a_name_nearly_right_is_told),
	    cmocka_unit_test(text_is_the_same_again),
	    cmocka_unit_test(needs_reach_as_far_as_is_looked),
	    cmocka_unit_test(memory_and_work_are_bounded),
	    cmocka_unit_test(times_that_cannot_be_are_refused),
	    cmocka_unit_test(series_that_are_the_same_are_an_error),
	    cmocka_unit_test(what_is_deep_or_long_is_refused),
	    cmocka_unit_test(nodes_do_what_they_can_alone),
	    cmocka_unit_test(a_range_of_many_nodes_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
