/*
 * logs.h - read what an instance printed: files that its init writes in
 * turn, every line beginning with its time (RFC 3339, milliseconds, Z).
 *
 * Read from the end, no further back than is needed, or on from a cursor: who follows a
 * log costs what was written meanwhile, and at most LOGS_READ_BYTES a look.
 */
#ifndef IO_LOGS_H
#define IO_LOGS_H

#include "../../gossip/mp.h"
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

/*
 * A look by who may go on from it: with after "" the last `lines`; else whatever came
 * behind that cursor, the oldest first, so that what is more is for the next look, and
 * nothing is lost that the files keep until then.  LOGS_BEGIN is a cursor before them all.
 * The cursor that comes back ends in LOGS_MISSING_MARK when lines before those that are
 * given can't be: it is a cursor with or without that.
 */
#define LOGS_BEGIN "#0"
#define LOGS_MISSING_MARK '!'
MUST_CHECK int logs_look(int logs_fd, const char *instance, size_t lines,
    char after[LOGS_TIME_CAP], struct blob *out, struct err *err);
/* A cursor out of a packed one; 0, or -ERR_MALFORMED. */
MUST_CHECK int logs_cursor(struct mp *mp, char after[LOGS_TIME_CAP]);
/* Takes the mark away; was it there? */
bool logs_mark_taken(char after[LOGS_TIME_CAP]);

#endif
