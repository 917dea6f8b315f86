/*
 * where.c - see where.h.
 */
#include "where.h"

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

bool
where_is(const struct engine *e, const char *instance, struct node_id *on, char node[NAME_CAP])
{
	const struct plan *p = &e->apply.plan;

	for (size_t i = 0; i < p->nodes_count; i++)
		for (size_t k = 0; k < p->nodes[i].places_count; k++)
			for (size_t x = 0; x < p->nodes[i].places[k].instances_count; x++)
				if (strcmp(p->nodes[i].places[k].instances[x].id, instance) == 0 &&
				    other_of_name(e, p->nodes[i].name, on, node))
					return true;
	return false;
}
