/*
 * test_lighten.c - which mappings are let go, and that what was goes on working.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../daemon/base/sanitized.h"
#include "../../../daemon/io/lighten.h"

static void
only_code_of_files(void **state)
{
	static const char maps[] = "55d0-55d4 r--p 00000000 fe:00 1 /bin/x\n55d4-55f0 r-xp 00004000 fe:00 1 /bin/x\n"
				   "5600-5700 rw-p 00000000 00:00 0 [heap]\n7000-8000 rwxp 00000000 fe:00 1 /bin/x\n"
				   "9000-a000 r-xp 00000000 00:00 0 \n9000-8000 r-xp 0 fe:00 1 /x\nzz-10 r-xp 0 0 0 /x\n10\n\n"
				   "11111111111111111-2 r-xp 0 0 0 /x\n7fff00-7fff10 r-xp 00000000 00:00 0 [vdso]\n"
				   "b000-c000 r-xp 00000000 fe:00 2 /lib/y";
	struct slice text = {(const uint8_t *)maps, sizeof maps - 1};
	uintptr_t from, to;

	(void)state;
	assert_true(lighten_next(&text, &from, &to));
	assert_true(from == 0x55d4 && to == 0x55f0);
	assert_true(lighten_next(&text, &from, &to));
	assert_true(from == 0xb000 && to == 0xc000);
	assert_false(lighten_next(&text, &from, &to));
}

static void
all_goes_on(void **state)
{
	char text[64];

	(void)state;
	for (int i = 0; i < 3; i++) {
		lighten();
		snprintf(text, sizeof text, "%d %g", i, 0.5);
		assert_int_equal(strlen(text), 5);
	}
}

static size_t
resident_kib(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long all, now = 0;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%lu %lu", &all, &now), 2);
	fclose(f);
	return now * 4;
}

/* What malloc holds below something that is in use, and what it gives back of it; so again. */
static void
a_burst_is_given_back(void **state)
{
	enum { BLOCKS = 2000, BYTES = 8000 };
	static void *volatile blocks[BLOCKS + 1]; /* the last stands above what is freed */
	uint64_t faults = 0, again;
	size_t full;

	(void)state;
	if (SANITIZED)
		return; /* that allocator gives nothing back */
	for (int burst = 0; burst < 3; burst++) {
		for (int i = 0; i <= BLOCKS; i++) {
			blocks[i] = malloc(BYTES);
			memset(blocks[i], 1, BYTES);
		}
		for (int i = 0; i < BLOCKS; i++)
			free(blocks[i]);
		full = resident_kib();
		lighten_heap(&faults);
		assert_true(resident_kib() + BLOCKS * BYTES / 1024 / 2 < full);
		again = faults;
		lighten_heap(&faults);
		assert_int_equal(faults, again); /* nothing new */
		free(blocks[BLOCKS]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_code_of_files),
	    cmocka_unit_test(all_goes_on),
	    cmocka_unit_test(a_burst_is_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
