/* Leases that an operator asks for, short and long, and different ones beside each
 * other: one issues at a time, and what was promised holds over a power cut. */
#include "world.h"

enum { COUNT = 3, AUTO_MS = 1500, SOON_MS = 4000 };

static const msec all_leases[][COUNT] = {
    {500, 500, 500}, {10000, 10000, 10000}, {60000, 60000, 60000}, {500, 0, 10000}, {60000, 500, 0}};

static msec
lease_of(const struct world *w, uint32_t i)
{
	msec asked = w->node[i]->conf.lease_ms;

	return asked > 0 ? asked : AUTO_MS;
}

/* Of anybody: an earlier leader may have been promised more. */
static msec
longest(const struct world *w)
{
	msec most = 0;

	for (uint32_t i = 0; i < COUNT; i++)
		most = lease_of(w, i) > most ? lease_of(w, i) : most;
	return most;
}

static void
start_with(struct world *w, const msec *leases)
{
	for (uint32_t i = 0; i < COUNT; i++) {
		if (w->node[i] == NULL)
			world_start(w, i);
		w->node[i]->conf.lease_ms = leases[i];
	}
}

/* Who may issue; COUNT: nobody.  Never two. */
static uint32_t
issuer(const struct world *w)
{
	uint32_t found = COUNT;
	struct stamp s;

	for (uint32_t i = 0; i < COUNT; i++)
		if (mesh_next_stamp(w->node[i], w->now, &s) == 0) {
			assert_int_equal(found, COUNT);
			found = i;
		}
	return found;
}

/* Until somebody but that one issues; how long it took. */
static msec
next_issuer(struct world *w, uint32_t but, msec limit, uint32_t *out)
{
	msec start = w->now;

	while ((*out = issuer(w)) == COUNT || *out == but) {
		assert_true(w->now - start < limit);
		world_step(w);
	}
	return w->now - start;
}

/* All follow one, and have promised it what it asks for. */
static bool
settled(const struct world *w, uint32_t leader)
{
	for (uint32_t i = 0; i < COUNT; i++) {
		struct mesh_side side = world_side(w, i);

		if (!side.has_leader || side.grade != MESH_GRADE_FULL || side.visible != COUNT ||
		    !id_eq(&side.leader, &w->node[leader]->conf.self))
			return false;
	}
	return true;
}

static uint32_t
settle(struct world *w)
{
	msec start = w->now;
	uint32_t leader = issuer(w);

	while (leader == COUNT || !settled(w, leader)) {
		assert_true(w->now - start < 2 * MESH_LEASE_MAX_MS);
		world_step(w);
		leader = issuer(w);
	}
	world_run(w, lease_of(w, leader)); /* beats enough */
	assert_true(settled(w, leader));
	return leader;
}

/* Beats come so often that it never nearly ends; clocks may run 1 % apart. */
static void
lives_on(struct world *w, uint32_t leader)
{
	msec lease = lease_of(w, leader), left;

	for (msec end = w->now + 2 * lease; w->now < end; world_step(w)) {
		assert_int_equal(issuer(w), leader);
		left = world_side(w, leader).lease_until - w->now;
		assert_in_range(left, lease / 2, lease - lease / 100);
	}
}

static void
obeyed(const msec *leases)
{
	struct world *w = world_new(COUNT, MESH_QUORUM_MAJORITY);
	uint32_t leader, next;
	msec lease, took;

	start_with(w, leases);
	leader = settle(w);
	lives_on(w, leader);

	/* Cut off it stops by itself, and only then another begins. */
	lease = lease_of(w, leader);
	world_isolate(w, leader, true);
	took = next_issuer(w, leader, longest(w) + SOON_MS, &next);
	assert_true(took >= lease / 2);
	world_isolate(w, leader, false);
	leader = settle(w);

	/* Nobody elects before what its disk says that it promised is over. */
	lease = lease_of(w, leader);
	for (uint32_t i = 0; i < COUNT; i++) {
		/* What it promised itself ends with it. */
		assert_true(i == leader || w->disk[i].promise_ms >= lease);
		world_kill(w, i);
	}
	start_with(w, leases);
	took = next_issuer(w, COUNT, longest(w) + SOON_MS, &next);
	assert_true(took >= lease);
	lives_on(w, settle(w));
	world_free(w);
}

static void
each_lease_is_obeyed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all_leases); i++)
		obeyed(all_leases[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_lease_is_obeyed),
	};

	return cmocka_run_group_tests_name("lease", tests, NULL, NULL);
}
