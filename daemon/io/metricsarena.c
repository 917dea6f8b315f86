/*
 * metricsarena.c - see metricsarena.h.
 */
#include "metricsarena.h"

#include <stdlib.h>

enum { CHUNK_BYTES = 64 << 10, ALIGN = 16 };

struct metricsarena_chunk {
	struct metricsarena_chunk *next;
	size_t used, room;
	_Alignas(ALIGN) uint8_t b[];
};

void *
metricsarena_take(struct metricsarena *a, size_t bytes)
{
	struct metricsarena_chunk *c = a->chunks;
	size_t n = (bytes + ALIGN) / ALIGN * ALIGN; /* one at least */

	if (bytes > a->bytes_max || n > a->bytes_max - a->bytes)
		return NULL;
	if (c == NULL || c->room - c->used < n) {
		size_t room = n > CHUNK_BYTES ? n : CHUNK_BYTES;

		if ((c = malloc(sizeof *c + room)) == NULL)
			return NULL;
		*c = (struct metricsarena_chunk){.next = a->chunks, .room = room};
		a->chunks = c;
	}
	a->bytes += n;
	c->used += n;
	return c->b + c->used - n;
}

void
metricsarena_free(struct metricsarena *a)
{
	while (a->chunks != NULL) {
		struct metricsarena_chunk *c = a->chunks;

		a->chunks = c->next;
		free(c);
	}
	a->bytes = 0;
}

static int
by_key(const void *a, const void *b)
{
	const struct metrics_item *x = a, *y = b;
	size_t n = x->key.len < y->key.len ? x->key.len : y->key.len;
	int c = n > 0 ? memcmp(x->key.b, y->key.b, n) : 0;

	if (c != 0 || x->key.len != y->key.len)
		return c != 0 ? c : x->key.len < y->key.len ? -1 : 1;
	/* Who says what it is, before who does not. */
	return (x->type == SERIES_UNTYPED) - (y->type == SERIES_UNTYPED);
}

size_t
metricsarena_unique(struct metrics_item *items, size_t count)
{
	size_t kept = 0;

	if (count > 0)
		qsort(items, count, sizeof *items, by_key);
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || !slice_eq(items[kept - 1].key, items[i].key))
			items[kept++] = items[i];
	return kept;
}
