/*
 * check_stable.c - what must come true where the network is well and nobody starts or
 * ends: asked of every world of WATCH_MAX nodes at most, a few times a second.
 *
 *	led-in-time		who holds the newest roster, and is enough of it, is led
 *	death-known-to-all	what one knows of the dead all know, where no datagram is
 *				lost and CROWD nodes pass it on: in rounds of gossip, which
 *				leave one out in one death of fifty, or when that one's
 *				table is next compared
 *	summaries-come-again	whoever missed a summary asks for it, and has it long
 *				before each is told again
 *
 * Who is asked has been there for all of that time.
 */
#include "../../gossip/brief.h"
#include "sim.h"

enum {
	EACH = SECOND / 10,
	LED = 25 * SECOND,
	NEWS = 8 * SECOND / 10, /* where CROWD nodes tell it, each to another ... */
	FEW_OF = 64,		 /* ... but for one of so many: when tables are compared */
	COMPARED = 25 * SECOND / 10,
	CROWD = 128,
	SETTLED = 10 * SECOND,
	AGAIN = 18 * SECOND, /* four questions; each is told again after 27 s */
	FEW = 32,
};

/* Up and awake for so long, and in, as far as it was told. */
static bool
in(const struct sim *s, uint32_t i, usec so_long)
{
	const struct sim_node *n = &s->node[i];

	if (s->now - n->paused_until < net_pace(s, so_long) || s->now - n->blocked_until < net_pace(s, so_long))
		return false;
	return n->mesh != NULL && n->out_at == 0 && n->mesh->member && !n->mesh->saved.left &&
	    s->now - n->changed_at >= net_pace(s, so_long);
}

static bool
calm(const struct sim *s, usec so_long)
{
	return net_calm(s, s->calm_since, net_pace(s, so_long));
}

/* Nobody started, ended, or was put out. */
static bool
stands(const struct sim *s, usec so_long)
{
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		if (s->now - s->node[i].changed_at < net_pace(s, so_long) ||
		    (s->node[i].out_at > 1 && s->now - s->node[i].out_at < net_pace(s, so_long)))
			return false;
	return true;
}

/* --- led-in-time --------------------------------------------------------------------- */

static bool
anybody_leads(const struct sim *s)
{
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		if (s->node[i].mesh != NULL && lead_grade(s->node[i].mesh, node_clock(s, i)) != MESH_GRADE_NONE)
			return true;
	return false;
}

static void
led(struct sim *s)
{
	uint32_t newest = UINT32_MAX;
	const struct mesh *m;
	struct tally t = {0};

	for (uint32_t i = 0; i < s->conf.nodes; i++) {
		m = s->node[i].mesh;
		if (in(s, i, LED) && (newest == UINT32_MAX ||
		    roster_cmp(&m->roster.id, &s->node[newest].mesh->roster.id) > 0))
			newest = i;
	}
	/* Who can't write says nothing that must be on its disk. */
	if (newest == UINT32_MAX || !stands(s, LED) ||
	    (s->conf.span > 0 && (s->conf.faults & (FAULT_BIT(eio) | FAULT_BIT(readonly))) != 0))
		return;
	m = s->node[newest].mesh;
	for (uint32_t k = 0; k < m->ms.count; k++) {
		uint32_t j = node_find(s, &m->ms.m[k].id);

		if (m->ms.m[k].roster != 0 && j != UINT32_MAX && in(s, j, LED))
			tally_add(&t, &m->ms.m[k]);
	}
	if (m->roster.n.all > 0 && quorum_of(&m->roster.n, &t))
		check_break(s, "led-in-time", newest, m->roster.id.version, t.new);
}

/* --- death-known-to-all ---------------------------------------------------------------- */

static const struct member *
held(const struct sim *s, uint32_t i, uint32_t j)
{
	const struct members *ms = &s->node[i].mesh->ms;
	uint32_t x = members_find_id(ms, &s->node[j].id);

	return x == MEMBER_NONE ? NULL : &ms->m[x];
}

static bool
mourns(const struct sim *s, uint32_t i, uint32_t j)
{
	const struct member *x = held(s, i, j);

	return x == NULL || !member_up(x);
}

/* Many at once are taken for a cut: each waits for its own suspicion to end. */
static bool
alone(const struct sim *s, uint32_t j)
{
	for (uint32_t k = 0; k < s->conf.nodes; k++)
		if (k != j && s->node[k].mesh == NULL && s->node[k].born_at > 0)
			return false;
	return true;
}

static void
death(struct sim *s, uint32_t j)
{
	struct sim_node *n = &s->node[j];
	bool known = false;

	for (uint32_t i = 0; i < s->conf.nodes && n->mesh == NULL && !known; i++) {
		const struct member *x = in(s, i, 0) ? held(s, i, j) : NULL;

		/* Of a roster alone, with no life, somebody is taken for dead too. */
		known = x != NULL && x->state == MESH_FAILED && x->generation == n->done.generation;
	}
	if (!known || n->out_at != 0 || n->copied || !alone(s, j)) {
		n->mourned_at = 0;
		return;
	}
	if (n->mourned_at == 0)
		n->mourned_at = s->now;
	usec since = s->now - n->mourned_at;
	uint32_t few = since < net_pace(s, COMPARED) ? s->conf.nodes / FEW_OF : 0;

	if (s->conf.nodes < CROWD || since < net_pace(s, NEWS) ||
	    !net_calm(s, s->still_since, since))
		return;
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		if (i != j && in(s, i, SETTLED) && s->now - s->node[i].changed_at > since &&
		    !mourns(s, i, j) && few-- == 0) {
			check_break(s, "death-known-to-all", i, j, (uint64_t)since);
			return;
		}
}

/* --- summaries-come-again ------------------------------------------------------------- */

/* Whoever asks one that is dead, and suspected yet, asks in vain. */
static bool
all_there(const struct sim *s, usec so_long)
{
	for (uint32_t i = 0; i < s->conf.nodes; i++) {
		const struct sim_node *n = &s->node[i];

		if (n->out_at == 0 && !n->spare && !n->stranger && !in(s, i, so_long))
			return false;
	}
	return true;
}

static void
again(struct sim *s, uint32_t j)
{
	const struct sim_made *made = &s->node[j].made;

	if (!in(s, j, 0) || made->count == 0 || s->now - made->at < net_pace(s, AGAIN) || s->node[j].copied || made->life != s->node[j].mesh->ms.m[0].generation)
		return;
	for (uint32_t i = 0; i < s->conf.nodes; i++) {
		const struct member *x = i != j && in(s, i, 0) ? held(s, i, j) : NULL;

		if (x != NULL && x->generation == made->life &&
		    (x->summary_count == 0 || brief_ahead(x->summary_count, made->count) < 0))
			check_break(s, "summaries-come-again", i, j, made->count);
	}
}

void
check_stable(struct sim *s)
{
	if (s->now < s->stable_at || s->conf.nodes > WATCH_MAX)
		return;
	s->stable_at = s->now + EACH;
	if (anybody_leads(s))
		s->led_at = s->now;
	else if (calm(s, LED) && s->now - s->led_at >= net_pace(s, LED))
		led(s);
	for (uint32_t j = 0; j < s->conf.nodes; j++)
		death(s, j);
	if (s->conf.nodes > FEW || !net_calm(s, s->still_since, net_pace(s, AGAIN)) ||
	    !all_there(s, AGAIN + SETTLED))
		return;
	for (uint32_t j = 0; j < s->conf.nodes; j++)
		again(s, j);
}
