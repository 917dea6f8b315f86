/* A new leader knows nothing, and large reports of many come to it by and by. */
#include "world.h"

enum { COUNT = 20, FIRST_WITHIN_MS = 250, MIN_MS = 2000, MAX_MS = 5000, LATE_MS = 500 };

/* Says it to its leader, as the daemon does when it follows another one, in a mesh of
 * so many members: these twenty are those that are looked at. */
static void
tell(struct mesh *m, msec now, size_t frags_count, uint32_t members)
{
	static const uint8_t frag[MESH_FRAG_BYTES_MAX];
	const uint8_t *frags[MESH_FRAGS_MAX];
	size_t bytes[MESH_FRAGS_MAX];
	uint32_t version, up = m->ms.by_state[MESH_ALIVE];

	for (size_t i = 0; i < frags_count; i++) {
		frags[i] = frag;
		bytes[i] = sizeof frag;
	}
	m->ms.by_state[MESH_ALIVE] = members;
	assert_int_equal(
	    mesh_set_report(m, now, MESH_LEADER_HEARS, frags, bytes, frags_count, &version), 0);
	m->ms.by_state[MESH_ALIVE] = up;
}

/* When each begins to send its report: ms after all were told to; MSEC_NEVER: not. */
static void
begin(struct world *w, msec span, msec first[COUNT])
{
	msec start = w->now;
	struct packet p;

	for (uint32_t i = 0; i < COUNT; i++)
		first[i] = MSEC_NEVER;
	while (w->now < start + span) {
		world_step(w);
		for (size_t k = 0; k < w->flights; k++) {
			const struct flight *f = &w->flight[k];

			world_decode(f->b, f->len, &p);
			if (p.kind == PACKET_REPORT && p.bytes_len > 0)
				first[f->from] = msec_min(first[f->from], w->now - start);
		}
	}
}

/* All others tell a leader that just came; when the last one begins. */
static msec
told_to_a_new_one(size_t frags_count, uint32_t members, uint32_t *soon)
{
	uint32_t leader, other;
	struct world *w = world_settled(COUNT, &leader, &other);
	msec first[COUNT], last = 0;

	world_kill(w, leader);
	world_run(w, 8000);
	leader = world_leader(w);
	for (uint32_t i = 0; i < COUNT; i++)
		if (w->node[i] != NULL && i != leader)
			tell(w->node[i], w->now, frags_count, members);
	begin(w, MAX_MS + LATE_MS, first);
	*soon = 0;
	for (uint32_t i = 0; i < COUNT; i++) {
		if (w->node[i] == NULL || i == leader)
			continue;
		assert_true(first[i] != MSEC_NEVER);
		*soon += first[i] < FIRST_WITHIN_MS;
		last = first[i] > last ? first[i] : last;
	}
	world_free(w);
	return last;
}

/* Evenly over 2 s: an eighth of them within 250 ms; never all, never half. */
static void
of_many_in_two_seconds_at_least(void **state)
{
	uint32_t soon;
	msec last = told_to_a_new_one(MESH_FRAGS_MAX, COUNT, &soon);

	(void)state;
	assert_true(soon < COUNT / 2);
	assert_in_range(last, MIN_MS / 2, MIN_MS + LATE_MS);
}

static void
of_a_crowd_in_five_at_most(void **state)
{
	uint32_t soon;
	msec last = told_to_a_new_one(MESH_FRAGS_MAX, 1000, &soon);

	(void)state;
	assert_true(soon < COUNT / 4);
	assert_in_range(last, MAX_MS / 2, MAX_MS + LATE_MS);
}

/* What the leader takes in half a second need not wait. */
static void
small_ones_at_once(void **state)
{
	uint32_t soon;

	(void)state;
	assert_true(told_to_a_new_one(1, COUNT, &soon) <= FIRST_WITHIN_MS);
	assert_int_equal(soon, COUNT - 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(of_many_in_two_seconds_at_least),
	    cmocka_unit_test(of_a_crowd_in_five_at_most),
	    cmocka_unit_test(small_ones_at_once),
	};

	return cmocka_run_group_tests_name("spread_report", tests, NULL, NULL);
}
