/*
 * role.c - rendered/ROLE: made for the engine to write in, removed with all
 * that it wrote.  What is inside belongs to the engine's user and is hostile:
 * it is walked by descriptor and never through a link.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/own.h"
#include "place.h"
#include "sys.h"

enum { DEPTH_MAX = 32 };

int
place_role(const struct place *p, const struct config *c, const char *role,
    struct err *err)
{
	if (mkdirat(p->rendered_dir, role, 0700) < 0 && errno != EEXIST)
		return err_set(err, EXIT_STATE, "cannot create rendered/%s: %s",
		    role, strerror(errno));
	AUTO_CLOSE int fd = sys_open_beneath(p->rendered_dir, role,
	    O_RDONLY | O_DIRECTORY);
	if (fd < 0 || fchown(fd, 0, c->gid) < 0 || fchmod(fd, 0775) < 0)
		return err_set(err, EXIT_STATE, "cannot open rendered/%s: %s",
		    role, strerror(errno));
	return 0;
}

/* Everything below dir; the caller has made dir unwritable for others. */
static int
clear(int dir, int depth)
{
	struct dirent *e;
	int copy = fcntl(dir, F_DUPFD_CLOEXEC, 3);
	AUTO_CLOSEDIR DIR *d = copy < 0 ? NULL : fdopendir(copy);

	if (d == NULL || depth > DEPTH_MAX)
		return -1;
	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (unlinkat(dir, e->d_name, 0) == 0)
			continue;
		if (errno != EISDIR && errno != EPERM)
			return -1;
		AUTO_CLOSE int sub = sys_open_beneath(dir, e->d_name,
		    O_RDONLY | O_DIRECTORY);
		if (sub < 0 || fchown(sub, 0, 0) < 0 || fchmod(sub, 0700) < 0 ||
		    clear(sub, depth + 1) < 0 ||
		    unlinkat(dir, e->d_name, AT_REMOVEDIR) < 0)
			return -1;
	}
	return 0;
}

int
place_unrole(const struct place *p, const char *role, struct err *err)
{
	AUTO_CLOSE int fd = sys_open_beneath(p->rendered_dir, role,
	    O_RDONLY | O_DIRECTORY);

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fchown(fd, 0, 0) < 0 || fchmod(fd, 0700) < 0 ||
	    clear(fd, 0) < 0 ||
	    unlinkat(p->rendered_dir, role, AT_REMOVEDIR) < 0)
		return err_set(err, EXIT_STATE, "cannot remove rendered/%s: %s",
		    role, strerror(errno));
	return 0;
}
