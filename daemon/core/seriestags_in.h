/*
 * seriestags_in.h - what the files of seriestags share.
 */
#ifndef CORE_SERIESTAGS_IN_H
#define CORE_SERIESTAGS_IN_H

#include "seriestags.h"

enum { ROW_BYTES_MAX = LABELS_MAX * 5, HELP_BYTES_MAX = 1024 };

/* Links of hash chains are a number + 1, so that zeroed memory is none. */
struct tag {
	uint32_t at; /* in the heap */
	uint32_t refs;
	uint32_t link;
	uint32_t first;	 /* of a metric's name: the first of its series + 1 */
	uint32_t metric; /* and what was described, + 1 */
};

struct row {
	uint32_t at;
	uint32_t link;
	uint32_t before, after; /* in its metric, + 1 */
};

struct metric {
	uint32_t tag;
	uint32_t help; /* in the heap, or TAGS_NONE */
	uint8_t type;
	bool own; /* mesh itself said so */
};

/* Whose an entry of the heap is: the kind and a number below 2^30. */
enum tags_kind { OF_TAG, OF_ROW, OF_HELP };
enum { KIND_SHIFT = 30 };

/* A page of the heap: how far it is written, and how much of that is in use. */
struct heap_page {
	uint16_t fill, live;
};

/* Before the bytes of an entry. */
struct heap_entry {
	uint32_t whose; /* TAGS_NONE: a hole */
	uint16_t len;
} __attribute__((packed));

static inline struct tag *
tag_at(const struct tags *t, uint32_t i)
{
	return pages_at(&t->all, i);
}

static inline struct row *
row_at(const struct tags *t, uint32_t i)
{
	return pages_at(&t->rows, i);
}

static inline struct metric *
metric_at(const struct tags *t, uint32_t i)
{
	return pages_at(&t->metrics, i);
}

/* A label in packed labels; *at moves behind it. */
static inline size_t
take_length(const uint8_t **at)
{
	size_t n = *(*at)++;

	if (n >= 0x80)
		n = (n & 0x7f) | (size_t)*(*at)++ << 7;
	return n;
}

static inline struct label
label_of(struct slice packed)
{
	const uint8_t *at = packed.b;
	struct label l;

	l.name.len = take_length(&at);
	l.name.b = at;
	at += l.name.len;
	l.value.len = take_length(&at);
	l.value.b = at;
	return l;
}

/* The next tag's number in a row; 5 bytes at most. */
static inline uint32_t
take_tag(const uint8_t **at)
{
	uint32_t v = 0;

	for (unsigned shift = 0; shift < 35; shift += 7) {
		uint8_t c = *(*at)++;

		v |= (uint32_t)(c & 0x7f) << shift;
		if (c < 0x80)
			break;
	}
	return v;
}

/* A label's, as it is in packed labels; or TAGS_NONE. */
uint32_t tags_tag(const struct tags *t, struct slice bytes);

/* The heap: where it is now, or TAGS_NONE.  Others may move. */
uint32_t heap_put(struct tags *t, enum tags_kind kind, uint32_t number, struct slice bytes);
struct slice heap_get(const struct tags *t, uint32_t at);
void heap_drop(struct tags *t, uint32_t at);
void heap_rename(struct tags *t, uint32_t at, enum tags_kind kind, uint32_t number);

#endif
