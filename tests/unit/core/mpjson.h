/*
 * mpjson.h - msgpack written and read as text, so that a test shows what it
 * means.  Strings stand in single quotes; nan, inf, bin and -1.5 are values.
 * A missing ',' or ':' is not noticed: the tests are the only authors.
 */
#ifndef TEST_MPJSON_H
#define TEST_MPJSON_H

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../../daemon/core/pack.h"
#include "../../../gossip/mp.h"

static inline const char *
mpjson_space(const char *s)
{
	return s + strspn(s, " \t\n,:");
}

static const char *mpjson_value(struct pack *p, const char *s);

/* Items up to the closing bracket; counted first, on a copy of the text. */
static inline const char *
mpjson_items(struct pack *p, const char *s, char close)
{
	struct pack scratch;
	size_t count = 0;

	pack_begin(&scratch, 64 << 20);
	for (const char *at = mpjson_space(s); *at != close; at = mpjson_space(at), count++)
		at = mpjson_value(&scratch, at);
	pack_drop(&scratch);
	if (close == '}')
		pack_map(p, count / 2);
	else
		pack_list(p, count);
	for (s = mpjson_space(s); *s != close; s = mpjson_space(s))
		s = mpjson_value(p, s);
	return s + 1;
}

static inline const char *
mpjson_value(struct pack *p, const char *s)
{
	static const struct {
		const char *word;
		int kind;
	} words[] = {{"true", 0}, {"false", 1}, {"null", 2}, {"nan", 3}, {"inf", 4}, {"bin", 5}};
	char *end;

	if (*s == '{' || *s == '[')
		return mpjson_items(p, s + 1, *s == '{' ? '}' : ']');
	if (*s == '\'') {
		size_t len = strcspn(s + 1, "'");

		pack_strn(p, s + 1, len);
		return s + len + 2;
	}
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strncmp(s, words[i].word, strlen(words[i].word)) != 0)
			continue;
		if (words[i].kind < 2)
			pack_bool(p, words[i].kind == 0);
		else if (words[i].kind == 2)
			pack_nil(p);
		else if (words[i].kind == 5)
			pack_bin(p, "x", 1);
		else
			pack_real(p, words[i].kind == 3 ? (double)NAN : (double)INFINITY);
		return s + strlen(words[i].word);
	}
	double d = strtod(s, &end);

	if (memchr(s, '.', (size_t)(end - s)) != NULL)
		pack_real(p, d);
	else
		pack_i64(p, strtoll(s, &end, 10));
	if (end == s) {
		fprintf(stderr, "mpjson: cannot read: %s\n", s);
		abort();
	}
	return end;
}

/* Text to msgpack; blob_free it. */
static inline struct blob
mpjson(const char *text)
{
	struct blob out;
	struct pack p;

	pack_begin(&p, 64 << 20);
	mpjson_value(&p, text);
	if (pack_end(&p, &out) != 0)
		abort();
	return out;
}

static inline void
mpjson_print(FILE *f, struct mp *r)
{
	uint32_t n;
	const char *s;
	const uint8_t *b;
	size_t len;
	int64_t i;
	double d;
	bool yes;

	switch (mp_peek(r)) {
	case MP_MAP:
		if (mp_map(r, &n) < 0)
			abort();
		fputc('{', f);
		for (uint32_t k = 0; k < n; k++) {
			fputs(k > 0 ? ", " : "", f);
			mpjson_print(f, r);
			fputs(": ", f);
			mpjson_print(f, r);
		}
		fputc('}', f);
		return;
	case MP_ARRAY:
		if (mp_array(r, &n) < 0)
			abort();
		fputc('[', f);
		for (uint32_t k = 0; k < n; k++) {
			fputs(k > 0 ? ", " : "", f);
			mpjson_print(f, r);
		}
		fputc(']', f);
		return;
	case MP_STR:
		if (mp_str(r, &s, &len) < 0)
			abort();
		fprintf(f, "'%.*s'", (int)len, s);
		return;
	case MP_BIN:
		if (mp_bin(r, &b, &len) < 0)
			abort();
		fprintf(f, "bin(%zu)", len);
		return;
	case MP_INT:
		if (mp_int(r, &i) < 0)
			abort();
		fprintf(f, "%" PRId64, i);
		return;
	case MP_DOUBLE:
		if (mp_double(r, &d) < 0)
			abort();
		fprintf(f, "%.17g", d);
		return;
	case MP_BOOL:
		if (mp_bool(r, &yes) < 0)
			abort();
		fputs(yes ? "true" : "false", f);
		return;
	default:
		if (mp_nil(r) < 0) {
			fputs("BROKEN", f);
			r->off = r->len;
			r->depth = 0;
			return;
		}
		fputs("null", f);
	}
}

/* msgpack to text; free it.  "BROKEN" stands where it is not msgpack. */
static inline char *
mpjson_text(struct slice v)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	struct mp r;

	mp_init(&r, v.b, v.len, MP_DEPTH_MAX);
	mpjson_print(f, &r);
	if (mp_end(&r) < 0)
		fputs(" TRAILING", f);
	fclose(f);
	return text;
}

#define assert_mp(v, expected)                                                 \
	do {                                                                   \
		char *text_ = mpjson_text(v);                                  \
		assert_string_equal(text_, expected);                          \
		free(text_);                                                   \
	} while (0)

#endif
