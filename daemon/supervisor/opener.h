/*
 * opener.h - a file inside an image, found by a process that may wait for it.
 *
 * What a look-up costs is for the image's maker to say: in a directory of a
 * squashfs file the kernel reads name after name, up to gigabytes of them, and no
 * signal ends that.  So the supervisor itself takes only what the kernel knows
 * without reading (RESOLVE_CACHED); all else is opened by a child, which hands the
 * descriptor over.  A child that nobody waits for any more is left alone, and
 * reaped when it has ended.  There are OPENERS_MAX at most.
 */
#ifndef SUPERVISOR_OPENER_H
#define SUPERVISOR_OPENER_H

#include "../base/err.h"

enum { OPENER_MS_MAX = 5000, OPENERS_MAX = 16 };

struct openers {
	int left[OPENERS_MAX]; /* owned pidfds that nobody waits for, the first so many */
	size_t left_count, running;
};

struct opener {
	int pidfd; /* -1: none runs */
	int sock;
	msec deadline;
};

void opener_new(struct opener *o);
/* At once: true and *fd, O_PATH and the caller's, or -errno.  False: only a child
 * can say. */
bool opener_knows(int root, const char *path, int *fd);
/* root is borrowed.  An error if there are too many. */
MUST_CHECK int opener_start(struct openers *all, struct opener *o, int root,
    const char *path, msec now, struct err *err);
/* After pidfd became readable: as opener_knows. */
void opener_finish(struct openers *all, struct opener *o, int *fd);
/* Nobody waits for it any more. */
void opener_cancel(struct openers *all, struct opener *o);
/* A pidfd of left is readable. */
void opener_reap(struct openers *all, int pidfd);

#endif
