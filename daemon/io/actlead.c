/*
 * actlead.c - see actlead.h.
 */
#include "actlead.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../gossip/look.h"
#include "../base/log.h"
#include "../base/own.h"
#include "../core/actsign.h"
#include "engine.h"
#include "events.h"
#include "identity.h"
#include "pack.h"

enum {
	PARENTS_MS = 10000, /* longer than that no action waits for an older schedule */
	SAY_MS = 60000,
};

struct actlead *
actlead_new(void)
{
	struct actlead *l = calloc(1, sizeof *l);

	if (l != NULL && actdesk_init(&l->desk) < 0) {
		free(l);
		return NULL;
	}
	return l;
}

void
actlead_free(struct actlead *l)
{
	if (l == NULL)
		return;
	actdesk_free(&l->desk);
	actdone_free(&l->done);
	free(l);
}

void
actlead_clear(struct engine *e)
{
	struct actlead *l = e->lead.desk;

	actdesk_clear(&l->desk);
	actdone_free(&l->done);
}

/* What is answered in any schedule that the next one comes from. */
static int
gather(struct engine *e, struct actdone *out)
{
	const struct schedule *parents[MESH_PARENTS_MAX];
	size_t n = lead_parents(e, parents, MESH_PARENTS_MAX);
	struct slice replies;

	memset(out, 0, sizeof *out);
	for (size_t i = n; i-- > 0;) { /* of two that say otherwise the newer is right */
		schedule_replies(parents[i], &replies);
		if (actdone_read(out, replies) < 0) {
			actdone_free(out);
			return -ERR_FULL;
		}
	}
	return 0;
}

/* --- what nodes hand over ----------------------------------------------------------------- */

static int
open_bundle(struct engine *e, const uint8_t *payload, size_t len, struct mesh_member *from)
{
	struct actsign_office here = {.leader = e->identity.id};
	struct mesh_side side;
	struct node_id id;

	if (len <= ACTSIGN_HEAD_BYTES)
		return -ERR_SHORT;
	if (mesh_standing(e->mesh, payload) != MESH_VOTES)
		return -ERR_NO_VOTE;
	identity_id(payload, &id);
	if (!mesh_find(e->mesh, &id, from))
		return -ERR_STRANGER;
	mesh_side(e->mesh, net_now(), &side);
	here.term = side.term;
	return actsign_open(&e->lead.desk->bundle, &e->crypto, &here, payload, len);
}

/* Whoever can be asked can send nonsense: the log is not filled with it. */
static void
refused(struct engine *e, const struct mesh_member *from, int rc)
{
	struct actlead *l = e->lead.desk;
	msec now = net_now();

	if (l->said != 0 && now - l->said < SAY_MS)
		return;
	l->said = now;
	log_warn("actions: what %s hands over is refused: %s", from->name[0] != '\0' ? from->name : "a stranger",
	    stream_error(rc));
}

int
actlead_take(struct engine *e, const uint8_t *payload, size_t len)
{
	struct actlead *l = e->lead.desk;
	struct mesh_member from = {.name = ""};
	struct actdone done;
	int rc;

	if (e->mesh == NULL || !e->lead.leading)
		return -ERR_NOT_LEADER;
	rc = open_bundle(e, payload, len, &from);
	if (rc == 0 && actdesk_is_old(&l->desk, &from.id, l->bundle.turn))
		rc = -ERR_REPLAY;
	if (rc < 0)
		refused(e, &from, rc);
	if (rc < 0 || (rc = gather(e, &done)) < 0)
		return rc;
	if (actdesk_bundle(&l->desk, &from.id, from.name, &l->bundle, &done, engine_wall_ms(), &l->words))
		lead_note(e, SCHED_ACTION);
	actdone_free(&done);
	return 0;
}

void
actlead_serve(struct engine *e, const uint8_t *payload, size_t len, struct stream_answer *answer)
{
	int rc = actlead_take(e, payload, len);

	if (rc < 0) {
		stream_answer_fail(answer, -rc);
		return;
	}
	AUTO_FREE uint8_t *buf = malloc(ACTION_BUNDLE_BYTES_MAX);
	if (buf == NULL)
		stream_answer_fail(answer, ERR_FULL);
	else
		stream_answer_send(answer, buf, action_words_pack(buf, &e->lead.desk->words));
}

void
actlead_gone(struct engine *e, const struct node_id *id)
{
	actdesk_forget(&e->lead.desk->desk, id);
}

/* --- rounds ----------------------------------------------------------------------------------- */

/* An older schedule that is not here yet may have the reply. */
static bool
may_give(const struct engine *e)
{
	const struct lead *l = &e->lead;

	return (l->sched.view_ok && l->sched.parents_ok) || net_now() - l->since > PARENTS_MS;
}

int
actlead_give(struct engine *e, const struct actdesk_item *out[ACTDESK_ROUND_MAX], size_t *count)
{
	struct actlead *l = e->lead.desk;

	actdone_free(&l->done);
	*count = 0;
	if (!may_give(e))
		return 0;
	if (gather(e, &l->done) < 0)
		return -ERR_FULL;
	actdesk_prune(&l->desk, &l->done, engine_wall_ms());
	*count = actdesk_give(&l->desk, &l->done, net_now(), out);
	return 0;
}

int
actlead_replies(struct engine *e, struct plan *plan)
{
	struct actlead *l = e->lead.desk;
	struct blob packed;
	int rc;

	actdone_free(&l->done);
	if ((rc = gather(e, &l->done)) < 0)
		return rc;
	/* Only with new ones: that some are not needed any more is worth no schedule. */
	if (l->desk.given > 0) {
		actdesk_prune(&l->desk, &l->done, engine_wall_ms());
		rc = actdesk_reply(&l->desk, blob_slice(&plan->replies), engine_wall_ms(), &l->done);
	}
	if (rc < 0 || (rc = actdone_pack(&l->done, &packed)) < 0)
		return rc;
	blob_free(&plan->replies);
	plan->replies = packed;
	return 0;
}

size_t
actlead_acted(struct engine *e, const struct plan *plan, const struct plan *last,
    const char *out[ACTDESK_ROLES_MAX])
{
	struct actdesk *d = &e->lead.desk->desk;
	size_t n = 0;

	actdesk_about(d, plan, last, net_now());
	for (uint32_t i = 0; i < d->roles_count; i++)
		if (d->roles[i].until > net_now())
			out[n++] = d->roles[i].name;
	return n;
}

static void
tell_given(struct engine *e, enum actdesk_end how, const char *error)
{
	struct actlead *l = e->lead.desk;
	char id[ACTION_ID_CAP], line[ACTION_LINE_CAP];

	for (uint32_t i = 0; i < l->desk.count; i++) {
		const struct actdesk_item *x = &l->desk.items[i];
		const struct actdone_row *row = actdone_of(&l->done, &x->by, x->a.number);

		if (!x->given)
			continue;
		action_id(id, x->node, x->a.number);
		action_line(line, &x->a);
		if (how == ACTDESK_ISSUED)
			log_info("action %s (%s, by uid %u on %s): %s", id, line, x->a.uid, x->node,
			    row != NULL ? row->text : "");
		if (how == ACTDESK_ISSUED)
			events_note(e, "action", x->node, "%s: %.90s, by uid %u: %s", id, line, x->a.uid,
			    row != NULL ? row->text : "");
		else if (how == ACTDESK_FAILED)
			events_note(e, "action", x->node, "%s: %.60s, by uid %u: the round failed: %s", id,
			    line, x->a.uid, error);
	}
}

void
actlead_ended(struct engine *e, enum actdesk_end how, const char *error)
{
	struct actlead *l = e->lead.desk;
	size_t aside = actlead_aside(e);
	bool more;

	tell_given(e, how, error);
	more = actdesk_ended(&l->desk, how, error);
	if (actlead_aside(e) > aside)
		log_warn("an action is set aside: each round with it failed; mesh status");
	if (more)
		lead_note(e, SCHED_ACTION);
}

/* --- shown ------------------------------------------------------------------------------------- */

/* Of who is away an operator can decide nothing; it is told again when that one is back. */
static bool
is_aside(const struct engine *e, const struct actdesk_item *x)
{
	struct mesh_member m;

	return x->a.aside && mesh_find(e->mesh, &x->by, &m) && m.state <= MESH_SUSPECT;
}

size_t
actlead_aside(const struct engine *e)
{
	const struct actdesk *d = &e->lead.desk->desk;
	size_t n = 0;

	for (uint32_t i = 0; i < d->count; i++)
		n += is_aside(e, &d->items[i]);
	return n;
}

bool
actlead_aside_line(const struct engine *e, size_t i, char text[ERR_TEXT_CAP], char hint[ERR_TEXT_CAP])
{
	const struct actdesk *d = &e->lead.desk->desk;
	char id[ACTION_ID_CAP], line[ACTION_LINE_CAP];

	for (uint32_t k = 0; k < d->count; k++) {
		const struct actdesk_item *x = &d->items[k];

		if (!is_aside(e, x) || i-- > 0)
			continue;
		action_id(id, x->node, x->a.number);
		action_line(line, &x->a);
		snprintf(text, ERR_TEXT_CAP, "action %s (%.120s, by uid %u) is set aside: %s%s", id, line,
		    x->a.uid, x->a.tries >= ACTION_TRIES_MAX ? "3 rounds with it failed: " : "", x->a.error);
		snprintf(hint, ERR_TEXT_CAP, "mesh action --retry %s | mesh action --drop %s", id, id);
		return true;
	}
	return false;
}

void
actlead_pack_row(const char *id, const char *node, const struct action *a, const char *state,
    msgpack_packer *pk)
{
	char line[ACTION_LINE_CAP], by[16];

	action_line(line, a);
	snprintf(by, sizeof by, "uid %u", a->uid);
	msgpack_pack_map(pk, 8);
	pk_kstr(pk, "id", id);
	pk_kstr(pk, "action", line);
	pk_kstr(pk, "by", by);
	pk_kstr(pk, "node", node);
	pk_kstr(pk, "state", state);
	pk_kuint(pk, "tries", a->tries);
	pk_kuint(pk, "at_ms", a->stamp_ms);
	pk_kstr(pk, "text", a->error);
}

void
actlead_pack(const struct engine *e, msgpack_packer *pk)
{
	const struct actdesk *d = &e->lead.desk->desk;
	char id[ACTION_ID_CAP];
	uint32_t n = 0;

	for (uint32_t i = 0; e->lead.leading && i < d->count; i++)
		n += !d->items[i].answered;
	msgpack_pack_array(pk, n);
	for (uint32_t i = 0; n > 0 && i < d->count; i++) {
		const struct actdesk_item *x = &d->items[i];

		if (x->answered)
			continue;
		action_id(id, x->node, x->a.number);
		actlead_pack_row(id, x->node, &x->a, x->a.aside ? "set aside" : "pending", pk);
	}
}
