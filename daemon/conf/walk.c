/*
 * walk.c - walk a tree along a schema, writing flat records as it goes.
 *
 * One walker for all kinds: what differs between them is only tables.  Each
 * recursion is bounded by the tree's depth (64).
 */
#include "walk.h"
#include "scalar.h"

#include "../base/name.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIELDS_MAX = 64 };

static int walk_field(struct walk *w, const struct field *f, const struct tree_node *n);

int
walk_fail(struct walk *w, const struct tree_node *n, const char *fmt, ...)
{
	char text[ERR_TEXT_CAP];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (w->where_len == 0)
		return place_fail(&w->place, n->line, n->col, "%s", text);
	return place_fail(&w->place, n->line, n->col, "%s: %s", w->where, text);
}

void
walk_note(struct walk *w, const struct tree_node *n, const char *how)
{
	struct conf_notes *notes = w->notes;
	char text[ERR_TEXT_CAP], line[ERR_TEXT_CAP];
	size_t len;

	if (notes == NULL)
		return;
	snprintf(text, sizeof text, "%s: accepted; %.200s", w->where, how);
	len = place_line(line, sizeof line - 1, &w->place, n->line, n->col, text);
	line[len++] = '\n';
	if (notes->len + len >= sizeof notes->text)
		return;
	memcpy(notes->text + notes->len, line, len);
	notes->len += len;
	notes->text[notes->len] = '\0';
}

int
walk_put(
    struct walk *w, const struct tree_node *n, enum flat_type type, const void *value, size_t len)
{
	flat_put(w->out, w->path, type, n->line, n->col, value, len);
	if (w->out->full)
		return place_fail(&w->place, n->line, n->col,
		    "the whole is too large: more than %d bytes of records", FLAT_BYTES_MAX);
	return 0;
}

int
walk_put_int(struct walk *w, const struct tree_node *n, int64_t v)
{
	uint8_t b[8];

	for (int i = 0; i < 8; i++)
		b[i] = (uint8_t)((uint64_t)v >> (8 * i));
	return walk_put(w, n, FLAT_INT, b, sizeof b);
}

static int
put_count(struct walk *w, const struct tree_node *n, enum flat_type type, uint32_t count)
{
	uint8_t b[4];

	for (int i = 0; i < 4; i++)
		b[i] = (uint8_t)(count >> (8 * i));
	return walk_put(w, n, type, b, sizeof b);
}

/* Go down to a child; walk_leave with the lengths of before comes back. */
static int
walk_enter(struct walk *w, const struct tree_node *n, const char *key, int index)
{
	char shown[SHOWN_CAP];
	size_t len = w->path_len;
	int add;

	if (len > 0)
		w->path[len++] = '/';
	for (const char *s = key; *s != '\0'; s++) {
		bool escape = *s == '/' || *s == '\\' || *s == '!';

		if (len + 2 + escape > FLAT_PATH_BYTES_MAX)
			return walk_fail(
			    w, n, "path of keys longer than %d bytes", FLAT_PATH_BYTES_MAX);
		if (escape)
			w->path[len++] = '\\';
		w->path[len++] = *s;
	}
	w->path[len] = '\0';
	w->path_len = len;
	err_escape(shown, sizeof shown, key, strlen(key));
	if (index >= 0)
		add = snprintf(w->where + w->where_len, WHERE_CAP - w->where_len, "[%d]", index);
	else
		add = snprintf(w->where + w->where_len, WHERE_CAP - w->where_len, "%s%s",
		    w->where_len > 0 ? "." : "", shown);
	w->where_len += add > 0 ? (size_t)add : 0;
	if (w->where_len >= WHERE_CAP)
		w->where_len = WHERE_CAP - 1;
	return 0;
}

static void
walk_leave(struct walk *w, size_t path_len, size_t where_len)
{
	w->path_len = path_len;
	w->path[path_len] = '\0';
	w->where_len = where_len;
	w->where[where_len] = '\0';
}

/* Is this to be told whatever its value?  (A number says so itself: value.c.) */
static bool
is_treated(const struct field *f, const struct tree_node *n)
{
	bool on = true;

	if (f->treated == NULL || f->from != 0)
		return false;
	return f->type != T_BOOL || scalar_bool(n->text, &on) != 0 || on;
}

/* One child: its tag as a record before it, then itself. */
static int
walk_child(
    struct walk *w, const struct field *f, const struct tree_node *n, const char *key, int index)
{
	size_t path_len = w->path_len, where_len = w->where_len;
	int rc = walk_enter(w, n, key, index);

	if (rc == 0)
		rc = walk_field(w, f, n);
	if (rc == 0 && is_treated(f, n))
		walk_note(w, n, f->treated);
	walk_leave(w, path_len, where_len);
	return rc;
}

static bool
key_eq(const char *field, const char *key, bool lithos)
{
	for (; *field != '\0' && *key != '\0'; field++, key++)
		if (*field != *key && !(lithos && *field == '-' && *key == '_'))
			return false;
	return *field == *key;
}

static const struct field *
field_find(const struct field *fields, const char *key, bool lithos)
{
	for (const struct field *f = fields; f->key != NULL; f++)
		if (key_eq(f->key, key, lithos))
			return f;
	return NULL;
}

static int
fail_unknown(struct walk *w, const struct field *fields, const struct tree_node *key)
{
	const char *known[FIELDS_MAX + 1], *near;
	char shown[SHOWN_CAP], list[300];
	size_t count = 0;

	/* Keys for later are worth suggesting, but not worth listing. */
	for (const struct field *f = fields; f->key != NULL && count < FIELDS_MAX; f++)
		known[count++] = f->key;
	node_show(key, shown, sizeof shown);
	near = name_suggest(key->text, known, count);
	if (near != NULL)
		return walk_fail(w, key, "unknown key '%s'; did you mean '%s'?", shown, near);
	count = 0;
	for (const struct field *f = fields; f->key != NULL && count < FIELDS_MAX; f++)
		if (f->type != T_LATER)
			known[count++] = f->key;
	known[count] = NULL;
	words_join(list, sizeof list, known);
	return walk_fail(w, key, "unknown key '%s'; allowed: %s", shown, list);
}

static bool
is_given(const struct field *fields, const char *key, const uint32_t *first_line)
{
	for (size_t i = 0; fields[i].key != NULL; i++)
		if (strcmp(fields[i].key, key) == 0)
			return first_line[i] != 0;
	return false;
}

/* A key that goes with another one. */
static int
check_beside(struct walk *w, const struct field *fields, const struct tree_node *n,
    const uint32_t *first_line)
{
	for (size_t i = 0; fields[i].key != NULL; i++) {
		bool needed = fields[i].beside != NULL && is_given(fields, fields[i].beside, first_line);

		if (needed && first_line[i] == 0)
			return walk_fail(w, n, "missing key '%s'", fields[i].key);
		if (fields[i].beside != NULL && !needed && first_line[i] != 0)
			return walk_fail(w, n, "'%s' goes with '%s' alone", fields[i].key, fields[i].beside);
	}
	return 0;
}

/* Required keys, and exactly one of the choices. */
static int
check_present(struct walk *w, const struct field *fields, const struct tree_node *n,
    const uint32_t *first_line)
{
	const char *choices[FIELDS_MAX + 1];
	size_t count = 0, chosen = 0, alone = 0;
	char list[200];

	for (size_t i = 0; fields[i].key != NULL; i++) {
		if ((fields[i].flags & F_REQUIRED) && first_line[i] == 0)
			return walk_fail(w, n, "missing key '%s'", fields[i].key);
		alone += (fields[i].flags & F_ALONE) && first_line[i] != 0;
		if (!(fields[i].flags & F_CHOICE))
			continue;
		choices[count++] = fields[i].key;
		chosen += first_line[i] != 0;
	}
	if (count == 0 || chosen == 1 || (chosen == 0 && alone > 0))
		return check_beside(w, fields, n, first_line);
	choices[count] = NULL;
	words_join(list, sizeof list, choices);
	return walk_fail(w, n, "needs exactly one of: %s", list);
}

static bool
is_unset(const struct field *f, const struct tree_node *n)
{
	return (f->flags & F_UNSET) && n->tag == NULL && node_is_null(n);
}

static bool
is_ignored(const struct walk *w, const struct field *fields, const struct tree_node *c)
{
	const struct field *f = field_find(fields, c->key->text, w->lithos);

	return (w->lithos && c->key->text[0] == '_') ||
	       (f != NULL && (f->type == T_IGNORED || is_unset(f, c)));
}

static int
walk_map_child(
    struct walk *w, const struct field *fields, const struct tree_node *c, uint32_t *first_line)
{
	const struct field *f = field_find(fields, c->key->text, w->lithos);
	char shown[SHOWN_CAP];

	if (w->lithos && c->key->text[0] == '_')
		return 0;
	if (f == NULL)
		return fail_unknown(w, fields, c->key);
	node_show(c->key, shown, sizeof shown);
	if (f->type == T_LATER)
		return walk_fail(w, c->key, "key '%s' is not supported yet", shown);
	/* memory_limit beside memory-limit; equal text was refused before. */
	if (first_line[f - fields] != 0)
		return walk_fail(w, c->key, "key '%s' repeated, first at line %u", shown,
		    first_line[f - fields]);
	first_line[f - fields] = c->key->line;
	return f->type == T_IGNORED || is_unset(f, c) ? 0 : walk_child(w, f, c, f->key, -1);
}

static int
walk_map(struct walk *w, const struct field *fields, const struct tree_node *n)
{
	uint32_t first_line[FIELDS_MAX] = {0};
	uint32_t count = 0;
	int rc;

	if (n->type != TREE_MAP && !node_is_null(n))
		return walk_expected(w, n, "map");
	for (const struct tree_node *c = n->first; c != NULL; c = c->next)
		count += !is_ignored(w, fields, c);
	rc = put_count(w, n, FLAT_MAP, count);
	for (const struct tree_node *c = n->first; c != NULL && rc == 0; c = c->next)
		rc = walk_map_child(w, fields, c, first_line);
	return rc != 0 ? rc : check_present(w, fields, n, first_line);
}

static bool
word_ok(const char *s, const char *first, const char *rest)
{
	return s[0] != '\0' && strchr(first, s[0]) != NULL && s[strspn(s, rest)] == '\0';
}

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static const char *
key_rule_text(enum key_rule rule)
{
	switch (rule) {
	case KEY_NAME:
		return "[a-z0-9][a-z0-9_.-]{0,62}";
	case KEY_PATH:
		return "an absolute path without '..'";
	case KEY_ENV:
		return "printable ASCII without '=' and spaces";
	case KEY_VARIABLE:
		return "[A-Za-z_][A-Za-z0-9_.-]{0,62}";
	case KEY_FILE:
		return "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}";
	case KEY_FILE_OR_STAR:
		return "a file's name or \"*\"";
	case KEY_HOST:
		return "a host's name: [A-Za-z0-9_][A-Za-z0-9_.-]{0,252}";
	case KEY_PORT:
		return "a port, 1-65535 or with @{variable}";
	case KEY_TEXT:
		break;
	}
	return "text";
}

static bool
path_key_ok(const char *s)
{
	size_t len = strlen(s);

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return false;
	return s[0] == '/' && strstr(s, "/../") == NULL &&
	       (len < 3 || strcmp(s + len - 3, "/..") != 0);
}

/* What lithos takes for a variable's name and execve can carry. */
static bool
env_key_ok(const char *s)
{
	for (const char *c = s; *c != '\0'; c++)
		if (*c < 0x21 || *c > 0x7e || *c == '=')
			return false;
	return s[0] != '\0';
}

/* With a variable in it, what it is shows when there is a value. */
static bool
port_key_ok(const struct tree_node *k)
{
	long n = strtol(k->text, NULL, 10);

	if (k->text[strspn(k->text, DIGITS)] == '\0')
		return k->len <= 5 && k->text[0] != '0' && n >= 1 && n <= 65535;
	return k->len <= 128 && strstr(k->text, "@{") != NULL && strchr(k->text, '}') != NULL;
}

static bool
key_ok(enum key_rule rule, const struct tree_node *k)
{
	switch (rule) {
	case KEY_TEXT:
		return true;
	case KEY_NAME:
		return name_ok(k->text, k->len);
	case KEY_PATH:
		return path_key_ok(k->text);
	case KEY_ENV:
		return env_key_ok(k->text);
	case KEY_VARIABLE:
		return k->len <= 63 && word_ok(k->text, LETTERS "_", LETTERS DIGITS "_.-");
	case KEY_HOST:
		return k->len <= 253 && word_ok(k->text, LETTERS DIGITS "_", LETTERS DIGITS "_.-");
	case KEY_PORT:
		return port_key_ok(k);
	case KEY_FILE_OR_STAR:
		if (strcmp(k->text, "*") == 0)
			return true;
		break;
	case KEY_FILE:
		break;
	}
	return k->len <= 128 && word_ok(k->text, LETTERS DIGITS "_", LETTERS DIGITS "_.-");
}

static int
walk_dict(struct walk *w, const struct field *f, const struct tree_node *n)
{
	char shown[SHOWN_CAP];
	int rc;

	if (n->type != TREE_MAP && !node_is_null(n))
		return walk_expected(w, n, "map");
	rc = put_count(w, n, FLAT_MAP, n->count);
	for (const struct tree_node *c = n->first; c != NULL && rc == 0; c = c->next) {
		node_show(c->key, shown, sizeof shown);
		if (!key_ok(f->keys, c->key))
			return walk_fail(
			    w, c->key, "key '%s' must be %s", shown, key_rule_text(f->keys));
		rc = walk_child(w, f->sub, c, c->key->text, -1);
	}
	return rc;
}

static int
walk_list(struct walk *w, const struct field *f, const struct tree_node *n)
{
	char key[16];
	int rc, i = 0;

	if (n->type != TREE_LIST && !node_is_null(n))
		return walk_expected(w, n, "list");
	if (n->count < f->min)
		return walk_fail(w, n, "must not be empty");
	rc = put_count(w, n, FLAT_LIST, n->count);
	for (const struct tree_node *c = n->first; c != NULL && rc == 0; c = c->next, i++) {
		snprintf(key, sizeof key, "%d", i);
		rc = walk_child(w, f->sub, c, key, i);
	}
	return rc;
}

/* Nothing to say beyond the tag. */
static int
walk_empty(struct walk *w, const struct field *f, const struct tree_node *n)
{
	uint32_t first_line[FIELDS_MAX] = {0};
	int rc = 0;

	if (n->type == TREE_LIST || (n->type == TREE_SCALAR && n->len > 0))
		return walk_expected(w, n, "nothing after the tag");
	for (const struct tree_node *c = n->first; c != NULL && rc == 0; c = c->next)
		rc = walk_map_child(w, f->sub, c, first_line);
	return rc != 0 ? rc : walk_put(w, n, FLAT_NULL, NULL, 0);
}

static int
walk_tagged(struct walk *w, const struct field *f, const struct tree_node *n)
{
	const char *tags[FIELDS_MAX + 1];
	const struct field *v = n->tag != NULL ? field_find(f->sub, n->tag, false) : NULL;
	char list[200], shown[SHOWN_CAP];
	const char *near;
	size_t count = 0, len = w->path_len;
	int rc;

	if (v != NULL && v->type == T_LATER)
		return walk_fail(w, n, "!%s is not supported yet", v->key);
	if (v == NULL) {
		for (const struct field *t = f->sub; t->key != NULL; t++)
			if (t->type != T_LATER)
				tags[count++] = t->key;
		tags[count] = NULL;
		words_join(list, sizeof list, tags);
		if (n->tag == NULL)
			return walk_fail(w, n, "needs a tag before it (!NAME); allowed: %s", list);
		err_escape(shown, sizeof shown, n->tag, strlen(n->tag));
		near = name_suggest(n->tag, tags, count);
		if (near != NULL)
			return walk_fail(w, n, "unknown tag !%s; did you mean !%s?", shown, near);
		return walk_fail(w, n, "unknown tag !%s; allowed: %s", shown, list);
	}
	if (len + 1 > FLAT_PATH_BYTES_MAX)
		return walk_fail(w, n, "path of keys longer than %d bytes", FLAT_PATH_BYTES_MAX);
	w->path[len] = '!';
	w->path[len + 1] = '\0';
	rc = walk_put(w, n, FLAT_STR, v->key, strlen(v->key));
	w->path[len] = '\0';
	if (rc != 0)
		return rc;
	struct tree_node untagged = *n;

	untagged.tag = NULL;
	return walk_field(w, v, &untagged);
}

static int
walk_any(struct walk *w, const struct tree_node *n)
{
	static const struct field any = {.type = T_ANY};
	static const struct field map = {.type = T_DICT, .keys = KEY_TEXT, .sub = &any};
	static const struct field list = {.type = T_LIST, .sub = &any};

	return n->type == TREE_MAP    ? walk_dict(w, &map, n)
	       : n->type == TREE_LIST ? walk_list(w, &list, n)
				      : value_any(w, n);
}

/* `!Persistent /db` is `!Persistent {path: /db}`. */
static int
walk_short(struct walk *w, const struct field *f, const struct tree_node *n)
{
	int rc = put_count(w, n, FLAT_MAP, 1);

	return rc != 0 ? rc : walk_child(w, f->sub, n, f->sub->key, -1);
}

static int
walk_field(struct walk *w, const struct field *f, const struct tree_node *n)
{
	int rc;

	if (f->type == T_TAGGED)
		return walk_tagged(w, f, n);
	if (n->tag != NULL && w->lithos && f->type == T_ENUM && node_is_null(n)) {
		/* `kind: !Daemon`, lithos' other way to write it. */
		struct tree_node word = *n;

		word.text = n->tag;
		word.len = strlen(n->tag);
		word.tag = NULL;
		return value_scalar(w, f, &word);
	}
	if (n->tag != NULL)
		return walk_fail(w, n, "anchors and tags are not supported");
	if ((f->flags & F_NULL) && node_is_null(n))
		return walk_put(w, n, FLAT_NULL, NULL, 0);
	/* A word beside the type: `lease: auto`. */
	if (f->type != T_ENUM && n->type == TREE_SCALAR && words_have(f->words, n->text))
		return walk_put(w, n, FLAT_STR, n->text, n->len);
	switch (f->type) {
	case T_MAP:
		if ((f->flags & F_SHORT) && n->type == TREE_SCALAR && !node_is_null(n))
			return walk_short(w, f, n);
		return walk_map(w, f->sub, n);
	case T_DICT:
		return walk_dict(w, f, n);
	case T_LIST:
		if ((f->flags & F_SHORT) &&
		    n->type == (f->sub->type == T_MAP ? TREE_MAP : TREE_SCALAR)) {
			rc = put_count(w, n, FLAT_LIST, 1);
			return rc != 0 ? rc : walk_child(w, f->sub, n, "0", 0);
		}
		return walk_list(w, f, n);
	case T_EMPTY:
		return walk_empty(w, f, n);
	case T_ANY:
		return walk_any(w, n);
	case T_ENUM:
		if (f->sub != NULL && n->type == TREE_MAP)
			return walk_map(w, f->sub, n);
		break;
	default:
		break;
	}
	return value_scalar(w, f, n);
}

int
conf_run(const char *kind, const char *display, const char *text, size_t len, struct flat_out *out,
    size_t *bytes, struct conf_notes *notes, struct err *err)
{
	const struct schema *s = schema_find(kind);
	struct walk w = {.place = {display, err}, .out = out, .notes = notes};
	struct tree t;
	int rc;

	*bytes = 0;
	if (s == NULL)
		return place_fail(&w.place, 1, 1, "no schema for this kind of file");
	rc = text_check(&w.place, text, len);
	if (rc != 0)
		return rc;
	rc = tree_parse(&t, &w.place, text, len, s->lithos);
	w.lithos = s->lithos;
	if (rc == 0)
		rc = walk_field(&w, &s->root, t.root);
	tree_free(&t);
	if (rc == 0)
		*bytes = flat_end(out);
	return rc;
}
