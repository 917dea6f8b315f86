/*
 * A round in pieces (daemon/io/round.h): the loop polls between any two of them, and
 * whatever happens there, nothing wrong comes of it: office or lease lost, an older schedule
 * come in, an operator's revert, a round thrown away.  Each is tried after each piece, with
 * the real meshd-script, machine and store.
 */
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
/* It decides the same, but that a role fails, by a defect that the host finds. */
static const char shadow_script[] =
    "return {schedule = function(input)\n"
    "  return {roles = {still = {on_split = 'kepe'}, web = {on_split = 'replace',\n"
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

/* A round begins; after that many of its pieces, if there are as many, that. */
static void
begin(unsigned at, void (*what)(void))
{
	pieces = polls_then = kept_at = 0;
	polls = 1;
	polled = true;
	round_start(e);
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

static void
a_round_is_made_of_pieces(void **state)
{
	(void)state;
	it_goes_well();
	assert_int_equal(pieces, whole);
	assert_true(kept_at > 8 && kept_at < whole);
	assert_int_equal(e->keep.current.meta.parents_count, 1);
}

static void
abandon(void)
{
	round_abandon(e);
	assert_null(e->lead.under_way);
	assert_false(e->lead.sched.running);
	round_abandon(e); /* there is none */
}

static void
it_is_thrown_away_anywhere(void **state)
{
	(void)state;
	for (unsigned n = 0; n < whole; n++) {
		struct hash before = e->keep.current.hash;
		bool durable;

		one_round(n, abandon);
		durable = !hash_eq(&before, &e->keep.current.hash);
		assert_int_equal(durable, kept_at > 0 && kept_at <= n);
		assert_false(e->lead.unannounced); /* what is durable was adopted */
		assert_true(hash_eq(&e->apply.plan_of, &e->keep.current.hash));
	}
	it_goes_well();
}

static struct mesh *stranger;

/* Its machine leads nobody; the engine does not know yet. */
static void
lose_lease(void)
{
	l.deaf = true;
	e->mesh = stranger;
}

static void
make_stranger(void)
{
	struct mesh_conf c = l.e->mesh->conf;

	stranger = mesh_new(&c, net_now());
	assert_non_null(stranger);
}

static void
without_a_lease_nothing_is_issued(void **state)
{
	struct mesh *own = e->mesh;

	(void)state;
	make_stranger();
	for (unsigned n = 0; n < whole; n++) {
		struct hash before = e->keep.current.hash;
		struct mesh_parent told;

		one_round(n, lose_lease);
		e->mesh = own;
		l.deaf = false;
		/* What was durable by then is; nobody was told of it. */
		assert_int_equal(!hash_eq(&before, &e->keep.current.hash), kept_at > 0);
		assert_true(kept_at == 0 || kept_at <= n);
		assert_true(mesh_issued(e->mesh, &told));
		if (n < told_at) {
			assert_true(hash_eq(&told.hash, &before));
			assert_int_equal(e->lead.unannounced, kept_at > 0);
		}
		it_goes_well(); /* and that one told of both */
	}
	mesh_free(stranger);
}

static void
lose_office(void)
{
	struct mesh *own = e->mesh;

	e->mesh = stranger;
	lead_look(e);
	assert_false(e->lead.leading);
	assert_null(e->lead.under_way);
	e->mesh = own;
}

static void
with_the_office_the_round_ends(void **state)
{
	(void)state;
	make_stranger();
	for (unsigned n = 0; n < whole; n++) {
		struct hash before = e->keep.current.hash;

		one_round(n, lose_office);
		assert_int_equal(!hash_eq(&before, &e->keep.current.hash), kept_at > 0);
		assert_true(kept_at == 0 || kept_at <= n);
		lead_look(e); /* its machine leads still */
		assert_true(e->lead.leading);
		it_goes_well();
	}
	mesh_free(stranger);
}

/* The engine learns of it in the middle of a piece: that one does not lose its feet. */
static void
swap(void)
{
	e->mesh = stranger;
}

static void
the_office_may_end_within_a_piece(void **state)
{
	struct mesh *own = e->mesh;
	struct hash before = e->keep.current.hash;

	(void)state;
	make_stranger();
	inside = swap;
	one_round(0, NULL);
	inside = NULL;
	assert_false(e->lead.leading);
	assert_false(hash_eq(&before, &e->keep.current.hash));
	assert_true(hash_eq(&e->apply.plan_of, &e->keep.current.hash));
	e->mesh = own;
	lead_look(e);
	it_goes_well();
	mesh_free(stranger);
}

/* Another leader's, of the time of a split. */
static void
a_parent_comes(void)
{
	static uint64_t seq;
	struct lead_parent *p = &e->lead.parents[e->lead.parents_count++];
	struct role_of web = {"web", "x", 1};

	memset(p, 0, sizeof *p);
	p->s = schedule_at(1, ++seq, &web, 1);
	p->ref = (struct schedule_ref){p->s.meta.stamp, p->s.hash};
	p->got = true;
}

static void
what_the_script_did_not_see_is_not_merged(void **state)
{
	(void)state;
	for (unsigned n = 0; n < whole; n++) {
		struct hash before = e->keep.current.hash;

		one_round(n, a_parent_comes);
		if (!hash_eq(&before, &e->keep.current.hash)) {
			/* It came before the first look, or when it was too late. */
			assert_true(n == 0 || kept_at <= n);
			assert_int_equal(e->keep.current.meta.parents_count, n == 0 ? 2 : 1);
		} else {
			assert_int_equal(e->lead.parents_count, 1);
		}
		it_goes_well();
		assert_int_equal(e->lead.parents_count, 0);
		assert_int_equal(e->keep.current.meta.parents_count, n == 0 ? 1 : 2);
	}
}

/* What is confirmed after the rails looked is there for the next round. */
static void
confirm(void)
{
	e->lead.forced_count = 1;
	strcpy(e->lead.forced[0], "1.00000000.1");
}

static void
what_is_confirmed_meanwhile_is_not_lost(void **state)
{
	(void)state;
	one_round(0, NULL);
	one_round(kept_at - 1, confirm);
	assert_true(kept_at > 0);
	assert_int_equal(e->lead.forced_count, 1);
	it_goes_well();
	assert_int_equal(e->lead.forced_count, 0);
}

static struct round *first;
static unsigned notes;

/* After each piece. */
static void
note(void)
{
	if (pieces == whole)
		return; /* it is the next one */
	act = note;
	act_at = pieces + 1;
	notes++;
	lead_note(e, SCHED_ACTION);
	assert_ptr_equal(e->lead.under_way, first);
}

static void
no_second_one_begins_meanwhile(void **state)
{
	struct sched_conf conf = e->lead.sched.conf;
	uint64_t rounds = e->lead.round;

	(void)state;
	e->lead.sched.conf.after_change_ms = e->lead.sched.conf.gap_ms = 0;
	begin(1, note);
	first = e->lead.under_way;
	/* It does behind that one, which had all its pieces: the machine says when. */
	loop_until(&l.loop, e->lead.round == rounds + 2);
	assert_int_equal(pieces, whole);
	assert_int_equal(notes, whole - 1);
	e->lead.sched.conf = conf;
	loop_until(&l.loop, e->lead.under_way == NULL);
}

/* A shadow's answer is judged likewise: thrown away after any piece. */
static void
a_shadow_stops_anywhere(void **state)
{
	struct shadow *s = &e->lead.shadow;

	(void)state;
	assert_int_equal(leader_scripts(&l, TREES_SHADOW, shadow_script), 0);
	for (enum shadow_at at = SHADOW_START; at <= SHADOW_TIDY; at++) {
		it_goes_well();
		while (s->at != at) /* the poll wakes it */
			uv_run(&l.loop, UV_RUN_ONCE);
		shadow_stop(e);
		assert_int_equal(s->at, SHADOW_IDLE);
		assert_null(s->run);
		loop_until(&l.loop, e->lead.recording.writing.input.len == 0);
	}
	it_goes_well();
	loop_until(&l.loop, s->at == SHADOW_IDLE);
	assert_string_equal(s->error, "");
	assert_int_equal(s->rounds, 1);
	assert_true(s->theirs.len > 0 && s->asked.len > 0);
	/* That role keeps what it had before the round: so it would be in force. */
	assert_true(planmoves_none(&s->moves));
	assert_int_equal(s->failing, 1);
	assert_int_equal(s->differed, 1);
	assert_true(s->failed.len > 0 && s->kept.len > 0);
	assert_int_equal(leader_scripts(&l, TREES_SHADOW, script), 0);
	it_goes_well();
	loop_until(&l.loop, s->at == SHADOW_IDLE);
	assert_int_equal(s->differed, 1);
	assert_true(s->failing + s->failed.len + s->kept.len == 0);
}

/* Of a made-up member, that is alive and has told which images it has. */
static struct lead_node *
member(uint8_t id_byte, const char *name)
{
	struct members *ms = &e->mesh->ms;
	struct node_id id = {{id_byte, 1}};
	int at = members_add(ms, &id, net_now());
	struct lead_node *n;

	assert_true(at > 0);
	members_set_text(ms, (uint32_t)at, name, strlen(name), NULL, 0);
	members_set(ms, (uint32_t)at, net_now(), MESH_ALIVE, 1, 0);
	n = hear_node(e, &id);
	assert_non_null(n);
	n->engine_report.has = true;
	n->engine_report.now.facts.images = calloc(2, VIEW_IMAGE_CAP);
	n->engine_report.now.facts.images_count = 2;
	strcpy(n->engine_report.now.facts.images[1], "web-v2");
	return n;
}

/* Between pieces reports come and members go: what a round keeps is its own. */
static void
a_world_may_be_kept(void **state)
{
	struct engine_world w;
	unsigned seen = 0;

	(void)state;
	member(1, "n1");
	member(2, "n2");
	member(3, "n1"); /* of two with one name one is there */
	assert_int_equal(world_build(e, &w), 0);
	assert_non_null(strstr(w.twins, "two nodes are called n1"));
	assert_int_equal(world_own(&w), 0);
	for (size_t i = 0; i < e->lead.nodes_count; i++) {
		if (e->lead.nodes[i].engine_report.has)
			strcpy(e->lead.nodes[i].engine_report.now.facts.images[1], "another");
		report_table_free(&e->lead.nodes[i].engine_report);
	}
	assert_int_equal(w.nodes_count, 3);
	for (size_t i = 0; i < w.nodes_count; i++) {
		if (w.nodes[i].facts.images_count == 0)
			continue;
		seen += w.nodes[i].name[1] == '1' ? 1 : 16;
		assert_string_equal(w.nodes[i].facts.images[1], "web-v2");
	}
	assert_int_equal(seen, 17);
	world_free(&w);
}

/* --- turns.h -------------------------------------------------------------------------- */

static unsigned ran[2], turn_polls;
static bool together;

static void
ran_once(unsigned i, struct work *again)
{
	together = together || polls == turn_polls;
	turn_polls = polls;
	if (++ran[i] < 3)
		turns_add(e, again);
}

static struct work works[2];

static void
one(struct engine *x)
{
	(void)x;
	ran_once(0, &works[0]);
}

static void
other(struct engine *x)
{
	(void)x;
	ran_once(1, &works[1]);
}

static void
two_works_never_share_a_turn(void **state)
{
	(void)state;
	works[0].run = one;
	works[1].run = other;
	turn_polls = polls - 1;
	turns_add(e, &works[0]);
	turns_add(e, &works[1]);
	turns_add(e, &works[0]); /* it waits already */
	loop_until(&l.loop, ran[0] == 3 && ran[1] == 3);
	assert_false(together);
	turns_add(e, &works[0]);
	turns_add(e, &works[1]);
	turns_drop(e, &works[0]);
	turns_drop(e, &works[0]);
	loop_until(&l.loop, ran[1] == 4);
	assert_int_equal(ran[0], 3);
	assert_false(uv_is_active((uv_handle_t *)&e->lead.turns.idle));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_round_is_made_of_pieces),
	    cmocka_unit_test(it_is_thrown_away_anywhere),
	    cmocka_unit_test(without_a_lease_nothing_is_issued),
	    cmocka_unit_test(with_the_office_the_round_ends),
	    cmocka_unit_test(the_office_may_end_within_a_piece),
	    cmocka_unit_test(what_the_script_did_not_see_is_not_merged),
	    cmocka_unit_test(what_is_confirmed_meanwhile_is_not_lost),
	    cmocka_unit_test(no_second_one_begins_meanwhile),
	    cmocka_unit_test(a_shadow_stops_anywhere),
	    cmocka_unit_test(two_works_never_share_a_turn),
	    cmocka_unit_test(a_world_may_be_kept), /* and the others do not stay alive */
	};

	return cmocka_run_group_tests_name("round", tests, setup, teardown);
}
