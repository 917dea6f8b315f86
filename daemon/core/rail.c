/*
 * rail.c - would this plan do harm that nobody meant?
 *
 * Two sorted lists tell it: what runs on nodes that can be reached, and what
 * the plan places.  A role's instances in the first and not in the second
 * stop; whatever the plan adds under new names replaces as many of them.
 */
#include "rail.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../gossip/mp.h"
#include "../base/own.h"
#include "railkeep.h"
#include "textkey.h"
#include "walk.h"

struct row {
	struct textkey role, id;
};

struct rows {
	struct row *row; /* owned; sorted by role, id; unique */
	size_t count;
};

struct near {
	struct textkey name;
	const struct view_node *node;
};

/* Judging under way. */
struct railwork {
	const struct rail_in *in;
	struct near *near; /* owned; nodes that can be reached, by name */
	size_t near_count;
	struct rows live, planned, before; /* before: of the last plan */
};

static int
row_cmp(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int c = textkey_cmp(&x->role, &y->role);

	return c != 0 ? c : textkey_cmp(&x->id, &y->id);
}

static void
rows_sort(struct rows *r)
{
	size_t kept = 0;

	if (r->count > 0)
		qsort(r->row, r->count, sizeof *r->row, row_cmp);
	for (size_t i = 0; i < r->count; i++)
		if (kept == 0 || row_cmp(&r->row[kept - 1], &r->row[i]) != 0)
			r->row[kept++] = r->row[i];
	r->count = kept;
}

static bool
rows_have(const struct rows *r, const struct row *key)
{
	return r->count > 0 && bsearch(key, r->row, r->count, sizeof *r->row, row_cmp) != NULL;
}

static size_t
plan_instances(const struct plan *p)
{
	size_t n = 0;

	for (size_t i = 0; p != NULL && i < p->nodes_count; i++)
		for (size_t k = 0; k < p->nodes[i].places_count; k++)
			n += p->nodes[i].places[k].instances_count;
	return n;
}

static void
add_node(struct rows *r, const struct plan_node *n)
{
	for (size_t k = 0; k < n->places_count; k++)
		for (size_t m = 0; m < n->places[k].instances_count; m++)
			r->row[r->count++] = (struct row){textkey_of(n->places[k].role),
			    textkey_of(n->places[k].instances[m].id)};
}

static int
rows_of_plan(struct rows *r, const struct plan *p)
{
	r->row = calloc(plan_instances(p) + 1, sizeof *r->row);
	if (r->row == NULL)
		return -ERR_FULL;
	for (size_t i = 0; p != NULL && i < p->nodes_count; i++)
		add_node(r, &p->nodes[i]);
	rows_sort(r);
	return 0;
}

static int
near_cmp(const void *a, const void *b)
{
	return textkey_cmp(&((const struct near *)a)->name, &((const struct near *)b)->name);
}

static const struct view_node *
reachable(const struct railwork *w, const char *name)
{
	struct near key = {.name = textkey_of(name)}, *found = NULL;

	if (w->near_count > 0)
		found = bsearch(&key, w->near, w->near_count, sizeof *w->near, near_cmp);
	return found != NULL ? found->node : NULL;
}

/* What runs where we can reach it. */
static int
rows_of_world(struct railwork *w, const struct rail_in *in)
{
	struct rows *r = &w->live;

	w->near = calloc(in->nodes_count + 1, sizeof *w->near);
	r->row = calloc(in->running_count + 1, sizeof *r->row);
	if (w->near == NULL || r->row == NULL)
		return -ERR_FULL;
	for (size_t i = 0; i < in->nodes_count; i++)
		if (in->nodes[i].state == VIEW_ALIVE || in->nodes[i].state == VIEW_SUSPECT)
			w->near[w->near_count++] =
			    (struct near){textkey_of(in->nodes[i].name), &in->nodes[i]};
	if (w->near_count > 0)
		qsort(w->near, w->near_count, sizeof *w->near, near_cmp);
	for (size_t i = 0; i < in->running_count; i++) {
		const struct view_instance *v = &in->running[i];

		if ((v->state == VIEW_RUNNING || v->state == VIEW_STARTING) &&
		    reachable(w, v->node) != NULL)
			r->row[r->count++] = (struct row){textkey_of(v->role), textkey_of(v->id)};
	}
	rows_sort(r);
	return 0;
}

/* A node that has not told yet is believed to run what it was last given, so a new
 * leader's first look stops nothing. */
static int
rows_of_silent(struct railwork *w, const struct plan *last)
{
	struct rows *r = &w->live;
	size_t before = r->count;
	struct row *more;

	if (last == NULL)
		return 0;
	more = realloc(r->row, (r->count + plan_instances(last) + 1) * sizeof *r->row);
	if (more == NULL)
		return -ERR_FULL;
	r->row = more;
	for (size_t i = 0; i < last->nodes_count; i++) {
		const struct view_node *v = reachable(w, last->nodes[i].name);

		if (v != NULL && !v->reported)
			add_node(r, &last->nodes[i]);
	}
	if (r->count > before)
		rows_sort(r);
	return 0;
}

/* The first row of a role, or where it would be. */
static size_t
rows_from(const struct rows *r, const char *role)
{
	size_t lo = 0, hi = r->count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(r->row[mid].role.text, role) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool
rows_of(const struct rows *r, size_t i, const char *role)
{
	return i < r->count && strcmp(r->row[i].role.text, role) == 0;
}

static uint64_t
wish_add(uint64_t h, const char *text)
{
	for (; *text != '\0'; text++)
		h = (h ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
	return (h ^ 0xff) * UINT64_C(0x100000001b3);
}

struct stops {
	size_t running, gone, fresh;
	uint64_t wish;
};

static void
count_stops(const struct railwork *j, const char *role, struct stops *s)
{
	*s = (struct stops){.wish = wish_add(UINT64_C(0xcbf29ce484222325), role)};
	for (size_t i = rows_from(&j->live, role); rows_of(&j->live, i, role); i++) {
		const struct row *row = &j->live.row[i];

		s->running++;
		/* In the plan on another node: a move. */
		if (rows_have(&j->planned, row))
			continue;
		/* Nor in the last one: it was taken away then, by who might, and ends. */
		if (j->in->alone && !rows_have(&j->before, row))
			continue;
		s->gone++;
		s->wish = wish_add(s->wish, row->id.text);
	}
	for (size_t i = rows_from(&j->planned, role); rows_of(&j->planned, i, role); i++) {
		const struct row *row = &j->planned.row[i];

		/* Not one that was only lost and comes back elsewhere. */
		s->fresh += !rows_have(&j->live, row) && !rows_have(&j->before, row);
	}
}

/* Items of the list or map under a top-level key; -1 = none or another type. */
static int64_t
list_items(const struct blob *vars, const char *key, size_t len)
{
	uint32_t count, items;
	struct mp r;

	mp_init(&r, vars->b, vars->len, WALK_DEPTH_MAX);
	if (mp_map(&r, &count) < 0)
		return -1;
	for (uint32_t i = 0; i < count; i++) {
		const char *k;
		size_t klen;

		if (mp_str(&r, &k, &klen) < 0)
			return -1;
		if (klen == len && memcmp(k, key, len) == 0) {
			if (mp_peek(&r) == MP_ARRAY && mp_array(&r, &items) == 0)
				return items;
			/* Lua's {} may have been packed as an empty map. */
			return mp_peek(&r) == MP_MAP && mp_map(&r, &items) == 0 && items == 0 ? 0 :
											       -1;
		}
		if (mp_skip(&r) < 0)
			return -1;
	}
	return -1;
}

/* The first list of these vars that was full and would be empty; how many items it had,
 * or 0. */
static int64_t
emptied_list(const struct blob *old, const struct blob *new, char *key, size_t cap)
{
	uint32_t count, items;
	struct mp r;

	mp_init(&r, old->b, old->len, WALK_DEPTH_MAX);
	if (mp_map(&r, &count) < 0)
		return 0;
	for (uint32_t i = 0; i < count; i++) {
		struct mp value;
		const char *k;
		size_t len;

		if (mp_str(&r, &k, &len) < 0)
			return 0;
		value = r;
		if (mp_peek(&value) == MP_ARRAY && mp_array(&value, &items) == 0 && items > 0 &&
		    list_items(new, k, len) == 0) {
			err_escape(key, cap, k, len);
			return items;
		}
		if (mp_skip(&r) < 0)
			return 0;
	}
	return 0;
}

/* The same of its vars on its nodes: of one node alone it may be meant, of all that have it
 * before and after it is a list of nothing. */
static int64_t
emptied_everywhere(const struct railwork *j, const struct plan *plan, const char *role, char *key, size_t cap)
{
	int64_t had = 0;

	for (size_t i = 0; i < j->in->last->nodes_count; i++) {
		const struct plan_node *was = &j->in->last->nodes[i], *is = plan_node(plan, was->name);
		const struct plan_place *old = plan_place(was, role);
		const struct plan_place *new = is != NULL ? plan_place(is, role) : NULL;
		char other[64];
		int64_t n;

		if (old == NULL || new == NULL)
			continue;
		n = emptied_list(&old->vars, &new->vars, had == 0 ? key : other, had == 0 ? cap : sizeof other);
		if (n == 0 || (had > 0 && strcmp(key, other) != 0))
			return 0;
		had = n > had ? n : had;
	}
	return had;
}

static bool
acted_on(const struct rail_in *in, const char *role)
{
	for (size_t i = 0; i < in->acted_count; i++)
		if (strcmp(in->acted[i], role) == 0)
			return true;
	return false;
}

/* Why the role would be held, without the stamp; false = it is fine. */
static bool
judge_role(const struct railwork *j, const struct plan *plan, const char *role, char *why, size_t cap,
    uint64_t *wish)
{
	const struct plan_role *old = j->in->last != NULL ? plan_role(j->in->last, role) : NULL;
	const struct plan_role *new = plan_role(plan, role);
	char key[64];
	struct stops s;
	int64_t had;

	count_stops(j, role, &s);
	size_t stop = s.gone > s.fresh ? s.gone - s.fresh : 0;

	if (stop > RAIL_STOP_COUNT && stop * 100 > s.running * RAIL_STOP_PERCENT) {
		snprintf(why, cap, "would stop %zu of %zu instances (limit %d%%)", stop, s.running,
		    RAIL_STOP_PERCENT);
		*wish = s.wish;
		return true;
	}
	if (old == NULL || new == NULL)
		return false;
	if ((had = emptied_list(&old->vars, &new->vars, key, sizeof key)) == 0 &&
	    (had = emptied_everywhere(j, plan, role, key, sizeof key)) == 0)
		return false;
	snprintf(why, cap, "would empty the list vars.%s (had %lld)", key, (long long)had);
	*wish = wish_add(wish_add(UINT64_C(0xcbf29ce484222325), role), key);
	return true;
}

static const struct rail_held *
held_before(const struct rail_in *in, const char *role, uint64_t wish)
{
	for (size_t i = 0; in->before != NULL && i < in->before->held_count; i++)
		if (strcmp(in->before->held[i].role, role) == 0 && in->before->held[i].wish == wish)
			return &in->before->held[i];
	return NULL;
}

static bool
is_forced(const struct rail_in *in, const char *role, const char *stamp)
{
	for (size_t i = 0; i < in->forced_count; i++)
		if (strcmp(in->forced[i], stamp) == 0 || strcmp(in->forced[i], role) == 0)
			return true;
	return false;
}

static int
hold(struct rail *out, const struct rail_in *in, const char *role, const char *why, uint64_t wish)
{
	const struct rail_held *was = held_before(in, role, wish);
	const char *stamp = was != NULL ? was->stamp : in->stamp;
	struct rail_held *held;

	if (is_forced(in, role, stamp))
		return 0;
	held = realloc(out->held, (out->held_count + 1) * sizeof *held);
	if (held == NULL)
		return -ERR_FULL;
	out->held = held;
	held += out->held_count++;
	memset(held, 0, sizeof *held);
	held->wish = wish;
	snprintf(held->role, sizeof held->role, "%s", role);
	snprintf(held->stamp, sizeof held->stamp, "%s", stamp);
	snprintf(held->why, sizeof held->why, "%s; confirm with mesh apply --force %s", why,
	    held->stamp);
	return 0;
}

static int
text_cmp(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Every role that runs or is planned or was; sorted, once each. */
static size_t
all_roles(const struct railwork *j, const struct plan *plan, const char **names)
{
	const struct plan *last = j->in->last;
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < j->live.count; i++)
		if (i == 0 || textkey_cmp(&j->live.row[i - 1].role, &j->live.row[i].role) != 0)
			names[n++] = j->live.row[i].role.text;
	for (size_t i = 0; i < plan->roles_count; i++)
		names[n++] = plan->roles[i].name;
	for (size_t i = 0; last != NULL && i < last->roles_count; i++)
		names[n++] = last->roles[i].name;
	if (n > 0)
		qsort(names, n, sizeof *names, text_cmp);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || strcmp(names[kept - 1], names[i]) != 0)
			names[kept++] = names[i];
	return kept;
}

static bool
has_error(const struct plan *plan, const char *role)
{
	for (size_t i = 0; i < plan->errors_count; i++)
		if (strcmp(plan->errors[i].role, role) == 0)
			return true;
	return false;
}

/* First all verdicts, on the plan as it came; then the changes. */
static int
judge_all(const struct railwork *j, const struct plan *plan, struct rail *out)
{
	size_t last_roles = j->in->last != NULL ? j->in->last->roles_count : 0;
	AUTO_FREE const char **names =
	    calloc(j->live.count + plan->roles_count + last_roles + 1, sizeof *names);

	if (names == NULL)
		return -ERR_FULL;
	size_t n = all_roles(j, plan, names);

	for (size_t i = 0; i < n; i++) {
		char why[128];
		uint64_t wish;
		int rc;

		/* Its old part stands anyway: that is an error, not a wish. */
		if (plan_role(plan, names[i]) == NULL && has_error(plan, names[i]))
			continue;
		if (acted_on(j->in, names[i]))
			continue;
		if (!judge_role(j, plan, names[i], why, sizeof why, &wish))
			continue;
		if ((rc = hold(out, j->in, names[i], why, wish)) != 0)
			return rc;
	}
	return 0;
}

int
rail_keep_role(struct plan *plan, const struct plan *last, const char *role,
    const struct view_node *nodes, size_t nodes_count)
{
	if (plan_role(plan, role) != NULL || plan_role(last, role) == NULL)
		return 0;
	return railkeep_role(plan, last, role, nodes, nodes_count);
}

int
rail_keep_failed(struct plan *plan, const struct plan *last, const struct view_node *nodes,
    size_t nodes_count)
{
	int rc = 0;

	for (size_t i = 0; i < plan->errors_count && rc == 0; i++)
		rc = rail_keep_role(plan, last, plan->errors[i].role, nodes, nodes_count);
	return rc;
}

/* A role that is held and has no older part. */
static bool
is_blocked(const struct plan *last, const struct rail *r)
{
	for (size_t i = 0; i < r->held_count; i++)
		if (last == NULL || plan_role(last, r->held[i].role) == NULL)
			return true;
	return false;
}

int
rail_keep_more(struct plan *plan, const struct plan *last, const struct rail *rail,
    const struct view_node *nodes, size_t nodes_count, size_t *at)
{
	size_t i = (*at)++;
	int rc = 0;

	if (last == NULL || i >= rail->held_count + plan->errors_count)
		return 0;
	if (i >= rail->held_count)
		rc = rail_keep_role(plan, last, plan->errors[i - rail->held_count].role, nodes, nodes_count);
	else if (plan_role(last, rail->held[i].role) != NULL)
		rc = railkeep_role(plan, last, rail->held[i].role, nodes, nodes_count);
	return rc != 0 ? rc : 1;
}

struct railwork *
rail_begin(const struct rail_in *in)
{
	struct railwork *w = calloc(1, sizeof *w);

	if (w == NULL || rows_of_world(w, in) == 0)
		return w;
	rail_drop(w);
	return NULL;
}

int
rail_planned(struct railwork *w, const struct plan *plan)
{
	return rows_of_plan(&w->planned, plan);
}

int
rail_end(struct railwork *w, const struct plan *plan, const struct rail_in *in, struct rail *out)
{
	int rc;

	memset(out, 0, sizeof *out);
	w->in = in;
	if ((rc = rows_of_silent(w, in->last)) == 0 && (rc = rows_of_plan(&w->before, in->last)) == 0)
		rc = judge_all(w, plan, out);
	rail_drop(w);
	if (rc != 0)
		rail_free(out);
	out->blocked = rc == 0 && is_blocked(in->last, out);
	return rc;
}

void
rail_drop(struct railwork *w)
{
	if (w == NULL)
		return;
	free(w->near);
	free(w->live.row);
	free(w->planned.row);
	free(w->before.row);
	free(w);
}

int
rail_apply(struct plan *plan, const struct rail_in *in, struct rail *out)
{
	struct railwork *w = rail_begin(in);
	int rc = w == NULL ? -ERR_FULL : rail_planned(w, plan);
	size_t at = 0;

	if (rc != 0) {
		memset(out, 0, sizeof *out);
		rail_drop(w);
		return rc;
	}
	rc = rail_end(w, plan, in, out) == 0 ? 1 : -ERR_FULL;
	while (rc > 0)
		rc = rail_keep_more(plan, in->last, out, in->nodes, in->nodes_count, &at);
	if (rc < 0)
		rail_free(out);
	return rc;
}

void
rail_free(struct rail *r)
{
	free(r->held);
	memset(r, 0, sizeof *r);
}
