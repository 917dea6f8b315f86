/*
 * The leader's desk and the replies that a schedule carries: what a round is given, whose
 * fault a failed one was, what is kept and for how long.  (test_actmesh.c: all of it
 * together, with leaders that die.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../../daemon/core/actdesk.h"
#include "mpjson.h"

#define WALL UINT64_C(1800000000000)

static struct actdesk d;
static struct actdone none;
static struct action_words words;
static const struct actdesk_item *given[ACTDESK_ROUND_MAX];

static int
setup(void **state)
{
	(void)state;
	return actdesk_init(&d);
}

static int
teardown(void **state)
{
	(void)state;
	actdesk_free(&d);
	return 0;
}

static struct node_id
id_of(int n)
{
	return (struct node_id){{(uint8_t)n}};
}

/* Numbers first .. first + count - 1 of node n, stamped by their numbers. */
static bool
bundle(int n, uint64_t turn, uint64_t first, uint32_t count, const struct actdone *done)
{
	static struct action_bundle b;
	struct node_id id = id_of(n);
	char name[NAME_CAP];
	struct err err;

	snprintf(name, sizeof name, "n%d", n);
	b = (struct action_bundle){.turn = turn, .last = first + count, .count = count};
	for (uint32_t i = 0; i < count; i++) {
		assert_int_equal(action_make(&b.actions[i], "web", "scale", NULL, 0, &err), 0);
		b.actions[i].number = b.actions[i].stamp_ms = first + i;
	}
	return actdesk_bundle(&d, &id, name, &b, done, WALL, &words);
}

static void
oldest_first_and_once(void **state)
{
	(void)state;
	assert_true(bundle(2, 1, 5, 2, &none));
	assert_true(bundle(1, 1, 4, 1, &none));
	assert_false(bundle(1, 1, 4, 1, &none)); /* the same again */
	assert_int_equal(words.words[0].state, ACTION_WAITS);
	assert_int_equal(actdesk_give(&d, &none, 0, given), 3);
	assert_int_equal(given[0]->a.number, 4);
	assert_int_equal(given[2]->a.number, 6);
	assert_true(actdesk_touched(&d, "web", 59999));
	assert_false(actdesk_touched(&d, "web", 60000));
	assert_false(actdesk_touched(&d, "db", 1));
	assert_false(bundle(2, 1, 5, 2, &none)); /* while the round runs */
	assert_false(actdesk_ended(&d, ACTDESK_ISSUED, ""));
	/* Its node waits for the schedule: nothing is given twice. */
	assert_false(bundle(2, 1, 5, 2, &none));
	assert_string_equal(words.words[0].text, "answered: the schedule that says so is on its way");
	assert_int_equal(actdesk_give(&d, &none, 0, given), 0);
	assert_false(actdesk_ended(&d, ACTDESK_ISSUED, ""));
	assert_false(bundle(2, 2, 7, 0, &none));
	assert_int_equal(d.count, 1); /* n1's */
}

/* What a group comes to only its script knows; of a role nothing else is meant. */
static void
a_group_is_the_roles_that_the_reply_names(void **state)
{
	struct plan_role roles[] = {{.name = "db"}, {.name = "mq"}};
	struct plan plan = {.roles = roles, .roles_count = 2}, last = {0};
	struct plan_role was = {.name = "web"};

	(void)state;
	plan.replies = mpjson("{'n1.3': {'text': 'x', 'roles': ['no']}, 'n1.4': {'roles': ['db', 'mq'], 'text': 'both'}}");
	assert_true(bundle(1, 1, 4, 2, &none)); /* of "web", no role here */
	actdesk_about(&d, &plan, NULL, 0);	/* none is given yet */
	assert_false(actdesk_touched(&d, "db", 1));
	assert_int_equal(actdesk_give(&d, &none, 0, given), 2);
	actdesk_about(&d, &plan, &last, 0);
	assert_true(actdesk_touched(&d, "db", 59999) && actdesk_touched(&d, "mq", 1));
	assert_false(actdesk_touched(&d, "db", 60000) || actdesk_touched(&d, "no", 1));
	/* A role, also one that is just going: itself alone. */
	d.roles_count = 0;
	last = (struct plan){.roles = &was, .roles_count = 1};
	actdesk_about(&d, &plan, &last, 0);
	assert_false(actdesk_touched(&d, "db", 1));
	strcpy(roles[1].name, "web");
	actdesk_about(&d, &plan, NULL, 0);
	assert_false(actdesk_touched(&d, "db", 1));
	blob_free(&plan.replies);
}

static void
an_old_bundle_changes_nothing(void **state)
{
	(void)state;
	assert_true(bundle(1, 7, 1, 2, &none));
	assert_false(bundle(1, 8, 3, 0, &none));
	assert_int_equal(d.count, 0);
	assert_false(bundle(1, 7, 1, 2, &none)); /* it was on its way for long */
	assert_int_equal(d.count, 0);
}

/* A clock that is wrong, or a node that is: its stamp would win over all that others ask. */
static void
what_is_stamped_ahead_is_not_taken(void **state)
{
	static struct action_bundle b;
	struct node_id id = id_of(1);
	struct err err;

	(void)state;
	b = (struct action_bundle){.turn = 1, .last = 3, .count = 3};
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(action_make(&b.actions[i], "web", "scale", NULL, 0, &err), 0);
		b.actions[i].number = i + 1;
	}
	b.actions[0].stamp_ms = WALL + ACTION_AHEAD_MS_MAX;
	b.actions[1].stamp_ms = WALL + ACTION_AHEAD_MS_MAX + 1;
	b.actions[2].stamp_ms = INT64_MAX;
	assert_true(actdesk_bundle(&d, &id, "n1", &b, &none, WALL, &words));
	assert_int_equal(d.count, 1);
	assert_int_equal(words.words[0].state, ACTION_WAITS);
	for (int i = 1; i < 3; i++)
		assert_int_equal(words.words[i].state, ACTION_ASIDE);
	assert_string_equal(words.words[1].text,
	    "its stamp is 10 minutes ahead of the leader's clock: set the clock that is wrong, then --retry");
	assert_int_equal(actdesk_give(&d, &none, 0, given), 1);
	/* The leader's clock is set back meanwhile: what it took it keeps. */
	assert_false(actdesk_bundle(&d, &id, "n1", &b, &none, 1000, &words));
	assert_int_equal(words.words[0].state, ACTION_WAITS);
	assert_false(actdesk_ended(&d, ACTDESK_ISSUED, ""));
	/* Said again with another stamp. */
	b.turn = 2;
	b.actions[1].stamp_ms = WALL;
	assert_true(actdesk_bundle(&d, &id, "n1", &b, &none, WALL, &words));
	assert_int_equal(words.words[1].state, ACTION_WAITS);
	assert_true(actdesk_is_old(&d, &id, 1));
	assert_false(actdesk_is_old(&d, &id, 2));
}

static void
a_round_given_up_gives_them_back(void **state)
{
	(void)state;
	assert_true(bundle(1, 1, 1, 2, &none));
	assert_int_equal(actdesk_give(&d, &none, 0, given), 2);
	assert_false(actdesk_ended(&d, ACTDESK_AGAIN, "the lease"));
	assert_int_equal(actdesk_give(&d, &none, 0, given), 2);
	assert_int_equal(given[0]->a.tries, 0);
	assert_false(actdesk_ended(&d, ACTDESK_ISSUED, ""));
}

static void
dropped_while_its_round_runs(void **state)
{
	struct node_id id = id_of(1);

	(void)state;
	assert_true(bundle(1, 1, 1, 2, &none));
	assert_int_equal(actdesk_give(&d, &none, 0, given), 2);
	assert_false(bundle(1, 2, 3, 0, &none));
	assert_int_equal(d.count, 2);
	assert_false(actdesk_ended(&d, ACTDESK_AGAIN, ""));
	assert_int_equal(d.count, 0);
	assert_true(bundle(1, 3, 5, 2, &none));
	actdesk_forget(&d, &id);
	assert_int_equal(d.count, 0);
}

/* One round: which of the numbers were given; it fails if bad is among them. */
static bool
round_with(uint64_t bad, uint64_t *first, size_t *count)
{
	bool fails = false;

	*count = actdesk_give(&d, &none, 0, given);
	*first = *count > 0 ? given[0]->a.number : 0;
	for (size_t i = 0; i < *count; i++)
		fails |= given[i]->a.number == bad;
	return actdesk_ended(&d, fails ? ACTDESK_FAILED : ACTDESK_ISSUED, fails ? "main.lua:3: bad" : "");
}

static void
poison_goes_aside_alone(void **state)
{
	static const struct {
		uint64_t first;
		size_t count;
		bool more;
	} rounds[] = {
	    {1, 3, true},  /* all: fails */
	    {0, 0, true},  /* the probe passes */
	    {1, 1, true},  /* 1 is innocent */
	    {2, 1, true},  /* 2 is not */
	    {0, 0, true},
	    {2, 1, true},  /* its third */
	    {0, 0, true},  /* now it is set aside, and 3 waits */
	    {3, 1, false}, /* innocent */
	    {0, 0, false},
	};
	uint64_t first;
	size_t count;

	(void)state;
	assert_true(bundle(1, 1, 1, 3, &none));
	for (size_t i = 0; i < ARRAY_LEN(rounds); i++) {
		assert_int_equal(round_with(2, &first, &count), rounds[i].more);
		assert_int_equal(count, rounds[i].count);
		assert_int_equal(first, rounds[i].first);
	}
	assert_false(bundle(1, 1, 1, 3, &none));
	assert_int_equal(words.words[1].state, ACTION_ASIDE);
	assert_int_equal(words.words[1].tries, 3);
	assert_string_equal(words.words[1].text, "main.lua:3: bad");
	/* Its node says retry: a newer stamp. */
	d.items[0].a.stamp_ms--;
	for (uint32_t i = 0; i < d.count; i++)
		if (d.items[i].a.number == 2)
			d.items[i].a.stamp_ms = 1;
	assert_true(bundle(1, 2, 1, 3, &none));
	assert_int_equal(words.words[1].state, ACTION_WAITS);
}

static void
a_broken_script_is_no_action_s_fault(void **state)
{
	(void)state;
	assert_true(bundle(1, 1, 1, 2, &none));
	for (int i = 0; i < 9; i++) {
		size_t n = actdesk_give(&d, &none, 0, given);

		assert_int_equal(n, i == 0 ? 2 : 0);
		assert_int_equal(actdesk_ended(&d, ACTDESK_FAILED, "main.lua:1: broken"), i == 0);
	}
	assert_false(bundle(1, 1, 1, 2, &none));
	assert_int_equal(words.words[0].state, ACTION_WAITS);
	assert_int_equal(words.words[0].tries, 0);
	assert_string_equal(words.words[0].text, "the scheduler fails also without it");
	/* It is mended. */
	assert_int_equal(actdesk_give(&d, &none, 0, given), 0);
	assert_true(actdesk_ended(&d, ACTDESK_ISSUED, ""));
	assert_int_equal(actdesk_give(&d, &none, 0, given), 2);
	assert_false(actdesk_ended(&d, ACTDESK_ISSUED, ""));
}

static void
a_new_leader_goes_on_with_the_tries(void **state)
{
	static struct action_bundle b;
	struct node_id id = id_of(1);
	struct err err;

	(void)state;
	b = (struct action_bundle){.turn = 1, .last = 2, .count = 2};
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(action_make(&b.actions[i], "web", "scale", NULL, 0, &err), 0);
		b.actions[i].number = i + 1;
		b.actions[i].tries = 2 + i;
	}
	b.actions[1].aside = true;
	assert_true(actdesk_bundle(&d, &id, "n1", &b, &none, WALL, &words));
	assert_int_equal(actdesk_give(&d, &none, 0, given), 1);
	assert_true(actdesk_ended(&d, ACTDESK_FAILED, "no"));
	assert_int_equal(actdesk_give(&d, &none, 0, given), 0);
	assert_false(actdesk_ended(&d, ACTDESK_ISSUED, ""));
	assert_false(actdesk_bundle(&d, &id, "n1", &b, &none, WALL, &words));
	assert_int_equal(words.words[0].state, ACTION_ASIDE);
}

static void
each_node_has_its_share(void **state)
{
	struct actdone done = {0};
	uint64_t number = 1;

	(void)state;
	for (int n = 1; n <= 6; n++)
		(void)bundle(n, 1, 1, ACTION_QUEUE_MAX, &none);
	assert_int_equal(d.count, ACTDESK_MAX);
	assert_int_equal(words.words[ACTION_QUEUE_MAX - 1].state, ACTION_NO_ROOM);
	assert_int_equal(actdesk_give(&d, &none, 0, given), ACTDESK_ROUND_MAX);
	assert_true(actdesk_ended(&d, ACTDESK_AGAIN, "") == false);
	/* Of node 1 as many replies are kept as may be: nothing more of its is given. */
	for (int i = 0; i < ACTDONE_NODE_MAX; i++) {
		struct actdone_row row = {.by = id_of(1), .number = 1000 + number++};

		snprintf(row.id, sizeof row.id, "n1.%d", 1000 + i);
		assert_int_equal(actdone_add(&done, &row), 0);
	}
	size_t n = actdesk_give(&d, &done, 0, given);
	for (size_t i = 0; i < n; i++)
		assert_string_not_equal(given[i]->node, "n1");
	assert_false(actdesk_ended(&d, ACTDESK_AGAIN, ""));
	actdone_free(&done);
	/* Nodes that want nothing any more give their places away. */
	actdesk_clear(&d);
	for (int i = 0; i < ACTDESK_NODES_MAX + 5; i++) {
		struct action_bundle *b = calloc(1, sizeof *b);
		struct node_id id = {{1, (uint8_t)(i >> 8), (uint8_t)i}};

		b->turn = 1;
		assert_false(actdesk_bundle(&d, &id, "x", b, &none, WALL, &words));
		free(b);
	}
	assert_int_equal(d.nodes_count, ACTDESK_NODES_MAX);
	assert_true(bundle(1, 1, 1, 1, &none));
}

/* --- replies ------------------------------------------------------------------------------- */

static void
replies_of_a_script(void **state)
{
	static const struct {
		const char *replies, *text;
		bool ok;
	} rows[] = {
	    {"{'n1.1': '5 instances'}", "5 instances", true},
	    {"{'n1.1': {'ok': false, 'text': 'no role'}}", "no role", false},
	    {"{'n1.1': {'text': 'fine'}}", "fine", true},
	    {"{'n1.2': 'of another'}", "taken; the script gave no answer", true},
	    {"{}", "taken; the script gave no answer", true},
	    {"{'n1.1': 'two\nlines'}", "two lines", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct blob b = mpjson(rows[i].replies);
		char text[ACTION_TEXT_CAP];
		bool ok;

		actdone_reply(blob_slice(&b), "n1.1", &ok, text);
		assert_string_equal(text, rows[i].text);
		assert_int_equal(ok, rows[i].ok);
		blob_free(&b);
	}
}

static void
rows_and_back(void **state)
{
	struct actdone done = {0}, again = {0};
	struct blob b, c;

	(void)state;
	for (int i = 0; i < 40; i++) {
		struct actdone_row row = {.by = id_of(i), .number = (uint64_t)i + 1, .at_ms = WALL, .ok = i % 2,
		    .text = "text"};

		snprintf(row.id, sizeof row.id, "n%d.%d", i, i + 1);
		assert_int_equal(actdone_add(&done, &row), 0);
		assert_int_equal(actdone_add(&done, &row), 0); /* once */
	}
	assert_int_equal(done.count, 40);
	assert_int_equal(actdone_pack(&done, &b), 0);
	assert_int_equal(actdone_read(&again, blob_slice(&b)), 0);
	assert_int_equal(again.count, 40);
	assert_int_equal(actdone_pack(&again, &c), 0);
	assert_true(slice_eq(blob_slice(&b), blob_slice(&c)));
	assert_int_equal(actdone_find(&again, "n7.8")->by.b[0], 7);
	assert_int_equal(actdone_of(&again, &(struct node_id){{7}}, 8)->number, 8);
	for (size_t cut = 0; cut < b.len; cut++) {
		struct actdone part = {0};

		assert_int_equal(actdone_read(&part, (struct slice){b.b, cut}), 0);
		assert_true(part.count <= 40);
		actdone_free(&part);
	}
	blob_free(&b);
	blob_free(&c);
	actdone_free(&done);
	actdone_free(&again);
}

/* What an older meshd keeps there is the script's own. */
static void
rows_that_are_none(void **state)
{
	static const char *const bad[] = {"{'n1.1': 'text'}", "{'n1.1': {'ok': true, 'text': 'x'}}",
	    "{'n1.1': {'at': 1, 'by': 'zz', 'ok': true, 'text': 'x'}}",
	    "{'n1': {'at': 1, 'by': '01000000000000000000000000000000', 'ok': true, 'text': 'x'}}",
	    "{'n1.1': {'at': -1, 'by': '01000000000000000000000000000000', 'ok': true, 'text': 'x'}}",
	    "{'n1.1': {'at': 1, 'by': '01000000000000000000000000000000', 'ok': 1, 'text': 'x'}}",
	    "{'n1.1': {'at': 1, 'by': '01000000000000000000000000000000', 'ok': true, 'text': 'x', 'z': 1}}",
	    "['n1.1']", "5"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct blob b = mpjson(bad[i]);
		struct actdone done = {0};

		assert_int_equal(actdone_read(&done, blob_slice(&b)), 0);
		assert_int_equal(done.count, 0);
		blob_free(&b);
	}
}

static void
replies_go_when_they_arrived(void **state)
{
	struct actdone done = {0};
	struct actdone_row row = {.id = "n1.3", .by = id_of(1), .number = 3, .at_ms = WALL};
	struct actdone_row away = {.id = "n9.3", .by = id_of(9), .number = 3, .at_ms = WALL};

	(void)state;
	assert_int_equal(actdone_add(&done, &row), 0);
	assert_int_equal(actdone_add(&done, &away), 0);
	(void)bundle(1, 1, 3, 1, &done); /* it has no answer yet */
	actdesk_prune(&d, &done, WALL + 60000);
	assert_int_equal(done.count, 2);
	(void)bundle(1, 2, 4, 0, &done); /* now it has */
	actdesk_prune(&d, &done, WALL + 9000); /* an old bundle may be under way */
	assert_int_equal(done.count, 2);
	actdesk_prune(&d, &done, WALL + 11000);
	assert_int_equal(done.count, 1);
	/* Of n9 nothing is known: for three days. */
	actdesk_prune(&d, &done, WALL + UINT64_C(72) * 3600 * 1000);
	assert_int_equal(done.count, 1);
	actdesk_prune(&d, &done, WALL + UINT64_C(72) * 3600 * 1000 + 1);
	assert_int_equal(done.count, 0);
	actdone_free(&done);
}

static void
one_name_two_nodes(void **state)
{
	struct actdone done = {0};
	struct actdone_row row = {.id = "n1.3", .by = id_of(9), .number = 3, .at_ms = WALL};

	(void)state;
	assert_int_equal(actdone_add(&done, &row), 0);
	assert_true(bundle(1, 1, 3, 2, &done));
	/* n1.3 waits until the other's reply has gone: ids are unique where scripts see them. */
	assert_int_equal(actdesk_give(&d, &done, 0, given), 1);
	assert_int_equal(given[0]->a.number, 4);
	(void)actdesk_ended(&d, ACTDESK_ISSUED, "");
	actdone_free(&done);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(oldest_first_and_once, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_group_is_the_roles_that_the_reply_names, setup, teardown),
	    cmocka_unit_test_setup_teardown(an_old_bundle_changes_nothing, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_is_stamped_ahead_is_not_taken, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_round_given_up_gives_them_back, setup, teardown),
	    cmocka_unit_test_setup_teardown(dropped_while_its_round_runs, setup, teardown),
	    cmocka_unit_test_setup_teardown(poison_goes_aside_alone, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_broken_script_is_no_action_s_fault, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_new_leader_goes_on_with_the_tries, setup, teardown),
	    cmocka_unit_test_setup_teardown(each_node_has_its_share, setup, teardown),
	    cmocka_unit_test(replies_of_a_script),
	    cmocka_unit_test(rows_and_back),
	    cmocka_unit_test(rows_that_are_none),
	    cmocka_unit_test_setup_teardown(replies_go_when_they_arrived, setup, teardown),
	    cmocka_unit_test_setup_teardown(one_name_two_nodes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
