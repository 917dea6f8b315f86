/*
 * prom_match.c - operators between scalars and vectors: one to one, one to many, and,
 * or, unless.  Which series may meet (same labels, as on and ignoring say) is found once
 * as a number per row; which do meet, and whether one meets two, is a matter of each
 * step, since series come and go.
 */
#include "prom_ev.h"
#include "prom_math.h"

#include <stdlib.h>

/* The value; false: a comparison that filters it out. */
bool
prom_operate(enum prom_tok op, double l, double r, double *out)
{
	*out = l;
	switch (op) {
	case TOK_ADD:
		*out = l + r;
		return true;
	case TOK_SUB:
		*out = l - r;
		return true;
	case TOK_MUL:
		*out = l * r;
		return true;
	case TOK_DIV:
		*out = l / r;
		return true;
	case TOK_MOD:
		*out = prom_mod(l, r);
		return true;
	case TOK_POW:
		*out = prom_pow(l, r);
		return true;
	case TOK_EQ:
		return l == r;
	case TOK_NE:
		return l != r;
	case TOK_LT:
		return l < r;
	case TOK_LE:
		return l <= r;
	case TOK_GT:
		return l > r;
	default:
		return l >= r;
	}
}

static bool
drops_name(const struct prom_expr *e)
{
	return e->is_bool || !prom_is_compare(e->op);
}

/* With `bool` a comparison is 0 or 1. */
static double
value_of(const struct prom_expr *e, double l, double r)
{
	double v;
	bool keep = prom_operate(e->op, l, r, &v);

	if (!prom_is_compare(e->op))
		return v;
	return e->is_bool ? (double)keep : keep ? v : none();
}

static int
both_scalars(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g, struct prom_rows *out)
{
	double *r;

	if (prom_ev(ev, e->args[0], g, out) < 0 || prom_ev_scalar(ev, e->args[1], g, &r) < 0)
		return -1;
	for (uint32_t k = 0; k < g->count; k++)
		out->all[0].v[k] = value_of(e, out->all[0].v[k], r[k]);
	ev_drop(ev, r);
	return ev_work(ev, g->count);
}

static int
with_scalar(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g, struct prom_rows *out)
{
	bool scalar_left = e->args[0]->type == PROM_SCALAR;
	double *s;

	if (prom_ev(ev, e->args[scalar_left], g, out) < 0 ||
	    prom_ev_scalar(ev, e->args[!scalar_left], g, &s) < 0)
		return -1;
	for (uint32_t i = 0; i < out->count; i++) {
		struct prom_row *row = &out->all[i];

		if (ev_work(ev, g->count) < 0 || (drops_name(e) && ev_drop_name(ev, &row->labels) < 0))
			return -1;
		for (uint32_t k = 0; k < g->count; k++) {
			double v = row->v[k], got;

			if (is_none(v))
				continue;
			got = scalar_left ? value_of(e, s[k], v) : value_of(e, v, s[k]);
			/* What a filter lets through is the vector's, wherever it stands. */
			row->v[k] = is_none(got) || drops_name(e) ? got : v;
		}
	}
	ev_drop(ev, s);
	return rows_unify(ev, out, g->count, false);
}

/* --- which rows may meet ------------------------------------------------------------------------ */

struct sides {
	struct prom_rows l, r; /* l: the many side, where there is one */
	uint32_t *lsig, *rsig; /* by row */
	struct ev_index x;
	uint32_t *at; /* by signature: 1 + the row of r that has a value now */
	uint64_t *met; /* by signature: 1 + the step at which it was last matched */
};

static int
signatures(struct prom_ev *ev, const struct prom_expr *e, const struct prom_rows *r, struct ev_index *x,
    uint32_t **out)
{
	struct slice key;

	*out = ev_alloc(ev, r->count + 1, sizeof **out);
	if (*out == NULL)
		return -1;
	for (uint32_t i = 0; i < r->count; i++) {
		if (ev_keep_labels(ev, r->all[i].labels, &e->labels, !e->on, &key) < 0)
			return -1;
		int64_t n = ev_index_add(ev, x, key);
		if (n < 0)
			return -1;
		(*out)[i] = (uint32_t)n;
	}
	return 0;
}

static int
sides_fill(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g, struct sides *s)
{
	bool swapped = e->card == CARD_RIGHT;

	if (prom_ev(ev, e->args[0], g, swapped ? &s->r : &s->l) < 0 ||
	    prom_ev(ev, e->args[1], g, swapped ? &s->l : &s->r) < 0 ||
	    signatures(ev, e, &s->l, &s->x, &s->lsig) < 0 || signatures(ev, e, &s->r, &s->x, &s->rsig) < 0 ||
	    ev_work(ev, (uint64_t)g->count * (s->l.count + s->r.count)) < 0)
		return -1;
	s->at = ev_alloc(ev, s->x.count + 1, sizeof *s->at);
	s->met = ev_alloc(ev, s->x.count + 1, sizeof *s->met);
	return s->at != NULL && s->met != NULL ? 0 : -1;
}

static void
sides_drop(struct prom_ev *ev, struct sides *s)
{
	rows_drop(ev, &s->l);
	rows_drop(ev, &s->r);
	ev_drop(ev, s->lsig);
	ev_drop(ev, s->rsig);
	ev_drop(ev, s->at);
	ev_drop(ev, s->met);
	ev_index_drop(ev, &s->x);
}

/* --- and, or, unless ------------------------------------------------------------------------------ */

static int
ev_set(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g, struct prom_rows *out)
{
	struct sides s = {0};

	if (sides_fill(ev, e, g, &s) < 0)
		return -1;
	for (uint32_t k = 0; k < g->count; k++) {
		const struct prom_rows *asked = e->op == TOK_OR ? &s.l : &s.r;
		const uint32_t *sig = e->op == TOK_OR ? s.lsig : s.rsig;

		for (uint32_t i = 0; i < asked->count; i++)
			if (!is_none(asked->all[i].v[k]))
				s.met[sig[i]] = k + 1;
		if (e->op == TOK_OR) {
			for (uint32_t i = 0; i < s.r.count; i++)
				if (s.met[s.rsig[i]] == k + 1)
					s.r.all[i].v[k] = none();
			continue;
		}
		for (uint32_t i = 0; i < s.l.count; i++)
			if ((s.met[s.lsig[i]] == k + 1) != (e->op == TOK_AND))
				s.l.all[i].v[k] = none();
	}
	for (uint32_t i = 0; e->op == TOK_OR && i < s.r.count; i++) {
		struct prom_row *row = rows_add(ev, &s.l, s.r.all[i].labels, g->count, false);

		if (row == NULL)
			return -1;
		row->v = s.r.all[i].v;
		s.r.all[i].v = NULL;
	}
	*out = s.l;
	s.l = (struct prom_rows){0};
	sides_drop(ev, &s);
	return rows_unify(ev, out, g->count, false);
}

/* --- one to one, one to many ------------------------------------------------------------------------ */

static bool
named(const struct prom_names *names, struct slice name)
{
	for (uint32_t i = 0; i < names->count; i++)
		if (slice_eq(names->v[i], name))
			return true;
	return false;
}

/* The labels of what l and r make. */
static int
result_labels(struct prom_ev *ev, const struct prom_expr *e, struct slice l, struct slice r,
    struct slice *out)
{
	struct labels many, one, kept = {0};

	if (ev_read(ev, l, &many) < 0 || ev_read(ev, r, &one) < 0)
		return -1;
	for (uint32_t i = 0; i < many.count; i++) {
		struct slice name = many.items[i].name;

		if (slice_eq(name, slice_of(LABEL_NAME)) && drops_name(e))
			continue;
		if (e->card == CARD_ONE && named(&e->labels, name) != e->on)
			continue;
		kept.items[kept.count++] = many.items[i];
	}
	for (uint32_t i = 0; i < e->include.count; i++)
		if (labels_set(&kept, e->include.v[i], labels_get(&one, e->include.v[i])) < 0)
			return ev_fail(ev, "group_left and group_right make one label too many");
	return ev_pack(ev, &kept, out);
}

static int
two_on_one_side(struct prom_ev *ev, const struct prom_expr *e, const struct sides *s, uint32_t a, uint32_t b)
{
	char group[160], one[110], two[110];

	prom_labels_show(s->x.keys[s->rsig[a]], group, sizeof group);
	prom_labels_show(s->r.all[a].labels, one, sizeof one);
	prom_labels_show(s->r.all[b].labels, two, sizeof two);
	return ev_fail(ev, "found duplicate series for the match group %s on the %s hand-side of the operation: "
	    "[%s, %s];many-to-many matching not allowed: matching labels must be unique on one side",
	    group, e->card == CARD_RIGHT ? "left" : "right", two, one);
}

/* Which row of the answer a pair fills: those of the last pair of l are remembered, as
 * mostly it is the same again. */
struct pair {
	uint32_t r, out; /* r: 1 + the row */
};

static int
pair_row(struct prom_ev *ev, const struct prom_expr *e, const struct sides *s, const struct prom_grid *g,
    struct ev_index *made, struct pair *last, uint32_t l, uint32_t r, struct prom_rows *out)
{
	struct slice labels;
	int64_t n;

	if (last->r == r + 1)
		return 0;
	if (result_labels(ev, e, s->l.all[l].labels, s->r.all[r].labels, &labels) < 0)
		return -1;
	n = ev_index_add(ev, made, labels);
	if (n < 0 || (n == out->count && rows_add(ev, out, labels, g->count, true) == NULL))
		return -1;
	*last = (struct pair){r + 1, (uint32_t)n};
	return 0;
}

struct step {
	struct ev_index made;
	struct pair *last; /* by row of l */
};

static int
match_one(struct prom_ev *ev, const struct prom_expr *e, struct sides *s, const struct prom_grid *g,
    struct step *st, uint32_t k, uint32_t i, struct prom_rows *out)
{
	uint32_t sig = s->lsig[i], r = s->at[sig];
	double l = s->l.all[i].v[k], v;

	if (is_none(l) || r == 0)
		return 0;
	v = s->r.all[r - 1].v[k];
	v = e->card == CARD_RIGHT ? value_of(e, v, l) : value_of(e, l, v);
	if (is_none(v))
		return 0;
	if (e->card == CARD_ONE && s->met[sig] == (uint64_t)k + 1)
		return ev_fail(ev, "multiple matches for labels: many-to-one matching must be explicit "
		    "(group_left/group_right)");
	s->met[sig] = (uint64_t)k + 1;
	if (pair_row(ev, e, s, g, &st->made, &st->last[i], i, r - 1, out) < 0)
		return -1;
	double *at = &out->all[st->last[i].out].v[k];
	if (!is_none(*at))
		return ev_fail(ev, "%s", e->card == CARD_ONE ?
		    "vector cannot contain metrics with the same labelset" :
		    "multiple matches for labels: grouping labels must ensure unique matches");
	*at = v;
	return 0;
}

static int
match_step(struct prom_ev *ev, const struct prom_expr *e, struct sides *s, const struct prom_grid *g,
    struct step *st, uint32_t k, struct prom_rows *out)
{
	bool any_left = false, any_right = false;

	for (uint32_t i = 0; i < s->l.count && !any_left; i++)
		any_left = !is_none(s->l.all[i].v[k]);
	for (uint32_t i = 0; i < s->r.count && !any_right; i++)
		any_right = !is_none(s->r.all[i].v[k]);
	if (!any_left || !any_right)
		return 0;
	memset(s->at, 0, s->x.count * sizeof *s->at);
	for (uint32_t i = 0; i < s->r.count; i++) {
		if (is_none(s->r.all[i].v[k]))
			continue;
		uint32_t *at = &s->at[s->rsig[i]];
		if (*at != 0)
			return two_on_one_side(ev, e, s, *at - 1, i);
		*at = i + 1;
	}
	for (uint32_t i = 0; i < s->l.count; i++)
		if (match_one(ev, e, s, g, st, k, i, out) < 0)
			return -1;
	return 0;
}

static int
ev_match(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g, struct prom_rows *out)
{
	struct sides s = {0};
	struct step st = {0};

	if (sides_fill(ev, e, g, &s) < 0)
		return -1;
	st.last = ev_alloc(ev, s.l.count + 1, sizeof *st.last);
	if (st.last == NULL)
		return -1;
	for (uint32_t k = 0; k < g->count; k++)
		if (match_step(ev, e, &s, g, &st, k, out) < 0)
			return -1;
	ev_drop(ev, st.last);
	ev_index_drop(ev, &st.made);
	sides_drop(ev, &s);
	return rows_unify(ev, out, g->count, false);
}

int
prom_ev_binary(struct prom_ev *ev, const struct prom_expr *e, const struct prom_grid *g, struct prom_rows *out)
{
	if (e->type == PROM_SCALAR)
		return both_scalars(ev, e, g, out);
	if (e->args[0]->type == PROM_SCALAR || e->args[1]->type == PROM_SCALAR)
		return with_scalar(ev, e, g, out);
	return e->card == CARD_MANY ? ev_set(ev, e, g, out) : ev_match(ev, e, g, out);
}
