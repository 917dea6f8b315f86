/*
 * test_wire.c - nodes of different releases: each two speak the highest version
 * that both know, and who has none with another is named, once.
 */
#include "world.h"

static void
speaks(struct world *w, uint32_t i, uint8_t min, uint8_t max)
{
	w->node[i]->conf.wire = w->node[i]->seal.wire = (struct wire_range){.min = min, .max = max, .features = 1u << i};
}

static uint32_t
index_of(const struct mesh *m, uint32_t node)
{
	struct node_id id = world_id(node);

	return members_find_id(&m->ms, &id);
}

static void
the_highest_of_both(void **state)
{
	static const struct {
		struct wire_range a, b;
		int common;
	} cases[] = {{{0, 0, 0}, {0, 0, 0}, 0}, {{0, 1, 0}, {0, 0, 0}, 0}, {{0, 1, 0}, {1, 2, 0}, 1},
	    {{0, 3, 0}, {1, 2, 0}, 2}, {{0, 255, 0}, {255, 255, 0}, 255}, {{0, 0, 0}, {1, 1, 0}, WIRE_NONE},
	    {{0, 9, 0}, {5, 4, 0}, WIRE_NONE}};
	uint8_t b[WIRE_BYTES];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(wire_common(&cases[i].a, &cases[i].b), cases[i].common);
		assert_int_equal(wire_common(&cases[i].b, &cases[i].a), cases[i].common);
	}
	wire_pack(&(struct wire_range){1, 2, 0x80000003}, b);
	assert_true(wire_read(b).min == 1 && wire_read(b).max == 2 && wire_read(b).features == 0x80000003);
}

/* 0 knows version 0 alone, 1 and 2 know two: they meet in what both know. */
static void
pairs_speak_it(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	static const int version[3][3] = {{0, 0, 0}, {0, 0, 1}, {0, 1, 0}};

	(void)state;
	speaks(w, 1, 0, 1);
	speaks(w, 2, 0, 2);
	world_run(w, 8000);
	for (uint32_t i = 0; i < 3; i++)
		for (uint32_t j = 0; j < 3; j++) {
			uint32_t k = index_of(w->node[i], j);

			if (i == j)
				continue;
			assert_true(pair_stands(w->node[i], k));
			assert_int_equal(pair_version(w->node[i], k), version[i][j]);
			assert_int_equal(world_seen(w, i, j).wire.features, j == 0 ? WIRE_SIGNS_ROSTERS : 1u << j);
			assert_int_equal(world_seen(w, i, j).state, MESH_ALIVE);
		}
	assert_int_equal(w->node[0]->stats.dropped[ERR_VERSION], 0);
	world_free(w);
}

/* 2 gave up version 0, and 0 knows nothing else: both say so, once, and 1, which
 * knows both, keeps each of them in the table. */
static void
strangers_are_named_once(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	const char *said;

	(void)state;
	speaks(w, 1, 0, 1);
	speaks(w, 2, 1, 1);
	world_run(w, 20000);
	assert_true(world_seen(w, 0, 2).foreign && world_seen(w, 2, 0).foreign);
	assert_false(world_seen(w, 0, 1).foreign || world_seen(w, 1, 0).foreign || world_seen(w, 1, 2).foreign);
	assert_int_equal(world_seen(w, 0, 2).wire.min, 1);
	assert_false(pair_stands(w->node[0], index_of(w->node[0], 2)));
	assert_true(w->node[0]->stats.dropped[ERR_VERSION] > 0);
	assert_int_equal(world_seen(w, 1, 2).state, MESH_ALIVE);
	assert_int_equal(world_seen(w, 1, 0).state, MESH_ALIVE);
	said = strstr(w->text, "n0 no common wire version");
	assert_non_null(said);
	assert_null(strstr(said + 1, "n0 no common wire version"));
	/* It is updated, or set back: all is well. */
	world_kill(w, 2);
	world_start(w, 2);
	world_run(w, 20000);
	assert_false(world_seen(w, 0, 2).foreign || world_seen(w, 2, 0).foreign);
	assert_true(pair_stands(w->node[0], index_of(w->node[0], 2)));
	world_free(w);
}

/* Under a pair's key any version of the range is read, and no other. */
static void
the_range_is_read(void **state)
{
	static const uint8_t cluster[ID_BYTES] = {1}, key[KEY_BYTES] = {2};
	struct crypto ca = world_crypto(7, 0), cb = world_crypto(7, 1);
	struct node_id a = world_id(0), b = world_id(1);
	struct seal tx, rx;

	(void)state;
	seal_init(&tx, &ca, &a, cluster, 1, 1);
	seal_init(&rx, &cb, &b, cluster, 1, 1);
	rx.wire = (struct wire_range){.min = 2, .max = 4};
	for (int v = 0; v <= 255; v++) {
		uint8_t buf[DGRAM_BYTES_MAX] = {0}, body[SEAL_BODY_MAX];
		struct seal_frame f;
		size_t n, len;

		tx.version = (uint8_t)v;
		len = seal_close(&tx, SEAL_PAIR, key, buf, 5);
		assert_int_equal(seal_read(buf, len, &f), 0);
		assert_int_equal(seal_open(&rx, &f, key, buf, len, body, &n),
		    v >= 2 && v <= 4 ? 0 : -ERR_VERSION);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_highest_of_both),
	    cmocka_unit_test(pairs_speak_it),
	    cmocka_unit_test(strangers_are_named_once),
	    cmocka_unit_test(the_range_is_read),
	};

	return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
