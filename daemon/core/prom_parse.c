/*
 * prom_parse.c - from words to a tree.  Operators by precedence, lowest first:
 *
 *	or | and unless | == != < <= > >= | + - | * / % atan2, unary + - | ^ (from the right)
 *
 * [range], offset and @ bind tighter than all of these.  Every level of nesting is
 * counted against PROM_DEPTH_MAX, of the text and of the tree that comes of it.
 */
#include "prom_parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>


static struct prom_expr *parse_expr(struct parser *s, int least);

int
prom_error(const struct prom *p, uint32_t at, struct err *err, const char *fmt, ...)
{
	uint32_t line = 1, col = 1;
	char why[ERR_TEXT_CAP - 64], shown[ERR_TEXT_CAP - 64];
	va_list ap;

	for (uint32_t i = 0; i < at && i < p->len; i++, col++)
		if (p->text[i] == '\n')
			line++, col = 0;
	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	err_escape(shown, sizeof shown, why, strlen(why));
	err_set(err, 1, "%u:%u: parse error: %s", line, col, shown);
	return -1;
}

void *
parse_fail(struct parser *s, const char *where, const char *expected)
{
	char what[80];

	prom_say(s->p, s->t, what, sizeof what);
	prom_error(s->p, s->t->at, s->err, "unexpected %s%s%s%s%s", what,
	    where[0] != '\0' ? " in " : "", where, expected[0] != '\0' ? ", expected " : "", expected);
	return NULL;
}

void *
parse_no_memory(struct parser *s)
{
	err_set(s->err, 1, "the expression is too large");
	return NULL;
}

bool
parse_take(struct parser *s, enum prom_tok t)
{
	if (s->t->tok != t)
		return false;
	s->t++;
	return true;
}

struct prom_expr *
parse_new(struct parser *s, enum prom_expr_kind kind, uint32_t at, uint32_t args)
{
	struct prom_expr *e = prom_alloc(&s->p->arena, sizeof *e);

	if (e != NULL && args > 0)
		e->args = prom_alloc(&s->p->arena, args * sizeof(struct prom_expr *));
	if (e == NULL || (args > 0 && e->args == NULL))
		return parse_no_memory(s);
	e->kind = kind;
	e->at = at;
	e->depth = 1;
	return e;
}

/* A child that may have failed: its parent, or NULL. */
struct prom_expr *
parse_add(struct parser *s, struct prom_expr *e, struct prom_expr *kid)
{
	if (e == NULL || kid == NULL)
		return NULL;
	e->args[e->count++] = kid;
	if (kid->depth >= e->depth)
		e->depth = kid->depth + 1;
	if (e->depth > PROM_DEPTH_MAX) {
		prom_error(s->p, e->at, s->err, "nested deeper than %d", PROM_DEPTH_MAX);
		return NULL;
	}
	return e;
}

/* --- calls and aggregations -------------------------------------------------------------- */

/* "(a, b)" into args (PROM_ARGS_MAX): how many, or -1. */
static int
parse_args(struct parser *s, struct prom_expr **args)
{
	int n = 0;

	if (!parse_take(s, TOK_LPAREN))
		return parse_fail(s, "aggregation", "\"(\""), -1;
	if (parse_take(s, TOK_RPAREN))
		return 0;
	for (;;) {
		if (n == PROM_ARGS_MAX)
			return prom_error(s->p, s->t->at, s->err, "more than %d arguments", PROM_ARGS_MAX);
		args[n] = parse_expr(s, 0);
		if (args[n++] == NULL)
			return -1;
		if (parse_take(s, TOK_RPAREN))
			return n;
		if (!parse_take(s, TOK_COMMA))
			return parse_fail(s, "function call", "\",\" or \")\""), -1;
		if (s->t->tok == TOK_RPAREN)
			return prom_error(s->p, s->t->at, s->err,
			    "trailing commas not allowed in function call args");
	}
}

static struct prom_expr *
parse_call(struct parser *s)
{
	struct prom_expr *args[PROM_ARGS_MAX], *e;
	const struct prom_token *name = s->t++;
	int n = parse_args(s, args);

	if (n < 0)
		return NULL;
	e = parse_new(s, EXPR_CALL, name->at, (uint32_t)n + 1);
	for (int i = 0; i < n && e != NULL; i++)
		e = parse_add(s, e, args[i]);
	if (e != NULL)
		e->text = (struct slice){(const uint8_t *)s->p->text + name->at, name->len};
	return e;
}

static int
parse_by(struct parser *s, struct prom_expr *e)
{
	if (s->t->tok != TOK_BY && s->t->tok != TOK_WITHOUT)
		return 0;
	e->grouped = true;
	e->without = s->t++->tok == TOK_WITHOUT;
	return parse_names(s, &e->labels);
}

static struct prom_expr *
parse_aggr(struct parser *s)
{
	struct prom_expr *e = parse_new(s, EXPR_AGGR, s->t->at, 2), *args[PROM_ARGS_MAX];
	bool has_param;
	int n;

	if (e == NULL)
		return NULL;
	e->op = s->t++->tok;
	if (parse_by(s, e) < 0)
		return NULL;
	n = parse_args(s, args);
	if (n < 0 || (!e->grouped && parse_by(s, e) < 0))
		return NULL;
	has_param = e->op >= TOK_TOPK;
	if (n == 0) {
		prom_error(s->p, e->at, s->err, "no arguments for aggregate expression provided");
		return NULL;
	}
	if (n != 1 + has_param) {
		prom_error(s->p, e->at, s->err,
		    "wrong number of arguments for aggregate expression provided, expected %d, got %d",
		    1 + has_param, n);
		return NULL;
	}
	e = parse_add(s, e, args[n - 1]);
	return has_param ? parse_add(s, e, args[0]) : e;
}

/* --- operands and operators --------------------------------------------------------------- */

static struct prom_expr *
parse_literal(struct parser *s)
{
	struct prom_expr *e =
	    parse_new(s, s->t->tok == TOK_NUMBER ? EXPR_NUMBER : EXPR_STRING, s->t->at, 0);
	const struct prom_token *t = s->t++;

	if (e == NULL || (t->tok == TOK_NUMBER ? prom_number(s->p, t, &e->number, s->err) :
						 prom_unquote(s->p, t, &e->text, s->err)) < 0)
		return NULL;
	return e;
}

static bool
is_metric_word(enum prom_tok t)
{
	return t == TOK_IDENT || t == TOK_METRIC || (t >= TOK_AND && t <= TOK_OFFSET) ||
	    t == TOK_START || t == TOK_STOP;
}

static struct prom_expr *
parse_operand(struct parser *s)
{
	enum prom_tok t = s->t->tok, next = t == TOK_END ? TOK_END : s->t[1].tok;
	struct prom_expr *e;

	if (t == TOK_NUMBER || t == TOK_TEXT)
		return parse_literal(s);
	if (t == TOK_LPAREN) {
		e = parse_new(s, EXPR_PAREN, s->t++->at, 1);
		e = parse_add(s, e, parse_expr(s, 0));
		if (e != NULL && !parse_take(s, TOK_RPAREN))
			return s->t->tok == TOK_END ?
			    (prom_error(s->p, e->at, s->err, "unclosed left parenthesis"), NULL) :
			    parse_fail(s, "", "\")\"");
		return e;
	}
	if (prom_is_aggr(t) && (next == TOK_LPAREN || next == TOK_BY || next == TOK_WITHOUT))
		return parse_aggr(s);
	if (t == TOK_IDENT && next == TOK_LPAREN)
		return parse_call(s);
	if (t == TOK_LBRACE || is_metric_word(t))
		return parse_selector(s);
	return t == TOK_END && s->p->len == 0 ?
	    (prom_error(s->p, 0, s->err, "no expression found in input"), NULL) :
	    parse_fail(s, "", "");
}

enum { LEVEL_UNARY = 5, LEVEL_POW = 6 };

static struct prom_expr *
parse_unary(struct parser *s)
{
	struct prom_expr *e, *of;
	uint32_t at = s->t->at;
	enum prom_tok op = s->t->tok;

	if (op != TOK_ADD && op != TOK_SUB)
		return parse_postfix(s, parse_operand(s));
	s->t++;
	of = parse_expr(s, LEVEL_POW);
	if (of == NULL || of->kind == EXPR_NUMBER) {
		if (of != NULL && op == TOK_SUB)
			of->number = -of->number;
		return of;
	}
	e = parse_add(s, parse_new(s, EXPR_UNARY, at, 1), of);
	if (e != NULL)
		e->op = op;
	return e;
}

static int
level_of(enum prom_tok t)
{
	switch (t) {
	case TOK_OR:
		return 1;
	case TOK_AND:
	case TOK_UNLESS:
		return 2;
	case TOK_ADD:
	case TOK_SUB:
		return 4;
	case TOK_MUL:
	case TOK_DIV:
	case TOK_MOD:
	case TOK_ATAN2:
		return LEVEL_UNARY;
	case TOK_POW:
		return LEVEL_POW;
	default:
		return prom_is_compare(t) ? 3 : 0;
	}
}

/* bool, on or ignoring, group_left or group_right. */
static int
parse_matching(struct parser *s, struct prom_expr *e)
{
	if (parse_take(s, TOK_BOOL))
		e->is_bool = true;
	if (s->t->tok == TOK_ON || s->t->tok == TOK_IGNORING) {
		e->matched = true;
		e->on = s->t++->tok == TOK_ON;
		if (parse_names(s, &e->labels) < 0)
			return -1;
		if (s->t->tok == TOK_GROUP_LEFT || s->t->tok == TOK_GROUP_RIGHT) {
			e->card = s->t++->tok == TOK_GROUP_LEFT ? CARD_LEFT : CARD_RIGHT;
			if (s->t->tok == TOK_LPAREN && parse_names(s, &e->include) < 0)
				return -1;
		}
	}
	return 0;
}

/* An expression of operators that bind at least as tight as `least`. */
static struct prom_expr *
parse_expr(struct parser *s, int least)
{
	struct prom_expr *left, *e;
	int level;

	if (++s->depth > PROM_DEPTH_MAX * 2) {
		prom_error(s->p, s->t->at, s->err, "nested deeper than %d", PROM_DEPTH_MAX);
		return NULL;
	}
	left = parse_unary(s);
	while (left != NULL && (level = level_of(s->t->tok)) > 0 && level >= least) {
		e = parse_new(s, EXPR_BINARY, left->at, 2);
		if (e == NULL)
			return NULL;
		if (s->t->tok == TOK_ATAN2) {
			prom_error(s->p, s->t->at, s->err, "the operator atan2 is not supported");
			return NULL;
		}
		e->op = s->t++->tok;
		if (parse_matching(s, e) < 0)
			return NULL;
		e = parse_add(s, e, left);
		left = parse_add(s, e, e != NULL ? parse_expr(s, e->op == TOK_POW ? level : level + 1) : NULL);
	}
	s->depth--;
	return left;
}

struct prom *
prom_parse(const char *text, size_t len, struct err *err)
{
	struct prom *p;
	struct parser s = {.err = err};

	if (len > PROM_TEXT_BYTES_MAX) {
		err_set(err, 1, "the expression has %zu bytes, the limit is %d", len, PROM_TEXT_BYTES_MAX);
		return NULL;
	}
	p = calloc(1, sizeof *p);
	if (p == NULL) {
		err_set(err, 1, "no memory for the expression");
		return NULL;
	}
	p->arena.max = PROM_PARSE_BYTES_MAX;
	p->text = prom_alloc(&p->arena, len + 1);
	s.p = p;
	if (p->text == NULL) {
		parse_no_memory(&s);
		prom_free(p);
		return NULL;
	}
	if (len > 0)
		memcpy(p->text, text, len);
	p->len = (uint32_t)len;
	s.t = prom_lex(p, err);
	p->root = s.t != NULL ? parse_expr(&s, 0) : NULL;
	if (p->root != NULL && s.t->tok != TOK_END)
		p->root = parse_fail(&s, "", "");
	if (p->root == NULL || prom_check(p, p->root, err) < 0) {
		prom_free(p);
		return NULL;
	}
	return p;
}
