/*
 * seriestags.c - see seriestags.h: tags, rows, and what was described of metrics.
 */
#include "seriestags.h"
#include "seriestags_in.h"

enum {
	IDLE_MAX = 256, /* descriptions of metrics without a series */
	HELP_PART = 8, /* of the budget, for the help of applications' metrics: others have none */
};

void
tags_init(struct tags *t, uint64_t seed, struct pages_budget *budget)
{
	*t = (struct tags){.budget = budget, .seed = seed};
	pages_init(&t->heap, 4080, 0, budget);
	pages_init(&t->heap_of, sizeof(struct heap_page), 8, budget);
	pages_init(&t->all, sizeof(struct tag), 6, budget);
	pages_init(&t->rows, sizeof(struct row), 7, budget);
	pages_init(&t->metrics, sizeof(struct metric), 6, budget);
	pages_init(&t->by_bytes.heads, sizeof(uint32_t), 8, budget);
	pages_init(&t->by_row.heads, sizeof(uint32_t), 8, budget);
}

void
tags_fini(struct tags *t)
{
	pages_fini(&t->heap);
	pages_fini(&t->heap_of);
	pages_fini(&t->all);
	pages_fini(&t->rows);
	pages_fini(&t->metrics);
	pages_fini(&t->by_bytes.heads);
	pages_fini(&t->by_row.heads);
}

/* --- found by hash ------------------------------------------------------------------- */

static uint64_t
fold(uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static uint64_t
hash_of(const struct tags *t, struct slice bytes)
{
	uint64_t h = t->seed ^ bytes.len * UINT64_C(0x9e3779b97f4a7c15), w;
	size_t i = 0;

	for (; i + sizeof w <= bytes.len; i += sizeof w) {
		memcpy(&w, bytes.b + i, sizeof w);
		h = fold(h ^ w, UINT64_C(0xa0761d6478bd642f) ^ t->seed);
	}
	w = 0;
	if (i < bytes.len)
		memcpy(&w, bytes.b + i, bytes.len - i);
	return fold(h ^ w, UINT64_C(0xe7037ed1a0b428db));
}

/* Tags and rows alike: by which of the two the table is. */
static uint32_t *
link_of(const struct tags *t, const struct tags_hash *h, uint32_t i)
{
	return h == &t->by_row ? &row_at(t, i)->link : &tag_at(t, i)->link;
}

static struct slice
bytes_of(const struct tags *t, const struct tags_hash *h, uint32_t i)
{
	return heap_get(t, h == &t->by_row ? row_at(t, i)->at : tag_at(t, i)->at);
}

static uint32_t *
head_of(const struct tags_hash *h, uint64_t hash)
{
	uint32_t base = 1u << h->level, b = (uint32_t)hash & (2 * base - 1);

	return pages_at(&h->heads, b < h->buckets ? b : b & (base - 1));
}

static uint32_t
hash_find(const struct tags *t, const struct tags_hash *h, struct slice bytes)
{
	if (h->count == 0)
		return TAGS_NONE;
	for (uint32_t i = *head_of(h, hash_of(t, bytes)); i != 0; i = *link_of(t, h, i - 1))
		if (slice_eq(bytes_of(t, h, i - 1), bytes))
			return i - 1;
	return TAGS_NONE;
}

/* One bucket more: it gets its part of the one that did for both.  Without room for it
 * chains are longer, that is all. */
static void
hash_grow(struct tags *t, struct tags_hash *h)
{
	uint32_t base = 1u << h->level, *from, *to, i, rest = 0;

	if (pages_reach(&h->heads, h->buckets) < 0)
		return;
	from = pages_at(&h->heads, h->buckets - base);
	to = pages_at(&h->heads, h->buckets);
	i = *from;
	*to = 0;
	while (i != 0) {
		uint32_t *link = link_of(t, h, i - 1), next = *link;
		bool goes = ((uint32_t)hash_of(t, bytes_of(t, h, i - 1)) & (2 * base - 1)) == h->buckets;

		*link = goes ? *to : rest;
		*(goes ? to : &rest) = i;
		i = next;
	}
	*from = rest;
	h->buckets++;
	h->level += h->buckets == 2 * base;
}

static int
hash_add(struct tags *t, struct tags_hash *h, uint32_t i)
{
	uint32_t *head;

	if (h->buckets == 0) {
		if (pages_reach(&h->heads, 0) < 0)
			return -ERR_FULL;
		h->buckets = 1;
	}
	if (h->count >= h->buckets)
		hash_grow(t, h);
	head = head_of(h, hash_of(t, bytes_of(t, h, i)));
	*link_of(t, h, i) = *head;
	*head = i + 1;
	h->count++;
	return 0;
}

static void
hash_drop(struct tags *t, struct tags_hash *h, uint32_t i)
{
	uint32_t *at = head_of(h, hash_of(t, bytes_of(t, h, i)));

	while (*at != i + 1)
		at = link_of(t, h, *at - 1);
	*at = *link_of(t, h, i);
	h->count--;
}

/* --- tags -------------------------------------------------------------------------------- */

uint32_t
tags_tag(const struct tags *t, struct slice bytes)
{
	return hash_find(t, &t->by_bytes, bytes);
}

/* Its number, made if it is new, one more reference; or TAGS_NONE. */
static uint32_t
tag_take(struct tags *t, struct slice bytes)
{
	uint32_t i = hash_find(t, &t->by_bytes, bytes), at;

	if (i != TAGS_NONE) {
		tag_at(t, i)->refs++;
		return i;
	}
	i = t->all_unused != 0 ? t->all_unused - 1 : t->all_count;
	if (i >= 1u << KIND_SHIFT || pages_reach(&t->all, i) < 0)
		return TAGS_NONE;
	at = heap_put(t, OF_TAG, i, bytes);
	if (at == TAGS_NONE)
		return TAGS_NONE;
	if (t->all_unused != 0)
		t->all_unused = tag_at(t, i)->link;
	else
		t->all_count++;
	*tag_at(t, i) = (struct tag){.at = at, .refs = 1};
	if (hash_add(t, &t->by_bytes, i) == 0)
		return i;
	heap_drop(t, at);
	*tag_at(t, i) = (struct tag){.link = t->all_unused};
	t->all_unused = i + 1;
	return TAGS_NONE;
}

static void
tag_give(struct tags *t, uint32_t i)
{
	struct tag *g = tag_at(t, i);

	if (--g->refs > 0)
		return;
	hash_drop(t, &t->by_bytes, i);
	heap_drop(t, g->at);
	*g = (struct tag){.link = t->all_unused};
	t->all_unused = i + 1;
}

/* --- metrics ------------------------------------------------------------------------------- */

/* "__name__" and a value, as in packed labels. */
static struct slice
name_tag(struct slice metric, uint8_t out[LABEL_VALUE_BYTES_MAX + 16])
{
	struct labels l = {.count = 1, .items = {{slice_of(LABEL_NAME), metric}}};
	int n = 0;

	if (metric.len > 0 && metric.len <= LABEL_VALUE_BYTES_MAX)
		n = labels_pack(&l, out, LABEL_VALUE_BYTES_MAX + 16);
	return n > 1 ? (struct slice){out + 1, (size_t)n - 1} : (struct slice){0};
}

/* The last one takes its place. */
static void
metric_drop(struct tags *t, uint32_t i)
{
	struct metric *m = metric_at(t, i), *last = metric_at(t, t->metrics_count - 1);

	if (m->help != TAGS_NONE) {
		t->help_bytes -= m->own ? 0 : heap_get(t, m->help).len;
		heap_drop(t, m->help);
	}
	tag_at(t, m->tag)->metric = 0;
	t->metrics_idle -= tag_at(t, m->tag)->first == 0;
	tag_give(t, m->tag);
	t->metrics_count--;
	t->described++;
	if (m == last)
		return;
	*m = *last;
	tag_at(t, m->tag)->metric = i + 1;
	if (m->help != TAGS_NONE)
		heap_rename(t, m->help, OF_HELP, i);
}

/* Those that nobody uses are few, whoever describes what. */
static void
metrics_few(struct tags *t)
{
	for (uint32_t i = 0; i < t->metrics_count && t->metrics_idle > IDLE_MAX;)
		if (tag_at(t, metric_at(t, i)->tag)->first == 0)
			metric_drop(t, i);
		else
			i++;
}

/* At most that many bytes, and no half of a character. */
static struct slice
cut(struct slice text)
{
	if (text.len > HELP_BYTES_MAX) {
		text.len = HELP_BYTES_MAX;
		while (text.len > 0 && (text.b[text.len] & 0xc0) == 0x80)
			text.len--;
	}
	return text;
}

int
tags_describe(struct tags *t, struct slice metric, enum series_type type, struct slice help, bool own)
{
	uint8_t b[LABEL_VALUE_BYTES_MAX + 16];
	struct slice bytes = name_tag(metric, b);
	uint32_t tag, i = t->metrics_count;
	struct metric m = {.help = TAGS_NONE, .type = (uint8_t)type, .own = own};

	if (bytes.len == 0)
		return -ERR_LONG;
	tag = hash_find(t, &t->by_bytes, bytes);
	if (tag != TAGS_NONE && tag_at(t, tag)->metric != 0) {
		uint32_t was = tag_at(t, tag)->metric - 1;

		bool ours = own && !metric_at(t, was)->own; /* and an application's word goes */

		if (metric_at(t, was)->type == type && !ours)
			return 0;
		if (tag_at(t, tag)->first != 0 && !ours)
			return -ERR_UNKNOWN;
		metric_drop(t, was);
		i = t->metrics_count;
	}
	m.tag = tag_take(t, bytes);
	if (m.tag == TAGS_NONE)
		return -ERR_FULL;
	if (pages_reach(&t->metrics, i) == 0) {
		*metric_at(t, i) = m;
		help = cut(help);
		if (!own && t->help_bytes + help.len > t->budget->max / HELP_PART)
			help.len = 0;
		if (help.len == 0 || (m.help = heap_put(t, OF_HELP, i, help)) != TAGS_NONE) {
			metric_at(t, i)->help = m.help;
			t->help_bytes += own ? 0 : help.len;
			tag_at(t, m.tag)->metric = i + 1;
			t->metrics_idle += tag_at(t, m.tag)->first == 0;
			t->metrics_count++;
			t->described++;
			metrics_few(t);
			return 0;
		}
	}
	tag_give(t, m.tag);
	return -ERR_FULL;
}

static void
metric_get(const struct tags *t, const struct metric *m, enum series_type *type, struct slice *help)
{
	*type = m->type;
	*help = m->help != TAGS_NONE ? heap_get(t, m->help) : (struct slice){(const uint8_t *)"", 0};
}

bool
tags_metric(const struct tags *t, uint32_t at, struct slice *metric, enum series_type *type, struct slice *help)
{
	const struct metric *m;

	if (at >= t->metrics_count)
		return false;
	m = metric_at(t, at);
	*metric = label_of(heap_get(t, tag_at(t, m->tag)->at)).value;
	metric_get(t, m, type, help);
	return true;
}

enum series_type
tags_meta(const struct tags *t, struct slice metric, struct slice *help)
{
	uint8_t b[LABEL_VALUE_BYTES_MAX + 16];
	uint32_t tag = hash_find(t, &t->by_bytes, name_tag(metric, b));
	enum series_type type = SERIES_UNTYPED;

	*help = (struct slice){(const uint8_t *)"", 0};
	if (tag != TAGS_NONE && tag_at(t, tag)->metric != 0)
		metric_get(t, metric_at(t, tag_at(t, tag)->metric - 1), &type, help);
	return type;
}

/* --- rows ---------------------------------------------------------------------------------- */

/* The tag of the metric's name in a row, or TAGS_NONE. */
static uint32_t
name_of(const struct tags *t, struct slice row)
{
	const uint8_t *at = row.b;

	while (at < row.b + row.len) {
		uint32_t tag = take_tag(&at);

		if (slice_eq(label_of(heap_get(t, tag_at(t, tag)->at)).name, slice_of(LABEL_NAME)))
			return tag;
	}
	return TAGS_NONE;
}

/* One label after the other of packed labels: its bytes. */
static struct slice
next_label(const uint8_t **at)
{
	const uint8_t *from = *at;

	for (int i = 0; i < 2; i++) {
		size_t n = take_length(at);

		*at += n;
	}
	return (struct slice){from, (size_t)(*at - from)};
}

static uint8_t *
put_tag(uint8_t *to, uint32_t tag)
{
	for (; tag >= 0x80; tag >>= 7)
		*to++ = (uint8_t)tag | 0x80;
	*to++ = (uint8_t)tag;
	return to;
}

static void
give_all(struct tags *t, struct slice row)
{
	for (const uint8_t *at = row.b; at < row.b + row.len;)
		tag_give(t, take_tag(&at));
}

uint32_t
tags_find(const struct tags *t, struct slice labels)
{
	uint8_t row[ROW_BYTES_MAX], *to = row;
	const uint8_t *at = labels.b + 1;

	for (uint32_t i = 0; i < labels.b[0]; i++) {
		uint32_t tag = hash_find(t, &t->by_bytes, next_label(&at));

		if (tag == TAGS_NONE)
			return TAGS_NONE;
		to = put_tag(to, tag);
	}
	return hash_find(t, &t->by_row, (struct slice){row, (size_t)(to - row)});
}

static void
chain(struct tags *t, uint32_t row, uint32_t tag)
{
	struct tag *g = tag_at(t, tag);
	struct row *r = row_at(t, row);

	t->metrics_idle -= g->metric != 0 && g->first == 0;
	r->after = g->first;
	if (g->first != 0)
		row_at(t, g->first - 1)->before = row + 1;
	g->first = row + 1;
}

static void
unchain(struct tags *t, uint32_t row, uint32_t tag)
{
	struct tag *g = tag_at(t, tag);
	struct row *r = row_at(t, row);

	if (r->after != 0)
		row_at(t, r->after - 1)->before = r->before;
	if (r->before != 0)
		row_at(t, r->before - 1)->after = r->after;
	else
		g->first = r->after;
	t->metrics_idle += g->metric != 0 && g->first == 0;
}

int
tags_add(struct tags *t, uint32_t row, struct slice labels)
{
	uint8_t b[ROW_BYTES_MAX], *to = b;
	const uint8_t *at = labels.b + 1;
	struct slice bytes;
	uint32_t where, tag;

	if (row >= 1u << KIND_SHIFT || pages_reach(&t->rows, row) < 0)
		return -ERR_FULL;
	for (uint32_t i = 0; i < labels.b[0]; i++) {
		tag = tag_take(t, next_label(&at));
		if (tag == TAGS_NONE) {
			give_all(t, (struct slice){b, (size_t)(to - b)});
			return -ERR_FULL;
		}
		to = put_tag(to, tag);
	}
	bytes = (struct slice){b, (size_t)(to - b)};
	where = heap_put(t, OF_ROW, row, bytes);
	*row_at(t, row) = (struct row){.at = where};
	if (where == TAGS_NONE || hash_add(t, &t->by_row, row) < 0) {
		if (where != TAGS_NONE)
			heap_drop(t, where);
		give_all(t, bytes);
		return -ERR_FULL;
	}
	tag = name_of(t, bytes);
	if (tag != TAGS_NONE)
		chain(t, row, tag);
	return 0;
}

void
tags_drop(struct tags *t, uint32_t row)
{
	struct slice bytes = heap_get(t, row_at(t, row)->at);
	uint32_t tag = name_of(t, bytes);

	if (tag != TAGS_NONE)
		unchain(t, row, tag);
	hash_drop(t, &t->by_row, row);
	give_all(t, bytes);
	heap_drop(t, row_at(t, row)->at);
	metrics_few(t);
}

size_t
tags_labels(const struct tags *t, uint32_t row, uint8_t out[LABELS_BYTES_MAX])
{
	struct slice bytes = heap_get(t, row_at(t, row)->at);
	uint8_t *to = out + 1;

	out[0] = 0;
	for (const uint8_t *at = bytes.b; at < bytes.b + bytes.len; out[0]++) {
		struct slice tag = heap_get(t, tag_at(t, take_tag(&at))->at);

		memcpy(to, tag.b, tag.len);
		to += tag.len;
	}
	return (size_t)(to - out);
}
