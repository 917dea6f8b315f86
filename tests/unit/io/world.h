/*
 * world.h - a piece of the real world for one test: a directory of its own, and
 * children in namespaces of their own (a read-only or full disk, a network
 * without routes).  Nothing outside is touched.
 */
#ifndef TEST_IO_WORLD_H
#define TEST_IO_WORLD_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../daemon/base/err.h"

#define WORLD_UNUSED __attribute__((unused))

struct world {
	char path[64];
	int fd; /* of the directory */
};

/* in: where the directory is made; /dev/shm for what syncs often. */
WORLD_UNUSED static void
world_open_in(struct world *w, const char *in)
{
	snprintf(w->path, sizeof w->path, "%s/mesh-test-XXXXXX", in);
	assert_non_null(mkdtemp(w->path));
	w->fd = open(w->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(w->fd >= 0);
}

#define world_open(w) world_open_in((w), "/tmp")

static inline int
world_remove_(const char *path, const struct stat *st, int kind, struct FTW *f)
{
	(void)st;
	(void)kind;
	(void)f;
	return remove(path);
}

WORLD_UNUSED static void
world_close(struct world *w)
{
	close(w->fd);
	nftw(w->path, world_remove_, 16, FTW_DEPTH | FTW_PHYS);
}

/* Make or replace a file. */
WORLD_UNUSED static void
world_write(const struct world *w, const char *name, const void *data, size_t len, mode_t mode)
{
	int fd = openat(w->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), (ssize_t)len);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

WORLD_UNUSED static void
world_text(const struct world *w, const char *name, const char *text)
{
	world_write(w, name, text, strlen(text), 0644);
}

/* At most cap bytes; how many there were. */
WORLD_UNUSED static size_t
world_read(const struct world *w, const char *name, void *buf, size_t cap)
{
	int fd = openat(w->fd, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	assert_true(fd >= 0);
	n = pread(fd, buf, cap, 0);
	assert_true(n >= 0);
	close(fd);
	return (size_t)n;
}

static inline bool
world_put_(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* Without root: be root of a user namespace of our own. */
static inline bool
world_unshare_(int flags)
{
	char uid[32], gid[32];

	snprintf(uid, sizeof uid, "0 %u 1", (unsigned)geteuid());
	snprintf(gid, sizeof gid, "0 %u 1", (unsigned)getegid());
	if (flags == 0 || geteuid() == 0)
		return flags == 0 || unshare(flags) == 0;
	return unshare(flags | CLONE_NEWUSER) == 0 &&
	    world_put_("/proc/self/setgroups", "deny") &&
	    world_put_("/proc/self/uid_map", uid) && world_put_("/proc/self/gid_map", gid);
}

/*
 * Run fn in a child with namespaces of its own (CLONE_NEWNS, CLONE_NEWNET ...).
 * fn returns 0 or a line number.
 */
WORLD_UNUSED static void
world_apart(int flags, int (*fn)(void *arg), void *arg)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (!world_unshare_(flags)) {
			perror("unshare");
			_exit(254);
		}
		_exit(fn(arg) & 0xff);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		print_error("child: status %#x, line %% 256 = %d\n", (unsigned)status,
		    WEXITSTATUS(status));
	assert_int_equal(status, 0);
}

/* Inside world_apart. */
#define APART_CHECK(cond)                                                                          \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);                 \
			return (__LINE__ & 0xff) != 0 ? __LINE__ : 1;                              \
		}                                                                                  \
	} while (0)

/* The error's code, and words its line must hold. */
#define assert_err(err, want_code, words)                                                          \
	do {                                                                                       \
		assert_int_equal((err).code, want_code);                                           \
		if (strstr((err).text, words) == NULL)                                             \
			fail_msg("'%s' not in '%s'", words, (err).text);                           \
		assert_null(strchr((err).text, '\n'));                                             \
	} while (0)

#endif
