/*
 * judge_hosts.c - /etc/hosts and /etc/resolv.conf of a container, by lithos'
 * rules: a copy of the host's unless the container file says otherwise, mounted
 * where the image has a regular file (auto).
 */
#include <stdio.h>

#include "judge_in.h"

/* A boolean of the container file, or what it is without. */
static bool
is_on(const struct judge *j, const char *path, bool dflt)
{
	bool on;

	return flat_bool(j->container, path, &on) ? on : dflt;
}

/* `mount: auto` is what it is without. */
static uint32_t
mount_of(const struct judge *j, const char *path)
{
	bool on;

	if (!flat_bool(j->container, path, &on))
		return SPEC_FILE_AUTO;
	return on ? SPEC_FILE_MUST : 0;
}

static int
source(const struct judge *j, const char *key, const char *dflt, char *out,
    size_t cap, struct err *err)
{
	struct flat_rec rec;

	if (!flat_find(j->sandbox, key, &rec))
		snprintf(out, cap, "%s", dflt);
	else if (!flat_str(j->sandbox, key, out, cap))
		return err_set(err, EXIT_CONFIG,
		    "%s: %s:%u:%u: %s: a path of less than %zu bytes is needed",
		    j->req->instance, j->sandbox_file, rec.line, rec.col, key,
		    cap);
	return 0;
}

static int
additional(const struct judge *j, struct spec *s, struct err *err)
{
	char name[256], line[320];
	struct flat_rec rec;
	size_t off = 0;
	int n;

	while (flat_next(j->sandbox, &off, &rec)) {
		if (!flat_child(&rec, "additional-hosts", name, sizeof name))
			continue;
		n = snprintf(line, sizeof line, "%.*s %s", (int)rec.str_len,
		    rec.type == FLAT_STR ? rec.str : "", name);
		if (rec.type != FLAT_STR || name[0] == '\0' ||
		    n >= (int)sizeof line || s->hosts.len + (size_t)n >= SPEC_HOSTS_BYTES_MAX ||
		    strs_add(&s->hosts, line, (size_t)n, err) < 0)
			return err_set(err, EXIT_CONFIG,
			    "%s: %s:%u:%u: additional-hosts: NAME: ADDRESS is needed, %d KiB of them at most",
			    j->req->instance, j->sandbox_file, rec.line, rec.col,
			    SPEC_HOSTS_BYTES_MAX >> 10);
	}
	return 0;
}

int
judge_hosts(const struct judge *j, struct spec *s, struct err *err)
{
	bool copy = is_on(j, "hosts-file/copy-from-host", true);
	struct flat_rec rec;
	int rc;

	s->hosts_flags = mount_of(j, "hosts-file/mount") | SPEC_FILE_MADE;
	if (copy)
		s->hosts_flags |= SPEC_FILE_COPY;
	if (is_on(j, "hosts-file/localhost", !copy))
		s->hosts_flags |= SPEC_LOCALHOST;
	if (is_on(j, "hosts-file/public-hostname", !copy))
		s->hosts_flags |= SPEC_HOSTNAME;
	s->resolv_flags = mount_of(j, "resolv-conf/mount");
	if (is_on(j, "resolv-conf/copy-from-host", true))
		s->resolv_flags |= SPEC_FILE_COPY | SPEC_FILE_MADE;
	else if (s->resolv_flags == SPEC_FILE_MUST)
		return judge_fail(j,
		    flat_find(j->container, "resolv-conf/mount", &rec) ? &rec : NULL,
		    err,
		    "resolv-conf: mount: on, and copy-from-host: off: there is nothing to mount");
	else
		s->resolv_flags = 0;
	if ((rc = source(j, "hosts-file", "/etc/hosts", s->hosts_file,
		 sizeof s->hosts_file, err)) < 0 ||
	    (rc = source(j, "resolv-conf", "/etc/resolv.conf", s->resolv_file,
		 sizeof s->resolv_file, err)) < 0)
		return rc;
	return additional(j, s, err);
}
