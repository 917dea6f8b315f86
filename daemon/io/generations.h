/*
 * generations.h - mesh generations ROLE: the rendered generations of a role on this
 * host, and an operator's hold on one: it stays current whatever the schedule and the
 * templates say, over restarts, until it is released.  Containers follow the schedule.
 */
#ifndef IO_GENERATIONS_H
#define IO_GENERATIONS_H

#include "ctl.h"

struct engine;

/* Arguments: role; number = hold that one; cancel = release.  The last two write. */
void generations_verb(struct engine *e, struct ctl_req *r);

#endif
