/*
 * lifecycle.c - see lifecycle.h.  A row per state, a column per event; what a
 * cell can't express (will it run again, and when) is decided in settle().
 */
#include "lifecycle.h"

struct cell {
	enum life_state next;
	enum life_act act;
	bool taken; /* the event means something here */
};

#define GO(s, a) {LIFE_##s, LIFE_##a, true}

static const struct cell table[LIFE_STATES][LIFE_EVENTS] = {
    [LIFE_DOWN] = {
	[LIFE_EV_START] = GO(STARTING, LAUNCH),
	[LIFE_EV_ADOPT] = GO(UP, NOTHING),
	[LIFE_EV_STOP] = GO(DOWN, FORGET),
    },
    [LIFE_STARTING] = {
	[LIFE_EV_START] = GO(STOPPING, KILL),
	[LIFE_EV_STOP] = GO(STOPPING, KILL),
	[LIFE_EV_UP] = GO(UP, NOTHING),
	[LIFE_EV_END] = GO(ENDING, REAP),
	[LIFE_EV_TIME] = GO(STOPPING, KILL),
    },
    [LIFE_UP] = {
	[LIFE_EV_START] = GO(STOPPING, TERM),
	[LIFE_EV_STOP] = GO(STOPPING, TERM),
	[LIFE_EV_END] = GO(ENDING, REAP),
	[LIFE_EV_UNWELL] = GO(STOPPING, TERM),
    },
    [LIFE_STOPPING] = {
	[LIFE_EV_START] = GO(STOPPING, NOTHING),
	[LIFE_EV_STOP] = GO(STOPPING, NOTHING),
	[LIFE_EV_END] = GO(ENDING, REAP),
	[LIFE_EV_TIME] = GO(STOPPING, KILL),
    },
    [LIFE_ENDING] = {
	[LIFE_EV_START] = GO(ENDING, NOTHING),
	[LIFE_EV_STOP] = GO(ENDING, NOTHING),
	[LIFE_EV_EMPTY] = GO(DOWN, NOTHING), /* settle() says which way */
	[LIFE_EV_TIME] = GO(ENDING, REAP),
    },
    [LIFE_BACKOFF] = {
	[LIFE_EV_START] = GO(STARTING, LAUNCH),
	/* No process is left, but maybe what was kept for the next one. */
	[LIFE_EV_STOP] = GO(ENDING, REAP),
	[LIFE_EV_TIME] = GO(STARTING, LAUNCH),
    },
};

void
life_new(struct life *l, uint32_t restart_timeout_ms, uint32_t kill_timeout_ms,
    bool once, uint32_t seed)
{
	memset(l, 0, sizeof *l);
	l->state = LIFE_DOWN;
	l->started = MSEC_NEVER;
	l->deadline = MSEC_NEVER;
	l->restart_timeout_ms = restart_timeout_ms ? restart_timeout_ms : 1;
	l->kill_timeout_ms = kill_timeout_ms;
	l->once = once;
	l->seed = seed ? seed : 1;
}

uint32_t
life_backoff_ms(uint32_t restart_timeout_ms, uint32_t fails)
{
	uint64_t ms = restart_timeout_ms;

	if (fails == 0)
		return 0;
	for (uint32_t k = 1; k < fails && ms < LIFE_BACKOFF_MS_MAX; k++)
		ms *= 2;
	return ms < LIFE_BACKOFF_MS_MAX ? (uint32_t)ms : LIFE_BACKOFF_MS_MAX;
}

bool
life_crash_loop(const struct life *l)
{
	return l->fails >= LIFE_CRASH_LOOP;
}

/* +- 25 %, so that what failed together does not come back together. */
static uint32_t
jitter(struct life *l, uint32_t ms)
{
	uint32_t span = ms / 2, x = l->seed;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	l->seed = x;
	return ms - span / 2 + (span ? x % (span + 1) : 0);
}

static msec
reap_ms(uint32_t tries)
{
	msec ms = tries < 16 ? (msec)LIFE_REAP_MS << tries : LIFE_REAP_MS_MAX;

	return ms < LIFE_REAP_MS_MAX ? ms : LIFE_REAP_MS_MAX;
}

/* It ended and nothing of it is left: again, later, or never. */
static enum life_act
settle(struct life *l, msec now)
{
	bool long_run = !l->failed && l->started != MSEC_NEVER &&
	    now - l->started >= (msec)l->restart_timeout_ms;
	bool normal = l->normal && !l->failed;
	uint32_t wait;

	if (!l->wanted || (l->once && !l->changed))
		return LIFE_FORGET;
	if (l->changed) {
		l->fails = 0;
		l->restarts = 0;
		wait = 0;
	} else {
		l->fails = long_run || normal ? 0 : l->fails + 1;
		l->restarts++;
		/* Also what may end does not spin. */
		wait = jitter(l, life_backoff_ms(l->restart_timeout_ms,
				     long_run ? 0 : normal ? 1 : l->fails));
	}
	if (wait == 0) {
		l->state = LIFE_STARTING;
		return LIFE_LAUNCH;
	}
	l->state = LIFE_BACKOFF;
	l->deadline = now + wait;
	return LIFE_NOTHING;
}

/* What the event says about being wanted, in whatever state. */
static void
wish(struct life *l, enum life_event ev)
{
	if (ev == LIFE_EV_START) {
		l->changed = true;
		l->wanted = true;
		if (l->state == LIFE_BACKOFF) {
			l->fails = 0;
			l->restarts = 0;
		}
	}
	if (ev == LIFE_EV_ADOPT)
		l->wanted = true;
	if (ev == LIFE_EV_STOP) {
		l->changed = false;
		l->wanted = false;
	}
}

enum life_act
life_step(struct life *l, enum life_event ev, msec now)
{
	const struct cell *c = &table[l->state][ev];
	enum life_state old = l->state;
	enum life_act act = c->act;

	if (!c->taken)
		return LIFE_NOTHING;
	wish(l, ev);
	l->state = c->next;
	if (old != l->state)
		l->deadline = MSEC_NEVER;
	if (l->state == LIFE_UP && old != LIFE_UP)
		l->started = now;
	if (ev == LIFE_EV_EMPTY)
		act = settle(l, now);
	switch (act) {
	case LIFE_LAUNCH:
		l->changed = l->normal = l->failed = false;
		l->started = MSEC_NEVER;
		l->deadline = now + LIFE_START_MS_MAX;
		break;
	case LIFE_TERM:
		l->deadline = now + (msec)l->kill_timeout_ms;
		break;
	case LIFE_KILL:
		l->deadline = now + 1000; /* the kill is said again */
		break;
	case LIFE_REAP:
		if (old != LIFE_ENDING)
			l->reaps = 0;
		l->deadline = now + reap_ms(l->reaps++);
		break;
	case LIFE_NOTHING:
	case LIFE_FORGET:
		break;
	}
	return act;
}
