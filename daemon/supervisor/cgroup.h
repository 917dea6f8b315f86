/*
 * cgroup.h - one group per container, whatever the host mounts: cgroup2 for
 * grouping and killing, and each limit where its controller is (v2, or v1 on
 * hybrid hosts).  A limit that can't be set is an error, never "unlimited".
 *
 * A leaf is INSTANCE.GEN below the daemon's own group; nothing outside that
 * group is ever touched.
 */
#ifndef SUPERVISOR_CGROUP_H
#define SUPERVISOR_CGROUP_H

#include <sys/types.h>

#include "../base/err.h"

enum cgroup_controller { CGROUP_MEMORY, CGROUP_CPU, CGROUP_PIDS, CGROUP_COUNT };

enum { CGROUP_LEAF_CAP = NAME_CAP + 12 };

struct cgroups {
	int unified;		/* our group in cgroup2, flock'ed */
	int v1[CGROUP_COUNT];	/* our group in that v1 hierarchy, or -1 */
	bool v2[CGROUP_COUNT];	/* the controller is on cgroup2 for leaves */
	bool move;		/* a child can't be cloned into a leaf, see cgroup.c */
};

/* All zero: no limit of that kind. */
struct cgroup_limits {
	uint64_t memory_bytes;
	uint32_t cpu_shares, cpu_milli, pids;
};

/* name: NAME[/NAME...] below each root; made if missing.  EXIT_ENVIRONMENT. */
MUST_CHECK int cgroup_open(struct cgroups *g, const char *name, struct err *err);
/* Make a leaf with its limits.  *fd is its cgroup2 directory, for clone3, or
 * -1 where cgroup_attach does it all.  On error nothing is left.  -EEXIST (err
 * unset) when it is there already. */
MUST_CHECK int cgroup_make(const struct cgroups *g, const char *leaf,
    const struct cgroup_limits *l, int *fd, struct err *err);
/* The doors of the leaves on v1 (-1: none there), for the process that is to live
 * in them: it goes through each by itself, see cgroup_join.  On error all -1. */
MUST_CHECK int cgroup_doors(const struct cgroups *g, const char *leaf,
    int doors[CGROUP_COUNT], struct err *err);
/* Move a (blocked) process into its cgroup2 leaf where clone3 could not. */
MUST_CHECK int cgroup_attach(const struct cgroups *g, const char *leaf,
    pid_t pid, struct err *err);
/* The calling thread goes through a door.  Another that moves it, or a process
 * that moves whole, makes the kernel wait for all CPUs (seen: 4 to 20 ms).
 * 0, or -1 and errno. */
MUST_CHECK int cgroup_join(int door);
/* The calling process goes into the cgroup2 group alone.  0, or -1 and errno. */
MUST_CHECK int cgroup_enter(const struct cgroups *g, const char *leaf);
/* SIGKILL to all in it, and wait until they are gone: false after ms. */
MUST_CHECK bool cgroup_end(const struct cgroups *g, const char *leaf, int ms);
/* SIGKILL to all in it. */
void cgroup_kill(const struct cgroups *g, const char *leaf);
/* True when the leaf is gone everywhere; false: something still lives. */
bool cgroup_remove(const struct cgroups *g, const char *leaf);
/* Did the kernel kill something in it for memory? */
bool cgroup_oom_killed(const struct cgroups *g, const char *leaf);
/*
 * A group inside a leaf, LEAF/exec.N, of a command that runs beside the
 * application (exec.h): the leaf's limits hold for it.  It is entered, killed and
 * removed by its name as a leaf is, and goes with its leaf.  On v1 there is none:
 * there the leaf's doors are the way.
 */
#define CGROUP_SUB "exec."
/* *fd as of cgroup_make. */
MUST_CHECK int cgroup_make_sub(const struct cgroups *g, const char *sub, int *fd,
    struct err *err);
/* Kill what is in those of a leaf, wait for its end, each at most ms, and remove
 * them. */
void cgroup_end_subs(const struct cgroups *g, const char *leaf, int ms);
/* Is this process in the leaf? */
bool cgroup_holds(const struct cgroups *g, const char *leaf, pid_t pid);
/* Is it no leaf of ours at all, but the group of another daemon (locked, or
 * with groups of its own), or can that not be said? */
bool cgroup_foreign(const struct cgroups *g, const char *leaf);
/* Call fn for each leaf there is: a directory named NAME.NUMBER. */
void cgroup_each(const struct cgroups *g,
    void (*fn)(void *arg, const char *leaf), void *arg);

#endif
