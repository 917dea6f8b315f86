/*
 * What one schedule decides otherwise than another; shapes that are none; and an input that
 * was saved as JSON, which must be packed as the engine packed it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#include "../../../daemon/cli/answer.h"
#include "../../../daemon/cli/decide.h"
#include "../../../daemon/cli/raw.h"
#include "../../../daemon/io/pack.h"

static json_t *
load(const char *text)
{
	json_t *v = json_loads(text, JSON_DECODE_ANY, NULL);

	assert_non_null(v);
	return v;
}

static void
differ(const char *before, const char *after, const char *want, const char *sum)
{
	json_t *a = load(before), *b = load(after), *diff = decide_diff(a, b);
	char *said = json_dumps(diff, JSON_COMPACT), text[160];

	assert_string_equal(said, want);
	decide_sum(diff, text, sizeof text);
	assert_string_equal(text, sum);
	free(said);
	json_decref(diff);
	json_decref(a);
	json_decref(b);
}

#define ON(node, id, image)                                                                        \
	"\"" node "\": {\"roles\": {\"web\": {\"sandbox\": \"s\", \"instances\": {\"" id             \
	"\": {\"process\": \"p\", \"image\": \"" image "\", \"vars\": {\"k\": \"secret\"}}}}}}"

static void
instances(void **state)
{
	(void)state;
	differ("{\"nodes\": {" ON("n1", "web.1", "v1") "}}", "{\"nodes\": {" ON("n2", "web.1", "v1") "}}",
	    "[{\"change\":\"moved\",\"kind\":\"instance\",\"name\":\"web.1\",\"what\":[],\"role\":\"web\","
	    "\"from\":\"n1\",\"to\":\"n2\"}]",
	    "1 moved");
	differ("{\"nodes\": {" ON("n1", "web.1", "v1") "}}", "{\"nodes\": {" ON("n1", "web.1", "v2") "}}",
	    "[{\"change\":\"changed\",\"kind\":\"instance\",\"name\":\"web.1\",\"what\":[\"image v1 -> v2\"],"
	    "\"role\":\"web\",\"from\":\"n1\",\"to\":\"n1\"}]",
	    "1 changed");
	differ("{}", "{\"nodes\": {" ON("n1", "web.1", "v1") "}}",
	    "[{\"change\":\"added\",\"kind\":\"instance\",\"name\":\"web.1\",\"what\":[],\"role\":\"web\","
	    "\"from\":null,\"to\":\"n1\"}]",
	    "1 added");
}

/* Names of variables, never what they are. */
static void
names_alone(void **state)
{
	(void)state;
	differ("{\"roles\": {\"web\": {\"version\": \"v1\", \"vars\": {\"key\": \"a\", \"same\": 1}}}, \"state\": {\"n\": 1}}",
	    "{\"roles\": {\"web\": {\"version\": \"v2\", \"vars\": {\"key\": \"b\", \"same\": 1}}}, \"state\": {\"n\": 2}}",
	    "[{\"change\":\"changed\",\"kind\":\"role\",\"name\":\"web\",\"what\":[\"version v1 -> v2\",\"vars.key\"]},"
	    "{\"change\":\"changed\",\"kind\":\"plan\",\"name\":\"state\",\"what\":[\"state.n\"]}]",
	    "1 roles, 1 of the plan's own");
	/* Lua has one empty table. */
	differ("{\"state\": [], \"roles\": {}}", "{\"state\": {}, \"vars\": null}", "[]", "the same");
}

static void
odd_shapes(void **state)
{
	static const char *const odd[] = {"null", "1", "[]", "{\"nodes\": []}", "{\"nodes\": {\"n1\": 1}}",
	    "{\"nodes\": {\"n1\": {\"roles\": [1]}}}", "{\"nodes\": {\"n1\": {\"roles\": {\"w\": 3}}}}",
	    "{\"nodes\": {\"n1\": {\"roles\": {\"w\": {\"instances\": [3]}}}}}",
	    "{\"nodes\": {\"n1\": {\"roles\": {\"w\": {\"instances\": {\"w.1\": 3}}}}}}",
	    "{\"roles\": [1], \"state\": 3}", "{\"roles\": {\"w\": 3}}"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(odd); i++)
		for (size_t k = 0; k < ARRAY_LEN(odd); k++) {
			json_t *a = load(odd[i]), *b = load(odd[k]), *diff = decide_diff(a, b);

			assert_true(json_is_array(diff));
			json_decref(diff);
			json_decref(a);
			json_decref(b);
		}
}

static void
saved_as_it_was(void **state)
{
	static const double reals[] = {0.5, 3.0, -1e300, 1.0 / 3.0, 12345678.9};
	static const int64_t ints[] = {0, 1, 127, 128, 255, 256, 65535, 65536, -1, -32, -33, -129, INT64_MAX, INT64_MIN};
	msgpack_sbuffer buf;
	msgpack_packer pk;
	struct blob again;
	struct err err;
	size_t at;

	(void)state;
	pk_begin_map(&buf, &pk, 5);
	pk_str(&pk, "ints");
	msgpack_pack_array(&pk, ARRAY_LEN(ints));
	for (size_t i = 0; i < ARRAY_LEN(ints); i++)
		msgpack_pack_int64(&pk, ints[i]);
	pk_str(&pk, "reals");
	msgpack_pack_array(&pk, ARRAY_LEN(reals));
	for (size_t i = 0; i < ARRAY_LEN(reals); i++)
		msgpack_pack_double(&pk, reals[i]);
	pk_kstr(&pk, "z", "text \xc3\xa4");
	pk_kstr(&pk, "a", "");
	pk_kbool(&pk, "b", true);
	json_t *v = answer_json((const uint8_t *)buf.data, buf.size, &at);
	char *text = json_dumps(v, JSON_INDENT(1));
	json_t *loaded = load(text);
	assert_int_equal(raw_of_json(loaded, &again, &err), 0);
	assert_int_equal(again.len, buf.size);
	assert_memory_equal(again.b, buf.data, buf.size);
	blob_free(&again);
	free(text);
	json_decref(v);
	json_decref(loaded);
	msgpack_sbuffer_destroy(&buf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(instances),
	    cmocka_unit_test(names_alone),
	    cmocka_unit_test(odd_shapes),
	    cmocka_unit_test(saved_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
