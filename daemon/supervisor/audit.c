/*
 * audit.c - see audit.h: the process that looks, from its birth to its answer.
 */
#include "audit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/log.h"
#include "../base/own.h"
#include "sup.h"
#include "sys.h"

_Noreturn static void
child(const struct sup *s, const struct row *r, int out, pid_t parent)
{
	int keep[3 + CGROUP_COUNT] = {out, r->run.pidfd, s->cgroups.unified};

	memcpy(keep + 3, s->cgroups.v1, sizeof s->cgroups.v1);
	sys_keep_only(keep, ARRAY_LEN(keep));
	sys_reset_signals();
	/* When we end, so does its hold on what it traces. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(AUDIT_FAILED);
	_exit((int)audit_look(s, r, out));
}

int
audit_start(struct sup *s, const struct sup_req *q, msec now, struct err *err)
{
	struct row *r = row_find(s, q->instance);
	struct audit *a = &s->audit;
	pid_t parent = getpid(), pid;

	if (r == NULL || r->run.pidfd < 0)
		return err_set(err, EXIT_CONFIG, "%s: does not run",
		    q->instance);
	/* Before its exec the application still has what is the init's. */
	if (r->run.error >= 0)
		return err_set(err, EXIT_ENVIRONMENT,
		    "%s: is being started; ask again", r->instance);
	if (a->pidfd >= 0)
		return err_set(err, EXIT_ENVIRONMENT,
		    "%s: another audit is not done; ask again", r->instance);
	if (s->engine.fds >= SUP_FDS_MAX)
		return err_set(err, EXIT_ENVIRONMENT,
		    "%s: the engine has not read yet what it was told before; ask again",
		    r->instance);
	AUTO_CLOSE int out = memfd_create("audit", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (out < 0)
		return err_set(err, EXIT_ENVIRONMENT, "%s: memfd_create: %s",
		    r->instance, strerror(errno));
	pid = sys_fork(0, -1, &a->pidfd);
	if (pid == 0)
		child(s, r, out, parent);
	if (pid < 0) {
		a->pidfd = -1;
		return err_set(err, EXIT_ENVIRONMENT, "%s: cannot fork: %s",
		    r->instance, strerror(errno));
	}
	a->out = out;
	out = -1;
	a->ticket = q->ticket;
	a->deadline = now + AUDIT_MS_MAX;
	memcpy(a->instance, r->instance, sizeof a->instance);
	return 0;
}

static int
outcome(const struct audit *a, int status, struct err *err)
{
	if (WIFSIGNALED(status))
		return err_set(err, EXIT_ENVIRONMENT,
		    "%s: it could not be looked at within %d s", a->instance,
		    AUDIT_MS_MAX / 1000);
	if (WEXITSTATUS(status) == AUDIT_ENDED)
		return err_set(err, EXIT_CONFIG,
		    "%s: ended while it was looked at", a->instance);
	if (WEXITSTATUS(status) != AUDIT_DONE ||
	    fcntl(a->out, F_ADD_SEALS,
		F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return err_set(err, EXIT_ENVIRONMENT,
		    "%s: it could not be looked at; is /proc mounted on this host?",
		    a->instance);
	return 0;
}

void
audit_ready(struct sup *s)
{
	struct audit *a = &s->audit;
	struct sup_event ev = {.version = SUP_VERSION, .kind = SUP_EV_AUDIT,
	    .ticket = a->ticket};
	struct err err = {0};
	int status = 0, rc;

	if (sys_reap(a->pidfd, &status) == 0)
		return;
	rc = outcome(a, status, &err);
	memcpy(ev.instance, a->instance, sizeof ev.instance);
	ev.code = err.code;
	snprintf(ev.text, sizeof ev.text, "%.*s", (int)sizeof ev.text - 1,
	    rc < 0 ? err.text : "");
	close(a->pidfd);
	a->pidfd = -1;
	if (rc < 0)
		close(a->out);
	engine_send(s, &ev, rc < 0 ? -1 : a->out);
	a->out = -1;
}

void
audit_tick(struct audit *a, msec now)
{
	if (a->pidfd < 0 || now < a->deadline)
		return;
	a->deadline = MSEC_NEVER;
	sys_pidfd_kill(a->pidfd, SIGKILL);
}
