/*
 * value.c - one scalar of a schema: checked, converted, written.
 *
 * Each error names the key and what was there instead; where the fix is to
 * put quotes around it, it says so and shows how.
 */
#include "walk.h"
#include "scalar.h"
#include "secret.h"

#include "../base/name.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

void
node_show(const struct tree_node *n, char *dst, size_t cap)
{
	err_escape(dst, cap < SHOWN_CAP ? cap : SHOWN_CAP, n->text, n->len);
}

bool
node_is_null(const struct tree_node *n)
{
	return n->type == TREE_SCALAR && n->plain && scalar_look(n->text) == LOOK_NULL;
}

int
walk_expected(struct walk *w, const struct tree_node *n, const char *what)
{
	static const char *const looks[] = {
	    [LOOK_STR] = "string",
	    [LOOK_BOOL] = "boolean",
	    [LOOK_INT] = "integer",
	    [LOOK_ODD_INT] = "integer",
	    [LOOK_FLOAT] = "number",
	};
	char shown[SHOWN_CAP];

	if (n->type != TREE_SCALAR)
		return walk_fail(
		    w, n, "expected %s, got %s", what, n->type == TREE_MAP ? "map" : "list");
	node_show(n, shown, sizeof shown);
	enum scalar_look look = n->plain ? scalar_look(n->text) : LOOK_STR;

	if (look == LOOK_NULL)
		return walk_fail(w, n, "expected %s, got nothing", what);
	if (look == LOOK_STR)
		return walk_fail(w, n, "expected %s, got string '%s'", what, shown);
	return walk_fail(w, n, "expected %s, got %s %s", what, looks[look], shown);
}

void
words_join(char *dst, size_t cap, const char *const *words)
{
	size_t len = 0;

	dst[0] = '\0';
	for (size_t i = 0; words[i] != NULL && len < cap; i++) {
		int n = snprintf(dst + len, cap - len, "%s%s", i > 0 ? ", " : "", words[i]);

		len += n > 0 ? (size_t)n : 0;
	}
}

bool
words_have(const char *const *words, const char *s)
{
	for (size_t i = 0; words != NULL && words[i] != NULL; i++)
		if (strcmp(words[i], s) == 0)
			return true;
	return false;
}

static int
put_text(struct walk *w, const struct tree_node *n)
{
	return walk_put(w, n, FLAT_STR, n->text, n->len);
}

/* Text that every YAML reader takes for text; in lithos' files whatever stands
 * where text belongs, as lithos reads it (`image: 2024.10`). */
static int
need_string(struct walk *w, const struct tree_node *n)
{
	char shown[SHOWN_CAP];

	if (node_is_null(n))
		return walk_expected(w, n, "string");
	if (!n->plain || w->lithos || scalar_look(n->text) == LOOK_STR)
		return 0;
	node_show(n, shown, sizeof shown);
	return walk_fail(w, n, "expected string, quote it: \"%s\"", shown);
}

static bool
has_control(const struct tree_node *n)
{
	for (size_t i = 0; i < n->len; i++)
		if ((unsigned char)n->text[i] < 0x20 || n->text[i] == 0x7f)
			return true;
	return false;
}

/* Strings that are one line: names, paths, addresses. */
static int
need_line(struct walk *w, const struct tree_node *n)
{
	char shown[SHOWN_CAP];
	int rc = need_string(w, n);

	if (rc != 0 || !has_control(n))
		return rc;
	node_show(n, shown, sizeof shown);
	return walk_fail(w, n, "control characters are not allowed (got '%s')", shown);
}

static int
value_str(struct walk *w, const struct field *f, const struct tree_node *n)
{
	int rc = need_line(w, n);

	if (rc != 0)
		return rc;
	if ((int64_t)n->len < f->min)
		return walk_fail(w, n, "must not be empty");
	if ((int64_t)n->len > f->max)
		return walk_fail(w, n, "longer than %lld bytes", (long long)f->max);
	return put_text(w, n);
}

static int
value_text(struct walk *w, const struct field *f, const struct tree_node *n)
{
	if (node_is_null(n))
		return walk_fail(w, n, "expected string, got nothing; write \"\" for an empty one");
	if ((int64_t)n->len > f->max)
		return walk_fail(w, n, "longer than %lld bytes", (long long)f->max);
	return put_text(w, n);
}

static int
value_name(struct walk *w, const struct tree_node *n)
{
	char shown[SHOWN_CAP];
	int rc = need_string(w, n);

	if (rc != 0)
		return rc;
	node_show(n, shown, sizeof shown);
	if (!name_ok(n->text, n->len))
		return walk_fail(w, n, "'%s' must match [a-z0-9][a-z0-9_.-]{0,62}", shown);
	return put_text(w, n);
}

static int
value_image(struct walk *w, const struct field *f, const struct tree_node *n)
{
	char shown[SHOWN_CAP];
	int rc = need_string(w, n);

	if (rc != 0)
		return rc;
	node_show(n, shown, sizeof shown);
	if (n->len > 255 || !name_image_ok(n->text, n->len, (int)f->max))
		return walk_fail(w, n,
		    "'%s' must be 1-%lld names joined by '/', each [A-Za-z0-9][A-Za-z0-9_.-]{0,62}",
		    shown, (long long)f->max);
	return put_text(w, n);
}

/* Has the path a component ".."? */
static bool
path_climbs(const char *s)
{
	while (*s != '\0') {
		size_t n = strcspn(s, "/");

		if (n == 2 && s[0] == '.' && s[1] == '.')
			return true;
		s += n + (s[n] == '/');
	}
	return false;
}

/* A path relative to where lithos was started; a daemon is in "/". */
static int
put_rooted(struct walk *w, const struct tree_node *n)
{
	const char *rest = n->text;
	char *path;
	int rc;

	while (rest[0] == '.' && rest[1] == '/')
		rest += 1 + strspn(rest + 1, "/");
	path = malloc(strlen(rest) + 2);
	if (path == NULL)
		return walk_fail(w, n, "out of memory");
	path[0] = '/';
	memcpy(path + 1, rest, strlen(rest) + 1);
	walk_note(w, n, "a relative path is taken from / on");
	rc = walk_put(w, n, FLAT_STR, path, strlen(path));
	free(path);
	return rc;
}

static int
value_path(struct walk *w, const struct field *f, const struct tree_node *n)
{
	char shown[SHOWN_CAP];
	int rc = need_line(w, n);

	if (rc != 0)
		return rc;
	node_show(n, shown, sizeof shown);
	if (n->len == 0)
		return walk_fail(w, n, "must not be empty");
	if (f->type == T_PATH && n->text[0] != '/')
		return walk_fail(w, n, "must be an absolute path (got '%s')", shown);
	if (path_climbs(n->text))
		return walk_fail(w, n, "'..' is not allowed in a path (got '%s')", shown);
	if ((int64_t)n->len > f->max)
		return walk_fail(w, n, "path longer than %lld bytes", (long long)f->max);
	if ((f->flags & F_ROOTED) && n->text[0] != '/')
		return put_rooted(w, n);
	return put_text(w, n);
}

static int
out_of_range(struct walk *w, const struct field *f, const struct tree_node *n)
{
	char lo[32], hi[32], shown[SHOWN_CAP];

	node_show(n, shown, sizeof shown);
	if (f->type == T_SIZE) {
		scalar_show_size(lo, sizeof lo, f->min);
		scalar_show_size(hi, sizeof hi, f->max);
	} else if (f->type == T_DURATION) {
		scalar_show_duration(lo, sizeof lo, f->min);
		scalar_show_duration(hi, sizeof hi, f->max);
	} else if (f->type == T_CPU) {
		snprintf(lo, sizeof lo, "%g", (double)f->min / 1000);
		snprintf(hi, sizeof hi, "%g", (double)f->max / 1000);
	} else {
		snprintf(lo, sizeof lo, "%lld", (long long)f->min);
		snprintf(hi, sizeof hi, "%lld", (long long)f->max);
	}
	return walk_fail(w, n, "out of range %s-%s (got %s)", lo, hi, shown);
}

/* Convert, name what is wrong, check the range, write. */
static int
put_number(struct walk *w, const struct field *f, const struct tree_node *n, int rc, int64_t v,
    const char *what)
{
	if (rc == -ERR_MALFORMED)
		return walk_expected(w, n, what);
	if (rc != 0 || v < f->min || v > f->max)
		return out_of_range(w, f, n);
	if (f->from != 0 && v < f->from)
		walk_note(w, n, f->treated);
	return walk_put_int(w, n, v);
}

static int
value_int(struct walk *w, const struct field *f, const struct tree_node *n)
{
	int64_t v = 0;
	int rc = !n->plain   ? -ERR_MALFORMED
		 : w->lithos ? scalar_lithos_int(n->text, &v)
			     : scalar_int(n->text, &v);
	char shown[SHOWN_CAP];

	node_show(n, shown, sizeof shown);
	if (rc == -ERR_MALFORMED && n->plain && scalar_look(n->text) == LOOK_ODD_INT)
		return walk_fail(w, n, "write the integer in plain decimal (got %s)", shown);
	return put_number(w, f, n, rc, v, "integer");
}

static int
needs_unit(struct walk *w, const struct tree_node *n, const char *units)
{
	char shown[SHOWN_CAP];

	node_show(n, shown, sizeof shown);
	return walk_fail(w, n, "needs a unit (%s) (got %s)", units, shown);
}

static int
value_measure(struct walk *w, const struct field *f, const struct tree_node *n)
{
	bool unit = false;
	int64_t v = 0;
	int rc = f->type == T_DURATION ? scalar_duration(n->text, &v, &unit)
		 : w->lithos	       ? scalar_lithos_int(n->text, &v)
				       : scalar_size(n->text, &v, &unit);

	if (rc != -ERR_MALFORMED && !unit && (f->flags & F_UNIT))
		return needs_unit(w, n, f->type == T_SIZE ? "k, ki, M, Mi, G, Gi" : "ms, s, m, h");
	return put_number(
	    w, f, n, rc, v, f->type == T_SIZE ? "size like 64Mi" : "duration like 500ms or 3s");
}

static int
value_mode(struct walk *w, const struct field *f, const struct tree_node *n)
{
	int64_t v = 0;
	char shown[SHOWN_CAP];
	int rc = scalar_mode(n->text, &v);

	node_show(n, shown, sizeof shown);
	if (rc == -ERR_MALFORMED)
		return walk_fail(w, n, "expected file mode like \"0644\" (got %s)", shown);
	if (rc != 0 || v > f->max)
		return walk_fail(
		    w, n, "out of range 0-0%llo (got %s)", (unsigned long long)f->max, shown);
	return walk_put_int(w, n, v);
}

static int
value_bool(struct walk *w, const struct tree_node *n)
{
	bool v;
	uint8_t b;

	if (!n->plain || scalar_bool(n->text, &v) != 0)
		return walk_expected(w, n, "on or off");
	b = v;
	return walk_put(w, n, FLAT_BOOL, &b, 1);
}

/* "@{name}": the whole value is one variable. */
static bool
is_variable(const struct tree_node *n)
{
	return n->len > 3 && n->text[0] == '@' && n->text[1] == '{' && n->text[n->len - 1] == '}' &&
	       strcspn(n->text + 2, "{} /=") == n->len - 3 && !has_control(n);
}

static int
value_port(struct walk *w, const struct tree_node *n)
{
	int64_t v = 0;
	int rc;
	char shown[SHOWN_CAP];

	if (is_variable(n))
		return put_text(w, n);
	rc = scalar_int(n->text, &v);
	node_show(n, shown, sizeof shown);
	if (rc != 0 || v < 1 || v > 65535)
		return walk_fail(w, n, "'%s' is not a port (1-65535, or \"@{variable}\")", shown);
	return put_text(w, n);
}

static int
value_hostport(struct walk *w, const struct tree_node *n)
{
	char shown[SHOWN_CAP];
	int rc = need_string(w, n);

	if (rc != 0)
		return rc;
	node_show(n, shown, sizeof shown);
	if (!scalar_hostport_ok(n->text))
		return walk_fail(w, n,
		    "'%s' is not HOST:PORT (an IPv4 address, [IPv6] or a name; port 1-65535)",
		    shown);
	return put_text(w, n);
}

static int
value_range(struct walk *w, const struct tree_node *n)
{
	char shown[SHOWN_CAP];

	node_show(n, shown, sizeof shown);
	if (!scalar_range_ok(n->text))
		return walk_fail(
		    w, n, "expected N or A-B with A <= B <= 4294967294 (got '%s')", shown);
	return put_text(w, n);
}

static int
value_address(struct walk *w, const struct field *f, const struct tree_node *n)
{
	const char *noun = f->type == T_IP ? "an address (IPv4 or IPv6)" :
	    f->type == T_IPV4		   ? "an IPv4 address" :
					     "an IPv4 network like 10.0.0.0/24";
	unsigned char bytes[16];
	char shown[SHOWN_CAP];
	bool ok = f->type == T_NETWORK ? scalar_network_ok(n->text) :
	    inet_pton(AF_INET, n->text, bytes) == 1 ||
		(f->type == T_IP && inet_pton(AF_INET6, n->text, bytes) == 1);

	node_show(n, shown, sizeof shown);
	if (strlen(n->text) != n->len || !ok)
		return walk_fail(w, n, "'%s' is not %s", shown, noun);
	return put_text(w, n);
}

/* Like useradd: [a-z_][a-z0-9_-]{0,31}. */
static bool
account_ok(const char *s, size_t len)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyz_";
	static const char rest[] = "abcdefghijklmnopqrstuvwxyz_0123456789-";

	return len > 0 && len <= 32 && strchr(first, s[0]) != NULL && strspn(s, rest) == len;
}

static int
value_account(struct walk *w, const struct tree_node *n)
{
	char shown[SHOWN_CAP];
	int64_t v = 0;

	if (scalar_int(n->text, &v) == 0 && v >= 0 && v < (int64_t)UINT32_MAX)
		return put_text(w, n);
	int rc = need_string(w, n);

	if (rc != 0)
		return rc;
	node_show(n, shown, sizeof shown);
	if (!account_ok(n->text, n->len))
		return walk_fail(w, n, "'%s' is not a user's name or number", shown);
	return put_text(w, n);
}

/* Somebody may have put the secret itself here: what it is, is never said. */
static int
value_sealed(struct walk *w, const struct field *f, const struct tree_node *n)
{
	if ((int64_t)n->len > f->max)
		return walk_fail(w, n, "longer than %lld bytes", (long long)f->max);
	if (!secret_sealed_ok(n->text, n->len))
		return walk_fail(w, n, "not a sealed secret, or a part of one: " SECRET_FORM
		    " is needed, as `mesh seal` prints it");
	return put_text(w, n);
}

/* As others write it: in another case, a capability with its CAP_. */
static const char *
other_spelling(const char *text, const char *const *words)
{
	const char *bare = strncasecmp(text, "CAP_", 4) == 0 ? text + 4 : text;

	for (size_t i = 0; words[i] != NULL; i++)
		if (strcasecmp(words[i], bare) == 0)
			return words[i];
	return NULL;
}

static int
value_enum(struct walk *w, const struct field *f, const struct tree_node *n)
{
	char shown[SHOWN_CAP], list[200];
	const char *near;
	size_t count = 0;

	if (words_have(f->words, n->text))
		return put_text(w, n);
	words_join(list, sizeof list, f->words);
	/* Where a map of one key may stand as well. */
	for (const struct field *k = f->sub; k != NULL && k->key != NULL; k++)
		snprintf(list + strlen(list), sizeof list - strlen(list), ", {%s: N}", k->key);
	if (node_is_null(n))
		return walk_fail(w, n, "expected string, got nothing; allowed: %s", list);
	while (f->words[count] != NULL)
		count++;
	near = other_spelling(n->text, f->words);
	if (near == NULL)
		near = name_suggest(n->text, f->words, count);
	node_show(n, shown, sizeof shown);
	if (near != NULL)
		return walk_fail(w, n, "unknown value '%s'; did you mean '%s'?", shown, near);
	return walk_fail(w, n, "unknown value '%s'; allowed: %s", shown, list);
}

static int
value_cpu(struct walk *w, const struct field *f, const struct tree_node *n)
{
	int64_t v = 0;
	int rc = scalar_cpu(n->text, &v);

	return put_number(w, f, n, rc, v, "number of CPUs like 0.5 or 50%");
}

/* What stands in an error for a map or list where one value belongs. */
static const char *
type_noun(enum field_type type)
{
	switch (type) {
	case T_INT:
	case T_PORT:
	case T_RANGE:
		return "integer";
	case T_CPU:
		return "number";
	case T_SIZE:
		return "size like 64Mi";
	case T_DURATION:
		return "duration like 500ms or 3s";
	case T_BOOL:
		return "on or off";
	default:
		return "string";
	}
}

int
value_scalar(struct walk *w, const struct field *f, const struct tree_node *n)
{
	if (n->type != TREE_SCALAR)
		return walk_expected(w, n, type_noun(f->type));
	switch (f->type) {
	case T_STR:
		return value_str(w, f, n);
	case T_TEXT:
		return value_text(w, f, n);
	case T_NAME:
		return value_name(w, n);
	case T_IMAGE:
		return value_image(w, f, n);
	case T_PATH:
	case T_RELPATH:
		return value_path(w, f, n);
	case T_INT:
		return value_int(w, f, n);
	case T_SIZE:
	case T_DURATION:
		return value_measure(w, f, n);
	case T_CPU:
		return value_cpu(w, f, n);
	case T_MODE:
		return value_mode(w, f, n);
	case T_BOOL:
		return value_bool(w, n);
	case T_PORT:
		return value_port(w, n);
	case T_HOSTPORT:
		return value_hostport(w, n);
	case T_RANGE:
		return value_range(w, n);
	case T_IP:
	case T_IPV4:
	case T_NETWORK:
		return value_address(w, f, n);
	case T_SEALED:
		return value_sealed(w, f, n);
	case T_ACCOUNT:
		return value_account(w, n);
	case T_ENUM:
		return value_enum(w, f, n);
	default:
		return walk_fail(w, n, "a scalar where the schema has none");
	}
}

int
value_any(struct walk *w, const struct tree_node *n)
{
	enum scalar_look look = n->plain ? scalar_look(n->text) : LOOK_STR;
	char shown[SHOWN_CAP];
	int64_t v = 0;
	double real = 0;
	uint8_t b;

	node_show(n, shown, sizeof shown);
	switch (look) {
	case LOOK_NULL:
		return walk_put(w, n, FLAT_NULL, NULL, 0);
	case LOOK_BOOL:
		b = n->text[0] == 't' || n->text[0] == 'T';
		if (!b && n->text[0] != 'f' && n->text[0] != 'F')
			return walk_fail(w, n, "write true or false, or quote it: \"%s\"", shown);
		return walk_put(w, n, FLAT_BOOL, &b, 1);
	case LOOK_INT:
		if (scalar_int(n->text + (n->text[0] == '+'), &v) == 0)
			return walk_put_int(w, n, v);
		return walk_fail(w, n, "integer too large, quote it: \"%s\"", shown);
	case LOOK_FLOAT:
		if (scalar_real(n->text, &real) == 0)
			return walk_put(w, n, FLAT_FLOAT, &real, sizeof real);
		return walk_fail(w, n, "not a finite number, quote it: \"%s\"", shown);
	case LOOK_ODD_INT:
		return walk_fail(
		    w, n, "write the integer in plain decimal, or quote it: \"%s\"", shown);
	case LOOK_STR:
		break;
	}
	return put_text(w, n);
}
