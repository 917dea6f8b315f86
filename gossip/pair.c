/*
 * pair.c - HELLO and WHO, and what waits for them.
 *
 * An answer that carries a record goes only to an address that its owner signed;
 * any other is no longer than what asked for it, and rare.
 */
#include "be.h"
#include "inner.h"

enum {
	ASK_MS = 100,	/* until a HELLO of mine is repeated */
	ANSWER_MS = 50, /* so often one member is answered */
	PARK_MS = 2000, /* what waited longer is old news */
	ANSWERS_MS = 5, /* who proved nothing: one answer at a time for all ... */
	SOURCE_MS = 20, /* ... and one for each source */
};

static bool
my_salt(const struct mesh *m, const uint8_t *salt)
{
	return memcmp(m->conf.salt, salt, SALT_BYTES) == 0;
}

bool
pair_stands(const struct mesh *m, uint32_t i)
{
	const struct pair *p = members_pair(&m->ms, i);

	return p != NULL && p->since != 0 && p->heard;
}

/* tx and rx for what this node says now, and is told by most. */
static const struct pair_keys *
made(struct mesh *m, const struct pair *p)
{
	const struct crypto *c = &m->conf.crypto;
	struct pair_keys *k = pairs_keys(&m->ms.pairs, p);
	uint16_t of = (uint16_t)(p - m->ms.pairs.all + 1);

	if (k->of == of && k->epoch == m->seal.epoch)
		return k;
	k->of = of;
	k->epoch = m->seal.epoch;
	if (c->pair_epoch(c->arg, k->epoch, k->tx, p->tx_secret) < 0 ||
	    c->pair_epoch(c->arg, k->epoch, k->rx, p->rx_secret) < 0) {
		/* The key in use is held, or nothing can be said at all: under these
		 * nobody hears anything. */
		memcpy(k->tx, p->tx_secret, KEY_BYTES);
		memcpy(k->rx, p->rx_secret, KEY_BYTES);
		k->epoch = UINT32_MAX;
	}
	return k;
}

const uint8_t *
pair_tx(struct mesh *m, uint32_t i)
{
	return made(m, members_pair(&m->ms, i))->tx;
}

uint8_t
pair_version(const struct mesh *m, uint32_t i)
{
	return members_pair(&m->ms, i)->version;
}

int
pair_open(struct mesh *m, struct pair *p, const struct seal_frame *frame, const uint8_t *buf,
    size_t len, uint8_t *body, size_t *body_bytes)
{
	const struct crypto *c = &m->conf.crypto;
	uint8_t key[KEY_BYTES];
	int rc;

	if (frame->epoch == m->seal.epoch)
		return seal_open(&m->seal, frame, made(m, p)->rx, buf, len, body, body_bytes);
	/* The key changes, and not everybody in the same instant. */
	if (c->pair_epoch(c->arg, frame->epoch, key, p->rx_secret) < 0)
		return -ERR_AUTH;
	rc = seal_open(&m->seal, frame, key, buf, len, body, body_bytes);
	c->wipe(c->arg, key, sizeof key);
	return rc;
}

void
pair_salts(const struct mesh *m, uint32_t i, uint8_t *out)
{
	const struct pair *p = members_pair(&m->ms, i);

	memcpy(out, m->conf.salt, SALT_BYTES);
	if (p != NULL && p->since != 0)
		memcpy(out + SALT_BYTES, p->salt, SALT_BYTES);
	else
		memset(out + SALT_BYTES, 0, SALT_BYTES);
}

bool
pair_source(struct mesh *m, msec now, const struct addr *from)
{
	uint64_t h = m->slots; /* nobody can tell who shares a slot with whom */
	msec *source;

	for (size_t k = 0; k < sizeof from->ip; k++)
		h = prng_mix(h ^ from->ip[k]);
	source = &m->sources[h % SOURCES];
	if (now < *source)
		return false;
	*source = now + SOURCE_MS;
	return true;
}

static void
answer_stranger(struct mesh *m, msec now, enum packet_kind kind, const struct addr *from,
    const uint8_t *salt, uint64_t cookie)
{
	if (now < m->swim.who_at || !pair_source(m, now, from))
		return;
	m->swim.who_at = now + ANSWERS_MS;
	out_addr(m, kind, from, salt, cookie, false);
}

void
pair_stranger(struct mesh *m, msec now, const struct addr *from, const struct seal_frame *frame,
    size_t len)
{
	uint32_t i = members_find(&m->ms, frame->sender);

	/* A member's name from a member's address: who has neither hears nothing. */
	if (len < HELLO_BYTES || !m->member || i == MEMBER_NONE ||
	    !addr_eq(&m->ms.m[i].addr, from))
		return;
	answer_stranger(m, now, PACKET_HELLO, from, NULL, 0);
}

/* --- what waits ---------------------------------------------------------------- */

bool
pair_park(struct mesh *m, msec now, const struct out *o)
{
	struct pair *p = members_pair_take(&m->ms, o->to);
	const struct parked *was;
	bool waits;

	if (p == NULL)
		return false;
	was = pairs_parked(&m->ms.pairs, p);
	waits = was != NULL && now - was->at < PARK_MS;
	/* Gossip goes to anybody: it is not worth another's place. */
	if (o->kind != PACKET_GOSSIP || !waits) {
		bool introduce = o->introduce || (waits && was->introduce);

		*pairs_park(&m->ms.pairs, p) = (struct parked){.kind = o->kind, .a = o->a,
		    .b = o->b, .c = o->c, .at = now, .introduce = introduce};
	}
	if (now < p->ask_at)
		return false;
	p->ask_at = now + pace(m, ASK_MS);
	return true;
}

void
pair_heard(struct mesh *m, msec now, uint32_t i)
{
	struct pair *p = members_pair(&m->ms, i);
	const struct parked *was = pairs_parked(&m->ms.pairs, p);
	bool waits = was != NULL && now - was->at < PARK_MS;

	p->heard = true;
	if (waits)
		out_parked(m, i, was);
	pairs_unpark(&m->ms.pairs, p);
	if (!waits && !p->spoke && now >= p->answer_at) {
		/* It has yet to learn that I have its salt, and waits to say what
		 * it has to say; the word that would have told it may be lost. */
		p->answer_at = now + ANSWER_MS;
		out_to(m, PACKET_PING, i, ++m->swim.next_seq, 0, 0);
	}
}

void
pair_drop(struct mesh *m, uint32_t i, uint64_t generation)
{
	struct pair *p = members_pair(&m->ms, i);

	if (p == NULL || p->since >> SEAL_COUNTER_BITS >= generation)
		return;
	p->since = 0;
	p->heard = p->spoke = false;
}

/* --- HELLO ------------------------------------------------------------------------ */

/* What i speaks, and what this node can speak with it: an unknown version is named once. */
static int
agree(struct mesh *m, msec now, uint32_t i, struct pair *p, const struct wire_range *theirs)
{
	int version = wire_common(&m->conf.wire, theirs);

	p->wire = *theirs;
	if (version == WIRE_NONE) {
		if (!p->foreign)
			trace(m, now, "no common wire version", i, theirs->min);
		m->ms.changes += !p->foreign;
		p->foreign = true;
		return -ERR_VERSION;
	}
	m->ms.changes += p->foreign;
	p->foreign = false;
	p->version = (uint8_t)version;
	return 0;
}

/* i says that its salt is this one, in the frame of that counter. */
static int
learn(struct mesh *m, msec now, uint32_t i, uint64_t counter, const uint8_t *salt)
{
	const struct wire_range theirs = wire_read(salt + WIRE_AT);
	const struct crypto *c = &m->conf.crypto;
	struct pair *p = members_pair_take(&m->ms, i);
	uint8_t me[ID_BYTES + SALT_BYTES], peer[ID_BYTES + SALT_BYTES];
	int rc;

	if (p == NULL)
		return -ERR_FULL;
	if (p->since != 0 && memcmp(p->salt, salt, SALT_BYTES) == 0)
		return 0;
	/* A life has one salt.  Whoever has the key of all can name one, under any
	 * counter of that life: only who seals under one shows that it is its own, and
	 * until then each further one is taken. */
	if (p->since != 0 && p->spoke && p->since >> SEAL_COUNTER_BITS == counter >> SEAL_COUNTER_BITS)
		return -ERR_IDENTITY;
	memcpy(me, m->ms.m[0].id.b, ID_BYTES);
	memcpy(me + ID_BYTES, m->conf.salt, SALT_BYTES);
	memcpy(peer, m->ms.m[i].id.b, ID_BYTES);
	memcpy(peer + ID_BYTES, salt, SALT_BYTES);
	p->since = 0;
	p->heard = p->spoke = false;
	pairs_unmake(&m->ms.pairs, p);
	if ((rc = agree(m, now, i, p, &theirs)) < 0)
		return rc;
	if (c->pair(c->arg, p->tx_secret, p->rx_secret, m->ms.proofs[i].pk, me, peer) < 0)
		return -ERR_AUTH;
	memcpy(p->salt, salt, SALT_BYTES);
	window_clear(&p->window, &m->ms.pairs.windows);
	p->since = counter;
	return 0;
}

/* Tell i my salt, and that I have its; the whole of me if it asked. */
static void
answer(struct mesh *m, msec now, uint32_t i, uint64_t cookie, bool whole)
{
	struct pair *p = members_pair(&m->ms, i);

	if (now < p->answer_at)
		return;
	p->answer_at = now + ANSWER_MS;
	out_hello(m, i, cookie, whole);
}

/* Where who says this is known: at the address that its owner signed, or that the
 * roster on disk has, or by a cookie. */
static bool
is_known(const struct mesh *m, uint32_t i, const struct addr *from, bool returned)
{
	return returned || (i != MEMBER_NONE && addr_eq(&m->ms.m[i].addr, from));
}

/* Nobody that this node could talk to yet.  A WHO with its cookie back asked for this
 * node's record from where it can have it. */
static int
unknown(struct mesh *m, msec now, const struct addr *from, const struct packet *p, bool returned)
{
	bool who = p->kind == PACKET_WHO;
	uint64_t cookie = be_get(p->bytes + SALTS_BYTES, 8);

	if (who && returned && pair_source(m, now, from))
		out_addr(m, PACKET_HELLO, from, p->bytes, cookie, true);
	if (p->rumours_count > 0 && !returned) {
		if (cookie_afford(m, now))
			out_addr(m, PACKET_WHO, from, NULL, cookie, false); /* its salt is not kept */
	} else if (!who) {
		answer_stranger(m, now, PACKET_WHO, from, p->bytes, cookie);
	}
	return -ERR_UNKNOWN;
}

/* The sender, whose own word names the life it speaks in. */
static int
greeted(struct mesh *m, msec now, const struct addr *from, uint32_t i, uint64_t counter,
    const struct packet *p, bool returned)
{
	bool who = p->kind == PACKET_WHO, knows = my_salt(m, p->bytes + SALT_BYTES);
	bool whole = who || (returned && p->rumours_count > 0); /* it may know nothing of me */
	int rc;

	if (counter >> SEAL_COUNTER_BITS < m->ms.m[i].generation) {
		twin_point(m, now, from, i, returned);
		return -ERR_REPLAY;
	}
	if (m->ms.m[i].state == MESH_LEFT)
		return -ERR_UNKNOWN;
	if ((rc = learn(m, now, i, counter, p->bytes)) < 0) {
		if (rc == -ERR_IDENTITY)
			twin_point(m, now, from, i, returned);
		if (rc == -ERR_VERSION && who) /* let it know why */
			answer(m, now, i, be_get(p->bytes + SALTS_BYTES, 8), true);
		return rc;
	}
	if (whole || !knows)
		answer(m, now, i, be_get(p->bytes + SALTS_BYTES, 8), whole);
	if (knows)
		pair_heard(m, now, i);
	return 0;
}

int
pair_recv(struct mesh *m, msec now, const struct addr *from, const struct seal_frame *frame,
    const struct packet *p)
{
	uint64_t generation = frame->counter >> SEAL_COUNTER_BITS;
	bool returned;
	uint32_t i;
	int rc;

	if (p->kind == PACKET_TWIN)
		return m->member ? twin_hint(m, now, frame->sender, p) : -ERR_UNKNOWN;
	if (p->kind != PACKET_HELLO && p->kind != PACKET_WHO)
		return -ERR_AUTH; /* nothing else is said under a key that many hold */
	if (p->bytes_len != HELLO_HEAD_BYTES)
		return -ERR_MALFORMED;
	if (!m->member)
		return -ERR_UNKNOWN;
	/* While the key changes nobody new comes in under the one that goes. */
	if (!keys_admit(m, frame->sender, frame->epoch))
		return -ERR_AUTH;
	returned = cookie_holds(m, now, from, be_get(p->bytes + SALTS_BYTES + 8, 8));
	if (!is_known(m, members_find(&m->ms, frame->sender), from, returned))
		return unknown(m, now, from, p, false);
	/* The frame itself proves nobody's word. */
	if ((rc = rumours_hear(m, now, p, MEMBER_NONE, frame)) < 0 || m->left)
		return rc;
	i = members_find(&m->ms, frame->sender);
	if (i == MEMBER_NONE || !m->ms.m[i].proven || generation > m->ms.m[i].generation)
		return unknown(m, now, from, p, returned);
	keys_greeted(m, now, i, frame->epoch);
	return greeted(m, now, from, i, frame->counter, p, returned);
}
