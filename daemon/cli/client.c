/*
 * client.c - the control socket from the asking side.
 *
 * The daemon is trusted to be the daemon (its directory is root's), but not to
 * be well: it may hang, die in the middle of an answer or be of another
 * version, so every wait has an end and every length a bound.
 */
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>

#include "../base/ctl.h"
#include "../base/own.h"

/* Grown as bytes arrive, so that a length alone costs no memory. */
enum { CHUNK_BYTES = 64 << 10 };

int64_t
client_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int
connect_failed(struct client *c, int error, struct err *err)
{
	char path[256];

	err_escape(path, sizeof path, c->path, strlen(c->path));
	if (error == EACCES || error == EPERM) {
		c->hint = "sudo usermod -aG mesh $USER, then log in again";
		return err_set(
		    err, EXIT_NO_DAEMON, "permission denied on %s: join group 'mesh'", path);
	}
	c->hint = "systemctl start meshd, or give --socket PATH";
	return err_set(err, EXIT_NO_DAEMON, "cannot connect to %s: %s; is meshd running?", path,
	    strerror(error));
}

int
client_open(struct client *c, const char *path, int timeout_ms, struct err *err)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct timeval wait = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};

	*c = (struct client){.fd = -1, .path = path, .timeout_ms = timeout_ms};
	if (strlen(path) >= sizeof sa.sun_path)
		return connect_failed(c, ENAMETOOLONG, err);
	memcpy(sa.sun_path, path, strlen(path) + 1);
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(err, EXIT_NO_DAEMON, "socket: %s", strerror(errno));
	/* A full backlog would block connect, a stuck reader would block send. */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
	if (connect(fd, (struct sockaddr *)&sa, sizeof sa) < 0)
		return connect_failed(c, errno, err);
	c->fd = fd;
	fd = -1;
	return 0;
}

static int
lost(struct client *c, const char *what, const char *why, struct err *err)
{
	char path[256];

	err_escape(path, sizeof path, c->path, strlen(c->path));
	c->hint = "journalctl -u meshd shows what the daemon says";
	return err_set(err, EXIT_NO_DAEMON, "%s: %s: %s", path, what, why);
}

static int
send_all(struct client *c, const uint8_t *buf, size_t len, struct err *err)
{
	while (len > 0) {
		ssize_t n = send(c->fd, buf, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		/* Who closes early has often said why: client_recv reads it. */
		if (n < 0 && errno == EPIPE)
			return 0;
		if (n < 0)
			return lost(c, "cannot send", strerror(errno), err);
		buf += n;
		len -= (size_t)n;
	}
	return 0;
}

int
client_send(struct client *c, const void *buf, size_t len, struct err *err)
{
	uint8_t head[4] = {
	    (uint8_t)len, (uint8_t)(len >> 8), (uint8_t)(len >> 16), (uint8_t)(len >> 24)};

	assert(len <= CTL_REQUEST_BYTES_MAX);
	if (send_all(c, head, sizeof head, err) < 0)
		return -err->code;
	return send_all(c, buf, len, err);
}

/* Exactly len bytes before deadline (MSEC_NEVER: whenever they come). */
static int
recv_all(struct client *c, uint8_t *buf, size_t len, int64_t deadline, struct err *err)
{
	for (size_t got = 0; got < len;) {
		struct pollfd p = {.fd = c->fd, .events = POLLIN};
		int64_t left = deadline == MSEC_NEVER ? -1 : deadline - client_now_ms();

		if (deadline != MSEC_NEVER && left <= 0)
			return lost(c, "no answer", "timed out", err);
		if (poll(&p, 1, (int)left) <= 0)
			continue; /* interrupted, or the deadline above */
		ssize_t n = recv(c->fd, buf + got, len - got, MSG_DONTWAIT);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return lost(c, "no answer", strerror(errno), err);
		if (n == 0)
			return lost(c, "no answer", "the daemon closed the connection", err);
		got += (size_t)n;
	}
	return 0;
}

int
client_recv(struct client *c, uint8_t **buf, size_t *len, struct err *err)
{
	int64_t deadline = c->timeout_ms > 0 ? client_now_ms() + c->timeout_ms : MSEC_NEVER;
	AUTO_FREE uint8_t *body = NULL;
	uint8_t head[4];
	char why[80];

	if (recv_all(c, head, sizeof head, deadline, err) < 0)
		return -err->code;
	size_t want =
	    (size_t)head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 | (size_t)head[3] << 24;
	if (want == 0 || want > CTL_FRAME_BYTES_MAX) {
		snprintf(why, sizeof why, "a frame of %zu bytes (1-%d)", want, CTL_FRAME_BYTES_MAX);
		return lost(c, "answer refused", why, err);
	}
	for (size_t got = 0; got < want;) {
		size_t n = want - got < CHUNK_BYTES ? want - got : CHUNK_BYTES;
		uint8_t *more = realloc(body, got + n);

		if (more == NULL)
			return lost(c, "answer refused", "out of memory", err);
		body = more;
		if (recv_all(c, body + got, n, deadline, err) < 0)
			return -err->code;
		got += n;
	}
	*buf = body;
	*len = want;
	body = NULL;
	return 0;
}

void
client_close(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}
