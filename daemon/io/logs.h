/*
 * logs.h - read what an instance printed: files that its init writes in
 * turn, every line beginning with its time (RFC 3339, milliseconds, Z).
 *
 * Read from the end, no further back than is needed: who follows a log costs what
 * was written meanwhile, and at most LOGS_READ_BYTES a look.
 */
#ifndef IO_LOGS_H
#define IO_LOGS_H

#include "../base/err.h"
#include "../core/blob.h"
#include "../core/lines.h"

enum { LOGS_READ_BYTES = 1 << 20, LOGS_TIME_CAP = 40, LOGS_LINES_MAX = 10000 };

/* A time as a stamp, to compare with; ms since 1970, at most the year 9999. */
void logs_stamp(uint64_t ms, char out[LINES_STAMP_CAP]);

/* What is asked of a log. */
struct logs_want {
	size_t lines; /* the last ones; SIZE_MAX: all that are read */
	char since[LINES_STAMP_CAP]; /* none before it; "" = any */
	/* The cursor: none that were given before.  "" = any; opaque text, which is put
	 * behind the last one that is given. */
	char after[LOGS_TIME_CAP];
};

/*
 * Whole lines, oldest first.  What does not begin with a time is left out: it is the
 * rest of a torn line.  *out is malloc'd text, maybe empty.  *cut (or NULL): more were
 * asked for, or had come, than LOGS_READ_BYTES, or than the files keep.  -1 and the line when there is no log.
 */
MUST_CHECK int logs_read(int logs_fd, const char *instance, struct logs_want *want,
    struct blob *out, bool *cut, struct err *err);
/* The same of files that are open: count <= INIT_LOGS_MAX, each regular or left out.
 * -1 without memory. */
MUST_CHECK int logs_read_files(const int *fds, size_t count, struct logs_want *want,
    struct blob *out, bool *cut);

/* logs_read of the last `lines` behind `after`. */
MUST_CHECK int logs_tail(int logs_fd, const char *instance, size_t lines,
    char after[LOGS_TIME_CAP], struct blob *out, struct err *err);

#endif
