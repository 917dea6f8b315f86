/*
 * collect_still.h - what of a host hardly moves, in node_exporter's names: its clock
 * (node_timex_*, asked of the kernel and never set; clock sources, time zone), what
 * system it is (node_os_*), SELinux; and two tables that the kernel has to walk for us,
 * neighbours, UDP's queues, connections tracked.  The clock each ten
 * seconds, tables each thirty, the system each sixty, none in another's second.
 */
#ifndef IO_COLLECT_STILL_H
#define IO_COLLECT_STILL_H

#include "reading.h"

struct still;

/* of: borrowed.  root: an open directory of what is / (etc, proc, sys), borrowed too. */
MUST_CHECK struct still *still_new(const struct reading_of *of, int root); /* NULL: no memory */
/* all: everything at once, as the first time. */
void still_tick(struct still *s, int64_t tick, bool all);
void still_free(struct still *s);

#endif
