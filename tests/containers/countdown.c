/*
 * countdown.c - preloaded into meshd: its Nth call that changes something
 * outside of it (a file, a name, a mount, a process, a byte through a socket)
 * is never made, by a kill -9; or it is made by nobody who can do it, as the
 * disk says.  The file STEPS_FILE, mapped, is how the test and we talk:
 *
 *   own     counts down in meshd itself; at 0 it gets `sig`
 *   child   counts down in what it forks, until that execs; at 0 the child
 *           waits for `go`, and the test kills meshd meanwhile
 *   fired   one of both came to 0
 *   fail    an errno: changes below STEPS_BELOW fail with it
 *   unread  an errno: so do reads
 *
 * STEPS_BOOT_ID is a file that is read as the kernel's boot id.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

extern char *program_invocation_short_name;

struct steps {
	int own, child, sig, fired, go, fail, unread;
};

static pid_t counted;
static volatile struct steps *st;
static const char *below, *boot_id;

__attribute__((constructor)) static void
begin(void)
{
	int fd = open(getenv("STEPS_FILE"), O_RDWR | O_CLOEXEC);

	if (strcmp(program_invocation_short_name, "meshd") != 0)
		return;
	st = mmap(NULL, sizeof *st, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (st == MAP_FAILED)
		abort();
	counted = getpid();
	below = getenv("STEPS_BELOW");
	boot_id = getenv("STEPS_BOOT_ID");
}

/* Before each call. */
static void
step(void)
{
	int saved = errno;

	if (st == NULL)
		return;
	if (getpid() == counted) {
		if (st->own > 0 && --st->own == 0) {
			st->fired = 1;
			kill(counted, st->sig);
		}
	} else if (st->child > 0 && __sync_sub_and_fetch(&st->child, 1) == 0) {
		st->fired = 1;
		while (!st->go)
			usleep(500);
	}
	errno = saved;
}

/* Is this descriptor on the disk that fails? */
static int
fails_with(int fd, int why)
{
	char link[64], path[4096];
	ssize_t n;

	if (why == 0 || below == NULL || getpid() != counted)
		return 0;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof path - 1);
	path[n > 0 ? n : 0] = '\0';
	if (strncmp(path, below, strlen(below)) != 0)
		return 0;
	errno = why;
	return 1;
}

static int
fails(int fd)
{
	return st != NULL && fails_with(fd, st->fail);
}

#define REAL(name, type, args)                                                 \
	static type(*real) args;                                               \
	if (real == NULL)                                                      \
		real = (type(*) args)dlsym(RTLD_NEXT, #name)

#define WRAP(type, name, args, call, fd)                                       \
	type name args                                                         \
	{                                                                      \
		REAL(name, type, args);                                        \
		step();                                                        \
		return fails(fd) ? -1 : real call;                             \
	}

WRAP(int, fsync, (int fd), (fd), fd)
WRAP(int, fdatasync, (int fd), (fd), fd)
WRAP(int, ftruncate, (int fd, off_t n), (fd, n), fd)
WRAP(int, fchown, (int fd, uid_t u, gid_t g), (fd, u, g), fd)
WRAP(int, fchmod, (int fd, mode_t m), (fd, m), fd)
WRAP(int, fchownat, (int a, const char *b, uid_t u, gid_t g, int f), (a, b, u, g, f), a)
WRAP(int, fchmodat, (int a, const char *b, mode_t m, int f), (a, b, m, f), a)
WRAP(int, renameat, (int a, const char *b, int c, const char *d), (a, b, c, d), a)
WRAP(int, unlinkat, (int a, const char *b, int c), (a, b, c), a)
WRAP(int, mkdirat, (int a, const char *b, mode_t c), (a, b, c), a)
WRAP(int, mknodat, (int a, const char *b, mode_t c, dev_t d), (a, b, c, d), a)
WRAP(int, symlinkat, (const char *a, int b, const char *c), (a, b, c), b)
WRAP(ssize_t, write, (int a, const void *b, size_t c), (a, b, c), a)
WRAP(ssize_t, pwrite, (int a, const void *b, size_t c, off_t d), (a, b, c, d), a)
WRAP(ssize_t, sendmsg, (int a, const struct msghdr *b, int c), (a, b, c), -1)
WRAP(int, bind, (int a, const struct sockaddr *b, socklen_t c), (a, b, c), -1)
WRAP(int, umount2, (const char *a, int b), (a, b), -1)
WRAP(int, setsid, (void), (), -1)
WRAP(int, setresuid, (uid_t a, uid_t b, uid_t c), (a, b, c), -1)
WRAP(int, mount, (const char *a, const char *b, const char *c, unsigned long d, const void *e), (a, b, c, d, e), -1)

/* Changes nothing: it can fail, that is all. */
ssize_t
pread(int fd, void *buf, size_t len, off_t at)
{
	REAL(pread, ssize_t, (int, void *, size_t, off_t));
	return st != NULL && fails_with(fd, st->unread) ? -1 : real(fd, buf, len, at);
}

int
openat(int dir, const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	REAL(openat, int, (int, const char *, int, mode_t));
	va_start(ap, flags);
	mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	if (flags & O_CREAT) {
		step();
		if (fails(dir))
			return -1;
	}
	return real(dir, path, flags, mode);
}

int
open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	REAL(open, int, (const char *, int, mode_t));
	va_start(ap, flags);
	mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	if (boot_id != NULL &&
	    strcmp(path, "/proc/sys/kernel/random/boot_id") == 0)
		path = boot_id;
	return real(path, flags, mode);
}

int
ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	REAL(ioctl, int, (int, unsigned long, void *));
	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (request == LOOP_CONFIGURE)
		step();
	return real(fd, request, arg);
}

long
syscall(long n, ...)
{
	va_list ap;
	long a[6];

	REAL(syscall, long, (long, ...));
	va_start(ap, n);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	switch (n) {
	case SYS_openat2:
		if (!(((struct open_how *)a[2])->flags & O_CREAT))
			break;
		step();
		if (fails((int)a[0]))
			return -1;
		break;
	case SYS_fsconfig: /* in meshd itself: of images that are files */
	case SYS_fsmount:
		if (getpid() == counted)
			step();
		break;
	case SYS_clone3:
	case SYS_pidfd_send_signal:
	case SYS_open_tree:
	case SYS_mount_setattr:
	case SYS_move_mount:
	case SYS_pivot_root:
	case SYS_keyctl:
	case SYS_capset:
	case SYS_execveat:
		step();
		break;
	default:
		break;
	}
	return real(n, a[0], a[1], a[2], a[3], a[4], a[5]);
}
