/*
 * plan.c - owning, finding and freeing what plan_check and schedule_plan make.
 */
#include "plan.h"

#include <stdlib.h>

#include "../../gossip/mp.h"

void
plan_place_free(struct plan_place *pl)
{
	for (size_t i = 0; i < pl->instances_count; i++)
		blob_free(&pl->instances[i].vars);
	free(pl->instances);
	free(pl->code);
	blob_free(&pl->vars);
}

void
plan_node_free(struct plan_node *n)
{
	for (size_t i = 0; i < n->places_count; i++)
		plan_place_free(&n->places[i]);
	free(n->places);
	blob_free(&n->vars);
	memset(n, 0, sizeof *n);
}

void
plan_role_free(struct plan_role *r)
{
	blob_free(&r->vars);
	blob_free(&r->update);
	blob_free(&r->globals);
	memset(r, 0, sizeof *r);
}

void
plan_free(struct plan *p)
{
	for (size_t i = 0; i < p->roles_count; i++)
		plan_role_free(&p->roles[i]);
	for (size_t i = 0; i < p->nodes_count; i++)
		plan_node_free(&p->nodes[i]);
	free(p->roles);
	free(p->nodes);
	free(p->firsts);
	free(p->missing);
	free(p->errors);
	blob_free(&p->vars);
	blob_free(&p->state);
	blob_free(&p->query);
	blob_free(&p->changes);
	blob_free(&p->why);
	blob_free(&p->replies);
	memset(p, 0, sizeof *p);
}

/* Every row of a plan begins with its name, so one search fits all. */
static const void *
find(const void *rows, size_t count, size_t width, const char *name)
{
	size_t lo = 0, hi = count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const char *row = (const char *)rows + mid * width;
		int c = strcmp(name, row);

		if (c == 0)
			return row;
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

_Static_assert(offsetof(struct plan_role, name) == 0, "find");
_Static_assert(offsetof(struct plan_node, name) == 0, "find");
_Static_assert(offsetof(struct plan_place, role) == 0, "find");
_Static_assert(offsetof(struct plan_first, name) == 0, "find");

const struct plan_role *
plan_role(const struct plan *p, const char *name)
{
	return find(p->roles, p->roles_count, sizeof *p->roles, name);
}

const struct plan_node *
plan_node(const struct plan *p, const char *name)
{
	return find(p->nodes, p->nodes_count, sizeof *p->nodes, name);
}

const struct node_id *
plan_holder(const struct plan_node *n)
{
	static const struct node_id nobody;

	return id_eq(&n->holder, &nobody) ? NULL : &n->holder;
}

const struct node_id *
plan_first(const struct plan *p, const char *name)
{
	const struct plan_first *f = find(p->firsts, p->firsts_count, sizeof *p->firsts, name);
	const struct plan_node *n = plan_node(p, name);

	if (f != NULL)
		return &f->id;
	return n != NULL ? plan_holder(n) : NULL;
}

const struct plan_place *
plan_place(const struct plan_node *n, const char *role)
{
	return find(n->places, n->places_count, sizeof *n->places, role);
}

const char *
plan_version(const struct plan_role *r, const struct plan_place *pl)
{
	if (pl != NULL && pl->code != NULL && pl->code->version[0] != '\0')
		return pl->code->version;
	return r != NULL ? r->version : "";
}

const char *
plan_template(const struct plan_role *r, const struct plan_place *pl, const struct hash **hash)
{
	static const struct hash none;
	bool own = pl != NULL && pl->code != NULL && pl->code->template_name[0] != '\0';

	if (hash != NULL)
		*hash = own ? &pl->code->template_hash : r != NULL ? &r->template_hash : &none;
	return own ? pl->code->template_name : r != NULL ? r->template_name : "";
}

const char *
plan_split_name(enum plan_split s)
{
	return s == PLAN_EXCLUSIVE ? "exclusive" : s == PLAN_KEEP ? "keep" : "replace";
}

uint32_t
plan_max_unavailable(const struct plan_role *r)
{
	static const char key[] = "max_unavailable";
	uint32_t count;
	uint64_t n;
	struct mp m;

	mp_init(&m, r->update.b, r->update.len, PLAN_DEPTH_MAX + 1);
	if (r->update.len == 0 || mp_map(&m, &count) < 0)
		return 0;
	while (count-- > 0) {
		const char *s;
		size_t len;

		if (mp_peek(&m) != MP_STR || mp_str(&m, &s, &len) < 0)
			return 0;
		if (len == sizeof key - 1 && memcmp(s, key, len) == 0)
			return mp_uint_max(&m, PLAN_NODE_INSTANCES_MAX, &n) < 0 || n == 0 ?
			    UINT32_MAX :
			    (uint32_t)n;
		if (mp_skip(&m) < 0)
			return 0;
	}
	return 0;
}
