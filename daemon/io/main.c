/*
 * main.c - meshd-engine: started by the supervisor on the descriptors of
 * base/proto.h, as user mesh, without capabilities.  It refuses to run any
 * other way, shuts what it will never need, and turns the loop.
 */
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "../base/log.h"
#include "engine.h"

/* What no engine, script or conf process ever does.  A deny-list, because the
 * children add their own allow-lists and libraries differ; root's walls are
 * the supervisor's checks, not this.  adjtimex is not among them: how well the clock keeps
 * time is read by it, and setting it needs a capability that nobody here has. */
static const char *const never[] = {
    "mount", "umount2", "pivot_root", "chroot", "setns", "unshare", "ptrace", "process_vm_readv",
    "process_vm_writev", "bpf", "perf_event_open", "userfaultfd", "io_uring_setup",
    "io_uring_enter", "io_uring_register", "keyctl", "add_key", "request_key", "init_module",
    "finit_module", "delete_module", "kexec_load", "kexec_file_load", "open_by_handle_at",
    "name_to_handle_at", "reboot", "swapon", "swapoff", "acct", "quotactl", "settimeofday",
    "clock_settime", "sethostname", "setdomainname", "fsopen",
    "fsmount", "fsconfig", "fspick", "move_mount", "open_tree", "mount_setattr", "iopl", "ioperm",
    "personality", "syslog", "vhangup", "mknod", "mknodat",
};

static int
shut(struct err *err)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	struct rlimit none = {0, 0};
	int rc = 0;

	if (ctx == NULL)
		return err_set(err, EXIT_ENVIRONMENT, "seccomp: out of memory");
	for (size_t i = 0; i < ARRAY_LEN(never); i++) {
		int nr = seccomp_syscall_resolve_name(never[i]);

		if (nr != __NR_SCMP_ERROR && rc == 0)
			rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), nr, 0);
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		rc = -errno;
	if (rc == 0)
		rc = seccomp_load(ctx);
	seccomp_release(ctx);
	if (rc < 0)
		return err_set(err, EXIT_ENVIRONMENT, "seccomp: %s", strerror(-rc));
	/* Keys live here: no core files, no ptrace by our own user. */
	if (setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_set(err, EXIT_ENVIRONMENT, "no core files: %s", strerror(errno));
	return 0;
}

/* Ours alone: children get only what spawn.c gives them. */
static int
take_descriptors(struct err *err)
{
	for (int fd = SUP_FD_SOCKET; fd <= SUP_FD_LAST; fd++)
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
			return err_set(err, EXIT_ENVIRONMENT,
			    "descriptor %d is missing: meshd starts this program, nobody else", fd);
	if (fcntl(SUP_FD_SOCKET, F_SETFL, O_NONBLOCK) < 0)
		return err_set(err, EXIT_ENVIRONMENT, "supervisor socket: %s", strerror(errno));
	return 0;
}

int
main(void)
{
	static struct engine engine;
	struct err err;
	uv_loop_t *loop;

	log_init("engine", LOG_LEVEL_INFO);
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	if (take_descriptors(&err) < 0 || shut(&err) < 0) {
		log_warn("%s", err.text);
		return err.code;
	}
	if ((loop = uv_default_loop()) == NULL) {
		log_warn("no event loop");
		return EXIT_ENVIRONMENT;
	}
	if (engine_start(&engine, loop, &err) < 0) {
		log_warn("%s", err.text);
		return err.code;
	}
	log_info("node %s", engine.conf.name);
	return uv_run(loop, UV_RUN_DEFAULT);
}
