/*
 * tell.h - what this node tells: its summary to everyone, its report to the
 * leader and its standby, its events to the log.
 */
#ifndef IO_TELL_H
#define IO_TELL_H

#include "../../gossip/mesh.h"
#include "../base/proto.h"
#include "../core/report.h"

struct engine;
struct local_instance;

enum { TELL_SOON_MS = 10, TELL_METRICS_MS = 2000 };

/* The leader, or its standby: who it is, and what it was told. */
struct tell_hearer {
	struct node_id id;
	struct report_told told;
};

void tell_init(struct engine *e);
/* The mesh moved: does a hearer wait for a report? */
void tell_look(struct engine *e);
/* Once a second: probe the host, refresh facts, the summary, the report. */
void tell_second(struct engine *e);
/* The trace hook of the mesh machine (struct mesh_conf). */
void tell_trace(void *arg, msec now, const char *event);
/* Before a STATE is folded in, with what was known: an end that nobody asked for, or a
 * START refused, is an event; the instance's row forgets it as soon as it runs again. */
void tell_end(struct engine *e, const struct local_instance *old, const struct sup_event *ev);
/* The supervisor refused a request: say so. */
void tell_refused(const struct sup_event *ev);

#endif
