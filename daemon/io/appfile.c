/*
 * appfile.c - see appfile.h.
 */
#include "appfile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../base/own.h"
#include "../base/probes.h"
#include "../core/cantalfile.h"

#define META SUP_METRICS_FILE ".meta"
#define VALUES SUP_METRICS_FILE ".values"

enum { TEXTS_A_MINUTE = 60, SECONDS_OF_MINUTE = 60, NAME_SHOWN = 64 };

struct identity {
	dev_t dev;
	ino_t ino;
	off_t size;
	int64_t s, ns;
};

/* Of one field: its series, and of a state also that of its text. */
struct shown {
	series_id value, text;
	uint64_t text_hash;
	bool refused; /* for its name: it has none */
};

struct appfile {
	struct appfile_of of;
	bool known; /* the meta file of this identity was read, well or not */
	struct identity id;
	struct cantal c; /* empty when it was not well */
	struct shown *shown;
	uint8_t *values;
	int64_t minute;
	uint32_t texts; /* new ones, in that minute */
	char why[APPFILE_WHY_CAP], refused[APPFILE_WHY_CAP]; /* refused: of the first that is */
};

struct appfile *
appfile_new(const struct appfile_of *of)
{
	struct appfile *f = calloc(1, sizeof *f);

	if (f != NULL)
		f->of = *of;
	return f;
}

const char *
appfile_why(const struct appfile *f)
{
	return f->why[0] != '\0' ? f->why : f->refused;
}

/* --- files -------------------------------------------------------------------------------- */

/* A regular file of at most max bytes; -1: why says it, "" when there is none. */
static int
open_file(int dir, const char *name, off_t max, struct stat *st, char why[APPFILE_WHY_CAP])
{
	const struct open_how how = {.flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW,
	    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV};
	int fd = (int)syscall(SYS_openat2, dir, name, &how, sizeof how);

	why[0] = '\0';
	if (fd < 0) {
		if (errno != ENOENT && errno != EAGAIN)
			snprintf(why, APPFILE_WHY_CAP, "%s: %s", name, strerror(errno));
		return -1;
	}
	if (fstat(fd, st) < 0 || !S_ISREG(st->st_mode))
		snprintf(why, APPFILE_WHY_CAP, "%s: is no regular file", name);
	else if (st->st_size > max)
		snprintf(why, APPFILE_WHY_CAP, "%s: has more than %lld KiB", name, (long long)max >> 10);
	if (why[0] == '\0')
		return fd;
	close(fd);
	return -1;
}

static struct identity
identity_of(const struct stat *st)
{
	return (struct identity){st->st_dev, st->st_ino, st->st_size, st->st_mtim.tv_sec, st->st_mtim.tv_nsec};
}

static bool
is_same(const struct identity *a, const struct identity *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size && a->s == b->s && a->ns == b->ns;
}

static bool
read_whole(int fd, uint8_t *to, size_t n)
{
	for (size_t at = 0; at < n;) {
		ssize_t k = pread(fd, to + at, n - at, (off_t)at);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return false;
		at += (size_t)k;
	}
	return true;
}

/* --- series -------------------------------------------------------------------------------- */

static void
forget(struct appfile *f, int64_t tick)
{
	for (uint32_t i = 0; f->shown != NULL && i < f->c.count; i++) {
		series_close(f->of.store, f->shown[i].value, tick);
		series_close(f->of.store, f->shown[i].text, tick);
	}
	free(f->shown);
	free(f->values);
	cantal_free(&f->c);
	f->shown = NULL;
	f->values = NULL;
	f->known = false;
	f->refused[0] = '\0';
}

void
appfile_free(struct appfile *f, int64_t tick)
{
	if (f == NULL)
		return;
	forget(f, tick);
	free(f);
}

/* Of a field, with a suffix behind its name and one label more (text b NULL: none). */
static series_id
open_series(struct appfile *f, const struct cantal_field *c, const char *suffix, struct slice text)
{
	static const enum series_type types[] = {SERIES_COUNTER, SERIES_GAUGE, SERIES_GAUGE, SERIES_GAUGE,
	    SERIES_GAUGE};
	char name[LABEL_NAME_BYTES_MAX + 32];
	uint8_t packed[LABELS_BYTES_MAX];
	struct slice base, own;
	struct labels l;
	int n;

	if (labels_read(c->labels, &l) < 0)
		return 0;
	base = labels_get(&l, slice_of(LABEL_NAME));
	n = snprintf(name, sizeof name, "%.*s%s", (int)base.len, (const char *)base.b, suffix);
	if (n < 0 || (size_t)n >= sizeof name || labels_set(&l, slice_of(LABEL_NAME), slice_of(name)) < 0)
		return 0;
	own = labels_get(&l, slice_of("text"));
	if (text.len > 0 &&
	    ((own.len > 0 && labels_set(&l, slice_of("exported_text"), own) < 0) ||
		labels_set(&l, slice_of("text"), text) < 0))
		return 0;
	/* Whoever said another type of that name first is right: it is for people only. */
	(void)!series_describe(f->of.store, slice_of(name), text.len > 0 ? SERIES_INFO : types[c->kind],
	    (struct slice){0});
	n = target_pack(f->of.target, &l, packed);
	return n < 0 ? 0 : series_open(f->of.store, f->of.owner, (struct slice){packed, (size_t)n});
}

static bool
put(struct appfile *f, series_id id, int64_t tick, double value)
{
	return id != 0 && series_put(f->of.store, id, tick, value) != -ERR_UNKNOWN;
}

/* Each text is a series of its own: so many new ones a minute, and then none is shown. */
static void
put_text(struct appfile *f, const struct cantal_field *c, struct shown *s, int64_t tick)
{
	struct slice text = cantal_text(c, f->values);
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	if (cantal_value(c, f->values) == 0)
		text.len = 0; /* idle: what stands there is of before */
	for (size_t i = 0; i < text.len; i++)
		h = (h ^ text.b[i]) * UINT64_C(0x100000001b3);
	if (tick / SECONDS_OF_MINUTE != f->minute) {
		f->minute = tick / SECONDS_OF_MINUTE;
		f->texts = 0;
	}
	if (h != s->text_hash || text.len == 0) {
		series_close(f->of.store, s->text, tick);
		s->text = 0;
		s->text_hash = h;
	}
	if (text.len > 0 && !put(f, s->text, tick, 1) && f->texts < TEXTS_A_MINUTE) {
		f->texts++;
		s->text = open_series(f, c, "_state_info", text);
		(void)put(f, s->text, tick, 1);
	}
}

static void
put_all(struct appfile *f, int64_t tick)
{
	for (uint32_t i = 0; i < f->c.count; i++) {
		const struct cantal_field *c = &f->c.fields[i];
		struct shown *s = &f->shown[i];
		double value = cantal_value(c, f->values);

		if (s->refused)
			continue;
		if (!put(f, s->value, tick, value)) {
			s->value = open_series(f, c, c->kind == CANTAL_STATE ? "_state_since_seconds" : "",
			    (struct slice){0});
			(void)put(f, s->value, tick, value);
		}
		if (c->kind == CANTAL_STATE)
			put_text(f, c, s, tick);
	}
}

/* --- once a second ---------------------------------------------------------------------------- */

/* Names that are ours: those are not shown, all others are. */
static void
refuse_names(struct appfile *f)
{
	for (uint32_t i = 0; i < f->c.count; i++) {
		struct slice name = labels_find(f->c.fields[i].labels, slice_of(LABEL_NAME));
		const char *why = target_refuses(name);

		f->shown[i].refused = why != NULL;
		if (why != NULL && f->refused[0] == '\0')
			snprintf(f->refused, sizeof f->refused, META ": metric '%.*s' rejected: %s",
			    (int)(name.len < NAME_SHOWN ? name.len : NAME_SHOWN), (const char *)name.b, why);
	}
}

/* The meta file is another one than before.  False: it is not to be used. */
static bool
read_meta(struct appfile *f, int fd, const struct stat *st, int64_t tick)
{
	AUTO_FREE uint8_t *text = malloc((size_t)st->st_size + 1);
	struct err err;

	forget(f, tick);
	if (text == NULL || !read_whole(fd, text, (size_t)st->st_size))
		return false; /* it is being written */
	f->id = identity_of(st);
	f->known = true;
	f->why[0] = '\0';
	if (cantal_parse((struct slice){text, (size_t)st->st_size}, &f->c, &err) < 0) {
		snprintf(f->why, sizeof f->why, META ":%.*s", APPFILE_WHY_CAP - 16, err.text);
		return false;
	}
	f->shown = calloc(f->c.count + 1, sizeof *f->shown);
	f->values = malloc(f->c.values_bytes + (size_t)1);
	if (f->shown != NULL && f->values != NULL) {
		refuse_names(f);
		return true;
	}
	forget(f, tick);
	return false;
}

static bool
read_values(struct appfile *f, int dir)
{
	char why[APPFILE_WHY_CAP];
	struct stat st;
	AUTO_CLOSE int fd = open_file(dir, VALUES, CANTAL_VALUES_BYTES_MAX, &st, why);

	if (fd >= 0 && st.st_size < (off_t)f->c.values_bytes)
		snprintf(why, sizeof why, VALUES ": has %lld bytes, " META " speaks of %u", (long long)st.st_size,
		    (unsigned)f->c.values_bytes);
	memcpy(f->why, why, sizeof f->why);
	return fd >= 0 && why[0] == '\0' && read_whole(fd, f->values, f->c.values_bytes);
}

/* By its name: is it still the one that was read? */
static bool
is_still(const struct appfile *f, int dir)
{
	struct identity now;
	struct stat st;

	if (fstatat(dir, META, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	now = identity_of(&st);
	return is_same(&now, &f->id);
}

void
appfile_tick(struct appfile *f, int dir, int64_t tick)
{
	char why[APPFILE_WHY_CAP];
	struct identity id;
	struct stat st;
	AUTO_CLOSE int fd = open_file(dir, META, CANTAL_META_BYTES_MAX, &st, why);

	if (fd < 0) {
		forget(f, tick);
		memcpy(f->why, why, sizeof f->why);
		return;
	}
	id = identity_of(&st);
	if (f->known && is_same(&id, &f->id)) {
		if (f->shown == NULL)
			return; /* it was no good, and why is known */
	} else if (!read_meta(f, fd, &st, tick)) {
		return;
	}
	if (read_values(f, dir) && is_still(f, dir))
		put_all(f, tick);
}
