/*
 * cgroup_in.h - what the files of the cgroups share.
 */
#ifndef SUPERVISOR_CGROUP_IN_H
#define SUPERVISOR_CGROUP_IN_H

#include "cgroup.h"

extern const char *const cgroup_names[CGROUP_COUNT]; /* of the controllers */

/* Set all that is not zero.  EXIT_ENVIRONMENT: one of them can't be. */
MUST_CHECK int cgroup_limit(const struct cgroups *g, const char *leaf,
    const struct cgroup_limits *l, struct err *err);

#endif
