/*
 * filter.h - the seccomp filter of every container, compiled once at start.
 *
 * Two programs, both installed: an allow-list of system calls (anything else
 * is EPERM), and a deny-list of arguments (new namespaces, terminal
 * injection, foreign socket families).  clone3 is ENOSYS, because its flags
 * lie behind a pointer where no filter sees them; libc then uses clone.
 */
#ifndef SUPERVISOR_FILTER_H
#define SUPERVISOR_FILTER_H

#include <linux/filter.h>

#include "../base/err.h"

enum { FILTER_PROGRAMS = 2 };

struct filter {
	struct sock_fprog prog[FILTER_PROGRAMS]; /* owned, for our whole life */
};

MUST_CHECK int filter_compile(struct filter *f, struct err *err);
/* Into this process, which has no_new_privs.  0, or -1 and errno. */
int filter_install(const struct filter *f);

#endif
