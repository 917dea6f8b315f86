/*
 * metricsknown.h - expressions that a copy of this engine has parsed and evaluated, and
 * lived.  What is wrong with a parser may be that it never ends, so the engine itself
 * parses nothing that anybody asks but what is remembered here: the last
 * METRICSKNOWN_MAX texts, by their hashes.
 */
#ifndef IO_METRICSKNOWN_H
#define IO_METRICSKNOWN_H

#include "../core/blob.h"

enum { METRICSKNOWN_MAX = 64 };

struct metricsknown {
	struct hash all[METRICSKNOWN_MAX];
	uint32_t count, next;
};

bool metricsknown_is(const struct metricsknown *k, struct slice text);
void metricsknown_add(struct metricsknown *k, struct slice text);

#endif
