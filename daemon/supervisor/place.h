/*
 * place.h - where the supervisor keeps things, opened once and then used by
 * descriptor: directories, the locks, the control socket, the cluster key.
 */
#ifndef SUPERVISOR_PLACE_H
#define SUPERVISOR_PLACE_H

#include "config.h"
#include "spare.h"

struct place {
	int lock;	  /* state-dir/lock, locked for our life */
	int state_dir;	  /* root:mesh 1770 */
	int records_dir;  /* state-dir/supervisor, root 0700 */
	struct spare spare; /* of that; spare_found makes it */
	int rendered_dir; /* state-dir/rendered, root 0755 */
	int volumes_dir;  /* state-dir/volumes, root 0700 */
	int run_dir;	  /* root:mesh 0755 */
	int pids_dir;	  /* run-dir/supervisor, root 0700 */
	int log_dir;	  /* root:mesh 0750 */
	int ctl;	  /* listening, 0660 root:mesh */
	int exec;	  /* listening, 0600 root (exec.h) */
};

/* EXIT_STATE, or EXIT_ENVIRONMENT when another daemon holds the lock.  What was
 * all made before is opened on a full or read-only disk too. */
MUST_CHECK int place_open(struct place *p, const struct config *c,
    struct err *err);

/* The key: 0600, 32 bytes, not zero.  The fd (*fd = -1 when the default file
 * does not exist), or EXIT_KEY. */
MUST_CHECK int place_key(const struct config *c, int *fd, struct err *err);
/* Make it if there is none. */
MUST_CHECK int place_make_key(const struct config *c, struct err *err);

/* rendered/ROLE, root:mesh 0775: make it; remove it with what is inside. */
MUST_CHECK int place_role(const struct place *p, const struct config *c,
    const char *role, struct err *err);
MUST_CHECK int place_unrole(const struct place *p, const char *role,
    struct err *err);

/* Does this errno say that a disk is full, read-only or broken? */
bool place_unwritable(int why);

/* A file of ours for reading, or -1 and errno; ENOENT also where that name is not a
 * regular file's. */
MUST_CHECK int place_open_file(int dir, const char *name);
/* Of what has that name and is not a regular file: it is put aside as PLACE_ODD NAME,
 * and said; where that can't be done it is said too, and stays. */
void place_only_file(int dir, const char *name);
#define PLACE_ODD ".odd-"

/* Before the name of a file that is not whole yet. */
#define PLACE_TMP ".tmp-"
/* A whole small file, replaced atomically and durably. */
MUST_CHECK int place_save(int dir, const char *name, const void *buf, size_t len,
    bool durable, struct err *err);

#endif
