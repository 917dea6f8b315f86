/*
 * planmoves.c - see planmoves.h: both plans' instances by name, side by side.
 */
#include "planmoves.h"

#include <stdlib.h>

struct row {
	const struct plan_instance *i;
	const struct plan_place *place;
	const char *node;
};

struct rows {
	struct row *of; /* owned; by id */
	size_t count;
};

static int
by_id(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return strcmp(x->i->id, y->i->id);
}

static int
rows_of(const struct plan *p, struct rows *out)
{
	size_t n = 0;

	for (size_t i = 0; i < p->nodes_count; i++)
		for (size_t k = 0; k < p->nodes[i].places_count; k++)
			n += p->nodes[i].places[k].instances_count;
	*out = (struct rows){.of = calloc(n + 1, sizeof *out->of)};
	if (out->of == NULL)
		return -ERR_FULL;
	for (size_t i = 0; i < p->nodes_count; i++)
		for (size_t k = 0; k < p->nodes[i].places_count; k++) {
			const struct plan_place *place = &p->nodes[i].places[k];

			for (size_t m = 0; m < place->instances_count; m++)
				out->of[out->count++] =
				    (struct row){&place->instances[m], place, p->nodes[i].name};
		}
	qsort(out->of, out->count, sizeof *out->of, by_id);
	return 0;
}

static bool
blob_same(const struct blob *a, const struct blob *b)
{
	return slice_eq(blob_slice(a), blob_slice(b));
}

static bool
same_code(const struct plan_code *a, const struct plan_code *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a->version, b->version) == 0 && strcmp(a->template_name, b->template_name) == 0;
}

static bool
same_work(const struct row *a, const struct row *b)
{
	return strcmp(a->i->process, b->i->process) == 0 && strcmp(a->i->image, b->i->image) == 0 &&
	    strcmp(a->place->role, b->place->role) == 0 &&
	    strcmp(a->place->sandbox, b->place->sandbox) == 0 && blob_same(&a->i->vars, &b->i->vars) &&
	    blob_same(&a->place->vars, &b->place->vars) && same_code(a->place->code, b->place->code);
}

static bool
same_role(const struct plan_role *a, const struct plan_role *b)
{
	return strcmp(a->version, b->version) == 0 &&
	    strcmp(a->template_name, b->template_name) == 0 && a->on_split == b->on_split &&
	    blob_same(&a->vars, &b->vars) && blob_same(&a->update, &b->update);
}

static void
count_roles(const struct plan *from, const struct plan *to, struct planmoves *out)
{
	for (size_t i = 0; i < from->roles_count; i++) {
		const struct plan_role *r = plan_role(to, from->roles[i].name);

		out->roles += r == NULL || !same_role(&from->roles[i], r);
	}
	for (size_t i = 0; i < to->roles_count; i++)
		out->roles += plan_role(from, to->roles[i].name) == NULL;
}

int
planmoves_count(const struct plan *from, const struct plan *to, struct planmoves *out)
{
	struct rows a = {0}, b = {0};
	size_t i = 0, k = 0;

	*out = (struct planmoves){0};
	if (rows_of(from, &a) < 0 || rows_of(to, &b) < 0) {
		free(a.of);
		return -ERR_FULL;
	}
	while (i < a.count || k < b.count) {
		int c = i == a.count ? 1 : k == b.count ? -1 : by_id(&a.of[i], &b.of[k]);

		if (c == 0 && strcmp(a.of[i].node, b.of[k].node) != 0)
			out->moved++;
		else if (c == 0)
			out->changed += !same_work(&a.of[i], &b.of[k]);
		out->removed += c < 0;
		out->added += c > 0;
		i += c <= 0;
		k += c >= 0;
	}
	free(a.of);
	free(b.of);
	count_roles(from, to, out);
	return 0;
}

bool
planmoves_none(const struct planmoves *m)
{
	return m->added + m->removed + m->moved + m->changed + m->roles == 0;
}
