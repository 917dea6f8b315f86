/*
 * turn.c - see turn.h.
 */
#include "inner.h"

enum {
	BOOT_MS = 10000,
	RANK_LINEAR = 8,
	LARGE = 64,	 /* electors: of fewer nobody minds the questions */
	TURNS_MS = 8000,
	TRIES_SHIFT = 6, /* in vain: up to so many doublings of a step's wait */
};

static uint32_t
log2_quarters(uint32_t n)
{
	uint32_t whole = 0;

	while (n >> (whole + 1) != 0)
		whole++;
	/* The next two bits below the top one: quarters of an octave. */
	return 4 * whole + ((whole >= 2 ? n >> (whole - 2) : n << (2 - whole)) & 3);
}

static bool
ranks_before(const struct mesh *m, uint32_t i, uint32_t k)
{
	uint64_t salt = prng_mix(m->saved.term + 1);
	int a = quorum_priority(m, i), b = quorum_priority(m, k);

	return a != b ? a > b :
			prng_mix(m->ms.m[i].short_id ^ salt) < prng_mix(m->ms.m[k].short_id ^ salt);
}

uint32_t
turn_rank(const struct mesh *m, msec now)
{
	bool boot = now - m->started < BOOT_MS;
	uint32_t rank = 0;

	for (uint32_t i = 1; i < m->ms.count; i++) {
		const struct member *x = &m->ms.m[i];

		if (x->roster == 0 || (!boot && x->state != MESH_ALIVE) || x->state == MESH_LEFT ||
		    i == m->elect.last_leader || member_unstable(&m->ms, i, now))
			continue;
		rank += ranks_before(m, i, 0);
	}
	return rank;
}

uint32_t
turn_heir(const struct mesh *m, msec now)
{
	uint32_t heir = MEMBER_NONE;

	for (uint32_t i = 1; i < m->ms.count; i++) {
		const struct member *x = &m->ms.m[i];

		if (x->roster != 0 && member_up(x) && !member_unstable(&m->ms, i, now) &&
		    (heir == MEMBER_NONE || ranks_before(m, i, heir)))
			heir = i;
	}
	return heir;
}

msec
turn_wait(struct mesh *m, msec now)
{
	uint32_t rank = turn_rank(m, now);
	msec step = pace(m, STEP_MS);

	if (rank < RANK_LINEAR)
		return step * (msec)rank + (msec)prng_below(&m->rng, (uint64_t)step / 2);
	return step * (RANK_LINEAR + (msec)log2_quarters(rank / RANK_LINEAR)) +
	    (msec)prng_below(&m->rng, 4 * (uint64_t)step);
}

static bool
large(const struct mesh *m)
{
	return m->roster.n.all > LARGE;
}

static msec
some(struct mesh *m, msec most)
{
	return (msec)prng_below(&m->rng, (uint64_t)most);
}

/* When it asks, whoever else does. */
static void
set_limit(struct mesh *m, msec now)
{
	if (large(m))
		m->elect.turn_by = now + some(m, 2 * pace(m, STEP_MS) * m->roster.n.all);
}

void
turn_begin(struct mesh *m, msec now)
{
	m->elect.tries = 0;
	set_limit(m, now);
}

msec
turn_again(struct mesh *m, msec now)
{
	struct elect *e = &m->elect;
	msec wait = turn_wait(m, now);

	if (!large(m))
		return wait;
	e->tries += e->tries < TRIES_SHIFT;
	set_limit(m, now);
	return wait + some(m, pace(m, STEP_MS) << e->tries);
}

void
turn_yield(struct mesh *m, msec now)
{
	struct elect *e = &m->elect;
	msec turn = ATTEMPT_STEPS * pace(m, STEP_MS);

	if (!large(m) || e->leader != MEMBER_NONE || e->phase != ELECT_IDLE ||
	    e->try_at > now + turn || now + turn >= e->turn_by)
		return;
	/* Those who come first may overlap: whoever asks may be half deaf. */
	if (e->tries == 0 && turn_rank(m, now) < RANK_LINEAR)
		return;
	e->try_at = msec_min(now + turn + 1 + some(m, pace(m, TURNS_MS)), e->turn_by);
}
