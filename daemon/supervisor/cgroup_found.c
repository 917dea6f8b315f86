/*
 * cgroup_found.c - the groups that are there when a daemon starts, and those
 * of sandboxes, which hold the groups of containers.
 */
#include "cgroup_in.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/name.h"
#include "../base/own.h"
#include "sys.h"

enum { BOX_CAP = NAME_CAP + 1 };

static void
box_path(const char *sandbox, char path[BOX_CAP])
{
	snprintf(path, BOX_CAP, "%c%s", CGROUP_BOX, sandbox);
}

int
cgroup_box(const struct cgroups *g, const char *sandbox,
    const struct cgroup_limits *l, struct err *err)
{
	char box[BOX_CAP];
	int rc = 0;
	bool was;

	box_path(sandbox, box);
	was = g->unified >= 0 && mkdirat(g->unified, box, 0755) < 0;
	if (was && errno != EEXIST)
		return err_set(err, EXIT_ENVIRONMENT,
		    "cannot make cgroup %s: %s", box, strerror(errno));
	for (int i = 0; i < CGROUP_COUNT && rc == 0; i++)
		if (g->v1[i] >= 0 && i != CGROUP_IO &&
		    mkdirat(g->v1[i], box, 0755) < 0 && errno != EEXIST)
			rc = err_set(err, EXIT_ENVIRONMENT,
			    "cannot make cgroup %s (%s): %s", box,
			    cgroup_names[i], strerror(errno));
	if (rc == 0)
		rc = cgroup_limit_box(g, box, was, l, err);
	if (rc < 0) {
		err_prefix(err, "sandbox '%s': ", sandbox);
		cgroup_box_remove(g, sandbox);
	}
	return rc;
}

bool
cgroup_box_there(const struct cgroups *g, const char *sandbox)
{
	char box[BOX_CAP];

	box_path(sandbox, box);
	return faccessat(g->unified, box, F_OK, 0) == 0;
}

void
cgroup_box_remove(const struct cgroups *g, const char *sandbox)
{
	char box[BOX_CAP];

	box_path(sandbox, box);
	(void)cgroup_rmdir(g, box); /* an instance may be called exec */
}

void
cgroup_box_of(const char *leaf, char sandbox[NAME_CAP])
{
	const char *slash = strchr(leaf, '/');

	sandbox[0] = '\0';
	if (slash != NULL && leaf[0] == CGROUP_BOX)
		snprintf(sandbox, NAME_CAP, "%.*s", (int)(slash - leaf) - 1,
		    leaf + 1);
}

bool
cgroup_foreign(const struct cgroups *g, const char *leaf)
{
	AUTO_CLOSE int fd = openat(g->unified, leaf,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int copy = fd < 0 ? -1 : openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSEDIR DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;

	if (d == NULL || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return true;
	while ((e = readdir(d)) != NULL)
		if (e->d_type == DT_DIR && strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0 &&
		    strncmp(e->d_name, CGROUP_SUB, strlen(CGROUP_SUB)) != 0)
			return true;
	return false;
}

/* NAME.NUMBER */
static bool
is_leaf(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot != NULL && name_ok(name, (size_t)(dot - name)) &&
	    dot[1] >= '1' && dot[1] <= '9' &&
	    dot[1 + strspn(dot + 1, "0123456789")] == '\0' &&
	    strlen(name) < NAME_CAP + 12;
}

static bool
is_box(const char *name)
{
	return name[0] == CGROUP_BOX && name_ok(name + 1, strlen(name + 1));
}

/* Call fn for each directory in one, with its name below top. */
static void
each_in(int top, const char *box,
    void (*fn)(void *arg, const char *path, bool leaf), void *arg)
{
	int copy = openat(top, box, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSEDIR DIR *d = copy < 0 ? NULL : fdopendir(copy);
	const bool inside = strcmp(box, ".") != 0;
	char path[CGROUP_LEAF_CAP];
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		bool leaf = is_leaf(e->d_name);

		if (e->d_type != DT_DIR ||
		    !(leaf || (!inside && is_box(e->d_name))))
			continue;
		snprintf(path, sizeof path, "%s%s%s", inside ? box : "",
		    inside ? "/" : "", e->d_name);
		if (!leaf)
			each_in(top, path, fn, arg);
		fn(arg, path, leaf);
	}
}

struct caller {
	void (*fn)(void *arg, const char *leaf);
	void *arg;
};

static void
call(void *arg, const char *path, bool leaf)
{
	const struct caller *c = arg;

	if (leaf)
		c->fn(c->arg, path);
}

void
cgroup_each(const struct cgroups *g, void (*fn)(void *arg, const char *leaf),
    void *arg)
{
	struct caller c = {fn, arg};

	each_in(g->unified, ".", call, &c);
}

struct sweep {
	const struct cgroups *g;
	int top;
};

/* Only what is empty can go. */
static void
sweep(void *arg, const char *path, bool leaf)
{
	const struct sweep *w = arg;

	if (!leaf || (w->top != w->g->unified &&
			 faccessat(w->g->unified, path, F_OK, 0) < 0 &&
			 errno == ENOENT))
		unlinkat(w->top, path, AT_REMOVEDIR);
}

void
cgroup_sweep(const struct cgroups *g)
{
	struct sweep w = {g, g->unified};

	for (int i = 0; i < CGROUP_COUNT; i++)
		if ((w.top = g->v1[i]) >= 0)
			each_in(w.top, ".", sweep, &w);
	w.top = g->unified;
	each_in(w.top, ".", sweep, &w);
}
