/*
 * record.c - what is on disk of each accepted instance, and when the disk does
 * not take it.
 *
 *   NAME         it shall run             .stop-NAME  its end was asked for
 *   .bad-NAME    it can't be read         .tmp-NAME   a save that was cut short
 *   .spare       room for the next (spare.h)
 *
 * A START is accepted when its record is on disk, and else refused.  A STOP is
 * done in any case: two of one instance, here and where it goes, are worse than
 * one that comes back after a reboot.  What could not be written down then is
 * tried again until it is.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/log.h"
#include "../base/name.h"
#include "../base/own.h"
#include "lease.h"
#include "record.h"
#include "sys.h"

enum { LATE_MS = 1000 };

static size_t
late_find(const struct sup *s, const char *instance)
{
	size_t i = 0;

	while (i < s->late_count && strcmp(s->late[i], instance) != 0)
		i++;
	return i;
}

static void
late_drop(struct sup *s, const char *instance)
{
	size_t i = late_find(s, instance);

	if (i == s->late_count)
		return;
	s->late_count--;
	memmove(s->late[i], s->late[s->late_count], NAME_CAP);
	if (s->late_count == 0)
		s->late_at = MSEC_NEVER;
}

static void
late_add(struct sup *s, const char *instance, int why)
{
	void *more;

	if (late_find(s, instance) < s->late_count)
		return; /* it was said */
	log_warn("%s: cannot write down in state-dir that it was stopped: %s; it ends, and this is tried again; should meshd end before, it starts again",
	    instance, strerror(why));
	more = realloc(s->late, (s->late_count + 1) * sizeof *s->late);
	if (more == NULL)
		return;
	s->late = more;
	snprintf(s->late[s->late_count++], NAME_CAP, "%s", instance);
	if (s->late_at == MSEC_NEVER)
		s->late_at = sys_now() + LATE_MS;
}

int
record_save(struct sup *s, const struct spec *spec, struct err *err)
{
	uint8_t *buf = malloc(SPEC_RECORD_BYTES_MAX);
	size_t len = buf == NULL ? 0 : spec_encode(spec, buf);
	char stop[RECORD_FILE_CAP];
	int rc;

	if (len == 0)
		rc = err_set(err, EXIT_STATE, "record is too large");
	else
		rc = spare_save(&s->place.spare, spec->instance, buf, len, sys_now(), err);
	if (rc == 0)
		rc = place_save(s->place.records_dir, spec->instance, buf, len,
		    true, err);
	free(buf);
	if (rc < 0) {
		err_prefix(err, "%s: ", spec->instance);
		return rc;
	}
	/* Both there: the record is the later word (see boot). */
	snprintf(stop, sizeof stop, RECORD_STOP "%s", spec->instance);
	unlinkat(s->place.records_dir, stop, 0);
	late_drop(s, spec->instance);
	return 0;
}

static int
stopping(struct sup *s, const char *instance)
{
	int dir = s->place.records_dir;
	char stop[RECORD_FILE_CAP];

	snprintf(stop, sizeof stop, RECORD_STOP "%s", instance);
	if (renameat(dir, instance, dir, stop) < 0 && errno != ENOENT)
		return -1;
	return fsync(dir);
}

static int
forget(struct sup *s, const char *instance)
{
	int dir = s->place.records_dir;
	char stop[RECORD_FILE_CAP];

	snprintf(stop, sizeof stop, RECORD_STOP "%s", instance);
	if ((unlinkat(dir, instance, 0) < 0 && errno != ENOENT) ||
	    (unlinkat(dir, stop, 0) < 0 && errno != ENOENT))
		return -1;
	return fsync(dir);
}

void
record_stopping(struct sup *s, const char *instance)
{
	if (stopping(s, instance) < 0)
		late_add(s, instance, errno);
}

void
record_forget(struct sup *s, const char *instance)
{
	if (forget(s, instance) < 0)
		late_add(s, instance, errno);
	else
		late_drop(s, instance);
}

void
record_tick(struct sup *s, msec now)
{
	if (now < s->late_at)
		return;
	s->late_at = now + LATE_MS;
	for (size_t i = s->late_count; i-- > 0;) {
		char name[NAME_CAP];
		const struct row *r;

		snprintf(name, sizeof name, "%s", s->late[i]);
		r = row_find(s, name);
		if (r != NULL && r->has_spec ? stopping(s, name) < 0 :
					       forget(s, name) < 0)
			continue;
		log_info("%s: that it was stopped is on disk now", name);
		late_drop(s, name);
	}
}

bool
record_there(const struct sup *s, const char *prefix, const char *instance)
{
	char file[RECORD_FILE_CAP];

	snprintf(file, sizeof file, "%s%s", prefix, instance);
	return faccessat(s->place.records_dir, file, F_OK,
		   AT_SYMLINK_NOFOLLOW) == 0;
}

/* Is this file in run-dir of nobody? */
static bool
stray(struct sup *s, const char *file)
{
	const char *dot = strrchr(file, '.');
	const struct row *r;
	char name[NAME_CAP];
	size_t n = dot == NULL ? 0 : (size_t)(dot - file);
	bool fence = dot != NULL && strcmp(dot, ".fence") == 0;

	if (n == 0 || n >= sizeof name || !name_ok(file, n) ||
	    (!fence && strcmp(dot, ".pid") != 0 && strcmp(dot, ".exit") != 0))
		return false;
	snprintf(name, sizeof name, "%.*s", (int)n, file);
	r = row_find(s, name);
	if (r != NULL)
		return fence && r->has_spec && r->lease_ms == 0;
	return !record_there(s, "", name) && !record_there(s, RECORD_BAD, name) &&
	    !record_there(s, RECORD_STOP, name);
}

static void
sweep(struct sup *s, int dir, bool run)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSEDIR DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (strncmp(e->d_name, PLACE_TMP, strlen(PLACE_TMP)) == 0 ||
		    (run && stray(s, e->d_name)))
			unlinkat(dir, e->d_name, 0);
}

void
record_sweep(struct sup *s)
{
	sweep(s, s->place.records_dir, false);
	sweep(s, s->place.pids_dir, true);
}
