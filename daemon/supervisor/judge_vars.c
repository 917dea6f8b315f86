/*
 * judge_vars.c - the variables of a START: declared by the container file,
 * given by the request, put where the file says @{name}.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "judge_in.h"

enum { VARIABLES_MAX = 256 };

const char *
vars_given(const struct judge *j, const char *name, size_t len)
{
	const char *p = j->vars, *end = j->vars + j->vars_bytes;

	for (; p < end; p += strlen(p) + 1)
		if (strncmp(p, name, len) == 0 && p[len] == '=')
			return p + len + 1;
	return NULL;
}

static bool
name_chars(const char *s, bool dotted)
{
	if (s[0] == '\0' || s[0] == '-' || s[0] == '.')
		return false;
	for (; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) && *s != '_' && *s != '-' &&
		    !(dotted && *s == '.'))
			return false;
	return true;
}

static bool
port_ok(const struct judge *j, const char *value)
{
	char *end;
	unsigned long port = strtoul(value, &end, 10);

	return value[0] >= '0' && value[0] <= '9' && *end == '\0' &&
	    port >= 1 && port <= 65535 && judge_port_ok(j, port);
}

static bool
choice_ok(const struct judge *j, const struct flat_rec *list, const char *value)
{
	struct flat_rec rec;
	char prefix[FLAT_PATH_BYTES_MAX + 1], key[16];
	size_t off = 0;

	snprintf(prefix, sizeof prefix, "%.*s", (int)list->path_len, list->path);
	while (flat_next(j->container, &off, &rec))
		if (flat_child(&rec, prefix, key, sizeof key) &&
		    rec.type == FLAT_STR && rec.str_len == strlen(value) &&
		    memcmp(rec.str, value, rec.str_len) == 0)
			return true;
	return false;
}

/* One declared variable: is it given, and what its type says? */
static int
check_declared(const struct judge *j, const struct flat_rec *rec,
    const char *name, struct err *err)
{
	char tag[32], shown[64];
	const char *value = vars_given(j, name, strlen(name));
	bool ok;

	if (value == NULL)
		return judge_fail(j, rec, err, "variable '%s' has no value",
		    name);
	judge_tag(j, rec, tag, sizeof tag);
	if (strcmp(tag, "TcpPort") == 0)
		ok = port_ok(j, value);
	else if (strcmp(tag, "Name") == 0)
		ok = name_chars(value, false);
	else if (strcmp(tag, "DottedName") == 0)
		ok = name_chars(value, true);
	else if (strcmp(tag, "Choice") == 0)
		ok = choice_ok(j, rec, value);
	else
		return judge_fail(j, rec, err,
		    "variable '%s': type !%s is not supported yet", name, tag);
	if (ok)
		return 0;
	err_escape(shown, sizeof shown, value, strlen(value));
	return judge_fail(j, rec, err,
	    "variable '%s': '%s' is not allowed (!%s)", name, shown, tag);
}

static int
check_given(const struct judge *j, struct err *err)
{
	const char *p = j->vars, *end = j->vars + j->vars_bytes;
	char path[300], shown[128];
	struct flat_rec rec;
	int count = 0;

	if (j->vars_bytes > 0 && end[-1] != '\0')
		return judge_fail(j, NULL, err, "variables: not terminated");
	for (; p < end; p += strlen(p) + 1) {
		size_t n = strcspn(p, "=");

		/* Each is looked for in the whole file. */
		if (++count > VARIABLES_MAX)
			return judge_fail(j, NULL, err,
			    "more than %d variables are given", VARIABLES_MAX);

		err_escape(shown, sizeof shown, p, n);
		if (p[n] != '=' || n == 0 || n > 200)
			return judge_fail(j, NULL, err,
			    "variable '%s': NAME=VALUE is needed", shown);
		snprintf(path, sizeof path, "variables/%.*s", (int)n, p);
		/* No name that would have to be escaped in a path. */
		if (strcspn(p, "/\\!") < n ||
		    !flat_find(j->container, path, &rec))
			return judge_fail(j, NULL, err,
			    "variable '%s' is given but not declared", shown);
	}
	return 0;
}

int
vars_check(const struct judge *j, struct err *err)
{
	struct flat_rec rec;
	char name[256];
	size_t off = 0;
	int rc = check_given(j, err);

	while (rc == 0 && flat_next(j->container, &off, &rec)) {
		if (!flat_child(&rec, "variables", name, sizeof name))
			continue;
		rc = check_declared(j, &rec, name, err);
	}
	return rc;
}

/* buf: for a value that is nowhere else. */
static const char *
lookup(const struct judge *j, const char *name, size_t len, char *buf,
    size_t cap)
{
	if (len == 11 && memcmp(name, "lithos:name", len) == 0) {
		judge_lithos_name(j, buf, cap);
		return buf;
	}
	/* As seen inside: the init's first child. */
	if (len == 10 && memcmp(name, "lithos:pid", len) == 0)
		return JUDGE_APP_PID;
	if (len == 22 && memcmp(name, "lithos:config_filename", len) == 0)
		return j->req->config;
	return vars_given(j, name, len);
}

int
vars_fill(const struct judge *j, const struct flat_rec *at, const char *what,
    const char *text, size_t len, char *out, size_t cap, struct err *err)
{
	char buf[2 * NAME_CAP];
	size_t n = 0, i = 0;

	while (i < len) {
		const char *value = text + i, *close;
		size_t bytes = 1, step = 1;

		if (text[i] == '@' && i + 1 < len && text[i + 1] == '{') {
			close = memchr(text + i, '}', len - i);
			if (close == NULL)
				return judge_fail(j, at, err,
				    "%s: '@{' without '}'", what);
			step = (size_t)(close - (text + i)) + 1;
			value = lookup(j, text + i + 2, step - 3, buf,
			    sizeof buf);
			if (value == NULL)
				return judge_fail(j, at, err,
				    "%s: variable '%.*s' is not declared", what,
				    (int)(step - 3 < 64 ? step - 3 : 64),
				    text + i + 2);
			bytes = strlen(value);
		}
		if (n + bytes + 1 > cap)
			return judge_fail(j, at, err, "%s: longer than %zu bytes",
			    what, cap - 1);
		memcpy(out + n, value, bytes);
		n += bytes;
		i += step;
	}
	out[n] = '\0';
	return (int)n;
}
