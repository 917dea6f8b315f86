/*
 * recover.c - see recover.h.
 */
#include "recover.h"

#include "be.h"
#include "decree.h"
#include "inner.h"

static const char domain[] = "mesh recover 0", order[] = "recover";

enum {
	DOMAIN_BYTES = sizeof domain - 1,
	SIGNED_BYTES = DOMAIN_BYTES + ID_BYTES + 8,
	MAKER_BITS = 20, /* of a number: of its maker's id */
	CALL_MS = 5000,
	ASK_MS = 500,
};

static uint64_t
number_of(const struct eviction *x)
{
	return be_get(x->id, 8);
}

bool
recover_is(const struct eviction *x)
{
	return memcmp(x->id + 8, decree_mark, sizeof decree_mark) == 0;
}

uint32_t
recover_best(const struct mesh *m)
{
	const struct evict *e = &m->ms.evict;
	uint32_t best = EVICT_NONE;

	for (uint32_t k = 0; k < e->count; k++)
		if (recover_is(&e->all[k]) &&
		    (best == EVICT_NONE || number_of(&e->all[k]) > number_of(&e->all[best])))
			best = k;
	return best;
}

bool
recover_voids(const struct mesh *m, const struct roster_id *id)
{
	uint32_t best = recover_best(m);

	return best != EVICT_NONE && id->term < number_of(&m->ms.evict.all[best]);
}

/* --- whose word it is ----------------------------------------------------------------- */

static void
to_sign(const struct mesh *m, const uint8_t *number, uint8_t *buf)
{
	memcpy(buf, domain, DOMAIN_BYTES);
	memcpy(buf + DOMAIN_BYTES, m->saved.cluster, ID_BYTES);
	memcpy(buf + DOMAIN_BYTES + ID_BYTES, number, 8);
}

/* By order of the CA, as part of that recovery. */
static bool
ordered(const struct mesh *m, const struct eviction *x, const struct eviction *recovery)
{
	uint8_t body[DECREE_GIVEN_UP_BYTES];
	struct node_id id;

	memcpy(id.b, x->id, ID_BYTES);
	decree_given_up(number_of(recovery), &id, x->pk, body);
	return decree_holds(&m->conf.crypto, m->conf.ca.pk, m->saved.cluster, order, body, sizeof body,
	    x->sig);
}

/* Did somebody who recovered give up the node of that id?  Without a CA: who recovered
 * once puts out nobody else (mesh_evict), so what it signed is a part of that. */
static bool
given_up(const struct mesh *m, const struct node_id *id)
{
	const struct evict *e = &m->ms.evict;
	uint32_t at = evict_find(e, seal_short(id));

	for (uint32_t k = 0; at != EVICT_NONE && k < e->count; k++)
		if (recover_is(&e->all[k]) &&
		    (m->ms.certs != NULL ? ordered(m, &e->all[at], &e->all[k]) :
					   memcmp(e->all[k].pk, e->all[at].pk, KEY_BYTES) == 0))
			return true;
	return false;
}

bool
recover_made(const struct mesh *m)
{
	const struct evict *e = &m->ms.evict;

	for (uint32_t k = 0; k < e->count; k++)
		if (recover_is(&e->all[k]) && memcmp(e->all[k].pk, m->conf.pk, KEY_BYTES) == 0)
			return true;
	return false;
}

int
recover_may(const struct mesh *m, const struct eviction *x, uint32_t by)
{
	uint64_t number = number_of(x);
	struct node_id id;

	if (number >= INT64_MAX / 2 ||
	    (m->saved.term > 0 && number > m->saved.term && number - m->saved.term > TERM_JUMP_MAX))
		return -ERR_RANGE;
	if (m->ms.certs != NULL || evict_votes(m, by))
		return 0;
	evict_signer(m, x, &id);
	return evict_votes(m, members_find_id(&m->ms, &id)) || given_up(m, &id) ? 0 : -ERR_UNKNOWN;
}

bool
recover_signed(const struct mesh *m, const struct eviction *x)
{
	const struct evict *e = &m->ms.evict;
	uint32_t best = recover_best(m);
	struct node_id id;

	if (best == EVICT_NONE || memcmp(e->all[best].pk, x->pk, KEY_BYTES) != 0)
		return false;
	/* Put out since, and not by a recovery that came between: stolen, perhaps. */
	evict_signer(m, &e->all[best], &id);
	return evict_find(e, seal_short(&id)) == EVICT_NONE || given_up(m, &id);
}

bool
recover_holds(const struct mesh *m, const struct eviction *x, bool any)
{
	const struct crypto *c = &m->conf.crypto;
	const struct evict *e = &m->ms.evict;
	uint32_t best = recover_best(m);
	uint8_t buf[SIGNED_BYTES];

	if (!recover_is(x)) {
		for (uint32_t k = 0; k < e->count; k++)
			if (recover_is(&e->all[k]) && (any || k == best) && ordered(m, x, &e->all[k]))
				return true;
		return false;
	}
	if (m->ms.certs != NULL)
		return decree_holds(c, m->conf.ca.pk, m->saved.cluster, order, (const uint8_t *)x,
		    EVICT_BODY_BYTES, x->sig);
	to_sign(m, x->id, buf);
	return c->verify(c->arg, x->pk, x->sig, buf, sizeof buf);
}

void
recover_added(struct mesh *m, msec now, uint32_t k)
{
	const struct eviction *x = &m->ms.evict.all[k];
	struct node_id id;
	uint32_t i;

	evict_signer(m, x, &id);
	i = members_find_id(&m->ms, &id);
	trace(m, now, recover_best(m) == k ? "recovered" : "recovered elsewhere, and outranked", i,
	    number_of(x));
	m->recover_asks = i != 0 && i != MEMBER_NONE && !m->ms.m[i].evicted;
	m->recover_at = now + (m->recover_asks ? pace(m, ASK_MS) : 0);
}

/* One answer carries one act, where this node's address is not known: that one, or the
 * one that is about it. */
void
recover_again(struct mesh *m, msec now)
{
	uint32_t best = recover_best(m), i;
	struct node_id id;

	if (best == EVICT_NONE)
		return;
	evict_signer(m, &m->ms.evict.all[best], &id);
	i = members_find_id(&m->ms, &id);
	if (i == 0 || i == MEMBER_NONE || m->ms.m[i].evicted)
		return;
	m->recover_asks = true;
	m->recover_at = msec_min(m->recover_at, now + pace(m, ASK_MS));
}

void
recover_listen(struct mesh *m, msec now, const struct addr *from, uint64_t sender,
    const struct packet *p)
{
	uint32_t i = members_find(&m->ms, sender);
	struct rumour one;
	struct mp r;

	if (p->kind != PACKET_HELLO || p->bytes_len != HELLO_HEAD_BYTES ||
	    recover_best(m) == EVICT_NONE)
		return;
	if (!(i != MEMBER_NONE && addr_eq(&m->ms.m[i].addr, from)) &&
	    !cookie_holds(m, now, from, be_get(p->bytes + SALTS_BYTES + 8, 8)))
		return;
	mp_init(&r, p->rumours, p->rumours_len, 2);
	for (uint32_t k = 0; k < p->rumours_count && !m->left && rumour_read(&r, &one) == 0; k++) {
		int rc = one.eviction == NULL ? 0 : evict_hear(m, now, one.eviction, MEMBER_NONE);

		if (rc < 0)
			m->stats.dropped[-rc]++;
	}
}

/* --- calling whom it gave up ------------------------------------------------------------- */

void
recover_tick(struct mesh *m, msec now)
{
	uint32_t best = recover_best(m), n = m->ms.count, first, k;

	if (best == EVICT_NONE || now < m->recover_at)
		return;
	m->recover_at = now + pace(m, CALL_MS);
	if (m->recover_asks) {
		struct node_id id;

		m->recover_asks = false;
		evict_signer(m, &m->ms.evict.all[best], &id);
		if ((k = members_find_id(&m->ms, &id)) != MEMBER_NONE)
			out_hello(m, k, 0, true);
		return;
	}
	first = (uint32_t)prng_below(&m->rng, n);
	for (uint32_t i = 0; i < n; i++) {
		const struct member *x = &m->ms.m[(first + i) % n];

		if (!x->evicted || x->addr.port == 0 ||
		    (k = evict_find(&m->ms.evict, x->short_id)) == EVICT_NONE)
			continue;
		out_notice(m, &x->addr, best);
		out_notice(m, &x->addr, k);
		return;
	}
}

msec
recover_deadline(const struct mesh *m)
{
	return recover_best(m) == EVICT_NONE ? MSEC_NEVER : m->recover_at;
}

/* --- the act ------------------------------------------------------------------------------ */

static bool
is_lost(const struct mesh *m, uint32_t i, const struct node_id *lost, size_t count)
{
	for (size_t k = 0; k < count; k++)
		if (id_eq(&lost[k], &m->ms.m[i].id))
			return true;
	return false;
}

int
mesh_may_recover(const struct mesh *m, msec now, const struct node_id *lost, size_t count)
{
	struct tally alive = {0};
	struct mesh_side side;
	uint32_t found = 0;

	if (!m->member || m->left || leave_said(m) || m->ms.m[0].roster == 0 || count == 0)
		return -ERR_RANGE;
	known_side(m, now, &side);
	for (uint32_t i = 0; i < m->ms.count; i++) {
		const struct member *x = &m->ms.m[i];

		if (x->roster == 0 || x->evicted || x->state == MESH_LEFT)
			continue;
		if (is_lost(m, i, lost, count)) {
			found++;
			if (x->state != MESH_FAILED)
				return -ERR_IDENTITY;
		} else if (x->state != MESH_ALIVE) {
			return -ERR_QUORUM;
		} else {
			tally_add(&alive, x);
		}
	}
	if (found != count)
		return -ERR_UNKNOWN;
	return side.grade == MESH_GRADE_FULL || quorum_full(m, &alive) ? -ERR_NOT_LEADER : 0;
}

uint64_t
mesh_recovery(const struct mesh *m)
{
	uint64_t maker = prng_mix(m->ms.m[0].short_id) >> (64 - MAKER_BITS), term = m->saved.term;
	uint32_t best = recover_best(m);

	if (best != EVICT_NONE && number_of(&m->ms.evict.all[best]) > term)
		term = number_of(&m->ms.evict.all[best]);
	return ((term >> MAKER_BITS) + 1) << MAKER_BITS | maker;
}

/* Whoever is alive, and nobody else; the number as its term.  Whoever leads a side
 * below the quorum takes a ballot above it; else this node asks for one. */
static void
force(struct mesh *m, msec now, uint64_t number)
{
	struct roster *ro = &m->roster;
	struct elect *e = &m->elect;
	struct roster_id parent = ro->id;
	uint64_t was = ro->hash;

	for (uint32_t i = 0; i < m->ms.count; i++) {
		struct member *x = &m->ms.m[i];
		struct ballot_weight w = quorum_weight(m, i);
		bool stays = x->roster != 0 && !x->evicted && x->state != MESH_LEFT;

		x->roster = 0;
		x->weight = (struct ballot_weight){0};
		if (stays)
			roster_vote(x, MEMBER_VOTES | ((w.tie & MEMBER_NEW) != 0 ?
			    MEMBER_VOTES << ROSTER_TIE_SHIFT : 0), w.new, w.new);
	}
	ro->id.term = number;
	ro->id.version = ro->seen_version + 1;
	roster_recount(m);
	roster_sign(m, &parent, was);
	memset(e->rounds, 0, sizeof e->rounds);
	e->phase = ELECT_IDLE; /* votes that were counted by the old one */
	m->saved.term = number;
	m->saved.voted_for = (struct node_id){{0}};
	if (e->role == MESH_LEADER)
		e->wish_term = number + 1;
	else if (e->leader == MEMBER_NONE)
		e->try_at = now + 1;
}

static int
act(struct mesh *m, msec now, uint64_t number, const uint8_t *sig, const struct mesh_lost *lost,
    size_t count)
{
	const struct crypto *c = &m->conf.crypto;
	struct eviction x = {.id = {0}};
	uint8_t buf[SIGNED_BYTES];
	int rc;

	decree_recovery(number, m->conf.pk, (uint8_t *)&x);
	if (sig != NULL) {
		memcpy(x.sig, sig, SIG_BYTES);
	} else {
		to_sign(m, x.id, buf);
		c->sign(c->arg, x.sig, buf, sizeof buf);
	}
	/* All of it, or nothing: room first, then the signatures. */
	if (m->ms.evict.max - m->ms.evict.count < count + 1)
		return -ERR_FULL;
	if (!recover_holds(m, &x, false))
		return -ERR_AUTH;
	for (size_t k = 0; sig != NULL && k < count; k++) {
		struct eviction y;

		evict_of(&lost[k], &y);
		if (!ordered(m, &y, &x))
			return -ERR_AUTH;
	}
	rc = evict_add(m, now, &x);
	for (size_t k = 0; rc == 0 && k < count; k++) {
		struct eviction y;

		if (sig != NULL)
			evict_of(&lost[k], &y);
		else
			evict_sign(m, &lost[k].id, &y);
		rc = evict_add(m, now, &y);
	}
	return rc;
}

int
mesh_recover(struct mesh *m, msec now, uint64_t number, const uint8_t *sig,
    const struct mesh_lost *lost, size_t count)
{
	struct node_id ids[MESH_LOST_MAX];
	int rc;

	if (count > MESH_LOST_MAX || (m->ms.certs != NULL) != (sig != NULL))
		return count > MESH_LOST_MAX ? -ERR_FULL : -ERR_CERT;
	for (size_t k = 0; k < count; k++)
		ids[k] = lost[k].id;
	if ((rc = mesh_may_recover(m, now, ids, count)) < 0)
		return rc;
	if (number <= m->saved.term || number - m->saved.term > TERM_JUMP_MAX ||
	    recover_voids(m, &(struct roster_id){.term = number}))
		return -ERR_EXPIRED;
	if ((rc = act(m, now, number, sig, lost, count)) < 0)
		return rc;
	force(m, now, number);
	trace(m, now, "roster forced", MEMBER_NONE, m->roster.id.version);
	return 0;
}

bool
mesh_given_up(const struct mesh *m)
{
	return m->ms.evict.self && recover_best(m) != EVICT_NONE && given_up(m, &m->ms.m[0].id);
}
