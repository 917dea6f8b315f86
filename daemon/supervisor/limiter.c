/*
 * limiter.c - see limiter.h.
 */
#include "limiter.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "../base/own.h"
#include "../base/weak.h"
#include "sandbox.h"
#include "sup.h"
#include "sys.h"

void
limiter_new(struct limiter *l)
{
	memset(l, 0, sizeof *l);
	l->pidfd = l->error = -1;
	l->deadline = MSEC_NEVER;
}

_Noreturn static void
lower(const struct sup *s, const struct limiter *l, int error, pid_t parent)
{
	const struct cgroups *g = &s->cgroups;
	int keep[CGROUP_COUNT + 2] = {error, g->unified};
	struct err err;

	memcpy(keep + 2, g->v1, sizeof g->v1);
	sys_keep_only(keep, ARRAY_LEN(keep));
	sys_reset_signals();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	if (!HOLDS("no-reclaim"))
		raise(SIGSTOP); /* a test is the slow disk */
	if (cgroup_box(g, l->sandbox, &l->limits, &err) == 0)
		_exit(0);
	(void)!write(error, err.text, strlen(err.text));
	_exit(err.code);
}

static int
start(struct sup *s, struct limiter *l, const char *sandbox,
    const struct cgroup_limits *limits, msec now, struct err *err)
{
	pid_t parent = getpid(), pid = -1;
	int error[2] = {-1, -1};

	limiter_new(l);
	snprintf(l->sandbox, sizeof l->sandbox, "%s", sandbox);
	l->limits = *limits;
	if (pipe2(error, O_CLOEXEC | O_NONBLOCK) == 0)
		pid = sys_fork(0, -1, &l->pidfd);
	if (pid == 0)
		lower(s, l, error[1], parent);
	if (pid < 0) {
		err_set(err, EXIT_ENVIRONMENT,
		    "sandbox '%s': limits: memory: cannot fork who lowers it: %s",
		    sandbox, strerror(errno));
		if (error[0] >= 0)
			close(error[0]);
		if (error[1] >= 0)
			close(error[1]);
		limiter_new(l);
		return -EXIT_ENVIRONMENT;
	}
	close(error[1]);
	l->error = error[0];
	l->deadline = now + LIMITER_MS_MAX;
	return 0;
}

static bool
is_free(const struct limiter *l)
{
	return l->pidfd < 0 && !l->done;
}

/* The sandbox's own, or else one that is free; NULL: there is none. */
static const struct limiter *
find(const struct sup *s, const char *sandbox)
{
	const struct limiter *unused = NULL;

	for (size_t i = 0; i < LIMITERS_MAX; i++) {
		const struct limiter *l = &s->limiters[i];

		if (is_free(l))
			unused = l;
		else if (strcmp(l->sandbox, sandbox) == 0)
			return l;
	}
	return unused;
}

bool
limiter_may(const struct sup *s, const char *sandbox)
{
	const struct limiter *l = find(s, sandbox);

	return l != NULL && l->pidfd < 0;
}

bool
limiter_failed(const struct sup *s, const char *sandbox)
{
	const struct limiter *l = find(s, sandbox);

	return l != NULL && l->done && l->err.code != 0;
}

int
limiter_ask(struct sup *s, const char *sandbox,
    const struct cgroup_limits *limits, msec now, struct err *err)
{
	const struct limiter *l = find(s, sandbox);

	if (l == NULL)
		return 0;
	if (is_free(l))
		return start(s, &s->limiters[l - s->limiters], sandbox, limits, now, err);
	if (!l->done || !sandbox_same(&l->limits, limits))
		return 0;
	if (l->err.code == 0)
		return 1;
	*err = l->err;
	return -err->code;
}

static void
ended(struct sup *s, struct limiter *l)
{
	char text[ERR_TEXT_CAP];
	int status = 0;
	ssize_t n;

	if (sys_reap(l->pidfd, &status) == 0)
		return;
	n = read(l->error, text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	if (n > 0)
		err_set(&l->err, EXIT_ENVIRONMENT, "%s", text);
	else if (status != 0)
		err_set(&l->err, EXIT_ENVIRONMENT,
		    "sandbox '%s': limits: memory: %s", l->sandbox,
		    l->late ? "the kernel could not free as much in 30 s" :
			      "who lowers it was killed");
	close(l->pidfd);
	close(l->error);
	l->pidfd = l->error = -1;
	l->deadline = MSEC_NEVER;
	l->done = true;
	if (l->err.code != 0)
		sandbox_restore(s, l->sandbox);
}

void
limiter_ready(struct sup *s, int pidfd)
{
	for (size_t i = 0; i < LIMITERS_MAX; i++)
		if (s->limiters[i].pidfd == pidfd)
			ended(s, &s->limiters[i]);
}

static void
tick(struct sup *s, struct limiter *l, msec now)
{
	if (l->done) {
		if (l->err.code == 0)
			sandbox_restore(s, l->sandbox);
		limiter_new(l);
	}
	if (now < l->deadline)
		return;
	l->late = true;
	l->deadline = MSEC_NEVER;
	sys_pidfd_kill(l->pidfd, SIGKILL);
}

void
limiter_tick(struct sup *s, msec now)
{
	for (size_t i = 0; i < LIMITERS_MAX; i++)
		tick(s, &s->limiters[i], now);
}

msec
limiter_deadline(const struct sup *s)
{
	msec first = MSEC_NEVER;

	for (size_t i = 0; i < LIMITERS_MAX; i++)
		if (s->limiters[i].deadline < first)
			first = s->limiters[i].deadline;
	return first;
}
