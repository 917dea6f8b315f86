/*
 * series.c - see series.h.  Samples as they came, in arrays: right, and far too big; the
 * codec takes its place.
 */
#include "series.h"

#include <stdlib.h>

#include "pattern.h"

struct one {
	struct blob labels;
	uint32_t owner, serial;
	struct series_point *points;
	size_t count, cap;
	bool closed;
};

struct metric {
	struct blob name, help;
	enum series_type type;
};

struct series_store {
	struct series_conf conf;
	struct one *all;
	uint32_t count;
	struct blob *owners;
	uint32_t owners_count;
	struct metric *metrics;
	uint32_t metrics_count;
	int64_t floor;
	uint64_t refused_series, refused_samples, evicted;
};

double
series_stale(void)
{
	uint64_t bits = UINT64_C(0x7ff0000000000002);
	double v;

	memcpy(&v, &bits, sizeof v);
	return v;
}

bool
series_is_stale(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof bits);
	return bits == UINT64_C(0x7ff0000000000002);
}

struct series_store *
series_new(const struct series_conf *conf)
{
	struct series_store *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	s->conf = *conf;
	s->floor = INT64_MIN;
	return s;
}

void
series_free(struct series_store *s)
{
	if (s == NULL)
		return;
	for (uint32_t i = 0; i < s->count; i++) {
		blob_free(&s->all[i].labels);
		free(s->all[i].points);
	}
	for (uint32_t i = 0; i < s->owners_count; i++)
		blob_free(&s->owners[i]);
	for (uint32_t i = 0; i < s->metrics_count; i++) {
		blob_free(&s->metrics[i].name);
		blob_free(&s->metrics[i].help);
	}
	free(s->all);
	free(s->owners);
	free(s->metrics);
	free(s);
}

int
series_owner(struct series_store *s, struct slice name, uint32_t *owner)
{
	struct blob *grown;

	for (uint32_t i = 0; i < s->owners_count; i++)
		if (slice_eq(blob_slice(&s->owners[i]), name)) {
			*owner = i + 1;
			return 0;
		}
	grown = realloc(s->owners, (s->owners_count + 1) * sizeof *grown);
	if (grown == NULL)
		return -ERR_FULL;
	s->owners = grown;
	if (blob_copy(&grown[s->owners_count], name) < 0)
		return -ERR_FULL;
	*owner = ++s->owners_count;
	return 0;
}

void
series_owner_end(struct series_store *s, uint32_t owner, int64_t tick)
{
	for (uint32_t i = 0; i < s->count; i++)
		if (s->all[i].owner == owner && s->all[i].labels.b != NULL)
			series_close(s, ((series_id)s->all[i].serial << 32) + i + 1, tick);
}

static const struct metric *
metric_of(const struct series_store *s, struct slice name)
{
	for (uint32_t i = 0; i < s->metrics_count; i++)
		if (slice_eq(blob_slice(&s->metrics[i].name), name))
			return &s->metrics[i];
	return NULL;
}

int
series_describe(struct series_store *s, struct slice metric, enum series_type type, struct slice help)
{
	const struct metric *was = metric_of(s, metric);
	struct metric *grown, m = {.type = type};

	if (was != NULL)
		return was->type == type ? 0 : -ERR_UNKNOWN;
	grown = realloc(s->metrics, (s->metrics_count + 1) * sizeof *grown);
	if (grown == NULL)
		return -ERR_FULL;
	s->metrics = grown;
	if (blob_copy(&m.name, metric) < 0 || blob_copy(&m.help, help) < 0) {
		blob_free(&m.name);
		return -ERR_FULL;
	}
	grown[s->metrics_count++] = m;
	return 0;
}

bool
series_metric(const struct series_store *s, uint32_t at, struct slice *metric, enum series_type *type,
    struct slice *help)
{
	if (at >= s->metrics_count)
		return false;
	*metric = blob_slice(&s->metrics[at].name);
	*type = s->metrics[at].type;
	*help = blob_slice(&s->metrics[at].help);
	return true;
}

enum series_type
series_meta(const struct series_store *s, struct slice metric, struct slice *help)
{
	const struct metric *m = metric_of(s, metric);

	*help = m != NULL ? blob_slice(&m->help) : (struct slice){0};
	return m != NULL ? m->type : SERIES_UNTYPED;
}

/* --- putting ------------------------------------------------------------------------- */

series_id
series_open(struct series_store *s, uint32_t owner, struct slice labels)
{
	struct one *grown;
	uint32_t mine = 0, free_one = UINT32_MAX;

	for (uint32_t i = 0; i < s->count; i++) {
		if (slice_eq(blob_slice(&s->all[i].labels), labels))
			return ((series_id)s->all[i].serial << 32) + i + 1;
		mine += s->all[i].owner == owner;
		if (s->all[i].labels.b == NULL)
			free_one = i;
	}
	if (s->count == s->conf.series_max || (owner != SERIES_HOST && mine >= s->conf.owner_series_max)) {
		s->refused_series++;
		return 0;
	}
	if (free_one == UINT32_MAX) {
		grown = realloc(s->all, (s->count + 1) * sizeof *grown);
		if (grown == NULL)
			return 0;
		s->all = grown;
		free_one = s->count++;
		s->all[free_one] = (struct one){0};
	}
	s->all[free_one] = (struct one){.owner = owner, .serial = s->all[free_one].serial + 1};
	if (blob_copy(&s->all[free_one].labels, labels) < 0)
		return 0;
	return ((series_id)s->all[free_one].serial << 32) + free_one + 1;
}

static struct one *
one_of(const struct series_store *s, series_id id)
{
	uint64_t i = (id & UINT32_MAX) - 1;

	if (i >= s->count || s->all[i].serial != id >> 32 || s->all[i].labels.b == NULL)
		return NULL;
	return &s->all[i];
}

int
series_put(struct series_store *s, series_id id, int64_t tick, double value)
{
	struct one *o = one_of(s, id);
	struct series_point *grown;

	if (o == NULL)
		return -ERR_UNKNOWN;
	if (o->closed && o->count > 0 && o->points[o->count - 1].tick == tick)
		o->count--;
	if (o->count > 0 && o->points[o->count - 1].tick >= tick) {
		s->refused_samples++;
		return -ERR_RANGE;
	}
	if (o->count == o->cap) {
		grown = realloc(o->points, (o->cap * 2 + 16) * sizeof *grown);
		if (grown == NULL)
			return -ERR_FULL;
		o->points = grown;
		o->cap = o->cap * 2 + 16;
	}
	o->closed = false;
	o->points[o->count++] = (struct series_point){tick, value};
	return 0;
}

void
series_close(struct series_store *s, series_id id, int64_t tick)
{
	struct one *o = one_of(s, id);

	if (o == NULL || o->closed)
		return;
	if (o->count > 0) {
		if (tick <= o->points[o->count - 1].tick)
			tick = o->points[o->count - 1].tick + 1;
		if (series_put(s, id, tick, series_stale()) < 0)
			return;
	}
	o->closed = true;
}

void
series_expire(struct series_store *s, int64_t now_tick)
{
	s->floor = now_tick - s->conf.keep_ticks;
	for (uint32_t i = 0; i < s->count; i++) {
		struct one *o = &s->all[i];

		while (o->count > 0 && o->points[0].tick < s->floor) {
			o->count--;
			memmove(o->points, o->points + 1, o->count * sizeof o->points[0]);
		}
		if (o->count == 0 && o->closed && o->labels.b != NULL) {
			blob_free(&o->labels);
			free(o->points);
			*o = (struct one){.serial = o->serial};
		}
	}
}

/* --- reading ------------------------------------------------------------------------- */

static bool
matches(const struct series_matcher *m, struct slice labels)
{
	struct slice value = labels_find(labels, m->name);

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

int64_t
series_select(const struct series_store *s, const struct series_matcher *m, uint32_t count, uint32_t max,
    series_id **ids)
{
	int64_t n = 0;

	*ids = malloc((s->count + 1) * sizeof **ids);
	if (*ids == NULL)
		return -ERR_FULL;
	for (uint32_t i = 0; i < s->count; i++) {
		struct one *o = &s->all[i];
		bool all = o->labels.b != NULL && o->count > 0;

		for (uint32_t j = 0; all && j < count; j++)
			all = matches(&m[j], blob_slice(&o->labels));
		if (all)
			(*ids)[n++] = ((series_id)o->serial << 32) + i + 1;
	}
	if (n <= max)
		return n;
	free(*ids);
	*ids = NULL;
	return -ERR_FULL;
}

size_t
series_labels(const struct series_store *s, series_id id, uint8_t out[LABELS_BYTES_MAX])
{
	struct one *o = one_of(s, id);

	if (o == NULL)
		return 0;
	memcpy(out, o->labels.b, o->labels.len);
	return o->labels.len;
}

size_t
series_read(const struct series_store *s, series_id id, int64_t from, int64_t to, struct series_point *out,
    size_t cap)
{
	struct one *o = one_of(s, id);
	size_t n = 0;

	for (size_t i = 0; o != NULL && i < o->count && n < cap; i++)
		if (o->points[i].tick >= from && o->points[i].tick <= to)
			out[n++] = o->points[i];
	return n;
}

bool
series_last(const struct series_store *s, series_id id, struct series_point *out)
{
	struct one *o = one_of(s, id);

	if (o == NULL || o->count == 0)
		return false;
	*out = o->points[o->count - 1];
	return true;
}

void
series_stats(const struct series_store *s, struct series_stats *out)
{
	*out = (struct series_stats){.bytes_max = s->conf.bytes_max, .refused_series = s->refused_series,
	    .refused_samples = s->refused_samples, .evicted_samples = s->evicted};
	for (uint32_t i = 0; i < s->count; i++) {
		out->series += s->all[i].labels.b != NULL;
		out->series_live += s->all[i].labels.b != NULL && !s->all[i].closed;
		out->samples += s->all[i].count;
		out->bytes += s->all[i].cap * sizeof s->all[i].points[0];
	}
}
