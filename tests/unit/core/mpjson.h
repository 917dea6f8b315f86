/*
 * mpjson.h - msgpack written and read as text, so that a test shows what it
 * means.  Strings stand in single quotes; nan, inf, bin and -1.5 are values.
 * A missing ',' or ':' is not noticed: the tests are the only authors.
 */
#ifndef TEST_MPJSON_H
#define TEST_MPJSON_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../../daemon/core/pack.h"
#include "mptext.h"

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

#endif
