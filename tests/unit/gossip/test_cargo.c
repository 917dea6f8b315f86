/* What rides along: the suspected hear of it first, whatever else is news. */
#include "world.h"

enum { CROWD = 200, STRANGE = 0x80, RECORD_MS = 60000 };

static struct world *w;

/* n1 is suspected by n0, which has told so until it was told enough; and two hundred
 * others have died since. */
static int
settle(void **state)
{
	struct mesh *m;

	(void)state;
	w = calloc(1, sizeof *w);
	assert_non_null(w);
	memset(world_held, 0, sizeof world_held);
	w->count = 3;
	w->members_max = CROWD + 8;
	w->now = 1000;
	for (uint32_t i = 0; i < w->count; i++)
		world_start(w, i);
	assert_int_equal(mesh_init(w->node[0], w->now, world_cluster), 0);
	world_run(w, 6000);
	m = w->node[0];
	rumour_suspect(m, w->now, 1, m->ms.m[2].short_id);
	assert_int_equal(m->ms.m[1].state, MESH_SUSPECT);
	spread_drop(&m->ms.urgent, 1);
	for (uint32_t k = 0; k < CROWD; k++) {
		struct node_id id = {{STRANGE, (uint8_t)k, 1}};
		int i = members_add(&m->ms, &id, w->now);

		assert_true(i > 0);
		members_set(&m->ms, (uint32_t)i, w->now, MESH_FAILED, 1, 0);
		members_tell(&m->ms, (uint32_t)i);
	}
	assert_int_equal(m->ms.urgent.count, CROWD);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	world_free(w);
	return 0;
}

/* The place of member i among what n0 says with this to another; 0: not said. */
static uint32_t
place(enum packet_kind kind, uint32_t to, uint32_t i)
{
	struct mesh *m = w->node[0];
	uint8_t scratch[SEAL_BODY_MAX];
	struct cargo c;
	struct mp r;
	struct rumour one;

	mpw_init(&c.w, scratch, sizeof scratch);
	c.count = 0;
	cargo_fill(m, w->now, &c, &(struct out){.kind = (uint8_t)kind, .to = (uint16_t)to});
	assert_in_range(c.count, 2, CROWD - 1);
	mp_init(&r, scratch, c.w.len, 2);
	for (uint32_t k = 1; k <= c.count; k++) {
		assert_int_equal(rumour_read(&r, &one), 0);
		if (one.briefs != NULL || !id_eq(&one.id, &m->ms.m[i].id))
			continue;
		assert_int_equal(one.state, MESH_SUSPECT);
		assert_true(one.generation == m->ms.m[i].generation);
		return k;
	}
	return 0;
}

static void
the_suspected_hear_it_first(void **state)
{
	(void)state;
	assert_int_equal(place(PACKET_PING, 1, 1), 1);
	assert_int_equal(place(PACKET_ACK, 1, 1), 1);
	assert_int_equal(place(PACKET_GOSSIP, 1, 1), 1);
}

/* To others it is one of many, and was told them enough. */
static void
others_hear_what_is_news(void **state)
{
	(void)state;
	assert_int_equal(place(PACKET_PING, 2, 1), 0);
}

/* A crowd of deaths leaves room for who lives. */
static void
no_class_has_all_of_the_room(void **state)
{
	struct mesh *m = w->node[0];
	uint32_t lives = 0, dead = 0;
	uint8_t scratch[SEAL_BODY_MAX];
	struct rumour one;
	struct cargo c;
	struct mp r;

	(void)state;
	members_tell(&m->ms, 2);
	assert_int_equal(m->ms.m[2].state, MESH_ALIVE);
	mpw_init(&c.w, scratch, sizeof scratch);
	c.count = 0;
	cargo_fill(m, w->now, &c, &(struct out){.kind = PACKET_GOSSIP, .to = 2});
	mp_init(&r, scratch, c.w.len, 2);
	for (uint32_t k = 0; k < c.count; k++) {
		assert_int_equal(rumour_read(&r, &one), 0);
		dead += one.briefs == NULL && one.state == MESH_FAILED;
		if (one.briefs == NULL && one.is_long) {
			vouch_id(m, &one);
			lives += one.state == MESH_ALIVE && id_eq(&one.id, &m->ms.m[2].id);
		}
	}
	assert_in_range(dead, 8, CROWD - 1); /* there are more than it holds */
	assert_int_equal(lives, 1);
}

/* What n0 tells n2 of member i: 0 nothing, 1 that it lives, 2 its record. */
static uint32_t
told(uint32_t i)
{
	struct mesh *m = w->node[0];
	uint8_t scratch[SEAL_BODY_MAX];
	struct rumour one;
	struct cargo c;
	struct mp r;

	mpw_init(&c.w, scratch, sizeof scratch);
	c.count = 0;
	cargo_fill(m, w->now, &c, &(struct out){.kind = PACKET_GOSSIP, .to = 2});
	mp_init(&r, scratch, c.w.len, 2);
	for (uint32_t k = 0; k < c.count; k++) {
		assert_int_equal(rumour_read(&r, &one), 0);
		if (one.briefs != NULL)
			continue;
		if (one.is_long)
			vouch_id(m, &one);
		if (id_eq(&one.id, &m->ms.m[i].id))
			return one.is_long ? 2 : 1;
	}
	return 0;
}

/* Of thousands who rise after a cut: those who hear of it know them. */
static void
a_record_is_news_for_a_minute(void **state)
{
	struct mesh *m = w->node[0];
	msec now = w->now;

	(void)state;
	assert_int_equal(m->ms.m[1].state, MESH_ALIVE);
	m->ms.m[1].incarnation = 0;
	m->ms.m[1].renewed_s = (uint32_t)(now / 1000);
	for (uint32_t i = 0; i < m->ms.count; i++)
		spread_drop(&m->ms.urgent, i);
	members_tell(&m->ms, 1);
	assert_int_equal(told(1), 2);
	w->now = now - now % 1000 + RECORD_MS - 1;
	members_tell(&m->ms, 1);
	assert_int_equal(told(1), 2);
	w->now++;
	members_tell(&m->ms, 1);
	assert_int_equal(told(1), 1);
	m->ms.m[0].renewed_s = 0;
	members_tell(&m->ms, 0);
	assert_int_equal(told(0), 2); /* its own: who renews it holds no clock to it */
	members_set(&m->ms, 1, w->now, MESH_LEFT, m->ms.m[1].generation, 0);
	members_tell(&m->ms, 1);
	assert_int_equal(told(1), 2);
}

/* Who rose is told so of all who did, and each such telling counts. */
static void
to_who_rose_it_is_told_as_well(void **state)
{
	struct mesh *m = w->node[0];

	(void)state;
	w->now += 2 * RECORD_MS;
	m->ms.m[1].incarnation = 0;
	for (uint32_t i = 1; i <= 2; i++) {
		members_set(&m->ms, i, w->now, MESH_SUSPECT, m->ms.m[i].generation, 0);
		members_set(&m->ms, i, w->now, MESH_ALIVE, m->ms.m[i].generation, 0);
	}
	assert_false(member_settled(&m->ms.m[2], w->now));
	m->ms.far -= m->ms.m[2].missed != 0;
	m->ms.m[2].missed = 0;
	members_tell(&m->ms, 1);
	assert_int_equal(m->ms.news.level[1], 1);
	assert_int_equal(told(1), 1);
	assert_int_equal(m->ms.news.level[1], 2);
}

/* One ping is enough, and one answer: it lives, and is suspected no more. */
static void
and_refute_with_their_answer(void **state)
{
	struct mesh *m = w->node[0];
	uint32_t incarnation = w->node[1]->ms.m[0].incarnation;

	(void)state;
	m->ms.m[1].renewed_s = 0;
	w->deaf[2][1] = true; /* it hears of it from n0 alone */
	swim_call(m, 1);
	world_run(w, 2);
	assert_true(w->node[1]->ms.m[0].incarnation > incarnation);
	world_run(w, 2);
	assert_int_equal(m->ms.m[1].state, MESH_ALIVE);
	assert_int_equal(m->ms.m[1].renewed_s, w->now / 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_suspected_hear_it_first),
	    cmocka_unit_test(others_hear_what_is_news),
	    cmocka_unit_test(no_class_has_all_of_the_room),
	    cmocka_unit_test(and_refute_with_their_answer),
	    cmocka_unit_test(to_who_rose_it_is_told_as_well),
	    cmocka_unit_test(a_record_is_news_for_a_minute),
	};

	return cmocka_run_group_tests_name("cargo", tests, settle, end);
}
