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
#include "opener.h"
#include "prompt.h"
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

static int
open_path(bool at_once, const char *path, int flags)
{
	return at_once ? prompt_open(AT_FDCWD, path, flags, 0) :
			 open(path, flags | O_CLOEXEC);
}

/* The directory of images: a link to it is fine if root made the link. */
static int
open_images(const struct image_who *w, int *out, struct err *err)
{
	const char *instance = w->instance, *images_dir = w->dir, *image = w->image;
	struct stat st;
	AUTO_CLOSE int dir = open_path(w->at_once, images_dir, O_PATH | O_DIRECTORY);
	AUTO_CLOSE int link = dir < 0 ? -1 : open_path(w->at_once, images_dir, O_PATH | O_NOFOLLOW);
	int rc;

	if ((dir < 0 || link < 0) && w->at_once && errno == EAGAIN)
		return LAUNCH_LATER;
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
	int fd = prompt_beneath(w->at_once, dir, name, O_PATH), found = -1, saved = errno;

	for (int i = 0; fd < 0 && saved == ENOENT && i < IMAGES_SUFFIXES; i++) {
		snprintf(file, sizeof file, "%s%s", name, images_suffixes[i]);
		int next = prompt_beneath(w->at_once, dir, file, O_PATH);

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
	if (found >= 0 && saved == EAGAIN) { /* is it the only one? */
		close(found);
		found = -1;
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
			prompt_beneath(w->at_once, *dir, name, O_PATH);

	if (fd == -EXIT_CONFIG)
		return fd;
	if (fd < 0 && w->at_once && errno == EAGAIN)
		return LAUNCH_LATER;
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

int
launch_image_mount(struct images *im, const struct image_who *w, int *fd,
    const struct stat *st, struct err *err)
{
	int root = -1, rc = images_root(im, w, *fd, st, &root, err);

	if (rc < 0 || root < 0)
		return rc;
	close(*fd);
	*fd = root;
	return 0;
}

int
launch_image_find(struct images *im, const struct image_who *w, int *out,
    struct err *err)
{
	char sofar[SUP_IMAGE_CAP];
	AUTO_CLOSE int dir = -1;
	int rc = open_images(w, &dir, err);

	for (const char *p = w->image; rc == 0 && *p != '\0';) {
		p += strcspn(p, "/");
		snprintf(sofar, sizeof sofar, "%.*s", (int)(p - w->image), w->image);
		rc = down(im, w, sofar, &dir, err);
		p += *p == '/';
	}
	if (rc < 0)
		return rc;
	*out = dir;
	dir = -1;
	return rc;
}

int
launch_image(struct images *im, const struct image_who *w, int *out,
    struct err *err)
{
	struct stat st;
	AUTO_CLOSE int fd = -1;
	int rc = launch_image_find(im, w, &fd, err);

	if (rc == LAUNCH_LATER && w->held && images_mounted(im, w, out))
		return 0;
	if (rc == 0 && fstat(fd, &st) < 0)
		rc = err_set(err, EXIT_CONFIG, "%s: image %s: %s", w->instance,
		    w->image, strerror(errno));
	else if (rc == 0)
		rc = launch_image_mount(im, w, &fd, &st, err);
	if (rc < 0)
		return rc;
	*out = fd;
	fd = -1;
	return 0;
}

bool
launch_may_be_foreign(const struct stat *st)
{
	return st->st_nlink != 1 && !(st->st_mode & S_IROTH);
}

int
launch_container_file(const struct sup_req *req, const struct found *at, struct err *err)
{
	const struct stat *st = &at->st;

	/* First what it is, without opening it: an image may hold device
	 * nodes, and some of them act when they are opened. */
	if (at->fd < 0)
		return err_set(err, EXIT_CONFIG, "%s: %s%s: %s",
		    req->instance, req->image, req->config, strerror(-at->fd));
	if (HOLDS("regular") && !S_ISREG(st->st_mode))
		return err_set(err, EXIT_CONFIG, "%s: %s%s: not a regular file",
		    req->instance, req->image, req->config);
	if (HOLDS("root-owned") &&
	    (!rootless_trusts(at->fd, st) || st->st_mode & 022))
		return err_set(err, EXIT_CONFIG,
		    "%s: %s%s: refusing: uid %u, mode %04o; must be owned by %s and not writable by group or others",
		    req->instance, req->image, req->config, st->st_uid,
		    st->st_mode & 07777, rootless_owner());
	if (HOLDS("one-name") && launch_may_be_foreign(st))
		return err_set(err, EXIT_CONFIG,
		    "%s: %s%s: refusing: it has %lu names (hard links), and not everybody may read it: it may be a file from outside of the image; put a copy there",
		    req->instance, req->image, req->config,
		    (unsigned long)st->st_nlink);
	return 0;
}

int
launch_container_at_once(const struct sup_req *req, int image, struct err *err)
{
	struct found at;
	int rc;

	opener_waits(image, req->config, &at);
	rc = launch_container_file(req, &at, err);
	if (rc == 0)
		return at.fd;
	found_close(&at);
	return rc;
}
