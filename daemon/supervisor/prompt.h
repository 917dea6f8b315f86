/*
 * prompt.h - what is looked at on the host without waiting for anybody.
 *
 * Behind a path there may be a process (FUSE) or another host (NFS), which
 * answers when it likes, and who asked can't always be killed before.  So whoever has
 * others to see to opens and stats only what this kernel knows, or a disk of this
 * host; all else is for a child.  Not covered: a mount of 9p without a cache, of
 * which the kernel asks the server whatever it is asked.
 */
#ifndef SUPERVISOR_PROMPT_H
#define SUPERVISOR_PROMPT_H

#include <stdint.h>
#include <sys/stat.h>

#include "../base/err.h"

/* Is fd (O_PATH will do) of a file system that asks nobody? */
bool prompt_is(int fd);
/* As sys_openat2 with O_PATH, and prompt_is holds of what it gives.  -1 and EAGAIN:
 * only who may wait can say. */
int prompt_open(int dir, const char *path, int flags, uint64_t resolve);
/* As sys_open_beneath (O_PATH), at_once as prompt_open. */
int prompt_beneath(bool at_once, int dir, const char *path, int flags);

#endif
