/*
 * expo_check.c - what OpenMetrics lets each type have: which suffixes, values and labels,
 * and how the samples of one metric stand together.
 *
 * A group is the samples of one metric: all labels of a series but the one that tells
 * its parts apart (le, quantile, the state's).
 */
#include <math.h>
#include <stdlib.h>

#include "expo_in.h"

/* Suffixes of samples; NULL ends. */
static const char *const suffixes[KINDS][6] = {
    [KIND_UNKNOWN] = {""},
    [KIND_COUNTER] = {"_total", "_created"},
    [KIND_GAUGE] = {""},
    [KIND_HISTOGRAM] = {"_bucket", "_count", "_sum", "_created"},
    [KIND_GAUGEHISTOGRAM] = {"_bucket", "_gcount", "_gsum"},
    [KIND_SUMMARY] = {"", "_count", "_sum", "_created"},
    [KIND_INFO] = {"_info"},
    [KIND_STATESET] = {""},
};

static bool
suffix_is(struct slice name, struct slice family, const char *suffix)
{
	size_t n = strlen(suffix);

	return name.len == family.len + n && memcmp(name.b, family.b, family.len) == 0 &&
	    memcmp(name.b + family.len, suffix, n) == 0;
}

bool
expo_belongs(enum expo_format format, const struct expo_family *f, struct slice name)
{
	/* 0.0.4 has no suffixes of its own but those of its two compound types. */
	if (format == EXPO_TEXT && f->kind != KIND_HISTOGRAM && f->kind != KIND_SUMMARY)
		return slice_eq(name, f->name);
	for (int i = 0; suffixes[f->kind][i] != NULL; i++)
		if (suffix_is(name, f->name, suffixes[f->kind][i]))
			return true;
	return false;
}

int
expo_check_names(struct expo *e, const struct expo_family *f, struct err *err)
{
	uint64_t h = expo_hash(expo_hash(EXPO_HASH_BEGIN, "n", 1), f->name.b, f->name.len);

	for (int i = -1; i < 0 || suffixes[f->kind][i] != NULL; i++) {
		const char *s = i < 0 ? "" : suffixes[f->kind][i];

		if (i >= 0 && s[0] == '\0')
			continue;
		if (!expo_set_add(&e->seen, expo_hash(h, s, strlen(s))))
			return expo_bad(e, err, "'%.*s%s' is a name of two families",
			    (int)(f->name.len < 128 ? f->name.len : 128), (const char *)f->name.b, s);
	}
	return 0;
}

static bool
part_number(struct slice text, double *out)
{
	char s[64], *end;

	if (text.len == 0 || text.len >= sizeof s || memchr(text.b, 0, text.len) != NULL)
		return false;
	memcpy(s, text.b, text.len);
	s[text.len] = '\0';
	if (strpbrk(s, "xXpP_ \t\n") != NULL)
		return false;
	*out = strtod(s, &end);
	/* Of all ways to write a number only infinity has to be written one way. */
	return *end == '\0' && !isnan(*out) && !(isinf(*out) && *out > 0 && strcmp(s, "+Inf") != 0);
}

/* --- groups ------------------------------------------------------------------------- */

static uint64_t
group_of(const struct expo_family *f, const struct expo_item *item)
{
	struct slice but = f->kind == KIND_SUMMARY ? slice_of("quantile") :
	    f->kind == KIND_STATESET ? f->name : slice_of("le");
	bool all = !(f->kind == KIND_STATESET || f->kind == KIND_SUMMARY ||
	    f->kind == KIND_HISTOGRAM || f->kind == KIND_GAUGEHISTOGRAM);
	uint64_t h = expo_hash(expo_hash(EXPO_HASH_BEGIN, "g", 1), f->name.b, f->name.len);

	for (uint32_t i = 0; i < item->labels.count; i++) {
		const struct label *l = &item->labels.items[i];

		if (slice_eq(l->name, slice_of(LABEL_NAME)) || (!all && slice_eq(l->name, but)))
			continue;
		h = expo_hash(expo_hash(h, "\xff", 1), l->name.b, l->name.len);
		h = expo_hash(expo_hash(h, "\xfe", 1), l->value.b, l->value.len);
	}
	return h;
}

int
expo_check_group_end(struct expo *e, struct err *err)
{
	const struct expo_buckets *b = &e->buckets;
	const struct expo_family *f = e->family;
	bool is_gauge;

	if (!e->in_group)
		return 0;
	e->in_group = false;
	if (f->kind != KIND_HISTOGRAM && f->kind != KIND_GAUGEHISTOGRAM)
		return 0;
	is_gauge = f->kind == KIND_GAUGEHISTOGRAM;
	if (!b->has_bucket || !isinf(b->le))
		return expo_bad(e, err, "above this a bucket le=\"+Inf\" is missing");
	if (b->has_total && b->count != b->total)
		return expo_bad(e, err, "above this %s is not what the bucket le=\"+Inf\" says",
		    is_gauge ? "_gcount" : "_count");
	if (b->has_sum != b->has_total)
		return expo_bad(e, err, "above this there is only one of %s",
		    is_gauge ? "_gsum and _gcount" : "_sum and _count");
	if (b->has_sum && !is_gauge && b->has_negative)
		return expo_bad(e, err, "above this is a _sum beside buckets below 0");
	if (is_gauge && b->sum_is_negative && !b->has_negative)
		return expo_bad(e, err, "above this is a _gsum below 0 without a bucket below 0");
	return 0;
}

static int
bucket(struct expo *e, const struct expo_item *item, struct err *err)
{
	struct expo_buckets *b = &e->buckets;
	double le;

	if (!part_number(labels_get(&item->labels, slice_of("le")), &le))
		return expo_bad(e, err, "a bucket needs a number as its label 'le'");
	if (b->has_bucket && le <= b->le)
		return expo_bad(e, err, "buckets stand in the order of 'le'");
	if (b->has_bucket && item->value < b->count)
		return expo_bad(e, err, "a bucket holds less than the one before it");
	b->has_negative |= le < 0;
	b->has_bucket = true;
	b->le = le;
	b->count = item->value;
	return 0;
}

static int
histogram(struct expo *e, const struct expo_item *item, struct err *err)
{
	const struct slice family = e->family->name;
	struct expo_buckets *b = &e->buckets;

	if (suffix_is(item->name, family, "_bucket"))
		return bucket(e, item, err);
	if (suffix_is(item->name, family, "_count") || suffix_is(item->name, family, "_gcount")) {
		b->has_total = true;
		b->total = item->value;
	} else if (suffix_is(item->name, family, "_sum") || suffix_is(item->name, family, "_gsum")) {
		b->has_sum = true;
		b->sum_is_negative = item->value < 0;
	}
	return 0;
}

static int
values(struct expo *e, const struct expo_item *item, struct err *err)
{
	static const char *const counts[] = {"_count", "_bucket", "_gcount", "_total", "_sum"};
	const struct expo_family *f = e->family;
	double q;

	if (f->kind == KIND_GAUGE || f->kind == KIND_UNKNOWN)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		if (!suffix_is(item->name, f->name, counts[i]))
			continue;
		if (!(item->value >= 0))
			return expo_bad(e, err, "a count is not below 0 and not NaN");
		if (i < 3 && item->value != floor(item->value))
			return expo_bad(e, err, "a count is a whole number");
	}
	if (suffix_is(item->name, f->name, "_gsum") && isnan(item->value))
		return expo_bad(e, err, "a sum is not NaN");
	if (f->kind == KIND_INFO && item->value != 1)
		return expo_bad(e, err, "the value of an info is 1");
	if (f->kind == KIND_STATESET && item->value != 0 && item->value != 1)
		return expo_bad(e, err, "the value of a state is 0 or 1");
	if (f->kind == KIND_STATESET && labels_get(&item->labels, f->name).len == 0)
		return expo_bad(e, err, "a state has a label called as the metric, with its name");
	if (f->kind == KIND_SUMMARY && slice_eq(item->name, f->name)) {
		if (!part_number(labels_get(&item->labels, slice_of("quantile")), &q) || q < 0 || q > 1)
			return expo_bad(e, err, "a summary's 'quantile' is a number from 0 to 1");
		if (item->value < 0)
			return expo_bad(e, err, "a quantile is not below 0");
	}
	return 0;
}

int
expo_check_sample(struct expo *e, const struct expo_line *l, const struct expo_item *item,
    struct err *err)
{
	const struct expo_family *f = e->family;
	uint64_t g;

	if (l->has_exemplar &&
	    !(f->kind == KIND_COUNTER && suffix_is(item->name, f->name, "_total")) &&
	    !((f->kind == KIND_HISTOGRAM || f->kind == KIND_GAUGEHISTOGRAM) &&
		suffix_is(item->name, f->name, "_bucket")))
		return expo_bad(e, err, "only _total of a counter and buckets have exemplars");
	if (values(e, item, err) < 0)
		return -1;
	g = group_of(f, item);
	if (e->in_group && g == e->group) {
		if (l->has_time != e->group_has_time)
			return expo_bad(e, err, "some samples of one metric have a time, some have none");
		if (l->has_time && l->time < e->group_time)
			return expo_bad(e, err, "times of one metric go back");
	}
	if (!e->in_group || g != e->group || (l->has_time && l->time > e->group_time)) {
		bool same = e->in_group && g == e->group;

		if (expo_check_group_end(e, err) < 0)
			return -1;
		if (!same && f->kind != KIND_INFO && !expo_set_add(&e->seen, g))
			return expo_bad(e, err, "samples of one metric stand together");
		e->buckets = (struct expo_buckets){0};
	}
	e->in_group = true;
	e->group = g;
	e->group_has_time = l->has_time;
	e->group_time = l->time;
	return f->kind == KIND_HISTOGRAM || f->kind == KIND_GAUGEHISTOGRAM ?
	    histogram(e, item, err) : 0;
}
