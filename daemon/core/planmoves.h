/*
 * planmoves.h - how far two plans are from each other: what a shadow scheduler would do,
 * counted.
 */
#ifndef CORE_PLANMOVES_H
#define CORE_PLANMOVES_H

#include "plan.h"

struct planmoves {
	size_t added, removed, moved, changed; /* instances; changed: where they are */
	size_t roles; /* that are new, gone or otherwise */
};

/* 0, or -ERR_FULL. */
MUST_CHECK int planmoves_count(const struct plan *from, const struct plan *to, struct planmoves *out);
bool planmoves_none(const struct planmoves *m);

#endif
