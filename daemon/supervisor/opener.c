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
#include "appdir.h"
#include "launch.h"
#include "prompt.h"
#include "sys.h"

void
opener_new(struct opener *o)
{
	o->pidfd = o->sock = -1;
	o->far = false;
	o->deadline = MSEC_NEVER;
}

bool
opener_knows(int root, const char *path, struct found *f)
{
	f->fd = sys_open_cached(root, path, O_PATH);
	if (f->fd < 0)
		f->fd = -errno;
	if (f->fd >= 0 && (!prompt_is(f->fd) || fstat(f->fd, &f->st) < 0)) {
		close(f->fd);
		f->fd = -EAGAIN;
	}
	return f->fd != -EAGAIN;
}

void
opener_waits(int root, const char *path, struct found *f)
{
	f->fd = sys_open_inside(root, path, O_PATH);
	if (f->fd < 0 || fstat(f->fd, &f->st) < 0) {
		int code = -errno;

		found_close(f);
		f->fd = code;
	}
}

void
found_close(struct found *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -EBADF;
}

/* One message, with the descriptor if there is one. */
struct answer {
	int code; /* errno of the look-up, or 0 */
	struct stat st;
	struct err refused; /* its code is 0: it is not */
};

union control {
	struct cmsghdr head;
	char room[CMSG_SPACE(sizeof(int))];
};

static bool
hand_over(int sock, int fd, struct answer *a)
{
	union control control = {.room = {0}};
	struct iovec iov = {.iov_base = a, .iov_len = sizeof *a};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fd >= 0) {
		msg.msg_control = control.room;
		msg.msg_controllen = sizeof control.room;
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
	}
	return sendmsg(sock, &msg, MSG_NOSIGNAL) == (ssize_t)sizeof *a;
}

/* Either a path below root, an image, or the metrics of a container (root: its pidfd). */
struct question {
	int root;
	bool appdir;
	const char *path;
	const struct image_who *who;
};

_Noreturn static void
look_up(const struct question *q, int sock, pid_t parent)
{
	int keep[] = {q->root, sock};
	struct answer a = {.code = 0};
	struct found f = {.fd = -1};

	sys_keep_only(keep, ARRAY_LEN(keep));
	sys_reset_signals();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	if (!HOLDS("prompt-look"))
		raise(SIGSTOP); /* a test is the directory without an end */
	if (q->appdir && (f.fd = appdir_take(q->root, false)) < 0)
		f.fd = -ENOENT;
	else if (q->appdir)
		; /* only the descriptor counts */
	else if (q->who == NULL)
		opener_waits(q->root, q->path, &f);
	else if (launch_image_find(NULL, q->who, &f.fd, &a.refused) == 0 &&
	    fstat(f.fd, &f.st) < 0)
		_exit(1);
	a.code = f.fd < 0 ? -f.fd : 0;
	a.st = f.st;
	_exit(hand_over(sock, f.fd, &a) ? 0 : 1);
}

static int
start(struct openers *all, struct opener *o, const struct question *q, msec now,
    struct err *err)
{
	const char *path = q->who == NULL ? q->path : q->who->image;
	const bool far = !prompt_is(q->root);
	int pair[2] = {-1, -1};
	pid_t parent = getpid(), pid = -1;

	opener_new(o);
	if (far && all->far >= OPENERS_FAR)
		return err_set(err, EXIT_ENVIRONMENT,
		    "%s: not looked for: %d look-ups in images on other hosts or of processes (NFS, FUSE) go on already, some of them for more than %d s: does a file system not answer?",
		    path, OPENERS_FAR, OPENER_MS_MAX / 1000);
	if (all->running + all->left_count >= OPENERS_MAX)
		return err_set(err, EXIT_ENVIRONMENT,
		    "%s: not looked for: %d look-ups in images go on already, some of them for more than %d s; is there a directory with millions of files in one?",
		    path, OPENERS_MAX, OPENER_MS_MAX / 1000);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0)
		pid = sys_fork(0, -1, &o->pidfd);
	if (pid == 0)
		look_up(q, pair[1], parent);
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
	o->far = far;
	all->running++;
	all->far += far;
	return 0;
}

int
opener_start(struct openers *all, struct opener *o, int root, const char *path,
    msec now, struct err *err)
{
	const struct question q = {.root = root, .path = path};

	return start(all, o, &q, now, err);
}

int
opener_start_image(struct openers *all, struct opener *o,
    const struct image_who *who, msec now, struct err *err)
{
	const struct image_who waits = {who->instance, who->dir, who->image, false, false};
	const struct question q = {.root = -1, .who = &waits};

	return start(all, o, &q, now, err);
}

int
opener_start_appdir(struct openers *all, struct opener *o, int pidfd, msec now,
    struct err *err)
{
	const struct question q = {.root = pidfd, .appdir = true, .path = "metrics"};

	return start(all, o, &q, now, err);
}

int
opener_finish(struct openers *all, struct opener *o, struct found *f, struct err *err)
{
	union control control;
	struct answer a = {.code = EINTR}; /* unless it says otherwise, it was killed */
	int status;
	struct iovec iov = {.iov_base = &a, .iov_len = sizeof a};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = control.room, .msg_controllen = sizeof control.room};
	struct cmsghdr *c;

	f->fd = -1;
	if (recvmsg(o->sock, &msg, MSG_CMSG_CLOEXEC) == (ssize_t)sizeof a &&
	    (c = CMSG_FIRSTHDR(&msg)) != NULL && c->cmsg_type == SCM_RIGHTS)
		memcpy(&f->fd, CMSG_DATA(c), sizeof f->fd);
	f->st = a.st;
	(void)sys_reap(o->pidfd, &status);
	close(o->pidfd);
	close(o->sock);
	all->far -= o->far;
	opener_new(o);
	all->running--;
	if (f->fd < 0)
		f->fd = a.code == 0 ? -EINTR : -a.code;
	if (a.refused.code != 0) {
		*err = a.refused;
		return -err->code;
	}
	return 0;
}

void
opener_cancel(struct openers *all, struct opener *o)
{
	if (o->pidfd < 0)
		return;
	/* It may take as long as the look-up: nobody waits for that here. */
	sys_pidfd_kill(o->pidfd, SIGKILL);
	close(o->sock);
	all->left_far[all->left_count] = o->far;
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
			all->far -= all->left_far[i];
			all->left[i] = all->left[--all->left_count];
			all->left_far[i] = all->left_far[all->left_count];
			return;
		}
}
