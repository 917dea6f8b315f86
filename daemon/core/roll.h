/*
 * roll.h - a change of a role on one host, instance by instance: which may be
 * replaced now, so that at most max_unavailable of them are down at once.
 *
 * A protocol machine without a network: roll_recv brings how all wanted
 * instances are, roll_poll says in order which to replace, roll_tick and
 * roll_deadline bring the time.  What is down already is replaced at once, for
 * nothing is lost by that.  One that was replaced counts as down until it is up
 * (and healthy, if it is probed) for ROLL_STEADY_MS.  One that is what it is to be
 * without another run (an edit that meant nothing for it) was never down.  One that is
 * started anew is up with its next run.
 *
 * One that does not come up stops the change, for good: the others run on as
 * they were, roll_stuck names it, and it goes on when that one is up or when
 * something else is wanted.
 */
#ifndef CORE_ROLL_H
#define CORE_ROLL_H

#include "../../gossip/base.h"
#include "../base/proto.h"

enum {
	ROLL_STEADY_MS = 1000, /* what ends sooner is a failed run */
	ROLL_ASK_MS = 10000,   /* not even begun by then: it is asked for again */
	ROLL_STUCK_MS = 60000, /* until that is said */
};

/* A wanted instance, as it is. */
struct roll_one {
	char instance[NAME_CAP];
	uint64_t want; /* what it is to be: a hash */
	int32_t run;   /* pid of its run, or 0 */
	bool differs;  /* it is not that, or not there */
	bool up;       /* it runs, and is healthy if it is probed */
	bool restart;  /* set by roll_recv: it runs, and is to be started anew */
	bool held;     /* set by roll_poll: not before its turn */
};

/* One that was asked for and is not yet steady. */
struct roll_asked {
	char instance[NAME_CAP];
	uint64_t want;
	int32_t run;  /* then; 0: it is to be another */
	int32_t old;  /* of what is started anew: the run that is to end; 0: unknown */
	msec at;
	msec up_at; /* MSEC_NEVER: it is not up as it is wanted */
};

/* The nth of each list.  Side by side, so that of memory for many only what a few
 * need is ever touched. */
struct roll_slot {
	struct roll_one one;	 /* of the last roll_recv */
	struct roll_asked asked;
	char restart[NAME_CAP];
};

struct roll {
	struct roll_slot *slots; /* owned */
	size_t most;		 /* of them */
	size_t all_count, asked_count, restarts_count;
	size_t next, down;
	uint32_t max_unavailable;
	msec now;
	bool waits; /* something is held back */
	msec waits_since; /* MSEC_NEVER: nothing is */
	bool told;
};

/* For as many instances at most.  -ERR_FULL: no memory; free and forget it. */
MUST_CHECK int roll_new(struct roll *r, size_t most);
void roll_free(struct roll *r);
/* All wanted ones, in the order in which they are to be replaced.
 * max_unavailable 0 is 1.  -ERR_FULL: more than it is for; nothing has changed. */
MUST_CHECK int roll_recv(struct roll *r, msec now, const struct roll_one *all, size_t count,
    uint32_t max_unavailable);
/* This one is to be started anew in its turn, as it is.  -ERR_FULL as above. */
MUST_CHECK int roll_restart(struct roll *r, const char *instance);
/* Replace or start all[*index] now; restart: though it may differ in nothing. */
bool roll_poll(struct roll *r, size_t *index, bool *restart);
/* Is something held back?  Then all that happens to an instance matters. */
bool roll_busy(const struct roll *r);
/* What is not begun may be asked for again, what is steady is forgotten. */
void roll_tick(struct roll *r, msec now);
/* When roll_recv is to be called again, if nothing happens; or MSEC_NEVER. */
msec roll_deadline(const struct roll *r);
/* Is this one held back?  Then for whom, which is not up or not for long enough, and since
 * when: it was asked for, or the change waits.  NULL: it is not. */
const char *roll_waits_for(const struct roll *r, const char *instance, msec *since);
/* Said once: the instance that the others wait for too long for, or NULL. */
const char *roll_stuck(struct roll *r, msec now);

#endif
