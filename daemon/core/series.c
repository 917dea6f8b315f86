/*
 * series.c - see series.h: series come and go, and whose they are.
 *
 * Memory is in two parts, so that neither can crowd out the other: a quarter of
 * bytes_max for the index (labels, structs, owners), the rest for samples.  Nothing in
 * either moves because another grows; all that is done in one call is bounded, and what
 * is due for all (series_expire) is done for some of them each tick.  Of the index three
 * eighths are the host's, whatever others want.
 *
 * Who comes with ever new series has series_max and bytes of his own.  When they are
 * used up, his own closed series go, the one that ended first before the others, then
 * his own oldest samples; with nothing of that left he is refused.  When the store as a
 * whole has no number left, the closed series of an owner that ended go, or of the one
 * with the most.
 */
#include "series_in.h"

#include <stdlib.h>

enum {
	BYTES_MIN = 256 * 1024,
	INDEX_PART = 4,	 /* of bytes_max */
	OWNER_PART = 8,	 /* likewise, when the caller doesn't say */
	FOREIGN_EIGHTHS = 5, /* of the index, for all owners but the host */
	SWEEP_PART = 16, /* of all series, in one series_expire */
	SWEEP_MIN = 64,
	TRIES_MAX = 64,
};

struct series_store *
series_new(const struct series_conf *conf)
{
	struct series_store *s = calloc(1, sizeof *s);
	struct owner *host;

	if (s == NULL)
		return NULL;
	s->conf = *conf;
	if (s->conf.bytes_max < BYTES_MIN)
		s->conf.bytes_max = BYTES_MIN;
	if (s->conf.owner_bytes_max == 0)
		s->conf.owner_bytes_max = s->conf.bytes_max / OWNER_PART;
	s->index.max = s->conf.bytes_max / INDEX_PART;
	s->index.used = sizeof *s;
	s->busy = SERIES_NONE;
	tags_init(&s->tags, conf->seed, &s->index);
	pages_init(&s->ones, sizeof(struct one), 5, &s->index);
	pages_init(&s->owners, sizeof(struct owner), 3, &s->index);
	pool_init(&s->pool, s->conf.bytes_max - s->index.max);
	if (pages_reach(&s->owners, SERIES_HOST) < 0) {
		series_free(s);
		return NULL;
	}
	host = owner_at(s, SERIES_HOST);
	*host = (struct owner){.live = {SERIES_NONE, SERIES_NONE}, .closed = {SERIES_NONE, SERIES_NONE}, .used = 1};
	s->owners_count = 1;
	return s;
}

void
series_free(struct series_store *s)
{
	if (s == NULL)
		return;
	tags_fini(&s->tags);
	pages_fini(&s->ones);
	pages_fini(&s->owners);
	pool_fini(&s->pool);
	free(s);
}

/* --- lists ------------------------------------------------------------------------------ */

static struct list *
list_of(const struct series_store *s, const struct one *o)
{
	struct owner *w = owner_at(s, o->owner);

	return o->flags & ONE_CLOSED ? &w->closed : &w->live;
}

static void
list_out(struct series_store *s, struct one *o)
{
	struct list *l = list_of(s, o);

	*(o->before != SERIES_NONE ? &one_at(s, o->before)->after : &l->first) = o->after;
	*(o->after != SERIES_NONE ? &one_at(s, o->after)->before : &l->last) = o->before;
}

static void
list_in(struct series_store *s, uint32_t i)
{
	struct one *o = one_at(s, i);
	struct list *l = list_of(s, o);

	o->before = l->last;
	o->after = SERIES_NONE;
	*(l->last != SERIES_NONE ? &one_at(s, l->last)->after : &l->first) = i;
	l->last = i;
}

static size_t
charge_of(const struct series_store *s, uint32_t i)
{
	uint8_t b[LABELS_BYTES_MAX];
	size_t n = tags_labels(&s->tags, i, b);

	return series_charge((struct slice){b, n});
}

/* What a series costs in the index is its owner's, and all owners' but the host's. */
static void
charge(struct series_store *s, uint32_t owner, size_t bytes)
{
	owner_at(s, owner)->bytes += bytes;
	owner_at(s, owner)->series++;
	s->foreign += owner != SERIES_HOST ? bytes : 0;
}

static void
discharge(struct series_store *s, uint32_t owner, size_t bytes)
{
	owner_at(s, owner)->bytes -= bytes;
	owner_at(s, owner)->series--;
	s->foreign -= owner != SERIES_HOST ? bytes : 0;
}

/* --- owners ------------------------------------------------------------------------------ */

int
series_owner(struct series_store *s, struct slice name, uint32_t *owner)
{
	uint32_t at = s->owners_count;
	struct owner *w;

	if (name.len > OWNER_NAME_BYTES_MAX)
		return -ERR_LONG;
	for (uint32_t i = 1; i < s->owners_count; i++) {
		w = owner_at(s, i);
		if (w->used && slice_eq((struct slice){w->name, w->name_len}, name)) {
			w->ended = 0;
			*owner = i;
			return 0;
		}
		at = !w->used ? i : at;
	}
	if (at >= OWNERS_MAX || pages_reach(&s->owners, at) < 0)
		return -ERR_FULL;
	if (at == s->owners_count)
		s->owners_count++;
	w = owner_at(s, at);
	*w = (struct owner){.live = {SERIES_NONE, SERIES_NONE}, .closed = {SERIES_NONE, SERIES_NONE}, .used = 1,
	    .name_len = (uint8_t)name.len};
	if (name.len > 0)
		memcpy(w->name, name.b, name.len);
	*owner = at;
	return 0;
}

static void
owner_done(struct series_store *s, uint32_t owner)
{
	struct owner *w = owner_at(s, owner);

	if (w->ended && w->series == 0 && owner != SERIES_HOST)
		w->used = 0;
}

void
series_owner_end(struct series_store *s, uint32_t owner, int64_t tick)
{
	struct owner *w;

	if (owner >= s->owners_count || !owner_at(s, owner)->used)
		return;
	w = owner_at(s, owner);
	while (w->live.first != SERIES_NONE)
		series_close(s, id_of(s, w->live.first), tick);
	w->ended = owner != SERIES_HOST;
	owner_done(s, owner);
}

/* --- series ------------------------------------------------------------------------------- */

/* One more or less: s->series has changed. */
static void
share(struct series_store *s)
{
	size_t each = s->pool.budget.max / BLOCKS_MIN / (s->series + 1);

	s->open_max = each > OPEN_BYTES_MAX ? OPEN_BYTES_MAX : each < OPEN_BYTES_MIN ? OPEN_BYTES_MIN : (uint32_t)each;
}

void
one_drop(struct series_store *s, uint32_t i)
{
	struct one *o = one_at(s, i);

	while (one_has_packed(o))
		s->evicted_samples += one_drop_block(s, o);
	s->evicted_samples += o->count;
	one_clear_open(s, o);
	discharge(s, o->owner, charge_of(s, i));
	tags_drop(&s->tags, i);
	list_out(s, o);
	s->series--;
	share(s);
	s->live -= !(o->flags & ONE_CLOSED);
	owner_done(s, o->owner);
	*o = (struct one){.serial = o->serial, .after = s->ones_unused};
	s->ones_unused = i + 1;
}

/* The owner whose closed series go when there is no number left for `owner`'s new one. */
static uint32_t
who_gives(const struct series_store *s, uint32_t owner)
{
	uint32_t most = SERIES_NONE;

	if (owner_at(s, owner)->closed.first != SERIES_NONE)
		return owner;
	for (uint32_t i = 1; i < s->owners_count; i++) {
		const struct owner *w = owner_at(s, i);

		if (!w->used || w->closed.first == SERIES_NONE)
			continue;
		if (most == SERIES_NONE || w->ended > owner_at(s, most)->ended ||
		    (w->ended == owner_at(s, most)->ended && w->series > owner_at(s, most)->series))
			most = i;
	}
	/* Nobody's who is there and has less than he has. */
	if (most == SERIES_NONE || owner == SERIES_HOST || owner_at(s, most)->ended)
		return most;
	return owner_at(s, most)->series > owner_at(s, owner)->series ? most : SERIES_NONE;
}

static bool
drop_closed(struct series_store *s, uint32_t owner)
{
	if (owner == SERIES_NONE || owner_at(s, owner)->closed.first == SERIES_NONE)
		return false;
	one_drop(s, owner_at(s, owner)->closed.first);
	return true;
}

/* One more of that owner's, of so many bytes of labels? */
static bool
may_open(struct series_store *s, uint32_t owner, size_t cost)
{
	const struct owner *w = owner_at(s, owner);

	while (owner != SERIES_HOST && (w->series >= s->conf.owner_series_max ||
	    w->bytes + cost > s->conf.owner_bytes_max))
		if (!drop_closed(s, owner))
			return false;
	while (owner != SERIES_HOST && s->foreign + s->tags.help_bytes + cost > s->index.max / 8 * FOREIGN_EIGHTHS)
		if (!drop_closed(s, who_gives(s, owner)))
			return false;
	while (s->series >= s->conf.series_max)
		if (!drop_closed(s, who_gives(s, owner)))
			return false;
	return true;
}

/* A closed series of an owner goes on as another's: the instance is there anew. */
static bool
take_over(struct series_store *s, uint32_t i, uint32_t owner)
{
	struct one *o = one_at(s, i);
	struct owner *w = owner_at(s, owner), *was = owner_at(s, o->owner);
	size_t units = (size_t)pool_length(&s->pool, o->head) * POOL_UNIT_WHOLE, cost = charge_of(s, i);

	if (owner != SERIES_HOST && (w->series >= s->conf.owner_series_max || w->bytes + cost + units > s->conf.owner_bytes_max))
		return false;
	list_out(s, o);
	discharge(s, o->owner, cost);
	was->bytes -= units;
	owner_done(s, o->owner);
	o->owner = (uint16_t)owner;
	charge(s, owner, cost);
	w->bytes += units;
	list_in(s, i);
	return true;
}

static uint32_t
new_one(struct series_store *s, uint32_t owner, struct slice labels)
{
	uint32_t i = s->ones_unused != 0 ? s->ones_unused - 1 : s->ones_count, serial;
	struct one *o;

	if (pages_reach(&s->ones, i) < 0 || tags_add(&s->tags, i, labels) < 0)
		return SERIES_NONE;
	o = one_at(s, i);
	serial = o->serial + 1;
	if (s->ones_unused != 0)
		s->ones_unused = o->after;
	else
		s->ones_count++;
	*o = (struct one){.serial = serial, .head = POOL_NONE, .mark = POOL_NONE, .end = POOL_NONE,
	    .owner = (uint16_t)owner, .flags = ONE_USED};
	list_in(s, i);
	charge(s, owner, series_charge(labels));
	s->series++;
	s->live++;
	share(s);
	return i;
}

/* Its number; SERIES_NONE: refused. */
static uint32_t
open_one(struct series_store *s, uint32_t owner, struct slice labels)
{
	struct labels checked;
	uint32_t i;

	if (owner >= s->owners_count || !owner_at(s, owner)->used || owner_at(s, owner)->ended ||
	    labels_read(labels, &checked) < 0)
		return SERIES_NONE;
	i = tags_find(&s->tags, labels);
	if (i != TAGS_NONE) {
		const struct one *o = one_at(s, i);
		bool his = o->owner == owner || ((o->flags & ONE_CLOSED) && o->owner != SERIES_HOST && take_over(s, i, owner));

		return his ? i : SERIES_NONE;
	}
	if (!may_open(s, owner, series_charge(labels)))
		return SERIES_NONE;
	i = new_one(s, owner, labels);
	/* No room in the index: as with no number left. */
	for (int tries = 0; i == SERIES_NONE && tries < TRIES_MAX; tries++) {
		if (!drop_closed(s, who_gives(s, owner)))
			return SERIES_NONE;
		i = new_one(s, owner, labels);
	}
	return i;
}

series_id
series_open(struct series_store *s, uint32_t owner, struct slice labels)
{
	uint32_t i = open_one(s, owner, labels);

	if (i != SERIES_NONE)
		return id_of(s, i);
	s->refused_series++;
	return 0;
}

/* The first tick of all is in the middle of what 32 bits can say. */
static bool
tick_of(struct series_store *s, int64_t tick, uint32_t *out)
{
	const int64_t room = INT64_C(1) << 30;

	if (tick < -(INT64_C(1) << 60) || tick > INT64_C(1) << 60)
		return false;
	if (!s->started) {
		s->started = true;
		s->base = tick - room;
	}
	if (tick < s->base + 2 || tick >= s->base + UINT32_MAX)
		return false;
	*out = (uint32_t)(tick - s->base);
	return *out >= s->floor;
}

/* A closed series is open again: its mark is a sample like others now. */
static int
reopen(struct series_store *s, uint32_t i, uint32_t tick)
{
	struct one *o = one_at(s, i);

	if ((o->flags & ONE_SEEN) && tick < o->ended)
		return -ERR_RANGE;
	if ((o->flags & ONE_SEEN) && tick > o->ended) {
		if (one_put(s, i, o->ended, SERIESCODE_STALE) < 0)
			return -ERR_FULL;
		o->flags |= ONE_STALE;
	}
	list_out(s, o);
	o->flags &= (uint8_t)~ONE_CLOSED;
	list_in(s, i);
	s->live++;
	return 0;
}

int
series_put(struct series_store *s, series_id id, int64_t tick, double value)
{
	uint32_t i = one_of(s, id), t;
	struct one *o;
	uint64_t bits;
	int rc = 0;

	if (i == SERIES_NONE)
		return -ERR_UNKNOWN;
	o = one_at(s, i);
	if (!tick_of(s, tick, &t) || ((o->flags & ONE_SEEN) && t <= o->last)) {
		s->refused_samples++;
		return -ERR_RANGE;
	}
	s->busy = i;
	if (o->flags & ONE_CLOSED)
		rc = reopen(s, i, t);
	memcpy(&bits, &value, sizeof bits);
	if (rc == 0)
		rc = one_put(s, i, t, bits);
	s->busy = SERIES_NONE;
	if (rc < 0) {
		s->refused_samples++;
		return rc;
	}
	o->flags |= ONE_SEEN;
	o->flags = (uint8_t)(bits == SERIESCODE_STALE ? o->flags | ONE_STALE : o->flags & ~ONE_STALE);
	return 0;
}

void
series_close(struct series_store *s, series_id id, int64_t tick)
{
	uint32_t i = one_of(s, id), t;
	struct one *o;

	if (i == SERIES_NONE || (one_at(s, i)->flags & ONE_CLOSED))
		return;
	o = one_at(s, i);
	list_out(s, o);
	o->flags |= ONE_CLOSED;
	list_in(s, i);
	s->live--;
	o->ended = o->last + 1;
	if ((o->flags & ONE_SEEN) && tick_of(s, tick, &t) && t > o->last)
		o->ended = t;
}

/* --- what is too old ------------------------------------------------------------------------ */

void
series_expire(struct series_store *s, int64_t now_tick)
{
	uint32_t some = s->ones_count / SWEEP_PART + SWEEP_MIN;
	int64_t floor;

	if (!s->started || now_tick < s->base + s->conf.keep_ticks)
		return;
	floor = now_tick - s->base - s->conf.keep_ticks;
	if (floor > (int64_t)s->floor)
		s->floor = floor < UINT32_MAX ? (uint32_t)floor : UINT32_MAX;
	for (uint32_t n = 0; n < some && n < s->ones_count; n++) {
		s->swept = s->swept + 1 < s->ones_count ? s->swept + 1 : 0;
		if ((one_at(s, s->swept)->flags & ONE_USED) && one_expire(s, s->swept))
			one_drop(s, s->swept);
	}
}

int
series_describe(struct series_store *s, struct slice metric, enum series_type type, struct slice help)
{
	return tags_describe(&s->tags, metric, type, help, false);
}

int
series_describe_own(struct series_store *s, struct slice metric, enum series_type type, struct slice help)
{
	return tags_describe(&s->tags, metric, type, help, true);
}
