/*
 * runs.h - `mesh run SANDBOX COMMAND`: a Command container of this node, started
 * once by root, and what it said, as it says it.
 *
 * Only names go to the supervisor, as for a check: what runs is what the image's
 * own file says.  The supervisor asks the sandbox (allow-exec), and takes the time
 * limit of checks away.  Whoever asked went away: it is stopped.
 *
 * Frames:  {command, text, missing}        lines as the init stamped them; missing: of what was
 *                                          said before them some was overwritten unread
 *          {command, text, missing, code}  the last one
 */
#ifndef IO_RUNS_H
#define IO_RUNS_H

#include "../base/proto.h"
#include "ctl.h"

struct engine;

void runs_verb(struct engine *e, struct ctl_req *r);
/* An event that answers a ticket, with its fd (borrowed).  False: it is of no run. */
bool runs_event(struct engine *e, const struct sup_event *ev, int fd);
/* Its log, as it is written: fd is taken. */
void runs_output(struct engine *e, const struct sup_event *ev, int fd);
/* Events were lost, and theirs may be among them. */
void runs_lost(struct engine *e);

#endif
