/*
 * seriesread.c - what a store of series answers (series.h).  Nothing here changes it.
 */
#include "series_in.h"

double
series_stale(void)
{
	uint64_t bits = SERIESCODE_STALE;
	double v;

	memcpy(&v, &bits, sizeof v);
	return v;
}

bool
series_is_stale(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof bits);
	return bits == SERIESCODE_STALE;
}

uint32_t
one_of(const struct series_store *s, series_id id)
{
	uint32_t i = (uint32_t)id - 1;

	if (i >= s->ones_count || one_at(s, i)->serial != id >> 32 || !(one_at(s, i)->flags & ONE_USED))
		return SERIES_NONE;
	return i;
}

size_t
series_labels(const struct series_store *s, series_id id, uint8_t out[LABELS_BYTES_MAX])
{
	uint32_t i = one_of(s, id);

	return i != SERIES_NONE ? tags_labels(&s->tags, i, out) : 0;
}

/* --- samples ------------------------------------------------------------------------------ */

/* What is asked for, and what was found of it. */
struct reading {
	const struct series_store *s;
	uint32_t from, to;
	struct series_point *out;
	size_t count, cap;
};

static void
put_down(struct reading *r, uint32_t tick, uint64_t bits)
{
	struct series_point *p = &r->out[r->count++];

	p->tick = r->s->base + tick;
	memcpy(&p->value, &bits, sizeof bits);
}

static void
read_line(struct reading *r, const struct seriescode_head *h)
{
	uint32_t i = 0;

	if (h->last < r->from)
		return;
	if (h->first < r->from)
		i = (r->from - h->first + h->step - 1) / h->step;
	for (; i < h->count && r->count < r->cap; i++) {
		uint32_t tick = h->first + i * h->step;

		if (tick > r->to)
			return;
		put_down(r, tick, seriescode_bits((int64_t)((uint64_t)h->value + (uint64_t)h->delta * i), h->scale));
	}
}

static void
read_block(struct reading *r, const struct seriescode_block *b)
{
	for (uint32_t i = 0; i < b->count && r->count < r->cap; i++)
		if (b->ticks[i] >= r->from && b->ticks[i] <= r->to)
			put_down(r, b->ticks[i], b->bits[i]);
}

/* The packed blocks. */
static void
read_packed(struct reading *r, const struct one *o)
{
	uint8_t b[SERIESCODE_BYTES_MAX + BITS_PAD];
	struct pool_place at = one_head(o), body;
	uint32_t before = o->head_tick;
	struct seriescode_block block;
	struct seriescode_head h;

	while ((at.unit != o->mark || at.byte != o->mark_byte) && r->count < r->cap && before < r->to) {
		struct pool_place look = at;

		pool_read(&r->s->pool, &look, b, SERIESCODE_HEAD_BYTES_MAX);
		pool_skip(&r->s->pool, &at, seriescode_head(b, before, &h));
		body = at;
		pool_skip(&r->s->pool, &at, h.body);
		before = h.last;
		if (h.last < r->from)
			continue;
		if (h.form == SERIESCODE_LINE) {
			read_line(r, &h);
			continue;
		}
		pool_read(&r->s->pool, &body, b, h.body + BITS_PAD);
		seriescode_unpack(&h, b, &block);
		read_block(r, &block);
	}
}

/* Ticks of the caller as the store's own; false: none of them can be there. */
static bool
ticks_of(const struct series_store *s, int64_t from, int64_t to, struct reading *r)
{
	if (!s->started || to < s->base || from > s->base + UINT32_MAX || from > to)
		return false;
	r->from = from < s->base ? 0 : (uint32_t)(from - s->base);
	r->to = to > s->base + UINT32_MAX ? UINT32_MAX : (uint32_t)(to - s->base);
	if (r->from < s->floor)
		r->from = s->floor;
	return true;
}

size_t
series_read(const struct series_store *s, series_id id, int64_t from, int64_t to, struct series_point *out,
    size_t cap)
{
	struct reading r = {.s = s, .out = out, .cap = cap};
	uint32_t i = one_of(s, id);
	const struct one *o;

	if (i == SERIES_NONE || !ticks_of(s, from, to, &r))
		return 0;
	o = one_at(s, i);
	if (one_has_packed(o) && o->packed_tick >= r.from)
		read_packed(&r, o);
	if (o->count > 0 && o->last >= r.from && o->first <= r.to && r.count < cap) {
		struct seriescode_head line = one_line(o);
		struct seriescode_block b;

		if (o->open_bytes == 0) {
			read_line(&r, &line);
		} else {
			one_unpack_open(s, o, &b);
			read_block(&r, &b);
		}
	}
	if ((o->flags & ONE_CLOSED) && (o->flags & ONE_SEEN) && o->ended >= r.from && o->ended <= r.to &&
	    r.count < cap)
		put_down(&r, o->ended, SERIESCODE_STALE);
	return r.count;
}

bool
series_last(const struct series_store *s, series_id id, struct series_point *out)
{
	uint32_t i = one_of(s, id);
	struct reading r = {.s = s, .out = out, .cap = 1};
	const struct one *o;

	if (i == SERIES_NONE)
		return false;
	o = one_at(s, i);
	if (!one_has_samples(s, o))
		return false;
	if (o->flags & ONE_CLOSED)
		put_down(&r, o->ended, SERIESCODE_STALE);
	else if (o->count == 0)
		return series_read(s, id, s->base + o->last, s->base + o->last, out, 1) == 1;
	else
		put_down(&r, o->last, o->flags & ONE_STALE ? SERIESCODE_STALE : seriescode_bits(o->value, o->scale));
	return true;
}

bool
series_metric(const struct series_store *s, uint32_t at, struct slice *metric, enum series_type *type,
    struct slice *help)
{
	return tags_metric(&s->tags, at, metric, type, help);
}

bool
series_each(const struct series_store *s, uint32_t *at, series_id *id)
{
	while (*at < s->ones_count) {
		uint32_t i = (*at)++;
		const struct one *o = one_at(s, i);

		if (!(o->flags & ONE_USED) || !one_has_samples(s, o))
			continue;
		*id = id_of(s, i);
		return true;
	}
	return false;
}

uint64_t
series_described(const struct series_store *s)
{
	return s->tags.described;
}

enum series_type
series_meta(const struct series_store *s, struct slice metric, struct slice *help)
{
	return tags_meta(&s->tags, metric, help);
}

void
series_stats(const struct series_store *s, struct series_stats *out)
{
	*out = (struct series_stats){
		.series = s->series,
		.series_live = s->live,
		.samples = s->samples,
		.bytes = s->index.used + s->pool.budget.used,
		.bytes_max = s->conf.bytes_max,
		.evicted_samples = s->evicted_samples,
		.refused_series = s->refused_series,
		.refused_samples = s->refused_samples,
	};
}
