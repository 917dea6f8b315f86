/*
 * twin.c - see twin.h.
 */
#include "be.h"
#include "inner.h"

static const char domain[] = "mesh twin 0";

enum {
	DOMAIN_BYTES = sizeof domain - 1,
	AT_THEIRS = SALT_BYTES,
	AT_NONCE = 2 * SALT_BYTES,
	AT_GENERATION = AT_NONCE + 8,
	AT_AGE = AT_GENERATION + 8,
	AT_STAY = AT_AGE + 8,
	AT_SIG = AT_STAY + 1,
	SIGNED_BYTES = DOMAIN_BYTES + ID_BYTES + AT_SIG,
	ASK_MS = 500,	    /* between two questions */
	ANSWER_MS = 1500,   /* an answer later than that is none */
	AGAIN = 4,
	GONE_MS = 8000, /* of questions that nobody answers: then there is nobody */
	GONE_MAX = 6,	/* the sixth time 32 lives up: that many starts it may have had */
};

/* What an answer says of who gives it. */
enum word { UNDECIDED, STAYS, SILENT };

static void
to_sign(const struct mesh *m, const uint8_t *said, uint8_t *buf)
{
	memcpy(buf, domain, DOMAIN_BYTES);
	memcpy(buf + DOMAIN_BYTES, m->saved.cluster, ID_BYTES);
	memcpy(buf + DOMAIN_BYTES + ID_BYTES, said, AT_SIG);
}

/* Of a question as of an answer: who I am in this life. */
static void
fill_mine(const struct mesh *m, msec now, uint8_t *out)
{
	memset(out, 0, TWIN_BYTES);
	memcpy(out, m->conf.salt, SALT_BYTES);
	be_put(out + AT_GENERATION, m->ms.m[0].generation, 8);
	be_put(out + AT_AGE, (uint64_t)(now - m->started), 8);
}

/* By how much I am the older one, as far as that can be told; far apart is far. */
static msec
older_by(const struct mesh *m, msec now, const uint8_t *said)
{
	uint64_t age = be_get(said + AT_AGE, 8);

	return age > INT64_MAX / 2 ? INT64_MIN / 2 : now - m->started - (msec)age;
}

static struct judged *
judged(struct mesh *m, const uint8_t *salt)
{
	struct twin *t = &m->twin;

	for (size_t k = 0; k < t->judged_count && k < TWIN_JUDGED; k++)
		if (memcmp(t->judged[k].salt, salt, SALT_BYTES) == 0)
			return &t->judged[k];
	return NULL;
}

/* Of the other one's signed age, and once: whatever is heard later, it was told. */
static bool
i_stay(struct mesh *m, msec now, const uint8_t *said)
{
	struct twin *t = &m->twin;
	struct judged *j = judged(m, said);

	if (j == NULL) {
		j = &t->judged[t->judged_count++ % TWIN_JUDGED];
		memcpy(j->salt, said, SALT_BYTES);
		j->stay = older_by(m, now, said) >= 0;
	}
	return j->stay;
}

static enum word
word_for(struct mesh *m, const uint8_t *salt)
{
	const struct judged *j = judged(m, salt);

	if (m->twin.yielded)
		return SILENT;
	return j != NULL && j->stay ? STAYS : UNDECIDED;
}

void
twin_suspect(struct mesh *m, msec now, const struct addr *at)
{
	struct twin *t = &m->twin;

	if (t->yielded || now < t->ask_at || !addr_possible(at) || addr_eq(at, &m->conf.addr))
		return;
	t->ask_at = now + ASK_MS;
	t->asked = now;
	t->nonce = drawn(m) | 1;
	t->addr = *at;
	t->again = AGAIN;
	out_twin(m, at, MEMBER_NONE);
}

void
twin_tick(struct mesh *m, msec now)
{
	struct twin *t = &m->twin;

	if (now < twin_deadline(m))
		return;
	t->again--;
	t->ask_at = now + ASK_MS;
	t->asked = now;
	out_twin(m, &t->addr, MEMBER_NONE);
}

msec
twin_deadline(const struct mesh *m)
{
	return m->twin.asked != 0 && m->twin.again > 0 ? m->twin.ask_at : MSEC_NEVER;
}

void
twin_point(struct mesh *m, msec now, const struct addr *from, uint32_t i, bool returned)
{
	if (returned || pair_source(m, now, from))
		out_twin(m, from, i);
}

size_t
twin_fill(struct mesh *m, msec now, const struct addr *to, uint64_t hint, uint8_t *out)
{
	struct twin *t = &m->twin;

	if (hint != MEMBER_NONE) {
		memcpy(out, m->ms.m[hint].addr.ip, 16);
		be_put(out + 16, m->ms.m[hint].addr.port, 2);
		return TWIN_HINT_BYTES;
	}
	if (addr_eq(to, &t->answer_to)) {
		memcpy(out, t->answer, TWIN_BYTES);
		memset(&t->answer_to, 0, sizeof t->answer_to);
		return TWIN_BYTES;
	}
	fill_mine(m, now, out);
	be_put(out + AT_NONCE, t->nonce, 8);
	return TWIN_BYTES;
}

/* They still say that one is there, and it was asked often enough. */
static void
gone(struct mesh *m, msec now)
{
	struct twin *t = &m->twin;
	uint64_t above = m->ms.m[0].generation;

	if (t->unanswered == 0 || now - t->hinted > GONE_MS)
		t->unanswered = now;
	t->hinted = now;
	if (now - t->unanswered < GONE_MS || t->gone == GONE_MAX)
		return;
	t->unanswered = 0;
	above = (t->life > above ? t->life : above) + (1u << t->gone++) - 1;
	if (join_next_life(m, now, above))
		trace(m, now, "twin: gone", 0, above);
}

/* It hears this life: what it refuses was said in another. */
static bool
hears_me(const struct mesh *m, msec now, uint64_t sender)
{
	uint32_t i = members_find(&m->ms, sender);

	return i != MEMBER_NONE && pair_stands(m, i) && m->ms.m[i].seen != MSEC_NEVER &&
	    now - m->ms.m[i].seen < GONE_MS;
}

int
twin_hint(struct mesh *m, msec now, uint64_t sender, const struct packet *p)
{
	const struct twin *t = &m->twin;
	struct addr at;
	bool mine;

	if (p->bytes_len != TWIN_HINT_BYTES)
		return -ERR_MALFORMED;
	memcpy(at.ip, p->bytes, 16);
	at.port = (uint16_t)be_get(p->bytes + 16, 2);
	mine = addr_eq(&at, &m->conf.addr);
	if (t->yielded || (mine && hears_me(m, now, sender)))
		return 0;
	if (!mine) /* there I can't ask anybody but me */
		twin_suspect(m, now, &at);
	gone(m, now);
	return 0;
}

/* --- the other one is there ------------------------------------------------------ */

static void
yield(struct mesh *m, msec now)
{
	if (m->left)
		return;
	m->twin.yielded = true;
	if (m->elect.role == MESH_LEADER)
		lead_resign(m, now, 0, 0);
	m->left = true;
	trace(m, now, "twin: yields", 0, 0);
}

/* Its record may be in tables already, in a life above mine: take one above that. */
static void
outlive(struct mesh *m, msec now, uint64_t generation)
{
	if (generation < m->ms.m[0].generation)
		return;
	if (join_next_life(m, now, generation))
		trace(m, now, "twin: outlived", 0, generation);
}

static void
proved(struct mesh *m, msec now, const struct addr *from, const uint8_t *said)
{
	struct twin *t = &m->twin;
	uint64_t life = be_get(said + AT_GENERATION, 8);

	t->other = *from;
	t->proved = now;
	t->unanswered = 0;
	if (life > t->life && join_lives_left(m, life))
		t->life = life;
	m->changes++;
	if (t->yielded)
		return;
	if (said[AT_STAY] != SILENT && memcmp(said, m->conf.salt, SALT_BYTES) < 0) {
		/* It is the other one's to judge: until it did it is asked. */
		t->again = AGAIN;
		if (said[AT_STAY] == STAYS)
			yield(m, now);
		return;
	}
	t->asked = 0;
	if (said[AT_STAY] == SILENT || i_stay(m, now, said))
		outlive(m, now, life);
	else
		yield(m, now);
}

/* A question, of one who has the key of all: its answer is no longer. */
static void
answer(struct mesh *m, msec now, const struct addr *from, const uint8_t *said)
{
	const struct crypto *c = &m->conf.crypto;
	struct twin *t = &m->twin;
	uint8_t buf[SIGNED_BYTES];

	if (!pair_source(m, now, from))
		return;
	fill_mine(m, now, t->answer);
	memcpy(t->answer + AT_THEIRS, said, SALT_BYTES);
	memcpy(t->answer + AT_NONCE, said + AT_NONCE, 8);
	t->answer[AT_STAY] = (uint8_t)word_for(m, said);
	to_sign(m, t->answer, buf);
	c->sign(c->arg, t->answer + AT_SIG, buf, sizeof buf);
	t->answer_to = *from;
	out_twin(m, from, MEMBER_NONE);
	twin_suspect(m, now, from);
}

int
twin_recv(struct mesh *m, msec now, const struct addr *from, const struct packet *p)
{
	static const uint8_t nobody[SALT_BYTES];
	const struct crypto *c = &m->conf.crypto;
	struct twin *t = &m->twin;
	uint8_t buf[SIGNED_BYTES];

	if (p->bytes_len < SALT_BYTES)
		return -ERR_MALFORMED;
	if (memcmp(p->bytes, m->conf.salt, SALT_BYTES) == 0)
		return 0; /* my own: a seed is another address of this host, or it was moved */
	if (p->kind != PACKET_TWIN) {
		twin_suspect(m, now, from);
		return -ERR_IDENTITY;
	}
	if (p->bytes_len != TWIN_BYTES)
		return -ERR_MALFORMED;
	if (memcmp(p->bytes + AT_THEIRS, nobody, SALT_BYTES) == 0) {
		answer(m, now, from, p->bytes);
		return -ERR_IDENTITY;
	}
	if (t->asked == 0 || now - t->asked > ANSWER_MS ||
	    be_get(p->bytes + AT_NONCE, 8) != t->nonce ||
	    memcmp(p->bytes + AT_THEIRS, m->conf.salt, SALT_BYTES) != 0)
		return -ERR_REPLAY;
	to_sign(m, p->bytes, buf);
	if (!c->verify(c->arg, m->conf.pk, p->bytes + AT_SIG, buf, sizeof buf))
		return -ERR_AUTH;
	proved(m, now, from, p->bytes);
	return -ERR_IDENTITY;
}

bool
mesh_twin(const struct mesh *m, msec now, struct addr *other, bool *yielded)
{
	const struct twin *t = &m->twin;

	if (t->proved == 0 || (!t->yielded && now - t->proved > MESH_TWIN_NAMED_MS))
		return false;
	*other = t->other;
	*yielded = t->yielded;
	return true;
}
