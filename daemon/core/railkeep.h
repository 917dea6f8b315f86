/*
 * railkeep.h - one role of a plan replaced by what another plan has of it.
 * Private to core.
 */
#ifndef CORE_RAILKEEP_H
#define CORE_RAILKEEP_H

#include "plan.h"

/* Only places on nodes that are members are taken.  0 or -ERR_FULL. */
MUST_CHECK int railkeep_role(struct plan *plan, const struct plan *last, const char *role,
    const struct view_node *nodes, size_t nodes_count);

#endif
