/*
 * rootless.h - meshd --rootless: all that an ordinary user's meshd does otherwise.
 *
 * The supervisor is root all the same, of a user namespace that is its user's:
 *
 *   inside      the host calls it
 *   0           the user: the supervisor, and who owns configs and images
 *   1, 2        the first two of his sub ids: the engine, meshd-conf
 *   1000 ...    of his sub ids: one for each sandbox
 *
 * A user without sub ids has id 0 alone, and it is everybody's.  So the rest of
 * the supervisor needs no way of its own; where one is needed it asks here, and
 * for root's meshd each answer is the one that changes nothing.
 *
 * Order: rootless_enter, which execs meshd anew; then rootless_open, before
 * anything else of this.  (doc/rootless.md)
 */
#ifndef SUPERVISOR_ROOTLESS_H
#define SUPERVISOR_ROOTLESS_H

#include <sys/stat.h>

#include "args.h"
#include "config.h"

enum {
	ROOTLESS_ENGINE = 1,
	ROOTLESS_CONF = 2,
	ROOTLESS_HTTP = 3,
	ROOTLESS_FIRST = 1000, /* of sandboxes; with less sub ids it is id 0 alone */
};

/* Is it --rootless, and has its user only one id? */
bool rootless(void);
bool rootless_one_id(void);

/* From the user's process to the root of a namespace of his: that in which the
 * containers of a meshd before us are, else a new one.  Returns on an error
 * only.  EXIT_ENVIRONMENT, EXIT_CONFIG.  (rootless_enter.c) */
MUST_CHECK int rootless_enter(const struct args *a, char **argv, struct err *err);
/* In it.  owners: the descriptor that rootless_enter left. */
MUST_CHECK int rootless_open(int owners, struct err *err);

/* May the file behind fd (st is of it) say what runs here?  Root's; rootless: the
 * user's, or that of the host's root. */
bool rootless_trusts(int fd, const struct stat *st);
/* Whose it must be, for an error line: "root", or "you or root". */
const char *rootless_owner(void);

/* The user's own default for one of the paths of config_read, or dflt. */
const char *rootless_path(const char *key, const char *dflt, char *buf, size_t cap);
/* The default config file, or what was given. */
const char *rootless_config(const char *given);
/* Accounts and ids of the namespace instead of those in the config.  EXIT_CONFIG. */
MUST_CHECK int rootless_accounts(struct config *c, struct err *err);
/* From the roots of the hierarchies to the highest group of each that the user may
 * use; -1: none.  v1: CGROUP_COUNT.  (rootless_group.c) */
void rootless_groups(int *unified, int v1[]);

/* Nobody makes device nodes but root: one of the host's, as a detached mount; and it
 * onto name in dir.  -1 and errno.  (rootless_view.c) */
MUST_CHECK int rootless_device(const char *name);
MUST_CHECK int rootless_put_device(int mnt, int dir, const char *name);
/* In the engine's process, before it gives up its rights: of the user's home and
 * run-time directory it sees what c names, and of configs and images nothing can be
 * written.  (rootless_view.c) */
MUST_CHECK int rootless_view(const struct config *c);

/* Is pid the init of that instance, which writes to its logs in there?  And of all
 * processes: calls fn for each that is of any.  (rootless_find.c) */
bool rootless_is_ours(pid_t pid, int log_dir, const char *instance);
void rootless_each(int log_dir,
    void (*fn)(void *arg, pid_t pid, const char *instance), void *arg);

#endif
