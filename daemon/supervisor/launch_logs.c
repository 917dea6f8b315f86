/*
 * launch_logs.c - what an instance prints: files in log-dir, which its init writes
 * in turn, or memory for a Command.  They stay a day after it is gone, for who
 * asks why it went.
 */
#include <errno.h>
#include <fcntl.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../base/initproto.h"
#include "../base/log.h"
#include "../base/name.h"
#include "../base/own.h"
#include "child.h"
#include "launch.h"
#include "sys.h"

enum { GONE_FOR_S = 24 * 3600 };

/* web.1.log, web.1.log.1, ... */
static void
log_name(const char *instance, int i, char out[NAME_CAP + 16])
{
	if (i == 0)
		snprintf(out, NAME_CAP + 16, "%s.log", instance);
	else
		snprintf(out, NAME_CAP + 16, "%s.log.%d", instance, i);
}

static int
open_log(const struct launcher *l, const struct spec *s, int i, struct err *err)
{
	char name[NAME_CAP + 16];
	struct stat st;
	AUTO_CLOSE int fd = -1;
	int out;

	log_name(s->instance, i, name);
	fd = openat(l->place->log_dir, name,
	    O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
	    0640);
	if (fd < 0 && place_unwritable(errno)) {
		log_warn("%s: cannot open log %s: %s; it runs, and what it prints is lost",
		    s->instance, name, strerror(errno));
		return fcntl(l->null, F_DUPFD_CLOEXEC, 3);
	}
	/* What is as it should be already needs no word with the disk. */
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    ((st.st_uid != 0 || st.st_gid != l->gid || (st.st_mode & 07777) != 0640) &&
		(fchown(fd, 0, l->gid) < 0 || fchmod(fd, 0640) < 0)))
		return err_set(err, EXIT_ENVIRONMENT,
		    "%s: cannot open log %s: %s", s->instance, name,
		    strerror(errno));
	out = fd;
	fd = -1;
	return out;
}

int
launch_outputs(const struct launcher *l, const struct spec *s, struct child *c,
    struct running *r, struct err *err)
{
	char name[NAME_CAP + 16];

	c->logs_count = s->command || s->log_count < SPEC_LOGS ||
		s->log_count > INIT_LOGS_MAX ?
	    SPEC_LOGS :
	    (int)s->log_count;

	for (int i = 0; i < 2; i++) {
		r->logs[i] = s->command ? memfd_create("log", MFD_CLOEXEC) :
					  open_log(l, s, i, err);
		if (r->logs[i] < 0 && !s->command)
			return r->logs[i];
		/* A memfd is everybody's, unless it is told otherwise. */
		if (r->logs[i] < 0 || fcntl(r->logs[i], F_SETFL, O_APPEND) < 0 ||
		    (s->command && fchmod(r->logs[i], 0600) < 0))
			return err_set(err, EXIT_ENVIRONMENT,
			    "%s: memfd_create: %s", s->instance,
			    strerror(errno));
	}
	for (int i = 2; i < INIT_LOGS_MAX && !s->command; i++) {
		log_name(s->instance, i, name);
		if (i >= c->logs_count) {
			if (faccessat(l->place->log_dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
				unlinkat(l->place->log_dir, name, 0); /* it had more */
			continue;
		}
		if ((c->more_logs[i - 2] = open_log(l, s, i, err)) < 0)
			return c->more_logs[i - 2];
	}
	launch_tidy(l, s->instance);
	snprintf(name, sizeof name, "%s.exit", s->instance);
	r->exit_fd = openat(l->place->pids_dir, name,
	    O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (r->exit_fd < 0)
		return err_set(err, EXIT_STATE, "%s: cannot open %s: %s",
		    s->instance, name, strerror(errno));
	return 0;
}

/* When it was last written; 0, 0: it has none. */
static struct timespec
last_time(const struct launcher *l, const char *instance)
{
	struct timespec last = {0};
	char name[NAME_CAP + 16];
	struct stat st;

	for (int i = 0; i < INIT_LOGS_MAX; i++) {
		log_name(instance, i, name);
		if (fstatat(l->place->log_dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) &&
		    (st.st_mtim.tv_sec > last.tv_sec ||
			(st.st_mtim.tv_sec == last.tv_sec &&
			    st.st_mtim.tv_nsec > last.tv_nsec)))
			last = st.st_mtim;
	}
	return last;
}

/* Should it be back, its init goes on with the file that was written last: no
 * other gets the time that this one gets. */
void
launch_forget_logs(const struct launcher *l, const char *instance)
{
	const struct timespec last = last_time(l, instance);
	struct timespec now[2];
	char name[NAME_CAP + 16];
	struct stat st;

	clock_gettime(CLOCK_REALTIME, &now[0]);
	now[1] = now[0];
	for (int i = 0; i < INIT_LOGS_MAX; i++) {
		log_name(instance, i, name);
		if (fstatat(l->place->log_dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    memcmp(&st.st_mtim, &last, sizeof last) == 0)
			(void)utimensat(l->place->log_dir, name, now, AT_SYMLINK_NOFOLLOW);
	}
}

/* Whose log is it?  False: it is none of ours. */
static bool
instance_of(const char *name, char instance[NAME_CAP])
{
	char again[NAME_CAP + 16];
	const char *end = strstr(name, ".log"), *last = end;

	/* An instance's own name may have that in it. */
	for (; end != NULL; end = strstr(end + 1, ".log"))
		last = end;
	if (last == NULL || last == name || last - name >= NAME_CAP)
		return false;
	memcpy(instance, name, (size_t)(last - name));
	instance[last - name] = '\0';
	if (!name_ok(instance, strlen(instance)))
		return false;
	for (int i = 0; i < INIT_LOGS_MAX; i++) {
		log_name(instance, i, again);
		if (strcmp(again, name) == 0)
			return true;
	}
	return false;
}

void
launch_age_logs(const struct launcher *l, bool (*is_here)(void *, const char *), void *arg)
{
	AUTO_CLOSE int dir = openat(l->place->log_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSEDIR DIR *d = dir < 0 ? NULL : fdopendir(dir);
	const int64_t now = (int64_t)(sys_wall_ms() / 1000);
	char instance[NAME_CAP], name[NAME_CAP + 16];
	struct dirent *e;

	if (d != NULL)
		dir = -1; /* d's now */
	while (d != NULL && (e = readdir(d)) != NULL) {
		if (!instance_of(e->d_name, instance) || is_here(arg, instance) ||
		    now - last_time(l, instance).tv_sec <= GONE_FOR_S)
			continue;
		for (int i = 0; i < INIT_LOGS_MAX; i++) {
			log_name(instance, i, name);
			unlinkat(l->place->log_dir, name, 0);
		}
	}
}
