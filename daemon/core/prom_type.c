/*
 * prom_type.c - what each function takes, and whether an expression keeps to it: all
 * that can be known to be wrong without a sample is refused here, before any is read.
 */
#include "prom_in.h"

#include <stdlib.h>

static const struct prom_func funcs[] = {
#define X(id, name, takes, least) {FN_##id, name, takes, least},
    PROM_FUNCS(X)
#undef X
};

const struct prom_func *
prom_func(struct slice name)
{
	for (size_t i = 0; i < ARRAY_LEN(funcs); i++)
		if (slice_eq(name, slice_of(funcs[i].name)))
			return &funcs[i];
	return NULL;
}

const char *
prom_type_name(enum prom_kind k)
{
	static const char *const names[] = {"scalar", "instant vector", "range vector", "string"};

	return names[k];
}

/* How many letters have to be changed, added or taken out; 99: too long to ask. */
static uint32_t
distance(struct slice a, const char *b)
{
	uint32_t row[32], n = (uint32_t)strlen(b);

	if (a.len > 31 || n > 31)
		return 99;
	for (uint32_t k = 0; k <= n; k++)
		row[k] = k;
	for (uint32_t i = 1; i <= a.len; i++) {
		uint32_t corner = row[0];

		row[0] = i;
		for (uint32_t k = 1; k <= n; k++) {
			uint32_t best = corner + (a.b[i - 1] != (uint8_t)b[k - 1]);

			corner = row[k];
			best = row[k] + 1 < best ? row[k] + 1 : best;
			row[k] = row[k - 1] + 1 < best ? row[k - 1] + 1 : best;
		}
	}
	return row[n];
}

static int
unknown_function(struct prom *p, struct prom_expr *e, struct err *err)
{
	static const char *const left_out[] = {"sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh",
	    "asinh", "acosh", "atanh"};
	const char *near = NULL;
	uint32_t best = e->text.len < 5 ? 2 : 3, d; /* fewer than that */

	for (size_t i = 0; i < ARRAY_LEN(left_out); i++)
		if (slice_eq(e->text, slice_of(left_out[i])))
			return prom_error(p, e->at, err, "the function %s() is not supported", left_out[i]);
	for (size_t i = 0; i < ARRAY_LEN(funcs); i++) {
		d = distance(e->text, funcs[i].name);
		if (d < best)
			best = d, near = funcs[i].name;
	}
	return prom_error(p, e->at, err, "unknown function with name \"%.*s\"%s%s%s", (int)e->text.len,
	    (const char *)e->text.b, near != NULL ? ": did you mean \"" : "", near != NULL ? near : "",
	    near != NULL ? "\"?" : "");
}

static enum prom_kind
kind_of(char c)
{
	return c == 's' ? PROM_SCALAR : c == 'v' ? PROM_VECTOR : c == 'm' ? PROM_MATRIX : PROM_STRING;
}

static int
expect(struct prom *p, const struct prom_expr *e, enum prom_kind want, const char *where,
    const char *name, struct err *err)
{
	if (e->type == want)
		return 0;
	return prom_error(p, e->at, err, "expected type %s in %s%s, got %s", prom_type_name(want), where,
	    name, prom_type_name(e->type));
}

static const struct prom_expr *
bare(const struct prom_expr *e)
{
	while (e->kind == EXPR_PAREN)
		e = e->args[0];
	return e;
}

/* What Prometheus says only once it evaluates: names of labels, and the pattern. */
static int
check_label_call(struct prom *p, struct prom_expr *e, struct err *err)
{
	struct err why;
	bool join = e->func->fn == FN_LABEL_JOIN;

	for (uint32_t i = 1; i < e->count; i++) {
		const struct prom_expr *arg = bare(e->args[i]);

		if (arg->kind != EXPR_STRING)
			return prom_error(p, arg->at, err, "expected a string in %s()", e->func->name);
		if (i != 1 && !(join && i >= 3))
			continue;
		if (!labels_is_label(arg->text))
			return prom_error(p, arg->at, err, "invalid %s label name in %s(): %.*s",
			    i == 1 ? "destination" : "source", e->func->name, (int)arg->text.len,
			    (const char *)arg->text.b);
	}
	if (join)
		return 0;
	e->re = prom_pattern(p, bare(e->args[4])->text, &why);
	return e->re != NULL ? 0 :
			       prom_error(p, bare(e->args[4])->at, err,
				   "invalid regular expression in label_replace(): %s", why.text);
}

static int
check_call(struct prom *p, struct prom_expr *e, struct err *err)
{
	const struct prom_func *f = e->func = prom_func(e->text);
	uint32_t most;
	bool any;

	if (f == NULL)
		return unknown_function(p, e, err);
	most = (uint32_t)strlen(f->takes);
	any = most > 0 && f->takes[most - 1] == '.';
	if (e->count < f->least || (!any && e->count > most))
		return prom_error(p, e->at, err, "expected %s%u argument(s) in call to \"%s\", got %u",
		    f->least == most ? "" : e->count < f->least ? "at least " : "at most ",
		    e->count < f->least ? f->least : most, f->name, e->count);
	for (uint32_t i = 0; i < e->count; i++) {
		char c = f->takes[any && i >= most - 1 ? most - 2 : i];
		char name[48] = "\"";

		strncat(name, f->name, 40);
		strcat(name, "\"");
		if (expect(p, e->args[i], kind_of(c), "call to function ", name, err) < 0)
			return -1;
	}
	e->type = f->fn >= FN_SCALAR ? PROM_SCALAR : PROM_VECTOR;
	if (f->fn == FN_LABEL_REPLACE || f->fn == FN_LABEL_JOIN)
		return check_label_call(p, e, err);
	return 0;
}

static int
check_aggr(struct prom *p, struct prom_expr *e, struct err *err)
{
	e->type = PROM_VECTOR;
	if (expect(p, e->args[0], PROM_VECTOR, "aggregation expression", "", err) < 0)
		return -1;
	if (e->op != TOK_COUNT_VALUES)
		return e->count < 2 ? 0 :
				      expect(p, e->args[1], PROM_SCALAR, "aggregation parameter", "", err);
	if (expect(p, e->args[1], PROM_STRING, "aggregation parameter", "", err) < 0)
		return -1;
	if (!labels_is_label(bare(e->args[1])->text))
		return prom_error(p, e->args[1]->at, err, "invalid label name \"%.*s\"",
		    (int)bare(e->args[1])->text.len, (const char *)bare(e->args[1])->text.b);
	return 0;
}

static bool
has_name(const struct prom_names *names, struct slice name)
{
	for (uint32_t i = 0; i < names->count; i++)
		if (slice_eq(names->v[i], name))
			return true;
	return false;
}

static int
check_vectors(struct prom *p, struct prom_expr *e, struct err *err)
{
	if (prom_is_set(e->op) && e->card != CARD_ONE)
		return prom_error(p, e->at, err, "no grouping allowed for \"%s\" operation",
		    prom_word(e->op));
	if (prom_is_set(e->op))
		e->card = CARD_MANY;
	for (uint32_t i = 0; e->on && i < e->include.count; i++)
		if (has_name(&e->labels, e->include.v[i]))
			return prom_error(p, e->at, err,
			    "label \"%.*s\" must not occur in ON and GROUP clause at once",
			    (int)e->include.v[i].len, (const char *)e->include.v[i].b);
	e->type = PROM_VECTOR;
	return 0;
}

static int
check_binary(struct prom *p, struct prom_expr *e, struct err *err)
{
	enum prom_kind l = e->args[0]->type, r = e->args[1]->type;

	if (e->is_bool && !prom_is_compare(e->op))
		return prom_error(p, e->at, err, "bool modifier can only be used on comparison operators");
	for (uint32_t i = 0; i < 2; i++)
		if (e->args[i]->type != PROM_SCALAR && e->args[i]->type != PROM_VECTOR)
			return prom_error(p, e->args[i]->at, err,
			    "binary expression must contain only scalar and instant vector types");
	if (l == PROM_VECTOR && r == PROM_VECTOR)
		return check_vectors(p, e, err);
	/* As Prometheus has it: of nothing by nothing is no matching. */
	if (e->matched && e->labels.count > 0)
		return prom_error(p, e->at, err, "vector matching only allowed between instant vectors");
	e->matched = false;
	e->card = CARD_ONE;
	if (prom_is_set(e->op))
		return prom_error(p, e->at, err, "set operator \"%s\" not allowed in binary scalar expression",
		    prom_word(e->op));
	if (l == PROM_SCALAR && r == PROM_SCALAR && prom_is_compare(e->op) && !e->is_bool)
		return prom_error(p, e->at, err, "comparisons between scalars must use BOOL modifier");
	e->type = l == PROM_SCALAR && r == PROM_SCALAR ? PROM_SCALAR : PROM_VECTOR;
	return 0;
}

int
prom_check(struct prom *p, struct prom_expr *e, struct err *err)
{
	for (uint32_t i = 0; i < e->count; i++)
		if (prom_check(p, e->args[i], err) < 0)
			return -1;
	switch (e->kind) {
	case EXPR_NUMBER:
		e->type = PROM_SCALAR;
		return 0;
	case EXPR_STRING:
		e->type = PROM_STRING;
		return 0;
	case EXPR_SELECTOR:
	case EXPR_PART:
		e->type = PROM_VECTOR;
		return 0;
	case EXPR_MATRIX:
		e->type = PROM_MATRIX;
		return 0;
	case EXPR_SUBQUERY:
		e->type = PROM_MATRIX;
		if (e->args[0]->type != PROM_VECTOR)
			return prom_error(p, e->at, err,
			    "subquery is only allowed on instant vector, got %s instead",
			    prom_type_name(e->args[0]->type));
		return 0;
	case EXPR_PAREN:
		e->type = e->args[0]->type;
		return 0;
	case EXPR_UNARY:
		e->type = e->args[0]->type;
		if (e->type != PROM_SCALAR && e->type != PROM_VECTOR)
			return prom_error(p, e->at, err,
			    "unary expression only allowed on expressions of type scalar or instant "
			    "vector, got \"%s\"", prom_type_name(e->type));
		return 0;
	case EXPR_BINARY:
		return check_binary(p, e, err);
	case EXPR_CALL:
		return check_call(p, e, err);
	case EXPR_AGGR:
		return check_aggr(p, e, err);
	}
	return 0;
}
