/*
 * test_server.c - connections whose other side is slow, or gone: over real sockets, with
 * this thread as both sides.  There is no engine: what is asked for is not there (404).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../../daemon/http/server.h"

#define FORM "Content-Type: application/x-www-form-urlencoded\r\n"
#define BODY_TO_COME "POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\n" FORM "Content-Length: 60000\r\n\r\nquery="

enum { WAIT_S = 20, TURNS = 200 };

static struct sockaddr_in at;

/* Or where an engine would listen. */
static const char *ctl = "/nowhere/ctl";

static struct server *
begin(msec whole_ms)
{
	static const char *const hosts[] = {"localhost"};
	struct server_conf c = {.ctl = ctl, .hosts = hosts, .hosts_count = 1, .whole_ms = whole_ms};
	socklen_t len = sizeof at;
	static struct server *all[8]; /* to the end: a server of a program never ends before it */
	static size_t count;
	struct server *s;
	struct err err;

	at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	c.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(c.listener >= 0);
	assert_int_equal(bind(c.listener, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(c.listener, 128), 0);
	assert_int_equal(getsockname(c.listener, (struct sockaddr *)&at, &len), 0);
	assert_int_equal(server_new(&c, &s, &err), 0);
	assert_true(count < ARRAY_LEN(all));
	return all[count++] = s;
}

static int
connected(const char *says)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(send(fd, says, strlen(says), MSG_NOSIGNAL), strlen(says));
	return fd;
}

static bool
has_come(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

/* Until something is to be read there, at most so many turns. */
static bool
turns(struct server *s, int fd, int most)
{
	while (!has_come(fd) && most-- > 0)
		server_turn(s);
	return has_come(fd);
}

static bool
is_over(int fd)
{
	char b[4096];
	ssize_t n;

	while ((n = recv(fd, b, sizeof b, MSG_DONTWAIT)) > 0)
		;
	return n == 0 || (n < 0 && errno == ECONNRESET);
}

/* Nobody waits for the rest of a head whose sender said that there is none, and above all
 * not by asking again and again. */
static void
half_a_head_and_no_more(void **state)
{
	struct server *s = begin(0);
	int fd = connected("GET /metr");

	(void)state;
	server_turn(s); /* it is accepted */
	server_turn(s); /* and looked at */
	assert_false(has_come(fd));
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	assert_true(turns(s, fd, 5));
	assert_true(is_over(fd));
	close(fd);
	/* A whole one is answered, though nothing follows. */
	fd = connected("GET /nope HTTP/1.1\r\nHost: localhost\r\n\r\n");
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	assert_true(turns(s, fd, TURNS));
	char b[16] = "";
	assert_int_equal(recv(fd, b, 12, 0), 12);
	assert_string_equal(b, "HTTP/1.1 404");
	close(fd);
}

/* A byte now and then is no silence, and still not for ever. */
static void
a_body_that_drips(void **state)
{
	struct server *s = begin(400);
	int fd = connected(BODY_TO_COME);
	time_t until = time(NULL) + WAIT_S;

	(void)state;
	while (!has_come(fd) && time(NULL) < until) {
		server_turn(s);
		poll(NULL, 0, 2); /* so all of it would take two minutes */
		(void)!send(fd, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	assert_true(has_come(fd));
	assert_true(is_over(fd));
	close(fd);
}

static void
who_is_slow_makes_room(void **state)
{
	struct server *s = begin(0);
	int slow[SERVER_CONNS_MAX], fd;
	char b[16] = "";

	(void)state;
	for (int i = 0; i < SERVER_CONNS_MAX; i++) {
		slow[i] = connected(BODY_TO_COME);
		server_turn(s); /* accepted */
		server_turn(s); /* libmicrohttpd's */
	}
	fd = connected("GET /nope HTTP/1.1\r\nHost: localhost\r\n\r\n");
	assert_true(turns(s, fd, TURNS));
	assert_int_equal(recv(fd, b, 12, 0), 12);
	assert_string_equal(b, "HTTP/1.1 404");
	assert_true(turns(s, slow[0], TURNS)); /* the first of them */
	assert_true(is_over(slow[0]));
	assert_false(has_come(slow[SERVER_CONNS_MAX - 1]));
	close(fd);
	for (int i = 0; i < SERVER_CONNS_MAX; i++)
		close(slow[i]);
}

/* {"ok": true, "data": {"data": []}}, with its length before it. */
static const char EMPTY_LIST[] = "\x11\0\0\0\x82\xa2ok\xc3\xa4" "data\x81\xa4" "data\x90";

static int
accepted(struct server *s, int engine)
{
	int fd = -1;

	for (int left = TURNS; fd < 0 && left > 0; left--) {
		server_turn(s);
		fd = accept(engine, NULL, NULL);
	}
	assert_true(fd >= 0);
	return fd;
}

/* As an engine does, once the question is there. */
static bool
answers(struct server *s, int fd)
{
	char question[256];

	if (!turns(s, fd, TURNS))
		return false;
	assert_true(recv(fd, question, sizeof question, 0) > 0);
	assert_int_equal(send(fd, EMPTY_LIST, sizeof EMPTY_LIST - 1, MSG_NOSIGNAL), sizeof EMPTY_LIST - 1);
	close(fd);
	server_turn(s);
	return true;
}

/* As many as a page of Grafana asks for: none is refused, and no more than some are asked
 * of the engine at once. */
static void
more_questions_than_are_asked_at_once(void **state)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int engine = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), asked[SERVER_CONNS_MAX];
	int fds[SERVER_CONNS_MAX - 4], count = 0, most = 0, open = 0, probe;
	char said[16] = "";
	struct server *s;

	(void)state;
	snprintf(sa.sun_path, sizeof sa.sun_path, "/tmp/mesh-test-server.%d", (int)getpid());
	unlink(sa.sun_path);
	assert_int_equal(bind(engine, (struct sockaddr *)&sa, sizeof sa), 0);
	assert_int_equal(listen(engine, 128), 0);
	ctl = sa.sun_path;
	s = begin(0);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = connected("GET /api/v1/labels HTTP/1.1\r\nHost: localhost\r\n\r\n");
		server_turn(s);
		server_turn(s);
	}
	while ((asked[open] = accept(engine, NULL, NULL)) >= 0)
		open++;
	assert_int_equal(open, SERVER_ASKS_MAX);
	/* A probe does not stand behind them. */
	probe = connected("GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n");
	assert_true(answers(s, accepted(s, engine)));
	assert_true(turns(s, probe, TURNS));
	close(probe);
	for (int left = 10 * TURNS; count < (int)ARRAY_LEN(fds) && left > 0; left--) {
		for (int fd; (fd = accept(engine, NULL, NULL)) >= 0; open++)
			asked[open] = fd;
		most = open > most ? open : most;
		if (open > 0 && answers(s, asked[open - 1])) {
			open--;
			count++;
		}
	}
	assert_int_equal(count, ARRAY_LEN(fds));
	assert_int_equal(most, SERVER_ASKS_MAX);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		assert_true(turns(s, fds[i], TURNS));
		assert_int_equal(recv(fds[i], said, 12, 0), 12);
		assert_string_equal(said, "HTTP/1.1 200");
		close(fds[i]);
	}
	unlink(sa.sun_path);
	close(engine);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(half_a_head_and_no_more),
	    cmocka_unit_test(a_body_that_drips),
	    cmocka_unit_test(who_is_slow_makes_room),
	    cmocka_unit_test(more_questions_than_are_asked_at_once),
	};

	return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
