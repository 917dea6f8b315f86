/*
 * logs.h - read what an instance printed: files that its init writes in
 * turn, every line beginning with its time (RFC 3339, milliseconds, Z).
 */
#ifndef IO_LOGS_H
#define IO_LOGS_H

#include "../base/err.h"
#include "../core/blob.h"

enum { LOGS_READ_BYTES = 1 << 20, LOGS_TIME_CAP = 40, LOGS_LINES_MAX = 10000 };

/*
 * The last `lines` lines behind the cursor `after` ("" = any), oldest first;
 * after then points behind the last one (opaque text).  What does not begin
 * with a time is left out: it is the rest of a torn line.  *out is malloc'd text, maybe empty.
 * -1 and the line when there is no log.
 */
MUST_CHECK int logs_tail(int logs_fd, const char *instance, size_t lines,
    char after[LOGS_TIME_CAP], struct blob *out, struct err *err);

#endif
