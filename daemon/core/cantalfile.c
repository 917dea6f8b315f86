/*
 * cantalfile.c - see cantalfile.h.
 */
#include "cantalfile.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "../base/utf8.h"

enum {
	SIZE_MAX_BYTES = 65535, /* of one field */
	STATE_BYTES_MIN = 9,
	STATE_TIME_BYTES = 8,
	KEYS_MAX = 16, /* of one object */
	SCRATCH_BYTES = 4096,
};

struct reader {
	const uint8_t *line, *end, *cur; /* end: of the line */
	uint32_t line_no;
	struct labels labels; /* of the line */
	uint8_t scratch[SCRATCH_BYTES]; /* its strings, unescaped */
	size_t used;
};

__attribute__((format(printf, 3, 4))) static int
bad(const struct reader *r, struct err *err, const char *fmt, ...)
{
	char what[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	err_set(err, EXIT_CONFIG, "%u:%zu: %s", (unsigned)r->line_no, (size_t)(r->cur - r->line) + 1,
	    what);
	return -1;
}

static void
skip_spaces(struct reader *r)
{
	while (r->cur < r->end && (*r->cur == ' ' || *r->cur == '\t'))
		r->cur++;
}

static bool
take(struct reader *r, uint8_t c)
{
	if (r->cur == r->end || *r->cur != c)
		return false;
	r->cur++;
	return true;
}

/* --- strings of JSON -------------------------------------------------------------------- */

static bool
put(struct reader *r, uint8_t c)
{
	if (r->used == SCRATCH_BYTES)
		return false;
	r->scratch[r->used++] = c;
	return true;
}

static bool
put_char(struct reader *r, uint32_t c)
{
	if (c < 0x80)
		return put(r, (uint8_t)c);
	if (c < 0x800)
		return put(r, (uint8_t)(0xc0 | c >> 6)) && put(r, (uint8_t)(0x80 | (c & 0x3f)));
	if (c < 0x10000)
		return put(r, (uint8_t)(0xe0 | c >> 12)) && put(r, (uint8_t)(0x80 | (c >> 6 & 0x3f))) &&
		    put(r, (uint8_t)(0x80 | (c & 0x3f)));
	return put(r, (uint8_t)(0xf0 | c >> 18)) && put(r, (uint8_t)(0x80 | (c >> 12 & 0x3f))) &&
	    put(r, (uint8_t)(0x80 | (c >> 6 & 0x3f))) && put(r, (uint8_t)(0x80 | (c & 0x3f)));
}

/* Four hex digits; negative: they are none. */
static int32_t
hex4(struct reader *r)
{
	int32_t v = 0;

	for (int i = 0; i < 4; i++) {
		uint8_t c = r->cur < r->end ? *r->cur : 0;

		if (c >= '0' && c <= '9')
			v = v * 16 + (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			v = v * 16 + ((c | 0x20) - 'a' + 10);
		else
			return -1;
		r->cur++;
	}
	return v;
}

/* Behind the backslash.  A half of a pair, and NUL, are no text. */
static int
escape(struct reader *r, struct err *err)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at = r->cur < r->end && *r->cur != '\0' ? strchr(from, *r->cur) : NULL;
	int32_t c, low;

	if (at != NULL) {
		r->cur++;
		return put(r, (uint8_t)to[at - from]) ? 0 : bad(r, err, "too long a line");
	}
	if (!take(r, 'u') || (c = hex4(r)) <= 0 || (c >= 0xdc00 && c < 0xe000))
		return bad(r, err, "no escape of JSON");
	if (c >= 0xd800 && c < 0xdc00) {
		if (!take(r, '\\') || !take(r, 'u') || (low = hex4(r)) < 0xdc00 || low >= 0xe000)
			return bad(r, err, "no escape of JSON");
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	}
	return put_char(r, (uint32_t)c) ? 0 : bad(r, err, "too long a line");
}

static int
string(struct reader *r, const char *what, struct slice *out, struct err *err)
{
	size_t from = r->used;

	if (!take(r, '"'))
		return bad(r, err, "%s: a string in double quotes is needed", what);
	while (r->cur < r->end && *r->cur != '"') {
		size_t n = utf8_len(r->cur, (size_t)(r->end - r->cur));

		if (n == 0 || *r->cur < 0x20)
			return bad(r, err, "%s: not UTF-8, or a control character", what);
		if (take(r, '\\')) {
			if (escape(r, err) < 0)
				return -1;
			continue;
		}
		for (; n > 0; n--)
			if (!put(r, *r->cur++))
				return bad(r, err, "too long a line");
	}
	if (!take(r, '"'))
		return bad(r, err, "%s: the string does not end", what);
	*out = (struct slice){r->scratch + from, r->used - from};
	return 0;
}

/* --- names ------------------------------------------------------------------------------- */

static bool
is_word_byte(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* As Prometheus' own exporters make one of any text: "requests.number" -> requests_number. */
static int
clean(struct reader *r, struct slice text, const char *suffix, struct slice *out, struct err *err)
{
	size_t from = r->used, n = strlen(suffix);

	if (text.len == 0)
		return bad(r, err, "an empty name");
	if (text.len + n + 1 > LABEL_NAME_BYTES_MAX)
		return bad(r, err, "a name of more than %d bytes", LABEL_NAME_BYTES_MAX);
	if (r->used + text.len + n + 1 > SCRATCH_BYTES)
		return bad(r, err, "too long a line");
	if (text.b[0] >= '0' && text.b[0] <= '9')
		(void)put(r, '_');
	for (size_t i = 0; i < text.len; i++)
		(void)put(r, is_word_byte(text.b[i]) ? text.b[i] : '_');
	if (text.len < n || memcmp(text.b + text.len - n, suffix, n) != 0)
		for (size_t i = 0; i < n; i++)
			(void)put(r, (uint8_t)suffix[i]);
	*out = (struct slice){r->scratch + from, r->used - from};
	return 0;
}

static int
key_value(struct reader *r, struct slice *metric, struct err *err)
{
	const uint8_t *at = r->cur;
	struct slice key, value, name;

	if (string(r, "a key", &key, err) < 0)
		return -1;
	skip_spaces(r);
	if (!take(r, ':'))
		return bad(r, err, "':' is needed behind a key");
	skip_spaces(r);
	if (string(r, "a value", &value, err) < 0)
		return -1;
	if (slice_eq(key, slice_of("metric"))) {
		if (metric->b != NULL) {
			r->cur = at;
			return bad(r, err, "\"metric\" is there twice");
		}
		*metric = value;
		return 0;
	}
	if (clean(r, key, "", &name, err) < 0)
		return -1;
	if (slice_eq(name, slice_of(LABEL_NAME)) || labels_get(&r->labels, name).len > 0) {
		r->cur = at;
		return bad(r, err, "label '%.*s' is there twice", (int)name.len, (const char *)name.b);
	}
	if (r->labels.count == KEYS_MAX)
		return bad(r, err, "more than %d keys", KEYS_MAX);
	if (labels_set(&r->labels, name, value) < 0)
		return bad(r, err, "a value of more than %d bytes", LABEL_VALUE_BYTES_MAX);
	return 0;
}

static int
object(struct reader *r, enum cantal_kind kind, struct err *err)
{
	static const char *const unnamed[] = {"cantal_counter", "cantal_level", "cantal_level",
	    "cantal_level", "cantal"};
	struct slice metric = {0}, name;

	r->labels.count = 0;
	r->used = 0;
	skip_spaces(r);
	if (!take(r, '{'))
		return bad(r, err, "an object of JSON is needed behind ':'");
	skip_spaces(r);
	for (bool first = true; !take(r, '}'); first = false) {
		if (!first && !take(r, ','))
			return bad(r, err, "',' or '}' is needed");
		skip_spaces(r);
		if (key_value(r, &metric, err) < 0)
			return -1;
		skip_spaces(r);
	}
	skip_spaces(r);
	if (r->cur < r->end)
		return bad(r, err, "nothing more can stand here");
	if (metric.b == NULL)
		metric = slice_of(unnamed[kind]);
	if (clean(r, metric, kind == CANTAL_COUNTER ? "_total" : "", &name, err) < 0)
		return -1;
	if (labels_set(&r->labels, slice_of(LABEL_NAME), name) < 0)
		return bad(r, err, "more than %d keys", KEYS_MAX);
	return 0;
}

/* --- lines -------------------------------------------------------------------------------- */

static struct slice
word(struct reader *r)
{
	const uint8_t *from = r->cur;

	while (r->cur < r->end && *r->cur != ' ' && *r->cur != ':')
		r->cur++;
	return (struct slice){from, (size_t)(r->cur - from)};
}

static int
size_of(struct reader *r, uint32_t *out, struct err *err)
{
	uint32_t n = 0, digits = 0;

	while (r->cur < r->end && *r->cur >= '0' && *r->cur <= '9' && n <= SIZE_MAX_BYTES) {
		n = n * 10 + (uint32_t)(*r->cur++ - '0');
		digits++;
	}
	if (digits == 0 || n > SIZE_MAX_BYTES)
		return bad(r, err, "a number of bytes is needed, at most %d", SIZE_MAX_BYTES);
	*out = n;
	return 0;
}

/* 1: a field; 0: nothing that is read; -1. */
static int
kind_of(const struct reader *r, struct slice type, uint32_t bytes, struct slice param,
    enum cantal_kind *out, struct err *err)
{
	if (slice_eq(type, slice_of("counter")) && bytes == 8) {
		*out = CANTAL_COUNTER;
		return 1;
	}
	if (slice_eq(type, slice_of("level"))) {
		if (slice_eq(param, slice_of("signed")))
			*out = CANTAL_SIGNED;
		else if (slice_eq(param, slice_of("float")))
			*out = CANTAL_FLOAT;
		else if (slice_eq(param, slice_of("unsigned")))
			*out = CANTAL_UNSIGNED;
		else
			return bad(r, err, "a level is signed, unsigned or float");
		return bytes == 8;
	}
	if (slice_eq(type, slice_of("state"))) {
		*out = CANTAL_STATE;
		if (bytes < STATE_BYTES_MIN)
			return bad(r, err, "a state has at least %d bytes", STATE_BYTES_MIN);
		return 1;
	}
	return 0;
}

/* 1: f is filled, and the reader's labels are its. */
static int
line(struct reader *r, struct cantal_field *f, struct err *err)
{
	struct slice type, param = {0};
	int rc;

	if (r->cur == r->end)
		return bad(r, err, "an empty line");
	type = word(r);
	if (type.len == 0 || !take(r, ' '))
		return bad(r, err, "'TYPE BYTES' is needed");
	if (size_of(r, &f->bytes, err) < 0)
		return -1;
	if (take(r, ' '))
		param = word(r);
	if (slice_eq(type, slice_of("pad")))
		return r->cur == r->end ? 0 : bad(r, err, "nothing more can stand here");
	if ((rc = kind_of(r, type, f->bytes, param, &f->kind, err)) < 0)
		return -1;
	if (rc == 0)
		return 2; /* unknown to us: what it says is not looked at */
	if (!take(r, ':'))
		return bad(r, err, "':' is needed");
	return object(r, f->kind, err) < 0 ? -1 : 1;
}

/* With labels as offsets into names, which may still move. */
static int
keep(struct cantal *c, const struct cantal_field *f, const struct reader *r, size_t *cap,
    struct err *err)
{
	uint8_t packed[LABELS_BYTES_MAX], *grown;
	int n = labels_pack(&r->labels, packed, sizeof packed);

	if (n < 0)
		return bad(r, err, "too long a line");
	if (c->names.len + (size_t)n > *cap) {
		*cap = 2 * *cap + LABELS_BYTES_MAX;
		if ((grown = realloc(c->names.b, *cap)) == NULL)
			return bad(r, err, "out of memory");
		c->names.b = grown;
	}
	memcpy(c->names.b + c->names.len, packed, (size_t)n);
	c->fields[c->count] = *f;
	c->fields[c->count++].labels = (struct slice){NULL, (size_t)n};
	c->names.len += (size_t)n;
	return 0;
}

static int
cmp_labels(const void *a, const void *b)
{
	const struct cantal_field *x = *(const struct cantal_field *const *)a,
				  *y = *(const struct cantal_field *const *)b;
	size_t n = x->labels.len < y->labels.len ? x->labels.len : y->labels.len;
	int c = memcmp(x->labels.b, y->labels.b, n);

	return c != 0 ? c : x->labels.len == y->labels.len ? 0 : x->labels.len < y->labels.len ? -1 : 1;
}

/* Is each called otherwise than all others? */
static int
unique(struct cantal *c, struct err *err)
{
	const struct cantal_field **sorted = calloc(c->count + 1, sizeof *sorted);
	bool twice = false;

	if (sorted == NULL)
		return err_set(err, EXIT_CONFIG, "1:1: out of memory"), -1;
	for (uint32_t i = 0; i < c->count; i++)
		sorted[i] = &c->fields[i];
	qsort(sorted, c->count, sizeof *sorted, cmp_labels);
	for (uint32_t i = 1; i < c->count && !twice; i++)
		if (slice_eq(sorted[i - 1]->labels, sorted[i]->labels)) {
			struct slice name = labels_find(sorted[i]->labels, slice_of(LABEL_NAME));

			twice = true;
			err_set(err, EXIT_CONFIG, "1:1: two fields are both called '%.*s', with the same labels",
			    (int)name.len, (const char *)name.b);
		}
	free(sorted);
	return twice ? -1 : 0;
}

static int
lines(struct slice meta, struct reader *r, struct cantal *c, struct err *err)
{
	const uint8_t *at = meta.b, *end = meta.b + meta.len;
	size_t cap = 0;

	while (at < end) {
		const uint8_t *nl = memchr(at, '\n', (size_t)(end - at));
		struct cantal_field f = {0};
		int rc;

		r->line = r->cur = at;
		r->end = nl != NULL ? nl : end;
		at = nl != NULL ? nl + 1 : end; /* the last one need not end: Python's does not */
		if (++r->line_no > CANTAL_FIELDS_MAX)
			return bad(r, err, "more than %d lines", CANTAL_FIELDS_MAX);
		if ((rc = line(r, &f, err)) < 0)
			return -1;
		f.offset = c->values_bytes;
		c->values_bytes += f.bytes;
		if (c->values_bytes > CANTAL_VALUES_BYTES_MAX)
			return bad(r, err, "more than %d bytes of values", CANTAL_VALUES_BYTES_MAX);
		if (rc == 1 && keep(c, &f, r, &cap, err) < 0)
			return -1;
		c->skipped += rc == 2;
	}
	return 0;
}

int
cantal_parse(struct slice meta, struct cantal *out, struct err *err)
{
	struct reader *r = calloc(1, sizeof *r);
	size_t at = 0;
	int rc = -1;

	memset(out, 0, sizeof *out);
	out->fields = calloc(CANTAL_FIELDS_MAX, sizeof *out->fields);
	if (r == NULL || out->fields == NULL)
		err_set(err, EXIT_CONFIG, "1:1: out of memory");
	else if (meta.len > CANTAL_META_BYTES_MAX)
		err_set(err, EXIT_CONFIG, "1:1: more than %d KiB", CANTAL_META_BYTES_MAX >> 10);
	else
		rc = lines(meta, r, out, err);
	free(r);
	for (uint32_t i = 0; rc == 0 && i < out->count; i++) {
		out->fields[i].labels.b = out->names.b + at;
		at += out->fields[i].labels.len;
	}
	if (rc == 0)
		rc = unique(out, err);
	if (rc < 0)
		cantal_free(out);
	else if (out->count < CANTAL_FIELDS_MAX) { /* few are the rule, and they stay */
		struct cantal_field *few = realloc(out->fields, (out->count + 1) * sizeof *few);

		out->fields = few != NULL ? few : out->fields;
	}
	return rc;
}

void
cantal_free(struct cantal *c)
{
	free(c->fields);
	blob_free(&c->names);
	memset(c, 0, sizeof *c);
}

/* --- values --------------------------------------------------------------------------------- */

double
cantal_value(const struct cantal_field *f, const uint8_t *values)
{
	uint64_t u;
	int64_t i;
	double d;

	memcpy(&u, values + f->offset, sizeof u);
	switch (f->kind) {
	case CANTAL_COUNTER:
	case CANTAL_UNSIGNED:
		return (double)u;
	case CANTAL_SIGNED:
		memcpy(&i, &u, sizeof i);
		return (double)i;
	case CANTAL_FLOAT:
		memcpy(&d, &u, sizeof d);
		return d == d ? d : (double)__builtin_nanf(""); /* no NaN of his choice: one ends a series */
	case CANTAL_STATE:
		return (double)u / 1000;
	}
	return 0;
}

struct slice
cantal_text(const struct cantal_field *f, const uint8_t *values)
{
	const uint8_t *text = values + f->offset + STATE_TIME_BYTES;
	size_t max = f->bytes - STATE_TIME_BYTES, n = 0, k;

	if (max > CANTAL_TEXT_BYTES_MAX)
		max = CANTAL_TEXT_BYTES_MAX;
	while (n < max && text[n] != '\0' && (k = utf8_len(text + n, max - n)) > 0)
		n += k;
	return (struct slice){text, n};
}
