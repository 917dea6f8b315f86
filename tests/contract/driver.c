/*
 * driver.c - both ends of the scheduler's contract as C has them, for tests/golden/contract.py:
 *
 *	driver check < frames    each (4 bytes of length, big-endian, and msgpack) is a script's
 *	                         output for the world below; a line each: "ok", or what is wrong
 *	driver input < output    the input of the next round in that world, where that output is
 *	                         the schedule in force: msgpack
 *
 * The world: n1, n2 and n3, the last one lost; everything about them is set that can be, so
 * that whatever may be packed is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../daemon/base/scriptio.h"
#include "../../daemon/core/actdesk.h"
#include "../../daemon/core/input.h"
#include "../../daemon/core/metricscode.h"
#include "../../daemon/core/schedule.h"
#include "../../daemon/core/standard.h"
#include "../unit/core/world.h"

enum { NOW_MS = 1700000000 };

static const struct plan_template templates[] = {{"web", {{1}}}};

static void
need(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "driver: %s\n", what);
	exit(2);
}

static size_t
read_all(uint8_t *buf, size_t cap)
{
	size_t n = fread(buf, 1, cap, stdin);

	need(n < cap, "too much on standard input");
	return n;
}

static void
make_nodes(struct view_node nodes[3])
{
	static const char *const names[] = {"n1", "n2", "n3"};

	for (int i = 0; i < 3; i++) {
		struct view_node *n = &nodes[i];

		*n = world_node(names[i]);
		strcpy(n->address, "10.0.0.1");
		strcpy(n->zone, "z1");
		strcpy(n->version, "0.2.0");
		strcpy(n->tags, "disk=ssd,fast");
		strcpy(n->facts.arch, "x86_64");
		strcpy(n->facts.kernel, "6.1");
		n->facts.cpus = 4;
		n->facts.memory_bytes = 1000;
		n->since_ms = 5;
		n->metrics = (struct view_metrics){.load1 = 0.5, .cpu_percent = 12.5, .memory_free_bytes = 1,
		    .disk_free_bytes = 2, .disk_bytes = 3};
		for (uint32_t row = 0; row < VIEW_STANDARD_COUNT; row++)
			n->metrics.standard[row] = standard_code(row, 1.25, 0);
	}
	nodes[2].state = VIEW_NODE_FAILED;
}

/* What a node says to an entry of a query: one series that is its own. */
static struct blob
answer_of(const struct query_entry *x, const char *node)
{
	static uint8_t bytes[LABELS_BYTES_MAX];
	int64_t at[2] = {NOW_MS - QUERY_TREND_MS, NOW_MS};
	double v[2] = {1.5, 3};
	struct prom_series series = {.at_ms = at, .values = v, .count = 2};
	struct prom_result r = {PROM_MATRIX, &series, 1, {0}, NULL};
	struct blob answer, out;
	struct labels l = {0};

	need(labels_set(&l, slice_of("node"), slice_of(node)) == 0, "labels");
	series.labels = (struct slice){bytes, (size_t)labels_pack(&l, bytes, sizeof bytes)};
	need(metricscode_results(&r, 1, 1 << 20, &answer) == 0, "metricscode_results");
	need(query_pack(x, NOW_MS, blob_slice(&answer), &out) == 0, "query_pack");
	blob_free(&answer);
	return out;
}

static struct view_instance
make_instance(const char *node, uint64_t since_ms)
{
	struct view_instance v = {.state = VIEW_RUNNING, .health = VIEW_HEALTHY, .restarts = 1, .since_ms = since_ms};

	strcpy(v.id, "web.1");
	strcpy(v.role, "web");
	strcpy(v.version, "v1");
	strcpy(v.node, node);
	strcpy(v.image, "web-v1");
	v.unrendered = true;
	return v;
}

/* One of a role, and one of a node. */
static void
make_actions(struct actdesk_item items[2])
{
	static const char *const roles[] = {"web", ""};
	struct slice arg = slice_of("count=5");
	struct err err;

	for (int i = 0; i < 2; i++) {
		struct action *a = &items[i].a;

		memset(&items[i], 0, sizeof items[i]);
		strcpy(items[i].node, "n1");
		need(action_make(a, roles[i], "scale", &arg, 1, &err) == 0, "action_make");
		a->number = (uint64_t)i + 1;
		a->stamp_ms = NOW_MS;
		a->uid = 1000;
		a->tries = 1;
	}
}

static void
make_parent(const uint8_t *output, size_t len, const struct plan_world *world, struct blob *out)
{
	struct crypto crypto = world_crypto();
	struct schedule_meta meta = {.grade = 2, .at_ms = 7, .stamp = {.term = 3, .seq = 4}};
	struct schedule s;
	struct plan plan;
	struct hash h;
	struct err err;

	memcpy(meta.pk, world_pk, sizeof meta.pk);
	world_hash(NULL, &h, world_pk, sizeof world_pk);
	memcpy(meta.stamp.leader.b, h.b, sizeof meta.stamp.leader.b);
	if (plan_check(output, len, world, &plan, &err) < 0 || schedule_build(&s, &plan, &meta, &crypto, &err) < 0)
		need(false, err.text);
	need(schedule_to_parent(&s, out) == 0, "schedule_to_parent");
	schedule_free(&s);
	plan_free(&plan);
}

/* One query that has an answer, and one that this node does not understand. */
static const uint8_t asked[] = "\x82\xa4" "load" "\xaa" "node_load1" "\xa4" "none" "\xa4" "sum(";

static void
say_input(const uint8_t *output, size_t len, struct plan_world *world, struct view_node nodes[3])
{
	struct view_instance running[] = {make_instance("n1", 5), make_instance("n2", 6)};
	struct input_meta meta = {.role = "web", .version = "v1"};
	struct view_answer answers[2];
	struct query_set query;
	struct blob parent, out;

	make_parent(output, len, world, &parent);
	need(query_read((struct slice){asked, sizeof asked - 1}, &query) == 0 && query.count == 2, "query_read");
	for (size_t i = 0; i < query.count; i++)
		if (query.entries[i].split != NULL) {
			answers[0] = (struct view_answer){.mark = query.entries[i].mark, .bytes = answer_of(&query.entries[i], "n1")};
			strcpy(answers[0].name, query.entries[i].name);
			nodes[0].answers = answers;
			nodes[0].answers_count = 1;
		}
	struct slice parents[] = {blob_slice(&parent)};
	struct actdesk_item items[2];
	const struct actdesk_item *const actions[] = {&items[0], &items[1]};

	make_actions(items);
	struct input in = {.now_ms = NOW_MS, .self = "n1", .side = {2, 2, 3, 7}, .nodes = nodes, .nodes_count = 3,
	    .instances = running, .instances_count = 2, .metas = &meta, .metas_count = 1, .parents = parents,
	    .parents_count = 1, .actions = actions, .actions_count = 2, .query = query};

	need(input_pack(&in, &out) == 0, "input_pack");
	fwrite(out.b, 1, out.len, stdout);
	blob_free(&out);
	blob_free(&parent);
	for (size_t i = 0; i < nodes[0].answers_count; i++)
		blob_free(&answers[i].bytes);
	query_free(&query);
}

static void
check_frames(const uint8_t *buf, size_t len, const struct plan_world *world)
{
	for (size_t at = 0; at + 4 <= len;) {
		size_t n = (size_t)buf[at] << 24 | (size_t)buf[at + 1] << 16 | (size_t)buf[at + 2] << 8 | buf[at + 3];
		struct plan plan;
		struct err err;

		need(n <= len - at - 4, "a frame is cut");
		if (plan_check(buf + at + 4, n, world, &plan, &err) == 0) {
			/* What is wrong within a role is that role's error; FULL has one of its own. */
			puts(plan.errors_count > 0 && plan.errors[0].refused ? plan.errors[0].text : "ok");
			plan_free(&plan);
		} else {
			puts(err.text);
		}
		at += 4 + n;
	}
}

int
main(int argc, char **argv)
{
	size_t cap = (size_t)SCRIPT_IN_BYTES_MAX, len;
	uint8_t *buf = malloc(cap);
	struct view_node nodes[3];
	struct plan_world world = {nodes, 3, templates, 1};

	need(argc == 2 && buf != NULL, "usage: driver check|input");
	make_nodes(nodes);
	len = read_all(buf, cap);
	if (strcmp(argv[1], "check") == 0)
		check_frames(buf, len, &world);
	else
		say_input(buf, len, &world, nodes);
	free(buf);
	return 0;
}
