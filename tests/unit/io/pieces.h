/*
 * pieces.h - a leader whose rounds are watched piece by piece: that the loop polls between any
 * two, and what is done to it after the n-th.
 */
#ifndef TEST_IO_PIECES_H
#define TEST_IO_PIECES_H

#include "leader.h"

#include "programs.h"
#include "schedules.h"

#include "loop.h"

/* Each round's schedule is another, and says how many it comes from. */
static const char script[] =
    "local n = 0\n"
    "return {schedule = function(input)\n"
    "  return {roles = {still = {on_split = 'keep'}, web = {on_split = 'replace',\n"
    "    vars = {now = input.now, parents = #input.parents}}}}\n"
    "end}\n";

static struct leader l;
static struct engine *e;
static uv_poll_t poll_handle;
static uv_prepare_t prepare;
static int ends[2];
/* Of the round under way. */
static unsigned pieces, polls, polls_then, act_at;
static bool polled;
static void (*act)(void), (*piece)(struct engine *e);
static void (*inside)(void); /* instead, in the turn of the piece that announces */
static unsigned whole, told_at; /* pieces of an undisturbed one; which of them announces */
static unsigned kept_at;	/* which made this one's schedule durable, or 0 */

static void
on_poll(uv_poll_t *p, int status, int events)
{
	(void)p;
	(void)status;
	(void)events;
	polls++;
}

/* Behind the pieces, before the sockets. */
static void
on_prepare(uv_prepare_t *p)
{
	void (*now)(void) = act;

	(void)p;
	if (act == NULL || pieces < act_at || e->lead.under_way == NULL)
		return;
	act = NULL;
	now();
}

static void
counted(struct engine *x)
{
	struct hash before = e->keep.current.hash;

	polled = polled && polls > polls_then;
	polls_then = polls;
	if (++pieces == told_at && inside != NULL)
		inside();
	piece(x);
	if (!hash_eq(&before, &e->keep.current.hash))
		kept_at = pieces;
}

static void (*starts)(struct engine *e) = round_start;

/* A round begins; after that many of its pieces, if there are as many, that. */
static void
begin(unsigned at, void (*what)(void))
{
	pieces = polls_then = kept_at = 0;
	polls = 1;
	polled = true;
	starts(e);
	assert_non_null(e->lead.under_way);
	piece = e->lead.turn.run;
	e->lead.turn.run = counted;
	act_at = at;
	act = at > 0 ? what : NULL;
	if (at == 0 && what != NULL)
		what();
}

static void
one_round(unsigned at, void (*what)(void))
{
	begin(at, what);
	loop_until(&l.loop, e->lead.under_way == NULL);
	assert_true(polled);
	assert_false(e->lead.turn.waits);
	assert_false(e->lead.sched.running);
	act = NULL;
}

/* It makes a schedule that is in force, and everybody is told. */
static void
it_goes_well(void)
{
	struct hash before = e->keep.current.hash;
	struct mesh_parent told;
	struct stamp applied;

	one_round(0, NULL);
	assert_string_equal(e->lead.error, "");
	assert_false(hash_eq(&before, &e->keep.current.hash));
	assert_false(e->lead.unannounced);
	engine_applied(e, &applied);
	assert_int_equal(stamp_cmp(&applied, &e->keep.current.meta.stamp), 0);
	assert_true(mesh_issued(e->mesh, &told));
	assert_true(hash_eq(&told.hash, &e->keep.current.hash));
	assert_true(hash_eq(&e->apply.plan_of, &e->keep.current.hash));
}

static int
setup(void **state)
{
	if (schedules_setup(state) < 0 || leader_open(&l, 8, program_open("meshd-script")) < 0 ||
	    leader_scripts(&l, TREES_SCRIPTS, script) < 0 || pipe(ends) < 0)
		return -1;
	e = l.e;
	if (uv_poll_init(&l.loop, &poll_handle, ends[1]) < 0 || uv_prepare_init(&l.loop, &prepare) < 0)
		return -1;
	uv_poll_start(&poll_handle, UV_WRITABLE, on_poll); /* each time */
	uv_prepare_start(&prepare, on_prepare);
	it_goes_well(); /* the first comes from none */
	it_goes_well();
	whole = pieces;
	told_at = kept_at + 1;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	loop_until(&l.loop, e->lead.recording.writing.input.len == 0);
	close(ends[0]);
	close(ends[1]);
	return leader_close(&l);
}

#endif
