/*
 * test_roster.c - how a roster comes to those who lack it: made out of the table, from
 * the leader, or, where they are many, from whoever has it.
 */
#include "world.h"

enum { CROWD = 210 };

static void
voters(struct world *w, uint32_t count)
{
	for (int k = 0; k < 20000 && (w->node[0]->roster.n.all < count || w->node[0]->roster.joint); k++)
		world_step(w);
	assert_int_equal(w->node[0]->roster.n.all, count);
	world_run(w, 1000);
	for (uint32_t i = 0; i < count; i++)
		assert_true(w->node[i]->roster.hash == w->node[0]->roster.hash);
}

/* The last of them hears nothing of the others before they are voters. */
static struct world *
late_comer(uint32_t count)
{
	struct world *w = world_new(count, MESH_QUORUM_MAJORITY);

	world_kill(w, count - 1);
	voters(w, count - 1);
	return w;
}

/* Who is to get a vote is no news to those who see it: only the newcomer itself, who
 * holds nothing to make it of, asks for the roster. */
static void
a_newcomers_vote_costs_the_others_nothing(void **state)
{
	struct world *w = late_comer(5);
	uint32_t asked;

	(void)state;
	asked = (uint32_t)w->sent_kind[PACKET_ROSTER];
	world_start(w, 4);
	voters(w, 5);
	assert_in_range(w->sent_kind[PACKET_ROSTER] - asked, 1, 2);
	world_free(w);
}

/* What no table gives is fetched: the leader gives node 1 another weight than the
 * others would. */
static void
what_cannot_be_guessed_is_fetched(void **state)
{
	struct world *w = late_comer(4);
	uint64_t asked = w->sent_kind[PACKET_ROSTER];

	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		if (w->node[i]->elect.role == MESH_LEADER)
			w->node[i]->conf.policy = (struct mesh_policy){.prefs_count = 1,
			    .prefs = {{.name = "n1", .weight = 3}}};
	world_start(w, 3);
	voters(w, 4);
	assert_int_equal(w->node[0]->roster.n.new, 6);
	assert_true(w->sent_kind[PACKET_ROSTER] - asked >= 3);
	world_free(w);
}

/* --- a crowd ---------------------------------------------------------------------- */

/* Node z of three believes in hundreds more, who are somewhere and say nothing. */
static struct mesh *
crowded(struct world *w, uint32_t *z)
{
	struct mesh *m;

	*z = w->node[1]->elect.role == MESH_LEADER ? 2 : 1;
	world_kill(w, *z);
	w->members_max = CROWD + WORLD_MAX;
	world_start(w, *z);
	m = w->node[*z];
	while (m->elect.leader == MEMBER_NONE || m->roster.n.all < 3)
		world_step(w);
	for (uint32_t k = 0; k < CROWD; k++) {
		struct node_id id = {{(uint8_t)(k * 7), 9, (uint8_t)k, 1}};
		int i = members_add(&m->ms, &id, w->now);

		assert_true(i > 0);
		m->ms.m[i].addr = toy_addr(200);
		members_set(&m->ms, (uint32_t)i, w->now, MESH_ALIVE, 1, 0);
	}
	assert_true(roster_crowd(m));
	return m;
}

/* As a later one that nobody could guess: each weighs two. */
static uint64_t
entries_of(const struct mesh *m, uint8_t *bytes)
{
	struct roster_sum sum = {.crypto = &m->conf.crypto};
	uint32_t n = 0;

	for (uint32_t k = 0; k < m->ms.count; k++) {
		const struct member *x = &m->ms.m[m->ms.order[k]];

		if (x->roster == 0)
			continue;
		roster_entry(bytes + n * ROSTER_ENTRY_BYTES, &x->id, MEMBER_VOTES,
		    &(struct ballot_weight){2, 2, 0});
		roster_sum_add(&sum, bytes + n++ * ROSTER_ENTRY_BYTES);
	}
	assert_int_equal(n, 3);
	return roster_sum_end(&sum);
}

static struct packet
next_beat(const struct world *w, const struct mesh *m, uint64_t hash)
{
	static uint8_t sign[ROSTER_SIGN_BYTES];
	struct packet p = {.kind = PACKET_BEAT, .hash = hash, .sign = sign,
	    .roster = {m->roster.id.term, m->roster.id.version + 1}};

	world_sign_roster(world_of(w, m, m->elect.leader), &p.roster, hash, sign);
	return p;
}

/* Whom did it ask?  Of the leader alone: true. */
static bool
asks_the_leader(struct mesh *m, msec now, const struct packet *beat)
{
	m->ring_len = 0;
	m->roster.ask_at = 0;
	roster_beat(m, now, m->elect.leader, beat);
	assert_true(m->ring_len > 0);
	for (uint32_t k = 0; k < m->ring_len; k++) {
		const struct out *o = &m->ring[(m->ring_head + k) % m->ring_cap];

		assert_int_equal(o->kind, PACKET_ROSTER_ASK);
		if (o->to != m->elect.leader)
			return false;
	}
	return true;
}

static void
what_others_hand_out_must_be_what_the_beat_names(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	uint8_t bytes[3 * ROSTER_ENTRY_BYTES];
	struct packet beat, chunk;
	struct mesh *m;
	uint32_t z, peer;
	uint64_t held;

	(void)state;
	voters(w, 3);
	m = crowded(w, &z);
	held = m->roster.hash;
	beat = next_beat(w, m, entries_of(m, bytes));
	chunk = (struct packet){.kind = PACKET_ROSTER, .roster = beat.roster, .count = 3,
	    .bytes = bytes, .bytes_len = sizeof bytes};

	/* First it waits: perhaps the table will know. */
	m->ring_len = 0;
	roster_beat(m, w->now, m->elect.leader, &beat);
	assert_int_equal(m->ring_len, 0);
	while (asks_the_leader(m, w->now, &beat))
		;
	peer = m->roster.fetch_peers[0];
	assert_true(peer != 0 && peer != m->elect.leader);

	/* Somebody who was not asked; somebody who was, and lies. */
	assert_int_equal(roster_recv(m, w->now, peer == 5 ? 6 : 5, &chunk), 0);
	assert_int_equal(m->roster.fetch_count, 0);
	bytes[ID_BYTES + 2]++;
	assert_int_equal(roster_recv(m, w->now, peer, &chunk), -ERR_AUTH);
	assert_true(m->roster.hash == held);

	/* From then on it is the leader's alone to say. */
	bytes[ID_BYTES + 2]--;
	assert_true(asks_the_leader(m, w->now, &beat));
	assert_int_equal(roster_recv(m, w->now, peer, &chunk), 0);
	assert_true(m->roster.hash == held);
	assert_int_equal(roster_recv(m, w->now, m->elect.leader, &chunk), 0);
	assert_true(m->roster.hash == beat.hash);
	assert_int_equal(roster_cmp(&m->roster.id, &beat.roster), 0);
	world_free(w);
}

/* All of the crowd have a vote: some chunks.  Entries, and their hash. */
static uint32_t
crowd_of(const struct mesh *m, uint8_t *bytes, uint64_t *hash)
{
	struct roster_sum sum = {.crypto = &m->conf.crypto};
	uint32_t n = 0;

	for (; n < m->ms.count; n++) {
		roster_entry(bytes + n * ROSTER_ENTRY_BYTES, &m->ms.m[m->ms.order[n]].id, MEMBER_VOTES,
		    &(struct ballot_weight){2, 2, 0});
		roster_sum_add(&sum, bytes + n * ROSTER_ENTRY_BYTES);
	}
	*hash = roster_sum_end(&sum);
	return n;
}

static int
hand_out(struct mesh *m, msec now, uint32_t from, struct packet *chunk, const uint8_t *bytes, uint32_t index)
{
	uint32_t entries = (uint32_t)chunk->count - index * ROSTER_CHUNK;

	chunk->index = index;
	chunk->bytes = bytes + (size_t)index * ROSTER_CHUNK * ROSTER_ENTRY_BYTES;
	chunk->bytes_len = (entries < ROSTER_CHUNK ? entries : ROSTER_CHUNK) * (size_t)ROSTER_ENTRY_BYTES;
	return roster_recv(m, now, from, chunk);
}

static void
what_others_hand_out_is_taken(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	uint8_t bytes[(CROWD + WORLD_MAX) * ROSTER_ENTRY_BYTES];
	struct packet beat, chunk;
	struct mesh *m;
	uint64_t hash;
	uint32_t z, n;

	(void)state;
	voters(w, 3);
	m = crowded(w, &z);
	n = crowd_of(m, bytes, &hash);
	beat = next_beat(w, m, hash);
	roster_beat(m, w->now, m->elect.leader, &beat);
	while (asks_the_leader(m, w->now, &beat))
		;
	chunk = (struct packet){.kind = PACKET_ROSTER, .roster = beat.roster, .count = n};
	/* One after the other from whom was asked, and some twice. */
	for (uint32_t k = 0; k * ROSTER_CHUNK < n; k++)
		for (uint32_t twice = 0; twice < 2 && m->roster.hash != hash; twice++)
			assert_int_equal(hand_out(m, w->now, m->roster.fetch_peers[twice], &chunk, bytes, k), 0);
	assert_true(m->roster.hash == hash);
	world_free(w);
}

/* Two that were asked contradict each other: who is right, the leader must say. */
static void
who_contradicts_ends_the_trust_in_others(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	uint8_t bytes[(CROWD + WORLD_MAX) * ROSTER_ENTRY_BYTES];
	struct packet beat, chunk;
	struct mesh *m;
	uint64_t hash;
	uint32_t z, n;

	(void)state;
	voters(w, 3);
	m = crowded(w, &z);
	n = crowd_of(m, bytes, &hash);
	beat = next_beat(w, m, hash);
	roster_beat(m, w->now, m->elect.leader, &beat);
	while (asks_the_leader(m, w->now, &beat))
		;
	chunk = (struct packet){.kind = PACKET_ROSTER, .roster = beat.roster, .count = n};
	assert_int_equal(hand_out(m, w->now, m->roster.fetch_peers[0], &chunk, bytes, 0), 0);
	assert_int_equal(m->roster.fetch_count, 1);
	chunk.count = ROSTER_CHUNK;
	assert_int_equal(hand_out(m, w->now, m->roster.fetch_peers[1], &chunk, bytes, 0), -ERR_AUTH);
	assert_true(asks_the_leader(m, w->now, &beat));
	chunk.count = n;
	for (uint32_t k = 0; k * ROSTER_CHUNK < n; k++) {
		assert_int_equal(hand_out(m, w->now, m->roster.fetch_peers[0], &chunk, bytes, k), 0);
		assert_true(m->roster.hash != hash);
	}
	for (uint32_t k = 0; k * ROSTER_CHUNK < n; k++)
		assert_int_equal(hand_out(m, w->now, m->elect.leader, &chunk, bytes, k), 0);
	assert_true(m->roster.hash == hash);
	world_free(w);
}

/* --- its hash --------------------------------------------------------------------- */

static void
mixed(void *arg, struct hash *out, const uint8_t *msg, size_t len)
{
	uint64_t h = len;

	(void)arg;
	for (size_t i = 0; i < len; i++)
		h = prng_mix(h ^ msg[i]);
	for (size_t i = 0; i < HASH_BYTES; i++)
		out->b[i] = (uint8_t)(prng_mix(h + i / 8) >> i % 8 * 8);
}

static uint64_t
sum_of(uint32_t n, uint32_t change)
{
	struct crypto c = {.hash = mixed};
	struct roster_sum sum = {.crypto = &c};
	uint8_t entry[ROSTER_ENTRY_BYTES];

	for (uint32_t k = 0; k < n; k++) {
		struct node_id id = {{(uint8_t)(k >> 8), (uint8_t)k}};

		roster_entry(entry, &id, MEMBER_VOTES, &(struct ballot_weight){1, 1, 0});
		entry[change % ROSTER_ENTRY_BYTES] ^= change / ROSTER_ENTRY_BYTES == k;
		roster_sum_add(&sum, entry);
	}
	return roster_sum_end(&sum);
}

static void
every_byte_of_every_entry_is_in_the_hash(void **state)
{
	enum { N = 2 * ROSTER_CHUNK + 1 };
	uint64_t hash = sum_of(N, UINT32_MAX);

	(void)state;
	for (uint32_t k = 0; k < N * ROSTER_ENTRY_BYTES; k++)
		assert_true(sum_of(N, k) != hash);
	for (uint32_t n = 1; n < N; n++)
		assert_true(sum_of(n, UINT32_MAX) != sum_of(n - 1, UINT32_MAX));
	assert_true(sum_of(0, UINT32_MAX) == 0);
}

/* A roster that was asked for before this node got a later one. */
static void
an_older_roster_is_not_taken_over(void **state)
{
	uint32_t leader, z;
	struct world *w = world_settled(3, &leader, &z);
	uint8_t entry[2 * ROSTER_ENTRY_BYTES] = {0}, sign[ROSTER_SIGN_BYTES];
	struct packet chunk = {.kind = PACKET_ROSTER, .count = 2, .bytes = entry,
	    .bytes_len = sizeof entry, .sign = sign};
	struct roster_sum sum = {.crypto = &w->node[0]->conf.crypto};
	struct roster *ro;

	(void)state;
	ro = &w->node[z]->roster;
	entry[0] = 200;
	entry[ID_BYTES] = MEMBER_VOTES;
	roster_entry(entry + ROSTER_ENTRY_BYTES, &w->node[z]->ms.m[w->node[z]->elect.leader].id,
	    MEMBER_VOTES, &(struct ballot_weight){1, 1, 0});
	roster_sum_add(&sum, entry);
	roster_sum_add(&sum, entry + ROSTER_ENTRY_BYTES);
	memset(sign, 0, sizeof sign);
	chunk.roster = (struct roster_id){ro->id.term, ro->id.version - 1};
	ro->fetch = chunk.roster;
	ro->fetch_from = w->node[z]->elect.leader;
	ro->fetch_hash = 0;
	assert_int_equal(roster_recv(w->node[z], w->now, ro->fetch_from, &chunk), 0);
	assert_int_equal(ro->n.new, 3);
	assert_true(roster_cmp(&ro->id, &chunk.roster) > 0);
	/* Nor one that leaves this voter out: the others may need its vote. */
	chunk.roster.version += 2;
	ro->fetch = chunk.roster;
	world_sign_roster(world_of(w, w->node[z], ro->fetch_from), &chunk.roster, roster_sum_end(&sum), sign);
	assert_int_equal(roster_recv(w->node[z], w->now, ro->fetch_from, &chunk), 0);
	assert_int_equal(ro->n.new, 3);
	assert_true(roster_cmp(&ro->id, &chunk.roster) < 0);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_newcomers_vote_costs_the_others_nothing),
	    cmocka_unit_test(what_cannot_be_guessed_is_fetched),
	    cmocka_unit_test(what_others_hand_out_must_be_what_the_beat_names),
	    cmocka_unit_test(what_others_hand_out_is_taken),
	    cmocka_unit_test(who_contradicts_ends_the_trust_in_others),
	    cmocka_unit_test(every_byte_of_every_entry_is_in_the_hash),
	    cmocka_unit_test(an_older_roster_is_not_taken_over),
	};

	return cmocka_run_group_tests_name("roster", tests, NULL, NULL);
}
