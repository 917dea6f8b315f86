/*
 * hold.c - see hold.h.
 *
 * It is written down before anything is stopped.  From then on settle.c does not
 * want the instance, whatever becomes of this engine; the supervisor forgets its
 * record with the STOP, so that no boot brings it back either.
 */
#include "hold.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/log.h"
#include "../base/name.h"
#include "engine.h"
#include "pack.h"
#include "settle.h"
#include "where.h"

enum { LINE_MAX_ = NAME_CAP + 40 };

static const char held_key[] = "held";

/* --- what is kept ----------------------------------------------------------------- */

static struct hold_one *
find(const struct hold *h, const char *instance)
{
	for (size_t i = 0; i < h->count; i++)
		if (strcmp(h->held[i].instance, instance) == 0)
			return (struct hold_one *)(uintptr_t)&h->held[i];
	return NULL;
}

bool
hold_is(const struct hold *h, const char *instance)
{
	return find(h, instance) != NULL;
}

static bool
parse_line(const char *line, struct hold_one *out)
{
	unsigned long long since;
	int end = -1;

	if (sscanf(line, "%63s %llu %u%n", out->instance, &since, &out->uid, &end) != 3)
		return false;
	out->since_ms = since;
	return line[end] == '\0' && name_ok(out->instance, strlen(out->instance));
}

bool
hold_parse(struct hold *h, const uint8_t *text, size_t len)
{
	char line[LINE_MAX_];

	h->count = 0;
	for (size_t off = 0; off < len;) {
		const uint8_t *nl = memchr(text + off, '\n', len - off);
		size_t n = nl != NULL ? (size_t)(nl - text) - off : 0;
		struct hold_one one;

		memset(&one, 0, sizeof one);
		memcpy(line, text + off, n < sizeof line ? n : 0);
		line[n < sizeof line ? n : 0] = '\0';
		if (nl == NULL || n >= sizeof line || h->count == HOLDS_MAX ||
		    memchr(line, 0, sizeof line) != line + n || !parse_line(line, &one) ||
		    find(h, one.instance) != NULL) {
			h->count = 0;
			return false;
		}
		h->held[h->count++] = one;
		off += n + 1;
	}
	return true;
}

int
hold_load(struct engine *e, struct err *err)
{
	uint8_t *text = NULL;
	size_t len = 0;
	int rc = store_get(e->store, STORE_MISC, held_key, strlen(held_key), &text, &len, err);

	if (rc > 0 && !hold_parse(&e->hold, text, len))
		log_warn("what instances are held down can't be read: none is; mesh stop INSTANCE");
	free(text);
	return rc < 0 ? rc : 0;
}

static int
save(struct engine *e, const struct hold *h, struct err *err)
{
	char *text;
	size_t n = 0;
	int rc;

	if (h->count == 0)
		return store_del(e->store, STORE_MISC, held_key, strlen(held_key), err);
	if ((text = malloc(h->count * LINE_MAX_)) == NULL)
		return err_set(err, 1, "out of memory");
	for (size_t i = 0; i < h->count; i++)
		n += (size_t)snprintf(text + n, LINE_MAX_, "%s %llu %u\n", h->held[i].instance,
		    (unsigned long long)h->held[i].since_ms, h->held[i].uid);
	rc = store_put(e->store, STORE_MISC, held_key, strlen(held_key), text, n, err);
	free(text);
	return rc;
}

/* --- what it means ------------------------------------------------------------------ */

size_t
hold_leave_out(const struct hold *h, uint64_t *ids, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		bool held = false;

		for (size_t k = 0; k < h->count && !held; k++)
			held = exclusive_id(h->held[k].instance) == ids[i];
		if (!held)
			ids[kept++] = ids[i];
	}
	return kept;
}

/* Has the schedule it here?  Its role's part, and *p. */
static const struct plan_place *
placed(const struct engine *e, const char *instance, const struct plan_instance **p)
{
	for (size_t i = 0; i < e->apply.here.places_count; i++) {
		const struct plan_place *pl = &e->apply.here.places[i];

		for (size_t k = 0; k < pl->instances_count; k++)
			if (strcmp(pl->instances[k].id, instance) == 0) {
				*p = &pl->instances[k];
				return pl;
			}
	}
	return NULL;
}

static void
say_held(const struct hold_one *o, struct view_instance *row)
{
	/* Not an age: this text goes into reports, and is to stand still. */
	snprintf(row->error, sizeof row->error, "stopped by uid %u, until: mesh start %s", o->uid,
	    o->instance);
}

size_t
hold_rows(const struct engine *e, struct view_instance *rows, size_t count, size_t cap)
{
	for (size_t i = 0; i < e->hold.count; i++) {
		const struct hold_one *o = &e->hold.held[i];
		const struct plan_instance *p;
		const struct plan_place *pl = placed(e, o->instance, &p);
		const struct plan_role *role;
		struct view_instance *x = NULL;

		for (size_t k = 0; k < count && x == NULL; k++)
			if (strcmp(rows[k].id, o->instance) == 0)
				x = &rows[k];
		if (x == NULL && (pl == NULL || count == cap))
			continue;
		if (x == NULL) {
			x = &rows[count++];
			memset(x, 0, sizeof *x);
			role = plan_role(&e->apply.plan, pl->role);
			snprintf(x->id, sizeof x->id, "%s", o->instance);
			snprintf(x->role, sizeof x->role, "%s", pl->role);
			snprintf(x->version, sizeof x->version, "%s", plan_version(role, pl));
			snprintf(x->node, sizeof x->node, "%s", e->conf.name);
			snprintf(x->image, sizeof x->image, "%s", p->image);
		}
		say_held(o, x);
		if (x->pid != 0)
			continue; /* it is still on its way down */
		x->state = VIEW_HELD;
		x->health = VIEW_HEALTH_NONE;
		x->since_ms = o->since_ms;
	}
	return count;
}

/* --- the verbs ------------------------------------------------------------------------ */

static struct local_instance *
local_one(struct engine *e, const char *instance)
{
	struct local_instance *l = local_find(&e->local, instance);

	return l != NULL && local_is_instance(&l->ev) ? l : NULL;
}

/* On which other node the schedule has it, or NULL. */
static const char *
elsewhere(const struct engine *e, const char *instance)
{
	const struct plan *p = &e->apply.plan;

	for (size_t i = 0; i < p->nodes_count; i++)
		for (size_t k = 0; k < p->nodes[i].places_count; k++)
			for (size_t x = 0; x < p->nodes[i].places[k].instances_count; x++)
				if (strcmp(p->nodes[i].places[k].instances[x].id, instance) == 0)
					return p->nodes[i].name;
	return NULL;
}

/* The instance that is meant; false: the request has failed. */
static bool
named(struct engine *e, struct ctl_req *r, char instance[NAME_CAP])
{
	const struct plan_instance *p;
	const char *node, *meant;

	if (!ctl_arg_str(r, "instance", instance, NAME_CAP) ||
	    !name_ok(instance, strlen(instance))) {
		ctl_fail(r, EXIT_USAGE_, "mesh ps", "%s: missing INSTANCE", r->verb);
		return false;
	}
	if (local_one(e, instance) != NULL || hold_is(&e->hold, instance) ||
	    placed(e, instance, &p) != NULL)
		return true;
	node = elsewhere(e, instance);
	if (node != NULL)
		ctl_fail(r, 1, "its own host's operators decide what runs there",
		    "%s: %s is on node %s: run it there", r->verb, instance, node);
	else if ((meant = where_near(e, instance)) != NULL)
		ctl_fail(r, 1, "mesh ps", "%s: no instance %s is known; did you mean %s?", r->verb,
		    instance, meant);
	else
		ctl_fail(r, 1, "mesh ps", "%s: no instance %s is known", r->verb, instance);
	return false;
}

static void
answer(struct engine *e, struct ctl_req *r, const char *instance)
{
	const struct local_instance *l = local_one(e, instance);
	const struct plan_instance *p;
	msgpack_packer *pk = ctl_begin(r);

	msgpack_pack_map(pk, 5);
	pk_kstr(pk, "instance", instance);
	pk_kstr(pk, "node", e->conf.name);
	pk_kbool(pk, "held", hold_is(&e->hold, instance));
	pk_kbool(pk, "runs", l != NULL && l->ev.pid != 0);
	pk_kbool(pk, "placed", placed(e, instance, &p) != NULL);
	ctl_end(r);
}

/* TERM, kill-timeout, kill; then settle.c starts what is wanted. */
static void
ask_stop(struct engine *e, const struct local_instance *l)
{
	struct sup_req req;
	uint64_t ticket;

	if (!launch_req(&req, SUP_STOP, l->ev.role, l->ev.instance))
		return;
	memcpy(req.sandbox, l->ev.sandbox, sizeof req.sandbox);
	if ((ticket = launch_send(&e->launch, &req, NULL, 0)) != 0)
		exclusive_asked(e, SUP_STOP, req.instance, ticket, 0);
}

static void
changed(struct engine *e)
{
	exclusive_sync(e);
	apply_settle_all(e);
	engine_report_soon(e);
}

/* Takes it off the list: who asked is to be answered. */
static struct ctl_req *
take(struct hold_asked *a)
{
	struct ctl_req *r = a->r;

	a->r = NULL;
	return r;
}

/* The supervisor answers no START that a STOP overtook. */
static void
overtake(struct hold *h, const char *instance)
{
	for (struct hold_asked *a = h->asked; a < h->asked + HOLD_ASKED_MAX; a++)
		if (a->r != NULL && strcmp(a->instance, instance) == 0)
			ctl_fail(take(a), 1, "mesh start INSTANCE", "restart: %s was stopped meanwhile",
			    instance);
}

void
hold_stop(struct engine *e, struct ctl_req *r)
{
	char instance[NAME_CAP];
	const struct local_instance *l;
	struct err err;

	if (!named(e, r, instance))
		return;
	if (!hold_is(&e->hold, instance)) {
		struct hold_one *o = &e->hold.held[e->hold.count];

		if (e->hold.count == HOLDS_MAX) {
			ctl_fail(r, 1, "mesh start INSTANCE",
			    "stop: %d instances are held down here, which is the most", HOLDS_MAX);
			return;
		}
		memset(o, 0, sizeof *o);
		snprintf(o->instance, sizeof o->instance, "%s", instance);
		o->since_ms = engine_wall_ms();
		o->uid = r->uid;
		e->hold.count++;
		if (save(e, &e->hold, &err) < 0) {
			e->hold.count--;
			ctl_fail(r, 1, "mesh status", "stop: not kept, so not done: %s", err.text);
			return;
		}
		log_info("%s: stopped, and held down: uid %u said so", instance, r->uid);
	}
	if ((l = local_one(e, instance)) != NULL)
		ask_stop(e, l);
	overtake(&e->hold, instance);
	changed(e);
	answer(e, r, instance);
}

void
hold_start(struct engine *e, struct ctl_req *r)
{
	char instance[NAME_CAP];
	struct hold_one *o, was;
	struct err err;

	if (!named(e, r, instance))
		return;
	if ((o = find(&e->hold, instance)) == NULL) {
		ctl_fail(r, 1, "mesh ps; mesh restart INSTANCE", "start: %s is not held down",
		    instance);
		return;
	}
	was = *o;
	*o = e->hold.held[--e->hold.count];
	if (save(e, &e->hold, &err) < 0) {
		e->hold.held[e->hold.count++] = was;
		ctl_fail(r, 1, "mesh status", "start: not kept, so not done: %s", err.text);
		return;
	}
	log_info("%s: held down no more: uid %u said so", instance, r->uid);
	changed(e);
	answer(e, r, instance);
}

/* --- restart ---------------------------------------------------------------------------- */

static void
refuse(struct ctl_req *r, const char *instance, const char *why)
{
	char hint[2 * NAME_CAP + 64];
	size_t n = strlen(instance);

	if (strncmp(why, instance, n) == 0 && strncmp(why + n, ": ", 2) == 0)
		why += n + 2;
	snprintf(hint, sizeof hint, "mend that; or all the same: mesh stop %s; mesh start %s",
	    instance, instance);
	ctl_fail(r, 1, hint, "restart: %s would not come up again: %s", instance, why);
}

void
hold_event(struct engine *e, const struct sup_event *ev)
{
	char why[4 * SUP_TEXT_CAP];

	for (struct hold_asked *a = e->hold.asked; a < e->hold.asked + HOLD_ASKED_MAX; a++) {
		if (a->r == NULL)
			continue;
		if (ev == NULL) {
			ctl_fail(take(a), 1, "mesh ps",
			    "restart: %s: the supervisor's answer was lost", a->instance);
		} else if (ev->kind == SUP_EV_REPLY && ev->ticket == a->ticket && ev->code == 0) {
			answer(e, take(a), a->instance);
		} else if (ev->kind == SUP_EV_REPLY && ev->ticket == a->ticket) {
			err_escape(why, sizeof why, ev->text, strnlen(ev->text, SUP_TEXT_CAP));
			refuse(take(a), a->instance, why);
		}
	}
}

void
hold_second(struct engine *e, msec now)
{
	for (struct hold_asked *a = e->hold.asked; a < e->hold.asked + HOLD_ASKED_MAX; a++)
		if (a->r != NULL && now >= a->until)
			ctl_fail(take(a), 1, "mesh ps",
			    "restart: %s: the supervisor has not answered in %d s", a->instance,
			    HOLD_WAIT_MS / 1000);
}

/* A place in the list; NULL: the request has failed. */
static struct hold_asked *
free_place(struct hold *h, struct ctl_req *r, const char *instance)
{
	struct hold_asked *room = NULL;

	for (struct hold_asked *a = h->asked; a < h->asked + HOLD_ASKED_MAX; a++) {
		if (a->r == NULL) {
			room = a;
		} else if (strcmp(a->instance, instance) == 0) {
			ctl_fail(r, 1, "mesh ps", "restart: %s: another one is under way", instance);
			return NULL;
		}
	}
	if (room == NULL)
		ctl_fail(r, 1, "ask again in a moment", "restart: %d of them are under way",
		    HOLD_ASKED_MAX);
	return room;
}

void
hold_restart(struct engine *e, struct ctl_req *r)
{
	char instance[NAME_CAP];
	const struct local_instance *l;
	const struct plan_instance *p;
	const struct plan_place *pl;
	struct hold_asked *a;
	struct err err;
	uint64_t ticket;

	if (!named(e, r, instance))
		return;
	if (hold_is(&e->hold, instance)) {
		ctl_fail(r, 1, "mesh start INSTANCE", "restart: %s is held down", instance);
		return;
	}
	/* What nobody wants would end, and not come back. */
	if ((l = local_one(e, instance)) == NULL || (pl = placed(e, instance, &p)) == NULL) {
		ctl_fail(r, 1, "mesh ps", "restart: %s %s", instance,
		    l == NULL ? "does not run here" : "is not wanted here by the schedule");
		return;
	}
	if ((a = free_place(&e->hold, r, instance)) == NULL)
		return;
	if ((ticket = settle_anew(e, pl->role, instance, &err)) == 0) {
		refuse(r, instance, err.text);
		return;
	}
	log_info("%s: a restart is asked for: uid %u said so", instance, r->uid);
	*a = (struct hold_asked){.r = r, .ticket = ticket, .until = net_now() + HOLD_WAIT_MS};
	memcpy(a->instance, instance, sizeof a->instance);
}
