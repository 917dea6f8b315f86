/*
 * keys.c - which cluster keys this node holds, and how it comes to the next: the
 * picture is in keys.h.  What a leader does about it is in keyring.c.
 */
#include "be.h"
#include "inner.h"

static const char domain[] = "mesh key 0";

enum {
	ASK_MS = 1000,	/* a question that nobody answered is repeated */
	GIVE_MS = 10,	/* in so much time ... */
	GIVE_MAX = 8,	/* ... so many answers: each costs 0.2 ms */
	DOMAIN_BYTES = sizeof domain - 1,
	SIGNED_BYTES = DOMAIN_BYTES + ID_BYTES + ID_BYTES + 4 + 8 + 8 + KEY_BOX_BYTES,
};

static uint64_t
word_of(const struct mesh_keys *k)
{
	return (uint64_t)k->used << 2 | (k->next ? 2u : 0u) | (k->old ? 1u : 0u);
}

static struct mesh_keys
of_word(uint64_t w)
{
	return (struct mesh_keys){.used = (uint32_t)(w >> 2), .next = (w & 2) != 0,
	    .old = (w & 1) != 0};
}

static uint32_t
newest(const struct mesh_keys *k)
{
	return k->used + k->next;
}

uint64_t
keys_word(const struct mesh *m)
{
	return word_of(&m->saved.keys);
}

uint64_t
keys_newest_id(const struct mesh *m)
{
	const struct crypto *c = &m->conf.crypto;

	return c->key_id(c->arg, newest(&m->saved.keys));
}

bool
keys_newest(const struct mesh *m, uint32_t epoch)
{
	return epoch == newest(&m->saved.keys);
}

bool
keys_epoch(const struct mesh *m, struct seal_frame *frame)
{
	const struct mesh_keys *k = &m->saved.keys;
	uint32_t first = k->used - k->old;

	for (uint32_t e = first; e <= newest(k); e++)
		if (e % SEAL_EPOCHS == frame->epoch) {
			frame->epoch = e;
			return true;
		}
	return false;
}

bool
keys_admit(const struct mesh *m, uint64_t short_id, uint32_t epoch)
{
	uint32_t i;

	if (keys_newest(m, epoch))
		return true;
	i = members_find(&m->ms, short_id);
	return i != MEMBER_NONE && m->ms.m[i].roster != 0;
}

/* --- holding ------------------------------------------------------------------- */

static void
drop(struct mesh *m, uint32_t epoch)
{
	const struct crypto *c = &m->conf.crypto;

	c->key_drop(c->arg, epoch);
}

static void
take(struct mesh *m, struct mesh_keys k)
{
	m->saved.keys = k;
	m->seal.epoch = k.used;
	m->must_save = true;
	m->changes++;
}

int
keys_init(struct mesh *m)
{
	const struct crypto *c = &m->conf.crypto;
	struct mesh_keys *k = &m->saved.keys;

	if (k->used >= KEYS_EPOCH_MAX || (k->old && k->used == 0))
		return -ERR_RANGE;
	k->next = k->next && c->key_id(c->arg, k->used + 1) != 0;
	k->old = k->old && c->key_id(c->arg, k->used - 1) != 0;
	m->seal.epoch = k->used;
	return 0;
}

void
keys_announce(struct mesh *m)
{
	const struct crypto *c = &m->conf.crypto;
	struct mesh_keys k = m->saved.keys;

	c->key_make(c->arg, k.used + 1);
	k.next = true;
	take(m, k);
}

void
keys_use(struct mesh *m, msec now)
{
	struct mesh_keys k = m->saved.keys;

	if (k.old)
		drop(m, k.used - 1);
	take(m, (struct mesh_keys){.used = k.used + 1, .old = true});
	trace(m, now, "keys used", MEMBER_NONE, k.used + 1);
}

void
keys_retire(struct mesh *m, msec now)
{
	struct mesh_keys k = m->saved.keys;

	drop(m, k.used - 1);
	k.old = false;
	take(m, k);
	trace(m, now, "keys retired", MEMBER_NONE, k.used - 1);
}

void
keys_joined(struct mesh *m, uint64_t word)
{
	const struct crypto *c = &m->conf.crypto;
	uint32_t epoch = of_word(word).used;

	if (epoch == m->saved.keys.used || epoch >= KEYS_EPOCH_MAX)
		return;
	c->key_move(c->arg, m->saved.keys.used, epoch);
	take(m, (struct mesh_keys){.used = epoch});
}

void
keys_entered(struct mesh *m, uint32_t epoch)
{
	take(m, (struct mesh_keys){.used = epoch});
}

void
keys_found(struct mesh *m)
{
	const struct crypto *c = &m->conf.crypto;

	c->key_make(c->arg, 1);
	take(m, (struct mesh_keys){.used = 1});
}

/* The key of that epoch is held now, perhaps in use where it came from. */
static void
fetched(struct mesh *m, msec now, uint32_t epoch, bool in_use)
{
	struct mesh_keys k = m->saved.keys;

	trace(m, now, "keys fetched", MEMBER_NONE, epoch);
	if (!in_use) {
		k.next = true;
		take(m, k);
		return;
	}
	if (epoch == k.used + 1) {
		k.next = true;
		m->saved.keys = k;
		keys_use(m, now);
		return;
	}
	/* Away for longer: nobody talks under what it had. */
	for (uint32_t e = k.used - k.old; e <= k.used + 1; e++)
		if (e % 3 != epoch % 3)
			drop(m, e);
	take(m, (struct mesh_keys){.used = epoch});
}

/* --- asking ---------------------------------------------------------------------- */

static void
ask(struct mesh *m, msec now, uint32_t i, const struct addr *bare)
{
	struct keys *k = &m->keys;

	if (now < k->ask_at)
		return;
	k->ask_at = now + ASK_MS;
	k->nonce = drawn(m) | 1;
	if (bare == NULL)
		out_to(m, PACKET_KEY_ASK, i, k->nonce, 0, 0);
	else
		out_bare(m, PACKET_KEY_ASK, bare, k->nonce, 0,
		    cookie_back(m, bare));
}

static bool
may_hold(const struct mesh *m, uint32_t i)
{
	const struct member *x = &m->ms.m[i];

	return i != 0 && x->roster != 0 && !x->evicted && x->state != MESH_LEFT;
}

/* Who could say whether the key is so far ahead, and has not: each once, and at once
 * only while all who did are remembered; else at the pace of any question. */
static void
ask_another(struct mesh *m, msec now)
{
	uint32_t from = m->keys.turn++;

	if (keyleap_full(m, now))
		return;
	for (uint32_t n = 0; n < m->ms.count; n++) {
		uint32_t j = (from + n) % m->ms.count;

		if (may_hold(m, j) && !keyleap_told(m, now, j)) {
			m->keys.ask_at = now;
			ask(m, now, j, &m->ms.m[j].addr);
			return;
		}
	}
}

/*
 * Whom to ask, while nobody can be heard.  The frame that tells of another key is
 * nobody's word: whoever may write one must not choose for ever whom this node asks.
 * So every second question goes to who seems to have sent it, as he is there, and the
 * others to all with a vote, in turn.
 */
static uint32_t
next_asked(struct mesh *m, uint32_t i)
{
	struct keys *k = &m->keys;

	if (k->turn++ % 2 == 0)
		return i;
	for (uint32_t n = 0; n < m->ms.count; n++) {
		uint32_t j = (k->turn / 2 + n) % m->ms.count;

		if (may_hold(m, j)) {
			k->turn += 2 * n;
			return j;
		}
	}
	return i;
}

void
keys_stranger(struct mesh *m, msec now, const struct addr *from, const struct seal_frame *frame,
    size_t len)
{
	uint32_t i = members_find(&m->ms, frame->sender);
	uint32_t ahead = (frame->epoch - m->saved.keys.used) % SEAL_EPOCHS;
	bool evicted = evict_find(&m->ms.evict, frame->sender) != EVICT_NONE;

	/* It was away when it was put out, and the key changed since: it may ask, and
	 * is told by the act. */
	if (m->member && evicted && pair_source(m, now, from) &&
	    (len >= HELLO_BYTES || (i != MEMBER_NONE && addr_eq(&m->ms.m[i].addr, from))))
		out_addr(m, PACKET_HELLO, from, NULL, 0, false);
	if (!m->member || evicted || i == MEMBER_NONE || i == 0 || m->ms.m[i].roster == 0 ||
	    m->ms.m[i].state == MESH_LEFT)
		return;
	/* Six bits don't tell who is behind when one was away for long: it asks, and the
	 * question, which carries the whole number, is answered only when it is. */
	if (now >= m->keys.ask_at) {
		uint32_t j = next_asked(m, i);

		ask(m, now, j, &m->ms.m[j].addr);
	}
	if (ahead >= SEAL_EPOCHS / 2 && len >= HELLO_BYTES && pair_source(m, now, from))
		out_addr(m, PACKET_HELLO, from, NULL, 0, false); /* it sees the number, and asks */
}

void
keys_greeted(struct mesh *m, msec now, uint32_t i, uint32_t epoch)
{
	if (m->saved.keys.next && epoch == m->saved.keys.used + 1 && i != 0 &&
	    m->ms.m[i].roster != 0)
		ask(m, now, i, &m->ms.m[i].addr);
}

void
keys_spoke(struct mesh *m, msec now, uint32_t i, uint32_t epoch)
{
	m->ms.m[i].spoke = epoch;
	if (m->saved.keys.next && epoch == m->saved.keys.used + 1 && m->ms.m[i].roster != 0)
		keys_use(m, now);
}

void
keys_heard(struct mesh *m, msec now, uint32_t i, const struct packet *p, bool leads)
{
	struct mesh_keys theirs = of_word(p->keys), *mine = &m->saved.keys;
	bool later = newest(&theirs) > newest(mine);

	if (leads) {
		m->ms.votes[i].keys.have = theirs;
		m->ms.votes[i].keys.id = p->key_id;
		m->ms.votes[i].keys.known = true;
	}
	/* Two leaders may have drawn one each: while none is used, the one who leads
	 * now has the right one. */
	if (!leads && theirs.next && newest(&theirs) == newest(mine) && mine->next &&
	    p->key_id != keys_newest_id(m))
		later = true;
	if (later)
		ask(m, now, i, NULL);
	if (!leads && theirs.used == mine->used && !theirs.old && mine->old)
		keys_retire(m, now);
}

/* --- giving ---------------------------------------------------------------------- */

static void
put(uint8_t **p, const void *bytes, size_t len)
{
	memcpy(*p, bytes, len);
	*p += len;
}

/* buf holds SIGNED_BYTES. */
static void
to_sign(const struct mesh *m, const struct node_id *asker, uint32_t epoch, uint64_t word,
    uint64_t nonce, const uint8_t *box, uint8_t *buf)
{
	uint8_t *p = buf;

	put(&p, domain, DOMAIN_BYTES);
	put(&p, m->saved.cluster, ID_BYTES);
	put(&p, asker->b, ID_BYTES);
	be_put(p, epoch, 4);
	be_put(p + 4, word, 8);
	be_put(p + 12, nonce, 8);
	p += 20;
	put(&p, box, KEY_BOX_BYTES);
}

/* Is pk the key of member i? */
static bool
pk_of(const struct mesh *m, uint32_t i, const uint8_t *pk)
{
	const struct crypto *c = &m->conf.crypto;
	struct hash h;

	c->hash(c->arg, &h, pk, KEY_BYTES);
	return memcmp(h.b, m->ms.m[i].id.b, ID_BYTES) == 0;
}

/* The epoch of what they lack, or 0 for nothing. */
static uint32_t
lacks(const struct mesh *m, const struct packet *p)
{
	struct mesh_keys theirs = of_word(p->keys), mine = m->saved.keys;

	if (theirs.used < mine.used)
		return mine.used;
	if (theirs.used > mine.used || !mine.next)
		return 0;
	return theirs.next && p->key_id == keys_newest_id(m) ? 0 : mine.used + 1;
}

static int
asked(struct mesh *m, msec now, const struct addr *from, uint32_t i, bool bare,
    const struct packet *p)
{
	uint32_t epoch;

	if (p->bytes_len != KEY_ASK_BYTES)
		return -ERR_SHORT;
	if ((epoch = lacks(m, p)) == 0)
		return 0;
	if (bare && !cookie_holds(m, now, from, p->cookie)) {
		if (cookie_afford(m, now))
			out_bare(m, PACKET_KEY, from, p->seq, 0, cookie_make(m, now, from));
		return -ERR_AUTH;
	}
	if (!pk_of(m, i, p->bytes))
		return -ERR_AUTH;
	if (!ration_take(&m->keys.given, now, GIVE_MS, GIVE_MAX))
		return -ERR_FULL; /* it asks again */
	memcpy(m->ms.proofs[i].pk, p->bytes, KEY_BYTES); /* what its id is the hash of */
	if (bare)
		out_bare(m, PACKET_KEY, from, p->seq, (uint64_t)i << 32 | epoch, 0);
	else
		out_to(m, PACKET_KEY, i, p->seq, (uint64_t)i << 32 | epoch, 0);
	return 0;
}

/* Sealed and signed when it is polled; nothing when the key went meanwhile. */
static void
fill_key(struct mesh *m, const struct out *o, struct packet *p, uint8_t *scratch)
{
	const struct crypto *c = &m->conf.crypto;
	uint8_t buf[SIGNED_BYTES], *box = scratch + KEY_BYTES;
	uint32_t i = (uint32_t)(o->b >> 32), epoch = (uint32_t)o->b;

	p->cookie = o->c;
	p->bytes = scratch;
	if (i == MEMBER_NONE) { /* no key, but why not */
		memcpy(scratch, evict_notice(m, epoch), EVICTION_BYTES);
		p->bytes_len = EVICTION_BYTES;
		return;
	}
	p->who = epoch;
	if (epoch == 0 || c->key_wrap(c->arg, epoch, m->ms.proofs[i].pk, box) < 0)
		return;
	memcpy(scratch, m->conf.pk, KEY_BYTES);
	to_sign(m, &m->ms.m[i].id, epoch, p->keys, p->seq, box, buf);
	c->sign(c->arg, box + KEY_BOX_BYTES, buf, sizeof buf);
	p->bytes_len = KEY_BLOB_BYTES;
}

void
keys_fill(struct mesh *m, const struct out *o, struct packet *p, uint8_t *scratch)
{
	p->bare = o->to == MEMBER_NONE;
	p->seq = o->a;
	p->key_id = keys_newest_id(m);
	if (o->kind == PACKET_KEY) {
		fill_key(m, o, p, scratch);
		return;
	}
	p->cookie = o->c;
	memset(scratch, 0, KEY_ASK_BYTES);
	memcpy(scratch, m->conf.pk, KEY_BYTES);
	p->bytes = scratch;
	p->bytes_len = KEY_ASK_BYTES;
}

/* --- receiving -------------------------------------------------------------------- */

static int
told(struct mesh *m, msec now, const struct addr *from, uint32_t i, bool bare,
    const struct packet *p)
{
	const struct crypto *c = &m->conf.crypto;
	struct mesh_keys theirs = of_word(p->keys);
	uint8_t buf[SIGNED_BYTES];
	const uint8_t *box = p->bytes + KEY_BYTES;
	uint32_t epoch = (uint32_t)p->who;

	if (m->keys.nonce == 0 || p->seq != m->keys.nonce)
		return -ERR_REPLAY;
	if (bare && p->bytes_len == 0) {
		m->cookie = (struct cookie_got){.from = *from, .cookie = p->cookie};
		m->keys.ask_at = now;
		ask(m, now, i, from);
		return 0;
	}
	if (p->bytes_len == EVICTION_BYTES && memcmp(p->bytes, m->ms.m[0].id.b, ID_BYTES) == 0)
		return evict_hear(m, now, p->bytes, bare ? MEMBER_NONE : i);
	if (p->bytes_len != KEY_BLOB_BYTES)
		return -ERR_MALFORMED;
	/* A member gone mad must not use up the epochs of all. */
	if (p->who >= KEYS_EPOCH_MAX || p->who > (uint64_t)m->saved.keys.used + KEYS_JUMP_MAX || epoch <= m->saved.keys.used ||
	    (epoch != theirs.used && !(theirs.next && epoch == theirs.used + 1)) ||
	    (epoch != theirs.used && epoch != m->saved.keys.used + 1))
		return -ERR_RANGE;
	to_sign(m, &m->ms.m[0].id, epoch, p->keys, p->seq, box, buf);
	if (!pk_of(m, i, p->bytes) || !c->verify(c->arg, p->bytes, box + KEY_BOX_BYTES, buf, sizeof buf))
		return -ERR_AUTH;
	m->keys.nonce = 0;
	if (epoch > m->saved.keys.used + 1) {
		uint64_t id = c->key_peek(c->arg, box);

		if (id == 0)
			return -ERR_AUTH;
		if (!keyleap_believed(m, now, i, epoch, id)) {
			ask_another(m, now);
			return -ERR_RANGE;
		}
	}
	m->keys.ask_at = now; /* there may be one more */
	if (c->key_unwrap(c->arg, epoch, box) < 0)
		return -ERR_AUTH;
	fetched(m, now, epoch, epoch == theirs.used);
	return 0;
}

/* Who is out gets no key, and hears why: that is shorter than its question. */
static int
refuse(struct mesh *m, msec now, const struct addr *from, uint32_t eviction, const struct packet *p)
{
	if (p->kind == PACKET_KEY_ASK && p->bytes_len == KEY_ASK_BYTES &&
	    cookie_afford(m, now))
		out_bare(m, PACKET_KEY, from, p->seq, (uint64_t)MEMBER_NONE << 32 | eviction, 0);
	return -ERR_EVICTED;
}

int
keys_recv(struct mesh *m, msec now, const struct addr *from, uint64_t sender, uint32_t i,
    const struct packet *p)
{
	bool bare = i == MEMBER_NONE;
	uint32_t out = bare && m->member ? evict_find(&m->ms.evict, sender) : EVICT_NONE;

	if (p->kind != PACKET_KEY_ASK && p->kind != PACKET_KEY)
		return -ERR_AUTH; /* nothing else comes bare */
	if (out != EVICT_NONE)
		return refuse(m, now, from, out, p);
	if (bare)
		i = members_find(&m->ms, sender);
	if (!m->member || i == MEMBER_NONE || i == 0 || m->ms.m[i].roster == 0 ||
	    m->ms.m[i].state == MESH_LEFT)
		return -ERR_UNKNOWN;
	return p->kind == PACKET_KEY_ASK ? asked(m, now, from, i, bare, p) :
					   told(m, now, from, i, bare, p);
}
