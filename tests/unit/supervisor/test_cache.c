/*
 * test_cache.c - a document is remembered exactly as long as its file is the
 * same, and the least used one makes room.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../daemon/supervisor/cache.h"

static struct cache cache;

static struct stat
file(ino_t ino)
{
	struct stat st;

	memset(&st, 0, sizeof st);
	st.st_dev = 1;
	st.st_ino = ino;
	st.st_size = 10;
	st.st_mtim.tv_sec = 100;
	st.st_ctim.tv_sec = 100;
	return st;
}

static bool
has(char kind, struct stat st, const char *text)
{
	size_t len = 0;
	uint8_t *buf = cache_get(&cache, kind, &st, &len);
	bool ok = buf != NULL && len == strlen(text) &&
	    memcmp(buf, text, len) == 0;

	free(buf);
	return ok;
}

static void
put(char kind, struct stat st, const char *text, uint64_t wall_ms)
{
	cache_put(&cache, kind, &st, (const uint8_t *)text, strlen(text),
	    wall_ms);
}

static int
empty(void **state)
{
	(void)state;
	for (size_t i = 0; i < CACHE_SLOTS; i++)
		free(cache.slots[i].buf);
	memset(&cache, 0, sizeof cache);
	return 0;
}

static void
any_difference_is_another_file(void **state)
{
	struct stat st = file(1), other;

	(void)state;
	put('s', st, "doc", 200000);
	assert_true(has('s', st, "doc"));
	assert_false(has('c', st, "doc"));
	other = st;
	other.st_ino++;
	assert_false(has('s', other, "doc"));
	other = st;
	other.st_dev++;
	assert_false(has('s', other, "doc"));
	other = st;
	other.st_size++;
	assert_false(has('s', other, "doc"));
	other = st;
	other.st_mtim.tv_nsec++;
	assert_false(has('s', other, "doc"));
	other = st;
	other.st_ctim.tv_nsec++;
	assert_false(has('s', other, "doc"));
}

static void
just_changed_is_not_kept(void **state)
{
	struct stat st = file(1);

	(void)state;
	put('s', st, "doc", 100000 + CACHE_QUIET_MS - 1);
	assert_false(has('s', st, "doc"));
	put('s', st, "doc", 50000); /* the clock went back */
	assert_false(has('s', st, "doc"));
	put('s', st, "doc", 100000 + CACHE_QUIET_MS);
	assert_true(has('s', st, "doc"));
}

static void
least_used_makes_room(void **state)
{
	(void)state;
	for (ino_t i = 0; i < CACHE_SLOTS; i++)
		put('s', file(i + 1), "doc", 200000);
	assert_true(has('s', file(1), "doc")); /* used again */
	put('s', file(1000), "new", 200000);
	assert_true(has('s', file(1), "doc"));
	assert_false(has('s', file(2), "doc"));
	assert_true(has('s', file(1000), "new"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(any_difference_is_another_file,
		empty, empty),
	    cmocka_unit_test_setup_teardown(just_changed_is_not_kept, empty,
		empty),
	    cmocka_unit_test_setup_teardown(least_used_makes_room, empty, empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
