/*
 * metricsarena.h - memory of one question, with a bound and freed at once; and lists
 * without what is in them twice.
 */
#ifndef IO_METRICSARENA_H
#define IO_METRICSARENA_H

#include "../core/metricscode.h"

struct metricsarena {
	struct metricsarena_chunk *chunks;
	size_t bytes, bytes_max;
};

/* Aligned for any value; never NULL for 0 bytes.  NULL: over the bound, or no memory. */
void *metricsarena_take(struct metricsarena *a, size_t bytes);
void metricsarena_free(struct metricsarena *a);
/* Sorted by their keys as bytes; of equal ones the first.  How many are left. */
size_t metricsarena_unique(struct metrics_item *items, size_t count);

#endif
