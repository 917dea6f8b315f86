/*
 * prom_text.c - an expression as text again, which parses to the same: operands of
 * operators stand in parentheses where they are operators themselves.
 */
#include "prom_in.h"
#include "prom_text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void
put(struct prom_out *o, const char *s, size_t n)
{
	if (o->failed || n == 0)
		return;
	if (n > o->cap - o->len) {
		size_t cap = o->cap * 2 + n + 256;
		char *b = realloc(o->b, cap + 1);

		if (b == NULL) {
			o->failed = true;
			return;
		}
		o->b = b;
		o->cap = cap;
	}
	memcpy(o->b + o->len, s, n);
	o->len += n;
	o->b[o->len] = '\0';
}

void
prom_put(struct prom_out *o, const char *fmt, ...)
{
	char b[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(b, sizeof b, fmt, ap);
	va_end(ap);
	put(o, b, n < 0 ? 0 : (size_t)n < sizeof b ? (size_t)n : sizeof b - 1);
}

static void
put_slice(struct prom_out *o, struct slice s)
{
	if (s.len > 0)
		put(o, (const char *)s.b, s.len);
}

static void
put_quoted(struct prom_out *o, struct slice s)
{
	put(o, "\"", 1);
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.b[i];

		if (c == '"' || c == '\\')
			prom_put(o, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			prom_put(o, "\\x%02x", c);
		else
			put(o, (const char *)&s.b[i], 1);
	}
	put(o, "\"", 1);
}

static void
put_number(struct prom_out *o, double v)
{
	if (isnan(v) || isinf(v))
		prom_put(o, "%s", isnan(v) ? "NaN" : v > 0 ? "Inf" : "-Inf");
	else
		prom_put(o, "%.17g", v);
}

static void
put_ms(struct prom_out *o, int64_t ms)
{
	if (ms < 0)
		prom_put(o, "-");
	prom_put(o, "%lldms", (long long)(ms < 0 ? -ms : ms));
}

void
prom_put_names(struct prom_out *o, const char *word, const struct prom_names *n)
{
	prom_put(o, "%s (", word);
	for (uint32_t i = 0; i < n->count; i++) {
		prom_put(o, "%s", i > 0 ? ", " : "");
		put_slice(o, n->v[i]);
	}
	prom_put(o, ") ");
}

static void
put_modifiers(struct prom_out *o, const struct prom_expr *e)
{
	if (e->at_kind == AT_TIME)
		prom_put(o, " @ %s%lld.%03lld", e->at_ms < 0 ? "-" : "", llabs(e->at_ms) / 1000,
		    llabs(e->at_ms) % 1000);
	else if (e->at_kind != AT_NONE)
		prom_put(o, " @ %s()", e->at_kind == AT_START ? "start" : "end");
	if (e->has_offset) {
		prom_put(o, " offset ");
		put_ms(o, e->offset_ms);
	}
}

static void
put_selector(struct prom_out *o, const struct prom_expr *e)
{
	static const char *const ops[] = {"=", "!=", "=~", "!~"};

	prom_put(o, "{");
	for (uint32_t i = 0; i < e->matchers_count; i++) {
		prom_put(o, "%s", i > 0 ? ", " : "");
		put_slice(o, e->matchers[i].name);
		prom_put(o, "%s", ops[e->matchers[i].op]);
		put_quoted(o, e->matchers[i].value);
	}
	prom_put(o, "}");
}

static void
put_operand(struct prom_out *o, const struct prom_expr *e)
{
	bool bare = e->kind != EXPR_BINARY && e->kind != EXPR_UNARY &&
	    !(e->kind == EXPR_NUMBER && signbit(e->number));

	prom_put(o, "%s", bare ? "" : "(");
	prom_put_expr(o, e);
	prom_put(o, "%s", bare ? "" : ")");
}

static void
put_binary(struct prom_out *o, const struct prom_expr *e)
{
	put_operand(o, e->args[0]);
	prom_put(o, " %s ", prom_word(e->op));
	if (e->is_bool)
		prom_put(o, "bool ");
	if (e->matched)
		prom_put_names(o, e->on ? "on" : "ignoring", &e->labels);
	if (e->card == CARD_LEFT || e->card == CARD_RIGHT)
		prom_put_names(o, e->card == CARD_LEFT ? "group_left" : "group_right", &e->include);
	put_operand(o, e->args[1]);
}

static void
put_call(struct prom_out *o, const struct prom_expr *e)
{
	bool aggr = e->kind == EXPR_AGGR;

	if (aggr)
		prom_put(o, "%s", prom_word(e->op));
	else
		put_slice(o, e->text);
	if (aggr && e->grouped)
		prom_put_names(o, e->without ? " without" : " by", &e->labels);
	prom_put(o, "(");
	if (aggr && e->count > 1) { /* the parameter comes first */
		prom_put_expr(o, e->args[1]);
		prom_put(o, ", ");
	}
	for (uint32_t i = 0; i < (aggr ? 1 : e->count); i++) {
		prom_put(o, "%s", i > 0 ? ", " : "");
		prom_put_expr(o, e->args[i]);
	}
	prom_put(o, ")");
}

void
prom_put_expr(struct prom_out *o, const struct prom_expr *e)
{
	switch (e->kind) {
	case EXPR_NUMBER:
		put_number(o, e->number);
		return;
	case EXPR_STRING:
		put_quoted(o, e->text);
		return;
	case EXPR_SELECTOR:
		put_selector(o, e);
		put_modifiers(o, e);
		return;
	case EXPR_MATRIX:
		put_selector(o, e->args[0]);
		prom_put(o, "[");
		put_ms(o, e->range_ms);
		prom_put(o, "]");
		put_modifiers(o, e);
		return;
	case EXPR_SUBQUERY:
		put_operand(o, e->args[0]);
		prom_put(o, "[");
		put_ms(o, e->range_ms);
		prom_put(o, ":");
		if (!e->is_default_step)
			put_ms(o, e->step_ms);
		prom_put(o, "]");
		put_modifiers(o, e);
		return;
	case EXPR_PAREN:
		prom_put(o, "(");
		prom_put_expr(o, e->args[0]);
		prom_put(o, ")");
		return;
	case EXPR_UNARY:
		prom_put(o, "%s", prom_word(e->op));
		put_operand(o, e->args[0]);
		return;
	case EXPR_BINARY:
		put_binary(o, e);
		return;
	case EXPR_CALL:
	case EXPR_AGGR:
		put_call(o, e);
		return;
	case EXPR_PART:
		prom_put(o, "part_%u", e->part);
		return;
	}
}

char *
prom_text(const struct prom *p)
{
	struct prom_out o = {0};

	prom_put_expr(&o, p->root);
	if (o.failed) {
		free(o.b);
		return NULL;
	}
	return o.b;
}
