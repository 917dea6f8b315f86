/*
 * Texts that are remembered: the last ones, each once.
 */
#include "world.h"

#include "../../../daemon/core/labels.h"
#include "../../../daemon/io/crypto.h"
#include "../../../daemon/io/metricsknown.h"

static void
the_last_ones_are_known(void **state)
{
	static struct metricsknown k;
	char text[32];
	struct err err;

	(void)state;
	assert_int_equal(crypto_init(&err), 0);
	assert_false(metricsknown_is(&k, slice_of("up")));
	metricsknown_add(&k, slice_of("up"));
	metricsknown_add(&k, slice_of("up"));
	assert_int_equal(k.count, 1);
	assert_true(metricsknown_is(&k, slice_of("up")));
	assert_false(metricsknown_is(&k, slice_of("up ")));
	for (int i = 1; i < METRICSKNOWN_MAX; i++) {
		snprintf(text, sizeof text, "up * %d", i);
		metricsknown_add(&k, slice_of(text));
	}
	assert_true(metricsknown_is(&k, slice_of("up")));
	metricsknown_add(&k, slice_of("down")); /* in place of the oldest */
	assert_false(metricsknown_is(&k, slice_of("up")));
	assert_true(metricsknown_is(&k, slice_of("up * 1")));
	assert_true(metricsknown_is(&k, slice_of("down")));
	assert_int_equal(k.count, METRICSKNOWN_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_last_ones_are_known),
	};

	return cmocka_run_group_tests_name("metricsknown", tests, NULL, NULL);
}
