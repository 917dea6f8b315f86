/*
 * A large schedule that was fetched: read in turns of the loop, kept and in force at their
 * end, and dropped between any two of them.
 */
#define world engine_world /* the leader's, of its engine */
#include "../../../daemon/io/engine.h"
#undef world
#include "../../../daemon/io/actions.h"
#include "schedules.h"

#include "loop.h"

enum { ROLES = 1000 };

static struct engine *e;
static uv_loop_t loop;
static struct world w;

static struct schedule
large(uint64_t seq, size_t roles)
{
	static char names[ROLES][8];
	struct role_of r[ROLES];

	for (size_t i = 0; i < roles; i++) {
		snprintf(names[i], sizeof names[i], "r%04zu", i);
		r[i] = (struct role_of){ names[i], "text", 1 };
	}
	return schedule_of(seq, r, roles);
}

static int
setup(void **state)
{
	char note[256];
	struct err err;

	(void)state;
	world_open_in(&w, "/dev/shm");
	e = calloc(1, sizeof *e);
	if (e == NULL || uv_loop_init(&loop) != 0 || journal_init(&e->journal) < 0 ||
	    store_open(w.fd, &e->store, note, sizeof note, &err) < 0 ||
	    keep_load(&e->keep, e->store, &crypto, &err) < 0 || actions_load(e, &err) < 0)
		return -1;
	e->loop = &loop;
	lead_init(e);
	follow_init(e);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	follow_stop(e);
	uv_close((uv_handle_t *)&e->follow.retry, NULL);
	uv_close((uv_handle_t *)&e->lead.timer, NULL);
	uv_close((uv_handle_t *)&e->lead.turns.idle, NULL);
	loop_end(&loop);
	plan_free(&e->apply.next);
	actions_free(e);
	keep_free(&e->keep);
	store_close(e->store);
	journal_free(&e->journal);
	free(e);
	world_close(&w);
	return 0;
}

/* Turns until it is read. */
static int
turns(void)
{
	int n = 0;

	for (; e->follow.reading; n++) {
		assert_int_equal(n < 100, 1);
		uv_run(&loop, UV_RUN_NOWAIT);
	}
	return n;
}

static void
a_large_one_takes_several_turns(void **state)
{
	struct schedule s = large(1, ROLES);
	struct hash hash = s.hash;

	(void)state;
	follow_fetched(e, &s);
	assert_int_equal(s.parts_count, 0); /* taken */
	assert_true(e->follow.reading);
	assert_false(e->keep.has);
	assert_true(turns() >= 2);
	assert_true(e->keep.has && hash_eq(&e->keep.current.hash, &hash));
	/* And with it the plan, for whoever applies it in that same turn; then no more. */
	assert_true(hash_eq(&e->apply.next_of, &hash));
	assert_int_equal(e->apply.next.roles_count, ROLES);
	uv_run(&loop, UV_RUN_NOWAIT);
	assert_int_equal(e->apply.next.roles_count, 0);
	assert_false(uv_is_active((uv_handle_t *)&e->lead.turns.idle));
}

static void
a_small_one_takes_none(void **state)
{
	struct schedule s = large(1, 20);
	struct hash hash = s.hash;

	(void)state;
	follow_fetched(e, &s);
	assert_false(e->follow.reading);
	assert_true(e->keep.has && hash_eq(&e->keep.current.hash, &hash));
}

static void
what_comes_meanwhile_takes_its_place(void **state)
{
	struct schedule one = large(1, ROLES), two = large(2, ROLES);
	struct hash hash = two.hash;

	(void)state;
	follow_fetched(e, &one);
	uv_run(&loop, UV_RUN_NOWAIT);
	follow_fetched(e, &two);
	assert_true(turns() >= 2);
	assert_true(e->keep.has && hash_eq(&e->keep.current.hash, &hash));
	assert_int_equal(e->keep.history_count, 1);
	/* It leads now: what was read is nothing. */
	one = large(4, ROLES);
	follow_fetched(e, &one);
	follow_stop(e);
	assert_false(e->follow.reading);
	uv_run(&loop, UV_RUN_NOWAIT);
	assert_true(hash_eq(&e->keep.current.hash, &hash));
	/* An older one is not even read. */
	one = large(1, ROLES);
	follow_fetched(e, &one);
	assert_false(e->follow.reading);
	assert_true(one.parts_count > 0); /* not taken */
	schedule_free(&one);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_large_one_takes_several_turns),
		T(a_small_one_takes_none),
		T(what_comes_meanwhile_takes_its_place),
	};

	return cmocka_run_group_tests(tests, schedules_setup, NULL);
}
