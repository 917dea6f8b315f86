/*
 * events.h - what happened, kept (core/journal.h) and told: `mesh events`.
 */
#ifndef IO_EVENTS_H
#define IO_EVENTS_H

#include "ctl.h"

struct engine;

/* Something this node did or found. */
void events_note(struct engine *e, const char *kind, const char *subject, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* A line of the mesh machine's trace hook. */
void events_trace(struct engine *e, const char *line);
/* The mesh moved: did this side's grade? */
void events_look(struct engine *e);
/* The verb: follow, lines, since_ms. */
void events_verb(struct engine *e, struct ctl_req *r);

#endif
