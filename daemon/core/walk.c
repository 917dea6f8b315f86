/*
 * walk.c - hostile msgpack with a path.  gossip/mp bounds bytes, counts and
 * depth; this adds what a value of a script may not be (a binary, a number
 * that no text can carry, a key that is not a string) and where it stands.
 */
#include "walk.h"

#include "../base/name.h"
#include "../base/utf8.h"
#include "view.h"

#include <stdarg.h>
#include <stdio.h>

void
walk_init(struct walk *w, struct slice buf, struct err *err)
{
	mp_init(&w->r, buf.b, buf.len, WALK_DEPTH_MAX);
	w->depth = 0;
	w->err = err;
}

size_t
walk_push(struct walk *w, const char *key, size_t len)
{
	if (w->depth < WALK_STEPS_MAX)
		w->steps[w->depth] = (struct walk_step){key, len};
	return w->depth++;
}

size_t
walk_push_index(struct walk *w, uint32_t i)
{
	return walk_push(w, NULL, i);
}

void
walk_pop(struct walk *w, size_t to)
{
	w->depth = to;
}

/* A path that does not fit is cut; its head still says where to look. */
static void
write_path(const struct walk *w, char out[WALK_PATH_CAP])
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < w->depth && i < WALK_STEPS_MAX && len < WALK_PATH_CAP - 1; i++) {
		const struct walk_step *step = &w->steps[i];
		char key[WALK_KEY_CAP];

		if (step->key == NULL) {
			snprintf(out + len, WALK_PATH_CAP - len, "[%zu]", step->n);
		} else {
			err_escape(key, sizeof key, step->key, step->n);
			snprintf(out + len, WALK_PATH_CAP - len, "%s%s", len > 0 ? "." : "", key);
		}
		len += strlen(out + len);
	}
}

int
walk_fail(struct walk *w, const char *fmt, ...)
{
	char text[ERR_TEXT_CAP], path[WALK_PATH_CAP];
	va_list ap;

	if (w->err == NULL)
		return -1;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	write_path(w, path);
	err_set(w->err, 1, "%s%s%s", path, path[0] != '\0' ? ": " : "", text);
	return -1;
}

static void
describe(const struct mp *at, char *out, size_t cap)
{
	struct mp r = *at;
	char word[40];
	uint32_t n = 0;
	const char *s;
	size_t len;
	double d;
	bool b;

	switch (mp_peek(&r)) {
	case MP_NIL:
		snprintf(out, cap, "nil");
		break;
	case MP_BOOL:
		snprintf(out, cap, "%s", mp_bool(&r, &b) == 0 && b ? "true" : "false");
		break;
	case MP_INT:
		snprintf(out, cap, "integer %.0f", mp_double(&r, &d) == 0 ? d : 0);
		break;
	case MP_DOUBLE:
		snprintf(out, cap, "%g", mp_double(&r, &d) == 0 ? d : 0);
		break;
	case MP_STR:
		if (mp_str(&r, &s, &len) < 0)
			len = 0, s = "";
		err_escape(word, sizeof word, s, len);
		snprintf(out, cap, "string '%s'", word);
		break;
	case MP_ARRAY:
		snprintf(out, cap, "a list of %u", mp_array(&r, &n) == 0 ? n : 0);
		break;
	case MP_MAP:
		snprintf(out, cap, "a map");
		break;
	case MP_BIN:
	case MP_EXT:
		snprintf(out, cap, "a binary");
		break;
	case MP_NONE:
		snprintf(out, cap, "broken bytes");
		break;
	}
}

int
walk_expected(struct walk *w, const char *what)
{
	char got[80];

	describe(&w->r, got, sizeof got);
	return walk_fail(w, "expected %s, got %s", what, got);
}

int
walk_map(struct walk *w, uint32_t *count)
{
	struct mp was = w->r;

	*count = 0;
	if (mp_peek(&w->r) == MP_ARRAY && mp_array(&w->r, count) == 0 && *count == 0)
		return 0;
	w->r = was;
	if (mp_peek(&w->r) != MP_MAP)
		return walk_expected(w, "a map");
	if (mp_map(&w->r, count) < 0)
		return walk_fail(w, "nested deeper than %d", WALK_DEPTH_MAX);
	return 0;
}

int
walk_list(struct walk *w, uint32_t *count)
{
	struct mp was = w->r;

	*count = 0;
	if (mp_peek(&w->r) == MP_MAP && mp_map(&w->r, count) == 0 && *count == 0)
		return 0;
	w->r = was;
	if (mp_peek(&w->r) != MP_ARRAY)
		return walk_expected(w, "a list");
	if (mp_array(&w->r, count) < 0)
		return walk_fail(w, "nested deeper than %d", WALK_DEPTH_MAX);
	return 0;
}

int
walk_key(struct walk *w, const char **key, size_t *len)
{
	char got[80];

	if (mp_str(&w->r, key, len) == 0)
		return 0;
	describe(&w->r, got, sizeof got);
	return walk_fail(w, "key %s is not a string", got);
}

int
walk_text(struct walk *w, char *dst, size_t cap)
{
	const char *s;
	size_t len;

	dst[0] = '\0';
	if (mp_peek(&w->r) != MP_STR)
		return walk_expected(w, "a string");
	if (mp_str(&w->r, &s, &len) < 0)
		return walk_fail(w, "broken bytes");
	if (len >= cap)
		return walk_fail(w, "string of %zu bytes, at most %zu", len, cap - 1);
	ptrdiff_t bad = walk_utf8(s, len);

	if (bad >= 0)
		return walk_fail(w, "not UTF-8 at byte %td", bad + 1);
	if (memchr(s, '\0', len) != NULL)
		return walk_fail(w, "a NUL in a string");
	memcpy(dst, s, len);
	dst[len] = '\0';
	return 0;
}

static int check_value(struct walk *w);

static int
check_items(struct walk *w, bool map, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const char *key;
		size_t len, was;

		if (map) {
			if (walk_key(w, &key, &len) < 0)
				return -1;
			was = walk_push(w, key, len);
			ptrdiff_t bad = walk_utf8(key, len);

			if (bad >= 0)
				return walk_fail(w, "key is not UTF-8 at byte %td", bad + 1);
		} else {
			was = walk_push_index(w, i + 1);
		}
		if (check_value(w) < 0)
			return -1;
		walk_pop(w, was);
	}
	return 0;
}

static int
check_scalar(struct walk *w, enum mp_type type)
{
	const char *s;
	size_t len;
	double d;

	if (type == MP_STR) {
		if (mp_str(&w->r, &s, &len) < 0)
			return walk_fail(w, "broken bytes");
		ptrdiff_t bad = walk_utf8(s, len);

		return bad < 0 ? 0 : walk_fail(w, "not UTF-8 at byte %td", bad + 1);
	}
	if (type == MP_DOUBLE) {
		if (mp_double(&w->r, &d) < 0)
			return walk_fail(w, "broken bytes");
		return __builtin_isfinite(d) ? 0 : walk_fail(w, "%g is not a number", d);
	}
	if (type != MP_INT && type != MP_BOOL && type != MP_NIL)
		return walk_expected(w, "a plain value");
	return mp_skip(&w->r) == 0 ? 0 : walk_fail(w, "broken bytes");
}

/* Recursion is bounded by the reader's depth. */
static int
check_value(struct walk *w)
{
	enum mp_type type = mp_peek(&w->r);
	uint32_t count;

	if (type == MP_MAP) {
		if (walk_map(w, &count) < 0)
			return -1;
		return check_items(w, true, count);
	}
	if (type == MP_ARRAY) {
		if (walk_list(w, &count) < 0)
			return -1;
		return check_items(w, false, count);
	}
	return check_scalar(w, type);
}

int
walk_value(struct walk *w, struct slice *out)
{
	size_t from = w->r.off;

	if (check_value(w) < 0)
		return -1;
	*out = (struct slice){w->r.buf + from, w->r.off - from};
	return 0;
}

ptrdiff_t
walk_utf8(const char *s, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = utf8_len((const uint8_t *)s + i, len - i);

		if (n == 0)
			return (ptrdiff_t)i;
		i += n;
	}
	return -1;
}

bool
walk_is_map(struct slice v)
{
	struct mp r;

	mp_init(&r, v.b, v.len, WALK_DEPTH_MAX);
	return mp_peek(&r) == MP_MAP && mp_skip(&r) == 0 && mp_end(&r) == 0;
}

int
walk_raw(struct mp *r, struct slice *out)
{
	size_t from = r->off;
	int rc = mp_skip(r);

	*out = (struct slice){r->buf + from, r->off - from};
	return rc;
}

int
walk_cstr(struct mp *r, char *dst, size_t cap)
{
	const char *s;
	size_t len;
	int rc = mp_str(r, &s, &len);

	dst[0] = '\0';
	if (rc < 0)
		return rc;
	if (len >= cap || memchr(s, '\0', len) != NULL)
		return -ERR_RANGE;
	if (walk_utf8(s, len) >= 0)
		return -ERR_MALFORMED;
	memcpy(dst, s, len);
	dst[len] = '\0';
	return 0;
}

int
walk_harmless(struct mp *r, char *dst, size_t cap)
{
	const char *s;
	size_t len;
	int rc = mp_str(r, &s, &len);

	if (rc == 0)
		err_escape(dst, cap, s, len);
	return rc;
}

int
walk_name(struct mp *r, char *dst, bool empty)
{
	int rc = walk_cstr(r, dst, NAME_CAP);

	if (rc < 0 || (empty && dst[0] == '\0'))
		return rc;
	return name_ok(dst, strlen(dst)) ? 0 : -ERR_MALFORMED;
}

int
walk_image(struct mp *r, char *dst, bool empty)
{
	int rc = walk_cstr(r, dst, VIEW_IMAGE_CAP);

	if (rc < 0 || (empty && dst[0] == '\0'))
		return rc;
	return name_image_ok(dst, strlen(dst), VIEW_IMAGE_LEVELS_MAX) ? 0 : -ERR_MALFORMED;
}
