/*
 * place.c - see place.h.  Whatever lies in a directory that the engine's user
 * may write is opened without following links, because it may be hostile.
 */
#include "place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "../base/execproto.h"
#include "../base/log.h"
#include "../base/own.h"
#include "../base/weak.h"
#include "mounts.h"
#include "sys.h"

enum { ODD_TRIES = 10 };

/* mkdir -p, but only the last one gets owner and mode. */
static int
make_path(const char *path, struct err *err)
{
	char part[CONFIG_PATH_CAP];

	for (const char *p = path + 1;; p++) {
		if (*p != '/' && *p != '\0')
			continue;
		snprintf(part, sizeof part, "%.*s", (int)(p - path), path);
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return err_set(err, EXIT_STATE, "cannot create %s: %s",
			    part, strerror(errno));
		if (*p == '\0')
			return 0;
	}
}

/* Does errno say that the disk takes nothing now? */
bool
place_unwritable(int why)
{
	return why == EROFS || why == ENOSPC || why == EDQUOT || why == EIO;
}

static int
set_mode(int fd, const char *path, gid_t gid, mode_t mode, struct err *err)
{
	struct stat st;

	/* A disk that is read-only takes not even what is so already. */
	if (fstat(fd, &st) == 0 && st.st_uid == 0 && st.st_gid == gid &&
	    (st.st_mode & 07777) == mode)
		return 0;
	if (fchown(fd, 0, gid) < 0 || fchmod(fd, mode) < 0)
		return err_set(err, EXIT_STATE,
		    "cannot set owner and mode %04o of %s: %s", mode, path,
		    strerror(errno));
	return 0;
}

/* Names that we, or an administrator for us, put there before it was ours. */
static bool
expected(const char *name)
{
	static const char *const names[] = {".", "..", "lock", "supervisor",
	    "rendered", "volumes", "images", "cluster.key", "ctl", "ctl.new",
	    EXEC_SOCKET, EXEC_SOCKET ".new",
	    "lost+found"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* "" when all that is in dir is expected, or the first name that is not. */
static int
stranger(int dir, char *name, size_t cap)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSEDIR DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;

	name[0] = '\0';
	if (d == NULL)
		return -1;
	while ((e = readdir(d)) != NULL)
		if (!expected(e->d_name)) {
			snprintf(name, cap, "%s", e->d_name);
			return 0;
		}
	return 0;
}

/* Owner and mode are changed only where nobody else can mind: `log-dir:
 * /var/log` is a slip of the pen that must not take /var/log from the host. */
static int
claim(int fd, const char *path, const struct config *c, mode_t mode,
    struct err *err)
{
	char name[CONFIG_PATH_CAP], shown[CONFIG_PATH_CAP];
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_set(err, EXIT_STATE, "cannot stat %s: %s", path,
		    strerror(errno));
	if (st.st_uid == 0 && st.st_gid == c->gid && (st.st_mode & 07777) == mode)
		return 0;
	if (st.st_uid != 0 && st.st_uid != c->uid)
		return err_set(err, EXIT_STATE,
		    "%s: refusing: owned by uid %u, must be owned by root", path,
		    st.st_uid);
	if (stranger(fd, name, sizeof name) < 0)
		return err_set(err, EXIT_STATE, "cannot read %s: %s", path,
		    strerror(errno));
	if (name[0] != '\0') {
		err_escape(shown, sizeof shown, name, strlen(name));
		return err_set(err, EXIT_STATE,
		    "%s: refusing: mode %04o, gid %u, and holds %s: is it another's? give mesh a directory of its own, or: chown root:%u %s && chmod %04o %s",
		    path, st.st_mode & 07777, st.st_gid, shown, c->gid, path,
		    mode, path);
	}
	return set_mode(fd, path, c->gid, mode, err);
}

static int
open_top(const char *path, const struct config *c, mode_t mode, int *out,
    struct err *err)
{
	int rc = make_path(path, err);

	if (rc < 0)
		return rc;
	*out = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*out < 0)
		return err_set(err, EXIT_STATE, "cannot open %s: %s", path,
		    strerror(errno));
	return claim(*out, path, c, mode, err);
}

static int
open_below(int dir, const char *top, const char *name, gid_t gid, mode_t mode,
    int *out, struct err *err)
{
	char path[CONFIG_PATH_CAP + 64];
	struct stat st;

	snprintf(path, sizeof path, "%s/%s", top, name);
	if (mkdirat(dir, name, 0700) < 0 && errno != EEXIST)
		return err_set(err, EXIT_STATE, "cannot create %s: %s", path,
		    strerror(errno));
	*out = sys_open_beneath(dir, name, O_RDONLY | O_DIRECTORY);
	if (*out < 0 || fstat(*out, &st) < 0)
		return err_set(err, EXIT_STATE, "cannot open %s: %s", path,
		    strerror(errno));
	/* Where the engine's user may make directories too, this one is not
	 * his: he could hold it open, and chose what is in it. */
	if (HOLDS("root-owned") && st.st_uid != 0)
		return err_set(err, EXIT_STATE,
		    "%s: refusing: owned by uid %u, must be owned by root; move it away",
		    path, st.st_uid);
	return set_mode(*out, path, gid, mode, err);
}

/* The file, for writing; or, on a disk that takes nothing, as it is: what runs
 * here has to be watched all the same. */
static int
open_lock(struct place *p, const struct config *c, short *type, struct err *err)
{
	const uint64_t how = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
	int why;

	*type = F_WRLCK;
	p->lock = sys_openat2(p->state_dir, "lock", O_RDWR | O_CREAT, 0640, how);
	if (p->lock >= 0)
		return 0;
	why = errno;
	*type = F_RDLCK;
	if (place_unwritable(why))
		p->lock = sys_openat2(p->state_dir, "lock", O_RDONLY, 0, how);
	if (p->lock < 0)
		return err_set(err, EXIT_STATE, "cannot create %s/lock: %s",
		    c->state_dir, strerror(why));
	log_warn("cannot write %s/lock: %s; what runs here runs on, nothing new starts until %s can be written",
	    c->state_dir, strerror(why), c->state_dir);
	return 0;
}

/* A record lock, because it is this process's alone: no child that was just
 * forked keeps it when we are killed.  One for reading keeps out who writes;
 * two readers meet at the lock of their cgroup. */
static int
take_lock(struct place *p, const struct config *c, struct err *err)
{
	struct flock lock = {.l_whence = SEEK_SET};
	char pid[16];
	int n, rc;

	if ((rc = open_lock(p, c, &lock.l_type, err)) < 0)
		return rc;
	if (fcntl(p->lock, F_SETLK, &lock) < 0) {
		if (fcntl(p->lock, F_GETLK, &lock) < 0 ||
		    lock.l_type == F_UNLCK)
			lock.l_pid = 0;
		return err_set(err, EXIT_ENVIRONMENT,
		    "already running: pid %d holds %s/lock", (int)lock.l_pid,
		    c->state_dir);
	}
	if (lock.l_type == F_RDLCK)
		return 0;
	/* In place: on a full disk there is room for what was there. */
	n = snprintf(pid, sizeof pid, "%d\n", (int)getpid());
	if (pwrite(p->lock, pid, (size_t)n, 0) != n || ftruncate(p->lock, n) < 0)
		log_warn("cannot write %s/lock: %s", c->state_dir,
		    strerror(errno));
	return 0;
}

/* A socket is bound under a name of its own and renamed, so that nobody ever
 * meets one that has not its owner and mode yet. */
static int
bind_socket(int dir, const char *name, int type, gid_t gid, mode_t mode)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	char fresh[16];
	int out;
	AUTO_CLOSE int fd = socket(AF_UNIX,
	    type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	/* By descriptor: run-dir's own path may be longer than sun_path. */
	snprintf(fresh, sizeof fresh, "%s.new", name);
	snprintf(sa.sun_path, sizeof sa.sun_path, "/proc/self/fd/%d/%s",
	    dir, fresh);
	unlinkat(dir, fresh, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof sa) < 0 ||
	    fchownat(dir, fresh, 0, gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fchmodat(dir, fresh, mode, 0) < 0 || listen(fd, 64) < 0 ||
	    renameat(dir, fresh, dir, name) < 0)
		return -1;
	out = fd;
	fd = -1;
	return out;
}

/* A tmpfs that is mounted nowhere, or -1. */
static int
nowhere(void)
{
	static const char *const none = NULL;

	return mounts_new("tmpfs", &none, 0);
}

/* Where run-dir takes nothing, one that nobody can reach: the engine needs one,
 * and what runs here has to be watched all the same. */
static int
open_socket(const struct place *p, const struct config *c, const char *name,
    int type, gid_t gid, mode_t mode, int *out, struct err *err)
{
	int why;

	*out = bind_socket(p->run_dir, name, type, gid, mode);
	if (*out >= 0)
		return 0;
	why = errno;
	AUTO_CLOSE int dir = place_unwritable(why) ? nowhere() : -1;
	if (dir >= 0)
		*out = bind_socket(dir, name, type, gid, mode);
	if (*out < 0)
		return err_set(err, EXIT_STATE, "cannot listen on %s/%s: %s",
		    c->run_dir, name, strerror(why));
	log_warn("cannot listen on %s/%s: %s; what runs here runs on, nobody can ask until meshd is restarted with a run-dir that can be written",
	    c->run_dir, name, strerror(why));
	return 0;
}

/* The images' directory, when it lies in state-dir and is not there: root's,
 * before the engine's user could make one of its own. */
static int
make_images(const struct place *p, const struct config *c, struct err *err)
{
	size_t n = strlen(c->state_dir);
	char part[CONFIG_PATH_CAP];
	const char *rest;
	int dir;

	while (n > 1 && c->state_dir[n - 1] == '/')
		n--;
	rest = c->images_dir + n;
	if (strncmp(c->images_dir, c->state_dir, n) != 0 || *rest != '/')
		return 0;
	dir = fcntl(p->state_dir, F_DUPFD_CLOEXEC, 3);
	while (dir >= 0 && *(rest += strspn(rest, "/")) != '\0') {
		int next;

		n = strcspn(rest, "/");
		snprintf(part, sizeof part, "%.*s", (int)n, rest);
		rest += n;
		if (mkdirat(dir, part, 0755) < 0 && errno != EEXIST) {
			err_set(err, EXIT_STATE, "cannot create %s: %s",
			    c->images_dir, strerror(errno));
			close(dir);
			return -EXIT_STATE;
		}
		/* What can't be opened like this was there: each START judges
		 * it and says so. */
		next = sys_open_beneath(dir, part, O_PATH | O_DIRECTORY);
		close(dir);
		dir = next;
	}
	if (dir >= 0)
		close(dir);
	return 0;
}

int
place_open(struct place *p, const struct config *c, struct err *err)
{
	int rc;

	umask(022);
	memset(p, -1, sizeof *p);
	if ((rc = open_top(c->state_dir, c, 01770, &p->state_dir, err)) < 0 ||
	    (rc = take_lock(p, c, err)) < 0 ||
	    (rc = open_below(p->state_dir, c->state_dir, "supervisor", 0, 0700,
		 &p->records_dir, err)) < 0 ||
	    (rc = open_below(p->state_dir, c->state_dir, "rendered", 0, 0755,
		 &p->rendered_dir, err)) < 0 ||
	    (rc = open_below(p->state_dir, c->state_dir, "volumes", 0, 0700,
		 &p->volumes_dir, err)) < 0 ||
	    (rc = make_images(p, c, err)) < 0 ||
	    (rc = open_top(c->run_dir, c, 0755, &p->run_dir, err)) < 0 ||
	    (rc = open_below(p->run_dir, c->run_dir, "supervisor", 0, 0700,
		 &p->pids_dir, err)) < 0 ||
	    (rc = open_top(c->log_dir, c, 0750, &p->log_dir, err)) < 0 ||
	    (rc = open_socket(p, c, EXEC_SOCKET, SOCK_SEQPACKET, 0, 0600,
		 &p->exec, err)) < 0)
		return rc;
	return open_socket(p, c, "ctl", SOCK_STREAM, c->gid, 0660, &p->ctl, err);
}

int
place_open_file(int dir, const char *name)
{
	AUTO_CLOSE int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	int out;

	if (fd < 0 && (errno == ELOOP || errno == ENXIO))
		errno = ENOENT;
	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	if (!S_ISREG(st.st_mode)) {
		errno = ENOENT;
		return -1;
	}
	out = fd;
	fd = -1;
	return out;
}

void
place_only_file(int dir, const char *name)
{
	char aside[NAME_CAP + 32];
	struct stat st;
	int rc = -1;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISREG(st.st_mode))
		return;
	errno = EEXIST;
	for (int i = 1; i <= ODD_TRIES && rc < 0 && errno == EEXIST; i++) {
		snprintf(aside, sizeof aside, i == 1 ? PLACE_ODD "%s" : PLACE_ODD "%s.%d", name, i);
		rc = (int)syscall(SYS_renameat2, dir, name, dir, aside, RENAME_NOREPLACE);
	}
	if (rc == 0)
		log_warn("%s in run-dir/supervisor is not a regular file: put aside there as %s",
		    name, aside);
	else
		log_warn("%s in run-dir/supervisor is not a regular file, and can't be put aside: %s",
		    name, strerror(errno));
}

int
place_save(int dir, const char *name, const void *buf, size_t len, bool durable,
    struct err *err)
{
	char tmp[NAME_CAP + 16];
	const char *p = buf;

	snprintf(tmp, sizeof tmp, PLACE_TMP "%s", name);
	/* What has this name is of a save that was cut short, or hostile. */
	unlinkat(dir, tmp, 0);
	AUTO_CLOSE int fd = openat(dir, tmp,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	while (fd >= 0 && len > 0) {
		ssize_t n = write(fd, p, len);

		if (n <= 0)
			break;
		p += n;
		len -= (size_t)n;
	}
	if (fd >= 0 && len == 0 && (!durable || fsync(fd) == 0) &&
	    renameat(dir, tmp, dir, name) == 0 && (!durable || fsync(dir) == 0))
		return 0;
	err_set(err, EXIT_STATE, "cannot save record %s: %s", name,
	    strerror(errno));
	unlinkat(dir, tmp, 0); /* half of one fills a disk that is full */
	return -EXIT_STATE;
}
