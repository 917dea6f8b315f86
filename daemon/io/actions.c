/*
 * actions.c - see actions.h.  The verbs are in actverb.c.
 *
 * Nothing is said to an operator or to a leader before it is on disk.  One bundle is under
 * way at a time; it has all that is pending, so what is lost on the way is in the next.
 */
#include "actions.h"

#include <stdio.h>
#include <stdlib.h>

#include "../base/log.h"
#include "../base/own.h"
#include "../core/actsign.h"
#include "actlead.h"
#include "actown.h"
#include "belong.h"
#include "engine.h"
#include "events.h"
#include "over.h"
#include "pack.h"
#include "viewing.h"
#include "wire.h"

enum { ASK_MS = 1500, LONG_MS = 15000, IDLE_MS = 1000 };

static const char actions_key[] = "actions";

/* --- the disk ------------------------------------------------------------------------------ */

int
actions_load(struct engine *e, struct err *err)
{
	struct actions *x = calloc(1, sizeof *x);
	AUTO_FREE uint8_t *value = NULL;
	size_t len = 0;
	int rc;

	if (x == NULL || (e->lead.desk = actlead_new()) == NULL) {
		free(x);
		return err_set(err, EXIT_ENVIRONMENT, "out of memory");
	}
	e->actions = x;
	rc = store_get(e->store, STORE_MISC, actions_key, strlen(actions_key), &value, &len, err);
	if (rc < 0)
		return rc;
	if (actqueue_init(&x->q, (struct slice){value, rc > 0 ? len : 0}, e->saved.generation,
		engine_wall_ms(), net_now()) < 0)
		log_warn("actions: what is kept of them is of another meshd or damaged: forgotten; mesh actions on the leader shows what it has");
	return 0;
}

void
actions_free(struct engine *e)
{
	actlead_free(e->lead.desk);
	e->lead.desk = NULL;
	free(e->actions);
	e->actions = NULL;
}

int
actions_save(struct engine *e, struct err *err)
{
	AUTO_FREE uint8_t *buf = malloc(ACTQUEUE_SAVED_BYTES_MAX);
	size_t len;

	if (buf == NULL)
		return err_set(err, 1, "out of memory");
	len = actqueue_save(&e->actions->q, buf);
	return store_put(e->store, STORE_MISC, actions_key, strlen(actions_key), buf, len, err);
}

/* What is not kept is learnt again: a word of the leader, an answer of the schedule. */
static void
save_soon(struct engine *e)
{
	struct err err;

	if (actions_save(e, &err) == 0)
		return;
	if (err.code == EXIT_STATE)
		engine_exit(e, EXIT_STATE, err.text);
	log_warn("actions: not kept: %s", err.text);
}

/* --- to the leader ---------------------------------------------------------------------------- */

static void arm(struct engine *e);

static void
heard(struct engine *e, int rc, const struct action_words *words)
{
	struct actions *x = e->actions;

	x->rc = rc;
	if (actqueue_told(&x->q, net_now(), x->asked_turn, rc == 0 ? words : NULL))
		save_soon(e);
	arm(e);
}

static void
on_answer(void *arg, int rc, const uint8_t *data, size_t len)
{
	struct engine *e = arg;
	struct actions *x = e->actions;

	x->asking = false;
	if (rc == 0 && action_words_read(&x->words, data, len) < 0)
		rc = -ERR_MALFORMED;
	heard(e, rc, &x->words);
}

/* The leader of this side, this node too; false: none. */
static bool
find_leader(const struct engine *e, struct actsign_office *out)
{
	struct mesh_side s;

	if (e->mesh == NULL)
		return false;
	mesh_side(e->mesh, net_now(), &s);
	*out = (struct actsign_office){.leader = s.leader, .term = s.term};
	return s.has_leader;
}

static void
hand_over(struct engine *e)
{
	struct actions *x = e->actions;
	struct over_question q = {.kind = QUERY_ACTIONS, .timeout_ms = ASK_MS};
	struct actsign_office to;

	if (x->asking || belong_is_out(e) || !find_leader(e, &to) ||
	    !actqueue_due(&x->q, net_now(), &to.leader))
		return;
	AUTO_FREE uint8_t *buf = malloc(ACTSIGN_BYTES_MAX);
	if (buf == NULL)
		return;
	actqueue_bundle(&x->q, net_now(), &to.leader, &x->bundle);
	q.payload = buf;
	q.len = actsign_pack(buf, &e->crypto, e->keys.pk, &to, &x->bundle);
	x->asked_turn = x->bundle.turn;
	if (id_eq(&to.leader, &e->identity.id)) {
		int rc = actlead_take(e, buf, q.len);

		heard(e, rc, &e->lead.desk->words);
		return;
	}
	x->asking = over_ask(e, &to.leader, &q, on_answer, e);
}

static void
on_timer(uv_timer_t *timer)
{
	struct engine *e = timer->data;

	hand_over(e);
	arm(e);
}

static void
arm(struct engine *e)
{
	struct actions *x = e->actions;
	msec now = net_now(), due = actqueue_deadline(&x->q);

	if (due == MSEC_NEVER || x->asking) {
		uv_timer_stop(&x->timer);
		return;
	}
	uv_update_time(e->loop);
	/* Without a leader nothing is due that could be done: actions_look says when. */
	uv_timer_start(&x->timer, on_timer, due > now ? (uint64_t)(due - now) : IDLE_MS, 0);
}

void
actions_moved(struct engine *e)
{
	hand_over(e);
	arm(e);
}

void
actions_start(struct engine *e)
{
	uv_timer_init(e->loop, &e->actions->timer);
	e->actions->timer.data = e;
}

void
actions_look(struct engine *e)
{
	struct actions *x = e->actions;
	struct actsign_office to;

	if (x->q.count > 0 && find_leader(e, &to) && !id_eq(&to.leader, &x->q.tried))
		actions_moved(e);
}

void
actions_second(struct engine *e)
{
	if (e->mesh == NULL || e->actions->q.count == 0)
		return;
	if (actqueue_expire(&e->actions->q, net_now(), engine_wall_ms()))
		save_soon(e);
	actions_moved(e);
}

/* --- answers ------------------------------------------------------------------------------------- */

void
actions_adopted(struct engine *e)
{
	struct actqueue *q = &e->actions->q;
	struct actdone done = {0};
	char id[ACTION_ID_CAP];
	struct slice replies;
	bool any = false;

	if (q->count == 0)
		return;
	schedule_replies(&e->keep.current, &replies);
	if (actdone_read(&done, replies) < 0)
		return; /* no memory: with the next schedule */
	for (size_t i = 0; i < done.count; i++) {
		const struct actdone_row *row = &done.rows[i];

		if (!id_eq(&row->by, &e->identity.id) ||
		    !actqueue_done(q, net_now(), row->number, row->ok, row->text))
			continue;
		any = true;
		action_id(id, e->conf.name, row->number);
		if (e->lead.leading) /* which says so itself */
			continue;
		log_info("action %s is answered: %s", id, row->text);
		events_note(e, "action", e->conf.name, "%s is answered: %s", id, row->text);
	}
	actdone_free(&done);
	if (!any)
		return;
	save_soon(e);
	actions_moved(e);
}

/* --- what waits ------------------------------------------------------------------------------------- */

const char *
actions_why(const struct engine *e, const struct action *a)
{
	struct actsign_office to;

	if (a->error[0] != '\0')
		return a->error;
	if (belong_is_out(e))
		return "this node was put out of the cluster";
	if (!find_leader(e, &to))
		return "there is no leader on this side";
	if (e->actions->rc == -ERR_UNKNOWN)
		return "the leader is of an older meshd that takes no actions";
	if (e->actions->rc < 0)
		return stream_error(e->actions->rc);
	return "the leader has it: it waits for a round";
}

const char *
actions_problem(const struct engine *e, char text[ERR_TEXT_CAP], const char **hint)
{
	const struct actqueue *q = &e->actions->q;
	uint64_t now = engine_wall_ms();
	char id[ACTION_ID_CAP], line[ACTION_LINE_CAP];

	for (uint32_t i = 0; i < q->count; i++) {
		const struct action *a = &q->actions[i];

		/* What is set aside by its leader that one tells. */
		if (a->aside ? a->tries >= ACTION_TRIES_MAX : now < a->stamp_ms + LONG_MS)
			continue;
		action_id(id, e->conf.name, a->number);
		action_line(line, a);
		snprintf(text, ERR_TEXT_CAP, "action %s (%.120s) %s: %.200s", id, line,
		    a->aside ? "is set aside" : "is still pending", actions_why(e, a));
		*hint = a->aside ? "mesh action --retry ID | mesh action --drop ID" : "mesh actions";
		return text;
	}
	return NULL;
}

void
actions_pack_count(const struct engine *e, msgpack_packer *pk)
{
	const struct actqueue *q = &e->actions->q;
	uint32_t aside = 0;

	for (uint32_t i = 0; i < q->count; i++)
		aside += q->actions[i].aside;
	msgpack_pack_map(pk, 2);
	pk_kuint(pk, "pending", q->count - aside);
	pk_kuint(pk, "aside", aside);
}
