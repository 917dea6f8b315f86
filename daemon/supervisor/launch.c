/*
 * launch.c - see launch.h: the parent's side of a start.
 */
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/initproto.h"
#include "../base/log.h"
#include "../base/own.h"
#include "../base/weak.h"
#include "child.h"
#include "lease.h"
#include "mounts.h"
#include "sys.h"

enum { COMMAND_LOG_BYTES = 64 << 10, GEN_TRIES = 1000, INIT_BYTES_MAX = 16 << 20,
	UNREADABLE = 0111 };

#define NEW_NAMESPACES                                                         \
	(CLONE_NEWUTS | (unsigned)IF_HOLDS("pidns", CLONE_NEWPID) |            \
	    (unsigned)IF_HOLDS("ipcns", CLONE_NEWIPC))

void
running_new(struct running *r)
{
	memset(r, 0, sizeof *r);
	r->pidfd = r->release = r->error = r->exit_fd = r->logs[0] = r->logs[1] = r->appdir = -1;
}

void
running_close(struct running *r)
{
	int *fds[] = {&r->pidfd, &r->release, &r->error, &r->exit_fd, &r->logs[0],
	    &r->logs[1], &r->appdir};

	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

/* Nobody may read it: what execs it can't be dumped, from its first instruction on
 * and not only once it says so. */
static int
hide_init(const struct launcher *l)
{
	return fchmod(l->init, HOLDS("unreadable") ? UNREADABLE : 0777);
}

int
launch_open(struct launcher *l, const struct place *place,
    const struct cgroups *cgroups, gid_t gid, int init_program, struct err *err)
{
	struct stat st;
	AUTO_FREE char *image = NULL;

	memset(l, 0, sizeof *l);
	l->place = place;
	l->cgroups = cgroups;
	l->gid = gid;
	l->sweeper = -1;
	l->sweeping = true; /* what a supervisor before us did not finish */
	l->gone_seq = sys_boot_ms();
	l->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sys_boot_id(l->boot_id);
	if (l->null < 0 || l->boot_id[0] == '\0')
		return err_set(err, EXIT_ENVIRONMENT,
		    "cannot open /dev/null or read the boot id: %s",
		    strerror(errno));
	if ((l->bare = mounts_bare()) < 0)
		return err_set(err, EXIT_ENVIRONMENT, "cannot make a mount namespace: %s",
		    strerror(errno));
	if (fstat(init_program, &st) < 0 || st.st_size > INIT_BYTES_MAX ||
	    (image = malloc((size_t)st.st_size + 1)) == NULL ||
	    sys_read_all(init_program, image, (size_t)st.st_size) != st.st_size)
		return err_set(err, EXIT_ENVIRONMENT, "cannot read meshd-init: %s",
		    strerror(errno));
	/* A sealed copy: nothing that runs in a container can change the file
	 * that the next one is started from. */
	l->init = sys_memfd("meshd-init", image, (size_t)st.st_size);
	if (l->init < 0 || hide_init(l) < 0)
		return err_set(err, EXIT_ENVIRONMENT, "cannot seal meshd-init: %s",
		    strerror(errno));
	if (sys_landlock_abi() < SYS_LANDLOCK_PORTS)
		log_warn("this kernel's Landlock can't say which TCP ports a process may bind (Linux 6.7 can): allow-tcp-ports holds for variables and tcp-ports, not for what a container binds by itself");
	if (sys_landlock_abi() < SYS_LANDLOCK_SCOPES)
		log_warn("this kernel's Landlock can't keep a process from abstract unix sockets (Linux 6.12 can): containers reach those of this host");
	return filter_compile(&l->filter, err);
}

uint32_t
launch_outside(const struct spec_map *maps, uint32_t count, uint32_t id)
{
	for (uint32_t i = 0; i < count; i++)
		if (id >= maps[i].inside && id - maps[i].inside < maps[i].count)
			return maps[i].outside + (id - maps[i].inside);
	return id;
}

static int
make_cgroup(const struct launcher *l, const struct spec *s, uint32_t gen,
    struct running *r, int *fd, struct err *err)
{
	int rc = -EEXIST;

	for (uint32_t i = 0; i < GEN_TRIES && rc == -EEXIST; i++) {
		r->gen = gen + i;
		snprintf(r->leaf, sizeof r->leaf, "%c%s/%s.%u", CGROUP_BOX,
		    s->sandbox, s->instance, r->gen);
		rc = cgroup_make(l->cgroups, r->leaf, fd, err);
	}
	if (rc == -EEXIST)
		return err_set(err, EXIT_ENVIRONMENT,
		    "too many old cgroups named %s.N", s->instance);
	if (rc < 0)
		err_prefix(err, "%s: ", s->instance);
	return rc;
}

/* The rest of its groups, while the child makes its mounts: it waits for them. */
static int
limit_cgroup(const struct launcher *l, const struct spec *s,
    const struct running *r, struct err *err)
{
	const struct cgroup_limits limits = {s->memory_bytes, s->memory_high_bytes,
	    s->cpu_shares, s->cpu_milli, s->pids, s->io_weight, s->limits_optional};
	int rc = cgroup_limit(l->cgroups, r->leaf, &limits, err);

	/* EPIPE: the child failed already, and says why on its error pipe. */
	if (rc == 0 && write(r->release, "x", 1) != 1 && errno != EPIPE)
		rc = err_set(err, EXIT_ENVIRONMENT, "pipe: %s", strerror(errno));
	if (rc < 0)
		err_prefix(err, "%s: ", s->instance);
	return rc;
}

/* The child makes its mounts from here on, and waits. */
static int
clone_child(struct child *c, int cgroup, struct running *r, struct err *err)
{
	int release[2] = {-1, -1}, error[2] = {-1, -1};

	if (pipe2(release, O_CLOEXEC) < 0 ||
	    pipe2(error, O_CLOEXEC | O_NONBLOCK) < 0) {
		if (release[0] >= 0) {
			close(release[0]);
			close(release[1]);
		}
		return err_set(err, EXIT_ENVIRONMENT, "%s: pipe: %s",
		    c->spec->instance, strerror(errno));
	}
	c->release = release[0];
	c->error = error[1];
	r->error = error[0];
	r->release = release[1];
	r->pid = sys_fork(NEW_NAMESPACES, cgroup, &r->pidfd);
	if (r->pid == 0)
		child_run(c); /* closes release[1], or would never see its end */
	close(release[0]);
	close(error[1]);
	if (r->pid > 0)
		return 0;
	r->pidfd = -1;
	return err_set(err, EXIT_ENVIRONMENT, "%s: clone3: %s",
	    c->spec->instance, strerror(errno));
}

void
launch_undo(struct launcher *l, struct running *r)
{
	int child = r->pidfd;

	r->pidfd = -1;
	if (child >= 0 && !strays_kill(&l->strays, child, r->leaf))
		r->leaf[0] = '\0';
	running_close(r);
	if (r->leaf[0] != '\0')
		(void)cgroup_remove(l->cgroups, r->leaf);
}

static int
open_fence(const struct launcher *l, const struct spec *s, int *fd,
    struct err *err)
{
	*fd = lease_file(l->place, s->instance);
	if (*fd >= 0)
		return 0;
	return err_set(err, EXIT_STATE, "%s: cannot open its fence file: %s",
	    s->instance, strerror(errno));
}

static void
close_each(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static int
may_begin(struct launcher *l, const struct spec *s, struct err *err)
{
	int rc = strays_room(&l->strays, err);

	if (rc < 0) {
		err_prefix(err, "%s: ", s->instance);
		return rc;
	}
	if (hide_init(l) < 0)
		return err_set(err, EXIT_ENVIRONMENT, "%s: chmod of meshd-init: %s",
		    s->instance, strerror(errno));
	return HOLDS("compiled-once") ? 0 : filter_compile(&l->filter, err);
}

int
launch_begin(struct launcher *l, const struct spec *s, uint32_t gen,
    struct running *r, struct err *err)
{
	struct filter filter;
	struct child c = {.spec = s, .filter = &filter, .root = -1, .fence = -1,
	    .hosts = -1, .resolv = -1, .key = -1, .net = -1, .conf = l->conf,
	    .conf_uid = l->conf_uid, .conf_gid = l->conf_gid};
	int *const fds[] = {&c.root, &c.fence, &c.hosts, &c.resolv, &c.key};
	AUTO_CLOSE int cgroup = -1;
	int rc;

	memset(c.volumes, -1, sizeof c.volumes);
	memset(c.more_logs, -1, sizeof c.more_logs);
	running_new(r);
	if ((rc = may_begin(l, s, err)) < 0 || (rc = filter_for(&l->filter, s, &filter, err)) < 0)
		return rc;
	rc = launch_mounts(l, s, &c, err);
	if (rc == 0)
		rc = launch_key(s, &c.key, err);
	if (rc == 0)
		rc = nets_take(l, s, &c.net, err);
	if (rc == 0)
		rc = ports_open(&l->ports, s, c.ports, err);
	if (rc == 0 && s->policy == SUP_EXCLUSIVE)
		rc = open_fence(l, s, &c.fence, err);
	if (rc == 0)
		rc = launch_outputs(l, s, &c, r, err);
	if (rc == 0)
		rc = make_cgroup(l, s, gen, r, &cgroup, err);
	if (rc == 0) {
		c.exit_fd = r->exit_fd;
		c.logs[0] = r->logs[0];
		c.logs[1] = r->logs[1];
		c.init = l->init;
		c.bare = l->bare;
		c.cgroups = l->cgroups;
		c.leaf = r->leaf;
		nets_alias(&l->nets, s, c.alias);
		r->fenced = c.fence >= 0;
		c.log_bytes = s->command ? COMMAND_LOG_BYTES :
		    (s->log_bytes ? s->log_bytes : SPEC_LOG_BYTES) / (uint64_t)c.logs_count;
		c.outside_uid = launch_outside(s->uid_maps, s->uid_maps_count, s->uid);
		c.outside_gid = launch_outside(s->gid_maps, s->gid_maps_count, s->gid);
		rc = clone_child(&c, cgroup, r, err);
	}
	if (rc == 0)
		rc = limit_cgroup(l, s, r, err);
	filter_done(&filter, &l->filter);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		if (*fds[i] >= 0)
			close(*fds[i]);
	close_each(c.more_logs, ARRAY_LEN(c.more_logs));
	close_each(c.volumes, s->volumes_count);
	if (rc < 0) {
		launch_undo(l, r);
		return rc;
	}
	for (int i = 0; i < 2 && !s->command; i++) {
		close(r->logs[i]); /* the init has them; we need none */
		r->logs[i] = -1;
	}
	return 0;
}

int
launch_go(struct launcher *l, const struct spec *s, struct running *r,
    struct err *err)
{
	int rc;

	r->hash = s->hash;
	r->judged = s->judged;
	r->since_ms = sys_wall_ms();
	r->start_time = sys_start_time(r->pid);
	r->id = sys_pidfd_id(r->pidfd);
	rc = cgroup_attach(l->cgroups, r->leaf, r->pid, err);
	if (rc == 0)
		rc = launch_note(l, s, r, err);
	/* EPIPE: the child failed already, and says why on its error pipe. */
	if (rc == 0 && write(r->release, "x", 1) != 1 && errno != EPIPE)
		rc = err_set(err, EXIT_ENVIRONMENT, "%s: release: %s",
		    s->instance, strerror(errno));
	close(r->release);
	r->release = -1;
	if (rc < 0)
		launch_undo(l, r);
	return rc;
}

int
launch(struct launcher *l, const struct spec *s, uint32_t gen,
    struct running *r, struct err *err)
{
	int rc = launch_begin(l, s, gen, r, err);

	return rc < 0 ? rc : launch_go(l, s, r, err);
}

/* Of an instance, in run-dir. */
static const char *const files[] = {"pid", "exit", "fence", "hosts", "resolv.conf"};

void
launch_tidy(const struct launcher *l, const char *instance)
{
	char name[NAME_CAP + 16];

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		snprintf(name, sizeof name, "%s.%s", instance, files[i]);
		place_only_file(l->place->pids_dir, name);
	}
}

void
launch_forget(const struct launcher *l, const char *instance)
{
	char name[NAME_CAP + 16];

	launch_forget_logs(l, instance);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		snprintf(name, sizeof name, "%s.%s", instance, files[i]);
		unlinkat(l->place->pids_dir, name, 0);
	}
}
