/*
 * turns.h - long work in pieces, each in a turn of the loop of its own, so that nobody who
 * can be heard waits for more than one of them:
 *
 *	loop: timers -> one piece -> sockets -> timers -> one piece -> sockets ...
 *
 * Whoever has several pieces adds itself again from each.  All of a leader's share one
 * queue: two works that are under way at once take turns, and never one turn together.  (A
 * timer of 0 ms is no turn: libuv runs one that a timer starts before it looks at a socket.)
 */
#ifndef IO_TURNS_H
#define IO_TURNS_H

#include <stdbool.h>
#include <uv.h>

struct engine;

/* A work; zeroed but for run: it does not wait. */
struct work {
	void (*run)(struct engine *e); /* one piece */
	struct work *next;
	bool waits;
};

struct turns {
	uv_idle_t idle; /* active while somebody waits */
	struct work *first;
};

void turns_init(struct engine *e);
/* Its piece is run once, behind those that wait already; t is borrowed until then. */
void turns_add(struct engine *e, struct work *t);
/* It does not wait any more, if it did. */
void turns_drop(struct engine *e, struct work *t);

#endif
