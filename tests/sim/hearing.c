/*
 * hearing.c - reports told and taken in, as the daemon does it: as a difference
 * to the version that the hearer is said to hold, or whole.  The bytes are
 * none, but each fragment says when it was made and from which version it comes.
 *
 * A hearer keeps two samples of each node, the one that differences come from
 * and the newest.  What it must never see while it holds any: a difference to
 * something that it does not hold.  Only of two who speak under one name it may:
 * what one tells is no difference to what the other told.
 */
#include "sim.h"

#include <stdlib.h>

enum { FRAG_BYTES = 500, LIFE_SHIFT = 18 };

/* Sent as it lies in memory: no hole in it, whose bytes each compiler leaves as it likes. */
struct fragment {
	usec made;
	uint64_t base;
};
_Static_assert(sizeof(struct fragment) == 16, "no hole");

/* What a hearer holds of one node. */
struct sim_held {
	uint32_t base, now; /* versions; 0 = none */
	uint32_t next, next_base;
	uint64_t got;
	usec made;
};

/* Versions of larger worlds are not kept: their square is too much. */
static struct sim_held *
held_of(struct sim *s, uint32_t i, uint32_t from)
{
	struct sim_node *n = &s->node[i];

	if (s->conf.nodes > WATCH_MAX || from >= s->conf.nodes)
		return NULL;
	if (n->held_reports == NULL)
		n->held_reports = sim_must(calloc(s->conf.nodes, sizeof *n->held_reports));
	return &n->held_reports[from];
}

static void
tell(struct sim *s, uint32_t i, enum mesh_hears which, const struct mesh_hearer *h)
{
	struct sim_node *n = &s->node[i];
	struct fragment f = {s->now, h->wanted || s->conf.nodes > WATCH_MAX ? 0 : h->held};
	uint8_t buf[MESH_FRAGS_MAX * MESH_FRAG_BYTES_MAX];
	const uint8_t *frags[MESH_FRAGS_MAX];
	size_t bytes[MESH_FRAGS_MAX], count = 0;
	uint32_t version;

	memset(buf, (int)i, s->report_bytes);
	for (size_t at = 0; at < s->report_bytes; at += FRAG_BYTES, count++) {
		frags[count] = buf + at;
		bytes[count] = s->report_bytes - at < FRAG_BYTES ? s->report_bytes - at : FRAG_BYTES;
		memcpy(buf + at, &f, sizeof f);
	}
	if (which == MESH_LEADER_HEARS)
		s->made++;
	if (mesh_set_report(n->mesh, node_clock(s, i), which, frags, bytes, count, &version) < 0)
		check_break(s, "report-taken", i, which, 0);
	/* A hearer takes none that is older than what it has: each life is above. */
	else if (version >> LIFE_SHIFT != n->mesh->ms.m[0].generation)
		check_break(s, "report-of-this-life", i, version, n->mesh->ms.m[0].generation);
}

void
hearing_tell(struct sim *s, uint32_t i, bool due)
{
	for (int which = 0; which < MESH_HEARERS; which++) {
		struct mesh_hearer h;

		if (mesh_hearer(s->node[i].mesh, (enum mesh_hears)which, &h) && (due || h.wanted || h.due))
			tell(s, i, (enum mesh_hears)which, &h);
	}
}

/* The whole of version next is here. */
static void
complete(struct sim *s, uint32_t i, uint32_t from, struct sim_held *x)
{
	if (x->next_base != 0 && x->next_base != x->base && x->next_base != x->now) {
		if (x->now != 0 && !s->node[from].copied && !s->node[i].copied)
			check_break(s, "difference-to-what-is-held", i, x->next_base, x->now);
		mesh_refuse_report(s->node[i].mesh, &s->node[from].id, x->next);
		return;
	}
	if (x->next_base == 0 || x->next_base == x->now)
		x->base = x->next_base;
	x->now = x->next;
	if (s->on_report != NULL)
		s->on_report(s, i, from, x->made);
}

static void
take(struct sim *s, uint32_t i, uint32_t from, uint32_t version, uint32_t index, uint32_t count,
    const struct fragment *f)
{
	struct sim_held *x = held_of(s, i, from);

	if (x == NULL) {
		if (s->on_report != NULL && from < s->conf.nodes && index == 0)
			s->on_report(s, i, from, f->made);
		return;
	}
	if (x->next != version)
		x->got = 0;
	x->next = version;
	x->next_base = (uint32_t)f->base;
	x->made = f->made;
	x->got |= UINT64_C(1) << index;
	if (x->got == UINT64_MAX >> (64 - count))
		complete(s, i, from, x);
}

void
hearing_take(struct sim *s, uint32_t i)
{
	struct sim_node *n = &s->node[i];
	uint32_t version, index, count;
	uint8_t buf[MESH_FRAG_BYTES_MAX];
	struct fragment f;
	struct node_id from;
	size_t len;

	if (mesh_hearing(n->mesh) != n->hearing)
		hearing_forget(s, i);
	n->hearing = mesh_hearing(n->mesh);
	while ((len = mesh_next_report(n->mesh, &from, &version, &index, &count, buf, sizeof buf)) > 0) {
		sim_note(s, version, from.b[0]);
		if (len < sizeof f)
			continue;
		memcpy(&f, buf, sizeof f);
		take(s, i, node_find(s, &from), version, index, count, &f);
	}
}

void
hearing_forget(struct sim *s, uint32_t i)
{
	free(s->node[i].held_reports);
	s->node[i].held_reports = NULL;
	s->node[i].hearing = 0;
}
