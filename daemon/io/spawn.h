/*
 * spawn.h - run one helper program (meshd-script, meshd-conf) in a fresh
 * address space: input in a sealed memfd, answer from a pipe, killed at the
 * deadline and when we die.  Children are reaped through pidfds: no SIGCHLD,
 * no global state, any number at once.
 *
 * Or, with work, no program: a copy of this process as it is now (fork), which has what
 * we have in memory, and can change nothing of it.
 */
#ifndef IO_SPAWN_H
#define IO_SPAWN_H

#include <uv.h>

#include "../../gossip/base.h"
#include "../base/err.h"

enum { SPAWN_ERRTEXT_BYTES = 4096 };

struct spawn_conf {
	int prog_fd;		 /* O_PATH or readable; borrowed for the call */
	const char *const *argv; /* NULL-terminated; borrowed for the call */
	const void *input;	 /* all of stdin; copied */
	size_t input_len;
	size_t out_cap;		 /* more output than this ends the child */
	uint32_t deadline_ms;	 /* of wall time, then SIGKILL; > 0 */
	int (*work)(void *arg);	 /* instead of a program: runs in the copy, gives its exit code */
	void *work_arg;
	int work_fd;		 /* what it may use besides, as 3; borrowed; 0: nothing */
};

struct spawn_result {
	int exit_status;	  /* exit code, or -SIGNAL */
	bool killed_by_deadline;
	bool killed_by_output;	  /* it wrote more than out_cap */
	uint32_t ms;		  /* wall time it took */
	uint8_t *out;		  /* stdout; take it: r->out = NULL, then free() it */
	size_t out_len;
	char errtext[SPAWN_ERRTEXT_BYTES + 1]; /* the end of stderr, raw */
};

struct spawn;
/* r and what it holds are good for the call only, except a taken out. */
typedef void spawn_done(void *arg, struct spawn_result *r);

/*
 * The child has stdin, stdout, stderr and nothing else, no environment but
 * LC_ALL=C, and SIGKILL as its parent-death signal.  done is called exactly
 * once, from the loop and never from inside this call, unless it is cancelled.
 * EXIT_ENVIRONMENT when it can't be started; *out (may be NULL) then NULL.
 * A program that can't be exec'd is a result with exit_status 127.  Work finds every
 * signal at its default and no other descriptor open, but for its work_fd; it must not touch the loop.
 */
MUST_CHECK int spawn_run(uv_loop_t *loop, const struct spawn_conf *conf,
    spawn_done *done, void *arg, struct spawn **out, struct err *err);
/* Kill it; done is not called, s is gone for the caller. */
void spawn_cancel(struct spawn *s);

#endif
