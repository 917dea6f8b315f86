/*
 * The role lease at one host's engine: in which order things are told and asked,
 * seen on the supervisor's socket.  One node, its own full leader.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../../daemon/io/engine.h"
#include "loop.h"
#include "supervisor.h"

/* The machine lives through this before a test begins, so that it may give
 * leases at once: longer than one lasts. */
enum { PAST_MS = 30000 };

static struct engine *e;
static uv_loop_t loop;

/* The machine from then to now. */
static void
drive(msec from)
{
	uint8_t buf[DGRAM_BYTES_MAX];
	struct mesh_saved saved;
	struct addr to;

	for (msec t = from; t <= net_now(); t += 10) {
		mesh_tick(e->mesh, t);
		while (mesh_must_save(e->mesh, &saved))
			mesh_saved(e->mesh);
		while (mesh_poll(e->mesh, t, &to, buf, sizeof buf) > 0)
			;
	}
}

/* db.1, of a role of that policy, on n. */
static void
fill(struct plan_node *n)
{
	memset(n, 0, sizeof *n);
	strcpy(n->name, "n1");
	n->places = calloc(1, sizeof *n->places);
	n->places_count = 1;
	strcpy(n->places[0].role, "db");
	n->places[0].instances = calloc(1, sizeof *n->places[0].instances);
	n->places[0].instances_count = 1;
	strcpy(n->places[0].instances[0].id, "db.1");
}

/* The schedule in force: it is this node's. */
static void
place(enum plan_split split)
{
	struct plan *p = &e->apply.plan;

	p->roles = calloc(1, sizeof *p->roles);
	p->roles_count = 1;
	strcpy(p->roles[0].name, "db");
	p->roles[0].on_split = split;
	p->nodes = calloc(1, sizeof *p->nodes);
	p->nodes_count = 1;
	fill(&p->nodes[0]);
	fill(&e->apply.here);
}

static void
place_nothing(void)
{
	plan_node_free(&e->apply.here);
	memset(&e->apply.here, 0, sizeof e->apply.here);
}

static int
setup(void **state)
{
	struct mesh_conf c = {.lease_ms = 1500, .members_max = 8, .seed = 7};
	static const uint8_t cluster[KEY_BYTES] = {9};
	struct err err;

	(void)state;
	if ((e = calloc(1, sizeof *e)) == NULL || crypto_init(&err) < 0 || uv_loop_init(&loop) != 0 ||
	    local_init(&e->local) != 0)
		return -1;
	crypto_random(e->keys.key, sizeof e->keys.key);
	e->keys.has_key = true;
	if (crypto_sign_keypair(e->keys.pk, e->keys.sk) != 0)
		return -1;
	crypto_fill(&e->crypto, &e->keys);
	memcpy(c.pk, e->keys.pk, sizeof c.pk);
	struct hash h;
	crypto_hash256(&h, c.pk, KEY_BYTES);
	memcpy(c.self.b, h.b, ID_BYTES);
	c.crypto = e->crypto;
	c.addr = (struct addr){.port = 7780};
	strcpy(c.name, "n1");
	strcpy(e->conf.name, "n1");
	e->identity.id = c.self;
	e->loop = &loop;
	if ((e->mesh = mesh_new(&c, net_now() - PAST_MS)) == NULL ||
	    mesh_init(e->mesh, net_now() - PAST_MS, cluster) < 0)
		return -1;
	drive(net_now() - PAST_MS);
	return sup_open(&e->launch, &loop);
}

static int
teardown(void **state)
{
	(void)state;
	plan_free(&e->apply.plan);
	plan_node_free(&e->apply.here);
	local_free(&e->local);
	world_room_free(&e->lead.room);
	mesh_free(e->mesh);
	if (sup_close(&e->launch) != 0)
		return -1;
	loop_end(&loop);
	free(e);
	return 0;
}

/* What the supervisor says of db.1. */
static void
state(enum sup_state st, msec lease)
{
	struct sup_event ev = {.version = SUP_VERSION, .kind = SUP_EV_STATE, .state = st,
	    .policy = SUP_EXCLUSIVE, .lease_ms = (uint64_t)lease};

	strcpy(ev.instance, "db.1");
	strcpy(ev.role, "db");
	strcpy(ev.sandbox, "db");
	local_state(&e->local, &ev);
	exclusive_event(e, &ev);
}

static void
reply(uint64_t ticket, int32_t code)
{
	struct sup_event ev = {.kind = SUP_EV_REPLY, .ticket = ticket, .code = code};

	exclusive_event(e, &ev);
}

static void
listed(void)
{
	struct sup_event ev = {.kind = SUP_EV_END};

	e->local.known = true;
	exclusive_event(e, &ev);
}

static msec
until(void)
{
	return mesh_exclusive_until(e->mesh, exclusive_id("db.1"));
}

/* This node leads, and its round has said so. */
static void
lead(void)
{
	e->lead.leading = true;
	exclusive_lead(e);
}

static void
lease_comes(void)
{
	lead();
	/* Asked again within a second of the machine's time. */
	for (msec t = net_now(); until() == 0; t += 10)
		mesh_tick(e->mesh, t);
}

static void
other_roles_cost_nothing(void **unused)
{
	(void)unused;
	place(PLAN_REPLACE);
	listed();
	lead();
	assert_false(e->exclusive.begun);
	assert_false(e->exclusive.owners);
	assert_int_equal(e->exclusive.wants_count, 0);
}

static void
nothing_is_told_before_the_list(void **unused)
{
	(void)unused;
	place(PLAN_EXCLUSIVE);
	state(SUP_ST_RUNNING, net_now() + 12000);
	exclusive_sync(e);
	assert_false(e->exclusive.begun);
	listed();
	assert_true(e->exclusive.begun);
	assert_int_equal(e->exclusive.running_count, 1);
}

/* A new engine goes on with the deadline that its host has, before any answer. */
static void
what_the_host_holds_is_claimed(void **unused)
{
	(void)unused;
	msec held = net_now() + 12000;

	place(PLAN_EXCLUSIVE);
	state(SUP_ST_RUNNING, held);
	listed();
	assert_true(until() == held);
	assert_true(exclusive_deadline(e, "db.1") == held);
}

static void
no_start_without_a_lease(void **unused)
{
	(void)unused;
	place(PLAN_EXCLUSIVE);
	listed();
	drive(net_now());
	assert_true(exclusive_deadline(e, "db.1") == 0); /* nobody said whose it is */
	lease_comes();
	assert_true(exclusive_deadline(e, "db.1") == until());
	place_nothing();
	exclusive_sync(e);
	assert_true(exclusive_deadline(e, "db.1") == 0);
	assert_int_equal(e->exclusive.wants_count, 0);
}

/* A question that does not name an instance says that nothing of it lives: so
 * one whose START is under way is named, also when it is no longer wanted. */
static void
a_start_under_way_counts_as_running(void **unused)
{
	(void)unused;
	place(PLAN_EXCLUSIVE);
	listed();
	lease_comes();
	exclusive_asked(e, SUP_START, "db.1", 5, until());
	assert_int_equal(e->exclusive.running_count, 1);
	place_nothing();
	exclusive_sync(e);
	assert_int_equal(e->exclusive.running_count, 1);
	exclusive_asked(e, SUP_STOP, "db.1", 6, 0);
	state(SUP_ST_GONE, 0); /* of the one before */
	assert_int_equal(e->exclusive.running_count, 1);
	reply(6, 0);
	state(SUP_ST_STOPPING, 0);
	assert_int_equal(e->exclusive.running_count, 1);
	state(SUP_ST_GONE, 0);
	assert_int_equal(e->exclusive.running_count, 0);
}

static void
a_refused_start_is_none(void **unused)
{
	(void)unused;
	place(PLAN_EXCLUSIVE);
	listed();
	lease_comes();
	exclusive_asked(e, SUP_START, "db.1", 5, until());
	reply(5, EXIT_CONFIG);
	assert_int_equal(e->exclusive.running_count, 0);
}

static void
a_renewed_lease_is_fenced_once(void **unused)
{
	struct sup_req req;

	(void)unused;
	place(PLAN_EXCLUSIVE);
	listed();
	lease_comes();
	exclusive_asked(e, SUP_START, "db.1", 5, until());
	reply(5, 0);
	state(SUP_ST_RUNNING, until());
	exclusive_look(e);
	assert_int_equal(recv(sup, &req, sizeof req, 0), sizeof req); /* local.c had no row yet */
	assert_int_equal(req.op, SUP_FENCE);
	exclusive_look(e);
	assert_int_equal(recv(sup, &req, sizeof req, 0), -1);
	/* It is asked for again 3 s later: until then in the machine's time. */
	msec was = until();
	for (msec t = net_now(); until() == was; t += 10)
		mesh_tick(e->mesh, t);
	exclusive_look(e);
	assert_int_equal(recv(sup, &req, sizeof req, 0), sizeof req);
	assert_int_equal(req.op, SUP_FENCE);
	assert_string_equal(req.instance, "db.1");
	assert_true((msec)req.deadline_ms == until() && until() > was);
	assert_int_equal(recv(sup, &req, sizeof req, 0), -1);
}

static void
rows_say_what_they_wait_for(void **unused)
{
	struct view_instance rows[4] = {{.id = "web.1"}};

	(void)unused;
	place(PLAN_EXCLUSIVE);
	listed();
	assert_int_equal(exclusive_rows(e, rows, 1, 1), 1); /* no room: none is shown */
	assert_int_equal(exclusive_rows(e, rows, 1, 4), 2);
	assert_int_equal(rows[1].state, VIEW_WAITING);
	assert_string_equal(rows[1].id, "db.1");
	assert_string_equal(rows[1].error,
	    "waits for its role lease: until the node that had it says gone, or 15 s");
	lease_comes();
	assert_int_equal(exclusive_rows(e, rows, 1, 4), 1); /* about to be started */
	strcpy(rows[1].id, "db.1");
	assert_int_equal(exclusive_rows(e, rows, 2, 4), 2);
	assert_true(rows[1].lease_until_ms > engine_wall_ms());
	assert_true(rows[0].lease_until_ms == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(other_roles_cost_nothing, setup, teardown),
	    cmocka_unit_test_setup_teardown(nothing_is_told_before_the_list, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_the_host_holds_is_claimed, setup, teardown),
	    cmocka_unit_test_setup_teardown(no_start_without_a_lease, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_start_under_way_counts_as_running, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_refused_start_is_none, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_renewed_lease_is_fenced_once, setup, teardown),
	    cmocka_unit_test_setup_teardown(rows_say_what_they_wait_for, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
