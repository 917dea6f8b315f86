/*
 * filter.c - see filter.h.  The allow-list is what ordinary programs, language
 * runtimes and servers use; what only administers a machine is not in it.
 */
#include "filter.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <unistd.h>

#include "../base/name.h"
#include "../base/own.h"
#include "../base/weak.h"
#include "sys.h"

enum { CALLS_MAX = 512 }; /* numbers go so far */

/* Names that this architecture or kernel does not know are left out. */
static const char *const allowed[] = {
    /* files */
    "access", "chdir", "chmod", "chown", "close", "close_range",
    "copy_file_range", "creat", "dup", "dup2", "dup3", "faccessat",
    "faccessat2", "fadvise64", "fallocate", "fchdir", "fchmod", "fchmodat",
    "fchmodat2", "fchown", "fchownat", "fcntl", "fdatasync", "fgetxattr",
    "flistxattr", "flock", "fremovexattr", "fsetxattr", "fstat", "fstatfs",
    "fsync", "ftruncate", "futimesat", "getcwd", "getdents", "getdents64",
    "getxattr", "inotify_add_watch", "inotify_init", "inotify_init1",
    "inotify_rm_watch", "ioctl", "lchown", "lgetxattr", "link", "linkat",
    "listxattr", "llistxattr", "lremovexattr", "lseek", "lsetxattr", "lstat",
    "mkdir", "mkdirat", "mknod", "mknodat", "newfstatat", "open", "openat",
    "openat2", "pread64", "preadv", "preadv2", "pwrite64", "pwritev",
    "pwritev2", "read", "readahead", "readlink", "readlinkat", "readv",
    "removexattr", "rename", "renameat", "renameat2", "rmdir", "sendfile",
    "setxattr", "splice", "stat", "statfs", "statx", "symlink", "symlinkat",
    "sync", "sync_file_range", "syncfs", "tee", "truncate", "umask", "unlink",
    "unlinkat", "utime", "utimensat", "utimes", "vmsplice", "write", "writev",
    "name_to_handle_at",
    /* memory */
    "brk", "madvise", "membarrier", "memfd_create", "mincore", "mlock",
    "mlock2", "mlockall", "mmap", "mprotect", "mremap", "msync", "munlock",
    "munlockall", "munmap", "pkey_alloc", "pkey_free", "pkey_mprotect",
    "remap_file_pages", "get_mempolicy", "map_shadow_stack", "mseal",
    /* processes */
    "alarm", "arch_prctl", "capget", "capset", "clone", "execve", "execveat",
    "exit", "exit_group", "fork", "getegid", "geteuid", "getgid", "getgroups",
    "getitimer", "getpgid", "getpgrp", "getpid", "getppid", "getpriority",
    "getresgid", "getresuid", "getrlimit", "getrusage", "getsid", "gettid",
    "getuid", "ioprio_get", "ioprio_set", "kill", "pause", "pidfd_open",
    "pidfd_send_signal", "prctl", "prlimit64", "rseq", "sched_get_priority_max",
    "sched_get_priority_min", "sched_getaffinity", "sched_getattr",
    "sched_getparam", "sched_getscheduler", "sched_rr_get_interval",
    "sched_setaffinity", "sched_setattr", "sched_setparam",
    "sched_setscheduler", "sched_yield", "set_robust_list", "get_robust_list",
    "set_thread_area", "get_thread_area", "set_tid_address", "setfsgid",
    "setfsuid", "setgid", "setgroups", "setitimer", "setpgid", "setpriority",
    "setregid", "setresgid", "setresuid", "setreuid", "setrlimit", "setsid",
    "setuid", "tgkill", "tkill", "vfork", "wait4", "waitid", "seccomp",
    "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self",
    "getcpu",
    /* signals, time, waiting */
    "clock_getres", "clock_gettime", "clock_nanosleep", "epoll_create",
    "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait",
    "eventfd", "eventfd2", "futex", "futex_wait", "futex_wake",
    "futex_requeue", "futex_waitv", "gettimeofday", "nanosleep", "poll",
    "ppoll", "pselect6", "restart_syscall", "rt_sigaction", "rt_sigpending",
    "rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend",
    "rt_sigtimedwait", "rt_tgsigqueueinfo", "select", "sigaltstack", "signalfd",
    "signalfd4", "time", "timer_create", "timer_delete", "timer_getoverrun",
    "timer_gettime", "timer_settime", "timerfd_create", "timerfd_gettime",
    "timerfd_settime", "times",
    /* talking */
    "accept", "accept4", "bind", "connect", "getpeername", "getsockname",
    "getsockopt", "listen", "mq_getsetattr", "mq_notify", "mq_open",
    "mq_timedreceive", "mq_timedsend", "mq_unlink", "msgctl", "msgget",
    "msgrcv", "msgsnd", "pipe", "pipe2", "recvfrom", "recvmmsg", "recvmsg",
    "semctl", "semget", "semop", "semtimedop", "sendmmsg", "sendmsg", "sendto",
    "setsockopt", "shmat", "shmctl", "shmdt", "shmget", "shutdown", "socket",
    "socketpair", "io_cancel", "io_destroy", "io_getevents", "io_pgetevents",
    "io_setup", "io_submit",
    /* the machine, read only */
    "getrandom", "sysinfo", "uname",
};

static const unsigned personalities[] = {0x0, 0x8, 0x20000, 0x20008, 0xffffffff};

static const unsigned long new_namespaces[] = {CLONE_NEWNS, CLONE_NEWUTS,
    CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWCGROUP};

static const int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};

/* TCP by another name, for which no Landlock rule on ports is asked: multipath
 * TCP, and SMC.  Whoever would like the first (Go's listeners) takes TCP instead. */
enum { PROTO_SMC = 256, PROTO_MPTCP = 262 };
static const unsigned protocols[] = {PROTO_SMC, PROTO_MPTCP};

/* more: by the sandbox's word. */
static int
allow_list(scmp_filter_ctx ctx, const struct strs *more)
{
	const char *name = more != NULL ? more->buf : NULL;
	int rc = 0;

	for (uint32_t i = 0; name != NULL && i < more->count && rc == 0; i++) {
		int nr = seccomp_syscall_resolve_name(name);

		if (nr >= 0)
			rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 0);
		name += strlen(name) + 1;
	}
	for (size_t i = 0; i < ARRAY_LEN(allowed) && rc == 0; i++) {
		int nr = seccomp_syscall_resolve_name(allowed[i]);

		if (nr >= 0)
			rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(personalities) && rc == 0; i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW,
		    SCMP_SYS(personality), 1,
		    SCMP_A0_32(SCMP_CMP_EQ, personalities[i], 0));
	/* Through to the second program, which answers ENOSYS. */
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone3), 0);
	return rc;
}

/* Whoever makes a set-uid file on a volume makes it for the host too, where it is
 * a program that all users of the host can run.  openat2 has its mode in memory,
 * where no filter sees it; who asks for it has another way without it. */
static int
no_setuid_files(scmp_filter_ctx ctx)
{
	static const struct {
		const char *name;
		unsigned mode; /* which argument */
	} calls[] = {{"chmod", 1}, {"fchmod", 1}, {"fchmodat", 2},
	    {"fchmodat2", 2}, {"creat", 1}, {"mknod", 1}, {"mknodat", 2}};
	static const struct {
		const char *name;
		unsigned flags, mode;
	} opens[] = {{"open", 1, 2}, {"openat", 2, 3}};
	/* Without these the mode is whatever the register holds. */
	static const unsigned makes[] = {O_CREAT, O_TMPFILE & ~O_DIRECTORY};
	int rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS),
	    SCMP_SYS(openat2), 0);

	for (size_t i = 0; i < ARRAY_LEN(calls) && rc == 0; i++) {
		int nr = seccomp_syscall_resolve_name(calls[i].name);

		if (nr >= 0)
			rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), nr, 1,
			    SCMP_CMP64(calls[i].mode, SCMP_CMP_MASKED_EQ,
				S_ISUID, S_ISUID));
	}
	for (size_t i = 0; i < ARRAY_LEN(opens) && rc == 0; i++) {
		int nr = seccomp_syscall_resolve_name(opens[i].name);

		for (size_t k = 0; k < ARRAY_LEN(makes) && rc == 0 && nr >= 0; k++)
			rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), nr, 2,
			    SCMP_CMP64(opens[i].flags, SCMP_CMP_MASKED_EQ,
				makes[k], makes[k]),
			    SCMP_CMP64(opens[i].mode, SCMP_CMP_MASKED_EQ,
				S_ISUID, S_ISUID));
	}
	return rc;
}

/* The kernel looks at 32 bits of these arguments: so do we (_32 compares). */
static int
deny_list(scmp_filter_ctx ctx, const struct strs *none)
{
	static const unsigned requests[] = {TIOCSTI, TIOCLINUX};
	int rc;

	(void)none;
	rc = !HOLDS("clone3") ? 0 :
	    seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	for (size_t i = 0; i < ARRAY_LEN(new_namespaces) && rc == 0 && HOLDS("clone-flags"); i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM),
		    SCMP_SYS(clone), 1,
		    SCMP_A0_64(SCMP_CMP_MASKED_EQ, new_namespaces[i],
			new_namespaces[i]));
	for (size_t i = 0; i < ARRAY_LEN(requests) && rc == 0 && HOLDS("tiocsti"); i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM),
		    SCMP_SYS(ioctl), 1,
		    SCMP_A1_64(SCMP_CMP_MASKED_EQ, 0xffffffffULL, requests[i]));
	if (rc == 0 && HOLDS("setuid-files"))
		rc = no_setuid_files(ctx);
	/* Another line discipline is a module of the kernel's that it loads by itself,
	 * for whoever has a terminal. */
	if (rc == 0 && HOLDS("disciplines"))
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
		    SCMP_A1_64(SCMP_CMP_MASKED_EQ, 0xffffffffULL, TIOCSETD));
	/* With a lease on a file of its image, which is its own where it is user 0
	 * inside, it could keep all others of the image from being started. */
	if (rc == 0 && HOLDS("leases"))
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(fcntl), 1,
		    SCMP_A1_64(SCMP_CMP_MASKED_EQ, 0xffffffffULL, F_SETLEASE));
	for (int family = 0; family < AF_MAX && rc == 0; family++) {
		bool fine = !HOLDS("families");

		for (size_t i = 0; i < ARRAY_LEN(families); i++)
			fine = fine || family == families[i];
		if (!fine)
			rc = seccomp_rule_add(ctx,
			    SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
			    SCMP_A0_64(SCMP_CMP_MASKED_EQ, 0xffffffffULL,
				(scmp_datum_t)family));
	}
	for (size_t i = 0; i < ARRAY_LEN(protocols) && rc == 0 && HOLDS("protocols"); i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPROTONOSUPPORT),
		    SCMP_SYS(socket), 1,
		    SCMP_A2_64(SCMP_CMP_MASKED_EQ, 0xffffffffULL, protocols[i]));
	/* Routes, links and addresses are what libraries ask for.  The others are the kernel's
	 * own doors for who administers it, and it loads what is behind them when asked. */
	if (rc == 0 && HOLDS("netlink"))
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPROTONOSUPPORT), SCMP_SYS(socket), 2,
		    SCMP_A0_64(SCMP_CMP_MASKED_EQ, 0xffffffffULL, AF_NETLINK),
		    SCMP_A2_64(SCMP_CMP_NE, NETLINK_ROUTE, 0));
	/* Its own pid 1 is of its user: of a file size of 0 there comes no log any more. */
	if (rc == 0 && HOLDS("limits-of-others"))
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prlimit64), 2,
		    SCMP_A0_64(SCMP_CMP_NE, 0, 0), SCMP_A2_64(SCMP_CMP_NE, 0, 0));
	/* Others make their sockets here too, with the modules they need. */
	if (rc == 0 && HOLDS("families"))
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EAFNOSUPPORT),
		    SCMP_SYS(socketpair), 1, SCMP_A0(SCMP_CMP_NE, AF_UNIX, 0));
	return rc;
}

static int
export_program(scmp_filter_ctx ctx, struct sock_fprog *out)
{
	AUTO_CLOSE int fd = memfd_create("filter", MFD_CLOEXEC);
	struct stat st;
	size_t len;

	if (fd < 0 || seccomp_export_bpf(ctx, fd) < 0 || fstat(fd, &st) < 0)
		return -1;
	len = (size_t)st.st_size;
	out->filter = malloc(len);
	out->len = (unsigned short)(len / sizeof *out->filter);
	if (out->filter == NULL ||
	    sys_read_all(fd, out->filter, len) != (ssize_t)len)
		return -1;
	return 0;
}

static int
compile_one(uint32_t dflt, int (*rules)(scmp_filter_ctx, const struct strs *),
    const struct strs *more, struct sock_fprog *out, struct err *err)
{
	scmp_filter_ctx ctx = seccomp_init(dflt);
	int rc = -1;

	if (ctx != NULL) {
		(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
		if (!HOLDS("architectures"))
			(void)seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH,
			    SCMP_ACT_ALLOW);
		rc = rules(ctx, more);
		if (rc == 0)
			rc = export_program(ctx, out);
		seccomp_release(ctx);
	}
	if (rc < 0)
		return err_set(err, EXIT_ENVIRONMENT,
		    "cannot compile the seccomp filter of containers");
	return 0;
}

int
filter_compile(struct filter *f, struct err *err)
{
	int rc = compile_one(SCMP_ACT_ERRNO(EPERM), allow_list, NULL, &f->prog[0], err);

	if (rc < 0)
		return rc;
	return compile_one(SCMP_ACT_ALLOW, deny_list, NULL, &f->prog[1], err);
}

bool
filter_knows(const char *call)
{
	return seccomp_syscall_resolve_name(call) >= 0;
}

bool
filter_knows_elsewhere(const char *call)
{
	return seccomp_syscall_resolve_name(call) != __NR_SCMP_ERROR;
}

void
filter_near(const char *call, char near[FILTER_NAME_CAP])
{
	char *names[CALLS_MAX] = {NULL};
	const char *best;
	size_t n = 0;

	for (int nr = 0; nr < CALLS_MAX; nr++) /* owned */
		if ((names[n] = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, nr)) != NULL)
			n++;
	best = name_suggest(call, (const char *const *)names, n);
	snprintf(near, FILTER_NAME_CAP, "%s", best != NULL ? best : "");
	while (n > 0)
		free(names[--n]);
}

int
filter_for(const struct filter *base, const struct spec *s, struct filter *out,
    struct err *err)
{
	*out = *base;
	if (strcmp(s->seccomp, SPEC_UNCONFINED) == 0)
		memset(out, 0, sizeof *out);
	if (s->calls.count == 0)
		return 0;
	memset(&out->prog[0], 0, sizeof out->prog[0]);
	return compile_one(SCMP_ACT_ERRNO(EPERM), allow_list, &s->calls, &out->prog[0], err);
}

void
filter_done(struct filter *f, const struct filter *base)
{
	if (f->prog[0].filter != base->prog[0].filter)
		free(f->prog[0].filter);
	f->prog[0].filter = NULL;
}

int
filter_install(const struct filter *f)
{
	for (int i = 0; i < FILTER_PROGRAMS; i++)
		if (f->prog[i].len > 0 && HOLDS(i ? "deny-list" : "allow-list") &&
		    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0,
			&f->prog[i]) < 0)
			return -1;
	return 0;
}
