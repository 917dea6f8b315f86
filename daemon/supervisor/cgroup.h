/*
 * cgroup.h - one group per container, whatever the host mounts: cgroup2 for
 * grouping and killing, and each limit where its controller is (v2, or v1 on
 * hybrid hosts).  A limit that can't be set is an error, never "unlimited".
 *
 *   CGROUP/                  the daemon's own, flock'ed
 *     .engine/               not ours to limit
 *     @SANDBOX/              the sandbox's limits, for all in it together
 *       INSTANCE.GEN/        a leaf: a container and its own limits
 *     INSTANCE.GEN/          a leaf of a daemon before there were the above
 *
 * '@' and '.' begin no name of anybody's, so none of these is taken for
 * another daemon's group or for a file of the kernel's.  Nothing outside
 * CGROUP is ever touched.
 */
#ifndef SUPERVISOR_CGROUP_H
#define SUPERVISOR_CGROUP_H

#include <sys/types.h>

#include "../base/err.h"

enum cgroup_controller {
	CGROUP_MEMORY,
	CGROUP_CPU,
	CGROUP_PIDS,
	CGROUP_IO, /* only for who has a weight: each v1 group costs a start */
	CGROUP_COUNT
};

#define CGROUP_BOX '@'

enum { CGROUP_LEAF_CAP = 2 * NAME_CAP + 14, CGROUP_NODES = 6 };

/* The devices of a container's /dev; with its terminals, all it may open. */
struct cgroup_node {
	const char *name;
	unsigned major, minor;
};
extern const struct cgroup_node cgroup_nodes[CGROUP_NODES];

struct cgroups {
	int unified;		/* our group in cgroup2, flock'ed; -1: a rootless
				 * user without one; then nothing is grouped or
				 * limited, and the end of a pid 1 is that of all */
	int v1[CGROUP_COUNT];	/* our group in that v1 hierarchy, or -1 */
	bool v2[CGROUP_COUNT];	/* the controller is on cgroup2 for leaves */
	bool move;		/* a child can't be cloned into a leaf, see cgroup.c */
};

/* All zero: no limit of that kind. */
struct cgroup_limits {
	uint64_t memory_bytes;
	uint64_t memory_high_bytes; /* from here on reclaimed, and slowed down */
	uint32_t cpu_shares, cpu_milli, pids, io_weight;
	bool optional; /* one that this host has no controller for is left out */
};

/* name: NAME[/NAME...] below each root; made if missing.  EXIT_ENVIRONMENT. */
MUST_CHECK int cgroup_open(struct cgroups *g, const char *name, struct err *err);
/* Make the sandbox's group, or set other limits to the one there is; no limit
 * is one that is lifted. */
MUST_CHECK int cgroup_box(const struct cgroups *g, const char *sandbox,
    const struct cgroup_limits *l, struct err *err);
bool cgroup_box_there(const struct cgroups *g, const char *sandbox);
/* It goes, unless there is a leaf in it. */
void cgroup_box_remove(const struct cgroups *g, const char *sandbox);
/* The sandbox in whose group a leaf is, or "". */
void cgroup_box_of(const char *leaf, char sandbox[NAME_CAP]);
/* Make a leaf on cgroup2; the sandbox's group is there.  *fd is its directory, for
 * clone3, or -1 where cgroup_attach does it all.  On error nothing is left.
 * -EEXIST (err unset) when it is there already. */
MUST_CHECK int cgroup_make(const struct cgroups *g, const char *leaf, int *fd,
    struct err *err);
/* Then its groups on v1, and its limits everywhere: before it holds anybody but a
 * child of ours.  On error cgroup_remove takes what is there. */
MUST_CHECK int cgroup_limit(const struct cgroups *g, const char *leaf,
    const struct cgroup_limits *l, struct err *err);
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
/* Make one that is not ours to limit, if it is missing.  EXIT_ENVIRONMENT. */
MUST_CHECK int cgroup_make_plain(const struct cgroups *g, const char *name,
    struct err *err);
/* The calling process goes into the cgroup2 group alone.  0, or -1 and errno. */
MUST_CHECK int cgroup_enter(const struct cgroups *g, const char *leaf);
/* SIGKILL to all in it, and wait until they are gone: false after ms. */
MUST_CHECK bool cgroup_end(const struct cgroups *g, const char *leaf, int ms);
/* SIGKILL to all in it. */
void cgroup_kill(const struct cgroups *g, const char *leaf);
/* True when the leaf is gone everywhere; false: something still lives. */
bool cgroup_remove(const struct cgroups *g, const char *leaf);
/* Did the kernel kill something in it for memory, and for its own limit? */
enum cgroup_oom { CGROUP_OOM_NONE, CGROUP_OOM_OWN, CGROUP_OOM_ABOVE };
enum cgroup_oom cgroup_oom_killed(const struct cgroups *g, const char *leaf);
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
/* Of what is in our group only this user binds the port, on meshd's own network; a kernel
 * that can't do that is told in the log.  (cgroup_port.c) */
void cgroup_keep_port(const struct cgroups *g, unsigned port, uid_t engine);
/* Does the kernel hold this group to the devices of cgroup_nodes? */
bool cgroup_devices_of(const struct cgroups *g, const char *leaf);
/* Is this process in the leaf?  1, 0, or -1 and errno: that can't be seen. */
int cgroup_holds(const struct cgroups *g, const char *leaf, pid_t pid);
/* Is it no leaf of ours at all, but the group of another daemon (locked, or
 * with groups of its own), or can that not be said? */
bool cgroup_foreign(const struct cgroups *g, const char *leaf);
/* Call fn for each leaf there is: a directory named NAME.NUMBER. */
void cgroup_each(const struct cgroups *g,
    void (*fn)(void *arg, const char *leaf), void *arg);
/* Remove what a daemon that was killed left half made or half removed: empty
 * groups of sandboxes, and v1 groups that cgroup2 has no more. */
void cgroup_sweep(const struct cgroups *g);

#endif
