/*
 * launch_find.c - a container whose note is gone with run-dir, found by its group.
 *
 * The note says which process it is, and of what spec.  Without it the group
 * still says whose it is, and the one pid 1 in it that became meshd-init was
 * noted and let go; what never was let go is not that yet, and ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../base/log.h"
#include "../base/own.h"
#include "launch.h"
#include "rootless.h"
#include "sys.h"

/* A record that is newer than this after the start is of a change: what runs is
 * another spec's. */
enum { CHANGED_MS = 2000 };

struct search {
	const struct cgroups *cgroups;
	const char *instance;
	struct running *out;
	uint32_t found;
};

bool
launch_is_first(pid_t pid)
{
	char path[64], text[4096], *line, *end;
	ssize_t n;

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	line = strstr(text, "\nNSpid:");
	if (line == NULL || (end = strchr(line + 1, '\n')) == NULL)
		return false;
	return end - line > 2 && end[-1] == '1' && end[-2] == '\t';
}

static void
look(void *arg, const char *leaf)
{
	struct search *s = arg;
	const char *slash = strrchr(leaf, '/'), *base = slash ? slash + 1 : leaf;
	const char *dot = strrchr(base, '.');
	size_t n = dot == NULL ? 0 : (size_t)(dot - base);
	char path[CGROUP_LEAF_CAP + 64], line[32];

	if (n == 0 || n != strlen(s->instance) ||
	    memcmp(base, s->instance, n) != 0 || cgroup_foreign(s->cgroups, leaf))
		return;
	snprintf(path, sizeof path, "%s/cgroup.procs", leaf);
	int fd = openat(s->cgroups->unified, path, O_RDONLY | O_CLOEXEC);
	AUTO_FCLOSE FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	while (f != NULL && fgets(line, sizeof line, f) != NULL) {
		pid_t pid = atoi(line);

		if (pid <= 0 || launch_is_init(pid) != 1 || !launch_is_first(pid))
			continue;
		s->found++;
		s->out->pid = pid;
		s->out->gen = (uint32_t)strtoul(dot + 1, NULL, 10);
		snprintf(s->out->leaf, sizeof s->out->leaf, "%s", leaf);
	}
}

/* Where there are no groups. */
static void
look_at(void *arg, pid_t pid, const char *instance)
{
	struct search *s = arg;

	if (strcmp(instance, s->instance) != 0)
		return;
	s->found++;
	s->out->pid = pid;
}

/* CLOCK_REALTIME of a start time in clock ticks since boot. */
static uint64_t
wall_ms(uint64_t start_time)
{
	return sys_wall_ms() - sys_boot_ms() +
	    start_time * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

static bool
changed_since(const struct launcher *l, const char *instance, uint64_t ms)
{
	struct stat st;

	return fstatat(l->place->records_dir, instance, &st,
		   AT_SYMLINK_NOFOLLOW) < 0 ||
	    (uint64_t)st.st_mtim.tv_sec * 1000 > ms + CHANGED_MS;
}

bool
launch_find(struct launcher *l, const struct spec *s, struct running *r)
{
	struct search search = {l->cgroups, s->instance, r, 0};
	struct err err;

	running_new(r);
	cgroup_each(l->cgroups, look, &search);
	if (l->cgroups->unified < 0)
		rootless_each(l->place->log_dir, look_at, &search);
	if (r->gen == 0)
		snprintf(r->leaf, sizeof r->leaf, "%c%s/%s.%u", CGROUP_BOX,
		    s->sandbox, s->instance, r->gen = 1);
	/* First hold it, then ask again: it may be another by now. */
	r->pidfd = search.found == 1 ? sys_pidfd_open(r->pid) : -1;
	r->start_time = r->pidfd < 0 ? 0 : sys_start_time(r->pid);
	r->id = r->pidfd < 0 ? 0 : sys_pidfd_id(r->pidfd);
	r->since_ms = wall_ms(r->start_time);
	if (r->start_time == 0 ||
	    (l->cgroups->unified >= 0 &&
		cgroup_holds(l->cgroups, r->leaf, r->pid) <= 0) ||
	    changed_since(l, s->instance, r->since_ms)) {
		running_close(r);
		running_new(r);
		return false;
	}
	r->hash = s->hash;
	r->fenced = s->policy == SUP_EXCLUSIVE;
	if (launch_note(l, s, r, &err) < 0)
		log_warn("%s: %s", s->instance, err.text);
	return true;
}
