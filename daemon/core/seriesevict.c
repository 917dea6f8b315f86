/*
 * seriesevict.c - samples go: those that are too old, and the oldest when there is no
 * room (series.h).
 *
 * Room is made in passes over the store, each of which drops what begins in the oldest
 * 32nd of the time that is kept; passes go on until a 128th of all room is free, so what
 * one sample may cost is paid once for thousands.
 */
#include "series_in.h"

enum { SLICES = 32, SPARE = 128 };

static uint32_t
head_of(const struct series_store *s, const struct one *o, struct pool_place *at, struct seriescode_head *h)
{
	uint8_t b[SERIESCODE_HEAD_BYTES_MAX];
	struct pool_place look;

	*at = one_head(o);
	look = *at;
	pool_read(&s->pool, &look, b, sizeof b);
	return (uint32_t)seriescode_head(b, o->head_tick, h);
}

uint32_t
one_drop_block(struct series_store *s, struct one *o)
{
	struct seriescode_head h;
	struct pool_place at;
	uint32_t n = head_of(s, o, &at, &h);

	pool_skip(&s->pool, &at, n + h.body);
	one_units(s, o, pool_give(&s->pool, o->head, at.unit));
	o->head = at.unit;
	o->head_byte = at.byte;
	o->head_tick = h.last;
	s->samples -= h.count;
	if (!one_has_packed(o) && o->open_bytes == 0) {
		one_units(s, o, pool_give(&s->pool, o->head, POOL_NONE));
		o->head = o->mark = o->end = POOL_NONE;
		o->head_byte = o->mark_byte = o->end_byte = 0;
	}
	return h.count;
}

bool
one_expire(struct series_store *s, uint32_t i)
{
	struct one *o = one_at(s, i);
	struct seriescode_head h;
	struct pool_place at;

	while (one_has_packed(o) && o->head_tick + 1 < s->floor) {
		(void)head_of(s, o, &at, &h);
		if (h.last >= s->floor)
			break;
		(void)one_drop_block(s, o);
	}
	if (o->count > 0 && o->last < s->floor) {
		one_clear_open(s, o);
	} else if (o->count > 0 && o->open_bytes == 0 && o->first < s->floor) {
		uint32_t gone = (s->floor - o->first + o->step - 1u) / o->step;

		o->first += gone * o->step;
		o->count -= gone;
		s->samples -= gone;
	}
	return (o->flags & ONE_CLOSED) && !one_has_packed(o) && o->count == 0 &&
	    (o->ended < s->floor || !(o->flags & ONE_SEEN));
}

/* --- no room -------------------------------------------------------------------------- */

/* The series whose samples may go: all, or one owner's open and closed ones. */
struct round {
	const struct series_store *s;
	uint32_t owner, i; /* owner SERIES_NONE: all */
	bool closed;
};

static uint32_t
round_next(struct round *r, bool begin)
{
	const struct series_store *s = r->s;

	if (r->owner == SERIES_NONE) {
		r->i = begin ? 0 : r->i + 1;
		while (r->i < s->ones_count && !(one_at(s, r->i)->flags & ONE_USED))
			r->i++;
		return r->i < s->ones_count ? r->i : SERIES_NONE;
	}
	r->closed = r->closed && !begin;
	r->i = begin ? owner_at(s, r->owner)->live.first : one_at(s, r->i)->after;
	if (r->i == SERIES_NONE && !r->closed) {
		r->closed = true;
		r->i = owner_at(s, r->owner)->closed.first;
	}
	return r->i;
}

/* Its oldest sample that takes room, or false. */
static bool
oldest_of(const struct series_store *s, uint32_t i, uint32_t *tick)
{
	const struct one *o = one_at(s, i);

	if (o->head == POOL_NONE || (i == s->busy && !one_has_packed(o)))
		return false;
	*tick = one_has_packed(o) ? o->head_tick + 1 : o->first;
	return true;
}

static void
drop_to(struct series_store *s, uint32_t i, uint32_t cut)
{
	struct one *o = one_at(s, i);

	while (one_has_packed(o) && o->head_tick + 1 <= cut)
		s->evicted_samples += one_drop_block(s, o);
	if (i == s->busy || one_has_packed(o) || o->open_bytes == 0 || o->first > cut)
		return;
	/* All but the newest, which needs no room. */
	uint64_t bits = o->flags & ONE_STALE ? SERIESCODE_STALE : seriescode_bits(o->value, o->scale);

	s->evicted_samples += o->count - 1;
	one_clear_open(s, o);
	one_start(o, o->last, bits);
	s->samples++;
}

/* false: there is nothing that could go. */
static bool
evict(struct series_store *s, uint32_t owner)
{
	struct round r = {.s = s, .owner = owner};
	uint32_t oldest = UINT32_MAX, newest = 0, tick;

	for (uint32_t i = round_next(&r, true); i != SERIES_NONE; i = round_next(&r, false)) {
		if (oldest_of(s, i, &tick) && tick <= oldest)
			oldest = tick;
		if (one_at(s, i)->last > newest)
			newest = one_at(s, i)->last;
	}
	if (oldest == UINT32_MAX)
		return false;
	tick = newest > oldest ? oldest + (newest - oldest) / SLICES : oldest;
	for (uint32_t i = round_next(&r, true); i != SERIES_NONE; i = round_next(&r, false))
		drop_to(s, i, tick);
	return true;
}

/* Within what its owner may have: closed series first, the one that ended first before
 * the others. */
static bool
owner_has(struct series_store *s, uint32_t number, size_t bytes)
{
	struct owner *w = owner_at(s, number);
	size_t max = s->conf.owner_bytes_max;

	if (number == SERIES_HOST || w->bytes + bytes <= max)
		return true;
	if (bytes > max)
		return false;
	while (w->bytes + bytes > max - (max - bytes) / SPARE) {
		if (w->closed.first != SERIES_NONE && w->closed.first != s->busy)
			one_drop(s, w->closed.first);
		else if (!evict(s, number))
			break;
	}
	return w->bytes + bytes <= max;
}

bool
evict_for(struct series_store *s, struct one *o, uint32_t units)
{
	if (!owner_has(s, o->owner, (size_t)units * POOL_UNIT_WHOLE))
		return false;
	if (pool_has(&s->pool, units))
		return true;
	while (s->pool.unused_count < units + pool_used(&s->pool) / SPARE)
		if (!evict(s, SERIES_NONE))
			break;
	return pool_has(&s->pool, units);
}
