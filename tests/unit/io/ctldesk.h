/*
 * ctldesk.h - a control socket in a folder, as verbs' tests ask it, and its end.
 */
#ifndef TEST_CTLDESK_H
#define TEST_CTLDESK_H

#include "../../../daemon/io/ctl.h"
#include "loop.h"

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

/* When all have gone. */
static inline void
ctldesk_close(struct ctl *c, uv_loop_t *l)
{
	loop_until(l, c->conns == 0);
	uv_close((uv_handle_t *)&c->listener, NULL);
	loop_end(l);
}

#endif
