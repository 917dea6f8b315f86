/*
 * Log files that are written in turn while they are read: in order, each line once,
 * and one that is gone before it was read is told.
 */
#include "world.h"

#include <fcntl.h>
#include <sys/wait.h>

#include "../../../daemon/base/own.h"
#include "../../../daemon/io/logs.h"

static struct world w;

static int
setup(void **state)
{
	(void)state;
	world_open(&w);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

/* A cursor says a time and how many lines of it were given: of a file that began anew
 * within one nobody could tell which those were, so here none does. */
enum { TURNS = 3000, TURN_LINES = 96, LINES_PER_MS = 8 };
_Static_assert(TURN_LINES % LINES_PER_MS == 0, "each turn begins with a new time");

/* As init does, and faster than anybody reads. */
static void
write_in_turn(const int *fds, int from, int to)
{
	unsigned n = (unsigned)from * TURN_LINES;

	for (int turn = from; turn < to; turn++) {
		int fd = fds[turn % 2];

		assert_int_equal(ftruncate(fd, 0), 0);
		for (int i = 0; i < TURN_LINES; i++, n++) {
			char stamp[LINES_STAMP_CAP];

			logs_stamp(UINT64_C(1767323000000) + n / LINES_PER_MS, stamp);
			dprintf(fd, "%s out %u\n", stamp, n);
		}
	}
}

/* Each number is greater than the one before, and one that is left out is told. */
static void
check_numbers(const struct blob *out, bool cut, unsigned *next)
{
	for (size_t off = 0; off < out->len;) {
		const char *line = (const char *)out->b + off;
		unsigned n;

		assert_int_equal(sscanf(line, "%*s out %u", &n), 1);
		if (n < *next || (n > *next && (!cut || off > 0)))
			fail_msg("%u after %u%s", n, *next, cut ? ", cut" : "");
		*next = n + 1;
		off += (size_t)((const char *)memchr(line, '\n', out->len - off) - line) + 1;
	}
}

static void
files_that_begin_anew_while_they_are_read(void **state)
{
	struct logs_want want = { .lines = SIZE_MAX };
	struct blob out;
	int fds[2], status = 0;
	bool over = false, cut;
	unsigned next = 0;
	pid_t pid;

	(void)state;
	for (int i = 0; i < 2; i++) {
		fds[i] = openat(w.fd, i == 0 ? "web.1.log" : "web.1.log.1", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		assert_true(fds[i] >= 0);
	}
	write_in_turn(fds, 0, 1);
	assert_int_equal(logs_read_files(fds, 2, &want, &out, &cut), 0);
	check_numbers(&out, cut, &next);
	blob_free(&out);
	if ((pid = fork()) == 0) {
		write_in_turn(fds, 1, TURNS);
		_exit(0);
	}
	while (!over) {
		over = waitpid(pid, &status, WNOHANG) == pid; /* then once more */
		assert_int_equal(logs_read_files(fds, 2, &want, &out, &cut), 0);
		check_numbers(&out, cut, &next);
		blob_free(&out);
	}
	assert_int_equal(status, 0);
	assert_int_equal(next, TURNS * TURN_LINES);
	close(fds[0]);
	close(fds[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(files_that_begin_anew_while_they_are_read, setup,
		    teardown),
	};

	return cmocka_run_group_tests_name("logs in turn", tests, NULL, NULL);
}
