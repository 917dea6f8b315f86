/*
 * confine.c - see confine.h.
 *
 * Not by libseccomp: that takes longer than most of what such a copy does.  Numbers of another
 * architecture than this program's don't come: the engine's own filter, which holds on, kills
 * for them.
 */
#include "confine.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../base/own.h"
#include "../base/sanitized.h"

enum { DIR_FD = 3 };

#define NUMBER BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
#define ALLOW(name)                                                                                \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#if SANITIZED
#define ALLOW_SANITIZER ALLOW(sigaltstack), ALLOW(sched_yield),
#else
#define ALLOW_SANITIZER
#endif
/* clang-format off */
#define ALLOW_COMPUTE                                                                              \
	ALLOW(write), ALLOW(mmap), ALLOW(munmap), ALLOW(mremap), ALLOW(madvise), ALLOW(mprotect),      \
	ALLOW(brk), ALLOW(futex), ALLOW(clock_gettime), ALLOW(rt_sigreturn),                           \
	/* abort(), for an assertion to end as one */                                                  \
	ALLOW(rt_sigprocmask), ALLOW(rt_sigaction), ALLOW(gettid), ALLOW(getpid), ALLOW(tgkill),       \
	ALLOW_SANITIZER ALLOW(exit), ALLOW(exit_group)
/* clang-format on */

static bool
load(const struct sock_filter *rules, size_t count)
{
	const struct sock_fprog program = {
	    .len = (unsigned short)count, .filter = (struct sock_filter *)(uintptr_t)rules};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

bool
confine_compute(void)
{
	static const struct sock_filter rules[] = {
	    NUMBER, ALLOW_COMPUTE, BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)};

	return load(rules, ARRAY_LEN(rules));
}

/* A path that begins with "/" asks no directory: without this the number of a call would be all
 * that is judged.  True also where the kernel has none of it. */
static bool
only_beneath(int dir)
{
	const uint64_t file = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |
	    LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG;
	const struct landlock_ruleset_attr all = {.handled_access_fs = file | LANDLOCK_ACCESS_FS_EXECUTE |
		LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
		LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
		LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM};
	const struct landlock_path_beneath_attr here = {.allowed_access = file, .parent_fd = dir};
	AUTO_CLOSE int rules = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0);

	if (rules < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP;
	return syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &here, 0) == 0 &&
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    syscall(SYS_landlock_restrict_self, rules, 0) == 0;
}

bool
confine_files(void)
{
	static const struct sock_filter rules[] = {NUMBER, ALLOW_COMPUTE, ALLOW(read), ALLOW(pread64),
	    ALLOW(pwrite64), ALLOW(lseek), ALLOW(openat), ALLOW(close), ALLOW(fcntl), ALLOW(fstat),
	    ALLOW(newfstatat), ALLOW(statx), ALLOW(faccessat), ALLOW(faccessat2), ALLOW(getdents64),
	    ALLOW(ftruncate), ALLOW(fchmod), ALLOW(fsync), ALLOW(fdatasync), ALLOW(renameat),
	    ALLOW(renameat2), ALLOW(unlinkat), ALLOW(getrandom), ALLOW(restart_syscall),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)};

	return only_beneath(DIR_FD) && load(rules, ARRAY_LEN(rules));
}
