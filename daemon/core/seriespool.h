/*
 * seriespool.h - bytes of many queues in units of 64: what one gives back, any other can
 * use, so there is no room that is free and of no use.
 *
 *	unit: | next (3) | 61 bytes |		a queue is a chain of them
 *
 * A place is a unit and a byte in it; byte 61 of one is byte 0 of the next.
 */
#ifndef CORE_SERIESPOOL_H
#define CORE_SERIESPOOL_H

#include "../../gossip/base.h"
#include "seriespages.h"

enum { POOL_UNIT_BYTES = 61, POOL_UNIT_WHOLE = 64, POOL_NONE = 0xffffff };

struct pool_unit {
	uint8_t next[3]; /* lowest first */
	uint8_t b[POOL_UNIT_BYTES];
};
static_assert(sizeof(struct pool_unit) == POOL_UNIT_WHOLE, "units fill a line of a cache");

struct pool {
	struct pages units;
	struct pages_budget budget;
	uint32_t fresh;	 /* units from here on were never used */
	uint32_t unused; /* a chain of those that were given back */
	uint32_t unused_count;
};

struct pool_place {
	uint32_t unit;
	uint8_t byte;
};

void pool_init(struct pool *p, size_t bytes_max);
void pool_fini(struct pool *p);
/* So many units are there to be taken; false: the bound. */
bool pool_has(struct pool *p, uint32_t units);
static inline uint32_t
pool_used(const struct pool *p)
{
	return p->fresh - p->unused_count;
}

/* As many units as n more bytes at this end want. */
static inline uint32_t
pool_wants(const struct pool_place *end, size_t n)
{
	size_t left = end->unit == POOL_NONE ? 0 : (size_t)(POOL_UNIT_BYTES - end->byte);

	return n <= left ? 0 : (uint32_t)((n - left + POOL_UNIT_BYTES - 1) / POOL_UNIT_BYTES);
}
/* At the end, which moves; of units that pool_has said are there.  *start: the first unit
 * of an empty queue (end->unit POOL_NONE). */
void pool_append(struct pool *p, struct pool_place *end, const uint8_t *b, size_t n, uint32_t *start);
/* From this place on, which moves; what is behind the queue's last unit is zeros. */
void pool_read(const struct pool *p, struct pool_place *at, uint8_t *out, size_t n);
void pool_skip(const struct pool *p, struct pool_place *at, size_t n);
/* Units of a queue from this one on. */
uint32_t pool_length(const struct pool *p, uint32_t unit);
/* Units from this one on, up to `until` (not given back), or to the end: how many. */
uint32_t pool_give(struct pool *p, uint32_t from, uint32_t until);
/* The queue ends with this unit: what comes behind it is given back.  How many. */
uint32_t pool_cut(struct pool *p, uint32_t unit);

#endif
