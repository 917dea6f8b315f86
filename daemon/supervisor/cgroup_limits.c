/*
 * cgroup_limits.c - each limit, written where its controller is: cgroup2's
 * file, or v1's with v1's meaning of the number.
 */
#include "cgroup_in.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "sys.h"

/* Write value to LEAF/file in the hierarchy that has the controller. */
static int
limit(const struct cgroups *g, enum cgroup_controller c, const char *leaf,
    const char *key, const char *v2_file, const char *v1_file, const char *value,
    struct err *err)
{
	char path[CGROUP_LEAF_CAP + 64];
	int dir = g->v2[c] ? g->unified : g->v1[c];

	if (dir < 0)
		return err_set(err, EXIT_ENVIRONMENT,
		    "%s: cannot be set: the %s controller of cgroups is not mounted",
		    key, cgroup_names[c]);
	snprintf(path, sizeof path, "%s/%s", leaf, g->v2[c] ? v2_file : v1_file);
	if (sys_write_file(dir, path, value) < 0)
		return err_set(err, EXIT_ENVIRONMENT,
		    "%s: cannot be set: write '%s' to %s: %s", key, value, path,
		    strerror(errno));
	return 0;
}

static int
limit_memory(const struct cgroups *g, const char *leaf, uint64_t bytes,
    struct err *err)
{
	char value[32], path[CGROUP_LEAF_CAP + 64];
	int rc;

	snprintf(value, sizeof value, "%llu", (unsigned long long)bytes);
	rc = limit(g, CGROUP_MEMORY, leaf, "memory-limit", "memory.max",
	    "memory.limit_in_bytes", value, err);
	if (rc < 0)
		return rc;
	/* Swap: the same limit for both together.  Absent without swap. */
	if (g->v2[CGROUP_MEMORY]) {
		snprintf(path, sizeof path, "%s/memory.oom.group", leaf);
		(void)sys_write_file(g->unified, path, "1");
		snprintf(path, sizeof path, "%s/memory.swap.max", leaf);
		rc = sys_write_file(g->unified, path, "0"); /* last: errno is its */
	} else {
		snprintf(path, sizeof path, "%s/memory.memsw.limit_in_bytes",
		    leaf);
		rc = sys_write_file(g->v1[CGROUP_MEMORY], path, value);
	}
	if (rc < 0 && errno != ENOENT)
		return err_set(err, EXIT_ENVIRONMENT,
		    "memory-limit: cannot be set for swap: %s", strerror(errno));
	return 0;
}

/* v1's shares (2..262144, 1024 is normal) as v2's weight (1..10000, 100). */
static unsigned
weight_of(uint32_t shares)
{
	if (shares <= 2)
		return 1;
	if (shares >= 262144)
		return 10000;
	return (unsigned)(1 + (uint64_t)(shares - 2) * 9999 / 262142);
}

static int
limit_cpu(const struct cgroups *g, const char *leaf,
    const struct cgroup_limits *l, struct err *err)
{
	char value[48];
	int rc = 0;

	if (l->cpu_shares != 0) {
		snprintf(value, sizeof value, "%u",
		    g->v2[CGROUP_CPU] ? weight_of(l->cpu_shares) :
					l->cpu_shares);
		rc = limit(g, CGROUP_CPU, leaf, "cpu-shares", "cpu.weight",
		    "cpu.shares", value, err);
	}
	if (rc == 0 && l->cpu_milli != 0) {
		/* Thousandths of a CPU in each 100 ms. */
		snprintf(value, sizeof value, "%llu%s",
		    (unsigned long long)l->cpu_milli * 100,
		    g->v2[CGROUP_CPU] ? " 100000" : "");
		rc = limit(g, CGROUP_CPU, leaf, "cpu-quota", "cpu.max",
		    "cpu.cfs_quota_us", value, err);
	}
	return rc;
}

int
cgroup_limit(const struct cgroups *g, const char *leaf,
    const struct cgroup_limits *l, struct err *err)
{
	char value[32];
	int rc = limit_cpu(g, leaf, l, err);

	if (rc == 0 && l->pids != 0) {
		snprintf(value, sizeof value, "%u", l->pids);
		rc = limit(g, CGROUP_PIDS, leaf, "pids-limit", "pids.max",
		    "pids.max", value, err);
	}
	if (rc == 0 && l->memory_bytes != 0)
		rc = limit_memory(g, leaf, l->memory_bytes, err);
	return rc;
}
