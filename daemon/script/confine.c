/*
 * confine.c - rlimits and a kill-by-default seccomp filter.
 *
 * The list is what glibc's malloc, stdio-free writing, the CPU timer and exit
 * need.  getrandom is malloc's own (its tcache key); nothing here sorts with
 * qsort, which would ask sysinfo for the size of memory.
 * A sanitizer build keeps the rlimits it can live with but no filter: its
 * run-time maps terabytes and opens /proc.  The tests of the filter run
 * against the ordinary build.
 */
#include "confine.h"

#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static int
limit(int what, const char *name, uint64_t soft, uint64_t hard, struct err *err)
{
	struct rlimit now, want = {soft, hard};

	if (getrlimit((__rlimit_resource_t)what, &now) == 0 && now.rlim_max < want.rlim_max) {
		want.rlim_max = now.rlim_max;
		if (want.rlim_cur > want.rlim_max)
			want.rlim_cur = want.rlim_max;
	}
	if (setrlimit((__rlimit_resource_t)what, &want) != 0)
		return err_set(err, EXIT_ENVIRONMENT, "meshd-script: setrlimit %s to %llu: %s",
		    name, (unsigned long long)soft, strerror(errno));
	return 0;
}

static int
filter(struct err *err)
{
	static const int allowed[] = {
	    SCMP_SYS(read),
	    SCMP_SYS(write),
	    SCMP_SYS(writev),
	    SCMP_SYS(brk),
	    SCMP_SYS(munmap),
	    SCMP_SYS(mremap),
	    SCMP_SYS(madvise),
	    SCMP_SYS(getrandom),
	    SCMP_SYS(clock_gettime),
	    SCMP_SYS(setitimer),
	    SCMP_SYS(rt_sigaction),
	    SCMP_SYS(rt_sigprocmask),
	    SCMP_SYS(rt_sigreturn),
	    SCMP_SYS(restart_syscall),
	    SCMP_SYS(exit),
	    SCMP_SYS(exit_group),
	};
	/* No mapping may become code; limits may only be our own. */
	static const struct scmp_arg_cmp no_code = {
	    .arg = 2, .op = SCMP_CMP_MASKED_EQ, .datum_a = PROT_EXEC, .datum_b = 0};
	static const struct scmp_arg_cmp own = {
	    .arg = 0, .op = SCMP_CMP_EQ, .datum_a = 0, .datum_b = 0};
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int rc = 0;

	if (ctx == NULL)
		return err_set(err, EXIT_ENVIRONMENT, "meshd-script: seccomp: out of memory");
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(allowed); i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
	if (rc == 0)
		rc = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, &no_code);
	if (rc == 0)
		rc = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, &own);
	if (rc == 0)
		rc = seccomp_load(ctx);
	seccomp_release(ctx);
	if (rc != 0)
		return err_set(err, EXIT_ENVIRONMENT,
		    "meshd-script: seccomp: %s; the kernel needs CONFIG_SECCOMP_FILTER",
		    strerror(-rc));
	return 0;
}

int
confine(uint64_t memory_bytes, struct err *err)
{
	if (limit(RLIMIT_CORE, "CORE", 0, 0, err) != 0)
		return -err->code;
	if (SANITIZED)
		return 0;
	if (limit(RLIMIT_AS, "AS", memory_bytes, memory_bytes, err) != 0 ||
	    limit(RLIMIT_NPROC, "NPROC", 0, 0, err) != 0 ||
	    limit(RLIMIT_NOFILE, "NOFILE", 3, 3, err) != 0)
		return -err->code;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return err_set(
		    err, EXIT_ENVIRONMENT, "meshd-script: no_new_privs: %s", strerror(errno));
	return filter(err);
}

int
confine_more(uint64_t memory_bytes, uint32_t cpu_ms, struct err *err)
{
	/* RLIMIT_CPU counts whole seconds; the timer of guard.h comes first. */
	uint64_t cpu_s = cpu_ms / 1000 + 2;

	if (limit(RLIMIT_CPU, "CPU", cpu_s, cpu_s, err) != 0)
		return -err->code;
	if (SANITIZED)
		return 0;
	return limit(RLIMIT_AS, "AS", memory_bytes, memory_bytes, err);
}
