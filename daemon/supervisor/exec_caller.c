/*
 * exec_caller.c - who calls, and what comes over the connection.
 */
#include "exec_in.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "../base/log.h"
#include "../base/own.h"
#include "../base/weak.h"
#include "sup.h"

enum {
	ASK_MS_MAX = 5000, /* for the request */
	PTY_FIRST = 136, PTY_LAST = 143, /* majors of unix98 slaves */
};

void
exec_slot_free(struct exec *x)
{
	int *fds[] = {&x->conn, &x->stdio[0], &x->stdio[1], &x->stdio[2],
	    &x->joiner, &x->born, &x->command, &x->error, &x->output};

	if (x->stage != EXEC_FREE) {
		for (size_t i = 0; i < ARRAY_LEN(fds); i++)
			if (*fds[i] >= 0)
				close(*fds[i]);
		helper_cancel(&x->helper);
		free(x->ask.argv.buf);
	}
	memset(x, 0, sizeof *x);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		*fds[i] = -1;
	helper_new(&x->helper);
	x->deadline = MSEC_NEVER;
}

void
exec_say(struct exec *x, enum exec_kind kind, int code, int status, const char *text)
{
	struct exec_say m = {EXEC_VERSION, kind, code, status, ""};

	snprintf(m.text, sizeof m.text, "%.*s", (int)sizeof m.text - 1, text);
	if (x->conn >= 0)
		(void)send(x->conn, &m, sizeof m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void
exec_accept(struct sup *s, msec now)
{
	int fd = accept4(s->execs.listener, NULL, NULL,
	    SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct ucred peer = {0, UINT32_MAX, 0};
	socklen_t len = sizeof peer;
	struct exec *x = NULL, spare = {.conn = fd};
	char path[48], login[16];
	ssize_t n;

	if (fd < 0)
		return;
	for (size_t i = 0; i < EXEC_MAX && x == NULL; i++)
		if (s->execs.slots[i].stage == EXEC_FREE)
			x = &s->execs.slots[i];
	if (x == NULL) {
		exec_say(&spare, EXEC_REFUSED, EXEC_CODE_REFUSED, 0,
		    "exec: too many commands run in containers here; end one");
		close(fd);
		return;
	}
	x->stage = EXEC_WAITS;
	x->deadline = now + ASK_MS_MAX;
	x->conn = fd;
	/* The socket's mode says so already; this is what counts. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 ||
	    peer.uid != 0) {
		log_warn("exec: refused: uid %u is not root", peer.uid);
		exec_say(x, EXEC_REFUSED, EXEC_CODE_REFUSED, 0, "exec: only root may");
		exec_slot_free(x);
		return;
	}
	x->uid = peer.uid;
	x->pid = peer.pid;
	x->login = UINT32_MAX;
	snprintf(path, sizeof path, "/proc/%d/loginuid", (int)peer.pid);
	AUTO_CLOSE int proc = open(path, O_RDONLY | O_CLOEXEC);
	n = proc < 0 ? -1 : read(proc, login, sizeof login - 1);
	if (n > 0) {
		login[n] = '\0';
		x->login = (uint32_t)strtoul(login, NULL, 10);
	}
}

/* Only what leads nowhere: with a file or directory of the host the container
 * would get a way to it. */
static int
check_stdio(const struct exec *x, struct err *err)
{
	bool tty = x->ask.flags & EXEC_F_TTY;

	for (int i = 0; i < EXEC_FDS; i++) {
		struct statfs fs;
		struct stat st;

		if (x->stdio[i] < 0 || fstat(x->stdio[i], &st) < 0 ||
		    fstatfs(x->stdio[i], &fs) < 0)
			return err_set(err, EXEC_CODE_REFUSED,
			    "exec: three descriptors are needed");
		if (tty ? S_ISCHR(st.st_mode) && major(st.st_rdev) >= PTY_FIRST &&
				major(st.st_rdev) <= PTY_LAST :
			  S_ISFIFO(st.st_mode) && fs.f_type == PIPEFS_MAGIC)
			continue;
		if (!HOLDS("exec-stdio"))
			continue;
		return err_set(err, EXEC_CODE_REFUSED,
		    "exec: descriptor %d is no %s; nothing else is let into a container",
		    i, tty ? "pseudo terminal" : "pipe");
	}
	return 0;
}

/* One record with its descriptors.  Bytes, 0: its end, -1: not now.  More
 * than cap, or with more descriptors than there is room for: cap + 1. */
static ssize_t
receive(int conn, void *buf, size_t cap, int *fds)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(EXEC_FDS * sizeof(int))];
	} control;
	struct iovec iov = {.iov_base = buf, .iov_len = cap};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = control.room, .msg_controllen = sizeof control.room};
	ssize_t n = recvmsg(conn, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	size_t got = 0;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? -1 : 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c != NULL;
	     c = CMSG_NXTHDR(&msg, c)) {
		int fd;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		/* Alignment has room for one more than we asked for. */
		for (size_t i = 0; CMSG_LEN((i + 1) * sizeof fd) <= c->cmsg_len;
		     i++, got++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (got < EXEC_FDS)
				fds[got] = fd;
			else
				close(fd);
		}
	}
	return got > EXEC_FDS || msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ?
	    (ssize_t)cap + 1 :
	    n;
}

int
exec_take(struct exec *x, struct err *err)
{
	static uint8_t buf[sizeof(struct exec_ask) + EXEC_ARGV_BYTES_MAX];
	ssize_t n = receive(x->conn, buf, sizeof buf, x->stdio);

	if (n <= 0)
		return (int)n;
	if (exec_parse(buf, n > (ssize_t)sizeof buf ? 0 : (size_t)n, &x->ask,
		err) < 0 ||
	    check_stdio(x, err) < 0)
		return -err->code;
	return 1;
}

int
exec_take_signal(struct exec *x)
{
	struct exec_signal m;
	int none[EXEC_FDS] = {-1, -1, -1};
	ssize_t n = receive(x->conn, &m, sizeof m, none);

	for (int i = 0; i < EXEC_FDS; i++)
		if (none[i] >= 0)
			close(none[i]);
	if (n < 0)
		return -1;
	if (n != (ssize_t)sizeof m || m.version != EXEC_VERSION || m.signal < 1 ||
	    m.signal >= NSIG)
		return 0;
	return m.signal;
}
