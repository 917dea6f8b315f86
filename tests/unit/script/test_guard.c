/*
 * test_guard.c - the timer's last words when a function that was marked for them
 * was left by an error: never a look at a thread that is gone.
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_thread_that_is_gone_is_not_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
