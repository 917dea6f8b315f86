/*
 * sandbox.c - the sandboxes that have containers here, and what all containers
 * of one together may take.
 *
 * The limits are the sandbox file's.  Each accepted START brings them; what a
 * START brought last holds for the group at once, and stands in the records of
 * all the sandbox's instances, so that a boot without an engine knows it too.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../base/log.h"
#include "record.h"
#include "sandbox.h"
#include "sup.h"

enum { GROW = 16 };

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
	};
}

bool
sandbox_same(const struct cgroup_limits *a, const struct cgroup_limits *b)
{
	return a->memory_bytes == b->memory_bytes &&
	    a->cpu_milli == b->cpu_milli && a->pids == b->pids;
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
}

/* Another one of its sandbox, with a record, where other limits stand? */
static bool
has_others(const struct row *r, const struct spec *spec,
    const struct cgroup_limits *limits)
{
	const struct cgroup_limits has = limits_of(&r->spec);

	return !r->over && r->has_spec && !r->spec.command && r->life.wanted &&
	    strcmp(r->spec.sandbox, spec->sandbox) == 0 &&
	    strcmp(r->instance, spec->instance) != 0 && !sandbox_same(&has, limits);
}

static void
put_limits(struct spec *spec, const struct cgroup_limits *l)
{
	spec->all_memory_bytes = l->memory_bytes;
	spec->all_cpu_milli = l->cpu_milli;
	spec->all_pids = l->pids;
}

/* The records of all others that go on; that of spec is saved by who asks.  What
 * the disk does not take is not so in memory either: it is tried again by the next
 * START, also by one that brings the limits of before. */
static int
save_others(struct sup *s, const struct spec *spec, struct err *err)
{
	const struct cgroup_limits now = limits_of(spec);
	int rc = 0;

	for (size_t i = 0; i < s->rows_count && rc == 0; i++) {
		struct row *r = s->rows[i];
		const struct cgroup_limits was = limits_of(&r->spec);

		if (!has_others(r, spec, &now))
			continue;
		put_limits(&r->spec, &now);
		rc = record_save(s, &r->spec, err);
		if (rc < 0)
			put_limits(&r->spec, &was);
	}
	return rc;
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
		return save_others(s, spec, err);
	if (cgroup_box_there(&s->cgroups, b->name)) {
		rc = cgroup_box(&s->cgroups, b->name, &now, err);
		b->made = rc == 0;
	}
	if (rc < 0)
		err_prefix(err, "%s: ", spec->instance);
	else
		rc = save_others(s, spec, err);
	if (rc < 0) {
		sandbox_restore(s, b->name);
		return rc;
	}
	b->limits = now;
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
