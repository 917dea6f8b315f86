/*
 * planpack.h - a plan shown to scripts and templates as nested maps, in the
 * shape in which a script gave it.  Private to core.
 */
#ifndef CORE_PLANPACK_H
#define CORE_PLANPACK_H

#include "pack.h"
#include "plan.h"

/* {id: {process, image, vars}} */
void planpack_instances(struct pack *p, const struct plan_place *pl);
/* {NODE: {vars, roles: {ROLE: {sandbox, vars, instances}}}} */
void planpack_nodes(struct pack *p, const struct plan *plan);
/* {ROLE: {version, vars, template, on_split, update}}; an empty one is left
 * out, so that a script finds nil where it said nothing. */
void planpack_roles(struct pack *p, const struct plan *plan);

#endif
