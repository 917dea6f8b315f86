/*
 * sandbox.h - what all containers of a sandbox together may take: the limits
 * of its group, from the START that brought them, and from records after a boot.
 */
#ifndef SUPERVISOR_SANDBOX_H
#define SUPERVISOR_SANDBOX_H

#include "spec.h"

struct sup;

/* From a record found at start. */
void sandbox_known(struct sup *s, const struct spec *spec);
/* From a START that is accepted, before it is written down: other limits are
 * set to the sandbox's group at once.  An error: they are as they were. */
MUST_CHECK int sandbox_take(struct sup *s, const struct spec *spec,
    struct err *err);
/* The group is there before a container is started in it. */
MUST_CHECK int sandbox_make(struct sup *s, const struct spec *spec,
    struct err *err);
/* A start in it failed: its group is looked at again. */
void sandbox_doubt(struct sup *s, const char *name);
/* An instance is gone from it, perhaps the last one. */
void sandbox_left(struct sup *s, const char *name);

#endif
