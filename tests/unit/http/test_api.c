/*
 * test_api.c - answers as Prometheus' HTTP API has them, to the byte; and answers that no
 * engine gives.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../../daemon/http/api.h"
#include "../../../gossip/mpw.h"

static uint8_t buf[4096];
static struct mpw w;

static void
is(struct text *t, const char *want)
{
	assert_false(t->failed);
	if (t->len != strlen(want) || memcmp(t->b, want, t->len) != 0)
		fail_msg("%.*s\nnot\n%s", (int)t->len, t->b, want);
	text_free(t);
}

static void
values(void **state)
{
	static const struct {
		double v;
		const char *text;
	} all[] = {{0, "\"0\""}, {-0.0, "\"-0\""}, {1, "\"1\""}, {-17, "\"-17\""}, {0.1, "\"0.1\""}, {1.5e-6, "\"0.0000015\""},
	    {1e-7, "\"1e-07\""}, {123456789.125, "\"123456789.125\""}, {9007199254740992, "\"9007199254740992\""},
	    {1e15, "\"1000000000000000\""}, {1.5e20, "\"150000000000000000000\""}, {1e21, "\"1e+21\""}, {1.0 / 3, "\"0.3333333333333333\""},
	    {INFINITY, "\"+Inf\""}, {-INFINITY, "\"-Inf\""}, {NAN, "\"NaN\""}, {5e-324, "\"5e-324\""}};
	struct text t = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		text_value(&t, all[i].v);
		is(&t, all[i].text);
	}
	text_time(&t, 1435781451781);
	is(&t, "1435781451.781");
	text_time(&t, -1500);
	is(&t, "-1.5");
	text_time(&t, 60000);
	is(&t, "60");
	text_json(&t, "a\"\\\n\x7f\xc3\xa4\xff\xc0\x80\xed\xa0\x80z", 14);
	is(&t, "\"a\\\"\\\\\\u000a\\u007f\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\"");
}

static void
begin(const char *kind, uint32_t series)
{
	mpw_init(&w, buf, sizeof buf);
	mpw_map(&w, 3);
	mpw_cstr(&w, "series");
	mpw_array(&w, series);
	for (uint32_t i = 0; i < series; i++) {
		mpw_map(&w, 2);
		mpw_cstr(&w, "labels");
		mpw_map(&w, i == 0 ? 0 : 1);
		if (i > 0) {
			mpw_cstr(&w, "node");
			mpw_cstr(&w, "n1");
		}
		mpw_cstr(&w, "points");
		mpw_array(&w, 1);
		mpw_array(&w, 2);
		mpw_int(&w, 1500);
		mpw_double(&w, 0.5);
	}
	mpw_cstr(&w, "kind");
	mpw_cstr(&w, kind);
	mpw_cstr(&w, "missing");
	mpw_array(&w, 1);
	mpw_map(&w, 2);
	mpw_cstr(&w, "node");
	mpw_cstr(&w, "n\"3");
	mpw_cstr(&w, "why");
	mpw_cstr(&w, "timed out");
}

static struct slice
packed(void)
{
	assert_false(w.full);
	return (struct slice){buf, w.len};
}

#define WARNS ",\"warnings\":[\"n\\\"3 is missing: timed out\"]}"

static void
queries(void **state)
{
	struct text t = {0};

	(void)state;
	begin("vector", 2);
	assert_int_equal(api_query(packed(), 0, &t), 0);
	is(&t, "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{},\"value\":[1.5,\"0.5\"]},"
	       "{\"metric\":{\"node\":\"n1\"},\"value\":[1.5,\"0.5\"]}]}" WARNS);
	begin("matrix", 1);
	assert_int_equal(api_query(packed(), 0, &t), 0);
	is(&t, "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[{\"metric\":{},\"values\":[[1.5,\"0.5\"]]}]}" WARNS);
	begin("scalar", 1);
	assert_int_equal(api_query(packed(), 0, &t), 0);
	is(&t, "{\"status\":\"success\",\"data\":{\"resultType\":\"scalar\",\"result\":[1.5,\"0.5\"]}" WARNS);
	begin("scalar", 2); /* no scalar is two */
	assert_int_equal(api_query(packed(), 0, &t), -1);
	text_free(&t);
	begin("other", 1);
	assert_int_equal(api_query(packed(), 0, &t), -1);
	text_free(&t);
	api_error(&t, "bad_data", "1:2: parse error: \"x\"");
	is(&t, "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"1:2: parse error: \\\"x\\\"\"}\n");
}

static void
lists(void **state)
{
	struct text t = {0};

	(void)state;
	mpw_init(&w, buf, sizeof buf);
	mpw_map(&w, 1);
	mpw_cstr(&w, "data");
	mpw_array(&w, 2);
	for (int i = 0; i < 2; i++) {
		mpw_map(&w, 3);
		mpw_cstr(&w, "metric");
		mpw_cstr(&w, i == 0 ? "a" : "b");
		mpw_cstr(&w, "type");
		mpw_cstr(&w, "gauge");
		mpw_cstr(&w, "help");
		mpw_cstr(&w, "H.");
	}
	assert_int_equal(api_metadata(packed(), 1, &t), 0);
	is(&t, "{\"status\":\"success\",\"data\":{\"a\":[{\"type\":\"gauge\",\"help\":\"H.\",\"unit\":\"\"}]}}");
	for (uint32_t limit = 2; limit < 4; limit++) {
		assert_int_equal(api_list(packed(), limit, &t), 0);
		is(&t, "{\"status\":\"success\",\"data\":[{\"metric\":\"a\",\"type\":\"gauge\",\"help\":\"H.\"},"
		       "{\"metric\":\"b\",\"type\":\"gauge\",\"help\":\"H.\"}]}");
	}
	assert_int_equal(api_list(packed(), 1, &t), 0);
	is(&t, "{\"status\":\"success\",\"data\":[{\"metric\":\"a\",\"type\":\"gauge\",\"help\":\"H.\"}],"
	       "\"warnings\":[\"results truncated due to limit\"]}");
}

/* Every cut and every changed byte of a good answer: refused or written, nothing worse. */
static void
damaged(void **state)
{
	struct text t = {0};
	size_t len;

	(void)state;
	begin("vector", 2);
	len = w.len;
	for (size_t i = 0; i < len; i++) {
		/* Who is missing comes last: without that it is an answer. */
		if (api_query((struct slice){buf, i}, 0, &t) == 0)
			assert_true(memmem(buf, i, "kind\xa6vector", 11) != NULL && t.b[t.len - 1] == '}');
		text_free(&t);
	}
	for (size_t i = 0; i < len; i++)
		for (int b = 0; b < 256; b++) {
			uint8_t was = buf[i];

			buf[i] = (uint8_t)b;
			if (api_query((struct slice){buf, len}, 0, &t) == 0)
				assert_int_equal(t.b[t.len - 1], '}');
			if (api_list((struct slice){buf, len}, 1, &t) == 0)
				assert_int_equal(t.b[t.len - 1], '}');
			if (api_metadata((struct slice){buf, len}, 5, &t) == 0)
				assert_int_equal(t.b[t.len - 1], '}');
			text_free(&t);
			buf[i] = was;
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values),
	    cmocka_unit_test(queries),
	    cmocka_unit_test(lists),
	    cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
