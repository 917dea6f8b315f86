/*
 * lifecycle.h - one container's life as a table: what may happen next, and
 * what the supervisor does about it.
 *
 * Pure: the caller brings events and the time (milliseconds of its monotonic
 * clock), the table answers with at most one act.  The caller does the act
 * and reports what came of it as the next event:
 *
 *   LIFE_LAUNCH   make it run; then LIFE_EV_UP, or LIFE_EV_END
 *   LIFE_TERM     ask it to end; then LIFE_EV_END, or LIFE_EV_TIME at deadline
 *   LIFE_KILL     end it by its cgroup; then LIFE_EV_END
 *   LIFE_REAP     prove that nothing of it is left; then LIFE_EV_EMPTY, or
 *                 LIFE_EV_TIME at deadline to try again
 *   LIFE_FORGET   it is over: drop the record and the row
 *
 * Restarts: at once after a run of restart_timeout_ms or more, else after
 * restart_timeout_ms * 2^k +- 25 %, at most LIFE_BACKOFF_MS_MAX.  A run that
 * ended as it may (normal) is no failure: k stays 0.
 */
#ifndef CORE_LIFECYCLE_H
#define CORE_LIFECYCLE_H

#include "../../gossip/base.h"

enum life_state {
	LIFE_DOWN,
	LIFE_STARTING, /* launched; the application is not yet exec'd */
	LIFE_UP,
	LIFE_STOPPING, /* asked to end */
	LIFE_ENDING,   /* ended; its cgroup is not yet proven empty */
	LIFE_BACKOFF,  /* waits for deadline to be launched again */
	LIFE_STATES
};

enum life_event {
	LIFE_EV_START, /* wanted, new or changed */
	LIFE_EV_ADOPT, /* found running after a restart of ours */
	LIFE_EV_STOP,  /* not wanted any more */
	LIFE_EV_UP,
	LIFE_EV_END,
	LIFE_EV_EMPTY,
	LIFE_EV_TIME, /* the deadline came */
	LIFE_EV_UNWELL, /* it runs, and does not work: to be ended, and run again */
	LIFE_EVENTS
};

enum life_act {
	LIFE_NOTHING,
	LIFE_LAUNCH,
	LIFE_TERM,
	LIFE_KILL,
	LIFE_REAP,
	LIFE_FORGET,
};

enum {
	LIFE_BACKOFF_MS_MAX = 60000,
	LIFE_START_MS_MAX = 30000, /* set-up that takes longer is killed */
	LIFE_REAP_MS = 5,	 /* first; then twice as long each time */
	LIFE_REAP_MS_MAX = 1000, /* what can't be killed is asked each second */
	LIFE_CRASH_LOOP = 5, /* short runs in a row */
};

struct life {
	enum life_state state;
	bool wanted;		     /* run again when it ended */
	bool once;		     /* a Command: never again */
	bool normal;		     /* said before LIFE_EV_END: no failure */
	bool failed;		     /* said with LIFE_EV_UNWELL: a failure however long it ran */
	bool changed;		     /* asked anew: run again without back-off */
	msec started;		     /* when it came up; MSEC_NEVER before */
	msec deadline;		     /* next LIFE_EV_TIME, or MSEC_NEVER */
	uint32_t restart_timeout_ms; /* > 0 */
	uint32_t kill_timeout_ms;
	uint32_t fails;	   /* short runs in a row */
	uint32_t restarts; /* since it was asked for */
	uint32_t reaps;	   /* tries to prove the last run's end */
	uint32_t seed;	   /* of the jitter; not 0 */
};

/* Everything but the timeouts is set; DOWN, not wanted. */
void life_new(struct life *l, uint32_t restart_timeout_ms,
    uint32_t kill_timeout_ms, bool once, uint32_t seed);
/* An event that has no place in this state changes nothing. */
MUST_CHECK enum life_act life_step(struct life *l, enum life_event ev, msec now);
/* The wait before run number fails + 1, without jitter: 0 when fails is 0. */
uint32_t life_backoff_ms(uint32_t restart_timeout_ms, uint32_t fails);
bool life_crash_loop(const struct life *l);

#endif
