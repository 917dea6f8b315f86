/*
 * audit.h - what the kernel says of one container, for `mesh audit`.
 *
 *   engine --AUDIT--> supervisor --fork--> a process that looks, and ends
 *   engine <--sealed memfd--- supervisor <--pidfd, memfd---'
 *
 * Only root may read another user's /proc, so root reads; what it means is
 * judged where nothing is at stake (daemon/core/audit.h).  A process of its own
 * looks, because a read of /proc can wait for what it looks at: it has a
 * deadline, and dies with us.  The answer is a flat document of bounded pieces:
 *
 *   pid, role, sandbox
 *   asked/KEY              numbers of the record it was started from
 *   asked/volumes/N        where a volume is mounted; N/writable
 *   host/ns/KIND           meshd's own namespaces, "KIND:[inode]"
 *   host/landlock              version of the kernel's
 *   host/rootless one-id no-groups 1: meshd --rootless, what its user lacks
 *   host/proc              names in the host's /proc, a line each
 *   init/... app/...       pid 1 of the container, and the application:
 *       pid status uid_map gid_map limits oom_score_adj cgroup mountinfo
 *                          the files of /proc/PID as they are; FILE-cut when
 *                          there was more
 *       ns/KIND fds/N fds/N/mount fds-count
 *   init/network           its interfaces and their addresses, a line each, if it has
 *                          any of its own
 *   filters/N, N/default   of the init, as ptrace gives them: hex; 1 if it is ours
 *   filters-error          why they could not be read
 *   cgroup/v1|v2/FILE      limits as set
 *   others/N others-count  status of whatever else is in its group; others-cut
 */
#ifndef SUPERVISOR_AUDIT_H
#define SUPERVISOR_AUDIT_H

#include <sys/types.h>

#include "../base/err.h"
#include "../base/flat.h"

enum {
	AUDIT_MS_MAX = 2000,
	AUDIT_STOP_MS_MAX = 200, /* for the init to stop under ptrace */
	AUDIT_FILTERS_MAX = 8,
	AUDIT_FDS_MAX = 256,
	AUDIT_OTHERS_MAX = 128,
};

/* How the process that looks ends. */
enum audit_exit { AUDIT_DONE, AUDIT_ENDED = 3, AUDIT_FAILED };

/* The one that runs. */
struct audit {
	int pidfd, out; /* owned; -1: none runs */
	uint64_t ticket;
	msec deadline;
	char instance[NAME_CAP];
};

struct sup;
struct sup_req;
struct row;
struct filter;
struct spec;

/* 0: the answer comes later as SUP_EV_AUDIT. */
MUST_CHECK int audit_start(struct sup *s, const struct sup_req *q, msec now,
    struct err *err);
/* Its process has ended. */
void audit_ready(struct sup *s);
void audit_tick(struct audit *a, msec now);

/* audit_text.c: in the process that looks.  Writes the document to out. */
enum audit_exit audit_look(const struct sup *s, const struct row *r, int out);
/* audit_network.c: enters the network of pidfd, and looks at what is there. */
void audit_network(struct flat_out *o, int pidfd);
/* audit_filter.c: the seccomp programs of pid, which pidfd is of. */
void audit_filters(struct flat_out *o, pid_t pid, int pidfd,
    const struct filter *ours, const struct spec *s);

#endif
