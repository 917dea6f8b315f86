/*
 * revert.c - see revert.h.
 */
#include "revert.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../gossip/mp.h"
#include "../base/log.h"
#include "engine.h"
#include "events.h"
#include "over.h"
#include "pack.h"
#include "round.h"
#include "viewing.h"
#include "wire.h"

enum { REVERT_MS = 5000, WHO_CAP = 32 };

struct reverting {
	struct engine *e;
	struct ctl_req *r;
};

struct outcome {
	char stamp[STAMP_TEXT_CAP]; /* of the new one; "": why, and what to do */
	char why[ERR_TEXT_CAP];
	const char *hint;
};

static void
refuse(struct outcome *o, const char *why, const char *hint)
{
	snprintf(o->why, sizeof o->why, "%s", why);
	o->hint = hint;
}

/* Its parts of nodes that are not here any more go. */
static void
drop_strangers(const struct world *w, struct plan *p)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->nodes_count; i++) {
		bool is = false;

		for (size_t k = 0; k < w->nodes_count && !is; k++)
			is = strcmp(w->nodes[k].name, p->nodes[i].name) == 0 &&
			    w->nodes[k].state != VIEW_LEFT;
		if (is)
			p->nodes[kept++] = p->nodes[i];
		else
			plan_node_free(&p->nodes[i]);
	}
	p->nodes_count = kept;
}

static void
issue(struct engine *e, const struct schedule *old, bool force, struct outcome *o)
{
	struct plan plan = {0};
	struct err err;
	int rc;

	if (schedule_plan(old, &plan) < 0) {
		refuse(o, "that schedule can't be read any more", "mesh schedule history");
		return;
	}
	round_abandon(e);
	if (world_build(e, &e->lead.world) < 0) {
		plan_free(&plan);
		refuse(o, "out of memory", "");
		return;
	}
	drop_strangers(&e->lead.world, &plan);
	blob_free(&plan.changes); /* they were that one's */
	blob_free(&plan.replies);
	rc = round_revert(e, &plan, force, &err);
	plan_free(&plan);
	world_free(&e->lead.world);
	if (rc < 0)
		refuse(o, err.text, force ? "mesh status" : "mesh schedule diff STAMP shows it; mesh schedule revert --force STAMP does it");
	else
		stamp_text(&e->keep.current.meta.stamp, o->stamp);
	lead_note(e, SCHED_ACTION);
}

/* On the leader. */
static void
revert(struct engine *e, const char *stamp, bool force, const char *who, struct outcome *o)
{
	struct schedule old;
	struct err err;
	int rc;

	*o = (struct outcome){.hint = ""};
	if (!e->lead.leading) {
		refuse(o, "this node does not lead", "mesh leader");
		return;
	}
	rc = keep_find(&e->keep, stamp, &old, &err);
	if (rc < 0) {
		if (err.code == EXIT_STATE)
			engine_exit(e, EXIT_STATE, err.text);
		refuse(o, err.text, "");
		return;
	}
	if (rc == 0) {
		snprintf(o->why, sizeof o->why, "the leader, %s, has no schedule %s any more", e->conf.name, stamp);
		o->hint = "mesh schedule history";
		return;
	}
	issue(e, &old, force, o);
	schedule_free(&old);
	if (o->stamp[0] == '\0')
		return;
	log_warn("schedule %s is %s again, as %s wished%s", o->stamp, stamp, who, force ? ", by force" : "");
	events_note(e, "reverted", e->conf.name, "schedule %s is %s again, as %s wished%s", o->stamp, stamp,
	    who, force ? ", by force" : "");
}

void
revert_serve(struct engine *e, const uint8_t *payload, size_t len, struct stream_answer *answer)
{
	char stamp[STAMP_TEXT_CAP], who[WHO_CAP], shown[4 * WHO_CAP];
	struct outcome o;
	msgpack_sbuffer buf;
	msgpack_packer pk;
	uint32_t n;
	bool force;
	struct mp mp;

	mp_init(&mp, payload, len, 1);
	if (mp_array(&mp, &n) < 0 || n != 3 || mp_cstr(&mp, stamp, sizeof stamp) < 0 ||
	    mp_bool(&mp, &force) < 0 || mp_cstr(&mp, who, sizeof who) < 0 || mp_end(&mp) < 0) {
		stream_answer_fail(answer, ERR_MALFORMED);
		return;
	}
	err_escape(shown, sizeof shown, who, strlen(who));
	revert(e, stamp, force, shown, &o);
	pk_begin_array(&buf, &pk, 3);
	pk_str(&pk, o.stamp);
	pk_str(&pk, o.why);
	pk_str(&pk, o.hint);
	stream_answer_send(answer, buf.data, buf.size);
	msgpack_sbuffer_destroy(&buf);
}

static void
tell(struct ctl_req *r, const char *stamp, const char *why, const char *hint)
{
	msgpack_packer *pk;

	if (stamp[0] == '\0') {
		ctl_fail(r, 1, hint, "schedule: not reverted: %s", why);
		return;
	}
	pk = ctl_begin(r);
	msgpack_pack_map(pk, 1);
	pk_kstr(pk, "reverted", stamp);
	ctl_end(r);
}

static void
take_text(struct mp *mp, char *out, size_t cap)
{
	const char *s;
	size_t n;

	out[0] = '\0';
	if (mp_str(mp, &s, &n) == 0)
		err_escape(out, cap, s, n);
}

static void
on_answer(void *arg, int rc, const uint8_t *data, size_t len)
{
	struct reverting *v = arg;
	char stamp[STAMP_TEXT_CAP], why[ERR_TEXT_CAP], hint[ERR_TEXT_CAP];
	uint32_t n = 0;
	struct mp mp;

	mp_init(&mp, data, rc == 0 ? len : 0, 1);
	if (rc < 0)
		ctl_fail(v->r, 1, "mesh leader", "schedule: the leader did not take it: %s", stream_error(rc));
	else if (mp_array(&mp, &n) < 0 || n != 3)
		ctl_fail(v->r, 1, "mesh leader", "schedule: the leader's answer is not understood");
	if (rc == 0 && n == 3) {
		take_text(&mp, stamp, sizeof stamp);
		take_text(&mp, why, sizeof why);
		take_text(&mp, hint, sizeof hint);
		tell(v->r, stamp, why, hint);
	}
	free(v);
}

void
revert_verb(struct engine *e, struct ctl_req *r, const char *stamp, bool force)
{
	struct reverting *v;
	struct outcome o;
	char who[WHO_CAP];
	msgpack_sbuffer buf;
	msgpack_packer pk;
	struct node_id to;

	snprintf(who, sizeof who, "uid %u", r->uid);
	if (!viewing_leader(e, &to)) {
		revert(e, stamp, force, who, &o);
		tell(r, o.stamp, o.why, o.hint);
		return;
	}
	if ((v = calloc(1, sizeof *v)) == NULL) {
		ctl_fail(r, 1, "", "out of memory");
		return;
	}
	*v = (struct reverting){e, r};
	pk_begin_array(&buf, &pk, 3);
	pk_str(&pk, stamp);
	if (force)
		msgpack_pack_true(&pk);
	else
		msgpack_pack_false(&pk);
	pk_str(&pk, who);
	if (!over_ask(e, &to, &(struct over_question){QUERY_REVERT, true, buf.data, buf.size, REVERT_MS},
		on_answer, v))
		on_answer(v, STREAM_CONNECT, NULL, 0);
	msgpack_sbuffer_destroy(&buf);
}
