/*
 * roundjudge.c - see roundjudge.h.
 */
#include "roundjudge.h"

#include <stdio.h>
#include <stdlib.h>

#include "../base/log.h"
#include "../base/own.h"
#include "actlead.h"
#include "engine.h"
#include "events.h"

static int
no_memory(struct err *err)
{
	return err_set(err, ROUND_FAULT, "out of memory");
}

/* --- is it a plan? ------------------------------------------------------------------ */

static int
judge_world(struct engine *e, struct roundjudge *j, struct err *err)
{
	const struct trees *t = &e->trees;

	if (world_begin(e, &j->world) < 0 || world_own(&j->world) < 0 ||
	    (j->templates = calloc(t->templates_count + 1, sizeof *j->templates)) == NULL)
		return no_memory(err);
	if (t->templates_count > 0)
		memcpy(j->templates, t->templates, t->templates_count * sizeof *j->templates);
	j->with = (struct plan_world){.nodes = j->world.nodes,
	    .nodes_count = j->world.nodes_count,
	    .templates = j->templates,
	    .templates_count = t->templates_count};
	j->at = JUDGE_ROWS;
	return 1;
}

static int
judge_rows(struct engine *e, struct roundjudge *j, struct err *err)
{
	int rc = world_more(e, &j->world);

	if (rc == 0)
		j->at = j->old.parts != NULL ? JUDGE_OLD : JUDGE_CHECK;
	return rc < 0 ? no_memory(err) : 1;
}

/* Its parts of nodes that are not here any more go. */
static int
drop_strangers(const struct world *w, struct plan *p)
{
	AUTO_FREE bool *is = calloc(p->nodes_count + 1, sizeof *is);
	size_t kept = 0;

	if (is == NULL)
		return -1;
	for (size_t i = 0; i < w->nodes_count; i++) {
		const struct plan_node *n = plan_node(p, w->nodes[i].name);

		if (n != NULL && w->nodes[i].state != VIEW_LEFT)
			is[n - p->nodes] = true;
	}
	for (size_t i = 0; i < p->nodes_count; i++)
		if (is[i])
			p->nodes[kept++] = p->nodes[i];
		else
			plan_node_free(&p->nodes[i]);
	p->nodes_count = kept;
	return 0;
}

/* All of it was asked for, or nothing; what it told and answered was that one's. */
static int
wished(struct roundjudge *j, struct err *err)
{
	for (size_t i = 0; i < j->plan.errors_count; i++)
		if (j->plan.errors[i].refused)
			return err_set(err, ROUND_SCRIPT, "%s", j->plan.errors[i].text);
	if (drop_strangers(&j->world, &j->plan) < 0)
		return no_memory(err);
	blob_free(&j->plan.changes);
	blob_free(&j->plan.replies);
	return 1;
}

static int
judge_old(struct roundjudge *j, struct err *err)
{
	int rc = schedule_plan_more(&j->old, &j->old_at, &j->plan);

	if (rc < 0)
		return err_set(err, ROUND_FAULT, "that schedule can't be read any more");
	if (rc > 0)
		return 1;
	j->at = JUDGE_LAST;
	return wished(j, err);
}

static int
judge_check(struct roundjudge *j, struct slice result, struct err *err)
{
	int rc;

	if (j->check == NULL && (j->check = plan_check_begin(result.b, result.len, &j->with)) == NULL)
		return no_memory(err);
	if ((rc = plan_check_more(j->check, &j->plan, err)) < 0)
		err->code = ROUND_SCRIPT;
	if (rc != 0)
		return rc;
	plan_check_end(j->check);
	j->check = NULL;
	j->at = JUDGE_LAST;
	return j->wish == WISH_ROUND ? 1 : wished(j, err);
}

int
roundjudge_plan(struct engine *e, struct roundjudge *j, struct slice result, struct err *err)
{
	int rc;

	if (j->at == JUDGE_WORLD)
		return judge_world(e, j, err);
	rc = judge_check(j, result, err);
	return rc < 0 ? rc : j->check != NULL;
}

/* --- may it be? ----------------------------------------------------------------------- */

/* What it is made of stands: else what comes of it would be wrong, and not only old. */
static int
stands(struct engine *e, const struct roundjudge *j, struct err *err)
{
	struct stamp next;
	struct mesh_side side;

	if (mesh_next_stamp(e->mesh, net_now(), &next) < 0 || stamp_cmp(&next, &j->stamp) != 0)
		return err_set(err, ROUND_AGAIN, "the lease ended during the round");
	mesh_side(e->mesh, net_now(), &side);
	if ((int)side.grade != j->world.side.grade)
		return err_set(err, ROUND_AGAIN, "the side became another during the round");
	/* What the script did not see it can't have merged. */
	if (j->wish == WISH_ROUND && !round_parents_stand(e, &j->asked))
		return err_set(err, ROUND_AGAIN, "an older schedule came in meanwhile");
	return 0;
}

/* The newest of those it starts from; NULL: there is none. */
static const struct schedule *
newest(struct engine *e, size_t *count)
{
	const struct schedule *parents[MESH_PARENTS_MAX];

	*count = lead_parents(e, parents, MESH_PARENTS_MAX);
	return *count > 0 ? parents[*count - 1] : NULL;
}

static int
judge_last(struct engine *e, struct roundjudge *j, struct err *err)
{
	size_t count;
	const struct schedule *s = newest(e, &count);

	j->at = j->rails != NULL ? JUDGE_RAILS : JUDGE_RUNNING;
	if (s == NULL || apply_plan(e, s) != NULL)
		return 1;
	plan_free(&j->last);
	if (schedule_plan(s, &j->last) < 0)
		return err_set(err, ROUND_FAULT, "the schedule in force can't be read");
	j->last_of = s->hash;
	return 1;
}

static int
judge_running(struct roundjudge *j, struct err *err)
{
	j->rails = rail_begin(&(struct rail_in){.running = j->world.instances,
	    .running_count = j->world.instances_count,
	    .nodes = j->world.nodes,
	    .nodes_count = j->world.nodes_count});
	j->at = JUDGE_PLANNED;
	return j->rails != NULL ? 1 : no_memory(err);
}

static int
judge_planned(struct roundjudge *j, struct err *err)
{
	j->at = JUDGE_RAILS;
	return rail_planned(j->rails, &j->plan) == 0 ? 1 : no_memory(err);
}

/* Each hold is logged once, not at every round. */
static void
log_held(struct engine *e, const struct rail *before, const struct rail *now)
{
	for (size_t i = 0; i < now->held_count; i++) {
		bool old = false;

		for (size_t k = 0; k < before->held_count && !old; k++)
			old = strcmp(before->held[k].stamp, now->held[i].stamp) == 0 &&
			    strcmp(before->held[k].role, now->held[i].role) == 0;
		if (old)
			continue;
		log_warn("role %s held at %s: %s", now->held[i].role, now->held[i].stamp,
		    now->held[i].why);
		events_note(e, "held", e->conf.name, "role %s at %s: %s", now->held[i].role,
		    now->held[i].stamp, now->held[i].why);
	}
}

/* By the rails; of a round's what they hold stays as it was, and is remembered.  alone: last
 * is the only parent. */
static int
hold(struct engine *e, struct roundjudge *j, const struct plan *last, bool alone, struct err *err)
{
	struct lead *l = &e->lead;
	const char *forced[LEAD_FORCED_MAX], *acted[ACTDESK_ROLES_MAX];
	char stamp[STAMP_TEXT_CAP];
	struct railwork *rails = j->rails;
	struct rail rail = {0};
	int rc = 0;

	j->rails = NULL;
	stamp_text(&j->stamp, stamp);
	for (size_t i = 0; i < l->forced_count; i++)
		forced[i] = l->forced[i];
	struct rail_in in = {.last = last,
	    .running = j->world.instances,
	    .running_count = j->world.instances_count,
	    .nodes = j->world.nodes,
	    .nodes_count = j->world.nodes_count,
	    .before = j->wish == WISH_ROUND ? &l->rail : NULL,
	    .stamp = stamp,
	    .forced = forced,
	    .forced_count = j->wish == WISH_ROUND ? l->forced_count : 0,
	    .acted = acted,
	    .acted_count = j->wish == WISH_ROUND ? actlead_acted(e, &j->plan, last, acted) : 0,
	    .alone = alone};
	if (rail_end(rails, &j->plan, &in, &rail) < 0)
		return no_memory(err);
	if (j->wish == WISH_REVERT) {
		if (rail.held_count > 0)
			rc = err_set(err, ROUND_FAULT, "role %s would be held: %s", rail.held[0].role,
			    rail.held[0].why);
		rail_free(&rail);
		return rc;
	}
	log_held(e, &l->rail, &rail);
	rail_free(&l->rail);
	l->rail = rail;
	if (rail.blocked)
		return err_set(err, ROUND_FAULT,
		    "role %s is held and has no older part, so nothing is issued; mesh apply --force %s",
		    rail.held[0].role, rail.held[0].stamp);
	return 0;
}

/* What the script said beside its plan, for `mesh status`. */
static void
take_notes(struct lead *l, struct plan *plan)
{
	free(l->missing);
	free(l->role_errors);
	l->missing = plan->missing;
	l->missing_count = plan->missing_count;
	l->role_errors = plan->errors;
	l->role_errors_count = plan->errors_count;
	plan->missing = NULL;
	plan->errors = NULL;
	plan->missing_count = plan->errors_count = 0;
}

/* Tell of the schedule in force, which is this leader's. */
static int
announce(struct engine *e)
{
	const struct schedule *s = &e->keep.current;
	char text[STAMP_TEXT_CAP];

	if (mesh_issue(e->mesh, net_now(), &s->meta.stamp, &s->hash) < 0)
		return -1;
	e->lead.unannounced = false;
	e->lead.issued = true;
	stamp_text(&s->meta.stamp, text);
	events_note(e, "issued", e->conf.name, "schedule %s", text);
	engine_kick(e);
	return 0;
}

static int
judge_rails(struct engine *e, struct roundjudge *j, struct err *err)
{
	const struct plan *last = NULL;
	const struct schedule *s;
	size_t count;
	int rc;

	if (e->lead.unannounced && announce(e) < 0)
		return err_set(err, ROUND_AGAIN, "the last schedule can't be announced yet");
	if (mesh_next_stamp(e->mesh, net_now(), &j->stamp) < 0)
		return err_set(err, ROUND_AGAIN, "the lease ended during the round");
	if ((rc = stands(e, j, err)) < 0)
		return rc;
	if ((s = newest(e, &count)) != NULL && (last = apply_plan(e, s)) == NULL) {
		last = &j->last;
		if (!hash_eq(&j->last_of, &s->hash)) {
			j->at = JUDGE_LAST; /* it was at hand then */
			return 1;
		}
	}
	if (j->wish != WISH_FORCED)
		rc = hold(e, j, last, count == 1, err);
	e->lead.forced_seen = e->lead.forced_count;
	if (rc < 0 && j->wish == WISH_ROUND)
		take_notes(&e->lead, &j->plan);
	j->at = JUDGE_HELD;
	return rc < 0 ? rc : 1;
}

static int
judge_held(struct engine *e, struct roundjudge *j, struct err *err)
{
	static const struct rail none;
	const struct plan *last = NULL;
	const struct schedule *s;
	size_t count;
	int rc = stands(e, j, err);

	if (rc < 0)
		return rc;
	if ((s = newest(e, &count)) != NULL && (last = apply_plan(e, s)) == NULL) {
		last = &j->last;
		if (!hash_eq(&j->last_of, &s->hash)) { /* another came meanwhile, which is a wish's to bear */
			j->at = JUDGE_LAST;
			return 1;
		}
	}
	rc = rail_keep_more(&j->plan, last, j->wish == WISH_ROUND ? &e->lead.rail : &none, j->world.nodes,
	    j->world.nodes_count, &j->held_at);
	if (rc != 0)
		return rc < 0 ? no_memory(err) : 1;
	if (j->wish == WISH_ROUND)
		take_notes(&e->lead, &j->plan);
	j->at = JUDGE_BUILD;
	return 1;
}

/* --- it is ------------------------------------------------------------------------------ */

static int
judge_build(struct engine *e, struct roundjudge *j, struct err *err)
{
	const struct schedule *parents[MESH_PARENTS_MAX];
	size_t n = lead_parents(e, parents, MESH_PARENTS_MAX);
	struct schedule_meta meta = {.stamp = j->stamp,
	    .parents_count = n,
	    .grade = j->world.side.grade,
	    .at_ms = engine_wall_ms()};
	int rc = stands(e, j, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < n; i++)
		meta.parents[i] = (struct schedule_ref){parents[i]->meta.stamp, parents[i]->hash};
	memcpy(meta.pk, e->keys.pk, sizeof meta.pk);
	if (world_name(&j->world, &j->plan) < 0 || actlead_replies(e, &j->plan) < 0)
		return no_memory(err);
	if (schedule_build(&j->made, &j->plan, &meta, &e->crypto, err) < 0) {
		err->code = ROUND_SCRIPT; /* found late */
		return -1;
	}
	j->same = e->lead.issued && n == 1 && e->keep.current.meta.grade == meta.grade &&
	    schedule_compare(&j->made, &e->keep.current) == SCHEDULE_SAME;
	j->at = JUDGE_READ;
	return j->same ? 0 : 1;
}

static int
judge_read(struct engine *e, struct roundjudge *j, struct err *err)
{
	int rc = schedule_plan_more(&j->made, &j->next_at, &j->next);

	if (rc < 0)
		return no_memory(err);
	if (rc > 0)
		return 1;
	apply_ready(e, &j->made, &j->next);
	j->at = JUDGE_KEEP;
	return 1;
}

/* What was confirmed before the rails looked is used up. */
static void
drop_forced(struct lead *l)
{
	l->forced_count -= l->forced_seen;
	memmove(l->forced[0], l->forced[l->forced_seen], l->forced_count * sizeof l->forced[0]);
	l->forced_seen = 0;
}

static int
judge_keep(struct engine *e, struct roundjudge *j, struct err *err)
{
	int rc = stands(e, j, err);

	if (rc < 0)
		return rc;
	if ((rc = keep_set(&e->keep, &j->made, err)) < 0) {
		if (err->code == EXIT_STATE)
			engine_exit(e, EXIT_STATE, err->text);
		err->code = ROUND_FAULT;
		return rc;
	}
	e->lead.unannounced = true;
	drop_forced(&e->lead);
	lead_merged(e);
	j->at = JUDGE_ADOPT;
	return 1;
}

static int
judge_adopt(struct engine *e, struct roundjudge *j, struct err *err)
{
	if (!engine_adopted(e) || announce(e) < 0)
		return err_set(err, ROUND_AGAIN, "the lease ended before the schedule was announced");
	j->at = JUDGE_TIDY;
	return 1;
}

static int
judge_tidy(struct engine *e, struct roundjudge *j)
{
	bool more = j->plan.nodes != NULL;

	plan_free(&j->plan);
	if (!more)
		apply_ready(e, NULL, &j->plan);
	return more;
}

int
roundjudge_more(struct engine *e, struct roundjudge *j, struct slice result, struct err *err)
{
	switch (j->at) {
	case JUDGE_WORLD:
		return judge_world(e, j, err);
	case JUDGE_ROWS:
		return judge_rows(e, j, err);
	case JUDGE_CHECK:
		return judge_check(j, result, err);
	case JUDGE_OLD:
		return judge_old(j, err);
	case JUDGE_LAST:
		return judge_last(e, j, err);
	case JUDGE_RUNNING:
		return judge_running(j, err);
	case JUDGE_PLANNED:
		return judge_planned(j, err);
	case JUDGE_RAILS:
		return judge_rails(e, j, err);
	case JUDGE_HELD:
		return judge_held(e, j, err);
	case JUDGE_BUILD:
		return judge_build(e, j, err);
	case JUDGE_READ:
		return judge_read(e, j, err);
	case JUDGE_KEEP:
		return judge_keep(e, j, err);
	case JUDGE_ADOPT:
		return judge_adopt(e, j, err);
	case JUDGE_TIDY:
		break;
	}
	return judge_tidy(e, j);
}

void
roundjudge_free(struct roundjudge *j)
{
	plan_check_end(j->check);
	rail_drop(j->rails);
	plan_free(&j->plan);
	plan_free(&j->last);
	plan_free(&j->next);
	schedule_free(&j->old);
	schedule_free(&j->made);
	free(j->templates);
	world_free(&j->world);
	*j = (struct roundjudge){.same = false};
}
