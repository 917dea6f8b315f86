/*
 * seriestags.h - who is who in a store of series: from labels to a series' number and
 * back, and which series some matchers mean.
 *
 * A tag is one label, name and value, kept once however many series have it; a series is
 * the row of its tags' numbers.  What this takes of an ordinary host's series is a
 * quarter of their labels:
 *
 *	heap	pages of 4 KiB with the bytes of tags, rows and help texts; when a page has
 *		holes enough it is closed up, so each entry knows who refers to it
 *	tags	where in the heap, how many rows have it; of a metric's name also the first
 *		of its series, and which metric
 *	rows	of each series: where in the heap, its place in its metric's chain
 *	metrics	what was described: type and help
 *
 * Tags and rows are found by hash; tables grow by one bucket at a time (Litwin, Linear
 * hashing, 1980), so no call takes long.  Hashes begin with the store's seed: who may
 * choose labels can't choose those that meet in one bucket.
 */
#ifndef CORE_SERIESTAGS_H
#define CORE_SERIESTAGS_H

#include "series.h"
#include "seriespages.h"

#define TAGS_NONE UINT32_MAX

struct tags_hash {
	struct pages heads; /* uint32_t: the first of a chain */
	uint32_t count, buckets, level;
};

struct tags {
	struct pages_budget *budget;
	uint64_t seed;
	struct pages heap, heap_of;	/* pages, and what is in each */
	struct pages all, rows, metrics;
	struct tags_hash by_bytes, by_row;
	uint32_t all_count, all_unused; /* of tags: ever used; a chain of those that are free */
	uint32_t metrics_count, metrics_unused, metrics_idle; /* ...; idle: described, no series */
	uint64_t described; /* how often metrics came or went */
	size_t help_bytes; /* of what applications say of theirs: at most an eighth of the budget */
	uint32_t heap_count, heap_now, heap_look; /* pages; written to; looked at next for room */
};

void tags_init(struct tags *t, uint64_t seed, struct pages_budget *budget);
void tags_fini(struct tags *t);

/* The series with these labels (that labels_read would take), or TAGS_NONE. */
uint32_t tags_find(const struct tags *t, struct slice labels);
/* It is series `row` from now on; not there yet.  -ERR_FULL: nothing has changed. */
MUST_CHECK int tags_add(struct tags *t, uint32_t row, struct slice labels);
void tags_drop(struct tags *t, uint32_t row);
size_t tags_labels(const struct tags *t, uint32_t row, uint8_t out[LABELS_BYTES_MAX]);
/* As their packed labels are. */
int tags_cmp(const struct tags *t, uint32_t a, uint32_t b);

/* As series_describe (own: series_describe_own), series_metric and series_meta are. */
MUST_CHECK int tags_describe(struct tags *t, struct slice metric, enum series_type type, struct slice help, bool own);
bool tags_metric(const struct tags *t, uint32_t at, struct slice *metric, enum series_type *type, struct slice *help);
enum series_type tags_meta(const struct tags *t, struct slice metric, struct slice *help);

/* --- matching ------------------------------------------------------------------------ */

struct tags_search {
	const struct tags *tags;
	const struct series_matcher *m;
	uint32_t count;
	uint8_t *said; /* malloc'd: of each matcher, what it says of each tag */
	uint32_t metric; /* the tag of the one name that can match, TAGS_NONE: many */
	bool none;	 /* no series can match */
};

/* -ERR_FULL: no memory.  m is borrowed. */
MUST_CHECK int tags_search(const struct tags *t, const struct series_matcher *m, uint32_t count, struct tags_search *out);
void tags_search_end(struct tags_search *q);
/* Series of the one metric, one after the other: TAGS_NONE at the end. */
uint32_t tags_first(const struct tags_search *q);
uint32_t tags_next(const struct tags_search *q, uint32_t row);
bool tags_match(const struct tags_search *q, uint32_t row);

#endif
