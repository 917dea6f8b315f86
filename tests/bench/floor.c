/*
 * floor.c - the least that any program pays for a container as ours are: the
 * kernel's own work, asked for in the shortest way, with nothing judged, kept,
 * adopted or told.
 *
 *   floor IMAGE GROUP    for each line on stdin one start of /bin/stamp; the ns
 *                        from the first call for it to the program's own stamp,
 *                        on stdout
 *
 * Namespaces: mount, pid, ipc, uts, cgroup, and a user namespace that is made
 * once and entered, as ours.  Limits of memory, cpu and pids (v1), a leaf of
 * cgroup2, an id-mapped read-only image, /dev, /proc with its masks, /tmp, no
 * capability, no new privileges, a seccomp filter of as many instructions as one
 * of ours has.  What fails ends it: exit 99 and the line of this file.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MUST(e)                                                                \
	do {                                                                   \
		if ((e) < 0) {                                                 \
			fprintf(stderr, "floor.c:%d: %s\n", __LINE__,          \
			    strerror(errno));                                  \
			_exit(99);                                             \
		}                                                              \
	} while (0)

enum { USER = 1000, FIRST = 700000000, COUNT = 65536, RULES = 240 };

static const struct {
	const char *name, *file, *value;
} limits[] = {{"memory", "memory.limit_in_bytes", "67108864"},
    {"cpu", "cpu.shares", "512"}, {"pids", "pids.max", "64"}};
static struct sock_filter filter[RULES + 2];
static const char *image, *group;
static char unified[64];
static int userns = -1, doors[3];

static void
put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	MUST(fd);
	MUST(write(fd, text, strlen(text)));
	close(fd);
}

static long long
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long long)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* Held by a child for the moment in which it is opened. */
static void
make_userns(void)
{
	char path[64], map[64];
	int hold[2];
	pid_t pid;

	MUST(pipe(hold));
	MUST(pid = fork());
	if (pid == 0) {
		MUST(unshare(CLONE_NEWUSER));
		MUST(write(hold[1], "x", 1));
		for (;;)
			pause();
	}
	MUST(read(hold[0], map, 1));
	snprintf(map, sizeof map, "0 %d %d\n", FIRST, COUNT);
	snprintf(path, sizeof path, "/proc/%d/uid_map", (int)pid);
	put(path, map);
	snprintf(path, sizeof path, "/proc/%d/gid_map", (int)pid);
	put(path, map);
	snprintf(path, sizeof path, "/proc/%d/ns/user", (int)pid);
	MUST(userns = open(path, O_RDONLY | O_CLOEXEC));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Rules that never hold, and all is allowed. */
static void
make_filter(void)
{
	filter[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0);
	for (unsigned i = 0; i < RULES; i++)
		filter[1 + i] = (struct sock_filter)BPF_JUMP(
		    BPF_JMP | BPF_JEQ | BPF_K, 2000 + i, RULES - 1 - i, 0);
	filter[1 + RULES] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
	    SECCOMP_RET_ALLOW);
}

static int
image_tree(void)
{
	struct mount_attr attr = {
	    .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
		MOUNT_ATTR_NODEV | MOUNT_ATTR_IDMAP,
	    .propagation = MS_PRIVATE,
	    .userns_fd = (uint64_t)userns,
	};
	int fd = (int)syscall(SYS_open_tree, AT_FDCWD, image,
	    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);

	MUST(fd);
	MUST(syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | AT_RECURSIVE,
	    &attr, sizeof attr));
	return fd;
}

static void
mount_all(void)
{
	static const struct {
		const char *name;
		unsigned major, minor;
	} nodes[] = {{"dev/null", 1, 3}, {"dev/zero", 1, 5}, {"dev/full", 1, 7},
	    {"dev/random", 1, 8}, {"dev/urandom", 1, 9}, {"dev/tty", 5, 0}};
	static const char *const hidden[] = {"proc/kcore", "proc/keys",
	    "proc/timer_list", "proc/interrupts"};
	static const char *const fixed[] = {"proc/bus", "proc/fs", "proc/irq",
	    "proc/sys", "proc/sysrq-trigger"};
	const unsigned long plain = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	MUST(mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_NOEXEC,
	    "mode=755,size=64k"));
	umask(0);
	for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
		MUST(mknod(nodes[i].name, S_IFCHR | 0666,
		    makedev(nodes[i].major, nodes[i].minor)));
	MUST(mkdir("dev/shm", 0755));
	MUST(mount("tmpfs", "dev/shm", "tmpfs", plain, "mode=1777,size=64m"));
	MUST(symlink("/proc/self/fd", "dev/fd"));
	MUST(mount("proc", "proc", "proc", plain, NULL));
	MUST(mount("tmpfs", "tmp", "tmpfs", plain, "mode=1777,size=100m"));
	for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
		if (access(hidden[i], F_OK) == 0)
			MUST(mount("dev/null", hidden[i], NULL, MS_BIND, NULL));
	for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
		if (access(fixed[i], F_OK) < 0)
			continue;
		MUST(mount(fixed[i], fixed[i], NULL, MS_BIND, NULL));
		MUST(mount(NULL, fixed[i], NULL,
		    MS_BIND | MS_REMOUNT | MS_RDONLY | plain, NULL));
	}
}

static void
child(int go, int out)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct none[2] = {{0}};
	struct sock_fprog program = {RULES + 2, filter};
	char *const argv[] = {(char *)(uintptr_t)"/bin/stamp", NULL};
	char *const env[] = {NULL};
	int tree;
	char byte;

	MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	tree = image_tree();
	MUST(syscall(SYS_move_mount, tree, "", AT_FDCWD, "/proc",
	    MOVE_MOUNT_F_EMPTY_PATH));
	MUST(fchdir(tree));
	MUST(syscall(SYS_pivot_root, ".", "."));
	MUST(umount2(".", MNT_DETACH));
	MUST(chdir("/"));
	mount_all();
	MUST(sethostname("floor", 5));
	MUST(setsid());
	for (size_t i = 0; i < sizeof doors / sizeof *doors; i++)
		MUST(write(doors[i], "0", 1)); /* a thread by itself: no RCU */
	MUST(read(go, &byte, 1));
	MUST(unshare(CLONE_NEWCGROUP));
	MUST(dup2(out, 1));
	MUST(setgroups(0, NULL));
	MUST(setns(userns, CLONE_NEWUSER));
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	MUST(setresgid(USER, USER, USER));
	MUST(setresuid(USER, USER, USER));
	MUST(syscall(SYS_capset, &head, none));
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	MUST(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
	MUST(syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC));
	execve(argv[0], argv, env);
	MUST(-1);
}

static void
leaf(char *out, size_t cap, const char *hierarchy, const char *file)
{
	snprintf(out, cap, "%s/%s/%s", hierarchy, group, file);
}

static int
make_groups(void)
{
	char path[256], top[64];
	int fd;

	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		snprintf(top, sizeof top, "/sys/fs/cgroup/%s", limits[i].name);
		leaf(path, sizeof path, top, "");
		MUST(mkdir(path, 0755));
		leaf(path, sizeof path, top, limits[i].file);
		put(path, limits[i].value);
		leaf(path, sizeof path, top, "tasks");
		MUST(doors[i] = open(path, O_WRONLY | O_CLOEXEC));
	}
	leaf(path, sizeof path, unified, "");
	MUST(mkdir(path, 0755));
	MUST(fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	return fd;
}

static void
remove_groups(void)
{
	char path[256], top[64];

	for (size_t i = 0; i <= sizeof limits / sizeof *limits; i++) {
		snprintf(top, sizeof top, "%s%s",
		    i < 3 ? "/sys/fs/cgroup/" : unified,
		    i < 3 ? limits[i].name : "");
		leaf(path, sizeof path, top, "");
		for (int tries = 0; rmdir(path) < 0 && errno == EBUSY && tries < 10000; tries++)
			usleep(100); /* who ended is not yet out of it; a second at most */
	}
}

static long long
start(void)
{
	char text[32] = "";
	long long before = now_ns();
	int go[2], out[2], pidfd = -1, into = make_groups();
	struct clone_args args = {
	    .flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
		CLONE_PIDFD | CLONE_INTO_CGROUP,
	    .pidfd = (uint64_t)(uintptr_t)&pidfd,
	    .exit_signal = SIGCHLD,
	    .cgroup = (uint64_t)into,
	};
	siginfo_t si;
	pid_t pid;

	MUST(pipe2(go, O_CLOEXEC));
	MUST(pipe2(out, O_CLOEXEC));
	MUST(pid = (pid_t)syscall(SYS_clone3, &args, sizeof args));
	if (pid == 0)
		child(go[0], out[1]);
	MUST(write(go[1], "x", 1));
	close(go[0]);
	close(go[1]);
	close(out[1]);
	MUST(read(out[0], text, sizeof text - 1));
	MUST(waitid(P_PIDFD, (id_t)pidfd, &si, WEXITED));
	if (si.si_code != CLD_EXITED || si.si_status != 0)
		_exit(99);
	close(out[0]);
	close(pidfd);
	close(into);
	for (size_t i = 0; i < sizeof doors / sizeof *doors; i++)
		close(doors[i]);
	remove_groups();
	return atoll(text) - before;
}

int
main(int argc, char **argv)
{
	char line[8];

	if (argc != 3)
		return 2;
	image = argv[1];
	group = argv[2];
	snprintf(unified, sizeof unified, "%s",
	    access("/sys/fs/cgroup/unified", F_OK) == 0 ?
		"/sys/fs/cgroup/unified" :
		"/sys/fs/cgroup");
	make_userns();
	make_filter();
	while (fgets(line, sizeof line, stdin) != NULL) {
		printf("%lld\n", start());
		fflush(stdout);
	}
	return 0;
}
