/*
 * changed.h - has an administrator edited the files that an instance was judged
 * by?  Each LOOK it is looked at, by what stat says of a file as cache.h does.
 *
 * What has changed is told to the engine as a spec_hash of 0, so that it asks
 * for that instance again, in its order.  Judged anew, only what comes out
 * otherwise is restarted.  What is refused runs on as it was, with the line
 * that says why, until the file changes once more.
 */
#ifndef SUPERVISOR_CHANGED_H
#define SUPERVISOR_CHANGED_H

#include <sys/stat.h>

#include "../../gossip/base.h"

enum { CHANGED_LOOK_MS = 1000 };

struct row;
struct spec;
struct sup;

struct changed {
	bool stale; /* other files now: the engine is to ask for it again */
	uint64_t sandbox_now, container_now; /* at the last look */
	uint64_t sandbox_refused, container_refused; /* at the last refusal */
};

/* Of the file that was read; the sandbox's with what the daemon config says to
 * each of them. */
uint64_t changed_sandbox(const struct sup *s, const struct stat *st);
/* With the file of its secrets, or NULL. */
uint64_t changed_container(const struct stat *st, const struct stat *secrets);
/* Now, at once: are they other files than those that it was judged by? */
bool changed_is(struct sup *s, struct row *r);
/* A request for it was refused: that is told once, not at each look. */
void changed_refused(struct row *r);
/* Has an instance or a Command of this supervisor (arg) this image? */
bool changed_holds(const void *arg, const char *dir, const char *image);
/* Closes images that nobody has any more, too. */
void changed_tick(struct sup *s, msec now);
/* Its `looker` has ended: what it looked for, the kernel knows now. */
void changed_looked(struct sup *s);

#endif
