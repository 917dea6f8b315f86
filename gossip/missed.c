/*
 * missed.c - counts are told and compared, and what the other lacks is sent.
 */
#include "inner.h"

enum {
	ASK_MS = 5000,
	BACK_MS = 500,
	NEWER_MAX = 192, /* of 255: a byte that is a little ahead of mine is newer */
};

_Static_assert((int)MISSED_WINDOW <= (int)SEAL_BODY_MAX - 64, "a COUNTS in one datagram");

void
missed_init(struct mesh *m, msec now)
{
	m->missed = (struct missed){.to = MEMBER_NONE,
	    .at = now + 1 + (msec)prng_below(&m->rng, (uint64_t)pace(m, ASK_MS))};
}

static uint8_t
count_byte(uint16_t count)
{
	return count == 0 ? 0 : (uint8_t)(count % 255 + 1);
}

/* Where in the order of ids that one stands, or would. */
static uint32_t
place(const struct members *ms, uint64_t short_id)
{
	uint32_t low = 0, high = ms->count;

	while (low < high) {
		uint32_t mid = (low + high) / 2;

		if (ms->m[ms->order[mid]].short_id < short_id)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Whom both sides count; the states that they may see differently do not matter. */
static bool
counts(const struct member *x)
{
	return x->state != MESH_LEFT && !x->forgotten && !x->evicted && x->proven;
}

/* The next from *at on that counts, and past it; MEMBER_NONE at the end. */
static uint32_t
next(const struct members *ms, uint32_t *at)
{
	while (*at < ms->count) {
		uint32_t i = ms->order[(*at)++];

		if (counts(&ms->m[i]))
			return i;
	}
	return MEMBER_NONE;
}

void
missed_fill(const struct mesh *m, uint64_t first, struct packet *p, uint8_t *scratch)
{
	uint32_t at = place(&m->ms, first), i;

	p->who = first;
	p->hash = 0;
	p->bytes = scratch;
	p->bytes_len = 0;
	while (p->bytes_len < MISSED_WINDOW && (i = next(&m->ms, &at)) != MEMBER_NONE) {
		p->hash = prng_mix(p->hash ^ m->ms.m[i].short_id);
		scratch[p->bytes_len++] = count_byte(m->ms.m[i].summary_count);
	}
}

void
missed_tick(struct mesh *m, msec now)
{
	struct missed *x = &m->missed;
	uint32_t at, to;

	if (now < x->at)
		return;
	x->at = now + pace(m, ASK_MS) - (msec)prng_below(&m->rng, (uint64_t)pace(m, ASK_MS) / 10);
	if ((to = swim_random_up(m, 0)) == MEMBER_NONE)
		return;
	out_to(m, PACKET_COUNTS, to, x->first, 0, 0);
	at = place(&m->ms, x->first);
	for (uint32_t n = 0; n < MISSED_WINDOW; n++)
		if (next(&m->ms, &at) == MEMBER_NONE)
			break;
	x->first = at < m->ms.count ? m->ms.m[m->ms.order[at]].short_id : 0;
}

/* Of two bytes, 0 where nothing is held: is a newer than b? */
static bool
newer(uint8_t a, uint8_t b)
{
	uint32_t ahead = (a + 255u - b) % 255;

	if (a == 0 || b == 0)
		return a != 0 && b == 0;
	return ahead != 0 && ahead < NEWER_MAX;
}

/* What member from holds, from member `at` in order on, is ahead of this. */
static void
ask_back(struct mesh *m, msec now, uint32_t from, const struct packet *p, uint32_t at)
{
	for (uint32_t k = 0; k < p->bytes_len && now >= m->missed.back_at; k++) {
		uint32_t i = next(&m->ms, &at);

		if (i == 0 || !newer(p->bytes[k], count_byte(m->ms.m[i].summary_count)))
			continue;
		m->missed.back_at = now + pace(m, BACK_MS);
		out_to(m, PACKET_COUNTS, from, p->who, 0, 0);
	}
}

int
missed_recv(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	struct missed *x = &m->missed;
	uint32_t at = place(&m->ms, p->who), begin, n = (uint32_t)p->bytes_len;
	uint64_t hash = 0;

	if (n > MISSED_WINDOW)
		return -ERR_RANGE;
	if (n == 0 || budget_owes(&m->budget, now))
		return 0;
	begin = at;
	for (uint32_t k = 0; k < n; k++) {
		uint32_t i = next(&m->ms, &at);

		if (i == MEMBER_NONE)
			return 0;
		hash = prng_mix(hash ^ m->ms.m[i].short_id);
	}
	if (hash != p->hash)
		return 0;
	x->wants = 0;
	x->to = (uint16_t)from;
	at = begin;
	for (uint32_t k = 0; k < n && x->wants < MISSED_WANTS; k++) {
		uint32_t i = next(&m->ms, &at);

		if (newer(count_byte(m->ms.m[i].summary_count), p->bytes[k]))
			x->want[x->wants++] = (uint16_t)i;
	}
	if (x->wants > 0)
		out_to(m, PACKET_HELD, from, 0, 0, 0);
	ask_back(m, now, from, p, begin);
	return 0;
}

void
missed_load(struct mesh *m, uint32_t to, struct cargo *c)
{
	struct missed *x = &m->missed;

	if (x->to != to)
		return; /* somebody else asked meanwhile, and this one will again */
	(void)summary_put(m, c, x->want, x->wants);
	x->to = MEMBER_NONE;
}
