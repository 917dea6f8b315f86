/*
 * test_keys.c - the key of the cluster changes: what a node that was away for it, for
 * long or under fire, makes of what it can't read, and how far one member can lead it.
 */
#include "world.h"

#include "../../../gossip/be.h"
#include "../../../gossip/inner.h"

/* Whoever leads changes the key until it was changed so often; `away` keeps no vote back. */
static void
rotate(struct world *w, uint32_t times, uint32_t away)
{
	struct node_id id = world_id(away);

	for (msec end = w->now + 600000; w->now < end && w->node[0]->saved.keys.used < times;) {
		for (uint32_t i = 0; i < w->count; i++)
			if (w->node[i] != NULL && w->node[i]->elect.role == MESH_LEADER) {
				(void)!mesh_keys_rotate(w->node[i], w->now);
				(void)!mesh_keys_pass(w->node[i], w->now, &id);
			}
		world_run(w, 100);
	}
	world_run(w, 5000);
	assert_int_equal(w->node[0]->saved.keys.used, times);
}

static uint32_t
used(struct world *w, uint32_t i)
{
	return w->node[i]->saved.keys.used;
}

/* A frame's header says the low six bits of an epoch. */
static void
who_was_away_comes_back(void **state)
{
	static const uint32_t times[] = {3, 31, 33, 40, 64};

	(void)state;
	for (size_t t = 0; t < ARRAY_LEN(times); t++) {
		struct world *w = world_new(4, MESH_QUORUM_MAJORITY);

		world_run(w, 8000);
		world_isolate(w, 3, true);
		world_run(w, 15000);
		rotate(w, times[t], 3);
		world_isolate(w, 3, false);
		world_run(w, 60000);
		assert_int_equal(used(w, 3), times[t]);
		assert_int_equal(world_state(w, 0, 3), MESH_ALIVE);
		world_free(w);
	}
}

/* Frames that anybody can write, in the name of a dead member: one a millisecond. */
static void
junk_keeps_nobody_from_its_key(void **state)
{
	struct world *w = world_new(5, MESH_QUORUM_MAJORITY);
	struct node_id dead = world_id(2);
	struct addr from = toy_addr(7);
	uint8_t junk[200] = {SEAL_VERSION, SEAL_SHARED | 5};

	(void)state;
	be_put(junk + 2, seal_short(&dead), 8);
	world_run(w, 8000);
	world_isolate(w, 3, true);
	world_run(w, 15000);
	rotate(w, 1, 3);
	world_kill(w, 2);
	world_run(w, 15000);
	world_isolate(w, 3, false);
	for (msec end = w->now + 30000; w->now < end && used(w, 3) != 1;) {
		(void)!mesh_recv(w->node[3], w->now, &from, junk, sizeof junk);
		world_step(w);
	}
	assert_int_equal(used(w, 3), 1);
	world_free(w);
}

/* It says that the key in use is the one of that epoch, whatever the others say. */
static void
goes_mad(struct world *w, uint32_t i, uint32_t epoch)
{
	world_key_make(w->node[i]->conf.crypto.arg, epoch);
	w->node[i]->saved.keys = (struct mesh_keys){.used = epoch};
	w->node[i]->seal.epoch = epoch;
	w->node[i]->must_save = true;
}

/* One member says that the key in use is the one of an epoch near the end of all. */
static void
no_member_uses_up_the_epochs(void **state)
{
	struct world *w = world_new(5, MESH_QUORUM_MAJORITY);
	uint32_t e = KEYS_EPOCH_MAX - 100;

	(void)state;
	world_run(w, 8000);
	goes_mad(w, 4, e);
	world_run(w, 60000);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(used(w, i), 0);
	for (uint32_t i = 0; i < 4; i++)
		if (w->node[i]->elect.role == MESH_LEADER)
			assert_int_equal(mesh_keys_rotate(w->node[i], w->now), 0);
	world_run(w, 2000);
	assert_true(w->node[0]->saved.keys.next);
	world_free(w);
}

/* No further at once than somebody who was away could have to go. */
static void
one_member_moves_nobody_in_steps(void **state)
{
	struct world *w = world_new(5, MESH_QUORUM_MAJORITY);

	(void)state;
	world_run(w, 8000);
	for (uint32_t e = 1000; e <= 5000; e += 1000) {
		goes_mad(w, 4, e);
		world_run(w, 20000);
	}
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(used(w, i), 0);
	world_free(w);
}

/* Nor who just started, and has heard from nobody yet; nor where there is no quorum. */
static void
one_member_moves_nobody_who_starts(void **state)
{
	struct world *w = world_new(5, MESH_QUORUM_MAJORITY);

	(void)state;
	world_run(w, 8000);
	goes_mad(w, 4, 1000);
	world_kill(w, 0);
	world_kill(w, 3);
	world_kill(w, 2);
	world_start(w, 2);
	world_run(w, 40000);
	assert_int_equal(used(w, 1), 0);
	assert_int_equal(used(w, 2), 0);
	world_free(w);
}

/* Two were passed over for long, and hear each other: the three are several. */
static void
two_that_were_away_come_back(void **state)
{
	struct world *w = world_new(5, MESH_QUORUM_MAJORITY);
	struct node_id id = world_id(3);

	(void)state;
	world_run(w, 8000);
	world_isolate(w, 3, true);
	world_isolate(w, 4, true);
	w->deaf[3][4] = w->deaf[4][3] = false;
	world_run(w, 15000);
	for (msec end = w->now + 100000; used(w, 0) < 5 && w->now < end;) {
		for (uint32_t i = 0; i < 3; i++)
			(void)!mesh_keys_pass(w->node[i], w->now, &id);
		rotate(w, used(w, 0) + 1, 4);
	}
	assert_int_equal(used(w, 4), 0);
	world_isolate(w, 3, false);
	world_isolate(w, 4, false);
	world_run(w, 40000);
	assert_int_equal(used(w, 3), 5);
	assert_int_equal(used(w, 4), 5);
	world_free(w);
}

/* Three are said to be somewhere else, and three are heard: no quorum of eight is. */
static void
several_are_enough(void **state)
{
	struct world *w = world_new(8, MESH_QUORUM_MAJORITY);

	(void)state;
	world_run(w, 8000);
	world_kill(w, 7);
	world_run(w, 8000);
	for (uint32_t i = 4; i < 6; i++)
		assert_false(keyleap_believed(w->node[0], w->now, i, 1000, 77));
	world_run(w, 6000);
	assert_false(keyleap_believed(w->node[0], w->now, 5, 1000, 77));
	assert_false(keyleap_believed(w->node[0], w->now, 6, 1000, 78));
	assert_true(keyleap_believed(w->node[0], w->now, 6, 1000, 77));
	world_free(w);
}

/* More than are remembered say that the key is far ahead: each answer would ask one more. */
static void
many_are_asked_at_a_pace(void **state)
{
	struct world *w = world_new(20, MESH_QUORUM_MAJORITY);
	uint64_t before;

	(void)state;
	world_run(w, 8000);
	for (uint32_t i = 1; i < w->count; i++)
		goes_mad(w, i, 1000);
	before = w->sent_kind[PACKET_KEY_ASK];
	world_run(w, 4000);
	assert_int_equal(used(w, 0), 0); /* it waits until those are heard who are there */
	/* A cookie comes first, so each twice, and the others ask too: 1,944 without a pace. */
	assert_in_range(w->sent_kind[PACKET_KEY_ASK] - before, KEYLEAP_SAID, 8 * KEYLEAP_SAID);
	world_run(w, 20000);
	assert_int_equal(used(w, 0), 1000);
	world_free(w);
}

/* A wrapped key costs a multiplication: so many in ten milliseconds, whoever asks. */
static void
given_at_a_pace(void **state)
{
	enum { AT_ONCE = 8, IN_MS = 10 };
	struct world *w = world_new(4, MESH_QUORUM_MAJORITY);
	struct addr from = toy_addr(3);
	struct packet p = {.kind = PACKET_KEY_ASK, .bytes_len = KEY_ASK_BYTES};
	uint8_t ask[KEY_ASK_BYTES] = {0};
	uint32_t i, given = 0;

	(void)state;
	world_run(w, 8000);
	rotate(w, 1, 3);
	i = members_find_id(&w->node[0]->ms, &w->node[3]->ms.m[0].id);
	memcpy(ask, w->node[3]->conf.pk, KEY_BYTES);
	p.bytes = ask;
	world_run(w, 2 * IN_MS);
	for (uint32_t k = 0; k < 4 * AT_ONCE; k++) {
		int rc = keys_recv(w->node[0], w->now, &from, 0, i, &p);

		assert_true(rc == 0 || rc == -ERR_FULL);
		given += rc == 0;
	}
	assert_int_equal(given, AT_ONCE);
	assert_int_equal(keys_recv(w->node[0], w->now + IN_MS, &from, 0, i, &p), 0);
	world_free(w);
}

/* Does i ask its leader for the key, when a beat says that it has that one? */
static bool
asks(struct world *w, uint32_t i, uint64_t key_id)
{
	struct mesh *m = w->node[i];
	struct packet p = {.kind = PACKET_BEAT, .keys = keys_word(m), .key_id = key_id};
	uint32_t before = m->ring_len;

	keys_heard(m, w->now, m->elect.leader, &p, false);
	return m->ring_len == before + 1 &&
	    m->ring[(m->ring_head + before) % m->ring_cap].kind == PACKET_KEY_ASK;
}

/* Two leaders drew one each, and the first is gone: while none is used, who has that one
 * asks the second for its own. */
static void
of_two_next_keys_the_leaders(void **state)
{
	struct world *w = world_new(4, MESH_QUORUM_MAJORITY);
	uint32_t leader, x;

	(void)state;
	world_run(w, 8000);
	leader = world_leader(w);
	x = (leader + 1) % 4;
	world_kill(w, (leader + 2) % 4); /* the change waits for it */
	world_run(w, 15000);
	assert_int_equal(mesh_keys_rotate(w->node[leader], w->now), 0);
	world_run(w, 5000);
	assert_true(w->node[x]->saved.keys.next);
	assert_false(asks(w, x, keys_newest_id(w->node[x])));
	assert_true(asks(w, x, keys_newest_id(w->node[x]) + 1));
	world_free(w);
}

static bool
told_to_wait(const struct world *w, uint32_t i)
{
	struct mesh_refusal x;

	return mesh_refused(w->node[i], &x) && x.why == MESH_ENTRY_CHANGING &&
	    x.from.port == toy_addr(0).port;
}

/* What n0 makes of the word of i that came under the key of that epoch, which all hold. */
static int
hears(struct world *w, uint32_t i, uint32_t epoch)
{
	static struct world_record record;
	uint8_t bytes[RUMOUR_BYTES_MAX];
	struct seal_frame under = {.epoch = epoch};
	struct packet p = {.kind = PACKET_HELLO, .rumours = bytes, .rumours_count = 1};
	uint64_t life = w->node[i] != NULL ? w->node[i]->ms.m[0].generation : 1;
	struct mpw b;

	mpw_init(&b, bytes, sizeof bytes);
	rumour_pack(&b, world_says(w->node[0]->saved.cluster, &record, i, MESH_ALIVE, life, 0));
	p.rumours_len = b.len;
	return rumours_hear(w->node[0], w->now, &p, MEMBER_NONE, &under);
}

/* A change waits for one that is dead: who comes with the key that goes hears why it is
 * not let in, from each that it asks, and is let in when it has the next one. */
static void
a_newcomer_hears_that_the_key_changes(void **state)
{
	struct world *w = world_new(4, MESH_QUORUM_MAJORITY);
	struct node_id dead = world_id(2);
	struct mesh_refusal x;
	uint64_t silent;

	(void)state;
	world_run(w, 8000);
	world_kill(w, 2);
	world_run(w, 15000);
	for (uint32_t i = 0; i < 4; i++)
		if (w->node[i] != NULL && w->node[i]->elect.role == MESH_LEADER)
			assert_int_equal(mesh_keys_rotate(w->node[i], w->now), 0);
	world_run(w, 3000);
	assert_true(w->node[0]->saved.keys.next && w->node[3]->saved.keys.next);
	/* Nor does it get in by a word that all can say. */
	assert_int_equal(hears(w, 4, 0), -ERR_AUTH);
	assert_int_equal(w->node[0]->ms.count, 4);
	assert_int_equal(hears(w, 3, 0), 0); /* who has a vote is of those that were in */
	w->count = 5;
	silent = w->sent_kind[PACKET_JOINED];
	world_start(w, 4);
	world_run(w, 5000);
	assert_false(w->node[4]->member);
	assert_true(told_to_wait(w, 4));
	assert_true(w->sent_kind[PACKET_JOINED] - silent >= 3);
	for (uint32_t i = 0; i < 4; i++)
		if (w->node[i] != NULL && w->node[i]->elect.role == MESH_LEADER)
			assert_int_equal(mesh_keys_pass(w->node[i], w->now, &dead), 0);
	world_run(w, 5000);
	assert_int_equal(used(w, 0), 1);
	assert_int_equal(hears(w, 4, 0), -ERR_AUTH);
	assert_false(w->node[4]->member); /* with the old key it stays outside */
	world_key_make(w->node[4]->conf.crypto.arg, 1);
	w->node[4]->seal.epoch = w->node[4]->saved.keys.used = 1;
	world_run(w, 10000);
	assert_true(w->node[4]->member);
	assert_false(mesh_refused(w->node[4], &x));
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_was_away_comes_back),
	    cmocka_unit_test(junk_keeps_nobody_from_its_key),
	    cmocka_unit_test(no_member_uses_up_the_epochs),
	    cmocka_unit_test(one_member_moves_nobody_in_steps),
	    cmocka_unit_test(one_member_moves_nobody_who_starts),
	    cmocka_unit_test(two_that_were_away_come_back),
	    cmocka_unit_test(several_are_enough),
	    cmocka_unit_test(many_are_asked_at_a_pace),
	    cmocka_unit_test(given_at_a_pace),
	    cmocka_unit_test(of_two_next_keys_the_leaders),
	    cmocka_unit_test(a_newcomer_hears_that_the_key_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
