/*
 * test_journal.c - the ring of events: what is kept, what is lost and told so,
 * and how the machine's terse lines read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "../../../daemon/core/journal.h"

static void
the_last_are_kept(void **state)
{
	struct journal j;

	(void)state;
	assert_int_equal(journal_init(&j), 0);
	assert_null(journal_get(&j, 0));
	assert_null(journal_get(&j, 1));
	assert_int_equal(journal_first(&j), j.next);
	for (uint64_t i = 1; i <= 3 * JOURNAL_EVENTS; i++)
		journal_add(&j, i, "kind", "n1", "number %u", (unsigned)i);
	assert_int_equal(journal_first(&j), 2 * JOURNAL_EVENTS + 1);
	assert_null(journal_get(&j, journal_first(&j) - 1));
	assert_null(journal_get(&j, j.next));
	for (uint64_t i = journal_first(&j); i < j.next; i++) {
		assert_int_equal(journal_get(&j, i)->seq, i);
		assert_int_equal(journal_get(&j, i)->at_ms, i);
	}
	journal_free(&j);
	assert_null(journal_get(&j, 1));
	journal_add(&j, 1, "kind", "n1", "nobody keeps it");
}

static void
what_is_long_or_hostile(void **state)
{
	struct journal j;
	char big[4096];

	(void)state;
	assert_int_equal(journal_init(&j), 0);
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	journal_add(&j, 1, big, big, "%s", big);
	assert_int_equal(strlen(journal_get(&j, 1)->kind), JOURNAL_KIND_CAP - 1);
	assert_int_equal(strlen(journal_get(&j, 1)->subject), NAME_CAP - 1);
	assert_int_equal(strlen(journal_get(&j, 1)->text), JOURNAL_TEXT_CAP - 1);
	journal_add(&j, 1, "k", "", "a\x1b[2J\n");
	assert_string_equal(journal_get(&j, 2)->text, "a\\x1b[2J\\x0a");
	big[0] = ' ';
	journal_trace(&j, 1, "n1", big, "");
	memcpy(big, "suspect ", 8);
	journal_trace(&j, 1, "n1", big, "");
	assert_int_equal(strlen(journal_get(&j, 4)->subject), NAME_CAP - 1);
	journal_free(&j);
}

static void
lines_of_the_machine(void **state)
{
	static const struct {
		const char *line, *by, *kind, *subject, *text;
	} cases[] = {
	    {"suspect n3", "n2", "suspect", "n3", "no answer to a probe of n2"},
	    {"suspect n3", "", "suspect", "n3", "no answer to a probe"},
	    {"leader n1 4", "", "leader", "n1", "leads in term 4"},
	    {"leads n2 7", "", "leader", "n2", "this node leads in term 7"},
	    {"leads on n2 8", "", "leader", "n2", "this node leads on, in term 8"},
	    {"lost n1 4", "", "leader-lost", "n1", "no beat of it for a lease, in term 4"},
	    {"lease over n2 8", "", "leader-lost", "n2",
		"this node's lease of term 8 is over: no quorum answers"},
	    {"forgotten n9", "n9", "forgotten", "n9", "dead for 72 h, and it never had a vote"},
	    {"cut 4", "", "cut", "n2", "4 members or more fell silent within a second: a cut, or many deaths"},
	    {"joined", "", "joined", "n2", "this node is a member now"},
	    {"roster joint 9", "", "roster", "n2",
		"version 9: the old and the new set must both agree"},
	    {"roster 10", "", "roster", "n2", "version 10 is in force here"},
	    {"unstable n3 2", "", "unstable", "n3",
		"it died and rose 2 times: nothing new for it until it is quiet"},
	    {"candidate 5", "", "candidate", "n2", "asks for votes in term 5"},
	    {"alive 7", "", "alive", "7", "it answers, or others say so"}, /* a name of digits */
	    {"name taken n3", "", "name-taken", "n3", "another node has the same name"},
	    {"something new", "", "mesh", "n2", "something new"},
	    {"", "", "mesh", "n2", ""},
	};
	struct journal j;

	(void)state;
	assert_int_equal(journal_init(&j), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct journal_event *e;

		journal_trace(&j, 5, "n2", cases[i].line, cases[i].by);
		e = journal_get(&j, i + 1);
		assert_string_equal(e->kind, cases[i].kind);
		assert_string_equal(e->subject, cases[i].subject);
		assert_string_equal(e->text, cases[i].text);
	}
	journal_free(&j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_last_are_kept),
	    cmocka_unit_test(what_is_long_or_hostile),
	    cmocka_unit_test(lines_of_the_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
