/*
 * child.h - the container's own side of a start: between clone3 and exec.
 */
#ifndef SUPERVISOR_CHILD_H
#define SUPERVISOR_CHILD_H

#include "../base/initproto.h"
#include "cgroup.h"
#include "filter.h"
#include "rtnl.h"
#include "spec.h"

#define CHILD_HOSTS "/etc/hosts"
#define CHILD_RESOLV "/etc/resolv.conf"

struct child {
	const struct spec *spec;
	const struct filter *filter;
	int bare;		      /* mounts_bare */
	int root;		      /* detached mount of the image */
	int volumes[SPEC_VOLUMES_MAX]; /* likewise, or -1 for tmpfs */
	bool later;		      /* some are not there yet: launch_mounts_later */
	int hosts, resolv;	      /* files to mount there, or -1 */
	int userns;		      /* or -1 */
	int key;		      /* of its secrets, or -1; then also: */
	int conf;		      /* meshd-conf, and as whom it runs */
	uid_t conf_uid;
	gid_t conf_gid;
	int release;		      /* a byte: its groups are there; another: go; EOF: exit */
	int error, exit_fd, logs[2], init;
	int ports[SPEC_PORTS_MAX];    /* listening; -1: it opens that itself */
	int fence;		      /* or -1: no role lease */
	int net;		      /* the network that is kept for it, or -1 */
	char alias[RTNL_ALIAS_CAP];   /* of its link */
	int logs_count;
	int more_logs[INIT_LOGS_MAX - 2]; /* the third, ..., or -1 */
	const struct cgroups *cgroups; /* if `move`, its maker moves it before its release */
	const char *leaf;
	uint64_t log_bytes;	      /* of one file */
	uint32_t outside_uid, outside_gid; /* of the application */
};

_Noreturn void child_run(struct child *c);

/* From root of the host to the application's user, in its working directory and
 * under its filter, for good.  Not 0: the line is written to error. */
MUST_CHECK int child_become(const struct child *c, int error);
/* NUL-separated strings as a NULL-terminated vector, after `skip` slots. */
char **child_vector(const struct strs *s, size_t skip);

/* Used by child_run, in a file of its own: /proc, /dev, /tmp and volumes over
 * the image that is already "/".  *null: /dev/null in there.  0 or -1 with the
 * line said by child_say. */
/* What a user gets only while the host's are in sight; else -1 each. */
struct child_early {
	int devices[CGROUP_NODES], proc; /* detached mounts */
};
int child_mounts(const struct child *c, const struct child_early *early, int *null);
/* Before that. */
int child_early(const struct child *c, struct child_early *early);
/* Likewise, before the image is "/": limits, priorities and the like as if a
 * fresh kernel had started it.  (child_reset.c) */
int child_reset(const struct child *c);
/* Of that, what a command takes from no container: scheduler and I/O class,
 * timer slack, personality, memory policy. */
int child_reset_more(const struct child *c);
/* Likewise: onto its own network, if it has one; the ports in it are opened.
 * (child_network.c) */
int child_network(struct child *c);
/* Likewise: its secrets in plain, NAME=VALUE each, into *out.  Only this process,
 * or one that enters as a command, ever holds them, and its exec ends that.  Of c
 * it takes spec, error, key and what goes with that.  (child_secrets.c) */
int child_secrets(const struct child *c, struct strs *out);
/* proc: the container's procfs. */
int child_oom_score(const struct child *c, int proc);
/* Printf a line for the supervisor; returns -1. */
int child_say(const struct child *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
