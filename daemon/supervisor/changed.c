/*
 * changed.c - see changed.h.
 */
#include "changed.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "../base/log.h"
#include "../base/own.h"
#include "prompt.h"
#include "rootless.h"
#include "sup.h"
#include "sys.h"

/* GONE: no such file, or none that may be used: judged, it says why.  UNKNOWN: only a
 * child can say. */
enum { UNKNOWN = 0, GONE = 1, KNOWN_MAX = 64 };

/* What one look has seen already: many instances start from few files. */
struct known {
	const struct spec *specs[KNOWN_MAX];
	uint64_t seen[KNOWN_MAX];
	size_t count;
};

/* Not the device: it may have another number after a reboot. */
static uint64_t
hash_of(uint64_t h, const struct stat *st)
{
	const int64_t what[] = {(int64_t)st->st_ino, st->st_size,
	    st->st_mtim.tv_sec, st->st_mtim.tv_nsec, st->st_ctim.tv_sec,
	    st->st_ctim.tv_nsec};

	h = sup_hash_(h, what, sizeof what);
	return h <= GONE ? GONE + 1 : h;
}

uint64_t
changed_sandbox(const struct sup *s, const struct stat *st)
{
	const uint32_t range[] = {s->conf.range_first, s->conf.range_last};
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	h = sup_hash_(h, s->conf.images_dir, strlen(s->conf.images_dir));
	return hash_of(sup_hash_(h, range, sizeof range), st);
}

uint64_t
changed_container(const struct stat *st, const struct stat *secrets)
{
	uint64_t h = hash_of(UINT64_C(0xcbf29ce484222325), st);

	return secrets == NULL ? h : hash_of(h, secrets);
}

static uint64_t
look_sandbox(const struct sup *s, const struct spec *spec)
{
	char file[CONFIG_PATH_CAP + 128];
	struct stat st;

	snprintf(file, sizeof file, "%s/%s.yaml", s->conf.sandboxes_dir,
	    spec->sandbox);
	return stat(file, &st) < 0 ? GONE : changed_sandbox(s, &st);
}

/* One file of the image.  1: *st is of it; or UNKNOWN or GONE. */
static uint64_t
stat_inside(struct sup *s, const struct image_who *who, int root,
    const char *path, struct stat *st)
{
	AUTO_FOUND struct found at = {.fd = -1};
	struct err err;

	if (!opener_knows(root, path, &at)) {
		/* In a second it is known.  Too many look already: later.  What is far
		 * away (FUSE, NFS) is looked at when a START asks. */
		if (s->looker.pidfd < 0 && prompt_is(root))
			(void)!opener_start(&s->openers, &s->looker, root, path, 0, &err);
		return UNKNOWN;
	}
	if (at.fd < 0)
		return GONE;
	*st = at.st;
	images_stat(&s->launcher.images, who, st);
	return GONE + 1;
}

static uint64_t
look_container(struct sup *s, const struct spec *spec)
{
	const struct image_who who = {spec->instance, spec->images_dir,
	    spec->image, true, !rootless()};
	struct stat st, secrets;
	struct err err;
	uint64_t is;
	int image = -1, rc = launch_image(&s->launcher.images, &who, &image, &err);

	if (rc < 0)
		return rc == LAUNCH_LATER ? UNKNOWN : GONE;
	AUTO_CLOSE int dir = image;
	if ((is = stat_inside(s, &who, dir, spec->config, &st)) <= GONE)
		return is;
	if (spec->secrets_file[0] == '\0')
		return changed_container(&st, NULL);
	if ((is = stat_inside(s, &who, dir, spec->secrets_file, &secrets)) <= GONE)
		return is;
	return changed_container(&st, &secrets);
}

static uint64_t *
slot_of(struct known *k, const struct spec *spec, bool *found,
    bool (*alike)(const struct spec *a, const struct spec *b))
{
	for (size_t i = 0; i < k->count; i++)
		if ((*found = alike(k->specs[i], spec)))
			return &k->seen[i];
	*found = false;
	k->specs[k->count % KNOWN_MAX] = spec;
	if (k->count == KNOWN_MAX)
		return &k->seen[0];
	return &k->seen[k->count++];
}

static bool
same_sandbox(const struct spec *a, const struct spec *b)
{
	return strcmp(a->sandbox, b->sandbox) == 0;
}

static bool
same_container(const struct spec *a, const struct spec *b)
{
	return strcmp(a->image, b->image) == 0 &&
	    strcmp(a->config, b->config) == 0 &&
	    strcmp(a->secrets_file, b->secrets_file) == 0 &&
	    strcmp(a->images_dir, b->images_dir) == 0;
}

static void
look(struct sup *s, struct row *r, struct known *sandboxes,
    struct known *containers)
{
	bool found;
	uint64_t *at = slot_of(sandboxes, &r->spec, &found, same_sandbox);

	r->changed.sandbox_now = *at = found ? *at : look_sandbox(s, &r->spec);
	at = slot_of(containers, &r->spec, &found, same_container);
	*at = found ? *at : look_container(s, &r->spec);
	/* Not known, it is as it was taken for. */
	r->changed.container_now = *at != UNKNOWN ? *at : r->spec.container_seen;
	if (r->spec.sandbox_seen == 0)
		r->spec.sandbox_seen = r->changed.sandbox_now;
	if (r->spec.container_seen == 0)
		r->spec.container_seen = r->changed.container_now;
}

static bool
differs(const struct row *r)
{
	return r->changed.sandbox_now != r->spec.sandbox_seen ||
	    r->changed.container_now != r->spec.container_seen;
}

bool
changed_is(struct sup *s, struct row *r)
{
	struct known sandboxes = {.count = 0}, containers = {.count = 0};

	look(s, r, &sandboxes, &containers);
	/* Judged anew though nothing changed, it comes out as it was. */
	return differs(r) || containers.seen[0] == UNKNOWN;
}

bool
changed_holds(const void *arg, const char *dir, const char *image)
{
	const struct sup *s = arg;

	for (size_t i = 0; i < s->rows_count; i++) {
		const struct row *r = s->rows[i];

		if (r->has_spec && !r->over && strcmp(r->spec.image, image) == 0 &&
		    strcmp(r->spec.images_dir, dir) == 0)
			return true;
	}
	return false;
}

void
changed_refused(struct row *r)
{
	r->changed.stale = false;
	r->changed.sandbox_refused = r->changed.sandbox_now;
	r->changed.container_refused = r->changed.container_now;
}

static bool
is_watched(const struct row *r)
{
	return r->has_spec && !r->over && !r->spec.command && r->life.wanted &&
	    r->job == NULL && !r->changed.stale && r->spec.sandbox[0] != '\0';
}

void
changed_looked(struct sup *s)
{
	struct found at;
	struct err err;

	(void)!opener_finish(&s->openers, &s->looker, &at, &err); /* it names no image */
	found_close(&at);
}

void
changed_tick(struct sup *s, msec now)
{
	struct known sandboxes = {.count = 0}, containers = {.count = 0};

	if (now < s->look_at)
		return;
	if (s->look_from == 0)
		images_tidy(&s->launcher.images, now, changed_holds, s);
	for (size_t i = s->look_from; i < s->rows_count; i++) {
		struct row *r = s->rows[i];

		if (!is_watched(r))
			continue;
		if (!loop_goes_on(s)) {
			s->look_from = i;
			return;
		}
		look(s, r, &sandboxes, &containers);
		if (!differs(r) ||
		    (r->changed.sandbox_now == r->changed.sandbox_refused &&
			r->changed.container_now == r->changed.container_refused))
			continue;
		log_info("%s: its %s file was changed: it is judged anew",
		    r->instance,
		    r->changed.sandbox_now != r->spec.sandbox_seen ? "sandbox" :
							     "container");
		r->changed.stale = true;
		row_tell(s, r);
	}
	s->look_from = 0;
	s->look_at = now + CHANGED_LOOK_MS;
}
