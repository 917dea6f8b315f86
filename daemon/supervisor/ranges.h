/*
 * ranges.h - which outside ids a sandbox has, the same for ever.
 *
 * A file of lines "INDEX SANDBOX" beside the records, where only root writes;
 * sandbox INDEX has the RANGES_IDS ids from range_first + INDEX * RANGES_IDS
 * on.  A file that is not exactly that is refused, and never guessed at: a
 * wrong index is a container with somebody else's ids.
 */
#ifndef SUPERVISOR_RANGES_H
#define SUPERVISOR_RANGES_H

#include "spec.h"

enum { RANGES_IDS = 65536, RANGES_MAX = 65536, RANGES_BYTES_MAX = 1 << 20 };

/* Where a sandbox is in text, or where a new one would be.  room: indexes go
 * from 0 to room - 1.  True: *index is the sandbox's.  False: *index is the
 * next free one (maybe room), or *err is set (err->code != 0). */
bool ranges_find(const char *text, size_t len, uint32_t room,
    const char *sandbox, uint32_t *index, struct err *err);

/* First outside id of a sandbox that has so many (RANGES_IDS; rootless: 1); a new
 * one is added to the file in dir.  A range of one id is everybody's.
 * EXIT_STATE: the file; EXIT_CONFIG: no room for another. */
MUST_CHECK int ranges_first(int dir, uint32_t range_first, uint32_t range_last,
    uint32_t each, const char *sandbox, uint32_t *first, struct err *err);

/* Do two sandboxes' maps lead to one outside id?  *id is the first such id of
 * the first ranges that do. */
bool ranges_meet(const struct spec_map *a, uint32_t a_count,
    const struct spec_map *b, uint32_t b_count, uint32_t *id);

#endif
