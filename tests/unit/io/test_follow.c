/*
 * test_follow.c - a leader that announces another schedule under the stamp that is in
 * force here: refused, told once, and over with the next stamp.  Real machines, of
 * which a follower's is that of an engine that has nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../../daemon/io/engine.h"
#include "loop.h"
#include "wire.h"

static struct engine *e;
static uv_loop_t loop;
static struct wire w;
static uint32_t leader, follower;
static struct stamp stamp;

static void
run(msec ms)
{
	for (msec end = w.now + ms; w.now < end;)
		wire_step(&w);
}

static struct hash
hash_of(uint8_t b)
{
	struct hash h;

	memset(h.b, b, sizeof h.b);
	return h;
}

static void
announce(uint8_t content)
{
	struct hash h = hash_of(content);

	assert_int_equal(mesh_next_stamp(w.node[leader], w.now, &stamp), 0);
	assert_int_equal(mesh_issue(w.node[leader], w.now, &stamp, &h), 0);
	run(500);
}

static void
applied(uint8_t content)
{
	struct hash h = hash_of(content);

	assert_int_equal(mesh_applied(w.node[follower], w.now, &stamp, &h), 0);
}

static int
setup(void **state)
{
	struct err err;

	(void)state;
	if (crypto_init(&err) < 0 || !wire_init(&w))
		return -1;
	run(8000);
	for (uint32_t i = 0; i < WIRE_NODES; i++) {
		struct mesh_side side;

		mesh_side(w.node[i], w.now, &side);
		assert_true(side.has_leader);
		if (side.role == MESH_LEADER)
			leader = i;
	}
	follower = (leader + 1) % WIRE_NODES;
	e = calloc(1, sizeof *e);
	if (e == NULL || uv_loop_init(&loop) != 0 || journal_init(&e->journal) < 0)
		return -1;
	e->loop = &loop;
	e->mesh = w.node[follower];
	identity_id(w.keys[follower].pk, &e->identity.id);
	e->keep.has = true; /* else a schedule that was lost would be fetched */
	follow_init(e);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	follow_stop(e);
	uv_close((uv_handle_t *)&e->follow.retry, NULL);
	loop_end(&loop);
	journal_free(&e->journal);
	free(e);
	wire_free(&w);
	return 0;
}

static void
another_under_the_same_stamp(void **state)
{
	const struct journal_event *said;
	char line[160];

	(void)state;
	announce(1);
	applied(2);
	for (int i = 0; i < 3; i++) { /* each beat tells it again */
		run(500);
		follow_look(e);
	}
	assert_null(e->follow.fetch);
	snprintf(line, sizeof line, "n%u announces another under the same stamp: refused", leader);
	assert_non_null(strstr(e->follow.twice, line));
	assert_int_equal(e->journal.next, 2);
	said = journal_get(&e->journal, 1);
	assert_string_equal(said->kind, "refused");
	assert_non_null(strstr(said->text, "another content than the one in force here"));
	follow_newer(e);
	assert_string_equal(e->follow.twice, "");
}

static void
the_same_again_is_nothing(void **state)
{
	(void)state;
	announce(1);
	applied(1);
	follow_look(e);
	assert_null(e->follow.fetch);
	assert_string_equal(e->follow.twice, "");
	assert_int_equal(e->journal.next, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(another_under_the_same_stamp, setup, teardown),
	    cmocka_unit_test_setup_teardown(the_same_again_is_nothing, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
