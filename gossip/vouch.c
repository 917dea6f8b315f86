/*
 * vouch.c - the bytes that a record's owner signs, and who checks them.
 */
#include "inner.h"

static const char domain[] = "mesh record 0";

enum {
	DOMAIN_BYTES = sizeof domain - 1,
	SIGNED_MAX = DOMAIN_BYTES + ID_BYTES + KEY_BYTES + 1 + 8 + 4 + 2 + 18 + 1 + NAME_BYTES_MAX +
	    MESH_META_BYTES_MAX,
};

static uint8_t *
put(uint8_t *p, const void *bytes, size_t len)
{
	if (len > 0)
		memcpy(p, bytes, len);
	return p + len;
}

static uint8_t *
put_number(uint8_t *p, uint64_t v, size_t len)
{
	for (size_t i = len; i-- > 0; v >>= 8)
		p[i] = (uint8_t)v;
	return p + len;
}

/* buf holds SIGNED_MAX; how many it is. */
static size_t
to_sign(const uint8_t *cluster, const struct rumour *r, uint8_t *buf)
{
	uint8_t *p = put(buf, domain, DOMAIN_BYTES);

	p = put(p, cluster, ID_BYTES);
	p = put(p, r->pk, KEY_BYTES);
	p = put_number(p, r->state == MESH_LEFT, 1);
	p = put_number(p, r->generation, 8);
	p = put_number(p, r->incarnation, 4);
	p = put_number(p, r->notice, 2);
	p = put(p, r->addr.ip, sizeof r->addr.ip);
	p = put_number(p, r->addr.port, 2);
	p = put_number(p, r->name_len, 1);
	p = put(p, r->name, r->name_len);
	p = put(p, r->meta, r->meta_len);
	return (size_t)(p - buf);
}

void
vouch_sign(const struct crypto *c, const uint8_t *cluster, const struct rumour *r, uint8_t *sig)
{
	uint8_t buf[SIGNED_MAX];

	c->sign(c->arg, sig, buf, to_sign(cluster, r, buf));
}

void
vouch_self(struct mesh *m)
{
	struct member_proof *proof = &m->ms.proofs[0];
	struct rumour r;

	members_prove(&m->ms, 0, m->conf.pk, proof->sig);
	members_rumour(&m->ms, 0, 0, true, &r);
	vouch_sign(&m->conf.crypto, m->saved.cluster, &r, proof->sig);
}

void
vouch_id(const struct mesh *m, struct rumour *r)
{
	const struct crypto *c = &m->conf.crypto;
	struct hash h;

	c->hash(c->arg, &h, r->pk, KEY_BYTES);
	memcpy(r->id.b, h.b, ID_BYTES);
}

bool
vouch_holds(const struct mesh *m, const uint8_t *cluster, const struct rumour *r)
{
	const struct crypto *c = &m->conf.crypto;
	uint8_t buf[SIGNED_MAX];

	return c->verify(c->arg, r->pk, r->sig, buf, to_sign(cluster, r, buf));
}
