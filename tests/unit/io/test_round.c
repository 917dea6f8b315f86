/*
 * A round in pieces (daemon/io/round.h): the loop polls between any two of them, and
 * whatever happens there, nothing wrong comes of it: office or lease lost, an older schedule
 * come in, an operator's revert, a round thrown away.  Each is tried after each piece, with
 * the real meshd-script, machine and store.
 */
#include "losing.h"

/* It decides the same, but that a role fails, by a defect that the host finds. */
static const char shadow_script[] =
    "return {schedule = function(input)\n"
    "  return {roles = {still = {on_split = 'kepe'}, web = {on_split = 'replace',\n"
    "    vars = {now = input.now, parents = #input.parents}}}}\n"
    "end}\n";

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

/* Its machine leads nobody; the engine does not know yet. */
static void
lose_lease(void)
{
	l.deaf = true;
	e->mesh = stranger;
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
