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

static struct found
find(const char *path)
{
	struct openers all = {.running = 0};
	struct opener o;
	struct err err;
	struct found f;

	assert_int_equal(opener_start(&all, &o, root, path, 0, &err), 0);
	assert_int_equal(all.running, 1);
	wait_for(o.pidfd);
	assert_int_equal(opener_finish(&all, &o, &f, &err), 0);
	assert_int_equal(all.running, 0);
	assert_int_equal(o.pidfd, -1);
	return f;
}

static void
test_what_it_brings(void **state)
{
	struct stat want, got;
	struct found f = find("/there"), again;

	(void)state;
	assert_true(f.fd >= 0 && fstat(f.fd, &got) == 0);
	assert_int_equal(fstatat(root, "there", &want, 0), 0);
	assert_int_equal(got.st_ino, want.st_ino);
	assert_memory_equal(&f.st, &got, sizeof got);
	assert_true(fcntl(f.fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(f.fd, F_GETFL) & O_PATH);
	found_close(&f);
	found_close(&f);
	assert_int_equal(find("/nothing").fd, -ENOENT);
	assert_int_equal(find("/there/below").fd, -ENOTDIR);
	/* Each of them is known from now on. */
	assert_true(opener_knows(root, "/there", &again) && again.fd >= 0);
	assert_int_equal(again.st.st_ino, want.st_ino);
	found_close(&again);
	assert_true(opener_knows(root, "/nothing", &again));
	assert_int_equal(again.fd, -ENOENT);
	opener_waits(root, "/there", &again);
	assert_true(again.fd >= 0 && again.st.st_ino == want.st_ino);
	found_close(&again);
	opener_waits(root, "/nothing", &again);
	assert_int_equal(again.fd, -ENOENT);
}

/* What is refused comes back as it was said. */
static void
test_an_image(void **state)
{
	const struct image_who who = {"web.1", top, "none", false, true}, link = {"web.1", top, "link", false, true};
	struct openers all = {.running = 0};
	struct opener o;
	struct err err;
	struct found f;

	(void)state;
	assert_int_equal(chmod(top, 0755), 0);
	assert_int_equal(opener_start_image(&all, &o, &who, 0, &err), 0);
	wait_for(o.pidfd);
	assert_true(opener_finish(&all, &o, &f, &err) < 0 && f.fd < 0);
	assert_non_null(strstr(err.text, "web.1: image none: not found under /tmp/mesh-opener-"));
	assert_int_equal(symlinkat("/", root, "link"), 0);
	assert_int_equal(opener_start_image(&all, &o, &link, 0, &err), 0);
	wait_for(o.pidfd);
	assert_true(opener_finish(&all, &o, &f, &err) < 0 && f.fd < 0);
	assert_non_null(strstr(err.text, "is or goes through a symlink"));
	unlinkat(root, "link", 0);
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
	struct found f;

	(void)state;
	assert_int_equal(opener_start(&all, &o, root, "/there", 0, &err), 0);
	assert_true(opener_start(&all, &more, root, "/there", 0, &err) < 0);
	assert_non_null(strstr(err.text, "/there: not looked for: 16 look-ups in images go on already"));
	assert_int_equal(more.pidfd, -1);
	wait_for(o.pidfd);
	assert_int_equal(opener_finish(&all, &o, &f, &err), 0);
	found_close(&f);
	assert_int_equal(opener_start(&all, &more, root, "/there", 0, &err), 0);
	wait_for(more.pidfd);
	assert_int_equal(opener_finish(&all, &more, &f, &err), 0);
	found_close(&f);
}

/* procfs stands for what may not answer. */
static void
test_far_and_near(void **state)
{
	struct openers all = {.far = OPENERS_FAR - 1};
	struct opener o, more;
	int far = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct err err;

	(void)state;
	assert_int_equal(opener_start(&all, &o, far, "/self", 0, &err), 0);
	assert_int_equal(all.far, OPENERS_FAR);
	assert_true(opener_start(&all, &more, far, "/self", 0, &err) < 0);
	assert_non_null(strstr(err.text, "/self: not looked for: 8 look-ups in images on other hosts"));
	assert_int_equal(opener_start(&all, &more, root, "/there", 0, &err), 0);
	opener_cancel(&all, &more);
	opener_cancel(&all, &o);
	assert_int_equal(all.far, OPENERS_FAR);
	for (int i = 1; i >= 0; i--) {
		int pidfd = all.left[i];

		wait_for(pidfd);
		opener_reap(&all, pidfd);
	}
	assert_int_equal(all.left_count, 0);
	assert_int_equal(all.far, OPENERS_FAR - 1);
	close(far);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_what_it_brings),
	    cmocka_unit_test(test_an_image),
	    cmocka_unit_test(test_nobody_waits_for_it),
	    cmocka_unit_test(test_there_are_few),
	    cmocka_unit_test(test_far_and_near),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
