/*
 * Layers of variables, and everything a template may name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../daemon/core/vars.h"
#include "mpjson.h"
#include "mptext.h"
#include "world.h"

static const struct {
	const char *layers[4], *merged;
} merges[] = {
    {{NULL}, "{}"},
    {{"{}", "{}"}, "{}"},
    {{"{'b': 1, 'a': 2}"}, "{'a': 2, 'b': 1}"},
    {{"{'a': 1}", "{'a': 2, 'b': 3}", "{'b': 4}"}, "{'a': 2, 'b': 4}"},
    /* two levels deep */
    {{"{'m': {'x': 1, 'y': 1}}", "{'m': {'y': 2, 'z': 2}}", "{'m': {'z': 3}}"},
	"{'m': {'x': 1, 'y': 2, 'z': 3}}"},
    /* and not three */
    {{"{'m': {'x': {'p': 1, 'q': 1}}}", "{'m': {'x': {'p': 2}}}"}, "{'m': {'x': {'p': 2}}}"},
    /* another type replaces, also a map by something else and back */
    {{"{'m': {'x': 1}}", "{'m': 5}"}, "{'m': 5}"},
    {{"{'m': 5}", "{'m': {'x': 1}}"}, "{'m': {'x': 1}}"},
    {{"{'m': {'x': 1}}", "{'m': 5}", "{'m': {'y': 2}}"}, "{'m': {'y': 2}}"},
    {{"{'m': [1, 2]}", "{'m': [3]}"}, "{'m': [3]}"},
    {{"{'m': {'x': 1}}", "{'m': null}"}, "{'m': null}"},
    {{"{'m': {}}", "{'m': {'b': 1, 'a': 2}}"}, "{'m': {'a': 2, 'b': 1}}"},
    {{"{'ab': 1, 'a': 2, 'b': 3, '': 0}"}, "{'': 0, 'a': 2, 'ab': 1, 'b': 3}"},
};

static void
later_layers_win_two_levels_deep(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(merges); i++) {
		struct blob in[4] = {{0}}, out;
		struct slice layers[4];

		for (size_t k = 0; k < 4; k++) {
			if (merges[i].layers[k] != NULL)
				in[k] = mpjson(merges[i].layers[k]);
			layers[k] = blob_slice(&in[k]);
		}
		assert_int_equal(vars_merge(layers, 4, &out), 0);
		assert_mp(blob_slice(&out), merges[i].merged);
		blob_free(&out);
		for (size_t k = 0; k < 4; k++)
			blob_free(&in[k]);
	}
}

static int
merge_one(const char *text)
{
	struct blob in = mpjson(text), out;
	struct slice layers[2] = {{0}, blob_slice(&in)};
	int rc = vars_merge(layers, 2, &out);

	blob_free(&out);
	blob_free(&in);
	return rc;
}

static void
what_is_not_a_map_is_refused(void **state)
{
	(void)state;
	struct blob b = mpjson("{'a': {'x': 1}, 'b': [1, 2, 'three']}"), out;
	struct slice layers[VARS_LAYERS_MAX + 1] = {{0}};

	assert_int_equal(merge_one("5"), -ERR_MALFORMED);
	assert_int_equal(merge_one("[1]"), -ERR_MALFORMED);
	assert_int_equal(merge_one("{1: 2}"), -ERR_MALFORMED);
	assert_int_equal(merge_one("{'a': 1, 'a': 1}"), -ERR_MALFORMED);
	for (size_t len = 1; len < b.len; len++) {
		layers[0] = (struct slice){b.b, len};
		assert_true(vars_merge(layers, 1, &out) < 0);
		assert_null(out.b);
	}
	assert_int_equal(vars_merge(layers, VARS_LAYERS_MAX + 1, &out), -ERR_RANGE);
	blob_free(&b);
}

static void
size_is_bounded(void **state)
{
	(void)state;
	size_t big = VARS_BYTES_MAX;
	char *text = malloc(big + 16);
	struct pack p;
	struct blob many;
	char key[16];

	memset(text, 'x', big + 16);
	memcpy(text, "{'w': '", 7);
	memcpy(text + big, "'}", 3);
	assert_int_equal(merge_one(text), -ERR_LONG);
	free(text);
	pack_begin(&p, 1 << 20);
	pack_map(&p, VARS_KEYS_MAX + 1);
	for (int i = 0; i <= VARS_KEYS_MAX; i++) {
		snprintf(key, sizeof key, "%d", i);
		pack_str(&p, key);
		pack_nil(&p);
	}
	assert_int_equal(pack_end(&p, &many), 0);
	struct slice layer = blob_slice(&many);
	struct blob out;

	assert_int_equal(vars_merge(&layer, 1, &out), -ERR_LONG);
	blob_free(&many);
}

static void
a_template_sees_its_world(void **state)
{
	(void)state;
	struct view_node nodes[] = {world_node("a"), world_node("b")};
	struct plan_world w = {nodes, 2, NULL, 0};
	struct blob out, b = mpjson("{'vars': {'x': 1, 'm': {'p': 1, 'q': 1}},"
	    " 'roles': {'web': {'on_split': 'keep', 'version': 'v1', 'vars': {'y': 2, 'm': {'q': 2}}}},"
	    " 'nodes': {'a': {'vars': {'y': 3}, 'roles': {'web': {'sandbox': 'web', 'vars': {'z': 4},"
	    " 'instances': {'web.1': {'process': 'p', 'image': 'web-v1', 'vars': {'port': 80}}}}}}}}");
	struct plan p;
	struct err err;

	assert_int_equal(plan_check(b.b, b.len, &w, &p, &err), 0);
	struct vars_render in = {.plan = &p, .node = "a", .role = "web", .address = "10.0.0.1",
	    .zone = "z1", .stamp = "7.0a0b0c0d.3"};

#define SCHEDULE                                                                                \
	"'schedule': {'nodes': {'a': {'roles': {'web': {'instances': {'web.1': {'image': 'web-v1', "\
	"'process': 'p', 'vars': {'port': 80}}}, 'sandbox': 'web', 'vars': {'z': 4}}}, "           \
	"'vars': {'y': 3}}}, 'roles': {'web': {'on_split': 'keep', "                               \
	"'vars': {'y': 2, 'm': {'q': 2}}, 'version': 'v1'}}, 'stamp': '7.0a0b0c0d.3'}"
	assert_int_equal(vars_render(&in, &out), 0);
	assert_mp(blob_slice(&out), "{'deployment': '7.0a0b0c0d.3', "
	    "'instances': {'web.1': {'image': 'web-v1', 'process': 'p', 'vars': {'port': 80}}}, "
	    "'node': {'address': '10.0.0.1', 'name': 'a', 'zone': 'z1'}, "
	    "'role': {'name': 'web', 'version': 'v1'}, " SCHEDULE ", "
	    "'vars': {'m': {'p': 1, 'q': 2}, 'x': 1, 'y': 3, 'z': 4}}");
	blob_free(&out);
	/* A node that the schedule does not name runs nothing of it. */
	in.node = "b";
	assert_int_equal(vars_render(&in, &out), 0);
	assert_mp(blob_slice(&out), "{'deployment': '7.0a0b0c0d.3', 'instances': {}, "
	    "'node': {'address': '10.0.0.1', 'name': 'b', 'zone': 'z1'}, "
	    "'role': {'name': 'web', 'version': 'v1'}, " SCHEDULE ", "
	    "'vars': {'m': {'p': 1, 'q': 2}, 'x': 1, 'y': 2}}");
	blob_free(&out);
	plan_free(&p);
	blob_free(&b);
}

static void
an_update_is_of_another_version_here(void **state)
{
	(void)state;
	struct view_node node = world_node("a");
	struct plan_world w = {&node, 1, NULL, 0};
	struct blob out, b = mpjson("{'roles': {'web': {'on_split': 'keep', 'version': 'v1'}},"
	    " 'nodes': {'a': {'roles': {'web': {'version': 'v2'}}}}}");
	struct plan p;
	struct err err;
	char *text;

	assert_int_equal(plan_check(b.b, b.len, &w, &p, &err), 0);
	struct vars_render in = {.plan = &p, .node = "a", .role = "web", .address = "", .zone = "", .stamp = ""};

	assert_int_equal(vars_render(&in, &out), 0);
	text = mptext(blob_slice(&out));
	assert_non_null(strstr(text, "'role': {'name': 'web', 'version': 'v2'}"));
	free(text);
	blob_free(&out);
	plan_free(&p);
	blob_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(later_layers_win_two_levels_deep),
	    cmocka_unit_test(what_is_not_a_map_is_refused),
	    cmocka_unit_test(size_is_bounded),
	    cmocka_unit_test(a_template_sees_its_world),
	    cmocka_unit_test(an_update_is_of_another_version_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
