/*
 * lines.h - lines of many logs merged by their stamps; the last ones are kept.
 *
 * Each line begins with the time at which its host's clock stood when the
 * container's init read it (RFC 3339, milliseconds, Z), so stamps order as text.
 * Clocks of hosts differ, and so does the order of lines of two hosts; an owner's
 * own lines keep theirs, whatever its clock did meanwhile.
 *
 * Who gives the lines may lie: what does not begin with a stamp is left out, and
 * nothing that is given makes more than the two bounds be kept.
 */
#ifndef CORE_LINES_H
#define CORE_LINES_H

#include "../../gossip/base.h"

enum { LINES_STAMP_BYTES = 24, LINES_STAMP_CAP = LINES_STAMP_BYTES + 1 };

struct line {
	char key[LINES_STAMP_CAP]; /* its stamp, or a later one of its owner before it */
	uint32_t owner;
	uint32_t len;
	uint64_t rank;
	char *text; /* owned: stamp, stream, words, newline */
};

struct lines {
	struct line *all; /* owned, the oldest first */
	size_t count, bytes;
	size_t lines_max, bytes_max;
	bool cut; /* by bytes_max: older lines were asked for, and left out */
};

/* The stamp that a line begins with, or "".  line need not end. */
void lines_stamp(const char *line, size_t len, char out[LINES_STAMP_CAP]);

/* Of lines with one stamp those of the lower rank stand first: the same on whatever node
 * they are merged. */
uint64_t lines_rank(const char *node, const char *instance);

/* lines_max may be SIZE_MAX. */
void lines_init(struct lines *l, size_t lines_max, size_t bytes_max);
void lines_free(struct lines *l);
/* Whole lines of one owner, the oldest first; rank: its own, the same each time.  0, or -ERR_FULL without memory: then
 * nothing is added. */
MUST_CHECK int lines_add(struct lines *l, uint32_t owner, uint64_t rank, const char *text,
    size_t len);
/* Nothing is kept any more; the bounds stay. */
void lines_clear(struct lines *l);

#endif
