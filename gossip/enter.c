/*
 * enter.c - see enter.h.
 */
#include "enter.h"

#include "be.h"
#include "inner.h"

static const char domain[] = "mesh enter 1";

enum {
	GIVE_MS = 10, /* in so much time ... */
	GIVE_MAX = 8, /* ... so many answers: each costs 0.4 ms */
	DOMAIN_BYTES = sizeof domain - 1,
	SIGNED_BYTES = DOMAIN_BYTES + ID_BYTES + KEY_BYTES + 4 + 8 + 8 + 2 + 8 + 8 + KEY_BOX_BYTES,
	CERT_AT = KEY_BYTES + 2, /* in an ENTER */
};
_Static_assert((int)GIVE_MAX <= (int)ENTER_ANSWERS, "an answer waits until it is polled");

/* p: of the ENTERED; cluster: of who signs. */
static void
to_sign(const uint8_t *cluster, const uint8_t *pk, const struct packet *p, const uint8_t *box,
    uint8_t *buf)
{
	uint8_t *at = buf;

	memcpy(at, domain, DOMAIN_BYTES);
	at += DOMAIN_BYTES;
	memcpy(at, cluster, ID_BYTES);
	memcpy(at + ID_BYTES, pk, KEY_BYTES);
	at += ID_BYTES + KEY_BYTES;
	be_put(at, p->who, 4);
	be_put(at + 4, p->keys, 8);
	be_put(at + 12, p->seq, 8);
	be_put(at + 20, p->count, 2);
	be_put(at + 22, p->generation, 8);
	be_put(at + 30, p->term, 8);
	memcpy(at + 38, box, KEY_BOX_BYTES);
}

static void
id_of(const struct mesh *m, const uint8_t *pk, struct node_id *out)
{
	const struct crypto *c = &m->conf.crypto;
	struct hash h;

	c->hash(c->arg, &h, pk, KEY_BYTES);
	memcpy(out->b, h.b, ID_BYTES);
}

/* --- telling ----------------------------------------------------------------------- */

static bool
same(const struct mesh_newcomer *a, const struct mesh_newcomer *b)
{
	return a->inside == b->inside && a->why == b->why && a->short_id == b->short_id &&
	    (a->short_id != 0 || addr_eq(&a->from, &b->from));
}

/* Where it is told, and whether now: who is refused asks again each second, for ever.  Who
 * shows no certificate, and may be anybody in any number, has half of the places. */
static struct mesh_newcomer *
told(struct enter *e, msec now, const struct mesh_newcomer *x)
{
	struct mesh_newcomer *first = &e->told[x->name[0] != 0 ? 0 : ENTER_TOLD / 2], *t = first;
	uint64_t count = 1;

	for (uint32_t k = 0; k < ENTER_TOLD / 2; k++) {
		struct mesh_newcomer *r = first + k;

		if (r->why != MESH_ENTRY_OK && same(r, x)) {
			t = r;
			count = ++r->count;
			break;
		}
		if (t->why != MESH_ENTRY_OK && (r->why == MESH_ENTRY_OK || r->at < t->at))
			t = r;
	}
	if (t->why != MESH_ENTRY_OK && now - t->at < ENTER_ANEW_MS)
		return NULL;
	*t = *x;
	t->count = count;
	t->at = now;
	return t;
}

static void
tell(struct mesh *m, msec now, const struct mesh_newcomer *x)
{
	struct mesh_newcomer *t = told(&m->enter, now, x);

	if (t == NULL)
		return;
	trace(m, now, x->inside ? "not let in" : "refused", MEMBER_NONE,
	    x->inside ? (uint64_t)x->why : (uint64_t)(t - m->enter.told) + 1);
	t->count = 0;
}

void
enter_tell(struct mesh *m, msec now, uint64_t short_id, const struct addr *from, const struct cert *x,
    enum mesh_entry why)
{
	struct mesh_newcomer n = {.short_id = short_id, .why = why};

	if (from != NULL)
		n.from = *from;
	if (x != NULL)
		memcpy(n.name, x->name, x->name_len);
	tell(m, now, &n);
}

const struct mesh_newcomer *
mesh_newcomer(const struct mesh *m, uint64_t number)
{
	const struct mesh_newcomer *t;

	if (number < 1 || number > ENTER_TOLD)
		return NULL;
	t = &m->enter.told[number - 1];
	return t->why != MESH_ENTRY_OK ? t : NULL;
}

/* --- asking ------------------------------------------------------------------------ */

bool
enter_wanted(const struct mesh *m)
{
	const struct crypto *c = &m->conf.crypto;

	if (m->ms.certs == NULL || m->left)
		return false;
	/* Its key is gone; or it was let in, and the key changed before it had a vote. */
	return !m->member || c->key_id(c->arg, m->saved.keys.used) == 0 ||
	    (m->roster.n.all == 0 && mesh_up(m) <= 1);
}

void
enter_ask(struct mesh *m, const struct addr *seed)
{
	if (m->enter.nonce == 0)
		m->enter.nonce = drawn(m) | 1;
	out_bare(m, PACKET_ENTER, seed, m->enter.nonce, 0, cookie_back(m, seed));
}

/* The one who did not let me in, as far as it proved who it is. */
int
enter_refused(struct mesh *m, msec now, const struct addr *from, enum mesh_entry why,
    const struct cert *x)
{
	struct mesh_refusal *r = &m->enter.refusal;
	bool fresh = r->why != why || !addr_eq(&r->from, from);

	*r = (struct mesh_refusal){.why = why, .from = *from, .at = now};
	if (x != NULL)
		memcpy(r->by, x->name, x->name_len);
	m->changes += fresh;
	tell(m, now, &(struct mesh_newcomer){.inside = true, .from = *from, .why = why});
	return -ERR_CERT;
}

static int
let_in(struct mesh *m, msec now, const struct addr *from, const struct packet *p, const uint8_t *box)
{
	const struct crypto *c = &m->conf.crypto;
	uint32_t epoch = (uint32_t)p->who;

	if (p->who == 0 || p->who >= KEYS_EPOCH_MAX || !join_lives_left(m, p->generation))
		return -ERR_RANGE;
	if (c->key_unwrap(c->arg, epoch, box) < 0)
		return -ERR_AUTH;
	m->enter.nonce = 0;
	m->enter.refusal = (struct mesh_refusal){.why = MESH_ENTRY_OK};
	keys_entered(m, epoch);
	if (!m->member) {
		uint8_t cluster[ID_BYTES];

		cert_cluster(c, m->conf.ca.pk, cluster);
		join_begin(m, now, cluster, p->term, p->generation);
	}
	members_tell(&m->ms, 0);
	out_addr(m, PACKET_WHO, from, NULL, p->cookie, true);
	return 0;
}

static int
answered(struct mesh *m, msec now, const struct addr *from, uint64_t sender, const struct packet *p)
{
	const struct crypto *c = &m->conf.crypto;
	const uint8_t *pk = p->bytes, *box = pk + KEY_BYTES, *sig = box + KEY_BOX_BYTES;
	uint8_t cluster[ID_BYTES], buf[SIGNED_BYTES];
	struct node_id id;
	struct cert x;

	if (!enter_wanted(m) || m->enter.nonce == 0 || p->seq != m->enter.nonce)
		return -ERR_REPLAY;
	if (p->bytes_len == 0) {
		if (p->cookie == 0 || p->cookie == m->enter.returned)
			return 0;
		m->cookie = (struct cookie_got){.from = *from, .cookie = p->cookie};
		m->enter.returned = p->cookie; /* once for each: no ping-pong */
		enter_ask(m, from);
		return 0;
	}
	if (p->bytes_len < KEY_BLOB_BYTES || p->count >= MESH_ENTRIES_)
		return -ERR_MALFORMED;
	id_of(m, pk, &id);
	if (seal_short(&id) != sender)
		return -ERR_IDENTITY;
	if (cert_read(sig + SIG_BYTES, p->bytes_len - KEY_BLOB_BYTES, &x) < 0 ||
	    !cert_holds(c, m->conf.ca.pk, pk, &x))
		return enter_refused(m, now, from, MESH_ENTRY_FOREIGN, NULL);
	cert_cluster(c, m->conf.ca.pk, cluster);
	to_sign(cluster, m->conf.pk, p, box, buf);
	if (!c->verify(c->arg, pk, sig, buf, sizeof buf))
		return -ERR_AUTH;
	if (p->count != MESH_ENTRY_OK)
		return enter_refused(m, now, from, (enum mesh_entry)p->count, &x);
	return let_in(m, now, from, p, box);
}

/* --- being asked --------------------------------------------------------------------- */

static int
error_of(enum mesh_entry why)
{
	switch (why) {
	case MESH_ENTRY_OK:
		return 0;
	case MESH_ENTRY_EXPIRED:
		return -ERR_EXPIRED;
	case MESH_ENTRY_SPENT:
		return -ERR_SPENT;
	case MESH_ENTRY_EVICTED:
		return -ERR_EVICTED;
	case MESH_ENTRY_FULL:
		return -ERR_FULL;
	default:
		return -ERR_CERT;
	}
}

static enum mesh_entry
judge(struct mesh *m, msec now, const struct addr *from, const struct node_id *id, const struct packet *p)
{
	size_t len = be_get(p->bytes + KEY_BYTES, 2);
	enum mesh_entry why;
	struct cert x;

	if (len > CERT_BYTES_MAX || cert_read(p->bytes + CERT_AT, len, &x) < 0 ||
	    !cert_holds(&m->conf.crypto, m->conf.ca.pk, p->bytes, &x)) {
		enter_tell(m, now, seal_short(id), from, NULL, MESH_ENTRY_CERT);
		return MESH_ENTRY_CERT;
	}
	why = admit_judge(m, id, &x);
	if (why != MESH_ENTRY_OK)
		enter_tell(m, now, seal_short(id), from, &x, why);
	return why;
}

static int
asked(struct mesh *m, msec now, const struct addr *from, uint64_t sender, const struct packet *p)
{
	struct enter_answer *a;
	struct node_id id;
	uint32_t i;

	if (p->bytes_len != ENTER_BYTES)
		return -ERR_SHORT;
	/* Nobody comes in under a key that is about to go. */
	if (!m->member || m->saved.keys.next || m->ms.certs == NULL)
		return -ERR_UNKNOWN;
	if (!cookie_holds(m, now, from, p->cookie)) {
		if (!cookie_afford(m, now))
			return -ERR_AUTH;
		out_bare(m, PACKET_ENTERED, from, p->seq, 0, cookie_make(m, now, from));
		/* Who asks first has none, and that is no fault of anybody's. */
		return p->cookie == 0 && evict_find(&m->ms.evict, sender) == EVICT_NONE ? 0 : -ERR_AUTH;
	}
	id_of(m, p->bytes, &id);
	if (seal_short(&id) != sender)
		return -ERR_IDENTITY;
	if (!ration_take(&m->enter.given, now, GIVE_MS, GIVE_MAX))
		return -ERR_FULL; /* it asks again */
	a = &m->enter.answers[++m->enter.serial % ENTER_ANSWERS];
	*a = (struct enter_answer){.serial = m->enter.serial, .why = judge(m, now, from, &id, p)};
	memcpy(a->pk, p->bytes, KEY_BYTES);
	if ((i = members_find_id(&m->ms, &id)) != MEMBER_NONE) {
		a->term = m->ms.m[i].roster != 0 ? m->saved.term : 0;
		a->lived = m->ms.m[i].generation;
	}
	out_bare(m, PACKET_ENTERED, from, p->seq, a->serial, 0);
	return error_of(a->why);
}

int
enter_recv(struct mesh *m, msec now, const struct addr *from, uint64_t sender, const struct packet *p)
{
	return p->kind == PACKET_ENTER ? asked(m, now, from, sender, p) :
					 answered(m, now, from, sender, p);
}

/* --- bytes ----------------------------------------------------------------------------- */

static void
fill_answer(struct mesh *m, const struct out *o, struct packet *p, uint8_t *scratch)
{
	const struct crypto *c = &m->conf.crypto;
	const struct enter_answer *a = &m->enter.answers[o->b % ENTER_ANSWERS];
	uint8_t buf[SIGNED_BYTES], *box = scratch + KEY_BYTES, *sig = box + KEY_BOX_BYTES;
	size_t len;
	const uint8_t *cert = admit_held(m, 0, &len);

	p->cookie = o->c;
	p->bytes = scratch;
	if (o->b == 0 || a->serial != o->b)
		return; /* a cookie; or another took its place meanwhile, and it asks again */
	p->who = m->saved.keys.used;
	p->count = a->why;
	p->generation = a->lived;
	p->term = a->term;
	p->cookie = cookie_make(m, m->ticked, &o->addr);
	memset(box, 0, KEY_BOX_BYTES);
	if (a->why == MESH_ENTRY_OK && c->key_wrap(c->arg, m->saved.keys.used, a->pk, box) < 0)
		p->count = MESH_ENTRY_CERT; /* it is no key at all */
	memcpy(scratch, m->conf.pk, KEY_BYTES);
	to_sign(m->saved.cluster, a->pk, p, box, buf);
	c->sign(c->arg, sig, buf, sizeof buf);
	memcpy(sig + SIG_BYTES, cert, len);
	p->bytes_len = KEY_BLOB_BYTES + len;
}

void
enter_fill(struct mesh *m, const struct out *o, struct packet *p, uint8_t *scratch)
{
	size_t len;
	const uint8_t *cert = admit_held(m, 0, &len);

	p->bare = true;
	p->seq = o->a;
	p->who = p->count = p->generation = p->term = 0;
	if (o->kind == PACKET_ENTERED) {
		fill_answer(m, o, p, scratch);
		return;
	}
	p->cookie = o->c;
	memset(scratch, 0, ENTER_BYTES);
	memcpy(scratch, m->conf.pk, KEY_BYTES);
	be_put(scratch + KEY_BYTES, len, 2);
	memcpy(scratch + CERT_AT, cert, len);
	p->bytes = scratch;
	p->bytes_len = ENTER_BYTES;
}

bool
mesh_refused(const struct mesh *m, struct mesh_refusal *out)
{
	*out = m->enter.refusal;
	return out->why != MESH_ENTRY_OK;
}
