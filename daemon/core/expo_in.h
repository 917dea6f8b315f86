/*
 * expo_in.h - between the files of expo.h: the text and its families (expo.c), one line
 * that is a sample (expo_line.c), what a type may have (expo_check.c).
 */
#ifndef CORE_EXPO_IN_H
#define CORE_EXPO_IN_H

#include "expo.h"

enum expo_kind { KIND_UNKNOWN, KIND_COUNTER, KIND_GAUGE, KIND_HISTOGRAM, KIND_GAUGEHISTOGRAM,
	KIND_SUMMARY, KIND_INFO, KIND_STATESET, KINDS };

/* What the metadata lines said, and what was seen of it. */
struct expo_family {
	struct slice name, help, unit; /* as they stand in the text; b NULL: not said */
	enum expo_kind kind;
	bool typed, has_samples, settled; /* settled: what it is called is checked */
};

/* A sample taken apart. */
struct expo_line {
	struct slice name;
	bool has_time, has_exemplar;
	double time;
};

/* The histogram that is being read: one set of labels beside "le". */
struct expo_buckets {
	double le, count, total;
	bool has_bucket, has_total, has_sum, has_negative, sum_is_negative;
};

/* Sets of hashes of names and series, which only ever grow: 0 is no hash. */
struct expo_set {
	uint64_t *slots;
	size_t cap, used; /* cap: a power of two */
};

enum { EXPO_SCRATCH_BYTES = 2 * LABELS_BYTES_MAX };

struct expo {
	enum expo_format format;
	struct slice text;
	const uint8_t *at;   /* of the next line */
	const uint8_t *line, *line_end, *cur;
	uint32_t line_no, samples, series_max;
	bool over, ended; /* no next one; # EOF was there */
	struct expo_family *families;
	uint32_t families_count, families_max;
	struct expo_family *family; /* the current one, or NULL */
	uint32_t *names; /* families by their names: index + 1; as many slots as seen has */
	struct expo_set seen;  /* series, series at a time, groups */
	/* OpenMetrics: the metric that is being read. */
	uint64_t group;
	bool in_group, group_has_time;
	double group_time;
	struct expo_buckets buckets;
	uint8_t scratch[EXPO_SCRATCH_BYTES]; /* of unescaped values of one sample */
	size_t scratch_used;
	const struct expo_family *helped; /* whose help that is */
	uint8_t help[EXPO_HELP_BYTES_MAX];
	size_t help_len;
};

/* -1; the place is where e->cur stands. */
int expo_bad(struct expo *e, struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
bool expo_is_label_byte(uint8_t c, bool first);
/* Of [a-zA-Z_:] [0-9]; the cursor moves behind it. */
struct slice expo_name(struct expo *e, bool colon);
/* 0 or -1: the line from its name to its end. */
MUST_CHECK int expo_read_sample(struct expo *e, struct expo_line *l, struct expo_item *out,
    struct err *err);

/* FNV-1a of bytes, going on from h. */
uint64_t expo_hash(uint64_t h, const void *p, size_t n);
#define EXPO_HASH_BEGIN UINT64_C(0xcbf29ce484222325)
/* True: it was not there, and now is. */
bool expo_set_add(struct expo_set *s, uint64_t hash);

/* May a sample of that name belong to the family, in this format? */
bool expo_belongs(enum expo_format format, const struct expo_family *f, struct slice name);
/* OpenMetrics' rules for one sample, and for a histogram that is over.  0 or -1. */
MUST_CHECK int expo_check_sample(struct expo *e, const struct expo_line *l,
    const struct expo_item *item, struct err *err);
MUST_CHECK int expo_check_group_end(struct expo *e, struct err *err);
/* Does no other family's sample have one of the names that this one may have? */
MUST_CHECK int expo_check_names(struct expo *e, const struct expo_family *f, struct err *err);

#endif
