/*
 * cookie.c - one hash to make, two at most to check.
 */
#include "be.h"
#include "inner.h"

enum { PERIOD_MS = 10000, JAR_MS = 10, JAR_MAX = 32, INPUT_BYTES = KEY_BYTES + 8 + 16 + 2 };

static uint64_t
of_period(const struct mesh *m, uint64_t period, const struct addr *a)
{
	const struct crypto *c = &m->conf.crypto;
	uint8_t in[INPUT_BYTES], *p = in + KEY_BYTES;
	struct hash h;
	uint64_t v;

	memcpy(in, m->conf.secret, KEY_BYTES);
	be_put(p, period, 8);
	memcpy(p + 8, a->ip, sizeof a->ip);
	be_put(p + 24, a->port, 2);
	c->hash(c->arg, &h, in, sizeof in);
	c->wipe(c->arg, in, KEY_BYTES);
	v = be_get(h.b, 8);
	return v != 0 ? v : 1;
}

uint64_t
cookie_make(const struct mesh *m, msec now, const struct addr *to)
{
	return of_period(m, (uint64_t)now / PERIOD_MS, to);
}

void
cookie_keep(struct mesh *m, const struct addr *from, const struct packet *p)
{
	if ((p->kind == PACKET_HELLO || p->kind == PACKET_WHO) && p->bytes_len == HELLO_HEAD_BYTES)
		m->cookie = (struct cookie_got){.from = *from,
		    .cookie = be_get(p->bytes + SALTS_BYTES, 8)};
}

uint64_t
cookie_back(const struct mesh *m, const struct addr *to)
{
	return addr_eq(&m->cookie.from, to) ? m->cookie.cookie : 0;
}

bool
cookie_afford(struct mesh *m, msec now)
{
	return ration_take(&m->jar, now, JAR_MS, JAR_MAX);
}

bool
cookie_holds(const struct mesh *m, msec now, const struct addr *from, uint64_t cookie)
{
	uint64_t period = (uint64_t)now / PERIOD_MS;

	return cookie != 0 &&
	    (cookie == of_period(m, period, from) || cookie == of_period(m, period - 1, from));
}
