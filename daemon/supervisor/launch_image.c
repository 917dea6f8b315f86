/*
 * launch_image.c - from an image's name to its root, level by level: each one
 * must be root's and writable by nobody else, for an image is code that
 * runs with whatever its sandbox grants.  The last may be a file (images.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/own.h"
#include "../base/weak.h"
#include "launch.h"
#include "rootless.h"
#include "sys.h"

/* What only root could have put there: else the engine's user, or anybody,
 * chooses what runs. */
static int
judge_level(const char *instance, const char *image, const char *part, int fd,
    struct err *err)
{
	const char *colon = part[0] != '\0' ? ": " : "";
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_set(err, EXIT_CONFIG, "%s: image %s: %s", instance,
		    image, strerror(errno));
	if (!S_ISDIR(st.st_mode) && !(part[0] == '\0' && S_ISREG(st.st_mode)))
		return err_set(err, EXIT_CONFIG,
		    "%s: image %s: %s%snot a directory", instance, image, part,
		    colon);
	if (HOLDS("root-owned") && st.st_mode & 022)
		return err_set(err, EXIT_CONFIG,
		    "%s: image %s: %s%smode %04o, must not be writable by group or others",
		    instance, image, part, colon, st.st_mode & 07777);
	if (HOLDS("root-owned") && !rootless_trusts(fd, &st))
		return err_set(err, EXIT_CONFIG,
		    "%s: image %s: %s%sowned by uid %u, must be owned by %s",
		    instance, image, part, colon, st.st_uid, rootless_owner());
	return 0;
}

/* The directory of images: a link to it is fine if root made the link. */
static int
open_images(const char *instance, const char *images_dir, const char *image,
    int *out, struct err *err)
{
	struct stat st;
	AUTO_CLOSE int dir = open(images_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSE int link = open(images_dir, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int rc;

	if (dir < 0 || link < 0 || fstat(link, &st) < 0)
		return err_set(err, EXIT_CONFIG,
		    errno == ENOENT ? "%s: image %s: not found under %s: %s" :
				      "%s: image %s: under %s: %s",
		    instance, image, images_dir, strerror(errno));
	if (S_ISLNK(st.st_mode) && !rootless_trusts(link, &st))
		return err_set(err, EXIT_CONFIG,
		    "%s: image %s: %s: a link owned by uid %u, must be owned by %s",
		    instance, image, images_dir, st.st_uid, rootless_owner());
	if ((rc = judge_level(instance, image, images_dir, dir, err)) < 0)
		return rc;
	*out = dir;
	dir = -1;
	return 0;
}

/* The last level: a directory, or a file of that name or with a suffix.  More than
 * one such file: which is meant nobody can say.  -1 and errno, or -EXIT_CONFIG. */
static int
open_last(const struct image_who *w, int dir, const char *name, struct err *err)
{
	char file[SUP_IMAGE_CAP + 16];
	int fd = sys_open_beneath(dir, name, O_PATH), found = -1, saved = errno;

	for (int i = 0; fd < 0 && saved == ENOENT && i < IMAGES_SUFFIXES; i++) {
		snprintf(file, sizeof file, "%s%s", name, images_suffixes[i]);
		int next = sys_open_beneath(dir, file, O_PATH);

		if (next < 0 && errno != ENOENT)
			saved = errno;
		if (next >= 0 && found >= 0) {
			close(next);
			close(found);
			return err_set(err, EXIT_CONFIG,
			    "%s: image %s: there is more than one file of it, %s%s and %s: take one away",
			    w->instance, w->image, name, images_suffixes[0], file);
		}
		found = next >= 0 ? next : found;
	}
	errno = saved;
	return fd >= 0 ? fd : found;
}

/* The next level down; dir is closed and replaced.  1: it is what is mounted of an
 * image whose file is gone. */
static int
down(struct images *im, const struct image_who *w, const char *sofar, int *dir,
    struct err *err)
{
	const char *slash = strrchr(sofar, '/'), *name = slash ? slash + 1 : sofar;
	const bool last = strcmp(sofar, w->image) == 0;
	int fd = last ? open_last(w, *dir, name, err) :
			sys_open_beneath(*dir, name, O_PATH);

	if (fd == -EXIT_CONFIG)
		return fd;
	if (fd < 0 && errno == ENOENT && last && w->held && images_left(im, w, &fd)) {
		close(*dir);
		*dir = fd;
		return 1;
	}
	if (fd < 0 && errno == ENOENT)
		return err_set(err, EXIT_CONFIG,
		    "%s: image %s: not found under %s", w->instance, w->image,
		    w->dir);
	if (fd < 0 && errno == ELOOP)
		return err_set(err, EXIT_CONFIG,
		    "%s: image %s: is or goes through a symlink under %s",
		    w->instance, w->image, w->dir);
	if (fd < 0)
		return err_set(err, EXIT_CONFIG, "%s: image %s under %s: %s",
		    w->instance, w->image, w->dir, strerror(errno));
	close(*dir);
	*dir = fd;
	return judge_level(w->instance, w->image, last ? "" : sofar, fd, err);
}

/* A file becomes what is mounted of it. */
static int
into_file(struct images *im, const struct image_who *w, int *fd, struct err *err)
{
	struct stat st;
	int root = -1, rc;

	if (fstat(*fd, &st) < 0)
		return err_set(err, EXIT_CONFIG, "%s: image %s: %s", w->instance,
		    w->image, strerror(errno));
	rc = images_root(im, w, *fd, &st, &root, err);
	if (rc < 0 || root < 0)
		return rc;
	close(*fd);
	*fd = root;
	return 0;
}

int
launch_image(struct images *im, const struct image_who *w, int *out,
    struct err *err)
{
	char sofar[SUP_IMAGE_CAP];
	AUTO_CLOSE int dir = -1;
	int rc = open_images(w->instance, w->dir, w->image, &dir, err);

	for (const char *p = w->image; rc == 0 && *p != '\0';) {
		p += strcspn(p, "/");
		snprintf(sofar, sizeof sofar, "%.*s", (int)(p - w->image), w->image);
		rc = down(im, w, sofar, &dir, err);
		p += *p == '/';
	}
	if (rc == 0)
		rc = into_file(im, w, &dir, err);
	if (rc < 0)
		return rc;
	*out = dir;
	dir = -1;
	return 0;
}

bool
launch_may_be_foreign(const struct stat *st)
{
	return st->st_nlink != 1 && !(st->st_mode & S_IROTH);
}

int
launch_container_file(const struct sup_req *req, int at, struct err *err)
{
	char self[32];
	struct stat st;
	AUTO_CLOSE int fd = -1;
	int out;

	/* First what it is, without opening it: an image may hold device
	 * nodes, and some of them act when they are opened. */
	if (at < 0 || fstat(at, &st) < 0)
		return err_set(err, EXIT_CONFIG, "%s: %s%s: %s",
		    req->instance, req->image, req->config,
		    strerror(at < 0 ? -at : errno));
	if (HOLDS("regular") && !S_ISREG(st.st_mode))
		return err_set(err, EXIT_CONFIG, "%s: %s%s: not a regular file",
		    req->instance, req->image, req->config);
	if (HOLDS("root-owned") &&
	    (!rootless_trusts(at, &st) || st.st_mode & 022))
		return err_set(err, EXIT_CONFIG,
		    "%s: %s%s: refusing: uid %u, mode %04o; must be owned by %s and not writable by group or others",
		    req->instance, req->image, req->config, st.st_uid,
		    st.st_mode & 07777, rootless_owner());
	if (HOLDS("one-name") && launch_may_be_foreign(&st))
		return err_set(err, EXIT_CONFIG,
		    "%s: %s%s: refusing: it has %lu names (hard links), and not everybody may read it: it may be a file from outside of the image; put a copy there",
		    req->instance, req->image, req->config,
		    (unsigned long)st.st_nlink);
	snprintf(self, sizeof self, "/proc/self/fd/%d", at);
	fd = open(self,
	    O_RDONLY | IF_HOLDS("nonblock", O_NONBLOCK) | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, EXIT_CONFIG, "%s: %s%s: %s",
		    req->instance, req->image, req->config,
		    strerror(errno));
	out = fd;
	fd = -1;
	return out;
}

int
launch_container_at_once(const struct sup_req *req, int image, struct err *err)
{
	AUTO_CLOSE int at = sys_open_inside(image, req->config, O_PATH);

	return launch_container_file(req, at < 0 ? -errno : at, err);
}
