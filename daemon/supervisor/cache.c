/*
 * cache.c - see cache.h.
 */
#include "cache.h"

#include <stdlib.h>

static bool
same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	    a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	    a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	    a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static uint8_t *
copy(const uint8_t *buf, size_t len)
{
	uint8_t *p = malloc(len + 1);

	if (p != NULL)
		memcpy(p, buf, len);
	return p;
}

uint8_t *
cache_get(struct cache *c, char kind, const struct stat *st, size_t *len)
{
	for (size_t i = 0; i < CACHE_SLOTS; i++) {
		struct cache_slot *s = &c->slots[i];

		if (s->buf == NULL || s->kind != kind || !same(&s->st, st))
			continue;
		s->used = ++c->clock;
		*len = s->len;
		return copy(s->buf, s->len);
	}
	return NULL;
}

void
cache_put(struct cache *c, char kind, const struct stat *st, const uint8_t *buf,
    size_t len, uint64_t wall_ms)
{
	struct cache_slot *oldest = &c->slots[0];
	uint64_t changed = (uint64_t)st->st_ctim.tv_sec * 1000 +
	    (uint64_t)st->st_ctim.tv_nsec / 1000000;

	if (changed + CACHE_QUIET_MS > wall_ms)
		return;
	for (size_t i = 0; i < CACHE_SLOTS; i++)
		if (c->slots[i].used < oldest->used)
			oldest = &c->slots[i];
	free(oldest->buf);
	oldest->buf = copy(buf, len);
	oldest->len = len;
	oldest->st = *st;
	oldest->kind = kind;
	oldest->used = ++c->clock;
}
