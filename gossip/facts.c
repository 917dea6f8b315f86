/*
 * facts.c - records of facts: written, read, signed, checked, and which are held.
 */
#include "be.h"
#include "inner.h"

static const char domain[] = "mesh facts 0";

enum {
	DOMAIN_BYTES = sizeof domain - 1,
	SIGNED_BYTES = DOMAIN_BYTES + ID_BYTES + KEY_BYTES + 8 + 4 + HASH_BYTES,
	AT_GENERATION = ID_BYTES,
	AT_VERSION = AT_GENERATION + 8,
	AT_SIG = AT_VERSION + 4,
	AT_LEN = AT_SIG + SIG_BYTES,
};

/* --- bytes ------------------------------------------------------------------------ */

int
facts_next(struct facts_record *r, const uint8_t **at, const uint8_t *end)
{
	const uint8_t *p = *at;
	size_t left = (size_t)(end - p);

	if (left == 0)
		return 0;
	if (left < FACTS_HEAD_BYTES)
		return -ERR_MALFORMED;
	*r = (struct facts_record){.generation = be_get(p + AT_GENERATION, 8),
	    .version = (uint32_t)be_get(p + AT_VERSION, 4), .sig = p + AT_SIG, .whole = p,
	    .facts = p + FACTS_HEAD_BYTES, .len = be_get(p + AT_LEN, 4)};
	memcpy(r->id.b, p, ID_BYTES);
	if (r->version == 0 || r->len > FACTS_BYTES_MAX || r->len > left - FACTS_HEAD_BYTES)
		return -ERR_MALFORMED;
	r->whole_len = FACTS_HEAD_BYTES + r->len;
	*at += r->whole_len;
	return 1;
}

int
facts_items(struct facts_item *out, const uint8_t *buf, size_t len)
{
	size_t n = len / FACTS_ITEM_BYTES;

	if (n == 0 || n > FACTS_ITEMS_MAX || len % FACTS_ITEM_BYTES != 0)
		return -ERR_MALFORMED;
	for (size_t i = 0; i < n; i++, buf += FACTS_ITEM_BYTES)
		out[i] = (struct facts_item){.short_id = be_get(buf, 8),
		    .generation = be_get(buf + 8, 8), .version = (uint32_t)be_get(buf + 16, 4)};
	return (int)n;
}

/* Never 0: that says "nothing told yet". */
static uint32_t
hint_of(const struct hash *h)
{
	uint32_t hint = (uint32_t)be_get(h->b, 4);

	return hint == 0 ? 1 : hint;
}

static void
to_sign(const uint8_t *cluster, const uint8_t *pk, uint64_t generation, uint32_t version,
    const struct hash *h, uint8_t buf[SIGNED_BYTES])
{
	uint8_t *p = buf;

	memcpy(p, domain, DOMAIN_BYTES);
	memcpy(p += DOMAIN_BYTES, cluster, ID_BYTES);
	memcpy(p += ID_BYTES, pk, KEY_BYTES);
	be_put(p += KEY_BYTES, generation, 8);
	be_put(p += 8, version, 4);
	memcpy(p + 4, h->b, HASH_BYTES);
}

/* --- this node's own ---------------------------------------------------------------- */

int
mesh_facts_say(struct mesh *m, const uint8_t *facts, size_t len, uint8_t head[FACTS_HEAD_BYTES],
    uint32_t *hint)
{
	const struct crypto *c = &m->conf.crypto;
	struct gather *g = &m->gather;
	uint8_t buf[SIGNED_BYTES];
	struct hash h;

	if (len > FACTS_BYTES_MAX)
		return -ERR_LONG;
	c->hash(c->arg, &h, facts, len);
	*hint = hint_of(&h);
	if (g->own_version != 0 && hash_eq(&h, &g->own) && g->own_generation == m->saved.generation &&
	    memcmp(g->own_cluster, m->saved.cluster, ID_BYTES) == 0)
		return 0;
	g->own = h;
	g->own_bytes = (uint32_t)len;
	g->own_version = g->own_generation == m->saved.generation ? g->own_version + 1 : 1;
	g->own_generation = m->saved.generation;
	memcpy(g->own_cluster, m->saved.cluster, ID_BYTES);
	to_sign(g->own_cluster, m->conf.pk, g->own_generation, g->own_version, &h, buf);
	memcpy(head, m->conf.self.b, ID_BYTES);
	be_put(head + AT_GENERATION, g->own_generation, 8);
	be_put(head + AT_VERSION, g->own_version, 4);
	c->sign(c->arg, head + AT_SIG, buf, sizeof buf);
	be_put(head + AT_LEN, len, 4);
	return 1;
}

/* --- others' ------------------------------------------------------------------------ */

bool
facts_counts(const struct member *x)
{
	return x->proven && x->state != MESH_LEFT && !x->evicted && !x->forgotten;
}

/* A slot that was given to somebody else was emptied then; the sum is made anew. */
void
facts_sweep(struct mesh *m)
{
	struct mesh_facts_stats *st = &m->gather.stats;

	st->held = 0;
	st->bytes = 0;
	for (uint32_t i = 1; i < m->ms.count; i++) {
		struct member_facts *x = &m->ms.facts[i];

		if (x->version != 0 && !facts_counts(&m->ms.m[i]))
			*x = (struct member_facts){.version = 0};
		st->held += x->version != 0;
		st->bytes += x->bytes;
	}
}

static int
judge(struct mesh *m, uint32_t i, const struct facts_record *r, struct hash *h)
{
	const struct crypto *c = &m->conf.crypto;
	const struct member_facts *x = &m->ms.facts[i];
	const uint8_t *pk = m->ms.proofs[i].pk;
	uint8_t buf[SIGNED_BYTES];

	if (r->len > FACTS_BYTES_MAX)
		return -ERR_LONG;
	if (m->gather.stats.bytes - x->bytes + r->len > FACTS_STORE_MAX)
		return -ERR_FULL;
	c->hash(c->arg, h, r->facts, r->len);
	to_sign(m->saved.cluster, pk, r->generation, r->version, h, buf);
	return c->verify(c->arg, pk, r->sig, buf, sizeof buf) ? 0 : -ERR_AUTH;
}

int
mesh_facts_take(struct mesh *m, const struct facts_record *r)
{
	uint32_t i = members_find_id(&m->ms, &r->id);
	struct mesh_facts_stats *st = &m->gather.stats;
	struct member_facts *x;
	struct hash h;
	int rc;

	if (i == MEMBER_NONE || i == 0 || !m->member || !facts_counts(&m->ms.m[i])) {
		st->unknown++;
		return -ERR_UNKNOWN;
	}
	x = &m->ms.facts[i];
	if (!facts_newer(r->generation, r->version, x->generation, x->version)) {
		st->stale++;
		return -ERR_REPLAY;
	}
	if ((rc = judge(m, i, r, &h)) < 0) {
		st->refused++;
		return rc;
	}
	st->taken++;
	if (x->flight != 0)
		m->gather.flight[x->flight - 1].gained++;
	st->held += x->version == 0;
	st->bytes += r->len - x->bytes;
	x->generation = r->generation;
	x->version = r->version;
	x->hint = hint_of(&h);
	x->bytes = (uint32_t)r->len;
	return 0;
}

bool
mesh_facts_held(const struct mesh *m, const struct node_id *id, struct mesh_facts *out)
{
	uint32_t i = members_find_id(&m->ms, id);
	const struct member_facts *x;

	if (i == 0) {
		*out = (struct mesh_facts){.generation = m->gather.own_generation, .current = true,
		    .version = m->gather.own_version, .bytes = m->gather.own_bytes};
		/* Signed for no cluster, or for another, they are nobody's: one that has
		 * just joined says them anew first. */
		return out->version != 0 &&
			memcmp(m->gather.own_cluster, m->saved.cluster, ID_BYTES) == 0;
	}
	if (i == MEMBER_NONE || !facts_counts(&m->ms.m[i]))
		return false;
	x = &m->ms.facts[i];
	*out = (struct mesh_facts){.generation = x->generation, .version = x->version,
	    .bytes = x->bytes, .current = m->ms.m[i].summary_count != 0 &&
		m->ms.m[i].summary.facts_hash == x->hint};
	return x->version != 0;
}

void
mesh_facts_stats(const struct mesh *m, struct mesh_facts_stats *out)
{
	*out = m->gather.stats;
}
