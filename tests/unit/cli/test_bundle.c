/*
 * test_bundle.c - `mesh debug bundle` against a daemon that answers anything: its
 * words are data, never a path, and what fails is in the file as an error.
 */
#include "line.h"

#include <fcntl.h>
#include <signal.h>

/* Everybody who asks gets the same frame, until killed. */
static pid_t
serve_all(const char *frame)
{
	int fd = listener();
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0) {
		close(fd);
		return pid;
	}
	alarm(20);
	for (;;) {
		int c = accept(fd, NULL, NULL);
		uint8_t head[4], body[4096];

		read_exact(c, head, 4);
		must(head[1] < 16 && head[2] == 0 && head[3] == 0);
		read_exact(c, body, head[0] | (size_t)head[1] << 8);
		send_json(c, frame);
		close(c);
	}
}

static size_t
octal(const char *s)
{
	return strtoul(s, NULL, 8);
}

static void
bundle_of(const char *frame, struct outcome *o, const char *file)
{
	pid_t pid = serve_all(frame);
	char line[200];

	snprintf(line, sizeof line, "debug bundle %s", file);
	run_line(o, line, 0, false);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void
drop(struct outcome *o)
{
	free(o->out);
	free(o->error);
}

/* Its name is no path; and the archive is one, header by header. */
static void
a_liar_names_no_path(void **state)
{
	static char tar[64 << 10];
	struct outcome o;
	char file[100];
	size_t at = 0, files = 0, len;
	int fd;

	(void)state;
	snprintf(file, sizeof file, "%s/b.tar", dir);
	bundle_of(ANSWER("{\"node\":\"../../etc/x\\u001b\"}"), &o, file);
	assert_string_equal(o.error, "");
	assert_int_equal(o.code, 0);
	fd = open(file, O_RDONLY);
	assert_true(fd >= 0);
	len = (size_t)read(fd, tar, sizeof tar);
	close(fd);
	unlink(file);
	assert_true(len > 1024 && len < sizeof tar && len % 512 == 0);
	while (tar[at] != '\0') {
		uint32_t sum = 8 * ' ';

		for (size_t i = 0; i < 512; i++)
			sum += i >= 148 && i < 156 ? 0 : (uint8_t)tar[at + i];
		assert_int_equal(octal(tar + at + 148), sum);
		assert_int_equal(strncmp(tar + at, "mesh-debug-node-2026", 20), 0);
		assert_null(strstr(tar + at, ".."));
		assert_string_equal(tar + at + 100, "0000600");
		at += 512 + (octal(tar + at + 124) + 511) / 512 * 512;
		files++;
		assert_true(at + 1024 <= len);
	}
	assert_int_equal(files, 14);
	assert_int_equal(at + 1024, len);
	drop(&o);
}

/* The first answer is an error: no file, and the daemon's own words. */
static void
a_refusal_makes_no_file(void **state)
{
	struct outcome o;
	char file[100];

	(void)state;
	snprintf(file, sizeof file, "%s/b.tar", dir);
	bundle_of("{\"ok\":false,\"code\":3,\"error\":\"no\\u001b!\",\"hint\":\"\"}", &o, file);
	assert_int_equal(o.code, 3);
	assert_string_equal(o.error, "mesh: no\\x1b!\n");
	assert_int_equal(access(file, F_OK), -1);
	drop(&o);
}

static void
nothing_is_overwritten(void **state)
{
	struct outcome o;
	char file[100];

	(void)state;
	snprintf(file, sizeof file, "%s/b.tar", dir);
	close(open(file, O_CREAT | O_WRONLY, 0644));
	bundle_of(ANSWER("{}"), &o, file);
	assert_int_equal(o.code, 1);
	assert_non_null(strstr(o.error, "is there already; name another FILE"));
	unlink(file);
	drop(&o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_liar_names_no_path),
	    cmocka_unit_test(a_refusal_makes_no_file),
	    cmocka_unit_test(nothing_is_overwritten),
	};

	return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
