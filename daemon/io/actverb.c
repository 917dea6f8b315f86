/*
 * actverb.c - `mesh action` and `mesh actions` (actions.h): an action is checked, numbered,
 * saved, and only then waited for.  Who asked may go: it is carried out all the same.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../base/log.h"
#include "../base/name.h"
#include "../base/own.h"
#include "actions.h"
#include "actlead.h"
#include "actown.h"
#include "acts.h"
#include "belong.h"
#include "engine.h"
#include "events.h"
#include "looks.h"
#include "over.h"
#include "pack.h"
#include "status.h"
#include "viewing.h"
#include "wire.h"

enum { WAIT_MS = 5000, LOOK_MS = 20, ASK_MS = 2000 };

/* --- until it is answered, or for some seconds ------------------------------------------------ */

struct waiting {
	struct engine *e;
	struct ctl_req *r;
	uv_timer_t timer;
	uint64_t number;
	msec until;
};

static void
on_closed(uv_handle_t *h)
{
	free(h->data);
}

static void
tell(struct waiting *w, const char *line, const char *state, const char *text)
{
	char id[ACTION_ID_CAP];
	msgpack_packer *pk = ctl_begin(w->r);

	action_id(id, w->e->conf.name, w->number);
	msgpack_pack_map(pk, 4);
	pk_kstr(pk, "id", id);
	pk_kstr(pk, "action", line);
	pk_kstr(pk, "state", state);
	pk_kstr(pk, "text", text);
	ctl_end(w->r);
	uv_close((uv_handle_t *)&w->timer, on_closed);
}

static void
on_look(uv_timer_t *timer)
{
	struct waiting *w = timer->data;
	const struct actqueue *q = &w->e->actions->q;
	const struct actqueue_answer *v = actqueue_answer(q, w->number);
	const struct action *a = actqueue_find(q, w->number);
	char line[ACTION_LINE_CAP] = "";

	if (a != NULL)
		action_line(line, a);
	if (v != NULL)
		tell(w, v->line, v->ok ? "answered" : "refused", v->text);
	else if (a != NULL && a->aside)
		tell(w, line, "set aside", a->error);
	else if (a == NULL)
		tell(w, line, "answered", "its answer is not kept any more");
	else if (net_now() >= w->until || !ctl_alive(w->r))
		tell(w, line, "pending", actions_why(w->e, a));
}

static void
wait_for(struct engine *e, struct ctl_req *r, uint64_t number)
{
	struct waiting *w = calloc(1, sizeof *w);

	if (w == NULL) {
		ctl_fail(r, 1, "mesh actions", "out of memory; the action is accepted");
		return;
	}
	*w = (struct waiting){.e = e, .r = r, .number = number, .until = net_now() + WAIT_MS};
	uv_timer_init(e->loop, &w->timer);
	w->timer.data = w;
	uv_timer_start(&w->timer, on_look, 0, LOOK_MS);
}

/* --- a new one ---------------------------------------------------------------------------------- */

static bool
may_accept(struct engine *e, struct ctl_req *r)
{
	struct mesh_side side = {.member = false};

	if (e->mesh != NULL)
		mesh_side(e->mesh, net_now(), &side);
	if (side.member && !belong_is_out(e))
		return true;
	ctl_fail(r, 1, "mesh status", "action: this node is no member: there is no leader to carry it out");
	return false;
}

static bool
take_args(struct ctl_req *r, struct action *a)
{
	struct slice args[ACTION_ARGS_MAX + 1];
	char role[NAME_CAP] = "", name[NAME_CAP];
	struct err err;
	int n = 0;

	if (ctl_arg_has(r, "args") && (n = ctl_arg_list(r, "args", args, ACTION_ARGS_MAX)) < 0) {
		ctl_fail(r, EXIT_USAGE_, "mesh help action", "action: args are no list of at most %d KEY=VALUE",
		    ACTION_ARGS_MAX);
		return false;
	}
	if (!ctl_arg_str(r, "name", name, sizeof name) ||
	    (ctl_arg_has(r, "role") && !ctl_arg_str(r, "role", role, sizeof role))) {
		ctl_fail(r, EXIT_USAGE_, "mesh action ROLE NAME [KEY=VALUE]", "action: that is no name");
		return false;
	}
	if (action_make(a, role, name, args, (size_t)n, &err) < 0) {
		ctl_fail(r, EXIT_USAGE_, "mesh action ROLE NAME [KEY=VALUE]", "action: %s", err.text);
		return false;
	}
	a->uid = r->uid;
	return true;
}

static void
accept_new(struct engine *e, struct ctl_req *r)
{
	char id[ACTION_ID_CAP], line[ACTION_LINE_CAP];
	struct actqueue *q = &e->actions->q;
	struct action a;
	struct err err;
	int rc;

	if (!may_accept(e, r) || !take_args(r, &a))
		return;
	rc = actqueue_add(q, net_now(), engine_wall_ms(), &a);
	if (rc == -ERR_FULL) {
		ctl_fail(r, 1, "mesh actions", "action: %d are pending on this node already", ACTION_QUEUE_MAX);
		return;
	}
	if (rc < 0) {
		ctl_fail(r, 1, "again in a moment", "action: too many at once: a node takes ten a second, %d in a burst",
		    ACTQUEUE_BURST);
		return;
	}
	if (actions_save(e, &err) < 0) {
		actqueue_undo(q, a.number);
		if (err.code == EXIT_STATE)
			engine_exit(e, EXIT_STATE, err.text);
		ctl_fail(r, 1, "mesh status", "action: not kept, so not accepted: %s", err.text);
		return;
	}
	action_id(id, e->conf.name, a.number);
	action_line(line, &a);
	log_info("action %s (%s, by uid %u) is accepted", id, line, a.uid);
	events_note(e, "action", e->conf.name, "%s: %.100s, by uid %u: accepted", id, line, a.uid);
	wait_for(e, r, a.number);
	actions_moved(e);
}

/* --- an operator's word on one that is pending -------------------------------------------------- */

static int
resolve_here(struct engine *e, uint64_t number, bool retry, uint32_t uid)
{
	struct actqueue *q = &e->actions->q;
	char id[ACTION_ID_CAP];
	struct err err;

	if (!actqueue_resolve(q, net_now(), engine_wall_ms(), number, retry))
		return -ERR_UNKNOWN;
	if (actions_save(e, &err) < 0) {
		/* It is so in memory, and is saved with what comes next. */
		if (err.code == EXIT_STATE)
			engine_exit(e, EXIT_STATE, err.text);
		log_warn("actions: not kept: %s", err.text);
	}
	action_id(id, e->conf.name, number);
	log_info("action %s: %s, by uid %u", id, retry ? "tried again" : "dropped", uid);
	events_note(e, "action", e->conf.name, "%s: %s, by uid %u", id, retry ? "tried again" : "dropped", uid);
	actions_moved(e);
	return 0;
}

struct resolving {
	struct engine *e;
	struct ctl_req *r;
	char id[ACTION_ID_CAP];
	bool retry;
};

static void
resolved(struct ctl_req *r, const char *id, bool retry, int rc)
{
	msgpack_packer *pk;

	if (rc == -ERR_UNKNOWN) {
		ctl_fail(r, 1, "mesh actions", "action: %s is not pending", id);
	} else if (rc < 0) {
		ctl_fail(r, 1, "mesh members; run it on that node", "action: the node of %s did not take it: %s", id,
		    stream_error(rc));
	} else {
		pk = ctl_begin(r);
		msgpack_pack_map(pk, 4);
		pk_kstr(pk, "id", id);
		pk_kstr(pk, "action", "");
		pk_kstr(pk, "state", retry ? "retried" : "dropped");
		pk_kstr(pk, "text", "");
		ctl_end(r);
	}
}

static void
on_resolved(void *arg, int rc, const uint8_t *data, size_t len)
{
	struct resolving *x = arg;

	(void)data;
	(void)len;
	resolved(x->r, x->id, x->retry, rc);
	free(x);
}

/* Whose it is, that node must say: its disk is the truth. */
static void
resolve(struct engine *e, struct ctl_req *r, const char *key, bool retry)
{
	char id[ACTION_ID_CAP], node[NAME_CAP];
	struct resolving *x;
	struct mesh_member m;
	msgpack_sbuffer buf;
	msgpack_packer pk;
	uint64_t number;

	if (!ctl_arg_str(r, key, id, sizeof id) || !action_id_parse(id, node, &number)) {
		ctl_fail(r, EXIT_USAGE_, "mesh actions", "action: --%s: that is no action's id (NODE.NUMBER)", key);
		return;
	}
	if (strcmp(node, e->conf.name) == 0) {
		resolved(r, id, retry, resolve_here(e, number, retry, r->uid));
		return;
	}
	if (e->mesh == NULL || !looks_find(e, node, &m) || (x = calloc(1, sizeof *x)) == NULL) {
		ctl_fail(r, 1, "mesh members", "action: no node '%s' is known", node);
		return;
	}
	*x = (struct resolving){.e = e, .r = r, .retry = retry};
	snprintf(x->id, sizeof x->id, "%s", id);
	pk_begin_array(&buf, &pk, 3);
	msgpack_pack_uint64(&pk, number);
	if (retry)
		msgpack_pack_true(&pk);
	else
		msgpack_pack_false(&pk);
	msgpack_pack_uint32(&pk, r->uid);
	if (!over_ask(e, &m.id, &(struct over_question){QUERY_ACTION, true, buf.data, buf.size, ASK_MS},
		on_resolved, x))
		on_resolved(x, STREAM_CONNECT, NULL, 0);
	msgpack_sbuffer_destroy(&buf);
}

void
actions_serve(struct engine *e, const uint8_t *payload, size_t len, struct stream_answer *answer)
{
	uint64_t number, uid;
	struct mp mp;
	bool retry;
	uint32_t n;
	int rc;

	mp_init(&mp, payload, len, 1);
	if (mp_array(&mp, &n) < 0 || n != 3 || mp_uint_max(&mp, INT64_MAX, &number) < 0 ||
	    mp_bool(&mp, &retry) < 0 || mp_uint_max(&mp, UINT32_MAX, &uid) < 0 || mp_end(&mp) < 0)
		rc = -ERR_MALFORMED;
	else
		rc = resolve_here(e, number, retry, (uint32_t)uid);
	if (rc < 0)
		stream_answer_fail(answer, -rc);
	else
		stream_answer_send(answer, "ok", 2);
}

void
actions_verb(struct engine *e, struct ctl_req *r)
{
	if (ctl_arg_has(r, "retry"))
		resolve(e, r, "retry", true);
	else if (ctl_arg_has(r, "drop"))
		resolve(e, r, "drop", false);
	else
		accept_new(e, r);
}

/* --- the list --------------------------------------------------------------------------------------- */

/* Of another node, as the leader has it, and not answered in the schedule that is here. */
static bool
is_theirs(const struct engine *e, struct slice row, const struct actdone *done)
{
	struct slice v = status_view_get(row, "id");
	char id[ACTION_ID_CAP], node[NAME_CAP];
	uint64_t number;
	struct mp mp;

	mp_init(&mp, v.b, v.len, 1);
	return v.len > 0 && mp_cstr(&mp, id, sizeof id) == 0 && action_id_parse(id, node, &number) &&
	    strcmp(node, e->conf.name) != 0 && actdone_find(done, id) == NULL;
}

static uint32_t
pack_theirs(const struct engine *e, struct slice view, const struct actdone *done, msgpack_packer *pk)
{
	struct viewing_rows rows = viewing_rows_of(view, "actions");
	struct slice row;
	uint32_t n = 0;

	while (viewing_rows_next(&rows, &row)) {
		if (!viewing_is_map(row) || !is_theirs(e, row, done))
			continue;
		pk_raw(pk, row.b, row.len);
		n++;
	}
	return n;
}

static void
pack_done(const struct actdone_row *row, const struct actqueue *q, const struct engine *e, msgpack_packer *pk)
{
	char node[NAME_CAP] = "";
	const struct actqueue_answer *v = NULL;
	uint64_t number;

	if (id_eq(&row->by, &e->identity.id))
		v = actqueue_answer(q, row->number);
	(void)action_id_parse(row->id, node, &number);
	msgpack_pack_map(pk, 8);
	pk_kstr(pk, "id", row->id);
	pk_kstr(pk, "action", v != NULL ? v->line : "");
	pk_kstr(pk, "by", "");
	pk_kstr(pk, "node", node);
	pk_kstr(pk, "state", row->ok ? "answered" : "refused");
	pk_kuint(pk, "tries", 0);
	pk_kuint(pk, "at_ms", row->at_ms);
	pk_kstr(pk, "text", row->text);
}

static void
then_list(struct engine *e, struct ctl_req *r, struct slice view)
{
	const struct actqueue *q = &e->actions->q;
	char id[ACTION_ID_CAP];
	struct actdone done = {0};
	struct slice replies = {NULL, 0};
	msgpack_sbuffer buf;
	msgpack_packer pk, *answer;
	uint32_t n;

	if (e->keep.has)
		schedule_replies(&e->keep.current, &replies);
	if (actdone_read(&done, replies) < 0) {
		ctl_fail(r, 1, "", "out of memory");
		return;
	}
	pk_begin(&buf, &pk);
	n = pack_theirs(e, view, &done, &pk);
	for (uint32_t i = 0; i < q->count; i++, n++) {
		struct action a = q->actions[i];

		action_text(a.error, actions_why(e, &q->actions[i]), strlen(actions_why(e, &q->actions[i])));
		action_id(id, e->conf.name, a.number);
		actlead_pack_row(id, e->conf.name, &a, a.aside ? "set aside" : "pending", &pk);
	}
	for (size_t i = 0; i < done.count; i++, n++)
		pack_done(&done.rows[i], q, e, &pk);
	answer = ctl_begin(r);
	msgpack_pack_array(answer, n);
	if (n > 0)
		pk_raw(answer, buf.data, buf.size);
	ctl_end(r);
	msgpack_sbuffer_destroy(&buf);
	actdone_free(&done);
}

void
actions_list(struct engine *e, struct ctl_req *r)
{
	viewing_start(e, r, then_list);
}
