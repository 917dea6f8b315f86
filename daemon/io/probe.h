/*
 * probe.h - what this host's /proc says once a second: CPU, memory, load, and
 * the disk under the state directory.  The files stay open and are read with
 * pread (half the cost of opening them each time).
 */
#ifndef IO_PROBE_H
#define IO_PROBE_H

#include "../../gossip/mesh.h"
#include "../base/err.h"
#include "../core/view.h"

struct probe;

/* disk_fd: any descriptor on the file system to measure; borrowed until
 * probe_free.  EXIT_ENVIRONMENT when /proc is not there. */
MUST_CHECK int probe_new(int disk_fd, struct probe **out, struct err *err);
/* "the disk of DIR is full: ..." when less than 16 MiB are left, or less than one in a
 * hundred and 1 GiB; of what probe_read filled.  False: there is room, or it is not known. */
bool probe_disk_line(const struct view_metrics *m, const char *dir, char *out, size_t cap);
/*
 * Fill both (either may be NULL).  Of *summary the fields cpu, mem, disk and
 * load; instances and facts_hash are the caller's and stay.  CPU is the mean
 * since the last call (0 on the first).  What can't be read keeps its last
 * value.
 */
void probe_read(struct probe *p, struct mesh_summary *summary,
    struct view_metrics *metrics);
void probe_free(struct probe *p);

/* The parsers, for any text: false when it is not what /proc writes. */
bool probe_parse_stat(const char *text, uint64_t *busy, uint64_t *total);
bool probe_parse_meminfo(const char *text, uint64_t *total_bytes,
    uint64_t *available_bytes);
bool probe_parse_loadavg(const char *text, double *load1);

#endif
