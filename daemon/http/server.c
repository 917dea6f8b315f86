/*
 * server.c - see server.h.
 */
#include "server.h"

#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "head.h"
#include "request.h"

struct peek { /* a connection whose head is not whole yet */
	int fd; /* -1 = free */
	msec until;
};

struct held { /* a connection that libmicrohttpd has */
	struct MHD_Connection *conn; /* NULL = free */
	int fd;
	msec until;
};

struct server {
	struct server_conf conf;
	struct MHD_Daemon *mhd;
	int mhd_fd;
	struct peek peeks[SERVER_CONNS_MAX];
	struct held held[SERVER_CONNS_MAX];
	struct requests requests;
	uint32_t conns; /* given to libmicrohttpd and not closed */
};

static msec
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (msec)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* --- heads ---------------------------------------------------------------------- */

static const char *
reason(int status)
{
	switch (status) {
	case 411:
		return "Length Required";
	case 413:
		return "Content Too Large";
	case 414:
		return "URI Too Long";
	case 416:
		return "Range Not Satisfiable";
	case 421:
		return "Misdirected Request";
	case 431:
		return "Request Header Fields Too Large";
	case 503:
		return "Service Unavailable";
	case 505:
		return "HTTP Version Not Supported";
	default:
		return "Bad Request";
	}
}

/* What never comes to libmicrohttpd.  Small enough for the socket's empty buffer. */
static void
refuse(int fd, int status, const char *why)
{
	char text[1024], drain[1024];
	struct text body = {0};
	int n;

	api_error(&body, status == 503 ? "unavailable" : "bad_data", why);
	n = snprintf(text, sizeof text,
	    "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%.*s",
	    status, reason(status), body.len, (int)body.len, body.b != NULL ? body.b : "");
	if (n > 0 && (size_t)n < sizeof text && send(fd, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		n = 0; /* it does not listen */
	text_free(&body);
	/* With unread bytes a close is a reset, which takes the answer with it. */
	for (int i = 0; i < 16 && recv(fd, drain, sizeof drain, MSG_DONTWAIT) > 0; i++)
		;
	shutdown(fd, SHUT_WR);
	close(fd);
}

static void
hand_over(struct server *s, int fd)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof sa;

	if (getpeername(fd, (struct sockaddr *)&sa, &len) < 0)
		close(fd);
	else if (MHD_add_connection(s->mhd, fd, (struct sockaddr *)&sa, len) == MHD_YES)
		s->conns++; /* else it has closed it */
}

/* ended: nothing more comes. */
static void
look(struct server *s, struct peek *p, bool ended, msec now)
{
	uint8_t buf[HEAD_BYTES_MAX + 1];
	ssize_t n = recv(p->fd, buf, sizeof buf, MSG_PEEK | MSG_DONTWAIT);
	char why[512], shown[200];
	struct head h;
	int fd = p->fd, more;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		n = 0;
	else if (n <= 0) {
		close(fd);
		p->fd = -1;
		return;
	}
	if (!head_read(buf, (size_t)n, &h)) {
		if (now >= p->until || ended) {
			close(fd);
			p->fd = -1;
			return;
		}
		more = (int)n + 1; /* wake up for what is new, not for what is known */
		setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &more, sizeof more);
		return;
	}
	p->fd = -1;
	if (h.status != 0) {
		refuse(fd, h.status, h.why);
		return;
	}
	if (!head_host_is(buf + h.host_off, h.host_len, s->conf.hosts, s->conf.hosts_count)) {
		err_escape(shown, sizeof shown, (const char *)buf + h.host_off, h.host_len);
		snprintf(why, sizeof why, "unknown host '%.120s'; `hosts:` in the daemon's `http:` names more", shown);
		refuse(fd, 421, why);
		return;
	}
	more = 1;
	setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &more, sizeof more);
	hand_over(s, fd);
}

/* libmicrohttpd sees it end, and closes it. */
static void
cut(struct held *h)
{
	shutdown(h->fd, SHUT_RDWR);
	h->until = MSEC_NEVER;
}

static bool
waits_for_us(const struct held *h)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(h->conn, MHD_CONNECTION_INFO_CONNECTION_SUSPENDED);

	return info != NULL && info->suspended == MHD_YES;
}

/* Of those that wait for the other side, the oldest goes.  False: there is none. */
static bool
make_room(struct server *s)
{
	struct held *oldest = NULL;

	for (size_t i = 0; i < SERVER_CONNS_MAX; i++) {
		struct held *h = &s->held[i];

		if (h->conn != NULL && h->until != MSEC_NEVER && (oldest == NULL || h->until < oldest->until) && !waits_for_us(h))
			oldest = h;
	}
	if (oldest == NULL)
		return false;
	cut(oldest);
	MHD_run(s->mhd);
	return s->conns < SERVER_CONNS_MAX;
}

static void
accept_one(struct server *s, msec now)
{
	int fd = accept4(s->conf.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct peek *oldest = NULL, *place = NULL;
	uint32_t waiting = 0;

	if (fd < 0)
		return;
	for (size_t i = 0; i < SERVER_CONNS_MAX; i++) {
		struct peek *p = &s->peeks[i];

		if (p->fd < 0)
			place = p;
		else if (waiting++ == 0 || p->until < oldest->until)
			oldest = p;
	}
	if (waiting + s->conns >= SERVER_CONNS_MAX && (waiting > 0 || !make_room(s)))
		place = oldest;
	if (place == NULL) {
		refuse(fd, 503, "64 connections are open");
		return;
	}
	if (place->fd >= 0)
		close(place->fd);
	*place = (struct peek){fd, now + SERVER_HEAD_MS};
}

/* --- the loop --------------------------------------------------------------------- */

static void
on_connection(void *arg, struct MHD_Connection *c, void **state, enum MHD_ConnectionNotificationCode code)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct server *s = arg;
	struct held *h = *state;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		s->conns -= s->conns > 0;
		if (h != NULL)
			*h = (struct held){0};
		return;
	}
	for (size_t i = 0; i < SERVER_CONNS_MAX && h == NULL && info != NULL; i++)
		if (s->held[i].conn == NULL) {
			h = &s->held[i];
			*h = (struct held){c, info->connect_fd, now_ms() + s->conf.whole_ms};
		}
	*state = h;
}

int
server_new(const struct server_conf *c, struct server **out, struct err *err)
{
	struct server *s = calloc(1, sizeof *s);
	const union MHD_DaemonInfo *info;

	*out = NULL;
	if (s == NULL)
		return err_set(err, EXIT_ENVIRONMENT, "out of memory");
	s->conf = *c;
	if (s->conf.whole_ms == 0)
		s->conf.whole_ms = SERVER_WHOLE_MS;
	s->requests.ctl = c->ctl;
	for (size_t i = 0; i < SERVER_CONNS_MAX; i++)
		s->peeks[i].fd = -1;
	s->mhd = MHD_start_daemon(
	    MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC, 0, NULL, NULL,
	    request_handle, &s->requests, MHD_OPTION_URI_LOG_CALLBACK, request_new, &s->requests,
	    MHD_OPTION_NOTIFY_COMPLETED, request_done, &s->requests, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)48 << 10, MHD_OPTION_CONNECTION_TIMEOUT,
	    (unsigned)SERVER_IDLE_MS / 1000, MHD_OPTION_CONNECTION_LIMIT, (unsigned)SERVER_CONNS_MAX,
	    MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
	info = s->mhd != NULL ? MHD_get_daemon_info(s->mhd, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (info == NULL) {
		if (s->mhd != NULL)
			MHD_stop_daemon(s->mhd);
		free(s);
		return err_set(err, EXIT_ENVIRONMENT, "libmicrohttpd does not start: %s", strerror(errno));
	}
	s->mhd_fd = info->epoll_fd;
	*out = s;
	return 0;
}

static int
wait_ms(struct server *s, msec now)
{
	MHD_UNSIGNED_LONG_LONG mhd;
	msec wait = 1000;

	if (MHD_get_timeout(s->mhd, &mhd) == MHD_YES && (msec)mhd < wait)
		wait = (msec)mhd;
	for (size_t i = 0; i < SERVER_CONNS_MAX; i++)
		if (s->peeks[i].fd >= 0 && s->peeks[i].until - now < wait)
			wait = s->peeks[i].until - now;
	for (size_t i = 0; i < SERVER_CONNS_MAX; i++)
		if (s->held[i].conn != NULL && s->held[i].until - now < wait)
			wait = s->held[i].until - now;
	return (int)(wait < 0 ? 0 : wait);
}

void
server_turn(struct server *s)
{
	struct pollfd fds[2 + SERVER_CONNS_MAX + SERVER_PLACES];
	struct peek *of[SERVER_CONNS_MAX];
	size_t n = 2, peeks = 0, asks;
	msec now = now_ms();

	fds[0] = (struct pollfd){.fd = s->conf.listener, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = s->mhd_fd, .events = POLLIN};
	for (size_t i = 0; i < SERVER_CONNS_MAX; i++)
		if (s->peeks[i].fd >= 0) {
			of[peeks++] = &s->peeks[i];
			fds[n++] = (struct pollfd){.fd = s->peeks[i].fd, .events = POLLIN | POLLRDHUP};
		}
	asks = requests_poll(&s->requests, fds + n, SERVER_PLACES);
	if (poll(fds, (nfds_t)(n + asks), wait_ms(s, now)) < 0)
		return;
	now = now_ms();
	for (size_t i = 0; i < peeks; i++)
		if (fds[2 + i].revents != 0 || now >= of[i]->until)
			look(s, of[i], (fds[2 + i].revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0, now);
	for (size_t i = 0; i < SERVER_CONNS_MAX; i++)
		if (s->held[i].conn != NULL && now >= s->held[i].until)
			cut(&s->held[i]);
	requests_turn(&s->requests, now);
	if (fds[0].revents != 0)
		accept_one(s, now);
	MHD_run(s->mhd);
}
