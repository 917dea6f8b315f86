/*
 * test_brief.c - summaries as bytes: what they take, what comes back, what is refused;
 * and whose they are.
 */
#include "world.h"

#include "../../../gossip/brief.h"
#include "../../../gossip/inner.h"

static const struct brief usual = {.who = UINT64_C(0xabcdef) << 40, .count = 513, .life = 5,
    .summary = {.cpu_percent = 100, .mem_percent = 41, .disk_percent = 7, .load_centi = 15,
	.instances = 30, .facts_hash = 0xfeedbeef}};

static size_t
put_all(uint8_t *buf, size_t cap, const struct brief *all, size_t n)
{
	struct briefs_out w = {.buf = buf, .cap = cap};

	for (size_t i = 0; i < n && brief_put(&w, &all[i]); i++)
		;
	return w.len;
}

static void
assert_same(const struct brief *a, const struct brief *b)
{
	assert_int_equal(a->who, b->who);
	assert_int_equal(a->whole, b->whole);
	assert_int_equal(a->life, b->life);
	assert_int_equal(a->count, b->count);
	assert_int_equal(a->summary.cpu_percent, b->summary.cpu_percent);
	assert_int_equal(a->summary.mem_percent, b->summary.mem_percent);
	assert_int_equal(a->summary.disk_percent, b->summary.disk_percent);
	assert_int_equal(a->summary.instances, b->summary.instances);
	assert_int_equal(a->summary.facts_hash, b->summary.facts_hash);
}

/* What most are like takes 10 bytes, and 4 more where the configuration is another. */
static void
they_come_back_and_are_short(void **state)
{
	struct brief in[4] = {usual, usual, usual, usual}, out;
	uint8_t buf[4 * BRIEF_BYTES_MAX];
	struct briefs_in r = {.at = buf, .end = buf};

	(void)state;
	in[2].summary.facts_hash = 0;
	in[2].life = BRIEF_LIFE_MAX;
	in[3] = (struct brief){.who = 0xabcdef0102030405, .whole = true, .count = BRIEF_COUNT_MAX,
	    .summary = {0, 100, 100, 14, UINT16_MAX, UINT32_MAX}};
	r.end += put_all(buf, sizeof buf, in, 4);
	assert_int_equal(r.end - r.at, 14 + 10 + 14 + BRIEF_BYTES_MAX);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(brief_next(&r, &out), 1);
		assert_same(&in[i], &out);
		assert_int_equal(out.summary.load_centi, in[i].summary.load_centi);
	}
	assert_int_equal(brief_next(&r, &out), 0);
}

/* Half full or full: never a part of one. */
static void
what_does_not_fit_is_not_begun(void **state)
{
	struct brief in[3] = {usual, usual, usual};
	uint8_t buf[64];

	(void)state;
	assert_int_equal(put_all(buf, 13, in, 3), 0);
	assert_int_equal(put_all(buf, 14, in, 3), 14);
	assert_int_equal(put_all(buf, 33, in, 3), 24);
	assert_int_equal(put_all(buf, 34, in, 3), 34);
}

/* To one part in 32, and the same however often it is told on. */
static void
a_load_keeps_its_size(void **state)
{
	uint16_t last = 0;

	(void)state;
	for (uint32_t v = 0; v <= UINT16_MAX; v++) {
		uint16_t got = brief_load((uint16_t)v);
		uint32_t off = got > v ? got - v : v - got;

		assert_true(off * 32 <= v);
		assert_int_equal(brief_load(got), got);
		assert_true(got >= last);
		last = got;
	}
}

static void
every_cut_is_found(void **state)
{
	struct brief one = usual, out;
	uint8_t buf[BRIEF_BYTES_MAX];
	size_t len;

	(void)state;
	one.whole = true;
	one.summary.instances = UINT16_MAX;
	len = put_all(buf, sizeof buf, &one, 1);
	assert_int_equal(len, BRIEF_BYTES_MAX);
	for (size_t n = 1; n < len; n++) {
		struct briefs_in r = {.at = buf, .end = buf + n};

		assert_int_equal(brief_next(&r, &out), -ERR_MALFORMED);
	}
}

static void
what_nobody_writes_is_refused(void **state)
{
	static const uint8_t none[] = {1, 2, 3, 0, 0, 1, 1, 1, 1, 1},
	    many[] = {1, 2, 3, 0, 8, 1, 1, 1, 1, 0xff, 0xff, 0x04},
	    endless[] = {1, 2, 3, 0, 8, 1, 1, 1, 1, 0x80, 0x80, 0x80, 0x80, 0},
	    above[] = {1, 2, 3, 0, 8, 0x7f, 0x7f, 0x7f, 0xff, 1};
	struct briefs_in r = {.at = none, .end = none + sizeof none};
	struct brief out;

	(void)state;
	assert_int_equal(brief_next(&r, &out), -ERR_MALFORMED);
	r = (struct briefs_in){.at = many, .end = many + sizeof many};
	assert_int_equal(brief_next(&r, &out), -ERR_MALFORMED);
	r = (struct briefs_in){.at = endless, .end = endless + sizeof endless};
	assert_int_equal(brief_next(&r, &out), -ERR_MALFORMED);
	r = (struct briefs_in){.at = above, .end = above + sizeof above};
	assert_int_equal(brief_next(&r, &out), 1);
	assert_int_equal(out.summary.cpu_percent, 100);
	assert_int_equal(out.summary.disk_percent, 100);
	assert_int_equal(out.summary.load_centi, UINT16_MAX);
}

/* --- whose it is ------------------------------------------------------------------------ */

static int
tell(struct mesh *m, msec now, const struct brief *b)
{
	uint8_t buf[BRIEF_BYTES_MAX];

	return summary_hear(m, now, buf, put_all(buf, sizeof buf, b, 1), false);
}

/* A settled world of two: node 1 in the table of node 0, and the usual one as if of it. */
static uint32_t
settled(struct world *w, struct brief *b)
{
	const struct node_id id = world_id(1);
	const struct members *ms = &w->node[0]->ms;
	uint32_t i;

	world_run(w, 8000);
	i = members_find_id(ms, &id);
	*b = usual;
	b->who = ms->m[i].short_id;
	b->life = ms->m[i].generation & BRIEF_LIFE_MAX;
	return i;
}

/* Two that begin alike are told apart by the whole of it; what does not say which of them
 * it means is nobody's. */
static void
of_two_that_begin_alike_none_is_taken(void **state)
{
	struct world *w = world_new(2, MESH_QUORUM_MAJORITY);
	struct brief b;
	uint32_t i = settled(w, &b);
	struct mesh *m = w->node[0];
	struct node_id twin;
	int k;

	(void)state;
	assert_int_equal(tell(m, w->now, &b), 0);
	assert_int_equal(m->ms.m[i].summary_count, b.count);

	twin = m->ms.m[i].id;
	twin.b[3] ^= 1;
	assert_true((k = members_add(&m->ms, &twin, w->now)) > 0);
	b.count++;
	assert_int_equal(tell(m, w->now, &b), 0);
	assert_int_equal(m->ms.m[i].summary_count, b.count - 1);
	b.whole = true;
	assert_int_equal(tell(m, w->now, &b), 0);
	assert_int_equal(m->ms.m[i].summary_count, b.count);
	assert_int_equal(m->ms.m[k].summary_count, 0);
	world_free(w);
}

/* Of another life, of nobody, of one who is older: no harm, and nothing taken. */
static void
of_another_life_nothing_is_taken(void **state)
{
	struct world *w = world_new(2, MESH_QUORUM_MAJORITY);
	struct brief b;
	uint32_t i = settled(w, &b);
	struct mesh *m = w->node[0];

	(void)state;
	assert_int_equal(tell(m, w->now, &usual), 0);
	for (uint8_t k = 1; k <= BRIEF_LIFE_MAX; k++) {
		b.life = (m->ms.m[i].generation + k) & BRIEF_LIFE_MAX;
		assert_int_equal(tell(m, w->now, &b), 0);
		assert_int_equal(m->ms.m[i].summary_count, 0);
	}
	b.life = m->ms.m[i].generation & BRIEF_LIFE_MAX;
	assert_int_equal(tell(m, w->now, &b), 0);
	b.count--;
	b.summary.cpu_percent = 1;
	assert_int_equal(tell(m, w->now, &b), 0);
	assert_int_equal(m->ms.m[i].summary.cpu_percent, usual.summary.cpu_percent);
	world_free(w);
}

/* Ten hours dead, and its count may have come around: the first that is heard is taken. */
static void
who_was_dead_for_long_counts_anew(void **state)
{
	struct world *w = world_new(2, MESH_QUORUM_MAJORITY);
	struct brief b;
	uint32_t i = settled(w, &b);
	struct mesh *m = w->node[0];

	(void)state;
	assert_int_equal(tell(m, w->now, &b), 0);
	for (int k = 0; k < 2; k++) {
		members_set(&m->ms, i, w->now, MESH_FAILED, m->ms.m[i].generation, 0);
		summary_rise(m, w->now + (k == 0 ? 1000 : 36000000), i);
		assert_int_equal(m->ms.m[i].summary_count, k == 0 ? b.count : 0);
	}
	b.count = (uint16_t)(b.count + 5000);
	assert_int_equal(tell(m, w->now, &b), 0);
	assert_int_equal(m->ms.m[i].summary_count, b.count);
	world_free(w);
}

/* Whoever slept while its count came around takes what it hears; a minute later it does not. */
static void
who_slept_for_long_takes_any_count(void **state)
{
	struct world *w = world_new(2, MESH_QUORUM_MAJORITY);
	struct brief b;
	uint32_t i = settled(w, &b);
	struct mesh *m = w->node[0];

	(void)state;
	b.count = 5000;
	assert_int_equal(tell(m, w->now, &b), 0);
	b.count = 4999;
	assert_int_equal(tell(m, w->now + 60000, &b), 0);
	assert_int_equal(m->ms.m[i].summary_count, 5000);
	assert_int_equal(tell(m, w->now + 7200000, &b), 0);
	assert_int_equal(m->ms.m[i].summary_count, 4999);
	world_free(w);
}

/* As far as 13 bits tell; 0 is no count, and no gap. */
static void
counts_come_around(void **state)
{
	(void)state;
	assert_int_equal(brief_ahead(1, BRIEF_COUNT_MAX), 2);
	assert_int_equal(brief_ahead(BRIEF_COUNT_MAX, 1), -2);
	assert_int_equal(brief_ahead(4096, 1), 4095);
	assert_int_equal(brief_ahead(4097, 1), -4096);
	assert_int_equal(brief_ahead(7, 7), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(they_come_back_and_are_short),
	    cmocka_unit_test(what_does_not_fit_is_not_begun),
	    cmocka_unit_test(a_load_keeps_its_size),
	    cmocka_unit_test(every_cut_is_found),
	    cmocka_unit_test(what_nobody_writes_is_refused),
	    cmocka_unit_test(of_two_that_begin_alike_none_is_taken),
	    cmocka_unit_test(of_another_life_nothing_is_taken),
	    cmocka_unit_test(who_was_dead_for_long_counts_anew),
	    cmocka_unit_test(who_slept_for_long_takes_any_count),
	    cmocka_unit_test(counts_come_around),
	};

	return cmocka_run_group_tests_name("brief", tests, NULL, NULL);
}
