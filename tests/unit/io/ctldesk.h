/*
 * ctldesk.h - a control socket in a folder, as verbs' tests ask it, and its end.
 */
#ifndef TEST_CTLDESK_H
#define TEST_CTLDESK_H

#include "../../../daemon/io/ctl.h"
#include "loop.h"

#include <msgpack.h>

#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

/* `ctl` in that folder, with a loop of its own.  0, or negative. */
static inline int
ctldesk_open(struct ctl *c, uv_loop_t *l, const char *folder, void *arg,
    bool (*writer)(void *, uint32_t), void (*handle)(void *, struct ctl_req *))
{
	struct sockaddr_un where = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(where.sun_path, sizeof where.sun_path, "%s/ctl", folder);
	if (uv_loop_init(l) != 0 || bind(fd, (struct sockaddr *)&where, sizeof where) != 0)
		return -1;
	return ctl_init(c, l, fd, arg, writer, handle);
}

/* One whole frame in one write; the answer's frame to buf, or "" when it was ended by. */
static inline size_t
ctldesk_ask(uv_loop_t *l, const char *folder, const msgpack_sbuffer *b, uint8_t *buf, size_t cap)
{
	struct sockaddr_un where = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint8_t head[4] = {(uint8_t)b->size, (uint8_t)(b->size >> 8)};
	size_t len = 0;
	ssize_t n;

	snprintf(where.sun_path, sizeof where.sun_path, "%s/ctl", folder);
	if (connect(fd, (struct sockaddr *)&where, sizeof where) != 0 || send(fd, head, 4, 0) != 4 ||
	    send(fd, b->data, b->size, 0) != (ssize_t)b->size) {
		close(fd);
		return 0;
	}
	shutdown(fd, SHUT_WR);
	loop_until(l, ({
		while (len < cap && (n = recv(fd, buf + len, cap - len, MSG_DONTWAIT)) > 0)
			len += (size_t)n;
		len > 4 && len >= 4 + buf[0] + ((size_t)buf[1] << 8);
	}));
	close(fd);
	return len;
}

/* When all have gone. */
static inline void
ctldesk_close(struct ctl *c, uv_loop_t *l)
{
	loop_until(l, c->conns == 0);
	uv_close((uv_handle_t *)&c->listener, NULL);
	loop_end(l);
}

#endif
