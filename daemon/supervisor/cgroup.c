/*
 * cgroup.c - see cgroup.h.
 */
#include "cgroup_in.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/log.h"
#include "../base/name.h"
#include "../base/own.h"
#include "rootless.h"
#include "sys.h"

#define PROBE ".probe" /* no name of an instance, nor of another daemon's group */

enum { LOCK_TRIES = 200 };

const char *const cgroup_names[CGROUP_COUNT] = {"memory", "cpu", "pids", "io"};

bool
cgroup_listed(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; p != NULL && *p != '\0';) {
		size_t k = strcspn(p, ", \n");

		if (k == n && memcmp(p, word, n) == 0)
			return true;
		p += k;
		p += strspn(p, ", \n");
	}
	return false;
}

/* mkdir -p below root; on cgroup2 the controllers are handed down. */
static int
descend(int root, const char *name, bool unified)
{
	char part[NAME_CAP], word[16];
	int dir = fcntl(root, F_DUPFD_CLOEXEC, 3), next;

	while (dir >= 0 && *name != '\0') {
		size_t n = strcspn(name, "/");

		snprintf(part, sizeof part, "%.*s", (int)n, name);
		for (int i = 0; unified && i < CGROUP_COUNT; i++) {
			snprintf(word, sizeof word, "+%s", cgroup_names[i]);
			(void)sys_write_file(dir, "cgroup.subtree_control",
			    word);
		}
		if (mkdirat(dir, part, 0755) < 0 && errno != EEXIST) {
			close(dir);
			return -1;
		}
		next = openat(dir, part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(dir);
		dir = next;
		name += n;
		while (*name == '/')
			name++;
	}
	return dir;
}

const char *
cgroup_v1_name(enum cgroup_controller c)
{
	return c == CGROUP_IO ? "blkio" : cgroup_names[c];
}

/* One line of mountinfo: remember the roots of the hierarchies we want. */
static void
take_mount(char *line, int *unified, int *v1)
{
	char *dash = strstr(line, " - "), *point = line, *end, *options;

	for (int i = 0; i < 4 && point != NULL; i++)
		if ((point = strchr(point, ' ')) != NULL)
			point++;
	if (dash == NULL || point == NULL || (end = strchr(point, ' ')) == NULL)
		return;
	*end = '\0';
	options = strrchr(dash + 3, ' ');
	if (strncmp(dash, " - cgroup2 ", 11) == 0 && *unified < 0)
		*unified = open(point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (strncmp(dash, " - cgroup ", 10) != 0 || options == NULL)
		return;
	for (unsigned i = 0; i < CGROUP_COUNT; i++)
		if (v1[i] < 0 &&
		    cgroup_listed(options + 1, cgroup_v1_name(i)))
			v1[i] = open(point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void
cgroup_find_roots(int *unified, int v1[])
{
	AUTO_FCLOSE FILE *f = fopen("/proc/self/mountinfo", "re");
	AUTO_FREE char *line = NULL;
	size_t cap = 0;

	while (f != NULL && getline(&line, &cap, f) > 0)
		take_mount(line, unified, v1);
}

static void
find_v2_controllers(struct cgroups *g)
{
	char text[512];
	ssize_t n;

	for (int i = 0; i < CGROUP_COUNT; i++) {
		char word[16];

		snprintf(word, sizeof word, "+%s", cgroup_names[i]);
		(void)sys_write_file(g->unified, "cgroup.subtree_control", word);
	}
	AUTO_CLOSE int fd = openat(g->unified, "cgroup.subtree_control",
	    O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	for (int i = 0; i < CGROUP_COUNT; i++)
		g->v2[i] = cgroup_listed(text, cgroup_names[i]);
}

/*
 * Linux (seen: 6.18) counts in each group how often it was killed by way of
 * cgroup.kill, and takes a child whose group has another count at its end
 * than at its beginning for one that escaped: it dies at birth.  With
 * CLONE_INTO_CGROUP it looks at two groups, first its maker's, then its own.
 * So a supervisor in a group that was killed once (a service manager does it)
 * can clone nobody into a fresh leaf, while a move is always right.  Nothing
 * can be read of that count; a child that does nothing tells.
 */
static bool
clone_is_killed(int unified)
{
	AUTO_CLOSE int pidfd = -1;
	siginfo_t si = {0};
	pid_t pid;

	if (mkdirat(unified, PROBE, 0755) < 0 && errno != EEXIST)
		return false; /* the first leaf tells why */
	AUTO_CLOSE int fd = openat(unified, PROBE,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	pid = fd < 0 ? -1 : sys_fork(0, fd, &pidfd);
	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitid(P_PIDFD, (id_t)pidfd, &si, WEXITED);
	unlinkat(unified, PROBE, AT_REMOVEDIR);
	return si.si_code == CLD_KILLED;
}

int
cgroup_open(struct cgroups *g, const char *name, struct err *err)
{
	int unified = -1, v1[CGROUP_COUNT];

	memset(g, 0, sizeof *g);
	memset(v1, -1, sizeof v1);
	cgroup_find_roots(&unified, v1);
	if (unified < 0)
		return err_set(err, EXIT_ENVIRONMENT,
		    "no cgroup2 file system is mounted; mount it: mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 none /sys/fs/cgroup/unified");
	if (rootless())
		rootless_groups(&unified, v1);
	g->unified = unified < 0 ? -1 : descend(unified, name, true);
	if (unified < 0) {
		log_warn("rootless: no cgroup of yours can be written: containers have no limits, and a sandbox has to accept that (doc/rootless.md)");
		memset(g->v1, -1, sizeof g->v1);
		return 0;
	}
	close(unified);
	if (g->unified < 0)
		return err_set(err, EXIT_ENVIRONMENT,
		    "cannot make cgroup %s: %s", name, strerror(errno));
	if (faccessat(g->unified, "cgroup.kill", F_OK, 0) < 0)
		return err_set(err, EXIT_ENVIRONMENT,
		    "cgroup %s has no cgroup.kill: Linux 5.14 or later is needed",
		    name);
	/* A directory takes no record lock, and a child that the last daemon
	 * had just forked holds this one for some ms after a kill -9, on a busy host for many. */
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(g->unified, LOCK_EX | LOCK_NB) == 0)
			break;
		if (i == LOCK_TRIES - 1)
			return err_set(err, EXIT_ENVIRONMENT,
			    "another daemon uses cgroup %s; set another `cgroup:` in the config",
			    name);
		usleep(10000);
	}
	find_v2_controllers(g);
	cgroup_devices(g);
	g->move = clone_is_killed(g->unified);
	if (g->move)
		log_warn("the kernel kills what is cloned into cgroup %s, because meshd's own was killed once (cgroup.kill): containers are moved into theirs",
		    name);
	for (int i = 0; i < CGROUP_COUNT; i++) {
		g->v1[i] = v1[i] < 0 || g->v2[i] ? -1 :
						   descend(v1[i], name, false);
		if (v1[i] >= 0)
			close(v1[i]);
	}
	return 0;
}

/* The sandbox's group, in a hierarchy that only few need.  If it is not there
 * after this, the leaf says so. */
static void
make_box_of(int dir, const char *leaf)
{
	char box[CGROUP_LEAF_CAP];

	snprintf(box, sizeof box, "%.*s", (int)strcspn(leaf, "/"), leaf);
	(void)mkdirat(dir, box, 0755);
}

int
cgroup_make(const struct cgroups *g, const char *leaf, int *fd, struct err *err)
{
	int why;

	*fd = -1;
	if (g->unified >= 0 && mkdirat(g->unified, leaf, 0755) < 0) {
		if (errno == EEXIST)
			return -EEXIST;
		return err_set(err, EXIT_ENVIRONMENT,
		    "cannot make cgroup %s: %s", leaf, strerror(errno));
	}
	if (g->move || g->unified < 0)
		return 0;
	*fd = openat(g->unified, leaf, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd >= 0)
		return 0;
	why = errno;
	(void)cgroup_remove(g, leaf);
	return err_set(err, EXIT_ENVIRONMENT, "cannot open cgroup %s: %s", leaf,
	    strerror(why));
}

int
cgroup_limit(const struct cgroups *g, const char *leaf,
    const struct cgroup_limits *l, struct err *err)
{
	int rc = 0;

	if (g->v1[CGROUP_IO] >= 0 && l->io_weight != 0)
		make_box_of(g->v1[CGROUP_IO], leaf);
	for (int i = 0; i < CGROUP_COUNT && rc == 0; i++)
		if (g->v1[i] >= 0 && (i != CGROUP_IO || l->io_weight != 0) &&
		    mkdirat(g->v1[i], leaf, 0755) < 0 && errno != EEXIST)
			rc = err_set(err, EXIT_ENVIRONMENT,
			    "cannot make cgroup %s (%s): %s", leaf, cgroup_names[i],
			    strerror(errno));
	return rc < 0 ? rc : cgroup_limit_leaf(g, leaf, l, err);
}

int
cgroup_doors(const struct cgroups *g, const char *leaf, int doors[CGROUP_COUNT],
    struct err *err)
{
	char path[CGROUP_LEAF_CAP + 64];

	snprintf(path, sizeof path, "%s/tasks", leaf);
	for (int i = 0; i < CGROUP_COUNT; i++) {
		doors[i] = g->v1[i] < 0 ?
		    -1 :
		    openat(g->v1[i], path, O_WRONLY | O_CLOEXEC);
		if (doors[i] >= 0 || g->v1[i] < 0 ||
		    (i == CGROUP_IO && errno == ENOENT))
			continue;
		err_set(err, EXIT_ENVIRONMENT, "cannot open cgroup %s (%s): %s",
		    leaf, cgroup_names[i], strerror(errno));
		while (--i >= 0)
			if (doors[i] >= 0)
				close(doors[i]);
		memset(doors, -1, CGROUP_COUNT * sizeof *doors);
		return -EXIT_ENVIRONMENT;
	}
	return 0;
}

int
cgroup_join(int door)
{
	return write(door, "0", 1) == 1 ? 0 : -1;
}

int
cgroup_attach(const struct cgroups *g, const char *leaf, pid_t pid,
    struct err *err)
{
	char path[CGROUP_LEAF_CAP + 64], value[16];

	snprintf(path, sizeof path, "%s/cgroup.procs", leaf);
	snprintf(value, sizeof value, "%d", (int)pid);
	/* ESRCH: it failed already, and says why. */
	if (g->move && sys_write_file(g->unified, path, value) < 0 &&
	    errno != ESRCH)
		return err_set(err, EXIT_ENVIRONMENT,
		    "cannot enter cgroup %s: %s", leaf, strerror(errno));
	return 0;
}

void
cgroup_kill(const struct cgroups *g, const char *leaf)
{
	char path[CGROUP_LEAF_CAP + 64];

	snprintf(path, sizeof path, "%s/cgroup.kill", leaf);
	(void)sys_write_file(g->unified, path, "1");
}

int
cgroup_enter(const struct cgroups *g, const char *leaf)
{
	char path[CGROUP_LEAF_CAP + 64];

	snprintf(path, sizeof path, "%s/cgroup.procs", leaf);
	return g->unified < 0 ? 0 : sys_write_file(g->unified, path, "0");
}

int
cgroup_make_plain(const struct cgroups *g, const char *name, struct err *err)
{
	if (g->unified < 0 || mkdirat(g->unified, name, 0755) == 0 ||
	    errno == EEXIST)
		return 0;
	return err_set(err, EXIT_ENVIRONMENT, "cannot make cgroup %s: %s", name,
	    strerror(errno));
}

bool
cgroup_end(const struct cgroups *g, const char *leaf, int ms)
{
	char path[CGROUP_LEAF_CAP + 64], text[256];
	msec until = sys_now() + ms;

	snprintf(path, sizeof path, "%s/cgroup.events", leaf);
	AUTO_CLOSE int fd = openat(g->unified, path, O_RDONLY | O_CLOEXEC);
	struct pollfd changed = {.fd = fd, .events = POLLPRI};

	if (fd < 0)
		return g->unified < 0 || errno == ENOENT;
	cgroup_kill(g, leaf);
	for (;;) {
		ssize_t n = sys_read_all(fd, text, sizeof text - 1);
		msec left = until - sys_now();

		text[n > 0 ? n : 0] = '\0';
		if (strstr(text, "populated 0") != NULL)
			return true;
		if (n < 0 || left <= 0 || poll(&changed, 1, (int)left) < 0)
			return false;
	}
}

bool
cgroup_rmdir(const struct cgroups *g, const char *path)
{
	/* cgroup2 last: what is there is found again after a kill -9. */
	for (int i = 0; i < CGROUP_COUNT; i++)
		if (g->v1[i] >= 0 &&
		    unlinkat(g->v1[i], path, AT_REMOVEDIR) < 0 &&
		    errno != ENOENT)
			return false;
	return g->unified < 0 ||
	    unlinkat(g->unified, path, AT_REMOVEDIR) == 0 || errno == ENOENT;
}

bool
cgroup_remove(const struct cgroups *g, const char *leaf)
{
	if (cgroup_rmdir(g, leaf))
		return true;
	/* It may still hold those of its commands. */
	cgroup_end_subs(g, leaf, 0);
	return cgroup_rmdir(g, leaf);
}

int
cgroup_holds(const struct cgroups *g, const char *leaf, pid_t pid)
{
	char path[CGROUP_LEAF_CAP + 64], line[32];
	int fd;

	snprintf(path, sizeof path, "%s/cgroup.procs", leaf);
	fd = openat(g->unified, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	AUTO_FCLOSE FILE *f = fdopen(fd, "r");
	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		if (atoi(line) == pid)
			return 1;
	/* ENODEV: it was removed meanwhile. */
	return f == NULL || (ferror(f) && errno != ENODEV) ? -1 : 0;
}
