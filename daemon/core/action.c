/*
 * action.c - see action.h.
 */
#include "action.h"

#include <stdio.h>
#include <stdlib.h>

#include "../base/name.h"
#include "../base/utf8.h"

enum { FORMAT = 1, READ_DEPTH = 5 };

/* --- text ------------------------------------------------------------------------ */

/* Of UTF-8, without what could move a terminal's cursor or end a line. */
static bool
text_ok(const char *s, size_t len)
{
	const uint8_t *u = (const uint8_t *)s;

	for (size_t i = 0, n; i < len; i += n) {
		if (u[i] < 0x20 || u[i] == 0x7f || (u[i] == 0xc2 && i + 1 < len && u[i + 1] < 0xa0))
			return false;
		if ((n = utf8_len(u + i, len - i)) == 0)
			return false;
	}
	return true;
}

void
action_text(char out[ACTION_TEXT_CAP], const char *s, size_t len)
{
	const uint8_t *u = (const uint8_t *)s;
	size_t at = 0;

	for (size_t i = 0, n; i < len; i += n) {
		bool ok = (n = utf8_len(u + i, len - i)) > 0 && text_ok(s + i, n);

		n = n > 0 ? n : 1;
		if (at + (ok ? n : 1) >= ACTION_TEXT_CAP)
			break;
		if (ok)
			memcpy(out + at, s + i, n);
		else
			out[at] = u[i] == '\n' || u[i] == '\t' ? ' ' : '?';
		at += ok ? n : 1;
	}
	out[at] = '\0';
}

static int
read_text(struct mp *r, char *dst, size_t cap)
{
	const char *s;
	size_t len;
	int rc = mp_str(r, &s, &len);

	if (rc < 0)
		return rc;
	if (len >= cap || !text_ok(s, len))
		return -ERR_MALFORMED;
	memcpy(dst, s, len);
	dst[len] = '\0';
	return 0;
}

static int
read_name(struct mp *r, char dst[NAME_CAP], bool empty)
{
	int rc = read_text(r, dst, NAME_CAP);

	if (rc < 0)
		return rc;
	return name_ok(dst, strlen(dst)) || (empty && dst[0] == '\0') ? 0 : -ERR_MALFORMED;
}

/* --- made from a command line --------------------------------------------------------- */

struct pair {
	char key[NAME_CAP];
	struct slice value;
};

static int
pair_cmp(const void *a, const void *b)
{
	return strcmp(((const struct pair *)a)->key, ((const struct pair *)b)->key);
}

static int
take_pair(struct pair *p, struct slice arg, struct err *err)
{
	const uint8_t *eq = arg.len > 0 ? memchr(arg.b, '=', arg.len) : NULL;
	size_t key = eq != NULL ? (size_t)(eq - arg.b) : arg.len;
	char shown[96];

	err_escape(shown, sizeof shown, (const char *)arg.b, arg.len);
	if (eq == NULL)
		return err_set(err, 64, "'%s' is not KEY=VALUE", shown);
	if (!name_ok((const char *)arg.b, key))
		return err_set(err, 64, "'%s': the key is not a name ([a-z0-9][a-z0-9_.-]{0,62})", shown);
	memcpy(p->key, arg.b, key);
	p->key[key] = '\0';
	p->value = (struct slice){eq + 1, arg.len - key - 1};
	if (p->value.len > ACTION_VALUE_BYTES_MAX)
		return err_set(err, 64, "%s: the value is %zu bytes long; at most %d", p->key,
		    p->value.len, ACTION_VALUE_BYTES_MAX);
	if (!text_ok((const char *)p->value.b, p->value.len))
		return err_set(err, 64, "%s: the value is not one line of UTF-8 text", p->key);
	return 0;
}

int
action_make(struct action *a, const char *role, const char *name, const struct slice *args,
    size_t args_count, struct err *err)
{
	struct pair pairs[ACTION_ARGS_MAX];
	struct mpw w;

	memset(a, 0, sizeof *a);
	if (role[0] != '\0' && !name_ok(role, strlen(role)))
		return err_set(err, 64, "the role is not a name ([a-z0-9][a-z0-9_.-]{0,62})");
	if (!name_ok(name, strlen(name)))
		return err_set(err, 64, "the action is not a name ([a-z0-9][a-z0-9_.-]{0,62})");
	if (args_count > ACTION_ARGS_MAX)
		return err_set(err, 64, "%zu arguments; at most %d", args_count, ACTION_ARGS_MAX);
	for (size_t i = 0; i < args_count; i++)
		if (take_pair(&pairs[i], args[i], err) < 0)
			return -1;
	if (args_count > 0)
		qsort(pairs, args_count, sizeof pairs[0], pair_cmp);
	mpw_init(&w, a->args, sizeof a->args);
	mpw_map(&w, (uint32_t)args_count);
	for (size_t i = 0; i < args_count; i++) {
		if (i > 0 && strcmp(pairs[i - 1].key, pairs[i].key) == 0)
			return err_set(err, 64, "%s is given twice", pairs[i].key);
		mpw_cstr(&w, pairs[i].key);
		mpw_str(&w, (const char *)pairs[i].value.b, pairs[i].value.len);
	}
	if (w.full)
		return err_set(err, 64, "the arguments are too long together; at most %d bytes",
		    ACTION_ARGS_BYTES_MAX);
	a->args_bytes = (uint16_t)w.len;
	memcpy(a->role, role, strlen(role) + 1);
	memcpy(a->name, name, strlen(name) + 1);
	return 0;
}

bool
action_arg(const struct action *a, const char *key, char out[ACTION_VALUE_BYTES_MAX + 1])
{
	char at[NAME_CAP];
	struct mp r;
	uint32_t n;

	mp_init(&r, a->args, a->args_bytes, 1);
	if (mp_map(&r, &n) < 0)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		if (read_text(&r, at, sizeof at) < 0 ||
		    read_text(&r, out, ACTION_VALUE_BYTES_MAX + 1) < 0)
			return false;
		if (strcmp(at, key) == 0)
			return true;
	}
	return false;
}

/* --- its name and its line ------------------------------------------------------------- */

int
action_cmp(const struct action *a, const char *a_node, const struct action *b, const char *b_node)
{
	int c;

	if (a->stamp_ms != b->stamp_ms)
		return a->stamp_ms < b->stamp_ms ? -1 : 1;
	if ((c = strcmp(a_node, b_node)) != 0)
		return c;
	return a->number < b->number ? -1 : a->number > b->number;
}

void
action_id(char out[ACTION_ID_CAP], const char *node, uint64_t number)
{
	snprintf(out, ACTION_ID_CAP, "%s.%llu", node, (unsigned long long)number);
}

bool
action_id_parse(const char *id, char node[NAME_CAP], uint64_t *number)
{
	const char *dot = strrchr(id, '.');
	size_t len = dot != NULL ? (size_t)(dot - id) : 0;
	char *end;

	if (dot == NULL || !name_ok(id, len) || dot[1] < '1' || dot[1] > '9' || strlen(dot) > 20)
		return false;
	*number = strtoull(dot + 1, &end, 10);
	memcpy(node, id, len);
	node[len] = '\0';
	return *end == '\0';
}

void
action_line(char out[ACTION_LINE_CAP], const struct action *a)
{
	char key[NAME_CAP], value[ACTION_VALUE_BYTES_MAX + 1];
	size_t at = (size_t)snprintf(out, ACTION_LINE_CAP, "%s%s%s", a->name,
	    a->role[0] != '\0' ? " " : "", a->role);
	struct mp r;
	uint32_t n;

	mp_init(&r, a->args, a->args_bytes, 1);
	if (mp_map(&r, &n) < 0)
		return;
	for (uint32_t i = 0; i < n && at < ACTION_LINE_CAP; i++) {
		if (read_text(&r, key, sizeof key) < 0 || read_text(&r, value, sizeof value) < 0)
			return;
		at += (size_t)snprintf(out + at, ACTION_LINE_CAP - at, " %s=%s", key, value);
	}
	if (at >= ACTION_LINE_CAP) /* not in the middle of a character */
		memcpy(out + ACTION_LINE_CAP - 4, "...", 4);
	for (size_t i = ACTION_LINE_CAP - 5; at >= ACTION_LINE_CAP && (out[i] & 0x80) != 0; i--)
		out[i] = '.';
}

/* --- bytes ------------------------------------------------------------------------------- */

void
action_pack(struct mpw *w, const struct action *a)
{
	mpw_array(w, 9);
	mpw_uint(w, a->number);
	mpw_uint(w, a->stamp_ms);
	mpw_uint(w, a->uid);
	mpw_uint(w, a->tries);
	mpw_bool(w, a->aside);
	mpw_cstr(w, a->role);
	mpw_cstr(w, a->name);
	mpw_raw(w, a->args, a->args_bytes);
	mpw_cstr(w, a->error);
}

static int
read_args(struct mp *r, struct action *a)
{
	char last[NAME_CAP] = "", key[NAME_CAP], value[ACTION_VALUE_BYTES_MAX + 1];
	struct mpw w;
	uint32_t n;
	int rc;

	if ((rc = mp_map(r, &n)) < 0)
		return rc;
	if (n > ACTION_ARGS_MAX)
		return -ERR_RANGE;
	mpw_init(&w, a->args, sizeof a->args);
	mpw_map(&w, n);
	for (uint32_t i = 0; i < n; i++) {
		if ((rc = read_name(r, key, false)) < 0 || (rc = read_text(r, value, sizeof value)) < 0)
			return rc;
		if (strcmp(last, key) >= 0)
			return -ERR_MALFORMED;
		memcpy(last, key, sizeof last);
		mpw_cstr(&w, key);
		mpw_cstr(&w, value);
	}
	a->args_bytes = (uint16_t)w.len;
	return w.full ? -ERR_LONG : 0;
}

int
action_read(struct mp *r, struct action *a)
{
	uint64_t uid, tries;
	uint32_t n;
	int rc;

	memset(a, 0, sizeof *a);
	if ((rc = mp_array(r, &n)) < 0)
		return rc;
	if (n != 9)
		return -ERR_MALFORMED;
	if ((rc = mp_uint_max(r, INT64_MAX, &a->number)) < 0 ||
	    (rc = mp_uint_max(r, INT64_MAX, &a->stamp_ms)) < 0 ||
	    (rc = mp_uint_max(r, UINT32_MAX, &uid)) < 0 ||
	    (rc = mp_uint_max(r, ACTION_TRIES_MAX, &tries)) < 0 || (rc = mp_bool(r, &a->aside)) < 0 ||
	    (rc = read_name(r, a->role, true)) < 0 || (rc = read_name(r, a->name, false)) < 0 ||
	    (rc = read_args(r, a)) < 0 || (rc = read_text(r, a->error, sizeof a->error)) < 0)
		return rc;
	a->uid = (uint32_t)uid;
	a->tries = (uint32_t)tries;
	return a->number > 0 ? 0 : -ERR_MALFORMED;
}

size_t
action_bundle_pack(uint8_t *buf, const struct action_bundle *b)
{
	struct mpw w;

	mpw_init(&w, buf, ACTION_BUNDLE_BYTES_MAX);
	mpw_array(&w, 4);
	mpw_uint(&w, FORMAT);
	mpw_uint(&w, b->turn);
	mpw_uint(&w, b->last);
	mpw_array(&w, b->count);
	for (uint32_t i = 0; i < b->count; i++)
		action_pack(&w, &b->actions[i]);
	assert(!w.full); /* each is at most ACTION_BYTES_MAX */
	return w.len;
}

/* [FORMAT, ...] of count fields; more may follow, from a newer one. */
static int
open_list(struct mp *r, uint32_t least, uint32_t *more)
{
	uint64_t format;
	uint32_t n;
	int rc = mp_array(r, &n);

	if (rc < 0 || (rc = mp_uint(r, &format)) < 0)
		return rc;
	if (format != FORMAT || n < least)
		return -ERR_VERSION;
	*more = n - least;
	return 0;
}

static int
close_list(struct mp *r, uint32_t more)
{
	int rc = 0;

	while (more-- > 0 && rc == 0)
		rc = mp_skip(r);
	return rc < 0 ? rc : mp_end(r);
}

int
action_bundle_read(struct action_bundle *b, const uint8_t *buf, size_t len)
{
	uint64_t before = 0;
	uint32_t more, n;
	struct mp r;
	int rc;

	b->count = 0;
	mp_init(&r, buf, len, READ_DEPTH);
	if ((rc = open_list(&r, 4, &more)) < 0 || (rc = mp_uint_max(&r, INT64_MAX, &b->turn)) < 0 ||
	    (rc = mp_uint_max(&r, INT64_MAX, &b->last)) < 0 || (rc = mp_array(&r, &n)) < 0)
		return rc;
	if (n > ACTION_QUEUE_MAX)
		return -ERR_LONG;
	for (uint32_t i = 0; i < n; i++) {
		struct action *a = &b->actions[i];

		if ((rc = action_read(&r, a)) < 0)
			return rc;
		if (a->number <= before || a->number > b->last)
			return -ERR_MALFORMED;
		before = a->number;
	}
	if ((rc = close_list(&r, more)) < 0)
		return rc;
	b->count = n;
	return 0;
}

size_t
action_words_pack(uint8_t *buf, const struct action_words *words)
{
	struct mpw w;

	mpw_init(&w, buf, ACTION_BUNDLE_BYTES_MAX);
	mpw_array(&w, 2);
	mpw_uint(&w, FORMAT);
	mpw_array(&w, words->count);
	for (uint32_t i = 0; i < words->count; i++) {
		mpw_array(&w, 4);
		mpw_uint(&w, words->words[i].number);
		mpw_uint(&w, (uint64_t)words->words[i].state);
		mpw_uint(&w, words->words[i].tries);
		mpw_cstr(&w, words->words[i].text);
	}
	assert(!w.full);
	return w.len;
}

static int
read_word(struct mp *r, struct action_word *v)
{
	uint64_t state, tries;
	uint32_t n;
	int rc = mp_array(r, &n);

	if (rc < 0)
		return rc;
	if (n != 4)
		return -ERR_MALFORMED;
	if ((rc = mp_uint_max(r, INT64_MAX, &v->number)) < 0 ||
	    (rc = mp_uint_max(r, ACTION_STATES - 1, &state)) < 0 ||
	    (rc = mp_uint_max(r, ACTION_TRIES_MAX, &tries)) < 0 ||
	    (rc = read_text(r, v->text, sizeof v->text)) < 0)
		return rc;
	v->state = (enum action_state)state;
	v->tries = (uint32_t)tries;
	return 0;
}

int
action_words_read(struct action_words *w, const uint8_t *buf, size_t len)
{
	uint32_t more, n;
	struct mp r;
	int rc;

	w->count = 0;
	mp_init(&r, buf, len, READ_DEPTH);
	if ((rc = open_list(&r, 2, &more)) < 0 || (rc = mp_array(&r, &n)) < 0)
		return rc;
	if (n > ACTION_QUEUE_MAX)
		return -ERR_LONG;
	for (uint32_t i = 0; i < n; i++)
		if ((rc = read_word(&r, &w->words[i])) < 0)
			return rc;
	if ((rc = close_list(&r, more)) < 0)
		return rc;
	w->count = n;
	return 0;
}
