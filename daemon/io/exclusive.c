/*
 * exclusive.c - see exclusive.h.
 */
#include "exclusive.h"

#include <stdio.h>
#include <stdlib.h>

#include "../base/log.h"
#include "../base/own.h"
#include "engine.h"

/* --- what runs, what is wanted --------------------------------------------------- */

static bool
listed(const uint64_t *ids, size_t count, uint64_t id)
{
	for (size_t i = 0; i < count; i++)
		if (ids[i] == id)
			return true;
	return false;
}

/* False: there are more than can be named in a question. */
static bool
add(uint64_t *ids, size_t *count, uint64_t id)
{
	if (listed(ids, *count, id))
		return true;
	if (*count == MESH_EXCLUSIVE_MAX)
		return false;
	ids[(*count)++] = id;
	return true;
}

static bool
find_running(const struct engine *e, uint64_t *ids, size_t *count)
{
	const struct exclusive_starts *s = &e->exclusive.starts;
	bool all = true;

	*count = 0;
	for (size_t i = 0; i < e->local.count; i++)
		if (exclusive_lives(&e->local.items[i].ev))
			all = add(ids, count, exclusive_id(e->local.items[i].ev.instance)) && all;
	for (size_t i = 0; i < s->count; i++)
		all = add(ids, count, exclusive_id(s->items[i].instance)) && all;
	return all;
}

/* What a life of this engine before this one was given, and its host still holds. */
static void
claim_held(struct engine *e)
{
	msec now = net_now();

	for (size_t i = 0; i < e->local.count; i++) {
		struct local_instance *l = &e->local.items[i];

		l->fenced = (msec)l->ev.lease_ms;
		if (exclusive_lives(&l->ev) &&
		    mesh_exclusive_held(e->mesh, now, exclusive_id(l->ev.instance),
			(msec)l->ev.lease_ms) < 0)
			log_warn("%s: its deadline is further ahead than a role lease lasts",
			    l->ev.instance);
	}
}

/* A new one is told before the list of wishes, an old one that ended too.
 * False: one can't be named, and then nothing may be asked for. */
static bool
tell_running(struct engine *e, const uint64_t *ids, size_t count)
{
	struct exclusive *x = &e->exclusive;
	msec now = net_now();
	bool all = true;

	for (size_t i = 0; i < x->running_count; i++)
		if (!listed(ids, count, x->running[i]))
			all = mesh_exclusive_running(e->mesh, now, x->running[i], false) == 0 && all;
	for (size_t i = 0; i < count; i++)
		all = mesh_exclusive_running(e->mesh, now, ids[i], true) == 0 && all;
	memcpy(x->running, ids, count * sizeof *ids);
	x->running_count = count;
	return all;
}

static bool
same(const uint64_t *a, size_t a_count, const uint64_t *b, size_t b_count)
{
	return a_count == b_count && (a_count == 0 || memcmp(a, b, a_count * sizeof *a) == 0);
}

void
exclusive_sync(struct engine *e)
{
	struct exclusive *x = &e->exclusive;
	uint64_t running[MESH_EXCLUSIVE_MAX], wants[MESH_EXCLUSIVE_MAX];
	size_t running_count, wants_count;
	bool all;

	/* Before the supervisor's list it is not known what runs. */
	if (e->mesh == NULL || !e->local.known)
		return;
	all = find_running(e, running, &running_count);
	wants_count = exclusive_wants(&e->apply.plan, &e->apply.here, wants, MESH_EXCLUSIVE_MAX);
	wants_count = hold_leave_out(&e->hold, wants, wants_count);
	if (!x->begun && running_count + wants_count == 0)
		return;
	if (x->begun && same(running, running_count, x->running, x->running_count) &&
	    same(wants, wants_count, x->wants, x->wants_count))
		return;
	all = tell_running(e, running, running_count) && all;
	if (!x->begun && !all) {
		log_warn("more than %d exclusive instances run here: no role lease is asked for before some have ended",
		    MESH_EXCLUSIVE_MAX);
		return;
	}
	if (!x->begun)
		claim_held(e);
	/* Those that find no place among what still runs are asked for later:
	 * each end of one comes here again. */
	if (mesh_exclusive_want(e->mesh, net_now(), wants, wants_count) < 0)
		log_debug("not all role leases can be asked for yet");
	memcpy(x->wants, wants, wants_count * sizeof *wants);
	x->wants_count = wants_count;
	x->begun = true;
	net_soon(&e->net);
}

/* --- the supervisor and the lease ------------------------------------------------- */

void
exclusive_event(struct engine *e, const struct sup_event *ev)
{
	struct exclusive *x = &e->exclusive;
	bool moved = false;

	if (ev->kind == SUP_EV_REPLY)
		moved = exclusive_replied(&x->starts, ev->ticket, ev->code == 0);
	else if (ev->kind == SUP_EV_STATE)
		moved = exclusive_told(&x->starts, ev->instance) ||
		    listed(x->running, x->running_count, exclusive_id(ev->instance)) ||
		    exclusive_lives(ev);
	else if (ev->kind == SUP_EV_END)
		exclusive_listed(&x->starts, ev->ticket);
	if (moved || ev->kind == SUP_EV_END)
		exclusive_sync(e);
}

static void
fence(struct engine *e, struct local_instance *l, msec until)
{
	struct sup_req req;

	if (!launch_req(&req, SUP_FENCE, l->ev.role, l->ev.instance))
		return;
	memcpy(req.sandbox, l->ev.sandbox, sizeof req.sandbox);
	req.deadline_ms = (uint64_t)until;
	if (launch_send(&e->launch, &req, NULL, 0) != 0)
		l->fenced = until;
}

void
exclusive_look(struct engine *e)
{
	if (e->exclusive.running_count == 0)
		return;
	for (size_t i = 0; i < e->local.count; i++) {
		struct local_instance *l = &e->local.items[i];
		msec until;

		if (l->ev.policy != SUP_EXCLUSIVE)
			continue;
		until = mesh_exclusive_until(e->mesh, exclusive_id(l->ev.instance));
		if (exclusive_must_fence(&l->ev, until, l->fenced))
			fence(e, l, until);
	}
}

msec
exclusive_deadline(struct engine *e, const char *instance)
{
	msec until = e->mesh == NULL ? 0 :
				       mesh_exclusive_until(e->mesh, exclusive_id(instance));

	return exclusive_may_start(until, net_now()) &&
		exclusive_room(&e->exclusive.starts, instance) ?
	    until :
	    0;
}

void
exclusive_asked(struct engine *e, enum sup_op op, const char *instance, uint64_t ticket,
    msec deadline)
{
	struct local_instance *l = local_find(&e->local, instance);

	if (op == SUP_STOP) {
		exclusive_stopped(&e->exclusive.starts, instance, ticket);
		return;
	}
	exclusive_sent(&e->exclusive.starts, instance, ticket);
	if (l != NULL)
		l->fenced = deadline;
	exclusive_sync(e);
}

/* --- the leader --------------------------------------------------------------------- */

void
exclusive_lead(struct engine *e)
{
	struct world w;

	if (!e->lead.leading || (!e->exclusive.owners && !exclusive_any(&e->apply.plan)))
		return;
	AUTO_FREE struct mesh_owner *owners = calloc(MESH_OWNERS_MAX, sizeof *owners + 1);
	if (owners == NULL || world_build(e, &w) < 0)
		return; /* the last ones stand; the next round tells again */
	size_t n = exclusive_owners(&e->apply.plan, w.nodes, w.nodes_count, owners, MESH_OWNERS_MAX);
	n = exclusive_hold(owners, n, w.nodes, w.nodes_count, w.instances, w.instances_count,
	    (uint8_t *)(owners + MESH_OWNERS_MAX));
	world_free(&w);
	e->exclusive.owners = n > 0;
	if (mesh_exclusive_owners(e->mesh, net_now(), owners, n) < 0)
		log_warn("owners of role leases: more than the machine holds; the last ones stand");
}

/* --- what is shown -------------------------------------------------------------------- */

static const char *
why_it_waits(const struct engine *e, msec until)
{
	struct mesh_side side = {0};

	if (e->mesh != NULL)
		mesh_side(e->mesh, net_now(), &side);
	if (!side.has_leader)
		return "waits for its role lease: this side has no leader, and only a full one gives it";
	if (side.grade != MESH_GRADE_FULL)
		return "waits for its role lease: only the leader of a full side gives it, this side is degraded";
	if (until != 0)
		return "waits for its role lease to be renewed";
	return "waits for its role lease: until the node that had it says gone, or 15 s";
}

static uint64_t
wall(msec until)
{
	msec now = net_now();

	return until > now ? engine_wall_ms() + (uint64_t)(until - now) : 0;
}

static struct view_instance *
row_of(struct view_instance *rows, size_t count, const char *id)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].id, id) == 0)
			return &rows[i];
	return NULL;
}

static void
waiting_row(const struct engine *e, const char *version, const char *role, const struct plan_instance *p,
    msec until, struct view_instance *out)
{
	memset(out, 0, sizeof *out);
	snprintf(out->id, sizeof out->id, "%s", p->id);
	snprintf(out->role, sizeof out->role, "%s", role);
	snprintf(out->version, sizeof out->version, "%s", version);
	snprintf(out->node, sizeof out->node, "%s", e->conf.name);
	snprintf(out->image, sizeof out->image, "%s", p->image);
	snprintf(out->error, sizeof out->error, "%s", why_it_waits(e, until));
	out->state = VIEW_WAITING;
	out->since_ms = engine_wall_ms();
}

static size_t
place_rows(const struct engine *e, const struct plan_place *pl, const struct plan_role *r,
    struct view_instance *rows, size_t n, size_t cap)
{
	for (size_t i = 0; i < pl->instances_count; i++) {
		const struct plan_instance *p = &pl->instances[i];
		msec until = e->mesh == NULL ? 0 : mesh_exclusive_until(e->mesh, exclusive_id(p->id));
		struct view_instance *row = row_of(rows, n, p->id);

		if (row != NULL)
			row->lease_until_ms = wall(until);
		else if (n < cap && !exclusive_may_start(until, net_now()))
			waiting_row(e, plan_version(r, pl), pl->role, p, until, &rows[n++]);
	}
	return n;
}

size_t
exclusive_rows(const struct engine *e, struct view_instance *rows, size_t count, size_t cap)
{
	for (size_t i = 0; i < e->apply.here.places_count; i++) {
		const struct plan_place *pl = &e->apply.here.places[i];
		const struct plan_role *r = plan_role(&e->apply.plan, pl->role);

		if (r != NULL && r->on_split == PLAN_EXCLUSIVE)
			count = place_rows(e, pl, r, rows, count, cap);
	}
	return count;
}
