/*
 * prom_rows.c - memory of an evaluation, and its rows: added, made one, sorted.
 */
#include "prom_ev.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct prom_block {
	struct prom_block *next, *before;
	size_t bytes;
	_Alignas(16) uint8_t b[];
};

int
ev_fail(struct prom_ev *ev, const char *fmt, ...)
{
	char why[ERR_TEXT_CAP];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	ev->err->code = 1;
	err_escape(ev->err->text, sizeof ev->err->text, why, strlen(why));
	return -1;
}

static void
too_much(struct prom_ev *ev, const char *what)
{
	ev_fail(ev, "the query needs more than %s: ask for fewer series, a shorter range or a longer step",
	    what);
}

int
ev_work(struct prom_ev *ev, uint64_t samples)
{
	char what[64];

	ev->work += samples;
	if (ev->work <= ev->limits->work_max && ev->work >= samples)
		return 0;
	snprintf(what, sizeof what, "%llu samples looked at", (unsigned long long)ev->limits->work_max);
	too_much(ev, what);
	return -1;
}

void *
ev_alloc(struct prom_ev *ev, size_t count, size_t each)
{
	size_t bytes = count * each + sizeof(struct prom_block), used = ev->bytes + ev->arena.used;
	struct prom_block *b = NULL;
	char what[64];

	if (count <= ev->limits->bytes_max / each && used <= ev->limits->bytes_max &&
	    bytes <= ev->limits->bytes_max - used)
		b = calloc(1, bytes);
	if (b == NULL) {
		snprintf(what, sizeof what, "%zu KiB of memory", ev->limits->bytes_max >> 10);
		too_much(ev, what);
		return NULL;
	}
	b->bytes = bytes;
	b->next = ev->blocks;
	if (b->next != NULL)
		b->next->before = b;
	ev->blocks = b;
	ev->bytes += bytes;
	return b->b;
}

void
ev_drop(struct prom_ev *ev, void *p)
{
	struct prom_block *b;

	if (p == NULL)
		return;
	b = (struct prom_block *)(void *)((uint8_t *)p - offsetof(struct prom_block, b));
	if (b->before != NULL)
		b->before->next = b->next;
	else
		ev->blocks = b->next;
	if (b->next != NULL)
		b->next->before = b->before;
	ev->bytes -= b->bytes;
	free(b);
}

void
ev_end(struct prom_ev *ev)
{
	while (ev->blocks != NULL)
		ev_drop(ev, ev->blocks->b);
	prom_arena_free(&ev->arena);
}

int
ev_grow(struct prom_ev *ev, void *all, uint32_t count, uint32_t *cap, size_t each)
{
	void *old, *more;
	uint32_t want;

	if (count < *cap)
		return 0;
	memcpy(&old, all, sizeof old);
	want = *cap < 8 ? 8 : *cap * 2;
	more = want > *cap ? ev_alloc(ev, want, each) : NULL;
	if (more == NULL)
		return -1;
	if (count > 0)
		memcpy(more, old, count * each);
	ev_drop(ev, old);
	memcpy(all, &more, sizeof more);
	*cap = want;
	return 0;
}

/* --- labels --------------------------------------------------------------------------- */

int
ev_read(struct prom_ev *ev, struct slice packed, struct labels *out)
{
	if (packed.len == 0) {
		out->count = 0;
		return 0;
	}
	return labels_read(packed, out) == 0 ? 0 : ev_fail(ev, "a series has labels that are none");
}

int
ev_pack(struct prom_ev *ev, const struct labels *l, struct slice *out)
{
	uint8_t b[LABELS_BYTES_MAX], *kept;
	int n = labels_pack(l, b, sizeof b);

	if (n < 0)
		return ev_fail(ev, "labels longer than %d bytes", LABELS_BYTES_MAX);
	if (ev->bytes + ev->arena.used < ev->limits->bytes_max)
		ev->arena.max = ev->limits->bytes_max - ev->bytes;
	kept = prom_alloc(&ev->arena, (size_t)n);
	if (kept == NULL) {
		too_much(ev, "its memory for labels");
		return -1;
	}
	memcpy(kept, b, (size_t)n);
	*out = (struct slice){kept, (size_t)n};
	return 0;
}

int
ev_drop_name(struct prom_ev *ev, struct slice *labels)
{
	struct labels l;

	if (labels->len == 0 || labels_find(*labels, slice_of(LABEL_NAME)).len == 0)
		return 0;
	if (ev_read(ev, *labels, &l) < 0)
		return -1;
	labels_drop(&l, slice_of(LABEL_NAME));
	return ev_pack(ev, &l, labels);
}

void
prom_keep(const struct labels *l, const struct prom_names *names, bool without, struct labels *kept)
{
	kept->count = 0;
	for (uint32_t i = 0; i < l->count; i++) {
		bool named = false;

		for (uint32_t k = 0; k < names->count && !named; k++)
			named = slice_eq(names->v[k], l->items[i].name);
		if (without ? !named && !slice_eq(l->items[i].name, slice_of(LABEL_NAME)) : named)
			kept->items[kept->count++] = l->items[i];
	}
}

int
ev_keep_labels(struct prom_ev *ev, struct slice from, const struct prom_names *names, bool without,
    struct slice *out)
{
	struct labels l, kept;

	if (ev_read(ev, from, &l) < 0)
		return -1;
	prom_keep(&l, names, without, &kept);
	return ev_pack(ev, &kept, out);
}

static int
slice_cmp(struct slice a, struct slice b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int c = n > 0 ? memcmp(a.b, b.b, n) : 0;

	return c != 0 ? c : a.len < b.len ? -1 : a.len > b.len;
}

/* The next text of a packed set; false: there is none. */
static bool
next_text(const uint8_t **at, const uint8_t *end, struct slice *out)
{
	size_t len = 0;
	uint32_t shift = 0;

	do {
		if (*at == end || shift > 14)
			return false;
		len |= (size_t)(**at & 0x7f) << shift;
		shift += 7;
	} while (*(*at)++ & 0x80);
	if (len > (size_t)(end - *at))
		return false;
	*out = (struct slice){*at, len};
	*at += len;
	return true;
}

/* Bytes in which both begin, the first, their count, left out. */
static size_t
common(struct slice a, struct slice b)
{
	size_t n = a.len < b.len ? a.len : b.len, i = 1;
	uint64_t x, y;

	for (; i + sizeof x <= n; i += sizeof x) {
		memcpy(&x, a.b + i, sizeof x);
		memcpy(&y, b.b + i, sizeof y);
		if (x != y)
			break;
	}
	while (i < n && a.b[i] == b.b[i])
		i++;
	return i;
}

/* Where they are packed: they are sorted by thousands, and most of their texts are the
 * same. */
int
prom_labels_cmp(struct slice a, struct slice b)
{
	const uint8_t *l = a.b, *r = b.b, *lend = l + a.len, *rend = r + b.len, *next;
	struct slice lt, rt;
	bool more_l, more_r;
	size_t same;
	int c;

	if (a.len == 0 || b.len == 0)
		return a.len == b.len ? 0 : a.len < b.len ? -1 : 1;
	same = common(a, b);
	for (next = ++l; next_text(&next, a.b + same, &lt);)
		l = next;
	for (r += l - a.b;;) {
		more_l = next_text(&l, lend, &lt);
		more_r = next_text(&r, rend, &rt);
		if (!more_l || !more_r)
			return more_l - more_r;
		c = slice_cmp(lt, rt);
		if (c != 0)
			return c;
	}
}

void
prom_labels_show(struct slice packed, char *out, size_t cap)
{
	struct labels l;
	struct slice name;
	size_t n = 0;
	bool first = true;

	if (packed.len == 0 || labels_read(packed, &l) < 0)
		l.count = 0;
	name = labels_get(&l, slice_of(LABEL_NAME));
	n = (size_t)snprintf(out, cap, "%.*s{", (int)name.len, name.len > 0 ? (const char *)name.b : "");
	for (uint32_t i = 0; i < l.count && n < cap; i++) {
		struct label *x = &l.items[i];

		if (slice_eq(x->name, slice_of(LABEL_NAME)))
			continue;
		n += (size_t)snprintf(out + n, cap - n, "%s%.*s=\"%.*s\"", first ? "" : ", ",
		    (int)x->name.len, (const char *)x->name.b, (int)x->value.len, (const char *)x->value.b);
		first = false;
	}
	if (n < cap)
		snprintf(out + n, cap - n, "}");
}

/* --- bytes to numbers ------------------------------------------------------------------- */

static uint64_t
fold(uint64_t a)
{
	unsigned __int128 m = (unsigned __int128)a * UINT64_C(0xa0761d6478bd642f);

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

/* Eight bytes at a time: labels are long, and hashed more often than they are compared. */
static uint64_t
hash_of(struct slice key)
{
	uint64_t h = key.len * UINT64_C(0x9e3779b97f4a7c15), w;
	size_t i = 0;

	for (; i + sizeof w <= key.len; i += sizeof w) {
		memcpy(&w, key.b + i, sizeof w);
		h = fold(h ^ w);
	}
	w = 0;
	if (i < key.len)
		memcpy(&w, key.b + i, key.len - i);
	return fold(h ^ w);
}

/* Its slot, or the free one where it belongs. */
static uint32_t
slot_of(const struct ev_index *x, struct slice key)
{
	uint32_t i = (uint32_t)hash_of(key) & (x->slots_cap - 1);

	while (x->slots[i] != 0 && !slice_eq(x->keys[x->slots[i] - 1], key))
		i = (i + 1) & (x->slots_cap - 1);
	return i;
}

int64_t
ev_index_get(const struct ev_index *x, struct slice key)
{
	return x->slots_cap == 0 ? -1 : (int64_t)x->slots[slot_of(x, key)] - 1;
}

int64_t
ev_index_add(struct prom_ev *ev, struct ev_index *x, struct slice key)
{
	uint32_t i;

	if (x->count * 2 >= x->slots_cap) {
		ev_drop(ev, x->slots);
		x->slots_cap = x->slots_cap == 0 ? 32 : x->slots_cap * 2;
		x->slots = ev_alloc(ev, x->slots_cap, sizeof *x->slots);
		if (x->slots == NULL)
			return -1;
		for (i = 0; i < x->count; i++)
			x->slots[slot_of(x, x->keys[i])] = i + 1;
	}
	i = slot_of(x, key);
	if (x->slots[i] == 0) {
		if (ev_grow(ev, &x->keys, x->count, &x->cap, sizeof *x->keys) < 0)
			return -1;
		x->keys[x->count++] = key;
		x->slots[i] = x->count;
	}
	return (int64_t)x->slots[i] - 1;
}

void
ev_index_drop(struct prom_ev *ev, struct ev_index *x)
{
	ev_drop(ev, x->slots);
	ev_drop(ev, x->keys);
	*x = (struct ev_index){0};
}

/* --- rows -------------------------------------------------------------------------------- */

struct prom_row *
rows_add(struct prom_ev *ev, struct prom_rows *r, struct slice labels, uint32_t steps, bool values)
{
	struct prom_row row = {labels, NULL};

	if (ev_grow(ev, &r->all, r->count, &r->cap, sizeof *r->all) < 0)
		return NULL;
	if (values) {
		row.v = ev_alloc(ev, steps, sizeof *row.v);
		if (row.v == NULL)
			return NULL;
		for (uint32_t i = 0; i < steps; i++)
			row.v[i] = none();
	}
	r->all[r->count] = row;
	return &r->all[r->count++];
}

void
rows_drop(struct prom_ev *ev, struct prom_rows *r)
{
	for (uint32_t i = 0; i < r->count; i++)
		ev_drop(ev, r->all[i].v);
	ev_drop(ev, r->all);
	*r = (struct prom_rows){0};
}

static bool
has_any(const struct prom_row *r, uint32_t steps)
{
	for (uint32_t i = 0; i < steps; i++)
		if (!is_none(r->v[i]))
			return true;
	return false;
}

int
rows_unify(struct prom_ev *ev, struct prom_rows *r, uint32_t steps, bool strict)
{
	struct ev_index x = {0};
	uint32_t kept = 0;

	for (uint32_t i = 0; i < r->count; i++) {
		struct prom_row row = r->all[i];
		int64_t to;

		if (!has_any(&row, steps)) {
			ev_drop(ev, row.v);
			continue;
		}
		to = ev_index_add(ev, &x, row.labels);
		if (to < 0)
			return -1;
		if ((uint64_t)to == kept) {
			r->all[kept++] = row;
			continue;
		}
		for (uint32_t k = 0; k < steps; k++) {
			double *at = &r->all[to].v[k];

			if (strict || (!is_none(row.v[k]) && !is_none(*at)))
				return ev_fail(ev, "vector cannot contain metrics with the same labelset");
			if (!is_none(row.v[k]))
				*at = row.v[k];
		}
		ev_drop(ev, row.v);
	}
	r->count = kept;
	ev_index_drop(ev, &x);
	return 0;
}

static int
cmp_rows(const void *a, const void *b)
{
	const struct prom_row *l = a, *r = b;

	return prom_labels_cmp(l->labels, r->labels);
}

int
rows_sort(struct prom_ev *ev, struct prom_rows *r)
{
	(void)ev;
	if (r->count > 1)
		qsort(r->all, r->count, sizeof *r->all, cmp_rows);
	return 0;
}
