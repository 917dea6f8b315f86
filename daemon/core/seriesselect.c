/*
 * seriesselect.c - which series some matchers mean (series.h), in the order of their
 * labels.
 */
#include "series_in.h"

#include <stdlib.h>

/* Sorted by labels; b is as long (merge sort: nothing of it is quadratic). */
static void
sort(const struct tags *t, uint32_t *a, uint32_t *b, size_t n)
{
	for (size_t width = 1; width < n; width *= 2) {
		for (size_t from = 0; from < n; from += 2 * width) {
			size_t mid = from + width < n ? from + width : n;
			size_t end = from + 2 * width < n ? from + 2 * width : n;
			size_t i = from, j = mid;

			for (size_t k = from; k < end; k++)
				b[k] = i < mid && (j == end || tags_cmp(t, a[i], a[j]) <= 0) ? a[i++] : a[j++];
		}
		memcpy(a, b, n * sizeof *a);
	}
}

static int64_t
found(const struct series_store *s, const struct tags_search *q, uint32_t max, uint32_t *out)
{
	bool chain = q->none || q->metric != TAGS_NONE;
	uint32_t i = chain ? tags_first(q) : 0;
	int64_t n = 0;

	for (; chain ? i != TAGS_NONE : i < s->ones_count; i = chain ? tags_next(q, i) : i + 1) {
		const struct one *o = one_at(s, i);

		if (!(o->flags & ONE_USED) || !one_has_samples(s, o) || !tags_match(q, i))
			continue;
		if (n == max)
			return -ERR_FULL;
		out[n++] = i;
	}
	return n;
}

int64_t
series_select(const struct series_store *s, const struct series_matcher *m, uint32_t count, uint32_t max,
    series_id **ids)
{
	size_t room = max < s->series ? max : (size_t)s->series;
	struct tags_search q;
	uint32_t *rows;
	int64_t n;

	*ids = NULL;
	if (tags_search(&s->tags, m, count, &q) < 0)
		return -ERR_FULL;
	/* Two of rows to sort, and the ids in their place then. */
	rows = malloc((room + 1) * 2 * sizeof *rows);
	*ids = malloc((room + 1) * sizeof **ids);
	n = rows != NULL && *ids != NULL ? found(s, &q, max, rows) : -ERR_FULL;
	if (n > 0)
		sort(&s->tags, rows, rows + room + 1, (size_t)n);
	for (int64_t i = 0; i < n; i++)
		(*ids)[i] = id_of(s, rows[i]);
	free(rows);
	tags_search_end(&q);
	if (n < 0) {
		free(*ids);
		*ids = NULL;
	}
	return n;
}
