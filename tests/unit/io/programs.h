/*
 * programs.h - the real helper programs of the build this test belongs to, and
 * the project's own trees, found from where the test itself lies
 * (BUILD/unit/io/test_x).
 */
#ifndef TEST_IO_PROGRAMS_H
#define TEST_IO_PROGRAMS_H

#include <limits.h>

#include "world.h"

/* up: how many parts to take off the test's own path. */
static inline void
programs_above_(char out[PATH_MAX], int up)
{
	ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);

	assert_true(n > 0);
	out[n] = '\0';
	while (up-- > 0)
		*strrchr(out, '/') = '\0';
}

/* meshd-conf, meshd-script: a descriptor to be exec'd. */
WORLD_UNUSED static int
program_open(const char *name)
{
	char dir[PATH_MAX], path[PATH_MAX + 64];
	int fd;

	programs_above_(dir, 3);
	snprintf(path, sizeof path, "%s/%s", dir, name);
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		fail_msg("%s: %s", path, strerror(errno));
	return fd;
}

/* Where templates/ and the other shipped trees are. */
WORLD_UNUSED static void
programs_root(char out[PATH_MAX])
{
	programs_above_(out, 4);
}

#endif
