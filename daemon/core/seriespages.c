/*
 * seriespages.c - see seriespages.h.
 */
#include "seriespages.h"

#include <stdlib.h>

void
pages_init(struct pages *p, uint32_t item_bytes, uint32_t shift, struct pages_budget *budget)
{
	*p = (struct pages){.item_bytes = item_bytes, .shift = shift, .budget = budget};
}

void
pages_fini(struct pages *p)
{
	for (uint32_t i = 0; i < p->count; i++)
		free(p->all[i]);
	free(p->all);
	p->all = NULL;
	p->count = p->cap = 0;
}

/* Where one more page is noted. */
static int
more_room(struct pages *p)
{
	uint32_t cap = p->cap + p->cap / 2 + 8;
	size_t bytes = (cap - p->cap) * sizeof *p->all;
	uint8_t **all;

	if (p->count < p->cap)
		return 0;
	if (p->budget->used + bytes > p->budget->max)
		return -ERR_FULL;
	all = realloc(p->all, cap * sizeof *all);
	if (all == NULL)
		return -ERR_FULL;
	p->all = all;
	p->cap = cap;
	p->budget->used += bytes;
	return 0;
}

int
pages_reach(struct pages *p, uint32_t i)
{
	size_t bytes = (size_t)p->item_bytes << p->shift, whole = bytes + PAGES_MALLOC_BYTES;

	while (i >> p->shift >= p->count) {
		if (more_room(p) < 0 || p->budget->used + whole > p->budget->max)
			return -ERR_FULL;
		p->all[p->count] = calloc(1, bytes);
		if (p->all[p->count] == NULL)
			return -ERR_FULL;
		p->count++;
		p->budget->used += whole;
	}
	return 0;
}
