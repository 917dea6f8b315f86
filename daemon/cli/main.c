/*
 * main.c - `mesh`, the program a person types.
 *
 * It asks the daemon on its own host through the control socket and shows the
 * answer; every verb is a row of the table in verb.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "../base/ctl.h"
#include "args.h"
#include "run.h"
#include "show.h"

static bool
want_color(const struct args *a)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (a->color != ARGS_COLOR_AUTO)
		return a->color == ARGS_COLOR_ALWAYS;
	return isatty(STDOUT_FILENO) == 1 && (no == NULL || *no == '\0') && term != NULL &&
	       strcmp(term, "dumb") != 0;
}

/* The client's own version is known even when no daemon answers. */
static void
say_version(void)
{
	printf("mesh " MESH_VERSION "\n");
}

/* A full disk or a closed pipe is found out at the latest here. */
static int
finish(const struct args *a, int code)
{
	if (!ferror(stdout) && fflush(stdout) == 0)
		return code;
	/* Which error it was is long forgotten: one more byte says it again. */
	clearerr(stdout);
	if (fputc('\n', stdout) != EOF && fflush(stdout) == 0)
		return code;
	/* `mesh ps | head -1`: who asked has read enough. */
	if (errno == EPIPE)
		return code;
	fprintf(stderr, "mesh: standard output: %s\n", strerror(errno));
	return a->verb != NULL && a->verb->failed_code != 0 ? a->verb->failed_code : 1;
}

static int
run(const struct args *a, int64_t now_ms)
{
	struct show s = {.out = stdout,
	    .args = a,
	    .color = want_color(a),
	    .terminal = isatty(STDOUT_FILENO) == 1,
	    .now_ms = now_ms};
	struct run_error e = {0};
	int code;

	if (a->verb == NULL && a->given[OPT_VERSION]) {
		say_version();
		return 0;
	}
	if (a->verb == NULL || a->given[OPT_HELP])
		return show_help(&s, &e.err);
	if (a->given[OPT_WATCH] ||
	    (a->verb->live_ms > 0 && s.terminal && a->output == ARGS_TABLE && !a->given[OPT_QUIET]))
		return run_watch(&s);
	if (a->given[OPT_FOLLOW] && a->verb->print == show_events)
		code = run_follow(&s, &e);
	else
		code = run_verb(&s, run_timeout_ms(a), &e);
	if (code < 0) {
		if (a->verb->print == show_version)
			say_version();
		fflush(stdout);
		code = run_report(a, &e, stderr);
	}
	run_error_free(&e);
	return code;
}

/* What is closed stays taken, and as little use: no socket of ours becomes its standard
 * output.  Without it, reading and writing there fail as they did. */
static bool
hold_standard(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			return false;
	return true;
}

/* $MESH_SOCKET; else that of the user's own meshd --rootless, when there is one. */
static const char *
find_socket(char *own, size_t cap)
{
	const char *named = getenv("MESH_SOCKET"), *dir = getenv("XDG_RUNTIME_DIR");
	int n;

	if ((named != NULL && *named != '\0') || geteuid() == 0 || dir == NULL || dir[0] != '/')
		return named;
	n = snprintf(own, cap, "%s/mesh/ctl", dir);
	return n > 0 && (size_t)n < cap && access(own, F_OK) == 0 ? own : named;
}

int
main(int argc, char **argv)
{
	char own[sizeof((struct sockaddr_un *)NULL)->sun_path];
	struct run_error e = {0};
	struct timespec now;
	struct args a;

	if (!hold_standard())
		return 1; /* there is nowhere to say it */
	/* A reader that goes away is seen at write, not as a death. */
	signal(SIGPIPE, SIG_IGN);
	clock_gettime(CLOCK_REALTIME, &now);
	int64_t now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	if (args_parse(&a, argc, argv, find_socket(own, sizeof own), now_ms, &e.err) < 0)
		return run_report(&a, &e, stderr);
	return finish(&a, run(&a, now_ms));
}
