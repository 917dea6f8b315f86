/*
 * test_rotate.c - why a change of the cluster key did not begin, in words: what this
 * node's leader says, and what one says that does not know the question.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../daemon/io/rotate.h"

static void
each_reason_has_its_words(void **state)
{
	static const struct {
		int rc;
		const char *without, *text, *hint;
	} rows[] = {
	    {-ERR_NO_VOTE, "", "keys: a node that is up has no vote yet, or has told nothing yet",
		"ask again in a second; mesh members"},
	    {-ERR_IDENTITY, "n9", "keys: no member of the roster is called 'n9'", "mesh keys status"},
	    {-ERR_RANGE, "n2", "keys: n2 is up: only who is down can be passed over", "mesh members"},
	    {-ERR_NOT_LEADER, "", "keys: only a leader with a full quorum changes the key",
		"mesh partition"},
	    {-ERR_UNKNOWN, "", "keys: the leader does not understand what is asked of it: an older meshd?",
		"update it, or let another lead: mesh leader --to NODE"},
	    {-ERR_MALFORMED, "n3",
		"keys: the leader does not understand what is asked of it: an older meshd?",
		"update it, or let another lead: mesh leader --to NODE"},
	    {-ERR_RANGE, "", "keys: the leader did not take it: value out of range", "mesh leader"},
	    {STREAM_TIMEOUT, "n3", "keys: the leader did not take it: timed out", "mesh leader"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[ERR_TEXT_CAP];

		assert_string_equal(rotate_words(rows[i].rc, rows[i].without, text), rows[i].hint);
		assert_string_equal(text, rows[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_reason_has_its_words),
	};

	return cmocka_run_group_tests_name("rotate", tests, NULL, NULL);
}
