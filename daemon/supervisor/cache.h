/*
 * cache.h - what meshd-conf said of a file, as long as the file is the same.
 *
 * Many instances start from few files, and each parse is a process.  A file is
 * the same when device, inode, size, mtime and ctime are; nobody can set a
 * ctime.  One that changed less than CACHE_QUIET_MS before it was read is not
 * kept: the clock of the file system is coarse.
 */
#ifndef SUPERVISOR_CACHE_H
#define SUPERVISOR_CACHE_H

#include <sys/stat.h>

#include "../base/err.h"

enum { CACHE_SLOTS = 64, CACHE_QUIET_MS = 2000 };

struct cache_slot {
	struct stat st;
	char kind; /* 's'andbox or 'c'ontainer: a file may be asked as both */
	uint8_t *buf; /* owned */
	size_t len;
	uint64_t used; /* of the cache's clock */
};

struct cache {
	struct cache_slot slots[CACHE_SLOTS];
	uint64_t clock;
};

/* A copy of the document (free it), or NULL. */
uint8_t *cache_get(struct cache *c, char kind, const struct stat *st,
    size_t *len);
/* st: of the file before it was read.  Copies. */
void cache_put(struct cache *c, char kind, const struct stat *st,
    const uint8_t *buf, size_t len, uint64_t wall_ms);

#endif
