/*
 * appfind.h - the directory of an application's metrics files that was not to be had at
 * once (appdir.h): of a container whose image may not answer, found by a child that waits.
 * One looks at a time; what it brings is told with a STATE of its own.
 */
#ifndef SUPERVISOR_APPFIND_H
#define SUPERVISOR_APPFIND_H

#include <sys/types.h>

#include "opener.h"

struct sup;

struct appfind {
	struct opener opener; /* for this run of an instance */
	char instance[NAME_CAP];
	pid_t pid;
	bool later; /* there are some to be found */
};

void appfind_tick(struct sup *s, msec now);
/* Its child has ended. */
void appfind_ready(struct sup *s);

#endif
