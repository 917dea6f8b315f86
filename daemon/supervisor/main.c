/*
 * meshd - the supervisor: the only part that is root.
 *
 * It reads no byte from the network and no YAML.  It starts the engine and
 * meshd-conf with less rights than its own, owns the containers, and judges
 * every request by what this host's administrator wrote.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "../base/ctl.h"
#include "../base/log.h"
#include "args.h"
#include "check.h"
#include "programs.h"
#include "lease.h"
#include "rootless.h"
#include "sup.h"
#include "sys.h"

static int
fail(const struct err *err)
{
	fprintf(stderr, "meshd: %s\n", err->text);
	return err->code;
}

/* The throw-away mesh is a script that uses us; it gets our arguments. */
static int
dev(const struct args *a, char **argv, struct err *err)
{
	char path[PROGRAMS_PATH_CAP];
	int rc = programs_path("mesh-dev", path, sizeof path, err);

	if (rc < 0)
		return rc;
	argv[a->dev_at - 1] = path;
	execv(path, argv + a->dev_at - 1);
	return err_set(err, EXIT_ENVIRONMENT, "cannot run %s: %s", path,
	    strerror(errno));
}

/* Descriptors 0, 1 and 2 exist, so that none of ours ever takes their place. */
static void
settle_descriptors(void)
{
	int fd;

	while ((fd = open("/dev/null", O_RDWR | O_CLOEXEC)) >= 0 && fd < 3)
		fcntl(fd, F_SETFD, 0);
	if (fd >= 3)
		close(fd);
}

static int
open_programs(struct programs *p, struct err *err)
{
	int rc;

	if ((rc = programs_open("meshd-conf", O_PATH, &p->conf, err)) < 0 ||
	    (rc = programs_open("meshd-engine", O_PATH, &p->engine, err)) < 0 ||
	    (rc = programs_open("meshd-script", O_PATH, &p->script, err)) < 0)
		return rc;
	return programs_open("meshd-init", O_RDONLY, &p->init, err);
}

static int
open_signals(struct sup *s, struct err *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signals < 0)
		return err_set(err, EXIT_ENVIRONMENT, "signalfd: %s",
		    strerror(errno));
	return 0;
}

/* The key is looked at once at start, so that a bad one is told at once.  Work
 * that is here already needs none. */
static int
check_key(const struct sup *s, struct err *err)
{
	int fd = -1, rc = place_key(&s->conf, &fd, err);

	if (fd >= 0)
		close(fd);
	if (rc == 0 || s->rows_count == 0)
		return rc;
	log_warn("%s; what is here runs on", err->text);
	return 0;
}

static int
start(struct sup *s, const struct args *a, struct err *err)
{
	int rc;

	if (a->rootless && (rc = rootless_open(a->owners, err)) < 0)
		return rc;
	if (geteuid() != 0)
		return err_set(err, EXIT_ENVIRONMENT,
		    "must run as root (uid 0), running as uid %u; as an ordinary user: meshd --rootless",
		    geteuid());
	if ((rc = open_programs(&s->programs, err)) < 0 ||
	    (rc = config_load(&s->conf, rootless_config(a->config), s->programs.conf,
		 a->debug, err)) < 0)
		return rc;
	log_init("meshd", s->conf.log_level);
	notify_open(&s->notify);
	web_new(&s->web);
	if ((rc = config_accounts(&s->conf, err)) < 0 ||
	    (rc = place_open(&s->place, &s->conf, err)) < 0 ||
	    (rc = cgroup_open(&s->cgroups, s->conf.cgroup, err)) < 0 ||
	    (rc = launch_open(&s->launcher, &s->place, &s->cgroups, s->conf.gid,
		 s->programs.init, err)) < 0 ||
	    (rc = open_signals(s, err)) < 0 || (rc = lease_open(s, err)) < 0 ||
	    (rc = web_open(&s->web, &s->conf, err)) < 0)
		return rc;
	if (!rootless())
		cgroup_keep_port(&s->cgroups, s->conf.port, s->conf.uid);
	nets_new(&s->launcher.nets, s->conf.cgroup);
	s->launcher.conf = s->programs.conf;
	s->launcher.conf_uid = s->conf.conf_uid;
	s->launcher.conf_gid = s->conf.conf_gid;
	if ((rc = oom_open(&s->oom, &s->cgroups, err)) < 0)
		return rc;
	s->lease_armed = UINT64_MAX; /* not armed */
	s->late_at = MSEC_NEVER;
	s->limits_at = MSEC_NEVER;
	for (size_t i = 0; i < LIMITERS_MAX; i++)
		limiter_new(&s->limiters[i]);
	opener_new(&s->looker);
	opener_new(&s->appfind.opener);
	hostact_open(s);
	if ((rc = boot(s, sys_now(), err)) < 0)
		return rc;
	exec_open(s);
	return check_key(s, err);
}

int
main(int argc, char **argv)
{
	static struct sup s = {.engine = {.pidfd = -1, .sock = -1}, .audit = {.pidfd = -1, .out = -1}};
	struct args args;
	struct err err;

	settle_descriptors();
	sys_raise_nofile();
	sys_default_signals();
	if (args_parse(&args, argc, argv, &err) < 0)
		return fail(&err);
	if (args.mode == ARGS_HELP) {
		fputs(args_usage, stdout);
		return 0;
	}
	if (args.mode == ARGS_VERSION) {
		puts("meshd " MESH_VERSION);
		return 0;
	}
	if (args.mode == ARGS_DEV) {
		dev(&args, argv, &err);
		return fail(&err);
	}
	log_init("meshd", LOG_LEVEL_INFO);
	if (args.mode == ARGS_CHECK) {
		int rc = check_run(args.check, args.image, &err);

		return rc < 0 ? fail(&err) : rc;
	}
	if (args.rootless && args.owners < 0) /* it comes back only with an error */
		return rootless_enter(&args, argv, &err) < 0 ? fail(&err) : 0;
	if (start(&s, &args, &err) < 0)
		return fail(&err);
	return loop(&s);
}
