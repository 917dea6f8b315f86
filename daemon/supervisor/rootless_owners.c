/*
 * rootless_owners.c - see rootless_in.h: the process outside of the namespace.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/own.h"
#include "rootless_in.h"
#include "sys.h"

/* Root's own, with the right to do it: by no search path. */
#define NEWUIDMAP "/usr/bin/newuidmap"
#define NEWGIDMAP "/usr/bin/newgidmap"

struct question {
	uint32_t what;
	int32_t pid;
};

/* Map id 0 to the user's own and 1 on to his sub ids. */
static bool
map(const char *program, pid_t pid, uint32_t own, uint32_t first, uint32_t count)
{
	char numbers[4][16];
	char *const argv[] = {(char *)(uintptr_t)program, numbers[0],
	    (char *)(uintptr_t)"0", numbers[1], (char *)(uintptr_t)"1",
	    (char *)(uintptr_t)"1", numbers[2], numbers[3], NULL};
	char *const env[] = {(char *)(uintptr_t)"LC_ALL=C", NULL};
	int status = -1;
	pid_t child;

	snprintf(numbers[0], sizeof numbers[0], "%d", (int)pid);
	snprintf(numbers[1], sizeof numbers[1], "%u", own);
	snprintf(numbers[2], sizeof numbers[2], "%u", first);
	snprintf(numbers[3], sizeof numbers[3], "%u", count);
	child = fork();
	if (child == 0) {
		execve(program, argv, env);
		dprintf(2, "cannot run %s: %s\n", program, strerror(errno));
		_exit(126);
	}
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static uint32_t
answer(const struct question *q, int fd, const struct owners_ids *ids)
{
	struct stat st;

	if (q->what == OWNERS_MAP)
		return map(NEWUIDMAP, q->pid, getuid(), ids->uid_first,
			   ids->uid_count) &&
			map(NEWGIDMAP, q->pid, getgid(), ids->gid_first,
			    ids->gid_count) ?
		    0 :
		    1;
	return fd >= 0 && fstat(fd, &st) == 0 ? st.st_uid : UINT32_MAX;
}

/* One message, and the descriptor that came with it, or -1. */
static bool
take(int sock, struct question *q, int *fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov = {.iov_base = q, .iov_len = sizeof *q};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = control.room, .msg_controllen = sizeof control.room};
	ssize_t n;

	do
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	*fd = -1;
	if (n > 0 && CMSG_FIRSTHDR(&msg) != NULL &&
	    control.head.cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof *fd);
	return n == (ssize_t)sizeof *q;
}

_Noreturn static void
serve(int sock, const struct owners_ids *ids)
{
	struct question q;
	uint32_t a;
	int fd;

	/* A terminal's signals are for who uses this: that one ends us. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	prctl(PR_SET_NAME, "meshd-owners");
	sys_keep_only(&sock, 1);
	while (take(sock, &q, &fd)) {
		a = answer(&q, fd, ids);
		if (fd >= 0)
			close(fd);
		if (send(sock, &a, sizeof a, MSG_NOSIGNAL) != (ssize_t)sizeof a)
			break;
	}
	_exit(0);
}

int
owners_start(const struct owners_ids *ids, struct err *err)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_set(err, EXIT_ENVIRONMENT, "socketpair: %s",
		    strerror(errno));
	pid = fork();
	if (pid == 0)
		serve(pair[1], ids);
	close(pair[1]);
	if (pid > 0)
		return pair[0];
	close(pair[0]);
	return err_set(err, EXIT_ENVIRONMENT, "fork: %s", strerror(errno));
}

bool
owners_ask(int owners, enum owners_ask what, int fd, uint32_t *out)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct question q = {what, (int32_t)getpid()};
	struct iovec iov = {.iov_base = &q, .iov_len = sizeof q};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	if (fd >= 0) {
		msg.msg_control = control.room;
		msg.msg_controllen = sizeof control.room;
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
	}
	if (sendmsg(owners, &msg, MSG_NOSIGNAL) != (ssize_t)sizeof q)
		return false;
	do
		n = recv(owners, out, sizeof *out, 0);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof *out;
}
