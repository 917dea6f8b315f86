/*
 * launch_secrets.c - the key of a sandbox.  It is opened for each launch, so one
 * that changed counts from the next start on; it is never read here, and
 * travels as a descriptor only.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/own.h"
#include "launch.h"

int
launch_key(const struct spec *s, int *out, struct err *err)
{
	struct stat st;
	AUTO_CLOSE int fd = -1;

	*out = -1;
	if (s->sealed.count == 0)
		return 0;
	fd = open(s->secrets_key,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, EXIT_CONFIG, "%s: secrets-private-key: %s: %s",
		    s->instance, s->secrets_key,
		    errno == ELOOP ? "refusing: a symbolic link" : strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, EXIT_CONFIG,
		    "%s: secrets-private-key: %s: refusing: not a regular file",
		    s->instance, s->secrets_key);
	if (st.st_uid != 0 || st.st_mode & 07177)
		return err_set(err, EXIT_CONFIG,
		    "%s: secrets-private-key: %s: refusing: uid %u, mode %04o; must be root's, with mode 0600 or 0400",
		    s->instance, s->secrets_key, st.st_uid, st.st_mode & 07777);
	*out = fd;
	fd = -1;
	return 0;
}
