/*
 * audit_filter.c - the seccomp programs of a container, from the kernel.
 *
 * Only a tracer gets them, of a process that stands still.  The init is asked,
 * not the application: it waits in poll() all its life and takes an interrupted
 * call in its stride, as no stranger's program must.  The application was
 * forked from it, and a program once installed can't be taken off, so it has
 * these first (the count in its status says whether it has more).  The init
 * stands still for some tens of microseconds; if we die meanwhile, the kernel
 * lets it go, and a KILL (its lease may end just then) waits for no tracer.
 */
#include <errno.h>
#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/own.h"
#include "audit.h"
#include "filter.h"
#include "sys.h"

#ifndef PTRACE_SECCOMP_GET_FILTER
#define PTRACE_SECCOMP_GET_FILTER 0x420c
#endif

static long
filter_of(pid_t pid, size_t n, struct sock_filter *out)
{
	return ptrace(PTRACE_SECCOMP_GET_FILTER, pid, n, out);
}

static bool
is_ours(const struct filter *ours, const struct sock_filter *p, size_t count)
{
	for (int i = 0; i < FILTER_PROGRAMS; i++)
		if (ours->prog[i].len == count &&
		    memcmp(ours->prog[i].filter, p, count * sizeof *p) == 0)
			return true;
	return false;
}

/* What was read while it stood still. */
struct programs_read {
	struct sock_filter code[AUDIT_FILTERS_MAX][BPF_MAXINSNS];
	size_t len[AUDIT_FILTERS_MAX], count;
};

static const char *
read_filters(pid_t pid, struct programs_read *r)
{
	for (r->count = 0; r->count < AUDIT_FILTERS_MAX; r->count++) {
		long len = filter_of(pid, r->count, NULL);

		if (len < 0)
			return errno == ENOENT ? NULL : strerror(errno);
		if (len > BPF_MAXINSNS || filter_of(pid, r->count, r->code[r->count]) != len)
			return "a program changed while it was read";
		r->len[r->count] = (size_t)len;
	}
	return NULL;
}

static void
put_filters(struct flat_out *o, const struct programs_read *r, const struct filter *ours,
    const struct filter *asked)
{
	static const char digits[] = "0123456789abcdef";
	static char hex[sizeof r->code[0] * 2];
	char path[48];

	for (size_t i = 0; i < r->count; i++) {
		const uint8_t *b = (const uint8_t *)r->code[i];
		size_t bytes = r->len[i] * sizeof r->code[i][0];

		for (size_t k = 0; k < bytes; k++) {
			hex[2 * k] = digits[b[k] >> 4];
			hex[2 * k + 1] = digits[b[k] & 15];
		}
		snprintf(path, sizeof path, "filters/%zu", i);
		flat_put(o, path, FLAT_STR, 0, 0, hex, 2 * bytes);
		snprintf(path, sizeof path, "filters/%zu/default", i);
		flat_put_int(o, path, is_ours(ours, r->code[i], r->len[i]));
		snprintf(path, sizeof path, "filters/%zu/asked", i);
		flat_put_int(o, path, is_ours(asked, r->code[i], r->len[i]));
	}
}

/* 1: it stands still, *status as waitpid's; 0: it does not in time, or ended. */
static int
wait_stopped(pid_t pid, int *status)
{
	msec until = sys_now() + AUDIT_STOP_MS_MAX;

	while (sys_now() < until) {
		pid_t got = waitpid(pid, status, __WALL | WNOHANG);

		if (got == pid && WIFSTOPPED(*status))
			return 1;
		if (got != 0)
			return 0;
		usleep(20);
	}
	return 0;
}

void
audit_filters(struct flat_out *o, pid_t pid, int pidfd, const struct filter *ours,
    const struct spec *s)
{
	AUTO_FREE struct programs_read *r = calloc(1, sizeof *r);
	const char *why = NULL;
	struct filter asked = {0};
	struct err err = {0};
	int status = 0;
	long sig;

	/* Alive after it was seized: then it was this one, by whatever number. */
	if (r == NULL || ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0 ||
	    sys_pidfd_kill(pidfd, 0) < 0 ||
	    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0)
		why = strerror(errno);
	else if (!wait_stopped(pid, &status))
		why = "it did not stand still in time";
	if (why == NULL) {
		why = read_filters(pid, r);
		/* A signal that came just then is its own. */
		sig = status >> 16 == 0 ? WSTOPSIG(status) : 0;
		ptrace(PTRACE_DETACH, pid, NULL, sig);
		if (filter_for(ours, s, &asked, &err) < 0)
			why = err.text;
		else
			put_filters(o, r, ours, &asked);
		filter_done(&asked, ours);
	}
	if (why != NULL)
		flat_put_str(o, "filters-error", why);
}
