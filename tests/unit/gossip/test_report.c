/* Reports and the beats that they answer. */
#include "world.h"

enum { COUNT = 5, BEAT_MS = 250, REPORT_MS = 500 };

static uint64_t
told(const struct world *w)
{
	return w->sent_kind[PACKET_REPORT];
}

/* A report that is due when a beat comes is its echo too, and holds the lease. */
static void
a_report_answers_a_beat(void **state)
{
	uint32_t leader, other;
	struct world *w = world_settled(COUNT, &leader, &other);
	struct mesh_side side;
	enum { SPAN_MS = 20000, REPORTS = SPAN_MS / REPORT_MS * (COUNT - 1) };

	(void)state;
	world_mark(w);
	memset(w->sent_kind, 0, sizeof w->sent_kind);
	world_run(w, SPAN_MS);
	assert_null(strstr(w->text, "leads"));
	mesh_side(w->node[leader], w->now, &side);
	assert_int_equal(side.grade, MESH_GRADE_FULL);
	assert_in_range(w->sent_kind[PACKET_BEAT], 2 * REPORTS - COUNT, 2 * REPORTS + COUNT);
	assert_in_range(w->sent_kind[PACKET_ECHO] + told(w), w->sent_kind[PACKET_BEAT] - COUNT,
	    w->sent_kind[PACKET_BEAT] + COUNT);
	assert_in_range(told(w), REPORTS - COUNT, REPORTS + COUNT);
	world_free(w);
}

/* Who hears no beat reports all the same, a quarter of the interval later. */
static void
without_a_beat_it_goes_alone(void **state)
{
	uint32_t leader, other;
	struct world *w = world_settled(COUNT, &leader, &other);

	(void)state;
	w->deaf[leader][other] = true;
	world_run(w, 2);
	memset(w->sent_kind, 0, sizeof w->sent_kind);
	world_run(w, REPORT_MS + REPORT_MS / 4);
	for (uint32_t i = 0; i < COUNT; i++)
		w->deaf[leader][i] = true;
	assert_true(told(w) >= COUNT - 1);
	memset(w->sent_kind, 0, sizeof w->sent_kind);
	world_run(w, REPORT_MS + REPORT_MS / 4);
	assert_in_range(told(w), COUNT - 1, 2 * (COUNT - 1));
	world_free(w);
}

/* A leader of many pays by the packet: five beats in a lease, not six. */
static void
of_many_the_beats_are_fewer(void **state)
{
	uint32_t leader, other;
	struct world *w = world_settled(COUNT, &leader, &other);
	enum { SPAN_MS = 15000, MANY_BEAT_MS = 300 };

	(void)state;
	memset(w->sent_kind, 0, sizeof w->sent_kind);
	world_run(w, SPAN_MS);
	assert_in_range(w->sent_kind[PACKET_BEAT], (SPAN_MS / BEAT_MS - 1) * (COUNT - 1),
	    (SPAN_MS / BEAT_MS + 1) * (COUNT - 1));
	w->node[leader]->roster.n.all = 51;
	memset(w->sent_kind, 0, sizeof w->sent_kind);
	world_run(w, SPAN_MS);
	assert_in_range(w->sent_kind[PACKET_BEAT], (SPAN_MS / MANY_BEAT_MS - 1) * (COUNT - 1),
	    (SPAN_MS / MANY_BEAT_MS + 1) * (COUNT - 1));
	world_free(w);
}

static uint32_t
tell(struct world *w, uint32_t i)
{
	const uint8_t *frag = (const uint8_t *)"rows";
	size_t bytes = 4;
	uint32_t version;

	assert_int_equal(mesh_set_report(w->node[i], w->now, MESH_LEADER_HEARS, &frag, &bytes, 1,
			     &version), 0);
	return version;
}

/* Whom the leader's beats name: who would be next hears what the leader hears. */
static void
the_standby_hears_all(void **state)
{
	uint32_t leader, other, from;
	struct world *w = world_settled(COUNT, &leader, &other);
	const uint8_t *frag = (const uint8_t *)"rows";
	size_t bytes = 4;
	struct mesh *next = world_of(w, w->node[leader], w->node[leader]->report.standby);
	uint32_t versions[COUNT];

	(void)state;
	assert_true(next != w->node[leader] && mesh_hearing(next) != 0);
	for (uint32_t i = 0; i < COUNT; i++)
		if (w->node[i] != next && i != leader)
			assert_int_equal(mesh_set_report(w->node[i], w->now, MESH_STANDBY_HEARS,
					     &frag, &bytes, 1, &versions[i]), 0);
	world_run(w, 2 * REPORT_MS);
	for (uint32_t i = 0; i < COUNT; i++) {
		const struct member_report *r;

		if (w->node[i] == next || i == leader)
			continue;
		from = members_find_id(&next->ms, &w->node[i]->ms.m[0].id);
		r = &next->ms.reports[from];
		assert_int_equal(r->version, versions[i]);
		assert_int_equal(r->bits, 1);
	}
	assert_int_equal(next->report.inbox_len, COUNT - 2);
	world_free(w);
}

/* It stands still: told again each half minute, for who lost it on the way. */
static void
a_summary_is_told_again(void **state)
{
	uint32_t leader, other, at;
	struct world *w = world_settled(COUNT, &leader, &other);
	struct mesh_summary still = {.cpu_percent = 7};
	struct mesh *m = w->node[other];
	uint16_t first;

	(void)state;
	mesh_set_summary(m, w->now, &still);
	world_run(w, 1000);
	first = m->ms.m[0].summary_count;
	world_run(w, 25000);
	assert_int_equal(m->ms.m[0].summary_count, first);
	world_run(w, 65000);
	assert_int_equal(m->ms.m[0].summary_count, first + 3);
	at = members_find_id(&w->node[leader]->ms, &m->ms.m[0].id);
	assert_int_equal(w->node[leader]->ms.m[at].summary_count, first + 3);
	world_free(w);
}

static struct mesh_hearer
hearer(const struct world *w, uint32_t i)
{
	struct mesh_hearer h;

	assert_true(mesh_hearer(w->node[i], MESH_LEADER_HEARS, &h));
	return h;
}

static void
beat(struct world *w, uint32_t i, uint32_t version)
{
	struct packet p = {.kind = PACKET_BEAT, .version = version, .bits = version != 0};

	report_beat(w->node[i], w->now, w->node[i]->elect.leader, &p);
}

/* Beats overtake each other: it holds a version, none, and again that one.  A whole report
 * was wanted in between, and who takes that lets go of what it held. */
static void
told_whole_it_holds_nothing_else(void **state)
{
	uint32_t leader, other, version;
	struct world *w = world_settled(COUNT, &leader, &other);

	(void)state;
	version = tell(w, other);
	beat(w, other, version);
	assert_int_equal(hearer(w, other).held, version);
	beat(w, other, 0);
	assert_true(hearer(w, other).wanted);
	beat(w, other, version);
	assert_true(hearer(w, other).wanted);
	version = tell(w, other);
	assert_int_equal(hearer(w, other).held, 0);
	beat(w, other, version);
	assert_int_equal(hearer(w, other).held, version);
	world_free(w);
}

static bool
has_reported(const struct world *w, uint32_t leader, uint32_t other)
{
	struct mesh_member m;
	uint32_t i = members_find_id(&w->node[leader]->ms, &w->node[other]->ms.m[0].id);

	assert_true(mesh_member(w->node[leader], i, &m));
	return m.reported != MSEC_NEVER;
}

/* What it said before the cut is not what is true now, to neither of the two. */
static void
who_was_cut_off_reports_anew(void **state)
{
	uint32_t leader, other, before;
	struct world *w = world_settled(COUNT, &leader, &other);

	(void)state;
	before = tell(w, other);
	world_run(w, 2 * REPORT_MS);
	assert_true(has_reported(w, leader, other));
	assert_false(hearer(w, other).due);
	for (uint32_t i = 0; i < COUNT; i++)
		w->deaf[i][other] = w->deaf[other][i] = i != other;
	world_run(w, 8000);
	assert_int_equal(world_state(w, leader, other), MESH_FAILED);
	memset(w->deaf, 0, sizeof w->deaf);
	world_run(w, 4000);
	assert_int_equal(world_state(w, leader, other), MESH_ALIVE);
	assert_true(w->node[other]->elect.leader != MEMBER_NONE);
	assert_false(has_reported(w, leader, other));
	assert_true(hearer(w, other).due);
	assert_int_equal(hearer(w, other).held, before); /* the next is a difference to it */
	tell(w, other);
	world_run(w, 2 * REPORT_MS);
	assert_true(has_reported(w, leader, other));
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_report_answers_a_beat),
	    cmocka_unit_test(the_standby_hears_all),
	    cmocka_unit_test(a_summary_is_told_again),
	    cmocka_unit_test(of_many_the_beats_are_fewer),
	    cmocka_unit_test(told_whole_it_holds_nothing_else),
	    cmocka_unit_test(who_was_cut_off_reports_anew),
	    cmocka_unit_test(without_a_beat_it_goes_alone),
	};

	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
