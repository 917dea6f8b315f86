/*
 * inforce.c - see inforce.h.
 */
#include "inforce.h"

#include <stdlib.h>
#include <string.h>

#include "value.h"

static int
no_memory(struct err *err)
{
	return err_set(err, 1, "out of memory");
}

/* --- the world of an input ------------------------------------------------------------------- */

static uint32_t
take_list(const json_t *list, void **out, size_t cap)
{
	size_t n = json_array_size(list);
	char *all;

	n = n > VIEW_LIST_MAX ? VIEW_LIST_MAX : n;
	if ((all = calloc(n + 1, cap)) == NULL)
		return 0;
	for (size_t i = 0; i < n; i++) {
		const char *s = json_string_value(json_array_get(list, i));

		snprintf(all + i * cap, cap, "%s", s != NULL ? s : "");
	}
	*out = all;
	return (uint32_t)n;
}

int
inforce_nodes(struct inforce_world *w, const json_t *input, struct err *err)
{
	json_t *nodes = json_object_get(input, "nodes"), *n;
	const char *name;

	w->nodes = calloc(json_object_size(nodes) + 1, sizeof *w->nodes);
	if (w->nodes == NULL)
		return no_memory(err);
	json_object_foreach(nodes, name, n) {
		struct view_node *x = &w->nodes[w->nodes_count++];
		const json_t *facts = json_object_get(n, "facts");
		void *list = NULL;

		snprintf(x->name, sizeof x->name, "%s", name);
		snprintf(x->address, sizeof x->address, "%s", value_str(n, "address"));
		snprintf(x->zone, sizeof x->zone, "%s", value_str(n, "zone"));
		if (strcmp(value_str(n, "state"), view_node_state_name(VIEW_LEFT)) == 0)
			x->state = VIEW_LEFT;
		x->facts.images_count = take_list(json_object_get(facts, "images"), &list, VIEW_IMAGE_CAP);
		x->facts.images = list;
		list = NULL;
		x->facts.sandboxes_count = take_list(json_object_get(facts, "sandboxes"), &list, NAME_CAP);
		x->facts.sandboxes = list;
	}
	return 0;
}

static void
name_template(struct inforce_world *w, const json_t *of)
{
	struct plan_template *t = &w->named[w->named_count];
	const char *name = value_str(of, "template");

	if (*name == '\0' || (w->named_count > 0 && strcmp(t[-1].name, name) == 0))
		return;
	memset(t, 0, sizeof *t);
	snprintf(t->name, sizeof t->name, "%s", name);
	w->named_count++;
}

int
inforce_templates(struct inforce_world *w, const json_t *plan, struct err *err)
{
	json_t *roles = json_object_get(plan, "roles"), *nodes = json_object_get(plan, "nodes"), *row, *place;
	size_t most = w->named_count + json_object_size(roles) + 1;
	const char *name, *role;
	void *more;

	json_object_foreach(nodes, name, row)
		most += json_object_size(json_object_get(row, "roles"));
	if ((more = realloc(w->named, most * sizeof *w->named)) == NULL)
		return no_memory(err);
	w->named = more;
	json_object_foreach(roles, role, row)
		name_template(w, row);
	json_object_foreach(nodes, name, row)
		json_object_foreach(json_object_get(row, "roles"), role, place)
			name_template(w, place);
	return 0;
}

void
inforce_free(struct inforce_world *w)
{
	for (size_t i = 0; i < w->nodes_count; i++)
		view_facts_free(&w->nodes[i].facts);
	free(w->nodes);
	free(w->named);
	*w = (struct inforce_world){.nodes = NULL};
}

/* --- what a failed role keeps ------------------------------------------------------------------ */

static json_t *
map_in(json_t *map, const char *key)
{
	json_t *v = json_object_get(map, key);

	if (json_is_object(v))
		return v;
	json_object_set_new(map, key, json_object());
	return json_object_get(map, key);
}

static void
put_back(json_t *to, const json_t *from, const char *role)
{
	json_t *was = json_object_get(from, role);

	if (was != NULL)
		json_object_set(to, role, was);
	else
		json_object_del(to, role);
}

static bool
is_there(const json_t *nodes, const char *name)
{
	const json_t *n = json_object_get(nodes, name);

	return nodes == NULL || (n != NULL && strcmp(value_str(n, "state"), view_node_state_name(VIEW_LEFT)) != 0);
}

void
inforce_keep(json_t *answer, const json_t *before, const json_t *nodes, const char *role)
{
	json_t *now = map_in(answer, "nodes"), *old = json_object_get(before, "nodes"), *n;
	const char *node;

	put_back(map_in(answer, "roles"), json_object_get(before, "roles"), role);
	json_object_foreach(now, node, n)
		json_object_del(json_object_get(n, "roles"), role);
	json_object_foreach(old, node, n) {
		const json_t *was = json_object_get(n, "roles");

		if (json_object_get(was, role) != NULL && is_there(nodes, node))
			put_back(map_in(map_in(now, node), "roles"), was, role);
	}
}

const json_t *
inforce_before(const json_t *input)
{
	const json_t *parents = json_object_get(input, "parents");

	return json_array_get(parents, json_array_size(parents) - 1);
}

static int
check(struct inforce_world *w, const json_t *input, struct slice packed, const json_t *answer,
    struct plan *plan, struct err *err)
{
	int rc = inforce_nodes(w, input, err);

	if (rc == 0)
		rc = inforce_templates(w, answer, err);
	if (rc < 0)
		return rc;
	return plan_check(packed.b, packed.len, &(struct plan_world){.nodes = w->nodes,
		.nodes_count = w->nodes_count,
		.templates = w->named,
		.templates_count = w->named_count}, plan, err);
}

int
inforce_judge(const json_t *input, struct slice packed, json_t *answer, json_t *failed, struct err *err)
{
	struct inforce_world w = {.nodes = NULL};
	struct plan plan;
	int rc = check(&w, input, packed, answer, &plan, err);

	for (size_t i = 0; rc == 0 && i < plan.errors_count; i++) {
		const struct plan_error *e = &plan.errors[i];

		if (plan_role(&plan, e->role) == NULL)
			inforce_keep(answer, inforce_before(input), json_object_get(input, "nodes"), e->role);
		json_array_append_new(failed, json_pack("{s:s, s:s}", "role", e->role, "error", e->text));
	}
	if (rc == 0)
		plan_free(&plan);
	inforce_free(&w);
	return rc < 0 ? -1 : 0;
}
