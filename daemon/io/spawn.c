/*
 * vfork, a few system calls, execveat: a copy of an engine's memory, page by page as both
 * go on, costs more than the program that is begun.  The child's end is seen three ways:
 * both pipes at their end and the pidfd readable; a grandchild that keeps a
 * pipe open does not hold us up (DRAIN_MS).  Whatever happens, the process is
 * reaped by waitid on its own pidfd.
 */
#include "spawn.h"

#include "memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/own.h"

enum {
	HANDLES = 4,
	DRAIN_MS = 500,
	OUT_FIRST_BYTES = 16 << 10,
	EXEC_FAILED = 127,
};

struct spawn {
	uv_pipe_t out, err;
	uv_poll_t exit;
	uv_timer_t timer;
	pid_t pid;
	int pidfd;
	int open_handles;
	bool out_open, err_open, exited, finished, cancelled;
	size_t out_cap, buf_cap;
	uint64_t start_ms;
	spawn_done *done;
	void *arg;
	struct spawn_result r;
	size_t err_len;
	char err_chunk[SPAWN_ERRTEXT_BYTES];
};

/* --- the child ------------------------------------------------------------- */

static _Noreturn void
child_failed(const char *what, int e)
{
	const char *why = strerrordesc_np(e);
	char line[160];
	size_t n = 0;
	const char *parts[] = { what, ": ", why != NULL ? why : "?", "\n" };

	/* strerror and stdio may take locks another thread held at the fork. */
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		for (const char *p = parts[i]; *p != '\0' && n < sizeof line; p++)
			line[n++] = *p;
	if (write(STDERR_FILENO, line, n) < 0)
		_exit(EXEC_FAILED); /* nobody reads: the code says enough */
	_exit(EXEC_FAILED);
}

static _Noreturn void
work(const struct spawn_conf *conf)
{
	if (conf->work_fd > 3 && dup2(conf->work_fd, 3) < 0)
		child_failed("dup2", errno);
	if (syscall(SYS_close_range, conf->work_fd > 0 ? 4u : 3u, ~0u, 0) != 0)
		child_failed("close_range", errno);
	_exit(conf->work(conf->work_arg));
}

/*
 * No signal has come here yet (begin): our handlers write to what a copy of us is about to
 * close, and what a program's child has until it is that is our own memory, so here is
 * nothing but system calls.  All descriptors given are above 2, so no dup2 overwrites
 * another.
 */
static _Noreturn void
child(pid_t parent, const struct spawn_conf *conf, int in, int out, int err)
{
	static char *const envp[] = { (char *)"LC_ALL=C", NULL };
	static const unsigned long dfl[4]; /* the kernel's own struct: all zero is SIG_DFL */
	sigset_t none;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		_exit(EXEC_FAILED);
	setpgid(0, 0);
	if (dup2(err, 2) < 0 || dup2(out, 1) < 0 || dup2(in, 0) < 0)
		_exit(EXEC_FAILED);
	/* By hand: libc keeps two for itself and would leave those ignored. */
	for (int sig = 1; sig < NSIG; sig++)
		syscall(SYS_rt_sigaction, sig, dfl, NULL, sizeof(uint64_t));
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (conf->work != NULL)
		work(conf);
	if (syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC) != 0)
		child_failed("close_range", errno);
	syscall(SYS_execveat, conf->prog_fd, "", conf->argv, envp, AT_EMPTY_PATH);
	child_failed("exec", errno);
}

/* --- input ----------------------------------------------------------------- */

/* Above 2, so the child can dup2 in any order. */
static int
raise_fd(int fd)
{
	int up;

	if (fd < 0 || fd > 2)
		return fd;
	up = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	close(fd);
	return up;
}

static bool
pipe_above(int fds[2])
{
	if (pipe2(fds, O_CLOEXEC) != 0)
		return false;
	fds[0] = raise_fd(fds[0]);
	fds[1] = raise_fd(fds[1]);
	if (fds[0] >= 0 && fds[1] >= 0)
		return true;
	own_close_(&fds[0]);
	own_close_(&fds[1]);
	return false;
}

/* --- the end --------------------------------------------------------------- */

static void
on_closed(uv_handle_t *h)
{
	struct spawn *s = h->data;

	if (--s->open_handles > 0)
		return;
	close(s->pidfd);
	free(s->r.out);
	free(s);
}

static void
kill_child(struct spawn *s)
{
	if (s->exited)
		return;
	kill(-s->pid, SIGKILL); /* its group, once it has made one */
	kill(s->pid, SIGKILL);
}

static void
close_handles(struct spawn *s)
{
	uv_close((uv_handle_t *)&s->out, on_closed);
	uv_close((uv_handle_t *)&s->err, on_closed);
	uv_close((uv_handle_t *)&s->exit, on_closed);
	uv_close((uv_handle_t *)&s->timer, on_closed);
}

static void
finish(struct spawn *s)
{
	if (s->finished)
		return;
	s->finished = true;
	s->r.ms = (uint32_t)(uv_now(s->timer.loop) - s->start_ms);
	s->r.errtext[s->err_len] = '\0';
	close_handles(s);
	if (!s->cancelled)
		s->done(s->arg, &s->r);
}

static void
check_finished(struct spawn *s)
{
	if (s->exited && !s->out_open && !s->err_open)
		finish(s);
}

static void
on_timer(uv_timer_t *t)
{
	struct spawn *s = t->data;

	if (s->exited) {
		finish(s);
		return;
	}
	s->r.killed_by_deadline = true;
	kill_child(s);
}

static void
on_exit_(uv_poll_t *p, int status, int events)
{
	struct spawn *s = p->data;
	siginfo_t info = { 0 };
	int rc;

	(void)status;
	(void)events;
	kill(-s->pid, SIGKILL); /* what it left behind; its id is not free yet */
	do
		rc = waitid(P_PIDFD, (id_t)s->pidfd, &info, WEXITED | WNOHANG);
	while (rc != 0 && errno == EINTR);
	if (rc == 0 && info.si_pid == 0)
		return; /* not yet */
	s->r.exit_status = rc != 0 ? -SIGKILL :
	    info.si_code == CLD_EXITED ? info.si_status : -info.si_status;
	s->exited = true;
	uv_poll_stop(&s->exit);
	uv_timer_start(&s->timer, on_timer, s->cancelled ? 0 : DRAIN_MS, 0);
	check_finished(s);
}

/* --- output ---------------------------------------------------------------- */

/* One byte of room beyond out_cap tells "full" from "too much". */
static void
alloc_out(uv_handle_t *h, size_t hint, uv_buf_t *buf)
{
	struct spawn *s = h->data;
	size_t cap = s->buf_cap;

	(void)hint;
	if (s->r.out_len == cap && cap < s->out_cap + 1) {
		uint8_t *p;

		cap = cap == 0 ? OUT_FIRST_BYTES : cap * 2;
		cap = cap < s->out_cap + 1 ? cap : s->out_cap + 1;
		p = realloc(s->r.out, cap);
		if (p != NULL) {
			s->r.out = p;
			s->buf_cap = cap;
		}
	}
	*buf = uv_buf_init(s->r.out == NULL ? NULL : (char *)s->r.out + s->r.out_len,
	    (unsigned)(s->buf_cap - s->r.out_len));
}

static void
on_out(uv_stream_t *h, ssize_t n, const uv_buf_t *buf)
{
	struct spawn *s = h->data;

	(void)buf;
	if (n > 0) {
		s->r.out_len += (size_t)n;
		if (s->r.out_len <= s->out_cap)
			return;
		s->r.out_len = s->out_cap;
	}
	if (n == 0)
		return;
	/* Too much, no memory (ENOBUFS), or the end. */
	if (n > 0 || n == UV_ENOBUFS) {
		s->r.killed_by_output = true;
		kill_child(s);
	}
	uv_read_stop(h);
	s->out_open = false;
	check_finished(s);
}

static void
alloc_err(uv_handle_t *h, size_t hint, uv_buf_t *buf)
{
	struct spawn *s = h->data;

	(void)hint;
	*buf = uv_buf_init(s->err_chunk, sizeof s->err_chunk);
}

/* Keep the end: that is where the reason is. */
static void
on_err(uv_stream_t *h, ssize_t n, const uv_buf_t *buf)
{
	struct spawn *s = h->data;
	size_t len = n > 0 ? (size_t)n : 0, keep = s->err_len;

	(void)buf;
	if (n < 0) {
		uv_read_stop(h);
		s->err_open = false;
		check_finished(s);
		return;
	}
	if (keep + len > SPAWN_ERRTEXT_BYTES) {
		size_t drop = keep + len - SPAWN_ERRTEXT_BYTES;

		memmove(s->r.errtext, s->r.errtext + drop, keep - drop);
		keep -= drop;
	}
	memcpy(s->r.errtext + keep, s->err_chunk, len);
	s->err_len = keep + len;
}

/* --- start ----------------------------------------------------------------- */

static void
watch(struct spawn *s, uv_loop_t *loop, int out_fd, int err_fd, uint32_t deadline_ms)
{
	int rc = uv_pipe_init(loop, &s->out, 0) | uv_pipe_init(loop, &s->err, 0) |
	    uv_timer_init(loop, &s->timer);

	assert(rc == 0); /* they only fill the struct */
	s->out.data = s->err.data = s->exit.data = s->timer.data = s;
	s->open_handles = HANDLES;
	s->out_open = uv_pipe_open(&s->out, out_fd) == 0 &&
	    uv_read_start((uv_stream_t *)&s->out, alloc_out, on_out) == 0;
	s->err_open = uv_pipe_open(&s->err, err_fd) == 0 &&
	    uv_read_start((uv_stream_t *)&s->err, alloc_err, on_err) == 0;
	uv_poll_start(&s->exit, UV_READABLE, on_exit_);
	uv_update_time(loop);
	s->start_ms = uv_now(loop);
	uv_timer_start(&s->timer, on_timer, deadline_ms, 0);
}

/* As fork: -1 or the child, which is in child().  We wait till it is its program. */
static pid_t
begin(const struct spawn_conf *conf, int in, int out, int err)
{
	pid_t parent = getpid(), pid;
	sigset_t all, ours;
	int e;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &ours);
	pid = conf->work != NULL ? fork() : vfork();
	if (pid == 0)
		child(parent, conf, in, out, err);
	e = errno;
	sigprocmask(SIG_SETMASK, &ours, NULL);
	errno = e;
	return pid;
}

/* The child exists; without a pidfd in the loop nobody would reap it. */
static int
give_up(pid_t pid, int pidfd, int e, struct err *err)
{
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	own_close_(&pidfd);
	return err_set(err, EXIT_ENVIRONMENT, "start a helper: %s", strerror(e));
}

int
spawn_run(uv_loop_t *loop, const struct spawn_conf *conf, spawn_done *done, void *arg,
    struct spawn **out, struct err *err)
{
	AUTO_CLOSE int in = -1, out_w = -1, err_w = -1, out_r = -1, err_r = -1;
	AUTO_FREE struct spawn *s = NULL;
	int fds[2], rc;

	if (out != NULL)
		*out = NULL;
	in = memfd_sealed(conf->input, conf->input_len);
	s = calloc(1, sizeof *s);
	if (in < 0 || s == NULL || !pipe_above(fds))
		return err_set(err, EXIT_ENVIRONMENT, "start a helper: %s", strerror(errno));
	out_r = fds[0];
	out_w = fds[1];
	if (!pipe_above(fds))
		return err_set(err, EXIT_ENVIRONMENT, "start a helper: %s", strerror(errno));
	err_r = fds[0];
	err_w = fds[1];
	s->out_cap = conf->out_cap;
	s->done = done;
	s->arg = arg;
	s->pid = begin(conf, in, out_w, err_w);
	if (s->pid < 0)
		return err_set(err, EXIT_ENVIRONMENT, "start a helper: %s", strerror(errno));
	s->pidfd = (int)syscall(SYS_pidfd_open, s->pid, 0);
	if (s->pidfd < 0)
		return give_up(s->pid, -1, errno, err);
	rc = uv_poll_init(loop, &s->exit, s->pidfd);
	if (rc != 0)
		return give_up(s->pid, s->pidfd, -rc, err);
	watch(s, loop, out_r, err_r, conf->deadline_ms);
	out_r = err_r = -1; /* the loop's now */
	if (out != NULL)
		*out = s;
	s = NULL;
	return 0;
}

void
spawn_cancel(struct spawn *s)
{
	assert(!s->cancelled && !s->finished);
	s->cancelled = true;
	kill_child(s);
	if (s->exited)
		finish(s);
}
