/*
 * test_answer.c - msgpack to JSON: what a daemon sends, and what a broken or
 * hostile one could.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../daemon/base/ctl.h"
#include "../../../daemon/cli/answer.h"
#include "../../../gossip/mp.h"

static void
becomes(const char *bytes, size_t len, const char *json)
{
	size_t at;
	json_t *v = answer_json((const uint8_t *)bytes, len, &at);

	assert_non_null(v);
	char *text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
	assert_string_equal(text, json);
	free(text);
	json_decref(v);
}
#define BECOMES(bytes, json) becomes(bytes, sizeof(bytes) - 1, json)

static void
refused(const char *bytes, size_t len)
{
	size_t at = SIZE_MAX;

	assert_null(answer_json((const uint8_t *)bytes, len, &at));
	assert_true(at <= len);
}
#define REFUSED(bytes) refused(bytes, sizeof(bytes) - 1)

static void
values(void **state)
{
	(void)state;
	BECOMES("\xc0", "null");
	BECOMES("\xc3", "true");
	BECOMES("\xd1\xff\x00", "-256");
	BECOMES("\xcf\x7f\xff\xff\xff\xff\xff\xff\xff", "9223372036854775807");
	BECOMES("\xcf\xff\xff\xff\xff\xff\xff\xff\xff", "1.8446744073709552e19");
	BECOMES("\xcb\x3f\xf8\0\0\0\0\0\0", "1.5");
	BECOMES("\xcb\x7f\xf8\0\0\0\0\0\0", "\"NaN\"");
	BECOMES("\xcb\x7f\xf0\0\0\0\0\0\x02", "\"NaN\""); /* the stale one */
	BECOMES("\xcb\x7f\xf0\0\0\0\0\0\0", "\"+Inf\"");
	BECOMES("\xcb\xff\xf0\0\0\0\0\0\0", "\"-Inf\"");
	BECOMES("\xca\x7f\x80\0\0", "\"+Inf\"");
	BECOMES("\xa3"
		"abc",
	    "\"abc\"");
	BECOMES("\xa2\xff\n", "\"\\\\xff\\n\""); /* not UTF-8 */
	BECOMES("\xa3"
		"a\0b",
	    "\"a\\u0000b\"");
	BECOMES("\xc4\x02\x00\xff", "\"00ff\"");
	BECOMES("\x93\x01\xc0\x90", "[1,null,[]]");
	/* Order of keys is the daemon's. */
	BECOMES("\x82\xa1z\x01\xa1"
		"a\x81\xa1k\xa1v",
	    "{\"z\":1,\"a\":{\"k\":\"v\"}}");
	BECOMES("\x81\x05\x01", "{\"5\":1}");
	BECOMES("\x81\xa3"
		"a\0b\x01",
	    "{\"a\\\\x00b\":1}");
}

static void
hostile(void **state)
{
	(void)state;
	REFUSED("");
	REFUSED("\xc1");
	REFUSED("\xc0\xc0");		 /* something after the value */
	REFUSED("\xdd\xff\xff\xff\xff"); /* 4 billion items in 5 bytes */
	REFUSED("\xdf\xff\xff\xff\xff");
	REFUSED("\xdf\x80\x00\x00\x00\xa1"
		"a\x01");
	REFUSED("\xdb\xff\xff\xff\xff"
		"a");
	REFUSED("\xc6\x7f\xff\xff\xff");
	REFUSED("\x92\x01"); /* an item short */
	REFUSED("\x81\xa1"
		"a");		 /* a key alone */
	REFUSED("\x81\xc3\x01"); /* a key that is no name */
	REFUSED("\x82\xa1"
		"a\x01\xa1"
		"a\x02");	 /* the same key twice */
	REFUSED("\xd4\x01\x00"); /* ext */
	REFUSED("\x91\xc7\x7f");
}

static void
depth(void **state)
{
	char nest[20000];

	(void)state;
	memset(nest, '\x91', sizeof nest);
	nest[CTL_DEPTH_MAX] = '\xc0';
	char *json = calloc(2 * CTL_DEPTH_MAX + 5, 1);
	memset(json, '[', CTL_DEPTH_MAX);
	memcpy(json + CTL_DEPTH_MAX, "null", 4);
	memset(json + CTL_DEPTH_MAX + 4, ']', CTL_DEPTH_MAX);
	becomes(nest, CTL_DEPTH_MAX + 1, json);
	free(json);
	nest[CTL_DEPTH_MAX] = '\x91';
	nest[CTL_DEPTH_MAX + 1] = '\xc0';
	refused(nest, CTL_DEPTH_MAX + 2);
	memset(nest, '\x81', sizeof nest);
	refused(nest, sizeof nest);
}

/* 16 MiB of empty maps would be gigabytes of JSON values. */
static void
too_many_values(void **state)
{
	size_t len = CTL_FRAME_BYTES_MAX;
	uint8_t *bytes = malloc(len);
	size_t at;

	(void)state;
	memset(bytes, 0x80, len);
	memcpy(bytes, "\xdd\x00\xff\xff\xfb", 5);
	assert_null(answer_json(bytes, len, &at));
	assert_true(at <= ANSWER_VALUES_MAX + 5);
	free(bytes);
}

/* Every prefix of a good answer, and every single byte of it changed. */
static void
mutations(void **state)
{
	static const char good[] = "\x83\xa2ok\xc3\xa4"
				   "data\x92\x81\xa4name"
				   "\xa2n1\xcd\x01\x00\xa4more\xc2";
	size_t len = sizeof good - 1;
	char bytes[sizeof good];

	(void)state;
	for (size_t n = 0; n < len; n++)
		refused(good, n);
	for (size_t i = 0; i < len; i++)
		for (int b = 0; b < 256; b++) {
			struct answer a;
			struct err err;

			memcpy(bytes, good, len);
			bytes[i] = (char)b;
			if (answer_open(&a, (uint8_t *)bytes, len, &err) == 0) {
				assert_true(!a.ok || a.data != NULL);
				answer_free(&a);
			} else {
				assert_true(err.text[0] != '\0');
			}
		}
}

static void
answers(void **state)
{
	struct answer a;
	struct err err;

	(void)state;
#define OPEN(bytes) answer_open(&a, (const uint8_t *)(bytes), sizeof(bytes) - 1, &err)
	assert_int_equal(OPEN("\x82\xa2ok\xc3\xa4"
			      "data\x05"),
	    0);
	assert_true(a.ok && !a.more);
	assert_int_equal(json_integer_value(a.data), 5);
	answer_free(&a);
	assert_int_equal(OPEN("\x82\xa2ok\xc3\xa4more\xc3"), 0);
	assert_true(a.ok && a.more && json_is_null(a.data));
	answer_free(&a);
	assert_int_equal(OPEN("\x84\xa2ok\xc2\xa4"
			      "code\x04\xa5"
			      "error\xa5"
			      "a\033[2J\xa4hint\xa1h"),
	    0);
	assert_false(a.ok);
	assert_int_equal(a.code, 4);
	assert_string_equal(a.error, "a\\x1b[2J");
	assert_string_equal(a.hint, "h");
	answer_free(&a);
	/* A code that is no exit code must not become success. */
	assert_int_equal(OPEN("\x82\xa2ok\xc2\xa4"
			      "code\x00"),
	    0);
	assert_int_equal(a.code, 1);
	answer_free(&a);
	assert_int_equal(OPEN("\x82\xa2ok\xc2\xa4"
			      "code\xcd\x01\x00"),
	    0);
	assert_int_equal(a.code, 1);
	answer_free(&a);
	assert_int_equal(OPEN("\x81\xa4"
			      "data\x05"),
	    -1);
	assert_non_null(strstr(err.text, "is not understood"));
	assert_int_equal(OPEN("\x81\xa2ok\x01"), -1);
	assert_int_equal(OPEN("\x90"), -1);
#undef OPEN
}

static void
request_is(const char *expect, int argc, char *const *argv)
{
	uint8_t buf[ANSWER_REQUEST_CAP];
	struct args a;
	struct err err;
	size_t at;

	assert_int_equal(args_parse(&a, argc, argv, NULL, 0, &err), 0);
	size_t len = answer_request(buf, sizeof buf, &a);
	json_t *v = answer_json(buf, len, &at);
	assert_non_null(v);
	char *text = json_dumps(v, JSON_COMPACT);
	assert_string_equal(text, expect);
	free(text);
	json_decref(v);
}

/* As many as the mesh gives up, their names as long as names are, and each signed. */
static void
request_of_the_greatest_recovery(void **state)
{
	static char names[ARGS_LOST_MAX * NAME_CAP];
	static uint8_t buf[ANSWER_REQUEST_CAP];
	char *argv[] = {"mesh", "recover", "--yes", "--lost", names};
	struct args a;
	struct err err;
	size_t at;

	(void)state;
	assert_int_equal(ARGS_LOST_MAX, MESH_LOST_MAX);
	memset(names, 'n', sizeof names);
	for (size_t i = 1; i < ARGS_LOST_MAX; i++)
		names[i * NAME_CAP - 1] = ',';
	names[sizeof names - 1] = '\0';
	assert_int_equal(args_parse(&a, ARRAY_LEN(argv), argv, NULL, 0, &err), 0);
	memset(a.sigs, 'a', sizeof a.sigs - 1);
	memset(a.sig, 'b', sizeof a.sig - 1);
	memset(a.token, 'c', sizeof a.token - 1);
	a.number = INT64_MAX;
	json_t *v = answer_json(buf, answer_request(buf, sizeof buf, &a), &at);
	json_t *sent = json_object_get(v, "args");
	assert_string_equal(json_string_value(json_object_get(sent, "lost")), names);
	assert_int_equal(json_string_length(json_object_get(sent, "sigs")), MESH_LOST_MAX * 2 * SIG_BYTES);
	json_decref(v);
}

static void
requests(void **state)
{
	char *status[] = {"mesh", "status"}, *ps[] = {"mesh", "ps"};
	char *ps_web[] = {"mesh", "ps", "web"};
	char *logs[] = {"mesh", "logs", "web.1", "-fn7"};
	char *since[] = {"mesh", "logs", "web.1", "--since", "1h"};
	char *apply[] = {"mesh", "apply", "--force", "1.00000001.2"};
	char *to[] = {"mesh", "leader", "--to", "n2"}, *leader[] = {"mesh", "leader"};
	char *join[] = {"mesh", "join", "h:1"};
	char *show[] = {"mesh", "schedule", "show"};

	(void)state;
	request_is("{\"verb\":\"status\",\"args\":{}}", 2, status);
	request_is("{\"verb\":\"ps\",\"args\":{\"role\":null}}", 2, ps);
	request_is("{\"verb\":\"ps\",\"args\":{\"role\":\"web\"}}", 3, ps_web);
	request_is("{\"verb\":\"logs\",\"args\":{\"instance\":\"web.1\","
		   "\"follow\":true,\"lines\":7}}",
	    4, logs);
	request_is("{\"verb\":\"logs\",\"args\":{\"instance\":\"web.1\","
		   "\"follow\":false,\"lines\":10000,\"since_ms\":-3600000}}",
	    5, since);
	request_is("{\"verb\":\"apply\",\"args\":{\"stamp\":\"1.00000001.2\","
		   "\"force\":true}}",
	    4, apply);
	request_is("{\"verb\":\"leader\",\"args\":{\"to\":\"n2\"}}", 4, to);
	request_is("{\"verb\":\"leader\",\"args\":{}}", 2, leader);
	request_is("{\"verb\":\"join\",\"args\":{\"seed\":\"h:1\",\"forget\":false}}", 3, join);
	request_is("{\"verb\":\"schedule\",\"args\":{\"command\":\"show\",\"force\":false}}", 3, show);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values),
	    cmocka_unit_test(hostile),
	    cmocka_unit_test(depth),
	    cmocka_unit_test(too_many_values),
	    cmocka_unit_test(mutations),
	    cmocka_unit_test(answers),
	    cmocka_unit_test(requests),
	    cmocka_unit_test(request_of_the_greatest_recovery),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
