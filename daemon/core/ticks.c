/*
 * ticks.c - see ticks.h.  Where the two clocks' seconds lie to each other hardly moves, so
 * numbers are counted on by whole seconds between the moments; were they rounded anew each
 * time, a phase near one half would make two of one number and none of the next.
 */
#include "ticks.h"

enum { SECOND_MS = 1000, ASTRAY_MS = 750, APART_MS = 2500 };

static int64_t
nearest(int64_t ms)
{
	int64_t s = ms >= 0 ? ms + SECOND_MS / 2 : ms - SECOND_MS / 2 + 1;

	return s / SECOND_MS;
}

static int64_t
phase(int64_t ms)
{
	int64_t r = ms % SECOND_MS;

	return r < 0 ? r + SECOND_MS : r;
}

int64_t
ticks_wait(int64_t wall_ms)
{
	return SECOND_MS - phase(wall_ms);
}

bool
ticks_next(struct ticks *t, int64_t boot_ms, int64_t wall_ms)
{
	int64_t into = phase(wall_ms), moment, tick, astray;

	/* A timer may be early by a hair: then the second that comes is meant. */
	moment = boot_ms - (into > SECOND_MS / 2 ? into - SECOND_MS : into);
	tick = nearest(moment);
	if (t->any) {
		int64_t on = t->tick + nearest(moment - t->boot_ms);

		astray = moment - on * SECOND_MS;
		if (astray < ASTRAY_MS && astray > -ASTRAY_MS)
			tick = on;
		if (tick <= t->tick) {
			t->twice++;
			return false;
		}
		t->missed += (uint64_t)(tick - t->tick - 1);
	}
	t->any = true;
	t->tick = tick;
	t->boot_ms = moment;
	t->taken++;
	return true;
}

int64_t
ticks_wall(const struct ticks *t, int64_t boot_ms, int64_t wall_ms)
{
	int64_t into = t->boot_ms - t->tick * SECOND_MS; /* the second, of its number */

	return nearest(wall_ms - boot_ms + into) * SECOND_MS;
}

int64_t
ticks_apart(int64_t asked_ms, int64_t wall_ms)
{
	int64_t apart = asked_ms - wall_ms;

	return asked_ms == 0 || (apart < APART_MS && apart > -APART_MS) ? 0 : nearest(apart) * SECOND_MS;
}
