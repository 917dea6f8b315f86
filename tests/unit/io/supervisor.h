/*
 * supervisor.h - the supervisor's end of an engine's socket: what was asked is
 * read from `sup`; nothing is ever answered by itself.
 */
#ifndef TEST_IO_SUPERVISOR_H
#define TEST_IO_SUPERVISOR_H

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../../daemon/io/launch.h"

static int sup = -1;

static inline void
sup_event_(void *arg, const struct sup_event *ev, int fd)
{
	(void)arg;
	(void)ev;
	(void)fd;
}

static inline void
sup_gone_(void *arg)
{
	(void)arg;
}

static inline int
sup_open(struct launch *l, uv_loop_t *loop)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
		return -1;
	sup = pair[1];
	return launch_init(l, loop, pair[0], NULL, sup_event_, sup_gone_);
}

/* Before loop_end, which closes what uv still has to. */
static inline int
sup_close(struct launch *l)
{
	uv_close((uv_handle_t *)&l->poll, NULL);
	close(l->fd);
	free(l->queue);
	return close(sup);
}

#endif
