/*
 * key.c - the cluster key as a file: refused unless it is what it should be.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/own.h"
#include "place.h"
#include "sys.h"

int
place_key(const struct config *c, int *out, struct err *err)
{
	uint8_t key[KEY_BYTES + 1], zero[KEY_BYTES] = {0};
	const char *file = c->cluster_key;
	struct stat st;
	AUTO_CLOSE int fd = open(file,
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	*out = -1;
	if (fd < 0 && errno == ENOENT && !c->key_configured)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, EXIT_KEY, "%s: %s", file, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, EXIT_KEY, "%s: not a regular file", file);
	if ((st.st_mode & 07777) != 0600)
		return err_set(err, EXIT_KEY, "%s: mode %04o, must be 0600: chmod 600 it, and make a "
		    "new key if others could read it",
		    file, st.st_mode & 07777);
	if (st.st_uid != 0)
		return err_set(err, EXIT_KEY, "%s: owned by uid %u, must be root: chown root:root it, "
		    "and make a new key if that user could read it",
		    file, st.st_uid);
	if (st.st_size != KEY_BYTES ||
	    sys_read_all(fd, key, sizeof key) != KEY_BYTES)
		return err_set(err, EXIT_KEY, "%s: %lld bytes, need %d", file,
		    (long long)st.st_size, KEY_BYTES);
	bool is_zero = memcmp(key, zero, KEY_BYTES) == 0;

	explicit_bzero(key, sizeof key);
	if (is_zero)
		return err_set(err, EXIT_KEY, "%s: key is all zero", file);
	*out = fd;
	fd = -1;
	return 0;
}

int
place_make_key(const struct config *c, struct err *err)
{
	char dir[CONFIG_PATH_CAP], tmp[CONFIG_PATH_CAP + 8];
	uint8_t key[KEY_BYTES];
	bool ok;

	if (access(c->cluster_key, F_OK) == 0)
		return 0;
	snprintf(dir, sizeof dir, "%s", c->cluster_key);
	*strrchr(dir, '/') = '\0';
	snprintf(tmp, sizeof tmp, "%s.new", c->cluster_key);
	unlink(tmp);
	AUTO_CLOSE int fd = open(tmp,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	AUTO_CLOSE int dirfd = open(dir[0] ? dir : "/",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || dirfd < 0)
		return err_set(err, EXIT_KEY, "cannot create %s: %s",
		    c->cluster_key, strerror(errno));
	/* link, not rename: never over a key that somebody just put there. */
	ok = getrandom(key, sizeof key, 0) == (ssize_t)sizeof key &&
	    write(fd, key, sizeof key) == (ssize_t)sizeof key &&
	    fsync(fd) == 0 && link(tmp, c->cluster_key) == 0 &&
	    fsync(dirfd) == 0;
	explicit_bzero(key, sizeof key);
	unlink(tmp);
	if (!ok)
		return err_set(err, EXIT_KEY, "cannot create %s: %s",
		    c->cluster_key, strerror(errno));
	return 0;
}
