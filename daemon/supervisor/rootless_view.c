/*
 * rootless_view.c - what a user's processes see of the host's files: the devices of
 * a container, and the little of its user's home that the engine needs.
 *
 * The engine is another user by its sub id, whom a home of mode 0700 keeps out of the
 * configs as well; or it is the same user, whom nothing keeps out of anything.  In
 * both cases it gets a home that is empty but for what its work is with.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../base/own.h"
#include "rootless.h"
#include "sys.h"

#define EMPTY_OPTIONS "mode=755,size=64k,nr_inodes=64"

/* A detached copy of the mount at a path, with these attributes, or -1. */
static int
copy_of(const char *path, unsigned attributes)
{
	struct mount_attr attr = {.attr_set = attributes, .propagation = MS_PRIVATE};
	int fd = (int)syscall(SYS_open_tree, AT_FDCWD, path,
	    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);

	if (fd >= 0 && syscall(SYS_mount_setattr, fd, "",
			   AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int
put(int mnt, int dir, const char *path)
{
	return (int)syscall(SYS_move_mount, mnt, "", dir, path,
	    MOVE_MOUNT_F_EMPTY_PATH);
}

int
rootless_device(const char *name)
{
	char path[32];

	/* Read-only is the name in there, not the device. */
	snprintf(path, sizeof path, "/dev/%s", name);
	return copy_of(path, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
}

int
rootless_put_device(int mnt, int dir, const char *name)
{
	AUTO_CLOSE int file = openat(dir, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	return file < 0 ? -1 : put(mnt, dir, name);
}

/* mkdir -p; what is there is fine. */
static void
make_all(const char *path)
{
	char part[CONFIG_PATH_CAP];

	for (const char *p = path + 1; *p != '\0';) {
		p += strcspn(p, "/");
		snprintf(part, sizeof part, "%.*s", (int)(p - path), path);
		(void)mkdir(part, 0755);
		p += strspn(p, "/");
	}
}

/* Is path dir, or in it? */
static bool
is_in(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return n > 1 && strncmp(path, dir, n) == 0 &&
	    (path[n] == '/' || path[n] == '\0');
}

int
rootless_view(const struct config *c)
{
	const struct {
		const char *path;
		unsigned attributes;
	} needed[] = {{c->config_dir, MOUNT_ATTR_RDONLY},
	    {c->sandboxes_dir, MOUNT_ATTR_RDONLY},
	    {c->images_dir, MOUNT_ATTR_RDONLY}, {c->state_dir, 0}, {c->log_dir, 0}};
	const char *const covered[] = {getenv("HOME"), getenv("XDG_RUNTIME_DIR")};
	int mounts[ARRAY_LEN(needed)];

	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -1;
	/* What is not there now would not be there for this engine at all. */
	for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
		make_all(needed[i].path);
		mounts[i] = copy_of(needed[i].path, needed[i].attributes);
	}
	for (size_t i = 0; i < ARRAY_LEN(covered); i++)
		if (covered[i] != NULL && covered[i][0] == '/' &&
		    covered[i][1] != '\0' &&
		    mount("none", covered[i], "tmpfs",
			MS_NOSUID | MS_NODEV | MS_NOEXEC, EMPTY_OPTIONS) < 0 &&
		    errno != ENOENT)
			return -1;
	for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
		bool hidden = false;

		for (size_t k = 0; k < ARRAY_LEN(covered); k++)
			hidden = hidden || (covered[k] != NULL &&
						is_in(needed[i].path, covered[k]));
		if (mounts[i] < 0 || (!hidden && needed[i].attributes == 0))
			continue;
		if (hidden)
			make_all(needed[i].path);
		/* A directory of sandboxes lies in that of the configs, as a rule. */
		if (put(mounts[i], AT_FDCWD, needed[i].path) < 0)
			return -1;
		close(mounts[i]);
	}
	return 0;
}
