/*
 * going.h - how this node goes: on SIGTERM it tells the others that it is back
 * soon, hands over what it leads, and ends.  Containers stay.  And while an
 * operator wants it drained it says so, over restarts, until told otherwise.
 */
#ifndef IO_GOING_H
#define IO_GOING_H

#include "../base/err.h"
#include "ctl.h"

struct engine;

/* Does the operator's wish to drain stand?  Negative: err->code. */
MUST_CHECK int going_load(struct engine *e, struct err *err);
/* Each second: what all know of it is what is wished, also after a start or a join. */
void going_second(struct engine *e);
/* mesh drain, mesh undrain. */
void going_drain(struct engine *e, struct ctl_req *r);
void going_undrain(struct engine *e, struct ctl_req *r);
/* SIGTERM came.  Ends the process, at the latest after a second. */
void going_restart(struct engine *e);

#endif
