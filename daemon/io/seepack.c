/*
 * seepack.c - see seepack.h.
 */
#include "seepack.h"

#include <stdio.h>

#include "../../gossip/look.h"
#include "addr.h"
#include "engine.h"
#include "looks.h"
#include "pack.h"
#include "status.h"

static const char *
name_of(const struct compare *c, const struct node_id *id)
{
	uint32_t i = compare_find(c, id);

	return i < c->count ? c->nodes[i].name : "?";
}

/* --- side by side --------------------------------------------------------------- */

static void
pack_node(const struct compare *c, uint32_t i, msgpack_packer *pk)
{
	static const char *const asked[] = {[COMPARE_NOT_ASKED] = "not asked",
	    [COMPARE_SILENT] = "silent",
	    [COMPARE_ANSWERED] = "answered"};
	const struct compare_node *n = &c->nodes[i];
	bool told = n->asked == COMPARE_ANSWERED;
	char id[2 * ID_BYTES + 1];

	looks_id_text(&n->id, id);
	msgpack_pack_map(pk, 11);
	pk_kstr(pk, "name", n->name);
	pk_kstr(pk, "id", id);
	pk_kbool(pk, "self", i == c->self);
	pk_kbool(pk, "known_here", !n->stranger);
	pk_kstr(pk, "asked", asked[n->asked]);
	pk_kstr(pk, "why", n->why);
	pk_kstr(pk, "via", n->via);
	pk_kstr(pk, "grade", told ? status_grade((enum mesh_grade)n->grade) : "");
	pk_kuint(pk, "term", n->term);
	pk_kstr(pk, "leader", told && n->has_leader ? name_of(c, &n->leader) : "");
	pk_str(pk, "sees");
	if (!told) {
		msgpack_pack_nil(pk);
		return;
	}
	msgpack_pack_str(pk, c->count);
	for (uint32_t k = 0; k < c->count; k++)
		msgpack_pack_str_body(pk, &compare_cell(c, i, k)->see, 1);
}

void
seepack_compare(const struct engine *e, const struct compare *c, int64_t took_ms,
    msgpack_packer *pk)
{
	msgpack_pack_map(pk, 6);
	pk_kstr(pk, "node", e->conf.name);
	pk_kint(pk, "took_ms", took_ms);
	pk_str(pk, "nodes");
	msgpack_pack_array(pk, c->count);
	for (uint32_t i = 0; i < c->count; i++)
		pack_node(c, i, pk);
	pk_str(pk, "faults");
	msgpack_pack_array(pk, c->faults_count);
	for (uint32_t i = 0; i < c->faults_count; i++) {
		const struct compare_fault *f = &c->faults[i];

		msgpack_pack_map(pk, 4);
		pk_kstr(pk, "kind", f->kind);
		pk_kstr(pk, "text", f->text);
		pk_kstr(pk, "node", c->nodes[f->about].name);
		pk_kstr(pk, "other", c->nodes[f->other].name);
	}
	pk_kuint(pk, "faults_more", c->faults_more);
	pk_kuint(pk, "unlisted", c->unlisted);
}

/* --- the sides ------------------------------------------------------------------------ */

static bool
is_of_side(const struct compare *c, uint32_t i, uint32_t first)
{
	return c->nodes[i].asked == COMPARE_ANSWERED && compare_same_side(&c->nodes[i], &c->nodes[first]);
}

static void
pack_sides(const struct compare *c, msgpack_packer *pk)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->count; i++)
		n += compare_opens_side(c, i);
	pk_str(pk, "sides");
	msgpack_pack_array(pk, n);
	for (uint32_t i = 0; i < c->count; i++) {
		const struct compare_node *x = &c->nodes[i];
		uint32_t members = 0;

		if (!compare_opens_side(c, i))
			continue;
		for (uint32_t k = 0; k < c->count; k++)
			members += is_of_side(c, k, i);
		msgpack_pack_map(pk, 5);
		pk_kstr(pk, "leader", x->has_leader ? name_of(c, &x->leader) : "");
		pk_kuint(pk, "term", x->term);
		pk_kstr(pk, "grade", status_grade((enum mesh_grade)x->grade));
		pk_kint(pk, "since_ms", x->since_ms);
		pk_str(pk, "nodes");
		msgpack_pack_array(pk, members);
		for (uint32_t k = 0; k < c->count; k++)
			if (is_of_side(c, k, i))
				pk_str(pk, c->nodes[k].name);
	}
}

static bool
is_missing(const struct mesh_member *m)
{
	return m->in_roster && m->state > MESH_SUSPECT;
}

static void
pack_missing(const struct engine *e, msgpack_packer *pk)
{
	char address[ADDR_TEXT_CAP];
	struct mesh_member m;
	struct mesh_vote v;
	uint32_t n = 0;

	for (uint32_t i = 0; mesh_member(e->mesh, i, &m); i++)
		n += is_missing(&m);
	pk_str(pk, "missing");
	msgpack_pack_array(pk, n);
	for (uint32_t i = 0; mesh_member(e->mesh, i, &m) && mesh_vote(e->mesh, i, &v); i++) {
		if (!is_missing(&m))
			continue;
		addr_format(&m.addr, address, sizeof address);
		msgpack_pack_map(pk, 5);
		pk_kstr(pk, "name", m.name);
		pk_kstr(pk, "address", address);
		pk_kstr(pk, "state", looks_state(&m));
		pk_kint(pk, "since_ms", net_now() - m.since);
		pk_kuint(pk, "weight", v.weight_new);
	}
}

static void
pack_up(const struct engine *e, const char *key, bool unheard, msgpack_packer *pk)
{
	struct mesh_member m;
	uint32_t n = 0;

	for (uint32_t i = 0; mesh_member(e->mesh, i, &m); i++)
		n += m.state <= MESH_SUSPECT && m.unheard == unheard;
	pk_str(pk, key);
	msgpack_pack_array(pk, n);
	for (uint32_t i = 0; mesh_member(e->mesh, i, &m); i++)
		if (m.state <= MESH_SUSPECT && m.unheard == unheard)
			pk_str(pk, m.name);
}

static void
pack_silent(const struct compare *c, msgpack_packer *pk)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->count; i++)
		n += c->nodes[i].asked == COMPARE_SILENT;
	pk_str(pk, "silent");
	msgpack_pack_array(pk, n);
	for (uint32_t i = 0; i < c->count; i++)
		if (c->nodes[i].asked == COMPARE_SILENT)
			pk_str(pk, c->nodes[i].name);
}

void
seepack_partition(const struct engine *e, const struct compare *c, msgpack_packer *pk)
{
	struct mesh_member m;
	struct mesh_side s;
	struct mesh_vote v;
	const char *tie = "";

	mesh_side(e->mesh, net_now(), &s);
	msgpack_pack_map(pk, 15);
	pk_kstr(pk, "node", e->conf.name);
	pk_kstr(pk, "grade", status_grade(s.grade));
	pk_kuint(pk, "visible", s.visible - s.unheard);
	pk_kuint(pk, "known", s.known);
	pk_kuint(pk, "visible_weight", s.visible_weight - s.unheard_weight);
	pk_kuint(pk, "known_weight", s.known_weight);
	pk_kuint(pk, "term", s.term);
	pk_kint(pk, "since_ms", s.member ? net_now() - s.since : 0);
	pk_kstr(pk, "leader",
	    s.has_leader && mesh_find(e->mesh, &s.leader, &m) ? m.name : "");
	for (uint32_t i = 0; mesh_vote(e->mesh, i, &v) && tie[0] == '\0'; i++)
		if (v.tie_breaker && mesh_member(e->mesh, i, &m))
			tie = m.name;
	pk_kstr(pk, "tie_breaker", tie);
	pack_up(e, "here", false, pk);
	pack_up(e, "suspected", true, pk);
	pack_missing(e, pk);
	pack_sides(c, pk);
	pack_silent(c, pk);
}

/* --- from here alone -------------------------------------------------------------------- */

void
seepack_reached(const struct engine *e, int64_t took_ms, msgpack_packer *pk)
{
	uint32_t n = mesh_count(e->mesh), asked = 0, answered = 0;
	char address[ADDR_TEXT_CAP];
	struct mesh_reached r;
	struct mesh_member m;

	for (uint32_t i = 0; i < n && mesh_member(e->mesh, i, &m); i++) {
		mesh_reached(e->mesh, &m.id, &r);
		asked += r.asked;
		answered += r.answered;
	}
	msgpack_pack_map(pk, 5);
	pk_kstr(pk, "node", e->conf.name);
	pk_kint(pk, "took_ms", took_ms);
	pk_kuint(pk, "asked", asked);
	pk_kuint(pk, "answered", answered);
	pk_str(pk, "nodes");
	msgpack_pack_array(pk, asked);
	for (uint32_t i = 0; i < n && mesh_member(e->mesh, i, &m); i++) {
		mesh_reached(e->mesh, &m.id, &r);
		if (!r.asked)
			continue;
		addr_format(&m.addr, address, sizeof address);
		msgpack_pack_map(pk, 7);
		pk_kstr(pk, "name", m.name);
		pk_kstr(pk, "address", address);
		pk_kstr(pk, "state", looks_state(&m));
		pk_kbool(pk, "answered", r.answered);
		pk_kbool(pk, "heard", r.heard);
		pk_kbool(pk, "udp_blocked", m.udp_blocked);
		pk_str(pk, "rtt_ms");
		if (r.answered)
			msgpack_pack_int(pk, r.rtt_ms);
		else
			msgpack_pack_nil(pk);
	}
}

void
seepack_rtt(const char *from, const struct mesh_member *to, int32_t rtt_ms, const char *by,
    bool own, msgpack_packer *pk)
{
	msgpack_pack_map(pk, 6);
	pk_kstr(pk, "from", from);
	pk_kstr(pk, "to", to->name);
	pk_kstr(pk, "state", looks_state(to));
	pk_str(pk, "rtt_ms");
	if (rtt_ms >= 0)
		msgpack_pack_int(pk, rtt_ms);
	else
		msgpack_pack_nil(pk);
	pk_kstr(pk, "measured_by", by);
	pk_str(pk, "answers"); /* now: the figure may be an old one */
	if (!own)
		msgpack_pack_nil(pk);
	else if (to->answers)
		msgpack_pack_true(pk);
	else
		msgpack_pack_false(pk);
}

void
seepack_rtts(const struct engine *e, msgpack_packer *pk)
{
	uint32_t n = 0;
	struct mesh_member m;

	for (uint32_t i = 0; e->mesh != NULL && mesh_member(e->mesh, i, &m); i++)
		n += !m.self;
	msgpack_pack_array(pk, n);
	for (uint32_t i = 0; n > 0 && mesh_member(e->mesh, i, &m); i++)
		if (!m.self)
			seepack_rtt(e->conf.name, &m, m.rtt_ms, e->conf.name, true, pk);
}
