/*
 * rootless_find.c - the containers of a daemon, found without groups: by the log
 * files that their inits write to, which are the same whatever became of the notes
 * in run-dir.
 *
 * An init can't be looked into: to a user the names of its descriptors are shut.
 * Their inodes are told, and, by its argv[0], of which file system: two of one
 * directory are nobody else's.  What runs in a container can make itself such
 * descriptors and such a name, but is never the first of a pid namespace.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../base/initproto.h"
#include "../base/name.h"
#include "../base/own.h"
#include "launch.h"
#include "rootless.h"
#include "sys.h"

enum { GROW = 64 };

#define LOG ".log"

/* The log files of an instance. */
struct logs {
	dev_t dev;
	ino_t first, second;
	char instance[NAME_CAP];
};

struct known {
	struct logs *all; /* owned */
	size_t count;
};

/* Of which file the process has the descriptor; 0: that can't be said. */
static ino_t
inode_of(pid_t pid, int fd)
{
	char path[48], text[512], *p;
	ssize_t n;

	snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", (int)pid, fd);
	AUTO_CLOSE int info = open(path, O_RDONLY | O_CLOEXEC);
	n = info < 0 ? -1 : sys_read_all(info, text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	p = strstr(text, "ino:");
	return p == NULL ? 0 : (ino_t)strtoull(p + 4, NULL, 10);
}

/* Of which file system its logs are; 0: it does not say, one of an older meshd. */
static dev_t
dev_of(pid_t pid)
{
	char path[48], text[64] = "", *at;
	ssize_t n;

	snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	at = strchr(text, INIT_NAME_DEV[0]);
	return at == NULL ? 0 : (dev_t)strtoull(at + 1, NULL, 16);
}

/* NAME.log and NAME.log.1: false, if this is not the first of the two. */
static bool
take(int dir, const char *name, struct logs *l)
{
	size_t n = strlen(name), end = strlen(LOG);
	char second[NAME_CAP + 16];
	struct stat a, b;

	if (n <= end || strcmp(name + n - end, LOG) != 0 || !name_ok(name, n - end))
		return false;
	snprintf(second, sizeof second, "%s.1", name);
	if (fstatat(dir, name, &a, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fstatat(dir, second, &b, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	l->dev = a.st_dev;
	l->first = a.st_ino;
	l->second = b.st_ino;
	snprintf(l->instance, sizeof l->instance, "%.*s", (int)(n - end), name);
	return true;
}

/* Without memory what is known so far is all there is. */
static void
read_logs(int log_dir, struct known *k)
{
	int copy = openat(log_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSEDIR DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;
	struct logs *more;

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (k->count % GROW == 0) {
			more = realloc(k->all, (k->count + GROW) * sizeof *more);
			if (more == NULL)
				return;
			k->all = more;
		}
		k->count += take(log_dir, e->d_name, &k->all[k->count]);
	}
}

/* Whose init is it?  NULL: of none of these. */
static const char *
whose(pid_t pid, const struct known *k)
{
	ino_t first, second;
	dev_t dev;

	if (launch_is_init(pid) != 1 || !launch_is_first(pid) ||
	    (first = inode_of(pid, INIT_FD_LOG)) == 0 || (second = inode_of(pid, INIT_FD_LOG2)) == 0)
		return NULL;
	dev = dev_of(pid);
	for (size_t i = 0; i < k->count; i++)
		if ((dev == 0 || k->all[i].dev == dev) && k->all[i].first == first &&
		    k->all[i].second == second)
			return k->all[i].instance;
	return NULL;
}

bool
rootless_is_ours(pid_t pid, int log_dir, const char *instance)
{
	struct logs l;
	char name[NAME_CAP + 8];

	snprintf(name, sizeof name, "%s" LOG, instance);
	return take(log_dir, name, &l) && whose(pid, &(struct known){&l, 1}) != NULL;
}

void
rootless_each(int log_dir, void (*fn)(void *arg, pid_t pid, const char *instance),
    void *arg)
{
	AUTO_CLOSEDIR DIR *d = opendir("/proc");
	struct known k = {0};
	struct dirent *e;
	const char *instance;

	read_logs(log_dir, &k);
	while (d != NULL && k.count > 0 && (e = readdir(d)) != NULL) {
		pid_t pid = atoi(e->d_name);

		if (pid > 0 && (instance = whose(pid, &k)) != NULL)
			fn(arg, pid, instance);
	}
	free(k.all);
}
