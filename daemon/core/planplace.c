/*
 * planplace.c - a script's answer, its nodes: which role stands where, as
 * which instances, and what a node lacks for them.
 *
 * A node, a role or an id that does not exist is an error of the role that names it.
 * A missing image or sandbox is not: facts change under a running script, and
 * one node without an image must not stop everybody else's schedule.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../base/name.h"
#include "../base/own.h"
#include "plancheck.h"

enum { KNOWN_SHOWN = 10 };

static int
known_cmp(const void *a, const void *b)
{
	return textkey_cmp(
	    &((const struct check_node *)a)->name, &((const struct check_node *)b)->name);
}

int
check_world(struct check *c)
{
	c->nodes = calloc(c->world->nodes_count + 1, sizeof *c->nodes);
	if (c->nodes == NULL)
		return walk_fail(&c->w, "out of memory");
	for (size_t i = 0; i < c->world->nodes_count; i++)
		if (c->world->nodes[i].state != VIEW_LEFT)
			c->nodes[c->nodes_count++] = (struct check_node){
			    textkey_of(c->world->nodes[i].name), &c->world->nodes[i]};
	if (c->nodes_count > 0)
		qsort(c->nodes, c->nodes_count, sizeof *c->nodes, known_cmp);
	return 0;
}

static const struct view_node *
world_node(const struct check *c, const char *name)
{
	struct check_node key = {.name = textkey_of(name)}, *found = NULL;

	if (c->nodes_count > 0)
		found = bsearch(&key, c->nodes, c->nodes_count, sizeof *c->nodes, known_cmp);
	return found != NULL ? found->node : NULL;
}

static int
no_such_node(struct check *c)
{
	char known[400] = "none";
	size_t len = 0;

	for (size_t i = 0; i < c->nodes_count && i < KNOWN_SHOWN && len < sizeof known; i++)
		len += (size_t)snprintf(known + len, sizeof known - len, "%s%s", i > 0 ? ", " : "",
		    c->nodes[i].name.text);
	return walk_fail(&c->w, "no such node (known: %s%s)", known,
	    c->nodes_count > KNOWN_SHOWN ? ", ..." : "");
}

void
check_lacks(struct plan *p, const char *node, const char *role, const char *kind, const char *what)
{
	struct plan_missing m;

	memset(&m, 0, sizeof m);
	snprintf(m.node, sizeof m.node, "%s", node);
	snprintf(m.role, sizeof m.role, "%s", role);
	snprintf(m.what, sizeof m.what, "%s%s%s", kind, kind[0] != '\0' ? " " : "", what);
	/* The same image is missed by many instances, one after another. */
	for (size_t i = p->missing_count; i > 0 && p->missing_count - i < 64; i--)
		if (memcmp(&p->missing[i - 1], &m, sizeof m) == 0)
			return;
	if (p->missing_count == PLAN_MISSING_MAX) {
		p->missing_more++;
		return;
	}
	if (p->missing == NULL)
		p->missing = calloc(PLAN_MISSING_MAX, sizeof *p->missing);
	if (p->missing == NULL)
		return;
	p->missing[p->missing_count++] = m;
}

static bool
listed(const char *name, const void *list, size_t width, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp((const char *)list + i * width, name) == 0)
			return true;
	return false;
}

/* Only a node that has told its facts can be said to lack something, and a
 * list that was cut on its way proves nothing. */
static void
check_facts(struct check *c, const struct view_node *n, const struct plan_place *pl)
{
	const struct view_facts *f = &n->facts;

	if (!n->reported || pl->instances_count == 0)
		return;
	if (!listed(pl->sandbox, f->sandboxes, NAME_CAP, f->sandboxes_count) &&
	    f->sandboxes_count < VIEW_LIST_MAX)
		check_lacks(c->plan, n->name, pl->role, "sandbox", pl->sandbox);
	for (size_t i = 0; i < pl->instances_count; i++)
		if (!listed(pl->instances[i].image, f->images, VIEW_IMAGE_CAP, f->images_count) &&
		    f->images_count < VIEW_LIST_MAX)
			check_lacks(c->plan, n->name, pl->role, "image", pl->instances[i].image);
}

static int
check_image(struct check *c, char *out)
{
	char word[WALK_KEY_CAP];

	if (walk_text(&c->w, out, VIEW_IMAGE_CAP) < 0)
		return -1;
	if (name_image_ok(out, strlen(out), VIEW_IMAGE_LEVELS_MAX))
		return 0;
	err_escape(word, sizeof word, out, strlen(out));
	return walk_fail(&c->w, "'%s' is not an image: names of [A-Za-z0-9_.-] joined by '/'", word);
}

enum { I_IMAGE, I_PROCESS, I_VARS, I_COUNT };

static int
check_instance(struct check *c, struct plan_instance *in)
{
	static const char *const keys[I_COUNT] = {"image", "process", "vars"};
	uint32_t count, seen = 0;
	size_t was;

	if (walk_map(&c->w, &count) < 0)
		return -1;
	for (uint32_t i = 0; i < count; i++) {
		int key = check_key(c, keys, I_COUNT, &seen, &was), rc;

		if (key < 0)
			return -1;
		if (key == I_IMAGE)
			rc = check_image(c, in->image);
		else if (key == I_PROCESS)
			rc = check_name(c, in->process);
		else
			rc = check_blob(c, true, &in->vars);
		if (rc < 0)
			return -1;
		walk_pop(&c->w, was);
	}
	if (in->process[0] == '\0')
		return walk_fail(&c->w, "process is missing: the name of a container of the role");
	if (in->image[0] == '\0')
		return walk_fail(&c->w, "image is missing");
	return 0;
}

static int
check_id(struct check *c, const char *role, const char *id)
{
	size_t len = strlen(role);

	if (strncmp(id, role, len) == 0 && id[len] == '.' && id[len + 1] != '\0')
		return 0;
	return walk_fail(&c->w, "an instance of role '%s' is named %s.N or %s.KEY", role, role, role);
}

static int
instance_cmp(const void *a, const void *b)
{
	return strcmp(
	    ((const struct plan_instance *)a)->id, ((const struct plan_instance *)b)->id);
}

static int
check_instances(struct check *c, struct plan_place *pl)
{
	uint32_t count;
	size_t was;

	if (walk_map(&c->w, &count) < 0)
		return -1;
	if (count > PLAN_NODE_INSTANCES_MAX)
		return walk_fail(
		    &c->w, "%u instances on one node, at most %d", count, PLAN_NODE_INSTANCES_MAX);
	c->instances += count;
	if (c->instances > PLAN_INSTANCES_MAX) {
		c->fatal = true;
		return walk_fail(&c->w, "more than %d instances in all", PLAN_INSTANCES_MAX);
	}
	pl->instances = calloc(count + 1, sizeof *pl->instances);
	if (pl->instances == NULL)
		return check_whole_fails(c, "out of memory");
	for (uint32_t i = 0; i < count; i++) {
		struct plan_instance *in = &pl->instances[i];

		if (check_name_key(c, "instance", in->id, &was) < 0)
			return -1;
		pl->instances_count++;
		if (check_id(c, pl->role, in->id) < 0 || check_instance(c, in) < 0)
			return -1;
		walk_pop(&c->w, was);
	}
	qsort(pl->instances, count, sizeof *pl->instances, instance_cmp);
	return 0;
}

enum { P_INSTANCES, P_SANDBOX, P_TEMPLATE, P_VARS, P_VERSION, P_COUNT };

/* A version or a template of the place's own. */
static int
check_code(struct check *c, struct plan_place *pl, bool template)
{
	if (pl->code == NULL && (pl->code = calloc(1, sizeof *pl->code)) == NULL)
		return check_whole_fails(c, "out of memory");
	return template ? check_template(c, pl->code->template_name, &pl->code->template_hash) :
			  check_name(c, pl->code->version);
}

static int
check_place(struct check *c, struct plan_place *pl)
{
	static const char *const keys[P_COUNT] = {"instances", "sandbox", "template", "vars", "version"};
	uint32_t count, seen = 0;
	size_t was;

	if (walk_map(&c->w, &count) < 0)
		return -1;
	for (uint32_t i = 0; i < count; i++) {
		int key = check_key(c, keys, P_COUNT, &seen, &was), rc;

		if (key < 0)
			return -1;
		if (key == P_INSTANCES)
			rc = check_instances(c, pl);
		else if (key == P_SANDBOX)
			rc = check_name(c, pl->sandbox);
		else if (key == P_VARS)
			rc = check_blob(c, true, &pl->vars);
		else
			rc = check_code(c, pl, key == P_TEMPLATE);
		if (rc < 0)
			return -1;
		walk_pop(&c->w, was);
	}
	if (pl->instances_count > 0 && pl->sandbox[0] == '\0')
		return walk_fail(&c->w, "sandbox is missing");
	return 0;
}

static int
place_cmp(const void *a, const void *b)
{
	return strcmp(((const struct plan_place *)a)->role, ((const struct plan_place *)b)->role);
}

/* Of a role that has failed already nothing is wanted. */
static int
check_placed(struct check *c, struct plan_place *pl, const struct view_node *world)
{
	struct mp from = c->w.r;

	if (check_has_failed(c, pl->role))
		return check_role_failed(c, pl->role, &from);
	if (check_place(c, pl) < 0 || check_role_size(c, &from) < 0)
		return check_role_failed(c, pl->role, &from);
	check_facts(c, world, pl);
	return 0;
}

static int
check_places(struct check *c, struct plan_node *n, const struct view_node *world)
{
	uint32_t count;
	size_t was;

	if (walk_map(&c->w, &count) < 0)
		return -1;
	if (count > PLAN_PLACES_MAX)
		return walk_fail(&c->w, "%u roles on one node, at most %d", count, PLAN_PLACES_MAX);
	n->places = calloc(count + 1, sizeof *n->places);
	if (n->places == NULL)
		return walk_fail(&c->w, "out of memory");
	for (uint32_t i = 0; i < count; i++) {
		struct plan_place *pl = &n->places[i];

		if (check_name_key(c, "role", pl->role, &was) < 0)
			return -1;
		n->places_count++;
		if (check_placed(c, pl, world) < 0)
			return -1;
		walk_pop(&c->w, was);
	}
	qsort(n->places, count, sizeof *n->places, place_cmp);
	for (uint32_t i = 1; i < count; i++)
		if (strcmp(n->places[i - 1].role, n->places[i].role) == 0)
			return walk_fail(&c->w, "role '%s' given twice", n->places[i].role);
	return 0;
}

enum { N_ROLES, N_VARS, N_COUNT };

static int
check_node(struct check *c, struct plan_node *n, const struct view_node *world)
{
	static const char *const keys[N_COUNT] = {"roles", "vars"};
	uint32_t count, seen = 0;
	size_t was;

	if (walk_map(&c->w, &count) < 0)
		return -1;
	for (uint32_t i = 0; i < count; i++) {
		int key = check_key(c, keys, N_COUNT, &seen, &was);

		if (key < 0)
			return -1;
		if ((key == N_ROLES ? check_places(c, n, world) :
				      check_blob(c, true, &n->vars)) < 0)
			return -1;
		walk_pop(&c->w, was);
	}
	return 0;
}

static int
node_cmp(const void *a, const void *b)
{
	return strcmp(((const struct plan_node *)a)->name, ((const struct plan_node *)b)->name);
}

int
check_nodes_begin(struct check *c)
{
	struct plan *p = c->plan;
	uint32_t count;

	if (walk_map(&c->w, &count) < 0)
		return -1;
	if (count > PLAN_NODES_MAX)
		return walk_fail(&c->w, "%u nodes, at most %d", count, PLAN_NODES_MAX);
	p->nodes = calloc(count + 1, sizeof *p->nodes);
	if (p->nodes == NULL)
		return walk_fail(&c->w, "out of memory");
	c->nodes_left = count;
	return 0;
}

int
check_nodes_next(struct check *c)
{
	struct plan_node *n = &c->plan->nodes[c->plan->nodes_count];
	const struct view_node *world;
	size_t was;

	if (check_name_key(c, "node", n->name, &was) < 0)
		return -1;
	if ((world = world_node(c, n->name)) != NULL) {
		c->plan->nodes_count++;
		if (check_node(c, n, world) < 0)
			return -1;
	} else {
		(void)no_such_node(c);
		if (check_stray(c) < 0)
			return -1;
		memset(n, 0, sizeof *n);
	}
	walk_pop(&c->w, was);
	c->nodes_left--;
	return 0;
}

int
check_nodes_end(struct check *c)
{
	struct plan *p = c->plan;

	qsort(p->nodes, p->nodes_count, sizeof *p->nodes, node_cmp);
	for (size_t i = 1; i < p->nodes_count; i++)
		if (strcmp(p->nodes[i - 1].name, p->nodes[i].name) == 0)
			return walk_fail(&c->w, "node '%s' given twice", p->nodes[i].name);
	return 0;
}
