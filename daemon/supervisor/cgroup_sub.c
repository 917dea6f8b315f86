/*
 * cgroup_sub.c - groups of commands, inside the group of their container.
 */
#include "cgroup_in.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/own.h"
#include "sys.h"

int
cgroup_make_sub(const struct cgroups *g, const char *sub, int *fd,
    struct err *err)
{
	*fd = -1;
	if (g->unified < 0)
		return 0;
	if (mkdirat(g->unified, sub, 0755) < 0)
		return err_set(err, EXIT_ENVIRONMENT, "cannot make cgroup %s: %s",
		    sub, strerror(errno));
	if (g->move)
		return 0;
	*fd = openat(g->unified, sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd >= 0)
		return 0;
	err_set(err, EXIT_ENVIRONMENT, "cannot open cgroup %s: %s", sub,
	    strerror(errno));
	unlinkat(g->unified, sub, AT_REMOVEDIR);
	return -err->code;
}

void
cgroup_end_subs(const struct cgroups *g, const char *leaf, int ms)
{
	int dir = openat(g->unified, leaf, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSEDIR DIR *d = dir < 0 ? NULL : fdopendir(dir);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		char sub[CGROUP_LEAF_CAP + 24];

		if (strncmp(e->d_name, CGROUP_SUB, strlen(CGROUP_SUB)) != 0)
			continue;
		snprintf(sub, sizeof sub, "%s/%.20s", leaf, e->d_name);
		if (cgroup_end(g, sub, ms))
			unlinkat(g->unified, sub, AT_REMOVEDIR);
	}
}
