/* Tables that differ: when whole records are handed out. */
#include "world.h"

#include "../../../gossip/be.h"

enum { COUNT = 12, EVERY_MS = 100, QUIET_MS = 1000, PATIENCE_MS = 5000, KNOWERS = 4 };

/* One that knows nothing asks node 0; the buckets of which it is told whole records. */
static uint32_t
whole(struct world *w)
{
	static const uint8_t nothing[SYNC_BYTES];
	struct packet p = {.kind = PACKET_SYNC, .bytes = nothing, .bytes_len = sizeof nothing};
	struct mesh *m = w->node[0];

	assert_int_equal(sync_recv(m, w->now, 1, &p), 0);
	for (size_t i = 0; i < JOBS_MAX; i++)
		if (m->jobs[i].kind == PACKET_TABLE && m->jobs[i].to == 1) {
			assert_true(m->jobs[i].buckets != 0);
			return m->jobs[i].whole;
		}
	fail_msg("it was told nothing");
	return 0;
}

static void
renewed(struct world *w, uint32_t times)
{
	for (uint32_t k = 0; k < times; k++)
		sync_renewed(w->node[0], w->now);
}

static void
whole_unless_many_renew_theirs(void **state)
{
	uint32_t leader, other;
	struct world *w = world_settled(COUNT, &leader, &other);

	(void)state;
	assert_true(whole(w) != 0);
	renewed(w, SYNC_RENEWALS - 1);
	assert_true(whole(w) != 0);
	renewed(w, 1);
	assert_int_equal(whole(w), 0);
	w->now += QUIET_MS;
	assert_true(whole(w) != 0);
	world_free(w);
}

/* Who are suspected will refute: that storm is seen before it comes. */
static void
whole_unless_many_are_suspected(void **state)
{
	uint32_t leader, other;
	struct world *w = world_settled(COUNT, &leader, &other);

	(void)state;
	for (uint32_t i = 1; i <= SYNC_RENEWALS; i++) {
		assert_true(whole(w) != 0);
		rumour_suspect(w->node[0], w->now, i, 1);
	}
	assert_int_equal(whole(w), 0);
	world_free(w);
}

/* A storm without end: whole records come for one second in six. */
static void
not_withheld_for_ever(void **state)
{
	uint32_t leader, other;
	struct world *w = world_settled(COUNT, &leader, &other);
	msec began = w->now;

	(void)state;
	for (; w->now < began + 3 * (PATIENCE_MS + QUIET_MS); w->now += EVERY_MS) {
		renewed(w, SYNC_RENEWALS);
		assert_int_equal(whole(w) != 0, (w->now - began) % (PATIENCE_MS + QUIET_MS) >= PATIENCE_MS);
	}
	world_free(w);
}

/* However seldom anybody asks, some of the questions are answered with whole records. */
static void
nor_from_who_asks_seldom(void **state)
{
	(void)state;
	for (msec each = 1500; each <= 9000; each += 500) {
		uint32_t leader, other, asked = 0, given = 0;
		struct world *w = world_settled(COUNT, &leader, &other);
		msec began = w->now;

		for (; w->now < began + 60 * (PATIENCE_MS + QUIET_MS); w->now += EVERY_MS) {
			renewed(w, SYNC_RENEWALS);
			if ((w->now - began) % each == 0) {
				asked++;
				given += whole(w) != 0;
			}
		}
		assert_in_range(given, asked / 6, asked);
		world_free(w);
	}
}

/* Only states differ while a cut is noticed: nothing is withheld then, so that the storm
 * which comes when it ends has all of its patience before it. */
static void
patience_begins_when_some_are_withheld(void **state)
{
	uint32_t leader, other;
	struct world *w = world_settled(COUNT, &leader, &other);
	struct mesh *m = w->node[0];
	uint8_t theirs[SYNC_BYTES];
	struct packet p = {.kind = PACKET_SYNC, .bytes = theirs, .bytes_len = sizeof theirs};
	msec end = w->now + PATIENCE_MS + QUIET_MS / 2;

	(void)state;
	for (size_t i = 0; i < MEMBERS_BUCKETS; i++) {
		be_put(theirs + i * SYNC_BUCKET_BYTES, ~m->ms.buckets[i], 8);
		be_put(theirs + i * SYNC_BUCKET_BYTES + 8, m->ms.lives[i] >> 32, 4);
	}
	for (; w->now < end; w->now += EVERY_MS) {
		renewed(w, SYNC_RENEWALS);
		assert_int_equal(sync_recv(m, w->now, 1, &p), 0);
	}
	assert_int_equal(whole(w), 0);
	world_free(w);
}

/* The owner's own word of a life that is known, from others or from oneself. */
static void
a_refutation_renews(void **state)
{
	uint32_t leader, other, at;
	struct world *w = world_settled(COUNT, &leader, &other);
	struct rumour lie = {.state = MESH_FAILED};
	uint32_t before;

	(void)state;
	at = members_find_id(&w->node[leader]->ms, &w->node[other]->ms.m[0].id);
	lie.id = w->node[other]->ms.m[0].id;
	lie.generation = w->node[other]->ms.m[0].generation;
	lie.incarnation = w->node[other]->ms.m[0].incarnation;
	before = w->node[leader]->sync.renewals_next;
	assert_int_equal(w->node[other]->sync.renewals_next, 0);
	assert_int_equal(rumour_hear(w->node[other], w->now, &lie), 0);
	assert_int_equal(w->node[other]->sync.renewals_next, 1);
	world_run(w, 1500);
	assert_true(w->node[leader]->ms.m[at].incarnation > lie.incarnation);
	assert_int_equal(w->node[leader]->sync.renewals_next, before + 1);
	world_free(w);
}

static uint32_t
asked(const struct mesh *m)
{
	uint32_t n = 0;

	for (uint32_t k = 0; k < m->ring_len; k++)
		n += m->ring[(m->ring_head + k) % m->ring_cap].kind == PACKET_SYNC;
	return n;
}

/* Everybody's table may be another: one is asked, and a second later the next. */
static void
asked_once_a_second(void **state)
{
	uint32_t leader, other;
	struct world *w = world_settled(COUNT, &leader, &other);
	struct mesh *m = w->node[0];

	(void)state;
	world_run(w, 20000);
	assert_int_equal(asked(m), 0);
	for (msec began = w->now; w->now < began + 5000; w->now++) {
		sync_consider(m, w->now, 1 + (uint32_t)(w->now % (COUNT - 1)), members_hash(&m->ms) + 1);
		assert_int_equal(asked(m), 1 + (w->now - began) / 1000);
	}
	world_free(w);
}

/* Who joined is told on until four who are asked know it: whose table has stood, and is theirs. */
static void
known_by_those_asked(void **state)
{
	uint32_t leader, other;
	struct world *w = world_settled(COUNT, &leader, &other);
	struct mesh *m = w->node[0];

	(void)state;
	world_run(w, 20000);
	assert_int_equal(members_untold(&m->ms), 0);
	for (uint32_t k = 1; k <= 5; k++)
		members_tell(&m->ms, k);
	spread_sent(&m->ms.news, 3, out_limit(m));
	for (uint32_t asked = 0; asked < KNOWERS; asked++) {
		assert_int_equal(m->ms.news.count, 5);
		for (uint32_t k = 0; k < 2 * KNOWERS; k++)
			sync_consider(m, w->now, 2, members_hash(&m->ms) + 1);
		m->sync.changed_at = w->now - QUIET_MS + 1;
		sync_consider(m, w->now, 1, members_hash(&m->ms));
		m->sync.changed_at--;
		assert_int_equal(m->ms.news.count, 5);
		sync_consider(m, w->now, 1, members_hash(&m->ms));
		/* The order stays: what was told once comes after what was not. */
		if (m->ms.news.count > 0) {
			uint16_t pick[8];

			assert_int_equal(spread_pick(&m->ms.news, pick, 8), m->ms.news.count);
			assert_int_equal(pick[0], 5);
			assert_int_equal(pick[m->ms.news.count - 1], 3);
		}
	}
	assert_int_equal(m->ms.news.count, 0);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(whole_unless_many_renew_theirs),
	    cmocka_unit_test(whole_unless_many_are_suspected),
	    cmocka_unit_test(not_withheld_for_ever),
	    cmocka_unit_test(nor_from_who_asks_seldom),
	    cmocka_unit_test(patience_begins_when_some_are_withheld),
	    cmocka_unit_test(a_refutation_renews),
	    cmocka_unit_test(asked_once_a_second),
	    cmocka_unit_test(known_by_those_asked),
	};

	return cmocka_run_group_tests_name("sync", tests, NULL, NULL);
}
