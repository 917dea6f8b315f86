/*
 * prom_select.c - of the parser: selectors, lists of labels, and what stands behind an
 * operand: [range], offset, @.
 */
#include "prom_parse.h"

#include <math.h>
#include <stdlib.h>

/* --- lists of labels ----------------------------------------------------------------- */

int
parse_names(struct parser *s, struct prom_names *out)
{
	struct slice v[LABELS_MAX];
	uint32_t n = 0;

	if (!parse_take(s, TOK_LPAREN))
		return parse_fail(s, "grouping opts", "\"(\""), -1;
	while (s->t->tok != TOK_RPAREN) {
		struct slice name = {(const uint8_t *)s->p->text + s->t->at, s->t->len};

		if (!labels_is_label(name))
			return parse_fail(s, "grouping opts", "label"), -1;
		if (n == LABELS_MAX)
			return prom_error(s->p, s->t->at, s->err, "more than %d labels", LABELS_MAX);
		v[n++] = name;
		s->t++;
		if (!parse_take(s, TOK_COMMA) && s->t->tok != TOK_RPAREN)
			return parse_fail(s, "grouping opts", "\",\" or \")\""), -1;
	}
	s->t++;
	out->v = prom_alloc(&s->p->arena, (n + 1) * sizeof *v);
	if (out->v == NULL)
		return parse_no_memory(s), -1;
	memcpy(out->v, v, n * sizeof *v);
	out->count = n;
	return 0;
}

/* --- selectors ------------------------------------------------------------------------ */

static int
parse_matcher(struct parser *s, struct series_matcher *m)
{
	enum prom_tok op = s->t[1].tok;
	uint32_t at;

	if (s->t->tok != TOK_IDENT)
		return parse_fail(s, "label matching", "identifier or \"}\""), -1;
	m->name = (struct slice){(const uint8_t *)s->p->text + s->t->at, s->t->len};
	s->t++;
	if (op != TOK_ASSIGN && op != TOK_NE && op != TOK_EQ_RE && op != TOK_NE_RE)
		return parse_fail(s, "label matching", "label matching operator"), -1;
	s->t++;
	at = s->t->at;
	if (s->t->tok != TOK_TEXT)
		return parse_fail(s, "label matching", "string"), -1;
	if (prom_unquote(s->p, s->t, &m->value, s->err) < 0)
		return -1;
	s->t++;
	m->op = op == TOK_ASSIGN ? SERIES_EQ :
	    op == TOK_NE	 ? SERIES_NE :
	    op == TOK_EQ_RE	 ? SERIES_RE :
				   SERIES_NRE;
	if (m->op != SERIES_RE && m->op != SERIES_NRE)
		return 0;
	struct err why;
	m->re = prom_pattern(s->p, m->value, &why);
	return m->re != NULL ? 0 : prom_error(s->p, at, s->err, "%s", why.text);
}

static bool
matches_empty(const struct series_matcher *m)
{
	static const struct slice none = {(const uint8_t *)"", 0};

	switch (m->op) {
	case SERIES_EQ:
		return m->value.len == 0;
	case SERIES_NE:
		return m->value.len != 0;
	default:
		return pattern_match(m->re, none, NULL, NULL) == (m->op == SERIES_RE);
	}
}

static struct prom_expr *
selector_done(struct parser *s, struct prom_expr *e, const struct series_matcher *m, uint32_t n)
{
	uint32_t i = 0;

	while (i < n && matches_empty(&m[i]))
		i++;
	if (i == n) {
		prom_error(s->p, e->at, s->err,
		    "vector selector must contain at least one non-empty matcher");
		return NULL;
	}
	if (s->p->selectors_count == PROM_SELECTORS_MAX) {
		prom_error(s->p, e->at, s->err, "more than %d selectors", PROM_SELECTORS_MAX);
		return NULL;
	}
	e->matchers = prom_alloc(&s->p->arena, n * sizeof *m);
	if (e->matchers == NULL)
		return parse_no_memory(s);
	memcpy(e->matchers, m, n * sizeof *m);
	e->matchers_count = n;
	e->selector = s->p->selectors_count;
	s->p->selectors[s->p->selectors_count++] = e;
	return e;
}

struct prom_expr *
parse_selector(struct parser *s)
{
	struct prom_expr *e = parse_new(s, EXPR_SELECTOR, s->t->at, 0);
	struct series_matcher m[LABELS_MAX];
	uint32_t n = 0;

	if (e == NULL)
		return NULL;
	memset(m, 0, sizeof m);
	if (s->t->tok != TOK_LBRACE) {
		m[n++] = (struct series_matcher){.op = SERIES_EQ, .name = slice_of(LABEL_NAME),
		    .value = {(const uint8_t *)s->p->text + s->t->at, s->t->len}};
		s->t++;
	}
	if (!parse_take(s, TOK_LBRACE))
		return selector_done(s, e, m, n);
	while (!parse_take(s, TOK_RBRACE)) {
		if (n == LABELS_MAX) {
			prom_error(s->p, s->t->at, s->err, "more than %d matchers", LABELS_MAX);
			return NULL;
		}
		if (parse_matcher(s, &m[n]) < 0)
			return NULL;
		if (n > 0 && slice_eq(m[0].name, slice_of(LABEL_NAME)) && s->p->text[e->at] != '{' &&
		    slice_eq(m[n].name, m[0].name)) {
			prom_error(s->p, e->at, s->err, "metric name must not be set twice: \"%.*s\" or \"%.*s\"",
			    (int)m[0].value.len, m[0].value.b, (int)m[n].value.len, m[n].value.b);
			return NULL;
		}
		n++;
		if (!parse_take(s, TOK_COMMA) && s->t->tok != TOK_RBRACE)
			return parse_fail(s, "label matching", "\",\" or \"}\"");
	}
	return selector_done(s, e, m, n);
}

/* --- what stands behind an operand: [range] offset @ ----------------------------------- */

static struct prom_expr *
parse_range(struct parser *s, struct prom_expr *of)
{
	const struct prom_token *open = s->t++;
	struct prom_expr *e;
	int64_t range, step = 0;
	bool colon, has_step = false;

	if (s->t->tok != TOK_DURATION)
		return parse_fail(s, "subquery or range selector", "duration");
	if (prom_duration(s->p, s->t++, &range, s->err) < 0)
		return NULL;
	colon = parse_take(s, TOK_COLON);
	if (colon && s->t->tok == TOK_DURATION) {
		if (prom_duration(s->p, s->t++, &step, s->err) < 0)
			return NULL;
		has_step = true;
	}
	if (!parse_take(s, TOK_RBRACKET))
		return parse_fail(s, "subquery or range selector", colon ? "\"]\"" : "\":\" or \"]\"");
	if (!colon && of->kind != EXPR_SELECTOR) {
		prom_error(s->p, open->at, s->err, "ranges only allowed for vector selectors");
		return NULL;
	}
	if (!colon && (of->has_offset || of->at_kind != AT_NONE)) {
		prom_error(s->p, open->at, s->err, "no %s modifiers allowed before range",
		    of->has_offset ? "offset" : "@");
		return NULL;
	}
	e = parse_add(s, parse_new(s, colon ? EXPR_SUBQUERY : EXPR_MATRIX, of->at, 1), of);
	if (e == NULL)
		return NULL;
	e->range_ms = range;
	e->step_ms = has_step ? step : PROM_SUBQUERY_STEP_MS;
	e->is_default_step = !has_step;
	return e;
}

static bool
takes_modifier(const struct prom_expr *e)
{
	return e->kind == EXPR_SELECTOR || e->kind == EXPR_MATRIX || e->kind == EXPR_SUBQUERY;
}

static struct prom_expr *
parse_offset(struct parser *s, struct prom_expr *e)
{
	uint32_t at = s->t++->at;
	bool minus = parse_take(s, TOK_SUB);
	int64_t ms;

	if (!minus)
		(void)parse_take(s, TOK_ADD);
	if (s->t->tok != TOK_DURATION)
		return parse_fail(s, "offset", "duration");
	if (prom_duration(s->p, s->t++, &ms, s->err) < 0)
		return NULL;
	if (!takes_modifier(e) || e->has_offset) {
		prom_error(s->p, at, s->err, "%s", e->has_offset ?
		    "offset may not be set multiple times" :
		    "offset modifier must be preceded by an instant vector selector or range vector "
		    "selector or a subquery");
		return NULL;
	}
	e->has_offset = true;
	e->offset_ms = minus ? -ms : ms;
	return e;
}

static struct prom_expr *
parse_at(struct parser *s, struct prom_expr *e)
{
	uint32_t at = s->t++->at;
	bool minus = false;
	double seconds;

	if (!takes_modifier(e) || e->at_kind != AT_NONE) {
		prom_error(s->p, at, s->err, "%s", e->at_kind != AT_NONE ?
		    "@ <timestamp> may not be set multiple times" :
		    "@ modifier must be preceded by an instant vector selector or range vector "
		    "selector or a subquery");
		return NULL;
	}
	if (s->t->tok == TOK_START || s->t->tok == TOK_STOP) {
		e->at_kind = s->t++->tok == TOK_START ? AT_START : AT_END;
		if (!parse_take(s, TOK_LPAREN) || !parse_take(s, TOK_RPAREN))
			return parse_fail(s, "@", "\"()\"");
		return e;
	}
	if (s->t->tok == TOK_ADD || s->t->tok == TOK_SUB)
		minus = s->t++->tok == TOK_SUB;
	if (s->t->tok != TOK_NUMBER)
		return parse_fail(s, "@", "timestamp");
	if (prom_number(s->p, s->t++, &seconds, s->err) < 0)
		return NULL;
	if (!isfinite(seconds) || fabs(seconds) > 9e15) {
		prom_error(s->p, at, s->err, "timestamp out of bounds for @ modifier: %f", seconds);
		return NULL;
	}
	seconds *= 1000;
	e->at_ms = (int64_t)(seconds + 0.5);
	if (minus)
		e->at_ms = -e->at_ms;
	e->at_kind = AT_TIME;
	return e;
}

struct prom_expr *
parse_postfix(struct parser *s, struct prom_expr *e)
{
	while (e != NULL) {
		if (s->t->tok == TOK_LBRACKET)
			e = parse_range(s, e);
		else if (s->t->tok == TOK_OFFSET)
			e = parse_offset(s, e);
		else if (s->t->tok == TOK_AT)
			e = parse_at(s, e);
		else
			return e;
	}
	return NULL;
}
