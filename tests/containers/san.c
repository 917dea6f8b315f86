/*
 * san.c - what the sanitizers are told in the programs that they instrument
 * (`make SAN=...`): most are exec'd with an environment that has no word of it.
 *
 * A report goes to a file of its own: stderr is somebody else's input
 * (meshd takes meshd-conf's as its error) or /dev/null (before a container's init).
 * Where the file can't be made, as inside of a container, who found it ends all
 * the same, and what it was to do fails.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

const char *__asan_default_options(void);
const char *__ubsan_default_options(void);
int __lsan_is_turned_off(void);

#define REPORTS "/tmp/mesh-san-reports" /* tests/run.sh makes it; elsewhere stderr has to do */
#define REPORT REPORTS "/report"
#define TO_FILES "log_path=" REPORT ":log_exe_name=1:"
#define OF_ASAN "exitcode=99:detect_stack_use_after_return=1:verify_asan_link_order=0"
#define OF_UBSAN "exitcode=99:print_stacktrace=1"

const char *
__asan_default_options(void)
{
	/* Tests have a library of their own loaded before all others. */
	return access(REPORTS, W_OK) == 0 ? TO_FILES OF_ASAN : OF_ASAN;
}

const char *
__ubsan_default_options(void)
{
	return OF_UBSAN;
}

/* gcc's is a library of its own, which takes no log_path where ASan is too. */
__attribute__((constructor)) static void
begin(void)
{
	void *own = dlopen("libubsan.so.1", RTLD_LAZY | RTLD_NOLOAD);
	void (*set)(const char *) = NULL;

	if (own != NULL)
		*(void **)&set = dlsym(own, "__sanitizer_set_report_path");
	if (set != NULL && access(REPORTS, W_OK) == 0)
		set(REPORT);
}

/* Leaks are looked for by a process that traces, which some let nobody do and others
 * may not by a filter, and that finds its threads in /proc, which may be that of
 * another pid namespace. */
int
__lsan_is_turned_off(void)
{
	char pid[16] = "";

	return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 1 || prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != 0 ||
	    readlink("/proc/self", pid, sizeof pid - 1) <= 0 || atoi(pid) != getpid();
}
