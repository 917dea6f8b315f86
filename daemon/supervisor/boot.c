/*
 * boot.c - what is there when the supervisor starts: records of accepted
 * instances, processes that outlived the last supervisor, and leftovers.
 *
 * Nothing here needs an engine, a leader or a network: local work goes on.
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
#include "sup.h"
#include "sys.h"

int
record_save(struct sup *s, const struct spec *spec, struct err *err)
{
	uint8_t *buf = malloc(SPEC_RECORD_BYTES_MAX);
	size_t len = buf == NULL ? 0 : spec_encode(spec, buf);
	int rc;

	if (len == 0)
		rc = err_set(err, EXIT_STATE, "record is too large");
	else
		rc = place_save(s->place.records_dir, spec->instance, buf, len,
		    true, err);
	free(buf);
	if (rc < 0)
		err_prefix(err, "%s: ", spec->instance);
	return rc;
}

void
record_forget(struct sup *s, const char *instance)
{
	if (unlinkat(s->place.records_dir, instance, 0) < 0 && errno != ENOENT)
		log_warn("cannot remove record %s: %s", instance,
		    strerror(errno));
	fsync(s->place.records_dir);
}

/* A record that can't be used is set aside by its line; others go on. */
static bool
load(struct sup *s, const char *name, struct spec *spec)
{
	AUTO_FREE uint8_t *buf = malloc(SPEC_RECORD_BYTES_MAX);
	AUTO_CLOSE int fd = openat(s->place.records_dir, name,
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char bad[NAME_CAP + 16];
	ssize_t n = fd < 0 || buf == NULL ?
	    -1 :
	    sys_read_all(fd, buf, SPEC_RECORD_BYTES_MAX);
	struct err err;

	if (n < 0) {
		log_warn("record %s: %s", name, strerror(errno));
		return false;
	}
	if (spec_decode(spec, buf, (size_t)n, name, &err) == 0) {
		if (strcmp(spec->instance, name) == 0)
			return true;
		err_set(&err, EXIT_STATE, "%s: holds another instance, %s", name,
		    spec->instance);
		spec_free(spec);
	}
	log_warn("record %s; it is kept as .bad-%s, START it again", err.text,
	    name);
	snprintf(bad, sizeof bad, ".bad-%s", name);
	if (renameat(s->place.records_dir, name, s->place.records_dir, bad) < 0)
		log_warn("record %s: rename: %s", name, strerror(errno));
	return false;
}

static void
take(struct sup *s, struct spec *spec, msec now)
{
	struct row *r = row_make(s, spec->instance);

	if (r == NULL) {
		log_warn("%s: too many instances", spec->instance);
		spec_free(spec);
		return;
	}
	row_accept(r, spec, now);
	if (launch_adopt(&s->launcher, &r->spec, &r->run)) {
		r->gen = r->run.gen;
		log_info("%s: adopted, pid %d", r->instance, (int)r->run.pid);
		row_step(s, r, LIFE_EV_ADOPT, now);
		return;
	}
	r->gen = r->run.gen;
	if (r->run.leaf[0] != '\0') {
		/* It ran here in this boot and ended unseen. */
		r->exit_status = launch_exit_status(&r->run);
		r->boot_at = now;
	} else if (r->spec.policy == SUP_KEEP) {
		r->boot_at = now;
	} else {
		r->boot_at = now + SUP_BOOT_WAIT_MS;
	}
	running_close(&r->run);
	running_new(&r->run);
	row_tell(s, r);
}

/* A group of ours that no instance holds: a start that never was, a Command
 * of the last supervisor, an instance that ended unseen. */
static void
leftover(void *arg, const char *leaf)
{
	struct sup *s = arg;

	for (size_t i = 0; i < s->rows_count; i++)
		if (strcmp(s->rows[i]->run.leaf, leaf) == 0)
			return;
	if (cgroup_holds(&s->cgroups, leaf, getpid()))
		return;
	log_info("cgroup %s: left over, removed", leaf);
	cgroup_kill(&s->cgroups, leaf);
	for (int i = 0; i < 200 && !cgroup_remove(&s->cgroups, leaf); i++)
		usleep(5000);
}

void
boot(struct sup *s, msec now)
{
	int copy = openat(s->place.records_dir, ".",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSEDIR DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;
	struct spec spec;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (name_ok(e->d_name, strlen(e->d_name)) &&
		    load(s, e->d_name, &spec))
			take(s, &spec, now);
	cgroup_each(&s->cgroups, leftover, s);
}
