/*
 * driver.c - plays the engine for tests of the real supervisor: it is exec'd
 * as meshd-engine, with the engine's descriptors, user and (lack of) rights.
 *
 * A test connects to the control socket and writes lines:
 *   START|RUN|STOP|SIGNAL|LIST|ROLE|UNROLE|KEY|FENCE|AUDIT key=value...
 *       keys: ticket sandbox role instance image config policy flags signal
 *       deadline address (A.B.C.D), version and op (of a record that lies),
 *       and var:NAME=VALUE for each variable; fd=PATH sends that file,
 *       opened, for the variables, fd=pipe a pipe, fd=memfd one without seals
 *   CLOSE        close the supervisor's socket and ignore TERM
 *   RAW BYTES    a message of that many zero bytes     WHO   who am I
 *   EXIT CODE    end                                   MUTE  read no events
 *   APPDIR       what the last directory of metrics files is, and lets be done
 *   FORK         leave a child that does not end by itself; tells its pid
 * and reads one line per event, as JSON; before that of an audit one with its
 * document.  Events that come before anybody
 * connects are kept.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "../../daemon/base/proto.h"

enum { LINE_MAX_ = 1 << 16, KEPT = 4096 };

static int client = -1, muted, appdir = -1;
static unsigned long long sent_us; /* the last request left then */
static char *kept[KEPT];
static size_t kept_count;

static unsigned long long
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (unsigned long long)ts.tv_sec * 1000000 +
	    (unsigned long long)ts.tv_nsec / 1000;
}

static void
put_line(const char *line)
{
	if (client >= 0) {
		dprintf(client, "%s\n", line);
		return;
	}
	if (kept_count < KEPT)
		kept[kept_count++] = strdup(line);
}

static void
json_text(char *out, size_t cap, const char *in)
{
	size_t n = 0;

	for (; *in != '\0' && n + 8 < cap; in++) {
		if (*in == '"' || *in == '\\')
			out[n++] = '\\';
		if ((unsigned char)*in < 0x20)
			n += (size_t)sprintf(out + n, "\\u%04x", *in);
		else
			out[n++] = *in;
	}
	out[n] = '\0';
}

/* As it is, or opened once more. */
static int
writable(int fd)
{
	char self[32];
	int again;

	if (fd < 0)
		return 0;
	snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
	if ((again = open(self, O_WRONLY | O_CLOEXEC)) >= 0)
		close(again);
	return again >= 0 || (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY;
}

static void
put_event(const struct sup_event *e, int fd)
{
	static const char *const kinds[] = {"?", "reply", "state", "exit", "end",
	    "lost", "key", "audit", "alive", "output"};
	static const char *const states[] = {"none", "starting", "running",
	    "stopping", "backoff", "failed", "exited", "gone"};
	char line[4096], text[1024], path[256];
	struct stat st = {0};

	json_text(text, sizeof text, e->text);
	json_text(path, sizeof path, e->ready.path);
	if (fd >= 0)
		fstat(fd, &st);
	snprintf(line, sizeof line,
	    "{\"kind\": \"%s\", \"ticket\": %llu, \"code\": %d, \"state\": \"%s\", \"pid\": %d, \"exit_status\": %d, "
	    "\"restarts\": %u, \"crash_loop\": %u, \"since_ms\": %llu, \"retry_ms\": %llu, \"hash\": %llu, \"policy\": %u, "
	    "\"well\": %u, \"health\": %u, \"health_port\": %u, \"health_path\": \"%s\", \"sandbox\": \"%s\", \"role\": \"%s\", "
	    "\"instance\": \"%s\", \"image\": \"%s\", \"config\": \"%s\", \"text\": \"%s\", \"address\": %u, \"fd_bytes\": %lld, "
	    "\"fd_writable\": %s, \"us\": %llu, \"sent_us\": %llu}",
	    kinds[e->kind <= SUP_EV_OUTPUT ? e->kind : 0],
	    (unsigned long long)e->ticket, e->code,
	    states[e->state <= SUP_ST_GONE ? e->state : 0], e->pid,
	    e->exit_status, e->restarts, e->crash_loop,
	    (unsigned long long)e->since_ms, (unsigned long long)e->retry_ms,
	    (unsigned long long)e->spec_hash, e->policy, e->well, e->ready.kind,
	    e->ready.port, path, e->sandbox, e->role, e->instance, e->image,
	    e->config, text, e->address, fd >= 0 ? (long long)st.st_size : -1, writable(fd) ? "true" : "false",
	    now_us(), sent_us);
	put_line(line);
}

/* What the descriptor of an audit holds, and whether it can change. */
static void
put_document(int fd)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	struct stat st;
	unsigned char *bytes;
	char *line;
	int n;

	if (fstat(fd, &st) < 0 || (bytes = malloc((size_t)st.st_size + 1)) == NULL ||
	    (line = malloc((size_t)st.st_size * 2 + 200)) == NULL)
		exit(9);
	if (pread(fd, bytes, (size_t)st.st_size, 0) != st.st_size)
		exit(9);
	n = sprintf(line, "{\"kind\": \"document\", \"ticket\": 0, \"code\": 0, \"state\": \"\", \"instance\": \"\", \"sealed\": %s, \"hex\": \"",
	    (fcntl(fd, F_GET_SEALS) & seals) == seals ? "true" : "false");
	for (off_t i = 0; i < st.st_size; i++)
		n += sprintf(line + n, "%02x", bytes[i]);
	sprintf(line + n, "\"}");
	put_line(line);
	free(line);
	free(bytes);
}

static void
receive(void)
{
	static const struct sup_req alive = {.version = SUP_VERSION, .op = SUP_ALIVE};
	struct sup_event ev;
	char room[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {&ev, sizeof ev};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = room, .msg_controllen = sizeof room};
	ssize_t n = recvmsg(SUP_FD_SOCKET, &msg, MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&msg);
	int fd = -1;

	if (n == 0)
		exit(0);
	if (n != (ssize_t)sizeof ev)
		return;
	if (ev.kind == SUP_EV_ALIVE) {
		send(SUP_FD_SOCKET, &alive, sizeof alive, 0);
		return;
	}
	if (c != NULL && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof fd);
	if (fd >= 0 && ev.kind == SUP_EV_AUDIT)
		put_document(fd);
	if (fd >= 0 && ev.kind == SUP_EV_STATE) {
		close(appdir);
		appdir = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	}
	put_event(&ev, fd);
	if (fd >= 0)
		close(fd);
}

/* A descriptor that is no sealed memfd. */
static int
odd_fd(const char *what)
{
	int ends[2], fd;

	if (strcmp(what, "pipe") == 0)
		return pipe(ends) == 0 ? ends[0] : -1;
	if (strcmp(what, "memfd") != 0)
		return open(what, O_RDONLY);
	fd = memfd_create("vars", MFD_ALLOW_SEALING);
	return write(fd, "a=b", 4) == 4 ? fd : -1;
}

static void
transmit(const struct sup_req *q, const char *odd, const char *vars,
    size_t bytes)
{
	char room[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {(void *)(uintptr_t)q, sizeof *q};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *c;
	int fd = -1;

	if (odd != NULL && (fd = odd_fd(odd)) < 0)
		exit(9);
	if (bytes > 0 && odd == NULL) {
		fd = memfd_create("vars", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		if (write(fd, vars, bytes) != (ssize_t)bytes)
			exit(9);
		fcntl(fd, F_ADD_SEALS,
		    F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	}
	if (fd >= 0) {
		msg.msg_control = room;
		msg.msg_controllen = sizeof room;
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof fd);
	}
	sent_us = now_us();
	while (sendmsg(SUP_FD_SOCKET, &msg, 0) < 0 && errno == EAGAIN)
		poll(&(struct pollfd){SUP_FD_SOCKET, POLLOUT, 0}, 1, -1);
	if (fd >= 0)
		close(fd);
}

static void
set(char *field, size_t cap, const char *value)
{
	memset(field, 0, cap);
	memcpy(field, value, strlen(value) < cap ? strlen(value) : cap);
}

static void
set_key(struct sup_req *q, const char *key, const char *v)
{
	if (strcmp(key, "ticket") == 0)
		q->ticket = strtoull(v, NULL, 10);
	if (strcmp(key, "version") == 0)
		q->version = (uint32_t)strtoul(v, NULL, 10);
	if (strcmp(key, "op") == 0)
		q->op = (uint32_t)strtoul(v, NULL, 10);
	if (strcmp(key, "deadline") == 0)
		q->deadline_ms = strtoull(v, NULL, 10);
	if (strcmp(key, "address") == 0)
		q->address = ntohl(inet_addr(v));
	if (strcmp(key, "policy") == 0)
		q->policy = (uint32_t)strtoul(v, NULL, 10);
	if (strcmp(key, "flags") == 0)
		q->flags = (uint32_t)strtoul(v, NULL, 10);
	if (strcmp(key, "pid") == 0)
		q->pid = atoi(v);
	if (strcmp(key, "signal") == 0)
		q->signal = atoi(v);
	if (strcmp(key, "sandbox") == 0)
		set(q->sandbox, sizeof q->sandbox, v);
	if (strcmp(key, "role") == 0)
		set(q->role, sizeof q->role, v);
	if (strcmp(key, "instance") == 0)
		set(q->instance, sizeof q->instance, v);
	if (strcmp(key, "image") == 0)
		set(q->image, sizeof q->image, v);
	if (strcmp(key, "config") == 0)
		set(q->config, sizeof q->config, v);
}

static void
request(uint32_t op, char *rest)
{
	struct sup_req q = {.version = SUP_VERSION, .op = op};
	char vars[4096];
	const char *odd = NULL;
	size_t bytes = 0;

	for (char *w = strtok(rest, " "); w != NULL; w = strtok(NULL, " ")) {
		char *eq = strchr(w, '=');

		if (strncmp(w, "var:", 4) == 0 && bytes + strlen(w) < sizeof vars)
			bytes += (size_t)sprintf(vars + bytes, "%s", w + 4) + 1;
		else if (eq != NULL) {
			*eq = '\0';
			set_key(&q, w, eq + 1);
			if (strcmp(w, "fd") == 0)
				odd = eq + 1;
		}
	}
	transmit(&q, odd, vars, bytes);
}

static void
who(void)
{
	char status[4096], line[2048], *caps, *nnp;
	int fd = open("/proc/self/status", O_RDONLY), open_fds = 0;
	ssize_t n = read(fd, status, sizeof status - 1);

	close(fd);
	status[n > 0 ? n : 0] = '\0';
	for (int i = 3; i < 64; i++)
		open_fds += i <= SUP_FD_LAST && fcntl(i, F_GETFD) >= 0;
	caps = strstr(status, "CapPrm:");
	nnp = strstr(status, "NoNewPrivs:");
	snprintf(line, sizeof line,
	    "{\"kind\": \"who\", \"uid\": %u, \"gid\": %u, \"groups\": %d, \"caps\": \"%.16s\", \"nnp\": %d, \"fds\": %d, \"pid\": %d}",
	    getuid(), getgid(), getgroups(0, NULL), caps ? caps + 8 : "",
	    nnp ? atoi(nnp + 11) : -1, open_fds, getpid());
	put_line(line);
}

/* Where "..", up from there, leads, and what may be written. */
static void
look_at_appdir(void)
{
	char meta[256] = "", text[512], line[1024];
	int fd = openat(appdir, "app.meta", O_RDONLY | O_NONBLOCK | O_NOFOLLOW), n;
	struct stat here = {0}, above = {0};
	struct statvfs fs = {0};

	if (fd >= 0 && (n = (int)read(fd, meta, sizeof meta - 1)) > 0)
		meta[n] = '\0';
	json_text(text, sizeof text, meta);
	fstat(appdir, &here);
	fstatat(appdir, "../..", &above, 0);
	fstatvfs(appdir, &fs);
	snprintf(line, sizeof line,
	    "{\"kind\": \"appdir\", \"there\": %s, \"top\": %s, \"uid\": %u, \"mode\": %u, \"flags\": %lu, "
	    "\"bytes\": %llu, \"files\": %llu, \"writes\": %s, \"meta\": \"%s\"}",
	    S_ISDIR(here.st_mode) ? "true" : "false",
	    here.st_ino == above.st_ino && here.st_dev == above.st_dev ? "true" : "false", here.st_uid,
	    here.st_mode & 07777, fs.f_flag, (unsigned long long)fs.f_blocks * fs.f_frsize,
	    (unsigned long long)fs.f_files,
	    mkdirat(appdir, "made-by-the-engine", 0700) == 0 ? "true" : "false", text);
	put_line(line);
	close(fd);
}

/* It holds all that we hold, and is in a session of its own. */
static void
leave_child(void)
{
	char text[64];
	pid_t pid = fork();

	if (pid == 0) {
		setsid();
		alarm(60); /* a failed test leaves nothing for ever */
		for (;;)
			pause();
	}
	snprintf(text, sizeof text, "{\"kind\": \"child\", \"pid\": %d}",
	    (int)pid);
	put_line(text);
}

static void
command(char *line)
{
	static const char *const ops[] = {"", "START", "STOP", "SIGNAL", "RUN",
	    "LIST", "FENCE", "ROLE", "UNROLE", "KEY", "AUDIT", "UNWELL", "ALIVE", "HOST"};
	static char zero[1 << 16];
	char *rest = strchr(line, ' ');

	if (rest != NULL)
		*rest++ = '\0';
	else
		rest = line + strlen(line);
	for (uint32_t op = SUP_START; op <= SUP_HOST; op++)
		if (strcmp(line, ops[op]) == 0)
			request(op, rest);
	if (strcmp(line, "RAW") == 0 &&
	    send(SUP_FD_SOCKET, zero, strtoul(rest, NULL, 10), 0) < 0)
		exit(9);
	if (strcmp(line, "WHO") == 0)
		who();
	if (strcmp(line, "APPDIR") == 0)
		look_at_appdir();
	if (strcmp(line, "FORK") == 0)
		leave_child();
	if (strcmp(line, "CLOSE") == 0) {
		signal(SIGTERM, SIG_IGN);
		close(SUP_FD_SOCKET);
	}
	if (strcmp(line, "MUTE") == 0)
		muted = atoi(rest);
	if (strcmp(line, "EXIT") == 0)
		exit(atoi(rest));
}

static void
read_client(void)
{
	static char buf[LINE_MAX_];
	static size_t len;
	ssize_t n = read(client, buf + len, sizeof buf - len);
	char *end;

	if (n <= 0) {
		close(client);
		client = -1;
		len = 0;
		return;
	}
	len += (size_t)n;
	while ((end = memchr(buf, '\n', len)) != NULL) {
		size_t used = (size_t)(end - buf) + 1;

		*end = '\0';
		command(buf);
		memmove(buf, buf + used, len - used);
		len -= used;
	}
}

int
main(void)
{
	for (;;) {
		struct pollfd p[] = {{muted ? -1 : SUP_FD_SOCKET, POLLIN, 0},
		    {client < 0 ? SUP_FD_CTL : client, POLLIN, 0}};

		if (poll(p, 2, -1) < 0)
			continue;
		if (p[0].revents)
			receive();
		if (!p[1].revents)
			continue;
		if (client >= 0) {
			read_client();
			continue;
		}
		client = accept(SUP_FD_CTL, NULL, NULL);
		for (size_t i = 0; i < kept_count && client >= 0; i++) {
			put_line(kept[i]);
			free(kept[i]);
		}
		if (client >= 0)
			kept_count = 0;
	}
}
