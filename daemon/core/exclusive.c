/*
 * exclusive.c - see exclusive.h.
 */
#include "exclusive.h"

#include <stdlib.h>

uint64_t
exclusive_id(const char *instance)
{
	return sup_hash_(UINT64_C(0xcbf29ce484222325), instance, strlen(instance));
}

/* --- of a plan ----------------------------------------------------------------- */

static bool
is_exclusive(const struct plan *p, const struct plan_place *pl)
{
	const struct plan_role *r = plan_role(p, pl->role);

	return r != NULL && r->on_split == PLAN_EXCLUSIVE;
}

bool
exclusive_any(const struct plan *p)
{
	for (size_t i = 0; i < p->roles_count; i++)
		if (p->roles[i].on_split == PLAN_EXCLUSIVE)
			return true;
	return false;
}

static size_t
count_on(const struct plan *p, const struct plan_node *n)
{
	size_t count = 0;

	for (size_t i = 0; i < n->places_count; i++)
		if (is_exclusive(p, &n->places[i]))
			count += n->places[i].instances_count;
	return count;
}

int
exclusive_check(const struct plan *p, struct err *err)
{
	size_t all = 0;

	if (!exclusive_any(p))
		return 0;
	for (size_t i = 0; i < p->nodes_count; i++) {
		size_t here = count_on(p, &p->nodes[i]);

		if (here > MESH_EXCLUSIVE_MAX)
			return err_set(err, 1,
			    "nodes.%s: %zu instances of roles with on_split exclusive, at most %d on one node; place some elsewhere",
			    p->nodes[i].name, here, MESH_EXCLUSIVE_MAX);
		all += here;
	}
	if (all > MESH_OWNERS_MAX)
		return err_set(err, 1,
		    "nodes: %zu instances of roles with on_split exclusive, at most %d in a mesh",
		    all, MESH_OWNERS_MAX);
	return 0;
}

static const struct node_id *
id_of(const struct view_node *nodes, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (nodes[i].state != VIEW_LEFT && strcmp(nodes[i].name, name) == 0)
			return &nodes[i].id;
	return NULL;
}

static int
owner_cmp(const void *a, const void *b)
{
	const struct mesh_owner *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return id_cmp(&x->node, &y->node);
}

size_t
exclusive_owners(const struct plan *p, const struct view_node *nodes, size_t nodes_count,
    struct mesh_owner *out, size_t cap)
{
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < p->nodes_count; i++) {
		const struct plan_node *node = &p->nodes[i];
		const struct node_id *id = count_on(p, node) > 0 ?
		    id_of(nodes, nodes_count, node->name) :
		    NULL;

		for (size_t k = 0; id != NULL && k < node->places_count; k++) {
			const struct plan_place *pl = &node->places[k];

			for (size_t m = 0; is_exclusive(p, pl) && m < pl->instances_count &&
			     n < cap; m++)
				out[n++] = (struct mesh_owner){
				    exclusive_id(pl->instances[m].id), *id};
		}
	}
	if (n > 0)
		qsort(out, n, sizeof *out, owner_cmp);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || out[kept - 1].id != out[i].id)
			out[kept++] = out[i];
	return kept;
}

/* May a process of it run, for all that its node said last? */
static bool
runs(const struct view_instance *v)
{
	return v->state == VIEW_STARTING || v->state == VIEW_RUNNING || v->state == VIEW_STOPPING ||
	    v->state == VIEW_BACKOFF;
}

static struct mesh_owner *
owner_of(struct mesh_owner *owners, size_t count, uint64_t id)
{
	size_t lo = 0, hi = count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (owners[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < count && owners[lo].id == id ? &owners[lo] : NULL;
}

size_t
exclusive_hold(struct mesh_owner *owners, size_t count, const struct view_node *nodes,
    size_t nodes_count, const struct view_instance *instances, size_t instances_count, uint8_t *marks)
{
	enum { ELSEWHERE = 1, LEASED = 2 };
	size_t kept = 0;

	memset(marks, 0, count);
	for (size_t i = 0; i < instances_count; i++) {
		const struct view_instance *v = &instances[i];
		const struct mesh_owner *o =
		    runs(v) ? owner_of(owners, count, exclusive_id(v->id)) : NULL;
		const struct node_id *at = o != NULL ? id_of(nodes, nodes_count, v->node) : NULL;

		if (at == NULL)
			continue;
		if (!id_eq(at, &o->node))
			marks[o - owners] |= v->lease_until_ms == 0 ? ELSEWHERE : 0;
		else if (v->lease_until_ms != 0)
			marks[o - owners] |= LEASED;
	}
	for (size_t i = 0; i < count; i++)
		if (marks[i] != ELSEWHERE)
			owners[kept++] = owners[i];
	return kept;
}

size_t
exclusive_wants(const struct plan *p, const struct plan_node *here, uint64_t *out, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < here->places_count; i++) {
		const struct plan_place *pl = &here->places[i];

		for (size_t k = 0; is_exclusive(p, pl) && k < pl->instances_count && n < cap; k++)
			out[n++] = exclusive_id(pl->instances[k].id);
	}
	return n;
}

/* --- of an instance here --------------------------------------------------------- */

bool
exclusive_may_start(msec until, msec now)
{
	return until - now >= EXCLUSIVE_START_MS;
}

bool
exclusive_must_fence(const struct sup_event *ev, msec until, msec told)
{
	return ev->policy == SUP_EXCLUSIVE && until > told &&
	    (ev->state == SUP_ST_STARTING || ev->state == SUP_ST_RUNNING ||
		ev->state == SUP_ST_BACKOFF);
}

bool
exclusive_lives(const struct sup_event *ev)
{
	if (ev->state == SUP_ST_NONE || ev->state == SUP_ST_GONE)
		return false;
	/* Without a record that can be read it is FAILED and has no policy, but
	 * its deadline is known. */
	return ev->lease_ms != 0 || (ev->policy == SUP_EXCLUSIVE && ev->state != SUP_ST_FAILED);
}

/* --- STARTs under way --------------------------------------------------------------- */

static struct exclusive_start *
start_of(struct exclusive_starts *s, const char *instance)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->items[i].instance, instance) == 0)
			return &s->items[i];
	return NULL;
}

static void
forget(struct exclusive_starts *s, struct exclusive_start *x)
{
	*x = s->items[--s->count];
}

bool
exclusive_room(const struct exclusive_starts *s, const char *instance)
{
	return s->count < MESH_EXCLUSIVE_MAX ||
	    start_of((struct exclusive_starts *)(uintptr_t)s, instance) != NULL;
}

void
exclusive_sent(struct exclusive_starts *s, const char *instance, uint64_t ticket)
{
	struct exclusive_start *x = start_of(s, instance);

	if (x == NULL && s->count == MESH_EXCLUSIVE_MAX)
		return;
	if (x == NULL)
		x = &s->items[s->count++];
	memset(x, 0, sizeof *x);
	memcpy(x->instance, instance, strnlen(instance, NAME_CAP - 1));
	x->ticket = ticket;
}

void
exclusive_stopped(struct exclusive_starts *s, const char *instance, uint64_t ticket)
{
	if (start_of(s, instance) != NULL)
		exclusive_sent(s, instance, ticket);
}

bool
exclusive_replied(struct exclusive_starts *s, uint64_t ticket, bool ok)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->items[i].ticket != ticket)
			continue;
		if (ok)
			s->items[i].accepted = true;
		else
			forget(s, &s->items[i]);
		return true;
	}
	return false;
}

bool
exclusive_told(struct exclusive_starts *s, const char *instance)
{
	struct exclusive_start *x = start_of(s, instance);

	if (x == NULL)
		return false;
	if (x->accepted)
		forget(s, x);
	return true;
}

void
exclusive_listed(struct exclusive_starts *s, uint64_t list_ticket)
{
	for (size_t i = 0; i < s->count;)
		if (s->items[i].ticket < list_ticket)
			forget(s, &s->items[i]);
		else
			i++;
}
