/*
 * judge_secrets.c - which secrets a container has, where they are from, and by
 * which key and of which namespaces they may be opened.  They stay sealed here
 * and in the record; meshd-conf opens them at each launch (child_secrets.c).
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "judge_in.h"

/* One place that has some: a map of the container file, or a file of its own. */
struct source {
	const struct flat *doc;
	const char *prefix;
	char file[SUP_IMAGE_CAP + SUP_PATH_CAP];
};

static int
fail_at(const struct judge *j, const struct source *from,
    const struct flat_rec *at, struct err *err, const char *fmt, ...)
{
	char text[ERR_TEXT_CAP];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return err_set(err, EXIT_CONFIG, "%s: %s:%u:%u: %s", j->req->instance,
	    from->file, at->line, at->col, text);
}

static bool
has_key(const struct flat *doc, const char *prefix, const char *name)
{
	struct flat_rec rec;
	char key[256];
	size_t off = 0;

	while (doc != NULL && flat_next(doc, &off, &rec))
		if (flat_child(&rec, prefix, key, sizeof key) &&
		    strcmp(key, name) == 0)
			return true;
	return false;
}

bool
judge_is_secret(const struct judge *j, const char *name)
{
	return has_key(j->container, "secret-environ", name) ||
	    has_key(j->secrets, "", name);
}

/* "secret LINE COL NAME SEALED..."; negative: it does not fit. */
static int
add_secret(struct spec *s, const struct source *from, const struct flat_rec *list,
    const char *name, char *item, struct err *err)
{
	char path[FLAT_PATH_BYTES_MAX + 16];
	struct flat_rec rec;
	size_t len = (size_t)snprintf(item, SPEC_STRS_BYTES_MAX, "secret %u %u %s",
	    list->line, list->col, name);

	for (int64_t i = 0; i < list->num; i++) {
		snprintf(path, sizeof path, "%.*s/%d", (int)list->path_len,
		    list->path, (int)i);
		if (!flat_find(from->doc, path, &rec) || rec.type != FLAT_STR ||
		    len + rec.str_len + 2 > SPEC_STRS_BYTES_MAX)
			return -1;
		item[len++] = ' ';
		memcpy(item + len, rec.str, rec.str_len);
		len += rec.str_len;
	}
	return strs_add(&s->sealed, item, len, err);
}

static int
add_source(const struct judge *j, struct spec *s, const struct source *from,
    char *item, struct err *err)
{
	struct flat_rec rec;
	char name[256];
	size_t off = 0;

	snprintf(item, SPEC_STRS_BYTES_MAX, "file %s", from->file);
	if (strs_add(&s->sealed, item, strlen(item), err) < 0)
		return -EXIT_CONFIG;
	while (flat_next(from->doc, &off, &rec)) {
		if (!flat_child(&rec, from->prefix, name, sizeof name) ||
		    rec.type != FLAT_LIST)
			continue;
		if (name[0] == '\0')
			return fail_at(j, from, &rec, err,
			    "secret-environ: a variable's name of less than %zu bytes is needed",
			    sizeof name);
		if (has_key(j->container, "environ", name))
			return fail_at(j, from, &rec, err,
			    "secret-environ.%s: environ has it too; take one out",
			    name);
		if (from->doc == j->secrets &&
		    has_key(j->container, "secret-environ", name))
			return fail_at(j, from, &rec, err,
			    "%s: secret-environ of %s has it too; take one out",
			    name, j->req->config);
		if (add_secret(s, from, &rec, name, item, err) < 0)
			return fail_at(j, from, &rec, err,
			    "secret-environ.%s: secrets exceed %d KiB", name,
			    SPEC_STRS_BYTES_MAX >> 10);
	}
	return 0;
}

/* Without a word of the sandbox: the nameless one, as in lithos. */
static int
add_namespaces(const struct judge *j, struct spec *s, struct err *err)
{
	struct flat_rec rec;
	char key[16], text[300];
	size_t off = 0;
	bool any = false;
	int n;

	while (flat_next(j->sandbox, &off, &rec)) {
		if (!flat_child(&rec, "secrets-namespaces", key, sizeof key) ||
		    rec.type != FLAT_STR)
			continue;
		any = true;
		n = snprintf(text, sizeof text, "namespace %.*s",
		    (int)rec.str_len, rec.str);
		if (n >= (int)sizeof text ||
		    strs_add(&s->sealed, text, (size_t)n, err) < 0)
			return err_set(err, EXIT_CONFIG,
			    "%s: %s:%u:%u: secrets-namespaces: too many, or one is too long",
			    j->req->instance, j->sandbox_file, rec.line, rec.col);
	}
	return any ? 0 : strs_add(&s->sealed, "namespace ", 10, err);
}

static int
add_key(const struct judge *j, struct spec *s, struct err *err)
{
	struct flat_rec rec;

	if (!flat_find(j->sandbox, "secrets-private-key", &rec))
		return err_set(err, EXIT_CONFIG,
		    "%s: %s%s has secrets, and sandbox '%s' has no key for them: name it as secrets-private-key in %s",
		    j->req->instance, j->req->image, j->req->config,
		    j->req->sandbox, j->sandbox_file);
	if (flat_str(j->sandbox, "secrets-private-key", s->secrets_key,
		sizeof s->secrets_key))
		return 0;
	return err_set(err, EXIT_CONFIG,
	    "%s: %s:%u:%u: secrets-private-key: a path of less than %zu bytes is needed",
	    j->req->instance, j->sandbox_file, rec.line, rec.col,
	    sizeof s->secrets_key);
}

int
judge_secrets(const struct judge *j, struct spec *s, struct err *err)
{
	struct source inside = {.doc = j->container, .prefix = "secret-environ"};
	struct source beside = {.doc = j->secrets, .prefix = ""};
	char path[SUP_PATH_CAP] = "", *item;
	struct flat_rec rec;
	bool some = flat_find(j->container, "secret-environ", &rec) && rec.num > 0;
	int rc;

	if (!some && j->secrets == NULL)
		return 0;
	if ((rc = add_key(j, s, err)) < 0 || (rc = add_namespaces(j, s, err)) < 0)
		return rc;
	item = malloc(SPEC_STRS_BYTES_MAX);
	if (item == NULL)
		return err_set(err, EXIT_ENVIRONMENT, "out of memory");
	(void)flat_str(j->container, "secret-environ-file", path, sizeof path);
	if (j->secrets != NULL)
		snprintf(s->secrets_file, sizeof s->secrets_file, "%.*s",
		    (int)sizeof s->secrets_file - 1, path);
	snprintf(inside.file, sizeof inside.file, "%s%s", j->req->image,
	    j->req->config);
	snprintf(beside.file, sizeof beside.file, "%s%s", j->req->image, path);
	if (some)
		rc = add_source(j, s, &inside, item, err);
	if (rc == 0 && j->secrets != NULL)
		rc = add_source(j, s, &beside, item, err);
	free(item);
	return rc;
}
