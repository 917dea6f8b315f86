/*
 * test_template.c - the template compiler: what it makes and what it refuses.
 * How compiled templates run is in tests/golden/template.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../daemon/script/template.h"

static struct slice
text(const char *s)
{
	return (struct slice){s, strlen(s)};
}

/* The Lua of a template, without its first line. */
static void
compiles(const char *src, const char *lua)
{
	static const char head[] = "local _at, _out, _raw, _each, _include, _opt, _f = ...\n";
	struct template_error e;
	struct template t;

	assert_int_equal(template_compile(&t, text(src), &e), 0);
	assert_true(t.lua_len >= sizeof head - 1);
	assert_memory_equal(t.lua, head, sizeof head - 1);
	assert_int_equal(t.lua_len - (sizeof head - 1), strlen(lua));
	assert_memory_equal(t.lua + sizeof head - 1, lua, strlen(lua));
	template_free(&t);
}

static void
refuses(const char *src, uint32_t line, uint32_t col, const char *why)
{
	struct template_error e;
	struct template t;

	assert_int_equal(template_compile(&t, text(src), &e), -ERR_MALFORMED);
	assert_string_equal(e.text, why);
	assert_int_equal(e.line, line);
	assert_int_equal(e.col, col);
	assert_null(t.lua);
}

static void
test_plain(void **state)
{
	(void)state;
	compiles("", "");
	compiles("a", "_raw(0, 1)\n");
	compiles("a\n{ b } {\n", "_raw(0, 10)\n");
	compiles("{", "_raw(0, 1)\n");
	compiles("{# x #}", "");
	compiles("a{# }} %} #}b", "_raw(0, 1)\n_raw(12, 13)\n");
}

static void
test_out(void **state)
{
	(void)state;
	compiles("{{x}}", "_at(0) _out((x))\n");
	compiles("{{ a.b.c }}", "_at(0) _out((a.b.c), a.b)\n");
	compiles("{{ a.b() }}", "_at(0) _out((a.b()))\n");
	compiles("{{ {a={}} }}", "_at(0) _out(({a={}}))\n");
	compiles("{{ '}}' }}{{ \"}}\" }}{{ [=[}}]]]=] }}",
	    "_at(0) _out(('}}'))\n_at(1) _out((\"}}\"))\n_at(2) _out(([=[}}]]]=]))\n");
	compiles("{{ t[1] }}", "_at(0) _out((t[1]))\n");
}

static void
test_filters(void **state)
{
	(void)state;
	compiles("{{ x | a }}", "_at(0) _out((_f.a((x))))\n");
	compiles("{{ x.y | a(1, '|') | b }}", "_at(0) _out((_f.b(_f.a((x.y), 1, '|'))))\n");
	compiles("{{ (a | b) }}", "_at(0) _out(((a | b)))\n");
	compiles("{{ x | default(1) }}", "_at(0) _out((_f.default(_opt('x'), 1)))\n");
	compiles("{{ x.y | default(1) }}", "_at(0) _out((_f.default((x.y), 1)))\n");
	compiles("{% for x in l | a %}{% end %}", "_at(0) for x in _each(1, _f.a((l))) do\nend\n");
	refuses("{{ x | a) .. (b }}", 1, 1,
	    "after '|' comes a filter: NAME or NAME(ARGUMENTS); bitwise or stands in parentheses");
}

static void
test_white_space(void **state)
{
	(void)state;
	compiles("a \n{{- x -}} \n\tb", "_raw(0, 1)\n_at(0) _out((x))\n_raw(15, 16)\n");
	compiles("a\n  {%- if x -%}\n b{% end %}", "_raw(0, 1)\nif _at(0) and (x) then\n_raw(18, 19)\nend\n");
	compiles("a {#- x -#} b", "_raw(0, 1)\n_raw(12, 13)\n");
	compiles("{{- x -}}", "_at(0) _out((x))\n");
	compiles("  {{- x }}{{ y -}}  ", "_at(0) _out((x))\n_at(1) _out((y))\n");
}

static void
test_blocks(void **state)
{
	(void)state;
	compiles("{% if a %}x{% elseif b %}y{% else %}z{% end %}",
	    "if _at(0) and (a) then\n_raw(10, 11)\nelseif _at(1) and (b) then\n_raw(25, 26)\nelse\n"
	    "_raw(36, 37)\nend\n");
	compiles("{% for x in l %}{% end %}", "_at(0) for x in _each(1, l) do\nend\n");
	compiles(
	    "{%for k , v in pairs(t)%}{%end%}", "_at(0) for k , v in _each(2, pairs(t)) do\nend\n");
	compiles("{% for i = 1, 3 %}{% end %}", "_at(0) for i = 1, 3 do\nend\n");
	compiles("{% include \"x\" %}", "_at(0) _include((\"x\"))\n");
}

static void
test_lines_of_tags_vanish(void **state)
{
	(void)state;
	compiles("a\n  {% if x %}  \nb\n{% end %}\n",
	    "_raw(0, 2)\nif _at(0) and (x) then\n_raw(17, 19)\nend\n");
	compiles(
	    "{# one #} {% if x %}{% end %}\r\nb", "if _at(0) and (x) then\nend\n_raw(31, 32)\n");
	/* Anything else on the line, and it stays. */
	compiles("{% if x %}a\n{% end %}", "if _at(0) and (x) then\n_raw(10, 12)\nend\n");
	compiles("{{ x }}\n", "_at(0) _out((x))\n_raw(7, 8)\n");
}

static void
test_places(void **state)
{
	struct template_error e;
	struct template t;
	uint32_t line, col;

	(void)state;
	assert_int_equal(
	    template_compile(&t, text("a\n\xc3\xa9 {{ x }}\n\n{{ y\n }}{{z}}"), &e), 0);
	assert_int_equal(t.tags_count, 3);
	assert_int_equal(t.tags[0].line, 2);
	assert_int_equal(t.tags[0].col, 3);
	assert_int_equal(t.tags[1].line, 4);
	assert_int_equal(t.tags[1].col, 1);
	assert_int_equal(t.tags[2].line, 5);
	assert_int_equal(t.tags[2].col, 4);
	assert_memory_equal(t.tags[2].expr.p, "z", 1);
	template_place(t.text, t.tags[2].off, &line, &col);
	assert_int_equal(line, 5);
	assert_int_equal(col, 4);
	template_free(&t);
}

static void
test_refuses(void **state)
{
	(void)state;
	refuses("{{", 1, 1, "unclosed '{{'");
	refuses("{{ '", 1, 1, "unclosed '{{'");
	refuses("{{ [[ }}", 1, 1, "unclosed '{{'");
	refuses("{{ { }}", 1, 1, "unclosed '{{'");
	refuses("x\n  {%", 2, 3, "unclosed '{%'");
	refuses("{#}", 1, 1, "unclosed '{#'");
	refuses("{{}}", 1, 1, "an expression is missing");
	refuses("{% if %}{% end %}", 1, 1, "an expression is missing");
	refuses("{% include %}", 1, 1, "an expression is missing");
	refuses("{% for x %}{% end %}", 1, 1,
	    "write 'for NAME in LIST' or 'for KEY, VALUE in pairs(TABLE)'");
	refuses("{% for x, in l %}{% end %}", 1, 1,
	    "write 'for NAME in LIST' or 'for KEY, VALUE in pairs(TABLE)'");
	refuses("{% end %}", 1, 1, "'end' without a 'for' or 'if'");
	refuses("{% if a %}\n{% end x %}", 2, 1, "'end' takes nothing");
	refuses("a {% if b %}", 1, 3, "'if' without its 'end'");
}

static void
test_too_large(void **state)
{
	struct template_error e;
	struct template t;
	size_t len = TEMPLATE_BYTES_MAX + 1;
	char *big = test_malloc(len);

	(void)state;
	memset(big, 'x', len);
	assert_int_equal(template_compile(&t, (struct slice){big, len}, &e), -ERR_MALFORMED);
	assert_string_equal(e.text, "template larger than 4 MiB");
	assert_int_equal(template_compile(&t, (struct slice){big, len - 1}, &e), 0);
	template_free(&t);
	test_free(big);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_plain),
	    cmocka_unit_test(test_out),
	    cmocka_unit_test(test_filters),
	    cmocka_unit_test(test_white_space),
	    cmocka_unit_test(test_blocks),
	    cmocka_unit_test(test_lines_of_tags_vanish),
	    cmocka_unit_test(test_places),
	    cmocka_unit_test(test_refuses),
	    cmocka_unit_test(test_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
