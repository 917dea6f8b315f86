/*
 * collect_net.h - what /sys/class/net says of network devices, in node_exporter's names
 * (node_network_up, _info, _speed_bytes ...).  One device a second, each every thirty
 * seconds at most: some twenty small files, opened anew each time, for a device that is
 * removed must not be held.  64 devices; a host that has more has most of them for
 * containers, which have figures of their own.
 */
#ifndef IO_COLLECT_NET_H
#define IO_COLLECT_NET_H

#include "reading.h"

enum { NETCLASS_DEVICES_MAX = 64 };

struct netclass;

/* of: borrowed.  The devices are the directories of dir/path; where there is none, there
 * are no figures.  NULL: no memory. */
MUST_CHECK struct netclass *netclass_new(const struct reading_of *of, int dir, const char *path);
void netclass_tick(struct netclass *n, int64_t tick);
void netclass_free(struct netclass *n);

#endif
