/*
 * A role's job between the schedule and the supervisor: what is concluded of a
 * check, and what is asked when a newer stamp changes nothing else.
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
#include "../../../daemon/io/wants.h"
#include "loop.h"
#include "supervisor.h"

static struct engine engine;
static struct apply_job job;

/* --- checks --------------------------------------------------------------- */

static int
setup_check(void **state)
{
	(void)state;
	memset(&engine, 0, sizeof engine);
	memset(&job, 0, sizeof job);
	strcpy(job.role, "front");
	job.e = &engine;
	job.checking = true;
	engine.apply.jobs = &job;
	return 0;
}

static void
said(enum sup_ev kind, enum sup_state state, const char *instance)
{
	struct sup_event ev = {.version = SUP_VERSION, .kind = kind, .state = state};

	snprintf(ev.instance, sizeof ev.instance, "%s", instance);
	apply_event(&engine, &ev);
}

static void
a_check_is_over_when_it_ended(void **state)
{
	(void)state;
	said(SUP_EV_EXIT, SUP_ST_EXITED, "check-web");
	assert_true(job.checking);
	said(SUP_EV_EXIT, SUP_ST_EXITED, "check-front");
	assert_false(job.checking);
}

/* Stopped while it was judged, or refused: it never ran, so it has no EXIT, and
 * the next one need not wait for that. */
static void
a_check_that_never_ran_is_over_when_it_is_gone(void **state)
{
	(void)state;
	said(SUP_EV_STATE, SUP_ST_STARTING, "check-front");
	said(SUP_EV_STATE, SUP_ST_GONE, "front.1");
	assert_true(job.checking);
	said(SUP_EV_STATE, SUP_ST_GONE, "check-front");
	assert_false(job.checking);
}

/* --- a newer stamp -------------------------------------------------------- */

static uv_loop_t loop;
static struct keyring signer;
static struct crypto crypto;

static struct node_id holder; /* of the name n1 */

/* web.1 is placed on n1, and nothing else anywhere. */
static void
place_web(struct schedule *s, uint64_t seq)
{
	struct plan_instance instance = {.id = "web.1", .process = "web", .image = "web-v1"};
	struct plan_place place = {
	    .role = "web", .sandbox = "web", .instances = &instance, .instances_count = 1};
	struct plan_node node = {.name = "n1", .holder = holder, .places = &place, .places_count = 1};
	struct plan_role role = {.name = "web", .template_name = "web", .on_split = PLAN_KEEP};
	struct plan plan = {.roles = &role, .roles_count = 1, .nodes = &node, .nodes_count = 1};
	struct schedule_meta meta = {.grade = MESH_GRADE_FULL, .at_ms = 1700000000000};
	struct hash h;
	struct err err;

	crypto_hash256(&h, signer.pk, KEY_BYTES);
	memcpy(meta.stamp.leader.b, h.b, ID_BYTES);
	memcpy(meta.pk, signer.pk, KEY_BYTES);
	meta.stamp.term = 3;
	meta.stamp.seq = seq;
	if (schedule_build(s, &plan, &meta, &crypto, &err) != 0)
		fail_msg("%s", err.text);
}

static int
setup_engine(void **state)
{
	struct engine *e = &engine;
	struct err err;

	(void)state;
	memset(e, 0, sizeof *e);
	memset(&holder, 0, sizeof holder);
	if (crypto_init(&err) < 0)
		return -1;
	crypto_random(signer.key, sizeof signer.key);
	signer.has_key = true;
	crypto_fill(&crypto, &signer);
	if (crypto_sign_keypair(signer.pk, signer.sk) != 0 || uv_loop_init(&loop) != 0 ||
	    local_init(&e->local) != 0)
		return -1;
	strcpy(e->conf.name, "n1");
	strcpy(e->conf.config_dir, "/nowhere");
	e->state_fd = -1; /* nothing was rendered here */
	e->loop = &loop;
	e->local.known = true;
	uv_timer_init(&loop, &e->report);
	return sup_open(&e->launch, &loop);
}

static int
teardown_engine(void **state)
{
	struct engine *e = &engine;
	struct apply_job *j = e->apply.jobs;

	(void)state;
	wants_free(j->wants, j->wants_count);
	roll_free(&j->roll);
	free(j);
	plan_free(&e->apply.plan);
	plan_node_free(&e->apply.here);
	schedule_free(&e->keep.current);
	local_free(&e->local);
	uv_close((uv_handle_t *)&e->report, NULL);
	if (sup_close(&e->launch) != 0)
		return -1;
	loop_end(&loop);
	return 0;
}

/* The job knows what should run, as it does once it has rendered. */
static void
rendered(struct apply_job *j)
{
	j->wants = calloc(1, sizeof *j->wants);
	j->wants_count = 1;
	strcpy(j->wants->instance, "web.1");
	strcpy(j->wants->process, "web");
	strcpy(j->wants->image, "web-v1");
	strcpy(j->wants->config, "/config/web.yaml");
	j->face = j->fresh_face;
	j->ready = true;
}

/* A host that came back was ready while the stamp in force was not yet its own,
 * and so might not start.  The newer schedule says the same of all roles and
 * nodes: it must start now, and not when its 10 s alone are over. */
static void
a_newer_stamp_that_changes_nothing_else_starts_what_waited(void **state)
{
	struct engine *e = &engine;
	struct schedule newer;
	struct sup_req req;

	(void)state;
	place_web(&e->keep.current, 1);
	e->keep.has = true;
	apply_update(e);
	assert_non_null(apply_job(e, "web"));
	rendered(apply_job(e, "web"));
	assert_int_equal(recv(sup, &req, sizeof req, 0), -1);
	place_web(&newer, 2);
	schedule_free(&e->keep.current);
	e->keep.current = newer;
	apply_update(e);
	assert_int_equal(recv(sup, &req, sizeof req, 0), sizeof req);
	assert_int_equal(req.op, SUP_START);
	assert_string_equal(req.instance, "web.1");
}

/* Two hosts are called n1: a part is for the one that it names. */
static void
the_other_of_that_name_does_nothing(void **state)
{
	struct engine *e = &engine;

	(void)state;
	e->identity.id = (struct node_id){{7}};
	holder = (struct node_id){{8}};
	place_web(&e->keep.current, 1);
	e->keep.has = true;
	apply_update(e);
	assert_null(apply_job(e, "web"));
	assert_int_equal(e->apply.here.places_count, 0);
	schedule_free(&e->keep.current);
	holder = e->identity.id;
	place_web(&e->keep.current, 2);
	apply_update(e);
	assert_non_null(apply_job(e, "web"));
}

/* A host that lost its identity runs what it ran; who had the name and has it no more
 * ends what it does under it. */
static void
what_runs_ends_only_where_the_name_was_held(void **state)
{
	struct engine *e = &engine;
	struct sup_event ev = {.version = SUP_VERSION, .kind = SUP_EV_STATE, .state = SUP_ST_RUNNING,
	    .instance = "web.1", .role = "web", .pid = 77};
	struct node_id old = {{8}};
	struct sup_req req;

	(void)state;
	e->identity.id = (struct node_id){{7}};
	assert_non_null(local_state(&e->local, &ev));
	holder = old;
	place_web(&e->keep.current, 1);
	e->keep.has = true;
	apply_update(e);
	assert_int_equal(recv(sup, &req, sizeof req, 0), -1);
	schedule_free(&e->keep.current);
	holder = e->identity.id; /* the old one was given up */
	place_web(&e->keep.current, 2);
	apply_update(e);
	assert_int_equal(recv(sup, &req, sizeof req, 0), -1);
	schedule_free(&e->keep.current);
	holder = old; /* it was another host after all */
	place_web(&e->keep.current, 3);
	apply_update(e);
	assert_int_equal(recv(sup, &req, sizeof req, 0), sizeof req);
	assert_int_equal(req.op, SUP_STOP);
	assert_string_equal(req.instance, "web.1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_check_is_over_when_it_ended, setup_check),
		cmocka_unit_test_setup(a_check_that_never_ran_is_over_when_it_is_gone, setup_check),
		cmocka_unit_test_setup_teardown(
		    a_newer_stamp_that_changes_nothing_else_starts_what_waited, setup_engine,
		    teardown_engine),
		cmocka_unit_test_setup_teardown(
		    the_other_of_that_name_does_nothing, setup_engine, teardown_engine),
		cmocka_unit_test_setup_teardown(
		    what_runs_ends_only_where_the_name_was_held, setup_engine, teardown_engine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
