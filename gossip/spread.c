/*
 * spread.c - a list per "times sent", so that picking costs what is picked.
 */
#include "spread.h"

#include <stdlib.h>

bool
spread_init(struct spread *s, uint32_t max)
{
	assert(max < SPREAD_NONE);
	s->next = calloc(max, sizeof *s->next);
	s->prev = calloc(max, sizeof *s->prev);
	s->level = calloc(max, sizeof *s->level);
	s->count = 0;
	if (s->next == NULL || s->prev == NULL || s->level == NULL)
		return false;
	for (size_t i = 0; i < SPREAD_LEVELS; i++)
		s->head[i] = SPREAD_NONE;
	return true;
}

void
spread_fini(struct spread *s)
{
	free(s->next);
	free(s->prev);
	free(s->level);
}

static void
link_at(struct spread *s, uint32_t subject, uint8_t level)
{
	uint16_t old = s->head[level];

	s->level[subject] = (uint8_t)(level + 1);
	s->next[subject] = old;
	s->prev[subject] = SPREAD_NONE;
	if (old != SPREAD_NONE)
		s->prev[old] = (uint16_t)subject;
	s->head[level] = (uint16_t)subject;
	s->count++;
}

void
spread_drop(struct spread *s, uint32_t subject)
{
	uint16_t next = s->next[subject], prev = s->prev[subject];
	uint8_t level = (uint8_t)(s->level[subject] - 1);

	if (s->level[subject] == 0)
		return;
	if (prev != SPREAD_NONE)
		s->next[prev] = next;
	else
		s->head[level] = next;
	if (next != SPREAD_NONE)
		s->prev[next] = prev;
	s->level[subject] = 0;
	s->count--;
}

void
spread_push(struct spread *s, uint32_t subject)
{
	spread_drop(s, subject);
	link_at(s, subject, 0);
}

static uint32_t
last_levels(uint32_t times, uint32_t limit)
{
	limit = limit < SPREAD_LEVELS ? limit : SPREAD_LEVELS;
	return limit > times ? limit - times : 0;
}

void
spread_push_last(struct spread *s, uint32_t subject, uint32_t times, uint32_t limit)
{
	spread_drop(s, subject);
	link_at(s, subject, (uint8_t)last_levels(times, limit));
}

bool
spread_fresh(const struct spread *s, uint32_t times, uint32_t limit)
{
	for (uint32_t level = 0; level < last_levels(times, limit); level++)
		if (s->head[level] != SPREAD_NONE)
			return true;
	return false;
}

void
spread_sent(struct spread *s, uint32_t subject, uint32_t limit)
{
	uint32_t next = s->level[subject];

	if (next == 0)
		return;
	spread_drop(s, subject);
	if (next < limit && next < SPREAD_LEVELS)
		link_at(s, subject, (uint8_t)next);
}

void
spread_known(struct spread *s, uint32_t times, uint32_t limit)
{
	/* From the end, so that a level is empty before another moves there. */
	for (uint32_t level = SPREAD_LEVELS; level-- > 0;) {
		uint16_t i = s->head[level];
		uint32_t to = level + times;

		if (to >= limit || to >= SPREAD_LEVELS) {
			while (s->head[level] != SPREAD_NONE)
				spread_drop(s, s->head[level]);
			continue;
		}
		s->head[to] = i;
		s->head[level] = SPREAD_NONE;
		for (; i != SPREAD_NONE; i = s->next[i])
			s->level[i] = (uint8_t)(to + 1);
	}
}

uint32_t
spread_pick(const struct spread *s, uint16_t *out, uint32_t max)
{
	uint32_t n = 0;

	for (size_t level = 0; level < SPREAD_LEVELS && n < max && n < s->count; level++)
		for (uint16_t i = s->head[level]; i != SPREAD_NONE && n < max; i = s->next[i])
			out[n++] = i;
	return n;
}
