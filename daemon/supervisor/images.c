/*
 * images.c - see images.h.
 */
#include "images.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../base/log.h"
#include "../base/own.h"
#include "../base/proto.h"
#include "../base/weak.h"
#include "rootless.h"
#include "spec.h"
#include "sys.h"

enum { LOOP_TRIES = 64 };

const char *const images_suffixes[IMAGES_SUFFIXES] = {".erofs", ".squashfs"};

struct image_file {
	struct image_file *next;
	char dir[SPEC_PATH_CAP], image[SUP_IMAGE_CAP];
	enum images_kind kind;
	struct stat st;	    /* of the file that is mounted */
	struct stat other;  /* of the last one under its name that is not, and was told */
	int file, loop;	    /* owned; loop: or -1 */
	int mnt;	    /* owned, detached */
	msec used;
};

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* No ctime: it changes with a name, too. */
static bool
same(const struct stat *a, const struct stat *b)
{
	return same_file(a, b) && a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Where the pointer to it is; there is none: where the last one's is. */
static struct image_file **
place_of(struct images *im, const struct image_who *who)
{
	struct image_file **at = &im->first;

	while (*at != NULL && (strcmp((*at)->image, who->image) != 0 ||
				  strcmp((*at)->dir, who->dir) != 0))
		at = &(*at)->next;
	return at;
}

static const struct image_file *
find(const struct images *im, const struct image_who *who)
{
	const struct image_file *f = im->first;

	while (f != NULL && (strcmp(f->image, who->image) != 0 ||
				strcmp(f->dir, who->dir) != 0))
		f = f->next;
	return f;
}

static void
drop(struct image_file **at)
{
	struct image_file *f = *at;

	*at = f->next;
	own_close_(&f->mnt);
	own_close_(&f->loop);
	own_close_(&f->file);
	free(f);
}

/* --- mounting --------------------------------------------------------------- */

/* A loop device for file, read-only, that ends with the last that uses it.  It is
 * bound and marked so in one call: no kill of ours leaves one behind. */
static int
open_loop(int file)
{
	const struct loop_config config = {
	    .fd = (uint32_t)file,
	    .info.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR,
	};
	AUTO_CLOSE int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	char path[32];

	for (int i = 0; control >= 0 && i < LOOP_TRIES; i++) {
		int n = ioctl(control, LOOP_CTL_GET_FREE), fd, saved;

		if (n < 0)
			return -1;
		snprintf(path, sizeof path, "/dev/loop%d", n);
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (fd >= 0 && ioctl(fd, LOOP_CONFIGURE, &config) == 0)
			return fd;
		saved = errno;
		own_close_(&fd);
		errno = saved;
		if (errno != EBUSY) /* somebody else took it */
			return -1;
	}
	return -1;
}

/* What the kernel has to say beside the error number: its first line. */
static void
kernel_says(int fs, char *out, size_t cap)
{
	char raw[256];
	ssize_t n = read(fs, raw, sizeof raw);

	out[0] = '\0';
	while (n > 0 && raw[n - 1] == '\n')
		n--;
	if (n > 2) /* "e text" */
		err_escape(out, cap, raw + 2, (size_t)n - 2);
}

/* The file system in source, detached: never less than read-only, nodev, nosuid. */
static int
mount_it(const char *type, int source, char *said, size_t cap)
{
	char path[32];
	AUTO_CLOSE int fs = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
	int mnt = -1, saved;

	said[0] = '\0';
	if (fs < 0)
		return -1;
	/* The very file that was judged, whatever has its name by now. */
	snprintf(path, sizeof path, "/proc/self/fd/%d", source);
	if (syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "source", path, 0) == 0 &&
	    syscall(SYS_fsconfig, fs, FSCONFIG_SET_FLAG, "ro", NULL, 0) == 0 &&
	    syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		mnt = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC,
		    MOUNT_ATTR_RDONLY |
			(unsigned)IF_HOLDS("nosuid", MOUNT_ATTR_NOSUID) |
			(unsigned)IF_HOLDS("nodev", MOUNT_ATTR_NODEV));
	saved = errno;
	if (mnt < 0)
		kernel_says(fs, said, cap);
	errno = saved;
	return mnt;
}

static int
cannot_mount(const struct image_who *who, const char *type, const char *what,
    const char *said, struct err *err)
{
	const int why = errno;

	if (why == ENODEV)
		return err_set(err, EXIT_ENVIRONMENT,
		    "%s: image %s: this kernel has no %s: load its module, or have the image as a directory",
		    who->instance, who->image, type);
	return err_set(err, why == EINVAL || why == EBADMSG || why == EUCLEAN ? EXIT_CONFIG : EXIT_ENVIRONMENT,
	    "%s: image %s: %s %s: %s%s%s%s", who->instance, who->image, what,
	    type, strerror(why), said[0] ? " (" : "", said, said[0] ? ")" : "");
}

/* erofs by itself where the kernel can (6.12, and not from every file system),
 * squashfs never. */
static int
mount_file(const struct image_who *who, struct image_file *f, struct err *err)
{
	const char *type = f->kind == IMAGES_EROFS ? "erofs" : "squashfs";
	char said[160] = "";
	int mnt = -1;

	if (rootless())
		return err_set(err, EXIT_CONFIG,
		    "%s: image %s: %s is root's to mount; with --rootless an image is a directory",
		    who->instance, who->image, type);
	errno = ENOTBLK;
	if (f->kind == IMAGES_EROFS && f->loop < 0 && HOLDS("no-loop"))
		mnt = mount_it(type, f->file, said, sizeof said);
	if (mnt >= 0 || errno != ENOTBLK)
		return mnt >= 0 ? mnt : cannot_mount(who, type, "the kernel can't mount its", said, err);
	if (f->loop < 0 && (f->loop = open_loop(f->file)) < 0)
		return cannot_mount(who, type, "no loop device (/dev/loop-control; module loop) for its", "", err);
	mnt = mount_it(type, f->loop, said, sizeof said);
	return mnt >= 0 ? mnt : cannot_mount(who, type, "the kernel can't mount its", said, err);
}

static int
add(struct images *im, const struct image_who *who, int file,
    const struct stat *st, struct image_file **out, struct err *err)
{
	struct image_file *f = calloc(1, sizeof *f);
	char path[32];
	int rc;

	if (f == NULL)
		return err_set(err, EXIT_ENVIRONMENT, "%s: image %s: out of memory",
		    who->instance, who->image);
	f->next = im->first;
	im->first = f;
	f->loop = f->mnt = -1;
	f->st = *st;
	snprintf(f->dir, sizeof f->dir, "%s", who->dir);
	snprintf(f->image, sizeof f->image, "%s", who->image);
	snprintf(path, sizeof path, "/proc/self/fd/%d", file);
	f->file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (f->file < 0)
		rc = err_set(err, EXIT_ENVIRONMENT, "%s: image %s: %s",
		    who->instance, who->image, strerror(errno));
	else
		rc = images_super(who, f->file, st, &f->kind, err);
	if (rc == 0)
		rc = f->mnt = mount_file(who, f, err);
	if (rc < 0) {
		drop(&im->first);
		return rc;
	}
	*out = f;
	return 0;
}

/* --- asking ----------------------------------------------------------------- */

static int
root_of(struct image_file *f, const struct image_who *who, int *root, struct err *err)
{
	f->used = sys_now();
	*root = fcntl(f->mnt, F_DUPFD_CLOEXEC, 3);
	return *root >= 0 ? 0 :
			    err_set(err, EXIT_ENVIRONMENT, "%s: image %s: %s",
				who->instance, who->image, strerror(errno));
}

/* Another file has the name of one that instances have: said once for each. */
static void
tell(struct image_file *f, const struct stat *st)
{
	if (same(&f->other, st))
		return;
	f->other = *st;
	if (same_file(&f->st, st))
		log_warn("image %s: its file was written to while it is mounted: what runs from it may fail: start that anew, and give another image another name",
		    f->image);
	else
		log_warn("image %s: another file has its name now: instances go on with the one that is mounted until none has it; give another image another name",
		    f->image);
}

int
images_root(struct images *im, const struct image_who *who, int file,
    const struct stat *st, int *root, struct err *err)
{
	struct image_file **at = place_of(im, who), *f = *at;
	int rc;

	if (f != NULL && !same(&f->st, st)) {
		if (who->held)
			tell(f, st);
		/* Written over, the old one is no more. */
		if (!who->held || same_file(&f->st, st)) {
			drop(at);
			f = NULL;
		}
	}
	if (f == NULL && S_ISDIR(st->st_mode)) {
		*root = -1;
		return 0;
	}
	rc = f != NULL ? 0 : add(im, who, file, st, &f, err);
	return rc < 0 ? rc : root_of(f, who, root, err);
}

bool
images_left(struct images *im, const struct image_who *who, int *root)
{
	static const struct stat none = {.st_size = -1};
	struct image_file *f = *place_of(im, who);
	struct err err;

	if (f == NULL)
		return false;
	if (f->other.st_size != none.st_size)
		log_warn("image %s: its file is gone: instances go on with what is mounted until none has it, or meshd is started anew",
		    f->image);
	f->other = none;
	return root_of(f, who, root, &err) == 0;
}

bool
images_mounted(struct images *im, const struct image_who *who, int *root)
{
	struct image_file *f = *place_of(im, who);
	struct err err;

	return f != NULL && root_of(f, who, root, &err) == 0;
}

int
images_again(struct images *im, const struct image_who *who, struct err *err)
{
	struct image_file *f = *place_of(im, who);

	if (f == NULL)
		return err_set(err, EXIT_ENVIRONMENT, "%s: image %s: it is not mounted",
		    who->instance, who->image);
	return mount_file(who, f, err);
}

bool
images_has(const struct images *im, const struct image_who *who)
{
	return find(im, who) != NULL;
}

void
images_stat(const struct images *im, const struct image_who *who,
    struct stat *st)
{
	const struct image_file *f = find(im, who);
	const uint64_t what[] = {f ? (uint64_t)f->st.st_dev : 0,
	    f ? (uint64_t)f->st.st_ino : 0, f ? (uint64_t)f->st.st_size : 0,
	    f ? (uint64_t)f->st.st_mtim.tv_sec : 0,
	    f ? (uint64_t)f->st.st_mtim.tv_nsec : 0};

	if (f == NULL)
		return;
	st->st_dev = (dev_t)sup_hash_(UINT64_C(0xcbf29ce484222325), what, sizeof what);
	st->st_ctim = f->st.st_ctim;
}

void
images_tidy(struct images *im, msec now,
    bool (*is_held)(const void *, const char *dir, const char *image),
    const void *arg)
{
	struct image_file **at = &im->first;

	while (*at != NULL) {
		struct image_file *f = *at;

		if (now < f->used + IMAGES_KEEP_MS) {
			at = &f->next;
		} else if (is_held(arg, f->dir, f->image)) {
			f->used = now;
			at = &f->next;
		} else {
			drop(at);
		}
	}
}

void
images_close(struct images *im)
{
	while (im->first != NULL)
		drop(&im->first);
}
