/*
 * appdir.h - the directory in which a container's application leaves its metrics files
 * (SUP_METRICS_DIR), for the engine to read.
 *
 * The engine gets a copy of that mount, read-only and mounted nowhere: its root is as far
 * up as it leads, so a descriptor of it opens nothing else of the container, even to an
 * engine gone bad, and nothing can be written there.  Such a copy can only be made in the
 * container's own mount namespace: a child enters it, by the pidfd, does nothing else, and
 * sends it back.
 */
#ifndef SUPERVISOR_APPDIR_H
#define SUPERVISOR_APPDIR_H

#include <stdbool.h>

/* The container of this pid 1, which has made its mounts.  A descriptor of a directory,
 * the caller's; APPDIR_NONE: there is none (of an older meshd), or the container has
 * ended; APPDIR_LATER: its image would be asked, which may not answer (appfind.c). */
enum { APPDIR_NONE = -1, APPDIR_LATER = -2 };
int appdir_open(int pidfd);
/* In a child: the same. */
int appdir_take(int pidfd, bool at_once);

#endif
