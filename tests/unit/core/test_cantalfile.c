/*
 * test_cantalfile.c - cantal's meta files as its libraries write them, what is called how,
 * which values stand where, and the place of each thing that makes one worthless.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../daemon/core/cantalfile.h"

static char out[8192];

static void
read_all(const char *meta, size_t len)
{
	static const char *const kinds[] = {"counter", "signed", "float", "unsigned", "state"};
	uint8_t *copy = malloc(len + (len == 0));
	struct labels l;
	struct cantal c;
	struct err err;
	size_t n = 0;

	memcpy(copy, meta, len);
	out[0] = '\0';
	if (cantal_parse((struct slice){copy, len}, &c, &err) < 0) {
		assert_null(c.fields);
		snprintf(out, sizeof out, "%s", err.text);
		free(copy);
		return;
	}
	free(copy); /* nothing of it is needed any more */
	for (uint32_t i = 0; i < c.count; i++) {
		struct cantal_field *f = &c.fields[i];

		assert_int_equal(labels_read(f->labels, &l), 0);
		n += (size_t)snprintf(out + n, sizeof out - n, "%s@%u+%u", kinds[f->kind], f->offset, f->bytes);
		for (uint32_t k = 0; k < l.count; k++)
			n += (size_t)snprintf(out + n, sizeof out - n, " %.*s=%.*s", (int)l.items[k].name.len,
			    l.items[k].name.b, (int)l.items[k].value.len, l.items[k].value.b);
		n += (size_t)snprintf(out + n, sizeof out - n, "\n");
		assert_true(n < sizeof out);
	}
	snprintf(out + n, sizeof out - n, "%u bytes, %u skipped", c.values_bytes, c.skipped);
	cantal_free(&c);
}

static void
reads(const char *meta, const char *want)
{
	read_all(meta, strlen(meta));
	assert_string_equal(out, want);
}

static void
as_the_libraries_write(void **state)
{
	(void)state;
	/* cantal's own documentation. */
	reads("counter 8: {\"metric\": \"requests.number\"}\n"
	      "counter 8: {\"metric\": \"requests.duration\", \"unit\": \"ms\"}\n"
	      "pad 48\nstate 64: {\"value\": \"request.sql.request\"}\n",
	    "counter@0+8 __name__=requests_number_total\n"
	    "counter@8+8 __name__=requests_duration_total unit=ms\n"
	    "state@64+64 __name__=cantal value=request.sql.request\n128 bytes, 0 skipped");
	/* cantal-py: keys in order, no newline at the end.  A Fork of two branches. */
	reads("level 8 float: {\"name\": \"1\"}\nlevel 8 signed: {\"name\": \"2\"}\n"
	      "counter 8: {\"metric\": \"count\", \"state\": \"http.sql\"}\n"
	      "counter 8: {\"metric\": \"duration\", \"state\": \"http.sql\"}\n"
	      "counter 8: {\"state\": \"http.err\"}\npad 24\nstate 64: {\"state\": \"http\"}",
	    "float@0+8 __name__=cantal_level name=1\nsigned@8+8 __name__=cantal_level name=2\n"
	    "counter@16+8 __name__=count_total state=http.sql\n"
	    "counter@24+8 __name__=duration_total state=http.sql\n"
	    "counter@32+8 __name__=cantal_counter_total state=http.err\n"
	    "state@64+64 __name__=cantal state=http\n128 bytes, 0 skipped");
	reads("", "0 bytes, 0 skipped");
	reads("level 8 unsigned: {\"metric\": \"9-lives\"}\nhistogram 80 log2: whatever\nlevel 4 signed: {}\n"
	      "counter 4: {}\nhistogram 3\ncounter 8:{\t}\n",
	    "unsigned@0+8 __name__=_9_lives\ncounter@99+8 __name__=cantal_counter_total\n107 bytes, 4 skipped");
	reads("counter 8: { \"metric\" : \"a_total\" , \"k\\u00e9y\":\"\\u20ac \\ud83d\\ude00 \\\"\\\\\\/\\n\", \"empty\": \"\" }",
	    "counter@0+8 __name__=a_total k__y=\xe2\x82\xac \xf0\x9f\x98\x80 \"\\/\n\n8 bytes, 0 skipped");
}

static void
not_a_meta_file(void **state)
{
	static char many[CANTAL_META_BYTES_MAX + 2], line[8192];
	size_t n = 0;

	(void)state;
	reads("\n", "1:1: an empty line");
	reads("counter 8: {}\n\n", "2:1: an empty line");
	reads("counter\n", "1:8: 'TYPE BYTES' is needed");
	reads(": {}\n", "1:1: 'TYPE BYTES' is needed");
	reads("counter x: {}\n", "1:9: a number of bytes is needed, at most 65535");
	reads("pad 65536\n", "1:10: a number of bytes is needed, at most 65535");
	reads("pad 8: {}\n", "1:6: nothing more can stand here");
	reads("level 8: {}\n", "1:8: a level is signed, unsigned or float");
	reads("level 8 double: {}\n", "1:15: a level is signed, unsigned or float");
	reads("state 8: {}\n", "1:8: a state has at least 9 bytes");
	reads("counter 8 {}\n", "1:13: ':' is needed");
	reads("counter 8:\n", "1:11: an object of JSON is needed behind ':'");
	reads("counter 8: []\n", "1:12: an object of JSON is needed behind ':'");
	reads("counter 8: {\"a\"}\n", "1:16: ':' is needed behind a key");
	reads("counter 8: {a: \"b\"}\n", "1:13: a key: a string in double quotes is needed");
	reads("counter 8: {\"a\": 1}\n", "1:18: a value: a string in double quotes is needed");
	reads("counter 8: {\"a\": {}}\n", "1:18: a value: a string in double quotes is needed");
	reads("counter 8: {\"a\": \"b\",}\n", "1:22: a key: a string in double quotes is needed");
	reads("counter 8: {\"a\": \"b\" \"c\": \"d\"}\n", "1:22: ',' or '}' is needed");
	reads("counter 8: {\"a\": \"b\"\n", "1:21: ',' or '}' is needed");
	reads("counter 8: {\"a\": \"b\n", "1:20: a value: the string does not end");
	reads("counter 8: {} x\n", "1:15: nothing more can stand here");
	reads("counter 8: {\"a\": \"\xff\"}\n", "1:19: a value: not UTF-8, or a control character");
	reads("counter 8: {\"a\": \"\t\"}\n", "1:19: a value: not UTF-8, or a control character");
	reads("counter 8: {\"a\": \"\\x\"}\n", "1:20: no escape of JSON");
	reads("counter 8: {\"a\": \"\\u0000\"}\n", "1:25: no escape of JSON");
	reads("counter 8: {\"a\": \"\\ud83d\"}\n", "1:25: no escape of JSON");
	reads("counter 8: {\"a\": \"\\udc00\"}\n", "1:25: no escape of JSON");
	reads("counter 8: {\"\": \"x\"}\n", "1:20: an empty name");
	reads("counter 8: {\"metric\": \"\"}\n", "1:26: an empty name");
	reads("counter 8: {\"a.b\": \"1\", \"a b\": \"2\"}\n", "1:25: label 'a_b' is there twice");
	reads("counter 8: {\"metric\": \"1\", \"metric\": \"2\"}\n", "1:28: \"metric\" is there twice");
	reads("counter 8: {\"__name__\": \"1\"}\n", "1:13: label '__name__' is there twice");
	reads("counter 8: {\"metric\": \"a.b\"}\nlevel 8 float: {}\ncounter 8: {\"metric\": \"a_b\"}\n",
	    "1:1: two fields are both called 'a_b_total', with the same labels");
	for (int i = 0; i < 100000 && n + 8 < sizeof many; i++)
		n += (size_t)snprintf(many + n, sizeof many - n, "pad 8\n");
	read_all(many, n);
	assert_string_equal(out, "1001:1: more than 1000 lines");
	memset(many, 'x', sizeof many);
	read_all(many, CANTAL_META_BYTES_MAX + 1);
	assert_string_equal(out, "1:1: more than 128 KiB");
	reads("pad 65535\npad 65535\npad 3\n", "3:6: more than 131072 bytes of values");
	snprintf(line, sizeof line, "counter 8: {\"a\": \"%05000d\"}\n", 0);
	reads(line, "1:4115: too long a line");
	snprintf(line, sizeof line, "counter 8: {\"a\": \"%0513d\"}\n", 0);
	reads(line, "1:533: a value of more than 512 bytes");
	snprintf(line, sizeof line, "counter 8: {\"%0128d\": \"x\"}\n", 0);
	reads(line, "1:148: a name of more than 128 bytes");
	n = (size_t)snprintf(line, sizeof line, "counter 8: {\"a\": \"1\"");
	for (int i = 0; i < 16; i++)
		n += (size_t)snprintf(line + n, sizeof line - n, ", \"a%d\": \"x\"", i);
	reads(line, "1:203: more than 16 keys");
}

/* Cut anywhere but behind a whole line it is no meta file. */
static void
cut_anywhere(void **state)
{
	static const char meta[] = "counter 8: {\"metric\": \"a\\u00e9\"}\nlevel 8 float: {\"b\": \"c\"}\nstate 64: {}";

	(void)state;
	for (size_t n = 1; n < sizeof meta; n++) {
		read_all(meta, n);
		assert_true((meta[n - 1] == '}' || meta[n - 1] == '\n') == (out[0] == 'c'));
	}
}

static void
values_at_their_place(void **state)
{
	static const char meta[] = "counter 8: {}\nlevel 8 signed: {\"a\": \"s\"}\nlevel 8 float: {\"a\": \"f\"}\n"
				   "level 8 unsigned: {\"a\": \"u\"}\nstate 20: {}\nlevel 8 float: {\"a\": \"n\"}";
	uint8_t values[60] = {0};
	const uint64_t counter = UINT64_MAX, at_ms = 1700000000500, stale = UINT64_C(0x7ff0000000000002);
	const int64_t level = -5;
	const double d = 0.1;
	struct cantal c;
	struct err err;
	struct slice text;

	(void)state;
	assert_int_equal(cantal_parse(slice_of(meta), &c, &err), 0);
	assert_int_equal(c.values_bytes, sizeof values);
	memcpy(values, &counter, 8);
	memcpy(values + 8, &level, 8);
	memcpy(values + 16, &d, 8);
	memcpy(values + 24, &counter, 8);
	memcpy(values + 32, &at_ms, 8);
	memcpy(values + 40, "GET /\0rest!!", 12);
	memcpy(values + 52, &stale, 8);
	assert_true(cantal_value(&c.fields[0], values) == 18446744073709551616.0);
	assert_true(cantal_value(&c.fields[1], values) == -5);
	assert_true(cantal_value(&c.fields[2], values) == 0.1);
	assert_true(cantal_value(&c.fields[3], values) == 18446744073709551616.0);
	assert_true(cantal_value(&c.fields[4], values) == 1700000000.5);
	text = cantal_text(&c.fields[4], values);
	assert_true(slice_eq(text, slice_of("GET /")));
	/* Nobody chooses which NaN, for one of them says that a series ended. */
	{
		const double n = cantal_value(&c.fields[5], values), want = (double)__builtin_nanf("");

		assert_true(isnan(n));
		assert_memory_equal(&n, &want, 8);
	}
	/* All of it text, and half a character at its end. */
	memcpy(values + 40, "0123456789\xe2\x82", 12);
	text = cantal_text(&c.fields[4], values);
	assert_true(slice_eq(text, slice_of("0123456789")));
	cantal_free(&c);
	cantal_free(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(as_the_libraries_write),
	    cmocka_unit_test(not_a_meta_file),
	    cmocka_unit_test(cut_anywhere),
	    cmocka_unit_test(values_at_their_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
