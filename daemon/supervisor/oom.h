/*
 * oom.h - memory is gone in a container, and the kernel ended something in it.
 *
 * cgroup2 ends the whole container then (memory.oom.group), and one file tells
 * of all there are.  v1 ends the process that it picks, and tells an eventfd
 * just before: what is left of the container is ended here, so that it means
 * the same on both.
 */
#ifndef SUPERVISOR_OOM_H
#define SUPERVISOR_OOM_H

#include "cgroup.h"

struct sup;

struct oom {
	int fd;	       /* owned: to poll for `events` */
	short events;
	msec check_at; /* or MSEC_NEVER */
	int checks;    /* still to come */
	bool deaf;     /* it was said that v1 does not tell */
};

/* From here on it may be told; -1 where no controller is. */
MUST_CHECK int oom_open(struct oom *o, const struct cgroups *g, struct err *err);
/* A container runs in that leaf. */
void oom_watch(struct oom *o, const struct cgroups *g, const char *leaf);
void oom_ready(struct oom *o, msec now);
void oom_tick(struct sup *s, msec now);

#endif
