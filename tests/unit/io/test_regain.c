/*
 * test_regain.c - mesh recover over a real control socket, by a real machine whose
 * others are dead: who is named in what it says.
 */
/* The engine's words for what the machine and these tests have under the same names. */
#define world engine_world
#define report engine_report
#include "../../../daemon/io/engine.h"
#undef world
#undef report
#include "../../../daemon/io/pack.h"
#include "../../../daemon/io/regain.h"
#include "world.h"

#include "ctldesk.h"
#include "../../../gossip/inner.h"
#include "wire.h"

enum { STEPS_MAX = 120000, SETTLED_MS = 5000 };

static struct wire wire;
static struct engine engine;
static struct ctl ctl;
static struct world w;
static uv_loop_t loop;

static bool
writer(void *arg, uint32_t uid)
{
	(void)arg;
	(void)uid;
	return true;
}

static void
handle(void *arg, struct ctl_req *r)
{
	regain_verb(arg, r);
}

static bool
all_are(enum mesh_state state)
{
	struct mesh_member m;
	uint32_t i = 0;

	for (; mesh_member(wire.node[0], i, &m); i++)
		if (!m.self && (m.state != state || !m.in_roster))
			return false;
	return i == WIRE_NODES;
}

static int
setup(void **state)
{
	(void)state;
	world_open(&w);
	if (sodium_init() < 0 || ctldesk_open(&ctl, &loop, w.path, &engine, writer, handle) < 0 ||
	    !wire_init(&wire))
		return -1;
	for (int i = 0; i < STEPS_MAX && !all_are(MESH_ALIVE); i++)
		wire_step(&wire);
	for (int i = 0; i < SETTLED_MS; i++) /* of the change that took the last one in */
		wire_step(&wire);
	memset(wire.deaf, true, sizeof wire.deaf);
	for (int i = 0; i < STEPS_MAX && !all_are(MESH_FAILED); i++)
		wire_step(&wire);
	engine.mesh = wire.node[0];
	return all_are(MESH_FAILED) ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	ctldesk_close(&ctl, &loop);
	wire_free(&wire);
	world_close(&w);
	return 0;
}

/* What is answered when those are named: its text. */
static void
says(const char *lost, const char *expect)
{
	uint8_t buf[4096] = {0};
	msgpack_sbuffer b;
	msgpack_packer pk;
	size_t len;

	pk_begin(&b, &pk);
	msgpack_pack_map(&pk, 2);
	pk_kstr(&pk, "verb", "recover");
	pk_str(&pk, "args");
	msgpack_pack_map(&pk, 1);
	pk_kstr(&pk, "lost", lost);
	len = ctldesk_ask(&loop, w.path, &b, buf, sizeof buf);
	msgpack_sbuffer_destroy(&b);
	assert_true(len > 4);
	if (memmem(buf, len, expect, strlen(expect)) == NULL)
		fail_msg("no '%s' in '%.*s'", expect, (int)len - 4, (const char *)buf + 4);
}

static struct member *
of(uint32_t i)
{
	for (uint32_t k = 0; k < WIRE_NODES; k++)
		if (id_eq(&wire.node[0]->ms.m[k].id, &wire.node[i]->conf.self))
			return &wire.node[0]->ms.m[k];
	return NULL;
}

static void
who_left_is_not_missed(void **state)
{
	(void)state;
	says("n1,n2", "\xa4stay\x91\xa2n0");
	says("n1", "recover: n2 is not alive, and not named");
	for (uint32_t i = 1; i < WIRE_NODES; i++) {
		char line[128], *who = wire.node[i]->conf.name;

		of(i)->state = MESH_LEFT;
		snprintf(line, sizeof line, "recover: %s has no vote: it can't be missed", who);
		says("n1,n2", line);
		of(3 - i)->state = MESH_SUSPECT;
		snprintf(line, sizeof line, "recover: %s is suspected, and not known", wire.node[3 - i]->conf.name);
		says("n1,n2", line);
		of(1)->state = of(2)->state = MESH_FAILED;
	}
}

/* Two go by one name, and one of them is alive. */
static void
who_is_alive_is_not_lost_by_its_name(void **state)
{
	struct plan_instance instance = {.id = "db.1"};
	struct plan_place place = {.role = "db", .instances = &instance, .instances_count = 1};
	struct plan_role role = {.name = "db", .on_split = PLAN_EXCLUSIVE};
	struct plan_node node = {.name = "n1", .places = &place, .places_count = 1};
	char hex[2 * ID_BYTES + 1], ids[2 * sizeof hex];

	(void)state;
	engine.apply.plan = (struct plan){.roles = &role, .roles_count = 1, .nodes = &node, .nodes_count = 1};
	says("n1,n2", "\xa9" "exclusive\x91\xa4" "db.1");
	members_set_text(&wire.node[0]->ms, 0, "n1", 2, NULL, 0);
	for (uint32_t i = 1; i < WIRE_NODES; i++)
		sodium_bin2hex(ids + (i - 1) * sizeof hex, sizeof hex, wire.node[i]->conf.self.b, ID_BYTES);
	ids[sizeof hex - 1] = ',';
	says(ids, "\xa4stay\x91\xa2n1");
	says(ids, "\xa9" "exclusive\x90");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_left_is_not_missed),
	    cmocka_unit_test(who_is_alive_is_not_lost_by_its_name),
	};

	return cmocka_run_group_tests_name("regain", tests, setup, teardown);
}
