/*
 * plansize.c - which roles of a plan take most, for the error of a schedule that is too large.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../base/own.h"
#include "plan.h"

enum { SHOWN = 3 };

struct size {
	const char *role;
	size_t bytes, instances;
};

static int
larger_first(const void *a, const void *b)
{
	const struct size *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return strcmp(x->role, y->role);
}

static void
add_place(struct size *s, const struct plan_place *pl)
{
	s->bytes += strlen(pl->role) + strlen(pl->sandbox) + pl->vars.len;
	for (size_t i = 0; i < pl->instances_count; i++) {
		const struct plan_instance *in = &pl->instances[i];

		s->bytes += strlen(in->id) + strlen(in->process) + strlen(in->image) + in->vars.len;
	}
	s->instances += pl->instances_count;
}

static void
add_node(struct size *all, const struct plan *plan, const struct plan_node *n)
{
	for (size_t i = 0; i < n->places_count; i++) {
		const struct plan_role *r = plan_role(plan, n->places[i].role);

		if (r != NULL)
			add_place(&all[r - plan->roles], &n->places[i]);
	}
}

void
plan_largest(const struct plan *plan, const struct plan_node *only, char *out, size_t cap)
{
	AUTO_FREE struct size *all = calloc(plan->roles_count + 1, sizeof *all);
	size_t at = 0;

	*out = '\0';
	if (all == NULL)
		return;
	for (size_t i = 0; i < plan->roles_count; i++)
		all[i] = (struct size){.role = plan->roles[i].name,
		    .bytes = only == NULL ? plan->roles[i].vars.len + plan->roles[i].update.len : 0};
	for (size_t i = 0; i < plan->nodes_count; i++)
		if (only == NULL || only == &plan->nodes[i])
			add_node(all, plan, &plan->nodes[i]);
	qsort(all, plan->roles_count, sizeof *all, larger_first);
	for (size_t i = 0; i < plan->roles_count && i < SHOWN && all[i].bytes > 0 && at < cap; i++)
		at += (size_t)snprintf(out + at, cap - at, "%srole '%s' %s%zu KiB in %zu instances",
		    i > 0 ? ", " : "", all[i].role, i == 0 ? "takes " : "", (all[i].bytes + 1023) >> 10,
		    all[i].instances);
}
