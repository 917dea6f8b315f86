/*
 * child.c - see child.h.  Runs as root in new namespaces until the very end;
 * from enter() on there is no path here that leads to the host, and what
 * the image holds is only ever looked up inside it, never followed, never
 * written.
 */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../base/initproto.h"
#include "../base/weak.h"
#include "launch.h"
#include "ports.h"
#include "rootless.h"
#include "sys.h"

enum {
	HIGH_FD = 64,
	/* Of Landlock, younger than the headers. */
	BIND_TCP = 1,
	RULE_NET_PORT = 2,
	SCOPE_ABSTRACT = 1,
};

int
child_say(const struct child *c, const char *fmt, ...)
{
	char text[ERR_TEXT_CAP];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (n > 0 && write(c->error, text,
			 (size_t)n < sizeof text ? (size_t)n :
						   sizeof text - 1) < 0)
		_exit(125); /* nobody listens any more */
	return -1;
}

/* For a test: as if the host's tree had stayed in sight. */
static int
keep_old_root(const struct child *c)
{
	return unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		    syscall(SYS_move_mount, c->root, "", AT_FDCWD, "/proc",
			MOVE_MOUNT_F_EMPTY_PATH) < 0 ||
		    fchdir(c->root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ?
	    -1 :
	    0;
}

/*
 * Where nothing of the host ever was, the image becomes "/", upon a directory that
 * holds nothing.  Leaving the host's tree instead (pivot_root, umount2 of the old root)
 * is to copy all mounts of the host, to undo that, and to wait until every processor
 * has looked away: a seventh of a start.  chroot is no wall here: who got out of it
 * would come to that directory, and from there into what is mounted upon it: the image.
 */
static int
enter(const struct child *c)
{
	char cwd[8];

	if (!HOLDS("no-old-root"))
		return keep_old_root(c) < 0 || chdir("/") < 0 ? -1 : 0;
	if (setns(c->bare, CLONE_NEWNS) < 0 || unshare(CLONE_NEWNS) < 0)
		return child_say(c, "mount namespace: %s", strerror(errno));
	if (syscall(SYS_move_mount, c->root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return child_say(c, "mount image: %s", strerror(errno));
	/* As setns would: what is uppermost at "/" is the root of all in here. */
	if (fchdir(c->root) < 0 || chroot(".") < 0 || chdir("/") < 0)
		return child_say(c, "go into the image: %s", strerror(errno));
	if (getcwd(cwd, sizeof cwd) == NULL || strcmp(cwd, "/") != 0)
		return child_say(c, "go into the image: outside of it after all");
	return 0;
}

/* After arrange(), whose high numbers a small limit would not let be. */
static int
set_limit(int what, const char *name, rlim_t value)
{
	struct rlimit lim = {value, value};

	if (setrlimit((__rlimit_resource_t)what, &lim) == 0)
		return 0;
	dprintf(INIT_FD_ERROR, "%s %llu: %s", name, (unsigned long long)value,
	    strerror(errno));
	return -1;
}

/* The first numbers are the protocol's; the program keeps a high number. */
static int
arrange(const struct child *c, int null, int *prog, int *release)
{
	int from[INIT_FD_PORT + SPEC_PORTS_MAX + ARRAY_LEN(c->more_logs)] = {null, null,
	    null, c->exit_fd, c->logs[0], c->logs[1], c->error,
	    c->fence < 0 ? null : c->fence};
	size_t ports = c->spec->ports.count, more = (size_t)c->logs_count - 2,
	       count = INIT_FD_PORT + ports + more;
	int high[ARRAY_LEN(from)];

	if (ports + more == 0 && c->fence < 0)
		count--; /* version 1 ends before the fence */
	memcpy(from + INIT_FD_PORT, c->ports, ports * sizeof *c->ports);
	memcpy(from + INIT_FD_PORT + ports, c->more_logs, more * sizeof *c->more_logs);
	for (size_t i = 0; i < count; i++)
		if ((high[i] = fcntl(from[i], F_DUPFD_CLOEXEC, HIGH_FD)) < 0)
			return child_say(c, "dup: %s", strerror(errno));
	*prog = fcntl(c->init, F_DUPFD_CLOEXEC, HIGH_FD);
	*release = fcntl(c->release, F_DUPFD_CLOEXEC, HIGH_FD);
	for (size_t i = 0; i < count; i++)
		if (dup2(high[i], (int)i) < 0)
			return child_say(c, "dup: %s", strerror(errno));
	return *prog < 0 || *release < 0 ||
		(HOLDS("cloexec") &&
		    close_range((unsigned)count, ~0U, CLOSE_RANGE_CLOEXEC) < 0) ?
	    -1 :
	    0;
}

/* On the host's network two things of the host are in reach that Landlock keeps
 * out: its abstract unix sockets (of a desktop, a container engine, ...), from
 * Linux 6.12 on, and ports that are not for this sandbox, from 6.7 on.  What an
 * older kernel lacks was said at start. */
static int
shut_network(const struct child *c)
{
	const struct strs *ports = &c->spec->bind;
	int abi = sys_landlock_abi(), fd, rc = 0;
	struct {
		uint64_t fs, net, scoped;
	} rules = {0,
	    abi >= SYS_LANDLOCK_PORTS && ports->count > 0 &&
		    HOLDS("landlock-bind") ?
		BIND_TCP :
		0,
	    abi >= SYS_LANDLOCK_SCOPES && HOLDS("landlock") ? SCOPE_ABSTRACT : 0};
	const char *p = ports->buf;
	unsigned long first, last;

	if (rules.net == 0 && rules.scoped == 0)
		return 0;
	fd = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);
	for (uint32_t i = 0; fd >= 0 && rules.net != 0 && i < ports->count &&
	     rc == 0;
	     i++, p += strlen(p) + 1) {
		if (sscanf(p, "%lu-%lu", &first, &last) != 2)
			continue;
		for (; first <= last && last <= 65535 && rc == 0; first++) {
			const uint64_t rule[] = {BIND_TCP, first};

			rc = (int)syscall(SYS_landlock_add_rule, fd,
			    RULE_NET_PORT, rule, 0);
		}
	}
	if (fd < 0 || rc < 0 ||
	    syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		return -1;
	close(fd);
	return 0;
}

/* Just these, in every set: ambient too, or they end with the exec of a user who
 * is not 0. */
static int
set_capabilities(uint64_t set)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];

	for (int i = 0; i < 2; i++) {
		uint32_t half = (uint32_t)(set >> (32 * i));

		data[i] = (struct __user_cap_data_struct){half, half, half};
	}
	if (syscall(SYS_capset, &head, data) < 0)
		return -1;
	for (int cap = 0; cap < 64; cap++)
		if ((set >> cap & 1) &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			return -1;
	return 0;
}

/* From root of the host to the application's user, for good.  setns gives a
 * full set of capabilities and a full bounding set in the user namespace, so
 * everything is dropped after it. */
int
child_become(const struct child *c, int error)
{
	const struct spec *s = c->spec;
	char cwd[PATH_MAX];

	if (HOLDS("groups") && sys_no_groups() < 0)
		return dprintf(error, "setgroups: %s", strerror(errno));
	if (c->userns >= 0 && setns(c->userns, CLONE_NEWUSER) < 0)
		return dprintf(error, "enter user namespace: %s",
		    strerror(errno));
	if (HOLDS("capabilities") && (sys_drop_bounding(s->capabilities) < 0 ||
				       (s->capabilities != 0 && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)))
		return dprintf(error, "drop bounding set: %s", strerror(errno));
	if (setresgid(s->gid, s->gid, s->gid) < 0 ||
	    setresuid(s->uid, s->uid, s->uid) < 0)
		return dprintf(error, "become user %u group %u: %s", s->uid,
		    s->gid, strerror(errno));
	if ((HOLDS("capabilities") && set_capabilities(s->capabilities) < 0) ||
	    (HOLDS("nnp") && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0))
		return dprintf(error, "drop capabilities: %s", strerror(errno));
	if (shut_network(c) < 0)
		return dprintf(error, "landlock: %s", strerror(errno));
	if (chdir(s->workdir) < 0)
		return dprintf(error, "workdir %s: %s", s->workdir,
		    strerror(errno));
	/* By a descriptor (/proc/self/fd/N) it could be a directory outside. */
	if (HOLDS("cwd-inside") &&
	    (getcwd(cwd, sizeof cwd) == NULL || cwd[0] != '/'))
		return dprintf(error, "workdir %s: it is not in the image",
		    s->workdir);
	if (filter_install(c->filter) < 0)
		return dprintf(error, "seccomp: %s", strerror(errno));
	return 0;
}

char **
child_vector(const struct strs *s, size_t skip)
{
	char **v = calloc(skip + s->count + 1, sizeof *v);
	char *p = s->buf;

	if (v == NULL)
		_exit(125);
	for (uint32_t i = 0; i < s->count; i++, p += strlen(p) + 1)
		v[skip + i] = p;
	return v;
}

/* The application's numbers of its sockets: "3,4". */
static void
port_numbers(const struct strs *ports, char *out, size_t cap)
{
	const char *line = ports->buf;
	struct port p;
	size_t n = 0;

	out[0] = '\0';
	for (uint32_t i = 0; i < ports->count; i++, line += strlen(line) + 1)
		if (port_read(line, &p) && n < cap)
			n += (size_t)snprintf(out + n, cap - n, "%s%u",
			    n > 0 ? "," : "", p.fd);
}

/* Where it may leave metrics, unless its file says otherwise.  Not of its record: what
 * runs already is not another one by it. */
#define METRICS_VARIABLE "CANTAL_PATH="

static bool
has_variable(const struct strs *env, const char *begins)
{
	const char *p = env->buf;

	for (uint32_t i = 0; i < env->count; i++, p += strlen(p) + 1)
		if (strncmp(p, begins, strlen(begins)) == 0)
			return true;
	return false;
}

/* A user may know neither its groups nor its descriptors, but of which file system its
 * logs are he may: inodes alone are the same in two that are new (rootless_find.c). */
static void
name_init(char *name, size_t cap)
{
	struct stat st;

	if (rootless() && fstat(INIT_FD_LOG, &st) == 0)
		snprintf(name, cap, INIT_NAME INIT_NAME_DEV "%llx", (unsigned long long)st.st_dev);
	else
		snprintf(name, cap, INIT_NAME);
}

static void
exec_init(const struct child *c, const struct strs *secrets, int prog)
{
	bool fenced = c->fence >= 0, more = c->logs_count > 2,
	     ports = more || c->spec->ports.count > 0;
	char bytes[24], kill_ms[16], files[16], numbers[12 * SPEC_PORTS_MAX] = "", name[40];
	bool told = has_variable(&c->spec->env, METRICS_VARIABLE) ||
	    has_variable(secrets, METRICS_VARIABLE);
	char **env = child_vector(&c->spec->env, secrets->count + !told);
	char **argv = child_vector(&c->spec->args,
	    4 + (size_t)(fenced || ports) + ports + more);
	char *p = secrets->buf;
	size_t n = 0;

	for (uint32_t i = 0; i < secrets->count; i++, p += strlen(p) + 1)
		env[i] = p;
	if (!told)
		env[secrets->count] = (char *)(uintptr_t)METRICS_VARIABLE
		    SUP_METRICS_DIR "/" SUP_METRICS_FILE;
	snprintf(bytes, sizeof bytes, "%llu", (unsigned long long)c->log_bytes);
	snprintf(kill_ms, sizeof kill_ms, "%u", c->spec->kill_timeout_ms);
	port_numbers(&c->spec->ports, numbers, sizeof numbers);
	name_init(name, sizeof name);
	argv[n++] = name;
	snprintf(files, sizeof files, "%d", c->logs_count);
	argv[n++] = (char *)(uintptr_t)(more ? INIT_VERSION_LOGS :
		ports			     ? INIT_VERSION_PORTS :
		fenced			     ? INIT_VERSION_FENCE :
					       INIT_VERSION);
	argv[n++] = bytes;
	if (fenced || ports)
		argv[n++] = fenced ? kill_ms : (char *)(uintptr_t)"-";
	if (ports)
		argv[n++] = numbers;
	if (more)
		argv[n++] = files;
	argv[n] = (char *)(uintptr_t)c->spec->executable;
	sys_exec_fd(prog, argv, env);
	dprintf(INIT_FD_ERROR, "exec meshd-init: %s", strerror(errno));
}

/*
 * Wait for our maker: until the byte comes nobody has noted us.  All else is done
 * before, while it writes record and note; nothing of the image has run.
 */
static void
wait_for_release(int release)
{
	char byte;

	if (read(release, &byte, 1) != 1)
		_exit(0); /* it died: so do we, unrecorded and unrun */
}

/* Before anything of the image runs; after the mounts, which a small quota of
 * the application's shall not make slow, and while which our maker makes them. */
static int
join_groups(const struct child *c)
{
	int doors[CGROUP_COUNT];
	struct err err;

	wait_for_release(c->release);
	if (cgroup_doors(c->cgroups, c->leaf, doors, &err) < 0)
		return child_say(c, "%s", err.text);
	for (int i = 0; i < CGROUP_COUNT; i++) {
		if (doors[i] >= 0 && cgroup_join(doors[i]) < 0)
			return child_say(c, "cannot enter its cgroup: %s",
			    strerror(errno));
		if (doors[i] >= 0)
			close(doors[i]);
		if (c->cgroups->v1[i] >= 0)
			close(c->cgroups->v1[i]);
	}
	return 0;
}

/* The cgroups that were entered are the root of ours from now on. */
static int
enter_cgroupns(const struct child *c)
{
	if (HOLDS("cgroupns") && unshare(CLONE_NEWCGROUP) < 0)
		return child_say(c, "cgroup namespace: %s", strerror(errno));
	return 0;
}

static void
keep_ours(const struct child *c)
{
	enum { KEPT = 15 };
	int fds[KEPT + CGROUP_COUNT + SPEC_VOLUMES_MAX + SPEC_PORTS_MAX +
	    ARRAY_LEN(c->more_logs)] = {c->root, c->userns, c->release,
	    c->error, c->exit_fd, c->logs[0], c->logs[1], c->init, c->fence,
	    c->hosts, c->resolv, c->key, c->key < 0 ? -1 : c->conf, c->net, c->bare};

	memcpy(fds + KEPT, c->cgroups->v1, sizeof c->cgroups->v1);
	memcpy(fds + KEPT + CGROUP_COUNT, c->volumes, sizeof c->volumes);
	memcpy(fds + KEPT + CGROUP_COUNT + SPEC_VOLUMES_MAX, c->ports,
	    sizeof c->ports);
	memcpy(fds + KEPT + CGROUP_COUNT + SPEC_VOLUMES_MAX + SPEC_PORTS_MAX, c->more_logs,
	    sizeof c->more_logs);
	sys_keep_only(fds, ARRAY_LEN(fds));
}

/* What may take as long as another process or host lets it. */
static int
mount_later(struct child *c)
{
	const size_t n = strlen(c->spec->instance);
	struct err err;

	if (launch_mounts_later(c, &err) == 0)
		return 0;
	/* Who hears it says whose it is. */
	return child_say(c, "%s", strncmp(err.text, c->spec->instance, n) == 0 &&
		    strncmp(err.text + n, ": ", 2) == 0 ? err.text + n + 2 : err.text);
}

_Noreturn void
child_run(struct child *c)
{
	const struct spec *s = c->spec;
	struct strs secrets = {0};
	struct child_early early;
	int null = -1, prog = -1, release = -1;

	if (HOLDS("keep-ours"))
		keep_ours(c);
	sys_reset_signals();
	signal(SIGPIPE, SIG_IGN);
	if (c->later && mount_later(c) < 0)
		_exit(125);
	/* Secrets first: meshd-conf needs the host's own libraries. */
	if (child_reset(c) < 0 || child_secrets(c, &secrets) < 0 || child_network(c) < 0 ||
	    child_early(c, &early) < 0 || enter(c) < 0 ||
	    child_mounts(c, &early, &null) < 0)
		_exit(125);
	if (sethostname(s->instance, strlen(s->instance)) < 0 ||
	    (HOLDS("setsid") && setsid() < 0) ||
	    (HOLDS("keyring") &&
		syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0)) {
		child_say(c, "session: %s", strerror(errno));
		_exit(125);
	}
	umask(022);
	signal(SIGPIPE, SIG_DFL);
	if (join_groups(c) < 0)
		_exit(125);
	if (c->cgroups->move)
		wait_for_release(c->release);
	if (enter_cgroupns(c) < 0 ||
	    arrange(c, null, &prog, &release) < 0 ||
	    set_limit(RLIMIT_NOFILE, "fileno-limit", s->fileno) < 0 ||
	    set_limit(RLIMIT_CORE, "core", 0) < 0 ||
	    child_become(c, INIT_FD_ERROR) != 0)
		_exit(125);
	if (!c->cgroups->move)
		wait_for_release(release);
	exec_init(c, &secrets, prog);
	_exit(126);
}
