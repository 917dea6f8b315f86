/*
 * exec.c - a command of root's beside the application (initproto.h, "exec").
 *
 * The supervisor could exec it itself, but then a script of the image that
 * names /proc/self/exe as its interpreter would meet the host's meshd there.
 * What it meets is this program, a sealed copy that nobody can write.
 */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { NOT_FOUND = 127, CANNOT_RUN = 126 };

void
exec_command(char **argv, bool tty)
{
	int code;

	fcntl(INIT_FD_ERROR, F_SETFD, FD_CLOEXEC);
	if (tty && ioctl(0, TIOCSCTTY, 0) < 0) {
		dprintf(INIT_FD_ERROR, "no controlling terminal: %s",
		    strerror(errno));
		_exit(CANNOT_RUN);
	}
	execvp(argv[0], argv);
	code = errno;
	if (strchr(argv[0], '/') != NULL)
		explain_exec(argv[0], code);
	else
		dprintf(INIT_FD_ERROR, "exec %s: %s", argv[0],
		    code == ENOENT ? "not found in PATH" : strerror(code));
	_exit(code == ENOENT || code == ENOTDIR ? NOT_FOUND : CANNOT_RUN);
}
