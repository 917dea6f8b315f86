/*
 * logverb.h - `mesh logs INSTANCE|ROLE`.  One instance whose node is known is asked for
 * there (logs.h); a role, and what nobody here knows the place of, on all nodes (logall.h).
 *
 * Frames of one instance:  {text}        whole lines, one after the other
 *                          {node, note}  what is to be known: lines that are missing
 * Followed, each look goes on from the last one, and at once while there is more.  What has
 * written nothing and does not run is an error that says why.
 */
#ifndef IO_LOGVERB_H
#define IO_LOGVERB_H

#include "ctl.h"

struct engine;

void logverb(struct engine *e, struct ctl_req *r);

#endif
