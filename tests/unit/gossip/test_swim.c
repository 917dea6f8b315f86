/*
 * test_swim.c - membership as stories with virtual time: joining, silence,
 * false accusation, restart, leaving, a cut that heals, and what is refused.
 */
#include "../../../gossip/look.h"
#include "world.h"

static void
three_find_each_other(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct mesh_member x;

	(void)state;
	world_run(w, 4000);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(mesh_count(w->node[i]), 3);
		assert_memory_equal(w->disk[i].cluster, w->disk[0].cluster, ID_BYTES);
		for (uint32_t k = 0; k < 3; k++) {
			assert_true(mesh_member(w->node[i], k, &x));
			assert_int_equal(x.state, MESH_ALIVE);
			assert_true(x.in_roster);
			assert_true(x.self == (k == i));
			assert_int_equal(x.name[1], '0' + (int)k); /* in id order */
			assert_true(x.seen != MSEC_NEVER);
		}
		assert_false(mesh_member(w->node[i], 3, &x));
	}
	world_free(w);
}

/* A node that holds the key but has no cluster gossips nothing but JOIN. */
static void
outside_a_cluster_only_join_is_said(void **state)
{
	struct world *w = world_new(2, MESH_QUORUM_MAJORITY);
	struct mesh_side side;

	(void)state;
	world_isolate(w, 0, true);
	world_run(w, 10); /* the cluster is on node 0's disk */
	memset(w->sent_kind, 0, sizeof w->sent_kind);
	world_kill(w, 0);
	world_run(w, 10000);
	assert_true(w->sent_kind[PACKET_JOIN] >= 9);
	for (int k = 1; k < PACKET_KINDS_; k++)
		assert_true(k == PACKET_JOIN || w->sent_kind[k] == 0);
	mesh_side(w->node[1], w->now, &side);
	assert_false(side.member);
	/* The seed comes up at last. */
	world_isolate(w, 0, false);
	world_start(w, 0);
	world_run(w, 6000);
	mesh_side(w->node[1], w->now, &side);
	assert_true(side.member && side.has_leader);
	world_free(w);
}

/* What each says by kind is what others read by kind, and all there is. */
static void
packets_are_counted_by_kind(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	uint64_t kinds[2][MESH_KINDS_MAX] = {{0}}, packets[2] = {0};

	(void)state;
	world_run(w, 20000);
	for (uint32_t i = 0; i < 3; i++) {
		struct mesh_stats st;

		mesh_stats(w->node[i], &st);
		packets[0] += st.tx_packets;
		packets[1] += st.rx_packets;
		for (unsigned k = 0; k < MESH_KINDS_MAX; k++) {
			kinds[0][k] += st.tx_kinds[k];
			kinds[1][k] += st.rx_kinds[k];
		}
	}
	for (unsigned k = 0; k < MESH_KINDS_MAX; k++) {
		assert_true(mesh_kind(k) != NULL || (kinds[0][k] == 0 && kinds[1][k] == 0));
		assert_true(kinds[0][k] >= kinds[1][k]);
		packets[0] -= kinds[0][k];
	}
	assert_int_equal(packets[0], 0);
	assert_string_equal(mesh_kind(PACKET_PING), "PING");
	assert_true(kinds[1][PACKET_PING] > 10 && kinds[1][PACKET_PING] + 10 >= kinds[0][PACKET_PING]);
	assert_null(mesh_kind(PACKET_KINDS_));
	assert_null(mesh_kind(0));
	world_free(w);
}

/* The leader's own eyes: dead 2.2 s after the last word, everybody told. */
static void
silence_is_death_in_two_seconds(void **state)
{
	struct world *w = world_new(4, MESH_QUORUM_MAJORITY);
	uint32_t leader, victim;
	char line[32];

	(void)state;
	world_run(w, 6000);
	leader = world_leader(w);
	victim = leader == 3 ? 2 : 3;
	world_mark(w);
	world_kill(w, victim);
	world_run(w, 1400);
	assert_int_not_equal(world_state(w, leader, victim), MESH_FAILED);
	world_run(w, 1400);
	for (uint32_t i = 0; i < 4; i++)
		if (i != victim)
			assert_int_equal(world_state(w, i, victim), MESH_FAILED);
	snprintf(line, sizeof line, "n%u dead n%u", leader, victim);
	assert_non_null(strstr(w->text, line));
	world_free(w);
}

/* With no leader to watch, SWIM alone: one missed probe is suspicion, and only
 * the suspicion's end is death. */
static void
without_a_leader_suspicion_comes_first(void **state)
{
	struct world *w = world_new(2, MESH_QUORUM_MAJORITY);
	const char *suspect, *failed;
	long at, until;

	(void)state;
	world_run(w, 6000);
	world_kill(w, 0);
	world_mark(w);
	world_run(w, 20000);
	suspect = strstr(w->text, "n1 suspect n0");
	failed = strstr(w->text, "n1 failed n0");
	assert_non_null(suspect);
	assert_non_null(failed);
	while (suspect > w->text && suspect[-1] != '\n')
		suspect--;
	while (failed > w->text && failed[-1] != '\n')
		failed--;
	at = strtol(suspect, NULL, 10);
	until = strtol(failed, NULL, 10);
	assert_int_equal(until - at, 4000); /* nobody else could confirm */
	world_free(w);
}

/* Accused of a death it did not die, a node outbids it and lives everywhere. */
static void
the_accused_refutes(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct rumour lie = {.state = MESH_FAILED, .generation = 1};
	uint32_t victim;

	(void)state;
	world_run(w, 6000);
	victim = (world_leader(w) + 1) % 3;
	lie.id = world_id(victim);
	world_mark(w);
	for (uint32_t i = 0; i < 3; i++)
		if (i != victim)
			assert_int_equal(rumour_hear(w->node[i], w->now, &lie), 0);
	world_run(w, 1500);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(world_state(w, i, victim), MESH_ALIVE);
		uint32_t at = members_find(&w->node[i]->ms, w->node[victim]->ms.m[0].short_id);
		assert_int_equal(w->node[i]->ms.m[at].incarnation, 1);
	}
	world_free(w);
}

/* A new life beats everything said of the old one. */
static void
a_restart_wins_over_its_past(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct rumour old = {.state = MESH_FAILED, .generation = 1, .incarnation = 1000};
	struct node_id id;
	struct mesh_member x;

	(void)state;
	world_run(w, 6000);
	world_kill(w, 2);
	world_run(w, 4000);
	world_start(w, 2);
	world_run(w, 3000);
	old.id = id = world_id(2);
	assert_int_equal(rumour_hear(w->node[0], w->now, &old), 0);
	assert_true(mesh_find(w->node[0], &id, &x));
	assert_int_equal(x.state, MESH_ALIVE);
	assert_int_equal(x.generation, 2);
	world_leader(w);
	world_free(w);
}

/* So quick that nobody suspects it: each of the others says so, once a life. */
static void
a_quick_restart_is_told(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);

	(void)state;
	world_run(w, 6000);
	assert_null(strstr(w->text, " restarted "));
	for (unsigned life = 2; life < 4; life++) {
		world_kill(w, 2);
		world_start(w, 2);
		world_run(w, 6000);
		for (unsigned i = 0; i < 2; i++) {
			char line[40];
			const char *said;

			snprintf(line, sizeof line, " n%u restarted n2 %u\n", i, life);
			said = strstr(w->text, line);
			assert_non_null(said);
			assert_null(strstr(said + 1, line));
		}
	}
	assert_null(strstr(w->text, " moved "));
	world_free(w);
}

static void
leaving_is_not_dying(void **state)
{
	struct world *w = world_new(4, MESH_QUORUM_MAJORITY);
	struct mesh_side side;
	uint32_t leader, next;

	(void)state;
	world_run(w, 6000);
	leader = world_leader(w);
	mesh_leave(w->node[leader], w->now);
	world_save(w, leader);
	world_drain(w, leader);
	world_kill(w, leader);
	world_run(w, 400); /* resigned: no lease to wait for */
	next = world_leader(w);
	assert_int_not_equal(next, leader);
	assert_int_equal(world_state(w, next, leader), MESH_LEFT);
	world_run(w, 4000);
	mesh_side(w->node[next], w->now, &side);
	assert_int_equal(side.known, 3); /* the roster let it go */
	assert_int_equal(side.visible, 3);
	world_free(w);
}

/* One who was away knows it from the roster on its disk alone, without its key: the
 * goodbye must reach it with the proof. */
static void
who_was_away_hears_of_a_goodbye(void **state)
{
	uint32_t leader, left, away;
	struct world *w = world_settled(4, &leader, &left);

	(void)state;
	away = (leader + 2) % 4;
	world_kill(w, away);
	mesh_leave(w->node[left], w->now);
	world_run(w, 10);
	world_kill(w, left);
	world_run(w, 4000);
	world_start(w, away);
	world_run(w, 20000);
	assert_int_equal(world_state(w, away, left), MESH_LEFT);
	assert_true(members_hash(&w->node[away]->ms) == members_hash(&w->node[leader]->ms));
	world_free(w);
}

/* The dead are called again and again: a cut heals by itself. */
static void
a_cut_heals_by_itself(void **state)
{
	struct world *w = world_new(5, MESH_QUORUM_MAJORITY);

	(void)state;
	world_run(w, 6000);
	world_isolate(w, 4, true);
	world_run(w, 40000);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(world_state(w, i, 4), MESH_FAILED);
		assert_int_not_equal(world_state(w, 4, i), MESH_ALIVE);
	}
	world_isolate(w, 4, false);
	world_run(w, 9000);
	world_leader(w);
	for (uint32_t i = 0; i < 5; i++)
		for (uint32_t j = 0; j < 5; j++)
			assert_int_equal(world_state(w, i, j), MESH_ALIVE);
	world_free(w);
}

static void
bad_addresses_and_full_tables_are_refused(void **state)
{
	struct world *w = world_new(1, MESH_QUORUM_MAJORITY);
	struct world_record o;
	struct rumour *r;

	(void)state;
	world_run(w, 3000);
	r = world_says(w->disk[0].cluster, &o, 40, MESH_ALIVE, 1, 0);
	r->addr.port = 0;
	assert_int_equal(rumour_hear(w->node[0], w->now, r), -ERR_BAD_ADDRESS);
	assert_int_equal(mesh_count(w->node[0]), 1);
	for (uint32_t i = 0; i < 31; i++) {
		r = world_says(w->disk[0].cluster, &o, 40 + i, MESH_ALIVE, 1, 0);
		assert_int_equal(rumour_hear(w->node[0], w->now, r), 0);
	}
	r = world_says(w->disk[0].cluster, &o, 99, MESH_ALIVE, 1, 0);
	assert_int_equal(rumour_hear(w->node[0], w->now, r), -ERR_FULL);
	assert_int_equal(mesh_count(w->node[0]), 32);
	/* One with my own id and a later life: somebody cloned me, if it is signed. */
	r = world_says(w->disk[0].cluster, &o, 0, MESH_ALIVE, 9, 0);
	assert_int_equal(rumour_hear(w->node[0], w->now, r), -ERR_IDENTITY);
	r->generation = 10;
	assert_int_equal(rumour_hear(w->node[0], w->now, r), -ERR_AUTH);
	world_free(w);
}

/* The summary reaches everybody, and only the newest counts. */
static void
summaries_reach_everybody(void **state)
{
	struct world *w = world_new(4, MESH_QUORUM_MAJORITY);
	struct mesh_summary s = {.cpu_percent = 12, .mem_percent = 40, .load_centi = 150,
	    .instances = 7, .facts_hash = 0xabcdef};
	struct node_id id = world_id(2);
	struct mesh_member x;

	(void)state;
	world_run(w, 5000);
	mesh_set_summary(w->node[2], w->now, &s);
	world_run(w, 1000);
	s.instances = 8;
	mesh_set_summary(w->node[2], w->now, &s);
	world_run(w, 3000);
	for (uint32_t i = 0; i < 4; i++) {
		assert_true(mesh_find(w->node[i], &id, &x));
		assert_true(x.has_summary);
		assert_int_equal(x.summary.instances, 8);
		assert_int_equal(x.summary.facts_hash, 0xabcdef);
	}
	world_free(w);
}

static int
set_report(struct world *w, uint32_t i, const uint8_t *const *frags, const size_t *lens, size_t count)
{
	uint32_t version;

	return mesh_set_report(w->node[i], w->now, MESH_LEADER_HEARS, frags, lens, count, &version);
}

/* A whole report, fragment by fragment, though a third of it gets lost. */
static void
reports_arrive_whole(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	static uint8_t bytes[20][MESH_FRAG_BYTES_MAX];
	const uint8_t *frags[20];
	size_t lens[20];
	uint8_t buf[MESH_FRAG_BYTES_MAX], got[20] = {0};
	uint32_t leader, sender, version, index, count;
	struct node_id from, id;
	struct mesh_member x;

	(void)state;
	world_run(w, 6000);
	leader = world_leader(w);
	sender = (leader + 1) % 3;
	id = world_id(sender);
	for (uint32_t i = 0; i < 20; i++) {
		memset(bytes[i], (int)i + 1, sizeof bytes[i]);
		frags[i] = bytes[i];
		lens[i] = 500 + i;
	}
	assert_int_equal(set_report(w, sender, frags, lens, 20), 0);
	for (int ms = 0; ms < 6000; ms++) {
		size_t n;

		w->deaf[sender][leader] = ms % 3 == 0;
		world_step(w);
		while ((n = mesh_next_report(w->node[leader], &from, &version, &index, &count, buf,
			    sizeof buf)) > 0) {
			assert_true(id_eq(&from, &id));
			assert_int_equal(count, 20);
			assert_int_equal(n, 500 + index);
			assert_int_equal(buf[0], index + 1);
			assert_int_equal(got[index]++, 0); /* once each */
		}
	}
	for (uint32_t i = 0; i < 20; i++)
		assert_int_equal(got[i], 1);
	assert_true(mesh_find(w->node[leader], &id, &x));
	assert_true(x.reported != MSEC_NEVER && w->now - x.reported < 2000);
	lens[0] = 0;
	assert_int_equal(set_report(w, sender, frags, lens, 1), -ERR_RANGE);
	lens[0] = 1;
	assert_int_equal(set_report(w, sender, frags, lens, 65), -ERR_RANGE);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(three_find_each_other),
	    cmocka_unit_test(outside_a_cluster_only_join_is_said),
	    cmocka_unit_test(packets_are_counted_by_kind),
	    cmocka_unit_test(silence_is_death_in_two_seconds),
	    cmocka_unit_test(without_a_leader_suspicion_comes_first),
	    cmocka_unit_test(the_accused_refutes),
	    cmocka_unit_test(a_restart_wins_over_its_past),
	    cmocka_unit_test(a_quick_restart_is_told),
	    cmocka_unit_test(leaving_is_not_dying),
	    cmocka_unit_test(who_was_away_hears_of_a_goodbye),
	    cmocka_unit_test(a_cut_heals_by_itself),
	    cmocka_unit_test(bad_addresses_and_full_tables_are_refused),
	    cmocka_unit_test(summaries_reach_everybody),
	    cmocka_unit_test(reports_arrive_whole),
	};

	return cmocka_run_group_tests_name("swim", tests, NULL, NULL);
}
