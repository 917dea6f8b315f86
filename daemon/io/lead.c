/*
 * lead.c - see lead.h.  This file keeps the office: when it begins and ends,
 * which older schedules there are.  Reports are hear.c, the round itself is
 * round.c.
 */
#include "lead.h"

#include <stdio.h>
#include <stdlib.h>

#include "../base/log.h"
#include "actlead.h"
#include "engine.h"
#include "hear.h"
#include "round.h"
#include "world.h"

enum { JOIN_QUIET_MS = 1000, PARENT_TRIES = 5 };

static void arm(struct engine *e);

static void
on_timer(uv_timer_t *timer)
{
	struct engine *e = timer->data;

	if (sched_due(&e->lead.sched, net_now()))
		round_start(e);
	arm(e);
}

static void
arm(struct engine *e)
{
	msec now = net_now(), due = sched_deadline(&e->lead.sched, now);

	if (due == MSEC_NEVER) {
		uv_timer_stop(&e->lead.timer);
		return;
	}
	uv_update_time(e->loop);
	uv_timer_start(&e->lead.timer, on_timer, due > now ? (uint64_t)(due - now) : 0, 0);
}

void
lead_note(struct engine *e, enum sched_what what)
{
	if (!e->lead.leading)
		return;
	sched_note(&e->lead.sched, net_now(), what);
	arm(e);
}

void
lead_ended(struct engine *e, bool ok)
{
	sched_done(&e->lead.sched, net_now(), ok);
	e->lead.rounds_ok += ok;
	e->lead.rounds_failed += !ok;
	exclusive_lead(e);
	arm(e);
}

/* --- who reported ------------------------------------------------------------- */

/* Has everybody who is alive reported in this office? */
static bool
all_reported(const struct engine *e)
{
	struct mesh_member m;

	for (uint32_t i = 0; mesh_member(e->mesh, i, &m); i++)
		if (!m.self && m.state == MESH_ALIVE &&
		    (m.reported == MSEC_NEVER || m.reported < e->lead.since))
			return false;
	return true;
}

/* --- parents ------------------------------------------------------------------- */

static bool
known_past(const struct engine *e, const struct mesh_parent *p)
{
	for (size_t i = 0; i < e->keep.history_count; i++)
		if (hash_eq(&e->keep.history[i], &p->hash))
			return true;
	return e->keep.has && schedule_descends(&e->keep.current, &p->stamp);
}

static struct lead_parent *
find_parent(struct lead *l, const struct hash *hash)
{
	for (size_t i = 0; i < l->parents_count; i++)
		if (hash_eq(&l->parents[i].ref.hash, hash))
			return &l->parents[i];
	return NULL;
}

static void
parents_free(struct lead *l)
{
	for (size_t i = 0; i < l->parents_count; i++) {
		if (l->parents[i].fetch != NULL)
			fetch_cancel(l->parents[i].fetch);
		schedule_free(&l->parents[i].s);
	}
	l->parents_count = 0;
}

static void
parents_check(struct engine *e)
{
	for (size_t i = 0; i < e->lead.parents_count; i++)
		if (!e->lead.parents[i].got)
			return;
	sched_parents_complete(&e->lead.sched, net_now());
	arm(e);
}

static void
on_parent(void *arg, int rc, struct schedule *s, const char *why)
{
	struct engine *e = arg;
	struct lead *l = &e->lead;
	size_t i = 0;

	/* The fetch names its place by the schedule it was for. */
	while (i < l->parents_count && (l->parents[i].fetch == NULL || l->parents[i].got ||
					   !fetch_is_done(l->parents[i].fetch)))
		i++;
	if (i == l->parents_count)
		return;
	l->parents[i].fetch = NULL;
	l->parents[i].got = true;
	if (rc == 0) {
		l->parents[i].s = *s;
		memset(s, 0, sizeof *s);
		lead_note(e, SCHED_LEASE); /* a round under way does not have it */
	} else if (++l->parents[i].tries < PARENT_TRIES) {
		l->parents[i].got = false;
		l->parents[i].retry_at = net_now() + FOLLOW_RETRY_MS;
		return; /* parents_look asks again, after the next report */
	} else {
		log_warn("an older schedule can't be had: %s", why);
	}
	parents_check(e);
}

/* Is it being fetched or here already?  A failed one is asked for again, of
 * whoever is said to hold it now. */
static bool
parent_again(struct engine *e, const struct mesh_parent *from)
{
	struct lead_parent *p = find_parent(&e->lead, &from->hash);
	struct mesh_member m;

	if (p == NULL)
		return false;
	if (!p->got && p->fetch == NULL && p->retry_at <= net_now() &&
	    mesh_find(e->mesh, &from->holder, &m))
		p->fetch =
		    fetch_start(e->loop, &e->keep, &e->keys, &m.addr, &p->ref, on_parent, e);
	return true;
}

/* Schedules that members act on and that ours does not come from. */
static void
parents_look(struct engine *e)
{
	struct mesh_parent all[MESH_PARENTS_MAX];
	size_t n = mesh_parents(e->mesh, all, MESH_PARENTS_MAX);
	struct lead *l = &e->lead;
	struct mesh_member m;

	for (size_t i = 0; i < n && l->parents_count < MESH_PARENTS_MAX; i++) {
		struct lead_parent *p = &l->parents[l->parents_count];

		if (known_past(e, &all[i]) || parent_again(e, &all[i]) ||
		    id_eq(&all[i].holder, &e->identity.id) ||
		    !mesh_find(e->mesh, &all[i].holder, &m) || m.state != MESH_ALIVE)
			continue;
		memset(p, 0, sizeof *p);
		p->ref.stamp = all[i].stamp;
		p->ref.hash = all[i].hash;
		p->fetch =
		    fetch_start(e->loop, &e->keep, &e->keys, &m.addr, &p->ref, on_parent, e);
		if (p->fetch != NULL)
			l->parents_count++;
	}
	parents_check(e);
}

size_t
lead_parents(struct engine *e, const struct schedule **out, size_t cap)
{
	struct lead *l = &e->lead;
	const struct schedule *all[MESH_PARENTS_MAX + 1];
	size_t n = 0, kept = 0;

	if (e->keep.has)
		all[n++] = &e->keep.current;
	for (size_t i = 0; i < l->parents_count; i++)
		if (l->parents[i].got && l->parents[i].s.header.len > 0)
			all[n++] = &l->parents[i].s;
	for (size_t i = 0; i < n; i++) {
		bool past = false;

		for (size_t k = 0; k < n && !past; k++) {
			bool twin =
			    stamp_cmp(&all[k]->meta.stamp, &all[i]->meta.stamp) == 0;

			past = k != i &&
			    (twin ? k < i : schedule_descends(all[k], &all[i]->meta.stamp));
		}
		if (!past && kept < cap)
			out[kept++] = all[i];
	}
	/* Newest last, as the script sees them. */
	for (size_t i = 1; i < kept; i++)
		for (size_t k = i; k > 0; k--)
			if (stamp_cmp(&out[k]->meta.stamp, &out[k - 1]->meta.stamp) < 0) {
				const struct schedule *t = out[k];

				out[k] = out[k - 1];
				out[k - 1] = t;
			}
	return kept;
}

void
lead_merged(struct engine *e)
{
	struct lead *l = &e->lead;

	for (size_t i = 0; i < l->parents_count;) {
		if (!l->parents[i].got || !schedule_descends(&e->keep.current, &l->parents[i].ref.stamp)) {
			i++;
			continue;
		}
		schedule_free(&l->parents[i].s);
		l->parents[i] = l->parents[--l->parents_count];
	}
}

/* --- office ------------------------------------------------------------------------ */

static void
take_office(struct engine *e, const struct mesh_side *side)
{
	struct lead *l = &e->lead;

	round_abandon(e);
	parents_free(l);
	actlead_clear(e);
	follow_stop(e);
	l->leading = true;
	l->term = side->term;
	l->grade = side->grade;
	l->since = net_now();
	l->issued = l->unannounced = false;
	l->error[0] = l->excerpt[0] = '\0';
	for (size_t i = 0; i < l->nodes_count; i++)
		l->nodes[i].state = -1;
	log_info("leader in term %llu", (unsigned long long)side->term);
	sched_lead(&l->sched, l->since);
	exclusive_lead(e);
	parents_look(e);
	arm(e);
}

static void
leave_office(struct engine *e)
{
	struct lead *l = &e->lead;

	log_info("no longer leader");
	l->leading = false;
	round_abandon(e);
	l->error[0] = l->excerpt[0] = '\0';
	recording_stop(e);
	shadow_stop(e);
	roundinput_stop(e);
	world_room_free(&l->room);
	parents_free(l);
	actlead_clear(e);
	sched_unlead(&l->sched, net_now());
	uv_timer_stop(&l->timer);
}

/* Deaths and arrivals since the last look. */
static void
look_members(struct engine *e)
{
	struct mesh_member m;

	for (uint32_t i = 0; mesh_member(e->mesh, i, &m); i++) {
		struct lead_node *n = hear_node(e, &m.id);
		enum view_node_state state = world_state(&m);
		int before;

		if (n != NULL && n->draining != m.draining) {
			n->draining = !n->draining;
			lead_note(e, SCHED_ACTION);
		}
		/* A suspicion alone moves nothing: its end is what counts. */
		if (n == NULL || state == VIEW_SUSPECT || n->state == (int)state)
			continue;
		before = n->state;
		n->state = (int)state;
		if (state == VIEW_LEFT)
			actlead_gone(e, &m.id);
		if (before == -1 && net_now() - e->lead.since < JOIN_QUIET_MS)
			continue; /* who was there when the office began */
		log_info("node %s is %s", m.name,
		    state == VIEW_LEFT ? "gone" : view_node_state_name(state));
		if (state != VIEW_RESTARTING) /* its work stays where it is */
			lead_note(e, state == VIEW_NODE_FAILED ? SCHED_DEATH : SCHED_JOIN);
	}
}

void
lead_look(struct engine *e)
{
	struct lead *l = &e->lead;
	struct mesh_side side;
	bool moved;

	hear_sync(e);
	mesh_side(e->mesh, net_now(), &side);
	if (side.role == MESH_LEADER && (!l->leading || side.term != l->term))
		take_office(e, &side);
	else if (side.role != MESH_LEADER && l->leading)
		leave_office(e);
	if (!l->leading) {
		hear_take(e); /* it may stand by */
		return;
	}
	moved = e->seen_changes != mesh_changes(e->mesh);
	if (side.grade != l->grade) {
		l->grade = side.grade;
		lead_note(e, SCHED_LEASE);
	}
	if (moved)
		look_members(e);
	if (hear_take(e) || moved)
		parents_look(e);
	if (!l->sched.view_ok && all_reported(e)) {
		sched_view_complete(&l->sched, net_now());
		parents_check(e); /* those that the last report named are being fetched */
		arm(e);
	}
}

/* What a node asked to be waited for ends without any news. */
void
lead_second(struct engine *e)
{
	if (e->lead.leading)
		look_members(e);
}

bool
lead_force(struct engine *e, const char *stamp)
{
	struct lead *l = &e->lead;

	if (strcmp(stamp, "scheduler") == 0) {
		bool was = quarantine_lift(&l->quarantine);

		if (was)
			lead_note(e, SCHED_ACTION);
		return was;
	}
	for (size_t i = 0; i < l->rail.held_count; i++) {
		if (strcmp(l->rail.held[i].stamp, stamp) != 0)
			continue;
		if (l->forced_count == LEAD_FORCED_MAX) {
			memmove(l->forced[0], l->forced[1],
			    --l->forced_count * sizeof l->forced[0]);
			l->forced_seen -= l->forced_seen > 0;
		}
		snprintf(l->forced[l->forced_count++], STAMP_TEXT_CAP, "%s", stamp);
		lead_note(e, SCHED_ACTION);
		return true;
	}
	return false;
}

void
lead_init(struct engine *e)
{
	sched_init(&e->lead.sched, &sched_conf_default);
	uv_timer_init(e->loop, &e->lead.timer);
	turns_init(e);
	e->lead.timer.data = e;
}
