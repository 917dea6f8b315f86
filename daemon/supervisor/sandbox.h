/*
 * sandbox.h - what all containers of a sandbox together may take: the limits
 * of its group, from the START that brought them, and from records after a boot.
 */
#ifndef SUPERVISOR_SANDBOX_H
#define SUPERVISOR_SANDBOX_H

#include "cgroup.h"
#include "spec.h"

struct sup;

/* From a record found at start. */
void sandbox_known(struct sup *s, const struct spec *spec);
/* Of a START that would be accepted: may its sandbox's limits be taken now?  1: yes.
 * 0: less memory is being made of it; ask in each turn.  Negative: it can't. */
MUST_CHECK int sandbox_ready(struct sup *s, const struct spec *spec, msec now,
    struct err *err);
bool sandbox_same(const struct cgroup_limits *a, const struct cgroup_limits *b);
/* Its group has the limits that were taken last, again. */
void sandbox_restore(struct sup *s, const char *name);
/* From a START that is accepted, before it is written down: other limits are
 * set to the sandbox's group at once.  An error: they are as they were. */
MUST_CHECK int sandbox_take(struct sup *s, const struct spec *spec,
    struct err *err);
/* At the end of a turn: records in which other limits stand, so that no turn is long. */
void sandbox_tick(struct sup *s, msec now);
/* The group is there before a container is started in it. */
MUST_CHECK int sandbox_make(struct sup *s, const struct spec *spec,
    struct err *err);
/* A start in it failed: its group is looked at again. */
void sandbox_doubt(struct sup *s, const char *name);
/* An instance is gone from it, perhaps the last one. */
void sandbox_left(struct sup *s, const char *name);

#endif
