/*
 * seriespages.h - arrays that grow by small pages, within a budget that several share:
 * nothing moves, nothing is copied, and nothing is asked for beyond it.
 */
#ifndef CORE_SERIESPAGES_H
#define CORE_SERIESPAGES_H

#include "../../gossip/base.h"

enum { PAGES_MALLOC_BYTES = 16 }; /* that malloc adds to a page */

struct pages_budget {
	size_t used, max;
};

struct pages {
	uint8_t **all;
	uint32_t count, cap; /* pages; what `all` has room for */
	uint32_t item_bytes, shift; /* a page has 1 << shift items */
	struct pages_budget *budget;
};

void pages_init(struct pages *p, uint32_t item_bytes, uint32_t shift, struct pages_budget *budget);
void pages_fini(struct pages *p);
/* Items 0..i are there, new ones zeroed; -ERR_FULL: over the budget, or no memory. */
MUST_CHECK int pages_reach(struct pages *p, uint32_t i);

static inline void *
pages_at(const struct pages *p, uint32_t i)
{
	return p->all[i >> p->shift] + (size_t)(i & ((1u << p->shift) - 1)) * p->item_bytes;
}

#endif
