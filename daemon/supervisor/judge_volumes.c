/*
 * judge_volumes.c - what is mounted into the image, and from where.
 *
 * A container file names virtual paths; only the sandbox says which
 * directories of the host they are.
 */
#include <stdio.h>

#include "judge_in.h"

enum {
	TMPFS_BYTES = 100 << 20,
	MODE = 0777, /* lithos' */
	OPTION_CAP = FLAT_PATH_BYTES_MAX + 16,
};

static bool
below(const char *path, const char *top)
{
	size_t n = strlen(top);

	return strncmp(path, top, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

/* "/a/" is "/a", and "/" is "", which all is below. */
static void
trim(char *path)
{
	size_t n = strlen(path);

	while (n > 0 && path[n - 1] == '/')
		path[--n] = '\0';
}

/* Absolute and tidy; "" is the root. */
static const char *
bad_path(const char *t)
{
	if (t[0] != '/' && t[0] != '\0')
		return "an absolute path is needed";
	for (const char *p = t; *p != '\0';) {
		size_t n = strcspn(++p, "/");

		if (n == 0 || (n <= 2 && strspn(p, ".") >= n))
			return "empty, '.' and '..' parts are not allowed";
		p += n;
	}
	return NULL;
}

/* Likewise, and not a place that is ours. */
static const char *
bad_target(const char *t)
{
	if (t[0] != '/')
		return "an absolute path inside the image is needed";
	if (bad_path(t) != NULL)
		return bad_path(t);
	if (below(t, "/proc") || below(t, "/sys") ||
	    (below(t, "/dev") && strcmp(t, "/dev/shm") != 0))
		return "not allowed: this place is the supervisor's";
	return NULL;
}

/* An entry that does not fit must not be passed over: another would match. */
static int
check_host(const struct judge *j, const char *list, struct err *err)
{
	char name[SUP_PATH_CAP];
	struct flat_rec rec;
	size_t off = 0;

	while (flat_next(j->sandbox, &off, &rec))
		if (flat_child(&rec, list, name, sizeof name) &&
		    (name[0] == '\0' || rec.type != FLAT_STR ||
			rec.str_len >= SPEC_PATH_CAP))
			return err_set(err, EXIT_CONFIG,
			    "%s: %s:%u:%u: %s: names of less than %d bytes for directories of less than %d are needed",
			    j->req->instance, j->sandbox_file, rec.line, rec.col,
			    list, SUP_PATH_CAP, SPEC_PATH_CAP);
	return 0;
}

/* Is text in the list of strings at path? */
static bool
listed(const struct flat *f, const char *path, const char *text)
{
	char item[64], one[SUP_PATH_CAP];
	struct flat_rec rec;

	if (!flat_find(f, path, &rec) || rec.type != FLAT_LIST)
		return false;
	for (int64_t i = 0; i < rec.num; i++) {
		snprintf(item, sizeof item, "%s/%d", path, (int)i);
		if (!flat_str(f, item, one, sizeof one))
			continue;
		trim(one);
		if (strcmp(one, text) == 0)
			return true;
	}
	return false;
}

/* The sandbox's entry that path is at or below; of several the shortest, as
 * lithos takes them. */
static bool
find_host(const struct judge *j, const char *list, const char *path,
    struct spec_volume *v)
{
	char name[SUP_PATH_CAP];
	struct flat_rec rec;
	size_t off = 0, best = SIZE_MAX;

	while (flat_next(j->sandbox, &off, &rec)) {
		if (!flat_child(&rec, list, name, sizeof name))
			continue;
		trim(name);
		if (!below(path, name) || strlen(name) >= best)
			continue;
		best = strlen(name);
		memcpy(v->source, rec.str, rec.str_len);
		v->source[rec.str_len] = '\0';
		snprintf(v->below, sizeof v->below, "%s", path + best);
		v->flags &= ~(uint32_t)SPEC_MUST_MOUNT;
		if (listed(j->sandbox, "require-mount", name) ||
		    listed(j->container, "require-mount", v->target))
			v->flags |= SPEC_MUST_MOUNT;
	}
	return best != SIZE_MAX;
}

/* A name in require-mount that nothing has would protect nothing. */
static int
check_required(const struct judge *j, struct err *err)
{
	char key[16], name[SUP_PATH_CAP];
	struct spec_volume v = {0};
	struct flat_rec rec;
	size_t off = 0;

	while (flat_next(j->sandbox, &off, &rec)) {
		if (!flat_child(&rec, "require-mount", key, sizeof key))
			continue;
		if (rec.type == FLAT_STR && rec.str_len < sizeof name) {
			memcpy(name, rec.str, rec.str_len);
			name[rec.str_len] = '\0';
			trim(name);
			if ((find_host(j, "readonly-paths", name, &v) ||
				find_host(j, "writable-paths", name, &v)) &&
			    v.below[0] == '\0')
				continue;
		}
		return err_set(err, EXIT_CONFIG,
		    "%s: %s:%u:%u: require-mount: a name in readonly-paths or writable-paths is needed",
		    j->req->instance, j->sandbox_file, rec.line, rec.col);
	}
	return 0;
}

static int
readonly(const struct judge *j, const struct flat_rec *rec,
    struct spec_volume *v, struct err *err)
{
	char path[SUP_PATH_CAP];
	int rc;

	if (rec->type != FLAT_STR || rec->str_len >= sizeof path)
		return judge_fail(j, rec, err, "%s: !Readonly PATH is needed",
		    v->target);
	memcpy(path, rec->str, rec->str_len);
	path[rec->str_len] = '\0';
	trim(path);
	if (strcmp(path, "/rendered") == 0) {
		v->kind = SPEC_RENDERED;
		return 0;
	}
	if (below(path, "/rendered"))
		return judge_fail(j, rec, err,
		    "%s: mount /rendered itself and read current/FILE below it",
		    v->target);
	if (bad_path(path) != NULL)
		return judge_fail(j, rec, err, "%s: !Readonly: %s", v->target,
		    bad_path(path));
	if ((rc = check_host(j, "readonly-paths", err)) < 0 ||
	    (rc = check_host(j, "writable-paths", err)) < 0)
		return rc;
	v->kind = SPEC_READONLY;
	if (find_host(j, "readonly-paths", path, v) ||
	    find_host(j, "writable-paths", path, v))
		return 0;
	return judge_fail(j, rec, err,
	    "%s: '%s' is not in readonly-paths of sandbox '%s' (%s)", v->target,
	    path, j->req->sandbox, j->sandbox_file);
}

/* What a map after the tag says; absent is what it was. */
static void
option(const struct judge *j, const struct flat_rec *rec, const char *key,
    uint32_t *out)
{
	char path[OPTION_CAP];
	int64_t n;

	snprintf(path, sizeof path, "%.*s/%s", (int)rec->path_len, rec->path, key);
	if (flat_int(j->container, path, &n) && n >= 0 && n < UINT32_MAX)
		*out = (uint32_t)n;
}

static void
flag(const struct judge *j, const struct flat_rec *rec, const char *key,
    uint32_t bit, struct spec_volume *v)
{
	char path[OPTION_CAP];
	bool on;

	snprintf(path, sizeof path, "%.*s/%s", (int)rec->path_len, rec->path, key);
	if (flat_bool(j->container, path, &on) && on)
		v->flags |= bit;
}

static bool
mapped(const struct spec_map *maps, uint32_t count, uint32_t id)
{
	for (uint32_t i = 0; i < count; i++)
		if (id >= maps[i].inside && id - maps[i].inside < maps[i].count)
			return true;
	return count == 0;
}

/* The path, and who owns what is made there. */
static int
writable(const struct judge *j, const struct spec *s, const struct flat_rec *rec,
    struct spec_volume *v, char *path, size_t cap, struct err *err)
{
	char key[OPTION_CAP];
	struct flat_rec at;

	snprintf(path, cap, "/");
	snprintf(key, sizeof key, "%.*s/path", (int)rec->path_len, rec->path);
	if (flat_find(j->container, key, &at) &&
	    !flat_str(j->container, key, path, cap))
		return judge_fail(j, &at, err,
		    "%s: path: less than %zu bytes are needed", v->target, cap);
	trim(path);
	if (bad_path(path) != NULL)
		return judge_fail(j, rec, err, "%s: path: %s", v->target,
		    bad_path(path));
	v->mode = MODE;
	if (j->range_ids == 1) { /* there may be no id 0 that could own it */
		v->user = s->uid;
		v->group = s->gid;
	}
	option(j, rec, "mode", &v->mode);
	option(j, rec, "user", &v->user);
	option(j, rec, "group", &v->group);
	flag(j, rec, "exec", SPEC_EXEC, v);
	v->mode &= 01777;
	if (!mapped(s->uid_maps, s->uid_maps_count, v->user) ||
	    !mapped(s->gid_maps, s->gid_maps_count, v->group))
		return judge_fail(j, rec, err,
		    "%s: user %u, group %u: not both are in uid-map and gid-map of sandbox '%s'",
		    v->target, v->user, v->group, j->req->sandbox);
	return 0;
}

static int
persistent(const struct judge *j, const struct spec *s,
    const struct flat_rec *rec, struct spec_volume *v, struct err *err)
{
	char path[SUP_PATH_CAP];
	int rc = writable(j, s, rec, v, path, sizeof path, err);

	if (rc < 0 || (rc = check_host(j, "writable-paths", err)) < 0)
		return rc;
	v->kind = SPEC_PERSISTENT;
	flag(j, rec, "mkdir", SPEC_MKDIR, v);
	if (find_host(j, "writable-paths", path, v))
		return 0;
	return judge_fail(j, rec, err,
	    "%s: '%s' is not in writable-paths of sandbox '%s' (%s)", v->target,
	    path[0] ? path : "/", j->req->sandbox, j->sandbox_file);
}

static int
statedir(const struct judge *j, const struct spec *s,
    const struct flat_rec *rec, struct spec_volume *v, struct err *err)
{
	v->kind = SPEC_STATEDIR;
	return writable(j, s, rec, v, v->below, sizeof v->below, err);
}

static void
tmpfs(const struct judge *j, const struct flat_rec *rec, struct spec_volume *v)
{
	char path[OPTION_CAP];
	int64_t n;

	v->kind = SPEC_TMPFS;
	v->bytes = TMPFS_BYTES;
	v->mode = MODE;
	snprintf(path, sizeof path, "%.*s/size", (int)rec->path_len, rec->path);
	if (flat_int(j->container, path, &n) && n > 0)
		v->bytes = (uint64_t)n;
	option(j, rec, "mode", &v->mode);
	flag(j, rec, "exec", SPEC_EXEC, v);
	v->mode &= 01777;
}

/* Shorter targets first, so that what lies below another is mounted on it. */
static void
put_in_order(struct spec *s, const struct spec_volume *v)
{
	uint32_t i = s->volumes_count++;

	for (; i > 0 && strlen(s->volumes[i - 1].target) > strlen(v->target); i--)
		s->volumes[i] = s->volumes[i - 1];
	s->volumes[i] = *v;
}

static int
one(const struct judge *j, struct spec *s, const struct flat_rec *rec,
    char *target, const char *tag, struct err *err)
{
	struct spec_volume v = {0};
	const char *bad;
	int rc = 0;

	trim(target);
	bad = bad_target(target);
	if (bad != NULL)
		return judge_fail(j, rec, err, "target %s: %s", target, bad);
	for (uint32_t i = 0; i < s->volumes_count; i++)
		if (strcmp(s->volumes[i].target, target) == 0)
			return judge_fail(j, rec, err,
			    "target %s: there are two volumes", target);
	if (s->volumes_count == SPEC_VOLUMES_MAX)
		return judge_fail(j, rec, err, "more than %d volumes",
		    SPEC_VOLUMES_MAX);
	snprintf(v.target, sizeof v.target, "%s", target);
	if (strcmp(tag, "Tmpfs") == 0)
		tmpfs(j, rec, &v);
	else if (strcmp(tag, "Readonly") == 0)
		rc = readonly(j, rec, &v, err);
	else if (strcmp(tag, "Persistent") == 0)
		rc = persistent(j, s, rec, &v, err);
	else if (strcmp(tag, "Statedir") == 0)
		rc = statedir(j, s, rec, &v, err);
	else
		return judge_fail(j, rec, err, "%s: unknown volume !%s", target,
		    tag);
	if (rc == 0)
		put_in_order(s, &v);
	return rc;
}

/* Memory by another name, and counted as the container's: as much as the sandbox
 * gives of that; where it sets no limit there is none, as for memory itself. */
static int
check_sizes(const struct judge *j, const struct spec *s, struct err *err)
{
	int64_t most = INT64_MAX, sum = 0;

	if (flat_int(j->sandbox, "limits/memory", &most) && most < TMPFS_BYTES)
		most = TMPFS_BYTES;
	for (uint32_t i = 0; i < s->volumes_count; i++) {
		/* One by one, so that no sum of them wraps. */
		if (s->volumes[i].bytes > (uint64_t)(most - sum))
			return judge_fail(j, NULL, err,
			    "%s: !Tmpfs: all sizes together are above %lld, the most that limits/memory of sandbox '%s' allows",
			    s->volumes[i].target, (long long)most,
			    j->req->sandbox);
		sum += (int64_t)s->volumes[i].bytes;
	}
	return 0;
}

/* lithos runs programs from writable volumes, against its own manual: who
 * relied on it hears of it here and not by an exec that fails. */
static int
check_program(const struct judge *j, const struct spec *s, struct err *err)
{
	const struct spec_volume *on = NULL;

	for (uint32_t i = 0; i < s->volumes_count; i++)
		if (below(s->executable, s->volumes[i].target))
			on = &s->volumes[i]; /* longer ones come later */
	if (on == NULL || on->kind == SPEC_READONLY || (on->flags & SPEC_EXEC))
		return 0;
	return judge_fail(j, NULL, err,
	    "executable %s: volume %s is mounted noexec%s", s->executable,
	    on->target, on->kind == SPEC_RENDERED ? "" :
		"; add exec: on to it if it must hold programs");
}

/* Each place that must be a mount is one of a volume from the host. */
static int
check_targets(const struct judge *j, const struct spec *s, struct err *err)
{
	char key[16], target[SUP_PATH_CAP];
	struct flat_rec rec;
	size_t off = 0;
	bool found;

	/* One walk, not one for each: an image may list a hundred thousand. */
	while (flat_next(j->container, &off, &rec)) {
		if (!flat_child(&rec, "require-mount", key, sizeof key))
			continue;
		snprintf(target, sizeof target, "%.*s",
		    rec.type == FLAT_STR ? (int)rec.str_len : 0,
		    rec.type == FLAT_STR ? rec.str : "");
		trim(target);
		found = false;
		for (uint32_t k = 0; k < s->volumes_count; k++)
			found = found ||
			    (strcmp(s->volumes[k].target, target) == 0 &&
				s->volumes[k].source[0] != '\0');
		if (!found)
			return judge_fail(j, &rec, err,
			    "require-mount: '%s' is no !Readonly or !Persistent volume from the host",
			    target);
	}
	return 0;
}

int
judge_volumes(const struct judge *j, struct spec *s, struct err *err)
{
	char key[SUP_PATH_CAP], tag[32];
	struct flat_rec rec;
	size_t off = 0;
	int rc;

	rc = check_required(j, err);
	while (rc == 0 && flat_next(j->container, &off, &rec)) {
		if (!flat_child(&rec, "volumes", key, sizeof key))
			continue;
		judge_tag(j, &rec, tag, sizeof tag);
		rc = one(j, s, &rec, key, tag, err);
	}
	/* Where a volume is at or below it, the image's author took care of it. */
	s->run_tmpfs = true;
	for (uint32_t i = 0; i < s->volumes_count; i++)
		s->run_tmpfs &= !below(s->volumes[i].target, "/run");
	if (rc == 0 && (rc = check_sizes(j, s, err)) == 0 &&
	    (rc = check_program(j, s, err)) == 0)
		rc = check_targets(j, s, err);
	return rc;
}
