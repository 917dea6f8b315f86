/*
 * ticks.h - which second this is, for who samples once a second: aligned to the wall
 * clock's seconds, numbered by a clock that only goes forward (CLOCK_BOOTTIME), never two
 * samples for one number.
 *
 * All nodes sample at the same moment, as well as their clocks agree, and a timer that is
 * late by some ms still has its own second.  The wall clock decides when, never which: a
 * step of it moves the moment, and at most one number is left out or waited for.
 */
#ifndef CORE_TICKS_H
#define CORE_TICKS_H

#include "../../gossip/base.h"

struct ticks {
	bool any;
	int64_t tick;	     /* the last one */
	int64_t boot_ms;     /* of the wall clock's second that it was for */
	uint64_t taken, missed, twice; /* twice: a timer came, and its second was done */
};

/* How long to wait for the next second of the wall clock, in ms: 1 to 1000. */
int64_t ticks_wait(int64_t wall_ms);
/* The timer came: false, and nothing is to be sampled; else t->tick is its number. */
MUST_CHECK bool ticks_next(struct ticks *t, int64_t boot_ms, int64_t wall_ms);
/* What is to be added to a number's seconds (tick * 1000) for the wall clock's time of it, as
 * that clock stands now: each is a whole second, for that is when all nodes sample. */
int64_t ticks_wall(const struct ticks *t, int64_t boot_ms, int64_t wall_ms);
/* How far the wall clock of who asks (asked_ms; 0: not said) is from ours, in ms: whole seconds, and 0
 * when they agree as well as clocks that somebody sets do, with a question's way between. */
int64_t ticks_apart(int64_t asked_ms, int64_t wall_ms);

#endif
