/*
 * filter.h - the seccomp filter of every container, compiled once at start; of
 * one that has a profile of its sandbox, when it starts.
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
#include "spec.h"

enum { FILTER_PROGRAMS = 2 };

struct filter {
	struct sock_fprog prog[FILTER_PROGRAMS]; /* owned, for our whole life */
};

MUST_CHECK int filter_compile(struct filter *f, struct err *err);
/* Is there a system call of this name on this machine? */
bool filter_knows(const char *call);
/* Or of another kind? */
bool filter_knows_elsewhere(const char *call);
/* The name on this machine that was meant, perhaps; or "". */
enum { FILTER_NAME_CAP = 40 };
void filter_near(const char *call, char near[FILTER_NAME_CAP]);
/* What s asks for: base itself; base with more system calls in its allow-list; or
 * nothing (`seccomp: unconfined`).  *out borrows from base, until filter_done. */
MUST_CHECK int filter_for(const struct filter *base, const struct spec *s, struct filter *out,
    struct err *err);
void filter_done(struct filter *f, const struct filter *base);
/* Into this process, which has no_new_privs.  0, or -1 and errno. */
int filter_install(const struct filter *f);

#endif
