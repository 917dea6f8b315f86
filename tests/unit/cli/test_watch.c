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
#include <termios.h>

#include "../../../daemon/cli/run.h"

enum { READ_MS = 10000 };

static char screen[64 << 10];
static size_t screen_len;

/* The child is the program: -w on its terminal. */
static void
watch(const char *verb)
{
	char *argv[] = {"mesh", (char *)verb, "-w"};
	struct run_error e = {0};
	struct args a;

	/* mesh top is shown so by itself. */
	must(args_parse(&a, strcmp(verb, "top") == 0 ? 2 : 3, argv, path, 0, &e.err) == 0);
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
		watch("leader");
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
		watch("leader");
	wait_for(fd, "no leader", 1);
	wait_for(fd, "is meshd running?", 1); /* and goes on */
	assert_int_equal(kill(pid, SIGTERM), 0);
	wait_for(fd, "\033[?1049l", 1);
	assert_int_equal(end_code(pid), 7);
	close(fd);
	waitpid(server, NULL, 0);
}

/* mesh top reads keys: q ends it, another does not, and the terminal is as it was. */
static void
q_ends_top(void **state)
{
	const struct script s = {.verb = "metrics", .frames = {"{\"ok\":true,\"more\":false,\"data\":{\"kind\":"
	    "\"vector\",\"series\":[{\"labels\":{\"node\":\"n7\",\"what\":\"cpu\"},\"points\":[[1,0.5]]}]}}"}};
	struct winsize w = {.ws_row = 20, .ws_col = 80};
	struct termios before, after;
	pid_t server = serve(&s);
	int fd;

	(void)state;
	screen_len = 0;
	pid_t pid = forkpty(&fd, NULL, NULL, &w);
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)tcgetattr(STDIN_FILENO, &before);
		if (write(STDOUT_FILENO, before.c_lflag & ICANON ? "lines\n" : "keys\n", 6) < 0)
			_exit(1);
		watch("top");
	}
	wait_for(fd, "lines", 1);
	wait_for(fd, "0.50", 1);
	assert_int_equal(tcgetattr(fd, &after), 0);
	assert_int_equal(after.c_lflag & (ICANON | ECHO), 0);
	assert_int_equal(write(fd, "x", 1), 1);
	wait_for(fd, "is meshd running?", 1); /* it went on: that daemon answers once */
	assert_int_equal(write(fd, "q", 1), 1);
	wait_for(fd, "\033[?1049l", 1);
	assert_int_equal(end_code(pid), 7);
	assert_int_equal(tcgetattr(fd, &after), 0);
	assert_int_equal(after.c_lflag & (ICANON | ECHO), ICANON | ECHO);
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
		watch("leader");
	wait_for(fd, "\033[J", 1); /* a whole screen is drawn */
	assert_non_null(strstr(screen, "row3"));
	assert_null(strstr(screen, "row4"));
	assert_int_equal(kill(pid, SIGTERM), 0);
	wait_for(fd, "\033[?1049l", 1);
	end_code(pid);
	close(fd);
	waitpid(server, NULL, 0);
}

/* What -w of an act says at its end, by that code; and no question was asked after that. */
static int
act_ends(const struct script *s, const char *says)
{
	struct winsize w = {.ws_row = 20, .ws_col = 80};
	pid_t server = serve(s);
	int fd, code;

	screen_len = 0;
	pid_t pid = forkpty(&fd, NULL, NULL, &w);
	assert_true(pid >= 0);
	if (pid == 0)
		watch(s->verb);
	wait_for(fd, says, 1);
	code = end_code(pid);
	assert_int_equal(end_code(server), 0); /* it was asked as often, and as it should be */
	close(fd);
	return code;
}

#define LEAVE(more) "{\"ok\":true,\"more\":false,\"data\":{\"node\":\"n7\"," more "}}"

/* Begun once, then looked at, until there is no more to see. */
static void
an_act_is_begun_once(void **state)
{
	const struct script left = {.verb = "leave", .act = true, .times = 3,
	    .frames = {LEAVE("\"state\":\"draining\",\"moving\":[\"web.1\"]"),
		LEAVE("\"state\":\"leaving\",\"waits\":\"until its vote is taken away\""),
		LEAVE("\"state\":\"left\"")}};
	const struct script taken_back = {.verb = "leave", .act = true, .times = 2,
	    .frames = {LEAVE("\"state\":\"draining\""), LEAVE("\"state\":\"stays\"")}};
	const struct script stuck = {.verb = "leave", .act = true, .times = 2,
	    .frames = {LEAVE("\"state\":\"leaving\""),
		LEAVE("\"state\":\"leaving\",\"waits\":\"until its vote is taken away\",\"waits_ms\":15000,"
		      "\"stuck\":true,\"why\":\"n1 leads, of version 0.0.9\",\"hint\":\"mesh leader --to NODE\"")}};
	const struct script refused = {.verb = "leave", .act = true, .times = 1,
	    .frames = {"{\"ok\":false,\"code\":1,\"hint\":\"\",\"error\":\"leave: n7 is the last node\"}"}};

	(void)state;
	assert_int_equal(act_ends(&left, "n7 has left its cluster"), 0);
	assert_int_equal(act_ends(&taken_back, "n7 stays"), 1);
	assert_int_equal(act_ends(&stuck, "it does not get on: n1 leads, of version 0.0.9"), 1);
	assert_non_null(strstr(screen, "(for 15 s)"));
	assert_non_null(strstr(screen, "hint: mesh leader --to NODE"));
	assert_int_equal(act_ends(&refused, "mesh: leave: n7 is the last node"), 1);
	assert_null(strstr(screen, "\033[?1049h"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(screen_is_restored),
	    cmocka_unit_test(daemon_goes_away),
	    cmocka_unit_test(q_ends_top),
	    cmocka_unit_test(cut_to_the_screen),
	    cmocka_unit_test(an_act_is_begun_once),
	};

	return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
