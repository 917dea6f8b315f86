/*
 * launch_volumes.c - what is mounted: the image and the volumes, each opened on
 * the host as a detached copy of its mounts before there is a child.  The child
 * gets descriptors and never sees a path of the host.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../base/own.h"
#include "../base/weak.h"
#include "child.h"
#include "launch.h"
#include "prompt.h"
#include "rootless.h"
#include "sys.h"

enum { NAME_BYTES = 255, NEW_CAP = NAME_BYTES + 16, NEW_TRIES = 4 };

/* A detached mount that is nobody else's: private, never with less than nosuid and
 * nodev; more: attributes besides.  userns: id-mapped by it, or -1.  It is closed
 * when that can't be. */
static int
set_tree(int tree, unsigned recursive, int userns, uint64_t more)
{
	struct mount_attr attr = {
	    .attr_set = more | (unsigned)IF_HOLDS("nosuid", MOUNT_ATTR_NOSUID) |
		(unsigned)IF_HOLDS("nodev", MOUNT_ATTR_NODEV) |
		(userns >= 0 ? MOUNT_ATTR_IDMAP : 0),
	    .propagation = MS_PRIVATE,
	    .userns_fd = userns >= 0 ? (uint64_t)(unsigned)userns : 0,
	};

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

/* A copy of the mounts at dir. */
static int
copy_tree(int dir, unsigned recursive)
{
	return (int)syscall(SYS_open_tree, dir, "",
	    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | recursive);
}

static int
open_root(struct images *im, const struct spec *s, bool at_once, int userns, int *out,
    struct err *err)
{
	const struct image_who who = {s->instance, s->images_dir, s->image, true, at_once};
	AUTO_CLOSE int dir = -1;
	int rc = launch_image(im, &who, &dir, err), tree;

	if (rc < 0)
		return rc;
	tree = HOLDS("copies") ? copy_tree(dir, AT_RECURSIVE) : -1;
	if (tree < 0 && images_has(im, &who) &&
	    (tree = images_again(im, &who, err)) < 0)
		return tree;
	*out = set_tree(tree, AT_RECURSIVE, userns,
	    (unsigned)IF_HOLDS("readonly", MOUNT_ATTR_RDONLY));
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

static bool
is_empty(int dir)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), n = 0;
	AUTO_CLOSEDIR DIR *d = copy < 0 ? NULL : fdopendir(copy);

	while (d != NULL && n < 3 && readdir(d) != NULL)
		n++; /* "." and ".." */
	return d != NULL && n < 3;
}

/* An empty directory under a name of ours; a container that has dir may be in the
 * way with whatever it made there, but not of names that it can't know. */
static int
make_new(int dir, const char *name, char tmp[NEW_CAP])
{
	uint32_t random = 0;
	int rc;

	snprintf(tmp, NEW_CAP, ".%s.new", name);
	/* One that a kill -9 left is empty, with whatever owner. */
	unlinkat(dir, tmp, AT_REMOVEDIR);
	rc = mkdirat(dir, tmp, 0700);
	for (int i = 0; rc < 0 && errno == EEXIST && i < NEW_TRIES; i++) {
		if (getrandom(&random, sizeof random, GRND_NONBLOCK) < 0)
			break;
		snprintf(tmp, NEW_CAP, ".%s.new%08x", name, random);
		rc = mkdirat(dir, tmp, 0700);
	}
	return rc;
}

/* What was not there before: under a name of its own until owner and mode are
 * right, so that a crash leaves none that are wrong.  The directory is the one
 * that was made, whatever a container that has its parent does meanwhile. */
static int
make_last(int dir, const char *name, const struct spec_volume *v)
{
	char tmp[NEW_CAP];
	struct stat st;
	AUTO_CLOSE int fd = -1;
	int out;

	if (make_new(dir, name, tmp) < 0)
		return -1;
	fd = sys_open_beneath(dir, tmp, O_RDONLY | O_DIRECTORY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	/* Who may write in dir may give its name to one of root's that lies
	 * there: what is in that must not become the container's. */
	if (st.st_uid != 0 || st.st_mode & 077 || !is_empty(fd)) {
		errno = EEXIST; /* somebody else's */
		return -1;
	}
	/* On disk are the ids of inside: its mount is mapped. */
	if (fchown(fd, v->user, v->group) < 0 || fchmod(fd, v->mode) < 0 ||
	    syscall(SYS_renameat2, dir, tmp, dir, name, RENAME_NOREPLACE) < 0)
		return -1;
	out = fd;
	fd = -1;
	return out;
}

/* The directory at path below dir, part by part; what lacks is made, root's but
 * for the last one. */
static int
make_path(bool at_once, int dir, const char *path, const struct spec_volume *v)
{
	char part[NAME_BYTES + 1];
	int at = fcntl(dir, F_DUPFD_CLOEXEC, 3), next, saved;

	while (at >= 0 && *(path += strspn(path, "/")) != '\0') {
		size_t n = strcspn(path, "/");
		bool last = path[n + strspn(path + n, "/")] == '\0';

		snprintf(part, sizeof part, "%.*s", (int)n, path);
		path += n;
		next = prompt_beneath(at_once, at, part, O_PATH | O_DIRECTORY);
		if (next < 0 && errno == ENOENT && last)
			next = make_last(at, part, v);
		else if (next < 0 && errno == ENOENT &&
		    (mkdirat(at, part, 0755) == 0 || errno == EEXIST))
			next = sys_open_beneath(at, part, O_PATH | O_DIRECTORY);
		saved = errno;
		close(at);
		errno = saved;
		at = next;
	}
	return at;
}

/* Is dir where something is mounted? */
static bool
is_mount(int dir)
{
	struct statx sx;

	return statx(dir, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &sx) == 0 &&
	    (sx.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

static int
cannot_open(const struct spec *s, const struct spec_volume *v, const char *top,
    const char *path, struct err *err)
{
	return err_set(err, EXIT_CONFIG, "%s: volume %s: cannot open %s%s: %s%s",
	    s->instance, v->target, top, path, strerror(errno),
	    errno == ELOOP ? "; write the path without symlinks" :
		errno == ENOENT && v->kind == SPEC_PERSISTENT &&
		    !(v->flags & SPEC_MKDIR) ?
			     "; make it, or add mkdir: on" :
			     "");
}

/* The administrator's directory, then the path below it.  A container that can
 * write in one of them can put a link there: none is followed. */
static int
open_host(const struct spec *s, const struct spec_volume *v, bool at_once, int *out,
    struct err *err)
{
	const bool make = (v->flags & SPEC_MKDIR) != 0;
	const struct spec_volume top_of = {.mode = 0755};
	AUTO_CLOSE int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSE int top = root < 0 ? -1 :
					prompt_beneath(at_once, root, v->source,
					    O_PATH | O_DIRECTORY);

	if (top < 0 && errno == ENOENT && make && !(v->flags & SPEC_MUST_MOUNT))
		top = make_path(at_once, root, v->source, v->below[0] ? &top_of : v);
	if (top < 0 && at_once && errno == EAGAIN)
		return LAUNCH_LATER;
	if (top < 0)
		return cannot_open(s, v, v->source, "", err);
	if ((v->flags & SPEC_MUST_MOUNT) && !is_mount(top))
		return err_set(err, EXIT_CONFIG,
		    "%s: volume %s: %s is not a mount point (require-mount): mount what belongs there first",
		    s->instance, v->target, v->source);
	*out = make ? make_path(at_once, top, v->below, v) :
		      prompt_beneath(at_once, top, v->below, O_PATH | O_DIRECTORY);
	if (*out < 0 && at_once && errno == EAGAIN)
		return LAUNCH_LATER;
	return *out < 0 ? cannot_open(s, v, v->source, v->below, err) : 0;
}

/* What an instance keeps over its restarts. */
static int
open_state(const struct launcher *l, const struct spec *s,
    const struct spec_volume *v, int *out, struct err *err)
{
	char path[LAUNCH_STATE_CAP];
	const struct spec_volume top_of = {.mode = 01777};

	launch_state_path(s, path);
	AUTO_CLOSE int top = make_path(false, l->place->volumes_dir, path, &top_of);
	if (top < 0)
		return cannot_open(s, v, "state of ", path, err);
	*out = make_path(false, top, v->below, v);
	return *out < 0 ? cannot_open(s, v, "state", v->below, err) : 0;
}

static int
open_rendered(const struct launcher *l, const struct spec *s,
    const struct spec_volume *v, int *out, struct err *err)
{
	char path[NAME_CAP + 8];

	snprintf(path, sizeof path, "%s%s", s->role, s->staged ? "/check" : "");
	*out = sys_open_beneath(l->place->rendered_dir, path,
	    O_PATH | O_DIRECTORY);
	return *out < 0 ? cannot_open(s, v, "rendered/", path, err) : 0;
}

static bool
holds(const struct spec *s, uint32_t uid, bool outside)
{
	for (uint32_t i = 0; i < s->uid_maps_count; i++) {
		const struct spec_map *m = &s->uid_maps[i];
		uint32_t first = outside ? m->outside : m->inside;

		if (uid >= first && uid - first < m->count)
			return true;
	}
	return false;
}

/* On disk are the ids of inside, and the mount maps them, as the image's.  But
 * lithos maps no volume: what belongs to an id of outside is one of its, and is
 * left as it is. */
static int
volume_userns(const struct child *c, const struct spec *s,
    const struct spec_volume *v, int dir)
{
	struct stat st;

	/* The engine's files are for all to read, whoever owns them. */
	if (v->kind == SPEC_RENDERED || rootless() || fstat(dir, &st) < 0 ||
	    (!holds(s, st.st_uid, false) && holds(s, st.st_uid, true)))
		return -1;
	return c->userns;
}

static int
mount_volume(const struct child *c, const struct spec *s,
    const struct spec_volume *v, int dir, struct err *err)
{
	const bool writes = v->kind == SPEC_PERSISTENT || v->kind == SPEC_STATEDIR;
	const int userns = volume_userns(c, s, v, dir);
	const unsigned recursive = v->kind == SPEC_RENDERED ? 0 : AT_RECURSIVE;
	uint64_t more = writes ? 0 :
				 (unsigned)IF_HOLDS("readonly", MOUNT_ATTR_RDONLY);
	struct statvfs fs;
	int tree;

	/* The engine writes rendered files: it must not give programs. */
	if (v->kind == SPEC_RENDERED)
		more |= (unsigned)IF_HOLDS("rendered-noexec", MOUNT_ATTR_NOEXEC);
	if (writes && !(v->flags & SPEC_EXEC))
		more |= (unsigned)IF_HOLDS("noexec", MOUNT_ATTR_NOEXEC);
	if (writes && (fstatvfs(dir, &fs) < 0 || (fs.f_flag & ST_RDONLY)))
		return err_set(err, EXIT_ENVIRONMENT,
		    "%s: volume %s: %s%s is on a read-only file system",
		    s->instance, v->target, v->source, v->below);
	tree = set_tree(copy_tree(dir, recursive), recursive, userns, more);
	if (tree < 0 && userns >= 0 && (errno == EINVAL || errno == EPERM))
		return err_set(err, EXIT_CONFIG,
		    "%s: volume %s: the file system of %s%s can't be id-mapped; set userns: off in sandbox '%s' to accept less isolation",
		    s->instance, v->target,
		    v->kind == SPEC_STATEDIR ? "state-dir" : v->source,
		    v->kind == SPEC_STATEDIR ? "" : v->below, s->sandbox);
	if (tree < 0)
		return err_set(err, EXIT_ENVIRONMENT,
		    "%s: volume %s: cannot mount it: %s", s->instance, v->target,
		    strerror(errno));
	return tree;
}

/* l: NULL in the child, for what is the administrator's alone. */
static int
open_volume(const struct launcher *l, const struct child *c,
    const struct spec *s, const struct spec_volume *v, struct err *err)
{
	AUTO_CLOSE int dir = -1;
	int rc = l == NULL		  ? open_host(s, v, false, &dir, err) :
	    v->kind == SPEC_RENDERED	  ? open_rendered(l, s, v, &dir, err) :
	    v->kind == SPEC_STATEDIR	  ? open_state(l, s, v, &dir, err) :
					    open_host(s, v, !rootless(), &dir, err);

	return rc < 0 ? rc : mount_volume(c, s, v, dir, err);
}

int
launch_mounts(struct launcher *l, const struct spec *s, struct child *c,
    struct err *err)
{
	int rc;

	c->userns = launch_userns(l, s, err);
	if (c->userns < -1)
		return -err->code;
	/* A user may id-map no mount of a file system that is the host's. */
	rc = open_root(&l->images, s, !rootless(), rootless() ? -1 : c->userns, &c->root, err);
	if (rc == LAUNCH_LATER) {
		c->later = true;
		rc = 0;
	}
	for (uint32_t i = 0; i < s->volumes_count && rc == 0; i++) {
		struct spec_volume v = s->volumes[i];

		if (v.kind == SPEC_TMPFS)
			continue;
		if (rootless()) { /* no mount maps them: on disk are those of outside */
			v.user = launch_outside(s->uid_maps, s->uid_maps_count, v.user);
			v.group = launch_outside(s->gid_maps, s->gid_maps_count, v.group);
		}
		c->volumes[i] = open_volume(l, c, s, &v, err);
		c->later = c->later || c->volumes[i] == LAUNCH_LATER;
		rc = c->volumes[i] < 0 && c->volumes[i] != LAUNCH_LATER ? c->volumes[i] : 0;
	}
	return rc < 0 ? rc : launch_hosts(l, c, err);
}

/* The child is where the host's mounts are still.  What is mounted of images that are files is not the child's to share. */
int
launch_mounts_later(struct child *c, struct err *err)
{
	const struct spec *s = c->spec;
	struct images none = {NULL};
	int rc = c->root >= 0 ? 0 : open_root(&none, s, false, c->userns, &c->root, err);

	for (uint32_t i = 0; i < s->volumes_count && rc == 0; i++)
		if (c->volumes[i] == LAUNCH_LATER)
			rc = c->volumes[i] = open_volume(NULL, c, s, &s->volumes[i], err);
	return rc < 0 ? rc : 0;
}
