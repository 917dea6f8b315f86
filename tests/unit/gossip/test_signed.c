/*
 * test_signed.c - whose word a roster is, and on how many words one is taken by who
 * holds none.
 */
#include "world.h"

#include "../../../gossip/be.h"

static struct world *
settled(uint32_t count)
{
	struct world *w = world_new(count, MESH_QUORUM_MAJORITY);

	for (int k = 0; k < 20000 && (w->node[0]->roster.n.all < count || w->node[0]->roster.joint); k++)
		world_step(w);
	world_run(w, 1000);
	for (uint32_t i = 0; i < count; i++)
		assert_true(w->node[i]->roster.hash == w->node[0]->roster.hash);
	return w;
}

static struct mesh *
follower(struct world *w)
{
	return w->node[world_leader(w) == 1 ? 2 : 1];
}

/* Does the one that m holds hold, as anybody may ask? */
static bool
holds(struct mesh *m)
{
	struct roster was = m->roster;
	bool right;

	m->roster.n.all = 0; /* whoever its parent was of */
	right = was.is_signed && roster_judge(m, 1, 0, &was.id, was.hash, was.sign) == 0;
	m->roster = was;
	return right;
}

static void
each_roster_is_its_leaders_word(void **state)
{
	struct world *w = settled(3);

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		struct node_id signer;

		assert_true(holds(w->node[i]));
		roster_signer(w->node[i], w->node[i]->roster.sign, &signer);
		assert_int_not_equal(members_find_id(&w->node[i]->ms, &signer), MEMBER_NONE);
		assert_memory_equal(w->node[i]->roster.sign, w->node[0]->roster.sign, ROSTER_SIGN_BYTES);
	}
	for (uint32_t i = 0; i < 3; i++) { /* and it is on disk with it */
		world_kill(w, i);
		world_start(w, i);
		assert_true(holds(w->node[i]));
	}
	world_free(w);
}

/* The leader is lost while a joint roster is under way: the next one stamps what the old
 * one signed, and names that as the parent. */
static void
a_joint_roster_outlives_its_leader(void **state)
{
	struct world *w = world_new(5, MESH_QUORUM_MAJORITY);
	struct roster_id held = {0}, parent;
	struct node_id signer;
	uint32_t old, next, f;

	(void)state;
	world_kill(w, 4);
	while (w->node[0]->roster.n.all < 4 || w->node[0]->roster.joint)
		world_step(w);
	world_run(w, 3000);
	old = world_leader(w);
	f = old == 1 ? 2 : 1;
	world_start(w, 4);
	while (!w->node[f]->roster.joint)
		world_step(w);
	roster_signer(w->node[f], w->node[f]->roster.sign, &signer);
	assert_true(id_eq(&signer, &w->node[old]->ms.m[0].id));
	world_kill(w, old);
	next = old;
	while (next == old || w->node[next]->roster.id.term != w->node[next]->elect.ballot_term) {
		for (uint32_t i = 0; i < 5; i++)
			if (i != old && w->node[i]->elect.role == MESH_LEADER && next == old)
				next = i;
		held = w->node[next == old ? f : next]->roster.id;
		world_step(w);
	}
	parent = (struct roster_id){.term = be_get(w->node[next]->roster.sign, 8),
	    .version = be_get(w->node[next]->roster.sign + 8, 8)};
	assert_int_equal(roster_cmp(&parent, &held), 0);
	assert_true(holds(w->node[next]));
	world_run(w, 3000);
	assert_int_equal(w->node[next]->roster.n.new, 5);
	assert_false(w->node[next]->roster.joint);
	world_free(w);
}

static struct packet
beat_of(const struct mesh *m, uint64_t later, uint64_t hash, const uint8_t *sign)
{
	return (struct packet){.kind = PACKET_BEAT, .hash = hash, .sign = sign,
	    .roster = {m->roster.id.term, m->roster.id.version + later}};
}

/* A beat of m's leader names that: refused for rc, counted, and said with its place. */
static void
is_refused(struct world *w, struct mesh *m, const struct packet *beat, int rc, const char *line)
{
	struct roster was = m->roster;
	uint64_t dropped = m->stats.dropped[-rc];
	char said[NAME_CAP + 64];
	snprintf(said, sizeof said, "%s %.*s ", line, (int)m->ms.m[m->elect.leader].name_len,
	    members_name(&m->ms, m->elect.leader));

	w->text_len = 0;
	memset(w->text, 0, sizeof w->text);
	m->roster.refused = (struct roster_id){0};
	m->ring_len = 0;
	roster_beat(m, w->now, m->elect.leader, beat);
	assert_int_equal(m->ring_len, 0); /* nor is it asked for */
	assert_true(m->stats.dropped[-rc] == dropped + 1);
	assert_true(m->roster.hash == was.hash && roster_cmp(&m->roster.id, &was.id) == 0);
	assert_non_null(strstr(w->text, said));
	roster_beat(m, w->now, m->elect.leader, beat); /* said once, counted again */
	assert_true(m->stats.dropped[-rc] == dropped + 2);
	assert_null(strstr(strstr(w->text, line) + 1, line));
}

static void
what_nobody_signed_is_refused(void **state)
{
	static const char line[] = "roster unsigned refused";
	struct world *w = settled(3);
	struct mesh *m = follower(w), *l = world_of(w, m, m->elect.leader);
	uint8_t sign[ROSTER_SIGN_BYTES];
	struct packet beat = beat_of(m, 1, 77, NULL);

	(void)state;
	is_refused(w, m, &beat, -ERR_AUTH, line);
	world_sign_roster(l, &beat.roster, 77, sign);
	beat.sign = sign;
	sign[ROSTER_SIGN_BYTES - 1] ^= 1;
	is_refused(w, m, &beat, -ERR_AUTH, line);
	sign[ROSTER_SIGN_BYTES - 1] ^= 1;
	beat.hash = 78; /* another set than was signed */
	is_refused(w, m, &beat, -ERR_AUTH, line);
	beat.hash = 77;
	beat.roster.version++; /* an old one under a new id */
	is_refused(w, m, &beat, -ERR_AUTH, line);
	beat.sign = m->roster.sign; /* what was signed once, again */
	beat.hash = m->roster.hash;
	is_refused(w, m, &beat, -ERR_AUTH, line);
	beat = beat_of(m, 1, 77, sign); /* older than what it is made of */
	be_put(sign, beat.roster.term + 1, 8);
	is_refused(w, m, &beat, -ERR_RANGE, line);
	world_free(w);
}

/* An old one under its own id is what it says: old. */
static void
a_replay_takes_nobody_back(void **state)
{
	struct world *w = settled(3);
	struct mesh *m = follower(w);
	struct roster was = m->roster;
	struct packet beat = beat_of(m, 0, was.hash, was.sign);

	(void)state;
	beat.roster.version--;
	m->ring_len = 0;
	roster_beat(m, w->now, m->elect.leader, &beat);
	assert_int_equal(m->ring_len, 0);
	assert_int_equal(roster_cmp(&m->roster.id, &was.id), 0);
	world_free(w);
}

static void
who_has_no_vote_makes_none(void **state)
{
	static const char line[] = "roster of no voter refused";
	struct world *w = settled(4);
	struct mesh *m = follower(w), *x = w->node[3];
	uint8_t sign[ROSTER_SIGN_BYTES];
	struct packet beat = beat_of(m, 1, 77, sign);
	uint32_t i = members_find_id(&m->ms, &x->ms.m[0].id);

	(void)state;
	m->ms.m[i].roster = 0; /* as if it had come since */
	world_sign_roster(x, &beat.roster, 77, sign);
	is_refused(w, m, &beat, -ERR_NO_VOTE, line);
	be_put(sign + 8, 1, 8); /* of another parent, that nobody here knows */
	is_refused(w, m, &beat, -ERR_AUTH, "roster unsigned refused");
	world_free(w);
}

/* Who is no voter here, and made one out of a parent that is not held here: perhaps this
 * node was away for long.  Two must say so. */
static void
a_strangers_roster_needs_another_word(void **state)
{
	struct world *w = settled(4);
	struct mesh *m = follower(w), *x = w->node[3];
	uint8_t sign[ROSTER_SIGN_BYTES];
	struct packet beat = beat_of(m, 9, 77, sign), told = {.kind = PACKET_PREVOTED, .hash = 77};
	uint32_t i = members_find_id(&m->ms, &x->ms.m[0].id), other = 1;

	(void)state;
	m->ms.m[i].roster = 0;
	x->roster.id.version += 5;
	world_sign_roster(x, &beat.roster, 77, sign);
	m->ring_len = 0;
	roster_beat(m, w->now, m->elect.leader, &beat);
	assert_int_equal(m->roster.fetch.version, 0);
	while (other == m->elect.leader)
		other++;
	told.roster = beat.roster;
	roster_told(m, w->now, other, &told);
	roster_beat(m, w->now, m->elect.leader, &beat);
	assert_int_equal(roster_cmp(&m->roster.fetch, &beat.roster), 0);
	world_free(w);
}

/* A release before rosters were signed: its leader's word is what it was, until the one
 * held here is signed.  Else whoever is bad says that he is of that release. */
static void
an_older_release_is_heard(void **state)
{
	struct world *w = settled(3);
	struct mesh *m = follower(w);
	struct packet beat = beat_of(m, 1, 77, NULL);

	(void)state;
	members_pair(&m->ms, m->elect.leader)->wire.features &= ~(uint32_t)WIRE_SIGNS_ROSTERS;
	assert_true(m->roster.is_signed);
	roster_beat(m, w->now, m->elect.leader, &beat);
	assert_int_not_equal(roster_cmp(&m->roster.fetch, &beat.roster), 0);
	m->roster.is_signed = false;
	roster_beat(m, w->now, m->elect.leader, &beat);
	assert_int_equal(roster_cmp(&m->roster.fetch, &beat.roster), 0);
	world_free(w);
}

/* As it was saved before: read, led by, and signed with the next step. */
static void
an_older_disk_is_read_and_signed(void **state)
{
	struct world *w = world_new(1, MESH_QUORUM_MAJORITY);
	struct mpw p;
	struct node_id self = world_id(0);
	struct addr a = toy_addr(0);

	(void)state;
	world_run(w, 100);
	world_kill(w, 0);
	mpw_init(&p, w->roster[0], sizeof w->roster[0]);
	mpw_array(&p, 5);
	mpw_uint(&p, 2);
	mpw_uint(&p, 0);
	mpw_uint(&p, 1);
	mpw_uint(&p, 1);
	mpw_array(&p, 8);
	mpw_bin(&p, self.b, ID_BYTES);
	mpw_uint(&p, MEMBER_VOTES);
	mpw_uint(&p, 1);
	mpw_uint(&p, 1);
	mpw_str(&p, "n0", 2);
	mpw_bin(&p, a.ip, sizeof a.ip);
	mpw_uint(&p, a.port);
	mpw_bin(&p, "", 0);
	w->disk[0].roster_bytes = p.len;
	world_start(w, 0);
	assert_int_equal(w->node[0]->roster.n.all, 1);
	assert_false(w->node[0]->roster.is_signed);
	world_run(w, 4000);
	assert_true(holds(w->node[0]));
	assert_true(w->node[0]->roster.id.version > 1);
	world_kill(w, 0); /* cut, at each byte: no roster, and no harm */
	for (size_t n = w->disk[0].roster_bytes; n-- > 1;) {
		struct mesh_conf c = {.self = self, .addr = a, .members_max = 32, .crypto = world_crypto(7, 0),
		    .name = "n0", .saved = w->disk[0]};

		world_pk(0, c.pk);
		c.saved.roster_bytes = n;
		assert_null(mesh_new(&c, w->now));
	}
	world_free(w);
}

/* --- who holds none -------------------------------------------------------------- */

static struct packet
word(uint64_t version, uint64_t hash)
{
	return (struct packet){.kind = PACKET_PREVOTED, .roster = {version > 0 ? 3 : 0, version}, .hash = hash};
}

/* m lost its roster; three others are up. */
static struct mesh *
forgetful(struct world *w)
{
	struct mesh *m = follower(w);

	m->roster.n = (struct tally){0};
	m->roster.id = (struct roster_id){0};
	return m;
}

static void
one_liar_gives_nobody_a_roster(void **state)
{
	struct world *w = settled(4);
	struct mesh *m = forgetful(w);
	struct packet lie = word(99, 66), truth = word(7, 55), none = word(0, 0);

	(void)state;
	for (int k = 0; k < 3; k++) {
		roster_told(m, w->now, 1, &lie);
		assert_int_equal(m->roster.fetch.version, 0);
	}
	roster_told(m, w->now, 2, &none);
	assert_int_equal(m->roster.fetch.version, 0);
	roster_told(m, w->now, 2, &truth);
	assert_int_equal(m->roster.fetch.version, 0);
	roster_told(m, w->now, 3, &truth);
	assert_int_equal(m->roster.fetch.version, 7);
	assert_true(m->roster.fetch_hash == 55);
	world_free(w);
}

static void
where_nobody_else_knows_one_word_will_do(void **state)
{
	struct world *w = settled(4);
	struct mesh *m = forgetful(w);
	struct packet truth = word(7, 55), none = word(0, 0);

	(void)state;
	m->roster.recall.had_vote = true;
	roster_told(m, w->now, 1, &truth);
	roster_told(m, w->now, 2, &none);
	assert_int_equal(m->roster.fetch.version, 0); /* the third was not heard */
	roster_told(m, w->now, 3, &none);
	roster_told(m, w->now, 1, &truth);
	assert_int_equal(m->roster.fetch.version, 0); /* perhaps it knows too few yet */
	roster_told(m, w->now + 1000, 1, &truth);
	assert_int_equal(m->roster.fetch.version, 7);
	world_free(w);
}

static void
two_who_differ_are_waited_for(void **state)
{
	struct world *w = settled(4);
	struct mesh *m = forgetful(w);
	struct packet old = word(7, 55), new = word(8, 56);
	msec began = w->now;

	(void)state;
	for (msec now = began; now < began + 11000; now += 500) {
		roster_told(m, now, 1, &old);
		assert_int_equal(m->roster.fetch.version, 0);
		roster_told(m, now, 2, &new);
		assert_int_equal(m->roster.fetch.version, now - began < 10000 ? 0 : 8);
		if (m->roster.fetch.version > 0)
			break;
	}
	assert_int_equal(m->roster.fetch.version, 8);
	world_free(w);
}

/* In the world itself: its disk is lost, and it has the roster of the others again. */
static void
who_lost_its_disk_has_it_back(void **state)
{
	struct world *w = settled(4);
	uint32_t z = world_leader(w) == 1 ? 2 : 1;

	(void)state;
	world_kill(w, z);
	w->disk[z] = (struct mesh_saved){.generation = w->disk[z].generation};
	world_start(w, z);
	while (w->node[z]->roster.n.all == 0) {
		assert_true(w->now < 60000);
		world_step(w);
	}
	assert_true(holds(w->node[z]));
	world_run(w, 3000);
	assert_true(w->node[z]->roster.hash == w->node[0]->roster.hash);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_roster_is_its_leaders_word),
	    cmocka_unit_test(a_joint_roster_outlives_its_leader),
	    cmocka_unit_test(what_nobody_signed_is_refused),
	    cmocka_unit_test(a_replay_takes_nobody_back),
	    cmocka_unit_test(who_has_no_vote_makes_none),
	    cmocka_unit_test(a_strangers_roster_needs_another_word),
	    cmocka_unit_test(an_older_release_is_heard),
	    cmocka_unit_test(an_older_disk_is_read_and_signed),
	    cmocka_unit_test(one_liar_gives_nobody_a_roster),
	    cmocka_unit_test(where_nobody_else_knows_one_word_will_do),
	    cmocka_unit_test(two_who_differ_are_waited_for),
	    cmocka_unit_test(who_lost_its_disk_has_it_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
