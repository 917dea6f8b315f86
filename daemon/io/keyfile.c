/*
 * keyfile.c - see keyfile.h.
 */
#include "keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/own.h"

/* False with errno: a disk that has room for some of it says why with the rest. */
static bool
write_all(int fd, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO;
		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

int
keyfile_write(int dir, const char *name, const void *bytes, size_t len, struct err *err)
{
	AUTO_CLOSE int fd = -1;
	char tmp[40];
	int e;

	snprintf(tmp, sizeof tmp, "%.32s.tmp", name);
	if (unlinkat(dir, tmp, 0) != 0 && errno != ENOENT)
		return err_set(err, EXIT_STATE, "make %s: %s", name, strerror(errno));
	fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0 && fchmod(fd, 0600) == 0 && write_all(fd, bytes, len) && fsync(fd) == 0 &&
	    renameat(dir, tmp, dir, name) == 0 && fsync(dir) == 0)
		return 0;
	e = errno;
	unlinkat(dir, tmp, 0);
	return err_set(err, EXIT_STATE, "write %s: %s", name, strerror(e));
}
