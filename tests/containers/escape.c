/*
 * escape.c - tries to get out of a container.
 *
 *   escape TRY...    each TRY, VERB or VERB:ARGUMENT, in a process of its own;
 *                    prints TRY=escaped or TRY=why not (an errno or a signal)
 *   escape am-root   exits 0 if the effective user is root
 *   escape born PID  a process of just that pid, until it is killed
 *   meshd-init ...   started by that name, it is an init that was replaced
 *
 * Nothing here harms the host that lets it through: what can be opened is not
 * written.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static long
try_read(const char *path)
{
	char byte;
	int fd = open(path, O_RDONLY | O_NONBLOCK);

	errno = fd < 0 ? errno : 0;
	return fd < 0 ? -1 : read(fd, &byte, 1) == 1 ? 0 : -1;
}

static long
try_write(const char *path)
{
	return open(path, O_WRONLY | O_NONBLOCK);
}

static long
try_create(const char *path)
{
	return open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
}

static long
try_become(const char *uid)
{
	return setuid((uid_t)atoi(uid));
}

/* The one that each terminal has already: there is no kernel without it. */
static long
try_discipline(const char *unused)
{
	int none = 0;

	(void)unused;
	return ioctl(open("/dev/ptmx", O_RDWR | O_NOCTTY), TIOCSETD, &none);
}

static long
try_lease(const char *path)
{
	int fd = open(path, O_RDONLY);

	return fd < 0 ? -1 : fcntl(fd, F_SETLEASE, F_WRLCK);
}

/* A set-uid file in this directory, in each way that there is. */
static long
try_setuid(const char *dir)
{
	struct {
		uint64_t flags, mode, resolve;
	} how = {O_WRONLY | O_CREAT, 04755, 0};
	struct stat st;
	int made = 0, fd;

	if (chdir(dir) < 0)
		return -1;
	fd = open("a", O_RDWR | O_CREAT, 0755);
	chmod("a", 04755);
	made += fstat(fd, &st) == 0 && (st.st_mode & S_ISUID);
	fchmod(fd, 06755);
	made += fstat(fd, &st) == 0 && (st.st_mode & S_ISUID);
	fchmodat(AT_FDCWD, "a", 04711, 0);
	made += fstat(fd, &st) == 0 && (st.st_mode & S_ISUID);
	syscall(452, AT_FDCWD, "a", 04700, 0); /* fchmodat2 */
	made += fstat(fd, &st) == 0 && (st.st_mode & S_ISUID);
	open("b", O_RDWR | O_CREAT, 04755);
	made += stat("b", &st) == 0 && (st.st_mode & S_ISUID);
	creat("c", 04755);
	made += stat("c", &st) == 0 && (st.st_mode & S_ISUID);
	mknod("d", S_IFREG | 04755, 0);
	made += stat("d", &st) == 0 && (st.st_mode & S_ISUID);
	fd = open(".", O_WRONLY | O_TMPFILE, 04755);
	made += fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & S_ISUID);
	syscall(SYS_openat2, AT_FDCWD, "e", &how, sizeof how);
	made += stat("e", &st) == 0 && (st.st_mode & S_ISUID);
	/* Other modes, and open with rubbish where no mode is looked at. */
	if (chmod("a", 02775) < 0 || syscall(SYS_openat, AT_FDCWD, "a", O_RDONLY, 04755) < 0)
		return -1;
	errno = EPERM;
	return made ? made : -1;
}

/* A way to "/", for who follows it. */
static long
try_link(const char *path)
{
	return symlink("/", path);
}

static long
try_run(const char *path)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		execl(path, path, "am-root", (char *)NULL);
		_exit(errno);
	}
	waitpid(pid, &status, 0);
	errno = WEXITSTATUS(status);
	return status == 0 ? 0 : -1;
}

/* Any descriptor that we were not meant to have. */
static long
try_fds(const char *arg)
{
	(void)arg;
	for (int fd = 3; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			return fd;
	return -1;
}

/* A file of the directory that is our stdin. */
static long
try_stdin(const char *name)
{
	return openat(0, name, O_RDONLY);
}

static long
try_ptrace(const char *pid)
{
	return ptrace(PTRACE_SEIZE, atoi(pid), 0, 0);
}

static long
try_kill(const char *pid)
{
	return kill(atoi(pid), 0);
}

static long
try_unshare(const char *arg)
{
	(void)arg;
	return unshare(CLONE_NEWUSER);
}

static long
born(long pid)
{
	if (pid == 0)
		_exit(0);
	return pid;
}

static long
try_clone(const char *arg)
{
	(void)arg;
	return born(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
}

static long
try_clone3(const char *arg)
{
	struct clone_args args = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};

	(void)arg;
	return born(syscall(SYS_clone3, &args, sizeof args));
}

/* In a namespace of our own we would be root over mounts. */
static long
try_mount(const char *arg)
{
	(void)arg;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return -1;
	return syscall(SYS_mount, "none", "/tmp", "tmpfs", 0, 0);
}

static long
try_raw(const char *arg)
{
	(void)arg;
	return socket(AF_INET, SOCK_RAW, 1);
}

static long
try_packet(const char *arg)
{
	(void)arg;
	return socket(AF_PACKET, SOCK_RAW, 0);
}

static long
try_alg(const char *arg)
{
	(void)arg;
	return socket(AF_ALG, SOCK_SEQPACKET, 0);
}

/* To the hypervisor, and to other machines of it. */
static long
try_vsock(const char *arg)
{
	(void)arg;
	return socket(AF_VSOCK, SOCK_STREAM, 0);
}

/* No family but AF_UNIX has pairs; what matters is who says so. */
static long
try_pair(const char *arg)
{
	int pair[2];

	(void)arg;
	return socketpair(AF_INET, SOCK_STREAM, 0, pair) < 0 &&
		errno == EOPNOTSUPP ? 0 : -1;
}

static long
try_key(const char *name)
{
	return syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING,
	    "user", name, 0);
}

static long
try_io_uring(const char *arg)
{
	char params[120] = {0};

	(void)arg;
	return syscall(SYS_io_uring_setup, 1, params);
}

/* As if the person at meshd's terminal had typed it. */
static long
try_type(const char *text)
{
	int fd = open("/dev/tty", O_RDWR);

	for (; fd >= 0 && *text != '\0'; text++)
		if (ioctl(fd, TIOCSTI, text) < 0)
			return -1;
	return fd;
}

static void
group_of_self(char *out, size_t cap)
{
	char text[4096], *line;
	int fd = open("/proc/self/cgroup", O_RDONLY);
	ssize_t n = read(fd, text, sizeof text - 1);

	text[n > 0 ? n : 0] = '\0';
	line = strstr(text, "0::");
	snprintf(out, cap, "%s", line ? line : "");
	close(fd);
}

/* Into the topmost group that can be seen. */
static long
try_cgroup(const char *arg)
{
	char before[256], after[256];
	int fd;

	(void)arg;
	group_of_self(before, sizeof before);
	mkdir("/tmp/group", 0700);
	if (syscall(SYS_mount, "none", "/tmp/group", "cgroup2", 0, 0) < 0)
		return -1;
	fd = open("/tmp/group/cgroup.procs", O_WRONLY);
	if (fd < 0 || write(fd, "0", 1) != 1)
		return -1;
	group_of_self(after, sizeof after);
	errno = ENOENT;
	return strcmp(before, after) ? 0 : -1;
}

static long
try_mknod(const char *path)
{
	if (mknod(path, S_IFCHR | 0666, makedev(1, 5)) < 0)
		return -1;
	return open(path, O_RDONLY);
}

/* One that no /dev of ours has: the kernel's own log. */
static long
try_mknod_log(const char *path)
{
	if (mknod(path, S_IFCHR | 0666, makedev(1, 11)) < 0)
		return -1;
	return open(path, O_WRONLY);
}

/* TYPE,HEX: a file of the same file system, by its number instead of its path. */
static long
try_handle(const char *what)
{
	struct {
		unsigned bytes;
		int type;
		unsigned char data[128];
	} handle = {0, atoi(what), {0}};
	const char *hex = strchr(what, ',') + 1;
	int dir = open("/sub", O_RDONLY | O_DIRECTORY);

	for (; sscanf(hex, "%2hhx", &handle.data[handle.bytes]) == 1; hex += 2)
		handle.bytes++;
	return syscall(SYS_open_by_handle_at, dir, &handle, O_RDONLY);
}

static long
try_i386(const char *arg)
{
	long rc = 0;

	(void)arg;
#ifdef __x86_64__
	/* getpid, by the number that it has there */
	__asm__ volatile("int $0x80" : "=a"(rc) : "a"(20) : "memory");
#endif
	return rc > 0 ? rc : -1;
}

/* A kernel without x32 says ENOSYS: it was asked. */
static long
try_x32(const char *arg)
{
	long rc = syscall(0x40000000 | SYS_getpid);

	(void)arg;
	return rc > 0 || errno == ENOSYS ? 0 : -1;
}

static long
try_personality(const char *arg)
{
	(void)arg;
	return syscall(SYS_personality, 0x0400000); /* READ_IMPLIES_EXEC */
}

/* The init's log, a file of the host. */
static long
try_getfd(const char *fd)
{
	int init = (int)syscall(SYS_pidfd_open, 1, 0);

	return syscall(SYS_pidfd_getfd, init, atoi(fd), 0);
}

static long
try_remount(const char *arg)
{
	struct mount_attr attr = {.attr_clr = MOUNT_ATTR_RDONLY};

	(void)arg;
	return syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, &attr, sizeof attr);
}

static long
try_syslog(const char *arg)
{
	char text[64];

	(void)arg;
	return syscall(SYS_syslog, 3, text, sizeof text);
}

static long
try_shm(const char *key)
{
	return shmget((key_t)atoi(key), 0, 0);
}

static long
try_abstract(const char *name)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(a.sun_path + 1, name, strlen(name));
	return connect(fd, (struct sockaddr *)&a,
	    (socklen_t)(sizeof a.sun_family + 1 + strlen(name)));
}

/* "PROTOCOL,PORT" */
static long
try_bind(const char *arg)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM, atoi(arg));
	long rc;

	a.sin_port = htons((uint16_t)atoi(strchr(arg, ',') + 1));
	rc = bind(fd, (struct sockaddr *)&a, sizeof a);
	close(fd);
	return rc;
}

static long
try_netlink(const char *protocol)
{
	return socket(AF_NETLINK, SOCK_RAW, atoi(protocol));
}

/* That nothing changes by: whoever may set this one may set all. */
static long
try_limit(const char *pid)
{
	struct rlimit none = {0, 0};

	return prlimit(atoi(pid), RLIMIT_RTPRIO, &none, NULL);
}

static const struct {
	const char *verb;
	long (*fn)(const char *arg);
} tries[] = {{"read", try_read}, {"write", try_write}, {"create", try_create},
    {"link", try_link}, {"setuid", try_setuid}, {"become", try_become}, {"lease", try_lease}, {"discipline", try_discipline},
    {"run", try_run}, {"fds", try_fds}, {"stdin", try_stdin}, {"ptrace", try_ptrace},
    {"kill", try_kill}, {"unshare", try_unshare}, {"clone", try_clone},
    {"clone3", try_clone3}, {"mount", try_mount}, {"raw", try_raw},
    {"packet", try_packet}, {"alg", try_alg}, {"vsock", try_vsock}, {"pair", try_pair}, {"key", try_key},
    {"io_uring", try_io_uring}, {"type", try_type}, {"cgroup", try_cgroup},
    {"mknod", try_mknod}, {"mknod-log", try_mknod_log}, {"handle", try_handle}, {"i386", try_i386}, {"x32", try_x32},
    {"personality", try_personality}, {"getfd", try_getfd},
    {"remount", try_remount}, {"syslog", try_syslog}, {"shm", try_shm},
    {"abstract", try_abstract}, {"bind", try_bind},
    {"netlink", try_netlink}, {"limit", try_limit}};

static void
attempt(const char *what)
{
	size_t n = strcspn(what, ":");

	for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
		if (strlen(tries[i].verb) != n ||
		    strncmp(tries[i].verb, what, n) != 0)
			continue;
		if (tries[i].fn(what[n] ? what + n + 1 : "") >= 0)
			printf("%s=escaped\n", what);
		else
			printf("%s=%s\n", what, errno ? strerrorname_np(errno) : "nothing");
		_exit(0);
	}
	printf("%s=unknown\n", what);
	_exit(0);
}

static int
born_as(pid_t pid)
{
	struct clone_args args = {.exit_signal = SIGCHLD,
	    .set_tid = (uint64_t)(uintptr_t)&pid, .set_tid_size = 1};
	long rc = syscall(SYS_clone3, &args, sizeof args);

	if (rc == 0)
		for (prctl(PR_SET_PDEATHSIG, SIGKILL);;)
			pause();
	if (rc < 0)
		return errno;
	if (write(1, "BORN\n", 5) != 5)
		return 1;
	return waitpid(pid, NULL, 0) == pid ? 0 : errno;
}

int
main(int argc, char **argv)
{
	int status = 0;
	pid_t pid;

	if (strcmp(argv[0], "meshd-init") == 0) {
		if (write(4, "- - REPLACED\n", 13) < 0)
			return 1;
		pause();
	}
	if (argc == 2 && strcmp(argv[1], "am-root") == 0)
		return geteuid() == 0 ? 0 : EPERM;
	if (argc == 3 && strcmp(argv[1], "born") == 0)
		return born_as(atoi(argv[2]));
	setvbuf(stdout, NULL, _IONBF, 0);
	for (int i = 1; i < argc; i++) {
		pid = fork();
		if (pid == 0)
			attempt(argv[i]);
		waitpid(pid, &status, 0);
		if (WIFSIGNALED(status))
			printf("%s=SIG%s\n", argv[i], sigabbrev_np(WTERMSIG(status)));
	}
	puts("DONE");
	for (;;)
		pause();
}
