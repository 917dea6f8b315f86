/*
 * What a leader takes of nodes that hand over actions, with real keys and a real mesh of three:
 * what is forged, of a stranger, of who was put out, kept for later, or older than what it has
 * is refused by its own code, and its desk stays as it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "../../../daemon/core/actsign.h"
#include "../../../daemon/io/actlead.h"
#include "../../../daemon/io/engine.h"
#include "../../../daemon/io/identity.h"
#include "../../shared/toy.h"
#include "loop.h"

enum { STRANGER = 3, STEP_MS = 20, SETTLE_MS = 12000 };

static struct engine e; /* of the node that leads */
static uv_loop_t loop;
static struct keyring rings[STRANGER + 1]; /* of who leads, two members, a stranger */
static struct crypto cryptos[STRANGER + 1];
static struct mesh *mesh[STRANGER];
static struct action_bundle bundle;
static uint8_t buf[ACTSIGN_BYTES_MAX + 1];

static struct mesh *
mesh_of(int i, msec now)
{
	struct mesh_conf c = {.addr = toy_addr((uint32_t)i), .members_max = 16, .seed = (uint64_t)i + 1,
	    .crypto = cryptos[i], .saved.generation = 1, .policy.quorum = MESH_QUORUM_ANY};

	memcpy(c.pk, rings[i].pk, KEY_BYTES);
	identity_id(c.pk, &c.self);
	snprintf(c.name, sizeof c.name, "n%d", i);
	memset(c.salt, i + 1, sizeof c.salt);
	c.seeds[0] = toy_addr(0);
	c.seeds_count = i == 0 ? 0 : 1;
	return mesh_new(&c, now);
}

static void
pass(int from, msec now)
{
	struct addr at = toy_addr((uint32_t)from), to;
	uint8_t frame[DGRAM_BYTES_MAX];
	struct mesh_saved s;
	size_t len;

	mesh_tick(mesh[from], now);
	if (mesh_must_save(mesh[from], &s))
		mesh_saved(mesh[from]);
	while ((len = mesh_poll(mesh[from], now, &to, frame, sizeof frame)) > 0)
		if (to.ip[15] >= 1 && to.ip[15] <= STRANGER)
			(void)!mesh_recv(mesh[to.ip[15] - 1], now, &at, frame, len);
}

/* Virtual time, which ends now. */
static void
settle(void)
{
	static const uint8_t cluster[ID_BYTES] = {1};
	struct mesh_side side = {.known = 0};
	msec end = net_now(), now = end - SETTLE_MS;

	for (int i = 0; i < STRANGER; i++) {
		mesh[i] = mesh_of(i, now);
		assert_non_null(mesh[i]);
	}
	e.mesh = mesh[0];
	assert_int_equal(mesh_init(e.mesh, now, cluster), 0);
	for (; now <= end; now += STEP_MS)
		for (int i = 0; i < STRANGER; i++)
			pass(i, now);
	mesh_side(e.mesh, end, &side);
	assert_int_equal(side.role, MESH_LEADER);
	assert_int_equal(side.known, STRANGER);
}

static int
setup(void **state)
{
	struct err err;

	(void)state;
	memset(&e, 0, sizeof e);
	if (crypto_init(&err) != 0 || uv_loop_init(&loop) != 0)
		return -1;
	for (int i = 0; i <= STRANGER; i++) {
		rings[i] = (struct keyring){.has_key = true};
		memset(rings[i].key, 9, KEY_BYTES);
		crypto_fill(&cryptos[i], &rings[i]);
		uint8_t seed[32] = {(uint8_t)(i + 1)};
		if (crypto_sign_seed_keypair(rings[i].pk, rings[i].sk, seed) != 0)
			return -1;
	}
	e.loop = &loop;
	e.crypto = cryptos[0];
	identity_id(rings[0].pk, &e.identity.id);
	settle();
	lead_init(&e);
	e.lead.leading = true;
	e.lead.desk = actlead_new();
	return e.lead.desk != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	actlead_clear(&e);
	actlead_free(e.lead.desk);
	for (int i = 0; i < STRANGER; i++)
		mesh_free(mesh[i]);
	return loop_shut(&loop);
}

/* Of node i: count actions, the first with that number. */
static size_t
hand_over(int i, uint64_t turn, uint64_t first, uint32_t count, uint64_t stamp_ms, const struct actsign_office *to)
{
	struct err err;

	bundle = (struct action_bundle){.turn = turn, .last = first + count, .count = count};
	for (uint32_t k = 0; k < count; k++) {
		assert_int_equal(action_make(&bundle.actions[k], "web", "scale", NULL, 0, &err), 0);
		bundle.actions[k].number = first + k;
		bundle.actions[k].stamp_ms = stamp_ms;
	}
	return actsign_pack(buf, &cryptos[i], rings[i].pk, to, &bundle);
}

static struct actsign_office
office(void)
{
	struct mesh_side side;

	mesh_side(e.mesh, net_now(), &side);
	return (struct actsign_office){.leader = e.identity.id, .term = side.term};
}

static void
refused(size_t len, int code)
{
	uint32_t count = e.lead.desk->desk.count, nodes = e.lead.desk->desk.nodes_count;

	assert_int_equal(actlead_take(&e, buf, len), -code);
	assert_int_equal(e.lead.desk->desk.count, count);
	assert_int_equal(e.lead.desk->desk.nodes_count, nodes);
}

static void
of_members_alone(void **state)
{
	struct actsign_office here = office();
	uint64_t now = engine_wall_ms();

	(void)state;
	refused(hand_over(STRANGER, 1, 1, 1, now, &here), ERR_NO_VOTE);
	assert_int_equal(actlead_take(&e, buf, hand_over(1, 1, 1, 1, now, &here)), 0);
	assert_int_equal(e.lead.desk->desk.count, 1);
	assert_string_equal(e.lead.desk->desk.items[0].node, "n1");
	/* A stranger's key, a member's name on it: it is the key that counts. */
	size_t len = hand_over(STRANGER, 2, 5, 1, now, &here);
	memcpy(buf, rings[1].pk, KEY_BYTES);
	refused(len, ERR_AUTH);
	/* Put out: what it asked for goes, and nothing more of it is heard. */
	struct node_id id;
	identity_id(rings[1].pk, &id);
	assert_int_equal(mesh_evict(e.mesh, net_now(), &id), 0);
	refused(hand_over(1, 3, 7, 1, now, &here), ERR_NO_VOTE);
}

static void
forged_cut_and_too_big(void **state)
{
	struct actsign_office here = office();
	size_t len = hand_over(1, 1, 1, 2, engine_wall_ms(), &here);

	(void)state;
	for (size_t n = 0; n < len; n++)
		refused(n, n <= ACTSIGN_HEAD_BYTES ? ERR_SHORT : ERR_AUTH);
	for (size_t i = 0; i < len; i++) {
		buf[i] ^= 0x40;
		refused(len, i < KEY_BYTES ? ERR_NO_VOTE : ERR_AUTH);
		buf[i] ^= 0x40;
	}
	refused(sizeof buf, ERR_LONG);
	assert_int_equal(actlead_take(&e, buf, len), 0);
	assert_int_equal(e.lead.desk->desk.count, 2);
}

static void
kept_and_sent_again(void **state)
{
	struct actsign_office here = office(), other = here;
	static uint8_t first[ACTSIGN_BYTES_MAX];
	uint64_t now = engine_wall_ms();
	size_t len = hand_over(1, 1, 1, 1, now, &here);

	(void)state;
	memcpy(first, buf, len);
	assert_int_equal(actlead_take(&e, buf, len), 0);
	/* The same again, as when an answer was lost: nothing is there twice. */
	refused(len, 0);
	assert_int_equal(actlead_take(&e, buf, hand_over(1, 2, 2, 0, now, &here)), 0);
	assert_int_equal(e.lead.desk->desk.count, 0);
	memcpy(buf, first, len);
	refused(len, ERR_REPLAY);
	/* The next office knows nothing of this one; what was signed for this one is no use there. */
	actlead_clear(&e);
	other.term--;
	refused(hand_over(1, 1, 1, 1, now, &other), ERR_AUTH);
	other = here;
	other.leader.b[0] ^= 1;
	refused(hand_over(1, 1, 1, 1, now, &other), ERR_AUTH);
	e.lead.leading = false;
	refused(hand_over(1, 1, 1, 1, now, &here), ERR_NOT_LEADER);
}

static void
of_another_time(void **state)
{
	struct actsign_office here = office();
	size_t len = hand_over(1, 1, 1, 1, engine_wall_ms() + 3600 * 1000, &here);

	(void)state;
	assert_int_equal(actlead_take(&e, buf, len), 0);
	assert_int_equal(e.lead.desk->desk.count, 0);
	assert_int_equal(e.lead.desk->words.words[0].state, ACTION_ASIDE);
	assert_non_null(strstr(e.lead.desk->words.words[0].text, "ahead of the leader's clock"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(of_members_alone, setup, teardown),
	    cmocka_unit_test_setup_teardown(forged_cut_and_too_big, setup, teardown),
	    cmocka_unit_test_setup_teardown(kept_and_sent_again, setup, teardown),
	    cmocka_unit_test_setup_teardown(of_another_time, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
