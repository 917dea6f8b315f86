/*
 * The world as a script sees it: its shape, and that no order of the world's
 * lists reaches it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../daemon/core/input.h"
#include "../../../gossip/mesh.h"
#include "mpjson.h"
#include "world.h"

static struct view_instance
instance(const char *id, const char *node, enum view_state state, uint64_t since)
{
	struct view_instance v;

	memset(&v, 0, sizeof v);
	strcpy(v.id, id);
	strcpy(v.role, "web");
	strcpy(v.version, "v1");
	strcpy(v.node, node);
	strcpy(v.image, "web-v1");
	v.state = state;
	v.health = VIEW_HEALTHY;
	v.since_ms = since;
	return v;
}

static char *
pack(const struct input *in)
{
	struct blob out;
	char *text;

	assert_int_equal(input_pack(in, &out), 0);
	text = mptext(blob_slice(&out));
	blob_free(&out);
	return text;
}

static void
assert_has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("no\n%s\nin\n%s", part, text);
}

static void
an_empty_world(void **state)
{
	(void)state;
	struct input in = {.now_ms = 5, .self = "a"};
	char *text = pack(&in);

	assert_string_equal(text,
	    "{'api': 1, 'now': 5, 'self': 'a', 'actions': [], 'metrics': {}, 'nodes': {}, "
	    "'side': {'grade': 'none', 'known': 0, 'lost': [], 'term': 0, 'visible': 0}, "
	    "'running': {}, 'copies': {}, 'parents': [], 'vars': {}, 'roles': {}}");
	free(text);
}

static void
actions_by_stamp(void **state)
{
	static const char arg[] = "count=5";
	static struct actdesk_item items[3];
	const struct slice args[] = {{(const uint8_t *)arg, sizeof arg - 1}};
	const struct actdesk_item *given[] = {&items[0], &items[1], &items[2]};
	struct input in = {.self = "a", .actions = given, .actions_count = 3};
	struct err err;
	char *text;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(action_make(&items[i].a, i == 1 ? "" : "web", "scale", args, i == 0, &err), 0);
		snprintf(items[i].node, sizeof items[i].node, "n%zu", 3 - i);
		items[i].a.number = 17;
		items[i].a.stamp_ms = i == 0 ? 9 : 8;
		items[i].a.uid = 1000;
	}
	items[0].a.tries = 2;
	text = pack(&in);
	assert_has(text, "'actions': ["
	    "{'args': {}, 'by': 'uid 1000', 'id': 'n1.17', 'name': 'scale', 'node': 'n1', 'role': 'web', "
	    "'stamp': 8, 'tries': 0}, "
	    "{'args': {}, 'by': 'uid 1000', 'id': 'n2.17', 'name': 'scale', 'node': 'n2', "
	    "'stamp': 8, 'tries': 0}, "
	    "{'args': {'count': '5'}, 'by': 'uid 1000', 'id': 'n3.17', 'name': 'scale', 'node': 'n3', "
	    "'role': 'web', 'stamp': 9, 'tries': 2}]");
	free(text);
}

static void
nodes_and_the_side(void **state)
{
	(void)state;
	char sandboxes[2][NAME_CAP] = {"web", "front"};
	struct view_node nodes[3] = {world_node("n2"), world_node("n1"), world_node("n1")}, twin;
	struct input in = {.now_ms = 5, .self = "n1", .nodes = nodes, .nodes_count = 3,
	    .side = {MESH_GRADE_FULL, 2, 3, 7}};
	struct view_node *n = &nodes[1];
	char *text;

	strcpy(n->address, "10.0.0.1");
	strcpy(n->zone, "z1");
	strcpy(n->version, "0.2.1");
	strcpy(n->tags, "disk=ssd,fast,empty=");
	n->since_ms = 99;
	n->draining = true;
	strcpy(n->facts.arch, "x86_64");
	strcpy(n->facts.kernel, "6.1");
	n->facts.cpus = 4;
	n->facts.memory_bytes = 1000;
	n->facts.config_hash = 0xabc;
	n->facts.sandboxes = sandboxes;
	n->facts.sandboxes_count = 2;
	n->metrics = (struct view_metrics){.load1 = 0.5,
	    .cpu_percent = 12.5,
	    .memory_free_bytes = 100,
	    .disk_free_bytes = 200,
	    .disk_bytes = 300,
	    .standard = {26, 1}};
	nodes[0].state = VIEW_NODE_FAILED;
	nodes[0].reported = false;
	nodes[2].state = VIEW_NODE_FAILED; /* an older host of the same name */
	memset(&nodes[2].id, 0, sizeof nodes[2].id);
	twin = nodes[2];
	nodes[2] = nodes[1];
	nodes[1] = twin;
	text = pack(&in);
	assert_has(text, "'n1': {'address': '10.0.0.1', 'draining': true, 'facts': {"
	    "'arch': 'x86_64', 'config_hash': '0000000000000abc', 'cpus': 4, "
	    "'images': ['web-v1', 'web-v2'], 'kernel': '6.1', 'memory': 1000, "
	    "'sandboxes': ['front', 'web']}, 'free': {'cpus': 3.5, 'memory': 100}, "
	    "'metrics': {'cpu_percent': 12.5, 'disk': 300, 'disk_free': 200, 'load1': 0.5, "
	    "'memory_free': 100, 'cpu_user': 0.25, 'cpu_system': 0}, 'reported': true, 'since': 99, 'state': 'alive', "
	    "'tags': {'disk': 'ssd', 'fast': true, 'empty': ''}, 'unstable': false, 'version': '0.2.1', 'zone': 'z1'}, "
	    "'n2': {'address': ''");
	assert_has(text,
	    "'side': {'grade': 'full', 'known': 3, 'lost': ['n2'], 'term': 7, 'visible': 2}");
	assert_null(strstr(strstr(text, "'n1': {") + 1, "'n1': {"));
	free(text);
}

static void
what_runs_and_its_copies(void **state)
{
	(void)state;
	struct view_instance v[] = {
	    instance("web.2", "n2", VIEW_RUNNING, 50),
	    instance("web.2", "n1", VIEW_RUNNING, 40),
	    instance("web.2", "n3", VIEW_LOST, 10),
	    instance("web.1", "n1", VIEW_CRASH_LOOP, 30),
	};
	struct input in = {.self = "a", .instances = v, .instances_count = 4};
	char *text;

	strcpy(v[3].error, "exited 1");
	v[3].restarts = 9;
	v[3].unrendered = true;
	v[3].health = VIEW_HEALTH_NONE;
	text = pack(&in);
#define WEB2(node, since, st) \
	"{'error': '', 'health': 'healthy', 'image': 'web-v1', 'node': '" node "', 'restarts': 0, " \
	"'role': 'web', 'since': " #since ", 'state': '" st "', 'version': 'v1'}"
	assert_has(text, "'running': {'web.1': {'error': 'exited 1', 'health': 'none', "
	    "'image': 'web-v1', 'node': 'n1', 'restarts': 9, 'role': 'web', 'since': 30, "
	    "'state': 'crash-loop', 'unrendered': true, 'version': 'v1'}, 'web.2': " WEB2("n1", 40, "running") "}, "
	    "'copies': {'web.2': [" WEB2("n1", 40, "running") ", " WEB2("n2", 50, "running") ", "
	    WEB2("n3", 10, "lost") "]}");
	free(text);
}

static void
order_does_not_reach_it(void **state)
{
	(void)state;
	struct view_node nodes[5], turned[5];
	struct view_instance v[5], turned_v[5];
	struct input a = {.self = "n1", .nodes = nodes, .nodes_count = 5, .instances = v,
	    .instances_count = 5};
	struct input b = a;
	char name[8];

	for (int i = 0; i < 5; i++) {
		snprintf(name, sizeof name, "n%c", '0' + i);
		nodes[i] = world_node(name);
		v[i] = instance("web.1", name, VIEW_RUNNING, (uint64_t)(i / 2));
	}
	for (int turn = 0; turn < 5; turn++) {
		struct blob x, y;

		for (int i = 0; i < 5; i++) {
			turned[i] = nodes[(i + turn) % 5];
			turned_v[i] = v[(i * 2 + turn) % 5];
		}
		b.nodes = turned;
		b.instances = turned_v;
		assert_int_equal(input_pack(&a, &x), 0);
		assert_int_equal(input_pack(&b, &y), 0);
		assert_true(slice_eq(blob_slice(&x), blob_slice(&y)));
		blob_free(&x);
		blob_free(&y);
	}
}

/* As many as are packed in several pieces, with two of one id where one ends; what a piece does not
 * name is not there for it. */
static void
the_same_in_pieces(void **state)
{
	enum { MANY = 10000 };
	struct view_instance *v = calloc(MANY, sizeof *v);
	struct view_node node = world_node("n1");
	struct slice parent = {(const uint8_t *)"\x80", 1};
	struct input all = {.now_ms = 7, .self = "n1", .nodes = &node, .nodes_count = 1,
	    .instances = v, .instances_count = MANY, .parents = &parent, .parents_count = 1};
	struct blob x, y;
	int pieces = 0, rc = 1;
	char id[16];

	(void)state;
	for (int i = 0; i < MANY; i++) {
		snprintf(id, sizeof id, "web.%05d", i - (i == 4096)); /* after the sort too */
		v[(i * 7919) % MANY] = instance(id, "n1", VIEW_RUNNING, (uint64_t)i);
	}
	assert_int_equal(input_pack(&all, &x), 0);
	struct inputwork *w = input_begin(&(struct input){.now_ms = 7, .self = "n1", .nodes = &node, .nodes_count = 1});
	assert_non_null(w);
	input_nodes(w, &(struct input){.now_ms = 7});
	for (; rc > 0; pieces++)
		rc = input_instances(w, &(struct input){.instances = v, .instances_count = MANY});
	assert_int_equal(rc, 0);
	assert_true(pieces > 3);
	free(v);
	assert_int_equal(input_close(w, &(struct input){.parents = &parent, .parents_count = 1}, &y), 0);
	assert_true(slice_eq(blob_slice(&x), blob_slice(&y)));
	blob_free(&x);
	blob_free(&y);
	w = input_begin(&(struct input){.self = "n1"});
	assert_non_null(w);
	input_drop(w);
	input_drop(NULL);
}

/* A flat document of "path type value" lines: m and l count, i, s, b, n, t. */
static struct flat
doc(uint8_t *buf, size_t cap, const char *const *lines)
{
	struct flat_out o;
	struct flat f;

	flat_begin(&o, buf, cap);
	for (; *lines != NULL; lines++) {
		char path[64] = "", type;
		int at = 0;

		if ((*lines)[0] == ' ')
			sscanf(*lines, " %c %n", &type, &at);
		else
			sscanf(*lines, "%63s %c %n", path, &type, &at);
		const char *value = *lines + at;
		uint32_t count = (uint32_t)atoi(value);
		uint8_t yes = *value == 't';
		double real = atof(value);

		if (type == 'm' || type == 'l') /* little-endian, as the test's host */
			flat_put(&o, path, type == 'm' ? FLAT_MAP : FLAT_LIST, 1, 1, &count, 4);
		else if (type == 'i')
			flat_put_int(&o, path, atoi(value));
		else if (type == 'b')
			flat_put(&o, path, FLAT_BOOL, 1, 1, &yes, 1);
		else if (type == 'f')
			flat_put(&o, path, FLAT_FLOAT, 1, 1, &real, 8);
		else if (type == 'n')
			flat_put(&o, path, FLAT_NULL, 1, 1, NULL, 0);
		else
			flat_put_str(&o, path, value);
	}
	size_t len = flat_end(&o);

	assert_true(len > 0);
	assert_int_equal(flat_open(&f, buf, len), 0);
	return f;
}

static const char *const processes[] = {" m 3", "web m 3", "web/image s web-v1",
    "web/ports l 3", "web/ports/0 i 80", "web/ports/1 f 1.5", "web/ports/2 b true",
    "web/none n", "a\\/b! s Tag", "a\\/b m 0", "on l 0", NULL};
static const char *const own[] = {" m 2", "image s web-v2", "files m 1", "files/x i 1", NULL};

static void
metadata_of_roles(void **state)
{
	(void)state;
	uint8_t b1[2048], b2[2048];
	struct flat d1 = doc(b1, sizeof b1, processes), d2 = doc(b2, sizeof b2, own);
	struct input_meta m[] = {
	    {"web", "v2", "processes", d1},
	    {"web", "v2", "files", d1}, /* its name is a key of the version's own */
	    {"web", "v2", "", d2},
	    {"web", "v1", "processes", d1},
	    {"web", "v3", "", {NULL, 0}},
	    {"db", "v1", "empty", {NULL, 0}},
	};
	struct input in = {.self = "a", .metas = m, .metas_count = 6};
	char *text = pack(&in);

#define PROCESSES                                                                       \
	"'processes': {'web': {'image': 'web-v1', 'ports': [80, 1.5, true], 'none': null}, " \
	"'a/b': {}, 'on': []}"
	assert_has(text, "'roles': {'db': {'versions': {'v1': {'empty': {}}}}, "
	    "'web': {'versions': {'v1': {" PROCESSES "}, "
	    "'v2': {'image': 'web-v2', 'files': {'x': 1}, " PROCESSES "}, 'v3': {}}}}}");
	free(text);
}

static void
a_document_that_does_not_add_up_is_refused(void **state)
{
	(void)state;
	static const char *const bad[][6] = {
	    {" m 2", "a s long enough for flat_open to believe in two", NULL},
	    {" m 1", "a i 1", "b i 2", NULL}, /* one more than it says */
	    {" m 1", "a m 1", "b i 2", NULL}, /* not its child */
	    {" m 1", "a l 1", "ab i 2", NULL},
	};
	uint8_t buf[1024];

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct input_meta m = {"web", "v1", "x", doc(buf, sizeof buf, bad[i])};
		struct input in = {.self = "a", .metas = &m, .metas_count = 1};
		struct blob out;

		assert_int_equal(input_pack(&in, &out), -ERR_MALFORMED);
		assert_null(out.b);
	}
	/* The version's own keys must be a map. */
	const char *const list[] = {" l 1", "0 i 1", NULL};
	struct input_meta m = {"web", "v1", "", doc(buf, sizeof buf, list)};
	struct input in = {.self = "a", .metas = &m, .metas_count = 1};
	struct blob out;

	assert_int_equal(input_pack(&in, &out), -ERR_MALFORMED);
}

static void
parents_and_vars_go_through(void **state)
{
	(void)state;
	struct blob p1 = mpjson("{'stamp': '1'}"), p2 = mpjson("{'stamp': '2'}"),
		    vars = mpjson("{'x': [1]}"), list = mpjson("[1]"), out;
	struct slice parents[] = {blob_slice(&p1), blob_slice(&p2)};
	struct input in = {.self = "a", .parents = parents, .parents_count = 2,
	    .vars = blob_slice(&vars)};
	char *text = pack(&in);

	assert_has(text, "'parents': [{'stamp': '1'}, {'stamp': '2'}], 'vars': {'x': [1]}");
	free(text);
	parents[1].len--;
	assert_int_equal(input_pack(&in, &out), -ERR_MALFORMED);
	parents[1] = blob_slice(&list);
	assert_int_equal(input_pack(&in, &out), -ERR_MALFORMED);
	in.parents_count = 1;
	in.vars = blob_slice(&list);
	assert_int_equal(input_pack(&in, &out), -ERR_MALFORMED);
	blob_free(&p1);
	blob_free(&p2);
	blob_free(&vars);
	blob_free(&list);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_same_in_pieces),
	    cmocka_unit_test(an_empty_world),
	    cmocka_unit_test(actions_by_stamp),
	    cmocka_unit_test(nodes_and_the_side),
	    cmocka_unit_test(what_runs_and_its_copies),
	    cmocka_unit_test(order_does_not_reach_it),
	    cmocka_unit_test(metadata_of_roles),
	    cmocka_unit_test(a_document_that_does_not_add_up_is_refused),
	    cmocka_unit_test(parents_and_vars_go_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
