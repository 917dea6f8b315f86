/*
 * The words of DESIGN §10, each once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../../daemon/core/view.h"

static void
words(void **state)
{
	(void)state;
	static const char *const states[] = {"unknown", "starting", "running", "stopping", "backoff",
	    "crash-loop", "failed", "lost", "exited", "waiting", "held"};
	static const char *const health[] = {"none", "wait", "healthy", "unhealthy"};
	static const char *const nodes[] = {"alive", "suspect", "failed", "left", "restarting"};

	for (int i = 0; i < VIEW_STATES; i++)
		assert_string_equal(view_state_name((enum view_state)i), states[i]);
	for (int i = 0; i <= VIEW_UNHEALTHY; i++)
		assert_string_equal(view_health_name((enum view_health)i), health[i]);
	for (int i = 0; i <= VIEW_RESTARTING; i++)
		assert_string_equal(view_node_state_name((enum view_node_state)i), nodes[i]);
	assert_string_equal(view_state_name(VIEW_STATES), "unknown");
	assert_string_equal(view_health_name((enum view_health)77), "unknown");
	assert_string_equal(view_node_state_name((enum view_node_state)77), "unknown");
}

static void
facts_are_freed_and_used_again(void **state)
{
	(void)state;
	struct view_facts f = {.images_count = 2, .sandboxes_count = 1};

	f.images = calloc(2, sizeof *f.images);
	f.sandboxes = calloc(1, sizeof *f.sandboxes);
	view_facts_free(&f);
	assert_null(f.images);
	assert_null(f.sandboxes);
	assert_int_equal(f.images_count + f.sandboxes_count, 0);
	view_facts_free(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(words),
	    cmocka_unit_test(facts_are_freed_and_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
