/*
 * web.c - see web.h.
 */
#include "web.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/httpfd.h"
#include "../base/log.h"
#include "programs.h"
#include "sys.h"

enum { LONG_RUN_MS = 10000, WAIT_MS = 500, WAIT_MS_MAX = 60000 };

void
web_new(struct web *w)
{
	*w = (struct web){.program = -1, .pidfd = -1, .restart_at = MSEC_NEVER};
}

int
web_open(struct web *w, const struct config *c, struct err *err)
{
	int rc;

	if (!c->http)
		return 0;
	if ((rc = programs_open("meshd-http", O_PATH, &w->program, err)) < 0)
		return rc;
	w->restart_at = 0;
	return 0;
}

msec
web_deadline(const struct web *w)
{
	return w->pidfd < 0 ? w->restart_at : MSEC_NEVER;
}

static void
child(const struct web *w, const struct config *c, int conf, pid_t supervisor)
{
	char *const argv[] = {(char *)(uintptr_t)"meshd-http", NULL};
	char *const env[] = {(char *)(uintptr_t)"LC_ALL=C", NULL};
	int program, null, high;

	sys_reset_signals();
	program = fcntl(w->program, F_DUPFD_CLOEXEC, 100);
	high = fcntl(conf, F_DUPFD_CLOEXEC, 100);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (program < 0 || high < 0 || null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(high, HTTP_FD_CONF) < 0)
		_exit(125);
	close_range(HTTP_FD_CONF + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	umask(077);
	if (chdir("/") < 0 || sys_become(c->http_uid, c->gid) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||
	    getppid() != supervisor)
		_exit(125);
	sys_exec_fd(program, argv, env);
	dprintf(2, "cannot run meshd-http: %s\n", strerror(errno));
	_exit(126);
}

static msec
wait_of(uint32_t fails)
{
	msec wait = WAIT_MS;

	for (uint32_t k = 1; k < fails && wait < WAIT_MS_MAX; k++)
		wait *= 2;
	return wait < WAIT_MS_MAX ? wait : WAIT_MS_MAX;
}

void
web_tick(struct web *w, const struct config *c, msec now)
{
	const pid_t self = getpid();
	int conf;
	pid_t pid = -1;

	if (w->program < 0 || w->pidfd >= 0 || now < w->restart_at)
		return;
	if ((conf = sys_memfd("config", c->raw, c->raw_len)) >= 0) {
		if ((pid = sys_fork(0, -1, &w->pidfd)) == 0)
			child(w, c, conf, self);
		close(conf);
	}
	w->started = now;
	w->restart_at = MSEC_NEVER;
	if (pid < 0) {
		log_warn("cannot start meshd-http: %s", strerror(errno));
		w->pidfd = -1;
		w->restart_at = now + wait_of(++w->fails);
	}
}

void
web_ended(struct web *w, msec now)
{
	int status = 0;

	if (sys_reap(w->pidfd, &status) != 1)
		return;
	close(w->pidfd);
	w->pidfd = -1;
	w->fails = now - w->started >= LONG_RUN_MS ? 1 : w->fails + 1;
	w->restart_at = now + wait_of(w->fails);
	log_warn("meshd-http ended (%s %d), starts again in %lld ms", WIFEXITED(status) ? "status" : "signal",
	    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), (long long)(w->restart_at - now));
}

void
web_close(struct web *w)
{
	if (w->pidfd >= 0)
		sys_pidfd_kill(w->pidfd, SIGKILL);
}
