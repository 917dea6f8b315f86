/*
 * test_rotate.c - why a change of the cluster key did not begin, in words: what this
 * node's leader says, and what one says that does not know the question; and who would
 * miss it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../daemon/io/engine.h"
#include "../../../daemon/io/rotate.h"
#include "wire.h"

static void
each_reason_has_its_words(void **state)
{
	static const char wait[] = "ask again when mesh roster has all who are up; or stop meshd there: with a CA its "
				   "certificate lets it in afterwards, else it comes as a new node, with mesh keys export";
	static const struct {
		int rc;
		const char *without, *voteless, *text, *hint;
	} rows[] = {
	    {-ERR_NO_VOTE, "", "n4", "keys: n4 is up and has no vote: a change would leave it behind", wait},
	    {-ERR_NO_VOTE, "n9", "n4,n5", "keys: n4,n5 are up and have no vote: a change would leave them behind",
		wait},
	    {-ERR_NOT_LEADER, "", "n4", "keys: only a leader with a full quorum changes the key",
		"mesh partition"},
	    {-ERR_NO_VOTE, "", "", "keys: a node that is up has no vote yet, or has told nothing yet",
		"ask again in a second; mesh members"},
	    {-ERR_IDENTITY, "n9", "", "keys: no member of the roster is called 'n9'", "mesh keys status"},
	    {-ERR_RANGE, "n2", "", "keys: n2 is up: only who is down can be passed over", "mesh members"},
	    {-ERR_NOT_LEADER, "", "", "keys: only a leader with a full quorum changes the key",
		"mesh partition"},
	    {-ERR_UNKNOWN, "", "", "keys: the leader does not understand what is asked of it: an older meshd?",
		"update it, or let another lead: mesh leader --to NODE"},
	    {-ERR_MALFORMED, "n3", "",
		"keys: the leader does not understand what is asked of it: an older meshd?",
		"update it, or let another lead: mesh leader --to NODE"},
	    {-ERR_RANGE, "", "", "keys: the leader did not take it: value out of range", "mesh leader"},
	    {STREAM_TIMEOUT, "n3", "", "keys: the leader did not take it: timed out", "mesh leader"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[ERR_TEXT_CAP];

		assert_string_equal(rotate_words(rows[i].rc, rows[i].without, rows[i].voteless, text), rows[i].hint);
		assert_string_equal(text, rows[i].text);
	}
}

/* n1 comes in, and is gone before it has its vote: until it is dead no change begins, and
 * then one leaves it behind.  It is named both times, and the others never. */
static void
who_misses_a_change_is_named(void **state)
{
	static struct wire w;
	static struct engine e;
	char up[2 * NAME_CAP], down[2 * NAME_CAP];
	int refused = 0;

	(void)state;
	assert_true(sodium_init() >= 0 && wire_init(&w));
	e.mesh = w.node[0];
	w.deaf[2] = true;
	for (int ms = 0; ms < 10000 && rotate_misses(&e, true, up, sizeof up) == 0; ms++)
		wire_step(&w);
	assert_string_equal(up, "n1");
	w.deaf[1] = true;
	for (int ms = 0; ms < 60000 && rotate_misses(&e, false, down, sizeof down) == 0; ms++) {
		assert_int_equal(rotate_misses(&e, true, up, sizeof up), 1);
		refused += mesh_keys_rotate(w.node[0], w.now) == -ERR_UNKNOWN;
		wire_step(&w);
	}
	assert_true(refused > 0);
	assert_string_equal(down, "n1");
	assert_int_equal(rotate_misses(&e, true, up, sizeof up), 0);
	assert_int_equal(mesh_keys_rotate(w.node[0], w.now), 0);
	assert_int_equal(rotate_misses(&e, false, down, 2), 0); /* no room */
	wire_free(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_reason_has_its_words),
	    cmocka_unit_test(who_misses_a_change_is_named),
	};

	return cmocka_run_group_tests_name("rotate", tests, NULL, NULL);
}
