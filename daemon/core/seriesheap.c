/*
 * seriesheap.c - short runs of bytes that come and go, in pages of 4 KiB
 * (seriestags.h).
 *
 *	| whose (4) | length (2) | bytes ... |	one after the other up to `fill`
 *
 * What is dropped stays as a hole; a page with holes enough for what is to be written is
 * closed up, and only then a new one is taken: work for one call is a page at most, and
 * a look at others' counts.
 */
#include "seriestags_in.h"

enum { PAGE_BYTES = 4080, LOOKS_MAX = 64, HEAD_BYTES = sizeof(struct heap_entry) };

static uint8_t *
page_at(const struct tags *t, uint32_t page)
{
	return pages_at(&t->heap, page);
}

static struct heap_page *
state_of(const struct tags *t, uint32_t page)
{
	return pages_at(&t->heap_of, page);
}

static void
moved(struct tags *t, uint32_t whose, uint32_t at)
{
	uint32_t number = whose & ((1u << KIND_SHIFT) - 1);

	switch (whose >> KIND_SHIFT) {
	case OF_TAG:
		tag_at(t, number)->at = at;
		return;
	case OF_ROW:
		row_at(t, number)->at = at;
		return;
	default:
		metric_at(t, number)->help = at;
	}
}

static void
close_up(struct tags *t, uint32_t page)
{
	struct heap_page *s = state_of(t, page);
	uint8_t *b = page_at(t, page);
	uint32_t to = 0;
	struct heap_entry e;

	for (uint32_t from = 0; from < s->fill; from += HEAD_BYTES + e.len) {
		memcpy(&e, b + from, HEAD_BYTES);
		if (e.whose == TAGS_NONE)
			continue;
		if (to != from) {
			memmove(b + to, b + from, HEAD_BYTES + e.len);
			moved(t, e.whose, page << 12 | to);
		}
		to += HEAD_BYTES + e.len;
	}
	assert(to == s->live);
	s->fill = s->live;
}

/* It can take so many bytes, perhaps closed up. */
static bool
page_takes(struct tags *t, uint32_t page, uint32_t need)
{
	struct heap_page *s = state_of(t, page);

	if (s->fill + need <= PAGE_BYTES)
		return true;
	if (s->live + need > PAGE_BYTES)
		return false;
	close_up(t, page);
	return true;
}

/* Some pages on from where the last look ended. */
static bool
look_around(struct tags *t, uint32_t need, uint32_t looks)
{
	for (uint32_t i = 0; i < looks && i < t->heap_count; i++) {
		t->heap_look = t->heap_look + 1 < t->heap_count ? t->heap_look + 1 : 0;
		/* Room for one more is not worth closing up a page, but for room at all. */
		if (looks == LOOKS_MAX && state_of(t, t->heap_look)->live > PAGE_BYTES * 3 / 4)
			continue;
		if (page_takes(t, t->heap_look, need)) {
			t->heap_now = t->heap_look;
			return true;
		}
	}
	return false;
}

static bool
new_page(struct tags *t)
{
	if (pages_reach(&t->heap, t->heap_count) < 0 || pages_reach(&t->heap_of, t->heap_count) < 0)
		return false;
	t->heap_now = t->heap_count++;
	return true;
}

uint32_t
heap_put(struct tags *t, enum tags_kind kind, uint32_t number, struct slice bytes)
{
	struct heap_entry e = {(uint32_t)kind << KIND_SHIFT | number, (uint16_t)bytes.len};
	uint32_t need = HEAD_BYTES + (uint32_t)bytes.len, at;
	struct heap_page *s;
	uint8_t *b;

	if ((t->heap_count == 0 || !page_takes(t, t->heap_now, need)) && !look_around(t, need, LOOKS_MAX) &&
	    !new_page(t) && !look_around(t, need, t->heap_count))
		return TAGS_NONE;
	s = state_of(t, t->heap_now);
	b = page_at(t, t->heap_now) + s->fill;
	memcpy(b, &e, HEAD_BYTES);
	if (bytes.len > 0)
		memcpy(b + HEAD_BYTES, bytes.b, bytes.len);
	at = t->heap_now << 12 | s->fill;
	s->fill = (uint16_t)(s->fill + need);
	s->live = (uint16_t)(s->live + need);
	return at;
}

struct slice
heap_get(const struct tags *t, uint32_t at)
{
	const uint8_t *b = page_at(t, at >> 12) + (at & 0xfff);
	struct heap_entry e;

	memcpy(&e, b, HEAD_BYTES);
	return (struct slice){b + HEAD_BYTES, e.len};
}

void
heap_drop(struct tags *t, uint32_t at)
{
	struct heap_page *s = state_of(t, at >> 12);
	uint8_t *b = page_at(t, at >> 12) + (at & 0xfff);
	struct heap_entry e;

	memcpy(&e, b, HEAD_BYTES);
	s->live = (uint16_t)(s->live - HEAD_BYTES - e.len);
	e.whose = TAGS_NONE;
	memcpy(b, &e, HEAD_BYTES);
	if (s->live == 0)
		s->fill = 0;
}

void
heap_rename(struct tags *t, uint32_t at, enum tags_kind kind, uint32_t number)
{
	uint32_t whose = (uint32_t)kind << KIND_SHIFT | number;

	memcpy(page_at(t, at >> 12) + (at & 0xfff), &whose, sizeof whose);
}
