/*
 * engine.c - the engine's process, and the events that wait for it.
 *
 * It runs as another user without a capability and gets exactly the
 * descriptors of proto.h.  When it ends it is started again, for ever; what
 * it leaves behind is nothing that a container needs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/log.h"
#include "rootless.h"
#include "rootless_left.h"
#include "sup.h"
#include "sys.h"

enum {
	LONG_RUN_MS = 10000,
	FIRST_MS = 5000, /* an end before says that it can't start here at all */
	CLOSED_MS_MAX = 2000, /* from the end of its socket to its own */
	BACKOFF_MS = 100,
	BACKOFF_MS_MAX = 10000,
	LEFT_MS_MAX = 200, /* then containers come first, and it is tried again */
};

static void
child(struct sup *s, int sock, int conf, pid_t supervisor)
{
	const int from[] = {sock, conf, s->place.ctl, s->place.state_dir,
	    s->programs.script, s->programs.conf};
	char *const argv[] = {(char *)(uintptr_t)"meshd-engine", NULL};
	char *const env[] = {(char *)(uintptr_t)"LC_ALL=C", NULL};
	int high[ARRAY_LEN(from)], prog, null;

	sys_reset_signals();
	/* By itself: we hold the lock of our group until the exec, so that a
	 * supervisor after us looks into this one when we are in it. */
	if (cgroup_enter(&s->cgroups, SUP_ENGINE_GROUP) < 0) {
		dprintf(2, "cannot enter cgroup " SUP_ENGINE_GROUP ": %s\n",
		    strerror(errno));
		_exit(125);
	}
	prog = fcntl(s->programs.engine, F_DUPFD_CLOEXEC, 100);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (prog < 0 || null < 0 || dup2(null, 0) < 0)
		_exit(125);
	for (size_t i = 0; i < ARRAY_LEN(from); i++)
		if ((high[i] = fcntl(from[i], F_DUPFD_CLOEXEC, 100)) < 0)
			_exit(125);
	for (size_t i = 0; i < ARRAY_LEN(from); i++)
		if (dup2(high[i], SUP_FD_SOCKET + (int)i) < 0)
			_exit(125);
	close_range(SUP_FD_LAST + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	sys_restore_nofile();
	umask(022);
	if (rootless() && rootless_view(&s->conf) < 0) {
		dprintf(2, "cannot keep the engine from your home: %s\n",
		    strerror(errno));
		_exit(125);
	}
	if (chdir("/") < 0 || sys_become(s->conf.uid, s->conf.gid) < 0)
		_exit(125);
	left_tie_engine(s, supervisor);
	sys_exec_fd(prog, argv, env);
	dprintf(2, "cannot run meshd-engine: %s\n", strerror(errno));
	_exit(126);
}

/* What the last engine left, of this supervisor or of one before, ends first:
 * its own processes, and itself if it does not see that its socket is closed. */
static int
end_last(struct sup *s, struct err *err)
{
	if (!cgroup_end(&s->cgroups, SUP_ENGINE_GROUP, LEFT_MS_MAX) ||
	    !left_end_engine(s, LEFT_MS_MAX))
		return err_set(err, EXIT_ENVIRONMENT,
		    "the last engine, or what it started, does not end: cgroup %s/" SUP_ENGINE_GROUP,
		    s->conf.cgroup);
	return cgroup_make_plain(&s->cgroups, SUP_ENGINE_GROUP, err);
}

static int
engine_open(struct sup *s, struct err *err)
{
	struct engine *e = &s->engine;
	const pid_t self = getpid();
	int pair[2], conf, rc;

	if ((rc = end_last(s, err)) < 0)
		return rc;
	if (e->queue == NULL) {
		e->queue = calloc(SUP_EVENTS_MAX, sizeof *e->queue);
		if (e->queue == NULL)
			return err_set(err, EXIT_ENVIRONMENT, "out of memory");
	}
	conf = sys_memfd("config", s->conf.raw, s->conf.raw_len);
	if (conf < 0 || socketpair(AF_UNIX,
			    SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
			    pair) < 0) {
		if (conf >= 0)
			close(conf);
		return err_set(err, EXIT_ENVIRONMENT, "socketpair: %s",
		    strerror(errno));
	}
	e->pid = sys_fork(0, -1, &e->pidfd);
	if (e->pid == 0)
		child(s, pair[1], conf, self);
	close(pair[1]);
	close(conf);
	if (e->pid < 0) {
		e->pidfd = -1;
		close(pair[0]);
		return err_set(err, EXIT_ENVIRONMENT, "cannot start the engine: %s",
		    strerror(errno));
	}
	e->sock = pair[0];
	e->started = sys_now();
	e->restart_at = e->kill_at = MSEC_NEVER;
	e->starts++;
	left_note_engine(s);
	log_debug("engine started, pid %d", (int)e->pid);
	return 0;
}

static void
drop_queue(struct engine *e)
{
	for (; e->count > 0; e->count--) {
		int fd = e->queue[e->head].fd;

		if (fd >= 0)
			close(fd);
		e->head = (e->head + 1) % SUP_EVENTS_MAX;
	}
	e->lost = false;
	e->fds = 0;
}

void
engine_kill(struct sup *s, const char *why)
{
	log_warn("engine: %s: killed", why);
	if (s->engine.pidfd >= 0)
		sys_pidfd_kill(s->engine.pidfd, SIGKILL);
	if (s->engine.sock >= 0)
		close(s->engine.sock);
	s->engine.sock = -1;
	drop_queue(&s->engine);
}

void
engine_closed(struct sup *s, msec now)
{
	if (s->ending || s->engine.pidfd < 0)
		return;
	sys_pidfd_kill(s->engine.pidfd, SIGTERM);
	s->engine.kill_at = now + CLOSED_MS_MAX;
}

/* The next engine counts its tickets from one: what was asked by this one must
 * not answer a question of the next. */
static void
forget_tickets(struct sup *s)
{
	for (size_t i = 0; i < s->rows_count; i++) {
		s->rows[i]->ticket = 0;
		if (s->rows[i]->job != NULL)
			s->rows[i]->job->req.ticket = 0;
	}
	s->audit.ticket = 0;
}

/* It never ran and said why: so do we.  But not when there is local work: that
 * needs no engine, and what it lacks (a route, an address, a disk) may come. */
static bool
cannot_start(const struct sup *s, int status, msec now)
{
	return s->rows_count == 0 && s->engine.starts == 1 &&
	    now - s->engine.started < FIRST_MS && WIFEXITED(status) &&
	    WEXITSTATUS(status) >= EXIT_CONFIG &&
	    WEXITSTATUS(status) <= EXIT_KEY;
}

/* Its pidfd is readable. */
void
engine_ended(struct sup *s, msec now)
{
	struct engine *e = &s->engine;
	int status = 0;

	if (sys_reap(e->pidfd, &status) != 1)
		return;
	close(e->pidfd);
	e->pidfd = -1;
	if (e->sock >= 0)
		close(e->sock);
	e->sock = -1;
	drop_queue(e);
	command_engine_ended(s, now);
	hostact_engine_ended(s);
	forget_tickets(s);
	if (s->ending)
		return;
	if (cannot_start(s, status, now)) {
		s->exit_code = WEXITSTATUS(status);
		s->ending = true;
		s->end_at = now;
		return;
	}
	e->fails = now - e->started >= LONG_RUN_MS ? 0 : e->fails + 1;
	msec wait = 0;
	for (uint32_t k = 1; k < e->fails && wait < BACKOFF_MS_MAX; k++)
		wait = wait ? wait * 2 : BACKOFF_MS;
	e->restart_at = now + (wait < BACKOFF_MS_MAX ? wait : BACKOFF_MS_MAX);
	log_warn("engine ended (%s %d), starts again in %lld ms%s",
	    WIFEXITED(status) ? "status" : "signal",
	    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status),
	    (long long)(e->restart_at - now),
	    WIFEXITED(status) && WEXITSTATUS(status) == EXIT_CONFIG ?
		"; what is here runs on; a changed config is read when meshd is restarted" :
		"");
}

void
engine_tick(struct sup *s, msec now)
{
	struct err err;

	if (s->engine.pidfd >= 0 && now >= s->engine.kill_at) {
		s->engine.kill_at = MSEC_NEVER;
		engine_kill(s, "closed its socket and did not end");
	}
	if (s->ending || s->engine.pidfd >= 0 || now < s->engine.restart_at)
		return;
	if (engine_open(s, &err) < 0) {
		log_warn("%s", err.text);
		s->engine.restart_at = now + 1000;
	}
}

/* 1 sent, 0 later, -1 it is gone. */
static int
send_one(int sock, const struct queued *q)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov = {.iov_base = (void *)(uintptr_t)&q->ev,
	    .iov_len = sizeof q->ev};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (q->fd >= 0) {
		msg.msg_control = control.room;
		msg.msg_controllen = sizeof control.room;
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.head), &q->fd, sizeof(int));
	}
	if (sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
		return 1;
	return errno == EAGAIN || errno == EINTR || errno == ENOBUFS ? 0 : -1;
}

void
engine_flush(struct sup *s)
{
	struct engine *e = &s->engine;

	if (e->held)
		return;
	while (e->sock >= 0 && e->count > 0) {
		struct queued *q = &e->queue[e->head];

		if (send_one(e->sock, q) != 1)
			return; /* its end, if it came, is seen by poll */
		if (q->fd >= 0) {
			close(q->fd);
			e->fds--;
		}
		e->head = (e->head + 1) % SUP_EVENTS_MAX;
		e->count--;
	}
	if (e->count == 0)
		e->head = 0; /* the ring's memory is used as far as it is needed */
	if (e->sock >= 0 && e->lost) {
		struct sup_event ev = {.version = SUP_VERSION,
		    .kind = SUP_EV_LOST};

		e->lost = false;
		engine_send(s, &ev, -1);
	}
}

/* Takes fd.  Without an engine nobody listens: it asks LIST when it comes. */
void
engine_send(struct sup *s, const struct sup_event *ev, int fd)
{
	struct engine *e = &s->engine;

	if (e->sock < 0 || e->count == SUP_EVENTS_MAX) {
		e->lost = e->sock >= 0;
		if (fd >= 0)
			close(fd);
		return;
	}
	struct queued *q = &e->queue[(e->head + e->count) % SUP_EVENTS_MAX];

	q->ev = *ev;
	q->fd = fd;
	e->fds += fd >= 0;
	e->count++;
	engine_flush(s);
}
