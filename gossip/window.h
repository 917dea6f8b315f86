/*
 * window.h - the replay window of seal.h, for thousands of senders: a node talks to
 * most others now and then, and of their last SEAL_WINDOW_BITS frames only a few came
 * here.  Those few are kept by their numbers; a whole window is taken where they are
 * more (a leader hears every frame that some send), and given back after a gap.
 * What is accepted is the same in either form.
 */
#ifndef GOSSIP_WINDOW_H
#define GOSSIP_WINDOW_H

#include "seal.h"
#include "slots.h"

enum { WINDOW_FEW = 6 };

/* All zero = nothing came yet. */
struct window {
	uint64_t top; /* the highest that came; of a whole one it knows itself */
	uint16_t few[WINDOW_FEW]; /* the low bits of those within the window */
	uint16_t whole; /* place in windows, or 0 */
	uint8_t count;
};

struct windows {
	struct slots slots;
	struct seal_window *all; /* by place */
};

/* For max windows; false when memory is gone. */
MUST_CHECK bool windows_init(struct windows *ws, uint32_t max);
void windows_fini(struct windows *ws);
/* 0 and remembered, or -ERR_REPLAY: seen, or older than the window. */
MUST_CHECK int window_fresh(struct window *w, struct windows *ws, uint64_t counter);
/* As if nothing had come. */
void window_clear(struct window *w, struct windows *ws);

#endif
