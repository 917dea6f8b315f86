/*
 * test_pair.c - how two nodes come to their keys, and what no key of theirs
 * opens: another life's words, another member's, anybody's.
 */
#include "world.h"

enum { TAPE_MAX = 2000 };

/* Everything that 1 said to 0, as somebody on the way recorded it. */
static struct tape {
	size_t n;
	size_t len[TAPE_MAX];
	uint8_t b[TAPE_MAX][DGRAM_BYTES_MAX];
} tape;

static void
record(struct world *w, msec ms)
{
	for (msec end = w->now + ms; w->now < end; world_step(w))
		for (size_t k = 0; k < w->flights && tape.n < TAPE_MAX; k++)
			if (w->flight[k].from == 1 && w->flight[k].to == 0) {
				tape.len[tape.n] = w->flight[k].len;
				memcpy(tape.b[tape.n++], w->flight[k].b, w->flight[k].len);
			}
}

/* Say it all again to 0: how many of the sealed words it took. */
static size_t
repeat(struct world *w)
{
	struct addr from = toy_addr(1);
	size_t taken = 0;

	for (size_t k = 0; k < tape.n; k++)
		if ((tape.b[k][1] & SEAL_FORM_MASK) == SEAL_PAIR)
			taken += mesh_recv(w->node[0], w->now, &from, tape.b[k], tape.len[k]) == 0;
		else
			(void)!mesh_recv(w->node[0], w->now, &from, tape.b[k], tape.len[k]);
	return taken;
}

static const struct pair *
pair_of(struct world *w, uint32_t i, uint32_t with)
{
	struct node_id id = world_id(with);
	uint32_t at = members_find_id(&w->node[i]->ms, &id);

	return at == MEMBER_NONE ? NULL : members_pair(&w->node[i]->ms, at);
}

/* As made for the epoch in use. */
static const struct pair_keys *
keys_of(struct world *w, uint32_t i, uint32_t with)
{
	const struct pair *p = pair_of(w, i, with);
	const struct pair_keys *k = pairs_keys(&w->node[i]->ms.pairs, p);

	assert_int_equal(k->of, p - w->node[i]->ms.pairs.all + 1);
	return k;
}

static bool
stand(struct world *w, uint32_t i, uint32_t with)
{
	const struct pair *p = pair_of(w, i, with);

	return p != NULL && p->since != 0 && p->heard;
}

/* Two HELLOs, then what was to be said: it waits for one round trip, not longer. */
static void
nothing_waits_longer_than_a_round_trip(void **state)
{
	struct world *w = world_new(2, MESH_QUORUM_MAJORITY);
	uint32_t at;

	(void)state;
	world_run(w, 4000);
	assert_true(stand(w, 0, 1) && stand(w, 1, 0));
	assert_memory_equal(keys_of(w, 0, 1)->tx, keys_of(w, 1, 0)->rx, KEY_BYTES);
	assert_memory_equal(keys_of(w, 0, 1)->rx, keys_of(w, 1, 0)->tx, KEY_BYTES);
	assert_memory_not_equal(keys_of(w, 0, 1)->tx, keys_of(w, 0, 1)->rx, KEY_BYTES);
	/* Forget it on one side, as a new life would. */
	at = members_find(&w->node[1]->ms, w->node[0]->ms.m[0].short_id);
	members_pair_take(&w->node[1]->ms, at)->since = 0;
	world_step(w);
	memset(w->sent_kind, 0, sizeof w->sent_kind);
	out_to(w->node[1], PACKET_SYNC, at, 1, 0, 0);
	for (int ms = 0; ms < 4; ms++)
		world_step(w);
	assert_int_equal(w->sent_kind[PACKET_SYNC], 1);
	assert_true(w->sent_kind[PACKET_HELLO] >= 1);
	assert_true(stand(w, 1, 0));
	world_free(w);
}

/* Both have keys and one does not know it, because the other's first word under
 * them was lost and it has nothing to say: asked again, it says so again. */
static void
who_waits_for_a_lost_word_gets_another(void **state)
{
	struct world *w = world_new(2, MESH_QUORUM_MAJORITY);
	uint32_t at, of;

	(void)state;
	world_run(w, 4000);
	at = members_find(&w->node[0]->ms, w->node[1]->ms.m[0].short_id);
	of = members_find(&w->node[1]->ms, w->node[0]->ms.m[0].short_id);
	members_pair_take(&w->node[0]->ms, at)->heard = false;
	members_pair_take(&w->node[1]->ms, of)->spoke = false;
	world_step(w);
	assert_false(stand(w, 0, 1));
	memset(w->sent_kind, 0, sizeof w->sent_kind);
	out_hello(w->node[0], at, 0, false);
	for (int ms = 0; ms < 4; ms++)
		world_step(w);
	assert_int_equal(w->sent_kind[PACKET_PING], 1);
	assert_true(stand(w, 0, 1));
	world_free(w);
}

/* Restarted: what was recorded before is refused, before the other has called
 * and after.  Within one life the window refuses it. */
static void
no_word_of_another_life_is_heard(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);

	(void)state;
	memset(&tape, 0, sizeof tape);
	record(w, 8000);
	assert_true(tape.n > 50);
	assert_int_equal(repeat(w), 0);
	world_kill(w, 0);
	world_start(w, 0);
	assert_int_equal(repeat(w), 0);
	world_run(w, 3000);
	assert_true(stand(w, 0, 1));
	assert_int_equal(repeat(w), 0);
	/* The speaker's own new life makes its old words void as well. */
	world_kill(w, 1);
	world_start(w, 1);
	world_run(w, 3000);
	assert_int_equal(repeat(w), 0);
	world_run(w, 1000);
	assert_true(stand(w, 0, 1) && stand(w, 1, 0));
	assert_int_equal(world_state(w, 0, 1), MESH_ALIVE);
	world_leader(w);
	world_free(w);
}

/* An old HELLO, however often said, neither ends a session nor makes one. */
static void
an_old_hello_changes_nothing(void **state)
{
	struct world *w = world_new(2, MESH_QUORUM_MAJORITY);
	struct pair was;
	struct pair_keys keys;

	(void)state;
	memset(&tape, 0, sizeof tape);
	record(w, 3000);
	world_kill(w, 1);
	world_start(w, 1);
	world_run(w, 3000);
	assert_true(stand(w, 0, 1));
	was = *pair_of(w, 0, 1);
	keys = *keys_of(w, 0, 1);
	assert_int_equal(repeat(w), 0);
	assert_memory_equal(pair_of(w, 0, 1)->salt, was.salt, SALT_BYTES);
	assert_memory_equal(pair_of(w, 0, 1)->rx_secret, was.rx_secret, KEY_BYTES);
	assert_memory_equal(keys_of(w, 0, 1)->rx, keys.rx, KEY_BYTES);
	assert_true(stand(w, 0, 1));
	world_free(w);
}

/* Who holds the cluster key can say HELLO for another, and nothing else. */
static void
no_member_speaks_as_another(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct crypto c = world_crypto(7, 2);
	struct node_id victim = world_id(1);
	struct addr from = toy_addr(1);
	struct seal evil;

	(void)state;
	world_run(w, 5000);
	for (uint64_t kind = 1; kind < PACKET_KINDS_; kind++) {
		uint8_t buf[DGRAM_BYTES_MAX];
		struct packet p = {.kind = kind, .term = 9, .grade = 2,
		    .bytes = (const uint8_t *)"", .bytes_len = 0};
		struct mpw body, none;

		seal_init(&evil, &c, &victim, w->disk[0].cluster, 3 + kind, 1);
		mpw_init(&body, buf + SEAL_SHARED_HEADER_BYTES, SEAL_SHARED_BODY_MAX);
		mpw_init(&none, NULL, 0);
		packet_begin(&body, &p);
		packet_end(&body, &none, 0);
		assert_true(mesh_recv(w->node[0], w->now, &from, buf,
		    seal_close(&evil, SEAL_SHARED, NULL, buf, body.len)) < 0);
	}
	assert_true(stand(w, 0, 1));
	world_leader(w);
	world_free(w);
}

static size_t
hello_of(struct seal *s, uint64_t counter, uint8_t salt, uint8_t *buf)
{
	uint8_t head[HELLO_HEAD_BYTES] = {salt};
	struct packet p = {.kind = PACKET_HELLO, .bytes = head, .bytes_len = sizeof head};
	struct mpw w;

	s->counter = counter;
	mpw_init(&w, buf + SEAL_SHARED_HEADER_BYTES, SEAL_SHARED_BODY_MAX);
	packet_begin(&w, &p);
	packet_end(&w, NULL, 0);
	return seal_close(s, SEAL_SHARED, NULL, buf, w.len);
}

/* Who holds the cluster key says HELLO in n1's name, with a salt of its own and the
 * highest counter of n1's life, before n1 said its first word to this life of n0:
 * it keeps the two apart for as long as it goes on, and not longer. */
static void
a_made_up_salt_locks_no_pair(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct crypto c = world_crypto(7, 9);
	struct node_id n1 = world_id(1);
	struct addr from = toy_addr(1);
	uint8_t buf[DGRAM_BYTES_MAX];
	struct seal s;
	uint64_t life;
	bool planted = false;

	(void)state;
	world_run(w, 8000);
	world_kill(w, 0);
	world_run(w, 100);
	world_start(w, 0);
	life = w->node[1]->ms.m[0].generation;
	seal_init(&s, &c, &n1, w->disk[1].cluster, life, 77);
	for (msec end = w->now + 10000; w->now < end && !planted; world_step(w)) {
		size_t n = hello_of(&s, ((life + 1) << SEAL_COUNTER_BITS) - 1, 0x66, buf);

		planted = mesh_recv(w->node[0], w->now, &from, buf, n) == 0;
	}
	assert_true(planted && pair_of(w, 0, 1)->salt[0] == 0x66 && !pair_of(w, 0, 1)->spoke);
	world_run(w, 5000);
	assert_true(pair_of(w, 0, 1)->spoke && stand(w, 0, 1) && stand(w, 1, 0));
	/* And once it spoke, it is too late for that. */
	assert_int_equal(mesh_recv(w->node[0], w->now, &from, buf,
	    hello_of(&s, ((life + 1) << SEAL_COUNTER_BITS) - 1, 0x66, buf)), -ERR_IDENTITY);
	world_free(w);
}

/* The numbers of a life's frames end, those of the leader first: it goes on in its
 * next life, is heard by all, and leads. */
static void
numbers_end_and_the_talk_goes_on(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	uint64_t life;
	uint32_t l;

	(void)state;
	world_run(w, 8000);
	l = world_leader(w);
	life = w->node[l]->ms.m[0].generation;
	w->node[l]->seal.counter = ((life + 1) << SEAL_COUNTER_BITS) - 20;
	world_run(w, 1000);
	assert_int_equal(w->node[l]->ms.m[0].generation, life + 1);
	assert_int_equal(w->disk[l].generation, life + 1);
	assert_int_equal(w->node[l]->seal.counter >> SEAL_COUNTER_BITS, life + 1);
	for (msec end = w->now + 60000; w->now < end; world_step(w))
		for (uint32_t i = 0; i < 3; i++)
			assert_int_equal(world_state(w, i, l), MESH_ALIVE);
	for (uint32_t i = 0; i < 3; i++)
		assert_true(i == l || (stand(w, i, l) && stand(w, l, i)));
	assert_int_equal(world_leader(w), l);
	assert_int_equal(w->node[l]->ms.m[0].generation, life + 1);
	world_free(w);
}

/* A peer that lives anew is talked to again at once, whoever calls first. */
static void
a_restart_costs_a_second_at_most(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);

	(void)state;
	world_run(w, 6000);
	for (uint32_t i = 0; i < 3; i++) {
		world_kill(w, i);
		world_start(w, i);
		world_run(w, 1200);
		for (uint32_t j = 0; j < 3; j++)
			assert_true(i == j || (stand(w, i, j) && stand(w, j, i)));
		world_run(w, 2000);
	}
	world_leader(w);
	world_free(w);
}

static size_t
answers(struct world *w, struct addr *to, size_t *bytes)
{
	uint8_t buf[DGRAM_BYTES_MAX];
	size_t n = 0, len;

	*bytes = 0;
	for (; (len = mesh_poll(w->node[0], w->now, to, buf, sizeof buf)) > 0; n++)
		*bytes = len > *bytes ? len : *bytes;
	return n;
}

/* What nobody authenticated gets an answer only in a member's name at that
 * member's address, now and then, and never a longer one. */
static void
strangers_get_nothing(void **state)
{
	struct world *w = world_new(2, MESH_QUORUM_MAJORITY);
	uint8_t buf[DGRAM_BYTES_MAX] = {0};
	struct addr from = toy_addr(1), other = toy_addr(77), to;
	size_t bytes, n = 0;

	(void)state;
	world_run(w, 5000);
	(void)answers(w, &to, &bytes);
	memset(buf + 2, 0x77, 8); /* a sender nobody knows */
	assert_int_equal(mesh_recv(w->node[0], w->now, &other, buf, sizeof buf), -ERR_UNKNOWN);
	assert_int_equal(answers(w, &to, &bytes), 0);
	/* This life of mine knows the member, but has no keys with it. */
	members_pair_take(&w->node[0]->ms, 1)->since = 0;
	memcpy(buf + 2, w->node[1]->ms.m[0].id.b, 8);
	assert_int_equal(mesh_recv(w->node[0], w->now, &other, buf, sizeof buf), -ERR_UNKNOWN);
	assert_int_equal(answers(w, &to, &bytes), 0);
	for (size_t len = SEAL_OVERHEAD + 1; len < HELLO_BYTES; len++)
		assert_int_equal(mesh_recv(w->node[0], w->now, &from, buf, len), -ERR_UNKNOWN);
	assert_int_equal(answers(w, &to, &bytes), 0);
	assert_int_equal(mesh_recv(w->node[0], w->now, &from, buf, HELLO_BYTES), -ERR_UNKNOWN);
	assert_int_equal(answers(w, &to, &bytes), 1);
	assert_int_equal(bytes, HELLO_BYTES);
	assert_true(addr_eq(&to, &from));
	for (int ms = 0; ms < 1000; ms++) {
		w->now++;
		for (int k = 0; k < 20; k++) {
			(void)!mesh_recv(w->node[0], w->now, &from, buf, sizeof buf);
			n += answers(w, &to, &bytes);
			assert_true(bytes <= HELLO_BYTES);
		}
	}
	assert_in_range(n, 10, 50);
	world_free(w);
}

/* A recorded HELLO of somebody unknown asks who it is: the whole world of
 * sources together gets few of those questions, and each source fewer. */
static void
unknown_members_are_asked_rarely(void **state)
{
	struct world *w = world_new(2, MESH_QUORUM_MAJORITY);
	struct crypto c = world_crypto(7, 9);
	struct node_id id = world_id(9);
	struct addr from = toy_addr(77), to;
	uint8_t buf[DGRAM_BYTES_MAX], salts[HELLO_HEAD_BYTES] = {1};
	struct packet p = {.kind = PACKET_HELLO, .bytes = salts, .bytes_len = sizeof salts};
	struct mpw body, none;
	struct seal stranger;
	size_t len, bytes, one = 0, many = 0;

	(void)state;
	world_run(w, 5000);
	(void)answers(w, &to, &bytes);
	seal_init(&stranger, &c, &id, w->disk[0].cluster, 1, 1);
	mpw_init(&body, buf + SEAL_SHARED_HEADER_BYTES, SEAL_SHARED_BODY_MAX);
	mpw_init(&none, NULL, 0);
	packet_begin(&body, &p);
	packet_end(&body, &none, 0);
	len = seal_close(&stranger, SEAL_SHARED, NULL, buf, body.len);
	assert_int_equal(len, HELLO_BYTES);
	for (int ms = 0; ms < 1000; ms++, w->now++) {
		assert_int_equal(mesh_recv(w->node[0], w->now, &from, buf, len), -ERR_UNKNOWN);
		one += answers(w, &to, &bytes);
		assert_true(bytes <= len);
	}
	assert_in_range(one, 10, 50);
	for (int ms = 0; ms < 1000; ms++, w->now++)
		for (uint8_t k = 0; k < 200; k++) {
			from.ip[14] = k;
			(void)!mesh_recv(w->node[0], w->now, &from, buf, len);
			many += answers(w, &to, &bytes);
		}
	assert_in_range(many, 100, 200);
	world_free(w);
}

static uint64_t wiped;

static void
counting_wipe(void *arg, void *p, size_t len)
{
	world_wipe(arg, p, len);
	wiped += len;
}

static void
keys_are_wiped_at_the_end(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);

	(void)state;
	world_run(w, 5000);
	w->node[2]->conf.crypto.wipe = counting_wipe;
	world_kill(w, 2);
	assert_int_equal(wiped, 2 * (sizeof(struct pair) + sizeof(struct pair_keys)));
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_waits_longer_than_a_round_trip),
	    cmocka_unit_test(who_waits_for_a_lost_word_gets_another),
	    cmocka_unit_test(no_word_of_another_life_is_heard),
	    cmocka_unit_test(an_old_hello_changes_nothing),
	    cmocka_unit_test(no_member_speaks_as_another),
	    cmocka_unit_test(a_made_up_salt_locks_no_pair),
	    cmocka_unit_test(numbers_end_and_the_talk_goes_on),
	    cmocka_unit_test(a_restart_costs_a_second_at_most),
	    cmocka_unit_test(strangers_get_nothing),
	    cmocka_unit_test(unknown_members_are_asked_rarely),
	    cmocka_unit_test(keys_are_wiped_at_the_end),
	};

	return cmocka_run_group_tests_name("pair", tests, NULL, NULL);
}
