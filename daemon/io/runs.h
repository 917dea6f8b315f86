/*
 * runs.h - `mesh run SANDBOX COMMAND`: a Command container of this node, started
 * once by root, and what it said.
 *
 * Only names go to the supervisor, as for a check: what runs is what the image's
 * own file says.  The supervisor asks the sandbox (allow-exec), and takes the time
 * limit of checks away.  Whoever asked went away: it is stopped.
 */
#ifndef IO_RUNS_H
#define IO_RUNS_H

#include "../base/proto.h"
#include "ctl.h"

struct engine;

void runs_verb(struct engine *e, struct ctl_req *r);
/* An event that answers a ticket, with its fd (borrowed).  False: it is of no run. */
bool runs_event(struct engine *e, const struct sup_event *ev, int fd);
/* Events were lost, and theirs may be among them. */
void runs_lost(struct engine *e);

#endif
