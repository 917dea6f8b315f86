/*
 * cgroup_in.h - what the files of the cgroups share.
 */
#ifndef SUPERVISOR_CGROUP_IN_H
#define SUPERVISOR_CGROUP_IN_H

#include "cgroup.h"

extern const char *const cgroup_names[CGROUP_COUNT]; /* of the controllers */

/* Nobody below our group opens another device than those of cgroup_nodes, and
 * terminals.  A kernel that can't do that is told in the log. */
void cgroup_devices(const struct cgroups *g);
/* bpf(2): -1 and errno.  (cgroup_bpf.c) */
union bpf_attr;
struct bpf_insn;
int cgroup_bpf(int cmd, union bpf_attr *attr);
/* A program of that name (15 bytes) for the group, an fd; in the place of the one that a
 * daemon before us left there.  prog_type: BPF_PROG_TYPE_*; attach_type: BPF_CGROUP_*. */
MUST_CHECK int cgroup_bpf_attach(int group, const char *name, unsigned prog_type, unsigned attach_type,
    const struct bpf_insn *insns, unsigned count);
/* Is word among the comma-separated words of list? */
bool cgroup_listed(const char *list, const char *word);
/* The roots of the hierarchies that are mounted, opened, where these are -1. */
void cgroup_find_roots(int *unified, int v1[]);
/* What v1 calls a controller. */
const char *cgroup_v1_name(enum cgroup_controller c);

/* Remove a group everywhere, cgroup2 last.  False: something is in it. */
bool cgroup_rmdir(const struct cgroups *g, const char *path);
/* Set all that is not zero, of a new leaf.  EXIT_ENVIRONMENT: one can't be. */
MUST_CHECK int cgroup_limit_leaf(const struct cgroups *g, const char *leaf,
    const struct cgroup_limits *l, struct err *err);
/* Of the group of a sandbox.  was: it may have others, and zero lifts those. */
MUST_CHECK int cgroup_limit_box(const struct cgroups *g, const char *box,
    bool was, const struct cgroup_limits *l, struct err *err);
/* v1's shares (2..262144, 1024 is normal) as cgroup2's weight (1..10000,
 * 100), by the curve the field agreed on: 10^((l^2 + 125 l) / 612 - 7/34),
 * l = log2(shares). */
unsigned cgroup_cpu_weight(uint32_t shares);

#endif
