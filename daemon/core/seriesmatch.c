/*
 * seriesmatch.c - which series matchers mean (seriestags.h).
 *
 * What a matcher says of a tag is found out once, however many series have it: of a
 * thousand series of one job, an expression looks at one "job" only.
 */
#include "seriestags.h"
#include "seriestags_in.h"

#include <stdlib.h>

#include "pattern.h"

enum { UNASKED, ANOTHER, YES, NO }; /* of a tag; another: not this matcher's name */

static bool
takes(const struct series_matcher *m, struct slice value)
{
	switch (m->op) {
	case SERIES_EQ:
		return slice_eq(value, m->value);
	case SERIES_NE:
		return !slice_eq(value, m->value);
	case SERIES_RE:
		return pattern_match(m->re, value, NULL, NULL);
	case SERIES_NRE:
		return !pattern_match(m->re, value, NULL, NULL);
	}
	return false;
}

/* A name and no other: only series of that metric. */
static void
by_name(struct tags_search *q, const struct series_matcher *m)
{
	struct labels l = {.count = 1, .items = {{m->name, m->value}}};
	uint8_t b[LABEL_VALUE_BYTES_MAX + 16];
	int n;

	if (m->op != SERIES_EQ || m->value.len == 0 || !slice_eq(m->name, slice_of(LABEL_NAME)))
		return;
	q->none = true;
	if (m->value.len > LABEL_VALUE_BYTES_MAX)
		return;
	n = labels_pack(&l, b, sizeof b);
	if (n < 0)
		return;
	q->metric = tags_tag(q->tags, (struct slice){b + 1, (size_t)n - 1});
	q->none = q->metric == TAGS_NONE;
}

int
tags_search(const struct tags *t, const struct series_matcher *m, uint32_t count, struct tags_search *out)
{
	*out = (struct tags_search){.tags = t, .m = m, .count = count, .metric = TAGS_NONE};
	out->said = calloc((size_t)count + 1, (size_t)t->all_count + 1);
	if (out->said == NULL)
		return -ERR_FULL;
	for (uint32_t i = 0; i < count && !out->none; i++) {
		by_name(out, &m[i]);
		/* After the tags: of a series without the label. */
		out->said[(size_t)i * (t->all_count + 1) + t->all_count] =
		    takes(&m[i], (struct slice){(const uint8_t *)"", 0}) ? YES : NO;
	}
	return 0;
}

void
tags_search_end(struct tags_search *q)
{
	free(q->said);
	q->said = NULL;
}

uint32_t
tags_first(const struct tags_search *q)
{
	return q->none ? TAGS_NONE : tag_at(q->tags, q->metric)->first - 1;
}

uint32_t
tags_next(const struct tags_search *q, uint32_t row)
{
	return row_at(q->tags, row)->after - 1;
}

static uint8_t
ask(const struct tags_search *q, const struct series_matcher *m, uint8_t *said, uint32_t tag)
{
	if (said[tag] == UNASKED) {
		struct label l = label_of(heap_get(q->tags, tag_at(q->tags, tag)->at));

		said[tag] = !slice_eq(l.name, m->name) ? ANOTHER : takes(m, l.value) ? YES : NO;
	}
	return said[tag];
}

bool
tags_match(const struct tags_search *q, uint32_t row)
{
	struct slice bytes = heap_get(q->tags, row_at(q->tags, row)->at);
	uint32_t all = q->tags->all_count;

	for (uint32_t i = 0; i < q->count; i++) {
		uint8_t *said = q->said + (size_t)i * (all + 1), got = ANOTHER;

		for (const uint8_t *at = bytes.b; at < bytes.b + bytes.len && got == ANOTHER;)
			got = ask(q, &q->m[i], said, take_tag(&at));
		if ((got == ANOTHER ? said[all] : got) == NO)
			return false;
	}
	return true;
}

int
tags_cmp(const struct tags *t, uint32_t a, uint32_t b)
{
	struct slice x = heap_get(t, row_at(t, a)->at), y = heap_get(t, row_at(t, b)->at);
	const uint8_t *at = x.b, *with = y.b, *end = x.b + x.len, *with_end = y.b + y.len;
	uint32_t tag = 0, other = 0, n = 0, m = 0;
	struct slice u, v;

	/* Most of two series' labels are the same. */
	for (; tag == other && at < end && with < with_end; n = m = 1) {
		tag = take_tag(&at);
		other = take_tag(&with);
	}
	if (tag == other)
		n = m = 0;
	for (; at < end; n++)
		(void)take_tag(&at);
	for (; with < with_end; m++)
		(void)take_tag(&with);
	if (n != m || n == 0)
		return n < m ? -1 : n > m;
	/* No tag is the beginning of another one: the first that differ decide. */
	u = heap_get(t, tag_at(t, tag)->at);
	v = heap_get(t, tag_at(t, other)->at);
	return memcmp(u.b, v.b, u.len < v.len ? u.len : v.len);
}
