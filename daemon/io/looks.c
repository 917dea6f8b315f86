/*
 * looks.c - see looks.h.  All of it is this node's own knowledge; who wants to
 * know what the others think asks them (survey.h).
 */
#include "looks.h"

#include <stdio.h>

#include "../../gossip/look.h"
#include "../../gossip/mp.h"
#include "../base/name.h"
#include "addr.h"
#include "belong.h"
#include "engine.h"
#include "pack.h"
#include "status.h"
#include "world.h"

const char *
looks_state(const struct mesh_member *m)
{
	return m->evicted ? "evicted" : view_node_state_name(world_state(m));
}

void
looks_id_text(const struct node_id *id, char out[2 * ID_BYTES + 1])
{
	for (int i = 0; i < ID_BYTES; i++)
		snprintf(out + 2 * i, 3, "%02x", id->b[i]);
}

bool
looks_find(const struct engine *e, const char *name, struct mesh_member *out)
{
	struct mesh_member m;
	bool found = false;

	for (uint32_t i = 0; e->mesh != NULL && mesh_member(e->mesh, i, &m); i++) {
		if (strcmp(m.name, name) != 0)
			continue;
		if (!found || m.state < out->state)
			*out = m;
		found = true;
	}
	return found;
}

const char *
looks_suggest(const struct engine *e, const char *name, struct mesh_member *m)
{
	struct mesh_member x;
	const char *words[2];
	bool found = false;

	/* Pairwise: the better of the best so far and the next. */
	for (uint32_t i = 0; e->mesh != NULL && mesh_member(e->mesh, i, &x); i++) {
		words[0] = found ? m->name : x.name;
		words[1] = x.name;
		if (name_suggest(name, words, 2) != words[found])
			continue;
		*m = x;
		found = true;
	}
	return found ? m->name : NULL;
}

bool
looks_find_asked(const struct engine *e, struct ctl_req *r, const char *key, const char *usage,
    struct mesh_member *out)
{
	const char *near;
	char name[NAME_CAP];
	int n;

	if (!ctl_arg_str(r, key, name, sizeof name) || !name_ok(name, strlen(name))) {
		ctl_fail(r, EXIT_USAGE_, usage, "%s: no node's name", r->verb);
		return false;
	}
	if ((n = belong_pick(e, r, name, false, out)) != 0)
		return n > 0;
	near = looks_suggest(e, name, out);
	ctl_fail(r, 1, "mesh members", "no node '%s' is known%s%s%s", name,
	    near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
	    near != NULL ? "'?" : "");
	return false;
}

/* --- members ------------------------------------------------------------------- */

/* One of "k=v,k=v"? */
static bool
has_tag(const char *tags, const char *tag)
{
	size_t len = strlen(tag);

	while (*tags != '\0') {
		size_t n = strcspn(tags, ",");

		if (n == len && memcmp(tags, tag, n) == 0)
			return true;
		tags += n + (tags[n] == ',');
	}
	return false;
}

static bool
wanted(const struct mesh_member *m, const struct looks_filter *f)
{
	char zone[NAME_CAP], tags[VIEW_TAGS_CAP], version[NAME_CAP];

	if (f->status[0] != '\0' && strcmp(f->status, looks_state(m)) != 0)
		return false;
	if (f->name[0] != '\0' && !name_glob(f->name, m->name))
		return false;
	if (f->tag[0] == '\0')
		return true;
	world_meta_read(m, zone, tags, version);
	return has_tag(tags, f->tag);
}

static void
pack_ago(msgpack_packer *pk, const char *key, msec at, msec now)
{
	pk_str(pk, key);
	if (at == MSEC_NEVER)
		msgpack_pack_nil(pk);
	else
		msgpack_pack_int64(pk, now > at ? now - at : 0);
}

void
looks_pack_state(const struct mesh_member *m, msgpack_packer *pk)
{
	msec now = net_now();

	pk_kstr(pk, "state", looks_state(m));
	pk_kbool(pk, "unstable", m->unstable);
	pk_kbool(pk, "udp_blocked", m->udp_blocked);
	pk_kbool(pk, "draining", m->draining && m->state != MESH_LEFT);
	pk_kbool(pk, "leaving", m->going == MESH_LEAVING && m->state != MESH_LEFT);
	pack_ago(pk, "seen_ms", m->self ? now : m->seen, now);
}

static void
pack_member(const struct mesh_member *m, msgpack_packer *pk)
{
	char zone[NAME_CAP], tags[VIEW_TAGS_CAP], version[NAME_CAP], address[ADDR_TEXT_CAP];
	char id[2 * ID_BYTES + 1];

	looks_id_text(&m->id, id);
	addr_format(&m->addr, address, sizeof address);
	world_meta_read(m, zone, tags, version);
	msgpack_pack_map(pk, 12 + LOOKS_STATE_KEYS);
	pk_kstr(pk, "name", m->name);
	pk_kstr(pk, "id", id);
	pk_kstr(pk, "address", address);
	looks_pack_state(m, pk);
	pk_kstr(pk, "zone", zone);
	pk_kstr(pk, "tags", tags);
	pk_str(pk, "rtt_ms");
	if (m->rtt_ms >= 0)
		msgpack_pack_int(pk, m->rtt_ms);
	else
		msgpack_pack_nil(pk);
	pk_kstr(pk, "version", version);
	pk_kbool(pk, "leader", m->leader);
	pk_kbool(pk, "self", m->self);
	pk_kuint(pk, "generation", m->generation);
	pk_kbool(pk, "in_roster", m->in_roster);
	pack_ago(pk, "since_ms", m->since, net_now());
}

void
looks_pack_members(const struct engine *e, const struct looks_filter *f, msgpack_packer *pk)
{
	struct mesh_member m;
	uint32_t n = 0;

	for (uint32_t i = 0; e->mesh != NULL && mesh_member(e->mesh, i, &m); i++)
		n += wanted(&m, f);
	msgpack_pack_array(pk, n);
	for (uint32_t i = 0; e->mesh != NULL && mesh_member(e->mesh, i, &m); i++)
		if (wanted(&m, f))
			pack_member(&m, pk);
}

/* --- the leader ------------------------------------------------------------------ */

static void
pack_next(const struct engine *e, const struct mesh_lead *l, msgpack_packer *pk)
{
	struct mesh_member m;

	pk_str(pk, "next");
	msgpack_pack_array(pk, l->next_count);
	for (size_t i = 0; i < l->next_count; i++)
		if (mesh_find(e->mesh, &l->next[i], &m))
			pk_str(pk, m.name);
		else
			msgpack_pack_nil(pk);
}

/* What the leader alone knows: its lease, and how it was elected. */
static void
pack_lease(struct slice theirs, bool leads, msec left, bool by_quorum, msgpack_packer *pk)
{
	struct slice lease = status_view_get(theirs, "lease_ms");
	struct slice quorum = status_view_get(theirs, "by_quorum");
	struct mp l, q;
	int64_t n;

	mp_init(&l, lease.b, lease.len, 1);
	mp_init(&q, quorum.b, quorum.len, 1);
	if (!leads && lease.len > 0 && mp_int(&l, &n) == 0 && n >= 0)
		left = n;
	if (!leads && (quorum.len == 0 || mp_bool(&q, &by_quorum) < 0)) {
		pk_kint(pk, "lease_ms", left);
		pk_str(pk, "by_quorum");
		msgpack_pack_nil(pk);
		return;
	}
	pk_kint(pk, "lease_ms", left);
	pk_kbool(pk, "by_quorum", by_quorum);
}

void
looks_pack_leader(const struct engine *e, struct slice theirs, msgpack_packer *pk)
{
	char id[2 * ID_BYTES + 1] = "", address[ADDR_TEXT_CAP] = "";
	struct mesh_member m;
	struct mesh_lead l = {0};
	struct mesh_side s = {0};
	msec now = net_now();
	bool has;

	if (e->mesh != NULL) {
		mesh_side(e->mesh, now, &s);
		mesh_lead(e->mesh, now, &l);
	}
	if ((has = s.has_leader && mesh_find(e->mesh, &s.leader, &m))) {
		looks_id_text(&m.id, id);
		addr_format(&m.addr, address, sizeof address);
	}
	msgpack_pack_map(pk, 10);
	pk_kstr(pk, "leader", has ? m.name : "");
	pk_kstr(pk, "id", id);
	pk_kstr(pk, "address", address);
	pk_kuint(pk, "term", s.term);
	pk_kstr(pk, "grade", status_grade(s.grade));
	pk_kint(pk, "since_ms", s.member ? now - s.since : 0);
	pack_lease(theirs, l.leads, s.lease_until > now ? s.lease_until - now : 0, l.by_quorum, pk);
	pk_kint(pk, "promised_ms", l.promised_until > now ? l.promised_until - now : 0);
	pack_next(e, &l, pk);
}

/* --- the roster -------------------------------------------------------------------- */

static void
pack_vote(const struct mesh_member *m, const struct mesh_vote *v, bool knows, msgpack_packer *pk)
{
	msgpack_pack_map(pk, 8);
	pk_kstr(pk, "name", m->name);
	pk_kstr(pk, "state", looks_state(m));
	pk_kuint(pk, "weight", v->in_new ? v->weight_new : v->weight_old);
	pk_kuint(pk, "weight_old", v->weight_old);
	pk_kuint(pk, "weight_new", v->weight_new);
	pk_kstr(pk, "change",
	    v->in_old == v->in_new	   ? (v->weight_old == v->weight_new ? "" : "reweighed") :
		v->in_new		   ? "joins" :
					     "goes");
	pk_kbool(pk, "tie_breaker", v->tie_breaker);
	pk_str(pk, "stored");
	if (!knows)
		msgpack_pack_nil(pk);
	else if (v->stored)
		msgpack_pack_true(pk);
	else
		msgpack_pack_false(pk);
}

/* What the change under way needs to go on; "" when there is none. */
static void
waits_for(const struct mesh_roster *r, char out[160])
{
	out[0] = '\0';
	if (!r->knows_stored && r->seen_version > r->version)
		snprintf(out, 160, "this node holds version %llu, %llu is on its way",
		    (unsigned long long)r->version, (unsigned long long)r->seen_version);
	else if (r->joint && r->knows_stored && !r->stored)
		snprintf(out, 160,
		    "more than half of the old and of the new weight must store it: "
		    "%u of %u and %u of %u have",
		    r->stored_old, r->weight_old, r->stored_new, r->weight_new);
	else if (r->joint)
		snprintf(out, 160, "a full leader concludes it");
}

void
looks_pack_roster(const struct engine *e, msgpack_packer *pk)
{
	struct mesh_roster r = {0};
	struct mesh_member m;
	struct mesh_vote v;
	char waits[160], id[48];
	uint32_t n = 0;

	if (e->mesh != NULL)
		mesh_roster(e->mesh, &r);
	for (uint32_t i = 0; e->mesh != NULL && mesh_vote(e->mesh, i, &v); i++)
		n += v.in_old || v.in_new;
	waits_for(&r, waits);
	snprintf(id, sizeof id, "%llu.%llu", (unsigned long long)r.term,
	    (unsigned long long)r.version);
	msgpack_pack_map(pk, 12);
	pk_kstr(pk, "node", e->conf.name); /* whose knowledge it is */
	pk_kbool(pk, "out", belong_is_out(e)); /* and from when it was a member */
	pk_kstr(pk, "roster", id);
	pk_kuint(pk, "term", r.term);
	pk_kuint(pk, "version", r.version);
	pk_kuint(pk, "electors", r.electors);
	pk_kuint(pk, "weight", r.weight_new);
	pk_kbool(pk, "joint", r.joint);
	pk_kstr(pk, "waits_for", waits);
	pk_kbool(pk, "knows_stored", r.knows_stored);
	pk_kuint(pk, "stored_weight", r.stored_new);
	pk_str(pk, "votes");
	msgpack_pack_array(pk, n);
	for (uint32_t i = 0; n > 0 && mesh_vote(e->mesh, i, &v) && mesh_member(e->mesh, i, &m); i++)
		if (v.in_old || v.in_new)
			pack_vote(&m, &v, r.knows_stored, pk);
}

void
looks_pack_queues(const struct engine *e, msgpack_packer *pk)
{
	struct mesh_queues q = {0};

	if (e->mesh != NULL)
		mesh_queues(e->mesh, &q);
	msgpack_pack_map(pk, 12);
	pk_kuint(pk, "datagrams", q.out);
	pk_kuint(pk, "datagrams_max", q.out_max);
	pk_kuint(pk, "long_answers", q.jobs);
	pk_kuint(pk, "long_answers_max", q.jobs_max);
	pk_kuint(pk, "urgent", q.urgent);
	pk_kuint(pk, "news", q.news);
	pk_kuint(pk, "summaries", q.summaries);
	pk_kuint(pk, "evictions", q.evictions);
	pk_kuint(pk, "members", q.members);
	pk_kuint(pk, "members_max", q.members_max);
	pk_kuint(pk, "sessions", q.pairs);
	pk_kuint(pk, "local_health", q.health);
}
