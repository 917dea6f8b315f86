/*
 * judge.c - see judge.h.  Variables, users and volumes, limits have files of
 * their own; here is the order of questions and the easy ones.
 */
#include "judge_in.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "../base/fence.h"
#include "../base/name.h"
#include "../base/weak.h"

enum { ARGUMENTS_MAX = 1024, VALUE_CAP = 64 << 10 };

int
judge_fail(const struct judge *j, const struct flat_rec *at, struct err *err,
    const char *fmt, ...)
{
	char text[ERR_TEXT_CAP];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (at == NULL)
		return err_set(err, EXIT_CONFIG, "%s: %s%s: %s",
		    j->req->instance, j->req->image, j->req->config, text);
	return err_set(err, EXIT_CONFIG, "%s: %s%s:%u:%u: %s", j->req->instance,
	    j->req->image, j->req->config, at->line, at->col, text);
}

void
judge_tag(const struct judge *j, const struct flat_rec *rec, char *out,
    size_t cap)
{
	char path[FLAT_PATH_BYTES_MAX + 2];

	snprintf(path, sizeof path, "%.*s!", (int)rec->path_len, rec->path);
	(void)flat_str(j->container, path, out, cap);
}

static bool
terminated(const char *s, size_t cap)
{
	return memchr(s, 0, cap) != NULL;
}

/* An absolute path, not ending in '/', with no empty, "." or ".." part. */
static bool
path_ok(const char *s)
{
	if (s[0] != '/' || s[1] == '\0')
		return false;
	for (const char *p = s; *p != '\0';) {
		size_t n = strcspn(++p, "/");

		if (n == 0 || (n == 1 && p[0] == '.') ||
		    (n == 2 && p[0] == '.' && p[1] == '.'))
			return false;
		p += n;
	}
	return true;
}

int
judge_names(const struct sup_req *req, struct err *err)
{
	if (!HOLDS("names"))
		return 0;
	if (!terminated(req->instance, sizeof req->instance) ||
	    !name_ok(req->instance, strlen(req->instance)))
		return err_set(err, EXIT_CONFIG, "bad instance name");
	if (!terminated(req->sandbox, sizeof req->sandbox) ||
	    !name_ok(req->sandbox, strlen(req->sandbox)))
		return err_set(err, EXIT_CONFIG, "%s: bad sandbox name",
		    req->instance);
	if (!terminated(req->role, sizeof req->role) ||
	    !name_ok(req->role, strlen(req->role)))
		return err_set(err, EXIT_CONFIG, "%s: bad role name",
		    req->instance);
	if (!terminated(req->image, sizeof req->image) ||
	    !name_image_ok(req->image, strlen(req->image), 16))
		return err_set(err, EXIT_CONFIG, "%s: bad image name",
		    req->instance);
	if (!terminated(req->config, sizeof req->config) ||
	    !path_ok(req->config))
		return err_set(err, EXIT_CONFIG,
		    "%s: config: an absolute path inside the image is needed",
		    req->instance);
	if (req->policy > SUP_EXCLUSIVE)
		return err_set(err, EXIT_CONFIG, "%s: unknown policy %u",
		    req->instance, req->policy);
	if (req->policy == SUP_EXCLUSIVE && req->op != SUP_START)
		return err_set(err, EXIT_CONFIG,
		    "%s: a Command can't be exclusive", req->instance);
	if (req->policy == SUP_EXCLUSIVE && req->deadline_ms == 0)
		return err_set(err, EXIT_CONFIG,
		    "%s: exclusive: a deadline is needed, that of a role lease",
		    req->instance);
	if (req->policy != SUP_EXCLUSIVE && req->deadline_ms != 0)
		return err_set(err, EXIT_CONFIG,
		    "%s: a deadline is for exclusive instances only",
		    req->instance);
	return 0;
}

int
judge_deadline(const struct sup_req *req, uint32_t kill_timeout_ms,
    uint64_t now_ms, struct err *err)
{
	if (req->deadline_ms > now_ms &&
	    req->deadline_ms - now_ms > SUP_LEASE_MS_MAX)
		return err_set(err, EXIT_CONFIG,
		    "%s: deadline: %llu ms ahead, a role lease lasts at most %d",
		    req->instance,
		    (unsigned long long)(req->deadline_ms - now_ms),
		    SUP_LEASE_MS_MAX);
	if (fence_due(req->deadline_ms, kill_timeout_ms, now_ms) != FENCE_RUN)
		return err_set(err, EXIT_CONFIG,
		    "%s: the role lease is over before it could start",
		    req->instance);
	return 0;
}

static bool
role_allowed(const struct judge *j)
{
	char role[NAME_CAP], path[32];
	struct flat_rec rec;

	if (!flat_find(j->sandbox, "roles", &rec))
		return strcmp(j->req->role, j->req->sandbox) == 0;
	if (rec.type != FLAT_LIST)
		return false;
	for (int64_t i = 0; i < rec.num; i++) {
		snprintf(path, sizeof path, "roles/%d", (int)i);
		if (flat_str(j->sandbox, path, role, sizeof role) &&
		    strcmp(role, j->req->role) == 0)
			return true;
	}
	return false;
}

/* A Command that a person asks for, and no check. */
static bool
exec_allowed(const struct judge *j)
{
	bool on = false;

	return flat_bool(j->sandbox, "allow-exec", &on) && on;
}

int
judge_sandbox(const struct judge *j, struct judge_image *out, struct err *err)
{
	const struct sup_req *req = j->req;
	struct flat_rec rec;
	int64_t levels = 1;
	int parts = 1;

	if (HOLDS("roles") && !role_allowed(j))
		return err_set(err, EXIT_CONFIG,
		    "%s: role '%s' may not use sandbox '%s'; add it to roles: in %s",
		    req->instance, req->role, req->sandbox, j->sandbox_file);
	if (req->op == SUP_RUN && (req->flags & SUP_F_ASKED) && !exec_allowed(j))
		return err_set(err, EXIT_CONFIG,
		    "%s: sandbox '%s' does not allow it: `allow-exec: yes` in %s does",
		    req->instance, req->sandbox, j->sandbox_file);
	if (!flat_find(j->sandbox, "image-dir", &rec))
		snprintf(out->dir, sizeof out->dir, "%s", j->images_dir);
	else if (!flat_str(j->sandbox, "image-dir", out->dir, sizeof out->dir))
		return err_set(err, EXIT_CONFIG,
		    "%s: %s:%u:%u: image-dir: a path of less than %zu bytes is needed",
		    req->instance, j->sandbox_file, rec.line, rec.col,
		    sizeof out->dir);
	flat_int(j->sandbox, "image-dir-levels", &levels);
	for (const char *p = req->image; *p != '\0'; p++)
		parts += *p == '/';
	if (parts != levels)
		return err_set(err, EXIT_CONFIG,
		    "%s: image %s: has %d parts, image-dir-levels of sandbox '%s' is %d",
		    req->instance, req->image, parts, req->sandbox, (int)levels);
	out->levels = parts;
	return 0;
}

bool
ranges_hold(const struct flat *f, const char *path, uint64_t n)
{
	return ranges_hold_all(f, path, n, n);
}

bool
ranges_hold_all(const struct flat *f, const char *path, uint64_t a, uint64_t b)
{
	struct flat_rec rec;
	char item[80], text[48], *end;
	uint64_t first, last;

	if (!flat_find(f, path, &rec) || rec.type != FLAT_LIST)
		return false;
	for (int64_t i = 0; i < rec.num; i++) {
		snprintf(item, sizeof item, "%s/%d", path, (int)i);
		if (!flat_str(f, item, text, sizeof text))
			continue;
		first = strtoull(text, &end, 10);
		last = *end == '-' ? strtoull(end + 1, NULL, 10) : first;
		if (a >= first && b <= last)
			return true;
	}
	return false;
}

static int
judge_kind(const struct judge *j, struct spec *s, struct err *err)
{
	struct flat_rec rec;
	char kind[32] = "Daemon";

	s->command = j->req->op == SUP_RUN;
	if (flat_find(j->container, "kind", &rec))
		(void)flat_str(j->container, "kind", kind, sizeof kind);
	if (strcmp(kind, "CommandOrDaemon") == 0 ||
	    strcmp(kind, s->command ? "Command" : "Daemon") == 0)
		return 0;
	return judge_fail(j, NULL, err, "kind is %s, %s is needed here", kind,
	    s->command ? "Command or CommandOrDaemon" :
			 "Daemon or CommandOrDaemon");
}

static int
judge_program(const struct judge *j, struct spec *s, struct err *err)
{
	char path[SUP_PATH_CAP];
	struct flat_rec rec;
	int rc;

	if (!flat_find(j->container, "executable", &rec) || rec.type != FLAT_STR)
		return judge_fail(j, NULL, err, "executable is missing");
	rc = vars_fill(j, &rec, "executable", rec.str, rec.str_len, path, sizeof path,
	    err);
	if (rc < 0)
		return rc;
	if (!path_ok(path))
		return judge_fail(j, &rec, err,
		    "executable: an absolute path inside the image is needed");
	snprintf(s->executable, sizeof s->executable, "%s", path);
	snprintf(s->workdir, sizeof s->workdir, "/");
	if (flat_find(j->container, "workdir", &rec) &&
	    (!flat_str(j->container, "workdir", s->workdir,
		 sizeof s->workdir) ||
		(strcmp(s->workdir, "/") != 0 && !path_ok(s->workdir))))
		return judge_fail(j, &rec, err,
		    "workdir: an absolute path inside the image is needed");
	return 0;
}

static int
judge_arguments(const struct judge *j, struct spec *s, char *value,
    struct err *err)
{
	struct flat_rec rec;
	char key[64];
	size_t off = 0;
	int n;

	n = strs_add(&s->args, s->executable, strlen(s->executable), err);
	while (n >= 0 && flat_next(j->container, &off, &rec)) {
		if (!flat_child(&rec, "arguments", key, sizeof key) ||
		    rec.type != FLAT_STR)
			continue;
		n = vars_fill(j, &rec, "arguments", rec.str, rec.str_len, value,
		    VALUE_CAP, err);
		if (n < 0)
			return n;
		n = strs_add(&s->args, value, (size_t)n, err);
		if (n < 0 || s->args.count > ARGUMENTS_MAX)
			return judge_fail(j, &rec, err,
			    "arguments exceed %d KiB or %d items",
			    SPEC_STRS_BYTES_MAX >> 10, ARGUMENTS_MAX);
	}
	return n < 0 ? n : 0;
}

static bool
env_name_ok(const char *name)
{
	if (name[0] == '\0')
		return false;
	for (const char *p = name; *p != '\0'; p++)
		if (*p == '=' || *p < 0x21 || *p > 0x7e)
			return false;
	return true;
}

static int
add_env(struct spec *s, const char *name, const char *value, struct err *err)
{
	size_t len = strlen(name) + 1 + strlen(value);
	char *both = malloc(len + 1);
	int rc;

	if (both == NULL)
		return err_set(err, EXIT_ENVIRONMENT, "out of memory");
	snprintf(both, len + 1, "%s=%s", name, value);
	rc = strs_add(&s->env, both, len, err);
	free(both);
	return rc;
}

void
judge_lithos_name(const struct judge *j, char *out, size_t cap)
{
	snprintf(out, cap, "%s/%s", j->req->sandbox, j->req->instance);
}

/* What lithos puts there; a container file that says one itself has its way. */
static int
lithos_environ(const struct judge *j, struct spec *s, struct err *err)
{
	char name[2 * NAME_CAP], path[40];
	const char *const given[][2] = {{"TERM", "dumb"}, {"LITHOS_NAME", name},
	    {"LITHOS_CONFIG", s->config}};
	struct flat_rec rec;
	int rc;

	judge_lithos_name(j, name, sizeof name);
	for (size_t i = 0; i < ARRAY_LEN(given); i++) {
		snprintf(path, sizeof path, "environ/%s", given[i][0]);
		if (flat_find(j->container, path, &rec) ||
		    judge_is_secret(j, given[i][0]))
			continue;
		if ((rc = add_env(s, given[i][0], given[i][1], err)) < 0)
			return rc;
	}
	return 0;
}

static int
judge_environ(const struct judge *j, struct spec *s, char *value,
    struct err *err)
{
	struct flat_rec rec;
	char name[256];
	size_t off = 0;
	int rc;

	if ((rc = lithos_environ(j, s, err)) < 0)
		return rc;
	while (flat_next(j->container, &off, &rec)) {
		if (!flat_child(&rec, "environ", name, sizeof name) ||
		    rec.type != FLAT_STR)
			continue;
		if (!env_name_ok(name))
			return judge_fail(j, &rec, err, "env '%s': invalid name",
			    name);
		rc = vars_fill(j, &rec, "environ", rec.str, rec.str_len, value,
		    VALUE_CAP, err);
		if (rc < 0)
			return rc;
		if (add_env(s, name, value, err) < 0 ||
		    s->env.count > ARGUMENTS_MAX)
			return judge_fail(j, &rec, err,
			    "environ exceeds %d KiB or %d items",
			    SPEC_STRS_BYTES_MAX >> 10, ARGUMENTS_MAX);
	}
	return 0;
}

static void
from_request(const struct judge *j, struct spec *s)
{
	const struct sup_req *r = j->req;

	memset(s, 0, sizeof *s);
	memcpy(s->instance, r->instance, sizeof s->instance);
	memcpy(s->role, r->role, sizeof s->role);
	memcpy(s->sandbox, r->sandbox, sizeof s->sandbox);
	memcpy(s->image, r->image, sizeof s->image);
	memcpy(s->config, r->config, sizeof s->config);
	memcpy(s->leader, r->leader, sizeof s->leader);
	s->policy = r->policy;
	s->term = r->term;
	s->seq = r->seq;
	s->staged = (r->flags & SUP_F_STAGED) != 0;
	s->hash = sup_spec_hash(r, j->vars, j->vars_bytes);
}

int
judge_container(const struct judge *j, struct spec *out, struct err *err)
{
	struct judge_image image;
	char *value = malloc(VALUE_CAP);
	int rc;

	from_request(j, out);
	if (value == NULL)
		return err_set(err, EXIT_ENVIRONMENT, "out of memory");
	if ((rc = judge_sandbox(j, &image, err)) == 0 &&
	    (rc = judge_kind(j, out, err)) == 0 &&
	    (rc = vars_check(j, err)) == 0 &&
	    (rc = judge_program(j, out, err)) == 0 &&
	    (rc = judge_arguments(j, out, value, err)) == 0 &&
	    (rc = judge_environ(j, out, value, err)) == 0 &&
	    (rc = judge_secrets(j, out, err)) == 0 &&
	    (rc = judge_user(j, out, err)) == 0 &&
	    (rc = judge_volumes(j, out, err)) == 0 &&
	    (rc = judge_hosts(j, out, err)) == 0 &&
	    (rc = judge_weaker(j, out, err)) == 0 &&
	    (rc = judge_limits(j, out, err)) == 0 &&
	    (rc = judge_network(j, out, err)) == 0 &&
	    (rc = judge_ports(j, out, err)) == 0 &&
	    (rc = judge_health(j, out, err)) == 0 &&
	    (rc = judge_metrics(j, out, err)) == 0)
		memcpy(out->images_dir, image.dir, sizeof out->images_dir);
	free(value);
	if (rc < 0)
		spec_free(out);
	return rc;
}
