/*
 * rootless_left.c - see rootless_left.h: an engine is found by a note, a container
 * that no record of ours asks for by its logs.
 */
#include "rootless_left.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "../base/log.h"
#include "../base/name.h"
#include "../base/own.h"
#include "record.h"
#include "rootless.h"
#include "sys.h"

#define NOTE ".engine" /* with a dot it is the note of no instance */

#define NOTE_END ".pid"

enum { LEFT_MS_MAX = 1000 };

void
left_kill(const struct sup *s, const struct running *r)
{
	if (r->leaf[0] != '\0')
		cgroup_kill(&s->cgroups, r->leaf);
	if (s->cgroups.unified < 0 && r->pidfd >= 0)
		sys_pidfd_kill(r->pidfd, SIGKILL);
}

void
left_note_engine(const struct sup *s)
{
	char text[96];
	struct err err;
	int n;

	if (s->cgroups.unified >= 0)
		return;
	n = snprintf(text, sizeof text, "%d %llu %s\n", (int)s->engine.pid,
	    (unsigned long long)sys_start_time(s->engine.pid),
	    s->launcher.boot_id);
	if (place_save(s->place.pids_dir, NOTE, text, (size_t)n, false, &err) < 0)
		log_warn("engine: %s", err.text);
}

void
left_tie_engine(const struct sup *s, pid_t supervisor)
{
	if (s->cgroups.unified < 0 &&
	    (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != supervisor))
		_exit(125);
}

/* False: it still lives after ms. */
static bool
ends(int pidfd, int ms)
{
	struct pollfd end = {.fd = pidfd, .events = POLLIN};

	sys_pidfd_kill(pidfd, SIGKILL);
	return poll(&end, 1, ms) == 1;
}

bool
left_end_engine(const struct sup *s, int ms)
{
	char text[96], boot[40];
	unsigned long long start;
	ssize_t n;
	int pid;
	AUTO_CLOSE int fd = s->cgroups.unified >= 0 ? -1 :
						      openat(s->place.pids_dir, NOTE,
							  O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	AUTO_CLOSE int pidfd = -1;

	n = fd < 0 ? -1 : sys_read_all(fd, text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	if (sscanf(text, "%d %llu %39s", &pid, &start, boot) != 3 || pid <= 0 ||
	    strcmp(boot, s->launcher.boot_id) != 0)
		return true;
	pidfd = sys_pidfd_open(pid);
	return pidfd < 0 || sys_start_time(pid) != start || ends(pidfd, ms);
}

/* A Command of the last supervisor: it prints to memory, but has its note. */
static void
look_at_note(struct sup *s, const char *instance)
{
	struct running run;
	struct err err;

	if (row_find(s, instance) != NULL || record_there(s, "", instance) ||
	    record_there(s, RECORD_BAD, instance))
		return;
	if (launch_adopt(&s->launcher, instance, &run, &err) > 0) {
		log_info("%s: left over as pid %d, ended", instance, (int)run.pid);
		if (!ends(run.pidfd, LEFT_MS_MAX))
			log_warn("%s: what is left over does not end", instance);
	}
	running_close(&run);
}

static void
look(void *arg, pid_t pid, const char *instance)
{
	struct sup *s = arg;
	const struct row *r = row_find(s, instance);
	AUTO_CLOSE int pidfd = -1;

	if (r != NULL && r->run.pid == pid)
		return;
	if (record_there(s, "", instance) || record_there(s, RECORD_BAD, instance)) {
		/* Never kill what can't be told: it may be all there is. */
		if (r == NULL)
			log_warn("%s: runs on as pid %d without a record that can be read; START or STOP it",
			    instance, (int)pid);
		return;
	}
	/* First hold it, then ask again whose it is. */
	pidfd = sys_pidfd_open(pid);
	if (pidfd < 0 || !rootless_is_ours(pid, s->place.log_dir, instance))
		return;
	log_info("%s: left over as pid %d, ended", instance, (int)pid);
	if (!ends(pidfd, LEFT_MS_MAX))
		log_warn("%s: what is left over does not end", instance);
	launch_forget(&s->launcher, instance);
}

void
left_containers(struct sup *s)
{
	int copy = s->cgroups.unified >= 0 ? -1 :
					    openat(s->place.pids_dir, ".",
						O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSEDIR DIR *d = copy < 0 ? NULL : fdopendir(copy);
	char instance[NAME_CAP];
	struct dirent *e;

	if (s->cgroups.unified >= 0)
		return;
	while (d != NULL && (e = readdir(d)) != NULL) {
		size_t n = strlen(e->d_name), end = strlen(NOTE_END);

		if (n <= end || strcmp(e->d_name + n - end, NOTE_END) != 0 ||
		    !name_ok(e->d_name, n - end))
			continue;
		snprintf(instance, sizeof instance, "%.*s", (int)(n - end),
		    e->d_name);
		look_at_note(s, instance);
	}
	rootless_each(s->place.log_dir, look, s);
}
