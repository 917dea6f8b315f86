/*
 * logverb.h - `mesh logs INSTANCE|ROLE`.  One instance whose node is known is asked for
 * there (logs.h); a role, and what nobody here knows the place of, on all nodes (logall.h).
 */
#ifndef IO_LOGVERB_H
#define IO_LOGVERB_H

#include "ctl.h"

struct engine;

void logverb(struct engine *e, struct ctl_req *r);

#endif
