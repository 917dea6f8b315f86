/*
 * test_recover.c - a roster by order of an operator: when it may be, what those who are
 * left make of it, and those who were given up; and of two such orders, which one.
 */
#include "../../../gossip/decree.h"
#include "world.h"

static size_t
named(uint32_t first, uint32_t count, struct mesh_lost *out)
{
	memset(out, 0, count * sizeof *out);
	for (uint32_t i = 0; i < count; i++)
		out[i].id = world_id(first + i);
	return count;
}

static int
recover(struct world *w, uint32_t by, uint32_t first, uint32_t count)
{
	struct mesh_lost lost[WORLD_MAX];

	named(first, count, lost);
	return mesh_recover(w->node[by], w->now, mesh_recovery(w->node[by]), NULL, lost, count);
}

static void
one_of_three_goes_on(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct mesh_side side;
	uint64_t term;

	(void)state;
	world_run(w, 6000);
	world_kill(w, 1);
	world_kill(w, 2);
	world_run(w, 40000);
	mesh_side(w->node[0], w->now, &side);
	assert_true(side.grade == MESH_GRADE_NONE);
	term = w->disk[0].term;
	assert_int_equal(recover(w, 0, 1, 2), 0);
	assert_true(w->node[0]->must_save); /* before a word of it leaves */
	world_run(w, 1000);
	mesh_side(w->node[0], w->now, &side);
	assert_true(side.grade == MESH_GRADE_FULL && side.role == MESH_LEADER && side.known == 1);
	assert_true(w->disk[0].term > term + 65536);
	/* Who returns is told, and leads nobody with the other. */
	world_start(w, 1);
	world_start(w, 2);
	for (int k = 0; k < 6000; k++) {
		world_step(w);
		assert_true(w->node[1]->elect.role != MESH_LEADER && w->node[2]->elect.role != MESH_LEADER);
	}
	assert_true(mesh_evicted(w->node[1]) && mesh_evicted(w->node[2]));
	mesh_side(w->node[0], w->now, &side);
	assert_true(side.grade == MESH_GRADE_FULL && side.known == 1);
	/* Also after a restart of all. */
	for (uint32_t i = 0; i < 3; i++) {
		world_kill(w, i);
		world_start(w, i);
	}
	world_run(w, 6000);
	assert_true(mesh_evicted(w->node[1]) && mesh_evicted(w->node[2]));
	assert_int_equal(w->node[0]->elect.role, MESH_LEADER);
	world_free(w);
}

/* What node `by` signs: of what shape, over which of the bytes of x. */
static void
signed_by(struct world *w, uint32_t by, const char *what, size_t len, struct eviction *x)
{
	uint8_t buf[14 + 2 * ID_BYTES];
	size_t n = strlen(what);

	memcpy(buf, what, n);
	memcpy(buf + n, w->node[1]->saved.cluster, ID_BYTES);
	memcpy(buf + n + ID_BYTES, x->id, len);
	world_pk(by, x->pk);
	toy_sig(x->pk, x->sig, buf, n + ID_BYTES + len);
}

/* Who recovered once puts out nobody else, lest those pass for given up; and who is put
 * out by another recovers nothing, nor goes on putting out, though it recovered before. */
static void
who_is_put_out_recovers_nothing(void **state)
{
	struct world *w = world_new(8, MESH_QUORUM_MAJORITY);
	struct node_id none = world_id(0), two = world_id(2), three = world_id(3);
	struct mesh *one;
	struct eviction x = {.id = {0}};
	uint8_t pk[KEY_BYTES];

	(void)state;
	world_run(w, 6000);
	one = w->node[1];
	for (uint32_t i = 4; i < 8; i++)
		world_kill(w, i);
	world_run(w, 40000);
	assert_int_equal(recover(w, 0, 4, 4), 0);
	world_run(w, 6000);
	assert_int_equal(mesh_evict(w->node[0], w->now, &two), -ERR_EXPIRED);
	assert_int_equal(mesh_evict(one, w->now, &two), 0);
	world_run(w, 4000);
	assert_true(mesh_evicted(w->node[2]) && !mesh_given_up(w->node[2]));
	world_pk(2, pk);
	decree_recovery(mesh_recovery(one), pk, (uint8_t *)&x);
	signed_by(w, 2, "mesh recover 0", 8, &x);
	assert_int_equal(evict_hear(one, w->now, (const uint8_t *)&x, MEMBER_NONE), -ERR_UNKNOWN);
	assert_int_equal(mesh_evict(one, w->now, &none), 0);
	world_run(w, 4000);
	memcpy(x.id, three.b, ID_BYTES);
	signed_by(w, 0, "mesh evict 0", ID_BYTES, &x);
	assert_int_equal(evict_hear(one, w->now, (const uint8_t *)&x, MEMBER_NONE), -ERR_UNKNOWN);
	world_free(w);
}

static void
when_it_may_not_be(void **state)
{
	struct world *w = world_new(5, MESH_QUORUM_MAJORITY);
	struct mesh_lost lost[MESH_LOST_MAX + 1];
	struct mesh *m;

	(void)state;
	assert_int_equal(recover(w, 1, 2, 1), -ERR_RANGE); /* of no cluster */
	world_run(w, 6000);
	m = w->node[0];
	assert_int_equal(recover(w, 0, 1, 0), -ERR_RANGE);
	assert_int_equal(recover(w, 0, 1, 1), -ERR_IDENTITY); /* it is alive */
	assert_int_equal(recover(w, 0, 7, 1), -ERR_UNKNOWN);
	world_isolate(w, 4, true);
	world_run(w, 8000);
	assert_int_equal(recover(w, 0, 4, 1), -ERR_NOT_LEADER); /* there is a quorum */
	for (uint32_t i = 2; i < 4; i++)
		world_kill(w, i);
	while (world_seen(w, 0, 2).state != MESH_SUSPECT || world_seen(w, 0, 3).state != MESH_SUSPECT)
		world_step(w);
	assert_int_equal(recover(w, 0, 2, 3), -ERR_IDENTITY); /* that is no death yet */
	world_run(w, 60000);
	assert_int_equal(recover(w, 0, 3, 2), -ERR_QUORUM); /* n2 is not named */
	assert_int_equal(recover(w, 4, 2, 2), -ERR_QUORUM);
	named(2, 3, lost);
	assert_int_equal(mesh_recover(m, w->now, m->saved.term, NULL, lost, 3), -ERR_EXPIRED);
	assert_int_equal(mesh_recover(m, w->now, m->saved.term + TERM_JUMP_MAX + 1, NULL, lost, 3), -ERR_EXPIRED);
	assert_int_equal(mesh_recover(m, w->now, mesh_recovery(m), lost[0].sig, lost, 3), -ERR_CERT);
	assert_int_equal(mesh_recover(m, w->now, mesh_recovery(m), NULL, lost, MESH_LOST_MAX + 1), -ERR_FULL);
	assert_int_equal(m->ms.evict.count, 0); /* and nothing was done */
	assert_int_equal(recover(w, 0, 2, 3), 0);
	world_run(w, 4000);
	assert_true(world_side(w, 1).grade == MESH_GRADE_FULL && world_side(w, 1).known == 2);
	assert_int_equal(w->node[1]->ms.evict.count, 4); /* three nodes, and the order */
	world_free(w);
}

/* Two sides of four: each gives up the other, and they meet. */
static void
the_higher_of_two_counts(void **state)
{
	struct world *w = world_new(4, MESH_QUORUM_MAJORITY);
	uint32_t winner;

	(void)state;
	world_run(w, 6000);
	for (uint32_t i = 0; i < 2; i++)
		for (uint32_t j = 2; j < 4; j++)
			w->deaf[i][j] = w->deaf[j][i] = true;
	world_run(w, 60000);
	assert_int_equal(recover(w, 0, 2, 2), 0);
	assert_int_equal(recover(w, 3, 0, 2), 0);
	winner = w->disk[0].term > w->disk[3].term ? 0 : 2;
	world_run(w, 4000);
	for (uint32_t i = 0; i < 4; i++)
		assert_true(world_side(w, i).grade == MESH_GRADE_FULL && world_side(w, i).known == 2);
	winner = w->disk[0].term > w->disk[3].term ? 0 : 2;
	memset(w->deaf, 0, sizeof w->deaf);
	world_run(w, 12000);
	for (uint32_t i = 0; i < 4; i++) {
		bool won = i - winner < 2;

		assert_int_equal(mesh_evicted(w->node[i]), !won);
		if (won)
			assert_true(world_side(w, i).grade == MESH_GRADE_FULL &&
			    world_side(w, i).known == 2);
	}
	assert_non_null(strstr(w->text, "recovered elsewhere, and outranked"));
	world_free(w);
}

/* Every bit of it counts, and a stranger's counts for nothing. */
static void
a_forged_one_moves_nobody(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct eviction x = {.id = {0}};
	uint8_t buf[14 + ID_BYTES + 8];
	struct mesh *m = w->node[0];

	(void)state;
	world_run(w, 6000);
	for (uint32_t by = 1; by < 8; by += 6) {
		world_pk(by, x.pk);
		decree_recovery(1 << 20, x.pk, (uint8_t *)&x);
		memcpy(buf, "mesh recover 0", 14);
		memcpy(buf + 14, w->disk[0].cluster, ID_BYTES);
		memcpy(buf + 14 + ID_BYTES, x.id, 8);
		toy_sig(x.pk, x.sig, buf, sizeof buf);
		for (size_t k = 0; by == 1 && k < EVICTION_BYTES; k++) {
			((uint8_t *)&x)[k] ^= 1;
			assert_true(evict_hear(m, w->now, (const uint8_t *)&x, MEMBER_NONE) < 0);
			((uint8_t *)&x)[k] ^= 1;
		}
		if (by == 7)
			assert_int_equal(evict_hear(m, w->now, (const uint8_t *)&x, MEMBER_NONE), -ERR_UNKNOWN);
	}
	assert_int_equal(m->ms.evict.count, 0);
	world_pk(1, x.pk);
	decree_recovery((uint64_t)TERM_JUMP_MAX * 2, x.pk, (uint8_t *)&x);
	assert_int_equal(evict_hear(m, w->now, (const uint8_t *)&x, MEMBER_NONE), -ERR_RANGE);
	assert_int_equal(world_side(w, 0).known, 3);
	world_free(w);
}

/* Who knows of a recovery, and not yet whom it gave up, elects nobody by the old roster. */
static void
the_old_roster_is_void_at_once(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct eviction x = {.id = {0}};
	uint8_t buf[14 + ID_BYTES + 8];

	(void)state;
	world_run(w, 6000);
	world_isolate(w, 0, true);
	world_run(w, 8000);
	assert_true(world_side(w, 1).grade == MESH_GRADE_FULL);
	world_pk(0, x.pk);
	decree_recovery(1 << 20, x.pk, (uint8_t *)&x);
	memcpy(buf, "mesh recover 0", 14);
	memcpy(buf + 14, w->disk[0].cluster, ID_BYTES);
	memcpy(buf + 14 + ID_BYTES, x.id, 8);
	toy_sig(x.pk, x.sig, buf, sizeof buf);
	for (uint32_t i = 1; i < 3; i++) {
		world_kill(w, i);
		world_start(w, i);
		assert_int_equal(evict_hear(w->node[i], w->now, (const uint8_t *)&x, MEMBER_NONE), 0);
	}
	world_run(w, 20000);
	for (uint32_t i = 1; i < 3; i++)
		assert_true(w->node[i]->elect.role != MESH_LEADER && !mesh_evicted(w->node[i]));
	world_free(w);
}

/* Killed before it had the record of who goes on: its roster has that one's id alone, and
 * what comes from there is looked at only with a cookie. */
static void
who_knows_an_id_alone_hears_it(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct node_id id = world_id(2);
	struct mesh *m;
	uint32_t i;

	(void)state;
	world_run(w, 6000);
	world_kill(w, 0);
	world_kill(w, 1);
	world_run(w, 60000);
	assert_int_equal(recover(w, 2, 0, 2), 0);
	world_run(w, 1000);
	world_start(w, 1);
	m = w->node[1];
	i = members_find_id(&m->ms, &id);
	assert_true(i != MEMBER_NONE && !m->ms.m[i].proven);
	m->ms.m[i].addr = (struct addr){.port = 0};
	world_run(w, 40000); /* one of the two is called each five seconds, by lot */
	assert_true(mesh_evicted(m));
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_of_three_goes_on),
	    cmocka_unit_test(who_is_put_out_recovers_nothing),
	    cmocka_unit_test(when_it_may_not_be),
	    cmocka_unit_test(the_higher_of_two_counts),
	    cmocka_unit_test(a_forged_one_moves_nobody),
	    cmocka_unit_test(the_old_roster_is_void_at_once),
	    cmocka_unit_test(who_knows_an_id_alone_hears_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
