/*
 * launch.h - make one container run from its spec.
 *
 * Order (a crash of ours at any instant runs nothing twice or unrecorded):
 * open all that is needed -> a leaf on cgroup2 -> clone3 a child into it -> its
 * groups on v1, and its limits -> note pid, start time, boot id in run-dir ->
 * release.  The child makes its mounts meanwhile, goes into its groups when they
 * are there, drops all rights and waits on a pipe only we hold; released, it execs meshd-init; `error` reads a line when that
 * or the application's exec fails, and end-of-file when the application runs.
 * The record of the instance is durable before the release; while it goes to the
 * disk, a new instance's child makes its mounts already.
 */
#ifndef SUPERVISOR_LAUNCH_H
#define SUPERVISOR_LAUNCH_H

#include <sys/stat.h>

#include "cgroup.h"
#include "filter.h"
#include "images.h"
#include "nets.h"
#include "place.h"
#include "ports.h"
#include "spec.h"
#include "strays.h"

/* LAUNCH_LATER, of those that may not wait: only who may can say.  No error. */
enum { LAUNCH_USERNS_MAX = 32, LAUNCH_LATER = -1000 };

/* A user namespace kept open for all containers with the same id maps. */
struct launch_userns {
	int fd;
	uint32_t uid_maps_count, gid_maps_count;
	struct spec_map uid_maps[SPEC_MAPS_MAX], gid_maps[SPEC_MAPS_MAX];
};

/* What every launch shares; borrowed parts outlive it. */
struct launcher {
	const struct place *place;
	const struct cgroups *cgroups;
	gid_t gid;    /* who may read logs */
	int init;     /* sealed memfd of meshd-init */
	int null;     /* /dev/null */
	int bare;     /* mounts_bare */
	int conf;     /* borrowed: meshd-conf, and as whom it runs */
	uid_t conf_uid;
	gid_t conf_gid;
	struct filter filter;
	struct ports ports;
	struct images images;
	struct nets nets;
	struct strays strays; /* of all kinds */
	struct launch_userns userns[LAUNCH_USERNS_MAX];
	size_t userns_count;
	bool sweeping; /* state of instances that are gone is still on disk */
	int sweeper; /* pidfd of who removes it; -1: nobody */
	uint64_t gone_seq;
	msec age_at; /* launch_age is due */
	char boot_id[40];
};

/* A container that runs. */
struct running {
	pid_t pid;
	uint64_t start_time;
	uint64_t id;	   /* sys_pidfd_id; 0: unknown */
	uint32_t gen;
	uint64_t hash;	   /* of the spec it was launched from; 0: unknown */
	uint64_t judged;   /* likewise, spec_judged() */
	uint64_t since_ms; /* CLOCK_REALTIME of the launch; 0: unknown */
	int pidfd;    /* owned */
	int release;  /* owned; between launch_begin and launch_go, else -1 */
	int error;    /* owned; -1 when adopted */
	int exit_fd;  /* owned: the init's last word */
	int logs[2];  /* owned: memfds of a Command, else -1 */
	int appdir;   /* owned: of its metrics files (appdir.h), or -1 */
	bool appdir_asked, appdir_later; /* it was looked for; it has to be, by who waits */
	bool fenced;  /* its pid 1 has the fence file */
	bool oom;     /* memory was gone in it, and that was told */
	char leaf[CGROUP_LEAF_CAP];
};

void running_new(struct running *r);
void running_close(struct running *r);

/* init_program: an fd of meshd-init. EXIT_ENVIRONMENT. */
MUST_CHECK int launch_open(struct launcher *l, const struct place *place,
    const struct cgroups *cgroups, gid_t gid, int init_program, struct err *err);
/* gen > 0: tried first; the next free one is taken. */
MUST_CHECK int launch(struct launcher *l, const struct spec *s, uint32_t gen,
    struct running *out, struct err *err);
/* The same in two steps: up to a child that waits, of which nothing is noted and
 * nothing of the image runs, and its release. */
MUST_CHECK int launch_begin(struct launcher *l, const struct spec *s,
    uint32_t gen, struct running *out, struct err *err);
MUST_CHECK int launch_go(struct launcher *l, const struct spec *s,
    struct running *r, struct err *err);
/* A child that was never released, or anything else of a failed start: it ends, if not
 * at once then as one of strays. */
void launch_undo(struct launcher *l, struct running *r);
/* The container that a supervisor before us started, if the very same process
 * still lives: 1.  0: it doesn't; *out then holds gen and leaf for clean-up,
 * if there was a note that counts (gen > 0).  Negative: it can't be said (no more
 * descriptors, an I/O error): then it must not be taken for dead. */
MUST_CHECK int launch_adopt(struct launcher *l, const char *instance,
    struct running *out, struct err *err);
/* The same where the note is gone, by its group: run-dir was emptied under us.
 * False: none is there, or it may be of another spec.  (launch_find.c) */
bool launch_find(struct launcher *l, const struct spec *s, struct running *out);
/* Has it become meshd-init?  Negative: that can't be said. */
int launch_is_init(pid_t pid);
/* Is it the first process of its pid namespace?  (launch_find.c) */
bool launch_is_first(pid_t pid);
/* Write down which process it is.  (launch_adopt.c, as is what reads that) */
MUST_CHECK int launch_note(const struct launcher *l, const struct spec *s,
    const struct running *r, struct err *err);
/* Exit status as waitpid's from the init's record, or -1. */
int launch_exit_status(const struct running *r);
/* What has the name of one of its files in run-dir and is none goes aside. */
void launch_tidy(const struct launcher *l, const char *instance);
/* Forget pid, exit and fence files of an instance. */
void launch_forget(const struct launcher *l, const char *instance);

/* What an instance kept (!Statedir) is nobody's from now on, unless it is back
 * within a day; call it before its record goes.  launch_age looks for what is
 * older; launch_sweep has it removed when `sweeping` holds, by a process of
 * its own, and launch_swept hears that this ended.
 * (launch_state.c) */
void launch_forget_state(struct launcher *l, const char *instance);
/* At start, when all Commands of a supervisor before us have ended. */
void launch_forget_commands(struct launcher *l);
/* Where it lies below state-dir/volumes: apart for each sandbox, of another the
 * ids are another's; and of a Command, which has no record. */
enum { LAUNCH_STATE_CAP = 2 * NAME_CAP + 8 };
void launch_state_path(const struct spec *s, char out[LAUNCH_STATE_CAP]);
void launch_age(struct launcher *l, bool (*is_here)(void *, const char *),
    void *arg);
void launch_sweep(struct launcher *l);
void launch_swept(struct launcher *l);

/* Its log files into c and r, opened, and its exit file.  They stay when it goes:
 * forget says since when, age removes what is gone for a day.  (launch_logs.c) */
struct child;
MUST_CHECK int launch_outputs(const struct launcher *l, const struct spec *s, struct child *c,
    struct running *r, struct err *err);
void launch_forget_logs(const struct launcher *l, const char *instance);
void launch_age_logs(const struct launcher *l, bool (*is_here)(void *, const char *),
    void *arg);

/* What the host calls the id that is `id` inside. */
uint32_t launch_outside(const struct spec_map *maps, uint32_t count, uint32_t id);

/* A user namespace with the spec's maps: a borrowed fd, -1 if the spec has
 * none, or -2 and *err.  (launch_userns.c) */
int launch_userns(struct launcher *l, const struct spec *s, struct err *err);

/* The image and the volumes as detached mounts, and the user namespace that they
 * are id-mapped by, into c; what is there stays c's on an error.  What only who may
 * wait can open is left to the child itself (c->later), which calls the second.
 * (launch_volumes.c) */
struct child;
MUST_CHECK int launch_mounts(struct launcher *l, const struct spec *s,
    struct child *c, struct err *err);
MUST_CHECK int launch_mounts_later(struct child *c, struct err *err);

/* The key that its secrets are opened with, for reading: root's alone, or it is
 * refused.  -1 if it has none.  (launch_secrets.c) */
MUST_CHECK int launch_key(const struct spec *s, int *fd, struct err *err);

/* Its /etc/hosts and /etc/resolv.conf, into c likewise.  (launch_hosts.c) */
MUST_CHECK int launch_hosts(const struct launcher *l, struct child *c,
    struct err *err);

/* The image's root, a directory (O_PATH), of what is mounted if the image is a file;
 * it and each level from who->dir down to it is root's, or this is refused.
 * LAUNCH_LATER if who->at_once.  (launch_image.c) */
MUST_CHECK int launch_image(struct images *im, const struct image_who *who,
    int *fd, struct err *err);
/* Its two steps: the directory or file of that name (0), or what is mounted of one that
 * is gone (1; im: NULL if not held); and of a file, with this stat, what is mounted. */
MUST_CHECK int launch_image_find(struct images *im, const struct image_who *who,
    int *fd, struct err *err);
MUST_CHECK int launch_image_mount(struct images *im, const struct image_who *who,
    int *fd, const struct stat *st, struct err *err);
/* Another name of a file of the host would tell what that one holds, in an error.
 * One that everybody may read has nothing to tell: images share such files with
 * their version before (rsync --link-dest). */
bool launch_may_be_foreign(const struct stat *st);
/* May the container file that the request names be read?  at: found inside the image
 * as if that were "/", so that links lead nowhere else.  0, or negative. */
struct found;
MUST_CHECK int launch_container_file(const struct sup_req *req, const struct found *at,
    struct err *err);
/* It is looked for too, however long that takes: the fd (O_PATH), or negative. */
MUST_CHECK int launch_container_at_once(const struct sup_req *req, int image,
    struct err *err);

#endif
