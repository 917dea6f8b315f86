/*
 * strays.c - see strays.h.
 */
#include "strays.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "sys.h"

int
strays_room(const struct strays *s, struct err *err)
{
	if (s->count < STRAYS_ROOM)
		return 0;
	return err_set(err, EXIT_ENVIRONMENT,
	    "%d processes were killed and do not end, held up by an image or a disk that does not answer: nothing new is started till one does",
	    STRAYS_ROOM);
}

bool
strays_kill(struct strays *s, int pidfd, const char *leaf)
{
	struct pollfd end = {.fd = pidfd, .events = POLLIN};
	int status;

	sys_pidfd_kill(pidfd, SIGKILL);
	/* Where there is no place for it, it is waited for after all. */
	while (poll(&end, 1, s == NULL || s->count == STRAYS_MAX ? -1 : STRAYS_WAIT_MS) < 0)
		;
	if (sys_reap(pidfd, &status) != 0) {
		close(pidfd);
		return true;
	}
	s->all[s->count].pidfd = pidfd;
	snprintf(s->all[s->count].leaf, sizeof s->all[0].leaf, "%s", leaf);
	s->count++;
	return false;
}

bool
strays_reap(struct strays *s, int pidfd, char leaf[CGROUP_LEAF_CAP])
{
	int status;

	for (size_t i = 0; i < s->count; i++) {
		if (s->all[i].pidfd != pidfd || sys_reap(pidfd, &status) == 0)
			continue;
		close(pidfd);
		snprintf(leaf, CGROUP_LEAF_CAP, "%s", s->all[i].leaf);
		s->all[i] = s->all[--s->count];
		return true;
	}
	return false;
}
