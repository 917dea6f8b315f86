/*
 * appdir.c - see appdir.h.
 */
#include "appdir.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/probes.h"
#include "../base/own.h"
#include "sys.h"

/* Linux 5.14; glibc has no name for it yet. */
#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif

enum { WAIT_S = 2, /* it takes a fraction of a millisecond */
	EXIT_LATER = 2 };

int
appdir_take(int pidfd, bool at_once)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
		MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSYMFOLLOW};
	const struct open_how cached = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
	    .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_CACHED};
	struct statfs fs;
	AUTO_CLOSE int at = -1;
	AUTO_CLOSE int tree = -1;

	if (setns(pidfd, CLONE_NEWNS) < 0)
		return APPDIR_NONE;
	at = at_once ? (int)syscall(SYS_openat2, AT_FDCWD, SUP_METRICS_DIR, &cached, sizeof cached) :
		       sys_openat2(AT_FDCWD, SUP_METRICS_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC, 0,
			   RESOLVE_NO_SYMLINKS);
	if (at < 0 && at_once && errno == EAGAIN)
		return APPDIR_LATER;
	if (at < 0 || fstatfs(at, &fs) < 0 || fs.f_type != TMPFS_MAGIC)
		return APPDIR_NONE;
	tree = (int)syscall(SYS_open_tree, at, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (tree < 0 ||
	    syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof attr) < 0)
		return APPDIR_NONE;
	return openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

_Noreturn static void
child(int pidfd, int sock)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	char byte = 1;
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room,
	    .msg_controllen = sizeof control.room};
	int keep[] = {pidfd, sock}, dir;

	sys_keep_only(keep, ARRAY_LEN(keep));
	if ((dir = appdir_take(pidfd, true)) < 0)
		_exit(dir == APPDIR_LATER ? EXIT_LATER : 1);
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.head), &dir, sizeof dir);
	_exit(sendmsg(sock, &msg, MSG_NOSIGNAL) == 1 ? 0 : 1);
}

static int
receive(int sock)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	const struct timeval most = {.tv_sec = WAIT_S};
	char byte;
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room,
	    .msg_controllen = sizeof control.room};
	const struct cmsghdr *c;
	ssize_t n;
	int fd = -1;

	(void)setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
	while ((n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
		;
	c = n == 1 ? CMSG_FIRSTHDR(&msg) : NULL;
	if (c != NULL && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(c), sizeof fd);
	return fd;
}

int
appdir_open(int pidfd)
{
	siginfo_t end = {0};
	int pair[2], born = -1, fd = -1;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	pid = sys_fork(0, -1, &born);
	if (pid == 0)
		child(pidfd, pair[1]);
	close(pair[1]);
	if (pid > 0) {
		fd = receive(pair[0]);
		(void)sys_pidfd_kill(born, SIGKILL); /* it is done, or it hangs */
		while (waitid(P_PIDFD, (id_t)born, &end, WEXITED) < 0 && errno == EINTR)
			;
		close(born);
		if (fd < 0 && end.si_code == CLD_EXITED && end.si_status == EXIT_LATER)
			fd = APPDIR_LATER;
	}
	close(pair[0]);
	return fd;
}
