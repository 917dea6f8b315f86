/*
 * template.h - a template's text, compiled to Lua.
 *
 *	text {{ expression }} text
 *	{% for x in list %} {% for k, v in pairs(t) %} {% for i = 1, 3 %}
 *	{% if e %} {% elseif e %} {% else %} {% end %} {% include "file" %} {# comment #}
 *	{{ expression | filter | filter(argument) }} {% for x in list | filter %}
 *	{{- - }} {%- -%} {#- -#}: no white space before, behind
 *
 * A line that holds nothing but {% %} and {# #} leaves nothing in the output.
 * A `|` outside of all brackets is a filter's, never Lua's bitwise or.
 * Pure: no Lua state here.  The chunk is called with six functions and a table and never
 * quotes any text of the template: pieces are offsets, so text can't become
 * code, and every expression is compiled alone first (render.c), so it can't
 * close the parenthesis around it.
 *
 *	_at(TAG)            "now at tag TAG"; returns true
 *	_out(VALUE, OWNER)  write a value; OWNER = table it is a field of, or nil
 *	_raw(FROM, TO)      write bytes FROM..TO-1 of the template
 *	_each(N, ...)       what `for` with N names shall walk
 *	_include(NAME)
 *	_opt(NAME)          a variable, or nil where there is none of that name
 *	_f.NAME(VALUE, ...) a filter
 */
#ifndef SCRIPT_TEMPLATE_H
#define SCRIPT_TEMPLATE_H

#include "job.h"

enum { TEMPLATE_BYTES_MAX = 4 << 20, TEMPLATE_NEST_MAX = 64 };

/* Of the last two nothing runs: the name of a filter, and its arguments. */
enum template_kind { TAG_OUT, TAG_IF, TAG_ELSEIF, TAG_FOR, TAG_INCLUDE, TAG_FILTER, TAG_ARGUMENTS };

struct template_tag {
	enum template_kind kind;
	uint32_t off;	    /* of "{{" or "{%" */
	uint32_t line, col; /* of it; from 1, col in characters */
	struct slice expr;  /* condition, value without filters, or all of the for header */
};

struct template
{
	struct slice text; /* borrowed */
	char *lua;	   /* owned */
	size_t lua_len;
	struct template_tag *tags; /* owned */
	uint32_t tags_count;
};

struct template_error {
	uint32_t line, col;
	char text[128];
};

/* 0, or -ERR_MALFORMED with *e; *t is empty then. */
MUST_CHECK int template_compile(struct template *t, struct slice text, struct template_error *e);
/* The same, going on behind what is wrong.  How many errors there are in errors, at most max;
 * *t is to be freed, holds the tags that were read, and without errors all of it. */
MUST_CHECK uint32_t template_check(
    struct template *t, struct slice text, struct template_error *errors, uint32_t max);
void template_free(struct template *t);
/* Line and column of an offset. */
void template_place(struct slice text, size_t off, uint32_t *line, uint32_t *col);

#endif
