/*
 * opener.h - a file inside an image, found by a process that may wait for it.
 *
 * What a look-up costs is for the image's maker to say: in a directory of a
 * squashfs file the kernel reads name after name, up to gigabytes of them, and no
 * signal ends that; and what is a FUSE or NFS mount may not answer at all.  So the
 * supervisor itself takes only what the kernel knows without reading
 * (RESOLVE_CACHED) or asking (prompt.h); all else is opened by a child, which hands
 * the descriptor over, and says what it is.  No more is asked of that by who may
 * not wait: it is O_PATH, of which not even a close asks.  A child that nobody waits for any more is left alone, and
 * reaped when it has ended.  There are OPENERS_MAX at most.
 */
#ifndef SUPERVISOR_OPENER_H
#define SUPERVISOR_OPENER_H

#include <sys/stat.h>

#include "../base/err.h"
#include "images.h"

/* OPENERS_FAR: of these, in what is not prompt (prompt.h).  It may never answer, and keeps
 * nobody from what is here. */
enum { OPENER_MS_MAX = 5000, OPENERS_MAX = 16, OPENERS_FAR = 8 };

struct found {
	int fd; /* O_PATH, the caller's; or -errno */
	struct stat st; /* of it */
};

struct openers {
	int left[OPENERS_MAX]; /* owned pidfds that nobody waits for, the first so many */
	bool left_far[OPENERS_MAX];
	size_t left_count, running;
	size_t far; /* of all */
};

struct opener {
	int pidfd; /* -1: none runs */
	int sock;
	bool far;
	msec deadline;
};

void opener_new(struct opener *o);
/* At once: true.  False: only a child can say. */
bool opener_knows(int root, const char *path, struct found *f);
/* By who may wait. */
void opener_waits(int root, const char *path, struct found *f);
void found_close(struct found *f);
#define AUTO_FOUND __attribute__((cleanup(found_close)))
/* root is borrowed.  An error if there are too many. */
MUST_CHECK int opener_start(struct openers *all, struct opener *o, int root,
    const char *path, msec now, struct err *err);
/* The same of an image itself: launch_image_find. */
MUST_CHECK int opener_start_image(struct openers *all, struct opener *o,
    const struct image_who *who, msec now, struct err *err);
/* Of the container of this pid 1, borrowed: appdir_take. */
MUST_CHECK int opener_start_appdir(struct openers *all, struct opener *o, int pidfd,
    msec now, struct err *err);
/* After pidfd became readable: as opener_knows.  Negative: the image is refused. */
MUST_CHECK int opener_finish(struct openers *all, struct opener *o, struct found *f,
    struct err *err);
/* Nobody waits for it any more. */
void opener_cancel(struct openers *all, struct opener *o);
/* A pidfd of left is readable. */
void opener_reap(struct openers *all, int pidfd);

#endif
