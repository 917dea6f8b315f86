/*
 * sys.c - see sys.h.
 */
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../base/own.h"
#include "../base/weak.h"

msec
sys_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (msec)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

uint64_t
sys_boot_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

uint64_t
sys_wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

int
sys_openat2(int dir, const char *path, int flags, mode_t mode, uint64_t resolve)
{
	struct open_how how = {
	    .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
	    .mode = mode,
	    .resolve = resolve,
	};
	long fd = -1;

	for (int i = 0; i < 100; i++) {
		fd = syscall(SYS_openat2, dir, path, &how, sizeof how);
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return (int)fd;
}

/* RESOLVE_BENEATH takes no absolute path: "/a" below dir is "a". */
static const char *
relative(const char *path)
{
	while (*path == '/')
		path++;
	return *path ? path : ".";
}

int
sys_open_beneath(int dir, const char *path, int flags)
{
	return sys_openat2(dir, relative(path), flags, 0,
	    IF_HOLDS("beneath",
		RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS));
}

int
sys_open_inside(int dir, const char *path, int flags)
{
	return sys_openat2(dir, path, flags, 0,
	    IF_HOLDS("inside", RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS));
}

int
sys_open_cached(int dir, const char *path, int flags)
{
	const struct open_how how = {
	    .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
	    .resolve = RESOLVE_CACHED |
		(uint64_t)IF_HOLDS("inside", RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS),
	};

	return (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
}

pid_t
sys_fork(uint64_t flags, int cgroup, int *pidfd)
{
	struct clone_args args = {
	    .flags = flags | CLONE_PIDFD,
	    .pidfd = (uint64_t)(uintptr_t)pidfd,
	    /* With CLONE_PARENT it is the caller's own. */
	    .exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD,
	};

	if (cgroup >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)(unsigned)cgroup;
	}
	return (pid_t)syscall(SYS_clone3, &args, sizeof args);
}

pid_t
sys_fork_as(pid_t pid, int *pidfd)
{
	struct clone_args args = {
	    .flags = CLONE_PIDFD,
	    .pidfd = (uint64_t)(uintptr_t)pidfd,
	    .exit_signal = SIGCHLD,
	    .set_tid = (uint64_t)(uintptr_t)&pid,
	    .set_tid_size = 1,
	};

	return (pid_t)syscall(SYS_clone3, &args, sizeof args);
}

int
sys_pidfd_open(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

int
sys_pidfd_kill(int pidfd, int sig)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0);
}

void
sys_exec_fd(int fd, char *const argv[], char *const envp[])
{
	syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH);
}

int
sys_reap(int pidfd, int *status)
{
	siginfo_t si = {0};

	if (waitid(P_PIDFD, (id_t)pidfd, &si, WEXITED | WNOHANG) < 0)
		return -1;
	if (si.si_pid == 0)
		return 0;
	*status = si.si_code == CLD_EXITED ? (si.si_status & 0xff) << 8 :
					     si.si_status & 0x7f;
	return 1;
}

uint64_t
sys_start_time(pid_t pid)
{
	char path[64], buf[1024], *p;
	ssize_t n;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || (n = read(fd, buf, sizeof buf - 1)) <= 0)
		return 0;
	buf[n] = '\0';
	/* The name may hold anything, also ')': fields count from the last. */
	p = strrchr(buf, ')');
	for (int field = 2; p != NULL && field < 22; field++)
		p = strchr(p + 1, ' ');
	return p ? strtoull(p + 1, NULL, 10) : 0;
}

/* Magic of the file system that pidfds are in since Linux 6.9. */
enum { PIDFS = 0x50494446 };

uint64_t
sys_pidfd_id(int pidfd)
{
	struct statfs fs;
	struct stat st;

	return fstatfs(pidfd, &fs) == 0 && fs.f_type == PIDFS && fstat(pidfd, &st) == 0 ?
	    st.st_ino :
	    0;
}

void
sys_boot_id(char *out)
{
	AUTO_CLOSE int fd = open("/proc/sys/kernel/random/boot_id",
	    O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, 36);

	out[n == 36 ? 36 : 0] = '\0';
}

void
sys_keep_only(int *fds, size_t count)
{
	int next = 3;

	for (size_t i = 1; i < count; i++)
		for (size_t k = i; k > 0 && fds[k - 1] > fds[k]; k--) {
			int t = fds[k];

			fds[k] = fds[k - 1];
			fds[k - 1] = t;
		}
	for (size_t i = 0; i < count; i++) {
		if (fds[i] > next)
			close_range((unsigned)next, (unsigned)fds[i] - 1, 0);
		if (fds[i] >= next)
			next = fds[i] + 1;
	}
	close_range((unsigned)next, ~0U, 0);
}

int
sys_landlock_abi(void)
{
	enum { ASK_VERSION = 1 };
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, ASK_VERSION);

	return abi > 0 ? (int)abi : 0;
}

int
sys_memfd(const char *name, const void *buf, size_t len)
{
	AUTO_CLOSE int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	const uint8_t *p = buf;
	int out;

	while (fd >= 0 && len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0 ||
	    (HOLDS("sealed") &&
		fcntl(fd, F_ADD_SEALS,
		    F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0))
		return -1;
	out = fd;
	fd = -1;
	return out;
}

ssize_t
sys_read_all(int fd, void *buf, size_t cap)
{
	size_t len = 0;

	while (len < cap) {
		ssize_t n = pread(fd, (char *)buf + len, cap - len, (off_t)len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

int
sys_write_file(int dir, const char *path, const char *text)
{
	AUTO_CLOSE int fd = openat(dir, path, O_WRONLY | O_CLOEXEC | O_TRUNC);
	size_t len = strlen(text);

	if (fd < 0)
		return -1;
	return write(fd, text, len) == (ssize_t)len ? 0 : -1;
}

static struct rlimit nofile_before;

void
sys_raise_nofile(void)
{
	struct rlimit most;

	if (getrlimit(RLIMIT_NOFILE, &nofile_before) < 0)
		return;
	most = nofile_before;
	most.rlim_cur = most.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &most);
}

void
sys_restore_nofile(void)
{
	if (nofile_before.rlim_max != 0)
		(void)setrlimit(RLIMIT_NOFILE, &nofile_before);
}

void
sys_default_signals(void)
{
	static const unsigned long dfl[4]; /* the kernel's own struct: all zero is SIG_DFL */

	/* By hand: libc keeps two for itself and would leave those ignored. */
	for (int sig = 1; sig < NSIG; sig++)
		syscall(SYS_rt_sigaction, sig, dfl, NULL, sizeof(uint64_t));
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
}

void
sys_reset_signals(void)
{
	sigset_t none;

	signal(SIGPIPE, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

int
sys_drop_bounding(uint64_t keep)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -1;
	/* EINVAL says that the kernel knows no such capability: the end. */
	for (int cap = 0; cap < 64; cap++)
		if (!(keep >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return errno == EINVAL && cap > 0 ? 0 : -1;
	return 0;
}

static bool one_id;

void
sys_keep_groups(void)
{
	one_id = true;
}

int
sys_no_groups(void)
{
	return one_id ? 0 : setgroups(0, NULL);
}

int
sys_become(uid_t uid, gid_t gid)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct none[2] = {{0}};

	if (one_id)
		uid = gid = 0;
	if (sys_no_groups() < 0 || sys_drop_bounding(0) < 0 ||
	    setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0 ||
	    syscall(SYS_capset, &head, none) < 0 ||
	    (HOLDS("become-nnp") && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0))
		return -1;
	return 0;
}

const struct passwd *
sys_passwd(const char *name, uid_t uid)
{
	AUTO_FCLOSE FILE *f = fopen("/etc/passwd", "re");
	const struct passwd *pw = NULL;

	while (f != NULL && (pw = fgetpwent(f)) != NULL)
		if (name != NULL ? strcmp(pw->pw_name, name) == 0 : pw->pw_uid == uid)
			break;
	return pw;
}
