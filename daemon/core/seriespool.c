/*
 * seriespool.c - see seriespool.h.
 */
#include "seriespool.h"

enum { SLAB_SHIFT = 8 }; /* 16 KiB */

void
pool_init(struct pool *p, size_t bytes_max)
{
	*p = (struct pool){.budget = {.max = bytes_max}, .unused = POOL_NONE};
	pages_init(&p->units, POOL_UNIT_WHOLE, SLAB_SHIFT, &p->budget);
}

void
pool_fini(struct pool *p)
{
	pages_fini(&p->units);
}

static struct pool_unit *
unit_at(const struct pool *p, uint32_t unit)
{
	return pages_at(&p->units, unit);
}

static uint32_t
next_of(const struct pool_unit *u)
{
	return (uint32_t)u->next[0] | (uint32_t)u->next[1] << 8 | (uint32_t)u->next[2] << 16;
}

static void
set_next(struct pool_unit *u, uint32_t next)
{
	u->next[0] = (uint8_t)next;
	u->next[1] = (uint8_t)(next >> 8);
	u->next[2] = (uint8_t)(next >> 16);
}

bool
pool_has(struct pool *p, uint32_t units)
{
	if (units <= p->unused_count)
		return true;
	if (p->fresh + (units - p->unused_count) >= POOL_NONE)
		return false;
	return pages_reach(&p->units, p->fresh + (units - p->unused_count) - 1) == 0;
}

static uint32_t
take(struct pool *p)
{
	uint32_t unit = p->unused;

	if (unit == POOL_NONE) {
		assert(p->fresh >> SLAB_SHIFT < p->units.count);
		unit = p->fresh++;
	} else {
		p->unused = next_of(unit_at(p, unit));
		p->unused_count--;
	}
	set_next(unit_at(p, unit), POOL_NONE);
	return unit;
}

void
pool_append(struct pool *p, struct pool_place *end, const uint8_t *b, size_t n, uint32_t *start)
{
	while (n > 0) {
		size_t some;

		if (end->unit == POOL_NONE || end->byte == POOL_UNIT_BYTES) {
			uint32_t unit = take(p);

			if (end->unit == POOL_NONE)
				*start = unit;
			else
				set_next(unit_at(p, end->unit), unit);
			*end = (struct pool_place){unit, 0};
		}
		some = (size_t)(POOL_UNIT_BYTES - end->byte) < n ? (size_t)(POOL_UNIT_BYTES - end->byte) : n;
		memcpy(unit_at(p, end->unit)->b + end->byte, b, some);
		end->byte = (uint8_t)(end->byte + some);
		b += some;
		n -= some;
	}
}

void
pool_read(const struct pool *p, struct pool_place *at, uint8_t *out, size_t n)
{
	while (n > 0 && at->unit != POOL_NONE) {
		const struct pool_unit *u = unit_at(p, at->unit);
		size_t some = (size_t)(POOL_UNIT_BYTES - at->byte);

		if (some == 0) {
			if (next_of(u) == POOL_NONE)
				break;
			*at = (struct pool_place){next_of(u), 0};
			continue;
		}
		some = some < n ? some : n;
		memcpy(out, u->b + at->byte, some);
		at->byte = (uint8_t)(at->byte + some);
		out += some;
		n -= some;
	}
	memset(out, 0, n);
}

void
pool_skip(const struct pool *p, struct pool_place *at, size_t n)
{
	while (n > (size_t)(POOL_UNIT_BYTES - at->byte)) {
		n -= (size_t)(POOL_UNIT_BYTES - at->byte);
		*at = (struct pool_place){next_of(unit_at(p, at->unit)), 0};
		assert(at->unit != POOL_NONE);
	}
	at->byte = (uint8_t)(at->byte + n);
}

uint32_t
pool_length(const struct pool *p, uint32_t unit)
{
	uint32_t n = 0;

	for (; unit != POOL_NONE; unit = next_of(unit_at(p, unit)))
		n++;
	return n;
}

uint32_t
pool_give(struct pool *p, uint32_t from, uint32_t until)
{
	uint32_t n = 0;

	while (from != until && from != POOL_NONE) {
		struct pool_unit *u = unit_at(p, from);
		uint32_t next = next_of(u);

		set_next(u, p->unused);
		p->unused = from;
		from = next;
		n++;
	}
	p->unused_count += n;
	return n;
}

uint32_t
pool_cut(struct pool *p, uint32_t unit)
{
	struct pool_unit *u = unit_at(p, unit);
	uint32_t next = next_of(u);

	set_next(u, POOL_NONE);
	return pool_give(p, next, POOL_NONE);
}
