/*
 * railkeep.c - one role of a plan replaced by what another plan has of it.
 *
 * Plans are sorted arrays; rows go out and come in with memmove, so that a
 * plan is always whole, whatever fails in the middle.
 */
#include "railkeep.h"

#include <stdlib.h>

static void
drop_role(struct plan *plan, const char *role)
{
	for (size_t i = 0; i < plan->roles_count; i++) {
		if (strcmp(plan->roles[i].name, role) != 0)
			continue;
		plan_role_free(&plan->roles[i]);
		memmove(&plan->roles[i], &plan->roles[i + 1],
		    (--plan->roles_count - i) * sizeof *plan->roles);
		break;
	}
	for (size_t n = 0; n < plan->nodes_count; n++) {
		struct plan_node *node = &plan->nodes[n];
		struct plan_place *pl = (struct plan_place *)plan_place(node, role);

		if (pl == NULL)
			continue;
		plan_place_free(pl);
		memmove(pl, pl + 1,
		    (size_t)(node->places + --node->places_count - pl) * sizeof *pl);
	}
}

/* Open a zeroed row at its place by name (the first field of every row). */
static void *
insert_row(void **rows, size_t *count, size_t width, const char *name)
{
	size_t at = 0;
	char *more = realloc(*rows, (*count + 1) * width);

	if (more == NULL)
		return NULL;
	*rows = more;
	while (at < *count && strcmp(more + at * width, name) < 0)
		at++;
	memmove(more + (at + 1) * width, more + at * width, (*count - at) * width);
	memset(more + at * width, 0, width);
	memcpy(more + at * width, name, strlen(name) + 1);
	(*count)++;
	return more + at * width;
}

static int
copy_role(struct plan *plan, const struct plan_role *from)
{
	void *rows = plan->roles;
	struct plan_role *to = insert_row(&rows, &plan->roles_count, sizeof *to, from->name);

	plan->roles = rows;
	if (to == NULL)
		return -ERR_FULL;
	*to = *from;
	to->vars = to->update = to->globals = (struct blob){0};
	if (blob_copy(&to->vars, blob_slice(&from->vars)) != 0 ||
	    blob_copy(&to->update, blob_slice(&from->update)) != 0)
		return -ERR_FULL;
	return 0;
}

static int
copy_place(struct plan_node *node, const struct plan_place *from)
{
	void *rows = node->places;
	struct plan_place *to = insert_row(&rows, &node->places_count, sizeof *to, from->role);

	node->places = rows;
	if (to == NULL)
		return -ERR_FULL;
	memcpy(to->sandbox, from->sandbox, sizeof to->sandbox);
	to->instances = calloc(from->instances_count + 1, sizeof *to->instances);
	if (to->instances == NULL || blob_copy(&to->vars, blob_slice(&from->vars)) != 0)
		return -ERR_FULL;
	if (from->code != NULL && (to->code = malloc(sizeof *to->code)) == NULL)
		return -ERR_FULL;
	if (from->code != NULL)
		*to->code = *from->code;
	for (size_t i = 0; i < from->instances_count; i++) {
		struct plan_instance *in = &to->instances[to->instances_count++];

		*in = from->instances[i];
		in->vars = (struct blob){0};
		if (blob_copy(&in->vars, blob_slice(&from->instances[i].vars)) != 0)
			return -ERR_FULL;
	}
	return 0;
}

static struct plan_node *
node_of(struct plan *plan, const char *name)
{
	struct plan_node *node = (struct plan_node *)plan_node(plan, name);
	void *rows = plan->nodes;

	if (node != NULL)
		return node;
	node = insert_row(&rows, &plan->nodes_count, sizeof *node, name);
	plan->nodes = rows;
	return node;
}

static bool
is_member(const char *name, const struct view_node *nodes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (nodes[i].state != VIEW_LEFT && strcmp(nodes[i].name, name) == 0)
			return true;
	return false;
}

int
railkeep_role(struct plan *plan, const struct plan *last, const char *role,
    const struct view_node *nodes, size_t nodes_count)
{
	const struct plan_role *old = plan_role(last, role);
	int rc;

	drop_role(plan, role);
	if (old == NULL)
		return 0;
	if ((rc = copy_role(plan, old)) != 0)
		return rc;
	for (size_t i = 0; i < last->nodes_count; i++) {
		const struct plan_place *pl = plan_place(&last->nodes[i], role);

		if (pl == NULL || !is_member(last->nodes[i].name, nodes, nodes_count))
			continue;
		struct plan_node *node = node_of(plan, last->nodes[i].name);

		if (node == NULL || (rc = copy_place(node, pl)) != 0)
			return -ERR_FULL;
	}
	return 0;
}
