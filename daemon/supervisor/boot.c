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
#include "lease.h"
#include "record.h"
#include "rootless_left.h"
#include "sandbox.h"
#include "sup.h"
#include "sys.h"

enum { LEFTOVER_MS_MAX = 1000 };

/* It is said, and a broken one set aside; one of a newer version waits for the
 * supervisor that understands it. */
static void
cannot_use(struct sup *s, const char *file, const char *instance, bool newer,
    const struct err *why)
{
	char bad[RECORD_FILE_CAP];

	if (newer) {
		log_warn("record %s: it stays, and what runs of it runs on",
		    why->text);
		return;
	}
	log_warn("record %s; it is kept as .bad-%s, START it again", why->text,
	    instance);
	snprintf(bad, sizeof bad, RECORD_BAD "%s", instance);
	if (renameat(s->place.records_dir, file, s->place.records_dir, bad) < 0)
		log_warn("record %s: rename: %s", file, strerror(errno));
}

/* 1: *spec is filled.  0: this record is of no use.  Negative: that can't be
 * said, and nothing may be concluded from it. */
static int
load(struct sup *s, const char *file, const char *instance, struct spec *spec,
    struct err *err)
{
	AUTO_FREE uint8_t *buf = malloc(SPEC_RECORD_BYTES_MAX);
	AUTO_CLOSE int fd = openat(s->place.records_dir, file,
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t n = fd < 0 || buf == NULL ?
	    -1 :
	    sys_read_all(fd, buf, SPEC_RECORD_BYTES_MAX);

	/* A block that can't be read is of one record; what can't be opened for
	 * want of memory or descriptors says nothing of any. */
	if (n < 0 && errno == EIO) {
		err_set(err, EXIT_STATE, "%s: %s", file, strerror(errno));
		cannot_use(s, file, instance, true, err);
		return 0;
	}
	if (n < 0 && errno != ELOOP && errno != EISDIR && errno != ESPIPE && errno != ENXIO)
		return err_set(err, EXIT_STATE,
		    "cannot read record %s: %s; containers stay as they are",
		    file, strerror(errno));
	if (n < 0) {
		err_set(err, EXIT_STATE, "%s: not a regular file", file);
	} else if (spec_decode(spec, buf, (size_t)n, file, err) == 0) {
		if (strcmp(spec->instance, instance) == 0)
			return 1;
		err_set(err, EXIT_STATE, "%s: holds another instance, %s", file,
		    spec->instance);
		spec_free(spec);
	}
	cannot_use(s, file, instance, n >= 0 && spec_newer(buf, (size_t)n), err);
	return 0;
}

/* It runs, but nothing says as what: it is left alone until it is asked for
 * by name. */
static void
show_found(struct sup *s, const char *instance, struct running *run)
{
	struct row *r = row_make(s, instance);

	log_warn("%s: runs on in cgroup %s without a record that can be read; START or STOP it",
	    instance, run->leaf);
	if (r == NULL) {
		running_close(run);
		return;
	}
	r->run = *run;
	r->gen = run->gen;
	if (run->since_ms != 0)
		r->since_ms = run->since_ms;
	memcpy(r->asked.instance, r->instance, sizeof r->asked.instance);
	snprintf(r->text, sizeof r->text,
	    "%s: runs on without a record that can be read; START or STOP it",
	    instance);
	lease_load(s, r, false);
	row_tell(s, r);
}

static int
find_unreadable(struct sup *s, const char *instance, struct err *err)
{
	struct running run;
	int rc;

	if (row_find(s, instance) != NULL)
		return 0;
	rc = launch_adopt(&s->launcher, instance, &run, err);
	if (rc > 0)
		show_found(s, instance, &run);
	else
		running_close(&run);
	return rc < 0 ? rc : 0;
}

static void
adopted(struct sup *s, struct row *r, msec now)
{
	r->gen = r->run.gen;
	log_info("%s: adopted, pid %d", r->instance, (int)r->run.pid);
	row_step(s, r, LIFE_EV_ADOPT, now);
	oom_watch(&s->oom, &s->cgroups, r->run.leaf);
	nets_keep(&s->launcher, &r->spec, &r->run);
	ports_adopt(&s->launcher.ports, &r->spec, r->run.pidfd);
	if (r->run.since_ms != 0)
		r->since_ms = r->run.since_ms;
	if (r->run.hash == 0 || (r->run.hash == r->spec.hash &&
		(r->run.judged == 0 || r->run.judged == r->spec.judged) &&
		r->run.fenced == (r->spec.policy == SUP_EXCLUSIVE)))
		return;
	/* Killed between the record of a change and the change. */
	log_info("%s: runs as it was before its last change, which goes on",
	    r->instance);
	row_step(s, r, LIFE_EV_START, now);
}

static int
take(struct sup *s, struct spec *spec, msec now, struct err *err)
{
	struct row *r = row_make(s, spec->instance);
	int rc;

	if (r == NULL) {
		log_warn("%s: too many instances", spec->instance);
		spec_free(spec);
		return 0;
	}
	row_accept(r, spec, now);
	sandbox_known(s, &r->spec);
	if (r->spec.policy == SUP_EXCLUSIVE)
		lease_load(s, r, true);
	rc = launch_adopt(&s->launcher, r->instance, &r->run, err);
	if (rc < 0)
		return rc;
	if (rc == 0 && r->run.leaf[0] == '\0') {
		running_close(&r->run);
		rc = launch_find(&s->launcher, &r->spec, &r->run);
	}
	if (rc > 0) {
		adopted(s, r, now);
		lease_tick(s, r, now); /* over: it is killed before anything else */
		return 0;
	}
	r->gen = r->run.gen;
	if (r->run.leaf[0] != '\0') {
		/* It ran here in this boot and ended unseen. */
		r->exit_status = launch_exit_status(&r->run);
		r->boot_at = now;
	} else if (r->spec.policy != SUP_REPLACE) {
		r->boot_at = now;
	} else {
		r->boot_at = now + SUP_BOOT_WAIT_MS;
	}
	running_close(&r->run);
	running_new(&r->run);
	row_tell(s, r);
	lease_tick(s, r, now); /* exclusive and over: never started */
	return 0;
}

/* Nothing of it runs.  Has it left a link, which goes on answering for its address?  Then
 * that is removed as after any end, and only then it is forgotten. */
static bool
has_left_link(struct sup *s, const char *file, const char *instance,
    const struct running *run, msec now)
{
	AUTO_FREE uint8_t *buf = malloc(SPEC_RECORD_BYTES_MAX);
	AUTO_CLOSE int fd = openat(s->place.records_dir, file,
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t n = fd < 0 || buf == NULL ? -1 : sys_read_all(fd, buf, SPEC_RECORD_BYTES_MAX);
	struct spec spec;
	struct err none;
	struct row *r = NULL;

	if (n < 0 || spec_decode(&spec, buf, (size_t)n, file, &none) < 0)
		return false;
	if (nets_left(&spec))
		r = row_make(s, instance);
	if (r == NULL) {
		spec_free(&spec);
		return false;
	}
	row_accept(r, &spec, now);
	r->run = *run;
	r->life.state = LIFE_ENDING;
	r->life.deadline = now;
	return true;
}

/* A STOP that the last supervisor did not live to finish. */
static int
finish_stop(struct sup *s, const char *file, const char *instance, msec now,
    struct err *err)
{
	struct running run;
	struct spec spec;
	struct row *r;
	int rc;

	if (record_there(s, "", instance)) { /* started again after it */
		unlinkat(s->place.records_dir, file, 0);
		return 0;
	}
	rc = launch_adopt(&s->launcher, instance, &run, err);
	if (rc <= 0) {
		running_close(&run);
		if (rc < 0)
			return rc;
		if (has_left_link(s, file, instance, &run, now))
			return 0;
		launch_forget_state(&s->launcher, instance);
		record_forget(s, instance);
		launch_forget(&s->launcher, instance);
		return 0;
	}
	if ((r = row_make(s, instance)) == NULL) {
		running_close(&run);
		return 0;
	}
	log_info("%s: still runs after its STOP, which goes on", instance);
	if ((rc = load(s, file, instance, &spec, err)) > 0)
		row_accept(r, &spec, now);
	r->run = run;
	r->gen = run.gen;
	lease_load(s, r, rc > 0 && r->spec.policy == SUP_EXCLUSIVE);
	if (rc > 0)
		row_step(s, r, LIFE_EV_ADOPT, now);
	else
		row_found(r, now);
	row_step(s, r, LIFE_EV_STOP, now);
	return rc < 0 ? rc : 0;
}

/* A group of ours that no instance holds: a start that never was, a Command
 * of the last supervisor, an instance that ended unseen. */
static void
leftover(void *arg, const char *leaf)
{
	const char *slash = strrchr(leaf, '/'), *base = slash ? slash + 1 : leaf;
	int n = (int)(strrchr(base, '.') - base);
	struct sup *s = arg;
	struct running run;
	char name[NAME_CAP];
	struct row *r;

	for (size_t i = 0; i < s->rows_count; i++)
		if (strcmp(s->rows[i]->run.leaf, leaf) == 0)
			return;
	if (cgroup_holds(&s->cgroups, leaf, getpid()) ||
	    cgroup_foreign(&s->cgroups, leaf))
		return;
	snprintf(name, sizeof name, "%.*s", n, base);
	r = row_find(s, name);
	if ((r == NULL || !r->has_spec) &&
	    (record_there(s, "", name) || record_there(s, RECORD_BAD, name))) {
		/* Never kill what can't be told: it may be all there is. */
		if (cgroup_remove(&s->cgroups, leaf))
			return;
		running_new(&run);
		snprintf(run.leaf, sizeof run.leaf, "%s", leaf);
		if (r == NULL)
			show_found(s, name, &run);
		return;
	}
	log_info("cgroup %s: left over, removed", leaf);
	if (!cgroup_end(&s->cgroups, leaf, LEFTOVER_MS_MAX) ||
	    !cgroup_remove(&s->cgroups, leaf))
		log_warn("cgroup %s: what is left over does not end", leaf);
}

static int
boot_one(struct sup *s, const char *file, msec now, struct err *err)
{
	const char *stop = file + strlen(RECORD_STOP);
	const char *bad = file + strlen(RECORD_BAD);
	struct spec spec;
	int rc;

	if (name_ok(file, strlen(file))) {
		rc = load(s, file, file, &spec, err);
		if (rc > 0)
			return take(s, &spec, now, err);
		return rc < 0 ? rc : find_unreadable(s, file, err);
	}
	if (strncmp(file, RECORD_STOP, strlen(RECORD_STOP)) == 0 &&
	    name_ok(stop, strlen(stop)))
		return finish_stop(s, file, stop, now, err);
	if (strncmp(file, RECORD_BAD, strlen(RECORD_BAD)) == 0 &&
	    name_ok(bad, strlen(bad)) && !record_there(s, "", bad) &&
	    !record_there(s, RECORD_STOP, bad))
		return find_unreadable(s, bad, err);
	return 0;
}

int
boot(struct sup *s, msec now, struct err *err)
{
	int copy = openat(s->place.records_dir, ".",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSEDIR DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e = NULL;
	int rc = 0;

	spare_found(&s->place.spare, s->place.records_dir, now);
	while (d != NULL && rc == 0) {
		errno = 0;
		if ((e = readdir(d)) == NULL)
			break;
		rc = boot_one(s, e->d_name, now, err);
	}
	if (rc < 0)
		return rc;
	if (d == NULL || errno != 0)
		return err_set(err, EXIT_STATE,
		    "cannot read the records in state-dir/supervisor: %s; containers stay as they are",
		    strerror(errno));
	cgroup_each(&s->cgroups, leftover, s);
	left_containers(s);
	launch_forget_commands(&s->launcher);
	cgroup_sweep(&s->cgroups);
	record_sweep(s);
	return 0;
}
