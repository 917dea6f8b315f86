/*
 * inputmetrics.h - what all nodes answered to one entry of the schedule's `query`, as
 * scripts see it.  Part of input_pack (input.h), which says the shape.
 */
#ifndef CORE_INPUTMETRICS_H
#define CORE_INPUTMETRICS_H

#include "pack.h"
#include "query.h"

/* rows: sorted, one of a name.  -ERR_FULL: no memory. */
MUST_CHECK int inputmetrics_pack(struct pack *p, const struct query_entry *x, int64_t now_ms,
    const struct view_node *const *rows, size_t count);

#endif
