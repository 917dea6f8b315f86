/*
 * planworld.h - three nodes, one that has left, two templates; and a script's result judged there.
 */
#ifndef TESTS_PLANWORLD_H
#define TESTS_PLANWORLD_H

#include "mpjson.h"
#include "world.h"

static struct view_node nodes[4];
static struct plan_template templates[2] = {{.name = "front/v1"}, {.name = "web/v2"}};

static struct plan_world
world(void)
{
	nodes[0] = world_node("c");
	nodes[1] = world_node("a");
	nodes[2] = world_node("gone");
	nodes[2].state = VIEW_LEFT;
	nodes[3] = world_node("b");
	memset(templates[1].hash.b, 7, HASH_BYTES);
	return (struct plan_world){nodes, 4, templates, 2};
}

static int
check(const char *text, struct plan *out, struct err *err)
{
	struct plan_world w = world();
	struct blob b = mpjson(text);
	int rc = plan_check(b.b, b.len, &w, out, err);

	blob_free(&b);
	return rc;
}

/* A web role, and whatever else. */
#define WEB "'roles': {'web': {'on_split': 'replace'}}"
/* With that, roles on node a; and of it these instances. */
#define AT_A(roles) "{" WEB ", 'nodes': {'a': {'roles': {" roles "}}}}"
#define ON_A(instances) AT_A("'web': {'sandbox': 'web', 'instances': {" instances "}}")

#endif
