/*
 * strays.h - children that were killed, and whose end nobody waits for.
 *
 * Who is killed ends when the kernel lets him: in the middle of a read from an image
 * that is a FUSE mount, or on a disk that does not answer, that is never, and the
 * supervisor has others to see to.  So an end is waited for STRAYS_WAIT_MS, in which
 * nearly all come, and else it comes by the loop.  None of these was let go: nothing
 * of an image runs in them.
 */
#ifndef SUPERVISOR_STRAYS_H
#define SUPERVISOR_STRAYS_H

#include "cgroup.h"

enum {
	STRAYS_MAX = 40,
	STRAYS_ROOM = 32, /* so many, and nobody new is made who may become one */
	STRAYS_WAIT_MS = 20,
};

struct stray {
	int pidfd; /* owned */
	char leaf[CGROUP_LEAF_CAP]; /* its group, which goes with it, or "" */
};

struct strays {
	struct stray all[STRAYS_MAX];
	size_t count;
};

/* An error if there are too many to make another child. */
MUST_CHECK int strays_room(const struct strays *s, struct err *err);
/* Kill it; takes pidfd.  True: it has ended, and is reaped.  False: that comes later. */
MUST_CHECK bool strays_kill(struct strays *s, int pidfd, const char *leaf);
/* pidfd of one of them is readable: true once it has ended; leaf is its group's name,
 * to be removed. */
MUST_CHECK bool strays_reap(struct strays *s, int pidfd, char leaf[CGROUP_LEAF_CAP]);

#endif
