/*
 * launch_userns.c - user namespaces, one for each set of id maps, made once
 * and kept as a descriptor: mounts are id-mapped by it, and a container
 * enters it as its very last step, so that in it nobody ever held more than
 * the application's rights over mounts, processes or the network.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/own.h"
#include "launch.h"
#include "sys.h"

static int
write_maps(pid_t pid, const char *file, const struct spec_map *maps,
    uint32_t count)
{
	char path[64], text[SPEC_MAPS_MAX * 36];
	size_t n = 0;

	for (uint32_t i = 0; i < count; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%u %u %u\n",
		    maps[i].inside, maps[i].outside, maps[i].count);
	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
	return sys_write_file(AT_FDCWD, path, text);
}

/* With nothing of ours in hand but the pipe that ends when we do. */
_Noreturn static void
wait_for_end(int pipe)
{
	char byte;

	sys_keep_only(&pipe, 1);
	while (read(pipe, &byte, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

/* A namespace lives as long as somebody holds it: a child is needed only for
 * the moment in which it is made. */
static int
make(const struct spec *s, struct err *err)
{
	char path[64];
	int pidfd = -1, fd = -1, hold[2];
	siginfo_t si;
	pid_t pid;

	if (pipe2(hold, O_CLOEXEC) < 0)
		return err_set(err, EXIT_ENVIRONMENT, "%s: pipe: %s",
		    s->instance, strerror(errno));
	pid = sys_fork(CLONE_NEWUSER, -1, &pidfd);
	if (pid == 0)
		wait_for_end(hold[0]);
	close(hold[0]);
	/* Closed when this function ends, or when we are killed in it. */
	AUTO_CLOSE int held = hold[1];

	(void)held;
	if (pid < 0)
		return err_set(err, EXIT_ENVIRONMENT,
		    "%s: user namespace: %s; set userns: off in sandbox '%s' to accept less isolation",
		    s->instance, strerror(errno), s->sandbox);
	snprintf(path, sizeof path, "/proc/%d/ns/user", (int)pid);
	if (write_maps(pid, "uid_map", s->uid_maps, s->uid_maps_count) == 0 &&
	    write_maps(pid, "gid_map", s->gid_maps, s->gid_maps_count) == 0)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		err_set(err, EXIT_CONFIG,
		    "%s: id maps of sandbox '%s' are refused by the kernel: %s",
		    s->instance, s->sandbox, strerror(errno));
	sys_pidfd_kill(pidfd, SIGKILL);
	waitid(P_PIDFD, (id_t)pidfd, &si, WEXITED);
	close(pidfd);
	return fd < 0 ? -EXIT_CONFIG : fd;
}

static bool
same(const struct launch_userns *u, const struct spec *s)
{
	return u->uid_maps_count == s->uid_maps_count &&
	    u->gid_maps_count == s->gid_maps_count &&
	    memcmp(u->uid_maps, s->uid_maps,
		s->uid_maps_count * sizeof *s->uid_maps) == 0 &&
	    memcmp(u->gid_maps, s->gid_maps,
		s->gid_maps_count * sizeof *s->gid_maps) == 0;
}

int
launch_userns(struct launcher *l, const struct spec *s, struct err *err)
{
	struct launch_userns *u;
	int fd;

	if (s->uid_maps_count == 0)
		return -1;
	for (size_t i = 0; i < l->userns_count; i++)
		if (same(&l->userns[i], s))
			return l->userns[i].fd;
	fd = make(s, err);
	if (fd < 0)
		return -2;
	/* Full: the oldest goes; who uses it keeps it alive. */
	if (l->userns_count == LAUNCH_USERNS_MAX) {
		close(l->userns[0].fd);
		memmove(&l->userns[0], &l->userns[1],
		    (LAUNCH_USERNS_MAX - 1) * sizeof l->userns[0]);
		l->userns_count--;
	}
	u = &l->userns[l->userns_count++];
	memset(u, 0, sizeof *u);
	u->fd = fd;
	u->uid_maps_count = s->uid_maps_count;
	u->gid_maps_count = s->gid_maps_count;
	memcpy(u->uid_maps, s->uid_maps, sizeof u->uid_maps);
	memcpy(u->gid_maps, s->gid_maps, sizeof u->gid_maps);
	return fd;
}
