/*
 * vars.c - merging layers of variables, and the map a template is rendered
 * with.  Keys are sorted on the way out, so the bytes say nothing about the
 * order in which a script happened to build its tables.
 */
#include "vars.h"

#include <stdlib.h>

#include "../base/own.h"
#include "pack.h"
#include "walk.h"

/* A value under a key, of the layer it came from. */
struct entry {
	const char *key;
	size_t key_len;
	struct slice value;
	size_t layer;
};

struct entries {
	struct entry *rows; /* owned */
	size_t count, cap;
};

static int
entry_cmp(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	size_t len = x->key_len < y->key_len ? x->key_len : y->key_len;
	int c = len > 0 ? memcmp(x->key, y->key, len) : 0;

	if (c != 0)
		return c;
	if (x->key_len != y->key_len)
		return x->key_len < y->key_len ? -1 : 1;
	return (x->layer > y->layer) - (x->layer < y->layer);
}

static bool
same_key(const struct entry *x, const struct entry *y)
{
	return x->key_len == y->key_len &&
	    (x->key_len == 0 || memcmp(x->key, y->key, x->key_len) == 0);
}

static int
entries_grow(struct entries *e, size_t more)
{
	size_t need = e->count + more;

	if (need <= e->cap)
		return 0;
	if (need > (size_t)VARS_KEYS_MAX * VARS_LAYERS_MAX)
		return -ERR_LONG;
	struct entry *rows = realloc(e->rows, need * sizeof *rows);

	if (rows == NULL)
		return -ERR_FULL;
	e->rows = rows;
	e->cap = need;
	return 0;
}

/* Add the pairs of one map. */
static int
collect(struct entries *e, struct slice map, size_t layer)
{
	struct mp r;
	uint32_t count;
	int rc;

	if (map.len == 0)
		return 0;
	mp_init(&r, map.b, map.len, WALK_DEPTH_MAX);
	if ((rc = mp_map(&r, &count)) < 0)
		return rc;
	if (count > VARS_KEYS_MAX)
		return -ERR_LONG;
	if ((rc = entries_grow(e, count)) < 0)
		return rc;
	for (uint32_t i = 0; i < count; i++) {
		struct entry *row = &e->rows[e->count];

		row->layer = layer;
		if ((rc = mp_str(&r, &row->key, &row->key_len)) < 0 ||
		    (rc = walk_raw(&r, &row->value)) < 0)
			return rc;
		e->count++;
	}
	return mp_end(&r);
}

/* Sort; equal keys stand together, the lowest layer first.  The same key twice
 * in one map is nobody's meaning. */
static int
entries_sort(struct entries *e)
{
	if (e->count > 0)
		qsort(e->rows, e->count, sizeof *e->rows, entry_cmp);
	for (size_t i = 1; i < e->count; i++)
		if (same_key(&e->rows[i - 1], &e->rows[i]) &&
		    e->rows[i - 1].layer == e->rows[i].layer)
			return -ERR_MALFORMED;
	return 0;
}

static size_t
run(const struct entries *e, size_t from)
{
	size_t n = 1;

	while (from + n < e->count && same_key(&e->rows[from], &e->rows[from + n]))
		n++;
	return n;
}

static bool
is_map(struct slice v)
{
	/* Whole by construction: walk_raw has passed over it. */
	return v.len > 0 && ((v.b[0] & 0xf0) == 0x80 || v.b[0] == 0xde || v.b[0] == 0xdf);
}

static int merge_into(struct pack *p, struct entries *e, bool deeper);

/* The values of one key, lowest layer first: the last wins, but maps at its
 * end of the row are merged with it. */
static int
merge_values(struct pack *p, const struct entry *rows, size_t n, bool deeper)
{
	size_t from = n - 1;

	while (deeper && is_map(rows[n - 1].value) && from > 0 && is_map(rows[from - 1].value))
		from--;
	if (from == n - 1) {
		pack_raw(p, rows[n - 1].value);
		return 0;
	}
	struct entries below = {0};
	int rc = 0;

	for (size_t i = from; rc == 0 && i < n; i++)
		rc = collect(&below, rows[i].value, rows[i].layer);
	if (rc == 0)
		rc = merge_into(p, &below, false);
	free(below.rows);
	return rc;
}

static int
merge_into(struct pack *p, struct entries *e, bool deeper)
{
	size_t keys = 0;
	int rc = entries_sort(e);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < e->count; i += run(e, i))
		keys++;
	pack_map(p, keys);
	for (size_t i = 0, n; i < e->count; i += n) {
		n = run(e, i);
		pack_strn(p, e->rows[i].key, e->rows[i].key_len);
		rc = merge_values(p, e->rows + i, n, deeper);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int
vars_merge(const struct slice *layers, size_t count, struct blob *out)
{
	struct entries all = {0};
	struct pack p;
	int rc = count > VARS_LAYERS_MAX ? -ERR_RANGE : 0;

	*out = (struct blob){0};
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = collect(&all, layers[i], i);
	pack_begin(&p, VARS_BYTES_MAX);
	if (rc == 0)
		rc = merge_into(&p, &all, true);
	free(all.rows);
	if (rc != 0) {
		pack_drop(&p);
		return rc;
	}
	return pack_end(&p, out);
}
