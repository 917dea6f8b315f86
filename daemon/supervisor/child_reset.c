/*
 * child_reset.c - what a process inherits besides descriptors and signals.
 *
 * Whoever started meshd (a service manager, a shell under nice or taskset) set
 * these for meshd.  A container starts as under a fresh kernel, wherever it is
 * started from: what it may take is said by its files alone.
 */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../base/own.h"
#include "rootless.h"
#include "sys.h"

enum {
	STACK_BYTES = 8 << 20,
	MEMLOCK_BYTES = 8 << 20,
	QUEUE_BYTES = 819200,
	SIGNALS = 32768,
	CPUS_BYTES = 1024, /* a bit each; the kernel takes those there are */
	SLACK_NS = 50000,
};

/* NOFILE and CORE are the container file's. */
static const struct reset {
	int what;
	const char *name;
	rlim_t soft, hard;
} limits[] = {
    {RLIMIT_AS, "as", RLIM_INFINITY, RLIM_INFINITY},
    {RLIMIT_CPU, "cpu", RLIM_INFINITY, RLIM_INFINITY},
    {RLIMIT_DATA, "data", RLIM_INFINITY, RLIM_INFINITY},
    {RLIMIT_FSIZE, "fsize", RLIM_INFINITY, RLIM_INFINITY},
    {RLIMIT_LOCKS, "locks", RLIM_INFINITY, RLIM_INFINITY},
    {RLIMIT_MEMLOCK, "memlock", MEMLOCK_BYTES, MEMLOCK_BYTES},
    {RLIMIT_MSGQUEUE, "msgqueue", QUEUE_BYTES, QUEUE_BYTES},
    {RLIMIT_NICE, "nice", 0, 0},
    {RLIMIT_NPROC, "nproc", RLIM_INFINITY, RLIM_INFINITY}, /* pids-limit holds */
    {RLIMIT_RSS, "rss", RLIM_INFINITY, RLIM_INFINITY},
    {RLIMIT_RTPRIO, "rtprio", 0, 0},
    {RLIMIT_RTTIME, "rttime", RLIM_INFINITY, RLIM_INFINITY},
    {RLIMIT_SIGPENDING, "sigpending", SIGNALS, SIGNALS},
    {RLIMIT_STACK, "stack", STACK_BYTES, RLIM_INFINITY},
};

static int
reset_limits(const struct child *c)
{
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		const struct reset *r = &limits[i];
		struct rlimit want = {r->soft, r->hard}, have;

		if (getrlimit((__rlimit_resource_t)r->what, &have) < 0)
			return child_say(c, "getrlimit %s: %s", r->name,
			    strerror(errno));
		/* A meshd without CAP_SYS_RESOURCE (itself in a container) can
		 * give no more than it has. */
		if (setrlimit((__rlimit_resource_t)r->what, &want) == 0)
			continue;
		if (want.rlim_max > have.rlim_max)
			want.rlim_max = have.rlim_max;
		if (want.rlim_cur > want.rlim_max)
			want.rlim_cur = want.rlim_max;
		if (errno != EPERM ||
		    setrlimit((__rlimit_resource_t)r->what, &want) < 0)
			return child_say(c, "setrlimit %s: %s", r->name,
			    strerror(errno));
	}
	return 0;
}

/* Not before meshd itself, whom nobody could start again then. */
int
child_oom_score(const struct child *c, int proc)
{
	const int asked = (int)c->spec->oom_score;
	int score = asked == 0 ? SPEC_OOM_DEFAULT : asked - SPEC_OOM_SCORE;
	char own[16] = "", text[16];

	AUTO_CLOSE int fd = openat(proc, "self/oom_score_adj",
	    O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, own, sizeof own - 1) <= 0)
		return child_say(c, "oom-score: cannot read oom_score_adj: %s",
		    strerror(errno));
	if (asked == 0 && score < atoi(own))
		score = atoi(own);
	if (score < atoi(own))
		return child_say(c,
		    "oom-score: %d is below meshd's own %d: start meshd with a lower one (OOMScoreAdjust=)",
		    score, atoi(own));
	snprintf(text, sizeof text, "%d", score);
	if (sys_write_file(proc, "self/oom_score_adj", text) < 0)
		return child_say(c, "oom-score: cannot be set: write '%s': %s",
		    text, strerror(errno));
	return 0;
}

int
child_reset(const struct child *c)
{
	uint8_t cpus[CPUS_BYTES];

	memset(cpus, 0xff, sizeof cpus);
	if (reset_limits(c) < 0)
		return -1;
	/* What a user took upon himself nobody takes from him. */
	if ((setpriority(PRIO_PROCESS, 0, 0) < 0 &&
		!(rootless() && errno == EACCES)) ||
	    syscall(SYS_sched_setaffinity, 0, sizeof cpus, cpus) < 0)
		return child_say(c, "scheduler: %s", strerror(errno));
	return child_reset_more(c);
}

int
child_reset_more(const struct child *c)
{
	const struct sched_param normal = {0};

	if (sched_setscheduler(0, SCHED_OTHER, &normal) < 0 &&
	    !(rootless() && errno == EPERM))
		return child_say(c, "scheduler: %s", strerror(errno));
	/* To 0 it would be the value that was inherited. */
	if (syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, 0) < 0 ||
	    prctl(PR_SET_TIMERSLACK, SLACK_NS, 0, 0, 0) < 0 ||
	    prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0) < 0 ||
	    personality(PER_LINUX) < 0)
		return child_say(c, "priorities: %s", strerror(errno));
	/* A kernel without NUMA has no such call, and nothing to inherit. */
	if (syscall(SYS_set_mempolicy, 0, NULL, 0) < 0 && errno != ENOSYS)
		return child_say(c, "memory policy: %s", strerror(errno));
	return 0;
}
