/*
 * opener.c - see opener.h.
 */
#include "opener.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../base/weak.h"
#include "sys.h"

void
opener_new(struct opener *o)
{
	o->pidfd = o->sock = -1;
	o->deadline = MSEC_NEVER;
}

bool
opener_knows(int root, const char *path, int *fd)
{
	*fd = sys_open_cached(root, path, O_PATH);
	if (*fd < 0)
		*fd = -errno;
	return *fd != -EAGAIN;
}

/* One message: the errno of the look-up, with the descriptor if that is 0. */
static bool
hand_over(int sock, int fd, int code)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof fd)];
	} control = {.room = {0}};
	struct iovec iov = {.iov_base = &code, .iov_len = sizeof code};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fd >= 0) {
		msg.msg_control = control.room;
		msg.msg_controllen = sizeof control.room;
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
	}
	return sendmsg(sock, &msg, MSG_NOSIGNAL) == (ssize_t)sizeof code;
}

_Noreturn static void
look_up(int root, const char *path, int sock, pid_t parent)
{
	int keep[] = {root, sock}, fd;

	sys_keep_only(keep, ARRAY_LEN(keep));
	sys_reset_signals();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	if (!HOLDS("prompt-look"))
		raise(SIGSTOP); /* a test is the directory without an end */
	fd = sys_open_inside(root, path, O_PATH);
	_exit(hand_over(sock, fd, fd < 0 ? errno : 0) ? 0 : 1);
}

int
opener_start(struct openers *all, struct opener *o, int root, const char *path,
    msec now, struct err *err)
{
	int pair[2] = {-1, -1};
	pid_t parent = getpid(), pid = -1;

	opener_new(o);
	if (all->running + all->left_count >= OPENERS_MAX)
		return err_set(err, EXIT_ENVIRONMENT,
		    "%s: not looked for: %d look-ups in images go on already, some of them for more than %d s; is there a directory with millions of files in one?",
		    path, OPENERS_MAX, OPENER_MS_MAX / 1000);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0)
		pid = sys_fork(0, -1, &o->pidfd);
	if (pid == 0)
		look_up(root, path, pair[1], parent);
	if (pid < 0) {
		err_set(err, EXIT_ENVIRONMENT, "%s: cannot fork who looks for it: %s",
		    path, strerror(errno));
		o->pidfd = -1;
		if (pair[0] >= 0) {
			close(pair[0]);
			close(pair[1]);
		}
		return -err->code;
	}
	close(pair[1]);
	o->sock = pair[0];
	o->deadline = now + OPENER_MS_MAX;
	all->running++;
	return 0;
}

void
opener_finish(struct openers *all, struct opener *o, int *fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof *fd)];
	} control;
	int code = EINTR, status; /* unless it says otherwise, it was killed */
	struct iovec iov = {.iov_base = &code, .iov_len = sizeof code};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = control.room, .msg_controllen = sizeof control.room};
	struct cmsghdr *c;

	*fd = -1;
	if (recvmsg(o->sock, &msg, MSG_CMSG_CLOEXEC) == (ssize_t)sizeof code &&
	    (c = CMSG_FIRSTHDR(&msg)) != NULL && c->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(c), sizeof *fd);
	(void)sys_reap(o->pidfd, &status);
	close(o->pidfd);
	close(o->sock);
	opener_new(o);
	all->running--;
	if (*fd < 0)
		*fd = code == 0 ? -EINTR : -code;
}

void
opener_cancel(struct openers *all, struct opener *o)
{
	if (o->pidfd < 0)
		return;
	/* It may take as long as the look-up: nobody waits for that here. */
	sys_pidfd_kill(o->pidfd, SIGKILL);
	close(o->sock);
	all->left[all->left_count++] = o->pidfd;
	all->running--;
	opener_new(o);
}

void
opener_reap(struct openers *all, int pidfd)
{
	int status;

	for (size_t i = 0; i < all->left_count; i++)
		if (all->left[i] == pidfd && sys_reap(pidfd, &status) != 0) {
			close(pidfd);
			all->left[i] = all->left[--all->left_count];
			return;
		}
}
