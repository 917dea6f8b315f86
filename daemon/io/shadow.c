/*
 * shadow.c - see shadow.h.
 */
#include "shadow.h"

#include <stdio.h>
#include <stdlib.h>

#include "../base/log.h"
#include "engine.h"
#include "pack.h"

static const struct tree *
scripts(const struct engine *e)
{
	return &e->trees.slot[TREES_SHADOW].tree;
}

static void
failed(struct shadow *s, const char *why)
{
	if (strcmp(s->error, why) != 0)
		log_info("shadow scheduler: %s", why);
	snprintf(s->error, sizeof s->error, "%s", why);
	blob_free(&s->theirs);
	s->moves = (struct planmoves){0};
}

/* Both as the host would take them, in the world of now. */
static int
compare(struct engine *e, struct slice mine, struct slice theirs, struct planmoves *out, struct err *err)
{
	struct plan_world w = {
	    .templates = e->trees.templates, .templates_count = e->trees.templates_count};
	struct plan from = {0}, to = {0};
	struct world world;
	int rc;

	if (world_build(e, &world) < 0)
		return err_set(err, 1, "out of memory");
	w.nodes = world.nodes;
	w.nodes_count = world.nodes_count;
	rc = plan_check(theirs.b, theirs.len, &w, &to, err);
	if (rc == 0)
		rc = plan_check(mine.b, mine.len, &w, &from, err);
	if (rc == 0 && planmoves_count(&from, &to, out) < 0)
		rc = err_set(err, 1, "out of memory");
	plan_free(&from);
	plan_free(&to);
	world_free(&world);
	return rc;
}

static void
on_answer(void *arg, const struct script_answer *a)
{
	struct engine *e = arg;
	struct shadow *s = &e->lead.shadow;
	struct err err = {0};

	s->run = NULL;
	s->rounds++;
	s->ms = a->ms;
	blob_free(&s->asked);
	s->asked = s->main;
	s->main = (struct blob){0};
	if (!a->ok) {
		failed(s, a->error);
		return;
	}
	if (compare(e, blob_slice(&s->asked), a->result, &s->moves, &err) < 0) {
		failed(s, err.text);
		return;
	}
	s->error[0] = '\0';
	blob_free(&s->theirs);
	if (blob_copy(&s->theirs, a->result) < 0)
		failed(s, "out of memory");
	s->differed += !planmoves_none(&s->moves);
}

/* A process of its own, in a turn of the loop of its own: judging a round takes as long. */
static void
ask(uv_timer_t *timer)
{
	struct engine *e = timer->data;
	struct shadow *s = &e->lead.shadow;
	struct err err;

	s->run = script_start(e->loop, e->script_fd, &e->conf, "shadow scheduler",
	    blob_slice(&s->question), on_answer, e, &err);
	blob_free(&s->question);
	if (s->run == NULL)
		failed(s, err.text);
}

void
shadow_round(struct engine *e, struct slice input, struct slice result)
{
	struct shadow *s = &e->lead.shadow;
	struct blob files;
	msgpack_sbuffer buf;
	int rc;

	if (tree_find(scripts(e), "main.lua") == NULL) {
		if (scripts(e)->count == 0)
			shadow_stop(e);
		else
			failed(s, "scheduler-scripts-shadow/main.lua: No such file or directory");
		return;
	}
	if (s->run != NULL || s->question.len > 0 || input.len == 0) {
		s->missed += input.len > 0;
		return;
	}
	blob_free(&s->main);
	if (blob_copy(&s->main, result) < 0 || script_pack_files(scripts(e), &files) < 0)
		return;
	msgpack_sbuffer_init(&buf);
	script_question(&e->conf, blob_slice(&files), input, &buf);
	blob_free(&files);
	rc = blob_copy(&s->question, (struct slice){(uint8_t *)buf.data, buf.size});
	msgpack_sbuffer_destroy(&buf);
	if (rc == 0)
		uv_timer_start(&s->soon, ask, 0, 0);
}

void
shadow_init(struct engine *e)
{
	uv_timer_init(e->loop, &e->lead.shadow.soon);
	e->lead.shadow.soon.data = e;
}

void
shadow_stop(struct engine *e)
{
	struct shadow *s = &e->lead.shadow;

	if (s->run != NULL)
		script_cancel(s->run);
	s->run = NULL;
	uv_timer_stop(&s->soon);
	blob_free(&s->question);
	blob_free(&s->main);
	blob_free(&s->asked);
	blob_free(&s->theirs);
	s->rounds = s->differed = s->missed = 0;
	s->moves = (struct planmoves){0};
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
	msgpack_pack_map(pk, 10);
	pk_kuint(pk, "rounds", s->rounds);
	pk_kuint(pk, "differed", s->differed);
	pk_kuint(pk, "missed", s->missed);
	pk_kstr(pk, "error", s->error);
	pk_kuint(pk, "added", s->moves.added);
	pk_kuint(pk, "removed", s->moves.removed);
	pk_kuint(pk, "moved", s->moves.moved);
	pk_kuint(pk, "changed", s->moves.changed);
	pk_kuint(pk, "roles", s->moves.roles);
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

	msgpack_pack_map(pk, 5);
	pk_kbool(pk, "is", e->lead.leading && scripts(e)->count > 0);
	pk_kuint(pk, "rounds", s->rounds);
	pk_kstr(pk, "error", s->error);
	pack_one("before", &s->asked, pk);
	pack_one("after", &s->theirs, pk);
}
