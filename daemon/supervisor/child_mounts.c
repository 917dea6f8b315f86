/*
 * child_mounts.c - what a container sees besides its image.
 *
 * Every mount is made detached and put onto a directory that was looked up
 * inside the image with no symlink allowed: an image can't redirect one.
 * /proc is a fresh procfs, so nothing the image holds can pose as it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../base/weak.h"
#include "child.h"
#include "launch.h"
#include "mounts.h"
#include "rootless.h"
#include "sys.h"

enum { TTY_GID = 5 };

#define TERMINALS_MAX "256"
#define METRICS_NAME "cantal" /* SUP_METRICS_DIR, below /dev */

/* What the kernel tells about itself and the whole host. */
static const char *const masked[] = {"acpi", "asound", "kcore", "keys",
    "latency_stats", "timer_list", "timer_stats", "sched_debug", "scsi",
    "interrupts", "kmsg"};
static const char *const readonly[] = {"bus", "fs", "irq", "sys",
    "sysrq-trigger"};
/* What only the host's root may read: without a user namespace that may be the
 * container's. */
static const char *const masked_of_root[] = {"kpagecgroup", "kpagecount",
    "kpageflags", "pagetypeinfo", "slabinfo", "vmallocinfo"};
static const char *const readonly_of_root[] = {"driver", "dynamic_debug",
    "mtrr"};

static int
new_proc(void)
{
	static const char *const none = NULL;

	return mounts_new("proc", &none,
	    MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

/* Put a detached mount onto path below dir. */
static int
put(const struct child *c, int dir, int mnt, const char *path)
{
	int at, rc;

	if (mnt < 0)
		return child_say(c, "mount %s: %s", path, strerror(errno));
	at = sys_open_beneath(dir, path, O_PATH | O_DIRECTORY);
	if (at < 0 && errno == ENOENT)
		return child_say(c,
		    "mount %s: mount point missing in image (make an empty directory there)",
		    path);
	if (at < 0 && (errno == ELOOP || errno == EXDEV))
		return child_say(c, "mount %s: it is a symlink in the image",
		    path);
	if (at < 0)
		return child_say(c, "mount %s: %s", path, strerror(errno));
	rc = mounts_put(mnt, at);
	close(at);
	if (rc < 0)
		return child_say(c, "mount %s: %s", path, strerror(errno));
	return 0;
}

static int
set_readonly(int mnt)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};

	return (int)syscall(SYS_mount_setattr, mnt, "", AT_EMPTY_PATH, &attr,
	    sizeof attr);
}

/* Terminals of its own: an instance of devpts shows nobody else's, and the host
 * keeps some of the kernel's number for itself.  Group 5 is tty, as everywhere. */
static int
mount_pts(const struct child *c, int dev)
{
	const struct spec *s = c->spec;
	char gid[16];
	const char *options[] = {"gid", gid, "mode", "620", "ptmxmode", "666", "max",
	    TERMINALS_MAX, NULL};
	int pts, rc;

	/* A user may have no such id. */
	snprintf(gid, sizeof gid, "%u", rootless() ? c->outside_gid :
		launch_outside(s->gid_maps, s->gid_maps_count, TTY_GID));
	pts = mounts_new("devpts", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	rc = put(c, dev, pts, "/pts");
	if (pts >= 0)
		close(pts);
	return rc;
}

/* For the application's metrics, which the engine reads (appdir.h): apart from all else
 * that it writes, and as much as is read of it. */
static int
mount_metrics(const struct child *c, int dev)
{
	int mnt = mounts_tmpfs(SUP_METRICS_SIZE, "1777", c->outside_uid, c->outside_gid,
	    MOUNT_ATTR_NOSUID | (unsigned)IF_HOLDS("nodev", MOUNT_ATTR_NODEV) | MOUNT_ATTR_NOEXEC);
	int rc = put(c, dev, mnt, "/" METRICS_NAME);

	if (mnt >= 0)
		close(mnt);
	return rc;
}

/* A private /dev; the image's own is never looked at. */
static int
mount_dev(const struct child *c, int root, const struct child_early *early, int *null)
{
	struct stat st;
	int dev = mounts_tmpfs("64k", "755", 0, 0,
	    MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	int shm;

	if (put(c, root, dev, "/dev") < 0)
		return -1;
	umask(0);
	for (size_t i = 0; i < CGROUP_NODES; i++) {
		dev_t want = makedev(cgroup_nodes[i].major, cgroup_nodes[i].minor);

		if ((rootless() ?
			    rootless_put_device(early->devices[i], dev, cgroup_nodes[i].name) :
			    mknodat(dev, cgroup_nodes[i].name, S_IFCHR | 0666, want)) < 0 ||
		    fstatat(dev, cgroup_nodes[i].name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISCHR(st.st_mode) || st.st_rdev != want)
			return child_say(c, "make /dev/%s: %s", cgroup_nodes[i].name,
			    strerror(errno));
	}
	if (symlinkat("/proc/self/fd", dev, "fd") < 0 ||
	    symlinkat("/proc/self/fd/0", dev, "stdin") < 0 ||
	    symlinkat("/proc/self/fd/1", dev, "stdout") < 0 ||
	    symlinkat("/proc/self/fd/2", dev, "stderr") < 0 ||
	    symlinkat("pts/ptmx", dev, "ptmx") < 0 ||
	    mkdirat(dev, "shm", 0755) < 0 || mkdirat(dev, "pts", 0755) < 0 ||
	    mkdirat(dev, METRICS_NAME, 0755) < 0)
		return child_say(c, "fill /dev: %s", strerror(errno));
	*null = openat(dev, "null", O_RDWR | O_CLOEXEC);
	shm = mounts_tmpfs("64m", "1777", 0, 0,
	    MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	if (*null < 0 || set_readonly(dev) < 0 || shm < 0)
		return child_say(c, "fill /dev: %s", strerror(errno));
	if (put(c, dev, shm, "/shm") < 0 || mount_pts(c, dev) < 0 || mount_metrics(c, dev) < 0)
		return -1;
	close(shm);
	close(dev);
	return 0;
}

/* What hides a file of /proc, and what a directory. */
struct masks {
	int null, empty;
	bool mounted; /* empty: what is mounted nowhere can't be copied before Linux 6.15 */
};

/* Over one name in /proc; a name that this kernel lacks is fine. */
static int
cover(const struct child *c, int proc, const char *name, struct masks *m)
{
	struct stat st;
	int at = sys_open_beneath(proc, name, O_PATH), mnt = -1, rc;

	if (at < 0)
		return errno == ENOENT ? 0 :
					 child_say(c, "mask /proc/%s: %s", name,
					     strerror(errno));
	if (fstat(at, &st) == 0 && S_ISDIR(st.st_mode) && !m->mounted) {
		mnt = fcntl(m->empty, F_DUPFD_CLOEXEC, 3);
		m->mounted = true;
	} else
		mnt = (int)syscall(SYS_open_tree,
		    S_ISDIR(st.st_mode) ? m->empty : m->null, "",
		    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	rc = mnt < 0 ? -1 : mounts_put(mnt, at);
	if (rc < 0)
		child_say(c, "mask /proc/%s: %s", name, strerror(errno));
	if (mnt >= 0)
		close(mnt);
	close(at);
	return rc;
}

/* One name in /proc made read-only, by a bind of itself. */
static int
freeze(const struct child *c, int proc, const char *name)
{
	int at = sys_open_beneath(proc, name, O_PATH), mnt, rc = -1;

	if (at < 0)
		return errno == ENOENT ? 0 :
					 child_say(c, "protect /proc/%s: %s",
					     name, strerror(errno));
	mnt = (int)syscall(SYS_open_tree, at, "",
	    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (mnt >= 0 && set_readonly(mnt) == 0)
		rc = mounts_put(mnt, at);
	if (rc < 0)
		child_say(c, "protect /proc/%s: %s", name, strerror(errno));
	if (mnt >= 0)
		close(mnt);
	close(at);
	return rc;
}

static int
mount_proc(const struct child *c, int root, const struct child_early *early, int null)
{
	struct masks m = {.null = null};
	struct statfs fs;
	int proc = early->proc >= 0 ? early->proc :
	    HOLDS("fresh-proc")	    ? new_proc() :
	    (int)syscall(SYS_open_tree, root, "proc", OPEN_TREE_CLONE);

	if (put(c, root, proc, "/proc") < 0)
		return -1;
	if (fstatfs(proc, &fs) < 0 ||
	    (HOLDS("is-procfs") && fs.f_type != PROC_SUPER_MAGIC))
		return child_say(c, "mount /proc: it is not procfs");
	if (child_oom_score(c, proc) < 0)
		return -1;
	m.empty = mounts_tmpfs("4k", "555", 0, 0,
	    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
		MOUNT_ATTR_NOEXEC);
	if (m.empty < 0)
		return child_say(c, "mask /proc: %s", strerror(errno));
	for (size_t i = 0; i < ARRAY_LEN(masked); i++)
		if (HOLDS("masks") &&
		    cover(c, proc, masked[i], &m) < 0)
			return -1;
	for (size_t i = 0; i < ARRAY_LEN(readonly); i++)
		if (HOLDS("frozen") && freeze(c, proc, readonly[i]) < 0)
			return -1;
	for (size_t i = 0; c->userns < 0 && i < ARRAY_LEN(masked_of_root); i++)
		if (HOLDS("masks") &&
		    cover(c, proc, masked_of_root[i], &m) < 0)
			return -1;
	for (size_t i = 0; c->userns < 0 && i < ARRAY_LEN(readonly_of_root); i++)
		if (HOLDS("frozen") && freeze(c, proc, readonly_of_root[i]) < 0)
			return -1;
	close(m.empty);
	close(proc);
	return 0;
}

static int
mount_tmpfs(const struct child *c, int root, const struct spec_volume *v)
{
	char size[24], mode[8];
	int fd, rc;

	snprintf(size, sizeof size, "%llu", (unsigned long long)v->bytes);
	snprintf(mode, sizeof mode, "%o", v->mode);
	fd = mounts_tmpfs(size, mode, c->outside_uid, c->outside_gid,
	    MOUNT_ATTR_NOSUID | (unsigned)IF_HOLDS("nodev", MOUNT_ATTR_NODEV) |
		(v->flags & SPEC_EXEC ? 0 : MOUNT_ATTR_NOEXEC));
	rc = put(c, root, fd, v->target);
	if (fd >= 0)
		close(fd);
	return rc;
}

/* A file of ours over one of the image, which may be a link or a pipe: only over
 * a regular one. */
static int
put_file(const struct child *c, int root, int mnt, const char *path, bool must)
{
	int at = mnt < 0 ? -1 : sys_open_beneath(root, path, O_PATH), rc = 0;
	struct stat st;

	if (mnt < 0)
		return 0;
	if (at < 0 || fstat(at, &st) < 0 || !S_ISREG(st.st_mode)) {
		if (at >= 0)
			close(at);
		return must ? child_say(c,
				  "mount %s: the image needs an empty file there, and not a symlink",
				  path) :
			      0;
	}
	rc = mounts_put(mnt, at);
	close(at);
	return rc < 0 ? child_say(c, "mount %s: %s", path, strerror(errno)) : 0;
}

/* /run, for the images that have it. */
static int
mount_run(const struct child *c, int root)
{
	static const struct spec_volume run = {.kind = SPEC_TMPFS,
	    .target = "/run", .bytes = 16 << 20, .mode = 0755};
	int at = c->spec->run_tmpfs ?
	    sys_open_beneath(root, run.target, O_PATH | O_DIRECTORY) :
	    -1;

	if (at < 0)
		return 0;
	close(at);
	return mount_tmpfs(c, root, &run);
}

static int
mount_volumes(const struct child *c, int root)
{
	static const struct spec_volume tmp = {.kind = SPEC_TMPFS,
	    .target = "/tmp", .bytes = 100 << 20, .mode = 01777};
	const struct spec *s = c->spec;
	bool has_tmp = false;

	for (uint32_t i = 0; i < s->volumes_count; i++)
		has_tmp = has_tmp || strcmp(s->volumes[i].target, "/tmp") == 0;
	if ((!has_tmp && mount_tmpfs(c, root, &tmp) < 0) ||
	    mount_run(c, root) < 0)
		return -1;
	for (uint32_t i = 0; i < s->volumes_count; i++) {
		const struct spec_volume *v = &s->volumes[i];

		if (v->kind == SPEC_TMPFS && mount_tmpfs(c, root, v) < 0)
			return -1;
		if (v->kind != SPEC_TMPFS &&
		    put(c, root, c->volumes[i], v->target) < 0)
			return -1;
	}
	if (put_file(c, root, c->hosts, CHILD_HOSTS,
		(s->hosts_flags & SPEC_FILE_MUST) != 0) < 0)
		return -1;
	return put_file(c, root, c->resolv, CHILD_RESOLV,
	    (s->resolv_flags & SPEC_FILE_MUST) != 0);
}

/* The kernel gives a user no procfs of his own where he sees less than all of
 * another one: a container engine may have covered some of it. */
int
child_early(const struct child *c, struct child_early *early)
{
	memset(early, -1, sizeof *early);
	if (!rootless())
		return 0;
	for (size_t i = 0; i < CGROUP_NODES; i++)
		if ((early->devices[i] = rootless_device(cgroup_nodes[i].name)) < 0)
			return child_say(c, "take the host's /dev/%s: %s",
			    cgroup_nodes[i].name, strerror(errno));
	early->proc = new_proc();
	if (early->proc < 0)
		return child_say(c, "mount /proc: %s%s", strerror(errno),
		    errno == EPERM ?
			": is something mounted over parts of this host's /proc?" :
			"");
	return 0;
}

int
child_mounts(const struct child *c, const struct child_early *early, int *null)
{
	if (mount_dev(c, c->root, early, null) < 0 ||
	    mount_proc(c, c->root, early, *null) < 0)
		return -1;
	return mount_volumes(c, c->root);
}
