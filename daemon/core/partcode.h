/*
 * partcode.h - the parts of a schedule as bytes, and back.  Private to core;
 * the formats are in schedule.h.
 */
#ifndef CORE_PARTCODE_H
#define CORE_PARTCODE_H

#include "plan.h"
#include "schedule.h"

MUST_CHECK int partcode_role(const struct plan_role *r, struct slice globals, struct blob *out);
MUST_CHECK int partcode_node(const struct plan_node *n, struct blob *out);
/* cut: leave `why` out. */
MUST_CHECK int partcode_private(const struct plan *p, bool cut, struct blob *out);
/* Sets vars, state, query, changes, why, replies of *out, and the `update` of
 * the roles it has. */
MUST_CHECK int partcode_read_private(struct plan *out, const uint8_t *buf, size_t len);
/* Is it a part of this kind and name at all?  0 or a negative ERR_. */
MUST_CHECK int partcode_check(enum schedule_kind kind, const char *name, const uint8_t *buf,
    size_t len);

#endif
