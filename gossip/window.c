/*
 * window.c - see window.h.
 */
#include "window.h"

#include <stdlib.h>

bool
windows_init(struct windows *ws, uint32_t max)
{
	ws->all = calloc(max + 1, sizeof *ws->all);
	return slots_init(&ws->slots, max) && ws->all != NULL;
}

void
windows_fini(struct windows *ws)
{
	slots_fini(&ws->slots);
	free(ws->all);
}

void
window_clear(struct window *w, struct windows *ws)
{
	if (w->whole != 0)
		slots_give(&ws->slots, w->whole);
	*w = (struct window){0};
}

/* Those that a new top leaves behind are forgotten. */
static void
advance(struct window *w, uint64_t top)
{
	uint8_t kept = 0;

	for (uint8_t k = 0; k < w->count; k++) {
		uint64_t age = (uint16_t)((uint16_t)w->top - w->few[k]);

		if (age + (top - w->top) < SEAL_WINDOW_BITS)
			w->few[kept++] = w->few[k];
	}
	w->count = kept;
	w->top = top;
}

static int
whole(struct window *w, struct windows *ws, uint64_t counter)
{
	if (w->whole == 0) {
		struct seal_window *big = &ws->all[w->whole = slots_take(&ws->slots)];

		*big = (struct seal_window){.top = w->top};
		for (uint8_t k = 0; k < w->count; k++) {
			uint64_t seen = w->top - (uint16_t)((uint16_t)w->top - w->few[k]);
			int rc = seal_fresh(big, seen);

			assert(rc == 0); /* each is there once, and within the window */
		}
	}
	return seal_fresh(&ws->all[w->whole], counter);
}

int
window_fresh(struct window *w, struct windows *ws, uint64_t counter)
{
	if (w->whole != 0 && counter < ws->all[w->whole].top + SEAL_WINDOW_BITS)
		return whole(w, ws, counter);
	if (w->whole != 0) /* all of it is left behind */
		window_clear(w, ws);
	if (counter > w->top)
		advance(w, counter);
	else if (w->top - counter >= SEAL_WINDOW_BITS)
		return -ERR_REPLAY;
	for (uint8_t k = 0; k < w->count; k++)
		if (w->few[k] == (uint16_t)counter)
			return -ERR_REPLAY;
	if (w->count == WINDOW_FEW)
		return whole(w, ws, counter);
	w->few[w->count++] = (uint16_t)counter;
	return 0;
}
