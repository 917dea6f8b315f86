/*
 * prom_split.c - one question to many nodes.
 *
 * Every series has the label `node` of the node that keeps it, and a node keeps only its
 * own.  So an expression is one of three:
 *
 *	FREE	asks of no series: whoever evaluates it
 *	LOCAL	each node's answer over its own series, put side by side, is the answer
 *		over all: functions of each series, operators that match on `node`,
 *		aggregations by it
 *	GLOBAL	needs series of several nodes at once
 *
 * The greatest LOCAL ones become parts.  Of an aggregation over a LOCAL one each node
 * sends its own sums instead of its series: sum of sums, sum of counts, the greatest of
 * the greatest, topk of topk; avg is sum / count, and of stddev each sends count, mean
 * and variance.  For what else is GLOBAL (quantile, scalar, operators across nodes) the
 * series themselves are fetched, one value a step.
 */
#include "prom_ev.h"
#include "prom_text.h"

#include <stdlib.h>

#define NODE_LABEL "node"

enum { PARTS_MAX = 32 };

enum where { FREE, LOCAL, GLOBAL };

struct prom_split {
	struct prom *top;
	char *parts[PARTS_MAX]; /* owned */
	bool own[PARTS_MAX];	/* all its series have the label `node`, as all that are kept do */
	bool named[PARTS_MAX];	/* `node` there is a label like others: count_values("node", x) */
	uint32_t like[PARTS_MAX]; /* has the series of that part, which is not a later one */
	uint32_t count;
};

struct splitter {
	struct prom_split *s;
	struct err *err;
};

static bool
has(const struct prom_names *n, const char *label)
{
	for (uint32_t i = 0; i < n->count; i++)
		if (slice_eq(n->v[i], slice_of(label)))
			return true;
	return false;
}

static bool
has_node(const struct prom_names *n)
{
	return has(n, NODE_LABEL);
}

static struct slice
text_of(const struct prom_expr *e)
{
	while (e->kind == EXPR_PAREN)
		e = e->args[0];
	return e->text;
}

static enum where where_is(const struct prom_expr *e);

/* A function of each series; any other argument has to be free. */
static enum where
where_each(const struct prom_expr *e)
{
	enum where w = FREE;

	for (uint32_t i = 0; i < e->count; i++) {
		const struct prom_expr *arg = e->args[i];
		enum where of = where_is(arg);

		if (of == GLOBAL || (of == LOCAL && arg->type == PROM_SCALAR))
			return GLOBAL;
		w = of > w ? of : w;
	}
	return w;
}

static enum where
where_call(const struct prom_expr *e)
{
	enum where w = where_each(e);

	switch (e->func->fn) {
	case FN_ABSENT:
	case FN_ABSENT_OT:
	case FN_SCALAR:
	case FN_SORT:
	case FN_SORT_DESC:
	case FN_VECTOR:
		return w == FREE ? FREE : GLOBAL;
	case FN_LABEL_REPLACE:
	case FN_LABEL_JOIN:
		return w == LOCAL && slice_eq(text_of(e->args[1]), slice_of(NODE_LABEL)) ? GLOBAL : w;
	default:
		return w;
	}
}

static enum where
where_aggr(const struct prom_expr *e)
{
	enum where w = where_each(e);
	bool apart = e->grouped && (e->without ? !has_node(&e->labels) : has_node(&e->labels));

	if (e->op == TOK_COUNT_VALUES && slice_eq(text_of(e->args[1]), slice_of(NODE_LABEL)))
		apart = false;
	return w == LOCAL && !apart ? GLOBAL : w;
}

static enum where
where_binary(const struct prom_expr *e)
{
	enum where l = where_is(e->args[0]), r = where_is(e->args[1]);
	bool apart = !e->matched || has_node(&e->labels) == e->on;

	if (l == FREE && r == FREE)
		return FREE;
	if (l == GLOBAL || r == GLOBAL)
		return GLOBAL;
	if (l == FREE || r == FREE)
		return e->args[l == FREE ? 0 : 1]->type == PROM_SCALAR ? LOCAL : GLOBAL;
	return apart && !has_node(&e->include) ? LOCAL : GLOBAL;
}

static enum where
where_is(const struct prom_expr *e)
{
	switch (e->kind) {
	case EXPR_SELECTOR:
	case EXPR_MATRIX:
	case EXPR_PART:
		return LOCAL;
	case EXPR_SUBQUERY:
	case EXPR_PAREN:
	case EXPR_UNARY:
		return where_is(e->args[0]);
	case EXPR_BINARY:
		return where_binary(e);
	case EXPR_CALL:
		return where_call(e);
	case EXPR_AGGR:
		return where_aggr(e);
	default:
		return FREE;
	}
}

/* --- parts ------------------------------------------------------------------------------- */

static struct prom_expr *
no_memory(struct splitter *s)
{
	err_set(s->err, 1, "no memory to split the expression");
	return NULL;
}

static struct prom_expr *
make(struct splitter *s, const struct prom_expr *like)
{
	struct prom_expr *e = prom_alloc(&s->s->top->arena, sizeof *e);

	if (e != NULL)
		e->args = prom_alloc(&s->s->top->arena, 4 * sizeof(struct prom_expr *));
	if (e == NULL || e->args == NULL)
		return no_memory(s);
	struct prom_expr **args = e->args;
	*e = *like;
	e->args = args;
	e->count = 0;
	return e;
}

/* What nodes answer to e.  It remembers e, whose matchers absent() wants. */
static struct prom_expr *
part(struct splitter *s, struct prom_expr *e)
{
	struct prom_split *sp = s->s;
	struct prom_out o = {0};
	struct prom_expr *p = make(s, e);
	uint32_t i = 0;

	if (p == NULL)
		return NULL;
	prom_put_expr(&o, e);
	if (o.failed || o.len > PROM_TEXT_BYTES_MAX || sp->count == PARTS_MAX) {
		if (o.failed)
			no_memory(s);
		else
			err_set(s->err, 1, "the expression is too long to ask it of many nodes");
		free(o.b);
		return NULL;
	}
	while (i < sp->count && strcmp(sp->parts[i], o.b) != 0)
		i++;
	if (i == sp->count) {
		sp->own[i] = where_is(e) == LOCAL || (e->kind == EXPR_AGGR && (e->op == TOK_TOPK || e->op == TOK_BOTTOMK));
		sp->named[i] = e->kind == EXPR_AGGR && e->op == TOK_COUNT_VALUES &&
		    slice_eq(text_of(e->args[1]), slice_of(NODE_LABEL));
		sp->like[i] = i;
		sp->parts[sp->count++] = o.b;
	} else {
		free(o.b);
	}
	p->kind = EXPR_PART;
	p->part = i;
	p->args[0] = e;
	return p;
}

/* op(e's grouping) of what is below e. */
static struct prom_expr *
aggregated(struct splitter *s, const struct prom_expr *e, enum prom_tok op, struct prom_expr *of)
{
	struct prom_expr *made = of != NULL ? make(s, e) : NULL;

	if (made == NULL)
		return NULL;
	made->op = op;
	made->args[made->count++] = of;
	if (op >= TOK_TOPK && e->count > 1)
		made->args[made->count++] = e->args[1];
	return made;
}

static struct prom_expr *
sums_of(struct splitter *s, const struct prom_expr *e, enum prom_tok op)
{
	struct prom_expr *each = aggregated(s, e, op, e->args[0]);

	return each != NULL ? aggregated(s, e, TOK_SUM, part(s, each)) : NULL;
}

static struct prom_expr *
split_avg(struct splitter *s, const struct prom_expr *e)
{
	struct prom_expr *sum = sums_of(s, e, TOK_SUM), *count = sums_of(s, e, TOK_COUNT);
	struct prom_expr *ratio = sum != NULL && count != NULL ? make(s, e) : NULL;

	if (ratio == NULL)
		return NULL;
	ratio->kind = EXPR_BINARY;
	ratio->op = TOK_DIV;
	ratio->labels.count = 0;
	ratio->args[0] = sum;
	ratio->args[1] = count;
	ratio->count = 2;
	return ratio;
}

/* Counts, means and variances of each node: prom_ev_variances puts them together. */
static struct prom_expr *
split_variance(struct splitter *s, const struct prom_expr *e)
{
	static const enum prom_tok ops[] = {TOK_COUNT, TOK_AVG, TOK_STDVAR};
	struct prom_expr *made = make(s, e), *each;

	if (made == NULL)
		return NULL;
	made->is_merged = true;
	for (uint32_t i = 0; i < ARRAY_LEN(ops); i++) {
		each = aggregated(s, e, ops[i], e->args[0]);
		made->args[i] = each != NULL ? part(s, each) : NULL;
		if (made->args[i] == NULL)
			return NULL;
		s->s->like[made->args[i]->part] = made->args[0]->part;
		made->count++;
	}
	return made;
}

/* count_values("v", x): each node's counts, added by v too. */
static struct prom_expr *
split_values(struct splitter *s, struct prom_expr *e)
{
	struct prom_expr *sum = aggregated(s, e, TOK_SUM, part(s, e));
	struct slice *v;

	if (sum == NULL || e->without)
		return sum;
	v = prom_alloc(&s->s->top->arena, (e->labels.count + 1) * sizeof *v);
	if (v == NULL)
		return no_memory(s);
	if (e->labels.count > 0)
		memcpy(v, e->labels.v, e->labels.count * sizeof *v);
	v[e->labels.count] = text_of(e->args[1]);
	sum->labels = (struct prom_names){v, e->labels.count + 1};
	return sum;
}

static struct prom_expr *split(struct splitter *s, struct prom_expr *e);

static struct prom_expr *
split_below(struct splitter *s, struct prom_expr *e)
{
	for (uint32_t i = 0; i < e->count; i++) {
		if (e->args[i]->type == PROM_MATRIX) {
			prom_error(s->s->top, e->args[i]->at, s->err,
			    "a range of what several nodes make together is not supported");
			return NULL;
		}
		e->args[i] = split(s, e->args[i]);
		if (e->args[i] == NULL)
			return NULL;
	}
	return e;
}

static struct prom_expr *
split_aggr(struct splitter *s, struct prom_expr *e)
{
	if (where_each(e) != LOCAL)
		return split_below(s, e);
	switch (e->op) {
	case TOK_COUNT:
		return sums_of(s, e, TOK_COUNT);
	case TOK_AVG: /* a division would lose the name */
		return has(&e->labels, LABEL_NAME) ? split_below(s, e) : split_avg(s, e);
	case TOK_STDDEV:
	case TOK_STDVAR:
		return split_variance(s, e);
	case TOK_COUNT_VALUES:
		return split_values(s, e);
	case TOK_QUANTILE:
		return split_below(s, e);
	default:
		return aggregated(s, e, e->op, part(s, e));
	}
}

/* Is there any?  One row a node is enough to know. */
static struct prom_expr *
split_absent(struct splitter *s, struct prom_expr *e)
{
	struct prom_expr *each = make(s, e), *any = make(s, e), *p;

	if (each == NULL || any == NULL || where_is(e->args[0]) != LOCAL)
		return each == NULL || any == NULL ? NULL : split_below(s, e);
	each->args[each->count++] = e->args[0];
	each->func = prom_func(slice_of("present_over_time"));
	each->text = slice_of(each->func->name);
	any->kind = EXPR_AGGR;
	any->op = TOK_GROUP;
	any->grouped = false;
	any->labels.count = 0;
	any->args[any->count++] = e->func->fn == FN_ABSENT_OT ? each : e->args[0];
	p = part(s, any);
	if (p == NULL)
		return NULL;
	p->args[0] = e->args[0];
	e->func = prom_func(slice_of("absent"));
	e->args[0] = p;
	return e;
}

static struct prom_expr *
split(struct splitter *s, struct prom_expr *e)
{
	switch (where_is(e)) {
	case FREE:
		return e;
	case LOCAL:
		return part(s, e);
	case GLOBAL:
		break;
	}
	if (e->kind == EXPR_AGGR)
		return split_aggr(s, e);
	if (e->kind == EXPR_CALL && (e->func->fn == FN_ABSENT || e->func->fn == FN_ABSENT_OT))
		return split_absent(s, e);
	return split_below(s, e);
}

struct prom_split *
prom_split(const struct prom *p, struct err *err)
{
	struct prom_split *s = calloc(1, sizeof *s);
	struct splitter sp = {s, err};

	if (s == NULL) {
		err_set(err, 1, "no memory to split the expression");
		return NULL;
	}
	s->top = prom_parse(p->text, p->len, err);
	if (s->top != NULL)
		s->top->root = split(&sp, s->top->root);
	if (s->top == NULL || s->top->root == NULL) {
		prom_split_free(s);
		return NULL;
	}
	return s;
}

uint32_t
prom_split_parts(const struct prom_split *s)
{
	return s->count;
}

const char *
prom_split_part(const struct prom_split *s, uint32_t n)
{
	return s->parts[n];
}

void
prom_split_free(struct prom_split *s)
{
	if (s == NULL)
		return;
	for (uint32_t i = 0; i < s->count; i++)
		free(s->parts[i]);
	prom_free(s->top);
	free(s);
}

/* --- what a node says ------------------------------------------------------------------------ */

static int
cmp_labels(const void *a, const void *b)
{
	return prom_labels_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

/* The labels of all its series, rising; NULL: no memory. */
static struct slice *
labels_of(const struct prom_result *r)
{
	struct slice *all = malloc(((size_t)r->count + 1) * sizeof *all);
	bool rising = true; /* as nearly all come */

	if (all == NULL)
		return NULL;
	for (uint32_t i = 0; i < r->count; i++) {
		all[i] = r->series[i].labels;
		rising = rising && (i == 0 || cmp_labels(&all[i - 1], &all[i]) < 0);
	}
	if (!rising)
		qsort(all, r->count, sizeof *all, cmp_labels);
	return all;
}

static bool
fits(const struct prom_split *s, uint32_t part, const struct prom_result *r, const struct slice *all, struct slice node)
{
	for (uint32_t i = 0; i < r->count; i++) {
		struct slice of = labels_find(all[i], slice_of(NODE_LABEL));
		bool fit = of.len > 0 ? s->named[part] || slice_eq(of, node) : !s->own[part];

		if (!fit || (i > 0 && cmp_labels(&all[i - 1], &all[i]) == 0))
			return false;
	}
	return true;
}

static bool
are_like(const struct prom_result *a, const struct slice *x, const struct prom_result *b, const struct slice *y)
{
	for (uint32_t i = 0; a->count == b->count && i < a->count; i++)
		if (!slice_eq(x[i], y[i]))
			return false;
	return a->count == b->count;
}

int
prom_split_judge(const struct prom_split *s, const struct prom_result *results, struct slice node)
{
	struct slice *all[PARTS_MAX] = {0};
	int rc = 0;

	for (uint32_t i = 0; i < s->count && rc == 0; i++) {
		uint32_t like = s->like[i];

		if ((all[i] = labels_of(&results[i])) == NULL)
			rc = -ERR_FULL;
		else if (!fits(s, i, &results[i], all[i], node) ||
		    !are_like(&results[i], all[i], &results[like], all[like]))
			rc = -ERR_MALFORMED;
	}
	for (uint32_t i = 0; i < s->count; i++)
		free(all[i]);
	return rc;
}

int
prom_merge(const struct prom_split *s, const struct prom_when *w, const struct prom_result *results,
    uint32_t nodes, const struct prom_limits *limits, struct prom_result *out, struct err *err)
{
	struct prom_ev ev = {.p = s->top, .when = w, .limits = limits, .err = err, .results = results,
	    .nodes = nodes, .parts = s->count};

	return prom_ev_finish(&ev, out);
}
