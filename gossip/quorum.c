/*
 * quorum.c - see quorum.h.  Whatever the configuration says, a *full* leader
 * needs more than half of the roster's weight, so two full sides always share
 * an elector; `any`, `min`, `weight` and `degraded` only say which smaller
 * sides go on without claiming that nobody else does.
 *
 * The weights are the roster's, agreed on and stored like the roster itself,
 * and not each node's own configuration: two nodes that disagree about a weight
 * could each count a majority that shares nobody.
 */
#include "quorum.h"

#include "inner.h"

enum { SILENT_MS = 2500 }; /* two attempts and more */

void
tally_add(struct tally *t, const struct member *x)
{
	if ((x->roster & MEMBER_OLD) != 0)
		t->old += x->weight.old;
	if ((x->roster & MEMBER_NEW) != 0)
		t->new += x->weight.new;
	t->tie |= x->weight.tie & x->roster;
	tally_heads(t, x);
}

void
tally_heads(struct tally *t, const struct member *x)
{
	if (x->roster == 0)
		return;
	t->all++;
	t->weight += (x->roster & MEMBER_NEW) != 0 ? x->weight.new : x->weight.old;
}

bool
quorum_of(const struct tally *n, const struct tally *t)
{
	uint32_t old = 2 * t->old, new = 2 * t->new;

	if (n->all == 0)
		return false;
	return (old > n->old || (old == n->old && (t->tie & MEMBER_OLD) != 0)) &&
	    (new > n->new || (new == n->new && (t->tie & MEMBER_NEW) != 0));
}

bool
quorum_full(const struct mesh *m, const struct tally *t)
{
	return quorum_of(&m->roster.n, t);
}

bool
quorum_lenient(const struct mesh *m)
{
	return m->conf.policy.quorum != MESH_QUORUM_MAJORITY || m->conf.policy.degraded_min > 0;
}

msec
quorum_wait(const struct mesh *m, const struct tally *t)
{
	const struct mesh_policy *c = &m->conf.policy;

	if (t->all > 0 &&
	    (c->quorum == MESH_QUORUM_ANY ||
		(c->quorum == MESH_QUORUM_MIN && t->all >= c->quorum_min) ||
		(c->quorum == MESH_QUORUM_WEIGHT && t->weight >= c->quorum_min)))
		return 0;
	if (c->degraded_min > 0 && t->all >= c->degraded_min)
		return c->degraded_after_ms;
	return MSEC_NEVER;
}

/* Not a word of it since there is no leader: at once for who led, and for the others
 * when they were asked for their votes more than once.  Suspicions alone take a node
 * that is on its own half a minute and more: it doubts itself first (Lifeguard). */
static bool
silent(const struct mesh *m, msec now, uint32_t i)
{
	const struct member *x = &m->ms.m[i];
	msec lost = m->elect.lost_at;

	if (i == m->elect.last_leader)
		return x->seen == MSEC_NEVER || x->seen <= lost;
	return i != 0 && now - lost >= pace(m, SILENT_MS) && x->heard <= lost &&
	    m->ms.doubts[i].carried <= lost;
}

/* Who is suspected is not seen either. */
bool
quorum_degraded(const struct mesh *m, msec now, const struct tally *t)
{
	uint32_t seen = 0;

	if (quorum_wait(m, t) == MSEC_NEVER)
		return false;
	for (uint32_t i = 0; i < m->ms.count; i++)
		seen += m->ms.m[i].roster != 0 && m->ms.m[i].state == MESH_ALIVE && !silent(m, now, i);
	return 2 * t->all > seen;
}

static const struct mesh_pref *
pref_of(const struct mesh *m, uint32_t i)
{
	const struct mesh_policy *c = &m->conf.policy;
	size_t len = m->ms.m[i].name_len;

	for (size_t k = 0; k < c->prefs_count; k++)
		if (strlen(c->prefs[k].name) == len &&
		    memcmp(c->prefs[k].name, members_name(&m->ms, i), len) == 0)
			return &c->prefs[k];
	return NULL;
}

int
quorum_priority(const struct mesh *m, uint32_t i)
{
	const struct mesh_pref *p = pref_of(m, i);

	return p != NULL ? p->priority : 0;
}

/* Who decides already, then who votes already, then by id. */
static bool
before(const struct member *k, const struct member *i)
{
	int a = 2 * (k->weight.tie & MEMBER_OLD) + (k->roster & MEMBER_OLD);
	int b = 2 * (i->weight.tie & MEMBER_OLD) + (i->roster & MEMBER_OLD);

	if (a != b)
		return a > b;
	return (a > 0 || member_up(k)) && memcmp(k->id.b, i->id.b, ID_BYTES) < 0;
}

/* The name may be another's too, as of a host that was set up anew: with two who decide,
 * two exact halves would each be more than a half. */
static bool
decides(const struct mesh *m, uint32_t i)
{
	for (uint32_t k = 0; k < m->ms.count; k++)
		if (k != i && m->ms.m[k].state != MESH_LEFT && members_same_name(&m->ms, k, i) &&
		    before(&m->ms.m[k], &m->ms.m[i]))
			return false;
	return true;
}

struct ballot_weight
quorum_weight(const struct mesh *m, uint32_t i)
{
	const struct mesh_pref *p = pref_of(m, i);
	struct ballot_weight w = m->ms.m[i].weight;

	if (m->ms.m[i].name_len == 0 && m->ms.m[i].roster != 0)
		return w;
	w.new = p != NULL && p->weight > 0 ? p->weight : 1;
	w.tie &= MEMBER_OLD;
	if (p != NULL && p->tie_breaker && decides(m, i))
		w.tie |= MEMBER_NEW;
	return w;
}
