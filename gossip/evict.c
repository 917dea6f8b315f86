/*
 * evict.c - see evict.h: the set, what it does to the table, and the verb.
 */
#include "decree.h"
#include "inner.h"
#include "recover.h"

#include <stdlib.h>

static const char domain[] = "mesh evict 0", order[] = "evict";

enum {
	DOMAIN_BYTES = sizeof domain - 1,
	SIGNED_BYTES = DOMAIN_BYTES + ID_BYTES + ID_BYTES,
	/* What answers: a HELLO with the act as its one rumour. */
	NOTICE_BYTES = HELLO_BYTES + 2 + EVICTION_BYTES,
};

bool
evict_init(struct evict *e, uint32_t max)
{
	e->max = max;
	e->all = calloc(max, sizeof *e->all);
	return e->all != NULL && spread_init(&e->news, max);
}

void
evict_fini(struct evict *e)
{
	free(e->all);
	spread_fini(&e->news);
}

static uint64_t
short_of(const struct eviction *x)
{
	struct node_id id;

	memcpy(id.b, x->id, ID_BYTES);
	return seal_short(&id);
}

/* Evictions are few: a handful in the life of a cluster. */
uint32_t
evict_find(const struct evict *e, uint64_t short_id)
{
	for (uint32_t i = 0; i < e->count; i++)
		if (short_of(&e->all[i]) == short_id)
			return i;
	return EVICT_NONE;
}

static void
to_sign(const struct mesh *m, const uint8_t *id, uint8_t *buf)
{
	memcpy(buf, domain, DOMAIN_BYTES);
	memcpy(buf + DOMAIN_BYTES, m->saved.cluster, ID_BYTES);
	memcpy(buf + DOMAIN_BYTES + ID_BYTES, id, ID_BYTES);
}

/* --- what it means ------------------------------------------------------------- */

/* I am out: nothing of mine may count from here on. */
static void
fall_silent(struct mesh *m, msec now)
{
	m->ms.evict.self = true;
	if (m->elect.role == MESH_LEADER)
		lead_resign(m, now, 0, 0);
	m->left = true;
	m->changes++;
	trace(m, now, "evicted", 0, 0);
}

/* Not a word of it counts any more, not even what it said before. */
static void
mark(struct mesh *m, msec now, uint32_t i)
{
	struct member *x = &m->ms.m[i];

	if (x->evicted)
		return;
	x->evicted = true;
	members_set(&m->ms, i, now, MESH_LEFT, x->generation, x->incarnation);
	spread_drop(&m->ms.urgent, i);
	spread_drop(&m->ms.news, i);
	spread_drop(&m->ms.summaries, i);
	members_unheard(&m->ms, i);
	if (m->ms.votes[i].granted != 0)
		m->ms.votes[i].granted = 0;
	/* Rounds that it echoed are counted anew, without it; a lease that was
	 * earned already rests on its promise, which it keeps by being silent.
	 * And what was promised to it holds: it may not know yet that it is out. */
	memset(m->elect.rounds, 0, sizeof m->elect.rounds);
	trace(m, now, "evicted", i, 0);
}

void
evict_mark_all(struct mesh *m, msec now)
{
	for (uint32_t k = 0; k < m->ms.evict.count; k++) {
		uint32_t i = members_find(&m->ms, short_of(&m->ms.evict.all[k]));

		if (i == 0 && !m->left)
			fall_silent(m, now);
		else if (i != 0 && i != MEMBER_NONE)
			mark(m, now, i);
	}
}

static int
add(struct mesh *m, msec now, const uint8_t *act)
{
	struct evict *e = &m->ms.evict;
	uint32_t k = e->count;

	if (e->count == e->max)
		return -ERR_FULL;
	memcpy(&e->all[e->count], act, EVICTION_BYTES);
	members_evicted(&m->ms, short_of(&e->all[e->count]));
	spread_push(&e->news, e->count++);
	m->must_save = true;
	if (recover_is(&e->all[k]))
		recover_added(m, now, k);
	evict_mark_all(m, now);
	return 0;
}

int
evict_add(struct mesh *m, msec now, const struct eviction *x)
{
	if (evict_find(&m->ms.evict, short_of(x)) != EVICT_NONE)
		return 0;
	return add(m, now, (const uint8_t *)x);
}

/* --- hearing of it --------------------------------------------------------------- */

int
evict_load(struct mesh *m, msec now)
{
	const struct mesh_saved *f = &m->conf.saved;

	if (f->evicted_bytes % EVICTION_BYTES != 0)
		return -ERR_MALFORMED;
	for (size_t at = 0; at < f->evicted_bytes; at += EVICTION_BYTES) {
		int rc = add(m, now, f->evicted + at);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Told by whoever has a vote, an eviction by a recovery that was outranked since, or is
 * not known here, holds too. */
static bool
holds(const struct mesh *m, const struct eviction *x, uint32_t by)
{
	const struct crypto *c = &m->conf.crypto;
	uint8_t buf[SIGNED_BYTES];

	if (recover_is(x))
		return recover_holds(m, x, false);
	if (m->ms.certs != NULL)
		return decree_holds(c, m->conf.ca.pk, m->saved.cluster, order, (const uint8_t *)x,
			   EVICT_BODY_BYTES, x->sig) ||
		    recover_holds(m, x, evict_votes(m, by));
	to_sign(m, x->id, buf);
	return c->verify(c->arg, x->pk, x->sig, buf, sizeof buf);
}

bool
evict_votes(const struct mesh *m, uint32_t i)
{
	return i != MEMBER_NONE && m->ms.m[i].roster != 0 && !m->ms.m[i].evicted;
}

void
evict_signer(const struct mesh *m, const struct eviction *x, struct node_id *out)
{
	const struct crypto *c = &m->conf.crypto;
	struct hash h;

	c->hash(c->arg, &h, x->pk, KEY_BYTES);
	memcpy(out->b, h.b, ID_BYTES);
}

/* Whose act counts where there is no CA: see evict.h. */
static int
may(const struct mesh *m, const struct eviction *x, uint32_t by)
{
	struct node_id id;

	if (recover_is(x))
		return recover_may(m, x, by);
	if (m->ms.certs != NULL || evict_votes(m, by) || recover_signed(m, x))
		return 0;
	evict_signer(m, x, &id);
	return evict_votes(m, members_find_id(&m->ms, &id)) ? 0 : -ERR_UNKNOWN;
}

int
evict_hear(struct mesh *m, msec now, const uint8_t *act, uint32_t by)
{
	struct eviction x;
	uint32_t k;
	int rc;

	memcpy(&x, act, EVICTION_BYTES);
	if ((k = evict_find(&m->ms.evict, short_of(&x))) != EVICT_NONE) {
		/* Nothing of it was looked at: an eviction may begin with the same bytes. */
		if (recover_is(&x) && recover_is(&m->ms.evict.all[k]) && by == MEMBER_NONE)
			recover_again(m, now);
		return 0;
	}
	if ((rc = may(m, &x, by)) < 0)
		return rc;
	return holds(m, &x, by) ? add(m, now, act) : -ERR_AUTH;
}

bool
evict_refuses(struct mesh *m, msec now, const struct addr *from, const struct seal_frame *frame,
    size_t len)
{
	uint32_t k = evict_find(&m->ms.evict, frame->sender), i;

	if (k == EVICT_NONE)
		return false;
	i = members_find(&m->ms, frame->sender);
	if ((len >= NOTICE_BYTES || (i != MEMBER_NONE && addr_eq(&m->ms.m[i].addr, from))) &&
	    pair_source(m, now, from)) {
		uint32_t best = recover_best(m);
		bool both = i != MEMBER_NONE && addr_eq(&m->ms.m[i].addr, from);

		/* To where it is not known to be, one for one: it asks again. */
		if (best != EVICT_NONE && (both || prng_below(&m->rng, 2) == 0)) {
			out_notice(m, from, best);
			if (!both)
				return true;
		}
		out_notice(m, from, k);
	}
	return true;
}

/* --- the act --------------------------------------------------------------------- */

/*
 * Could those who are left conclude a roster without i?  Joint change: it takes
 * majorities of the roster in force, in which i counts and says nothing, and
 * of the one after.
 */
static bool
concludes_without(const struct mesh *m, uint32_t out)
{
	struct tally alive = {0}, all = {0};

	for (uint32_t i = 0; i < m->ms.count; i++) {
		const struct member *x = &m->ms.m[i];
		uint32_t old = (x->roster & MEMBER_NEW) != 0 ? x->weight.new : 0;
		uint32_t new = i != out && x->state != MESH_LEFT ? quorum_weight(m, i).new : 0;

		if (x->roster == 0)
			continue;
		all.old += old;
		all.new += new;
		if (i == out || x->state != MESH_ALIVE)
			continue;
		alive.old += old;
		alive.new += new;
		alive.tie |= x->weight.tie & MEMBER_NEW;
	}
	return (2 * alive.old > all.old || (2 * alive.old == all.old && alive.tie != 0)) &&
	    (2 * alive.new > all.new || (2 * alive.new == all.new && alive.tie != 0));
}

static int
possible(const struct mesh *m, const struct node_id *id)
{
	uint32_t i = members_find_id(&m->ms, id);

	if (!m->member || m->left)
		return -ERR_RANGE;
	if (i == MEMBER_NONE)
		return -ERR_UNKNOWN;
	if (i == 0)
		return -ERR_IDENTITY;
	return m->ms.m[i].roster == 0 || concludes_without(m, i) ? 0 : -ERR_QUORUM;
}

/* Who is out may ask often: one signature for one after another.  By a recovery it may
 * have given up whoever tells it, and then takes the word of who made that alone. */
const uint8_t *
evict_notice(struct mesh *m, uint32_t k)
{
	struct evict *e = &m->ms.evict;

	if (m->ms.certs != NULL || !evict_votes(m, 0) || recover_is(&e->all[k]) || recover_made(m) ||
	    (recover_signed(m, &e->all[k]) && prng_below(&m->rng, 2) == 0))
		return (const uint8_t *)&e->all[k];
	if (memcmp(e->own.id, e->all[k].id, ID_BYTES) != 0) {
		struct node_id id;

		memcpy(id.b, e->all[k].id, ID_BYTES);
		evict_sign(m, &id, &e->own);
	}
	return (const uint8_t *)&e->own;
}

int
mesh_evict_decree(struct mesh *m, msec now, const struct node_id *id, const uint8_t *token,
    const uint8_t *sig)
{
	struct eviction x;
	int rc;

	if (m->ms.certs == NULL)
		return -ERR_RANGE;
	memcpy(x.id, id->b, ID_BYTES);
	memcpy(x.pk, token, KEY_BYTES);
	memcpy(x.sig, sig, SIG_BYTES);
	if (recover_is(&x) || !holds(m, &x, MEMBER_NONE))
		return -ERR_AUTH;
	if (evict_find(&m->ms.evict, seal_short(id)) != EVICT_NONE)
		return 0;
	if ((rc = possible(m, id)) < 0)
		return rc;
	return add(m, now, (const uint8_t *)&x);
}

void
evict_of(const struct mesh_lost *lost, struct eviction *out)
{
	memcpy(out->id, lost->id.b, ID_BYTES);
	memcpy(out->pk, lost->token, KEY_BYTES);
	memcpy(out->sig, lost->sig, SIG_BYTES);
}

void
evict_sign(const struct mesh *m, const struct node_id *id, struct eviction *out)
{
	const struct crypto *c = &m->conf.crypto;
	uint8_t buf[SIGNED_BYTES];

	memcpy(out->id, id->b, ID_BYTES);
	memcpy(out->pk, m->conf.pk, KEY_BYTES);
	to_sign(m, out->id, buf);
	c->sign(c->arg, out->sig, buf, sizeof buf);
}

int
mesh_evict(struct mesh *m, msec now, const struct node_id *id)
{
	struct eviction x;
	int rc;

	if (m->ms.certs != NULL)
		return -ERR_CERT;
	/* The others would not take its word for it, and tables would differ for good. */
	if (!evict_votes(m, 0))
		return -ERR_RANGE;
	if (m->member && !m->left && evict_find(&m->ms.evict, seal_short(id)) != EVICT_NONE)
		return 0;
	if ((rc = possible(m, id)) < 0)
		return rc;
	if (recover_made(m)) /* what it signs passes for a part of that */
		return -ERR_EXPIRED;
	evict_sign(m, id, &x);
	return add(m, now, (const uint8_t *)&x);
}
