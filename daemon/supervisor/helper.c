/*
 * helper.c - see helper.h.
 */
#include "helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/flat.h"
#include "../base/log.h"
#include "../base/own.h"
#include "../base/weak.h"
#include "rootless.h"
#include "sys.h"

enum { ERR_BYTES_MAX = 400, SECRETS_PID = 200 };

void
helper_new(struct helper *h)
{
	memset(h, 0, sizeof *h);
	h->pidfd = h->out_fd = h->err_fd = -1;
	h->deadline = MSEC_NEVER;
}

/* Pages that are only freed keep what was in them until somebody needs them. */
static void
wipe_file(int fd)
{
	static const char zeros[4096];
	struct stat st;

	if (fstat(fd, &st) < 0)
		return;
	for (off_t at = 0; at < st.st_size; at += (off_t)sizeof zeros)
		if (pwrite(fd, zeros, sizeof zeros, at) < 0)
			return; /* memory: it can't */
}

static void
helper_close(struct helper *h)
{
	if (h->secret && h->out_fd >= 0)
		wipe_file(h->out_fd);
	if (h->pidfd >= 0)
		close(h->pidfd);
	if (h->out_fd >= 0)
		close(h->out_fd);
	if (h->err_fd >= 0)
		close(h->err_fd);
	helper_new(h);
}

/* Who checks files without being root has nothing to give up. */
static int
become(uid_t uid, gid_t gid)
{
	if (geteuid() == 0 && sys_become(uid, gid) < 0)
		return -1;
	/* Of the engine's own user, it is where that has no say. */
	if (rootless_one_id())
		return unshare(CLONE_NEWUSER);
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* What was only found is opened here, where that may take as long as it takes.  A
 * program that may not be read can't be judged: the answer is empty. */
static int
reopen(const struct helper *h, const char *kind, int yaml)
{
	char self[32];
	int fd;

	if (!(fcntl(yaml, F_GETFL) & O_PATH))
		return yaml;
	snprintf(self, sizeof self, "/proc/self/fd/%d", yaml);
	fd = open(self, O_RDONLY | IF_HOLDS("nonblock", O_NONBLOCK) | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && strcmp(kind, "program") == 0)
		_exit(0);
	if (fd < 0)
		dprintf(h->err_fd, "%s: %s", h->display, strerror(errno));
	return fd;
}

static void
child(const struct helper *h, int program, uid_t uid, gid_t gid,
    const char *kind, int yaml, int key, pid_t parent)
{
	char *const argv[] = {"meshd-conf", (char *)(uintptr_t)kind,
	    (char *)(uintptr_t)h->display, NULL};
	char *const env[] = {NULL};
	struct rlimit answer = {FLAT_BYTES_MAX, FLAT_BYTES_MAX};
	struct rlimit none = {0, 0};

	int keep[] = {yaml, h->out_fd, h->err_fd, program, key};

	sys_keep_only(keep, ARRAY_LEN(keep));
	sys_reset_signals();
	if ((yaml = reopen(h, kind, yaml)) < 0)
		_exit(1);
	/* High numbers first, so that no dup2 tramples on what is needed. */
	int in = fcntl(yaml, F_DUPFD_CLOEXEC, 100);
	int out = fcntl(h->out_fd, F_DUPFD_CLOEXEC, 100);
	int err = fcntl(h->err_fd, F_DUPFD_CLOEXEC, 100);
	int prog = fcntl(program, F_DUPFD_CLOEXEC, 100);
	int third = key < 0 ? -1 : fcntl(key, F_DUPFD_CLOEXEC, 100);

	if (in < 0 || out < 0 || err < 0 || prog < 0 || dup2(in, 0) < 0 ||
	    dup2(out, 1) < 0 || dup2(err, 2) < 0 ||
	    (key >= 0 && (third < 0 || dup2(third, 3) < 0)))
		_exit(125);
	close_range(key < 0 ? 3 : 4, ~0U, CLOSE_RANGE_CLOEXEC);
	sys_restore_nofile();
	setrlimit(RLIMIT_FSIZE, &answer);
	setrlimit(RLIMIT_CORE, &none);
	umask(077);
	/* Who would kill it at its deadline may die before it: so does it.  A
	 * change of user clears this, hence after it. */
	if (chdir("/") < 0 || become(uid, gid) < 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(125);
	sys_exec_fd(prog, argv, env);
	dprintf(2, "cannot run meshd-conf: %s", strerror(errno));
	_exit(126);
}

static int
start(struct helper *h, int program, uid_t uid, gid_t gid, const char *kind,
    const char *display, int yaml, int key, msec now, struct err *err)
{
	pid_t parent = getpid(), pid;

	helper_new(h);
	h->secret = strcmp(kind, "open") == 0;
	snprintf(h->display, sizeof h->display, "%s", display);
	h->out_fd = memfd_create("flat", MFD_CLOEXEC);
	h->err_fd = memfd_create("error", MFD_CLOEXEC);
	if (h->out_fd < 0 || h->err_fd < 0) {
		helper_close(h);
		return err_set(err, EXIT_ENVIRONMENT, "memfd_create: %s",
		    strerror(errno));
	}
	/* A container's first pids belong to its init and its application. */
	pid = h->secret && parent == 1 ? sys_fork_as(SECRETS_PID, &h->pidfd) :
					 sys_fork(0, -1, &h->pidfd);
	if (pid == 0)
		child(h, program, uid, gid, kind, yaml, key, parent);
	if (pid < 0) {
		h->pidfd = -1;
		helper_close(h);
		return err_set(err, EXIT_ENVIRONMENT, "cannot start meshd-conf: %s",
		    strerror(errno));
	}
	h->deadline = now + HELPER_MS_MAX;
	return 0;
}

int
helper_start(struct helper *h, struct strays *strays, int program, uid_t uid, gid_t gid,
    const char *kind, const char *display, int yaml, msec now, struct err *err)
{
	int rc = strays_room(strays, err);

	if (rc == 0)
		rc = start(h, program, uid, gid, kind, display, yaml, -1, now, err);
	h->strays = strays;
	return rc;
}

int
helper_try_secrets(struct helper *h, struct strays *strays, int program, uid_t uid,
    gid_t gid, const char *display, int sealed, int key, msec now, struct err *err)
{
	int rc = strays_room(strays, err);

	if (rc == 0)
		rc = start(h, program, uid, gid, "try", display, sealed, key, now, err);
	h->strays = strays;
	return rc;
}

void
helper_tick(struct helper *h, msec now)
{
	if (h->pidfd < 0 || now < h->deadline)
		return;
	h->late = true;
	h->deadline = MSEC_NEVER;
	sys_pidfd_kill(h->pidfd, SIGKILL);
}

void
helper_cancel(struct helper *h)
{
	int child = h->pidfd;

	h->pidfd = -1;
	if (child >= 0 && !strays_kill(h->strays, child, ""))
		log_debug("%s: meshd-conf was killed, and has not ended yet", h->display);
	helper_close(h);
}

/* Its one line, without the newline, with nothing that hurts a terminal. */
static int
own_words(struct helper *h, struct err *err)
{
	char raw[ERR_BYTES_MAX], text[ERR_TEXT_CAP];
	ssize_t n = sys_read_all(h->err_fd, raw, sizeof raw);
	size_t len = n > 0 ? (size_t)n : 0;

	for (size_t i = 0; i < len; i++)
		if (raw[i] == '\n')
			len = i;
	err_escape(text, sizeof text, raw, len);
	if (len == 0)
		return err_set(err, EXIT_CONFIG,
		    "%s: meshd-conf refused it without a word", h->display);
	return err_set(err, EXIT_CONFIG, "%s", text);
}

static int
answer(struct helper *h, int status, uint8_t **out, size_t *len, struct err *err)
{
	struct stat st;

	if (h->late)
		return err_set(err, EXIT_CONFIG,
		    "%s: meshd-conf took more than %d s: killed", h->display,
		    HELPER_MS_MAX / 1000);
	if (WIFSIGNALED(status))
		return err_set(err, EXIT_CONFIG,
		    "%s: meshd-conf died of signal %d", h->display,
		    WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return own_words(h, err);
	if (fstat(h->out_fd, &st) < 0 || st.st_size > FLAT_BYTES_MAX)
		return err_set(err, EXIT_CONFIG, "%s: answer too large",
		    h->display);
	*out = malloc((size_t)st.st_size + 1);
	if (*out == NULL ||
	    sys_read_all(h->out_fd, *out, (size_t)st.st_size) != st.st_size)
		return err_set(err, EXIT_ENVIRONMENT, "%s: cannot read records",
		    h->display);
	*len = (size_t)st.st_size;
	return 0;
}

/* Line by line: to notes, or to the log. */
static void
tell_notes(struct helper *h, char *notes)
{
	char raw[HELPER_NOTES_CAP], text[ERR_TEXT_CAP];
	ssize_t n = sys_read_all(h->err_fd, raw, sizeof raw - 1);
	size_t used = 0;

	raw[n > 0 ? n : 0] = '\0';
	for (const char *p = raw; *p != '\0'; p += strspn(p, "\n")) {
		size_t len = strcspn(p, "\n");

		err_escape(text, sizeof text, p, len);
		p += len;
		if (notes == NULL)
			log_info("%s", text);
		else if (used + strlen(text) + 2 <= HELPER_NOTES_CAP)
			used += (size_t)sprintf(notes + used, "%s\n", text);
	}
}

int
helper_finish(struct helper *h, uint8_t **out, size_t *len, char *notes,
    struct err *err)
{
	int status = 0, rc;

	*out = NULL;
	*len = 0;
	if (notes != NULL)
		notes[0] = '\0';
	if (sys_reap(h->pidfd, &status) != 1)
		return err_set(err, EXIT_ENVIRONMENT, "%s: meshd-conf was lost",
		    h->display);
	rc = answer(h, status, out, len, err);
	if (rc < 0) {
		free(*out);
		*out = NULL;
	} else {
		tell_notes(h, notes);
	}
	helper_close(h);
	return rc;
}

static int
wait_and_finish(struct helper *h, char *notes, uint8_t **out, size_t *len,
    struct err *err)
{
	struct pollfd pfd = {.fd = h->pidfd, .events = POLLIN};

	while (poll(&pfd, 1, 100) <= 0)
		helper_tick(h, sys_now());
	return helper_finish(h, out, len, notes, err);
}

int
helper_open_secrets(int program, uid_t uid, gid_t gid, const char *display,
    int sealed, int key, char **out, size_t *len, struct err *err)
{
	struct helper h;
	uint8_t *buf = NULL;
	int rc = start(&h, program, uid, gid, "open", display, sealed, key,
	    sys_now(), err);

	if (rc == 0)
		rc = wait_and_finish(&h, NULL, &buf, len, err);
	*out = (char *)buf;
	return rc;
}

int
helper_run(int program, uid_t uid, gid_t gid, const char *kind,
    const char *display, int yaml, char *notes, uint8_t **out, size_t *len,
    struct err *err)
{
	struct helper h;
	int rc = start(&h, program, uid, gid, kind, display, yaml, -1, sys_now(), err);

	return rc < 0 ? rc : wait_and_finish(&h, notes, out, len, err);
}

int
helper_open_yaml(int dir, const char *name, const char *display, struct err *err)
{
	struct stat st;
	AUTO_CLOSE int fd = openat(dir, name,
	    O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int out;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, EXIT_CONFIG, "%s: %s", display,
		    strerror(errno));
	if (S_ISDIR(st.st_mode))
		return err_set(err, EXIT_CONFIG, "%s: is a directory", display);
	if (!S_ISREG(st.st_mode))
		return err_set(err, EXIT_CONFIG, "%s: not a regular file",
		    display);
	if (HOLDS("yaml-owner") && st.st_mode & 022)
		return err_set(err, EXIT_CONFIG,
		    "%s: refusing: mode %04o, must not be writable by group or others",
		    display, st.st_mode & 07777);
	if (HOLDS("yaml-owner") && !rootless_trusts(fd, &st))
		return err_set(err, EXIT_CONFIG,
		    "%s: refusing: owned by uid %u, must be owned by %s",
		    display, st.st_uid, rootless_owner());
	out = fd;
	fd = -1;
	return out;
}
