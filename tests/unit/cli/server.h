/*
 * server.h - the daemon's side of the control socket for the tests of the
 * client: a child process that checks the request it gets and answers with the
 * frames of the case.
 */
#ifndef TEST_CLI_SERVER_H
#define TEST_CLI_SERVER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pack_json.h"

static char dir[64], path[80];

static void
must(bool ok)
{
	if (!ok)
		_exit(1);
}

static void
read_exact(int fd, uint8_t *buf, size_t len)
{
	for (size_t got = 0; got < len;) {
		ssize_t n = read(fd, buf + got, len - got);
		must(n > 0);
		got += (size_t)n;
	}
}

/* The request must be a map whose verb is the expected one.  Does it only look? */
static bool
read_request(int fd, const char *verb)
{
	uint8_t head[4], body[4096];
	char want[64];

	read_exact(fd, head, 4);
	size_t len = head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16;
	must(head[3] == 0 && len <= sizeof body);
	read_exact(fd, body, len);
	snprintf(want, sizeof want, "\x82\xa4verb%c%s", 0xa0 | (int)strlen(verb), verb);
	must(len > strlen(want) && memcmp(body, want, strlen(want)) == 0);
	return memmem(body, len, "\xa4look\xc3", 6) != NULL;
}

static void
send_json(int fd, const char *text)
{
	static uint8_t buf[64 << 10];
	json_t *v = json_loads(text, 0, NULL);
	struct mpw w;

	must(v != NULL);
	mpw_init(&w, buf + 4, sizeof buf - 4);
	pack(&w, v);
	must(!w.full);
	for (int i = 0; i < 4; i++)
		buf[i] = (uint8_t)(w.len >> 8 * i);
	must(write(fd, buf, w.len + 4) == (ssize_t)w.len + 4);
	json_decref(v);
}

struct script {
	const char *verb;
	const char *frames[4]; /* JSON; or raw bytes below */
	const char *raw;
	size_t raw_bytes;
	bool hang; /* keep the connection open and silent */
	int times; /* connections served one after the other; 0 = 1 */
	const char *then; /* the verb of the second connection, answered by the second frame */
	bool act;  /* the n-th is answered by the n-th frame; all but the first only look */
};

static int
listener(void)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
	unlink(path);
	assert_return_code(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	assert_return_code(listen(fd, 4), 0);
	return fd;
}

static void
serve_one(const struct script *s, int nth, int c)
{
	must(read_request(c, s->then != NULL && nth > 0 ? s->then : s->verb) == (s->act && nth > 0));
	for (size_t i = 0; i < 4 && s->frames[i] != NULL; i++)
		if ((!s->act && s->then == NULL) || (int)i == nth)
			send_json(c, s->frames[i]);
	if (s->raw != NULL)
		must(write(c, s->raw, s->raw_bytes) == (ssize_t)s->raw_bytes);
	uint8_t byte;
	while (s->hang && read(c, &byte, 1) > 0)
		;
	close(c);
}

static pid_t
serve(const struct script *s)
{
	int fd = listener();
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0) {
		close(fd);
		return pid;
	}
	alarm(20); /* a test that hangs must end */
	for (int i = 0; i == 0 || i < s->times; i++)
		serve_one(s, i, accept(fd, NULL, NULL));
	_exit(0);
}

static int
make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/mesh-cli-XXXXXX");
	if (mkdtemp(dir) == NULL || chmod(dir, 0755) < 0)
		return -1;
	snprintf(path, sizeof path, "%s/ctl", dir);
	return 0;
}

static int
drop_dir(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

#endif
