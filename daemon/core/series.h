/*
 * series.h - an hour of numbers in memory: series by their labels, a sample each tick.
 *
 * A tick is one second of a clock that never goes back (the caller's; CLOCK_BOOTTIME,
 * aligned), the same for all series of a store, so a sample has no time of its own.
 * What the wall clock says a tick was is the asker's to know: steps of it move nothing
 * here.  Values are doubles and come back bit for bit; how they are kept is chosen here,
 * per block (seriescode.h).  Whole numbers and decimals take the least: 1234 us are best
 * said as 1234 / 1e6, the nearest double to 0.001234, and not as 1234 * 1e-6.
 *
 *   series_new -> series_owner -> series_open -> series_put ... -> series_close
 *                                 series_select -> series_read
 *
 * Bounds: bytes of all (the oldest samples of the store go first), series of all, and
 * for each owner its own series and bytes: who makes new series without end loses his
 * own oldest, and nobody else's.  Nothing is allocated after series_new but within
 * bytes_max.
 */
#ifndef CORE_SERIES_H
#define CORE_SERIES_H

#include "labels.h"

enum series_type { SERIES_UNTYPED, SERIES_COUNTER, SERIES_GAUGE, SERIES_HISTOGRAM, SERIES_SUMMARY, SERIES_INFO, SERIES_STATESET };

struct series_conf {
	size_t bytes_max;	/* of samples, index and names together; a quarter is for the last two; 256 KiB at least */
	uint32_t series_max;
	uint32_t owner_series_max; /* of each owner but SERIES_HOST */
	size_t owner_bytes_max;	/* likewise; 0: an eighth of bytes_max */
	uint32_t keep_ticks;	/* samples older than that are dropped */
	uint64_t seed;		/* random, and nobody's to know: labels that collide can't be chosen */
};

struct series_store;

enum { SERIES_HOST = 0 }; /* the owner that is always there and has no bound of its own */
typedef uint64_t series_id; /* 0 = none; never given out twice */

MUST_CHECK struct series_store *series_new(const struct series_conf *conf); /* NULL: no memory */
void series_free(struct series_store *s);

/* An owner of that name (an instance); -ERR_FULL; -ERR_LONG: over 255 bytes.  Its series
 * end with it; what they were stays until it is too old, and as long its number is good. */
MUST_CHECK int series_owner(struct series_store *s, struct slice name, uint32_t *owner);
void series_owner_end(struct series_store *s, uint32_t owner, int64_t tick);

/* What a metric is, for those who ask (`# TYPE`, `# HELP`, metadata).  The first one to
 * say stands as long as there are series of it; of the others a few hundred are kept.
 * 1024 bytes of help at most, and a 32nd of bytes_max for all that is not own: of more the
 * help is left out.  -ERR_UNKNOWN: it is another type; -ERR_FULL, -ERR_LONG. */
MUST_CHECK int series_describe(struct series_store *s, struct slice metric, enum series_type type,
    struct slice help);
/* Of what mesh measures itself: it stands, whatever an application said of that name before. */
MUST_CHECK int series_describe_own(struct series_store *s, struct slice metric, enum series_type type,
    struct slice help);

/* The series of these labels (packed), made if it is new.  0 when there is no room for
 * one more, or it is another owner's that is not closed: it is counted.  The id is good
 * until the series was closed and its samples are too old, or its owner's (or, for the
 * host, any owner's) newer ones took their place. */
series_id series_open(struct series_store *s, uint32_t owner, struct slice labels);
/* Ticks of a series rise; the same or an older one is -ERR_RANGE and nothing happens.
 * -ERR_UNKNOWN: no such id any more, open it again.  -ERR_FULL: its owner has no room. */
MUST_CHECK int series_put(struct series_store *s, series_id id, int64_t tick, double value);
/* It ended: stale at this tick (PromQL: gone at once, without looking back), or at the next
 * one if it has a sample of this.  A later put goes on with it; one of the very tick of the
 * mark takes its place. */
void series_close(struct series_store *s, series_id id, int64_t tick);
/* What is older than keep_ticks is not read any more; its memory is given back over the
 * next 16 calls.  Each tick. */
void series_expire(struct series_store *s, int64_t now_tick);

/* --- reading: nothing below changes the store ---------------------------------- */

enum series_op { SERIES_EQ, SERIES_NE, SERIES_RE, SERIES_NRE };

/* Borrowed; re is compiled by the caller (pattern.h), for RE and NRE. */
struct series_matcher {
	enum series_op op;
	struct slice name, value;
	const struct pattern *re;
};

/* The series with samples that all of these match, in the order of their packed labels: *ids
 * (malloc'd, the caller's).  How many, or -ERR_FULL (memory, or more than max). */
MUST_CHECK int64_t series_select(const struct series_store *s, const struct series_matcher *m,
    uint32_t count, uint32_t max, series_id **ids);
/* Its labels, packed, into out: bytes.  0: no such id. */
size_t series_labels(const struct series_store *s, series_id id, uint8_t out[LABELS_BYTES_MAX]);

struct series_point {
	int64_t tick;
	double value; /* series_is_stale(value): it ended here */
};
bool series_is_stale(double value); /* Prometheus' own NaN, 0x7ff0000000000002 */
double series_stale(void);

/* Samples with from <= tick <= to, rising, at most cap: how many.  More: go on from the
 * last tick + 1. */
size_t series_read(const struct series_store *s, series_id id, int64_t from, int64_t to,
    struct series_point *out, size_t cap);
/* The newest one; false: none. */
bool series_last(const struct series_store *s, series_id id, struct series_point *out);
/* All that were described, one after the other: at = 0, 1, ... until false.  Borrowed until
 * the store changes. */
bool series_metric(const struct series_store *s, uint32_t at, struct slice *metric,
    enum series_type *type, struct slice *help);
/* The series with samples, in no order: *at = 0 first, then as it was left; *at - 1 is the
 * place of this one, which is another's only when it is gone.  false: no more. */
bool series_each(const struct series_store *s, uint32_t *at, series_id *id);
/* Another number when a metric was described, or is not any more. */
uint64_t series_described(const struct series_store *s);
/* What the metric is; UNTYPED and "" when nobody said. */
enum series_type series_meta(const struct series_store *s, struct slice metric, struct slice *help);

struct series_stats {
	uint64_t series, series_live, samples, bytes, bytes_max;
	uint64_t evicted_samples, refused_series, refused_samples;
};
void series_stats(const struct series_store *s, struct series_stats *out);

#endif
