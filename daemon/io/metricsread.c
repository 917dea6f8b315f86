/*
 * metricsread.c - see metricsread.h: this node's part.  metricsmerge.c is the other half.
 */
#include "metricsread.h"

#include <stdio.h>
#include <stdlib.h>

#include "metricsarena.h"

enum { TICK_MS = 1000, CHUNK = 512 };

struct reading {
	bool small;
	int64_t samples; /* small: that may still be read */
	const struct series_store *s;
	int64_t wall_ms;
	struct metricsarena arena;
	struct series_point *points; /* of the series that is read, in arena */
	size_t room;
};

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int
too_much(struct err *err)
{
	return err_set(err, 1, "it needs more than %d MiB of samples on this node: narrow the selector or the range",
	    METRICSREAD_BYTES >> 20);
}

/* The samples of one series between two ticks; their memory is the arena's. */
static int
read_series(struct reading *r, series_id id, int64_t from, int64_t to, struct prom_points *out)
{
	uint8_t labels[LABELS_BYTES_MAX];
	size_t bytes = series_labels(r->s, id, labels), n = 0, got;

	do {
		if (r->room - n < CHUNK) {
			size_t room = 2 * r->room + CHUNK;
			struct series_point *more = realloc(r->points, room * sizeof *more);

			if (more == NULL)
				return -1;
			r->points = more;
			r->room = room;
		}
		got = series_read(r->s, id, n > 0 ? r->points[n - 1].tick + 1 : from, to, r->points + n,
		    r->room - n);
		n += got;
	} while (got > 0 && n == r->room);
	int64_t *at = metricsarena_take(&r->arena, n * sizeof *at);
	double *values = metricsarena_take(&r->arena, n * sizeof *values);
	uint8_t *l = metricsarena_take(&r->arena, bytes);
	if (at == NULL || values == NULL || l == NULL)
		return -1;
	memcpy(l, labels, bytes);
	for (size_t i = 0; i < n; i++) {
		at[i] = r->points[i].tick * TICK_MS + r->wall_ms;
		values[i] = r->points[i].value;
	}
	*out = (struct prom_points){{l, bytes}, at, values, (uint32_t)n};
	return 0;
}

static int
too_many(struct err *err)
{
	return err_set(err, 1, "it selects more than %d series on this node, or there is no memory: narrow the selector",
	    METRICSREAD_SERIES_MAX);
}

/* Without a pattern, and by its name or among few: found at once. */
static bool
is_cheap(const struct reading *r, const struct prom_need *need)
{
	struct series_stats st;
	bool named = false;

	for (uint32_t i = 0; i < need->matchers_count; i++) {
		const struct series_matcher *m = &need->matchers[i];

		if (m->op != SERIES_EQ && m->op != SERIES_NE)
			return false;
		named = named || (m->op == SERIES_EQ && m->value.len > 0 &&
				     slice_eq(m->name, slice_of(LABEL_NAME)));
	}
	if (!named)
		series_stats(r->s, &st);
	return named || st.series <= METRICSREAD_SMALL_STORE;
}

/* What one selector needs. */
static int
gather(struct reading *r, const struct prom_need *need, struct prom_data *out, struct err *err)
{
	int64_t from = floor_div(need->from_ms - r->wall_ms + TICK_MS - 1, TICK_MS);
	int64_t to = floor_div(need->to_ms - r->wall_ms, TICK_MS), n;
	struct prom_points *all;
	series_id *ids;
	int rc = 0;

	if (r->small && !is_cheap(r, need))
		return -1;
	n = series_select(r->s, need->matchers, need->matchers_count,
	    r->small ? METRICSREAD_SMALL_SERIES : METRICSREAD_SERIES_MAX, &ids);
	if (n < 0)
		return too_many(err);
	if (r->small && n > 0 && (to - from >= r->samples || (r->samples -= n * (to - from + 1)) < 0)) {
		free(ids);
		return -1;
	}
	all = metricsarena_take(&r->arena, (size_t)n * sizeof *all);
	*out = (struct prom_data){.series = all};
	for (int64_t i = 0; i < n && rc == 0; i++) {
		if (all == NULL || read_series(r, ids[i], from, to, &all[out->count]) < 0)
			rc = too_much(err);
		else if (all[out->count].count > 0)
			out->count++;
	}
	free(ids);
	return rc;
}

static int
eval(struct reading *r, struct slice text, const struct prom_when *when, struct prom_result *out,
    struct err *err)
{
	static const struct prom_limits large = {METRICSREAD_BYTES, METRICSREAD_WORK};
	static const struct prom_limits small = {METRICSREAD_SMALL_BYTES, METRICSREAD_SMALL_WORK};
	struct prom_need needs[PROM_SELECTORS_MAX];
	struct prom_data data[PROM_SELECTORS_MAX];
	struct prom *p = prom_parse((const char *)text.b, text.len, err);
	uint32_t n;
	int rc = 0;

	if (p == NULL)
		return -1;
	n = prom_needs(p, when, needs);
	for (uint32_t i = 0; i < n && rc == 0; i++)
		rc = gather(r, &needs[i], &data[i], err);
	if (rc == 0)
		rc = prom_eval(p, when, data, r->small ? &small : &large, out, err);
	prom_free(p);
	return rc;
}

static int
eval_all(struct reading *r, const struct metrics_question *q, size_t max, struct blob *out,
    struct err *err)
{
	struct prom_result results[METRICS_TEXTS_MAX] = {0};
	uint32_t n = 0;
	int rc = 0;

	for (; n < q->count && rc == 0; n++)
		rc = eval(r, q->texts[n], &q->when, &results[n], err);
	if (rc == 0 && metricscode_results(results, n, max, out) < 0)
		rc = err_set(err, 1, "its part of the answer is larger than %zu KiB: narrow the selector, or take a longer step",
		    max >> 10);
	while (n-- > 0)
		prom_result_free(&results[n]);
	return rc;
}

/* --- lists ----------------------------------------------------------------------- */

struct list {
	struct metrics_item *items; /* malloc'd */
	size_t count, room;
};

static int
add(struct list *l, struct slice key)
{
	if (l->count == l->room) {
		size_t room = 2 * l->room + CHUNK;
		struct metrics_item *more = realloc(l->items, room * sizeof *more);

		if (more == NULL)
			return -1;
		l->items = more;
		l->room = room;
	}
	l->items[l->count++] = (struct metrics_item){.key = key};
	return 0;
}

static int
add_labels(struct list *l, const struct metrics_question *q, struct slice packed)
{
	struct labels set;
	struct slice value;

	if (q->what == METRICS_SERIES)
		return add(l, packed);
	if (q->what == METRICS_VALUES) {
		value = labels_find(packed, q->name);
		return value.len > 0 ? add(l, value) : 0;
	}
	if (labels_read(packed, &set) < 0)
		return 0;
	for (uint32_t i = 0; i < set.count; i++)
		if (add(l, set.items[i].name) < 0)
			return -1;
	return 0;
}

/* Of all series that match, and have a sample between the two times. */
static int
list_matching(struct reading *r, const struct metrics_question *q, const struct prom_need *need,
    struct list *l, struct err *err)
{
	int64_t from = floor_div(q->when.start_ms - r->wall_ms + TICK_MS - 1, TICK_MS);
	int64_t to = floor_div(q->when.end_ms - r->wall_ms, TICK_MS), n;
	struct series_point any;
	uint8_t buf[LABELS_BYTES_MAX];
	series_id *ids;
	int rc = 0;

	n = series_select(r->s, need->matchers, need->matchers_count, METRICSREAD_SERIES_MAX, &ids);
	if (n < 0)
		return too_many(err);
	for (int64_t i = 0; i < n && rc == 0; i++) {
		struct slice packed = {0};
		uint8_t *kept;

		if (series_read(r->s, ids[i], from, to, &any, 1) == 0)
			continue;
		packed.len = series_labels(r->s, ids[i], buf);
		packed.b = kept = metricsarena_take(&r->arena, packed.len);
		if (kept == NULL)
			rc = too_much(err);
		else if (memcpy(kept, buf, packed.len), add_labels(l, q, packed) < 0)
			rc = too_much(err);
	}
	free(ids);
	return rc;
}

static int
list_selected(struct reading *r, const struct metrics_question *q, struct slice text, struct list *l,
    struct err *err)
{
	struct prom_need needs[PROM_SELECTORS_MAX];
	struct prom *p = prom_parse((const char *)text.b, text.len, err);
	int rc;

	if (p == NULL)
		return -1;
	if (metricsread_is_selector(text) && prom_needs(p, &q->when, needs) == 1)
		rc = list_matching(r, q, &needs[0], l, err);
	else
		rc = err_set(err, EXIT_USAGE_, "'%.*s' is not a selector", (int)text.len,
		    (const char *)text.b);
	prom_free(p);
	return rc;
}

static int
list_metadata(const struct reading *r, const struct metrics_question *q, struct list *l)
{
	struct slice metric, help;
	enum series_type type;

	for (uint32_t i = 0; series_metric(r->s, i, &metric, &type, &help); i++) {
		if (q->name.len > 0 && !slice_eq(q->name, metric))
			continue;
		if (add(l, metric) < 0)
			return -1;
		l->items[l->count - 1].type = type;
		l->items[l->count - 1].help = help;
	}
	return 0;
}

static int
list_all(struct reading *r, const struct metrics_question *q, size_t max, struct blob *out,
    struct err *err)
{
	static const struct prom_need all = {0};
	struct list l = {0};
	int rc = 0;

	if (q->what == METRICS_METADATA)
		rc = list_metadata(r, q, &l);
	else if (q->count == 0)
		rc = list_matching(r, q, &all, &l, err);
	for (uint32_t i = 0; q->what != METRICS_METADATA && i < q->count && rc == 0; i++)
		rc = list_selected(r, q, q->texts[i], &l, err);
	l.count = metricsarena_unique(l.items, l.count);
	if (rc == 0 && metricscode_list(q->what, l.items, (uint32_t)l.count, max, out) < 0)
		rc = err_set(err, 1, "its part of the answer is larger than %zu KiB: narrow the selector",
		    max >> 10);
	free(l.items);
	return rc;
}

int
metricsread_part(const struct series_store *s, int64_t wall_ms, const struct metrics_question *q,
    size_t max, struct blob *out, struct err *err)
{
	struct reading r = {.s = s, .wall_ms = wall_ms, .arena = {.bytes_max = METRICSREAD_BYTES}};
	struct err why = {0};
	int rc;

	if (s == NULL)
		rc = err_set(&why, 1, "no metrics are kept on this node");
	else if (q->what == METRICS_EVAL)
		rc = eval_all(&r, q, max, out, &why);
	else
		rc = list_all(&r, q, max, out, &why);
	metricsarena_free(&r.arena);
	free(r.points);
	if (rc < 0 && metricscode_fail(why.text, out) < 0)
		return err_set(err, 1, "no memory");
	return 0;
}

bool
metricsread_small(const struct series_store *s, int64_t wall_ms, const struct metrics_question *q,
    struct blob *out)
{
	struct reading r = {.small = true,
	    .samples = METRICSREAD_SMALL_SAMPLES,
	    .s = s,
	    .wall_ms = wall_ms,
	    .arena = {.bytes_max = METRICSREAD_SMALL_BYTES}};
	size_t bytes = 0;
	struct err err;
	bool done;

	for (uint32_t i = 0; i < q->count; i++)
		bytes += q->texts[i].len;
	done = s != NULL && q->what == METRICS_EVAL && bytes <= PROM_TEXT_BYTES_MAX / 4 &&
	    eval_all(&r, q, METRICSREAD_SMALL_BYTES, out, &err) == 0;
	metricsarena_free(&r.arena);
	free(r.points);
	return done;
}
