/*
 * meshd-init - pid 1 of a container.
 *
 * It starts the application, hands signals on, reaps what is orphaned, stamps
 * each line the application prints with its time and stream into log
 * files in turn, and leaves the exit status in a file.  It runs with the
 * application's own user, no capability and the container's seccomp filter,
 * and it outlives engine and supervisor: nobody has to listen.  An exclusive
 * instance it ends itself when its time is over (fence.c).
 */
#include "init.h"
#include "../base/weak.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static const int forwarded[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2,
    SIGQUIT, SIGWINCH};

/* The application's numbers of INIT_FD_PORT and on. */
static int ports[INIT_PORTS_MAX], ports_count;

/* Before the application runs, the one place where an error can be told; one of
 * its sockets may have to be where that was. */
int error_fd = INIT_FD_ERROR;

static void
fail(const char *what, const char *path)
{
	dprintf(error_fd, "%s %s: %s", what, path, strerror(errno));
	_exit(127);
}

static int
is_port(int fd)
{
	for (int i = 0; i < ports_count; i++)
		if (ports[i] == fd)
			return 1;
	return 0;
}

/* A duplicate where no socket has to be. */
static int
aside(int fd)
{
	int to = fcntl(fd, F_DUPFD_CLOEXEC, INIT_FD_PORT);

	while (to >= 0 && is_port(to)) {
		int next = to + 1;

		close(to);
		to = fcntl(fd, F_DUPFD_CLOEXEC, next);
	}
	return to;
}

static void
place_ports(const char *path)
{
	int from[INIT_PORTS_MAX];

	if (ports_count == 0)
		return;
	for (int i = 0; i < ports_count; i++)
		if ((from[i] = aside(INIT_FD_PORT + i)) < 0)
			fail("pass sockets to", path);
	if ((error_fd = aside(INIT_FD_ERROR)) < 0)
		_exit(127);
	for (int i = 0; i < ports_count; i++)
		if (dup2(from[i], ports[i]) < 0)
			fail("pass sockets to", path);
}

static void
close_ports(void)
{
	for (int i = 0; i < ports_count; i++)
		close(INIT_FD_PORT + i);
	ports_count = 0;
}

static void
application(char **argv, const sigset_t *mask, int out, int err)
{
	if (setpgid(0, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
		fail("set up", argv[0]);
	for (size_t i = 0; i < sizeof forwarded / sizeof *forwarded; i++)
		signal(forwarded[i], SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	place_ports(argv[0]);
	execve(argv[0], argv + 1, environ);
	explain_exec(argv[0], errno);
	_exit(127);
}

/* Nothing of us is copied: the child has our memory until its exec, and we go on
 * when it is the application. */
static pid_t
start(char **argv, const sigset_t *mask, int out, int err)
{
	pid_t app = vfork();

	if (app < 0)
		fail("fork for", argv[0]);
	if (app == 0)
		application(argv, mask, out, err);
	return app;
}

/* Reap everybody; true when the application itself is among them. */
static int
reap(pid_t app, int *status)
{
	int st, over = 0;
	pid_t pid;

	while ((pid = waitpid(-1, &st, WNOHANG)) > 0) {
		if (pid == app) {
			*status = st;
			over = 1;
		}
	}
	return over;
}

static void
leave(int status)
{
	struct init_exit rec = {INIT_EXIT_MAGIC, status, 0};
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	rec.time_ms = (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
	if (pwrite(INIT_FD_EXIT, &rec, sizeof rec, 0) < 0)
		_exit(125);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static void
serve(pid_t app, int sigfd, int timer, struct stream *streams)
{
	struct pollfd pfd[4] = {
	    {.fd = sigfd, .events = POLLIN},
	    {.fd = streams[0].fd, .events = POLLIN},
	    {.fd = streams[1].fd, .events = POLLIN},
	    {.fd = timer, .events = POLLIN},
	};
	struct signalfd_siginfo si;
	int status = 0;

	for (;;) {
		if (poll(pfd, 4, -1) < 0 && errno != EINTR)
			_exit(125);
		if (pfd[3].revents)
			fence_ready(app);
		for (int i = 0; i < 2; i++)
			if (pfd[i + 1].revents && !stream_read(&streams[i]))
				pfd[i + 1].fd = -1;
		if (!pfd[0].revents ||
		    read(sigfd, &si, sizeof si) != (ssize_t)sizeof si)
			continue;
		if (si.ssi_signo == SIGTERM)
			close_ports();
		if (si.ssi_signo != SIGCHLD) {
			if (si.ssi_signo != SIGTERM || fence_lets_term())
				kill(app, (int)si.ssi_signo);
			continue;
		}
		if (!reap(app, &status))
			continue;
		for (int i = 0; i < 2; i++)
			stream_drain(&streams[i]);
		leave(status);
	}
}

/* The descriptors are the application's neither. */
static int
open_fence(const char *kill_ms)
{
	int timer = fence_open((uint32_t)strtoul(kill_ms, NULL, 10));

	fcntl(INIT_FD_FENCE, F_SETFD, FD_CLOEXEC);
	if (timer >= 0)
		return timer;
	dprintf(INIT_FD_ERROR, "%s", errno == ETIME ?
		"the role lease is over before it could start" :
		strerror(errno));
	_exit(127);
}

static void
read_ports(const char *fds)
{
	char *end = (char *)(uintptr_t)fds;

	while (ports_count < INIT_PORTS_MAX && *end != '\0') {
		fcntl(INIT_FD_PORT + ports_count, F_SETFD, FD_CLOEXEC);
		ports[ports_count++] = (int)strtol(end, &end, 10);
		end += *end == ',';
	}
}

int
main(int argc, char **argv)
{
	struct stream streams[2];
	sigset_t set, old;
	int out[2], err[2], sigfd, timer = -1, more, files = 2;
	pid_t app;

	if (argc > 2 && (strcmp(argv[1], INIT_VERSION_EXEC) == 0 ||
			    strcmp(argv[1], INIT_VERSION_TTY) == 0))
		exec_command(argv + 2, strcmp(argv[1], INIT_VERSION_TTY) == 0);
	if (argc < 2)
		return 64;
	/* Words between LOG_BYTES and EXECUTABLE. */
	more = strcmp(argv[1], INIT_VERSION) == 0	  ? 0 :
	    strcmp(argv[1], INIT_VERSION_FENCE) == 0 ? 1 :
	    strcmp(argv[1], INIT_VERSION_PORTS) == 0 ? 2 :
	    strcmp(argv[1], INIT_VERSION_LOGS) == 0  ? 3 :
							  -1;
	if (more < 0 || argc < 5 + more)
		return 64;
	if (HOLDS("dumpable"))
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (more > 0 && strcmp(argv[3], "-") != 0)
		timer = open_fence(argv[3]);
	if (more > 1)
		read_ports(argv[4]);
	if (more > 2 && ((files = atoi(argv[5])) < 2 || files > INIT_LOGS_MAX))
		return 64;
	log_open(strtoull(argv[2], NULL, 10), files, INIT_FD_PORT + ports_count);
	argv += more;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (size_t i = 0; i < sizeof forwarded / sizeof *forwarded; i++)
		sigaddset(&set, forwarded[i]);
	sigprocmask(SIG_BLOCK, &set, &old);
	sigfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (sigfd < 0 || pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
		fail("pipe for", argv[3]);
	for (int fd = INIT_FD_PORT + ports_count, i = 2; i < files; i++)
		fcntl(fd++, F_SETFD, FD_CLOEXEC);
	for (int fd = INIT_FD_EXIT; fd <= (more > 0 ? INIT_FD_LAST_FENCE : INIT_FD_LAST); fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	app = start(argv + 3, &old, out[1], err[1]);
	close(out[1]);
	close(err[1]);
	close(INIT_FD_ERROR);
	stream_open(&streams[0], out[0], "stdout");
	stream_open(&streams[1], err[0], "stderr");
	serve(app, sigfd, timer, streams);
}
