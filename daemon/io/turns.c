/*
 * turns.c - see turns.h.
 */
#include "turns.h"

#include "engine.h"

static void
on_turn(uv_idle_t *idle)
{
	struct engine *e = idle->data;
	struct work *t = e->lead.turns.first;

	turns_drop(e, t);
	t->run(e);
}

void
turns_init(struct engine *e)
{
	e->lead.turns.first = NULL;
	(void)uv_idle_init(e->loop, &e->lead.turns.idle);
	e->lead.turns.idle.data = e;
}

void
turns_add(struct engine *e, struct work *t)
{
	struct work **at = &e->lead.turns.first;

	if (t->waits)
		return;
	while (*at != NULL)
		at = &(*at)->next;
	*at = t;
	t->next = NULL;
	t->waits = true;
	uv_idle_start(&e->lead.turns.idle, on_turn);
}

void
turns_drop(struct engine *e, struct work *t)
{
	struct work **at = &e->lead.turns.first;

	if (!t->waits)
		return;
	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	t->waits = false;
	if (e->lead.turns.first == NULL)
		uv_idle_stop(&e->lead.turns.idle);
}
