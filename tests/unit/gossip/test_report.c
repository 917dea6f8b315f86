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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_report_answers_a_beat),
	    cmocka_unit_test(without_a_beat_it_goes_alone),
	};

	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
