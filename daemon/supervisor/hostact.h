/*
 * hostact.h - named host actions: commands of this host that its administrator wrote
 * down, and that a role's change of files may name (doc/host-actions.md).
 *
 *   engine --SUP_HOST: a name, a role--> read by meshd-conf -> judged -> a child of root's
 *          <--REPLY: refused, or EXIT: what came of it-------  in a group of its own
 *
 * The engine, which may be an enemy's, says two names.  All else is said by
 * CONFIG_DIR/lithos-configs/host-actions.yaml, root's and writable by nobody else, read
 * anew each time: what runs, as whom, for which roles, how long, and which of the role's
 * rendered files is first copied to which place of the host.  There is no shell, the
 * environment is ours, and of the output the last line is kept.  What it leaves behind
 * ends with it.  It ends with the supervisor too: who asked asks again.
 */
#ifndef SUPERVISOR_HOSTACT_H
#define SUPERVISOR_HOSTACT_H

#include "config.h"
#include "helper.h"
#include "spec.h"

enum {
	HOSTACTS_MAX = 4, /* at once */
	HOSTACT_FDS = 3,  /* of each, in the poll */
	HOSTACT_FILES_MAX = 32,
	HOSTACT_WORDS_MAX = 64,
	HOSTACT_FILE_BYTES_MAX = 4 << 20,
	HOSTACT_TAIL = 512,
	HOSTACT_MS = 30000, /* without a timeout of its own */
	HOSTACT_MS_MIN = 100,
	HOSTACT_MS_MAX = 600000,
};

/* Groups of cgroup2, by the number of the slot.  With a dot it is nobody else's name. */
#define HOSTACT_GROUP ".action"

/* One that is copied before the command runs. */
struct hostact_file {
	char name[256]; /* in rendered/ROLE/current */
	char to[CONFIG_PATH_CAP];
	uint32_t mode, uid, gid;
};

struct hostact_spec {
	struct strs argv;
	uint32_t uid, gid, timeout_ms;
	size_t files_count;
	struct hostact_file files[HOSTACT_FILES_MAX];
};

struct hostact {
	bool used;
	uint64_t ticket; /* 0: nobody waits for it */
	char name[NAME_CAP], role[NAME_CAP];
	struct helper helper; /* first it is read */
	int pidfd, out;	      /* then it runs; -1 */
	bool ending;	      /* it has ended, and its group goes */
	int status;	      /* as it ended; told when the group has gone, or told_by */
	msec told_by;
	bool late;
	uint32_t timeout_ms;
	msec deadline;
	char tail[HOSTACT_TAIL];
	size_t tail_len;
};

struct sup;
struct sup_req;

/* At start: nothing of a supervisor before us goes on. */
void hostact_open(struct sup *s);
/* SUP_HOST.  Negative: refused. */
MUST_CHECK int hostact_start(struct sup *s, const struct sup_req *q, msec now,
    struct err *err);
/* Descriptors to poll for reading, HOSTACTS_MAX * HOSTACT_FDS at most; how many. */
size_t hostact_fds(const struct sup *s, int *fds);
void hostact_ready(struct sup *s, int fd, msec now);
void hostact_tick(struct sup *s, msec now);
msec hostact_deadline(const struct sup *s);
/* Who asked is gone, and what it was told by tickets with it. */
void hostact_engine_ended(struct sup *s);
void hostact_close(struct sup *s);

/* The file of a host's actions. */
void hostact_file_name(const char *config_dir, char *out, size_t cap);
/* What an action is, if this role may name it; role NULL: whoever may.  EXIT_CONFIG and
 * the line.  The caller frees out->argv (hostact_free).  (hostact_judge.c) */
MUST_CHECK int hostact_judge(const struct flat *f, const char *file, const char *name,
    const char *role, struct hostact_spec *out, struct err *err);
void hostact_free(struct hostact_spec *spec);
/* In a child, which it ends: copy, become who it is to be, exec.  What goes wrong is said
 * to descriptor 2.  rendered: state-dir/rendered; owner: who writes there.
 * (hostact_child.c) */
_Noreturn void hostact_child(const struct hostact_spec *spec, int rendered,
    const char *role, uid_t owner);

#endif
