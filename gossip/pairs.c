/*
 * pairs.c - see pairs.h.
 */
#include "pairs.h"

#include <stdlib.h>

bool
pairs_init(struct pairs *ps, uint32_t max)
{
	uint32_t made = 16;

	while (made < max && made < PAIRS_MADE)
		made *= 2;
	ps->made_mask = made - 1;
	ps->all = calloc(max, sizeof *ps->all);
	ps->parked = calloc(max + 1, sizeof *ps->parked);
	ps->made = calloc(made, sizeof *ps->made);
	return windows_init(&ps->windows, max) && slots_init(&ps->slots, max) && ps->all != NULL &&
	    ps->parked != NULL && ps->made != NULL;
}

void
pairs_fini(struct pairs *ps)
{
	windows_fini(&ps->windows);
	slots_fini(&ps->slots);
	free(ps->parked);
	free(ps->made);
	free(ps->all);
}

void
pairs_wipe(struct pairs *ps, const struct crypto *c)
{
	if (ps->all != NULL)
		c->wipe(c->arg, ps->all, ps->count * sizeof *ps->all);
	for (uint32_t k = 0; ps->made != NULL && k <= ps->made_mask; k++)
		if (ps->made[k].of != 0)
			c->wipe(c->arg, &ps->made[k], sizeof ps->made[k]);
}

struct pair_keys *
pairs_keys(const struct pairs *ps, const struct pair *p)
{
	return &ps->made[(uint32_t)(p - ps->all) & ps->made_mask];
}

void
pairs_unmake(struct pairs *ps, const struct pair *p)
{
	struct pair_keys *k = pairs_keys(ps, p);

	if (k->of == p - ps->all + 1)
		k->of = 0;
}

void
pairs_clear(struct pairs *ps, struct pair *p)
{
	pairs_unmake(ps, p);
	pairs_unpark(ps, p);
	window_clear(&p->window, &ps->windows);
	memset(p, 0, sizeof *p);
}

struct parked *
pairs_parked(const struct pairs *ps, const struct pair *p)
{
	return p->parked == 0 ? NULL : &ps->parked[p->parked];
}

struct parked *
pairs_park(struct pairs *ps, struct pair *p)
{
	if (p->parked == 0)
		p->parked = slots_take(&ps->slots);
	return &ps->parked[p->parked];
}

void
pairs_unpark(struct pairs *ps, struct pair *p)
{
	if (p->parked != 0)
		slots_give(&ps->slots, p->parked);
	p->parked = 0;
}
