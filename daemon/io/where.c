/*
 * where.c - see where.h.
 */
#include "where.h"

#include <stdlib.h>

#include "../base/name.h"
#include "../base/own.h"
#include "engine.h"

static bool
other_of_name(const struct engine *e, const char *name, struct node_id *on, char node[NAME_CAP])
{
	struct mesh_member m;

	for (uint32_t j = 0; e->mesh && mesh_member(e->mesh, j, &m); j++)
		if (strcmp(m.name, name) == 0) {
			*on = m.id;
			memcpy(node, m.name, NAME_CAP);
			return !m.self;
		}
	return false;
}

/* The next node from *i on that has it by the schedule, or NULL. */
static const char *
next_place(const struct plan *p, const char *instance, size_t *i)
{
	while (*i < p->nodes_count) {
		const struct plan_node *n = &p->nodes[(*i)++];

		for (size_t k = 0; k < n->places_count; k++)
			for (size_t x = 0; x < n->places[k].instances_count; x++)
				if (strcmp(n->places[k].instances[x].id, instance) == 0)
					return n->name;
	}
	return NULL;
}

bool
where_is(const struct engine *e, const char *instance, struct node_id *on, char node[NAME_CAP])
{
	const char *name;
	size_t i = 0;

	while ((name = next_place(&e->apply.plan, instance, &i)) != NULL)
		if (other_of_name(e, name, on, node))
			return true;
	return false;
}

bool
where_here(const struct engine *e, const char *instance)
{
	const char *name;
	size_t i = 0;

	while ((name = next_place(&e->apply.plan, instance, &i)) != NULL)
		if (strcmp(name, e->conf.name) == 0)
			return true;
	return false;
}

const char *
where_near(const struct engine *e, const char *word)
{
	const struct plan *p = &e->apply.plan;
	AUTO_FREE const char **ids = NULL;
	size_t n = 0, room = 0;

	for (size_t i = 0; i < p->nodes_count; i++)
		for (size_t k = 0; k < p->nodes[i].places_count; k++)
			room += p->nodes[i].places[k].instances_count;
	ids = calloc(room + 1, sizeof *ids);
	for (size_t i = 0; ids != NULL && i < p->nodes_count; i++)
		for (size_t k = 0; k < p->nodes[i].places_count; k++) {
			const struct plan_place *pl = &p->nodes[i].places[k];

			for (size_t x = 0; x < pl->instances_count; x++)
				ids[n++] = pl->instances[x].id;
			if (strcmp(pl->role, word) == 0 && pl->instances_count > 0)
				return pl->instances[0].id;
		}
	return ids != NULL ? name_suggest(word, ids, n) : NULL;
}
