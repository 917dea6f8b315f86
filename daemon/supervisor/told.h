/*
 * told.h - what was told once need not be told again: the log has a line for
 * each key that is treated otherwise than by lithos, and not for each of the
 * containers whose file has it.
 */
#ifndef SUPERVISOR_TOLD_H
#define SUPERVISOR_TOLD_H

#include "../../gossip/base.h"

enum { TOLD_MAX = 256 };

/* Zero is empty.  The oldest make room. */
struct told {
	uint64_t seen[TOLD_MAX];
	size_t at;
};

/* Is this line one that was not there yet? */
bool told_new(struct told *t, const char *line, size_t len);
/* To the log, each line that was not there yet. */
void told_lines(struct told *t, const char *lines);

#endif
