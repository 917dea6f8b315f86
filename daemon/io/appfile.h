/*
 * appfile.h - what one application tells through its two files (core/cantalfile.h), read
 * once a second into its series.
 *
 * They lie in the container's own tmpfs, of which we have a read-only copy
 * (supervisor/appdir.h), and all in it is hostile.  A name is opened through no link and
 * no mount, without waiting; only a regular file of a bounded size is read, with pread
 * and never mapped: a file that shrinks under a mapping kills who looks.
 *
 *	open .meta, its identity -> (new: read and parse it) -> read .values
 *	-> is the identity still that of the name?  Else this second is left out.
 *
 * The identity is device, inode, size and time of change: the writer makes a new file and
 * renames it.
 */
#ifndef IO_APPFILE_H
#define IO_APPFILE_H

#include "../core/series.h"
#include "../core/target.h"

enum { APPFILE_WHY_CAP = 160 };

struct appfile;

/* Borrowed until the end. */
struct appfile_of {
	struct series_store *store;
	uint32_t owner;
	const struct target *target;
};

/* NULL: no memory. */
MUST_CHECK struct appfile *appfile_new(const struct appfile_of *of);
/* dir: borrowed.  A file that is not there is no fault. */
void appfile_tick(struct appfile *f, int dir, int64_t tick);
/* What is wrong with them, or "". */
const char *appfile_why(const struct appfile *f);
/* Its series end at that tick. */
void appfile_free(struct appfile *f, int64_t tick);

#endif
