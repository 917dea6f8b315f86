/*
 * round.c - see round.h.  Any failure on the way leaves the schedule in force
 * as it is, with the line in `mesh status`.
 */
#include "round.h"

#include <stdio.h>
#include <stdlib.h>

#include "../base/log.h"
#include "../base/own.h"
#include "../core/input.h"
#include "actlead.h"
#include "engine.h"
#include "events.h"
#include "pack.h"

enum {
	ROUND_AGAIN = 2,   /* an err.code: not the script's fault */
	ROUND_BIG = 6,     /* likewise: its fault, found late */
	ROUND_NOTHING = 1, /* of issue() */
};

/* how: ACTDESK_FAILED where a script or what it was given may be to blame. */
static void
fail(struct engine *e, enum actdesk_end how, const char *why, const char *excerpt)
{
	struct lead *l = &e->lead;

	if (strcmp(l->error, why) != 0) {
		log_warn("scheduler: %s", why);
		events_note(e, "scheduler", e->conf.name, "%s", why);
	}
	snprintf(l->error, sizeof l->error, "%s", why);
	snprintf(l->excerpt, sizeof l->excerpt, "%s", excerpt);
	world_free(&l->world);
	lead_ended(e, false);
	actlead_ended(e, how, why);
}

/* Nothing is wrong with the script: the office is shaky, or the disk full.
 * Soon again. */
static void
again(struct engine *e, const char *why)
{
	log_info("round given up: %s", why);
	world_free(&e->lead.world);
	lead_ended(e, true);
	actlead_ended(e, ACTDESK_AGAIN, why);
	lead_note(e, SCHED_LEASE);
}

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

/* --- issuing ------------------------------------------------------------------ */

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

static bool
same_parents(const struct lead *l, const struct schedule *const *parents, size_t n)
{
	for (size_t i = 0; i < n && n == l->asked_count; i++)
		if (!hash_eq(&l->asked[i], &parents[i]->hash))
			return false;
	return n == l->asked_count;
}

/* What a plan is to become: a round's, or an operator's as a whole or not at all. */
enum wish { WISH_ROUND, WISH_REVERT, WISH_FORCED };

/* Keep, announce, apply: 0.  Nothing changed: ROUND_NOTHING. */
static int
issue(struct engine *e, struct plan *plan, enum wish wish, const struct stamp *stamp, struct err *err)
{
	const struct schedule *parents[MESH_PARENTS_MAX];
	size_t n = lead_parents(e, parents, MESH_PARENTS_MAX);
	struct schedule_meta meta = {
	    .stamp = *stamp, .grade = e->lead.world.side.grade, .at_ms = engine_wall_ms()};
	struct schedule s;
	int rc;

	for (size_t i = 0; i < n; i++) {
		meta.parents[i].stamp = parents[i]->meta.stamp;
		meta.parents[i].hash = parents[i]->hash;
	}
	meta.parents_count = n;
	/* What the script did not see it can't have merged. */
	if (wish == WISH_ROUND && !same_parents(&e->lead, parents, n))
		return err_set(err, ROUND_AGAIN, "an older schedule came in meanwhile");
	memcpy(meta.pk, e->keys.pk, sizeof meta.pk);
	if (world_name(&e->lead.world, plan) < 0 || actlead_replies(e, plan) < 0)
		return err_set(err, 1, "out of memory");
	if (schedule_build(&s, plan, &meta, &e->crypto, err) < 0) {
		err->code = ROUND_BIG;
		return -1;
	}
	if (e->lead.issued && n == 1 && e->keep.current.meta.grade == meta.grade &&
	    schedule_compare(&s, &e->keep.current) == SCHEDULE_SAME) {
		schedule_free(&s);
		return ROUND_NOTHING;
	}
	if ((rc = keep_set(&e->keep, &s, err)) < 0) {
		if (err->code == EXIT_STATE)
			engine_exit(e, EXIT_STATE, err->text);
		return rc;
	}
	e->lead.unannounced = true;
	e->lead.forced_count = 0;
	lead_merged(e);
	if (!engine_adopted(e) || announce(e) < 0)
		return err_set(err, ROUND_AGAIN, "the lease ended before the schedule was announced");
	return 0;
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
hold(struct engine *e, struct plan *plan, const struct plan *last, bool alone, enum wish wish,
    const struct stamp *stamp, struct err *err)
{
	struct lead *l = &e->lead;
	const char *forced[LEAD_FORCED_MAX], *acted[ACTDESK_ROLES_MAX];
	char stamp_str[STAMP_TEXT_CAP];
	struct rail rail = {0};
	int rc = 0;

	stamp_text(stamp, stamp_str);
	for (size_t i = 0; i < l->forced_count; i++)
		forced[i] = l->forced[i];
	struct rail_in in = {.last = last,
	    .running = l->world.instances,
	    .running_count = l->world.instances_count,
	    .nodes = l->world.nodes,
	    .nodes_count = l->world.nodes_count,
	    .before = wish == WISH_ROUND ? &l->rail : NULL,
	    .stamp = stamp_str,
	    .forced = forced,
	    .forced_count = wish == WISH_ROUND ? l->forced_count : 0,
	    .acted = acted,
	    .acted_count = wish == WISH_ROUND ? actlead_acted(e, acted) : 0,
	    .alone = alone};
	if (rail_apply(plan, &in, &rail) < 0)
		return err_set(err, 1, "out of memory");
	if (wish == WISH_REVERT) {
		if (rail.held_count > 0)
			rc = err_set(err, 1, "role %s would be held: %s", rail.held[0].role, rail.held[0].why);
		rail_free(&rail);
		return rc;
	}
	log_held(e, &l->rail, &rail);
	rail_free(&l->rail);
	l->rail = rail;
	if (rail.blocked)
		return err_set(err, 1,
		    "role %s is held and has no older part, so nothing is issued; mesh apply --force %s",
		    rail.held[0].role, rail.held[0].stamp);
	return 0;
}

static int
judge(struct engine *e, struct plan *plan, enum wish wish, struct err *err)
{
	struct lead *l = &e->lead;
	const struct schedule *parents[MESH_PARENTS_MAX];
	size_t parents_count;
	struct plan last = {0};
	struct stamp stamp;
	int rc = 0;

	if (l->unannounced && announce(e) < 0)
		return err_set(err, ROUND_AGAIN, "the last schedule can't be announced yet");
	if (mesh_next_stamp(e->mesh, net_now(), &stamp) < 0)
		return err_set(err, ROUND_AGAIN, "the lease ended during the round");
	if ((parents_count = lead_parents(e, parents, MESH_PARENTS_MAX)) > 0 &&
	    schedule_plan(parents[parents_count - 1], &last) < 0)
		return err_set(err, 1, "the schedule in force can't be read");
	if (wish != WISH_FORCED)
		rc = hold(e, plan, parents_count > 0 ? &last : NULL, parents_count == 1, wish, &stamp, err);
	plan_free(&last);
	return rc < 0 ? rc : issue(e, plan, wish, &stamp, err);
}

int
round_revert(struct engine *e, struct plan *plan, bool force, struct err *err)
{
	return judge(e, plan, force ? WISH_FORCED : WISH_REVERT, err);
}

/* The round is over, whatever way. */
static void
over(struct engine *e, const struct script_answer *a, enum round_fate fate, enum actdesk_end how,
    const char *why, const char *excerpt)
{
	if (fate == ROUND_ISSUED || fate == ROUND_SAME)
		shadow_round(e, blob_slice(&e->lead.recording.input), a->result);
	recording_end(e, a, fate, why);
	if (fate == ROUND_GIVEN_UP) {
		again(e, why);
	} else if (fate == ROUND_FAILED) {
		fail(e, how, why, excerpt);
	} else {
		e->lead.error[0] = e->lead.excerpt[0] = '\0';
		world_free(&e->lead.world);
		lead_ended(e, true);
		actlead_ended(e, how, "");
	}
}

static void
take_answer(struct engine *e, const struct script_answer *a)
{
	struct lead *l = &e->lead;
	struct plan_world w = {
	    .templates = e->trees.templates, .templates_count = e->trees.templates_count};
	char stamp[STAMP_TEXT_CAP];
	struct plan plan;
	struct err err;
	int rc;

	/* Reports went on coming while the script ran: judge by the newest. */
	world_free(&l->world);
	if (world_build(e, &l->world) < 0) {
		over(e, a, ROUND_FAILED, ACTDESK_AGAIN, "out of memory", "");
		return;
	}
	w.nodes = l->world.nodes;
	w.nodes_count = l->world.nodes_count;
	if (plan_check(a->result.b, a->result.len, &w, &plan, &err) < 0) {
		over(e, a, ROUND_FAILED, ACTDESK_FAILED, err.text, "");
		return;
	}
	rc = judge(e, &plan, WISH_ROUND, &err);
	take_notes(l, &plan);
	plan_free(&plan);
	if (rc < 0) {
		over(e, a, err.code == ROUND_AGAIN ? ROUND_GIVEN_UP : ROUND_FAILED,
		    err.code == ROUND_BIG ? ACTDESK_FAILED : ACTDESK_AGAIN, err.text, "");
		return;
	}
	stamp_text(&e->keep.current.meta.stamp, stamp);
	over(e, a, rc == ROUND_NOTHING ? ROUND_SAME : ROUND_ISSUED, ACTDESK_ISSUED, stamp, "");
}

static const struct hash *
code_of(const struct engine *e)
{
	return &e->trees.slot[TREES_SCRIPTS].tree.hash;
}

static void
note_crash(struct engine *e, const struct script_answer *a)
{
	struct lead *l = &e->lead;
	bool was = quarantine_is(&l->quarantine, &l->code);

	quarantine_ended(&l->quarantine, net_now(), &l->code, a->ok, a->crashed);
	if (was || !quarantine_is(&l->quarantine, &l->code))
		return;
	log_warn("scheduler: its code crashed %d times in a row: it runs once a minute from now on",
	    QUARANTINE_CRASHES);
	events_note(e, "scheduler", e->conf.name, "its code crashed %d times in a row: in quarantine",
	    QUARANTINE_CRASHES);
}

static void
on_answer(void *arg, const struct script_answer *a)
{
	struct engine *e = arg;
	struct lead *l = &e->lead;

	l->run = NULL;
	l->round++;
	l->ms = a->ms;
	note_crash(e, a);
	l->round_ms_wall = engine_wall_ms();
	if (a->log.len > 0) {
		char text[ERR_TEXT_CAP];

		err_escape(text, sizeof text, (const char *)a->log.b, a->log.len);
		log_debug("scheduler says: %s", text);
	}
	if (a->ok)
		take_answer(e, a);
	else
		over(e, a, ROUND_FAILED, ACTDESK_FAILED, a->error, a->excerpt);
}

/* --- asking ----------------------------------------------------------------------- */

static int
pack_parents(struct engine *e, struct blob *blobs, struct slice *slices, size_t *count)
{
	const struct schedule *parents[MESH_PARENTS_MAX];
	size_t n = lead_parents(e, parents, MESH_PARENTS_MAX);

	*count = 0;
	for (size_t i = 0; i < n; i++) {
		if (schedule_to_parent(parents[i], &blobs[i]) < 0)
			return -1;
		slices[i] = blob_slice(&blobs[i]);
		++*count;
	}
	return 0;
}

static int
pack_input(struct engine *e, const struct world *w, const struct actdesk_item *const *given,
    size_t given_count, struct blob *out)
{
	struct blob blobs[MESH_PARENTS_MAX] = {{0}};
	struct slice slices[MESH_PARENTS_MAX];
	size_t n;
	int rc;

	rc = pack_parents(e, blobs, slices, &n);
	struct input in = {.now_ms = engine_wall_ms(),
	    .self = e->conf.name,
	    .side = w->side,
	    .nodes = w->nodes,
	    .nodes_count = w->nodes_count,
	    .instances = w->instances,
	    .instances_count = w->instances_count,
	    .metas = e->trees.metas,
	    .metas_count = e->trees.metas_count,
	    .parents = slices,
	    .parents_count = n,
	    .actions = given,
	    .actions_count = given_count,
	    .query = e->answers.query};
	if (rc == 0)
		rc = input_pack(&in, out);
	for (size_t i = 0; i < n; i++)
		blob_free(&blobs[i]);
	return rc;
}

int
round_input(struct engine *e, struct blob *out)
{
	struct world w;
	int rc = world_build(e, &w);

	*out = (struct blob){0};
	if (rc == 0)
		rc = pack_input(e, &w, NULL, 0, out);
	world_free(&w);
	return rc < 0 ? -1 : 0;
}

void
round_abandon(struct engine *e)
{
	struct lead *l = &e->lead;

	if (l->run == NULL)
		return;
	script_cancel(l->run);
	l->run = NULL;
	world_free(&l->world);
	sched_done(&l->sched, net_now(), true);
	actlead_ended(e, ACTDESK_AGAIN, "");
}

/* What the round that starts is asked. */
static int
pack_round(struct engine *e, struct blob *out)
{
	const struct actdesk_item *given[ACTDESK_ROUND_MAX];
	const struct schedule *parents[MESH_PARENTS_MAX];
	struct lead *l = &e->lead;
	size_t count;

	l->asked_count = lead_parents(e, parents, MESH_PARENTS_MAX);
	for (size_t i = 0; i < l->asked_count; i++)
		l->asked[i] = parents[i]->hash;
	if (world_build(e, &l->world) < 0 || actlead_give(e, given, &count) < 0)
		return -1;
	return pack_input(e, &l->world, given, count, out);
}

void
round_start(struct engine *e)
{
	const struct tree *scripts = &e->trees.slot[TREES_SCRIPTS].tree;
	struct lead *l = &e->lead;
	struct blob input = {0}, code;
	msgpack_sbuffer buf;
	struct stamp stamp;
	struct err err;

	sched_started(&l->sched, net_now());
	if (mesh_next_stamp(e->mesh, net_now(), &stamp) < 0) {
		again(e, "no live lease");
		return;
	}
	if (tree_find(scripts, "main.lua") == NULL) {
		const char *why = e->trees.slot[TREES_SCRIPTS].error;

		err_set(&err, 1, "%s/scheduler-scripts/main.lua: %s", e->conf.config_dir,
		    why[0] != '\0' ? why : "No such file or directory");
		fail(e, ACTDESK_FAILED, err.text, "");
		return;
	}
	l->code = *code_of(e);
	if (quarantine_holds(&l->quarantine, net_now(), &l->code)) {
		lead_ended(e, false); /* the error of the last crash stands */
		actlead_ended(e, ACTDESK_AGAIN, "");
		return;
	}
	if (pack_round(e, &input) < 0) {
		blob_free(&input);
		fail(e, ACTDESK_AGAIN, "the input can't be packed (out of memory, or a broken parent)", "");
		return;
	}
	if (script_pack_files(scripts, &code) < 0) {
		blob_free(&input);
		fail(e, ACTDESK_AGAIN, "out of memory", "");
		return;
	}
	msgpack_sbuffer_init(&buf);
	script_question(&e->conf, blob_slice(&code), blob_slice(&input), &buf);
	recording_begin(e, &input, blob_slice(&code));
	blob_free(&code);
	world_free(&l->world);
	l->run = script_start(e->loop, e->script_fd, &e->conf, "scheduler",
	    (struct slice){(uint8_t *)buf.data, buf.size}, on_answer, e, &err);
	msgpack_sbuffer_destroy(&buf);
	if (l->run == NULL)
		fail(e, ACTDESK_AGAIN, err.text, "");
}
