/*
 * limiter.h - the process that lowers a sandbox's memory limit.
 *
 * The kernel takes a lower limit only when it has freed as much, in the process
 * that writes it: seconds, where pages have to go to a slow disk first, and what
 * fills them a container decides.  So a child does it, one for a sandbox, and the START
 * that brought the limit waits; the supervisor's loop does not, nor do other sandboxes,
 * unless so many are at it.
 */
#ifndef SUPERVISOR_LIMITER_H
#define SUPERVISOR_LIMITER_H

#include "cgroup.h"

enum { LIMITER_MS_MAX = 30000, LIMITERS_MAX = 8 };

struct sup;

struct limiter {
	int pidfd; /* -1: none runs.  Without one, and not done: it is free */
	int error; /* a pipe: a line, if it could not */
	msec deadline;
	bool late, done; /* done: what came of it is told till the turn ends */
	char sandbox[NAME_CAP];
	struct cgroup_limits limits;
	struct err err; /* code 0: it could */
};

void limiter_new(struct limiter *l);
/* Would asking bring something in this turn? */
bool limiter_may(const struct sup *s, const char *sandbox);
/* It was asked, and the sandbox can't have them: said till the turn ends. */
bool limiter_failed(const struct sup *s, const char *sandbox);
/* 1: the sandbox's group has these limits.  0: not yet; ask in each turn.
 * Negative: it can't have them, and has those that it had. */
MUST_CHECK int limiter_ask(struct sup *s, const char *sandbox,
    const struct cgroup_limits *limits, msec now, struct err *err);
/* The pidfd of one is readable. */
void limiter_ready(struct sup *s, int pidfd);
/* At the end of a turn.  Limits that nobody took are taken back. */
void limiter_tick(struct sup *s, msec now);
msec limiter_deadline(const struct sup *s);

#endif
