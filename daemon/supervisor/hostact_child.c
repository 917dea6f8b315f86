/*
 * hostact_child.c - the process of a host action, from the fork to its exec.
 *
 * It is root while it copies.  What it copies lies where the engine writes, so nothing
 * there is believed: `current` is read as text and must say gens/N, all else is opened
 * through no symlink, and must be the engine's own plain file under one name, or a hard
 * link would give away another's.  Where it copies to is the administrator's, and may not
 * be anybody else's either: a directory of root's that only root writes, reached through
 * no symlink; the file there is replaced, not opened, so what it was does not matter.
 * It can hang, in a file system that does, and then is killed as a command is.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/own.h"
#include "../base/weak.h"
#include "hostact.h"
#include "sys.h"

enum { REFUSED = 126, CHUNK = 16 << 10, TMP_CAP = 300 };

static _Noreturn void
refuse(const char *what, const char *why)
{
	dprintf(2, "%s: %s\n", what, why);
	_exit(REFUSED);
}

/* rendered/ROLE/gens/N of the generation in use. */
static int
open_generation(int rendered, const char *role)
{
	AUTO_CLOSE int dir = sys_open_beneath(rendered, role, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char link[64];
	ssize_t n = dir < 0 ? -1 : readlinkat(dir, "current", link, sizeof link - 1);

	if (n < 0)
		refuse(role, "nothing is rendered");
	link[n] = '\0';
	if (HOLDS("hostact-generation") &&
	    (strncmp(link, "gens/", 5) != 0 || link[5] == '\0' ||
		strspn(link + 5, "0123456789") != strlen(link + 5)))
		refuse(role, "its current generation is none");
	return sys_open_beneath(dir, link, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static int
open_source(int gen, const struct hostact_file *x, uid_t owner, size_t *bytes)
{
	int fd = sys_open_beneath(gen, x->name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		refuse(x->name, errno == ENOENT ? "the role has no such file" : strerror(errno));
	if (HOLDS("hostact-source") && (!S_ISREG(st.st_mode) || st.st_nlink != 1 || st.st_uid != owner))
		refuse(x->name, "is not a plain file of the engine's");
	if (st.st_size > HOSTACT_FILE_BYTES_MAX)
		refuse(x->name, "is larger than 4 MiB");
	*bytes = (size_t)st.st_size;
	return fd;
}

/* The directory of a target; *name: the rest. */
static int
open_target(const struct hostact_file *x, const char **name)
{
	char dir[CONFIG_PATH_CAP];
	struct stat st;
	int fd;

	*name = strrchr(x->to, '/') + 1;
	snprintf(dir, sizeof dir, "%.*s", (int)(*name - x->to), x->to);
	fd = sys_openat2(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0,
	    (uint64_t)IF_HOLDS("hostact-links", RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS));
	if (fd < 0 && errno == ELOOP)
		refuse(dir, "there is a symlink in it: name the real directory in host-actions.yaml");
	if (fd < 0 || fstat(fd, &st) < 0)
		refuse(dir, strerror(errno));
	if (HOLDS("hostact-target") && (st.st_uid != 0 || (st.st_mode & 022) != 0))
		refuse(dir, "must be owned by root, and writable by nobody else");
	return fd;
}

/* Is that what is there, and as it is to be? */
static bool
is_there(int dir, const char *name, const struct hostact_file *x, const char *text, size_t len)
{
	AUTO_CLOSE int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	AUTO_FREE char *old = malloc(len + 1);
	struct stat st;

	return fd >= 0 && old != NULL && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (size_t)st.st_size == len && (st.st_mode & 07777) == x->mode && st.st_uid == x->uid &&
	    st.st_gid == x->gid && sys_read_all(fd, old, len) == (ssize_t)len && memcmp(old, text, len) == 0;
}

static bool
put(int dir, const char *tmp, const char *name, const struct hostact_file *x, const char *text,
    size_t len)
{
	AUTO_CLOSE int fd = -1;

	if (HOLDS("hostact-new"))
		(void)unlinkat(dir, tmp, 0); /* of a run that was killed */
	fd = openat(dir, tmp, O_WRONLY | O_CREAT | IF_HOLDS("hostact-new", O_EXCL | O_NOFOLLOW) | O_CLOEXEC, 0600);
	for (size_t off = 0; fd >= 0 && off < len;) {
		ssize_t n = write(fd, text + off, len - off > CHUNK ? CHUNK : len - off);

		if (n <= 0)
			return false;
		off += (size_t)n;
	}
	return fd >= 0 && fchown(fd, x->uid, x->gid) == 0 && fchmod(fd, x->mode) == 0 &&
	    fsync(fd) == 0 && renameat(dir, tmp, dir, name) == 0 && fsync(dir) == 0;
}

static void
copy(int gen, const struct hostact_file *x, uid_t owner)
{
	char tmp[TMP_CAP];
	const char *name;
	size_t len;
	AUTO_CLOSE int from = open_source(gen, x, owner, &len);
	AUTO_CLOSE int dir = open_target(x, &name);
	AUTO_FREE char *text = malloc(len + 1);
	ssize_t n = text == NULL ? -1 : sys_read_all(from, text, len + 1);

	if (n < 0 || (size_t)n != len)
		refuse(x->name, "changed while it was read");
	if (is_there(dir, name, x, text, len))
		return;
	snprintf(tmp, sizeof tmp, ".mesh-%.250s", name);
	if (!put(dir, tmp, name, x, text, len)) {
		int why = errno;

		(void)unlinkat(dir, tmp, 0);
		refuse(x->to, strerror(why));
	}
}

/* Root stays root, without groups; anybody else has nothing more. */
static int
become(const struct hostact_spec *spec)
{
	if (!HOLDS("hostact-user"))
		return 0;
	return spec->uid == 0 ? sys_no_groups() : sys_become(spec->uid, spec->gid);
}

_Noreturn void
hostact_child(const struct hostact_spec *spec, int rendered, const char *role, uid_t owner)
{
	static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	static char locale[] = "LC_ALL=C";
	char *env[] = {path, locale, NULL}, *argv[HOSTACT_WORDS_MAX + 1], *word = spec->argv.buf;
	uint32_t n = 0;

	if (spec->files_count > 0) {
		AUTO_CLOSE int gen = open_generation(rendered, role);

		if (gen < 0)
			refuse(role, "its current generation can't be opened");
		for (size_t i = 0; i < spec->files_count; i++)
			copy(gen, &spec->files[i], owner);
	}
	for (; n < spec->argv.count; n++, word += strlen(word) + 1)
		argv[n] = word;
	argv[n] = NULL;
	umask(022);
	if (chdir("/") < 0 || become(spec) < 0)
		refuse("become its user", strerror(errno));
	execve(argv[0], argv, HOLDS("hostact-env") ? env : environ);
	refuse(argv[0], strerror(errno));
}
