/*
 * countdown.c - preloaded into meshd: from the moment that the file CRASH_ARM
 * exists, its CRASH_AFTERth call that changes something outside (a file, a
 * name, a byte through a pipe) is the last thing it does, by a kill -9.
 */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

extern char *program_invocation_short_name;

static pid_t counted;
static int left;

__attribute__((constructor)) static void
begin(void)
{
	if (strcmp(program_invocation_short_name, "meshd") == 0) {
		counted = getpid();
		left = atoi(getenv("CRASH_AFTER"));
	}
}

static void
done(void)
{
	int saved = errno;

	if (getpid() == counted && access(getenv("CRASH_ARM"), F_OK) == 0 &&
	    --left == 0)
		kill(counted, SIGKILL);
	errno = saved;
}

#define WRAP(type, name, args, call)                                           \
	type name args                                                         \
	{                                                                      \
		type(*real) args = (type(*) args)dlsym(RTLD_NEXT, #name);      \
		type rc = real call;                                           \
		done();                                                        \
		return rc;                                                     \
	}

WRAP(int, fsync, (int fd), (fd))
WRAP(int, renameat, (int a, const char *b, int c, const char *d), (a, b, c, d))
WRAP(int, unlinkat, (int a, const char *b, int c), (a, b, c))
WRAP(int, mkdirat, (int a, const char *b, mode_t c), (a, b, c))
WRAP(ssize_t, write, (int a, const void *b, size_t c), (a, b, c))
WRAP(ssize_t, pwrite, (int a, const void *b, size_t c, off_t d), (a, b, c, d))
