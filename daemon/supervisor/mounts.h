/*
 * mounts.h - file systems of the kernel's own, mounted nowhere yet.
 */
#ifndef SUPERVISOR_MOUNTS_H
#define SUPERVISOR_MOUNTS_H

#include <stdint.h>

#include "../../gossip/base.h"

/* A detached mount of that type, or -1 and errno; the caller's.  options: key, value, ...,
 * NULL.  attr: MOUNT_ATTR_*. */
MUST_CHECK int mounts_new(const char *type, const char *const *options, unsigned attr);
/* A tmpfs likewise, of a size ("64k", "100m") and with an inode for each page of it; mode
 * ("1777"), uid and gid are its root's. */
MUST_CHECK int mounts_tmpfs(const char *size, const char *mode, uint32_t uid, uint32_t gid,
    unsigned attr);
/* That detached mount onto what `at` is open for.  0, or -1 and errno. */
MUST_CHECK int mounts_put(int mnt, int at);
/* A mount namespace that holds nothing but an empty directory, which nobody can write: a
 * container begins in a copy of it, so that nothing of the host ever was in its own.
 * An fd, or -1 and errno; the caller's. */
MUST_CHECK int mounts_bare(void);

#endif
