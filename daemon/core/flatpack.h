/*
 * flatpack.h - flat documents (base/flat.h) as nested msgpack: how a YAML file
 * of a role's metadata reaches a script.  Private to core.
 */
#ifndef CORE_FLATPACK_H
#define CORE_FLATPACK_H

#include "input.h"
#include "pack.h"

/* "roles": {ROLE: {"versions": {VERSION: {FILE: document}}}} */
MUST_CHECK int flatpack_roles(struct pack *p, const struct input_meta *metas, size_t count);

#endif
