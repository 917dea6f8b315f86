/*
 * rotate.c - see rotate.h.  Both sides run do_here(), so it means the same wherever
 * it was asked.
 */
#include "rotate.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "../base/log.h"
#include "../base/name.h"
#include "acts.h"
#include "belong.h"
#include "certify.h"
#include "engine.h"
#include "looks.h"
#include "over.h"
#include "pack.h"
#include "viewing.h"
#include "wire.h"

enum { ASK_MS = 2000 };

struct asking {
	struct engine *e;
	struct ctl_req *r;
	bool rotate;
	char without[NAME_CAP], rest[NAME_LIST_CAP]; /* who is asked about next */
};

/* --- what is so ------------------------------------------------------------------- */

static const char *
phase_name(enum mesh_keys_phase phase)
{
	static const char *const names[] = {[MESH_KEYS_STEADY] = "steady",
	    [MESH_KEYS_ANNOUNCED] = "announced", [MESH_KEYS_CHANGING] = "changing"};

	return names[phase];
}

/* Told as the step that the member has taken. */
static const char *
state_name(const struct mesh_keys *mine, const struct mesh_keys_member *x)
{
	if (!x->known)
		return "unknown";
	if (x->have.used < mine->used)
		return x->have.next ? "accepted" : "behind";
	if (x->have.used > mine->used)
		return "ahead";
	if (mine->next)
		return x->have.next ? "accepted" : "asking";
	return x->have.old ? "using" : "done";
}

static void
pack_members(const struct engine *e, const struct mesh_keys *mine, msgpack_packer *pk)
{
	struct mesh_keys_member x;
	uint32_t n = 0;

	for (uint32_t i = 0; mesh_keys_member(e->mesh, i, &x); i++)
		n += !sodium_is_zero(x.id.b, ID_BYTES);
	msgpack_pack_array(pk, n);
	for (uint32_t i = 0; mesh_keys_member(e->mesh, i, &x); i++) {
		struct mesh_member m;

		if (sodium_is_zero(x.id.b, ID_BYTES) || !mesh_find(e->mesh, &x.id, &m))
			continue;
		msgpack_pack_map(pk, 5);
		pk_kstr(pk, "name", m.name);
		pk_str(pk, "epoch");
		if (x.known)
			msgpack_pack_uint32(pk, x.have.used);
		else
			msgpack_pack_nil(pk);
		pk_kstr(pk, "state", state_name(mine, &x));
		pk_kbool(pk, "waited", x.waited);
		pk_kbool(pk, "passed", x.passed);
	}
}

/* Has member i, which is here or may come back, no vote?  Then nobody hands it a key. */
static bool
misses(const struct engine *e, uint32_t i, const struct mesh_member *m)
{
	struct mesh_keys_member x;

	return mesh_keys_member(e->mesh, i, &x) && sodium_is_zero(x.id.b, ID_BYTES) &&
	    m->state != MESH_LEFT && !m->evicted;
}

static void
pack_missing(const struct engine *e, msgpack_packer *pk)
{
	struct mesh_member m;
	uint32_t n = 0;

	for (uint32_t i = 0; mesh_member(e->mesh, i, &m); i++)
		n += misses(e, i, &m);
	pk_str(pk, "without_vote");
	msgpack_pack_array(pk, n);
	for (uint32_t i = 0; mesh_member(e->mesh, i, &m); i++) {
		if (!misses(e, i, &m))
			continue;
		msgpack_pack_map(pk, 3);
		pk_kstr(pk, "name", m.name);
		pk_kstr(pk, "state", looks_state(&m));
		pk_kbool(pk, "up", m.state <= MESH_SUSPECT);
	}
}

static void
pack_state(const struct engine *e, msgpack_packer *pk)
{
	struct mesh_keys_state s;

	mesh_keys_state(e->mesh, &s);
	msgpack_pack_map(pk, 8);
	pack_missing(e, pk);
	pk_kbool(pk, "certified", certify_is(e)); /* who missed the key is let in by its certificate */
	pk_kuint(pk, "epoch", s.keys.used);
	pk_kstr(pk, "phase", phase_name(s.phase));
	pk_kbool(pk, "leader", s.leads);
	pk_kuint(pk, "members", s.members);
	pk_str(pk, "waiting");
	if (s.leads)
		msgpack_pack_uint32(pk, s.waiting);
	else
		msgpack_pack_nil(pk);
	pk_str(pk, "nodes");
	if (s.leads)
		pack_members(e, &s.keys, pk);
	else
		msgpack_pack_array(pk, 0);
}

static void
tell_state(const struct engine *e, struct ctl_req *r)
{
	msgpack_packer *pk = ctl_begin(r);

	pack_state(e, pk);
	ctl_end(r);
}

/* --- what is asked ------------------------------------------------------------------ */

/* 0, or a negative ERR_ that rotate_words() puts into words: what a leader that does not
 * know the question says is none of these. */
static int
do_here(struct engine *e, bool rotate, const char *without)
{
	struct mesh_member m;
	int rc = rotate ? mesh_keys_rotate(e->mesh, net_now()) : 0;

	if (rc == -ERR_UNKNOWN)
		rc = -ERR_NO_VOTE;
	if (rc < 0 || without[0] == '\0') {
		net_kick(&e->net);
		return rc;
	}
	rc = -ERR_IDENTITY;
	for (uint32_t i = 0; rc != 0 && mesh_member(e->mesh, i, &m); i++)
		if (belong_is(&m, without))
			rc = mesh_keys_pass(e->mesh, net_now(), &m.id);
	net_kick(&e->net);
	return rc == -ERR_UNKNOWN ? -ERR_IDENTITY : rc;
}

const char *
rotate_words(int rc, const char *without, const char *voteless, char text[ERR_TEXT_CAP])
{
	bool many = strchr(voteless, ',') != NULL;
	const char *what = "only a leader with a full quorum changes the key", *hint = "mesh partition";

	if (rc == -ERR_IDENTITY) {
		snprintf(text, ERR_TEXT_CAP, "keys: no member of the roster is called '%s'", without);
		return "mesh keys status";
	}
	if (rc == -ERR_RANGE && without[0] != '\0') {
		snprintf(text, ERR_TEXT_CAP, "keys: %s is up: only who is down can be passed over", without);
		return "mesh members";
	}
	if (rc == -ERR_NO_VOTE && voteless[0] != '\0') {
		snprintf(text, ERR_TEXT_CAP, "keys: %s %s up and %s no vote: a change would leave %s behind",
		    voteless, many ? "are" : "is", many ? "have" : "has", many ? "them" : "it");
		return "ask again when mesh roster has all who are up; or stop meshd there: with a CA its certificate "
		       "lets it in afterwards, else it comes as a new node, with mesh keys export";
	}
	if (rc == -ERR_NO_VOTE) {
		what = "a node that is up has no vote yet, or has told nothing yet";
		hint = "ask again in a second; mesh members";
	} else if (rc == -ERR_UNKNOWN || rc == -ERR_MALFORMED) {
		what = "the leader does not understand what is asked of it: an older meshd?";
		hint = "update it, or let another lead: mesh leader --to NODE";
	} else if (rc != -ERR_NOT_LEADER) {
		snprintf(text, ERR_TEXT_CAP, "keys: the leader did not take it: %s", stream_error(rc));
		return "mesh leader";
	}
	snprintf(text, ERR_TEXT_CAP, "keys: %s", what);
	return hint;
}

static void
failed(const struct engine *e, struct ctl_req *r, const char *without, int rc)
{
	char text[ERR_TEXT_CAP], names[4 * NAME_CAP];
	const char *hint;

	rotate_misses(e, true, names, sizeof names);
	hint = rotate_words(rc, without, names, text);
	ctl_fail(r, 1, hint, "%s", text);
}

/* Joined by commas.  Of who does not fit nothing is said: the others first. */
static size_t
add_name(char *names, size_t cap, const char *name)
{
	size_t at = strlen(names);

	if (at + strlen(name) + 2 > cap)
		return 0;
	snprintf(names + at, cap - at, "%s%s", at == 0 ? "" : ",", name);
	return 1;
}

size_t
rotate_misses(const struct engine *e, bool up, char *names, size_t cap)
{
	struct mesh_member m;
	size_t n = 0;

	names[0] = '\0';
	for (uint32_t i = 0; mesh_member(e->mesh, i, &m); i++)
		if (misses(e, i, &m) && (m.state <= MESH_SUSPECT) == up)
			n += add_name(names, cap, m.name);
	return n;
}

size_t
rotate_waits(const struct engine *e, char *names, size_t cap)
{
	struct mesh_keys_member x;
	struct mesh_keys_state s;
	struct mesh_member m;
	size_t n = 0;

	mesh_keys_state(e->mesh, &s);
	names[0] = '\0';
	for (uint32_t i = 0; s.leads && mesh_keys_member(e->mesh, i, &x); i++)
		if (x.waited && mesh_find(e->mesh, &x.id, &m) && m.state == MESH_FAILED)
			n += add_name(names, cap, m.name);
	return n;
}

/* The first of the names, which may be none; the others, which follow it. */
static const char *
take_name(const char *names, char out[NAME_CAP])
{
	size_t len = strcspn(names, ",");

	snprintf(out, NAME_CAP, "%.*s", (int)len, names);
	return names + len + (names[len] == ',');
}

static void ask(struct engine *e, struct ctl_req *r, bool rotate, const char *names);

static void
on_answer(void *arg, int rc, const uint8_t *data, size_t len)
{
	struct asking *a = arg;

	if (rc == 0 && a->rest[0] != '\0')
		ask(a->e, a->r, false, a->rest);
	else if (rc == 0 && viewing_is_map((struct slice){data, len}))
		ctl_answer(a->r, data, len, false);
	else if (!a->rotate && a->without[0] == '\0')
		tell_state(a->e, a->r); /* nobody knows more than this node */
	else
		failed(a->e, a->r, a->without, rc == 0 ? -ERR_RANGE : rc);
	free(a);
}

/* One node a question: an answer that is no says whom it is about. */
static void
ask(struct engine *e, struct ctl_req *r, bool rotate, const char *names)
{
	char without[NAME_CAP];
	const char *rest = take_name(names, without);
	struct asking *a;
	msgpack_sbuffer buf;
	msgpack_packer pk;
	struct over_question q;
	struct node_id to;
	int rc;

	if (!viewing_leader(e, &to)) {
		while ((rc = do_here(e, rotate, without)) == 0 && *rest != '\0') {
			rest = take_name(rest, without);
			rotate = false;
		}
		if (rc < 0)
			failed(e, r, without, rc);
		else
			tell_state(e, r);
		return;
	}
	if ((a = calloc(1, sizeof *a)) == NULL) {
		ctl_fail(r, 1, "", "out of memory");
		return;
	}
	*a = (struct asking){.e = e, .r = r, .rotate = rotate};
	snprintf(a->without, sizeof a->without, "%s", without);
	snprintf(a->rest, sizeof a->rest, "%s", rest);
	pk_begin_array(&buf, &pk, 2);
	if (rotate)
		msgpack_pack_true(&pk);
	else
		msgpack_pack_false(&pk);
	pk_str(&pk, without);
	q = (struct over_question){QUERY_KEYS, rotate || without[0] != '\0', buf.data, buf.size, ASK_MS};
	if (!over_ask(e, &to, &q, on_answer, a))
		on_answer(a, STREAM_CONNECT, NULL, 0);
	msgpack_sbuffer_destroy(&buf);
}

/* Each of the names means one; false: r is answered. */
static bool
each_is_one(const struct engine *e, struct ctl_req *r, const char *names)
{
	char one[NAME_CAP];
	struct mesh_member m;

	while (*names != '\0') {
		names = take_name(names, one);
		if (belong_pick(e, r, one, true, &m) < 0)
			return false;
	}
	return true;
}

/* Only to who may write: it opens everything this cluster says. */
static void
export(struct engine *e, struct ctl_req *r)
{
	char text[2 * KEY_BYTES + 1];
	struct mesh_keys_state s;
	msgpack_sbuffer buf;
	msgpack_packer pk;

	mesh_keys_state(e->mesh, &s);
	if (s.keys.next) {
		ctl_fail(r, 1, "mesh keys status; export when that is done",
		    "keys: the key is being changed: the one of now lets nobody in any more");
		return;
	}
	sodium_bin2hex(text, sizeof text, e->keys.key, KEY_BYTES);
	pk_begin_map(&buf, &pk, 2);
	pk_kuint(&pk, "epoch", e->keys.epoch);
	pk_kstr(&pk, "key", text);
	ctl_answer(r, buf.data, buf.size, false);
	sodium_memzero(buf.data, buf.size);
	sodium_memzero(text, sizeof text);
	msgpack_sbuffer_destroy(&buf);
	log_info("the cluster key was given to an operator here");
}

void
rotate_verb(struct engine *e, struct ctl_req *r)
{
	char what[16] = "", without[NAME_LIST_CAP] = "";
	bool force = ctl_arg_bool(r, "force");

	(void)ctl_arg_str(r, "command", what, sizeof what);
	bool bad = ctl_arg_has(r, "other") && !ctl_arg_str(r, "other", without, sizeof without);
	if (e->mesh == NULL || !e->keys.has_key)
		ctl_fail(r, 1, "mesh init | mesh join", "keys: not a member of a cluster");
	else if (strcmp(what, "status") == 0 && without[0] == '\0')
		ask(e, r, false, "");
	else if (strcmp(what, "rotate") != 0 && strcmp(what, "export") != 0)
		ctl_fail(r, EXIT_USAGE_, "mesh keys status|rotate|export", "keys: status, rotate or export?");
	else if (!r->may_write)
		acts_refuse(r);
	else if (strcmp(what, "export") == 0 && certify_is(e))
		ctl_fail(r, 1, "mesh token, and there mesh join HOST:PORT TOKEN",
		    "keys: this cluster has a CA: its key lets nobody in, and is given to members alone");
	else if (strcmp(what, "export") == 0)
		export(e, r);
	else if (bad || force != (without[0] != '\0') || (force && !name_list_ok(without)))
		ctl_fail(r, EXIT_USAGE_, "mesh keys rotate --force NODE[,NODE]",
		    "keys: --force and the NODE that is down go together");
	else if (each_is_one(e, r, without))
		ask(e, r, true, without);
}

void
rotate_serve(struct engine *e, const uint8_t *payload, size_t len, struct stream_answer *answer)
{
	char without[NAME_CAP];
	const char *s;
	msgpack_sbuffer buf;
	msgpack_packer pk;
	struct mp mp;
	bool rotate;
	uint32_t n;
	size_t k;
	int rc;

	mp_init(&mp, payload, len, 1);
	if (mp_array(&mp, &n) < 0 || n != 2 || mp_bool(&mp, &rotate) < 0 ||
	    mp_str(&mp, &s, &k) < 0 || mp_end(&mp) < 0 || k >= sizeof without ||
	    (k > 0 && !name_ok(s, k))) {
		stream_answer_fail(answer, ERR_MALFORMED);
		return;
	}
	memcpy(without, s, k);
	without[k] = '\0';
	rc = e->mesh == NULL ? -ERR_UNKNOWN : do_here(e, rotate, without);
	if (rc < 0) {
		stream_answer_fail(answer, (uint8_t)-rc);
		return;
	}
	pk_begin(&buf, &pk);
	pack_state(e, &pk);
	stream_answer_send(answer, buf.data, buf.size);
	msgpack_sbuffer_destroy(&buf);
}
