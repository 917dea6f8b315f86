/*
 * oom.c - see oom.h.
 */
#include "oom.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../base/log.h"
#include "../base/own.h"
#include "sup.h"
#include "sys.h"

enum {
	SOON_MS = 20, /* v1 tells before it does it, and when a group goes */
	AGAIN_MS = 300,
	CHECKS = 2,
	EVENTS_BYTES = 512,
};

int
oom_open(struct oom *o, const struct cgroups *g, struct err *err)
{
	*o = (struct oom){.fd = -1, .events = POLLIN, .check_at = MSEC_NEVER};
	if (g->v2[CGROUP_MEMORY]) {
		/* Ours counts what happens in all below. */
		o->fd = openat(g->unified, "memory.events", O_RDONLY | O_CLOEXEC);
		o->events = POLLPRI;
	} else if (g->v1[CGROUP_MEMORY] >= 0) {
		o->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	} else {
		return 0;
	}
	return o->fd < 0 ? err_set(err, EXIT_ENVIRONMENT,
			       "cannot hear of memory that is gone: %s",
			       strerror(errno)) :
			   0;
}

void
oom_watch(struct oom *o, const struct cgroups *g, const char *leaf)
{
	char path[CGROUP_LEAF_CAP + 64], text[32];

	if (o->fd < 0 || g->v2[CGROUP_MEMORY])
		return;
	snprintf(path, sizeof path, "%s/memory.oom_control", leaf);
	AUTO_CLOSE int control = openat(g->v1[CGROUP_MEMORY], path,
	    O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof path, "%s/cgroup.event_control", leaf);
	snprintf(text, sizeof text, "%d %d", o->fd, control);
	if (control >= 0 &&
	    sys_write_file(g->v1[CGROUP_MEMORY], path, text) == 0)
		return;
	if (errno != ENOENT && !o->deaf)
		log_warn("cgroup v1 does not tell when memory is gone: %s; a container of which the kernel ended one process runs on",
		    strerror(errno));
	o->deaf = o->deaf || errno != ENOENT;
}

void
oom_ready(struct oom *o, msec now)
{
	char text[EVENTS_BYTES];

	/* Read, it can tell again. */
	if (pread(o->fd, text, sizeof text, 0) < 0 &&
	    read(o->fd, text, sizeof text) < 0)
		return;
	o->checks = CHECKS;
	if (o->check_at == MSEC_NEVER)
		o->check_at = now + SOON_MS;
}

static void
look(struct sup *s, struct row *r)
{
	if (r->over || r->run.pidfd < 0 || r->run.leaf[0] == '\0' ||
	    r->run.oom ||
	    cgroup_oom_killed(&s->cgroups, r->run.leaf) == CGROUP_OOM_NONE)
		return;
	r->run.oom = true;
	log_warn("%s: its memory was gone, and the kernel ended a process of it: all of it ends",
	    r->instance);
	cgroup_kill(&s->cgroups, r->run.leaf);
}

void
oom_tick(struct sup *s, msec now)
{
	struct oom *o = &s->oom;

	if (now < o->check_at)
		return;
	for (size_t i = 0; i < s->rows_count; i++)
		look(s, s->rows[i]);
	o->check_at = --o->checks > 0 ? now + AGAIN_MS : MSEC_NEVER;
}
