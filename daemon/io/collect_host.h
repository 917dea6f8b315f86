/*
 * collect_host.h - the host's own figures, once a second, in node_exporter's names:
 * /proc, its file systems, its temperatures.
 *
 * Cheap things each second; what the kernel has to add up over all CPUs, or what hardly
 * moves, each 5 or 10 (collect_host.c has the table), each in its own second of those.
 * Nothing here may wait for anybody: a file system of another host is not asked at all
 * (mesh_filesystem_not_asked names it), and of sensors one a tick.
 */
#ifndef IO_COLLECT_HOST_H
#define IO_COLLECT_HOST_H

#include "../base/err.h"
#include "probe.h"
#include "reading.h"

enum { COLLECT_MOUNTS_MAX = 64 };

struct collect_host;

/* of: borrowed until the end, its owner is SERIES_HOST.  probe: what plane A and reports
 * tell of the same files, read once for both; NULL: nobody wants it.  EXIT_ENVIRONMENT
 * when there is no /proc. */
MUST_CHECK int collect_host_new(const struct reading_of *of, struct probe *probe, struct collect_host **out,
    struct err *err);
/* wall_ms is what the clock says at that tick. */
void collect_host_tick(struct collect_host *h, int64_t tick, int64_t wall_ms);
void collect_host_free(struct collect_host *h);

#endif
