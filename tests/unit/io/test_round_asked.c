/*
 * What an operator asks of a leader, in pieces as a round: an older schedule again
 * (daemon/io/round.h), and the input of a round that nobody issues (daemon/io/roundinput.h).
 */
#include "losing.h"

static unsigned tolds;
static int told_rc;

static void
told(void *arg, int rc, const struct err *err)
{
	assert_ptr_equal(arg, &tolds);
	assert_true(rc == 0 || err->text[0] != '\0');
	tolds++;
	told_rc = rc;
}

/* The schedule before the one in force is to be in force again; what a script gave would be another. */
static void
revert_starts(struct engine *x)
{
	struct round_wish w = {.wish = WISH_REVERT, .told = told, .arg = &tolds};
	struct err err;

	tolds = 0;
	assert_int_equal(keep_old(&x->keep, &x->keep.history[1], &w.old, &err), 1);
	round_revert(x, &w);
	assert_null(w.old.parts);
	assert_true(x->lead.sched.running);
}

static void
a_revert_is_made_of_pieces_too(void **state)
{
	struct schedule old;
	struct err err;
	uint64_t rounds = e->lead.round;

	(void)state;
	it_goes_well();
	assert_int_equal(keep_old(&e->keep, &e->keep.history[1], &old, &err), 1);
	starts = revert_starts;
	make_stranger();
	it_goes_well();
	assert_int_equal(schedule_compare(&old, &e->keep.current), SCHEDULE_SAME);
	assert_int_equal(e->lead.round, rounds + 1); /* no script was asked */
	assert_true(tolds == 1 && told_rc == 0 && pieces > 8);
	schedule_free(&old);
	for (unsigned n = 1, all = pieces; n < all; n++) {
		one_round(n, n % 2 == 0 ? abandon : lose_office);
		if (!e->lead.leading)
			lead_look(e); /* its machine leads still */
		assert_int_equal(tolds, 1);
		/* Durable and not announced: an office that is gone says so. */
		assert_true(told_rc == 0 ? kept_at > 0 : kept_at == 0 || n % 2 != 0);
		starts = round_start;
		it_goes_well();
		starts = revert_starts;
	}
	/* Another one, or a script's round, does not go on behind its back. */
	starts = round_start;
	begin(3, NULL);
	loop_until(&l.loop, pieces == 3);
	revert_starts(e);
	revert_starts(e);
	loop_until(&l.loop, e->lead.under_way == NULL);
	mesh_free(stranger);
	assert_true(tolds == 2 && told_rc == 0); /* the first: that it was given up */
	it_goes_well();
}

static void
as_a_script_once_said(struct engine *x)
{
	static const uint8_t web[] = "\x81\xa5roles\x81\xa3web\x81\xa8on_split\xa4keep";
	static const uint8_t wrong[] = "\x81\xa5roles\x81\xa3web\x81\xa8on_split\xa4kepe";
	struct round_wish w = {.wish = WISH_FORCED, .told = told, .arg = &tolds};
	const uint8_t *said = told_rc == 7 ? wrong : web;

	tolds = 0;
	assert_int_equal(blob_copy(&w.answer, (struct slice){said, sizeof web - 1}), 0);
	round_revert(x, &w);
}

static void
a_revert_may_come_from_a_recorded_answer(void **state)
{
	struct hash before;

	(void)state;
	starts = as_a_script_once_said;
	it_goes_well();
	assert_true(tolds == 1 && told_rc == 0);
	before = e->keep.current.hash;
	told_rc = 7;
	one_round(0, NULL); /* the web alone is wrong in it: nothing of it is issued */
	assert_true(tolds == 1 && told_rc < 0);
	assert_true(hash_eq(&before, &e->keep.current.hash));
	starts = round_start;
	it_goes_well();
}

static int input_rc[3];
static size_t input_len[3];

static void
on_input(void *arg, int rc, struct slice input)
{
	int *at = arg;

	*at = rc;
	input_len[at - input_rc] = input.len;
}

static void
an_input_is_made_of_pieces_too(void **state)
{
	unsigned turns = polls;

	(void)state;
	memset(input_rc, 1, sizeof input_rc);
	begin(0, NULL); /* beside a round */
	roundinput_ask(e, on_input, &input_rc[0]);
	uv_run(&l.loop, UV_RUN_ONCE);
	roundinput_ask(e, on_input, &input_rc[1]);
	roundinput_ask(e, on_input, &input_rc[2]);
	loop_until(&l.loop, input_rc[0] <= 0);
	assert_true(input_rc[0] == 0 && input_len[0] > 100 && input_rc[1] > 0);
	assert_true(polls - turns > 4);
	loop_until(&l.loop, input_rc[1] <= 0 && input_rc[2] <= 0);
	assert_true(input_rc[1] == 0 && input_len[1] > 100 && input_len[2] == input_len[1]);
	loop_until(&l.loop, e->lead.under_way == NULL);
	roundinput_ask(e, on_input, &input_rc[0]);
	uv_run(&l.loop, UV_RUN_ONCE);
	roundinput_ask(e, on_input, &input_rc[1]);
	make_stranger();
	lose_office();
	assert_true(input_rc[0] == -ERR_NOT_LEADER && input_rc[1] == -ERR_NOT_LEADER);
	roundinput_ask(e, on_input, &input_rc[2]);
	assert_int_equal(input_rc[2], -ERR_NOT_LEADER);
	lead_look(e);
	mesh_free(stranger);
	it_goes_well();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_revert_is_made_of_pieces_too),
	    cmocka_unit_test(a_revert_may_come_from_a_recorded_answer),
	    cmocka_unit_test(an_input_is_made_of_pieces_too),
	};

	return cmocka_run_group_tests_name("round asked", tests, setup, teardown);
}
