/*
 * explain.c - why a program could not be exec'd, in words that help: the
 * kernel's "Exec format error" is usually another machine's image.
 */
#include "init.h"
#include "../base/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

void
explain_exec(const char *path, int code)
{
	unsigned char head[20] = {0};
	struct utsname host;
	ssize_t n = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0)
		n = read(fd, head, sizeof head);
	if (code == ENOEXEC && n >= 20 && memcmp(head, ELFMAG, SELFMAG) == 0 &&
	    uname(&host) == 0)
		dprintf(error_fd,
		    "exec %s: Exec format error (image is %s, host %s)", path,
		    machine_name((unsigned)head[18] | (unsigned)head[19] << 8),
		    host.machine);
	else if (code == ENOEXEC)
		dprintf(error_fd,
		    "exec %s: Exec format error (neither a program nor a script with #!)",
		    path);
	else if (code == ENOENT && fd >= 0)
		dprintf(error_fd,
		    "exec %s: its interpreter or loader is not in the image",
		    path);
	else
		dprintf(error_fd, "exec %s: %s", path, strerror(code));
}
