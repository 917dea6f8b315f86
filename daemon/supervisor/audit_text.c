/*
 * audit_text.c - see audit.h: the document, piece by piece, each bounded.
 *
 * A number of a process may be another's a moment later, a directory of /proc
 * that is open never is: it is opened, then the pidfd says that the process
 * was still there, so it is its own; what is read through it later is of that
 * process or nothing.  The application is the init's first child, by a status
 * read in the same way.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../base/own.h"
#include "audit.h"
#include "rootless.h"
#include "sup.h"
#include "sys.h"

enum {
	STATUS_BYTES = 4096, /* /proc/PID/status and other small files */
	MOUNTS_BYTES = 64 << 10,
	LINK_BYTES = 256,
	CHILDREN_BYTES = 4096,
	PROCS_BYTES = 64 << 10,
	NAMES_BYTES = 4096,
	FDS_COUNTED_MAX = 65536,
	PATH_BYTES = 96,
};

static const char *const kinds[] = {"cgroup", "ipc", "mnt", "net", "pid",
    "time", "user", "uts"};

/* All that any of the versions has of limits. */
static const struct {
	enum cgroup_controller controller;
	const char *v2, *v1;
} files[] = {
    {CGROUP_MEMORY, "memory.max", "memory.limit_in_bytes"},
    {CGROUP_MEMORY, "memory.high", "memory.soft_limit_in_bytes"},
    {CGROUP_MEMORY, "memory.swap.max", "memory.memsw.limit_in_bytes"},
    {CGROUP_MEMORY, "memory.oom.group", NULL},
    {CGROUP_CPU, "cpu.weight", "cpu.shares"},
    {CGROUP_CPU, "cpu.max", "cpu.cfs_quota_us"},
    {CGROUP_CPU, NULL, "cpu.cfs_period_us"},
    {CGROUP_PIDS, "pids.max", "pids.max"},
};

/* One file as a string without a NUL.  Bytes, or -1 when it can't be read. */
static ssize_t
put_file(struct flat_out *o, int dir, const char *file, const char *path, size_t cap)
{
	char cut[PATH_BYTES + 8];
	AUTO_CLOSE int fd = openat(dir, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	AUTO_FREE char *text = malloc(cap + 1);
	ssize_t n = fd < 0 || text == NULL ? -1 : sys_read_all(fd, text, cap + 1);

	if (n < 0)
		return -1;
	if ((size_t)n > cap) {
		snprintf(cut, sizeof cut, "%s-cut", path);
		flat_put_int(o, cut, 1);
		n = (ssize_t)cap;
	}
	for (ssize_t i = 0; i < n; i++)
		if (text[i] == '\0')
			text[i] = '\n';
	flat_put(o, path, FLAT_STR, 0, 0, text, (size_t)n);
	return n;
}

static void
put_link(struct flat_out *o, int dir, const char *link, const char *path)
{
	char text[LINK_BYTES];
	ssize_t n = readlinkat(dir, link, text, sizeof text);

	if (n >= 0)
		flat_put(o, path, FLAT_STR, 0, 0, text, (size_t)n);
}

static void
put_namespaces(struct flat_out *o, int proc, const char *who)
{
	char link[16], path[PATH_BYTES];

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		snprintf(link, sizeof link, "ns/%s", kinds[i]);
		snprintf(path, sizeof path, "%s/%s", who, link);
		put_link(o, proc, link, path);
	}
}

/* By which mount it was opened: a name can be anything, this can't. */
static void
put_fd(struct flat_out *o, int fds, int infos, const char *fd, const char *who)
{
	char path[PATH_BYTES], text[512], *p;
	AUTO_CLOSE int info = openat(infos, fd, O_RDONLY | O_CLOEXEC);
	ssize_t len = info < 0 ? -1 : sys_read_all(info, text, sizeof text - 1);

	snprintf(path, sizeof path, "%s/fds/%.16s", who, fd);
	put_link(o, fds, fd, path);
	text[len > 0 ? len : 0] = '\0';
	p = strstr(text, "mnt_id:");
	snprintf(path, sizeof path, "%s/fds/%.16s/mount", who, fd);
	if (p != NULL)
		flat_put_int(o, path, strtol(p + 7, NULL, 10));
}

static void
put_fds(struct flat_out *o, int proc, const char *who)
{
	char path[PATH_BYTES];
	int fd = openat(proc, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSEDIR DIR *d = fd < 0 ? NULL : fdopendir(fd);
	AUTO_CLOSE int infos = openat(proc, "fdinfo",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *e;
	size_t n = 0;

	while (d != NULL && n < FDS_COUNTED_MAX && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		if (n++ < AUDIT_FDS_MAX)
			put_fd(o, fd, infos, e->d_name, who);
	}
	snprintf(path, sizeof path, "%s/fds-count", who);
	if (d != NULL)
		flat_put_int(o, path, (int64_t)n);
}

static void
put_process(struct flat_out *o, int proc, pid_t pid, const char *who)
{
	static const char *const small[] = {"status", "uid_map", "gid_map",
	    "limits", "oom_score_adj", "cgroup"};
	char path[PATH_BYTES];

	snprintf(path, sizeof path, "%s/pid", who);
	flat_put_int(o, path, pid);
	for (size_t i = 0; i < ARRAY_LEN(small); i++) {
		snprintf(path, sizeof path, "%s/%s", who, small[i]);
		(void)put_file(o, proc, small[i], path, STATUS_BYTES);
	}
	snprintf(path, sizeof path, "%s/mountinfo", who);
	(void)put_file(o, proc, "mountinfo", path, MOUNTS_BYTES);
	put_namespaces(o, proc, who);
	put_fds(o, proc, who);
}

static int
open_proc(pid_t pid)
{
	char path[32];

	snprintf(path, sizeof path, "/proc/%d", (int)pid);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Its parent by its own status; -1: it has ended. */
static pid_t
parent_of(int proc)
{
	char text[STATUS_BYTES], *p;
	AUTO_CLOSE int fd = openat(proc, "status", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : sys_read_all(fd, text, sizeof text - 1);

	text[n > 0 ? n : 0] = '\0';
	p = strstr(text, "\nPPid:");
	if (p == NULL || strstr(text, "\nState:\tZ") || strstr(text, "\nState:\tX"))
		return -1;
	return (pid_t)strtol(p + 6, NULL, 10);
}

/* The init forks once; who else is its child was orphaned, and is younger or
 * comes later in the list.  0: there is none. */
static pid_t
application(int proc, pid_t init, int *out)
{
	char file[32], text[CHILDREN_BYTES], *p = text;
	uint64_t first = UINT64_MAX;
	pid_t app = 0;
	ssize_t n;

	*out = -1;
	snprintf(file, sizeof file, "task/%d/children", (int)init);
	AUTO_CLOSE int fd = openat(proc, file, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : sys_read_all(fd, text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	for (;;) {
		pid_t pid = (pid_t)strtol(p, &p, 10);
		uint64_t since = pid > 0 ? sys_start_time(pid) : 0;

		if (pid <= 0)
			break;
		if (since != 0 && since < first) {
			first = since;
			app = pid;
		}
	}
	if (app != 0 && (*out = open_proc(app)) >= 0 && parent_of(*out) != init) {
		close(*out);
		*out = -1;
	}
	return *out >= 0 ? app : 0;
}

/* What else is in its group. */
struct others {
	struct flat_out *o;
	pid_t init, app;
	size_t count, told;
};

static void
put_other(struct others *t, pid_t pid)
{
	char path[PATH_BYTES];
	AUTO_CLOSE int proc = t->count++ < AUDIT_OTHERS_MAX ? open_proc(pid) : -1;

	snprintf(path, sizeof path, "others/%zu", t->told);
	if (proc < 0 || put_file(t->o, proc, "status", path, STATUS_BYTES) <= 0)
		return;
	/* Whose number it is by now, this says. */
	snprintf(path, sizeof path, "others/%zu/cgroup", t->told++);
	(void)put_file(t->o, proc, "cgroup", path, STATUS_BYTES);
}

static void
put_members(struct others *t, int group)
{
	AUTO_CLOSE int fd = openat(group, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	AUTO_FREE char *text = malloc(PROCS_BYTES);
	char *p = text;
	ssize_t len = fd < 0 || text == NULL ? -1 :
					       sys_read_all(fd, text, PROCS_BYTES - 1);

	if (len < 0)
		return;
	text[len] = '\0';
	for (;;) {
		pid_t pid = (pid_t)strtol(p, &p, 10);

		if (pid <= 0)
			break;
		if (pid != t->init && pid != t->app)
			put_other(t, pid);
	}
}

/* Whoever got in there, however; in the groups below are commands of mesh exec. */
static void
put_others(struct flat_out *o, const struct cgroups *g, const char *leaf,
    pid_t init, pid_t app)
{
	struct others t = {.o = o, .init = init, .app = app};
	AUTO_CLOSE int fd = openat(g->unified, leaf, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int copy = fd < 0 ? -1 : openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSEDIR DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;

	if (d == NULL)
		return;
	put_members(&t, fd);
	while (t.count <= AUDIT_OTHERS_MAX && (e = readdir(d)) != NULL) {
		AUTO_CLOSE int below = e->d_type != DT_DIR || e->d_name[0] == '.' ?
		    -1 :
		    openat(fd, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (below >= 0)
			put_members(&t, below);
	}
	flat_put_int(o, "others-count", (int64_t)t.count);
	if (t.count > AUDIT_OTHERS_MAX)
		flat_put_int(o, "others-cut", 1);
}

static void
put_limits(struct flat_out *o, const struct cgroups *g, const char *group,
    const char *whose)
{
	char file[CGROUP_LEAF_CAP + 64], path[PATH_BYTES];

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		bool v2 = g->v2[files[i].controller];
		int dir = v2 ? g->unified : g->v1[files[i].controller];
		const char *name = v2 ? files[i].v2 : files[i].v1;

		if (name == NULL || dir < 0)
			continue;
		snprintf(file, sizeof file, "%s/%s", group, name);
		snprintf(path, sizeof path, "cgroup/%sv%d/%s", whose, v2 ? 2 : 1,
		    name);
		(void)put_file(o, dir, file, path, 64);
	}
}

static void
put_asked(struct flat_out *o, const struct row *r)
{
	const struct spec *s = &r->spec;
	char path[PATH_BYTES];

	flat_put_str(o, "role", s->role);
	flat_put_str(o, "sandbox", s->sandbox);
	flat_put_str(o, "image", s->image);
	flat_put_str(o, "leaf", r->run.leaf);
	flat_put_int(o, "asked/user-id", s->uid);
	flat_put_int(o, "asked/userns", s->uid_maps_count > 0);
	flat_put_str(o, "asked/seccomp", s->seccomp);
	flat_put_int(o, "asked/capabilities", (int64_t)s->capabilities);
	flat_put_int(o, "asked/memory-limit", (int64_t)s->memory_bytes);
	flat_put_int(o, "asked/cpu-shares", s->cpu_shares);
	flat_put_int(o, "asked/cpu-quota", s->cpu_milli);
	flat_put_int(o, "asked/pids-limit", s->pids);
	flat_put_int(o, "asked/fileno-limit", s->fileno);
	flat_put_int(o, "asked/limits-optional", s->limits_optional);
	flat_put_int(o, "asked/bind", s->bind.count);
	flat_put_int(o, "asked/network", s->network);
	if (s->oom_score != 0)
		flat_put_int(o, "asked/oom-score",
		    (int64_t)s->oom_score - SPEC_OOM_SCORE);
	flat_put_int(o, "asked/all-memory", (int64_t)s->all_memory_bytes);
	flat_put_int(o, "asked/all-cpu-quota", s->all_cpu_milli);
	flat_put_int(o, "asked/all-pids", s->all_pids);
	for (uint32_t i = 0; i < s->volumes_count; i++) {
		snprintf(path, sizeof path, "asked/volumes/%u", i);
		flat_put_str(o, path, s->volumes[i].target);
		snprintf(path, sizeof path, "asked/volumes/%u/writable", i);
		flat_put_int(o, path, s->volumes[i].kind != SPEC_READONLY &&
			s->volumes[i].kind != SPEC_RENDERED);
		snprintf(path, sizeof path, "asked/volumes/%u/exec", i);
		flat_put_int(o, path, s->volumes[i].kind == SPEC_READONLY ||
			(s->volumes[i].flags & SPEC_EXEC) != 0);
	}
}

/* The host as a container would see it if nothing were done. */
static void
put_host(struct flat_out *o, const struct cgroups *g)
{
	AUTO_CLOSE int self = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSEDIR DIR *d = opendir("/proc");
	char names[NAMES_BYTES];
	size_t len = 0;
	struct dirent *e;

	put_namespaces(o, self, "host");
	flat_put_int(o, "host/landlock", sys_landlock_abi());
	flat_put_int(o, "host/rootless", rootless());
	flat_put_int(o, "host/one-id", rootless_one_id());
	flat_put_int(o, "host/no-groups", g->unified < 0);
	while (d != NULL && (e = readdir(d)) != NULL) {
		size_t n = strlen(e->d_name);

		if ((e->d_name[0] >= '0' && e->d_name[0] <= '9') ||
		    len + n + 1 > sizeof names)
			continue;
		memcpy(names + len, e->d_name, n);
		len += n;
		names[len++] = '\n';
	}
	flat_put(o, "host/proc", FLAT_STR, 0, 0, names, len);
}

static bool
has_ended(int pidfd)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};

	return poll(&p, 1, 0) != 0;
}

enum audit_exit
audit_look(const struct sup *s, const struct row *r, int out)
{
	AUTO_FREE uint8_t *buf = malloc(FLAT_BYTES_MAX);
	const struct running *run = &r->run;
	AUTO_CLOSE int init = open_proc(run->pid);
	AUTO_CLOSE int app = -1;
	char box[CGROUP_LEAF_CAP];
	struct flat_out o;
	pid_t app_pid;
	size_t len;

	if (buf == NULL)
		return AUDIT_FAILED;
	if (init < 0 || sys_pidfd_kill(run->pidfd, 0) < 0)
		return errno == ENOENT || errno == ESRCH ? AUDIT_ENDED : AUDIT_FAILED;
	flat_begin(&o, buf, FLAT_BYTES_MAX);
	flat_put_str(&o, "instance", r->instance);
	put_asked(&o, r);
	put_host(&o, &s->cgroups);
	put_process(&o, init, run->pid, "init");
	app_pid = application(init, run->pid, &app);
	if (app >= 0)
		put_process(&o, app, app_pid, "app");
	audit_filters(&o, run->pid, run->pidfd, &s->launcher.filter, &r->spec);
	put_limits(&o, &s->cgroups, run->leaf, "");
	flat_put_int(&o, "devices", cgroup_devices_of(&s->cgroups, run->leaf));
	snprintf(box, sizeof box, "%.*s", (int)strcspn(run->leaf, "/"), run->leaf);
	if (box[0] == CGROUP_BOX)
		put_limits(&o, &s->cgroups, box, "sandbox/");
	put_others(&o, &s->cgroups, run->leaf, run->pid, app_pid);
	if (r->spec.network != SPEC_NET_HOST) /* last: we are on its network from here on */
		audit_network(&o, run->pidfd);
	/* They lived till now, and all of this is of their lives. */
	if (has_ended(run->pidfd) || (app >= 0 && parent_of(app) != run->pid))
		return AUDIT_ENDED;
	len = flat_end(&o);
	return len > 0 && write(out, buf, len) == (ssize_t)len ? AUDIT_DONE :
								 AUDIT_FAILED;
}
