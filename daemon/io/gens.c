/*
 * gens.c - see gens.h.  The order of a switch: files, fsync each, fsync their
 * directory, rename it to gens/N, fsync gens, new symlink, rename it over
 * `current`, fsync.  A crash between any two leaves the old generation.
 */
#include "gens.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <linux/openat2.h>

#include "../base/own.h"

enum { DEPTH_MAX = 4, READ_BYTES = 65536 };

static int
open_beneath(int dir, const char *path, int flags)
{
	struct open_how how = {.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
	    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};

	return (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
}

int
gens_open(int state_fd, const char *role, struct err *err)
{
	char path[NAME_CAP + 16];
	int fd;

	snprintf(path, sizeof path, "rendered/%s", role);
	if ((fd = open_beneath(state_fd, path, O_DIRECTORY | O_RDONLY)) < 0)
		err_set(err, EXIT_STATE, "%s: %s", path, strerror(errno));
	return fd;
}

/* The number in a symlink to "gens/N", 0 = none. */
static uint64_t
link_gen(int role_fd, const char *link)
{
	char target[64];
	unsigned long long n;
	ssize_t len = readlinkat(role_fd, link, target, sizeof target - 1);

	if (len <= 0)
		return 0;
	target[len] = '\0';
	return sscanf(target, "gens/%llu", &n) == 1 ? n : 0;
}

/* Does the open file hold exactly these bytes? */
static bool
same_bytes(int fd, const uint8_t *data, size_t len)
{
	uint8_t buf[READ_BYTES];
	size_t off = 0;

	for (;;) {
		ssize_t n = read(fd, buf, sizeof buf);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || (size_t)n > len - off)
			return false;
		if (n == 0)
			return off == len;
		if (memcmp(buf, data + off, (size_t)n) != 0)
			return false;
		off += (size_t)n;
	}
}

static size_t
count_files(int dir_fd)
{
	int fd = dup(dir_fd);
	AUTO_CLOSEDIR DIR *d = fd < 0 ? NULL : fdopendir(fd);
	size_t n = 0;

	if (d == NULL)
		return 0;
	rewinddir(d);
	for (const struct dirent *e; (e = readdir(d)) != NULL;)
		n += e->d_name[0] != '.';
	return n;
}

int
gens_compare(int role_fd, struct gens_file *files, size_t count, bool *same, uint64_t *gen,
    struct err *err)
{
	char path[64];

	*gen = link_gen(role_fd, "current");
	*same = false;
	for (size_t i = 0; i < count; i++)
		files[i].changed = true;
	if (*gen == 0)
		return 0;
	snprintf(path, sizeof path, "gens/%llu", (unsigned long long)*gen);
	AUTO_CLOSE int dir = open_beneath(role_fd, path, O_DIRECTORY | O_RDONLY);
	if (dir < 0) {
		if (errno == ENOENT)
			return 0;
		return err_set(err, EXIT_STATE, "%s: %s", path, strerror(errno));
	}
	*same = count_files(dir) == count;
	for (size_t i = 0; i < count; i++) {
		/* O_NONBLOCK: a pipe put there must not stop the loop. */
		AUTO_CLOSE int fd = open_beneath(dir, files[i].name, O_RDONLY | O_NONBLOCK);
		struct stat st;

		files[i].changed = fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
		    (st.st_mode & 07777) != files[i].mode ||
		    !same_bytes(fd, files[i].data, files[i].len);
		*same = *same && !files[i].changed;
	}
	return 0;
}

/* Remove name below dir, and what is in it. */
static int
remove_tree(int dir, const char *name, int depth)
{
	AUTO_CLOSEDIR DIR *d = NULL;
	int fd;

	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	if ((errno != EISDIR && errno != EPERM) || depth == 0)
		return -1;
	fd = open_beneath(dir, name, O_DIRECTORY | O_RDONLY);
	if (fd < 0 || (d = fdopendir(fd)) == NULL) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	for (const struct dirent *e; (e = readdir(d)) != NULL;) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (remove_tree(dirfd(d), e->d_name, depth - 1) < 0)
			return -1;
	}
	return unlinkat(dir, name, AT_REMOVEDIR);
}

static int
write_file(int dir, const struct gens_file *f, struct err *err)
{
	AUTO_CLOSE int fd =
	    openat(dir, f->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	size_t off = 0;

	if (fd < 0)
		return err_set(err, EXIT_STATE, "stage %s: %s", f->name, strerror(errno));
	while (off < f->len) {
		ssize_t n = write(fd, f->data + off, f->len - off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, EXIT_STATE, "write %s: %s", f->name, strerror(errno));
		off += (size_t)n;
	}
	if (fchmod(fd, f->mode) < 0 || fsync(fd) < 0)
		return err_set(err, EXIT_STATE, "write %s: %s", f->name, strerror(errno));
	return 0;
}

int
gens_stage(int role_fd, const struct gens_file *files, size_t count, struct err *err)
{
	int rc;

	if (remove_tree(role_fd, "check", DEPTH_MAX) < 0 ||
	    mkdirat(role_fd, "check", 0755) < 0 || mkdirat(role_fd, "check/current", 0755) < 0)
		return err_set(err, EXIT_STATE, "stage: %s", strerror(errno));
	AUTO_CLOSE int dir = open_beneath(role_fd, "check/current", O_DIRECTORY | O_RDONLY);
	if (dir < 0)
		return err_set(err, EXIT_STATE, "stage: %s", strerror(errno));
	/* The engine's umask is 077; containers read these as their own user. */
	if (fchmod(dir, 0755) < 0 || fchmodat(role_fd, "check", 0755, 0) < 0)
		return err_set(err, EXIT_STATE, "stage: %s", strerror(errno));
	for (size_t i = 0; i < count; i++)
		if ((rc = write_file(dir, &files[i], err)) < 0)
			return rc;
	if (fsync(dir) < 0)
		return err_set(err, EXIT_STATE, "stage: %s", strerror(errno));
	return 0;
}

/* The next generation there above n, in `gens`; 0 = none. */
static uint64_t
gen_after(int gens_fd, uint64_t n)
{
	int fd = dup(gens_fd);
	AUTO_CLOSEDIR DIR *d = fd < 0 ? NULL : fdopendir(fd);
	uint64_t best = 0;

	if (d == NULL)
		return 0;
	rewinddir(d);
	for (const struct dirent *e; (e = readdir(d)) != NULL;) {
		unsigned long long m;
		int end = 0;

		if (sscanf(e->d_name, "%llu%n", &m, &end) == 1 && e->d_name[end] == '\0' && m > n &&
		    (best == 0 || m < best))
			best = m;
	}
	return best;
}

static void
prune(int role_fd, int gens_fd, uint64_t newest)
{
	uint64_t held = link_gen(role_fd, "held");
	char name[32];

	for (uint64_t n = 0; (n = gen_after(gens_fd, n)) != 0 && n + GENS_KEPT <= newest;) {
		snprintf(name, sizeof name, "%llu", (unsigned long long)n);
		if (n != held)
			(void)remove_tree(gens_fd, name, DEPTH_MAX); /* next time, then */
	}
}

/* link -> gens/N, replaced by rename. */
static int
point(int role_fd, const char *link, uint64_t gen, struct err *err)
{
	char target[48];

	snprintf(target, sizeof target, "gens/%llu", (unsigned long long)gen);
	if ((unlinkat(role_fd, "next", 0) < 0 && errno != ENOENT) ||
	    symlinkat(target, role_fd, "next") < 0 ||
	    renameat(role_fd, "next", role_fd, link) < 0 || fsync(role_fd) < 0)
		return err_set(err, EXIT_STATE, "%s -> %s: %s", link, target, strerror(errno));
	return 0;
}

int
gens_switch(int role_fd, uint64_t *gen, struct err *err)
{
	uint64_t newest = link_gen(role_fd, "current");
	char name[32];

	if (mkdirat(role_fd, "gens", 0755) < 0 && errno != EEXIST)
		return err_set(err, EXIT_STATE, "gens: %s", strerror(errno));
	if (fchmodat(role_fd, "gens", 0755, 0) < 0)
		return err_set(err, EXIT_STATE, "gens: %s", strerror(errno));
	AUTO_CLOSE int gens = open_beneath(role_fd, "gens", O_DIRECTORY | O_RDONLY);
	AUTO_CLOSE int check = open_beneath(role_fd, "check", O_DIRECTORY | O_RDONLY);
	if (gens < 0 || check < 0)
		return err_set(err, EXIT_STATE, "gens: %s", strerror(errno));
	for (uint64_t n = newest; (n = gen_after(gens, n)) != 0;)
		newest = n;
	*gen = newest + 1;
	snprintf(name, sizeof name, "%llu", (unsigned long long)*gen);
	if (renameat(check, "current", gens, name) < 0 || fsync(gens) < 0)
		return err_set(err, EXIT_STATE, "gens/%s: %s", name, strerror(errno));
	if (point(role_fd, "current", *gen, err) < 0)
		return -1;
	prune(role_fd, gens, *gen);
	return 0;
}

/* --- an operator's choice ------------------------------------------------------------- */

static int
open_gen(int role_fd, uint64_t gen)
{
	char path[48];

	snprintf(path, sizeof path, "gens/%llu", (unsigned long long)gen);
	return open_beneath(role_fd, path, O_DIRECTORY | O_RDONLY);
}

size_t
gens_list(int role_fd, struct gens_one out[GENS_KEPT + 1])
{
	uint64_t current = link_gen(role_fd, "current"), held = link_gen(role_fd, "held");
	AUTO_CLOSE int gens = open_beneath(role_fd, "gens", O_DIRECTORY | O_RDONLY);
	size_t n = 0;

	for (uint64_t gen = 0; gens >= 0 && n <= GENS_KEPT && (gen = gen_after(gens, gen)) != 0;) {
		AUTO_CLOSE int dir = open_gen(role_fd, gen);
		struct stat st;

		if (dir < 0 || fstat(dir, &st) < 0)
			continue;
		out[n++] = (struct gens_one){.gen = gen,
		    .made_ms = (uint64_t)st.st_mtim.tv_sec * 1000 +
			       (uint64_t)st.st_mtim.tv_nsec / 1000000,
		    .files = (uint32_t)count_files(dir),
		    .current = gen == current,
		    .held = gen == held};
	}
	return n;
}

uint64_t
gens_held(int role_fd)
{
	return link_gen(role_fd, "held");
}

int
gens_hold(int role_fd, uint64_t gen, struct err *err)
{
	AUTO_CLOSE int dir = open_gen(role_fd, gen);

	if (gen == 0 || dir < 0)
		return err_set(err, 1, "there is no generation %llu", (unsigned long long)gen);
	return point(role_fd, "held", gen, err);
}

int
gens_release(int role_fd, struct err *err)
{
	if ((unlinkat(role_fd, "held", 0) < 0 && errno != ENOENT) || fsync(role_fd) < 0)
		return err_set(err, EXIT_STATE, "held: %s", strerror(errno));
	return 0;
}

/* Is that file the same in both, by mode and bytes?  Neither has it: it is. */
static bool
same_file(int a_dir, int b_dir, const char *name)
{
	AUTO_CLOSE int a = open_beneath(a_dir, name, O_RDONLY | O_NONBLOCK);
	AUTO_CLOSE int b = open_beneath(b_dir, name, O_RDONLY | O_NONBLOCK);
	uint8_t x[READ_BYTES / 8], y[READ_BYTES / 8];
	struct stat sa, sb;

	if (a < 0 || b < 0)
		return a < 0 && b < 0;
	if (fstat(a, &sa) < 0 || fstat(b, &sb) < 0 || !S_ISREG(sa.st_mode) ||
	    !S_ISREG(sb.st_mode) || sa.st_mode != sb.st_mode || sa.st_size != sb.st_size)
		return false;
	for (off_t at = 0; at < sa.st_size;) {
		ssize_t n = pread(a, x, sizeof x, at);

		if (n <= 0 || pread(b, y, (size_t)n, at) != n || memcmp(x, y, (size_t)n) != 0)
			return false;
		at += n;
	}
	return true;
}

int
gens_use(int role_fd, uint64_t gen, struct gens_file *files, size_t count, struct err *err)
{
	uint64_t current = link_gen(role_fd, "current");
	AUTO_CLOSE int old = open_gen(role_fd, current);
	AUTO_CLOSE int dir = open_gen(role_fd, gen);

	if (dir < 0)
		return err_set(err, 1, "generation %llu is held, and is not there any more",
		    (unsigned long long)gen);
	for (size_t i = 0; i < count; i++)
		files[i].changed = !same_file(old, dir, files[i].name);
	if (current == gen)
		return 0;
	return point(role_fd, "current", gen, err) < 0 ? -1 : 1;
}

int
gens_clear(int role_fd, struct err *err)
{
	static const char *const all[] = {"current", "next", "held", "check", "gens"};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (remove_tree(role_fd, all[i], DEPTH_MAX) < 0)
			return err_set(err, EXIT_STATE, "remove %s: %s", all[i], strerror(errno));
	return 0;
}
