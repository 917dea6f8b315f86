/*
 * judge_volumes.c - what is mounted into the image, and from where.
 *
 * A container file names virtual paths; only the sandbox says which
 * directories of the host they are.
 */
#include <stdio.h>

#include "judge_in.h"

enum { TMPFS_BYTES = 100 << 20, TMPFS_MODE = 0777 };

static bool
below(const char *path, const char *top)
{
	size_t n = strlen(top);

	return strncmp(path, top, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

/* Absolute, tidy, and not a place that is ours. */
static const char *
bad_target(const char *t)
{
	if (t[0] != '/' || t[1] == '\0')
		return "an absolute path inside the image is needed";
	for (const char *p = t; *p != '\0';) {
		size_t n = strcspn(++p, "/");

		if (n == 0 || (n <= 2 && strspn(p, ".") >= n))
			return "empty, '.' and '..' parts are not allowed";
		p += n;
	}
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

/* The sandbox's entry with the longest name that path is at or below. */
static bool
find_host(const struct judge *j, const char *list, const char *path,
    struct spec_volume *v, size_t *best)
{
	char name[SUP_PATH_CAP];
	struct flat_rec rec;
	size_t off = 0;
	bool found = false;

	while (flat_next(j->sandbox, &off, &rec)) {
		if (!flat_child(&rec, list, name, sizeof name) ||
		    !below(path, name) || strlen(name) < *best)
			continue;
		*best = strlen(name);
		memcpy(v->source, rec.str, rec.str_len);
		v->source[rec.str_len] = '\0';
		snprintf(v->below, sizeof v->below, "%s", path + *best);
		found = true;
	}
	return found;
}

static int
readonly(const struct judge *j, const struct flat_rec *rec,
    struct spec_volume *v, struct err *err)
{
	char path[SUP_PATH_CAP];
	size_t best = 0;
	bool found;
	int rc;

	if (rec->type != FLAT_STR || rec->str_len >= sizeof path)
		return judge_fail(j, rec, err, "%s: !Readonly PATH is needed",
		    v->target);
	memcpy(path, rec->str, rec->str_len);
	path[rec->str_len] = '\0';
	if (strcmp(path, "/rendered") == 0) {
		v->kind = SPEC_RENDERED;
		return 0;
	}
	if (below(path, "/rendered"))
		return judge_fail(j, rec, err,
		    "%s: mount /rendered itself and read current/FILE below it",
		    v->target);
	if (bad_target(path) != NULL)
		return judge_fail(j, rec, err, "%s: !Readonly: %s", v->target,
		    bad_target(path));
	if ((rc = check_host(j, "readonly-paths", err)) < 0 ||
	    (rc = check_host(j, "writable-paths", err)) < 0)
		return rc;
	v->kind = SPEC_READONLY;
	found = find_host(j, "readonly-paths", path, v, &best);
	if (find_host(j, "writable-paths", path, v, &best))
		found = true;
	if (found)
		return 0;
	return judge_fail(j, rec, err,
	    "%s: '%s' is not in readonly-paths of sandbox '%s' (%s)", v->target,
	    path, j->req->sandbox, j->sandbox_file);
}

static void
tmpfs(const struct judge *j, const struct flat_rec *rec, struct spec_volume *v)
{
	char path[SUP_PATH_CAP + 80];
	int64_t n;
	int len = (int)rec->path_len;

	v->kind = SPEC_TMPFS;
	v->bytes = TMPFS_BYTES;
	v->mode = TMPFS_MODE;
	snprintf(path, sizeof path, "%.*s/size", len, rec->path);
	if (flat_int(j->container, path, &n) && n > 0)
		v->bytes = (uint64_t)n;
	snprintf(path, sizeof path, "%.*s/mode", len, rec->path);
	if (flat_int(j->container, path, &n))
		v->mode = (uint32_t)n & 01777;
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
    const char *target, const char *tag, struct err *err)
{
	struct spec_volume v = {0};
	const char *bad = bad_target(target);
	int rc = 0;

	if (bad != NULL)
		return judge_fail(j, rec, err, "target %s: %s", target, bad);
	if (s->volumes_count == SPEC_VOLUMES_MAX)
		return judge_fail(j, rec, err, "more than %d volumes",
		    SPEC_VOLUMES_MAX);
	snprintf(v.target, sizeof v.target, "%s", target);
	if (strcmp(tag, "Tmpfs") == 0)
		tmpfs(j, rec, &v);
	else if (strcmp(tag, "Readonly") == 0)
		rc = readonly(j, rec, &v, err);
	else
		return judge_fail(j, rec, err,
		    "%s: volume !%s is not supported yet", target, tag);
	if (rc == 0)
		put_in_order(s, &v);
	return rc;
}

int
judge_volumes(const struct judge *j, struct spec *s, struct err *err)
{
	char key[SUP_PATH_CAP], tag[32];
	struct flat_rec rec;
	size_t off = 0;
	int64_t most = 0, sum = 0;
	int rc = 0;

	/* Memory by another name: as much as the sandbox gives of that. */
	if (!flat_int(j->sandbox, "limits/memory", &most) || most < TMPFS_BYTES)
		most = TMPFS_BYTES;
	while (rc == 0 && flat_next(j->container, &off, &rec)) {
		if (!flat_child(&rec, "volumes", key, sizeof key))
			continue;
		judge_tag(j, &rec, tag, sizeof tag);
		rc = one(j, s, &rec, key, tag, err);
	}
	for (uint32_t i = 0; rc == 0 && i < s->volumes_count; i++) {
		/* One by one, so that no sum of them wraps. */
		if (s->volumes[i].bytes > (uint64_t)(most - sum))
			return judge_fail(j, NULL, err,
			    "%s: !Tmpfs: all sizes together are above %lld, the most that limits/memory of sandbox '%s' allows",
			    s->volumes[i].target, (long long)most,
			    j->req->sandbox);
		sum += (int64_t)s->volumes[i].bytes;
	}
	return rc;
}
