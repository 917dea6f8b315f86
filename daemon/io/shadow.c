/*
 * shadow.c - see shadow.h.
 */
#include "shadow.h"

#include <stdio.h>
#include <stdlib.h>

#include "../base/log.h"
#include "../core/rail.h"
#include "engine.h"
#include "pack.h"

static const struct tree *
scripts(const struct engine *e)
{
	return &e->trees.slot[TREES_SHADOW].tree;
}

/* What one question needs. */
static void
clear(struct engine *e)
{
	struct shadow *s = &e->lead.shadow;

	if (s->run != NULL)
		script_cancel(s->run);
	s->run = NULL;
	turns_drop(e, &s->turn);
	s->at = SHADOW_IDLE;
	blob_free(&s->input);
	blob_free(&s->files);
	blob_free(&s->question);
	blob_free(&s->answer);
	blob_free(&s->main);
	roundjudge_free(&s->judge);
	plan_free(&s->plan);
	plan_free(&s->last);
	plan_free(&s->keeping);
	schedule_free(&s->old);
}

/* What the last one came to. */
static void
forget(struct shadow *s)
{
	blob_free(&s->theirs);
	blob_free(&s->failed);
	blob_free(&s->kept);
	s->failing = 0;
	s->moves = (struct planmoves){0};
}

static void
failed(struct engine *e, const char *why)
{
	struct shadow *s = &e->lead.shadow;

	if (strcmp(s->error, why) != 0)
		log_info("shadow scheduler: %s", why);
	snprintf(s->error, sizeof s->error, "%s", why);
	forget(s);
	clear(e);
}

/* The next piece, in a turn of its own. */
static void
go_on(struct engine *e, enum shadow_at at)
{
	e->lead.shadow.at = at;
	turns_add(e, &e->lead.shadow.turn);
}

static void
on_answer(void *arg, const struct script_answer *a)
{
	struct engine *e = arg;
	struct shadow *s = &e->lead.shadow;

	s->run = NULL;
	s->rounds++;
	s->ms = a->ms;
	blob_free(&s->asked);
	s->asked = s->main;
	s->main = (struct blob){0};
	if (!a->ok)
		failed(e, a->error);
	else if (blob_copy(&s->answer, a->result) < 0)
		failed(e, "out of memory");
	else
		go_on(e, SHADOW_THEIRS);
}

static void
question(struct engine *e)
{
	struct shadow *s = &e->lead.shadow;
	msgpack_sbuffer buf;

	msgpack_sbuffer_init(&buf);
	script_question(&e->conf, blob_slice(&s->files), blob_slice(&s->input), &buf);
	s->question = (struct blob){(uint8_t *)buf.data, buf.size}; /* malloc'd too */
	blob_free(&s->files);
	blob_free(&s->input);
	go_on(e, SHADOW_START);
}

static void
start(struct engine *e)
{
	struct shadow *s = &e->lead.shadow;
	struct err err;

	s->run = script_start(e->loop, e->script_fd, &e->conf, "shadow scheduler",
	    blob_slice(&s->question), on_answer, e, &err);
	blob_free(&s->question);
	s->at = SHADOW_SCRIPT;
	if (s->run == NULL)
		failed(e, err.text);
}

/* One of the two answers becomes a plan; then comes next. */
static void
check(struct engine *e, struct slice answer, enum shadow_at next)
{
	struct shadow *s = &e->lead.shadow;
	struct err err = {.code = 0};
	int rc = roundjudge_plan(e, &s->judge, answer, &err);

	if (rc < 0)
		failed(e, err.text);
	else
		go_on(e, rc > 0 ? s->at : next);
}

/* --- a role that failed keeps what it had --------------------------------------------- */

static void
find_last(struct engine *e)
{
	struct shadow *s = &e->lead.shadow;
	const struct hash *from = s->from.count > 0 ? &s->from.hash[s->from.count - 1] : &e->keep.current.hash;
	struct err err;
	int rc = 0;

	forget(s);
	if (s->plan.errors_count + s->judge.plan.errors_count == 0)
		go_on(e, SHADOW_COUNT);
	else if (!hash_eq(from, &e->keep.current.hash) && (rc = keep_old(&e->keep, from, &s->old, &err)) < 0)
		failed(e, err.text);
	else
		go_on(e, rc > 0 ? SHADOW_READ : SHADOW_KEEP);
}

static void
read_last(struct engine *e)
{
	struct shadow *s = &e->lead.shadow;
	int rc = schedule_plan_more(&s->old, &s->last_at, &s->last);

	if (rc < 0)
		failed(e, "out of memory");
	else
		go_on(e, rc > 0 ? SHADOW_READ : SHADOW_KEEP);
}

static void
pack_failed(const char *key, const struct plan *p, msgpack_packer *pk)
{
	pk_str(pk, key);
	msgpack_pack_array(pk, p->errors_count);
	for (size_t i = 0; i < p->errors_count; i++) {
		msgpack_pack_map(pk, 3);
		pk_kstr(pk, "role", p->errors[i].role);
		pk_kstr(pk, "error", p->errors[i].text);
		pk_kbool(pk, "keeps", plan_role(p, p->errors[i].role) == NULL);
	}
}

static void
note_failed(struct shadow *s)
{
	msgpack_sbuffer buf;
	msgpack_packer pk;

	pk_begin(&buf, &pk);
	msgpack_pack_map(&pk, 2);
	pack_failed("before", &s->judge.plan, &pk);
	pack_failed("after", &s->plan, &pk);
	s->failed = (struct blob){(uint8_t *)buf.data, buf.size}; /* malloc'd too */
	s->failing = s->plan.errors_count;
}

/* What both went on from; NULL: nothing was in force. */
static const struct plan *
last_of(const struct engine *e, const struct schedule_meta **meta)
{
	const struct shadow *s = &e->lead.shadow;
	bool read = s->old.parts != NULL;

	*meta = read ? &s->old.meta : &e->keep.current.meta;
	return read ? &s->last : s->from.count > 0 ? apply_plan(e, &e->keep.current) : NULL;
}

/* The i-th role that failed, in the shadow or in the scripts in force. */
static int
keep_one(struct shadow *s, size_t i, const struct plan *last)
{
	bool theirs = i < s->plan.errors_count;
	struct plan *plan = theirs ? &s->plan : &s->judge.plan;
	const char *role = plan->errors[theirs ? i : i - s->plan.errors_count].role;
	const struct world *w = &s->judge.world;
	int rc = rail_keep_role(plan, last, role, w->nodes, w->nodes_count);

	return rc != 0 ? rc : rail_keep_role(&s->keeping, last, role, w->nodes, w->nodes_count);
}

static void
keep_last(struct engine *e)
{
	struct shadow *s = &e->lead.shadow;
	const struct schedule_meta *meta;
	const struct plan *last = last_of(e, &meta);
	size_t count = s->plan.errors_count + s->judge.plan.errors_count;

	if (s->keep_at == 0)
		note_failed(s);
	if (last == NULL || s->keep_at == count)
		go_on(e, last != NULL ? SHADOW_PACK : SHADOW_COUNT);
	else if (keep_one(s, s->keep_at++, last) < 0)
		failed(e, "out of memory");
	else
		go_on(e, SHADOW_KEEP);
}

static void
pack_kept(struct engine *e)
{
	struct shadow *s = &e->lead.shadow;
	const struct schedule_meta *meta;

	(void)last_of(e, &meta);
	if (schedule_pack_parent(meta, &s->keeping, &s->kept) < 0)
		failed(e, "out of memory");
	else
		go_on(e, SHADOW_COUNT);
}

static void
compare(struct engine *e)
{
	struct shadow *s = &e->lead.shadow;

	if (planmoves_count(&s->judge.plan, &s->plan, &s->moves) < 0) {
		failed(e, "out of memory");
		return;
	}
	s->error[0] = '\0';
	s->theirs = s->answer;
	s->answer = (struct blob){0};
	s->differed += !planmoves_none(&s->moves) || s->failing > 0;
	go_on(e, SHADOW_TIDY);
}

static void
tidy(struct engine *e)
{
	struct shadow *s = &e->lead.shadow;
	struct plan *all[] = {&s->last, &s->keeping, &s->plan};
	size_t i = 0;

	while (i < ARRAY_LEN(all) && all[i]->nodes == NULL)
		i++;
	if (i < ARRAY_LEN(all))
		plan_free(all[i]);
	if (i < ARRAY_LEN(all))
		go_on(e, SHADOW_TIDY);
	else
		clear(e);
}

static void
on_turn(struct engine *e)
{
	struct shadow *s = &e->lead.shadow;

	if (s->at == SHADOW_QUESTION) {
		question(e);
	} else if (s->at == SHADOW_START) {
		start(e);
	} else if (s->at == SHADOW_THEIRS) {
		check(e, blob_slice(&s->answer), SHADOW_MINE);
	} else if (s->at == SHADOW_MINE) {
		if (s->judge.check == NULL) {
			s->plan = s->judge.plan;
			memset(&s->judge.plan, 0, sizeof s->judge.plan);
		}
		check(e, blob_slice(&s->asked), SHADOW_LAST);
	} else if (s->at == SHADOW_LAST) {
		find_last(e);
	} else if (s->at == SHADOW_READ) {
		read_last(e);
	} else if (s->at == SHADOW_KEEP) {
		keep_last(e);
	} else if (s->at == SHADOW_PACK) {
		pack_kept(e);
	} else if (s->at == SHADOW_COUNT) {
		compare(e);
	} else if (s->at == SHADOW_TIDY) {
		tidy(e);
	}
}

void
shadow_round(struct engine *e, const struct round_parents *from, struct slice input, struct slice result)
{
	struct shadow *s = &e->lead.shadow;

	if (tree_find(scripts(e), "main.lua") == NULL) {
		if (scripts(e)->count == 0)
			shadow_stop(e);
		else
			failed(e, "scheduler-scripts-shadow/main.lua: No such file or directory");
		return;
	}
	if (s->at != SHADOW_IDLE || input.len == 0) {
		s->missed += input.len > 0;
		return;
	}
	s->turn.run = on_turn;
	s->from = *from;
	s->last_at = s->keep_at = 0;
	if (blob_copy(&s->main, result) < 0 || blob_copy(&s->input, input) < 0 ||
	    script_pack_files(scripts(e), &s->files) < 0)
		failed(e, "out of memory");
	else
		go_on(e, SHADOW_QUESTION);
}

void
shadow_stop(struct engine *e)
{
	struct shadow *s = &e->lead.shadow;

	clear(e);
	forget(s);
	blob_free(&s->asked);
	s->rounds = s->differed = s->missed = 0;
	s->error[0] = '\0';
}

void
shadow_pack(const struct engine *e, msgpack_packer *pk)
{
	const struct shadow *s = &e->lead.shadow;

	if (!e->lead.leading || scripts(e)->count == 0) {
		msgpack_pack_nil(pk);
		return;
	}
	msgpack_pack_map(pk, 11);
	pk_kuint(pk, "rounds", s->rounds);
	pk_kuint(pk, "differed", s->differed);
	pk_kuint(pk, "missed", s->missed);
	pk_kstr(pk, "error", s->error);
	pk_kuint(pk, "added", s->moves.added);
	pk_kuint(pk, "removed", s->moves.removed);
	pk_kuint(pk, "moved", s->moves.moved);
	pk_kuint(pk, "changed", s->moves.changed);
	pk_kuint(pk, "roles", s->moves.roles);
	pk_kuint(pk, "failing", s->failing);
	pk_kuint(pk, "ms", s->ms);
}

static void
pack_one(const char *key, const struct blob *b, msgpack_packer *pk)
{
	pk_str(pk, key);
	if (b->len > 0)
		pk_raw(pk, b->b, b->len);
	else
		msgpack_pack_nil(pk);
}

void
shadow_pack_answers(const struct engine *e, msgpack_packer *pk)
{
	const struct shadow *s = &e->lead.shadow;

	msgpack_pack_map(pk, 7);
	pk_kbool(pk, "is", e->lead.leading && scripts(e)->count > 0);
	pk_kuint(pk, "rounds", s->rounds);
	pk_kstr(pk, "error", s->error);
	pack_one("before", &s->asked, pk);
	pack_one("after", &s->theirs, pk);
	pack_one("failed", &s->failed, pk);
	pack_one("kept", &s->kept, pk);
}
