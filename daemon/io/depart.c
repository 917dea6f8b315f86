/*
 * depart.c - see depart.h.
 */
#include "depart.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../gossip/pace.h"
#include "../base/log.h"
#include "../base/own.h"
#include "apply.h"
#include "belong.h"
#include "engine.h"
#include "going.h"
#include "pack.h"
#include "world.h"

enum { FLAG_STOP = 1, FLAG_AT_ONCE = 2, LIST_CAP = 200 };

/* Who waits longer than that without getting on is stuck, as far as one can see from
 * here: work moves by the user's own pace, a vote within some elections of a lan. */
static const msec patience_ms[] = {[DEPART_WORK] = 120000, [DEPART_VOTE] = 12000,
    [DEPART_STOP] = 30000, [DEPART_WIPE] = 12000};

static const char leaving_key[] = "leaving";

static bool
is_member(const struct engine *e)
{
	struct mesh_side s;

	if (e->mesh == NULL)
		return false;
	mesh_side(e->mesh, net_now(), &s);
	return s.member;
}

/* It is of no cluster since it left one. */
static bool
is_gone(const struct engine *e)
{
	struct mesh_saved s = e->saved;

	if (e->mesh != NULL)
		mesh_kept(e->mesh, &s);
	return sodium_is_zero(s.cluster, ID_BYTES) && s.left;
}

int
depart_load(struct engine *e, struct err *err)
{
	AUTO_FREE uint8_t *value = NULL;
	size_t len = 0;
	int rc = store_get(e->store, STORE_MISC, leaving_key, strlen(leaving_key), &value, &len, err);

	if (rc < 0)
		return rc;
	/* A store that was lost forgot the wish, but not that it was told to the others. */
	e->depart.asked = !sodium_is_zero(e->saved.cluster, ID_BYTES) &&
	    (rc > 0 || e->saved.leaving || e->saved.left);
	e->depart.stop_all = e->depart.asked && len == 1 && (value[0] & FLAG_STOP) != 0;
	e->depart.at_once = e->depart.asked && len == 1 && (value[0] & FLAG_AT_ONCE) != 0;
	return 0;
}

/* --- what runs here ---------------------------------------------------------------- */

/* Instances of one kind, and their names to text, as many as fit. */
static uint32_t
list(const struct engine *e, bool keep, char text[LIST_CAP])
{
	size_t at = 0;
	uint32_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < e->local.count; i++) {
		const struct sup_event *ev = &e->local.items[i].ev;

		if (!local_is_instance(ev) || (ev->policy == SUP_KEEP) != keep)
			continue;
		if (at + strlen(ev->instance) + 8 < LIST_CAP)
			at += (size_t)snprintf(text + at, LIST_CAP - at, "%s%s", n > 0 ? ", " : "",
			    ev->instance);
		else if (at + 5 < LIST_CAP && text[at - 1] != '.')
			at += (size_t)snprintf(text + at, LIST_CAP - at, " ...");
		n++;
	}
	return n;
}

static void
pack_list(const struct engine *e, const char *key, bool keep, msgpack_packer *pk)
{
	char text[LIST_CAP];

	pk_str(pk, key);
	msgpack_pack_array(pk, list(e, keep, text));
	for (size_t i = 0; i < e->local.count; i++) {
		const struct sup_event *ev = &e->local.items[i].ev;

		if (local_is_instance(ev) && (ev->policy == SUP_KEEP) == keep)
			pk_str(pk, ev->instance);
	}
}

/* A store that can't be trusted any more ends this engine (store.h). */
static void
not_stored(struct engine *e, const struct err *err)
{
	if (err->code == EXIT_STATE)
		engine_exit(e, EXIT_STATE, err->text);
}

/* --- the last step: nothing of the cluster stays ---------------------------------------- */

/* Keys of one kind, each behind its length. */
struct keys {
	msgpack_sbuffer buf;
	bool full;
};

static bool
take_key(void *arg, const uint8_t *key, size_t key_len, const uint8_t *body, size_t len)
{
	struct keys *k = arg;
	uint8_t n = (uint8_t)key_len;

	(void)body;
	(void)len;
	k->full = msgpack_sbuffer_write(&k->buf, (const char *)&n, 1) < 0 ||
	    msgpack_sbuffer_write(&k->buf, (const char *)key, key_len) < 0;
	return !k->full;
}

static int
wipe_kind(struct engine *e, enum store_kind kind, const struct keys *k, struct err *err)
{
	int rc = 0;

	for (size_t at = 0; rc >= 0 && at < k->buf.size; at += 1u + (uint8_t)k->buf.data[at])
		rc = store_del(e->store, kind, k->buf.data + at + 1, (uint8_t)k->buf.data[at], err);
	return rc;
}

static int
wipe_store(struct engine *e, struct err *err)
{
	struct keys k[STORE_MISC + 1];
	int rc = 0;

	memset(k, 0, sizeof k);
	for (int kind = STORE_ROSTER; rc >= 0 && kind <= STORE_MISC; kind++) {
		rc = store_each(e->store, (enum store_kind)kind, take_key, &k[kind], err);
		if (rc >= 0 && k[kind].full)
			rc = err_set(err, 1, "out of memory");
	}
	if (rc >= 0)
		rc = store_begin(e->store, err);
	for (int kind = STORE_ROSTER; rc >= 0 && kind <= STORE_MISC; kind++)
		if ((rc = wipe_kind(e, (enum store_kind)kind, &k[kind], err)) < 0)
			store_abort(e->store);
	if (rc >= 0)
		rc = store_commit(e->store, err);
	for (size_t i = 0; i < ARRAY_LEN(k); i++)
		msgpack_sbuffer_destroy(&k[i].buf);
	return rc;
}

/* --- step by step ------------------------------------------------------------------------ */

static void
waits(struct engine *e, enum depart_step step, uint32_t todo, const char *for_what, const char *names)
{
	struct depart *d = &e->depart;

	if (d->step != step || todo < d->todo)
		d->since = net_now();
	d->step = step;
	d->todo = todo;
	snprintf(d->waits, sizeof d->waits, "%.90s%.400s", for_what, names);
}

static void
wipe(struct engine *e)
{
	struct mesh_saved s;
	struct err err;

	mesh_kept(e->mesh, &s);
	mesh_left_behind(&s);
	if (wipe_store(e, &err) < 0) {
		not_stored(e, &err);
		waits(e, DEPART_WIPE, 0, "its state can't be wiped: ", err.text);
		return; /* the disk is full, say: again in a second */
	}
	recording_wipe(e);
	if (critical_save(&e->critical, &s, &err) < 0)
		engine_exit(e, EXIT_STATE, err.text);
	engine_exit(e, 0, "this node has left its cluster, and begins anew without one");
}

static void
look_left(struct engine *e)
{
	char moves[LIST_CAP], stays[LIST_CAP];
	uint32_t n;

	if (!e->local.known) {
		waits(e, DEPART_STOP, UINT32_MAX, "for the supervisor to say what runs here", "");
		return;
	}
	n = list(e, false, moves) + (e->depart.stop_all ? list(e, true, stays) : 0);
	if (n > 0)
		waits(e, DEPART_STOP, n, "for what stops here: ", moves[0] != '\0' ? moves : stays);
	else if (e->depart.step != DEPART_WIPE)
		waits(e, DEPART_WIPE, 1, "a moment, until its state is wiped", "");
}

static void
look_member(struct engine *e)
{
	char text[LIST_CAP];
	uint32_t n;
	int rc;

	if (belong_is_out(e)) {
		waits(e, DEPART_VOTE, 1, "to be let in again: it is refused", "");
	} else if (e->depart.at_once) {
		mesh_leave(e->mesh, net_now());
		engine_kick(e);
	} else if (!e->local.known) {
		waits(e, DEPART_WORK, UINT32_MAX, "for the supervisor to say what runs here", "");
	} else if ((n = list(e, false, text)) > 0) {
		waits(e, DEPART_WORK, n, "for its work to be elsewhere: ", text);
	} else if ((rc = mesh_leaving(e->mesh, net_now(), true)) < 0) {
		waits(e, DEPART_VOTE, 1,
		    rc == -ERR_RANGE ? "until its goodbye is said" :
		    "for others: without it those who are alive are no majority of the roster", "");
	} else {
		waits(e, DEPART_VOTE, 0, "until its vote is taken away", "");
		engine_kick(e);
	}
}

/* Out for good, as any whom others put out: there is nothing left to leave. */
static void
over(struct engine *e)
{
	struct err err;

	if (store_del(e->store, STORE_MISC, leaving_key, strlen(leaving_key), &err) < 0) {
		not_stored(e, &err);
		return; /* the disk is full, say: again in a second */
	}
	log_info("leaves no more: the others put it out of the cluster");
	e->depart = (struct depart){.asked = false};
	apply_settle_all(e);
}

void
depart_look(struct engine *e)
{
	if (!e->depart.asked || e->mesh == NULL || e->going_since != 0)
		return;
	if (mesh_left(e->mesh))
		look_left(e);
	else if (mesh_evicted(e->mesh))
		over(e);
	else if (is_member(e))
		look_member(e);
}

void
depart_second(struct engine *e)
{
	bool due = e->depart.step == DEPART_WIPE;

	depart_look(e);
	if (due && e->depart.step == DEPART_WIPE && e->going_since == 0)
		wipe(e);
}

/* --- what does not get on ------------------------------------------------------------------ */

static bool
is_stuck(const struct engine *e)
{
	const struct depart *d = &e->depart;
	msec patience = patience_ms[d->step];

	if (d->step == DEPART_VOTE)
		patience = pace_ms(e->conf.profile, patience);
	return d->asked && d->step != DEPART_NONE && net_now() - d->since >= patience;
}

static void
why_work(bool leads, char text[ERR_TEXT_CAP], const char **hint)
{
	snprintf(text, ERR_TEXT_CAP, leads ? "the schedule does not move it: perhaps nobody else can have it" :
					     "there is no leader to move it");
	*hint = leads ? "mesh why INSTANCE; mesh leave --force stops it here" :
			"mesh partition; mesh leave --force stops it here";
}

static void
why_vote(const struct engine *e, const struct mesh_side *s, char text[ERR_TEXT_CAP], const char **hint)
{
	char zone[NAME_CAP], tags[VIEW_TAGS_CAP], version[NAME_CAP];
	struct mesh_member m;

	if (!s->has_leader || !mesh_find(e->mesh, &s->leader, &m)) {
		snprintf(text, ERR_TEXT_CAP, "there is no leader: %u of the %u in the roster are alive", s->visible,
		    s->known);
		*hint = "mesh partition: bring others back; mesh leave --force goes without, and they may never agree again";
		return;
	}
	world_meta_read(&m, zone, tags, version);
	snprintf(text, ERR_TEXT_CAP, "%s leads, of version %s, and does not take it away%s", m.name, version,
	    strcmp(version, MESH_VERSION) == 0 ? "" : ": this node's is " MESH_VERSION ", and an older one knows no leaving");
	*hint = "mesh leader --to NODE, one of this version; mesh leave --force goes without";
}

/* What a person should know and do; "" = it gets on. */
static void
why(const struct engine *e, char text[ERR_TEXT_CAP], const char **hint)
{
	struct mesh_side s = {.has_leader = false};

	text[0] = '\0';
	*hint = "";
	if (e->depart.asked && e->mesh == NULL && e->key_error[0] != '\0') {
		snprintf(text, ERR_TEXT_CAP, "%.*s", ERR_TEXT_CAP - 1, e->key_error);
		*hint = "put that back, then mesh join HOST:PORT: the leaving goes on";
	}
	if (e->mesh == NULL || !is_stuck(e))
		return;
	mesh_side(e->mesh, net_now(), &s);
	switch (e->depart.step) {
	case DEPART_WORK:
		why_work(s.has_leader, text, hint);
		break;
	case DEPART_VOTE:
		why_vote(e, &s, text, hint);
		break;
	case DEPART_STOP:
		snprintf(text, ERR_TEXT_CAP, "it does not end");
		*hint = "mesh ps";
		break;
	default:
		snprintf(text, ERR_TEXT_CAP, "nothing of it was changed");
		*hint = "make room in state-dir";
		break;
	}
}

/* Without a key or certificate there is no machine that could leave. */
static const char *
what_for(const struct engine *e)
{
	if (e->mesh == NULL)
		return "for what lets it into its cluster";
	return e->depart.waits[0] != '\0' ? e->depart.waits : "a moment";
}

const char *
depart_problem(const struct engine *e, char text[ERR_TEXT_CAP], const char **hint)
{
	char was[2 * ID_BYTES + 1], reason[ERR_TEXT_CAP];

	if (is_gone(e)) {
		sodium_bin2hex(was, sizeof was, e->saved.was, ID_BYTES);
		snprintf(text, ERR_TEXT_CAP, "not a member: this node left the cluster %.8s", was);
		*hint = "mesh join HOST:PORT brings it back; mesh init makes a new cluster";
		return text;
	}
	if (!e->depart.asked)
		return NULL;
	why(e, reason, hint);
	snprintf(text, ERR_TEXT_CAP, "this node is leaving; it waits %.250s%s%.200s",
	    what_for(e), reason[0] != '\0' ? "; " : "", reason);
	if ((*hint)[0] == '\0')
		*hint = "mesh leave -w; mesh leave --cancel takes it back, while it is a member";
	return text;
}

bool
depart_refuses(const struct engine *e, struct ctl_req *r)
{
	if (e->mesh == NULL || !e->depart.asked || is_gone(e))
		return false;
	ctl_fail(r, 1, "mesh leave -w waits for that; mesh leave --cancel takes it back, while it is a member",
	    "%s: this node is leaving: not before it has left", r->verb);
	return true;
}

/* --- mesh leave ---------------------------------------------------------------------------- */

static const char *
state_of(const struct engine *e)
{
	struct mesh_member self = {.going = MESH_STAYS};

	if (is_gone(e))
		return "left";
	if (!e->depart.asked)
		return "stays";
	if (e->mesh == NULL)
		return e->saved.left ? "stopping" : e->saved.leaving ? "leaving" : "draining";
	if (mesh_left(e->mesh))
		return "stopping";
	return mesh_find(e->mesh, &e->identity.id, &self) && self.going == MESH_LEAVING ? "leaving" :
											  "draining";
}

static void
answer(struct engine *e, struct ctl_req *r)
{
	msgpack_packer *pk = ctl_begin(r);
	const struct depart *d = &e->depart;
	bool on = d->asked && !is_gone(e);
	struct mesh_side s = {.known = 0};
	char reason[ERR_TEXT_CAP];
	const char *hint;

	if (e->mesh != NULL)
		mesh_side(e->mesh, net_now(), &s);
	why(e, reason, &hint);
	msgpack_pack_map(pk, 10);
	pk_kstr(pk, "node", e->conf.name);
	pk_kstr(pk, "state", state_of(e));
	pk_kstr(pk, "waits", on ? (e->mesh == NULL ? what_for(e) : d->waits) : "");
	pk_kuint(pk, "waits_ms", on && d->step != DEPART_NONE ? (uint64_t)(net_now() - d->since) : 0);
	pk_kbool(pk, "stuck", on && reason[0] != '\0');
	pk_kstr(pk, "why", on ? reason : "");
	pk_kstr(pk, "hint", on ? hint : "");
	pk_kuint(pk, "roster", s.known);
	pack_list(e, "moving", false, pk);
	pack_list(e, "staying", true, pk);
	ctl_end(r);
}

/* It is of a cluster, and nothing lets it in there; answered. */
static bool
lacks(const struct engine *e, struct ctl_req *r)
{
	if (e->mesh != NULL || !e->depart.asked || is_gone(e))
		return false;
	ctl_fail(r, EXIT_KEY, "put that back, then mesh join HOST:PORT: the leaving goes on",
	    "leave: not without what lets this node into its cluster: %s",
	    e->key_error[0] != '\0' ? e->key_error : "it is not read yet");
	return true;
}

/* As mesh status says it; false: it is not out, or by its own wish. */
static bool
says_out(const struct engine *e, struct ctl_req *r)
{
	char text[ERR_TEXT_CAP];
	const char *problem, *hint;

	if (!belong_is_out(e) || mesh_left(e->mesh) || (problem = belong_problem(e, text, &hint)) == NULL)
		return false;
	ctl_fail(r, 1, hint, "leave: %s", problem);
	return true;
}

static void
take_back(struct engine *e, struct ctl_req *r)
{
	struct err err;

	if (lacks(e, r) || says_out(e, r))
		return;
	if (!is_member(e) || mesh_leaving(e->mesh, net_now(), false) < 0) {
		ctl_fail(r, 1, "mesh join HOST:PORT brings it back",
		    is_gone(e) || e->depart.asked ? "leave: too late: this node said goodbye" :
						    "leave: this node is no member");
		return;
	}
	if (store_del(e->store, STORE_MISC, leaving_key, strlen(leaving_key), &err) < 0) {
		not_stored(e, &err);
		ctl_fail(r, 1, "mesh status", "leave: not taken back: %s", err.text);
		return;
	}
	if (e->depart.asked)
		log_info("leaves no more: an operator here said so");
	e->depart = (struct depart){.asked = false};
	going_second(e);
	engine_kick(e);
	answer(e, r);
}

/* Who has no vote beside the only one who has is not the last. */
static bool
is_last(const struct engine *e, const struct mesh_side *s)
{
	struct mesh_member self;

	return s->known <= 1 && mesh_find(e->mesh, &e->identity.id, &self) && self.in_roster;
}

/* What only the operator can decide; false: it was refused, and r answered. */
static bool
decided(const struct engine *e, struct ctl_req *r)
{
	bool says = ctl_arg_bool(r, "keep") || ctl_arg_bool(r, "stop");
	bool last = ctl_arg_bool(r, "last");
	struct mesh_side s;
	char text[LIST_CAP];

	mesh_side(e->mesh, net_now(), &s);
	if (is_last(e, &s) && !last && !e->depart.asked) {
		ctl_fail(r, 1, "mesh leave --last, if that is meant",
		    "leave: %s is the last node: the cluster ends with it, and its schedule is gone",
		    e->conf.name);
	} else if (s.known > 1 && last) {
		ctl_fail(r, 1, "mesh roster", "leave: --last, but there are %u nodes in the roster", s.known);
	} else if (last && !is_last(e, &s)) {
		ctl_fail(r, 1, "mesh leave", "leave: --last, but %s is not in the roster", e->conf.name);
	} else if (e->depart.asked) {
		return true;
	} else if (!says && list(e, true, text) > 0) {
		ctl_fail(r, 1, "--stop ends it here; --keep lets it run on here, of no cluster",
		    "leave: `keep` work is here, which nothing moves: %s", text);
	} else if (!last && !ctl_arg_bool(r, "force") && mesh_may_leave(e->mesh) < 0) {
		ctl_fail(r, 1, "bring others back, or mesh evict the dead; --force leaves all the same",
		    "leave: without %s those who are alive are no majority of the roster, and could never change it",
		    e->conf.name);
	} else {
		return true;
	}
	return false;
}

/* Is there anything to begin, or to say more of? */
static bool
only_looks(const struct engine *e, const struct ctl_req *r)
{
	return ctl_arg_bool(r, "look") || is_gone(e) ||
	    (e->depart.asked && !ctl_arg_bool(r, "stop") && !ctl_arg_bool(r, "keep") &&
		!ctl_arg_bool(r, "force") && !ctl_arg_bool(r, "last"));
}

static void
begin(struct engine *e, struct ctl_req *r)
{
	struct depart d = e->depart;
	uint8_t flags;
	struct err err;

	d.asked = true;
	d.stop_all = ctl_arg_bool(r, "stop") || (d.stop_all && !ctl_arg_bool(r, "keep"));
	d.at_once = d.at_once || ctl_arg_bool(r, "force") || ctl_arg_bool(r, "last");
	flags = (uint8_t)((d.stop_all ? FLAG_STOP : 0) | (d.at_once ? FLAG_AT_ONCE : 0));
	if (store_put(e->store, STORE_MISC, leaving_key, strlen(leaving_key), &flags, 1, &err) < 0) {
		not_stored(e, &err);
		ctl_fail(r, 1, "mesh status", "leave: not kept, so not done: %s", err.text);
		return;
	}
	if (!e->depart.asked)
		log_info("leaves the cluster: an operator here said so");
	e->depart = d;
	going_second(e);
	apply_settle_all(e);
	depart_look(e);
	answer(e, r);
}

void
depart_verb(struct engine *e, struct ctl_req *r)
{
	if (ctl_arg_bool(r, "cancel"))
		take_back(e, r);
	else if (ctl_arg_bool(r, "stop") && ctl_arg_bool(r, "keep"))
		ctl_fail(r, EXIT_USAGE_, "mesh help leave", "leave: --stop or --keep, not both");
	else if (only_looks(e, r))
		answer(e, r);
	else if (belong_is_out(e) && !e->depart.asked)
		ctl_fail(r, 1, "mesh status", "leave: this node is out of its cluster already");
	else if (!e->depart.asked && starting_refuses(e, r))
		return;
	else if (!e->depart.asked && (!is_member(e) || !e->local.known))
		ctl_fail(r, 1, "mesh status", e->local.known ? "leave: this node is no member" :
							      "leave: not yet: what runs here is not known");
	else if (!lacks(e, r) && decided(e, r))
		begin(e, r);
}
