/*
 * factslook.h - what lies below images-dir and sandboxes-dir, looked at by a copy of the
 * engine.
 *
 * A file system there (NFS, FUSE) may not answer, and whoever asks waits with it: that
 * shall be neither the loop nor the mesh.  One looks at a time, so at most one hangs; its
 * descriptors are closed, and what was found last stands.  (It can't be killed then, and
 * a new engine waits for its end: the supervisor tells.)
 */
#ifndef IO_FACTSLOOK_H
#define IO_FACTSLOOK_H

#include "../../gossip/base.h"
#include "../base/err.h"
#include "facts.h"

enum { FACTSLOOK_DIRS = 2 };

struct engine;
struct spawn;

struct factslook {
	struct spawn *run; /* or NULL */
	msec begun;	   /* it is under way since */
	bool known;	   /* one has ended, or is not waited for any more */
	bool shut[FACTSLOOK_DIRS]; /* the engine's account may not list it: images, sandboxes */
};

/* Begin one, if none is under way; what it finds is e->facts then. */
void factslook_begin(struct engine *e);
/* Each second: may this host's facts be told?  From the first look on, or 2 s. */
bool factslook_known(struct engine *e);
/* What is wrong with a directory, for `mesh status`; NULL: nothing. */
const char *factslook_problem(const struct engine *e, char text[ERR_TEXT_CAP], const char **hint);

#endif
