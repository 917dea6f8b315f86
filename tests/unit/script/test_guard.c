/*
 * test_guard.c - the timer's last words when a function that was marked for them
 * was left by an error: never a look at a thread that is gone.  And the blocks that Lua gets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <lauxlib.h>

#include "../../../daemon/script/guard.h"

enum { TAKEN_MAX = 64, TAKEN_BYTES = 256 };

/* In a child: its last words go to out.  It ends by them, or by a fault. */
static void
left_by_an_error(int out)
{
	struct guard guard = {.limit_bytes = 1 << 24};
	lua_State *L = lua_newstate(guard_alloc, &guard);
	volatile unsigned turns = 0;
	char *taken[TAKEN_MAX];

	dup2(out, STDOUT_FILENO);
	guard_start(L, "scheduler", 1);
	guard_enter(lua_newthread(L));
	lua_pop(L, 1);
	lua_gc(L, LUA_GCCOLLECT);
	/* Whatever takes its place is no thread. */
	for (size_t i = 0; i < TAKEN_MAX; i++)
		if ((taken[i] = malloc(TAKEN_BYTES - 16 * (i % 8))) != NULL)
			memset(taken[i], 0x5a, TAKEN_BYTES - 16 * (i % 8));
	for (;;)
		turns++;
}

static void
a_thread_that_is_gone_is_not_asked(void **state)
{
	static const char words[] = "scheduler killed after 1 ms of CPU";
	char said[1024];
	int pipe_fds[2], status;
	ssize_t n;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(pipe_fds), 0);
	if ((pid = fork()) == 0)
		left_by_an_error(pipe_fds[1]);
	close(pipe_fds[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	n = read(pipe_fds[0], said, sizeof said);
	close(pipe_fds[0]);
	assert_true(n > (ssize_t)sizeof words);
	assert_non_null(memmem(said, (size_t)n, words, sizeof words - 1));
}

/* Blocks of every size come, grow, shrink and go in any order: none touches another. */
static void
blocks_stay_apart(void **state)
{
	enum { BLOCKS = 400, TURNS = 6000 };
	static struct {
		uint8_t *p, mark;
		size_t bytes;
	} all[BLOCKS];
	struct guard guard = {.limit_bytes = 1 << 24};
	uint32_t seed = 1;
	size_t within = 0, beyond = 0;

	(void)state;
	arena_open(&guard.arena, 40 << 10, false); /* it is soon full */
	for (int i = 0; i < TURNS; i++) {
		size_t k = (seed = seed * 1103515245 + 12345) / 65536 % BLOCKS;
		size_t drawn = (seed = seed * 1103515245 + 12345) / 65536 % (2 * ARENA_BLOCK_MAX);
		size_t bytes = i % 3 == 0 ? 0 : drawn;
		uint8_t *p;

		for (size_t n = 0; n < all[k].bytes; n++)
			assert_int_equal(all[k].p[n], all[k].mark);
		p = guard_alloc(&guard, all[k].p, all[k].bytes, bytes);
		assert_true((p == NULL) == (bytes == 0));
		for (size_t n = 0; n < all[k].bytes && n < bytes; n++)
			assert_int_equal(p[n], all[k].mark);
		within += p != NULL && arena_has(&guard.arena, p);
		beyond += p != NULL && !arena_has(&guard.arena, p);
		all[k].p = p;
		all[k].bytes = bytes;
		all[k].mark = (uint8_t)i;
		if (p != NULL)
			memset(p, i, bytes);
	}
	assert_true(within > TURNS / 20 && beyond > TURNS / 20);
	for (size_t k = 0; k < BLOCKS; k++)
		guard_alloc(&guard, all[k].p, all[k].bytes, 0);
	assert_int_equal(guard.used_bytes, 0);
	assert_false(guard.heap_hit);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_thread_that_is_gone_is_not_asked),
	    cmocka_unit_test(blocks_stay_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
