/*
 * launch_volumes.c - what is mounted: the image and the volumes, each opened on
 * the host as a detached copy of its mounts before there is a child.  The child
 * gets descriptors and never sees a path of the host.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../base/own.h"
#include "../base/weak.h"
#include "child.h"
#include "launch.h"
#include "sys.h"

/* A detached, private, read-only copy of the mounts at dir; more: attributes
 * besides the usual. */
static int
copy_tree(int dir, unsigned recursive, int userns, uint64_t more)
{
	struct mount_attr attr = {
	    .attr_set = more | (unsigned)IF_HOLDS("readonly", MOUNT_ATTR_RDONLY) |
		(unsigned)IF_HOLDS("nosuid", MOUNT_ATTR_NOSUID) |
		(unsigned)IF_HOLDS("nodev", MOUNT_ATTR_NODEV) |
		(userns >= 0 ? MOUNT_ATTR_IDMAP : 0),
	    .propagation = MS_PRIVATE,
	    .userns_fd = userns >= 0 ? (uint64_t)(unsigned)userns : 0,
	};
	int tree = (int)syscall(SYS_open_tree, dir, "",
	    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | recursive);

	if (tree >= 0 &&
	    syscall(SYS_mount_setattr, tree, "",
		AT_EMPTY_PATH | IF_HOLDS("recursive", recursive), &attr,
		sizeof attr) < 0) {
		int saved = errno;

		close(tree);
		errno = saved;
		return -1;
	}
	return tree;
}

static int
open_root(const struct spec *s, int userns, int *out, struct err *err)
{
	int dir = -1, rc;

	rc = launch_image(s->instance, s->images_dir, s->image, &dir, err);
	if (rc < 0)
		return rc;
	*out = copy_tree(dir, AT_RECURSIVE, userns, 0);
	close(dir);
	if (*out < 0 && userns >= 0 && (errno == EINVAL || errno == EPERM))
		return err_set(err, EXIT_CONFIG,
		    "%s: image %s: its file system can't be id-mapped; set userns: off in sandbox '%s' to accept less isolation",
		    s->instance, s->image, s->sandbox);
	if (*out < 0)
		return err_set(err, EXIT_ENVIRONMENT,
		    "%s: image %s: cannot mount it: %s", s->instance, s->image,
		    strerror(errno));
	return 0;
}

static int
open_volume(const struct launcher *l, const struct spec *s,
    const struct spec_volume *v, struct err *err)
{
	char path[NAME_CAP + 8];
	int dir, tree;

	if (v->kind == SPEC_RENDERED) {
		snprintf(path, sizeof path, "%s%s", s->role,
		    s->staged ? "/check" : "");
		dir = sys_open_beneath(l->place->rendered_dir, path,
		    O_PATH | O_DIRECTORY);
	} else {
		AUTO_CLOSE int top = open(v->source,
		    O_PATH | O_DIRECTORY | O_CLOEXEC);

		snprintf(path, sizeof path, "%s", "host");
		dir = top < 0 ? -1 :
				sys_open_beneath(top, v->below,
				    O_PATH | O_DIRECTORY);
	}
	if (dir < 0)
		return err_set(err, EXIT_CONFIG,
		    "%s: volume %s: cannot open %s%s%s: %s", s->instance,
		    v->target,
		    v->kind == SPEC_RENDERED ? "rendered/" : v->source,
		    v->kind == SPEC_RENDERED ? path : "", v->below,
		    strerror(errno));
	/* The engine writes rendered files: it must not give programs. */
	tree = v->kind == SPEC_RENDERED ?
	    copy_tree(dir, 0, -1,
		(unsigned)IF_HOLDS("rendered-noexec", MOUNT_ATTR_NOEXEC)) :
	    copy_tree(dir, AT_RECURSIVE, -1, 0);
	close(dir);
	if (tree < 0)
		return err_set(err, EXIT_ENVIRONMENT,
		    "%s: volume %s: cannot mount it: %s", s->instance, v->target,
		    strerror(errno));
	return tree;
}

int
launch_mounts(struct launcher *l, const struct spec *s, struct child *c,
    struct err *err)
{
	int rc;

	c->userns = launch_userns(l, s, err);
	if (c->userns < -1)
		return -err->code;
	rc = open_root(s, c->userns, &c->root, err);
	for (uint32_t i = 0; i < s->volumes_count && rc == 0; i++) {
		if (s->volumes[i].kind == SPEC_TMPFS)
			continue;
		c->volumes[i] = open_volume(l, s, &s->volumes[i], err);
		rc = c->volumes[i] < 0 ? c->volumes[i] : 0;
	}
	return rc;
}
