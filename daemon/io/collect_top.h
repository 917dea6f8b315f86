/*
 * collect_top.h - the processes of this host that use most: the ten first by CPU (of the
 * last ten seconds) and the ten first by memory, as mesh_process_cpu_seconds_total and
 * mesh_process_resident_memory_bytes with pid and comm.
 *
 * A walk over all processes is dear, so it takes ten ticks, a tenth each, and who used no
 * CPU when it was looked at last is left alone in five rounds of six.  Who has not lived
 * from one round to the next is not told of (a host that compiles has hundreds of those a
 * minute); who is not among the first any more has ended, as has who is gone: no process
 * keeps a series for long.  Where /proc hides others' processes (hidepid), there are only
 * our own.
 */
#ifndef IO_COLLECT_TOP_H
#define IO_COLLECT_TOP_H

#include "reading.h"

enum { TOP_COUNT = 10, TOP_ROUND_TICKS = 10, TOP_PROCESSES_MAX = 16384 };

struct collect_top;

/* of: borrowed until the end.  NULL: no memory. */
MUST_CHECK struct collect_top *collect_top_new(const struct reading_of *of);
void collect_top_tick(struct collect_top *t, int64_t tick);
void collect_top_free(struct collect_top *t);

#endif
