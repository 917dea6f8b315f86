/*
 * belong.c - see belong.h.
 */
#include "belong.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "../base/log.h"
#include "addr.h"
#include "certify.h"
#include "engine.h"
#include "pack.h"

enum { ID_DIGITS = 2 * ID_BYTES, ID_DIGITS_MIN = 8, WHO_CAP = NAME_CAP + 16, PICK_NAMED = 4 };

static const char evicted_key[] = "evicted";

int
belong_load(struct engine *e, struct err *err)
{
	size_t len = 0;
	int rc = store_get(e->store, STORE_MISC, evicted_key, strlen(evicted_key), &e->evicted,
	    &len, err);

	if (rc < 0)
		return rc;
	e->saved.evicted = e->evicted;
	e->saved.evicted_bytes = e->evicted_bytes = rc > 0 ? len : 0;
	return 0;
}

int
belong_save(struct engine *e, const struct mesh_saved *s, struct err *err)
{
	if (s->evicted_bytes == e->evicted_bytes)
		return 0; /* the set only grows */
	if (store_put(e->store, STORE_MISC, evicted_key, strlen(evicted_key), s->evicted,
		s->evicted_bytes, err) < 0)
		return -err->code;
	e->evicted_bytes = s->evicted_bytes;
	return 0;
}

bool
belong_is_out(const struct engine *e)
{
	struct addr other;
	bool yielded;

	return e->mesh != NULL &&
	    (mesh_evicted(e->mesh) || mesh_left(e->mesh) || (mesh_twin(e->mesh, net_now(), &other, &yielded) && yielded));
}

const char *
belong_problem(const struct engine *e, char text[ERR_TEXT_CAP], const char **hint)
{
	char mine[ADDR_TEXT_CAP], theirs[ADDR_TEXT_CAP];
	struct addr other;
	bool yielded;

	if (e->mesh == NULL)
		return NULL;
	if (mesh_evicted(e->mesh)) {
		*hint = "to join as a new node: stop meshd, move state-dir aside, start, mesh join";
		return mesh_given_up(e->mesh) ?
			   "evicted: this node is out of the cluster for good, given up by a mesh recover, and runs only `keep` work" :
			   "evicted: this node is out of the cluster for good, and runs only `keep` work";
	}
	if (!mesh_twin(e->mesh, net_now(), &other, &yielded))
		return NULL;
	addr_format(&e->conf.advertise, mine, sizeof mine);
	addr_format(&other, theirs, sizeof theirs);
	*hint = yielded ? "a copied state-dir? to make this a node of its own: stop meshd, move state-dir aside, start, mesh join" :
			  "a copied state-dir? over there: stop meshd, move state-dir aside, start, mesh join";
	snprintf(text, ERR_TEXT_CAP, yielded ? "one identity in two places, here at %s and at %s, which was there first: this one is refused, and runs only `keep` work" :
				      "one identity in two places: here at %s, and at %s, which came later and is refused",
	    mine, theirs);
	return text;
}

bool
belong_refuses(const struct engine *e, struct ctl_req *r)
{
	char text[ERR_TEXT_CAP];
	const char *hint, *why;

	if (!belong_is_out(e) || (why = belong_problem(e, text, &hint)) == NULL)
		return false;
	ctl_fail(r, 1, hint, "%s: %s", r->verb, why);
	return true;
}

/* --- mesh evict ------------------------------------------------------------------ */

static void
digits(const struct node_id *id, char text[ID_DIGITS + 1])
{
	for (int i = 0; i < ID_BYTES; i++)
		snprintf(text + 2 * i, 3, "%02x", id->b[i]);
}

bool
belong_is(const struct mesh_member *m, const char *who)
{
	char id[ID_DIGITS + 1];
	size_t len = strlen(who);

	if (strcmp(m->name, who) == 0)
		return true;
	digits(&m->id, id);
	return len >= ID_DIGITS_MIN && len <= ID_DIGITS && memcmp(id, who, len) == 0;
}

uint32_t
belong_named(const struct engine *e, const char *who, struct mesh_member *out)
{
	struct mesh_member m;
	uint32_t n = 0;

	for (uint32_t i = 0; mesh_member(e->mesh, i, &m); i++)
		if (belong_is(&m, who)) {
			*out = m;
			n++;
		}
	return n;
}

/* The least is the one that is looked for. */
static int
order_of(const struct mesh_member *m, bool down)
{
	bool up = m->state <= MESH_SUSPECT;

	return m->state == MESH_LEFT ? 2 : up == down;
}

int
belong_pick(const struct engine *e, struct ctl_req *r, const char *who, bool down,
    struct mesh_member *out)
{
	char list[PICK_NAMED * (ID_DIGITS + ADDR_TEXT_CAP + 8)] = "", id[ID_DIGITS + 1], at[ADDR_TEXT_CAP];
	struct mesh_member m;
	int best = INT_MAX, n = 0, len = 0;

	for (uint32_t i = 0; e->mesh != NULL && mesh_member(e->mesh, i, &m); i++) {
		if (!belong_is(&m, who) || order_of(&m, down) > best)
			continue;
		if (order_of(&m, down) < best)
			len = n = 0;
		best = order_of(&m, down);
		*out = m;
		digits(&m.id, id);
		addr_format(&m.addr, at, sizeof at);
		if (++n <= PICK_NAMED)
			len += snprintf(list + len, sizeof list - (size_t)len, "%s%.16s at %s", n > 1 ? ", " : "", id, at);
	}
	if (n <= 1)
		return n;
	ctl_fail(r, 1, "give the id, or 8 or more of its first digits: mesh members -o wide",
	    "%s: '%s' is more than one node: %s%s", r->verb, who, list, n > PICK_NAMED ? ", ..." : "");
	return -1;
}

static void
refused(struct ctl_req *r, const struct mesh_member *m, int rc)
{
	if (rc == -ERR_IDENTITY)
		ctl_fail(r, 1, "run it on another node",
		    "evict: %s is this node: it can't put itself out", m->name);
	else if (rc == -ERR_QUORUM)
		ctl_fail(r, 1, "mesh members; bring others back first",
		    "evict: without %s those who are alive are no majority of the roster, and could never change it",
		    m->name);
	else if (rc == -ERR_CERT || rc == -ERR_AUTH)
		ctl_fail(r, EXIT_KEY, "run it where ca.key lies, or give --ca-key FILE",
		    rc == -ERR_CERT ? "evict: this cluster has a CA, and it alone puts %s out" :
				      "evict: %s: the CA of this cluster did not sign that",
		    m->name);
	else if (rc == -ERR_RANGE)
		ctl_fail(r, 1, "mesh status", "evict: this node has no vote, and no say");
	else if (rc == -ERR_EXPIRED)
		ctl_fail(r, 1, "run it on another node",
		    "evict: a mesh recover was made here: all that this node puts out counts as given up by it, and %s is not",
		    m->name);
	else
		ctl_fail(r, 1, "", "evict: %s: no room: as many are out as this node can keep",
		    m->name);
}

bool
belong_find(const struct engine *e, struct ctl_req *r, const char *verb, struct mesh_member *out)
{
	char who[WHO_CAP];
	uint32_t n;

	if (!ctl_arg_str(r, "node", who, sizeof who) || who[0] == '\0')
		ctl_fail(r, EXIT_USAGE_, "mesh help", "%s: missing NODE", verb);
	else if (e->mesh == NULL)
		ctl_fail(r, 1, "mesh status", "%s: this node is no member, and has no say", verb);
	else if ((n = belong_named(e, who, out)) == 1)
		return true;
	else
		ctl_fail(r, 1, "mesh members -o wide", n == 0 ? "%s: no node '%s' is known" :
								"%s: '%s' is more than one node: give the id",
		    verb, who);
	return false;
}

/* As whoever may: the CA where there is one, else this member. */
static int
put_out(struct engine *e, const struct ctl_req *r, const struct node_id *id)
{
	uint8_t token[KEY_BYTES], sig[SIG_BYTES];

	if (!certify_is(e))
		return mesh_evict(e->mesh, net_now(), id);
	if (!certify_arg(r, "token", token, sizeof token) || !certify_arg(r, "sig", sig, sizeof sig))
		return -ERR_CERT;
	return mesh_evict_decree(e->mesh, net_now(), id, token, sig);
}

void
belong_evict(struct engine *e, struct ctl_req *r)
{
	char id[ID_DIGITS + 1];
	struct mesh_member m;
	msgpack_sbuffer buf;
	msgpack_packer pk;
	int rc;

	if (!belong_find(e, r, "evict", &m))
		return;
	if ((rc = put_out(e, r, &m.id)) < 0) {
		refused(r, &m, rc);
		return;
	}
	digits(&m.id, id);
	if (!m.evicted)
		log_info("%s (%s) is evicted: an operator here said so", m.name, id);
	engine_kick(e);
	msgpack_sbuffer_init(&buf);
	msgpack_packer_init(&pk, &buf, msgpack_sbuffer_write);
	msgpack_pack_map(&pk, 3);
	pk_kstr(&pk, "evicted", m.name);
	pk_kstr(&pk, "id", id);
	pk_kbool(&pk, "before", m.evicted); /* it was out already: nothing new */
	ctl_answer(r, buf.data, buf.size, false);
	msgpack_sbuffer_destroy(&buf);
}
