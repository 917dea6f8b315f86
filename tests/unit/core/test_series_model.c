/*
 * test_series_model.c - a store of series beside a plain array (tests/shared/series_model.c):
 * SEEDS=N stories, each of other series, gaps, ends, owners and bounds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../daemon/core/series_in.h"
#include "../../shared/series_model.c"

static void
as_an_array_would(void **state)
{
	static struct model m;
	const char *env = getenv("SEEDS"), *one = getenv("SEED");
	uint64_t seeds = env != NULL ? strtoull(env, NULL, 10) : 60, puts = 0, compared = 0;
	uint64_t from = one != NULL ? strtoull(one, NULL, 10) : 1;
	uint8_t bytes[600];

	(void)state;
	for (uint64_t seed = from; seed < from + (one != NULL ? 1 : seeds); seed++) {
		uint64_t rng = seed * 77;
		size_t len = 60 + model_random(&rng) % (sizeof bytes - 60);

		for (size_t i = 0; i < len; i++)
			bytes[i] = (uint8_t)model_random(&rng);
		if (one != NULL || env != NULL)
			fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
		model_drive(&m, bytes, len);
		puts += m.puts;
		compared += m.compared;
	}
	print_message("%llu samples put, %llu compared\n", (unsigned long long)puts, (unsigned long long)compared);
	assert_true(one != NULL || (puts > seeds * 1000 && compared > seeds * 1000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_an_array_would),
	};

	return cmocka_run_group_tests_name("series_model", tests, NULL, NULL);
}
