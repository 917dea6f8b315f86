/*
 * exec.c - `mesh exec`: a command inside a container, with our input and output.
 *
 * What the supervisor gets is three pipes, or a pseudo terminal, of our own, and
 * never what we were started with: a file or directory of the host in a process
 * of a container would be a way out of it.  So the bytes pass through here.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "../base/execproto.h"
#include "../base/name.h"
#include "../base/own.h"
#include "answer.h"
#include "client.h"
#include "show.h"

enum { CHUNK = 4096, /* what a pipe that says it has room takes without waiting */
	FIND_MS = 1500,
	SILENT_MS_MAX = 20000, /* meshd answers a request by then */
};

/* Bytes on their way. */
struct way {
	int from, to; /* -1: at its end */
	size_t len, off;
	char buf[CHUNK];
};

struct session {
	int conn, signals;
	bool tty, started, over;
	int code;
	struct way in, out, err;
	int theirs[EXEC_FDS]; /* given away at the start */
	struct termios before;
	bool not_here;
};

static const int passed[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};

static void
shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* --- the socket ------------------------------------------------------------------ */

/* run-dir/exec, beside run-dir/ctl. */
static int
dial(const char *ctl, struct err *err)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	const char *slash = strrchr(ctl, '/');
	size_t dir = slash != NULL ? (size_t)(slash - ctl) + 1 : 0;
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int out;

	if (dir + sizeof EXEC_SOCKET > sizeof sa.sun_path)
		return err_set(err, EXIT_NO_DAEMON, "exec: the socket's path is too long");
	memcpy(sa.sun_path, ctl, dir);
	memcpy(sa.sun_path + dir, EXEC_SOCKET, sizeof EXEC_SOCKET);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof sa) == 0) {
		out = fd;
		fd = -1;
		return out;
	}
	if (errno == EACCES || errno == EPERM)
		return err_set(err, EXEC_CODE_REFUSED,
		    "exec: only root may run commands in containers: sudo mesh exec ...");
	return err_set(err, EXIT_NO_DAEMON, "cannot connect to %s: %s; is meshd running?",
	    sa.sun_path, strerror(errno));
}

static size_t
command_bytes(char *const *command, uint32_t *count)
{
	size_t bytes = 0;

	for (*count = 0; command[*count] != NULL; (*count)++)
		bytes += strlen(command[*count]) + 1;
	return bytes;
}

static int
ask(struct session *x, const struct args *a, struct err *err)
{
	struct exec_ask head = {.version = EXEC_VERSION, .flags = x->tty ? EXEC_F_TTY : 0};
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof x->theirs)];
	} control = {0};
	size_t bytes = command_bytes(a->command, &head.argc), at = 0;
	const char *term = getenv("TERM");

	if (bytes > EXEC_ARGV_BYTES_MAX || head.argc > EXEC_ARGC_MAX)
		return err_set(err, EXIT_USAGE_,
		    "exec: the command has %u words of %zu bytes in all; at most %d of %d", head.argc,
		    bytes, EXEC_ARGC_MAX, EXEC_ARGV_BYTES_MAX);
	AUTO_FREE char *strings = malloc(bytes);
	if (strings == NULL)
		return err_set(err, 1, "out of memory");
	for (uint32_t i = 0; i < head.argc; i++) {
		size_t n = strlen(a->command[i]) + 1;

		memcpy(strings + at, a->command[i], n);
		at += n;
	}
	head.bytes = (uint32_t)bytes;
	memcpy(head.instance, a->operand, strlen(a->operand)); /* a name, checked */
	if (x->tty && term != NULL && strlen(term) < sizeof head.term)
		memcpy(head.term, term, strlen(term));
	struct iovec iov[] = {{&head, sizeof head}, {strings, bytes}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2, .msg_control = control.room,
	    .msg_controllen = sizeof control.room};

	control.align.cmsg_level = SOL_SOCKET;
	control.align.cmsg_type = SCM_RIGHTS;
	control.align.cmsg_len = CMSG_LEN(sizeof x->theirs);
	memcpy(CMSG_DATA(&control.align), x->theirs, sizeof x->theirs);
	/* Who refuses us at once has said why before it hung up. */
	if (sendmsg(x->conn, &msg, MSG_NOSIGNAL) < 0 && errno != EPIPE)
		return err_set(err, EXEC_CODE_REFUSED, "exec: cannot ask meshd: %s", strerror(errno));
	return 0;
}

static void
hear(struct session *x, struct err *err)
{
	struct exec_say m;
	ssize_t n = recv(x->conn, &m, sizeof m, 0);

	/* It hung up before it read what we asked; why, comes after that word. */
	if (n < 0 && errno == ECONNRESET)
		n = recv(x->conn, &m, sizeof m, 0);
	if (n < 0 && errno == EINTR)
		return;
	x->over = n != (ssize_t)sizeof m || m.version != EXEC_VERSION || m.kind != EXEC_STARTED;
	if (n != (ssize_t)sizeof m || m.version != EXEC_VERSION) {
		x->code = err_set(err, EXEC_CODE_REFUSED,
		    "exec: meshd ended, or is of another version; the command has ended with it");
		return;
	}
	m.text[sizeof m.text - 1] = '\0';
	x->started = x->started || m.kind == EXEC_STARTED;
	if (m.kind == EXEC_ENDED)
		x->code = WIFSIGNALED(m.status) ? 128 + WTERMSIG(m.status) : WEXITSTATUS(m.status);
	if (m.kind == EXEC_REFUSED || m.kind == EXEC_NOT_HERE) {
		x->not_here = m.kind == EXEC_NOT_HERE;
		x->code = -m.code;
		err_set(err, m.code, "%s", m.text);
	}
}

/* --- input and output --------------------------------------------------------------- */

static int
make_pipes(struct session *x)
{
	struct way *ways[] = {&x->in, &x->out, &x->err};

	for (int i = 0; i < EXEC_FDS; i++) {
		int ends[2];

		if (pipe2(ends, O_CLOEXEC) < 0)
			return -1;
		x->theirs[i] = ends[i != 0];
		*(i == 0 ? &ways[i]->to : &ways[i]->from) = ends[i == 0];
		if (fcntl(ends[i == 0], F_SETFL, O_NONBLOCK) < 0)
			return -1;
	}
	return 0;
}

static void
size_of(const struct session *x)
{
	struct winsize size;

	if (ioctl(0, TIOCGWINSZ, &size) == 0)
		(void)ioctl(x->in.to, TIOCSWINSZ, &size);
}

/* Our terminal hands every key on; the one inside makes signals of them. */
static int
make_tty(struct session *x)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK), slave;
	struct termios raw;

	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 ||
	    (slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0)
		return -1;
	x->in.to = master;
	x->out.from = fcntl(master, F_DUPFD_CLOEXEC, 3);
	x->theirs[0] = slave;
	x->theirs[1] = fcntl(slave, F_DUPFD_CLOEXEC, 3);
	x->theirs[2] = fcntl(slave, F_DUPFD_CLOEXEC, 3);
	if (x->out.from < 0 || x->theirs[1] < 0 || x->theirs[2] < 0 ||
	    tcgetattr(0, &x->before) < 0)
		return -1;
	size_of(x);
	raw = x->before;
	cfmakeraw(&raw);
	return tcsetattr(0, TCSANOW, &raw);
}

static bool
not_now(ssize_t n)
{
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

/* One step, if there is one.  ours: `to` is closed at the end of `from`. */
static void
move(struct way *w, short from_events, short to_events, bool ours)
{
	ssize_t n;

	if (w->len == 0 && w->from >= 0 && from_events != 0) {
		n = read(w->from, w->buf, sizeof w->buf);
		if (not_now(n))
			return;
		w->off = 0;
		w->len = n > 0 ? (size_t)n : 0;
		if (n <= 0)
			w->from = -1; /* the caller's, or closed at the end */
	} else if (w->len > 0 && to_events != 0) {
		n = write(w->to, w->buf + w->off, w->len);
		if (not_now(n))
			return;
		/* Who does not read any more misses nothing; and the command hears of it as
		 * it would of its own pipe (`mesh exec ... -- yes | head -1`). */
		w->off += n > 0 ? (size_t)n : w->len;
		w->len -= n > 0 ? (size_t)n : w->len;
		if (n < 0 && !ours)
			shut(&w->from);
	}
	if (w->from < 0 && w->len == 0 && ours)
		shut(&w->to);
}

static void
on_signal(struct session *x)
{
	struct signalfd_siginfo si;
	struct exec_signal m = {EXEC_VERSION, 0};

	if (read(x->signals, &si, sizeof si) != (ssize_t)sizeof si)
		return;
	if (si.ssi_signo == SIGWINCH) {
		if (x->tty)
			size_of(x);
		return;
	}
	m.signal = (int32_t)si.ssi_signo;
	(void)send(x->conn, &m, sizeof m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* What the command said before its end is all in our pipes by now. */
static void
drain(struct session *x)
{
	struct way *ways[] = {&x->out, &x->err};

	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		while (ways[i]->from >= 0) {
			move(ways[i], POLLIN, 0, false);
			if (ways[i]->len == 0)
				break;
			while (ways[i]->len > 0) {
				struct pollfd p = {.fd = ways[i]->to, .events = POLLOUT};

				(void)poll(&p, 1, -1);
				move(ways[i], 0, POLLOUT, false);
			}
		}
}

static void
set_poll(struct pollfd *p, const struct way *w, bool started)
{
	p[0] = (struct pollfd){.fd = started && w->len == 0 ? w->from : -1, .events = POLLIN};
	p[1] = (struct pollfd){.fd = w->len > 0 ? w->to : -1, .events = POLLOUT};
}

static int
serve(struct session *x, struct err *err)
{
	while (!x->over) {
		struct pollfd p[8] = {{.fd = x->conn, .events = POLLIN},
		    {.fd = x->signals, .events = POLLIN}};
		int n;

		/* Our input is the command's: it is not touched for one that never runs. */
		set_poll(p + 2, &x->in, x->started);
		set_poll(p + 4, &x->out, true);
		set_poll(p + 6, &x->err, true);
		n = poll(p, ARRAY_LEN(p), x->started ? -1 : SILENT_MS_MAX);
		if (n == 0)
			return err_set(err, EXEC_CODE_REFUSED, "exec: no answer from meshd");
		if (n < 0)
			continue;
		if (p[1].revents != 0)
			on_signal(x);
		move(&x->in, p[2].revents, p[3].revents, !x->tty);
		move(&x->out, p[4].revents, p[5].revents, false);
		move(&x->err, p[6].revents, p[7].revents, false);
		if (p[0].revents != 0)
			hear(x, err);
	}
	drain(x);
	return x->code;
}

/* --- where it is --------------------------------------------------------------------- */

/* An instance that may have been meant: of a role of that name, or nearly so called. */
static void
find_near(const json_t *rows, const char *word, char near[NAME_CAP])
{
	AUTO_FREE const char **ids = calloc(json_array_size(rows) + 1, sizeof *ids);
	const char *best = NULL;
	const json_t *row;
	size_t n = 0, i;

	json_array_foreach (rows, i, row) {
		const char *role = json_string_value(json_object_get(row, "role"));
		const char *id = json_string_value(json_object_get(row, "instance"));

		if (ids == NULL || role == NULL || id == NULL)
			continue;
		ids[n++] = id;
		if (strcmp(role, word) == 0 && (best == NULL || strcmp(id, best) < 0))
			best = id;
	}
	if (best == NULL && ids != NULL)
		best = name_suggest(word, ids, n);
	snprintf(near, NAME_CAP, "%s", best != NULL ? best : "");
}

/* The node that has it, and its state there, by what this host's engine knows; or who may
 * be meant. */
static bool
find_node(const struct show *s, char node[NAME_CAP], char state[NAME_CAP], char near[NAME_CAP])
{
	struct args ps = {.verb = verb_find("ps"), .socket = s->args->socket};
	uint8_t request[ANSWER_REQUEST_CAP];
	AUTO_FREE uint8_t *buf = NULL;
	struct client c;
	struct answer a;
	struct err err;
	bool found = false;
	const json_t *row;
	size_t len, i;
	int rc;

	rc = client_open(&c, ps.socket, FIND_MS, &err);
	if (rc == 0)
		rc = client_send(&c, request, answer_request(request, sizeof request, &ps), &err);
	if (rc == 0)
		rc = client_recv(&c, &buf, &len, &err);
	client_close(&c);
	if (rc < 0 || answer_open(&a, buf, len, &err) < 0)
		return false;
	json_array_foreach (a.data, i, row) {
		const char *id = json_string_value(json_object_get(row, "instance"));
		const char *on = json_string_value(json_object_get(row, "node"));
		const char *is = json_string_value(json_object_get(row, "state"));

		if (id == NULL || on == NULL || is == NULL || strcmp(id, s->args->operand) != 0)
			continue;
		snprintf(node, NAME_CAP, "%s", on);
		snprintf(state, NAME_CAP, "%s", is);
		found = true;
	}
	find_near(a.data, s->args->operand, near);
	answer_free(&a);
	return found;
}

static int
elsewhere(const struct show *s, struct err *err)
{
	const char *instance = s->args->operand;
	char node[NAME_CAP], state[NAME_CAP], near[NAME_CAP] = "";
	bool found = find_node(s, node, state, near);

	/* Not here may be: not here either. */
	if (found && strcmp(state, "running") != 0)
		return err_set(err, EXEC_CODE_REFUSED,
		    "exec: %s does not run now: it is %s, on node %s%s%s", instance, state, node,
		    strcmp(state, "held") == 0 ? "; there: mesh start " : ": mesh ps",
		    strcmp(state, "held") == 0 ? instance : "");
	if (found)
		return err_set(err, EXEC_CODE_REFUSED,
		    "exec: %s is on node %s: run mesh exec there, as root", instance, node);
	return err_set(err, EXEC_CODE_REFUSED,
	    "exec: %s is not on this host, nor known on another%s%s%s", instance,
	    near[0] != '\0' ? "; did you mean " : ": mesh ps", near, near[0] != '\0' ? "?" : "");
}

/* --- all of it ------------------------------------------------------------------------- */

static int
open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(passed); i++)
		sigaddset(&set, passed[i]);
	sigaddset(&set, SIGWINCH);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int
show_exec(const struct show *s, struct err *err)
{
	struct session x = {.conn = -1, .signals = -1, .in = {.from = 0, .to = -1},
	    .out = {.from = -1, .to = 1}, .err = {.from = -1, .to = 2}, .theirs = {-1, -1, -1}};
	int rc;

	x.tty = isatty(0) == 1 && isatty(1) == 1;
	if (s->args->given[OPT_TTY] && !x.tty)
		return err_set(err, EXEC_CODE_REFUSED,
		    "exec: -t: standard %s is no terminal: leave -t out, and it is passed on as it is",
		    isatty(0) == 1 ? "output" : "input");
	AUTO_CLOSE int conn = dial(s->args->socket, err);
	if (conn < 0)
		return conn;
	AUTO_CLOSE int signals = open_signals();
	x.conn = conn;
	x.signals = signals;
	if (signals < 0 || (x.tty ? make_tty(&x) : make_pipes(&x)) < 0)
		return err_set(err, EXEC_CODE_REFUSED, "exec: cannot make a %s: %s",
		    x.tty ? "terminal" : "pipe", strerror(errno));
	rc = ask(&x, s->args, err);
	for (int i = 0; i < EXEC_FDS; i++)
		shut(&x.theirs[i]);
	if (rc == 0)
		rc = serve(&x, err);
	if (x.tty)
		(void)tcsetattr(0, TCSADRAIN, &x.before);
	return x.not_here ? elsewhere(s, err) : rc;
}
