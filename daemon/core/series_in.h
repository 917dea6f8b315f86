/*
 * series_in.h - the store from inside (series.h).
 *
 * A series is a queue of bytes (seriespool.h): packed blocks, the oldest first, and at
 * the end the block that is being written, in a form that wants no look back:
 *
 *	head            mark             end
 *	v               v                v
 *	[block][block]..[open block's ops]      and its last value, difference and how
 *	                                        often that came again: in the struct
 *
 *	op	0x00..0x5f	the difference changed: zigzag of it
 *		0x60..0x7f	likewise: 5 bits and a byte, + 96
 *		0xa0..0xaf	likewise: 4 bits and two bytes
 *		0xb0..0xb7	likewise: 1..8 bytes, the lowest first
 *		0x80..0x9f	the same difference again, 1..32 times
 *		0xb8, varint	... as often as that says
 *		0xb9		a stale mark; the value of before stays
 *		0xba, varint	the distance of ticks, from here on
 *		0xc0 + scale	a whole number by a scale: 8 bytes; 0xcf: bits of a double
 *
 * As long as an open block is a line it has no ops at all: a value that never changes
 * takes no memory but its struct, however long that lasts.  With 512 samples, or 768
 * bytes (fewer, when that many for each series are more than there is), a block is packed
 * (seriescode.h).
 */
#ifndef CORE_SERIES_IN_H
#define CORE_SERIES_IN_H

#include "series.h"
#include "seriescode.h"
#include "seriespool.h"
#include "seriestags.h"

enum {
	OPEN_SAMPLES_MAX = SERIESCODE_SAMPLES_MAX,
	OPEN_BYTES_MAX = 768,
	OPEN_BYTES_MIN = 64,
	BLOCKS_MIN = 8, /* as many of each series should have room: less, and too much goes at once */
	OPEN_OPS_BYTES_MAX = 48, /* what one sample adds */
	OPEN_STEP_MAX = UINT16_MAX, /* a longer gap begins a new block */
	OWNER_NAME_BYTES_MAX = 255,
	OWNERS_MAX = UINT16_MAX,
	SERIES_EACH_BYTES = 128, /* what a series takes besides labels and samples */
	SERIES_LABEL_BYTES = 32, /* and each label besides its bytes, if it is kept for it alone */
};
#define SERIES_NONE UINT32_MAX

enum { ONE_USED = 1, ONE_CLOSED = 2, ONE_STALE = 4 /* its newest sample is a mark */, ONE_SEEN = 8 };

/* Ticks here are 32 bits: the caller's less the store's base. */
struct one {
	int64_t value, delta; /* of the open block: last, and the difference before it */
	uint32_t serial;
	uint32_t before, after; /* in its owner's list of open or closed ones */
	uint32_t head, mark, end;
	uint32_t head_tick;	/* the first block's first tick comes after this one */
	uint32_t packed_tick;	/* the newest that is in a packed block */
	uint32_t first, last;	/* of the open block; last stands when that is empty */
	uint32_t count;		/* of the open block's samples */
	uint32_t run;		/* how often delta came again, not yet written */
	uint32_t ended;		/* of a closed one: the tick of its mark */
	uint16_t owner, step, open_bytes;
	uint8_t scale, flags;
	uint8_t head_byte, mark_byte, end_byte;
};

struct list {
	uint32_t first, last;
};

struct owner {
	struct list live, closed; /* closed: the one that ended first is first */
	uint32_t series;
	size_t bytes;
	uint8_t used, ended, name_len;
	uint8_t name[OWNER_NAME_BYTES_MAX];
};

struct series_store {
	struct series_conf conf;
	struct pages_budget index; /* of all but samples */
	struct tags tags;
	struct pages ones, owners;
	struct pool pool;
	uint32_t ones_count, ones_unused; /* ever used; a chain by `after` of free ones, + 1 */
	uint32_t owners_count;
	size_t foreign; /* what series that are not the host's take of the index, at most */
	uint32_t swept; /* series_expire goes on here */
	uint32_t busy;	/* being written: it may lose packed blocks, and no more */
	bool started;
	int64_t base;
	uint32_t open_max; /* bytes of an open block */
	uint32_t floor; /* older ticks are not there */
	uint64_t series, live, samples;
	uint64_t evicted_samples, refused_series, refused_samples;
};

static inline struct one *
one_at(const struct series_store *s, uint32_t i)
{
	return pages_at(&s->ones, i);
}

static inline struct owner *
owner_at(const struct series_store *s, uint32_t i)
{
	return pages_at(&s->owners, i);
}

/* Of its owner's bytes, when all its labels are its own. */
static inline size_t
series_charge(struct slice labels)
{
	return SERIES_EACH_BYTES + labels.len + (size_t)labels.b[0] * SERIES_LABEL_BYTES;
}

/* SERIES_NONE: no such one. */
uint32_t one_of(const struct series_store *s, series_id id);

static inline series_id
id_of(const struct series_store *s, uint32_t i)
{
	return (series_id)one_at(s, i)->serial << 32 | (i + 1);
}

static inline bool
one_has_packed(const struct one *o)
{
	return o->head != POOL_NONE && (o->head != o->mark || o->head_byte != o->mark_byte);
}

static inline struct pool_place
one_head(const struct one *o)
{
	return (struct pool_place){o->head, o->head_byte};
}

/* One that is not too old. */
static inline bool
one_has_samples(const struct series_store *s, const struct one *o)
{
	return (o->flags & ONE_SEEN) && (o->flags & ONE_CLOSED ? o->ended : o->last) >= s->floor;
}

/* The line that an open block without ops is. */
static inline struct seriescode_head
one_line(const struct one *o)
{
	return (struct seriescode_head){.form = SERIESCODE_LINE, .count = o->count, .first = o->first,
	    .last = o->last, .step = o->step, .scale = o->scale, .delta = o->delta,
	    .value = o->count > 0 ? (int64_t)((uint64_t)o->value - (uint64_t)o->delta * (o->count - 1)) : 0};
}

/* seriesput.c */

/* A sample; ticks rise.  -ERR_FULL. */
MUST_CHECK int one_put(struct series_store *s, uint32_t i, uint32_t tick, uint64_t bits);
/* The open block, of what has ops. */
void one_unpack_open(const struct series_store *s, const struct one *o, struct seriescode_block *out);
/* The open block is empty, and gives back what it took. */
void one_clear_open(struct series_store *s, struct one *o);
/* The open block is this one sample; it was empty. */
void one_start(struct one *o, uint32_t tick, uint64_t bits);

/* seriesevict.c */

/* The first packed block goes; of so many samples. */
uint32_t one_drop_block(struct series_store *s, struct one *o);
/* Room for so many units: of the store, and within what the owner may have. */
MUST_CHECK bool evict_for(struct series_store *s, struct one *o, uint32_t units);
/* What is too old, of this series; true: nothing is left, and it is closed. */
bool one_expire(struct series_store *s, uint32_t i);

/* series.c */

void one_drop(struct series_store *s, uint32_t i);
static inline void
one_units(struct series_store *s, const struct one *o, uint32_t units)
{
	struct owner *w = owner_at(s, o->owner);

	w->bytes -= (size_t)units * POOL_UNIT_WHOLE;
}

#endif
