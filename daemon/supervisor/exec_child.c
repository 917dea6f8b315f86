/*
 * exec_child.c - the way of a command into its container.
 *
 * What is dangerous about it: for a moment a process with root's memory and
 * rights is where the container's own processes can see it.  Therefore
 *
 *   - it is in the container's group from its first instruction, and waits
 *     until all limits hold;
 *   - no descriptor but the command's three, and what is named below, is open;
 *   - its secrets, which the container's application has too, are opened by another
 *     process, before it is where those of the container can see it;
 *   - it can't be traced nor its /proc files be opened (dumpable is off) from
 *     before it enters the pid namespace until it has given up everything;
 *   - the user namespace comes last, with the one step that drops all (the same
 *     as of a container's start), since the others belong to the host's;
 *   - /proc/self/exe is never the host's meshd when a file of the image is
 *     exec'd: the sealed copy of meshd-init does that, as the container's user.  Nobody
 *     may read that copy, so from one exec to the other it can't be dumped either.
 *     (A script "#!/proc/self/exe" would run, and hold open, what that is.)
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../base/initproto.h"
#include "../base/own.h"
#include "../base/weak.h"
#include "child.h"
#include "exec.h"
#include "sys.h"

enum { HIGH_FD = 64, FAILED = 125 };

#define JOINED                                                                 \
	(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |            \
	    CLONE_NEWCGROUP)

static _Noreturn void
fail(const struct exec_child *c, const char *what)
{
	dprintf(c->error, "%s: %s", what, strerror(errno));
	_exit(FAILED);
}

_Static_assert(CGROUP_COUNT == 4, "fds of exec_child_run");

static rlim_t
rlimit_of(const char *text)
{
	return strncmp(text, "unlimited", 9) == 0 ? RLIM_INFINITY :
						    (rlim_t)strtoull(text, NULL, 10);
}

/* From its file, a line of fixed columns each: prlimit of another user's process
 * needs CAP_SYS_RESOURCE, which meshd may have been started without. */
static void
take_rlimits(const struct exec_child *c)
{
	enum { SOFT = 26, HARD = 47, WIDTH = 20 };
	char path[48], text[4096], *line;
	struct rlimit lim;
	ssize_t n;

	snprintf(path, sizeof path, "/proc/%d/limits", (int)c->pid);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	line = strchr(text, '\n'); /* titles */
	for (int i = 0; i < (int)RLIM_NLIMITS; i++) {
		char *next = line == NULL ? NULL : strchr(++line, '\n');

		errno = EINVAL;
		if (next == NULL || next - line < HARD + WIDTH)
			fail(c, "limits of its pid 1");
		lim = (struct rlimit){rlimit_of(line + SOFT), rlimit_of(line + HARD)};
		if (setrlimit((__rlimit_resource_t)i, &lim) < 0)
			fail(c, "limits");
		line = next;
	}
}

/* What the kernel limits its pid 1 by: as it is, not as it was meant. */
static void
take_limits(const struct exec_child *c)
{
	char path[48], score[16];
	cpu_set_t cpus;
	ssize_t n;

	snprintf(path, sizeof path, "/proc/%d/oom_score_adj", (int)c->pid);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, score, sizeof score - 1);
	score[n > 0 ? n : 0] = '\0';
	if (n <= 0 || sys_write_file(AT_FDCWD, "/proc/self/oom_score_adj", score) < 0)
		fail(c, "oom_score_adj");
	if (sched_getaffinity(c->pid, sizeof cpus, &cpus) < 0 ||
	    sched_setaffinity(0, sizeof cpus, &cpus) < 0)
		fail(c, "affinity");
	errno = 0;
	n = getpriority(PRIO_PROCESS, (id_t)c->pid);
	if (errno != 0 || setpriority(PRIO_PROCESS, 0, (int)n) < 0)
		fail(c, "priority");
	take_rlimits(c);
}

/* 0, 1, 2 and the error pipe where meshd-init has it; all else is closed. */
static int
arrange(const struct exec_child *c)
{
	int prog = fcntl(c->init, F_DUPFD_CLOEXEC, HIGH_FD);
	int error = fcntl(c->error, F_DUPFD_CLOEXEC, HIGH_FD), high[EXEC_FDS];

	for (int i = 0; i < EXEC_FDS; i++)
		if ((high[i] = fcntl(c->stdio[i], F_DUPFD_CLOEXEC, HIGH_FD)) < 0)
			fail(c, "dup");
	for (int i = 0; i < EXEC_FDS; i++)
		if (dup2(high[i], i) < 0)
			fail(c, "dup");
	if (prog < 0 || error < 0 || dup2(error, INIT_FD_ERROR) < 0 ||
	    close_range(EXEC_FDS, INIT_FD_ERROR - 1, 0) < 0 ||
	    close_range(INIT_FD_ERROR + 1, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		fail(c, "dup");
	return prog;
}

static char **
environment(const struct exec_child *c, const struct strs *secrets)
{
	static char term[EXEC_TERM_CAP + 8];
	char **env = child_vector(&c->spec->env, 1 + secrets->count), *p = secrets->buf;

	snprintf(term, sizeof term, "TERM=%s", c->ask->term);
	env[0] = term;
	for (uint32_t i = 0; i < secrets->count; i++, p += strlen(p) + 1)
		env[1 + i] = p;
	/* The terminal's own word, else the container's. */
	if (c->ask->term[0] == '\0')
		return env + 1;
	for (size_t i = 1, k = 1; env[i - 1] != NULL; i++) {
		if (env[i] != NULL && strncmp(env[i], "TERM=", 5) == 0)
			continue;
		env[k++] = env[i];
	}
	return env;
}

static _Noreturn void
command(const struct exec_child *c, const struct child *as, const struct strs *secrets)
{
	bool tty = c->ask->flags & EXEC_F_TTY;
	char **argv = child_vector(&c->ask->argv, 2), **env = environment(c, secrets);
	int prog;

	close(c->born);
	close(c->target);
	argv[0] = (char *)(uintptr_t)"meshd-init";
	argv[1] = (char *)(uintptr_t)(tty ? INIT_VERSION_TTY : INIT_VERSION_EXEC);
	umask(022);
	if (setsid() < 0 ||
	    syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0)
		fail(c, "session");
	prog = arrange(c);
	if (child_become(as, INIT_FD_ERROR) != 0)
		_exit(FAILED);
	/* From here on it is as any process of the container.  Who made it ends it:
	 * if that is gone, the kernel does. */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (!HOLDS("exec-sealed"))
		execve(argv[2], argv + 2, env);
	sys_exec_fd(prog, argv, env);
	dprintf(INIT_FD_ERROR, "exec meshd-init: %s", strerror(errno));
	_exit(FAILED);
}

/* To a network that one is in already only the host's root may go. */
static int
other_network(pid_t pid)
{
	char path[48];
	struct stat theirs, ours;

	snprintf(path, sizeof path, "/proc/%d/ns/net", (int)pid);
	return stat(path, &theirs) == 0 && stat("/proc/self/ns/net", &ours) == 0 &&
		theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev ?
	    0 :
	    CLONE_NEWNET;
}

_Noreturn void
exec_child_run(const struct exec_child *c)
{
	int fds[] = {c->target, c->init, c->stdio[0], c->stdio[1], c->stdio[2],
	    c->error, c->born, c->release, c->doors[0], c->doors[1], c->doors[2], c->doors[3],
	    c->key, c->key < 0 ? -1 : c->conf};
	struct exec_born born = {EXEC_BORN_MAGIC, 0};
	struct child as = {.spec = c->spec, .filter = c->filter,
	    .error = INIT_FD_ERROR, .userns = -1};
	const struct child of_secrets = {.spec = c->spec, .error = c->error, .key = c->key,
	    .conf = c->conf, .conf_uid = c->conf_uid, .conf_gid = c->conf_gid};
	struct strs secrets = {0};
	int pidfd = -1;
	char byte;

	sys_keep_only(fds, ARRAY_LEN(fds));
	sys_reset_signals();
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (read(c->release, &byte, 1) != 1)
		_exit(0); /* our maker died, or thought better of it */
	close(c->release);
	if (child_secrets(&of_secrets, &secrets) < 0)
		_exit(EXEC_NO_SECRETS);
	for (int i = 0; i < CGROUP_COUNT; i++)
		if (c->doors[i] >= 0 && cgroup_join(c->doors[i]) < 0)
			fail(c, "enter its cgroups");
	if (child_reset_more(&(struct child){.error = c->error}) < 0)
		_exit(FAILED);
	take_limits(c);
	if (c->spec->uid_maps_count > 0)
		as.userns = fcntl(c->target, F_DUPFD_CLOEXEC, HIGH_FD);
	if (setns(c->target, JOINED | other_network(c->pid)) < 0)
		fail(c, "enter the container");
	born.pid = sys_fork(CLONE_PARENT, -1, &pidfd);
	if (born.pid == 0)
		command(c, &as, &secrets);
	if (born.pid < 0)
		fail(c, "clone");
	if (write(c->born, &born, sizeof born) != (ssize_t)sizeof born)
		_exit(FAILED);
	_exit(0);
}
