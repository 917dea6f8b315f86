/*
 * pattern.h - regular expressions of PromQL: RE2's language as Prometheus uses it,
 * matched against the whole value, in bounded time whatever pattern and value are.
 * What RE2 does not have (look-around, references back) is refused.
 */
#ifndef CORE_PATTERN_H
#define CORE_PATTERN_H

#include "../base/err.h"
#include "blob.h"

struct pattern;

/* Dashboards ask for "all of them" by a list: (n1|n2|...) of some hundred names. */
enum { PATTERN_BYTES_MAX = 4096, PATTERN_GROUPS_MAX = 16 };

/* NULL and why, with the place in it. */
MUST_CHECK struct pattern *pattern_new(struct slice text, struct err *err);
void pattern_free(struct pattern *p);
/* The whole value?  groups (PATTERN_GROUPS_MAX, or NULL) get what each matched, group 0
 * all of it; {NULL, 0} for what took no part.  A match given up for its cost is none, and
 * is counted in *gave_up (or NULL). */
bool pattern_match(const struct pattern *p, struct slice value, struct slice *groups, uint32_t *gave_up);
/* `${1}` `$1` `${name}` of a replacement, as Go's Expand: bytes, or -ERR_LONG. */
MUST_CHECK int pattern_expand(const struct pattern *p, struct slice with, const struct slice *groups,
    uint8_t *out, size_t cap);

#endif
