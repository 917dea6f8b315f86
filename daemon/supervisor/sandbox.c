/*
 * sandbox.c - the sandboxes that have containers here, and what all containers
 * of one together may take.
 *
 * The limits are the sandbox file's.  Each accepted START brings them; what a
 * START brought last holds for the group at once, and is written into the records of
 * all the sandbox's instances, some in each turn, so that a boot without an engine
 * knows it too.  One amid that holds to the stricter word, until it is asked again.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../base/log.h"
#include "record.h"
#include "sandbox.h"
#include "sup.h"
#include "sys.h"

enum {
	GROW = 16,
	SAVE_MS = 20, /* of records in a turn */
	LATE_MS = 1000, /* what the disk does not take, again */
};

/* A sandbox with instances here. */
struct sandbox {
	char name[NAME_CAP];
	struct cgroup_limits limits;
	bool made; /* by this daemon: the group is there, with its limits */
};

static struct cgroup_limits
limits_of(const struct spec *spec)
{
	return (struct cgroup_limits){
	    .memory_bytes = spec->all_memory_bytes,
	    .cpu_milli = spec->all_cpu_milli,
	    .pids = spec->all_pids,
	    .optional = spec->limits_optional,
	};
}

bool
sandbox_same(const struct cgroup_limits *a, const struct cgroup_limits *b)
{
	return a->memory_bytes == b->memory_bytes &&
	    a->cpu_milli == b->cpu_milli && a->pids == b->pids &&
	    a->optional == b->optional;
}

static struct sandbox *
find(const struct sup *s, const char *name)
{
	for (size_t i = 0; i < s->sandboxes_count; i++)
		if (strcmp(s->sandboxes[i].name, name) == 0)
			return &s->sandboxes[i];
	return NULL;
}

/* NULL: out of memory. */
static struct sandbox *
add(struct sup *s, const struct spec *spec)
{
	struct sandbox *b;

	if (s->sandboxes_count % GROW == 0) {
		b = realloc(s->sandboxes,
		    (s->sandboxes_count + GROW) * sizeof *b);
		if (b == NULL)
			return NULL;
		s->sandboxes = b;
	}
	b = &s->sandboxes[s->sandboxes_count++];
	memset(b, 0, sizeof *b);
	snprintf(b->name, sizeof b->name, "%s", spec->sandbox);
	b->limits = limits_of(spec);
	return b;
}

static uint64_t
stricter(uint64_t a, uint64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

void
sandbox_known(struct sup *s, const struct spec *spec)
{
	struct cgroup_limits l = limits_of(spec);
	struct sandbox *b = find(s, spec->sandbox);

	if (b == NULL) {
		(void)add(s, spec);
		return;
	}
	/* Killed amid a change, which is asked for again: until then the
	 * stricter word holds. */
	b->limits.memory_bytes = stricter(b->limits.memory_bytes,
	    l.memory_bytes);
	b->limits.cpu_milli = (uint32_t)stricter(b->limits.cpu_milli,
	    l.cpu_milli);
	b->limits.pids = (uint32_t)stricter(b->limits.pids, l.pids);
	b->limits.optional = b->limits.optional && l.optional;
}

static void
put_limits(struct spec *spec, const struct cgroup_limits *l)
{
	spec->all_memory_bytes = l->memory_bytes;
	spec->all_cpu_milli = l->cpu_milli;
	spec->all_pids = l->pids;
	spec->limits_optional = l->optional;
}

/* What holds for it, if something else stands in its record. */
static const struct cgroup_limits *
lags_behind(const struct sup *s, const struct row *r)
{
	const struct cgroup_limits has = limits_of(&r->spec);
	const struct sandbox *b;

	if (r->over || !r->has_spec || r->spec.command || !r->life.wanted ||
	    (b = find(s, r->spec.sandbox)) == NULL || sandbox_same(&has, &b->limits))
		return NULL;
	return &b->limits;
}

/* In memory is what is on disk, also of what the disk does not take. */
static bool
save_limits(struct sup *s, struct row *r, const struct cgroup_limits *now)
{
	const struct cgroup_limits was = limits_of(&r->spec);
	char line[ERR_TEXT_CAP + 80];
	struct err err;

	put_limits(&r->spec, now);
	if (record_save(s, &r->spec, &err) == 0)
		return true;
	put_limits(&r->spec, &was);
	snprintf(line, sizeof line, "%s; other limits of its sandbox hold already; this is tried again\n",
	    err.text);
	told_lines(&s->told, line);
	return false;
}

void
sandbox_tick(struct sup *s, msec now)
{
	const msec began = sys_now(); /* whatever this turn did before */
	bool failed = false;

	if (now < s->limits_at)
		return;
	for (size_t i = 0; i < s->rows_count; i++) {
		const struct cgroup_limits *l = lags_behind(s, s->rows[i]);

		if (l == NULL)
			continue;
		if (sys_now() - began >= SAVE_MS)
			return; /* the rest in the next turn: nobody waits for it */
		failed = !save_limits(s, s->rows[i], l) || failed;
	}
	s->limits_at = failed ? now + LATE_MS : MSEC_NEVER;
}

int
sandbox_ready(struct sup *s, const struct spec *spec, msec now, struct err *err)
{
	const struct cgroup_limits l = limits_of(spec);
	const struct sandbox *b = find(s, spec->sandbox);
	int rc;

	if (b == NULL || l.memory_bytes == 0 ||
	    (b->limits.memory_bytes != 0 && l.memory_bytes >= b->limits.memory_bytes) ||
	    !cgroup_box_there(&s->cgroups, b->name))
		return 1;
	rc = limiter_ask(s, b->name, &l, now, err);
	if (rc < 0)
		err_prefix(err, "%s: ", spec->instance);
	return rc;
}

void
sandbox_restore(struct sup *s, const char *name)
{
	const struct sandbox *b = find(s, name);
	struct err err;

	if (b != NULL && cgroup_box_there(&s->cgroups, name) &&
	    cgroup_box(&s->cgroups, name, &b->limits, &err) < 0)
		log_warn("%s", err.text);
}

int
sandbox_take(struct sup *s, const struct spec *spec, struct err *err)
{
	const struct cgroup_limits now = limits_of(spec);
	struct sandbox *b = find(s, spec->sandbox);
	int rc = 0;

	if (b == NULL)
		return add(s, spec) ? 0 : err_set(err, EXIT_ENVIRONMENT,
						"out of memory");
	if (sandbox_same(&b->limits, &now))
		return 0;
	if (cgroup_box_there(&s->cgroups, b->name)) {
		rc = cgroup_box(&s->cgroups, b->name, &now, err);
		b->made = rc == 0;
	}
	if (rc < 0) {
		err_prefix(err, "%s: ", spec->instance);
		sandbox_restore(s, b->name);
		return rc;
	}
	b->limits = now;
	s->limits_at = 0;
	log_info("sandbox '%s': its limits are now those of its file",
	    b->name);
	return 0;
}

int
sandbox_make(struct sup *s, const struct spec *spec, struct err *err)
{
	struct sandbox *b = find(s, spec->sandbox);
	int rc;

	if (b == NULL && (b = add(s, spec)) == NULL)
		return err_set(err, EXIT_ENVIRONMENT, "out of memory");
	if (b->made)
		return 0;
	rc = cgroup_box(&s->cgroups, b->name, &b->limits, err);
	b->made = rc == 0;
	if (rc < 0)
		err_prefix(err, "%s: ", spec->instance);
	return rc;
}

void
sandbox_doubt(struct sup *s, const char *name)
{
	struct sandbox *b = find(s, name);

	if (b != NULL)
		b->made = false;
}

static bool
used(const struct sup *s, const char *name)
{
	char box[NAME_CAP];

	for (size_t i = 0; i < s->rows_count; i++) {
		const struct row *r = s->rows[i];

		cgroup_box_of(r->run.leaf, box);
		if (!r->over &&
		    (strcmp(box, name) == 0 ||
			(r->has_spec && strcmp(r->spec.sandbox, name) == 0)))
			return true;
	}
	return false;
}

void
sandbox_left(struct sup *s, const char *name)
{
	struct sandbox *b = find(s, name);

	if (name[0] == '\0' || used(s, name))
		return;
	cgroup_box_remove(&s->cgroups, name);
	if (b != NULL)
		*b = s->sandboxes[--s->sandboxes_count];
}
