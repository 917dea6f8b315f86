/*
 * mounts.c - see mounts.h.
 */
#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/own.h"
#include "sys.h"

enum { INODES_MIN = 64 };

/* One for each page: empty files would else take memory without an end. */
static unsigned long long
inodes_for(const char *size)
{
	char *end = NULL;
	unsigned long long n = strtoull(size, &end, 10);

	if (*end == 'k')
		n <<= 10;
	if (*end == 'm')
		n <<= 20;
	return n / 4096 < INODES_MIN ? INODES_MIN : n / 4096;
}

int
mounts_new(const char *type, const char *const *options, unsigned attr)
{
	AUTO_CLOSE int fs = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);

	if (fs < 0)
		return -1;
	for (; *options != NULL; options += 2)
		if (syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, options[0], options[1], 0) < 0)
			return -1;
	if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	return (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attr);
}

int
mounts_tmpfs(const char *size, const char *mode, uint32_t uid, uint32_t gid, unsigned attr)
{
	char inodes[24], user[16], group[16];
	const char *options[] = {"mode", mode, "size", size, "nr_inodes", inodes,
	    "uid", user, "gid", group, NULL};

	snprintf(inodes, sizeof inodes, "%llu", inodes_for(size));
	snprintf(user, sizeof user, "%u", uid);
	snprintf(group, sizeof group, "%u", gid);
	if (uid == 0 && gid == 0)
		options[6] = NULL;
	return mounts_new("tmpfs", options, attr);
}

int
mounts_put(int mnt, int at)
{
	return (int)syscall(SYS_move_mount, mnt, "", at, "",
	    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

/* Says so when it has given up all mounts but one, and holds that until it is ended. */
_Noreturn static void
hold(int ready, int end)
{
	int kept[] = {ready, end};
	int mnt;
	char byte;

	sys_keep_only(kept, 2);
	/* Any directory of the host will do for a moment; /proc exists. */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    (mnt = mounts_tmpfs("4k", "555", 0, 0,
		 MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)) < 0 ||
	    syscall(SYS_move_mount, mnt, "", AT_FDCWD, "/proc", MOVE_MOUNT_F_EMPTY_PATH) < 0 ||
	    fchdir(mnt) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0 || write(ready, "x", 1) != 1)
		_exit(errno);
	while (read(end, &byte, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

int
mounts_bare(void)
{
	char path[64], byte;
	int pidfd = -1, fd = -1, why = 0, ready[2], end[2];
	siginfo_t si = {0};
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) < 0)
		return -1;
	AUTO_CLOSE int told = ready[0], tells = ready[1];
	if (pipe2(end, O_CLOEXEC) < 0)
		return -1;
	AUTO_CLOSE int ends = end[0], held = end[1]; /* closed also when we are killed in here */

	(void)held;
	pid = sys_fork(CLONE_NEWNS, -1, &pidfd);
	if (pid == 0)
		hold(tells, ends);
	if (pid < 0)
		return -1;
	close(tells);
	tells = -1;
	snprintf(path, sizeof path, "/proc/%d/ns/mnt", (int)pid);
	if (read(told, &byte, 1) == 1) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		why = errno;
	}
	sys_pidfd_kill(pidfd, SIGKILL);
	waitid(P_PIDFD, (id_t)pidfd, &si, WEXITED);
	close(pidfd);
	if (fd < 0)
		errno = why != 0 ? why : si.si_status;
	return fd;
}
