/*
 * why.h - mesh why INSTANCE: what the scheduler says it decided by, and what hosts know that
 * holds it now.
 */
#ifndef IO_WHY_H
#define IO_WHY_H

#include "ctl.h"

struct engine;

/* {instance, scheduled, stamp, role, node, sandbox, process, image, version, why, running: [rows of
 * mesh ps], held: [{role, stamp, why}], problems: [{text, hint}]} */
void why_verb(struct engine *e, struct ctl_req *r);

#endif
