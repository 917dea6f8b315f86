/*
 * spare.c - see spare.h.
 */
#include "spare.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "../base/log.h"
#include "../base/own.h"
#include "spec.h"
#include "sys.h"

enum {
	/* Most records are smaller.  Of more than one block the rest would have to be
	 * given back, for which a start waits ten times as long. */
	ROOM_BYTES = 4 << 10,
	IDLE_MS = 20,	       /* while many are saved, none waits for a spare to be made */
	AGAIN_MS = 60000,      /* after a disk that took none */
};

/* In memory nothing is for good, and a new file costs nothing. */
static bool
gains(int dir)
{
	struct statfs fs;

	return fstatfs(dir, &fs) == 0 && fs.f_type != TMPFS_MAGIC;
}

/* The record in it, its instance and length: 1.  0: it holds none.  -1: that can't be
 * said, or it is for a later meshd to say. */
static int
look(int dir, char instance[NAME_CAP], size_t *len)
{
	AUTO_CLOSE int fd = openat(dir, SPARE_NAME,
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	AUTO_FREE uint8_t *buf = malloc(ROOM_BYTES);
	struct spec spec;
	struct err none;
	ssize_t n;

	if (fd < 0 && errno == ENOENT)
		return 0;
	n = fd < 0 || buf == NULL ? -1 : sys_read_all(fd, buf, ROOM_BYTES);
	if (n < 0)
		return -1;
	if (spec_newer(buf, (size_t)n)) {
		errno = ENOTSUP;
		return -1;
	}
	*len = spec_bytes(buf, (size_t)n);
	if (*len == 0 || spec_decode(&spec, buf, *len, SPARE_NAME, &none) < 0)
		return 0;
	snprintf(instance, NAME_CAP, "%s", spec.instance);
	spec_free(&spec);
	return 1;
}

/* Where it had more room than was needed, that goes first: a record ends where its
 * file ends. */
static int
give_name(int dir, int fd, const char *name, size_t len)
{
	return ftruncate(fd, (off_t)len) < 0 ? -1 : renameat(dir, SPARE_NAME, dir, name);
}

/* The last step of a save, which who came before us may not have come to. */
static int
finish(int dir, const char *instance, size_t len)
{
	AUTO_CLOSE int fd = openat(dir, SPARE_NAME, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0 || give_name(dir, fd, instance, len) < 0 || fsync(dir) < 0)
		return -1;
	log_info("%s: what was saved last has its name now", instance);
	return 0;
}

void
spare_found(struct spare *sp, int dir, msec now)
{
	char instance[NAME_CAP];
	size_t len;
	int is = look(dir, instance, &len);

	sp->dir = dir;
	sp->fd = -1;
	sp->make_at = gains(dir) ? now + IDLE_MS : MSEC_NEVER;
	if (is < 0 || (is == 1 && finish(dir, instance, len) < 0))
		log_warn("record %s: %s; it stays, and the instance that it is of, if any, has to be asked for again: START it",
		    SPARE_NAME, errno == ENOTSUP ? "of a later meshd" : strerror(errno));
	else /* of nobody, or a second name of what was renamed */
		unlinkat(dir, SPARE_NAME, 0);
}

int
spare_save(struct spare *sp, const char *name, const void *buf, size_t len, msec now,
    struct err *err)
{
	AUTO_CLOSE int fd = -1;
	int why;

	if (sp->make_at != MSEC_NEVER)
		sp->make_at = now + IDLE_MS;
	if (sp->fd < 0 || len > ROOM_BYTES)
		return 0;
	fd = sp->fd;
	sp->fd = -1;
	sp->make_at = now + IDLE_MS;
	if (pwrite(fd, buf, len, 0) == (ssize_t)len && fdatasync(fd) == 0 &&
	    give_name(sp->dir, fd, name, len) == 0)
		return 1;
	why = errno;
	if (unlinkat(sp->dir, SPARE_NAME, 0) < 0 && errno != ENOENT && ftruncate(fd, 0) < 0)
		log_warn("record %s: what was refused of %s can't be taken out of it: %s; should meshd end now, that counts",
		    SPARE_NAME, name, strerror(errno));
	return err_set(err, EXIT_STATE, "cannot save record %s: %s", name,
	    strerror(why));
}

static int
make(int dir)
{
	static const char zeros[ROOM_BYTES];
	AUTO_CLOSE int fd = openat(dir, SPARE_NAME,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	int out;

	if (fd < 0)
		return -1;
	if (write(fd, zeros, sizeof zeros) != (ssize_t)sizeof zeros ||
	    fsync(fd) < 0 || fsync(dir) < 0) {
		unlinkat(dir, SPARE_NAME, 0);
		return -1;
	}
	out = fd;
	fd = -1;
	return out;
}

void
spare_tick(struct spare *sp, msec now)
{
	if (now < sp->make_at)
		return;
	sp->fd = make(sp->dir);
	sp->make_at = sp->fd < 0 ? now + AGAIN_MS : MSEC_NEVER;
}
