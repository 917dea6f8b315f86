/*
 * test_vouch.c - what only its owner may say of a node: where it is, in which
 * life, that it left.  Everybody relays it, nobody can make it up.
 */
#include "world.h"

/* Every byte of a record is under the signature, and the key makes the id. */
static void
a_forged_record_is_refused(void **state)
{
	struct world *w = world_new(2, MESH_QUORUM_MAJORITY);
	struct world_record o;
	struct rumour *r;
	struct crypto thief = world_crypto(7, 1);
	uint32_t before;

	(void)state;
	world_run(w, 4000);
	before = mesh_count(w->node[0]);
	for (int part = 0; part < 9; part++) {
		r = world_says(w->disk[0].cluster, &o, 9, MESH_ALIVE, 1, 0);
		switch (part) {
		case 0: r->generation++; break;
		case 1: r->incarnation++; break;
		case 2: r->addr.port++; break;
		case 3: r->addr.ip[15]++; break;
		case 4: o.name[1]++; break;
		case 5: r->meta = o.pk, r->meta_len = 1; break;
		case 6: o.sig[63] ^= 1; break;
		case 7: r->notice = 60 << 2 | MESH_RESTARTING; break;
		default: o.pk[31] ^= 1; break;
		}
		assert_int_equal(rumour_hear(w->node[0], w->now, r), -ERR_AUTH);
		assert_int_equal(mesh_count(w->node[0]), before);
	}
	/* Signed by another key than the one that makes the id. */
	r = world_says(w->disk[0].cluster, &o, 9, MESH_ALIVE, 1, 0);
	vouch_sign(&thief, w->disk[0].cluster, r, o.sig);
	assert_int_equal(rumour_hear(w->node[0], w->now, r), -ERR_AUTH);
	/* A record of another cluster that shares the key says nothing here. */
	w->disk[0].cluster[5] ^= 1;
	r = world_says(w->disk[0].cluster, &o, 9, MESH_ALIVE, 1, 0);
	w->disk[0].cluster[5] ^= 1;
	assert_int_equal(rumour_hear(w->node[0], w->now, r), -ERR_AUTH);
	r = world_says(w->disk[0].cluster, &o, 9, MESH_ALIVE, 1, 0);
	assert_int_equal(rumour_hear(w->node[0], w->now, r), 0);
	assert_int_equal(mesh_count(w->node[0]), before + 1);
	world_free(w);
}

/* An accusation without its owner's word for that life moves nobody. */
static void
accusers_cannot_invent_lives(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct rumour lie = {.state = MESH_FAILED, .id = world_id(2), .generation = 50};
	struct world_record o;

	(void)state;
	world_run(w, 5000);
	assert_int_equal(rumour_hear(w->node[0], w->now, &lie), 0);
	lie.generation = 1;
	lie.incarnation = UINT32_MAX - 1;
	assert_int_equal(rumour_hear(w->node[0], w->now, &lie), 0);
	assert_int_equal(rumour_hear(w->node[2], w->now, &lie), -ERR_AUTH);
	assert_int_equal(world_seen(w, 0, 2).state, MESH_ALIVE);
	assert_int_equal(world_seen(w, 0, 2).generation, 1);
	/* With the owner's word it is an accusation of a life that was. */
	(void)world_says(w->disk[0].cluster, &o, 2, MESH_FAILED, 3, 0);
	assert_int_equal(rumour_hear(w->node[0], w->now, &o.r), 0);
	assert_int_equal(world_seen(w, 0, 2).generation, 3);
	assert_int_not_equal(world_seen(w, 0, 2).state, MESH_ALIVE);
	world_free(w);
}

static void
nobody_else_says_goodbye_for_me(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct rumour bye = {.state = MESH_LEFT, .id = world_id(2), .generation = 1};
	struct world_record o;
	struct rumour *r;

	(void)state;
	world_run(w, 5000);
	assert_int_equal(rumour_hear(w->node[0], w->now, &bye), 0);
	assert_int_equal(world_state(w, 0, 2), MESH_ALIVE);
	/* Nor is a signed "alive" a signed "left". */
	r = world_says(w->disk[0].cluster, &o, 2, MESH_ALIVE, 1, 0);
	r->state = MESH_LEFT;
	assert_int_equal(rumour_hear(w->node[0], w->now, r), -ERR_AUTH);
	assert_int_equal(world_state(w, 0, 2), MESH_ALIVE);
	r = world_says(w->disk[0].cluster, &o, 2, MESH_LEFT, 1, 0);
	assert_int_equal(rumour_hear(w->node[0], w->now, r), 0);
	assert_int_equal(world_state(w, 0, 2), MESH_LEFT);
	world_free(w);
}

/* The same identity, later, elsewhere: where it says it is, at once; and an
 * older word of it, true as it once was, does not bring the address back. */
static void
an_address_moves_with_its_owner(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct crypto c = world_crypto(7, 2);
	struct world_record o, old;
	struct rumour *r = world_says(w->disk[0].cluster, &old, 2, MESH_ALIVE, 1, 0);

	(void)state;
	world_run(w, 5000);
	(void)world_says(w->disk[0].cluster, &old, 2, MESH_ALIVE, 1, 0);
	r = world_says(w->disk[0].cluster, &o, 2, MESH_ALIVE, 1, 1);
	r->addr.port = 999;
	vouch_sign(&c, w->disk[0].cluster, r, o.sig);
	assert_int_equal(rumour_hear(w->node[0], w->now, r), 0);
	assert_int_equal(world_seen(w, 0, 2).addr.port, 999);
	assert_int_equal(rumour_hear(w->node[0], w->now, &old.r), 0);
	assert_int_equal(world_seen(w, 0, 2).addr.port, 999);
	/* Relayed: n1 has it from n0, with n2's own signature. */
	world_isolate(w, 2, true);
	world_run(w, 1500);
	assert_int_equal(world_seen(w, 1, 2).addr.port, 999);
	world_free(w);
}

static uint64_t checked;

static bool
counting_verify(void *arg, const uint8_t *pk, const uint8_t *sig, const uint8_t *msg, size_t len)
{
	checked++;
	return toy_verify(arg, pk, sig, msg, len);
}

/* What is known costs no signature, however often it is said. */
static void
a_storm_is_checked_once(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct world_record o;

	(void)state;
	world_run(w, 5000);
	w->node[0]->conf.crypto.verify = counting_verify;
	(void)world_says(w->disk[0].cluster, &o, 9, MESH_ALIVE, 4, 2);
	for (int k = 0; k < 1000; k++)
		assert_int_equal(rumour_hear(w->node[0], w->now, &o.r), 0);
	assert_int_equal(checked, 1);
	(void)world_says(w->disk[0].cluster, &o, 9, MESH_ALIVE, 3, 9); /* older: not even looked at */
	o.sig[0] ^= 1;
	assert_int_equal(rumour_hear(w->node[0], w->now, &o.r), 0);
	assert_int_equal(checked, 1);
	world_run(w, 5000); /* nor does a mesh at rest check any */
	assert_int_equal(checked, 1);
	world_free(w);
}

static void
two_of_one_name_both_stay(void **state)
{
	struct world *w = world_new(2, MESH_QUORUM_MAJORITY);
	struct crypto c = world_crypto(7, 9);
	struct world_record o;

	(void)state;
	world_run(w, 4000);
	world_mark(w);
	(void)world_says(w->disk[0].cluster, &o, 9, MESH_ALIVE, 1, 0);
	o.name[1] = '1';
	vouch_sign(&c, w->disk[0].cluster, &o.r, o.sig);
	assert_int_equal(rumour_hear(w->node[0], w->now, &o.r), 0);
	assert_non_null(strstr(w->text, "n0 name taken n1"));
	assert_int_equal(mesh_count(w->node[0]), 3);
	assert_string_equal(world_seen(w, 0, 9).name, "n1");
	assert_string_equal(world_seen(w, 0, 1).name, "n1");
	world_free(w);
}

/* A key that does not make the id it is said to is no identity to start with. */
static void
another_ones_key_starts_nothing(void **state)
{
	struct world *w = world_new(1, MESH_QUORUM_MAJORITY);
	struct mesh_conf c = w->node[0]->conf;

	(void)state;
	c.pk[0] ^= 1;
	assert_null(mesh_new(&c, w->now));
	world_free(w);
}

/* A JOIN of few bytes gets no answer of many. */
static void
a_short_join_is_refused(void **state)
{
	struct world *w = world_new(2, MESH_QUORUM_MAJORITY);
	size_t join = 0, joined = 0;

	(void)state;
	for (msec end = w->now + 3000; w->now < end; world_step(w))
		for (size_t k = 0; k < w->flights; k++) {
			struct packet p;

			world_decode(w->flight[k].b, w->flight[k].len, &p);
			if (p.kind == PACKET_JOIN)
				join = w->flight[k].len;
			if (p.kind == PACKET_JOINED)
				joined = w->flight[k].len;
		}
	assert_true(join > 0 && joined > 0 && joined <= join);
	assert_true(join >= SEAL_SHARED_OVERHEAD + 12 + 18 + RUMOUR_BYTES_MAX);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_forged_record_is_refused),
	    cmocka_unit_test(accusers_cannot_invent_lives),
	    cmocka_unit_test(nobody_else_says_goodbye_for_me),
	    cmocka_unit_test(an_address_moves_with_its_owner),
	    cmocka_unit_test(a_storm_is_checked_once),
	    cmocka_unit_test(two_of_one_name_both_stay),
	    cmocka_unit_test(another_ones_key_starts_nothing),
	    cmocka_unit_test(a_short_join_is_refused),
	};

	return cmocka_run_group_tests_name("vouch", tests, NULL, NULL);
}
