/*
 * check_told.c - summaries fill what a node may say in a second, and no more.
 *
 *	summaries-in-budget	20 KiB a second, with the frames and headers around them;
 *				a handful of datagrams more at once
 *	summary-by-its-owner	of a life that its owner lives no more are held than it made,
 *				and of that number the one that it made
 *	suspected-hears-it	first of all, in whatever is said to it, so that it can answer;
 *				but of many in a cut, who are asked (gossip/cut.c)
 */
#include "../../gossip/brief.h"
#include "sim.h"

enum { TOLD_LOOKS = 4, TOLD_BYTES_S = 20480, TOLD_BURST = 6 * (DGRAM_BYTES_MAX + 28), AROUND = SEAL_OVERHEAD + 28 };

static size_t told; /* in the datagram that is being made */

bool __real_cargo_load(struct cargo *c, const struct rumour *r);
bool __wrap_cargo_load(struct cargo *c, const struct rumour *r);

bool
__wrap_cargo_load(struct cargo *c, const struct rumour *r)
{
	bool fits = __real_cargo_load(c, r);

	if (fits && r->briefs != NULL)
		told += r->briefs_len + AROUND;
	return fits;
}

void __real_cargo_fill(struct mesh *m, msec now, struct cargo *c, const struct out *o);
void __wrap_cargo_fill(struct mesh *m, msec now, struct cargo *c, const struct out *o);

static const struct mesh *silent; /* it said something to one whom it suspects, and not that */

static bool
says_so(const struct cargo *c, const struct node_id *id)
{
	struct mp r;
	struct rumour one;

	mp_init(&r, c->w.buf, c->w.len, 2);
	for (uint32_t k = 0; k < c->count && rumour_read(&r, &one) == 0; k++)
		if (one.briefs == NULL && one.eviction == NULL && one.state == MESH_SUSPECT &&
		    id_eq(&one.id, id))
			return true;
	return false;
}

void
__wrap_cargo_fill(struct mesh *m, msec now, struct cargo *c, const struct out *o)
{
	struct member *to = o->to == MEMBER_NONE ? NULL : &m->ms.m[o->to];
	bool suspected = to != NULL && to->state == MESH_SUSPECT &&
	    (o->kind == PACKET_PING || o->kind == PACKET_ACK || o->kind == PACKET_GOSSIP);

	if (suspected)
		plant_before_said(to);
	check_news_before(m, o);
	__real_cargo_fill(m, now, c, o);
	check_news_after(m, now, c, o);
	if (suspected)
		plant_after_said(to);
	if (suspected && now >= m->swim.cut_until && !says_so(c, &to->id))
		silent = m;
}

static bool
same(const struct mesh_summary *a, const struct mesh_summary *b)
{
	return a->cpu_percent == b->cpu_percent && a->mem_percent == b->mem_percent &&
	    a->disk_percent == b->disk_percent && a->load_centi == brief_load(b->load_centi) &&
	    a->instances == b->instances && a->facts_hash == b->facts_hash;
}

/* Member k of its table. */
static void
check_owner(struct sim *s, uint32_t i, uint32_t k)
{
	const struct members *ms = &s->node[i].mesh->ms;
	uint32_t own = node_find(s, &ms->m[k].id);
	const struct member *held = &ms->m[k], *made;

	/* Who lost its disk may begin a life that it lived before, until others say so. */
	if (k == 0 || held->summary_count == 0 || own == UINT32_MAX || s->node[own].mesh == NULL ||
	    copy_fresh(s, own) || s->faults_done[FAULT_lost] > 0)
		return;
	made = &s->node[own].mesh->ms.m[0];
	if (held->generation != made->generation)
		return;
	if (brief_ahead(held->summary_count, made->summary_count) > 0 ||
	    (held->summary_count == s->node[own].made.count && s->node[own].made.life == made->generation &&
		!same(&held->summary, &s->node[own].made.summary)))
		check_break(s, "summary-by-its-owner", i, own, held->summary_count);
}

/* Its last summary, and since when it is that. */
void
check_made(struct sim *s, uint32_t i)
{
	const struct member *self = &s->node[i].mesh->ms.m[0];
	struct sim_made *made = &s->node[i].made;

	if (self->summary_count != made->count || self->generation != made->life)
		*made = (struct sim_made){.summary = self->summary, .life = self->generation,
		    .count = self->summary_count, .at = s->now};
}

/* Node i has made one.  A bucket that leaks what is allowed. */
void
check_told(struct sim *s, uint32_t i)
{
	struct sim_node *n = &s->node[i];
	uint64_t leaked = (uint64_t)((s->now - n->told_at) * TOLD_BYTES_S / SECOND);

	if (silent == n->mesh)
		check_break(s, "suspected-hears-it", i, 0, 0);
	silent = NULL;
	if (check_news_unfair(n->mesh))
		check_break(s, "news-fewest-first", i, 0, 0);
	if (told == 0)
		return;
	/* A few each time: a table may be long. */
	for (uint32_t k = 0; k < TOLD_LOOKS; k++)
		check_owner(s, i, n->told_turn++ % n->mesh->ms.count);
	n->told_bytes = (n->told_bytes > leaked ? n->told_bytes - leaked : 0) + told;
	n->told_at = s->now;
	told = 0;
	if (n->told_bytes > (uint64_t)TOLD_BURST)
		check_break(s, "summaries-in-budget", i, n->told_bytes, TOLD_BURST);
}
