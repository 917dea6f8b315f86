/*
 * memfd.c - see memfd.h.
 */
#include "memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>

#include "../base/own.h"

int
memfd_sealed(const void *data, size_t len)
{
	AUTO_CLOSE int fd = memfd_create("mesh", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	const uint8_t *p = data;

	if (fd < 0)
		return -1;
	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	if (lseek(fd, 0, SEEK_SET) != 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
		return -1;
	return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}
