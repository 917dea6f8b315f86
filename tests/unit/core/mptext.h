/*
 * mptext.h - msgpack shown as text, as mpjson.h reads it.
 */
#ifndef TEST_MPTEXT_H
#define TEST_MPTEXT_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../../daemon/core/blob.h"
#include "../../../gossip/mp.h"

static void mptext_print(FILE *f, struct mp *r);

static inline void
mptext_items(FILE *f, struct mp *r, bool map)
{
	uint32_t n;

	if ((map ? mp_map(r, &n) : mp_array(r, &n)) < 0)
		abort();
	fputc(map ? '{' : '[', f);
	for (uint32_t k = 0; k < n; k++) {
		fputs(k > 0 ? ", " : "", f);
		mptext_print(f, r);
		if (!map)
			continue;
		fputs(": ", f);
		mptext_print(f, r);
	}
	fputc(map ? '}' : ']', f);
}

static inline void
mptext_print(FILE *f, struct mp *r)
{
	const char *s;
	const uint8_t *b;
	size_t len;
	int64_t i;
	double d;
	bool yes;

	switch (mp_peek(r)) {
	case MP_MAP:
	case MP_ARRAY:
		mptext_items(f, r, mp_peek(r) == MP_MAP);
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
mptext(struct slice v)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	struct mp r;

	mp_init(&r, v.b, v.len, MP_DEPTH_MAX);
	mptext_print(f, &r);
	if (mp_end(&r) < 0)
		fputs(" TRAILING", f);
	fclose(f);
	return text;
}

#define assert_mp(v, expected)                                                 \
	do {                                                                   \
		char *text_ = mptext(v);                                  \
		assert_string_equal(text_, expected);                          \
		free(text_);                                                   \
	} while (0)

#endif
