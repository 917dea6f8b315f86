/*
 * probe.h - what this host says of itself to the others: CPU, memory, load, and the disk
 * under the state directory.  The texts of /proc are read elsewhere, once for all who
 * want something of them (collect_host.h).
 */
#ifndef IO_PROBE_H
#define IO_PROBE_H

#include "../../gossip/mesh.h"
#include "../base/err.h"
#include "../core/procfs.h"
#include "../core/view.h"

struct probe;

/* disk_fd: any descriptor on the file system to measure; borrowed until probe_free. */
MUST_CHECK int probe_new(int disk_fd, struct probe **out, struct err *err);
/* "the disk of DIR is full: ..." when less than 16 MiB are left, or less than one in a
 * hundred and 1 GiB; of what probe_read filled.  False: there is room, or it is not known. */
bool probe_disk_line(const struct view_metrics *m, const char *dir, char *out, size_t cap);
/* A text that was read now; of kinds that say nothing here, and an empty one, nothing is
 * taken. */
void probe_take(struct probe *p, enum procfs_kind kind, struct slice text);
/*
 * Fill both (either may be NULL).  Of *summary the fields cpu, mem, disk and
 * load; instances and facts_hash are the caller's and stay.  CPU is the mean
 * between the last two texts (0 before).  What was not told keeps its last value.
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
