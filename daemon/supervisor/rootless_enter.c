/*
 * rootless_enter.c - see rootless.h: the way into the namespace.
 *
 * What runs of a meshd before us is in a namespace of its own, and only from that
 * one or from outside can it be ended, entered or looked at: we go there.  With
 * nobody left in it, it is gone, and so is all reason for it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../base/log.h"
#include "../base/own.h"
#include "programs.h"
#include "rootless_in.h"
#include "sys.h"

enum { DEPTH_MAX = 32, ARGV_MAX = 16 };

/* --- which ids ------------------------------------------------------------------ */

/* The largest range of the user in /etc/subuid or /etc/subgid. */
static void
find_range(const char *file, const char *name, uint32_t *first, uint32_t *count)
{
	AUTO_FCLOSE FILE *f = fopen(file, "re");
	char line[256], uid[16], *colon;
	unsigned long from, n;

	*first = *count = 0;
	snprintf(uid, sizeof uid, "%u", getuid());
	while (f != NULL && fgets(line, sizeof line, f) != NULL) {
		if ((colon = strchr(line, ':')) == NULL)
			continue;
		*colon = '\0';
		if ((strcmp(line, name) == 0 || strcmp(line, uid) == 0) &&
		    sscanf(colon + 1, "%lu:%lu", &from, &n) == 2 && n > *count &&
		    from > 0 && from + n < UINT32_MAX) {
			*first = (uint32_t)from;
			*count = (uint32_t)n;
		}
	}
}

/* A count of 0 in *ids: there are none to be had, and why was said. */
static void
find_ids(struct owners_ids *ids)
{
	const struct passwd *pw = sys_passwd(NULL, getuid());
	const char *name = pw != NULL ? pw->pw_name : "";

	find_range("/etc/subuid", name, &ids->uid_first, &ids->uid_count);
	find_range("/etc/subgid", name, &ids->gid_first, &ids->gid_count);
	if (access("/usr/bin/newuidmap", X_OK) == 0 &&
	    access("/usr/bin/newgidmap", X_OK) == 0 &&
	    ids->uid_count > ROOTLESS_FIRST && ids->gid_count > ROOTLESS_FIRST)
		return;
	log_warn("rootless: %s: meshd, its engine and all containers are one user to the kernel, you; as root: apt install uidmap && usermod --add-subuids 100000-165535 --add-subgids 100000-165535 %s",
	    access("/usr/bin/newuidmap", X_OK) < 0 ?
		"/usr/bin/newuidmap is not there" :
		"you have less than 1001 ids in /etc/subuid or /etc/subgid",
	    name[0] ? name : "YOU");
	ids->uid_count = 0;
}

static int
write_own(const char *file, const char *text, struct err *err)
{
	if (sys_write_file(AT_FDCWD, file, text) == 0)
		return 0;
	return err_set(err, EXIT_ENVIRONMENT, "cannot write '%s' to %s: %s", text,
	    file, strerror(errno));
}

static int
map_ids(int owners, const struct owners_ids *ids, uid_t uid, gid_t gid,
    struct err *err)
{
	char line[32];
	uint32_t bad = 1;
	int rc;

	if (ids->uid_count > 0) {
		if (owners_ask(owners, OWNERS_MAP, -1, &bad) && bad == 0)
			return 0;
		return err_set(err, EXIT_ENVIRONMENT,
		    "newuidmap or newgidmap refuses your ids of /etc/subuid and /etc/subgid");
	}
	/* Without this a user could leave a group that keeps him out. */
	if ((rc = write_own("/proc/self/setgroups", "deny", err)) < 0)
		return rc;
	snprintf(line, sizeof line, "0 %u 1", uid);
	if ((rc = write_own("/proc/self/uid_map", line, err)) < 0)
		return rc;
	snprintf(line, sizeof line, "0 %u 1", gid);
	return write_own("/proc/self/gid_map", line, err);
}

/* --- a namespace of its own -------------------------------------------------------- */

/* A setting that says this number. */
static bool
is_set(const char *file, const char *number)
{
	char text[16] = "";
	AUTO_CLOSE int fd = open(file, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && read(fd, text, sizeof text - 1) > 0 &&
	    strtol(text, NULL, 10) == strtol(number, NULL, 10);
}

/* The kernel says no; these are who may have told it to. */
static int
no_namespace(struct err *err)
{
	const char *why = strerror(errno);

	if (is_set("/proc/sys/user/max_user_namespaces", "0"))
		return err_set(err, EXIT_ENVIRONMENT,
		    "--rootless needs user namespaces, and this host allows none; as root: sysctl -w user.max_user_namespaces=10000");
	if (is_set("/proc/sys/kernel/unprivileged_userns_clone", "0"))
		return err_set(err, EXIT_ENVIRONMENT,
		    "--rootless needs user namespaces, and this host allows them to root only; as root: sysctl -w kernel.unprivileged_userns_clone=1");
	if (is_set("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"))
		return err_set(err, EXIT_ENVIRONMENT,
		    "--rootless needs user namespaces, and AppArmor allows none here; as root: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or give meshd a profile with `userns,`");
	return err_set(err, EXIT_ENVIRONMENT,
	    "--rootless needs a user namespace, and the kernel gives none: %s",
	    why);
}

/* The one just below ours that the process is in, or -1. */
static int
namespace_of(pid_t pid)
{
	char path[48];
	struct stat ours, theirs;
	int fd, up;

	snprintf(path, sizeof path, "/proc/%d/ns/user", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || stat("/proc/self/ns/user", &ours) < 0) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	for (int i = 0; i < DEPTH_MAX; i++) {
		up = ioctl(fd, NS_GET_PARENT);
		if (up >= 0 && fstat(up, &theirs) == 0 &&
		    theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev) {
			close(up);
			return fd;
		}
		close(fd);
		if ((fd = up) < 0)
			break;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

static void
take_namespace(void *arg, pid_t pid, const char *instance)
{
	int *fd = arg;

	(void)instance;
	if (*fd < 0)
		*fd = namespace_of(pid);
}

/* By the notes of launch_note: one that was not let go yet has no logs. */
static void
take_noted(int pids_dir, int *fd)
{
	int copy = fcntl(pids_dir, F_DUPFD_CLOEXEC, 3);
	AUTO_CLOSEDIR DIR *d = copy < 0 ? NULL : fdopendir(copy);
	unsigned long long start;
	struct dirent *e;
	char text[512];
	int version, pid;

	while (d != NULL && *fd < 0 && (e = readdir(d)) != NULL) {
		AUTO_CLOSE int note = openat(pids_dir, e->d_name,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		ssize_t n = note < 0 ? -1 : sys_read_all(note, text, sizeof text - 1);

		text[n > 0 ? n : 0] = '\0';
		if (sscanf(text, "%d %d %llu", &version, &pid, &start) == 3 &&
		    pid > 0 && sys_start_time(pid) == start)
			*fd = namespace_of(pid);
	}
}

/* Where the containers of a meshd before us are, or -1. */
static int
find_old(const struct config *c)
{
	char path[CONFIG_PATH_CAP + 16];
	int fd = -1;

	snprintf(path, sizeof path, "%s/supervisor", c->run_dir);
	AUTO_CLOSE int pids = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSE int logs = open(c->log_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (pids >= 0)
		take_noted(pids, &fd);
	if (logs >= 0 && fd < 0)
		rootless_each(logs, take_namespace, &fd);
	return fd;
}

static int
enter(const struct config *c, int owners, const struct owners_ids *ids,
    struct err *err)
{
	const uid_t uid = getuid();
	const gid_t gid = getgid();
	AUTO_CLOSE int old = find_old(c);
	int rc;

	if (old >= 0 && setns(old, CLONE_NEWUSER) < 0)
		return err_set(err, EXIT_ENVIRONMENT,
		    "cannot enter the user namespace of the containers that run: %s",
		    strerror(errno));
	if (old < 0) {
		if (unshare(CLONE_NEWUSER) < 0)
			return no_namespace(err);
		if ((rc = map_ids(owners, ids, uid, gid, err)) < 0)
			return rc;
	}
	/* Of one id its groups stay: the kernel lets nobody leave one there. */
	if (unshare(CLONE_NEWNS) < 0)
		return no_namespace(err);
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return err_set(err, EXIT_ENVIRONMENT,
		    "cannot be root of a user namespace: %s", strerror(errno));
	return 0;
}

/* The same program again: what it inherits is then of the namespace. */
static int
again(char **argv, int owners, struct err *err)
{
	char path[CONFIG_PATH_CAP], with[40], *args[ARGV_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
	size_t n = 2;

	path[len > 0 ? len : 0] = '\0';
	snprintf(with, sizeof with, "--rootless-with=%d", owners);
	args[0] = argv[0];
	args[1] = with;
	for (char **a = argv + 1; *a != NULL && n < ARGV_MAX - 1; a++)
		args[n++] = *a;
	args[n] = NULL;
	fcntl(owners, F_SETFD, 0);
	execv(path, args);
	return err_set(err, EXIT_ENVIRONMENT, "cannot run %s: %s", path,
	    strerror(errno));
}

int
rootless_enter(const struct args *a, char **argv, struct err *err)
{
	static struct config c; /* what it holds, it holds to the exec or the end */
	struct owners_ids ids;
	int owners, rc;

	if (geteuid() == 0)
		return err_set(err, EXIT_ENVIRONMENT,
		    "--rootless is for an ordinary user, and this is root: leave it out, or become a user first (runuser -u USER -- meshd --rootless)");
	rootless_begin();
	AUTO_CLOSE int conf = -1;
	if ((rc = programs_open("meshd-conf", O_PATH, &conf, err)) < 0 ||
	    (rc = config_load(&c, rootless_config(a->config), conf, a->debug, err)) < 0)
		return rc;
	find_ids(&ids);
	rootless_groups_settle();
	if ((owners = owners_start(&ids, err)) < 0)
		return owners;
	if ((rc = enter(&c, owners, &ids, err)) < 0) {
		close(owners);
		return rc;
	}
	return again(argv, owners, err);
}
