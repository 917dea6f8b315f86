/*
 * exec.h - commands of root's inside running containers (base/execproto.h).
 *
 * The engine has no part in it: who may connect is root, and what is asked is
 * checked against the sandbox file as it is now.  Each command has a group of
 * its own below its container's, so that all it leaves ends with it, and what
 * limits the container limits it as well.
 */
#ifndef SUPERVISOR_EXEC_H
#define SUPERVISOR_EXEC_H

#include <sys/stat.h>

#include "../base/execproto.h"
#include "cgroup.h"
#include "filter.h"
#include "helper.h"
#include "spec.h"

enum {
	EXEC_MAX = 16,	  /* at once; one more is refused */
	EXEC_PROBES = 48, /* at once besides; one more waits */
	EXEC_PROBES_EACH = 12, /* of these, of one sandbox */
	EXEC_SLOTS = EXEC_MAX + EXEC_PROBES,
	EXEC_FDS_EACH = 5, /* of a command, in the poll */
	EXEC_GROUP_CAP = CGROUP_LEAF_CAP + 16,
};

/* A checked request. */
struct exec_request {
	uint32_t flags;
	char instance[NAME_CAP], term[EXEC_TERM_CAP];
	struct strs argv; /* owned */
};

/* One record of `len` bytes, hostile.  0 and *out (free argv.buf), or the line. */
MUST_CHECK int exec_parse(const void *buf, size_t len, struct exec_request *out,
    struct err *err);

enum exec_stage {
	EXEC_FREE,
	EXEC_WAITS,  /* for the request */
	EXEC_JUDGED, /* its sandbox file is read */
	EXEC_JOINS,  /* a child enters the container */
	EXEC_RUNS,
	EXEC_ENDS, /* its group is emptied */
};

/* Why it runs: somebody called, or it is a probe of the container's own. */
enum exec_why { EXEC_ASKED, EXEC_READY, EXEC_LIVE };

struct exec {
	enum exec_stage stage;
	enum exec_why why;
	int output;   /* a probe's: what it says, at the end */
	msec deadline; /* MSEC_NEVER: none */
	int conn;      /* -1: the caller is gone, or was told all */
	uint32_t uid, login;
	int32_t pid;   /* the caller's; of a probe: the run's */
	char sandbox[NAME_CAP]; /* a probe's */
	uint32_t turn; /* a probe's: row_probe.turn */
	struct exec_request ask;
	int stdio[EXEC_FDS];
	struct helper helper; /* EXEC_JUDGED */
	struct stat file;
	/* A child of ours joins the namespaces, and clones the command as one more
	 * child of ours, since a pid namespace holds for children only. */
	int joiner, born; /* its pidfd; a pipe that tells the command's pid */
	int command;	  /* pidfd */
	bool known;	  /* there was one */
	bool sealed;	  /* there was none: its secrets can't be opened */
	int error;	  /* a pipe: a line, or its end when the command runs */
	char group[EXEC_GROUP_CAP]; /* LEAF/exec.N, or "" */
	uint64_t early; /* bits of signals that came before there was a command */
	int status;
	char text[SUP_TEXT_CAP]; /* why it could not be run */
	int code;
};

struct execs {
	int listener; /* run-dir/exec */
	uint32_t count;
	struct exec slots[EXEC_SLOTS]; /* callers' first */
};

struct sup;
struct row;
/* Ask this container; health_probed has the answer.  False: not now, for too
 * many probes run, or it is being changed. */
MUST_CHECK bool exec_probe(struct sup *s, const struct row *r, enum exec_why why,
    msec now);
/* After boot: what the last supervisor's commands left is ended. */
void exec_open(struct sup *s);
/* At the end: the commands end, containers stay. */
void exec_close(struct sup *s);
/* What to poll for reading: at most 1 + EXEC_SLOTS * EXEC_FDS_EACH. */
size_t exec_fds(const struct sup *s, int *fds);
/* One of those can be read. */
void exec_ready(struct sup *s, int fd, msec now);
void exec_tick(struct sup *s, msec now);
msec exec_deadline(const struct sup *s);

/* What the child needs (exec_child.c). */
struct exec_child {
	const struct exec_request *ask;
	const struct spec *spec; /* of the instance as it runs */
	const struct filter *filter;
	int target; /* pidfd of the container's pid 1 */
	pid_t pid;  /* its pid */
	int init, stdio[EXEC_FDS], error, born, release;
	int doors[CGROUP_COUNT]; /* to its v1 groups */
	int key, conf; /* of its secrets, or -1; meshd-conf, and as whom it runs */
	uid_t conf_uid;
	gid_t conf_gid;
};
/* Exit code of who enters: its secrets can't be opened. */
enum { EXEC_NO_SECRETS = 124 };
_Noreturn void exec_child_run(const struct exec_child *c);

/* What `born` carries: one of these. */
struct exec_born {
	uint32_t magic;
	int32_t pid;
};
enum { EXEC_BORN_MAGIC = 0x4e524f42 };

#endif
