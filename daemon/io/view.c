/*
 * view.c - the view of status.h: containers, roles, scheduler, problems.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../gossip/mp.h"
#include "../base/own.h"
#include "actlead.h"
#include "belong.h"
#include "engine.h"
#include "hear.h"
#include "pack.h"
#include "rotate.h"
#include "status.h"

enum { PROBLEMS_MAX = 64 };

/* --- containers ---------------------------------------------------------------- */

static void
pack_row(msgpack_packer *pk, const struct view_instance *x)
{
	msgpack_pack_map(pk, 12);
	pk_kstr(pk, "instance", x->id);
	pk_kstr(pk, "role", x->role);
	pk_kstr(pk, "version", x->version);
	pk_kstr(pk, "node", x->node);
	pk_kstr(pk, "state", view_state_name(x->state));
	/* Of whom nothing is heard nothing is known: not even that it was well. */
	pk_kstr(pk, "health", x->state == VIEW_LOST || x->state == VIEW_UNKNOWN ? "" :
										  view_health_name(x->health));
	pk_kuint(pk, "restarts", x->restarts);
	pk_kint(pk, "pid", x->pid);
	pk_kstr(pk, "image", x->image);
	pk_str(pk, "since_ms");
	if (x->since_ms != 0)
		msgpack_pack_uint64(pk, x->since_ms);
	else
		msgpack_pack_nil(pk);
	pk_kuint(pk, "lease_until_ms", x->lease_until_ms);
	pk_kstr(pk, "error", x->error);
}

static const struct view_node *
node_of(const struct world *w, const char *name)
{
	for (size_t i = 0; i < w->nodes_count; i++)
		if (strcmp(w->nodes[i].name, name) == 0)
			return &w->nodes[i];
	return NULL;
}

/* Scheduled, but nobody told us of it. */
static void
unheard(const struct world *w, const struct plan *plan, const char *node, const struct plan_place *pl,
    const struct plan_instance *p, struct view_instance *x)
{
	const struct view_node *n = node_of(w, node);
	const struct plan_role *r = plan_role(plan, pl->role);

	memset(x, 0, sizeof *x);
	snprintf(x->id, sizeof x->id, "%s", p->id);
	snprintf(x->role, sizeof x->role, "%s", pl->role);
	snprintf(x->version, sizeof x->version, "%s", plan_version(r, pl));
	snprintf(x->node, sizeof x->node, "%s", node);
	snprintf(x->image, sizeof x->image, "%s", p->image);
	x->state = n == NULL || n->state == VIEW_NODE_FAILED || n->state == VIEW_LEFT ?
	    VIEW_LOST :
	    VIEW_UNKNOWN;
}

static int
by_instance(const void *a, const void *b)
{
	const struct view_instance *x = a, *y = b;
	int c = strcmp(x->id, y->id);

	return c != 0 ? c : strcmp(x->node, y->node);
}

/* all is sorted by by_instance. */
static bool
heard(const struct view_instance *all, size_t count, const char *id, const char *node)
{
	struct view_instance key;

	snprintf(key.id, sizeof key.id, "%s", id);
	snprintf(key.node, sizeof key.node, "%s", node);
	return bsearch(&key, all, count, sizeof *all, by_instance) != NULL;
}

/* What runs, and what should run but was not heard of, by name. */
static struct view_instance *
all_instances(const struct world *w, const struct plan *plan, size_t *count)
{
	size_t n = w->instances_count;
	struct view_instance *all;

	for (size_t i = 0; i < plan->nodes_count; i++)
		for (size_t k = 0; k < plan->nodes[i].places_count; k++)
			n += plan->nodes[i].places[k].instances_count;
	if ((all = calloc(n + 1, sizeof *all)) == NULL)
		return NULL;
	if (w->instances_count > 0)
		memcpy(all, w->instances, w->instances_count * sizeof *all);
	*count = w->instances_count;
	qsort(all, *count, sizeof *all, by_instance);
	for (size_t i = 0; i < plan->nodes_count; i++)
		for (size_t k = 0; k < plan->nodes[i].places_count; k++) {
			const struct plan_place *p = &plan->nodes[i].places[k];

			for (size_t m = 0; m < p->instances_count; m++)
				if (!heard(all, w->instances_count, p->instances[m].id,
					plan->nodes[i].name))
					unheard(w, plan, plan->nodes[i].name, p,
					    &p->instances[m], &all[(*count)++]);
		}
	qsort(all, *count, sizeof *all, by_instance);
	return all;
}

/* --- roles --------------------------------------------------------------------- */

struct role_count {
	uint32_t desired, running, healthy, waiting;
};

static struct role_count
count_role(const struct plan *plan, const struct view_instance *all, size_t count, const char *role)
{
	struct role_count c = {0};

	for (size_t i = 0; i < plan->nodes_count; i++) {
		const struct plan_place *p = plan_place(&plan->nodes[i], role);

		c.desired += p != NULL ? (uint32_t)p->instances_count : 0;
	}
	for (size_t i = 0; i < count; i++) {
		if (strcmp(all[i].role, role) != 0)
			continue;
		c.waiting += all[i].state == VIEW_WAITING;
		if (all[i].state != VIEW_RUNNING)
			continue;
		c.running++;
		c.healthy += all[i].health == VIEW_HEALTHY || all[i].health == VIEW_HEALTH_NONE;
	}
	return c;
}

static const struct rail_held *
held_role(const struct lead *l, const char *role)
{
	for (size_t i = 0; i < l->rail.held_count; i++)
		if (strcmp(l->rail.held[i].role, role) == 0)
			return &l->rail.held[i];
	return NULL;
}

static void
pack_roles(const struct engine *e, const struct plan *plan, const struct view_instance *all,
    size_t count, int *level, msgpack_packer *pk)
{
	bool fresh = e->lead.leading && e->lead.sched.view_ok;

	msgpack_pack_array(pk, plan->roles_count);
	for (size_t i = 0; i < plan->roles_count; i++) {
		const struct plan_role *r = &plan->roles[i];
		struct role_count c = count_role(plan, all, count, r->name);
		const struct rail_held *held =
		    e->lead.leading ? held_role(&e->lead, r->name) : NULL;
		const char *note = held != NULL ? "held" : "";

		if (c.running < c.desired || c.healthy < c.desired)
			note = held != NULL	  ? "held" :
			    c.waiting > 0	  ? "waits for its role lease" :
			    !e->lead.leading ? "counted on this node only" :
			    !fresh		  ? "not all nodes have reported yet" :
			    c.running < c.desired ? "not all run" :
						    "not all healthy";
		if (fresh && c.healthy < c.desired && *level < 1)
			*level = 1;
		if (fresh && c.desired > 0 && c.running == 0)
			*level = 2;
		msgpack_pack_map(pk, 7);
		pk_kstr(pk, "name", r->name);
		pk_kstr(pk, "version", r->version);
		pk_kuint(pk, "desired", c.desired);
		pk_kuint(pk, "running", c.running);
		pk_kuint(pk, "healthy", c.healthy);
		pk_kstr(pk, "on_split", plan_split_name(r->on_split));
		pk_kstr(pk, "note", note);
	}
}

/* --- scheduler and problems ------------------------------------------------------- */

static void
pack_scheduler(const struct engine *e, msgpack_packer *pk)
{
	const struct lead *l = &e->lead;
	char stamp[STAMP_TEXT_CAP] = "";

	if (e->keep.has)
		stamp_text(&e->keep.current.meta.stamp, stamp);
	msgpack_pack_map(pk, 6);
	pk_str(pk, "ok");
	if (l->error[0] == '\0')
		msgpack_pack_true(pk);
	else
		msgpack_pack_false(pk);
	pk_kuint(pk, "round", l->round);
	pk_kstr(pk, "stamp", stamp);
	pk_kuint(pk, "ms", l->ms);
	pk_kstr(pk, "error", l->error);
	pk_kstr(pk, "excerpt", l->excerpt);
}

struct problems {
	uint32_t count;
	msgpack_sbuffer buf;
	msgpack_packer pk;
};

static void
problem(struct problems *p, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void
problem(struct problems *p, const char *hint, const char *fmt, ...)
{
	char text[ERR_TEXT_CAP];
	va_list ap;

	if (p->count == PROBLEMS_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	p->count++;
	msgpack_pack_map(&p->pk, 2);
	pk_kstr(&p->pk, "text", text);
	pk_kstr(&p->pk, "hint", hint);
}

/* A sandbox may have an image-dir of its own, of which its node tells nobody, and what a
 * node has just got it tells a moment later: what runs, and well, shows that all is there. */
static bool
runs_there(const struct plan_missing *m, const struct view_instance *all, size_t count)
{
	bool image = strncmp(m->what, "image ", 6) == 0;

	for (size_t i = 0; i < count; i++)
		if (all[i].state == VIEW_RUNNING && all[i].error[0] == '\0' &&
		    strcmp(all[i].node, m->node) == 0 && strcmp(all[i].role, m->role) == 0 &&
		    (!image || strcmp(all[i].image, m->what + 6) == 0))
			return true;
	return false;
}

static void
leader_problems(const struct engine *e, const struct view_instance *all, size_t count,
    struct problems *p)
{
	const struct lead *l = &e->lead;
	char hint[STAMP_TEXT_CAP + 32], names[4 * NAME_CAP], force[sizeof names + 64];
	char text[ERR_TEXT_CAP], act_hint[ERR_TEXT_CAP];
	size_t waits;

	if (strncmp(l->error, "write the state database", 24) == 0) {
		snprintf(force, sizeof force, "make room on %s; the last good schedule stays in force, the script is in order",
		    e->conf.name);
		problem(p, force, "scheduler: on %s: %s", e->conf.name, l->error);
	} else if (l->error[0] != '\0') {
		problem(p, "the last good schedule stays in force; correct the script", "scheduler: %s",
		    l->error);
	}
	if (quarantine_is(&l->quarantine, &e->trees.slot[TREES_SCRIPTS].tree.hash))
		problem(p, "correct it: other code runs at once; or mesh apply --force scheduler",
		    "scheduler: this code (%02x%02x%02x%02x) is in quarantine: it crashed %d times in a row, and runs once a minute",
		    l->code.b[0], l->code.b[1], l->code.b[2], l->code.b[3], QUARANTINE_CRASHES);
	if (e->mesh != NULL && (waits = rotate_waits(e, names, sizeof names)) > 0) {
		snprintf(force, sizeof force, "start %s; or go on without: mesh keys rotate --force %s",
		    waits > 1 ? "them" : "it", names);
		problem(p, force, "a change of the cluster key waits for %s, which %s down: until then nobody new comes in",
		    names, waits > 1 ? "are" : "is");
	}
	if (l->recording.error[0] != '\0')
		problem(p, "make room, or lower limits.rounds-disk; rounds go on, and it is tried again by itself",
		    "rounds are not recorded on %s: %s", e->conf.name, l->recording.error);
	for (size_t i = 0; i < l->role_errors_count; i++)
		problem(p, plan_role(&e->apply.plan, l->role_errors[i].role) != NULL ?
			"this role keeps its last good part" : "it has no part yet: nothing of it runs",
		    "role %s: %s", l->role_errors[i].role, l->role_errors[i].text);
	for (size_t i = 0; i < l->rail.held_count; i++) {
		snprintf(hint, sizeof hint, "mesh apply --force %s", l->rail.held[i].stamp);
		problem(p, hint, "role %s is held: %s", l->rail.held[i].role, l->rail.held[i].why);
	}
	for (size_t i = 0; i < actlead_aside(e); i++)
		if (actlead_aside_line(e, i, text, act_hint))
			problem(p, act_hint, "%s", text);
	for (size_t i = 0; i < l->missing_count; i++) {
		const struct plan_missing *m = &l->missing[i];

		if (runs_there(m, all, count))
			continue;
		problem(p, "put it there, or let the scheduler place the role elsewhere",
		    "role %s: %s%s lacks %s", m->role, m->node[0] != '\0' ? "node " : "",
		    m->node[0] != '\0' ? m->node : "every node", m->what);
	}
}

/* Does its program have a part in it?  Else there is nothing in its log. */
static bool
has_run(const struct view_instance *v)
{
	static const char *const ends[] = {
	    "exited with ", "killed ", "liveness failed ", "readiness: "};

	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (strncmp(v->error, ends[i], strlen(ends[i])) == 0)
			return true;
	return v->error[0] == '\0';
}

static void
instance_problem(const struct view_instance *v, struct problems *p)
{
	char hint[2 * NAME_CAP + 96], times[32] = "";

	snprintf(hint, sizeof hint, "mesh %s %s", v->state == VIEW_HELD ? "start" : "logs", v->id);
	if (v->state != VIEW_HELD && !has_run(v))
		snprintf(hint, sizeof hint,
		    "mend that on %s, it is tried again by itself; mesh check there says if all is in order",
		    v->node);
	if (v->restarts > 0)
		snprintf(times, sizeof times, ", %u restart%s", v->restarts,
		    v->restarts == 1 ? "" : "s");
	if (v->state == VIEW_WAITING)
		problem(p, "mesh members", "%s on %s %s", v->id, v->node, v->error);
	else if (v->state == VIEW_HELD)
		problem(p, hint, "%s on %s is held: %s", v->id, v->node, v->error);
	else if (strncmp(v->error, WORLD_WAITS, strlen(WORLD_WAITS)) == 0)
		problem(p, "it goes on by itself when that one is up, or take the change back: doc/change.md",
		    "%s on %s runs as it was: %s", v->id, v->node, v->error);
	else if (v->state == VIEW_CRASH_LOOP || v->error[0] != '\0')
		problem(p, hint, "%s on %s is %s%s%s%s%s", v->id, v->node,
		    v->state == VIEW_BACKOFF || v->state == VIEW_CRASH_LOOP ? "in " : "",
		    view_state_name(v->state), times, v->error[0] != '\0' ? ": " : "", v->error);
}

/* Host actions that failed, of this node and of those that report to it. */
static void
hostact_problems(const struct engine *e, const struct world *w, struct problems *p)
{
	struct view_hostact own[REPORT_HOSTACTS_MAX];
	size_t own_count = hostacts_view(&e->apply.hostacts, own, ARRAY_LEN(own));

	for (size_t i = 0; i < w->nodes_count; i++) {
		const struct view_node *n = &w->nodes[i];
		bool self = id_eq(&n->id, &e->identity.id);
		const struct report *r = self || n->state > VIEW_SUSPECT ? NULL : hear_report(e, &n->id);
		const struct view_hostact *all = self ? own : r != NULL ? r->hostacts : NULL;
		size_t count = self ? own_count : r != NULL ? r->hostacts_count : 0;

		for (size_t k = 0; k < count; k++)
			problem(p, STATUS_HOSTACT_HINT, STATUS_HOSTACT "%s", all[k].role, n->name,
			    all[k].action, all[k].error);
	}
}

static void
world_problems(const struct world *w, bool is_out, const struct view_instance *all, size_t count,
    struct problems *p)
{
	if (w->twins[0] != '\0')
		problem(p, "give one of them another name: in its mesh.yaml", "%s", w->twins);
	/* Who is out hears nobody, and that says nothing of them. */
	for (size_t i = 0; !is_out && i < w->nodes_count; i++)
		if (w->nodes[i].state == VIEW_NODE_FAILED)
			problem(p, "mesh members", "node %s is failed", w->nodes[i].name);
	for (size_t i = 0; i < count; i++)
		instance_problem(&all[i], p);
}

void
status_pack_view(struct engine *e, msgpack_packer *pk)
{
	struct problems p = {0};
	AUTO_FREE struct view_instance *all = NULL;
	size_t count = 0;
	struct world w;
	int level = 0;

	if (world_build(e, &w) == 0)
		all = all_instances(&w, &e->apply.plan, &count);
	msgpack_sbuffer_init(&p.buf);
	msgpack_packer_init(&p.pk, &p.buf, msgpack_sbuffer_write);
	msgpack_pack_map(pk, 9);
	pk_str(pk, "actions");
	actlead_pack(e, pk);
	pk_str(pk, "ps");
	msgpack_pack_array(pk, count);
	for (size_t i = 0; i < count; i++)
		pack_row(pk, &all[i]);
	pk_str(pk, "roles");
	pack_roles(e, &e->apply.plan, all, count, &level, pk);
	pk_str(pk, "scheduler");
	pack_scheduler(e, pk);
	if (e->lead.leading)
		leader_problems(e, all, count, &p);
	world_problems(&w, belong_is_out(e), all, count, &p);
	hostact_problems(e, &w, &p);
	pk_str(pk, "problems");
	msgpack_pack_array(pk, p.count);
	if (p.count > 0)
		pk_raw(pk, p.buf.data, p.buf.size);
	pk_str(pk, "held");
	msgpack_pack_array(pk, e->lead.leading ? e->lead.rail.held_count : 0);
	for (size_t i = 0; e->lead.leading && i < e->lead.rail.held_count; i++) {
		msgpack_pack_map(pk, 3);
		pk_kstr(pk, "role", e->lead.rail.held[i].role);
		pk_kstr(pk, "stamp", e->lead.rail.held[i].stamp);
		pk_kstr(pk, "why", e->lead.rail.held[i].why);
	}
	pk_str(pk, "shadow");
	shadow_pack(e, pk);
	pk_kint(pk, "level", p.count > 0 && level == 0 ? 1 : level);
	pk_kbool(pk, "fresh", e->lead.leading && e->lead.sched.view_ok);
	msgpack_sbuffer_destroy(&p.buf);
	world_free(&w);
}

struct slice
status_view_get(struct slice view, const char *key)
{
	struct slice none = {NULL, 0};
	struct mp mp;
	uint32_t n;

	mp_init(&mp, view.b, view.len, MP_DEPTH_MAX);
	if (view.len == 0 || mp_map(&mp, &n) < 0)
		return none;
	for (uint32_t i = 0; i < n; i++) {
		const char *s;
		size_t len, from;

		if (mp_str(&mp, &s, &len) < 0)
			return none;
		from = mp.off;
		if (mp_skip(&mp) < 0)
			return none;
		if (len == strlen(key) && memcmp(s, key, len) == 0)
			return (struct slice){view.b + from, mp.off - from};
	}
	return none;
}
