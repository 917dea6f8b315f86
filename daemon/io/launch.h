/*
 * launch.h - the engine's side of the supervisor's socket (base/proto.h).
 * Requests are queued here while the socket is full, bounded; a lost event
 * (SUP_EV_LOST) makes the owner ask LIST again.
 */
#ifndef IO_LAUNCH_H
#define IO_LAUNCH_H

#include <uv.h>

#include "../base/proto.h"

enum { LAUNCH_QUEUE_MAX = 4096 };

struct launch_item {
	struct sup_req req;
	int fd; /* memfd of variables, or -1; owned */
};

struct launch {
	uv_poll_t poll;
	int fd;
	uint64_t ticket;
	struct launch_item *queue; /* ring */
	size_t head, count;
	void *arg;
	/* fd is -1 or belongs to the callee. */
	void (*on_event)(void *arg, const struct sup_event *ev, int fd);
	void (*on_close)(void *arg); /* the supervisor is gone */
};

/* Takes the socket (non-blocking).  0 or a negative uv error. */
MUST_CHECK int launch_init(struct launch *l, uv_loop_t *loop, int fd, void *arg,
    void (*on_event)(void *arg, const struct sup_event *ev, int fd), void (*on_close)(void *arg));
/* Queue a request; vars (NAME=VALUE NUL ...) may be NULL.  The ticket that
 * comes back in its answer, or 0 when the queue or memory is full. */
uint64_t launch_send(struct launch *l, struct sup_req *req, const void *vars, size_t vars_bytes);
/* A request with op and names set, everything else zero.  Names that do not
 * fit are refused by launch_send's supervisor, never cut silently: false. */
bool launch_req(struct sup_req *req, enum sup_op op, const char *role, const char *instance);

#endif
