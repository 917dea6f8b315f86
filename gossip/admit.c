/*
 * admit.c - see admit.h.
 */
#include "admit.h"

#include "inner.h"

#include <stdlib.h>

enum { LOOK_MS = 1000 };

const char *
mesh_entry_text(enum mesh_entry why)
{
	static const char *const texts[] = {
#define X(name, text) [MESH_ENTRY_##name] = text,
	    MESH_ENTRIES(X)
#undef X
	};

	return texts[why];
}

/* --- what is held --------------------------------------------------------------- */

const uint8_t *
admit_held(const struct mesh *m, uint32_t i, size_t *len)
{
	*len = m->ms.certs == NULL ? 0 : m->ms.certs[i].len;
	return *len == 0 ? NULL : m->ms.certs[i].b;
}

static void
keep(struct mesh *m, uint32_t i, const uint8_t *b, size_t len)
{
	struct member_cert *c = &m->ms.certs[i];

	memmove(c->b, b, len); /* may be where it is */
	c->len = (uint16_t)len;
}

/* Read again each time: it was good when it was taken. */
static bool
cert_of(const struct mesh *m, uint32_t i, struct cert *out)
{
	size_t len;
	const uint8_t *b = admit_held(m, i, &len);

	return b != NULL && cert_read(b, len, out) == 0;
}

bool
mesh_ca_holds(const struct crypto *c, const struct mesh_ca *ca, const uint8_t *pk, const char *name)
{
	struct cert x;

	return ca->cert_bytes <= sizeof ca->cert && cert_read(ca->cert, ca->cert_bytes, &x) == 0 &&
	    x.name_len == strlen(name) && memcmp(x.name, name, x.name_len) == 0 &&
	    cert_holds(c, ca->pk, pk, &x);
}

void
mesh_wall(struct mesh *m, msec now, uint64_t wall_s)
{
	if (wall_s > 0 && wall_s < UINT32_MAX * UINT64_C(1000))
		m->admit.wall_ms = (int64_t)wall_s * 1000 - now;
}

int
admit_init(struct mesh *m, msec now)
{
	static const uint8_t none[KEY_BYTES];
	const struct mesh_ca *ca = &m->conf.ca;
	uint8_t cluster[ID_BYTES];

	if (memcmp(ca->pk, none, KEY_BYTES) == 0)
		return m->conf.saved.certified ? -ERR_CERT : 0;
	cert_cluster(&m->conf.crypto, ca->pk, cluster);
	if (!mesh_ca_holds(&m->conf.crypto, ca, m->conf.pk, m->conf.name) ||
	    (m->member && memcmp(cluster, m->saved.cluster, ID_BYTES) != 0))
		return -ERR_CERT;
	if ((m->ms.certs = calloc(m->ms.max, sizeof *m->ms.certs)) == NULL)
		return -ERR_FULL;
	keep(m, 0, ca->cert, ca->cert_bytes);
	m->saved.certified = true;
	m->admit.at = now + LOOK_MS;
	mesh_wall(m, now, ca->wall_s);
	return 0;
}

int
mesh_certify(struct mesh *m, msec now, const struct mesh_ca *ca)
{
	if (m->member || m->ms.certs == NULL)
		return -ERR_RANGE;
	if (!mesh_ca_holds(&m->conf.crypto, ca, m->conf.pk, m->conf.name))
		return -ERR_CERT;
	m->conf.ca = *ca;
	keep(m, 0, ca->cert, ca->cert_bytes);
	vouch_self(m);
	mesh_wall(m, now, ca->wall_s);
	m->enter.nonce = 0;
	m->enter.refusal = (struct mesh_refusal){.why = MESH_ENTRY_OK};
	m->swim.seeds_at = now;
	m->changes++;
	return 0;
}

/* --- tokens ----------------------------------------------------------------------- */

static bool
expired(const struct mesh *m, const struct cert *x, int64_t grace_s)
{
	return m->admit.wall_ms != 0 &&
	    m->ticked + m->admit.wall_ms >= ((int64_t)x->by.expiry_s + grace_s) * 1000;
}

/* How often that token let somebody in, beside member `but`: by votes; with `all`, by
 * everybody who is here; else also by those without a vote who come before `but`. */
static uint32_t
spent(const struct mesh *m, const uint8_t *token, uint32_t but, bool all)
{
	const struct evict *e = &m->ms.evict;
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->ms.count; i++) {
		const struct member *x = &m->ms.m[i];
		size_t len;
		const uint8_t *held = admit_held(m, i, &len);

		if (held == NULL || i == but || x->evicted || memcmp(held, token, KEY_BYTES) != 0)
			continue; /* a certificate begins with its token */
		n += x->roster != 0 || x->state == MESH_LEFT || (member_up(x) && (all || i < but));
	}
	for (uint32_t k = 0; k < e->count; k++)
		n += memcmp(e->all[k].pk, token, KEY_BYTES) == 0;
	return n;
}

enum mesh_entry
admit_judge(const struct mesh *m, const struct node_id *id, const struct cert *x)
{
	uint32_t i = members_find_id(&m->ms, id);

	if (evict_find(&m->ms.evict, seal_short(id)) != EVICT_NONE)
		return MESH_ENTRY_EVICTED;
	if (i != MEMBER_NONE && m->ms.m[i].roster != 0)
		return MESH_ENTRY_OK; /* its key was lost */
	if (expired(m, x, 0))
		return MESH_ENTRY_EXPIRED;
	if (spent(m, x->by.token, i, true) >= x->by.uses)
		return MESH_ENTRY_SPENT;
	return i == MEMBER_NONE && !members_room(&m->ms, m->ticked) ? MESH_ENTRY_FULL : MESH_ENTRY_OK;
}

enum mesh_entry
admit_vote(const struct mesh *m, uint32_t i)
{
	struct cert x;

	if (m->ms.certs == NULL)
		return MESH_ENTRY_OK;
	if (!cert_of(m, i, &x))
		return MESH_ENTRY_CERT;
	if (expired(m, &x, ADMIT_GRACE_S))
		return MESH_ENTRY_EXPIRED;
	return spent(m, x.by.token, i, false) >= x.by.uses ? MESH_ENTRY_SPENT : MESH_ENTRY_OK;
}

bool
mesh_came(const struct mesh *m, const struct node_id *id, struct mesh_came *out)
{
	uint32_t i = members_find_id(&m->ms, id);
	struct cert x;

	*out = (struct mesh_came){.uses = 0};
	if (i == MEMBER_NONE || !cert_of(m, i, &x))
		return false;
	memcpy(out->token, x.by.token, KEY_BYTES);
	out->uses = x.by.uses;
	out->expiry_s = x.by.expiry_s;
	memcpy(out->zone, x.zone, x.zone_len);
	return true;
}

/* --- records ------------------------------------------------------------------------ */

static int
judge_record(const struct mesh *m, const struct rumour *r)
{
	uint32_t i = members_find_id(&m->ms, &r->id);
	struct cert x;
	size_t len;
	const uint8_t *held = i == MEMBER_NONE ? NULL : admit_held(m, i, &len);

	if (r->cert_len == 0 || cert_read(r->cert, r->cert_len, &x) < 0 ||
	    x.name_len != r->name_len || memcmp(x.name, r->name, r->name_len) != 0)
		return -ERR_CERT;
	if (held != NULL && len == r->cert_len && memcmp(held, r->cert, len) == 0)
		return 0;
	if (!cert_holds(&m->conf.crypto, m->conf.ca.pk, r->pk, &x))
		return -ERR_CERT;
	/* Those who have a vote were in time; who knows no roster yet can't tell. */
	if (expired(m, &x, ADMIT_GRACE_S) && m->roster.n.all > 0 &&
	    (i == MEMBER_NONE || m->ms.m[i].roster == 0))
		return -ERR_EXPIRED;
	return 0;
}

void
admit_stranger(struct mesh *m, int error, uint64_t short_id, const struct addr *from)
{
	enter_tell(m, m->ticked, short_id, from, NULL,
	    error == -ERR_CERT ? MESH_ENTRY_CERT : MESH_ENTRY_EXPIRED);
}

int
admit_record(struct mesh *m, const struct rumour *r)
{
	int rc = m->ms.certs == NULL ? 0 : judge_record(m, r);

	if (rc < 0)
		admit_stranger(m, rc, seal_short(&r->id), NULL);
	return rc;
}

void
admit_take(struct mesh *m, uint32_t i, const struct rumour *r)
{
	if (m->ms.certs == NULL || r->cert_len == 0)
		return;
	if (m->ms.m[i].roster != 0 && m->ms.certs[i].len != r->cert_len)
		roster_late(m); /* by what it came */
	keep(m, i, r->cert, r->cert_len);
}

/* --- who has no vote ------------------------------------------------------------------ */

static void
look(struct mesh *m, msec now, uint32_t i)
{
	struct member *x = &m->ms.m[i];
	bool open = x->roster == 0 && member_up(x) && m->roster.n.all > 0;
	enum mesh_entry why = open ? admit_vote(m, i) : MESH_ENTRY_OK;

	/* Known by id alone: its certificate may be on its way. */
	if (why == MESH_ENTRY_CERT)
		why = MESH_ENTRY_OK;
	if (why == (enum mesh_entry)x->entry)
		return;
	x->entry = (uint8_t)why;
	m->ms.changes++;
	if (why != MESH_ENTRY_OK)
		trace(m, now, why == MESH_ENTRY_SPENT ? "no vote: token spent" :
			"no vote: token expired", i, 0);
}

void
admit_tick(struct mesh *m, msec now)
{
	if (m->ms.certs == NULL || now < m->admit.at)
		return;
	m->admit.at = now + LOOK_MS;
	for (uint32_t i = 0; i < m->ms.count; i++)
		look(m, now, i);
}

msec
admit_deadline(const struct mesh *m)
{
	return m->ms.certs == NULL ? MSEC_NEVER : m->admit.at;
}
