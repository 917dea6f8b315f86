/*
 * rootless_group.c - in which groups a user may make his own: those of a tree that
 * was given to him (a service manager does it, or root by chown).
 *
 * The highest one is taken, for in the group that meshd was started in there may
 * be others, and a service manager starts the next meshd there.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../base/own.h"
#include "cgroup_in.h"
#include "rootless_in.h"
#include "sys.h"

#define OF_MESHD ".meshd" /* no name of a group that is asked for */

/* Where our group of a hierarchy is, by /proc/self/cgroup; controller "": cgroup2. */
static bool
own_path(const char *controller, char *out, size_t cap)
{
	AUTO_FCLOSE FILE *f = fopen("/proc/self/cgroup", "re");
	AUTO_FREE char *line = NULL;
	size_t room = 0;

	while (f != NULL && getline(&line, &room, f) > 0) {
		char *names = strchr(line, ':'), *path;

		if (names == NULL || (path = strchr(++names, ':')) == NULL)
			continue;
		*path++ = '\0';
		if (!cgroup_listed(names, controller) &&
		    (controller[0] != '\0' || names[0] != '\0'))
			continue;
		path[strcspn(path, "\n")] = '\0';
		return snprintf(out, cap, "%s", path) < (int)cap;
	}
	return false;
}

/* May we make groups there, and put processes into them? */
static bool
may_use(int root, const char *path, const char *procs)
{
	char file[PATH_MAX];

	snprintf(file, sizeof file, "%s/%s", path, procs);
	return faccessat(root, path, W_OK | X_OK, AT_EACCESS) == 0 &&
	    faccessat(root, file, W_OK, AT_EACCESS) == 0;
}

/* The highest that may be used, or -1.  *own: it is the one that we are in. */
static int
highest(int root, const char *controller, const char *procs, bool *own)
{
	char path[PATH_MAX - 64] = ".", best[PATH_MAX - 64] = "", *slash;

	if (!own_path(controller, path + 1, sizeof path - 1))
		return -1;
	*own = true;
	while (may_use(root, path, procs)) {
		*own = best[0] == '\0';
		snprintf(best, sizeof best, "%s", path);
		if ((slash = strrchr(path, '/')) == NULL)
			break;
		*slash = '\0';
	}
	return best[0] == '\0' ? -1 :
				 openat(root, best, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void
rootless_groups(int *unified, int v1[])
{
	bool own;
	int top;

	if (*unified >= 0) {
		top = highest(*unified, "", "cgroup.procs", &own);
		close(*unified);
		*unified = top;
	}
	for (unsigned i = 0; i < CGROUP_COUNT; i++) {
		if (v1[i] < 0)
			continue;
		top = *unified < 0 ? -1 :
				     highest(v1[i], cgroup_v1_name(i), "tasks", &own);
		close(v1[i]);
		v1[i] = top;
	}
}

/* cgroup2 lets no group hand controllers down that has processes itself: where we
 * were started in the highest one, we step aside. */
void
rootless_groups_settle(void)
{
	int unified = -1, v1[CGROUP_COUNT];
	bool own = false;

	memset(v1, -1, sizeof v1);
	cgroup_find_roots(&unified, v1);
	for (int i = 0; i < CGROUP_COUNT; i++)
		if (v1[i] >= 0)
			close(v1[i]);
	AUTO_CLOSE int root = unified;
	AUTO_CLOSE int top = root < 0 ? -1 : highest(root, "", "cgroup.procs", &own);
	if (top >= 0 && own &&
	    (mkdirat(top, OF_MESHD, 0755) == 0 || errno == EEXIST))
		(void)sys_write_file(top, OF_MESHD "/cgroup.procs", "0");
}
