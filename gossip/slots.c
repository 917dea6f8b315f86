/*
 * slots.c - see slots.h.
 */
#include "slots.h"

#include <stdlib.h>

bool
slots_init(struct slots *s, uint32_t max)
{
	assert(max < UINT16_MAX);
	*s = (struct slots){.max = max, .next = calloc(max + 1, sizeof *s->next)};
	return s->next != NULL;
}

void
slots_fini(struct slots *s)
{
	free(s->next);
}

uint16_t
slots_take(struct slots *s)
{
	uint16_t place = s->free;

	if (place != 0) {
		s->free = s->next[place];
		return place;
	}
	assert(s->used < s->max);
	return (uint16_t)++s->used;
}

void
slots_give(struct slots *s, uint16_t place)
{
	s->next[place] = s->free;
	s->free = place;
}
