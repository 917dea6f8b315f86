/*
 * insides.h - the engine's own state for `mesh debug bundle`: configuration in
 * force, queues, counters, the last lines of its log.  No secret is in it: keys
 * are named by their files alone.
 */
#ifndef IO_INSIDES_H
#define IO_INSIDES_H

#include "ctl.h"

struct engine;

void insides_verb(struct engine *e, struct ctl_req *r);

#endif
