/*
 * launch.c - fixed-size records to the supervisor and back.  Both ends are
 * non-blocking: root never waits for the engine and the engine never for root.
 */
#include "launch.h"

#include "memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "../base/log.h"
#include "../base/own.h"

static void on_poll(uv_poll_t *poll, int status, int events);

int
launch_init(struct launch *l, uv_loop_t *loop, int fd, void *arg,
    void (*on_event)(void *, const struct sup_event *, int), void (*on_close)(void *))
{
	int rc;

	memset(l, 0, sizeof *l);
	l->fd = fd;
	l->arg = arg;
	l->on_event = on_event;
	l->on_close = on_close;
	l->queue = calloc(LAUNCH_QUEUE_MAX, sizeof *l->queue);
	if (l->queue == NULL)
		return UV_ENOMEM;
	if ((rc = uv_poll_init(loop, &l->poll, fd)) < 0)
		return rc;
	l->poll.data = l;
	return uv_poll_start(&l->poll, UV_READABLE, on_poll);
}

/* 1 sent, 0 would block, -1 failed for good. */
static int
send_one(struct launch *l, const struct launch_item *item)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)&item->req, .iov_len = sizeof item->req};
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} c = {.buf = {0}};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	if (item->fd >= 0) {
		msg.msg_control = c.buf;
		msg.msg_controllen = sizeof c.buf;
		struct cmsghdr *h = CMSG_FIRSTHDR(&msg);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(h), &item->fd, sizeof(int));
	}
	do
		n = sendmsg(l->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN || errno == ENOBUFS ? 0 : -1;
	return 1;
}

/* Send what is queued, then watch for room only while something is left. */
static void
drain(struct launch *l)
{
	while (l->count > 0) {
		struct launch_item *item = &l->queue[l->head];
		int rc = send_one(l, item);

		if (rc == 0)
			break;
		if (rc < 0)
			log_warn("supervisor socket: %s", strerror(errno));
		if (item->fd >= 0)
			close(item->fd);
		l->head = (l->head + 1) % LAUNCH_QUEUE_MAX;
		l->count--;
	}
	uv_poll_start(&l->poll, UV_READABLE | (l->count > 0 ? UV_WRITABLE : 0), on_poll);
}

uint64_t
launch_send(struct launch *l, struct sup_req *req, const void *vars, size_t vars_bytes)
{
	struct launch_item item = {.fd = -1};

	if (l->count == LAUNCH_QUEUE_MAX || vars_bytes > SUP_VARS_BYTES_MAX)
		return 0;
	if (vars != NULL && (item.fd = memfd_sealed(vars, vars_bytes)) < 0)
		return 0;
	req->version = SUP_VERSION;
	req->ticket = ++l->ticket;
	item.req = *req;
	l->queue[(l->head + l->count++) % LAUNCH_QUEUE_MAX] = item;
	drain(l);
	return req->ticket;
}

bool
launch_req(struct sup_req *req, enum sup_op op, const char *role, const char *instance)
{
	memset(req, 0, sizeof *req);
	req->op = op;
	if (strlen(role) >= sizeof req->role || strlen(instance) >= sizeof req->instance)
		return false;
	memcpy(req->role, role, strlen(role));
	memcpy(req->instance, instance, strlen(instance));
	return true;
}

/* One event and at most one descriptor.  1, 0 would block, -1 closed. */
static int
recv_one(struct launch *l, struct sup_event *ev, int *fd)
{
	struct iovec iov = {.iov_base = ev, .iov_len = sizeof *ev};
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} c;
	struct msghdr msg = {
	    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = c.buf, .msg_controllen = sizeof c.buf};
	ssize_t n;

	*fd = -1;
	do
		n = recvmsg(l->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0)
		return -1;
	struct cmsghdr *h = CMSG_FIRSTHDR(&msg);
	if (h != NULL && h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(h), sizeof(int));
	if ((size_t)n == sizeof *ev && (msg.msg_flags & MSG_TRUNC) == 0 &&
	    ev->version == SUP_VERSION)
		return 1;
	if (*fd >= 0)
		close(*fd);
	return -1;
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	struct launch *l = poll->data;
	struct sup_event ev;
	int fd, rc = 1;

	if (status < 0) {
		l->on_close(l->arg);
		return;
	}
	for (int i = 0; i < 64 && (rc = recv_one(l, &ev, &fd)) > 0; i++)
		l->on_event(l->arg, &ev, fd);
	if (rc < 0) {
		uv_poll_stop(poll);
		l->on_close(l->arg);
		return;
	}
	if (events & UV_WRITABLE)
		drain(l);
}
