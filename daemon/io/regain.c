/*
 * regain.c - see regain.h.
 */
#include "regain.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/log.h"
#include "../base/name.h"
#include "belong.h"
#include "certify.h"
#include "engine.h"
#include "pack.h"

enum { LOST_MAX = MESH_LOST_MAX, SIGS_CAP = LOST_MAX * 2 * SIG_BYTES + 1 };
_Static_assert(NAME_LIST_CAP >= LOST_MAX * NAME_CAP, "as many names fit on the line");

struct lost {
	size_t count;
	struct mesh_lost act[LOST_MAX];
	char name[LOST_MAX][NAME_CAP];
};

/* Whom `lost` names; false: answered. */
static bool
take(const struct engine *e, struct ctl_req *r, struct lost *out)
{
	char list[NAME_LIST_CAP], *at = list, *who;
	struct mesh_member m;
	struct mesh_came came;

	out->count = 0;
	if (!ctl_arg_str(r, "lost", list, sizeof list) || !name_list_ok(list)) {
		ctl_fail(r, EXIT_USAGE_, "mesh help recover", "recover: --lost NAMES: who is gone for good?");
		return false;
	}
	while ((who = strsep(&at, ",")) != NULL) {
		uint32_t n = belong_named(e, who, &m);

		if (n != 1) {
			ctl_fail(r, 1, "mesh members -o wide", n == 0 ? "recover: no node '%s' is known" :
				"recover: '%s' is more than one node: give the id", who);
			return false;
		}
		for (size_t k = 0; k < out->count; k++)
			if (id_eq(&out->act[k].id, &m.id))
				n = 0;
		if (n == 0)
			continue; /* named twice */
		if (out->count == LOST_MAX) {
			ctl_fail(r, 1, "bring back so many that no more are dead",
			    "recover: '%s' is one too many: at most %d can be given up at once", who, LOST_MAX);
			return false;
		}
		out->act[out->count].id = m.id;
		(void)mesh_came(e->mesh, &m.id, &came);
		memcpy(out->act[out->count].token, came.token, KEY_BYTES);
		snprintf(out->name[out->count++], NAME_CAP, "%s", m.name);
	}
	return true;
}

static bool
has_vote(const struct mesh_member *m)
{
	return m->in_roster && m->state != MESH_LEFT; /* evicted ones too are that */
}

/* The first of the roster who is named and not known to be dead, or not named and not
 * alive; or "". */
static const char *
odd_one(const struct engine *e, const struct lost *l, bool named, struct mesh_member *m)
{
	for (uint32_t i = 0; mesh_member(e->mesh, i, m); i++) {
		bool is = false;

		for (size_t k = 0; k < l->count; k++)
			is = is || id_eq(&l->act[k].id, &m->id);
		if (is == named && has_vote(m) &&
		    (named ? m->state != MESH_FAILED : m->state != MESH_ALIVE))
			return m->name;
	}
	return "";
}

static void
not_dead(const struct engine *e, struct ctl_req *r, const struct lost *l)
{
	struct mesh_member m = {.state = MESH_ALIVE};
	const char *name = odd_one(e, l, true, &m);

	if (m.state == MESH_SUSPECT)
		ctl_fail(r, 1, "again in some seconds; mesh members",
		    "recover: %s is suspected, and not known to be dead yet", name);
	else
		ctl_fail(r, 1, "mesh members; whoever is alive is not lost",
		    "recover: %s is alive, as far as this node knows", name);
}

/* Whoever is named first and has no vote; or "". */
static const char *
voteless(const struct engine *e, const struct lost *l)
{
	struct mesh_member m;

	for (size_t k = 0; k < l->count; k++)
		if (!mesh_find(e->mesh, &l->act[k].id, &m) || !has_vote(&m))
			return l->name[k];
	return "";
}

static void
refused(const struct engine *e, struct ctl_req *r, const struct lost *l, int rc)
{
	struct mesh_member m;

	switch (-rc) {
	case ERR_IDENTITY:
		not_dead(e, r, l);
		break;
	case ERR_QUORUM:
		ctl_fail(r, 1, "name it too, or bring it back; who died lately is suspected first",
		    "recover: %s is not alive, and not named", odd_one(e, l, false, &m));
		break;
	case ERR_NOT_LEADER:
		ctl_fail(r, 1, "mesh evict NODE", "recover: there is a majority: nothing is to be recovered");
		break;
	case ERR_UNKNOWN:
		ctl_fail(r, 1, "mesh roster", "recover: %s has no vote: it can't be missed", voteless(e, l));
		break;
	case ERR_CERT:
	case ERR_AUTH:
		ctl_fail(r, EXIT_KEY, "run it where ca.key lies, or give --ca-key FILE",
		    "recover: this cluster has a CA, and it did not sign that");
		break;
	case ERR_EXPIRED:
		ctl_fail(r, 1, "say it again", "recover: the terms moved on meanwhile");
		break;
	case ERR_FULL:
		ctl_fail(r, 1, "", "recover: no room: as many are out as this node can keep");
		break;
	default:
		ctl_fail(r, 1, "mesh status", "recover: this node has no vote, and no say");
	}
}

/* --- what it gives up ------------------------------------------------------------------ */

static bool
is_lost(const struct lost *l, const struct mesh_member *m)
{
	for (size_t k = 0; k < l->count; k++)
		if (id_eq(&l->act[k].id, &m->id))
			return true;
	return false;
}

/* A schedule knows names alone: one that somebody bears who is alive is not lost. */
static bool
is_lost_name(const struct engine *e, const struct lost *l, const char *name)
{
	struct mesh_member m;
	bool is = false;

	for (size_t k = 0; k < l->count; k++)
		is = is || strcmp(l->name[k], name) == 0;
	for (uint32_t i = 0; is && mesh_member(e->mesh, i, &m); i++)
		is = m.state != MESH_ALIVE || strcmp(m.name, name) != 0;
	return is;
}

/* Of the schedule in force here: what those nodes may still run, of which there must be
 * one in the world (or which has its data there). */
static uint32_t
pack_work(const struct engine *e, const struct lost *l, enum plan_split split, msgpack_packer *pk)
{
	const struct plan *p = &e->apply.plan;
	uint32_t n = 0;

	for (size_t i = 0; i < p->nodes_count; i++)
		for (size_t k = 0; is_lost_name(e, l, p->nodes[i].name) && k < p->nodes[i].places_count; k++) {
			const struct plan_place *place = &p->nodes[i].places[k];
			const struct plan_role *role = plan_role(p, place->role);

			for (size_t x = 0; role != NULL && role->on_split == split &&
			     x < place->instances_count; x++) {
				n++;
				if (pk != NULL)
					pk_str(pk, place->instances[x].id);
			}
		}
	return n;
}

static void
pack_hex(msgpack_packer *pk, const char *key, const uint8_t *b, size_t len)
{
	char text[2 * KEY_BYTES + 1];

	pk_kstr(pk, key, sodium_bin2hex(text, sizeof text, b, len));
}

static void
pack_stay(const struct engine *e, const struct lost *l, msgpack_packer *pk)
{
	struct mesh_member m;
	uint32_t n = 0;

	for (uint32_t i = 0; mesh_member(e->mesh, i, &m); i++)
		n += has_vote(&m) && !is_lost(l, &m);
	pk_str(pk, "stay");
	msgpack_pack_array(pk, n);
	for (uint32_t i = 0; mesh_member(e->mesh, i, &m); i++)
		if (has_vote(&m) && !is_lost(l, &m))
			pk_str(pk, m.name);
}

static void
answer(struct engine *e, struct ctl_req *r, const struct lost *l, uint64_t number, bool done)
{
	msgpack_packer *pk = ctl_begin(r);

	msgpack_pack_map(pk, 7);
	pk_kbool(pk, "done", done);
	pk_kuint(pk, "number", number);
	pack_hex(pk, "pk", e->identity.pk, KEY_BYTES);
	pk_str(pk, "lost");
	msgpack_pack_array(pk, l->count);
	for (size_t k = 0; k < l->count; k++) {
		msgpack_pack_map(pk, 3);
		pk_kstr(pk, "name", l->name[k]);
		pack_hex(pk, "id", l->act[k].id.b, ID_BYTES);
		pack_hex(pk, "token", l->act[k].token, KEY_BYTES);
	}
	if (done) {
		pk_str(pk, "stay");
		msgpack_pack_array(pk, 0);
	} else {
		pack_stay(e, l, pk);
	}
	pk_str(pk, "exclusive");
	msgpack_pack_array(pk, pack_work(e, l, PLAN_EXCLUSIVE, NULL));
	pack_work(e, l, PLAN_EXCLUSIVE, pk);
	pk_str(pk, "keep");
	msgpack_pack_array(pk, pack_work(e, l, PLAN_KEEP, NULL));
	pack_work(e, l, PLAN_KEEP, pk);
	ctl_end(r);
}

/* What the CA signed: of the recovery, and of each that it gives up in their order. */
static bool
take_sigs(const struct ctl_req *r, struct lost *l, uint64_t *number, uint8_t *sig)
{
	uint8_t all[LOST_MAX * SIG_BYTES];
	char text[SIGS_CAP];
	int64_t n;
	size_t len = 0;

	if (!ctl_arg_int(r, "number", &n) || n <= 0 || !certify_arg(r, "sig", sig, SIG_BYTES) ||
	    !ctl_arg_str(r, "sigs", text, sizeof text) ||
	    sodium_hex2bin(all, sizeof all, text, strlen(text), NULL, &len, NULL) != 0 ||
	    len != l->count * SIG_BYTES)
		return false;
	*number = (uint64_t)n;
	for (size_t k = 0; k < l->count; k++)
		memcpy(l->act[k].sig, all + k * SIG_BYTES, SIG_BYTES);
	return true;
}

void
regain_verb(struct engine *e, struct ctl_req *r)
{
	struct node_id ids[LOST_MAX];
	uint8_t sig[SIG_BYTES];
	struct lost l;
	uint64_t number;
	int rc;

	if (e->mesh == NULL) {
		refused(e, r, NULL, -ERR_RANGE);
		return;
	}
	if (!take(e, r, &l))
		return;
	for (size_t k = 0; k < l.count; k++)
		ids[k] = l.act[k].id;
	number = mesh_recovery(e->mesh);
	if ((rc = mesh_may_recover(e->mesh, net_now(), ids, l.count)) < 0) {
		refused(e, r, &l, rc);
		return;
	}
	if (!ctl_arg_bool(r, "yes")) {
		answer(e, r, &l, number, false);
		return;
	}
	if (certify_is(e) && !take_sigs(r, &l, &number, sig))
		rc = -ERR_CERT;
	else
		rc = mesh_recover(e->mesh, net_now(), number, certify_is(e) ? sig : NULL, l.act, l.count);
	if (rc < 0) {
		refused(e, r, &l, rc);
		return;
	}
	log_warn("the roster is made anew without %zu that are lost: an operator here said so", l.count);
	engine_kick(e);
	answer(e, r, &l, number, true);
}
