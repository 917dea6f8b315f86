/*
 * factcode.h - the facts of a node as bytes: what gossip/facts.h signs and carries.
 *
 *   [1, arch, kernel, cpus, memory, config hash, names left out, [sandbox, ...],
 *      [image, ...]]
 *
 * Names rise; further fields are skipped, so N-1 can read N.
 */
#ifndef CORE_FACTCODE_H
#define CORE_FACTCODE_H

#include "blob.h"
#include "view.h"

/* 0 and at most max bytes (1024 or more), *cut names were left out for it: images
 * first, the last ones first.  -ERR_FULL without memory. */
MUST_CHECK int factcode_pack(const struct view_facts *f, size_t max, struct blob *out,
    uint32_t *cut);
/* 0 and *out (view_facts_free), or a negative ERR_ and empty lists. */
MUST_CHECK int factcode_read(const uint8_t *buf, size_t len, struct view_facts *out, uint32_t *cut);

#endif
