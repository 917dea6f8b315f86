/*
 * test_opener.c - a look-up that its maker does not wait for: what it brings, what is
 * left of one that nobody waits for any more, and that there are few.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../../daemon/supervisor/opener.h"

static char top[64];
static int root;

static int
make_root(void **state)
{
	char path[80];

	(void)state;
	strcpy(top, "/tmp/mesh-opener-XXXXXX");
	assert_non_null(mkdtemp(top));
	root = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC);
	snprintf(path, sizeof path, "%s/there", top);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	return root < 0;
}

static int
remove_root(void **state)
{
	(void)state;
	unlinkat(root, "there", 0);
	close(root);
	return rmdir(top);
}

static void
wait_for(int pidfd)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 30000), 1);
}

static int
find(const char *path)
{
	struct openers all = {.running = 0};
	struct opener o;
	struct err err;
	int fd;

	assert_int_equal(opener_start(&all, &o, root, path, 0, &err), 0);
	assert_int_equal(all.running, 1);
	wait_for(o.pidfd);
	opener_finish(&all, &o, &fd);
	assert_int_equal(all.running, 0);
	assert_int_equal(o.pidfd, -1);
	return fd;
}

static void
test_what_it_brings(void **state)
{
	struct stat want, got;
	int fd = find("/there"), again;

	(void)state;
	assert_true(fd >= 0 && fstat(fd, &got) == 0);
	assert_int_equal(fstatat(root, "there", &want, 0), 0);
	assert_int_equal(got.st_ino, want.st_ino);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	assert_int_equal(find("/nothing"), -ENOENT);
	assert_int_equal(find("/there/below"), -ENOTDIR);
	/* Each of them is known from now on. */
	assert_true(opener_knows(root, "/there", &again) && again >= 0);
	close(again);
	assert_true(opener_knows(root, "/nothing", &again));
	assert_int_equal(again, -ENOENT);
}

static void
test_nobody_waits_for_it(void **state)
{
	struct openers all = {.running = 0};
	struct opener o;
	struct err err;

	(void)state;
	assert_int_equal(opener_start(&all, &o, root, "/there", 7, &err), 0);
	assert_int_equal(o.deadline, 7 + OPENER_MS_MAX);
	opener_cancel(&all, &o);
	opener_cancel(&all, &o); /* nothing is left to end */
	assert_int_equal(all.running, 0);
	assert_int_equal(all.left_count, 1);
	wait_for(all.left[0]);
	opener_reap(&all, all.left[0]);
	assert_int_equal(all.left_count, 0);
}

static void
test_there_are_few(void **state)
{
	struct openers all = {.left_count = OPENERS_MAX - 1};
	struct opener o, more;
	struct err err;
	int fd;

	(void)state;
	assert_int_equal(opener_start(&all, &o, root, "/there", 0, &err), 0);
	assert_true(opener_start(&all, &more, root, "/there", 0, &err) < 0);
	assert_non_null(strstr(err.text, "/there: not looked for: 16 look-ups in images go on already"));
	assert_int_equal(more.pidfd, -1);
	wait_for(o.pidfd);
	opener_finish(&all, &o, &fd);
	close(fd);
	assert_int_equal(opener_start(&all, &more, root, "/there", 0, &err), 0);
	wait_for(more.pidfd);
	opener_finish(&all, &more, &fd);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_what_it_brings),
	    cmocka_unit_test(test_nobody_waits_for_it),
	    cmocka_unit_test(test_there_are_few),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
