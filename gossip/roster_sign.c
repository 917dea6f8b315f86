/*
 * roster_sign.c - see roster_sign.h.
 */
#include "be.h"
#include "inner.h"

static const char domain[] = "mesh roster 0";

enum {
	DOMAIN_BYTES = sizeof domain - 1,
	PARENT_BYTES = 8 + 8 + 8,
	SIGNED_BYTES = DOMAIN_BYTES + ID_BYTES + 3 * 8 + PARENT_BYTES,
	PK_AT = PARENT_BYTES,
	SIG_AT = PK_AT + KEY_BYTES,
};
_Static_assert(SIG_AT + SIG_BYTES == ROSTER_SIGN_BYTES, "as packet.h says");

static void
to_sign(const struct mesh *m, const struct roster_id *id, uint64_t hash, const uint8_t *parent,
    uint8_t *buf)
{
	uint8_t *p = buf + DOMAIN_BYTES + ID_BYTES;

	memcpy(buf, domain, DOMAIN_BYTES);
	memcpy(buf + DOMAIN_BYTES, m->saved.cluster, ID_BYTES);
	be_put(p, id->term, 8);
	be_put(p + 8, id->version, 8);
	be_put(p + 16, hash, 8);
	memcpy(p + 24, parent, PARENT_BYTES);
}

void
roster_sign(struct mesh *m, const struct roster_id *parent, uint64_t parent_hash)
{
	const struct crypto *c = &m->conf.crypto;
	struct roster *ro = &m->roster;
	uint8_t buf[SIGNED_BYTES];

	be_put(ro->sign, parent->term, 8);
	be_put(ro->sign + 8, parent->version, 8);
	be_put(ro->sign + 16, parent_hash, 8);
	memcpy(ro->sign + PK_AT, m->conf.pk, KEY_BYTES);
	to_sign(m, &ro->id, ro->hash, ro->sign, buf);
	c->sign(c->arg, ro->sign + SIG_AT, buf, sizeof buf);
	ro->is_signed = true;
}

bool
roster_signs(const struct mesh *m, uint32_t i)
{
	const struct pair *p = members_pair(&m->ms, i);

	return p != NULL && (p->wire.features & WIRE_SIGNS_ROSTERS) != 0;
}

void
roster_signer(const struct mesh *m, const uint8_t *sign, struct node_id *out)
{
	const struct crypto *c = &m->conf.crypto;
	struct hash h;

	c->hash(c->arg, &h, sign + PK_AT, KEY_BYTES);
	memcpy(out->b, h.b, ID_BYTES);
}

static int
judge(const struct mesh *m, uint32_t from, const struct roster_id *id, uint64_t hash,
    const uint8_t *sign)
{
	const struct crypto *c = &m->conf.crypto;
	const struct roster *ro = &m->roster;
	uint8_t buf[SIGNED_BYTES];
	struct roster_id parent;
	struct node_id signer;
	uint32_t i;

	if (sign == NULL)
		return ro->is_signed || roster_signs(m, from) ? -ERR_AUTH : 0;
	parent = (struct roster_id){.term = be_get(sign, 8), .version = be_get(sign + 8, 8)};
	if (roster_cmp(&parent, id) >= 0)
		return -ERR_RANGE;
	roster_signer(m, sign, &signer);
	i = members_find_id(&m->ms, &signer);
	if (ro->n.all > 0 && roster_cmp(&parent, &ro->id) == 0 && be_get(sign + 16, 8) == ro->hash &&
	    (i == MEMBER_NONE || m->ms.m[i].roster == 0))
		return -ERR_NO_VOTE;
	to_sign(m, id, hash, sign, buf);
	return c->verify(c->arg, sign + PK_AT, sign + SIG_AT, buf, sizeof buf) ? 0 : -ERR_AUTH;
}

int
roster_refuse(struct mesh *m, msec now, uint32_t from, const struct roster_id *id, int rc)
{
	struct roster *ro = &m->roster;

	/* It is told again with each beat: once is enough. */
	if (roster_cmp(id, &ro->refused) != 0)
		trace(m, now, rc == -ERR_NO_VOTE ? "roster of no voter refused" : "roster unsigned refused",
		    from, id->version);
	ro->refused = *id;
	return rc;
}

int
roster_judge(struct mesh *m, msec now, uint32_t from, const struct roster_id *id, uint64_t hash,
    const uint8_t *sign)
{
	int rc = judge(m, from, id, hash, sign);

	return rc < 0 ? roster_refuse(m, now, from, id, rc) : 0;
}
