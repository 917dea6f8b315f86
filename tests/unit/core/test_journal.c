/*
 * test_journal.c - the ring of events: what is kept, what is lost and told so,
 * and how the machine's terse lines read.
 */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

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
		"called dead or suspected again and again, it lives: nothing new for it until it is quiet"},
	    {"candidate 5", "", "candidate", "n2", "asks for votes in term 5"},
	    {"alive 7", "", "alive", "7", "it answers, or others say so"}, /* a name of digits */
	    {"restarted n3 12", "", "restarted", "n3", "it is in its next life already, 12"},
	    {"moved n3", "", "moved", "n3", "it has another address now: mesh members"},
	    {"name taken n3", "", "name-taken", "n3", "another node has the same name"},
	    {"keys retired", "", "keys", "n2", "epoch 0 of the cluster key counts for nothing any more"},
	    {"keys retired 3", "", "keys", "n2", "epoch 3 of the cluster key counts for nothing any more"},
	    {"restarted n3", "", "restarted", "n3", "it is in its next life already, 0"},
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

/* Everything a machine may say: the strings of all calls that end in its trace. */
static size_t
said_in(const char *path, char said[][JOURNAL_TEXT_CAP], size_t n, size_t max)
{
	static const char *const calls[] = {"trace(m, now, ", "lead_stop(m, now, ", "rumour_fail(m, now, "};
	static char text[1 << 16];
	FILE *f = fopen(path, "r");
	size_t len;

	assert_non_null(f);
	len = fread(text, 1, sizeof text - 1, f);
	assert_true(len < sizeof text - 1);
	text[len] = '\0';
	fclose(f);
	for (size_t k = 0; k < ARRAY_LEN(calls); k++)
		for (const char *p = strstr(text, calls[k]); p != NULL; p = strstr(p + 1, calls[k])) {
			const char *end = strchr(p, ';'), *q = strchr(p, '"'), *over;

			for (; q != NULL && q < end; q = strchr(over + 1, '"')) {
				over = strchr(q + 1, '"');
				assert_true(n < max);
				snprintf(said[n++], JOURNAL_TEXT_CAP, "%.*s", (int)(over - q - 1), q + 1);
			}
		}
	return n;
}

static void
all_has_words(void **state)
{
	static char said[256][JOURNAL_TEXT_CAP];
	struct journal j;
	glob_t g;
	size_t n = 0;

	(void)state;
	assert_int_equal(glob("gossip/*.c", 0, NULL, &g), 0);
	for (size_t i = 0; i < g.gl_pathc; i++)
		n = said_in(g.gl_pathv[i], said, n, ARRAY_LEN(said));
	globfree(&g);
	assert_true(n > 30);
	assert_int_equal(journal_init(&j), 0);
	for (size_t i = 0; i < n; i++) {
		char line[sizeof said + 16];

		snprintf(line, sizeof line, "%s n3 7", said[i]);
		journal_trace(&j, 5, "n2", line, "");
		if (strcmp(journal_get(&j, j.next - 1)->kind, "mesh") == 0)
			fail_msg("no words for \"%s\": a row in daemon/core/journal.c", said[i]);
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
	    cmocka_unit_test(all_has_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
