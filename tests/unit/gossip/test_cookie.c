/*
 * test_cookie.c - who is not where he says costs nothing: no signature is checked, no
 * keys are made, no place is taken, and nobody gets more bytes than he sent.
 */
#include "world.h"

enum { STRANGER = 9 };

static uint64_t verified, paired;

static bool
counting_verify(void *arg, const uint8_t *pk, const uint8_t *sig, const uint8_t *msg, size_t len)
{
	verified++;
	return toy_verify(arg, pk, sig, msg, len);
}

static int
counting_pair(void *arg, uint8_t *tx, uint8_t *rx, const uint8_t *pk, const uint8_t *me,
    const uint8_t *peer)
{
	paired++;
	return world_pair(arg, tx, rx, pk, me, peer);
}

/* Two nodes, and one that holds the cluster key and is nobody yet. */
static struct world *
begin(struct seal *stranger)
{
	struct world *w = world_new(2, MESH_QUORUM_MAJORITY);
	struct crypto c = world_crypto(7, STRANGER);
	struct node_id id = world_id(STRANGER);

	world_run(w, 5000);
	seal_init(stranger, &c, &id, w->disk[0].cluster, 1, 1);
	w->node[0]->conf.crypto.verify = counting_verify;
	w->node[0]->conf.crypto.pair = counting_pair;
	verified = paired = 0;
	return w;
}

/* HELLO or WHO with a record that its owner signed; cookie: given back, or NULL. */
static size_t
says(struct world *w, struct seal *stranger, enum packet_kind kind, const uint8_t *cookie,
    uint8_t *buf)
{
	uint8_t head[HELLO_HEAD_BYTES] = {1}, room[512];
	struct packet p = {.kind = kind, .bytes = head, .bytes_len = sizeof head};
	struct world_record record;
	struct mpw body, rumours;

	if (cookie != NULL)
		memcpy(head + SALTS_BYTES + 8, cookie, 8);
	mpw_init(&rumours, room, sizeof room);
	rumour_pack(&rumours, world_says(w->disk[0].cluster, &record, STRANGER, MESH_ALIVE, 1, 0));
	mpw_init(&body, buf + SEAL_SHARED_HEADER_BYTES, SEAL_SHARED_BODY_MAX);
	packet_begin(&body, &p);
	packet_end(&body, &rumours, 1);
	return seal_close(stranger, SEAL_SHARED, NULL, buf, body.len);
}

/* What node 0 says to whom now: the longest, its cookie. */
static size_t
answers(struct world *w, const struct addr *to, uint8_t *cookie)
{
	uint8_t buf[DGRAM_BYTES_MAX];
	struct addr at;
	size_t longest = 0, len;

	while ((len = mesh_poll(w->node[0], w->now, &at, buf, sizeof buf)) > 0) {
		struct packet p;

		if (!addr_eq(&at, to))
			continue;
		world_decode(buf, len, &p);
		assert_true(p.kind == PACKET_WHO || p.kind == PACKET_HELLO);
		memcpy(cookie, p.bytes + SALTS_BYTES, 8);
		longest = len > longest ? len : longest;
	}
	return longest;
}

static void
a_spoofed_source_costs_nothing(void **state)
{
	static const enum packet_kind kinds[] = {PACKET_HELLO, PACKET_WHO};
	struct seal stranger;
	struct world *w = begin(&stranger);
	uint32_t known = w->node[0]->ms.count;
	uint8_t buf[DGRAM_BYTES_MAX], cookie[8];
	uint64_t answered = 0;

	(void)state;
	for (uint32_t k = 0; k < 20000; k++) {
		struct addr from = toy_addr(77);
		size_t len = says(w, &stranger, kinds[k % 2], k % 3 == 0 ? (const uint8_t *)"\1\2\3\4\5\6\7" : NULL, buf);
		size_t back;

		from.ip[14] = (uint8_t)k;
		from.ip[13] = (uint8_t)(k >> 8);
		assert_int_equal(mesh_recv(w->node[0], w->now, &from, buf, len), -ERR_UNKNOWN);
		back = answers(w, &from, cookie);
		assert_true(back <= len);
		answered += back > 0;
		w->now += k % 10 == 0;
	}
	assert_true(verified == 0 && paired == 0);
	assert_int_equal(w->node[0]->ms.count, known);
	/* Nor does it answer all of a flood: 32 in ten milliseconds. */
	assert_in_range(answered, 1000, 6700);
	world_free(w);
}

/* Whoever gives the cookie back is heard; of another address, or half a minute later,
 * it is worth nothing. */
static void
a_cookie_is_for_one_address_and_a_while(void **state)
{
	struct seal stranger;
	struct world *w = begin(&stranger);
	struct addr from = toy_addr(STRANGER), other = toy_addr(STRANGER + 1);
	struct node_id id = world_id(STRANGER);
	uint8_t buf[DGRAM_BYTES_MAX], cookie[8], late[8];
	size_t len = says(w, &stranger, PACKET_HELLO, NULL, buf);

	(void)state;
	assert_int_equal(mesh_recv(w->node[0], w->now, &from, buf, len), -ERR_UNKNOWN);
	assert_true(answers(w, &from, cookie) > 0);
	len = says(w, &stranger, PACKET_HELLO, cookie, buf);
	assert_int_equal(mesh_recv(w->node[0], w->now, &other, buf, len), -ERR_UNKNOWN);
	assert_true(verified == 0 && paired == 0);
	assert_int_equal(mesh_recv(w->node[0], w->now + 30000, &from, buf, len), -ERR_UNKNOWN);
	assert_true(verified == 0 && paired == 0);
	(void)answers(w, &from, late);
	assert_int_equal(mesh_recv(w->node[0], w->now, &from, buf, len), 0);
	assert_true(verified == 1 && paired == 1);
	assert_true(members_find_id(&w->node[0]->ms, &id) != MEMBER_NONE);
	/* It can have the whole of node 0 now, longer than what it said. */
	assert_true(answers(w, &from, cookie) > 0);
	world_free(w);
}

/* Without the secret nobody makes one, and each start has its own. */
static void
the_secret_is_of_one_start(void **state)
{
	struct world *w = world_new(2, MESH_QUORUM_MAJORITY);
	struct addr a = toy_addr(1);
	uint64_t one = cookie_make(w->node[0], w->now, &a);

	(void)state;
	assert_true(one != cookie_make(w->node[1], w->now, &a));
	assert_true(cookie_holds(w->node[0], w->now, &a, one));
	assert_false(cookie_holds(w->node[1], w->now, &a, one));
	assert_false(cookie_holds(w->node[0], w->now, &a, 0));
	w->node[0]->conf.secret[0] ^= 1;
	assert_false(cookie_holds(w->node[0], w->now, &a, one));
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_spoofed_source_costs_nothing),
	    cmocka_unit_test(a_cookie_is_for_one_address_and_a_while),
	    cmocka_unit_test(the_secret_is_of_one_start),
	};

	return cmocka_run_group_tests_name("cookie", tests, NULL, NULL);
}
