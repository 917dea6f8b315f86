/*
 * test_watch.c - `-w` on a real terminal: its own screen, the daemon asked
 * again, and everything put back when a person presses Ctrl-C.
 */
#include "server.h"

#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>

#include "../../../daemon/cli/run.h"

enum { READ_MS = 10000 };

static char screen[64 << 10];
static size_t screen_len;

/* The child is the program: -w on its terminal. */
static void
watch(void)
{
	char *argv[] = {"mesh", "leader", "-w"};
	struct run_error e = {0};
	struct args a;

	must(args_parse(&a, 3, argv, path, 0, &e.err) == 0);
	struct show s = {.out = stdout, .args = &a};
	int code = run_watch(&s);
	fflush(stdout);
	_exit(code);
}

/* Read on until the screen has count times the text. */
static void
wait_for(int fd, const char *text, int count)
{
	for (;;) {
		int seen = 0;

		screen[screen_len] = '\0';
		for (char *p = screen; (p = strstr(p, text)) != NULL; p++)
			seen++;
		if (seen >= count)
			return;
		struct pollfd p = {.fd = fd, .events = POLLIN};
		assert_int_equal(poll(&p, 1, READ_MS), 1);
		ssize_t n = read(fd, screen + screen_len, sizeof screen - 1 - screen_len);
		if (n <= 0)
			fail_msg("no '%s' in: %s", text, screen);
		screen_len += (size_t)n;
	}
}

static int
end_code(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define LEADER(name) "{\"ok\":true,\"more\":false,\"data\":{\"leader\":" name "}}"

static void
screen_is_restored(void **state)
{
	const struct script s = {.verb = "leader", .frames = {LEADER("\"n7\"")}, .times = 2};
	struct winsize w = {.ws_row = 5, .ws_col = 80};
	pid_t server = serve(&s);
	int fd;

	(void)state;
	screen_len = 0;
	pid_t pid = forkpty(&fd, NULL, NULL, &w);
	assert_true(pid >= 0);
	if (pid == 0)
		watch();
	wait_for(fd, "\033[?1049h", 1);
	wait_for(fd, "n7 (", 2); /* asked a second time */
	assert_null(strstr(screen, "\033[?1049l"));
	assert_int_equal(write(fd, "\003", 1), 1); /* Ctrl-C */
	wait_for(fd, "\033[?7h\033[?25h\033[?1049l", 1);
	wait_for(fd, "n7 (", 3); /* what was seen last stays */
	assert_int_equal(end_code(pid), 0);
	close(fd);
	kill(server, SIGTERM);
	waitpid(server, NULL, 0);
}

static void
daemon_goes_away(void **state)
{
	const struct script s = {.verb = "leader", .frames = {LEADER("null")}, .times = 1};
	struct winsize w = {.ws_row = 5, .ws_col = 80};
	pid_t server = serve(&s);
	int fd;

	(void)state;
	screen_len = 0;
	pid_t pid = forkpty(&fd, NULL, NULL, &w);
	assert_true(pid >= 0);
	if (pid == 0)
		watch();
	wait_for(fd, "no leader", 1);
	wait_for(fd, "is meshd running?", 1); /* and goes on */
	assert_int_equal(kill(pid, SIGTERM), 0);
	wait_for(fd, "\033[?1049l", 1);
	assert_int_equal(end_code(pid), 7);
	close(fd);
	waitpid(server, NULL, 0);
}

/* A long answer must not scroll the screen away. */
static void
cut_to_the_screen(void **state)
{
	const struct script s = {.verb = "leader",
	    .frames = {"{\"ok\":false,\"code\":1,\"hint\":\"\",\"error\":"
		       "\"row1\\nrow2\\nrow3\\nrow4\\nrow5\\nrow6\"}"}};
	struct winsize w = {.ws_row = 4, .ws_col = 80};
	pid_t server = serve(&s);
	int fd;

	(void)state;
	screen_len = 0;
	pid_t pid = forkpty(&fd, NULL, NULL, &w);
	assert_true(pid >= 0);
	if (pid == 0)
		watch();
	wait_for(fd, "\033[J", 1); /* a whole screen is drawn */
	assert_non_null(strstr(screen, "row3"));
	assert_null(strstr(screen, "row4"));
	assert_int_equal(kill(pid, SIGTERM), 0);
	wait_for(fd, "\033[?1049l", 1);
	end_code(pid);
	close(fd);
	waitpid(server, NULL, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(screen_is_restored),
	    cmocka_unit_test(daemon_goes_away),
	    cmocka_unit_test(cut_to_the_screen),
	};

	return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
